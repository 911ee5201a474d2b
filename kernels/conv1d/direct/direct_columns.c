/*
 * Direct forward and backward_data: tiles of channels x time, one batch-reduce product each.
 *
 * An item is one tile of one sample; its input rows are made ready once and multiplied by one row block of weights or
 * more. With enough items a thread keeps samples of its own in every pass and layer, so they stay in its caches; it
 * takes all row blocks per item where the weights fit its L2 beside them, else streams its items past one row block
 * after the other. With few items (one event, many threads) row blocks are shared out too.
 */
#include "kernels/conv1d/direct/direct.h"

#include <omp.h>
#include <string.h>

/* Works on row blocks [b0, b1) of items [i0, i1) = sample * tiles + tile. */
typedef void items_function(const direct_state *d, const void *tensors, int64_t b0, int64_t b1,
                            int64_t i0, int64_t i1, float *scratch);

static void share_items(const direct_state *d, const direct_columns *c, items_function *work,
                        const void *tensors)
{
    const int64_t n_items = d->desc.N * c->tiles.count, blocks = c->rows.count;
    const bool own = direct_own_items(d, c), resident = direct_resident(d, c);
#pragma omp parallel num_threads(d->desc.n_threads)
    {
        const int id = omp_get_thread_num(), team = omp_get_num_threads();
        float *scratch = d->scratch + (size_t)id * d->scratch_floats;
        int64_t begin, end;
        conv1d_share(own ? n_items : blocks * n_items, id, team, &begin, &end);
        if (resident)
            work(d, tensors, 0, blocks, begin, end, scratch);
        for (int64_t b = 0; b < blocks && !resident; ++b) {
            const int64_t before = own ? 0 : b * n_items; /* tasks of the blocks before this one */
            const int64_t i0 = conv1d_max(begin - before, 0),
                          i1 = conv1d_min(end - before, n_items);
            if (i0 < i1)
                work(d, tensors, b, b + 1, i0, i1, scratch);
        }
    }
}

/*
 * out (m x columns of a tile) = sum over taps of weights * rows. rows: the tile's input with its padding as zeros; with
 * clips, the sample's input as it is.
 */
static void multiply(const direct_columns *c, const direct_state *d, int64_t block, int64_t tile,
                     const float *weights, const float *rows, float *out, int64_t ldc)
{
    const int64_t taps = d->desc.S;
    const bool last = block + 1 == c->rows.count;
    if (!c->clips) {
        chirp_gemm_reduce(&c->gemms[last][tile + 1 == c->tiles.count], weights, rows, out, taps);
        return;
    }
    const int64_t m = last ? c->padded_last : c->rows.size, inner = c->inner_taps / taps;
    /* the first tap overwrites its columns */
    const int64_t begin = c->clips[0].column, end = begin + conv1d_max(c->clips[0].width, 0);
    for (int64_t j = 0; j < c->tiles.total; ++j)
        if (j < begin || j >= end)
            memset(out + j * ldc, 0, (size_t)m * sizeof *out);
    for (int64_t s = 0; s < taps; ++s) {
        const direct_columns_clip *clip = &c->clips[s];
        if (clip->width > 0)
            chirp_gemm_run(&clip->gemms[last], weights + s * m * inner, rows + clip->row * inner,
                           out + clip->column * ldc);
    }
}

static float *rows_behind(const direct_columns *c, float *tile)
{
    return tile + conv1d_round_up(c->tiles.size * c->rows.size, CONV1D_ALIGN_FLOATS);
}

typedef struct forward_tensors {
    const float *src, *bia;
    float *dst;
    uint8_t *code;
} forward_tensors;

/* The input of an item: in place, or copied where it reaches into the padding. */
static const float *forward_rows(const direct_state *d, const float *sample, int64_t w0,
                                 int64_t width, float *rows)
{
    const chirp_conv1d_desc *desc = &d->desc;
    if (d->gathered)
        direct_gather(desc, sample, w0, width, rows);
    else if (d->forward.clips)
        return sample;
    else if (w0 >= 0 && w0 + width + d->span <= desc->W)
        return sample + w0 * desc->C;
    else
        direct_copy_rows(desc, sample, w0, width + d->span, 0, desc->C, rows);
    return rows;
}

