/* Plan time of the direct method: blocking, dispatch, memory, packing. The passes are in conv1d_direct_*.c. */
#include "kernels/conv1d/conv1d_direct.h"

#include "harness/base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * Blocking, measured with products alone on Zen 4 (fraction of FMA peak; hsw is libxsmm's AVX2 code there):
 * rows of 32 and 54 to 60 columns are within 3 % of the best for every layer on both instruction sets; with few taps
 * rows of 64 win 4 % (a product is shorter, so its start and end count), if 64 rows of weights stay in L2.
 * Columns are a multiple of the pool; Q is cut evenly so that the last tile is not a sliver.
 */
enum {
    ROWS = 32,
    WIDE_ROWS = 64,
    WIDE_BYTES_512 = 256 * 1024, /* weights of 64 rows at most, AVX-512 */
    WIDE_BYTES_256 =
        64 * 1024, /* the same for AVX2: the register tile is narrower, A is read more often */
    COLUMNS = 60,
    TIME = 256, /* inner dimension of backward_weights: long enough to hide loading the cell */
    CELL_FILTERS = 32,
    CELL_CHANNELS = 64,
    CELLS_WANTED = 128, /* parallel work in backward_weights, for many-core machines */
    GROUP_SAMPLES =
        16, /* ... but at least these per group: cells are written, read and added up once a group */
    CLIPPED_TAPS = 64,        /* more taps than this would want too many kernels */
    GATHER_CHANNELS = 16,     /* fewer channels than this, and taps join the inner dimension */
    GATHER_FLOATS = 512,      /* ... unless that makes columns longer than this */
    STORED_BYTES = 192 * 1024 /* routed rows of backward_data kept in L2 */
};

static direct_blocks blocks_of(int64_t total, int64_t size)
{
    const int64_t count = conv1d_ceil_div(total, size);
    return (direct_blocks){
        .total = total, .size = size, .count = count, .last = total - (count - 1) * size};
}

/* As few tiles of at most `most` as possible, of equal width up to a multiple of `unit`. */
static direct_blocks even_blocks(int64_t total, int64_t most, int64_t unit)
{
    const int64_t count = conv1d_ceil_div(total, most);
    return blocks_of(total, conv1d_round_up(conv1d_ceil_div(total, count), unit));
}

static direct_blocks row_blocks(int64_t n_rows, int64_t inner_floats)
{
    const int64_t vector = chirp_gemm_vector_floats();
    const int64_t wide_bytes = vector >= 16 ? WIDE_BYTES_512 : WIDE_BYTES_256;
    const bool wide = n_rows >= WIDE_ROWS && 4 * WIDE_ROWS * inner_floats <= wide_bytes;
    return blocks_of(n_rows, conv1d_min(wide ? WIDE_ROWS : ROWS, conv1d_round_up(n_rows, vector)));
}

/*
 * Column j of tap s reads input row j + s*dilation - shift, which exists from 0 to limit - 1. Where a sample is one tile
 * that reaches into the padding, each tap becomes a product of its own over the columns that exist.
 */
static chirp_status columns_clips(direct_columns *c, const chirp_gemm_shape shapes[2], int64_t taps,
                                  int64_t dilation, int64_t shift, int64_t limit)
{
    const int64_t n = c->tiles.total;
    if (c->tiles.count > 1 || taps > CLIPPED_TAPS ||
        (shift <= 0 && n + (taps - 1) * dilation - shift <= limit))
        return CHIRP_OK;
    c->clips = chirp_calloc((size_t)taps, sizeof *c->clips);
    if (!c->clips)
        return CHIRP_ERR_NOMEM;
    for (int64_t s = 0; s < taps; ++s) {
        direct_columns_clip *clip = &c->clips[s];
        const int64_t ahead = s * dilation - shift;
        clip->column = conv1d_max(0, -ahead);
        clip->width = conv1d_min(n, limit - ahead) - clip->column;
        clip->row = clip->column + ahead;
        for (int last_row = 0; last_row < 2 && clip->width > 0; ++last_row) {
            chirp_gemm_shape shape = shapes[last_row];
            if (shape.m == 0)
                continue;
            shape.n = clip->width;
            shape.accumulate = s > 0;
            shape.reduce = false;
            const chirp_status st = chirp_gemm_dispatch(&shape, &clip->gemms[last_row]);
            if (st != CHIRP_OK)
                return st;
        }
    }
    return CHIRP_OK;
}

