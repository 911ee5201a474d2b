/*
 * Forward of a layer with one channel and a max pool of 4 behind it (conv1): the four positions of a window and a few
 * vectors of filters stay in registers from the first tap to the stored maximum, so no activation of full length exists
 * anywhere, not even in L1.
 */
#include "kernels/conv1d/direct/direct.h"
#include "kernels/simd/simd.h"

#include "harness/base/memory.h"

#include <omp.h>

enum {
    POOL = 4,
    VECTORS = SIMD_LANES == 16 ? 4 : 2, /* of filters: VECTORS * POOL sums in registers */
    WINDOWS = 64                        /* of one task */
};

bool direct_narrow_forward_fits(const chirp_conv1d_desc *desc)
{
    return desc->C == 1 && desc->dilation == 1 && desc->pool == POOL && desc->K % SIMD_LANES == 0;
}

chirp_status direct_narrow_forward_create(direct_state *d)
{
    const chirp_conv1d_desc *desc = &d->desc;
    d->narrow_weights = chirp_alloc((size_t)(desc->S * desc->K) * sizeof *d->narrow_weights);
    d->forward.scratch = (size_t)conv1d_round_up(WINDOWS * POOL + desc->S, CONV1D_ALIGN_FLOATS);
    return d->narrow_weights ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

void direct_narrow_pack(const direct_state *d, const float *wei)
{
    for (int64_t s = 0; s < d->desc.S; ++s)
        for (int64_t k = 0; k < d->desc.K; ++k)
            d->narrow_weights[s * d->desc.K + k] = wei[k * d->desc.S + s];
}

/* One window, n_v vectors of filters. in: the input of its first position */
SIMD_INLINE void window(const chirp_conv1d_desc *desc, const float *in, const float *wei,
                        const float *bia, bool relu, float *dst, uint8_t *code, int n_v)
{
    const int64_t K = desc->K, S = desc->S;
    simd_float sum[POOL][VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < n_v; ++v) {
        const simd_float start = bia ? simd_load(bia + v * SIMD_LANES) : simd_zero();
#pragma GCC unroll 4
        for (int j = 0; j < POOL; ++j)
            sum[j][v] = start;
    }
    for (int64_t s = 0; s < S; ++s, wei += K) {
        simd_float w[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < n_v; ++v)
            w[v] = simd_keep(simd_load(wei + v * SIMD_LANES));
#pragma GCC unroll 4
        for (int j = 0; j < POOL; ++j) {
            const simd_float x = simd_set(in[j + s]);
#pragma GCC unroll 4
            for (int v = 0; v < n_v; ++v)
                sum[j][v] = simd_fma(w[v], x, sum[j][v]);
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < n_v; ++v) {
        simd_float best = sum[0][v];
        simd_int winner = simd_set_int(0);
#pragma GCC unroll 4
        for (int j = 1; j < POOL; ++j) {
            const simd_mask wins = simd_greater_or_nan(sum[j][v], best);
            best = simd_select(wins, sum[j][v], best);
            if (code)
                winner = simd_select_int(wins, simd_set_int(j), winner);
        }
        if (relu) {
            const simd_mask off = simd_not_positive(best);
            best = simd_select(off, simd_zero(), best);
            if (code)
                winner = simd_select_int(off, simd_set_int(CHIRP_CONV1D_INACTIVE), winner);
        }
        simd_store(dst + v * SIMD_LANES, best);
        if (code)
            simd_store_bytes(code + v * SIMD_LANES, winner);
    }
}

SIMD_INLINE void windows(const direct_state *d, const float *in, int64_t n, const float *bia,
                         float *dst, uint8_t *code, bool relu)
{
    const int64_t K = d->desc.K, step = VECTORS * SIMD_LANES;
    for (int64_t p = 0; p < n; ++p, in += POOL, dst += K) {
        int64_t k = 0;
        for (; k + step <= K; k += step)
            window(&d->desc, in, d->narrow_weights + k, bia ? bia + k : NULL, relu, dst + k,
                   code ? code + p * K + k : NULL, VECTORS);
        for (; k < K; k += SIMD_LANES)
            window(&d->desc, in, d->narrow_weights + k, bia ? bia + k : NULL, relu, dst + k,
                   code ? code + p * K + k : NULL, 1);
    }
}

void direct_narrow_forward(const direct_state *d, const float *src, const float *bia, float *dst,
                           uint8_t *code)
{
    const chirp_conv1d_desc *desc = &d->desc;
    const int64_t tiles = conv1d_ceil_div(d->P, WINDOWS), n_tasks = desc->N * tiles;
#pragma omp parallel num_threads(desc->n_threads)
    {
        float *scratch = d->scratch + (size_t)omp_get_thread_num() * d->scratch_floats;
        const int64_t chunk = conv1d_chunk(n_tasks);
#pragma omp for schedule(dynamic, chunk) nowait
        for (int64_t task = 0; task < n_tasks; ++task) {
            const int64_t n = task / tiles, p = task % tiles * WINDOWS,
                          n_p = conv1d_min(WINDOWS, d->P - p);
            const int64_t w0 = p * POOL - desc->pad_left, reads = n_p * POOL + desc->S - 1;
            const float *in = src + n * desc->W + w0;
            if (w0 < 0 || w0 + reads > desc->W) {
                direct_copy_rows(desc, src + n * desc->W, w0, reads, 0, 1, scratch);
                in = scratch;
            }
            float *to = dst + (n * d->P + p) * desc->K;
            uint8_t *to_code = code ? code + (n * d->P + p) * desc->K : NULL;
            if (desc->relu)
                windows(d, in, n_p, bia, to, to_code, true);
            else
                windows(d, in, n_p, bia, to, to_code, false);
        }
    }
}
