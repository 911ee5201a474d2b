/* simd.h without intrinsics: what the compiler makes of vectors of eight. A mask is as in simd_avx2.h.
   Without simd_wide: compilers multiply 64-bit lanes in full. */
#ifndef CHIRP_KERNELS_SIMD_SIMD_PORTABLE_H
#define CHIRP_KERNELS_SIMD_SIMD_PORTABLE_H

typedef simd_int simd_mask;

SIMD_INLINE simd_float simd_set(float x) { return (simd_float){x, x, x, x, x, x, x, x}; }
SIMD_INLINE simd_int simd_set_int(int32_t x) { return (simd_int){x, x, x, x, x, x, x, x}; }
SIMD_INLINE simd_float simd_fma(simd_float a, simd_float b, simd_float c) { return a * b + c; }
SIMD_INLINE simd_float simd_keep(simd_float v) { return v; }

SIMD_INLINE simd_mask simd_mask_first(int64_t n)
{
    const simd_int lane = {0, 1, 2, 3, 4, 5, 6, 7};
    return simd_set_int((int32_t)n) > lane;
}
SIMD_INLINE simd_float simd_load_masked(const float *x, simd_mask m)
{
    simd_float v = simd_zero();
    for (int i = 0; i < SIMD_LANES; ++i)
        if (m[i])
            v[i] = x[i];
    return v;
}
SIMD_INLINE void simd_store_partial(float *x, simd_float v, int64_t n)
{
    memcpy(x, &v, (size_t)n * sizeof *x);
}
SIMD_INLINE simd_int simd_select_int(simd_mask m, simd_int yes, simd_int no)
{
    return (m & yes) | (~m & no);
}
SIMD_INLINE simd_float simd_select(simd_mask m, simd_float yes, simd_float no)
{
    return (simd_float)simd_select_int(m, (simd_int)yes, (simd_int)no);
}
SIMD_INLINE simd_mask simd_greater_or_nan(simd_float v, simd_float than)
{
    return (v > than) | (v != v);
}
SIMD_INLINE simd_mask simd_not_positive(simd_float v) { return v <= simd_zero(); }
SIMD_INLINE simd_mask simd_equal(simd_int a, simd_int b) { return a == b; }

SIMD_INLINE void simd_store_bytes_partial(uint8_t *x, simd_int v, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        x[i] = (uint8_t)v[i];
}
SIMD_INLINE void simd_store_bytes(uint8_t *x, simd_int v)
{
    simd_store_bytes_partial(x, v, SIMD_LANES);
}
SIMD_INLINE simd_int simd_load_bytes_partial(const uint8_t *x, int64_t n)
{
    simd_int v = {0};
    for (int64_t i = 0; i < n; ++i)
        v[i] = x[i];
    return v;
}
SIMD_INLINE simd_int simd_load_bytes(const uint8_t *x)
{
    return simd_load_bytes_partial(x, SIMD_LANES);
}
SIMD_INLINE simd_mask simd_bytes_equal(const uint8_t *x, int32_t j)
{
    return simd_equal(simd_load_bytes(x), simd_set_int(j));
}
SIMD_INLINE void simd_store_flags(uint8_t *x, simd_mask m) { simd_store_bytes(x, m & 255); }

#endif