/*
 * rows: output channels; inner: channels summed over per tap; shift, limit: see columns_clips, only read unless
 * gathered
 */
static chirp_status columns_create(direct_columns *c, int64_t n_rows, int64_t inner, int64_t taps,
                                   int64_t dilation, direct_blocks tiles, int64_t ldc_or_0,
                                   bool gathered, int64_t shift, int64_t limit)
{
    chirp_gemm_shape shapes[2] = {{0}}; /* of the last tile, by row block */
    c->rows = row_blocks(n_rows, inner * taps);
    c->inner_taps = inner * taps;
    c->tiles = tiles;
    c->padded_last = conv1d_round_up(c->rows.last, chirp_gemm_vector_floats());
    c->weights = chirp_calloc((size_t)direct_packed(c), sizeof *c->weights);
    if (!c->weights)
        return CHIRP_ERR_NOMEM;
    for (int last_row = 0; last_row < 2; ++last_row) {
        for (int last_tile = 0; last_tile < 2; ++last_tile) {
            if ((!last_row && c->rows.count == 1) || (!last_tile && tiles.count == 1))
                continue; /* a single block is a last one */
            const int64_t m = last_row ? c->padded_last : c->rows.size;
            const bool straight = ldc_or_0 && (!last_row || c->padded_last == c->rows.last);
            const chirp_gemm_shape shape = {
                .m = m,
                .n = last_tile ? tiles.last : tiles.size,
                .k = gathered ? inner * taps : inner,
                .lda = m,
                .ldb = gathered ? inner * taps : inner,
                .ldc = straight ? ldc_or_0 : m,
                .reduce = !gathered,
                .stride_a = m * inner,
                .stride_b = dilation * inner,
            };
            if (last_tile)
                shapes[last_row] = shape;
            const chirp_status st = chirp_gemm_dispatch(&shape, &c->gemms[last_row][last_tile]);
            if (st != CHIRP_OK)
                return st;
        }
    }
    return gathered ? CHIRP_OK : columns_clips(c, shapes, taps, dilation, shift, limit);
}

static chirp_status forward_create(direct_state *d)
{
    const chirp_conv1d_desc *desc = &d->desc;
    direct_columns *f = &d->forward;
    if (direct_narrow_forward_fits(desc))
        return direct_narrow_forward_create(d);
    const int64_t most = conv1d_max(COLUMNS / desc->pool, 1) * desc->pool;
    const chirp_status st = columns_create(f, desc->K, desc->C, desc->S, desc->dilation,
                                           even_blocks(d->routed, most, desc->pool), 0, d->gathered,
                                           desc->pad_left, desc->W);
    if (st != CHIRP_OK)
        return st;
    const int64_t in =
        d->gathered ? f->tiles.size * desc->C * desc->S : (f->tiles.size + d->span) * desc->C;
    f->scratch = (size_t)(conv1d_round_up(in, CONV1D_ALIGN_FLOATS) +
                          conv1d_round_up(f->tiles.size * f->rows.size, CONV1D_ALIGN_FLOATS) +
                          CONV1D_ALIGN_FLOATS);
    return CHIRP_OK;
}

static chirp_status backward_data_create(direct_state *d)
{
    const chirp_conv1d_desc *desc = &d->desc;
    direct_columns *b = &d->backward_data;
    const chirp_status st = columns_create(b, desc->C, desc->K, desc->S, desc->dilation,
                                           even_blocks(desc->W, COLUMNS, 1), desc->C, false,
                                           d->span - desc->pad_left, d->routed);
    if (st != CHIRP_OK)
        return st;
    const int64_t rows_kept = STORED_BYTES / 4 / desc->K - d->span;
    b->stored = conv1d_min(conv1d_max(rows_kept / b->tiles.size, 1), b->tiles.count);
    const int64_t rows = b->clips ? d->routed : b->stored * b->tiles.size + d->span;
    b->scratch = (size_t)(conv1d_round_up(rows * desc->K, CONV1D_ALIGN_FLOATS) +
                          conv1d_round_up(b->tiles.size * b->rows.size, CONV1D_ALIGN_FLOATS) +
                          CONV1D_ALIGN_FLOATS);
    return CHIRP_OK;
}

