/*
 * Direct backward_weights: cells (filter block x channel block, one tap) are sums over samples and time in a fixed
 * order, and threads share the cells, so no number of threads changes a bit. Where a layer has few cells the
 * samples are cut into groups with cells of their own, as many as the shape says, added up in order at the end.
 */
#include "kernels/conv1d/direct/direct.h"

#include <omp.h>
#include <string.h>

enum {
    MOST_FILTERS = 32, /* of a cell */
    FINISHED = 64      /* elements of a row of dwei finished at a time */
};

/* Cells [first, first + n) in (channel block, tap) order, of one group and filter block. */
typedef struct run {
    int64_t group, filters, first, n;
} run;

static run run_at(const direct_cells *c, int64_t cell, int64_t end)
{
    const int64_t row = c->channels.count * c->taps; /* cells that share routed gradients */
    const int64_t most = direct_run_cells(c);
    const int64_t first = cell % row;
    return (run){
        .group = cell / row / c->filters.count,
        .filters = cell / row % c->filters.count,
        .first = first,
        .n = conv1d_min(conv1d_min(row - first, most), end - cell),
    };
}

/* Samples n .. n + stack - 1 at positions q0 .. q0 + width - 1: the input of one addition to a run. */
typedef struct slab {
    int64_t n, stack, tile, q0, width;
    bool first; /* cells are overwritten */
    const float *src;
    const float *dpre; /* [stack][width][m] */
    float *rows;       /* room for copies */
} slab;

/* Adds a slab to taps [tap0, tap0 + n_taps) of one channel block. */
static void add_taps(const direct_state *d, const run *r, const slab *in, int64_t channels,
                     int64_t tap0, int64_t n_taps)
{
    const chirp_conv1d_desc *desc = &d->desc;
    const direct_cells *c = &d->cells;
    const bool last_filters = r->filters + 1 == c->filters.count,
               last_channels = channels + 1 == c->channels.count;
    const int64_t m = last_filters ? c->padded_last : c->filters.size;
    const int64_t c0 = channels * c->channels.size, n_c = direct_width(&c->channels, channels);
    const int64_t w0 =
        in->q0 - desc->pad_left + tap0 * desc->dilation; /* input row of the first tap at q0 */
    const int64_t block = (r->group * c->filters.count + r->filters) * c->channels.count + channels;
    const float *sample = in->src + in->n * desc->W * desc->C;
    float *cell = c->cells + (block * c->taps + tap0) * c->cell_floats;
    if (c->clips) {
        for (int64_t s = tap0; s < tap0 + n_taps; ++s, cell += c->cell_floats) {
            const direct_clip *clip = &c->clips[s];
            const int64_t w = clip->q0 - desc->pad_left + s * desc->dilation;
            chirp_gemm_reduce(&clip->gemms[!in->first][last_filters][last_channels],
                              in->dpre + clip->q0 * m, sample + w * desc->C + c0, cell, in->stack);
        }
        return;
    }
    const int64_t n_rows = in->width + (n_taps - 1) * desc->dilation;
    const bool copied = d->gathered || w0 < 0 || w0 + n_rows > desc->W;
    const float *b = sample + w0 * desc->C + c0;
    int64_t tap_step = desc->dilation * desc->C;
    if (d->gathered) {
        b = in->rows + c0; /* gathered once for all channel blocks */
    } else if (copied) {
        for (int64_t e = 0; e < in->stack; ++e)
            direct_copy_rows(desc, sample + e * desc->W * desc->C, w0, n_rows, c0, n_c,
                             in->rows + e * (in->width + d->span) * n_c);
        b = in->rows;
        tap_step = desc->dilation * n_c;
    }
    const direct_product product = {copied, !in->first, last_filters, last_channels,
                                    in->tile + 1 == c->tiles.count};
    const chirp_gemm *gemm = &c->gemms[direct_product_index(product)];
    for (int64_t s = 0; s < n_taps; ++s)
        chirp_gemm_reduce(gemm, in->dpre, b + s * tap_step, cell + s * c->cell_floats, in->stack);
}

static void add_slab(const direct_state *d, const run *r, const slab *in)
{
    const direct_cells *c = &d->cells;
    for (int64_t cell = r->first; cell < r->first + r->n;) {
        const int64_t tap = cell % c->taps;
        const int64_t n_taps = conv1d_min(c->taps - tap, r->first + r->n - cell);
        add_taps(d, r, in, cell / c->taps, tap, n_taps);
        cell += n_taps;
    }
}

