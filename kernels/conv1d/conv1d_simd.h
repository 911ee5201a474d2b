/**
 * The few vector operations of conv1d's own loops, for AVX-512, AVX2 and plain C. A lane is one channel.
 * `partial` forms handle the last n < CONV1D_LANES channels and touch nothing behind them.
 */
#ifndef CHIRP_KERNELS_CONV1D_CONV1D_SIMD_H
#define CHIRP_KERNELS_CONV1D_CONV1D_SIMD_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#include <immintrin.h>

enum { CONV1D_LANES = 16 };
typedef __m512 conv1d_vec;
typedef __m512i conv1d_ivec;
typedef __mmask16 conv1d_mask;

static inline conv1d_mask conv1d_mask_first(int64_t n) { return (conv1d_mask)((1u << n) - 1u); }
static inline conv1d_vec conv1d_load(const float *x) { return _mm512_loadu_ps(x); }
static inline conv1d_vec conv1d_load_partial(const float *x, int64_t n)
{
    return _mm512_maskz_loadu_ps(conv1d_mask_first(n), x);
}
static inline void conv1d_store(float *x, conv1d_vec v) { _mm512_storeu_ps(x, v); }
static inline void conv1d_store_partial(float *x, conv1d_vec v, int64_t n)
{
    _mm512_mask_storeu_ps(x, conv1d_mask_first(n), v);
}
static inline conv1d_vec conv1d_zero(void) { return _mm512_setzero_ps(); }
static inline conv1d_vec conv1d_add(conv1d_vec a, conv1d_vec b) { return _mm512_add_ps(a, b); }
static inline conv1d_vec conv1d_set(float x) { return _mm512_set1_ps(x); }
/** a * b + c */
static inline conv1d_vec conv1d_fma(conv1d_vec a, conv1d_vec b, conv1d_vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}
/** Keeps a value that is used several times in its register: GCC would load it again for every multiply-add. */
static inline conv1d_vec conv1d_keep(conv1d_vec v)
{
    __asm__("" : "+v"(v));
    return v;
}
static inline void conv1d_store_ints(int32_t *x, conv1d_ivec v) { _mm512_storeu_si512(x, v); }
static inline conv1d_vec conv1d_select(conv1d_mask m, conv1d_vec yes, conv1d_vec no)
{
    return _mm512_mask_blend_ps(m, no, yes);
}
static inline conv1d_ivec conv1d_iselect(conv1d_mask m, conv1d_ivec yes, conv1d_ivec no)
{
    return _mm512_mask_blend_epi32(m, no, yes);
}
static inline conv1d_ivec conv1d_iset(int32_t j) { return _mm512_set1_epi32(j); }
/** v > best, or v is NaN */
static inline conv1d_mask conv1d_beats(conv1d_vec v, conv1d_vec best)
{
    return (conv1d_mask)(_mm512_cmp_ps_mask(v, best, _CMP_GT_OQ) |
                         _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q));
}
/** v <= 0 (false for NaN) */
static inline conv1d_mask conv1d_not_positive(conv1d_vec v)
{
    return _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_LE_OQ);
}
static inline conv1d_mask conv1d_equal(conv1d_ivec a, conv1d_ivec b)
{
    return _mm512_cmpeq_epi32_mask(a, b);
}
static inline void conv1d_store_codes(uint8_t *x, conv1d_ivec v)
{
    _mm_storeu_si128((__m128i *)(void *)x, _mm512_cvtepi32_epi8(v));
}
static inline void conv1d_store_codes_partial(uint8_t *x, conv1d_ivec v, int64_t n)
{
    _mm_mask_storeu_epi8(x, conv1d_mask_first(n), _mm512_cvtepi32_epi8(v));
}
static inline conv1d_ivec conv1d_load_codes(const uint8_t *x)
{
    return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)x));
}
static inline conv1d_ivec conv1d_load_codes_partial(const uint8_t *x, int64_t n)
{
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(conv1d_mask_first(n), x));
}
/** Lanes whose code is j, compared as bytes. */
static inline conv1d_mask conv1d_codes_equal(const uint8_t *x, int32_t j)
{
    return _mm_cmpeq_epi8_mask(_mm_loadu_si128((const __m128i *)(const void *)x),
                               _mm_set1_epi8((char)j));
}
/** Codes 255 where m is set, else 0. */
static inline void conv1d_store_flags(uint8_t *x, conv1d_mask m)
{
    _mm_storeu_si128((__m128i *)(void *)x, _mm_movm_epi8(m));
}
#define CONV1D_HAVE_BYTE_MASKS