static chirp_status cells_dispatch(direct_state *d)
{
    const chirp_conv1d_desc *desc = &d->desc;
    direct_cells *c = &d->cells;
    for (int i = 0; i < 32; ++i) {
        const bool accumulate = i & 1, last_filters = i & 2, last_channels = i & 4,
                   last_tile = i & 8, copied = i & 16;
        if ((!last_filters && c->filters.count == 1) ||
            (!last_channels && c->channels.count == 1) || (!last_tile && c->tiles.count == 1))
            continue; /* a single block is a last one */
        const int64_t m = last_filters ? c->padded_last : c->filters.size;
        const int64_t n = last_channels ? c->channels.last : c->channels.size;
        const int64_t k = last_tile ? c->tiles.last : c->tiles.size;
        const chirp_gemm_shape shape = {
            .m = m,
            .n = n,
            .k = k,
            .lda = m,
            .ldb = d->gathered ? c->channels.total
                   : copied    ? n
                               : desc->C,
            .ldc = m,
            .transpose_b = true,
            .accumulate = accumulate,
            .reduce = true,
            .stride_a = k * m,
            .stride_b = d->gathered ? k * c->channels.total
                        : copied    ? (k + d->span) * n
                                    : desc->W * desc->C,
        };
        const chirp_status st = chirp_gemm_dispatch(
            &shape, &c->gemms[copied][accumulate][last_filters][last_channels][last_tile]);
        if (st != CHIRP_OK)
            return st;
    }
    return CHIRP_OK;
}

/*
 * A sample that fits one tile: each tap sums over the positions whose input exists, so padding costs neither copies nor
 * operations (conv4: 13 % of them). Leaves clips NULL when that doesn't fit the shape.
 */
static chirp_status clips_create(direct_state *d)
{
    const chirp_conv1d_desc *desc = &d->desc;
    direct_cells *c = &d->cells;
    if (d->gathered || c->tiles.count > 1 || desc->S > CLIPPED_TAPS)
        return CHIRP_OK;
    c->clips = chirp_calloc((size_t)desc->S, sizeof *c->clips);
    if (!c->clips)
        return CHIRP_ERR_NOMEM;
    for (int64_t s = 0; s < desc->S; ++s) {
        direct_clip *clip = &c->clips[s];
        const int64_t shift = s * desc->dilation - desc->pad_left;
        clip->q0 = conv1d_max(0, -shift);
        clip->width = conv1d_min(d->routed, desc->W - shift) - clip->q0;
        if (clip->width < 1) { /* a tap that sees padding only: rare, left to the general way */
            chirp_free(c->clips);
            c->clips = NULL;
            return CHIRP_OK;
        }
        for (int i = 0; i < 8; ++i) {
            const bool accumulate = i & 1, last_filters = i & 2, last_channels = i & 4;
            if ((!last_filters && c->filters.count == 1) ||
                (!last_channels && c->channels.count == 1))
                continue;
            const int64_t m = last_filters ? c->padded_last : c->filters.size;
            const chirp_gemm_shape shape = {
                .m = m,
                .n = last_channels ? c->channels.last : c->channels.size,
                .k = clip->width,
                .lda = m,
                .ldb = desc->C,
                .ldc = m,
                .transpose_b = true,
                .accumulate = accumulate,
                .reduce = true,
                .stride_a = d->routed * m,
                .stride_b = desc->W * desc->C,
            };
            const chirp_status st =
                chirp_gemm_dispatch(&shape, &clip->gemms[accumulate][last_filters][last_channels]);
            if (st != CHIRP_OK)
                return st;
        }
    }
    return CHIRP_OK;
}

