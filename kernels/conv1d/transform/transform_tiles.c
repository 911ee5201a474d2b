/* From tensors to spectra and back: the memory side of the transform engine. See transform.h. */
#include "kernels/conv1d/transform/transform.h"

#include <omp.h>
#include <string.h>

enum { LANES = TRANSFORM_LANES };

float *transform_thread_floats(const transform_state *t)
{
    return t->scratch + omp_get_thread_num() * t->scratch_floats;
}

transform_scratch transform_thread_scratch(const transform_state *t)
{
    float *at = transform_thread_floats(t);
    const int64_t work = conv1d_round_up(conv1d_fft_work_floats(t->geo.fft), CONV1D_ALIGN_FLOATS);
    const int64_t half = (t->scratch_floats - work) / 2 / CONV1D_ALIGN_FLOATS * CONV1D_ALIGN_FLOATS;
    return (transform_scratch){.work = at, .stage = at + work, .other = at + work + half};
}

/* Row, in a buffer of rows in time order, of the first point of the two signals of a pair. */
static int64_t first_row_re(const transform_state *t, int64_t pair)
{
    return t->geo.tiles_per_group == 1 ? 2 * pair : pair;
}

/* The second signal: the next phase, or the same phase in the next tile `tile_rows` later. */
static int64_t first_row_im(const transform_state *t, int64_t pair, int64_t tile_rows)
{
    return t->geo.tiles_per_group == 1 ? 2 * pair + 1 : pair + tile_rows;
}

/* T points of src from position `at` on, zeros outside [0, W), into rows 2*LANES wide. */
static void gather_src(const transform_state *t, const float *src, int64_t at, int64_t n_channels,
                       float *to)
{
    const chirp_conv1d_desc *d = &t->desc;
    for (int64_t j = 0; j < t->geo.points; ++j, at += d->dilation, to += 2 * LANES) {
        int64_t kept = 0;
        if (at >= 0 && at < d->W && n_channels == LANES) { /* a constant size: no call */
            memcpy(to, src + at * d->C, LANES * sizeof *to);
            kept = LANES;
        } else if (at >= 0 && at < d->W) {
            memcpy(to, src + at * d->C, (size_t)n_channels * sizeof *to);
            kept = n_channels;
        }
        memset(to + kept, 0, (size_t)(LANES - kept) * sizeof *to);
    }
}

void transform_tiles_src_team(const transform_state *t, const float *src, int64_t n0, int64_t n)
{
    const chirp_conv1d_desc *d = &t->desc;
    const transform_geometry *geo = &t->geo;
    const transform_scratch scratch = transform_thread_scratch(t);
    const int64_t tile = geo->valid * d->dilation; /* positions from one tile to the next */
    const int64_t reach = (geo->points - 1) * d->dilation;
    const int64_t chunk = conv1d_chunk(n * geo->groups * t->in.padded / LANES);
#pragma omp for collapse(3) schedule(dynamic, chunk) nowait
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t g = 0; g < geo->groups; ++g) {
            for (int64_t c = 0; c < t->in.padded; c += LANES) {
                float *sample =
                    (float *)(uintptr_t)(src + (n0 + i) * d->W * d->C + c); /* only read */
                const int64_t begin = g * geo->tiles_per_group * tile - d->pad_left;
                const int64_t n_channels = conv1d_min(LANES, d->C - c);
                for (int64_t p = 0; p < geo->pairs; ++p) {
                    const int64_t re = begin + first_row_re(t, p),
                                  im = begin + first_row_im(t, p, tile);
                    conv1d_signals from;
                    if (re < 0 || im + reach >= d->W || n_channels < LANES) {
                        gather_src(t, sample, re, n_channels, scratch.stage);
                        gather_src(t, sample, im, n_channels, scratch.stage + LANES);
                        from = (conv1d_signals){
                            .re = scratch.stage, .im = scratch.stage + LANES, .time = 2 * LANES};
                    } else {
                        from = (conv1d_signals){.re = sample + re * d->C,
                                                .im = sample + im * d->C,
                                                .time = d->dilation * d->C};
                    }
                    for (int64_t l = 0; l < LANES; l += SIMD_LANES) {
                        const conv1d_spectrum to = transform_spectrum(
                            t, &t->x, &t->in, transform_row(geo, i, g, p), c + l);
                        const conv1d_signals in = {
                            .re = from.re + l, .im = from.im + l, .time = from.time};
                        geo->fft->forward(t->twiddle, &in, scratch.work, &to);
                    }
                }
            }
        }
    }
}

void transform_tiles_ddst_team(const transform_state *t, const float *ddst, const uint8_t *code,
                               int64_t n0, int64_t n)
{
    const chirp_conv1d_desc *d = &t->desc;
    const transform_geometry *geo = &t->geo;
    const transform_scratch scratch = transform_thread_scratch(t);
    const int64_t tile = geo->valid * d->dilation, rows = geo->points * d->dilation;
    const int64_t chunk = conv1d_chunk(n * geo->groups * t->out.padded / LANES);
#pragma omp for collapse(3) schedule(dynamic, chunk) nowait
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t g = 0; g < geo->groups; ++g) {
            for (int64_t k = 0; k < t->out.padded; k += LANES) {
                const int64_t at = (n0 + i) * t->P * d->K + k,
                              n_channels = conv1d_min(LANES, d->K - k);
                for (int64_t h = 0; h < geo->tiles_per_group; ++h) {
                    float *stage = scratch.stage + h * rows * LANES;
                    const int64_t q = (g * geo->tiles_per_group + h) * tile;
                    if (n_channels < LANES)
                        memset(stage, 0, (size_t)(tile * LANES) * sizeof *stage);
                    conv1d_route(d, ddst + at, code ? code + at : NULL, q, q + tile, n_channels,
                                 stage, LANES);
                    memset(stage + tile * LANES, 0,
                           (size_t)((rows - tile) * LANES) * sizeof *stage);
                }
                for (int64_t p = 0; p < geo->pairs; ++p) {
                    for (int64_t l = 0; l < LANES; l += SIMD_LANES) {
                        const conv1d_spectrum to = transform_spectrum(
                            t, &t->y, &t->out, transform_row(geo, i, g, p), k + l);
                        const conv1d_signals in = {
                            .re = scratch.stage + first_row_re(t, p) * LANES + l,
                            .im = scratch.stage + first_row_im(t, p, rows) * LANES + l,
                            .time = d->dilation * LANES};
                        geo->fft->forward(t->twiddle, &in, scratch.work, &to);
                    }
                }
            }
        }
    }
}

