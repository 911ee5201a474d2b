/* simd.h for AVX2. A mask is a vector of integers, all ones where true. */
#ifndef CHIRP_KERNELS_SIMD_SIMD_AVX2_H
#define CHIRP_KERNELS_SIMD_SIMD_AVX2_H

#include <immintrin.h>

typedef simd_int simd_mask;

SIMD_INLINE simd_float simd_set(float x) { return _mm256_set1_ps(x); }
SIMD_INLINE simd_int simd_set_int(int32_t x) { return (simd_int)_mm256_set1_epi32(x); }
SIMD_INLINE simd_float simd_fma(simd_float a, simd_float b, simd_float c)
{
#ifdef __FMA__
    return _mm256_fmadd_ps(a, b, c);
#else
    return a * b + c;
#endif
}
SIMD_INLINE simd_float simd_keep(simd_float v)
{
    __asm__("" : "+x"(v));
    return v;
}

SIMD_INLINE simd_mask simd_mask_first(int64_t n)
{
    const simd_int lane = {0, 1, 2, 3, 4, 5, 6, 7};
    return simd_set_int((int32_t)n) > lane;
}
SIMD_INLINE simd_float simd_load_masked(const float *x, simd_mask m)
{
    return _mm256_maskload_ps(x, (__m256i)m);
}
SIMD_INLINE void simd_store_partial(float *x, simd_float v, int64_t n)
{
    _mm256_maskstore_ps(x, (__m256i)simd_mask_first(n), v);
}
SIMD_INLINE simd_float simd_select(simd_mask m, simd_float yes, simd_float no)
{
    return _mm256_blendv_ps(no, yes, (__m256)m);
}
SIMD_INLINE simd_int simd_select_int(simd_mask m, simd_int yes, simd_int no)
{
    return (simd_int)_mm256_blendv_epi8((__m256i)no, (__m256i)yes, (__m256i)m);
}
SIMD_INLINE simd_mask simd_greater_or_nan(simd_float v, simd_float than)
{
    return (simd_mask)_mm256_or_ps(_mm256_cmp_ps(v, than, _CMP_GT_OQ),
                                   _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
}
SIMD_INLINE simd_mask simd_not_positive(simd_float v)
{
    return (simd_mask)_mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_LE_OQ);
}
SIMD_INLINE simd_mask simd_equal(simd_int a, simd_int b) { return a == b; }

/* The lowest byte of each lane, side by side. */
SIMD_INLINE uint64_t simd_low_bytes(simd_int v)
{
    const __m128i pairs = _mm_packus_epi32(_mm256_castsi256_si128((__m256i)v),
                                           _mm256_extracti128_si256((__m256i)v, 1));
    return (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(pairs, pairs));
}
SIMD_INLINE void simd_store_bytes(uint8_t *x, simd_int v)
{
    const uint64_t bytes = simd_low_bytes(v);
    memcpy(x, &bytes, 8);
}
SIMD_INLINE void simd_store_bytes_partial(uint8_t *x, simd_int v, int64_t n)
{
    const uint64_t bytes = simd_low_bytes(v);
    memcpy(x, &bytes, (size_t)n);
}
SIMD_INLINE simd_int simd_load_bytes(const uint8_t *x)
{
    return (simd_int)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)x));
}
SIMD_INLINE simd_int simd_load_bytes_partial(const uint8_t *x, int64_t n)
{
    uint64_t bytes = 0;
    memcpy(&bytes, x, (size_t)n);
    return (simd_int)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)bytes));
}
SIMD_INLINE simd_mask simd_bytes_equal(const uint8_t *x, int32_t j)
{
    return simd_equal(simd_load_bytes(x), simd_set_int(j));
}
SIMD_INLINE void simd_store_flags(uint8_t *x, simd_mask m) { simd_store_bytes(x, m & 255); }

#define SIMD_HAS_WIDE
SIMD_INLINE simd_wide simd_set_wide(uint64_t x)
{
    return (simd_wide)_mm256_set1_epi64x((int64_t)x);
}
SIMD_INLINE simd_wide simd_even_lanes(void) { return (simd_wide){0, 2, 4, 6}; }
SIMD_INLINE simd_wide simd_multiply_wide(simd_wide a, simd_wide b)
{
    return (simd_wide)_mm256_mul_epu32((__m256i)a, (__m256i)b);
}
SIMD_INLINE simd_wide simd_xor3(simd_wide a, simd_wide b, simd_wide c) { return a ^ (b ^ c); }

#endif