static chirp_status backward_weights_create(direct_state *d)
{
    const chirp_status narrow = direct_narrow_create(d);
    if (narrow != CHIRP_OK || d->narrow.vectors)
        return narrow;
    const chirp_conv1d_desc *desc = &d->desc;
    direct_cells *c = &d->cells;
    const int64_t vector = chirp_gemm_vector_floats();
    const int64_t inner = d->gathered ? desc->C * desc->S : desc->C;
    c->taps = d->gathered ? 1 : desc->S;
    c->filters = blocks_of(desc->K, conv1d_min(CELL_FILTERS, conv1d_round_up(desc->K, vector)));
    c->padded_last = conv1d_round_up(c->filters.last, vector);
    c->channels = blocks_of(inner, conv1d_min(CELL_CHANNELS, inner));
    const int64_t most = conv1d_max(TIME / desc->pool, 1) * desc->pool;
    c->tiles = even_blocks(d->routed, most, desc->pool);
    c->n_cells = c->filters.count * c->channels.count * c->taps;
    c->groups = conv1d_min(conv1d_ceil_div(CELLS_WANTED, c->n_cells),
                           conv1d_ceil_div(desc->N, GROUP_SAMPLES));
    c->stacked = c->tiles.count > 1 ? 1 : conv1d_min(conv1d_max(TIME / d->routed, 1), desc->N);
    c->cell_floats = c->filters.size * c->channels.size;
    c->cells = chirp_alloc((size_t)(c->groups * c->n_cells * c->cell_floats) * sizeof *c->cells);
    c->bias = chirp_alloc((size_t)(desc->N * desc->K) * sizeof *c->bias);
    if (!c->cells || !c->bias)
        return CHIRP_ERR_NOMEM;
    const int64_t in =
        d->gathered ? c->tiles.size * inner : (c->tiles.size + d->span) * c->channels.size;
    c->scratch = (size_t)(conv1d_round_up(c->stacked * in, CONV1D_ALIGN_FLOATS) +
                          conv1d_round_up(c->stacked * c->tiles.size * c->filters.size,
                                          CONV1D_ALIGN_FLOATS) +
                          CONV1D_ALIGN_FLOATS);
    const chirp_status st = clips_create(d);
    return st != CHIRP_OK || c->clips ? st : cells_dispatch(d);
}

static void destroy(void *state)
{
    direct_state *d = state;
    if (!d)
        return;
    chirp_free(d->forward.weights);
    chirp_free(d->forward.clips);
    chirp_free(d->backward_data.weights);
    chirp_free(d->backward_data.clips);
    chirp_free(d->cells.cells);
    chirp_free(d->cells.bias);
    chirp_free(d->narrow.partial);
    chirp_free(d->narrow_weights);
    chirp_free(d->cells.clips);
    chirp_free(d->scratch);
    chirp_free(d);
}

static chirp_status create(const chirp_conv1d_desc *desc, unsigned passes, void **state)
{
    direct_state *d = chirp_calloc(1, sizeof *d);
    if (!d)
        return CHIRP_ERR_NOMEM;
    d->desc = *desc;
    d->passes = passes;
    d->Q = chirp_conv1d_out_width(desc);
    d->P = chirp_conv1d_pooled_width(desc);
    d->routed = d->P * desc->pool;
    d->span = (desc->S - 1) * desc->dilation;
    d->gathered = desc->S > 1 && desc->C < GATHER_CHANNELS && desc->C * desc->S <= GATHER_FLOATS;
    chirp_status st = CHIRP_OK;
    if (passes & CONV1D_PASS_BIT(CHIRP_CONV1D_FORWARD))
        st = forward_create(d);
    if (st == CHIRP_OK && (passes & CONV1D_PASS_BIT(CHIRP_CONV1D_BACKWARD_DATA)))
        st = backward_data_create(d);
    if (st == CHIRP_OK && (passes & CONV1D_PASS_BIT(CHIRP_CONV1D_BACKWARD_WEIGHTS)))
        st = backward_weights_create(d);
    if (st == CHIRP_OK) {
        const size_t needs[] = {d->forward.scratch, d->backward_data.scratch, d->cells.scratch,
                                d->narrow.scratch};
        for (size_t i = 0; i < sizeof needs / sizeof *needs; ++i)
            d->scratch_floats = needs[i] > d->scratch_floats ? needs[i] : d->scratch_floats;
        d->scratch = chirp_calloc((size_t)desc->n_threads, d->scratch_floats * sizeof *d->scratch);
        if (!d->scratch)
            st = CHIRP_ERR_NOMEM;
    }
    if (st != CHIRP_OK) {
        destroy(d);
        return st;
    }
    *state = d;
    return CHIRP_OK;
}

