/* simd.h for AVX-512. A mask is a bit for each lane. Loads and stores of bytes are shorter with the extensions BW and VL. */
#ifndef CHIRP_KERNELS_SIMD_SIMD_AVX512_H
#define CHIRP_KERNELS_SIMD_SIMD_AVX512_H

#include <immintrin.h>

typedef __mmask16 simd_mask;

SIMD_INLINE simd_float simd_set(float x) { return _mm512_set1_ps(x); }
SIMD_INLINE simd_int simd_set_int(int32_t x) { return (simd_int)_mm512_set1_epi32(x); }
SIMD_INLINE simd_float simd_fma(simd_float a, simd_float b, simd_float c)
{
    return _mm512_fmadd_ps(a, b, c);
}
SIMD_INLINE simd_float simd_keep(simd_float v)
{
    __asm__("" : "+v"(v));
    return v;
}

SIMD_INLINE simd_mask simd_mask_first(int64_t n) { return (simd_mask)((1u << n) - 1u); }
SIMD_INLINE simd_float simd_load_masked(const float *x, simd_mask m)
{
    return _mm512_maskz_loadu_ps(m, x);
}
SIMD_INLINE void simd_store_partial(float *x, simd_float v, int64_t n)
{
    _mm512_mask_storeu_ps(x, simd_mask_first(n), v);
}
SIMD_INLINE simd_float simd_select(simd_mask m, simd_float yes, simd_float no)
{
    return _mm512_mask_blend_ps(m, no, yes);
}
SIMD_INLINE simd_int simd_select_int(simd_mask m, simd_int yes, simd_int no)
{
    return (simd_int)_mm512_mask_blend_epi32(m, (__m512i)no, (__m512i)yes);
}
SIMD_INLINE simd_mask simd_greater_or_nan(simd_float v, simd_float than)
{
    return (simd_mask)(_mm512_cmp_ps_mask(v, than, _CMP_GT_OQ) |
                       _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q));
}
SIMD_INLINE simd_mask simd_not_positive(simd_float v)
{
    return _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_LE_OQ);
}
SIMD_INLINE simd_mask simd_equal(simd_int a, simd_int b)
{
    return _mm512_cmpeq_epi32_mask((__m512i)a, (__m512i)b);
}

SIMD_INLINE void simd_store_bytes(uint8_t *x, simd_int v)
{
    _mm_storeu_si128((__m128i *)(void *)x, _mm512_cvtepi32_epi8((__m512i)v));
}
SIMD_INLINE void simd_store_bytes_partial(uint8_t *x, simd_int v, int64_t n)
{
    _mm512_mask_cvtepi32_storeu_epi8(x, simd_mask_first(n), (__m512i)v);
}
SIMD_INLINE simd_int simd_load_bytes(const uint8_t *x)
{
    return (simd_int)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)x));
}
#if defined(__AVX512BW__) && defined(__AVX512VL__)
SIMD_INLINE simd_int simd_load_bytes_partial(const uint8_t *x, int64_t n)
{
    return (simd_int)_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(simd_mask_first(n), x));
}
SIMD_INLINE simd_mask simd_bytes_equal(const uint8_t *x, int32_t j)
{
    return _mm_cmpeq_epi8_mask(_mm_loadu_si128((const __m128i *)(const void *)x),
                               _mm_set1_epi8((char)j));
}
SIMD_INLINE void simd_store_flags(uint8_t *x, simd_mask m)
{
    _mm_storeu_si128((__m128i *)(void *)x, _mm_movm_epi8(m));
}
#else
SIMD_INLINE simd_int simd_load_bytes_partial(const uint8_t *x, int64_t n)
{
    uint8_t bytes[SIMD_LANES] = {0};
    memcpy(bytes, x, (size_t)n);
    return simd_load_bytes(bytes);
}
SIMD_INLINE simd_mask simd_bytes_equal(const uint8_t *x, int32_t j)
{
    return simd_equal(simd_load_bytes(x), simd_set_int(j));
}
SIMD_INLINE void simd_store_flags(uint8_t *x, simd_mask m)
{
    simd_store_bytes(x, (simd_int)_mm512_maskz_set1_epi32(m, 255));
}
#endif

#define SIMD_HAS_WIDE
SIMD_INLINE simd_wide simd_set_wide(uint64_t x) { return (simd_wide)_mm512_set1_epi64((int64_t)x); }
SIMD_INLINE simd_wide simd_even_lanes(void) { return (simd_wide){0, 2, 4, 6, 8, 10, 12, 14}; }
SIMD_INLINE simd_wide simd_multiply_wide(simd_wide a, simd_wide b)
{
    return (simd_wide)_mm512_mul_epu32((__m512i)a, (__m512i)b);
}
SIMD_INLINE simd_wide simd_xor3(simd_wide a, simd_wide b, simd_wide c)
{
    enum { XOR3 = 0x96 };
    return (simd_wide)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c, XOR3);
}

#endif
