/*
 * backward_weights of a layer with one channel whose outputs went through pool and ReLU (conv1). Of each window one
 * position at most has a gradient, so instead of routing it and multiplying zeros, each (window, filter) adds
 *
 *     dwei[k][0..S) += ddst[p][k] * src[p*pool + code - pad_left + (0..S)]        the taps are the lanes
 *
 * That is 1/pool of the operations and reads ddst and code once; the bias gradient rides along. Each sample has sums
 * of its own, added up in order at the end.
 */
#include "kernels/conv1d/direct/direct.h"
#include "kernels/simd/simd.h"

#include "harness/base/memory.h"

#include <omp.h>
#include <string.h>

enum {
    ACCUMULATORS = SIMD_LANES == 16 ? 16 : 8, /* vectors held in registers */
    POSITIONS = 128, /* done together: their inputs and gradients stay in L1 */
};

/* Windows done together. */
static int64_t windows_of(const chirp_conv1d_desc *desc) { return POSITIONS / desc->pool; }

chirp_status direct_narrow_create(direct_state *d)
{
    const chirp_conv1d_desc *desc = &d->desc;
    direct_narrow *n = &d->narrow;
    if (desc->C != 1 || desc->dilation != 1 || !conv1d_needs_code(desc) || desc->S > 4 * SIMD_LANES)
        return CHIRP_OK;
    const int64_t vectors = conv1d_ceil_div(desc->S, SIMD_LANES);
    n->vectors = vectors == 3 ? 4 : vectors;
    n->row = n->vectors * SIMD_LANES;
    n->partial =
        chirp_alloc((size_t)(desc->N * desc->K * n->vectors * SIMD_LANES) * sizeof *n->partial);
    d->cells.bias = chirp_alloc((size_t)(desc->N * desc->K) * sizeof *d->cells.bias);
    if (!n->partial || !d->cells.bias)
        return CHIRP_ERR_NOMEM;
    const int64_t padded = POSITIONS + n->vectors * SIMD_LANES;
    const int64_t row = conv1d_round_up(desc->K, SIMD_LANES);
    n->scratch = (size_t)(conv1d_round_up(padded, CONV1D_ALIGN_FLOATS) +
                          POSITIONS * n->vectors * SIMD_LANES +
                          conv1d_round_up(2 * windows_of(desc) * row, CONV1D_ALIGN_FLOATS));
    return CHIRP_OK;
}

/* Gradients with inactive ones 0, and where their winners' inputs start, for windows [p0, p0 + n); sums into bia. */
static void prepare(const direct_state *d, const float *ddst, const uint8_t *code, int64_t p0,
                    int64_t n, float *grad, int32_t *offset, float *bia)
{
    const int64_t K = d->desc.K, row = conv1d_round_up(K, SIMD_LANES);
    const simd_int inactive = simd_set_int(CHIRP_CONV1D_INACTIVE), zero = simd_set_int(0);
    for (int64_t k = 0; k < K; k += SIMD_LANES) {
        const int64_t lanes = conv1d_min(SIMD_LANES, K - k);
        simd_float sum = simd_zero();
        for (int64_t i = 0; i < n; ++i) {
            const float *from = ddst + (p0 + i) * K + k;
            const uint8_t *codes = code + (p0 + i) * K + k;
            const bool full = lanes == SIMD_LANES;
            const simd_int c =
                full ? simd_load_bytes(codes) : simd_load_bytes_partial(codes, lanes);
            const simd_mask off = simd_equal(c, inactive);
            const simd_float g = simd_select(
                off, simd_zero(), full ? simd_load(from) : simd_load_partial(from, lanes));
            simd_store(grad + i * row + k, g);
            simd_store_ints(offset + i * row + k, simd_select_int(off, zero, c));
            sum += g;
        }
        sum += simd_load_partial(bia + k, lanes);
        simd_store_partial(bia + k, sum, lanes);
    }
}

/* Windows done together: [position][taps], a position's inputs side by side, and what prepare() made. */
typedef struct prepared {
    int64_t pool, n, row;
    const float *in, *grad;
    const int32_t *offset;
} prepared;

