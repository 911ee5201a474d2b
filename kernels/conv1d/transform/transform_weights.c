/* Weights to spectra, and the summed spectra of the weight gradient back to taps. */
#include "kernels/conv1d/transform/transform.h"

#include <string.h>

enum { LANES = TRANSFORM_LANES, FFT_LANES = SIMD_LANES };

/*
 * Between rows of taps, one row per channel (row l at taps + l*stride), and vectors of channels, one per tap (tap s at
 * lanes + s*2*FFT_LANES). Squares of FFT_LANES taps of all FFT_LANES channels are transposed in registers.
 */
static void taps_to_lanes(const float *taps, int64_t stride, int64_t n_channels, int64_t S,
                          float *lanes)
{
    int64_t s = 0;
    for (; n_channels == FFT_LANES && s + FFT_LANES <= S; s += FFT_LANES) {
        simd_float square[FFT_LANES];
        for (int64_t l = 0; l < FFT_LANES; ++l)
            square[l] = simd_load(taps + l * stride + s);
        simd_transpose(square);
        for (int64_t l = 0; l < FFT_LANES; ++l)
            simd_store(lanes + (s + l) * 2 * FFT_LANES, square[l]);
    }
    for (int64_t l = 0; l < n_channels; ++l)
        for (int64_t e = s; e < S; ++e)
            lanes[e * 2 * FFT_LANES + l] = taps[l * stride + e];
}

static void lanes_to_taps(const float *lanes, int64_t stride, int64_t n_channels, int64_t S,
                          float *taps)
{
    int64_t s = 0;
    for (; n_channels == FFT_LANES && s + FFT_LANES <= S; s += FFT_LANES) {
        simd_float square[FFT_LANES];
        for (int64_t l = 0; l < FFT_LANES; ++l)
            square[l] = simd_load(lanes + (s + l) * 2 * FFT_LANES);
        simd_transpose(square);
        for (int64_t l = 0; l < FFT_LANES; ++l)
            simd_store(taps + l * stride + s, square[l]);
    }
    for (int64_t l = 0; l < n_channels; ++l)
        for (int64_t e = s; e < S; ++e)
            taps[l * stride + e] = lanes[e * 2 * FFT_LANES + l];
}

/* Taps of two channels c, c + 1 of FFT_LANES filters as re and im, zeros behind: to [T][re, im][FFT_LANES]. */
static void gather_taps(const transform_state *t, const float *wei, int64_t k, int64_t c, float *to)
{
    const int64_t C = t->desc.C, S = t->desc.S;
    memset(to, 0, (size_t)(t->geo.points * 2 * FFT_LANES) * sizeof *to);
    for (int64_t h = 0; h < conv1d_min(2, C - c); ++h)
        taps_to_lanes(wei + (k * C + c + h) * S, C * S,
                      conv1d_max(0, conv1d_min(FFT_LANES, t->desc.K - k)), S, to + h * FFT_LANES);
}

/* z [T][re, im] is the transform of a + i b: takes A and B apart and stores both, divided by T. */
static void store_weights(const transform_state *t, const transform_block *to, const float *z,
                          float *a, float *b)
{
    const int64_t T = t->geo.points, plane = to->plane, frequency = to->frequency;
    const float scale = 1.0F / (float)T, half = 0.5F * scale;
    for (int64_t f = 0; f < t->geo.frequencies; ++f, a += frequency, b += frequency) {
        const float *u = z + f * 2 * FFT_LANES;
        const simd_float ur = simd_load(u), ui = simd_load(u + FFT_LANES);
        if (f == 0 || f == T / 2) {
            simd_store(a, ur * scale);
            simd_store(b, ui * scale);
            continue;
        }
        const float *v = z + (T - f) * 2 * FFT_LANES;
        const simd_float vr = simd_load(v), vi = simd_load(v + FFT_LANES);
        simd_store(a, (ur + vr) * half);
        simd_store(a + plane, (ui - vi) * half);
        simd_store(b, (ui + vi) * half);
        simd_store(b + plane, (vr - ur) * half);
    }
}

