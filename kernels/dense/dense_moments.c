/*
 * Mean and variance of pre-activations under independent Gaussian weights, in one pass over the inputs: register
 * tiles of dot products as in dense_dot.c, with two sums per output, of src * mean and of src^2 * variance.
 */
#include "kernels/dense/dense_internal.h"
#include "kernels/dense/dense_lanes.h"

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

DOT_INLINE void step(int R, int P, bool cut, mask keep, int64_t I, const float *src,
                     const float *mean, const float *variance, vector first[ROWS][DENSE_TILE_O],
                     vector second[ROWS][DENSE_TILE_O])
{
    vector w[DENSE_TILE_O], u[DENSE_TILE_O];
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) {
        w[p] = *(const vector *)(mean + p * I);
        u[p] = *(const vector *)(variance + p * I);
        if (cut) {
            w[p] = (vector)((mask)w[p] & keep);
            u[p] = (vector)((mask)u[p] & keep);
        }
    }
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
        vector s = *(const vector *)(src + r * I);
        if (cut)
            s = (vector)((mask)s & keep);
        const vector square = s * s;
#pragma GCC unroll 4
        for (int p = 0; p < P; ++p) {
            first[r][p] += s * w[p];
            second[r][p] += square * u[p];
        }
    }
}

/* R rows from n and P outputs from o; both counts are constants where this is inlined. */
DOT_INLINE void tile(int R, int P, const moments_task *t, int64_t n, int64_t o)
{
    const int64_t I = t->desc->I, O = t->desc->O;
    const float *src = t->src + n * I, *mean = t->mean + o * I, *variance = t->variance + o * I;
    vector first[ROWS][DENSE_TILE_O] = {0}, second[ROWS][DENSE_TILE_O] = {0};
    mask keep = {0};
    int64_t i = 0;
    for (; i + LANES <= I; i += LANES)
        step(R, P, false, keep, I, src + i, mean + i, variance + i, first, second);
    if (i < I) {
        first_lanes(I - i, &keep);
        step(R, P, true, keep, I, src + i, mean + i, variance + i, first, second);
    }
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
        vector4 m = fold_all(P, first[r]);
        const vector4 v = fold_all(P, second[r]);
        float *const to_mean = t->dst_mean + (n + r) * O + o, *const to_variance =
                                                                  t->dst_variance + (n + r) * O + o;
        if (P == DENSE_TILE_O) {
            if (t->bia)
                m += *(const vector4 *)(t->bia + o);
            *(vector4 *)to_mean = m;
            *(vector4 *)to_variance = v;
        } else {
            *to_mean = m[0] + (t->bia ? t->bia[o] : 0.0f);
            *to_variance = v[0];
        }
    }
}

DOT_INLINE void rows(int P, const moments_task *t, int64_t n0, int64_t n1, int64_t o)
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