#elif defined(__AVX2__)
#include <immintrin.h>

enum { CONV1D_LANES = 8 };
typedef __m256 conv1d_vec;
typedef __m256i conv1d_ivec;
typedef __m256 conv1d_mask; /* all ones or all zeros per lane */

static inline __m256i conv1d_mask_first(int64_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline conv1d_vec conv1d_load(const float *x) { return _mm256_loadu_ps(x); }
static inline conv1d_vec conv1d_load_partial(const float *x, int64_t n)
{
    return _mm256_maskload_ps(x, conv1d_mask_first(n));
}
static inline void conv1d_store(float *x, conv1d_vec v) { _mm256_storeu_ps(x, v); }
static inline void conv1d_store_partial(float *x, conv1d_vec v, int64_t n)
{
    _mm256_maskstore_ps(x, conv1d_mask_first(n), v);
}
static inline conv1d_vec conv1d_zero(void) { return _mm256_setzero_ps(); }
static inline conv1d_vec conv1d_add(conv1d_vec a, conv1d_vec b) { return _mm256_add_ps(a, b); }
static inline conv1d_vec conv1d_set(float x) { return _mm256_set1_ps(x); }
static inline conv1d_vec conv1d_fma(conv1d_vec a, conv1d_vec b, conv1d_vec c)
{
#ifdef __FMA__
    return _mm256_fmadd_ps(a, b, c);
#else
    return _mm256_add_ps(_mm256_mul_ps(a, b), c);
#endif
}
static inline conv1d_vec conv1d_keep(conv1d_vec v)
{
    __asm__("" : "+x"(v));
    return v;
}
static inline void conv1d_store_ints(int32_t *x, conv1d_ivec v)
{
    _mm256_storeu_si256((__m256i *)(void *)x, v);
}
static inline conv1d_vec conv1d_select(conv1d_mask m, conv1d_vec yes, conv1d_vec no)
{
    return _mm256_blendv_ps(no, yes, m);
}
static inline conv1d_ivec conv1d_iselect(conv1d_mask m, conv1d_ivec yes, conv1d_ivec no)
{
    return _mm256_blendv_epi8(no, yes, _mm256_castps_si256(m));
}
static inline conv1d_ivec conv1d_iset(int32_t j) { return _mm256_set1_epi32(j); }
static inline conv1d_mask conv1d_beats(conv1d_vec v, conv1d_vec best)
{
    return _mm256_or_ps(_mm256_cmp_ps(v, best, _CMP_GT_OQ), _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
}
static inline conv1d_mask conv1d_not_positive(conv1d_vec v)
{
    return _mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_LE_OQ);
}
static inline conv1d_mask conv1d_equal(conv1d_ivec a, conv1d_ivec b)
{
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b));
}
static inline uint64_t conv1d_narrow(conv1d_ivec v)
{
    const __m128i pairs =
        _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    return (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(pairs, pairs));
}
static inline void conv1d_store_codes(uint8_t *x, conv1d_ivec v)
{
    const uint64_t codes = conv1d_narrow(v);
    memcpy(x, &codes, 8);
}
static inline void conv1d_store_codes_partial(uint8_t *x, conv1d_ivec v, int64_t n)
{
    const uint64_t codes = conv1d_narrow(v);
    memcpy(x, &codes, (size_t)n);
}
static inline conv1d_ivec conv1d_load_codes(const uint8_t *x)
{
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)x));
}
static inline conv1d_ivec conv1d_load_codes_partial(const uint8_t *x, int64_t n)
{
    uint64_t codes = 0;
    memcpy(&codes, x, (size_t)n);
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)codes));
}

#else /* plain C: loops over lanes that the compiler may vectorise */

enum { CONV1D_LANES = 4 };
typedef struct conv1d_vec {
    float x[CONV1D_LANES];
} conv1d_vec;
typedef struct conv1d_ivec {
    int32_t x[CONV1D_LANES];
} conv1d_ivec;
typedef conv1d_ivec conv1d_mask;

