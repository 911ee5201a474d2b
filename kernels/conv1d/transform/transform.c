/*
 * Convolution by Fourier tiles: fewer operations than the direct method, products still small GEMMs.
 * transform.h explains geometry, layouts and formulas; this file owns the state and the order of
 * stages.
 *
 * A pass works through the batch in blocks of samples whose spectra fit the last-level cache:
 *     [to spectra of block b, and out of those of block b - 1]  barrier  [products of block b]  barrier ...
 * All items of a stage are independent and every sum belongs to one item, so results do not depend on the number of
 * threads.
 */
#include "harness/base/memory.h"
#include "kernels/conv1d/transform/transform.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LINE_FLOATS = 16 };

static double cost(const chirp_conv1d_desc *desc, chirp_conv1d_pass pass)
{
    transform_geometry geo;
    return transform_choose(desc, &geo) ? transform_cost(desc, pass, &geo) : (double)INFINITY;
}

/* [frequency][plane] of `floats` each: from one frequency to the next an odd number of cache lines. */
static chirp_status make_block(const transform_state *t, int64_t planes, int64_t floats,
                               transform_block *block)
{
    const int64_t lines = conv1d_ceil_div(floats, LINE_FLOATS) | 1;
    block->plane = lines * LINE_FLOATS;
    block->frequency = planes * block->plane + (planes % 2 == 0 ? LINE_FLOATS : 0);
    block->at = chirp_alloc((size_t)(t->geo.frequencies * block->frequency) * sizeof *block->at);
    return block->at ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

static void destroy(void *state)
{
    transform_state *t = state;
    if (!t)
        return;
    const transform_block *blocks[] = {
        &t->x, &t->y, &t->o, &t->weights, &t->gradient, &t->delta, &t->gradient_delta};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; ++i)
        chirp_free(blocks[i]->at);
    chirp_free(t->sign_in);
    chirp_free(t->sign_out);
    chirp_free(t->twiddle);
    chirp_free(t->scratch);
    chirp_free(t->bias);
    chirp_free(t);
}

static chirp_status allocate_perturbed(transform_state *t, int64_t pairs, int64_t gradient_planes)
{
    chirp_status st = make_block(t, 2, pairs, &t->delta);
    if (st == CHIRP_OK && gradient_planes)
        st = make_block(t, gradient_planes, pairs, &t->gradient_delta);
    /* zeros behind the channels: what is padded stays padded */
    t->sign_in = chirp_calloc((size_t)(t->desc.N * t->in.padded), sizeof *t->sign_in);
    t->sign_out = chirp_calloc((size_t)(t->desc.N * t->out.padded), sizeof *t->sign_out);
    return st == CHIRP_OK && (!t->sign_in || !t->sign_out) ? CHIRP_ERR_NOMEM : st;
}

