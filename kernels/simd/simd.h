/**
 * Vectors for the kernels' own loops, as wide as the registers of the instruction set that is compiled for: AVX-512,
 * AVX2, or what the compiler makes of plain C. For kernels only.
 *
 * simd_float and simd_int are vectors of the compiler, so + - * & | and << work on them lane by lane, and a product whose
 * only use is a sum becomes a fused multiply-add where the machine has one (-ffp-contract=fast). Functions here are what C
 * has no operator for. Every function is the same lane by lane on every instruction set; only the number of lanes and the
 * rounding of simd_fma() differ.
 *
 * Functions that end in _partial handle the first n < SIMD_LANES elements and touch nothing behind them: a load gives
 * 0 in the other lanes.
 */
#ifndef CHIRP_KERNELS_SIMD_SIMD_H
#define CHIRP_KERNELS_SIMD_SIMD_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
enum { SIMD_LANES = 16 };
#else
enum { SIMD_LANES = 8 };
#endif

/** For functions whose loops disappear once their arguments are constants. */
#define SIMD_INLINE static inline __attribute__((always_inline))

typedef float simd_float __attribute__((vector_size(SIMD_LANES * 4), may_alias));
typedef int32_t simd_int __attribute__((vector_size(SIMD_LANES * 4), may_alias));
/** Half as many lanes of 64 bits. */
typedef uint64_t simd_wide __attribute__((vector_size(SIMD_LANES * 4), may_alias));
/** Four lanes: what simd_sum4() leaves. */
typedef float simd_float4 __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t simd_int4 __attribute__((vector_size(16), aligned(4), may_alias));

/* In memory, where vectors start at any element; on aligned addresses such a load is as fast. */
typedef float simd_float_at __attribute__((vector_size(SIMD_LANES * 4), aligned(4), may_alias));
typedef int32_t simd_int_at __attribute__((vector_size(SIMD_LANES * 4), aligned(4), may_alias));

SIMD_INLINE simd_float simd_load(const float *x) { return *(const simd_float_at *)x; }
SIMD_INLINE void simd_store(float *x, simd_float v) { *(simd_float_at *)x = v; }
SIMD_INLINE void simd_store_ints(int32_t *x, simd_int v) { *(simd_int_at *)x = v; }
SIMD_INLINE simd_float simd_zero(void) { return (simd_float){0}; }

/*
 * One file for each instruction set defines simd_mask (a truth value for each lane) and
 *     simd_set, simd_set_int           the same number in every lane
 *     simd_fma                         a * b + c
 *     simd_keep                        keeps a value that is used several times in its register: GCC would load it again
 *                                      for every multiply-add
 *     simd_mask_first                  true in the first n lanes
 *     simd_load_masked                 0 where the mask is false; touches no memory there
 *     simd_store_partial
 *     simd_select, simd_select_int     where the mask is true the first vector, else the second
 *     simd_greater_or_nan              v > than, or v is NaN
 *     simd_not_positive                v <= 0; false for NaN
 *     simd_equal                       of integers
 *     simd_load_bytes(_partial), simd_store_bytes(_partial)    integers 0 to 255, one byte each
 *     simd_bytes_equal                 lanes whose byte at x is j
 *     simd_store_flags                 a byte for each lane, 255 where the mask is true, else 0
 * and, where SIMD_HAS_WIDE is defined, on 64-bit lanes
 *     simd_set_wide                    the same number in every lane
 *     simd_even_lanes                  0, 2, 4, ...
 *     simd_multiply_wide               products of the lower 32 bits of each lane
 *     simd_xor3                        a ^ b ^ c
 */
#if defined(__AVX512F__)
#include "kernels/simd/simd_avx512.h"
#elif defined(__AVX2__)
#include "kernels/simd/simd_avx2.h"
#else
#include "kernels/simd/simd_portable.h"
#endif
#include "kernels/simd/simd_shuffle.h"

SIMD_INLINE simd_float simd_load_partial(const float *x, int64_t n)
{
    return simd_load_masked(x, simd_mask_first(n));
}

#endif
