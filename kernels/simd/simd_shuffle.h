/* The part of simd.h that moves values between lanes, for 16 and for 8 of them. */
#ifndef CHIRP_KERNELS_SIMD_SIMD_SHUFFLE_H
#define CHIRP_KERNELS_SIMD_SIMD_SHUFFLE_H

/* SIMD_EVEN_h(a, b): blocks of h lanes with an even number, a's and b's in turns; SIMD_ODD_h: those with an odd number. */
#if defined(__AVX512F__)
#define SIMD_EVEN_1(a, b)                                                                          \
    __builtin_shufflevector(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)
#define SIMD_ODD_1(a, b)                                                                           \
    __builtin_shufflevector(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31)
#define SIMD_EVEN_2(a, b)                                                                          \
    __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define SIMD_ODD_2(a, b)                                                                           \
    __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define SIMD_EVEN_4(a, b)                                                                          \
    __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27)
#define SIMD_ODD_4(a, b)                                                                           \
    __builtin_shufflevector(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31)
#define SIMD_EVEN_8(a, b)                                                                          \
    __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
#define SIMD_ODD_8(a, b)                                                                           \
    __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
/* Within each 128 bits: the two lower lanes of a and b in turns, and the two upper ones. */
#define SIMD_LOW(a, b)                                                                             \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define SIMD_HIGH(a, b)                                                                            \
    __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#else
#define SIMD_EVEN_1(a, b) __builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14)
#define SIMD_ODD_1(a, b) __builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15)
#define SIMD_EVEN_2(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define SIMD_ODD_2(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define SIMD_EVEN_4(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define SIMD_ODD_4(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
#define SIMD_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define SIMD_HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#endif

#define SIMD_EXCHANGE(rows, h)                                                                     \
    _Pragma("GCC unroll 16") for (int i = 0; i < SIMD_LANES; ++i) if (!(i & (h)))                  \
    {                                                                                              \
        const simd_float a = (rows)[i], b = (rows)[i + (h)];                                       \
        (rows)[i] = SIMD_EVEN_##h(a, b);                                                           \
        (rows)[i + (h)] = SIMD_ODD_##h(a, b);                                                      \
    }

/* rows[i][l] becomes rows[l][i], i and l < SIMD_LANES, by exchanging blocks of 1, 2, 4, ... lanes between pairs of rows. */
SIMD_INLINE void simd_transpose(simd_float *rows)
{
    SIMD_EXCHANGE(rows, 1)
    SIMD_EXCHANGE(rows, 2)
    SIMD_EXCHANGE(rows, 4)
#if defined(__AVX512F__)
    SIMD_EXCHANGE(rows, 8)
#endif
}

/*
 * The sums over the lanes of four vectors, side by side: first the four neighbours within each 128 bits, by shuffles that
 * leave the four sums interleaved, then the 128-bit parts. The order of a sum is the same for each of the four.
 */
SIMD_INLINE simd_float4 simd_sum4(const simd_float *sum)
{
    const simd_float ab = SIMD_LOW(sum[0], sum[1]) + SIMD_HIGH(sum[0], sum[1]);
    const simd_float cd = SIMD_LOW(sum[2], sum[3]) + SIMD_HIGH(sum[2], sum[3]);
    const simd_float all = SIMD_EVEN_2(ab, cd) + SIMD_ODD_2(ab, cd);
#if defined(__AVX512F__)
    typedef float simd_float8 __attribute__((vector_size(32)));
    const simd_float8 half = __builtin_shufflevector(all, all, 0, 1, 2, 3, 4, 5, 6, 7) +
                             __builtin_shufflevector(all, all, 8, 9, 10, 11, 12, 13, 14, 15);
#else
    const simd_float half = all;
#endif
    return __builtin_shufflevector(half, half, 0, 1, 2, 3) +
           __builtin_shufflevector(half, half, 4, 5, 6, 7);
}

/* The lower halves of 64-bit lanes in turns: even[0], odd[0], even[1], ... */
SIMD_INLINE simd_int simd_interleave_wide(simd_wide even, simd_wide odd)
{
    return SIMD_EVEN_1((simd_int)even, (simd_int)odd);
}

#endif