void direct_pack(const direct_state *d, const direct_columns *to, bool reverse, const float *wei)
{
    const int64_t C = d->desc.C, K = d->desc.K, S = d->desc.S;
    const int64_t inner = reverse ? K : C;
    const int64_t row_stride = reverse ? S : C * S, inner_stride = reverse ? C * S : S;
    /* one (row block, inner channel) at a time: reads lines of S taps, writes lines of a row block */
#pragma omp parallel for collapse(2) schedule(static) num_threads(d->desc.n_threads)
    for (int64_t b = 0; b < to->rows.count; ++b) {
        for (int64_t i = 0; i < inner; ++i) {
            const int64_t row0 = b * to->rows.size, n_rows = direct_width(&to->rows, b);
            const int64_t m = b + 1 == to->rows.count ? to->padded_last : to->rows.size;
            float *block = to->weights + row0 * inner * S;
            for (int64_t s = 0; s < S; ++s) {
                float *line = block + ((reverse ? S - 1 - s : s) * inner + i) * m;
                const float *from = wei + row0 * row_stride + i * inner_stride + s;
                for (int64_t r = 0; r < n_rows; ++r)
                    line[r] = from[r * row_stride];
            }
        }
    }
}

static void load_weights(void *state, const float *wei)
{
    const direct_state *d = state;
    if (d->narrow_weights)
        direct_narrow_pack(d, wei);
    else if (d->passes & CONV1D_PASS_BIT(CHIRP_CONV1D_FORWARD))
        direct_pack(d, &d->forward, false, wei);
    if (d->passes & CONV1D_PASS_BIT(CHIRP_CONV1D_BACKWARD_DATA))
        direct_pack(d, &d->backward_data, true, wei);
}

void direct_copy_rows(const chirp_conv1d_desc *desc, const float *sample, int64_t w0, int64_t n,
                      int64_t c0, int64_t n_c, float *to)
{
    const int64_t begin = conv1d_min(conv1d_max(-w0, 0), n),
                  end = conv1d_max(conv1d_min(desc->W - w0, n), begin);
    memset(to, 0, (size_t)(begin * n_c) * sizeof *to);
    if (n_c == desc->C && end > begin)
        memcpy(to + begin * n_c, sample + (w0 + begin) * n_c,
               (size_t)((end - begin) * n_c) * sizeof *to);
    else
        for (int64_t i = begin; i < end; ++i)
            memcpy(to + i * n_c, sample + (w0 + i) * desc->C + c0, (size_t)n_c * sizeof *to);
    memset(to + end * n_c, 0, (size_t)((n - end) * n_c) * sizeof *to);
}

void direct_gather(const chirp_conv1d_desc *desc, const float *sample, int64_t w0, int64_t n,
                   float *to)
{
    const int64_t C = desc->C, S = desc->S, column = C * S;
    const bool inside = w0 >= 0 && w0 + n - 1 + (S - 1) * desc->dilation < desc->W;
    if (inside && desc->dilation == 1) {
        for (int64_t i = 0; i < n; ++i)
            memcpy(to + i * column, sample + (w0 + i) * C, (size_t)column * sizeof *to);
        return;
    }
    for (int64_t i = 0; i < n; ++i)
        for (int64_t s = 0; s < S; ++s) {
            const int64_t w = w0 + i + s * desc->dilation;
            for (int64_t c = 0; c < C; ++c)
                to[i * column + s * C + c] = w >= 0 && w < desc->W ? sample[w * C + c] : 0.0f;
        }
}

static double cost(const chirp_conv1d_desc *desc, chirp_conv1d_pass pass)
{
    (void)pass;
    return chirp_conv1d_flops(desc) / 2.0;
}

/* Columns of a pass, all taps together: all, or those whose input exists. */
static double columns_done(const direct_columns *c, int64_t taps)
{
    if (!c->clips)
        return (double)(c->tiles.total * taps);
    double done = 0;
    for (int64_t s = 0; s < taps; ++s)
        done += (double)conv1d_max(c->clips[s].width, 0);
    return done;
}

/* Padded rows count as done, and taps that meet zeros copied from the padding; positions that pooling drops don't. */
static double flops(const void *state, chirp_conv1d_pass pass)
{
    const direct_state *d = state;
    if (pass == CHIRP_CONV1D_BACKWARD_WEIGHTS && d->narrow.vectors)
        return 2.0 * (double)d->desc.N * (double)d->desc.K * (double)d->desc.S * (double)d->P;
    const double per_column = 2.0 * (double)d->desc.N * (double)d->desc.K * (double)d->desc.C;
    if (pass == CHIRP_CONV1D_BACKWARD_DATA)
        return per_column * columns_done(&d->backward_data, d->desc.S);
    if (pass == CHIRP_CONV1D_FORWARD && !d->narrow_weights)
        return per_column * columns_done(&d->forward, d->desc.S);
    return per_column * (double)(d->routed * d->desc.S);
}

