/*
 * The forward pass as register tiles of dot products. Both src and wei are contiguous along the inputs, which
 * is what a sum over inputs wants, so nothing is packed or transposed: a tile of R rows and 4 outputs loads
 * R + 4 vectors for 4 R multiply-adds. With 32 registers R = 6 (24 sums, 10 loads), with 16 R = 3 (12 sums, 7 loads).
 */
#include "kernels/dense/dense_internal.h"
#include "kernels/simd/simd.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __AVX512F__
enum { ROWS = 6 };
#else
enum { ROWS = 3 };
#endif

/* act(x) for up to four outputs; NaN goes through. */
SIMD_INLINE simd_float4 activate(chirp_activation activation, int P, simd_float4 x)
{
    if (activation == CHIRP_ACTIVATION_RELU)
        return (simd_float4)((simd_int4)x & ~(simd_int4)(x < 0.0f));
    if (activation == CHIRP_ACTIVATION_TANH) {
        for (int p = 0; p < P; ++p)
            x[p] = tanhf(x[p]);
    }
    return x;
}

/*
 * Adds the products of SIMD_LANES inputs to the sums. With `cut`, inputs where the mask is false count as 0.
 * Vectors of the rows stay in registers, those of the weights pass by one at a time, or the other way round, whichever are
 * fewer. All are kept: loads, not products, set the pace, and a product that overwrote its factor would move and spill
 * its sum.
 */
SIMD_INLINE void step(int R, int P, bool cut, simd_mask keep, int64_t I, const float *src,
                      const float *wei, simd_float sum[ROWS][DENSE_TILE_O])
{
    const bool rows_stay = R < P;
    const int stay = rows_stay ? R : P, pass = rows_stay ? P : R;
    const float *const staying = rows_stay ? src : wei, *const passing = rows_stay ? wei : src;
    simd_float s[DENSE_TILE_O];
#pragma GCC unroll 4
    for (int k = 0; k < stay; ++k)
        s[k] =
            simd_keep(cut ? simd_load_masked(staying + k * I, keep) : simd_load(staying + k * I));
#pragma GCC unroll 6
    for (int j = 0; j < pass; ++j) {
        const simd_float v =
            simd_keep(cut ? simd_load_masked(passing + j * I, keep) : simd_load(passing + j * I));
#pragma GCC unroll 4
        for (int k = 0; k < stay; ++k) {
            simd_float *const to = &sum[rows_stay ? k : j][rows_stay ? j : k];
            *to = simd_keep(*to + v * s[k]);
        }
    }
}

/* R rows x P outputs; both are constants where this is inlined. */
SIMD_INLINE void tile(int R, int P, const chirp_dense_desc *desc, const float *src,
                      const float *wei, const float *bia, float *dst)
{
    const int64_t I = desc->I, O = desc->O;
    simd_float sum[ROWS][DENSE_TILE_O] = {0};
    const simd_mask keep = simd_mask_first(I % SIMD_LANES);
    int64_t i = 0;
    for (; i + SIMD_LANES <= I; i += SIMD_LANES)
        step(R, P, false, keep, I, src + i, wei + i, sum);
    if (i < I)
        step(R, P, true, keep, I, src + i, wei + i, sum);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
        simd_float4 total = dense_sums(P, sum[r]);
        if (P == DENSE_TILE_O) {
            if (bia)
                total += *(const simd_float4 *)bia;
            *(simd_float4 *)(dst + r * O) = activate(desc->activation, P, total);
        } else {
            if (bia)
                total[0] += bia[0];
            dst[r * O] = activate(desc->activation, P, total)[0];
        }
    }
}

/* As many rows as registers hold, then the rest. */
SIMD_INLINE void rows(int P, const chirp_dense_desc *desc, int64_t count, const float *src,
                      const float *wei, const float *bia, float *dst)
{
    const int64_t I = desc->I, O = desc->O;
    for (; count >= ROWS; count -= ROWS, src += ROWS * I, dst += ROWS * O)
        tile(ROWS, P, desc, src, wei, bia, dst);
    switch (count) { /* always less than ROWS */
#ifdef __AVX512F__
    case 5:
        tile(5, P, desc, src, wei, bia, dst);
        return;
    case 4:
        tile(4, P, desc, src, wei, bia, dst);
        return;
    case 3:
        tile(3, P, desc, src, wei, bia, dst);
        return;
#endif
    case 2:
        tile(2, P, desc, src, wei, bia, dst);
        return;
    case 1:
        tile(1, P, desc, src, wei, bia, dst);
        return;
    default:
        return;
    }
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
