/* Execution: one parallel region per call; every output has one owner and a fixed order of its sum. */
#include "kernels/dense/dense_internal.h"

#include "kernels/parallel/chunks.h"

void chirp_dense_forward(chirp_dense_plan *plan, const float *src, const float *wei,
                         const float *bia, float *dst)
{
    const chirp_dense_desc *d = &plan->desc;
    const dense_pieces pieces = dense_cut(d);
#pragma omp parallel for schedule(static) num_threads(dense_threads(plan, chirp_dense_flops(d)))
    for (int64_t t = 0; t < pieces.count; ++t) {
        const dense_piece p = dense_piece_number(d, &pieces, t);
        chirp_dense_dot_tile(d, p.n0, p.n1, p.o0, src, wei, bia, dst);
    }
}

void chirp_dense_backward_activation(chirp_dense_plan *plan, const float *dst, float *ddst)
{
    const chirp_activation activation = plan->desc.activation;
    if (activation == CHIRP_ACTIVATION_NONE)
        return;
    const int64_t n = plan->desc.N * plan->desc.O;
#pragma omp parallel for schedule(static) num_threads(chirp_chunk_threads(n, plan->desc.n_threads))
    for (int64_t start = 0; start < n; start += CHIRP_CHUNK) {
        const int64_t end = start + chirp_chunk_length(n, start, CHIRP_CHUNK);
        if (activation == CHIRP_ACTIVATION_RELU) {
#pragma omp simd
            for (int64_t i = start; i < end; ++i)
                ddst[i] = dst[i] > 0.0f ? ddst[i] : 0.0f;
        } else {
#pragma omp simd
            for (int64_t i = start; i < end; ++i)
                ddst[i] *= 1.0f - dst[i] * dst[i];
        }
    }
}

static const chirp_gemm *kernel(const dense_tiles *t, int64_t row, int64_t column)
{
    return &t->gemm[row + t->m > t->rows][column + t->n > t->columns];
}

void chirp_dense_backward_data(chirp_dense_plan *plan, const float *dpre, const float *wei,
                               float *dsrc)
{
    const dense_tiles *t = &plan->data;
    const int64_t I = plan->desc.I, O = plan->desc.O;
    const int64_t across = (t->columns + t->n - 1) / t->n,
                  count = (t->rows + t->m - 1) / t->m * across;
#pragma omp parallel for schedule(static)                                                          \
    num_threads(dense_threads(plan, chirp_dense_flops(&plan->desc)))
    for (int64_t k = 0; k < count; ++k) {
        const int64_t i = k / across * t->m, n = k % across * t->n;
        chirp_gemm_run(kernel(t, i, n), wei + i, dpre + n * O, dsrc + n * I + i);
    }
}

/* Column sums of dpre [N][O] for outputs o0 .. o1-1, in double, rows in order. */
static void bias_gradient(const chirp_dense_desc *d, int64_t o0, int64_t o1, const float *dpre,
                          float *dbia)
{
    enum { WIDTH = 64 };
    double sum[WIDTH] = {0};
    for (int64_t n = 0; n < d->N; ++n) {
        const float *row = dpre + n * d->O + o0;
#pragma omp simd
        for (int64_t o = 0; o < o1 - o0; ++o)
            sum[o] += (double)row[o];
    }
    for (int64_t o = 0; o < o1 - o0; ++o)
        dbia[o0 + o] = (float)sum[o];
}

void chirp_dense_backward_weights(chirp_dense_plan *plan, const float *src, const float *dpre,
                                  float *dwei, float *dbia)
{
    const dense_tiles *t = &plan->weights;
    const chirp_dense_desc *d = &plan->desc;
    enum { BIAS = 64 };
    const int64_t across = (t->columns + t->n - 1) / t->n,
                  count = (t->rows + t->m - 1) / t->m * across;
    const int64_t bias_count = dbia ? (d->O + BIAS - 1) / BIAS : 0;
#pragma omp parallel num_threads(dense_threads(plan, chirp_dense_flops(d)))
    {
#pragma omp for schedule(static) nowait
        for (int64_t k = 0; k < count; ++k) {
            const int64_t i = k / across * t->m, o = k % across * t->n;
            chirp_gemm_run(kernel(t, i, o), src + i, dpre + o, dwei + o * d->I + i);
        }
#pragma omp for schedule(static)
        for (int64_t b = 0; b < bias_count; ++b)
            bias_gradient(d, b * BIAS, dense_least(d->O, (b + 1) * BIAS), dpre, dbia);
    }
}
