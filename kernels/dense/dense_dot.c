/*
 * The forward pass as register tiles of dot products. Both src and wei are contiguous along the inputs, which
 * is what a sum over inputs wants, so nothing is packed or transposed: a tile of R rows and 4 outputs loads
 * R + 4 vectors for 4 R multiply-adds. With 32 registers R = 6 (24 sums, 10 loads), with 16 R = 2.
 */
#include "kernels/dense/dense_internal.h"
#include "kernels/dense/dense_lanes.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __AVX512F__
enum { ROWS = 6 };
#else
enum { ROWS = 2 };
#endif

DOT_INLINE float activate(chirp_activation activation, float x)
{
    switch (activation) {
    case CHIRP_ACTIVATION_RELU:
        return x < 0.0f ? 0.0f : x; /* NaN goes through */
    case CHIRP_ACTIVATION_TANH:
        return tanhf(x);
    case CHIRP_ACTIVATION_NONE:
        break;
    }
    return x;
}

/* Adds the products of LANES inputs to the sums. With a mask, lanes behind the last input count as 0, NaN or not. */
DOT_INLINE void step(int R, int P, bool cut, mask keep, int64_t I, const float *src,
                     const float *wei, vector sum[ROWS][DENSE_TILE_O])
{
    vector w[DENSE_TILE_O];
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) {
        w[p] = *(const vector *)(wei + p * I);
        if (cut)
            w[p] = (vector)((mask)w[p] & keep);
    }
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
        vector s = *(const vector *)(src + r * I);
        if (cut)
            s = (vector)((mask)s & keep);
        /* else GCC 12 loads s again for every product, and loads, not products, set the pace */
        __asm__("" : "+v"(s));
#pragma GCC unroll 4
        for (int p = 0; p < P; ++p)
            sum[r][p] += s * w[p];
    }
}

/* R rows x P outputs; both are constants where this is inlined. */
DOT_INLINE void tile(int R, int P, const chirp_dense_desc *desc, const float *src, const float *wei,
                     const float *bia, float *dst)
{
    const int64_t I = desc->I, O = desc->O;
    vector sum[ROWS][DENSE_TILE_O] = {0};
    mask keep = {0};
    int64_t i = 0;
    for (; i + LANES <= I; i += LANES)
        step(R, P, false, keep, I, src + i, wei + i, sum);
    if (i < I) { /* loads up to 60 bytes behind the last row, see dense.h */
        first_lanes(I - i, &keep);
        step(R, P, true, keep, I, src + i, wei + i, sum);
    }
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
        const vector4 total = fold_all(P, sum[r]);
        for (int p = 0; p < P; ++p)
            dst[r * O + p] = activate(desc->activation, total[p] + (bia ? bia[p] : 0.0f));
    }
}

/* As many rows as registers hold, then the rest. */
DOT_INLINE void rows(int P, const chirp_dense_desc *desc, int64_t count, const float *src,
                     const float *wei, const float *bia, float *dst)
{
    const int64_t I = desc->I, O = desc->O;
    for (; count >= ROWS; count -= ROWS, src += ROWS * I, dst += ROWS * O)
        tile(ROWS, P, desc, src, wei, bia, dst);
    for (; count >= 2; count -= 2, src += 2 * I, dst += 2 * O)
        tile(2, P, desc, src, wei, bia, dst);
    if (count)
        tile(1, P, desc, src, wei, bia, dst);
}

void chirp_dense_dot_tile(const chirp_dense_desc *desc, int64_t n0, int64_t n1, int64_t o0,
                          const float *src, const float *wei, const float *bia, float *dst)
{
    const int64_t I = desc->I, O = desc->O;
    src += n0 * I;
    dst += n0 * O;
    if (O - o0 >= DENSE_TILE_O) {
        rows(DENSE_TILE_O, desc, n1 - n0, src, wei + o0 * I, bia ? bia + o0 : NULL, dst + o0);
        return;
    }
    for (int64_t o = o0; o < O; ++o)
        rows(1, desc, n1 - n0, src, wei + o * I, bia ? bia + o : NULL, dst + o);
}
