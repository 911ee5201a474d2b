/*
 * Direct backward_weights: cells (filter block x channel block, one tap) are sums over samples and time in a fixed
 * order, and threads share the cells, so no number of threads changes a bit. Where a layer has few cells the
 * samples are cut into groups with cells of their own, as many as the shape says, added up in order at the end.
 */
#include "kernels/conv1d/conv1d_direct.h"

#include <omp.h>
#include <string.h>

enum {
    RUN_BYTES = 192 * 1024
}; /* cells worked on together: they stay in L2 between tiles of time */

/* Cells [tap0, tap0 + n_taps) of one group and block. */
typedef struct run {
    int64_t group, filters, channels, tap0, n_taps;
} run;

static run run_at(const direct_cells *c, int64_t cell, int64_t end)
{
    const int64_t tap = cell % c->taps, block = cell / c->taps;
    const int64_t most = conv1d_max(RUN_BYTES / 4 / c->cell_floats, 1);
    return (run){
        .group = block / (c->filters.count * c->channels.count),
        .filters = block / c->channels.count % c->filters.count,
        .channels = block % c->channels.count,
        .tap0 = tap,
        .n_taps = conv1d_min(conv1d_min(c->taps - tap, most), end - cell),
    };
}

/* Adds one tile of time of one sample to the cells of a run. */
static void add_tile(const direct_state *d, const run *r, int64_t n, int64_t tile, bool first,
                     const float *src, const float *ddst, const uint8_t *code, float *dpre,
                     float *rows)
{
    const chirp_conv1d_desc *desc = &d->desc;
    const direct_cells *c = &d->cells;
    const bool last_filters = r->filters + 1 == c->filters.count,
               last_tile = tile + 1 == c->tiles.count;
    const bool last_channels = r->channels + 1 == c->channels.count;
    const int64_t k0 = r->filters * c->filters.size, c0 = r->channels * c->channels.size;
    const int64_t n_k = direct_width(&c->filters, r->filters),
                  n_c = direct_width(&c->channels, r->channels);
    const int64_t q0 = tile * c->tiles.size, width = direct_width(&c->tiles, tile);
    const int64_t m = last_filters ? c->padded_last : c->filters.size;
    const int64_t from = n * d->P * desc->K + k0;
    if (n_k < m)
        memset(dpre, 0, (size_t)(width * m) * sizeof *dpre);
    conv1d_route(desc, ddst + from, code ? code + from : NULL, q0, q0 + width, n_k, dpre, m);

    const float *sample = src + n * desc->W * desc->C;
    const int64_t w0 = q0 - desc->pad_left + r->tap0 * desc->dilation;
    const int64_t n_rows = width + (r->n_taps - 1) * desc->dilation;
    const float *b; /* row of the run's first tap at q0, first channel of the block */
    if (d->gathered) {
        direct_gather(desc, sample, w0, width, rows);
        b = rows + c0;
    } else if (w0 >= 0 && w0 + n_rows <= desc->W) {
        b = sample + w0 * desc->C + c0;
    } else { /* whole rows, so that the leading dimension is the same as without padding */
        direct_copy_rows(desc, sample, w0, n_rows, 0, desc->C, rows);
        b = rows + c0;
    }
    (void)n_c;
    const chirp_gemm *gemm = &c->gemms[!first][last_filters][last_channels][last_tile];
    const int64_t block =
        (r->group * c->filters.count + r->filters) * c->channels.count + r->channels;
    float *cell = c->cells + (block * c->taps + r->tap0) * c->cell_floats;
    for (int64_t s = 0; s < r->n_taps; ++s)
        chirp_gemm_run(gemm, dpre, b + s * desc->dilation * desc->C, cell + s * c->cell_floats);
}

static void add_run(const direct_state *d, const run *r, const float *src, const float *ddst,
                    const uint8_t *code, float *dpre, float *rows)
{
    const direct_cells *c = &d->cells;
    int64_t n0, n1;
    conv1d_share(d->desc.N, (int)r->group, (int)c->groups, &n0, &n1);
    for (int64_t n = n0; n < n1; ++n)
        for (int64_t tile = 0; tile < c->tiles.count; ++tile)
            add_tile(d, r, n, tile, n == n0 && tile == 0, src, ddst, code, dpre, rows);
}

/* dwei[k][c][s] for one filter block and inner channel (s*C + c when gathered): groups in order */
static void finish(const direct_state *d, int64_t filters, int64_t inner, float *dwei)
{
    const chirp_conv1d_desc *desc = &d->desc;
    const direct_cells *c = &d->cells;
    const int64_t channels = inner / c->channels.size, i = inner % c->channels.size;
    const int64_t k0 = filters * c->filters.size, n_k = direct_width(&c->filters, filters);
    const int64_t m = filters + 1 == c->filters.count ? c->padded_last : c->filters.size;
    const int64_t channel = d->gathered ? inner % desc->C : inner,
                  tap0 = d->gathered ? inner / desc->C : 0;
    const int64_t group_floats = c->n_cells * c->cell_floats;
    const int64_t block = filters * c->channels.count + channels;
    for (int64_t s = 0; s < c->taps; ++s) {
        const float *cell = c->cells + (block * c->taps + s) * c->cell_floats + i * m;
        for (int64_t k = 0; k < n_k; ++k) {
            float sum = cell[k];
            for (int64_t g = 1; g < c->groups; ++g)
                sum += cell[g * group_floats + k];
            dwei[((k0 + k) * desc->C + channel) * desc->S + tap0 + s] = sum;
        }
    }
}

void direct_backward_weights(void *state, const float *src, const float *ddst, const uint8_t *code,
                             float *dwei, float *dbia)
{
    const direct_state *d = state;
    const chirp_conv1d_desc *desc = &d->desc;
    const direct_cells *c = &d->cells;
    const int64_t n_cells = c->groups * c->n_cells;
    const int64_t dpre_floats =
        conv1d_round_up(c->tiles.size * c->filters.size, CONV1D_ALIGN_FLOATS);
#pragma omp parallel num_threads(desc->n_threads)
    {
        float *dpre = d->scratch + (size_t)omp_get_thread_num() * d->scratch_floats,
              *rows = dpre + dpre_floats;
        int64_t cell, end;
        conv1d_share(n_cells, omp_get_thread_num(), omp_get_num_threads(), &cell, &end);
        while (cell < end) {
            const run r = run_at(c, cell, end);
            add_run(d, &r, src, ddst, code, dpre, rows);
            cell += r.n_taps;
        }
        if (dbia) {
#pragma omp for schedule(static) nowait
            for (int64_t n = 0; n < desc->N; ++n)
                conv1d_bias_partial(desc, ddst + n * d->P * desc->K,
                                    code ? code + n * d->P * desc->K : NULL, c->bias + n * desc->K);
        }
#pragma omp barrier
        const int64_t inner = c->channels.total;
#pragma omp for collapse(2) schedule(static) nowait
        for (int64_t filters = 0; filters < c->filters.count; ++filters)
            for (int64_t i = 0; i < inner; ++i)
                finish(d, filters, i, dwei);
#pragma omp single
        if (dbia)
            conv1d_bias_finish(desc, c->bias, dbia);
    }
}