static chirp_status allocate(transform_state *t)
{
    const bool forward = t->passes & CONV1D_PASS_BIT(CHIRP_CONV1D_FORWARD);
    const bool data = t->passes & CONV1D_PASS_BIT(CHIRP_CONV1D_BACKWARD_DATA);
    const bool gradient = t->passes & CONV1D_PASS_BIT(CHIRP_CONV1D_BACKWARD_WEIGHTS);
    const int64_t in_floats = t->block_rows * t->in.padded,
                  out_floats = t->block_rows * t->out.padded;
    const int64_t pairs = t->in.padded * t->out.padded;
    chirp_status st = CHIRP_OK;
    if (forward || gradient)
        st = make_block(t, 2, in_floats, &t->x);
    if (st == CHIRP_OK && (data || gradient))
        st = make_block(t, 2, out_floats, &t->y);
    if (st == CHIRP_OK && (forward || data))
        st = make_block(t, 2, conv1d_max(forward ? out_floats : 0, data ? in_floats : 0), &t->o);
    if (st == CHIRP_OK && (forward || data))
        st = make_block(t, 2, pairs, &t->weights);
    const int64_t gradient_planes = t->one_block ? 2 : 3;
    if (st == CHIRP_OK && gradient)
        st = make_block(t, gradient_planes, pairs, &t->gradient);
    if (st == CHIRP_OK && t->desc.perturbed)
        st = allocate_perturbed(t, pairs, gradient ? gradient_planes : 0);
    if (st != CHIRP_OK)
        return st;
    const int64_t stage =
        conv1d_max(t->geo.tiles_per_group * t->geo.points * t->desc.dilation, 2 * t->geo.points);
    const int64_t transforms =
        conv1d_round_up(conv1d_fft_work_floats(t->geo.fft), CONV1D_ALIGN_FLOATS) +
        2 * stage * TRANSFORM_LANES;
    t->scratch_floats = conv1d_max(transforms, transform_products_scratch(t));
    t->scratch = chirp_alloc((size_t)(t->desc.n_threads * t->scratch_floats) * sizeof *t->scratch);
    t->twiddle = chirp_alloc((size_t)conv1d_fft_twiddle_floats(t->geo.fft) * sizeof *t->twiddle);
    t->bias = chirp_alloc((size_t)t->out.padded * sizeof *t->bias);
    return t->scratch && t->twiddle && t->bias ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

static chirp_status create(const chirp_conv1d_desc *desc, unsigned passes, void **state)
{
    transform_geometry geo;
    if (!transform_choose(desc, &geo))
        return chirp_fail(
            CHIRP_ERR_UNSUPPORTED,
            "conv1d: algorithm transform needs at least %d channels on both sides (C = %" PRId64
            ", K = %" PRId64 ") and taps that fit a tile (S = %" PRId64 "); use direct",
            TRANSFORM_LEAST_CHANNELS, desc->C, desc->K, desc->S);
    transform_state *t = chirp_calloc(1, sizeof *t);
    if (!t)
        return CHIRP_ERR_NOMEM;
    t->desc = *desc;
    t->passes = passes;
    t->Q = chirp_conv1d_out_width(desc);
    t->P = chirp_conv1d_pooled_width(desc);
    t->geo = geo;
    t->in = transform_make_side(desc->C);
    t->out = transform_make_side(desc->K);
    t->block = transform_block_samples(desc, &geo);
    t->block_rows = t->block * geo.rows_per_sample;
    t->one_block = t->block == desc->N;
    chirp_status st = allocate(t);
    if (st == CHIRP_OK)
        st = transform_products_dispatch(t);
    if (st != CHIRP_OK) {
        destroy(t);
        return st;
    }
    conv1d_fft_twiddle(geo.fft, t->twiddle);
    *state = t;
    return CHIRP_OK;
}

static void load_weights(void *state, const float *wei)
{
    const transform_state *t = state;
#pragma omp parallel num_threads(t->desc.n_threads)
    transform_load_weights_team(t, &t->weights, wei);
}

static void load_perturbation(void *state, const float *delta)
{
    const transform_state *t = state;
#pragma omp parallel num_threads(t->desc.n_threads)
    transform_load_weights_team(t, &t->delta, delta);
}

static void pad_signs(const float *signs, const transform_side *side, int64_t N, float *to)
{
    for (int64_t n = 0; n < N; ++n)
        memcpy(to + n * side->padded, signs + n * side->channels,
               (size_t)side->channels * sizeof *to);
}

static void load_signs(const transform_state *t, const chirp_conv1d_signs *signs)
{
    pad_signs(signs->in, &t->in, t->desc.N, t->sign_in);
    pad_signs(signs->out, &t->out, t->desc.N, t->sign_out);
}

static void forward_any(const transform_state *t, bool perturbed, const float *src,
                        const float *bia, float *dst, uint8_t *code)
{
    const int64_t N = t->desc.N, block = t->block;
#pragma omp parallel num_threads(t->desc.n_threads)
    {
        transform_tiles_src_team(t, src, 0, conv1d_min(block, N));
        for (int64_t n0 = 0; n0 < N; n0 += block) {
            const int64_t n = conv1d_min(block, N - n0), next = n0 + n;
#pragma omp barrier
            transform_forward_team(t, n0, n, perturbed);
#pragma omp barrier
            transform_tiles_dst_team(t, bia, dst, code, n0, n);
            if (next < N)
                transform_tiles_src_team(t, src, next, conv1d_min(block, N - next));
        }
    }
}

static void forward(void *state, const float *src, const float *bia, float *dst, uint8_t *code)
{
    forward_any(state, false, src, bia, dst, code);
}

static void forward_perturbed(void *state, const chirp_conv1d_signs *signs, const float *src,
                              const float *bia, float *dst, uint8_t *code)
{
    load_signs(state, signs);
    forward_any(state, true, src, bia, dst, code);
}

/* Both gradients, or one of them: dsrc or dwei NULL. With ddelta, those of perturbed weights. */
static void backward_any(const transform_state *t, const float *src, const float *ddst,
                         const uint8_t *code, float *dsrc, float *dwei, float *ddelta, float *dbia)
{
    const int64_t N = t->desc.N, block = t->block;
#pragma omp parallel num_threads(t->desc.n_threads)
    {
        for (int64_t n0 = 0; n0 < N; n0 += block) {
            const int64_t n = conv1d_min(block, N - n0);
            transform_tiles_ddst_team(t, ddst, code, n0, n);
            if (dwei)
                transform_tiles_src_team(t, src, n0, n);
#pragma omp barrier
            if (dsrc)
                transform_back_team(t, n0, n, ddelta);
            if (dwei)
                transform_gradient_team(t, n0, n, ddelta);
            if (dbia)
                transform_bias_team(t, n, n0 == 0);
#pragma omp barrier
            if (dsrc)
                transform_tiles_dsrc_team(t, dsrc, n0, n);
        }
        if (dwei)
            transform_store_gradient_team(t, &t->gradient, dwei);
        if (ddelta)
            transform_store_gradient_team(t, &t->gradient_delta, ddelta);
        if (dbia) {
#pragma omp for nowait
            for (int64_t k = 0; k < t->desc.K; ++k)
                dbia[k] = (float)t->bias[k];
        }
    }
}

static void backward_data(void *state, const float *ddst, const uint8_t *code, float *dsrc)
{
    backward_any(state, NULL, ddst, code, dsrc, NULL, NULL, NULL);
}

static void backward_weights(void *state, const float *src, const float *ddst, const uint8_t *code,
                             float *dwei, float *dbia)
{
    backward_any(state, src, ddst, code, NULL, dwei, NULL, dbia);
}

static void backward(void *state, const float *src, const float *ddst, const uint8_t *code,
                     float *dsrc, float *dwei, float *dbia)
{
    backward_any(state, src, ddst, code, dsrc, dwei, NULL, dbia);
}

static void backward_perturbed(void *state, const chirp_conv1d_signs *signs, const float *src,
                               const float *ddst, const uint8_t *code,
                               const chirp_conv1d_perturbed_gradients *g)
{
    load_signs(state, signs);
    backward_any(state, src, ddst, code, g->dsrc, g->dwei, g->ddelta, g->dbia);
}

static double flops(const void *state, chirp_conv1d_pass pass)
{
    const transform_state *t = state;
    return transform_flops(&t->desc, pass, &t->geo);
}

/*
 * Memory traffic of a pass: tensors once; the spectra of each block are written and read once; weight spectra are read for every
 * block; sums of the gradient are read and written for every block but the first and the last.
 */
static double bytes(const void *state, chirp_conv1d_pass pass)
{
    const transform_state *t = state;
    const chirp_conv1d_desc *d = &t->desc;
    const double blocks = (double)conv1d_ceil_div(d->N, t->block);
    const double per_channel =
        4.0 * 2.0 * (double)t->geo.frequencies * (double)d->N * (double)t->geo.rows_per_sample;
    const double spectra = 2.0 * per_channel * (double)(t->in.padded + t->out.padded);
    const double sets = d->perturbed ? 2.0 : 1.0;
    const double plane =
        4.0 * (double)t->geo.frequencies * (double)t->in.padded * (double)t->out.padded;
    const double wei = 4.0 * (double)(d->K * d->C * d->S);
    const double tensors = chirp_conv1d_bytes(d, pass) - wei;
    if (pass != CHIRP_CONV1D_BACKWARD_WEIGHTS)
        return tensors + spectra + sets * blocks * 2.0 * plane;
    const double planes = t->one_block ? 2.0 : 3.0;
    return tensors + spectra + sets * (wei + (2.0 * blocks - 1.0) * planes * plane + 2.0 * plane);
}

static void describe(const void *state, chirp_conv1d_pass pass, char *text, size_t size)
{
    (void)pass;
    const transform_state *t = state;
    (void)snprintf(text, size,
                   "%" PRId64 " tiles of %" PRId64 " points, %" PRId64 " samples per block",
                   t->geo.tiles, t->geo.points, t->block);
}

const conv1d_engine conv1d_engine_transform = {
    .algorithm = CHIRP_CONV1D_TRANSFORM,
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .load_weights = load_weights,
    .forward = forward,
    .backward_data = backward_data,
    .backward_weights = backward_weights,
    .backward = backward,
    .load_perturbation = load_perturbation,
    .forward_perturbed = forward_perturbed,
    .backward_perturbed = backward_perturbed,
    .flops = flops,
    .bytes = bytes,
    .describe = describe,
};