static void add_run(const direct_state *d, const run *r, const float *src, const float *ddst,
                    const uint8_t *code, float *dpre, float *rows)
{
    const chirp_conv1d_desc *desc = &d->desc;
    const direct_cells *c = &d->cells;
    const int64_t k0 = r->filters * c->filters.size, n_k = direct_width(&c->filters, r->filters);
    const int64_t m = r->filters + 1 == c->filters.count ? c->padded_last : c->filters.size;
    int64_t n0, n1;
    conv1d_share(desc->N, (int)r->group, (int)c->groups, &n0, &n1);
    for (int64_t n = n0; n < n1; n += c->stacked) {
        for (int64_t tile = 0; tile < c->tiles.count; ++tile) {
            const slab in = {
                .n = n,
                .stack = conv1d_min(c->stacked, n1 - n),
                .tile = tile,
                .q0 = tile * c->tiles.size,
                .width = direct_width(&c->tiles, tile),
                .first = n == n0 && tile == 0,
                .src = src,
                .dpre = dpre,
                .rows = rows,
            };
            if (n_k < m)
                memset(dpre, 0, (size_t)(in.stack * in.width * m) * sizeof *dpre);
            for (int64_t e = 0; e < in.stack; ++e) {
                const int64_t from = (n + e) * d->P * desc->K + k0;
                conv1d_route(desc, ddst + from, code ? code + from : NULL, in.q0, in.q0 + in.width,
                             n_k, dpre + e * in.width * m, m);
                if (d->gathered)
                    direct_gather(desc, src + (n + e) * desc->W * desc->C, in.q0 - desc->pad_left,
                                  in.width, rows + e * in.width * c->channels.total);
            }
            add_slab(d, r, &in);
        }
    }
}

/*
 * dwei[k][e], e = c*S + s, for one filter block and elements [e0, e1): groups in order. Sums are made filters innermost, as
 * cells lie, and turned in L1: rows of dwei are often a multiple of 4 KB apart, and then written one filter after the
 * other they would push each other out of the cache.
 */
static void finish(const direct_state *d, int64_t filters, int64_t e0, int64_t e1, float *dwei)
{
    const chirp_conv1d_desc *desc = &d->desc;
    const direct_cells *c = &d->cells;
    const int64_t k0 = filters * c->filters.size, n_k = direct_width(&c->filters, filters);
    const int64_t m = filters + 1 == c->filters.count ? c->padded_last : c->filters.size;
    const int64_t group_floats = c->n_cells * c->cell_floats;
    float sums[FINISHED][MOST_FILTERS];
    for (int64_t e = e0; e < e1; ++e) {
        const int64_t channel = e / desc->S, s = e % desc->S;
        const int64_t inner = d->gathered ? s * desc->C + channel : channel;
        const int64_t block = filters * c->channels.count + inner / c->channels.size;
        const float *cell = c->cells + (block * c->taps + (d->gathered ? 0 : s)) * c->cell_floats +
                            inner % c->channels.size * m;
        float *sum = sums[e - e0];
        memcpy(sum, cell, (size_t)m * sizeof *sum);
        for (int64_t g = 1; g < c->groups; ++g)
            for (int64_t k = 0; k < m; ++k)
                sum[k] += cell[g * group_floats + k];
    }
    for (int64_t k = 0; k < n_k; ++k) {
        float *row = dwei + (k0 + k) * desc->C * desc->S;
        for (int64_t e = e0; e < e1; ++e)
            row[e] = sums[e - e0][k];
    }
}

void direct_backward_weights(void *state, const float *src, const float *ddst, const uint8_t *code,
                             float *dwei, float *dbia)
{
    const direct_state *d = state;
    const chirp_conv1d_desc *desc = &d->desc;
    const direct_cells *c = &d->cells;
    if (d->narrow.vectors) {
        direct_narrow_backward_weights(d, src, ddst, code, dwei, dbia);
        return;
    }
    const int64_t n_cells = c->groups * c->n_cells;
    const int64_t dpre_floats =
        conv1d_round_up(c->stacked * c->tiles.size * c->filters.size, CONV1D_ALIGN_FLOATS);
#pragma omp parallel num_threads(desc->n_threads)
    {
        float *dpre = d->scratch + (size_t)omp_get_thread_num() * d->scratch_floats,
              *rows = dpre + dpre_floats;
        int64_t cell, end;
        conv1d_share(n_cells, omp_get_thread_num(), omp_get_num_threads(), &cell, &end);
        while (cell < end) {
            const run r = run_at(c, cell, end);
            add_run(d, &r, src, ddst, code, dpre, rows);
            cell += r.n;
        }
        if (dbia) {
#pragma omp for schedule(static) nowait
            for (int64_t n = 0; n < desc->N; ++n)
                conv1d_bias_partial(desc, ddst + n * d->P * desc->K,
                                    code ? code + n * d->P * desc->K : NULL, c->bias + n * desc->K);
        }
#pragma omp barrier
        const int64_t row = desc->C * desc->S;
#pragma omp for collapse(2) schedule(static) nowait
        for (int64_t filters = 0; filters < c->filters.count; ++filters)
            for (int64_t e = 0; e < row; e += FINISHED)
                finish(d, filters, e, conv1d_min(e + FINISHED, row), dwei);
#pragma omp single nowait
        if (dbia)
            conv1d_bias_finish(desc, c->bias, dbia);
    }
}