static void forward_items(const direct_state *d, const void *tensors, int64_t b0, int64_t b1,
                          int64_t i0, int64_t i1, float *tile)
{
    const chirp_conv1d_desc *desc = &d->desc;
    const direct_columns *f = &d->forward;
    const forward_tensors *in = tensors;
    float *room = rows_behind(f, tile);
    for (int64_t i = i0; i < i1; ++i) {
        const int64_t n = i / f->tiles.count, t = i % f->tiles.count, q0 = t * f->tiles.size;
        const int64_t width = direct_width(&f->tiles, t);
        const float *rows =
            forward_rows(d, in->src + n * desc->W * desc->C, q0 - desc->pad_left, width, room);
        for (int64_t b = b0; b < b1; ++b) {
            const bool last_block = b + 1 == f->rows.count;
            const int64_t k0 = b * f->rows.size;
            const float *weights = f->weights + k0 * desc->C * desc->S;
            const int64_t m = last_block ? f->padded_last : f->rows.size;
            if (d->gathered)
                chirp_gemm_run(&f->gemms[last_block][t + 1 == f->tiles.count], weights, rows, tile);
            else
                multiply(f, d, b, t, weights, rows, tile, m);
            const int64_t to = (n * d->P + q0 / desc->pool) * desc->K + k0;
            conv1d_epilogue(desc, tile, m, width, direct_width(&f->rows, b),
                            in->bia ? in->bia + k0 : NULL, in->dst + to,
                            in->code ? in->code + to : NULL);
        }
    }
}

void direct_forward(void *state, const float *src, const float *bia, float *dst, uint8_t *code)
{
    const direct_state *d = state;
    const forward_tensors tensors = {src, bia, dst, code};
    if (d->narrow_weights)
        direct_narrow_forward(d, src, bia, dst, code);
    else
        share_items(d, &d->forward, forward_items, &tensors);
}

typedef struct backward_tensors {
    const float *ddst;
    const uint8_t *code;
    float *dsrc;
} backward_tensors;

/* dsrc[w] sums dpre[w + pad_left - span + s'*dilation] over s' = S-1-s */
static void backward_data_tile(const direct_state *d, int64_t block, int64_t t, const float *rows,
                               float *sample, float *tile)
{
    const chirp_conv1d_desc *desc = &d->desc;
    const direct_columns *b = &d->backward_data;
    const bool last_block = block + 1 == b->rows.count;
    const int64_t width = direct_width(&b->tiles, t), c0 = block * b->rows.size;
    const int64_t n_c = direct_width(&b->rows, block);
    const float *weights = b->weights + c0 * desc->K * desc->S;
    float *to = sample + t * b->tiles.size * desc->C + c0;
    if (!last_block || b->padded_last == n_c) { /* whole vectors: straight into the tensor */
        multiply(b, d, block, t, weights, rows, to, desc->C);
        return;
    }
    multiply(b, d, block, t, weights, rows, tile, b->padded_last);
    for (int64_t w = 0; w < width; ++w)
        for (int64_t c = 0; c < n_c; ++c)
            to[w * desc->C + c] = tile[w * b->padded_last + c];
}

static void backward_data_items(const direct_state *d, const void *tensors, int64_t b0, int64_t b1,
                                int64_t i0, int64_t i1, float *tile)
{
    const chirp_conv1d_desc *desc = &d->desc;
    const direct_columns *b = &d->backward_data;
    const backward_tensors *in = tensors;
    float *rows = rows_behind(b, tile);
    /* rows of dpre are routed for several tiles at once: the span between them is shared */
    for (int64_t i = i0; i < i1;) {
        const int64_t n = i / b->tiles.count, t = i % b->tiles.count;
        const int64_t n_tiles = conv1d_min(conv1d_min(b->stored, b->tiles.count - t), i1 - i);
        const int64_t w0 = t * b->tiles.size,
                      w1 = conv1d_min(w0 + n_tiles * b->tiles.size, desc->W);
        const int64_t from = n * d->P * desc->K;
        const int64_t q0 = b->clips ? 0 : w0 + desc->pad_left - d->span;
        const int64_t q1 = b->clips ? d->routed : q0 + (w1 - w0) + d->span;
        conv1d_route(desc, in->ddst + from, in->code ? in->code + from : NULL, q0, q1, desc->K,
                     rows, desc->K);
        for (int64_t block = b0; block < b1; ++block)
            for (int64_t j = 0; j < n_tiles; ++j)
                backward_data_tile(d, block, t + j, rows + j * b->tiles.size * desc->K,
                                   in->dsrc + n * desc->W * desc->C, tile);
        i += n_tiles;
    }
}

void direct_backward_data(void *state, const float *ddst, const uint8_t *code, float *dsrc)
{
    const direct_state *d = state;
    const backward_tensors tensors = {ddst, code, dsrc};
    share_items(d, &d->backward_data, backward_data_items, &tensors);
}