/* The windows into the sums of n_k filters from k on, all in registers. */
SIMD_INLINE void add_filters(const prepared *w, int64_t k0, float *sums, int n_k, int vectors)
{
    const float *in = w->in, *grad = w->grad + k0;
    const int32_t *offset = w->offset + k0;
    const int64_t n = w->n, pool = w->pool, row = w->row;
    simd_float acc[ACCUMULATORS];
#pragma GCC unroll 16
    for (int i = 0; i < n_k * vectors; ++i)
        acc[i] = simd_load(sums + i * SIMD_LANES);
    for (int64_t p = 0; p < n; ++p, in += pool * vectors * SIMD_LANES, grad += row, offset += row) {
#pragma GCC unroll 16
        for (int k = 0; k < n_k; ++k) {
            const simd_float g = simd_set(grad[k]);
            const float *x = in + (int64_t)offset[k] * vectors * SIMD_LANES;
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v)
                acc[k * vectors + v] =
                    simd_fma(g, simd_load(x + v * SIMD_LANES), acc[k * vectors + v]);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < n_k * vectors; ++i)
        simd_store(sums + i * SIMD_LANES, acc[i]);
}

SIMD_INLINE void add_windows(const direct_state *d, const prepared *w, float *sums, int vectors)
{
    const int64_t K = d->desc.K;
    const int n_k = ACCUMULATORS / vectors;
    int64_t k = 0;
    for (; k + n_k <= K; k += n_k)
        add_filters(w, k, sums + k * vectors * SIMD_LANES, n_k, vectors);
    for (; k < K; ++k)
        add_filters(w, k, sums + k * vectors * SIMD_LANES, 1, vectors);
}

static void add_sample(const direct_state *d, int64_t n, const float *src, const float *ddst,
                       const uint8_t *code, float *scratch)
{
    const chirp_conv1d_desc *desc = &d->desc;
    const int64_t K = desc->K, vectors = d->narrow.vectors, row = conv1d_round_up(K, SIMD_LANES);
    const int64_t taps = vectors * SIMD_LANES, padded = POSITIONS + taps,
                  windows = windows_of(desc);
    float *sample = scratch, *in = sample + conv1d_round_up(padded, CONV1D_ALIGN_FLOATS);
    float *grad = in + POSITIONS * taps;
    int32_t *offset = (int32_t *)(void *)(grad + windows * row); /* scratch is untyped memory */
    float *sums = d->narrow.partial + n * K * taps, *bia = d->cells.bias + n * K;
    memset(sums, 0, (size_t)(K * taps) * sizeof *sums);
    memset(bia, 0, (size_t)K * sizeof *bia);
    for (int64_t p = 0; p < d->P; p += windows) {
        const int64_t n_p = conv1d_min(windows, d->P - p);
        prepare(d, ddst + n * d->P * K, code + n * d->P * K, p, n_p, grad, offset, bia);
        /* side by side, so that no load crosses a cache line */
        direct_copy_rows(desc, src + n * desc->W, p * desc->pool - desc->pad_left, padded, 0, 1,
                         sample);
        for (int64_t q = 0; q < n_p * desc->pool; ++q)
            for (int64_t v = 0; v < taps; v += SIMD_LANES)
                simd_store(in + q * taps + v, simd_load(sample + q + v));
        const prepared w = {desc->pool, n_p, row, in, grad, offset};
        if (vectors == 1)
            add_windows(d, &w, sums, 1);
        else if (vectors == 2)
            add_windows(d, &w, sums, 2);
        else
            add_windows(d, &w, sums, 4);
    }
}

void direct_narrow_backward_weights(const direct_state *d, const float *src, const float *ddst,
                                    const uint8_t *code, float *dwei, float *dbia)
{
    const chirp_conv1d_desc *desc = &d->desc;
    const int64_t row = d->narrow.row;
#pragma omp parallel num_threads(desc->n_threads)
    {
        float *scratch = d->scratch + (size_t)omp_get_thread_num() * d->scratch_floats;
#pragma omp for schedule(dynamic)
        for (int64_t n = 0; n < desc->N; ++n)
            add_sample(d, n, src, ddst, code, scratch);
#pragma omp for schedule(static) nowait
        for (int64_t k = 0; k < desc->K; ++k)
            for (int64_t s = 0; s < desc->S; ++s) {
                double sum = 0.0;
                for (int64_t n = 0; n < desc->N; ++n)
                    sum += (double)d->narrow.partial[(n * desc->K + k) * row + s];
                dwei[k * desc->S + s] = (float)sum;
            }
#pragma omp single
        if (dbia)
            conv1d_bias_finish(desc, d->cells.bias, dbia);
    }
}
