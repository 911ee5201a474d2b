/* Weights to spectra, and the summed spectra of the weight gradient back to taps. */
#include "kernels/conv1d/conv1d_transform_internal.h"

#include <string.h>

enum { LANES = TRANSFORM_LANES, FFT_LANES = CHIRP_FFT_LANES };

/* How one of the two weight layouts reads wei: `lanes` channels side by side, `inner` ones one after the other. */
typedef struct weight_view {
    const transform_side *lanes, *inner;
    int64_t lane_stride, inner_stride; /* in wei [floats] */
    int second, third; /* which of planes 1 and 2 gets -(Wr + Wi), and which Wi - Wr */
} weight_view;

/* Taps of two inner channels as re and im of FFT_LANES transforms, zeros behind them: to [T][re, im][FFT_LANES]. */
static void gather_taps(const transform_state *t, const weight_view *view, const float *wei,
                        int64_t lane, int64_t inner, float *to)
{
    const int64_t S = t->desc.S;
    memset(to, 0, (size_t)(t->geo.points * 2 * FFT_LANES) * sizeof *to);
    for (int64_t h = 0; h < conv1d_min(2, view->inner->channels - inner); ++h) {
        for (int64_t l = 0; l < conv1d_min(FFT_LANES, view->lanes->channels - lane); ++l) {
            const float *from =
                wei + (lane + l) * view->lane_stride + (inner + h) * view->inner_stride;
            for (int64_t s = 0; s < S; ++s)
                to[(s * 2 + h) * FFT_LANES + l] = from[s];
        }
    }
}

/* z [T][re, im] is the transform of a + i b: takes A and B apart and stores their planes. */
static void store_weights(const transform_state *t, const weight_view *view, const float *z,
                          float *a, float *b)
{
    const int64_t T = t->geo.points, plane = t->weights.plane, frequency = t->weights.frequency;
    const float scale = 1.0F / (float)T, half = 0.5F * scale;
    for (int64_t f = 0; f < t->geo.frequencies; ++f, a += frequency, b += frequency) {
        const float *u = z + f * 2 * FFT_LANES;
        const fft_vec ur = fft_load(u), ui = fft_load(u + FFT_LANES);
        if (f == 0 || f == T / 2) {
            fft_store(a, ur * scale);
            fft_store(b, ui * scale);
            continue;
        }
        const float *v = z + (T - f) * 2 * FFT_LANES;
        const fft_vec vr = fft_load(v), vi = fft_load(v + FFT_LANES);
        const fft_vec ar = (ur + vr) * half, ai = (ui - vi) * half;
        const fft_vec br = (ui + vi) * half, bi = (vr - ur) * half;
        fft_store(a, ar);
        fft_store(b, br);
        fft_store(a + view->second * plane, -(ar + ai));
        fft_store(b + view->second * plane, -(br + bi));
        fft_store(a + view->third * plane, ai - ar);
        fft_store(b + view->third * plane, bi - br);
    }
}

/* One layout. [frequency][plane][panel out][panel in][in][out]: lanes are `out`. */
static void load_view_team(const transform_state *t, const weight_view *view, const float *wei,
                           const transform_block *weights)
{
    const transform_scratch scratch = transform_thread_scratch(t);
    const transform_side *lanes = view->lanes, *inner = view->inner;
    const conv1d_signals in = {scratch.stage, scratch.stage + FFT_LANES, 2 * FFT_LANES};
    const conv1d_signals out = {scratch.other, scratch.other + FFT_LANES, 2 * FFT_LANES};
#pragma omp for collapse(2) schedule(static) nowait
    for (int64_t i = 0; i < inner->padded; i += 2) {
        for (int64_t lane = 0; lane < lanes->padded; lane += FFT_LANES) {
            gather_taps(t, view, wei, lane, i, scratch.stage);
            t->geo.fft->plain(t->twiddle, &in, scratch.work, &out);
            float *a = weights->at + (lane / lanes->panel * inner->padded + i) * lanes->panel +
                       lane % lanes->panel;
            store_weights(t, view, scratch.other, a, a + lanes->panel);
        }
    }
}