/* All pairs of a group back into rows in time order: [tiles_per_group][T*d][LANES]. */
static void inverse_group(const transform_state *t, const transform_side *side, int64_t sample,
                          int64_t group, int64_t channel, float *work, float *stage)
{
    const transform_geometry *geo = &t->geo;
    const int64_t d = t->desc.dilation;
    for (int64_t p = 0; p < geo->pairs; ++p) {
        for (int64_t l = 0; l < LANES; l += SIMD_LANES) {
            const conv1d_spectrum from = transform_spectrum(
                t, &t->o, side, transform_row(geo, sample, group, p), channel + l);
            const conv1d_signals to = {.re = stage + first_row_re(t, p) * LANES + l,
                                       .im =
                                           stage + first_row_im(t, p, geo->points * d) * LANES + l,
                                       .time = d * LANES};
            geo->fft->inverse(t->twiddle, &from, work, &to);
        }
    }
}

void transform_tiles_dst_team(const transform_state *t, const float *bia, float *dst, uint8_t *code,
                              int64_t n0, int64_t n)
{
    const chirp_conv1d_desc *d = &t->desc;
    const transform_geometry *geo = &t->geo;
    const transform_scratch scratch = transform_thread_scratch(t);
    const int64_t tile = geo->valid * d->dilation, rows = geo->points * d->dilation;
    const int64_t chunk = conv1d_chunk(n * geo->groups * t->out.padded / LANES);
#pragma omp for collapse(3) schedule(dynamic, chunk) nowait
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t g = 0; g < geo->groups; ++g) {
            for (int64_t k = 0; k < t->out.padded; k += LANES) {
                inverse_group(t, &t->out, i, g, k, scratch.work, scratch.stage);
                for (int64_t h = 0; h < geo->tiles_per_group; ++h) {
                    const int64_t q = (g * geo->tiles_per_group + h) * tile;
                    const int64_t n_rows = conv1d_min(tile, t->P * d->pool - q);
                    const int64_t at = ((n0 + i) * t->P + q / d->pool) * d->K + k;
                    if (n_rows > 0)
                        conv1d_epilogue(d, scratch.stage + h * rows * LANES, LANES, n_rows,
                                        conv1d_min(LANES, d->K - k), bia ? bia + k : NULL, dst + at,
                                        code ? code + at : NULL);
                }
            }
        }
    }
}

/* Rows [begin, end) of a tile, which starts at `position`, to where they lie in dsrc. */
static void emit(const chirp_conv1d_desc *d, const float *tile, int64_t position, int64_t begin,
                 int64_t end, int64_t n_channels, float *dsrc)
{
    begin = conv1d_max(begin, -position);
    end = conv1d_min(end, d->W - position);
    for (int64_t i = begin; i < end; ++i)
        if (n_channels == LANES)
            memcpy(dsrc + (position + i) * d->C, tile + i * LANES, LANES * sizeof *dsrc);
        else
            memcpy(dsrc + (position + i) * d->C, tile + i * LANES,
                   (size_t)n_channels * sizeof *dsrc);
}

void transform_tiles_dsrc_team(const transform_state *t, float *dsrc, int64_t n0, int64_t n)
{
    const chirp_conv1d_desc *d = &t->desc;
    const transform_geometry *geo = &t->geo;
    const transform_scratch scratch = transform_thread_scratch(t);
    const int64_t step = geo->valid * d->dilation, rows = geo->points * d->dilation;
    const int64_t chunk = conv1d_chunk(n * t->in.padded / LANES);
    /* tiles of a sample in order, so that every sum over overlapping tiles has one order */
#pragma omp for collapse(2) schedule(dynamic, chunk) nowait
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t c = 0; c < t->in.padded; c += LANES) {
            float *sample = dsrc + (n0 + i) * d->W * d->C + c;
            const int64_t n_channels = conv1d_min(LANES, d->C - c);
            const float *before = NULL;
            float *now = scratch.stage, *next = scratch.other;
            for (int64_t g = 0; g < geo->groups; ++g) {
                inverse_group(t, &t->in, i, g, c, scratch.work, now);
                for (int64_t h = 0; h < geo->tiles_per_group; ++h) {
                    const int64_t index = g * geo->tiles_per_group + h;
                    float *tile = now + h * rows * LANES;
                    if (index >= geo->tiles)
                        break;
                    for (int64_t e = 0; before && e < (rows - step) * LANES; ++e)
                        tile[e] += before[step * LANES + e];
                    const bool last = index + 1 == geo->tiles;
                    emit(d, tile, index * step - d->pad_left, 0, last ? rows : step, n_channels,
                         sample);
                    before = tile;
                }
                float *swap = now;
                now = next;
                next = swap;
            }
        }
    }
}
