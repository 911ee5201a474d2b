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
typedef int32_t mask4 __attribute__((vector_size(16), aligned(4), may_alias));

#define DOT_INLINE static inline __attribute__((always_inline))

/* Ones in the first `count` lanes. */
DOT_INLINE void first_lanes(int64_t count, mask *keep)
{
    static const int32_t ones_then_zeros[2 * LANES] = {DENSE_ONES};
    *keep = *(const mask *)(ones_then_zeros + LANES - count);
}

#ifdef __AVX512F__
#define DENSE_LOW(a, b)                                                                            \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define DENSE_HIGH(a, b)                                                                           \
    __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define DENSE_LOW_PAIR(a, b)                                                                       \
    __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define DENSE_HIGH_PAIR(a, b)                                                                      \
    __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#else
#define DENSE_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define DENSE_HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define DENSE_LOW_PAIR(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define DENSE_HIGH_PAIR(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#endif

/*
 * Adds the lanes of four sums side by side: first the four neighbours within each 128 bits, by shuffles that leave the
 * four sums interleaved, then the 128-bit parts.
 */
DOT_INLINE vector4 fold_four(const vector *sum)
{
    const vector ab = DENSE_LOW(sum[0], sum[1]) + DENSE_HIGH(sum[0], sum[1]);
    const vector cd = DENSE_LOW(sum[2], sum[3]) + DENSE_HIGH(sum[2], sum[3]);
    const vector all = DENSE_LOW_PAIR(ab, cd) + DENSE_HIGH_PAIR(ab, cd);
#ifdef __AVX512F__
    typedef float vector8 __attribute__((vector_size(32)));
    const vector8 half = __builtin_shufflevector(all, all, 0, 1, 2, 3, 4, 5, 6, 7) +
                         __builtin_shufflevector(all, all, 8, 9, 10, 11, 12, 13, 14, 15);
    return __builtin_shufflevector(half, half, 0, 1, 2, 3) +
           __builtin_shufflevector(half, half, 4, 5, 6, 7);
#else
    return __builtin_shufflevector(all, all, 0, 1, 2, 3) +
           __builtin_shufflevector(all, all, 4, 5, 6, 7);
#endif
}

/* One sum, added in the same order. */
DOT_INLINE vector4 fold_one(const vector *sum)
{
    const vector same[4] = {*sum, *sum, *sum, *sum};
    return fold_four(same);
}

/* P sums, 4 or 1: the first P elements count. */
DOT_INLINE vector4 fold_all(int P, const vector *sum)
{
    return P == 4 ? fold_four(sum) : fold_one(sum);
}

#endif
