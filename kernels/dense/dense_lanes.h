/*
 * Vectors of the forward kernels: as wide as the registers, loads of any alignment, a fold of lanes whose order never
 * depends on the tile. Not for other folders.
 */
#ifndef CHIRP_KERNELS_DENSE_DENSE_LANES_H
#define CHIRP_KERNELS_DENSE_DENSE_LANES_H

#include <stdint.h>

#ifdef __AVX512F__
enum { LANES = 16 };
#define DENSE_ONES -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
#else
enum { LANES = 8 };
#define DENSE_ONES -1, -1, -1, -1, -1, -1, -1, -1
#endif

typedef float vector __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t mask __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef float vector4 __attribute__((vector_size(16), aligned(4), may_alias));

#define DOT_INLINE static inline __attribute__((always_inline))

/* Ones in the first `count` lanes. */
DOT_INLINE void first_lanes(int64_t count, mask *keep)
{
    static const int32_t ones_then_zeros[2 * LANES] = {DENSE_ONES};
    *keep = *(const mask *)(ones_then_zeros + LANES - count);
}

/* Lanes to four partial sums; every path adds in this order. */
DOT_INLINE vector4 fold(const vector *sum)
{
#ifdef __AVX512F__
    typedef float vector8 __attribute__((vector_size(32)));
    const vector8 half = __builtin_shufflevector(*sum, *sum, 0, 1, 2, 3, 4, 5, 6, 7) +
                         __builtin_shufflevector(*sum, *sum, 8, 9, 10, 11, 12, 13, 14, 15);
    return __builtin_shufflevector(half, half, 0, 1, 2, 3) +
           __builtin_shufflevector(half, half, 4, 5, 6, 7);
#else
    return __builtin_shufflevector(*sum, *sum, 0, 1, 2, 3) +
           __builtin_shufflevector(*sum, *sum, 4, 5, 6, 7);
#endif
}

/* Four sums side by side: a transposition, then the additions of fold_one(). */
DOT_INLINE vector4 fold_four(const vector *sum)
{
    const vector4 a = fold(&sum[0]), b = fold(&sum[1]), c = fold(&sum[2]), d = fold(&sum[3]);
    const vector4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5),
                  cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const vector4 ef = __builtin_shufflevector(a, b, 2, 6, 3, 7),
                  gh = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    return (__builtin_shufflevector(ab, cd, 0, 1, 4, 5) +
            __builtin_shufflevector(ab, cd, 2, 3, 6, 7)) +
           (__builtin_shufflevector(ef, gh, 0, 1, 4, 5) +
            __builtin_shufflevector(ef, gh, 2, 3, 6, 7));
}

DOT_INLINE float fold_one(const vector *sum)
{
    const vector4 a = fold(sum);
    return (a[0] + a[1]) + (a[2] + a[3]);
}

/* P sums, 4 or 1. */
DOT_INLINE vector4 fold_all(int P, const vector *sum)
{
    return P == 4 ? fold_four(sum) : (vector4){fold_one(sum), 0, 0, 0};
}

#endif
