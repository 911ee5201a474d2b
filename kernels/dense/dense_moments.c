/*
 * Mean and variance of pre-activations under independent Gaussian weights, in one pass over the inputs: register
 * tiles of dot products as in dense_dot.c, with two sums per output, of src * mean and of src^2 * variance.
 */
#include "kernels/dense/dense_internal.h"
#include "kernels/simd/simd.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __AVX512F__
enum { ROWS = 2 }; /* 16 sums, 8 weights, src and its square: 26 of 32 registers */
#else
enum { ROWS = 1 }; /* 8 sums of 16 registers; weights are operands in memory */
#endif

typedef struct moments_task {
    const chirp_dense_desc *desc;
    const float *src, *mean, *variance, *bia;
    float *dst_mean, *dst_variance;
} moments_task;

/* Where a tile's rows and weights stand, and what it adds up. */
typedef struct moments_inputs {
    int64_t I;
    const float *src, *mean, *variance;
} moments_inputs;

typedef struct moments_sums {
    simd_float first[ROWS][DENSE_TILE_O], second[ROWS][DENSE_TILE_O];
} moments_sums;

/* SIMD_LANES inputs from i on; with `cut`, those where the mask is false count as 0. */
SIMD_INLINE void step(int R, int P, bool cut, simd_mask keep, const moments_inputs *in, int64_t i,
                      moments_sums *sum)
{
    simd_float w[DENSE_TILE_O], u[DENSE_TILE_O];
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) {
        const float *mean = in->mean + p * in->I + i, *variance = in->variance + p * in->I + i;
        w[p] = cut ? simd_load_masked(mean, keep) : simd_load(mean);
        u[p] = cut ? simd_load_masked(variance, keep) : simd_load(variance);
    }
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
        const float *src = in->src + r * in->I + i;
        const simd_float s = cut ? simd_load_masked(src, keep) : simd_load(src);
        const simd_float square = s * s;
#pragma GCC unroll 4
        for (int p = 0; p < P; ++p) {
            sum->first[r][p] += s * w[p];
            sum->second[r][p] += square * u[p];
        }
    }
}

/* R rows from n and P outputs from o; both counts are constants where this is inlined. */
SIMD_INLINE void tile(int R, int P, const moments_task *t, int64_t n, int64_t o)
{
    const int64_t I = t->desc->I, O = t->desc->O;
    const moments_inputs in = {I, t->src + n * I, t->mean + o * I, t->variance + o * I};
    moments_sums sum = {0};
    const simd_mask keep = simd_mask_first(I % SIMD_LANES);
    int64_t i = 0;
    for (; i + SIMD_LANES <= I; i += SIMD_LANES)
        step(R, P, false, keep, &in, i, &sum);
    if (i < I)
        step(R, P, true, keep, &in, i, &sum);
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
        simd_float4 m = dense_sums(P, sum.first[r]);
        const simd_float4 v = dense_sums(P, sum.second[r]);
        float *const to_mean = t->dst_mean + (n + r) * O + o, *const to_variance =
                                                                  t->dst_variance + (n + r) * O + o;
        if (P == DENSE_TILE_O) {
            if (t->bia)
                m += *(const simd_float4 *)(t->bia + o);
            *(simd_float4 *)to_mean = m;
            *(simd_float4 *)to_variance = v;
        } else {
            *to_mean = m[0] + (t->bia ? t->bia[o] : 0.0f);
            *to_variance = v[0];
        }
    }
}

SIMD_INLINE void rows(int P, const moments_task *t, int64_t n0, int64_t n1, int64_t o)
{
    int64_t n = n0;
    for (; n + ROWS <= n1; n += ROWS)
        tile(ROWS, P, t, n, o);
    for (; n < n1; ++n)
        tile(1, P, t, n, o);
}

static void piece(const moments_task *t, int64_t n0, int64_t n1, int64_t o0)
{
    if (t->desc->O - o0 >= DENSE_TILE_O) {
        rows(DENSE_TILE_O, t, n0, n1, o0);
        return;
    }
    for (int64_t o = o0; o < t->desc->O; ++o)
        rows(1, t, n0, n1, o);
}

void chirp_dense_moments(chirp_dense_plan *plan, const float *src, const float *mean,
                         const float *variance, const float *bia, float *dst_mean,
                         float *dst_variance)
{
    const chirp_dense_desc *d = &plan->desc;
    const moments_task task = {d, src, mean, variance, bia, dst_mean, dst_variance};
    const dense_pieces pieces = dense_cut(d);
#pragma omp parallel for schedule(static) num_threads(dense_threads(plan, 2 * chirp_dense_flops(d)))
    for (int64_t t = 0; t < pieces.count; ++t) {
        const dense_piece p = dense_piece_number(d, &pieces, t);
        piece(&task, p.n0, p.n1, p.o0);
    }
}