void transform_load_weights_team(const transform_state *t, const float *wei)
{
    const int64_t C = t->desc.C, S = t->desc.S;
    /* forward multiplies by conj(W): Bi = -Wi, so Bi - Br = -(Wr + Wi) and -(Br + Bi) = Wi - Wr */
    if (t->passes & CONV1D_PASS_BIT(CHIRP_CONV1D_FORWARD))
        load_view_team(t,
                       &(weight_view){.lanes = &t->out,
                                      .inner = &t->in,
                                      .lane_stride = C * S,
                                      .inner_stride = S,
                                      .second = 1,
                                      .third = 2},
                       wei, &t->weights);
    /* backward_data multiplies by W: the same planes exchanged */
    if (t->passes & CONV1D_PASS_BIT(CHIRP_CONV1D_BACKWARD_DATA))
        load_view_team(t,
                       &(weight_view){.lanes = &t->in,
                                      .inner = &t->out,
                                      .lane_stride = S,
                                      .inner_stride = C * S,
                                      .second = 2,
                                      .third = 1},
                       wei, &t->weights_back);
}

/* Z = A + i B for filters k and k + 1, from the three sums of each, in the order the transform wants. */
static void join_gradient(const transform_state *t, const float *a, const float *b, float *z)
{
    const int64_t T = t->geo.points, plane = t->gradient.plane, frequency = t->gradient.frequency;
    /* rows u and v each count the signals in full: together twice, except where they are the two signals */
    const float scale = 1.0F / (float)T, half = 0.5F * scale;
    for (int64_t f = 0; f < t->geo.frequencies; ++f, a += frequency, b += frequency) {
        float *u = z + f * 2 * FFT_LANES;
        const fft_vec a0 = fft_load(a), b0 = fft_load(b);
        if (f == 0 || f == T / 2) {
            fft_store(u, a0 * scale);
            fft_store(u + FFT_LANES, b0 * scale);
            continue;
        }
        float *v = z + (T - f) * 2 * FFT_LANES;
        const fft_vec ar = (a0 + fft_load(a + plane)) * half,
                      ai = (fft_load(a + 2 * plane) - a0) * half;
        const fft_vec br = (b0 + fft_load(b + plane)) * half,
                      bi = (fft_load(b + 2 * plane) - b0) * half;
        fft_store(u, ar - bi);
        fft_store(u + FFT_LANES, ai + br);
        fft_store(v, ar + bi);
        fft_store(v + FFT_LANES, br - ai);
    }
}

void transform_store_gradient_team(const transform_state *t, float *dwei)
{
    const transform_scratch scratch = transform_thread_scratch(t);
    const chirp_conv1d_desc *d = &t->desc;
    /* real and imaginary parts exchanged on both sides: the inverse transform */
    const conv1d_signals in = {scratch.stage + FFT_LANES, scratch.stage, 2 * FFT_LANES};
    const conv1d_signals out = {scratch.other + FFT_LANES, scratch.other, 2 * FFT_LANES};
    const int64_t tile = t->in.panel * t->out.panel;
#pragma omp for collapse(2) schedule(static) nowait
    for (int64_t k = 0; k < t->out.padded; k += 2) {
        for (int64_t c = 0; c < t->in.padded; c += FFT_LANES) {
            const float *a = t->gradient.at +
                             (k / t->out.panel * t->in.panels + c / t->in.panel) * tile +
                             k % t->out.panel * t->in.panel + c % t->in.panel;
            join_gradient(t, a, a + t->in.panel, scratch.stage);
            t->geo.fft->plain(t->twiddle, &in, scratch.work, &out);
            for (int64_t h = 0; h < conv1d_min(2, d->K - k); ++h)
                for (int64_t l = 0; l < conv1d_min(FFT_LANES, d->C - c); ++l) {
                    float *to = dwei + ((k + h) * d->C + c + l) * d->S;
                    for (int64_t s = 0; s < d->S; ++s)
                        to[s] = scratch.other[(s * 2 + h) * FFT_LANES + l];
                }
        }
    }
}