void transform_load_weights_team(const transform_state *t, const transform_block *to,
                                 const float *wei)
{
    const transform_scratch scratch = transform_thread_scratch(t);
    const transform_side *C = &t->in, *K = &t->out;
    const conv1d_signals in = {scratch.stage, scratch.stage + FFT_LANES, 2 * FFT_LANES};
    const conv1d_signals out = {scratch.other, scratch.other + FFT_LANES, 2 * FFT_LANES};
    const int64_t chunk = conv1d_chunk(C->padded / 2 * (K->padded / FFT_LANES));
#pragma omp for collapse(2) schedule(dynamic, chunk) nowait
    for (int64_t c = 0; c < C->padded; c += 2) {
        for (int64_t k = 0; k < K->padded; k += FFT_LANES) {
            gather_taps(t, wei, k, c, scratch.stage);
            t->geo.fft->plain(t->twiddle, &in, scratch.work, &out);
            float *a = to->at + (k / K->panel * C->padded + c) * K->panel + k % K->panel;
            store_weights(t, to, scratch.other, a, a + K->panel);
        }
    }
}

/* Z = A + i B for filters k and k + 1, in the order the transform wants. */
static void join_gradient(const transform_state *t, const transform_block *from, const float *a,
                          const float *b, float *z)
{
    const int64_t T = t->geo.points, plane = from->plane, frequency = from->frequency;
    /* rows u and v each count the signals in full: together twice, except where they are the two signals */
    const float scale = 1.0F / (float)T, half = 0.5F * scale;
    for (int64_t f = 0; f < t->geo.frequencies; ++f, a += frequency, b += frequency) {
        float *u = z + f * 2 * FFT_LANES;
        const simd_float a0 = simd_load(a), b0 = simd_load(b);
        if (f == 0 || f == T / 2) {
            simd_store(u, a0 * scale);
            simd_store(u + FFT_LANES, b0 * scale);
            continue;
        }
        float *v = z + (T - f) * 2 * FFT_LANES;
        const simd_float ar = a0 * half, ai = simd_load(a + plane) * half;
        const simd_float br = b0 * half, bi = simd_load(b + plane) * half;
        simd_store(u, ar - bi);
        simd_store(u + FFT_LANES, ai + br);
        simd_store(v, ar + bi);
        simd_store(v + FFT_LANES, br - ai);
    }
}

void transform_store_gradient_team(const transform_state *t, const transform_block *from,
                                   float *dwei)
{
    const transform_scratch scratch = transform_thread_scratch(t);
    const chirp_conv1d_desc *d = &t->desc;
    /* real and imaginary parts exchanged on both sides: the inverse transform */
    const conv1d_signals in = {scratch.stage + FFT_LANES, scratch.stage, 2 * FFT_LANES};
    const conv1d_signals out = {scratch.other + FFT_LANES, scratch.other, 2 * FFT_LANES};
    const int64_t tile = t->in.panel * t->out.panel;
    const int64_t chunk = conv1d_chunk(t->out.padded / 2 * (t->in.padded / FFT_LANES));
#pragma omp for collapse(2) schedule(dynamic, chunk) nowait
    for (int64_t k = 0; k < t->out.padded; k += 2) {
        for (int64_t c = 0; c < t->in.padded; c += FFT_LANES) {
            const float *a = from->at + (k / t->out.panel * t->in.panels + c / t->in.panel) * tile +
                             k % t->out.panel * t->in.panel + c % t->in.panel;
            join_gradient(t, from, a, a + t->in.panel, scratch.stage);
            t->geo.fft->plain(t->twiddle, &in, scratch.work, &out);
            for (int64_t h = 0; h < conv1d_min(2, d->K - k); ++h)
                lanes_to_taps(scratch.other + h * FFT_LANES, d->S,
                              conv1d_max(0, conv1d_min(FFT_LANES, d->C - c)), d->S,
                              dwei + ((k + h) * d->C + c) * d->S);
        }
    }
}
