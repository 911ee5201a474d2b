/* Direct forward and backward_data: tiles of channels x time, one batch-reduce product each. */
#include "kernels/conv1d/conv1d_direct.h"

#include <omp.h>

/* Where in the flattened (row block, sample, tile) order a task lies: a block of weights stays in L2 while
 * samples stream past it, and any number of threads finds equal shares, also for one sample. */
typedef struct place {
    int64_t block, sample, tile;
} place;

static place place_of(int64_t task, int64_t n_samples, int64_t n_tiles)
{
    return (place){task / (n_samples * n_tiles), task / n_tiles % n_samples, task % n_tiles};
}

static float *scratch_of(const direct_state *d, int id)
{
    return d->scratch + (size_t)id * d->scratch_floats;
}

static void forward_tile(const direct_state *d, place at, const float *src, const float *bia,
                         float *dst, uint8_t *code, float *tile, float *rows)
{
    const chirp_conv1d_desc *desc = &d->desc;
    const direct_columns *f = &d->forward;
    const bool last_block = at.block + 1 == f->rows.count,
               last_tile = at.tile + 1 == f->tiles.count;
    const int64_t width = direct_width(&f->tiles, at.tile), q0 = at.tile * f->tiles.size;
    const int64_t w0 = q0 - desc->pad_left, k0 = at.block * f->rows.size;
    const float *sample = src + at.sample * desc->W * desc->C;
    const float *weights = f->weights + k0 * desc->C * desc->S;
    const chirp_gemm *gemm = &f->gemms[last_block][last_tile];
    if (d->gathered) {
        direct_gather(desc, sample, w0, width, rows);
        chirp_gemm_run(gemm, weights, rows, tile);
    } else if (w0 >= 0 && w0 + width + d->span <= desc->W) {
        chirp_gemm_reduce(gemm, weights, sample + w0 * desc->C, tile, desc->S);
    } else {
        direct_copy_rows(desc, sample, w0, width + d->span, 0, desc->C, rows);
        chirp_gemm_reduce(gemm, weights, rows, tile, desc->S);
    }
    const int64_t to = (at.sample * d->P + q0 / desc->pool) * desc->K + k0;
    conv1d_epilogue(desc, tile, last_block ? f->padded_last : f->rows.size, width,
                    direct_width(&f->rows, at.block), bia ? bia + k0 : NULL, dst + to,
                    code ? code + to : NULL);
}

void direct_forward(void *state, const float *src, const float *bia, float *dst, uint8_t *code)
{
    const direct_state *d = state;
    const direct_columns *f = &d->forward;
    if (d->narrow_weights) {
        direct_narrow_forward(d, src, bia, dst, code);
        return;
    }
    const int64_t n_tasks = f->rows.count * d->desc.N * f->tiles.count;
    const int64_t tile_floats = conv1d_round_up(f->tiles.size * f->rows.size, CONV1D_ALIGN_FLOATS);
#pragma omp parallel num_threads(d->desc.n_threads)
    {
        float *tile = scratch_of(d, omp_get_thread_num()), *rows = tile + tile_floats;
        int64_t begin, end;
        conv1d_share(n_tasks, omp_get_thread_num(), omp_get_num_threads(), &begin, &end);
        for (int64_t task = begin; task < end; ++task)
            forward_tile(d, place_of(task, d->desc.N, f->tiles.count), src, bia, dst, code, tile,
                         rows);
    }
}

/* dsrc[w] sums dpre[w + pad_left - span + s'*dilation] over s' = S-1-s */
static void backward_data_tile(const direct_state *d, place at, const float *rows, float *dsrc,
                               float *tile)
{
    const chirp_conv1d_desc *desc = &d->desc;
    const direct_columns *b = &d->backward_data;
    const bool last_block = at.block + 1 == b->rows.count,
               last_tile = at.tile + 1 == b->tiles.count;
    const int64_t width = direct_width(&b->tiles, at.tile), c0 = at.block * b->rows.size;
    const int64_t n_c = direct_width(&b->rows, at.block);
    const float *weights = b->weights + c0 * desc->K * desc->S;
    const chirp_gemm *gemm = &b->gemms[last_block][last_tile];
    float *to = dsrc + (at.sample * desc->W + at.tile * b->tiles.size) * desc->C + c0;
    if (!last_block || b->padded_last == n_c) { /* whole vectors: straight into the tensor */
        chirp_gemm_reduce(gemm, weights, rows, to, desc->S);
        return;
    }
    chirp_gemm_reduce(gemm, weights, rows, tile, desc->S);
    for (int64_t w = 0; w < width; ++w)
        for (int64_t c = 0; c < n_c; ++c)
            to[w * desc->C + c] = tile[w * b->padded_last + c];
}

void direct_backward_data(void *state, const float *ddst, const uint8_t *code, float *dsrc)
{
    const direct_state *d = state;
    const chirp_conv1d_desc *desc = &d->desc;
    const direct_columns *b = &d->backward_data;
    const int64_t n_tasks = b->rows.count * desc->N * b->tiles.count;
    const int64_t tile_floats = conv1d_round_up(b->tiles.size * b->rows.size, CONV1D_ALIGN_FLOATS);
#pragma omp parallel num_threads(desc->n_threads)
    {
        float *tile = scratch_of(d, omp_get_thread_num()), *rows = tile + tile_floats;
        int64_t begin, end;
        conv1d_share(n_tasks, omp_get_thread_num(), omp_get_num_threads(), &begin, &end);
        /* rows of dpre are routed for several tiles at once: the span between them is shared */
        while (begin < end) {
            const place at = place_of(begin, desc->N, b->tiles.count);
            const int64_t n =
                conv1d_min(conv1d_min(b->stored, b->tiles.count - at.tile), end - begin);
            const int64_t w0 = at.tile * b->tiles.size;
            const int64_t w1 = conv1d_min(w0 + n * b->tiles.size, desc->W);
            const int64_t q0 = w0 + desc->pad_left - d->span;
            const int64_t from = at.sample * d->P * desc->K;
            conv1d_route(desc, ddst + from, code ? code + from : NULL, q0, q0 + (w1 - w0) + d->span,
                         desc->K, rows, desc->K);
            for (int64_t i = 0; i < n; ++i)
                backward_data_tile(d, (place){at.block, at.sample, at.tile + i},
                                   rows + i * b->tiles.size * desc->K, dsrc, tile);
            begin += n;
        }
    }
}
