/* The inverse transform of signals: only the band goes in, only the window comes out. */
#include "harness/base/memory.h"
#include "model/signal/transform.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum { TAPS = 10 }; /* on each side of an interpolated sample */

struct chirp_band_transform {
    int64_t n;      /* real samples of the whole result */
    int64_t factor; /* 2: transformed at half the rate */
    int64_t half;   /* complex samples of the transform: n / factor / 2 */
    int64_t first, n_bins;
    float *twiddle;   /* [2 * n_bins] exp(2 pi i k factor/n) */
    float taps[TAPS]; /* of the interpolation, from the middle outwards */
    fftwf_plan plan;
};

/* Modified Bessel function of the first kind, order 0. */
static double bessel(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; k < 60; ++k) {
        term *= (x / 2 / k) * (x / 2 / k);
        sum += term;
    }
    return sum;
}

/* Half-band interpolation between samples: sinc at half-integers under a Kaiser window; sums to one. */
static void fill_taps(float taps[TAPS])
{
    const double beta = 12.3;
    double tap[TAPS], sum = 0;
    for (int t = 0; t < TAPS; ++t) {
        const double at = t + 0.5, edge = at / TAPS;
        tap[t] =
            (t % 2 ? -1 : 1) / (M_PI * at) * bessel(beta * sqrt(1 - edge * edge)) / bessel(beta);
        sum += 2 * tap[t];
    }
    for (int t = 0; t < TAPS; ++t)
        taps[t] = (float)(tap[t] / sum);
}

static chirp_status plan_half(chirp_band_transform *t)
{
    const size_t bytes = (size_t)t->half * sizeof(fftwf_complex);
    fftwf_complex *in = chirp_alloc(bytes), *out = chirp_alloc(bytes);
    if (in && out) {
        chirp_transform_lock();
        t->plan = fftwf_plan_dft_1d((int)t->half, in, out, FFTW_BACKWARD,
                                    FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
        chirp_transform_unlock();
        if (!t->plan)
            (void)chirp_fail(CHIRP_ERR_LIBRARY,
                             "FFTW has no single-precision plan for %lld samples",
                             (long long)t->half);
    }
    const chirp_status st = !in || !out ? CHIRP_ERR_NOMEM : t->plan ? CHIRP_OK : CHIRP_ERR_LIBRARY;
    chirp_free(in);
    chirp_free(out);
    return st;
}

chirp_status chirp_band_transform_create(int64_t n, int64_t first, int64_t n_bins,
                                         chirp_band_transform **transform)
{
    if (n < 128 || n > INT_MAX || n % 8 != 0 || first < 1 || n_bins < 1 || first + n_bins > n / 2)
        return chirp_fail(CHIRP_ERR_ARG, "bins %lld to %lld of a transform of %lld samples",
                          (long long)first, (long long)(first + n_bins), (long long)n);
    chirp_band_transform *t = chirp_calloc(1, sizeof *t);
    if (!t)
        return CHIRP_ERR_NOMEM;
    t->n = n;
    t->factor = (double)(first + n_bins) <= 0.27 * (double)n / 2 ? 2 : 1;
    t->half = n / t->factor / 2;
    t->first = first;
    t->n_bins = n_bins;
    t->twiddle = chirp_alloc(2 * (size_t)n_bins * sizeof *t->twiddle);
    fill_taps(t->taps);
    const chirp_status st = t->twiddle ? plan_half(t) : CHIRP_ERR_NOMEM;
    if (st != CHIRP_OK) {
        chirp_band_transform_destroy(t);
        return st;
    }
    for (int64_t i = 0; i < n_bins; ++i) {
        const double angle = 2 * M_PI * (double)((first + i) * t->factor) / (double)n;
        t->twiddle[2 * i] = (float)cos(angle);
        t->twiddle[2 * i + 1] = (float)sin(angle);
    }
    *transform = t;
    return CHIRP_OK;
}

void chirp_band_transform_destroy(chirp_band_transform *t)
{
    if (!t)
        return;
    if (t->plan) {
        chirp_transform_lock();
        fftwf_destroy_plan(t->plan);
        chirp_transform_unlock();
    }
    chirp_free(t->twiddle);
    chirp_free(t);
}

size_t chirp_band_transform_work(const chirp_band_transform *t)
{
    return 4 * (size_t)t->half +
           2 * TAPS; /* spectrum, series, and the series' beginning once more behind its end */
}

/*
 * z[m] = x[2m] + i x[2m+1] has the transform Z_k = (X_k + X*_{M-k}) + i w_k (X_k - X*_{M-k}), M = half, w_k = exp(pi i k/M).
 * A bin X_k of the band therefore adds X_k (1 + i w_k) to Z_k and the conjugate of X_k (1 - i w_k) to Z_{M-k}.
 */
static void fold(const chirp_band_transform *t, const float *restrict spectrum,
                 float *restrict work)
{
    float *up = work + 2 * t->first, *down = work + 2 * (t->half - t->first);
    const float *w = t->twiddle;
    const int64_t n = t->n_bins;
    if (2 * (t->first + n - 1) >= t->half) { /* the two images meet: sum */
        memset(work, 0, 2 * (size_t)t->half * sizeof *work);
        for (int64_t i = 0; i < n; ++i) {
            const float a = spectrum[2 * i], b = spectrum[2 * i + 1], c = w[2 * i],
                        s = w[2 * i + 1];
            up[2 * i] += a * (1 - s) - b * c;
            up[2 * i + 1] += a * c + b * (1 - s);
            down[-2 * i] += a * (1 + s) + b * c;
            down[-2 * i + 1] += a * c - b * (1 + s);
        }
        return;
    }
    /* what lies between them stays zero from the start */
    for (int64_t i = 0; i < n; ++i) {
        const float a = spectrum[2 * i], b = spectrum[2 * i + 1], c = w[2 * i], s = w[2 * i + 1];
        up[2 * i] = a * (1 - s) - b * c;
        up[2 * i + 1] = a * c + b * (1 - s);
    }
    for (int64_t i = 0; i < n; ++i) {
        const float a = spectrum[2 * i], b = spectrum[2 * i + 1], c = w[2 * i], s = w[2 * i + 1];
        down[-2 * i] = a * (1 + s) + b * c;
        down[-2 * i + 1] = a * c - b * (1 + s);
    }
}

/* Every sample of the half rate, and one between it and the next. */
static void interpolate(const float *restrict taps, int64_t n, const float *restrict in,
                        float *restrict out)
{
    for (int64_t i = 0; i < n; ++i) {
        float sum = 0;
        for (int t = 0; t < TAPS; ++t)
            sum += taps[t] * (in[i - t] + in[i + 1 + t]);
        out[2 * i] = in[i];
        out[2 * i + 1] = sum;
    }
}

void chirp_band_transform_execute(const chirp_band_transform *t, const float *spectrum, float *work,
                                  float *x)
{
    float *series = work + 2 * t->half; /* [2 * half], periodic */
    fold(t, spectrum, work);
    fftwf_execute_dft(t->plan, (fftwf_complex *)work, (fftwf_complex *)series);
    if (t->factor == 1) {
        memcpy(x, series + t->half, (size_t)t->half * sizeof *x);
        return;
    }
    memcpy(series + 2 * t->half, series, (TAPS + 1) * sizeof *series);
    interpolate(t->taps, t->half, series + t->half, x);
}
