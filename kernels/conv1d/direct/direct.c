/* Plan time of the direct method: blocking, dispatch, memory. The passes are in the other files of this folder. */
#include "kernels/conv1d/direct/direct.h"

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

/* What a pass asks of its columns. */
typedef struct columns_shape {
    int64_t rows, inner; /* output channels, and channels summed over per tap */
    direct_blocks tiles;
    int64_t ldc;          /* of results that are stored in place; 0: never */
    bool gathered;        /* taps are part of the inner dimension */
    int64_t shift, limit; /* see columns_clips; not read when gathered */
} columns_shape;

/*
 * Column j of tap s reads input row j + s*dilation - shift, which exists from 0 to limit - 1. Where a sample is one tile
 * that reaches into the padding, each tap becomes a product of its own over the columns that exist.
 */
static chirp_status columns_clips(const chirp_conv1d_desc *desc, const columns_shape *in,
                                  const chirp_gemm_shape shapes[2], direct_columns *c)
{
    const int64_t n = c->tiles.total, taps = desc->S, dilation = desc->dilation;
    const int64_t shift = in->shift, limit = in->limit;
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

static chirp_status columns_create(const chirp_conv1d_desc *desc, const columns_shape *s,
                                   direct_columns *c)
{
    const int64_t taps = desc->S, inner = s->inner;
    const direct_blocks tiles = s->tiles;
    chirp_gemm_shape shapes[2] = {{0}}; /* of the last tile, by row block */
    c->rows = row_blocks(s->rows, inner * taps);
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
            const bool straight = s->ldc && (!last_row || c->padded_last == c->rows.last);
            const chirp_gemm_shape shape = {
                .m = m,
                .n = last_tile ? tiles.last : tiles.size,
                .k = s->gathered ? inner * taps : inner,
                .lda = m,
                .ldb = s->gathered ? inner * taps : inner,
                .ldc = straight ? s->ldc : m,
                .reduce = !s->gathered,
                .stride_a = m * inner,
                .stride_b = desc->dilation * inner,
            };
            if (last_tile)
                shapes[last_row] = shape;
            const chirp_status st = chirp_gemm_dispatch(&shape, &c->gemms[last_row][last_tile]);
            if (st != CHIRP_OK)
                return st;
        }
    }
    return s->gathered ? CHIRP_OK : columns_clips(desc, s, shapes, c);
}

static chirp_status forward_create(direct_state *d)
{
    const chirp_conv1d_desc *desc = &d->desc;
    direct_columns *f = &d->forward;
    if (direct_narrow_forward_fits(desc))
        return direct_narrow_forward_create(d);
    const int64_t most = conv1d_max(COLUMNS / desc->pool, 1) * desc->pool;
    const columns_shape shape = {.rows = desc->K,
                                 .inner = desc->C,
                                 .tiles = even_blocks(d->routed, most, desc->pool),
                                 .gathered = d->gathered,
                                 .shift = desc->pad_left,
                                 .limit = desc->W};
    const chirp_status st = columns_create(desc, &shape, f);
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
    const columns_shape shape = {.rows = desc->C,
                                 .inner = desc->K,
                                 .tiles = even_blocks(desc->W, COLUMNS, 1),
                                 .ldc = desc->C,
                                 .shift = d->span - desc->pad_left,
                                 .limit = d->routed};
    const chirp_status st = columns_create(desc, &shape, b);
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

static chirp_status cells_dispatch_one(direct_state *d, direct_product p)
{
    const chirp_conv1d_desc *desc = &d->desc;
    direct_cells *c = &d->cells;
    const int64_t m = p.last_filters ? c->padded_last : c->filters.size;
    const int64_t n = p.last_channels ? c->channels.last : c->channels.size;
    const int64_t k = p.last_tile ? c->tiles.last : c->tiles.size;
    const chirp_gemm_shape shape = {
        .m = m,
        .n = n,
        .k = k,
        .lda = m,
        .ldb = d->gathered ? c->channels.total
               : p.copied  ? n
                           : desc->C,
        .ldc = m,
        .transpose_b = true,
        .accumulate = p.accumulate,
        .reduce = true,
        .stride_a = k * m,
        .stride_b = d->gathered ? k * c->channels.total
                    : p.copied  ? (k + d->span) * n
                                : desc->W * desc->C,
    };
    return chirp_gemm_dispatch(&shape, &c->gemms[direct_product_index(p)]);
}

static chirp_status cells_dispatch(direct_state *d)
{
    const direct_cells *c = &d->cells;
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < DIRECT_PRODUCTS && st == CHIRP_OK; ++i) {
        const direct_product p = {.copied = i & 1,
                                  .accumulate = i & 2,
                                  .last_filters = i & 4,
                                  .last_channels = i & 8,
                                  .last_tile = i & 16};
        if ((p.last_filters || c->filters.count > 1) &&
            (p.last_channels || c->channels.count > 1) &&
            (p.last_tile || c->tiles.count > 1)) /* a single block is a last one */
            st = cells_dispatch_one(d, p);
    }
    return st;
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