#define CONV1D_EACH(i) for (int i = 0; i < CONV1D_LANES; ++i)

static inline conv1d_vec conv1d_zero(void) { return (conv1d_vec){{0}}; }
static inline conv1d_vec conv1d_load_partial(const float *x, int64_t n)
{
    conv1d_vec v = conv1d_zero();
    memcpy(v.x, x, (size_t)n * sizeof *x);
    return v;
}
static inline conv1d_vec conv1d_load(const float *x)
{
    return conv1d_load_partial(x, CONV1D_LANES);
}
static inline void conv1d_store_partial(float *x, conv1d_vec v, int64_t n)
{
    memcpy(x, v.x, (size_t)n * sizeof *x);
}
static inline void conv1d_store(float *x, conv1d_vec v)
{
    conv1d_store_partial(x, v, CONV1D_LANES);
}
static inline conv1d_vec conv1d_add(conv1d_vec a, conv1d_vec b)
{
    CONV1D_EACH(i) a.x[i] += b.x[i];
    return a;
}
static inline conv1d_vec conv1d_set(float x)
{
    conv1d_vec v;
    CONV1D_EACH(i)
    v.x[i] = x;
    return v;
}
static inline conv1d_vec conv1d_fma(conv1d_vec a, conv1d_vec b, conv1d_vec c)
{
    CONV1D_EACH(i)
    c.x[i] += a.x[i] * b.x[i];
    return c;
}
static inline conv1d_vec conv1d_keep(conv1d_vec v) { return v; }
static inline void conv1d_store_ints(int32_t *x, conv1d_ivec v) { memcpy(x, v.x, sizeof v.x); }
static inline conv1d_vec conv1d_select(conv1d_mask m, conv1d_vec yes, conv1d_vec no)
{
    CONV1D_EACH(i) no.x[i] = m.x[i] ? yes.x[i] : no.x[i];
    return no;
}
static inline conv1d_ivec conv1d_iselect(conv1d_mask m, conv1d_ivec yes, conv1d_ivec no)
{
    CONV1D_EACH(i) no.x[i] = m.x[i] ? yes.x[i] : no.x[i];
    return no;
}
static inline conv1d_ivec conv1d_iset(int32_t j)
{
    conv1d_ivec v;
    CONV1D_EACH(i) v.x[i] = j;
    return v;
}
static inline conv1d_mask conv1d_beats(conv1d_vec v, conv1d_vec best)
{
    conv1d_mask m;
    CONV1D_EACH(i) m.x[i] = v.x[i] > best.x[i] || v.x[i] != v.x[i];
    return m;
}
static inline conv1d_mask conv1d_not_positive(conv1d_vec v)
{
    conv1d_mask m;
    CONV1D_EACH(i) m.x[i] = v.x[i] <= 0.0f;
    return m;
}
static inline conv1d_mask conv1d_equal(conv1d_ivec a, conv1d_ivec b)
{
    CONV1D_EACH(i) a.x[i] = a.x[i] == b.x[i];
    return a;
}
static inline void conv1d_store_codes_partial(uint8_t *x, conv1d_ivec v, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        x[i] = (uint8_t)v.x[i];
}
static inline void conv1d_store_codes(uint8_t *x, conv1d_ivec v)
{
    conv1d_store_codes_partial(x, v, CONV1D_LANES);
}
static inline conv1d_ivec conv1d_load_codes_partial(const uint8_t *x, int64_t n)
{
    conv1d_ivec v = conv1d_iset(0);
    for (int64_t i = 0; i < n; ++i)
        v.x[i] = x[i];
    return v;
}
static inline conv1d_ivec conv1d_load_codes(const uint8_t *x)
{
    return conv1d_load_codes_partial(x, CONV1D_LANES);
}
#undef CONV1D_EACH
#endif

#ifndef CONV1D_HAVE_BYTE_MASKS
static inline conv1d_mask conv1d_codes_equal(const uint8_t *x, int32_t j)
{
    return conv1d_equal(conv1d_load_codes(x), conv1d_iset(j));
}
static inline void conv1d_store_flags(uint8_t *x, conv1d_mask m)
{
    conv1d_store_codes(x, conv1d_iselect(m, conv1d_iset(255), conv1d_iset(0)));
}
#endif

#endif