/*
 * Memory traffic: the input is read once per block of weight rows that fits L2. Rows that neighbouring tiles share are read once, as
 * they are still in L2.
 */
static double columns_bytes(const direct_state *d, const direct_columns *c, double streamed,
                            double written)
{
    const double times = direct_resident(d, c) ? 1.0 : (double)c->rows.count;
    return times * streamed + written + 4.0 * (double)direct_packed(c);
}

/* Runs of cells stay in L2 while the gradients of their filters and the inputs of their channels stream by. */
static double cells_bytes(const direct_state *d, double src, double dst)
{
    const direct_cells *c = &d->cells;
    const int64_t row = c->channels.count * c->taps, most = direct_run_cells(c);
    double src_reads = 0.0, runs = 0.0;
    for (int64_t first = 0; first < row; first += most, runs += 1.0) {
        const int64_t last = conv1d_min(first + most, row) - 1;
        src_reads += (double)(last / c->taps - first / c->taps + 1) / (double)c->channels.count;
    }
    const double cells = 4.0 * (double)(c->groups * c->n_cells * c->cell_floats);
    const double dwei = 4.0 * (double)(d->desc.K * d->desc.C * d->desc.S + d->desc.K);
    return (double)c->filters.count * src_reads * src + runs * dst + 2.0 * cells + dwei;
}

static double bytes(const void *state, chirp_conv1d_pass pass)
{
    const direct_state *d = state;
    const chirp_conv1d_desc *desc = &d->desc;
    const double src = 4.0 * (double)desc->N * (double)desc->W * (double)desc->C;
    const double dst =
        (conv1d_needs_code(desc) ? 5.0 : 4.0) * (double)desc->N * (double)d->P * (double)desc->K;
    if (pass == CHIRP_CONV1D_FORWARD && d->narrow_weights)
        return src + dst + 4.0 * (double)(desc->K * desc->S + desc->K);
    if (pass == CHIRP_CONV1D_FORWARD)
        return columns_bytes(d, &d->forward, src, dst);
    if (pass == CHIRP_CONV1D_BACKWARD_DATA)
        return columns_bytes(d, &d->backward_data, dst, src);
    if (d->narrow.vectors) {
        const double partial = 4.0 * (double)(desc->N * desc->K * d->narrow.row);
        return src + dst + 2.0 * partial + 4.0 * (double)(desc->K * desc->S + desc->K);
    }
    return cells_bytes(d, src, dst);
}

static void describe(const void *state, chirp_conv1d_pass pass, char *text, size_t size)
{
    const direct_state *d = state;
    if (pass == CHIRP_CONV1D_BACKWARD_WEIGHTS && d->narrow.vectors)
        (void)snprintf(text, size,
                       "one channel: winners of the pool only, taps in %" PRId64 " vector%s",
                       d->narrow.vectors, d->narrow.vectors == 1 ? "" : "s");
    else if (pass == CHIRP_CONV1D_FORWARD && d->narrow_weights)
        (void)snprintf(text, size, "one channel: a window of the pool stays in registers");
    else if (pass == CHIRP_CONV1D_BACKWARD_WEIGHTS)
        (void)snprintf(text, size,
                       "cells of %" PRId64 " filters x %" PRId64 " channels, %" PRId64
                       " samples in time, %" PRId64 " group%s%s",
                       d->cells.filters.size, d->cells.channels.size, d->cells.tiles.size,
                       d->cells.groups, d->cells.groups == 1 ? "" : "s",
                       d->gathered ? ", taps gathered" : "");
    else {
        const direct_columns *c = pass == CHIRP_CONV1D_FORWARD ? &d->forward : &d->backward_data;
        (void)snprintf(text, size,
                       "tiles of %" PRId64 " channels x %" PRId64 " columns, libxsmm %s%s",
                       c->rows.size, c->tiles.size, chirp_gemm_target(),
                       d->gathered && pass == CHIRP_CONV1D_FORWARD ? ", taps gathered" : "");
    }
}

const conv1d_engine conv1d_engine_direct = {
    .algorithm = CHIRP_CONV1D_DIRECT,
    .name = "direct",
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .load_weights = load_weights,
    .forward = direct_forward,
    .backward_data = direct_backward_data,
    .backward_weights = direct_backward_weights,
    .flops = flops,
    .bytes = bytes,
    .describe = describe,
};
