/* One training signal: waveform, noise, window. Everything here is a function of (seed, index). */
#include "harness/base/clock.h"
#include "kernels/random/random.h"
#include "model/signal/generator_internal.h"

#include <math.h>
#include <omp.h>
#include <string.h>

const char *const chirp_generator_stage_name[CHIRP_STAGES] = {"parameters", "peak",      "waveform",
                                                              "random",     "transform", "window"};

/* Frequency [Hz] that is emitted `before_s` seconds before the merger; the band's low end if that is later still. */
static double frequency_at(const chirp_generator *g, const chirp_phenomd *m, double before_s)
{
    double low = g->grid.f[0], high = m->peak / m->mass_s;
    if (chirp_phenomd_time_to_merger(m, low) <= before_s)
        return low;
    while (high - low > 1e-3 * low) {
        const double middle = sqrt(low * high);
        if (chirp_phenomd_time_to_merger(m, middle) > before_s)
            low = middle;
        else
            high = middle;
    }
    return high;
}

void chirp_generator_spectrum(const chirp_generator *g, const chirp_phenomd *m, double peak_s,
                              double merger_s, double phase, float *band)
{
    const chirp_phenomd_grid *grid = &g->grid;
    const double window_at = g->grid_s / 2;
    /* What is emitted before the grid begins would be folded onto its end: faded in between grid and window. */
    const double none = frequency_at(g, m, merger_s + 0.85 * window_at),
                 full = frequency_at(g, m, merger_s + 0.1 * window_at);
    int64_t begin = (int64_t)ceil(none / grid->df_hz) - grid->first;
    begin = begin < 0 ? 0 : begin > grid->n ? grid->n : begin;
    memset(band, 0, 2 * (size_t)begin * sizeof *band);
    chirp_phenomd_grid_evaluate(grid, m, begin, grid->n, window_at + merger_s - peak_s, phase,
                                g->weight, band);
    if (none > grid->f[0]) {
        for (int64_t k = begin; k < grid->n && grid->f[k] < full; ++k) {
            const float gain = (float)(0.5 * (1 - cos(M_PI * (grid->f[k] - none) / (full - none))));
            band[2 * k] *= gain;
            band[2 * k + 1] *= gain;
        }
    }
}

/* White Gaussian noise through the band filter, drawn in the frequency domain: only the band needs numbers. */
static void make_noise(const chirp_generator *g, uint64_t index, int detector, float *band)
{
    const int64_t n = g->grid.n;
    chirp_rng_normal(chirp_rng_stream(g->config.seed, CHIRP_RNG_NOISE, (uint32_t)detector, index),
                     0, 2 * n, band);
    for (int64_t k = 0; k < n; ++k) {
        band[2 * k] *= g->gain[k];
        band[2 * k + 1] *= g->gain[k];
    }
}

/* A window of real noise, away from the event, at a place that (seed, index) chooses. */
static const float *real_noise(const chirp_generator *g, uint64_t index, int detector)
{
    const int64_t(*part)[2] = g->allowed[detector];
    const int64_t before = part[0][1] - part[0][0], places = before + part[1][1] - part[1][0];
    const double u = chirp_rng_uniform_double(
        chirp_rng_stream(g->config.seed, CHIRP_RNG_NOISE, (uint32_t)detector, index), 0);
    int64_t at = (int64_t)(u * (double)places);
    at = at < places ? at : places - 1;
    return g->real[detector]->sample + (at < before ? part[0][0] + at : part[1][0] + at - before);
}

/* Sums in double with eight lanes in a fixed order: the same on every thread. */
static double sum_of_squares(const float *x, int64_t n)
{
    double lane[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int l = 0; l < 8; ++l)
            lane[l] += (double)x[i + l] * (double)x[i + l];
    for (; i < n; ++i)
        lane[0] += (double)x[i] * (double)x[i];
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
           ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

static double sum_of(const float *x, int64_t n)
{
    double lane[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int l = 0; l < 8; ++l)
            lane[l] += (double)x[i + l];
    for (; i < n; ++i)
        lane[0] += (double)x[i];
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
           ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

/* out = (signal scaled to snr + noise), then zero mean and unit variance. */
static void finish_window(const chirp_generator *g, const float *signal, const float *noise,
                          double snr, float *out)
{
    const int64_t n = g->config.length;
    const double power = sum_of_squares(signal, n);
    const float scale = power > 0 ? (float)(snr / sqrt(power)) : 0;
    if (g->config.noise)
        for (int64_t i = 0; i < n; ++i)
            out[i] = scale * signal[i] + noise[i];
    else
        for (int64_t i = 0; i < n; ++i)
            out[i] = scale * signal[i];
    const double mean = sum_of(out, n) / (double)n,
                 variance = sum_of_squares(out, n) / (double)n - mean * mean;
    const float shift = (float)mean, unit = variance > 0 ? (float)(1 / sqrt(variance)) : 1;
    for (int64_t i = 0; i < n; ++i)
        out[i] = (out[i] - shift) * unit;
}

/* Adds the time since *from to a stage; nothing when nobody asks. */
static void lap(double *seconds, chirp_generator_stage stage, double *from)
{
    if (!seconds)
        return;
    const double now = chirp_now_s();
    seconds[stage] += now - *from;
    *from = now;
}

static chirp_status make_windows(const chirp_generator *g, const chirp_signal_draw *d,
                                 uint64_t index, chirp_scratch *s, float *strain, double *seconds)
{
    double from = seconds ? chirp_now_s() : 0;
    chirp_phenomd model;
    const chirp_status st = chirp_phenomd_prepare(&d->binary, &model);
    if (st != CHIRP_OK)
        return st;
    lap(seconds, CHIRP_STAGE_PARAMETERS, &from);
    const double peak_s = chirp_phenomd_peak_time(&model);
    lap(seconds, CHIRP_STAGE_PEAK, &from);
    const int64_t length = g->config.length;
    for (int detector = 0; detector < g->config.n_detectors; ++detector) {
        const float *noise = s->noise;
        chirp_generator_spectrum(g, &model, peak_s, d->merger_s + (detector ? d->delay_s : 0),
                                 detector ? d->phase2 : d->phase, s->spectrum);
        const double louder = chirp_curve_change(g, index, detector, s);
        lap(seconds, CHIRP_STAGE_WAVEFORM, &from);
        chirp_band_transform_execute(g->inverse, s->spectrum, s->work, s->signal);
        lap(seconds, CHIRP_STAGE_TRANSFORM, &from);
        if (g->real[detector]) {
            noise = real_noise(g, index, detector);
        } else if (g->config.noise) {
            make_noise(g, index, detector, s->spectrum);
            chirp_curve_change_noise(g, s, s->spectrum);
            lap(seconds, CHIRP_STAGE_RANDOM, &from);
            chirp_band_transform_execute(g->inverse, s->spectrum, s->work, s->noise);
            lap(seconds, CHIRP_STAGE_TRANSFORM, &from);
        }
        finish_window(g, s->signal, noise, d->snr * d->weight[detector] * louder,
                      strain + detector * length);
        lap(seconds, CHIRP_STAGE_WINDOW, &from);
    }
    return CHIRP_OK;
}

chirp_status chirp_generator_profile(chirp_generator *g, uint64_t first, int64_t n, float *strain,
                                     double seconds[CHIRP_STAGES])
{
    chirp_status st = CHIRP_OK;
    memset(seconds, 0, CHIRP_STAGES * sizeof *seconds);
    for (int64_t i = 0; st == CHIRP_OK && i < n; ++i) {
        chirp_signal_draw d;
        double from = chirp_now_s();
        st = chirp_generator_draw(g, first + (uint64_t)i, &d);
        lap(seconds, CHIRP_STAGE_PARAMETERS, &from);
        if (st == CHIRP_OK)
            st = make_windows(g, &d, first + (uint64_t)i, &g->scratch[0], strain, seconds);
    }
    return st;
}

chirp_status chirp_generator_make(chirp_generator *g, const chirp_signal_draw *draw, uint64_t index,
                                  float *strain)
{
    const double window = (double)g->config.length / g->config.sample_rate_hz;
    if (!(draw->merger_s >= 0) || !(draw->merger_s <= window))
        return chirp_fail(CHIRP_ERR_RANGE, "merger at %g s: expected 0 to %g s, within the window",
                          draw->merger_s, window);
    return make_windows(g, draw, index, &g->scratch[0], strain, NULL);
}

static chirp_status make_one(const chirp_generator *g, uint64_t index, chirp_scratch *s,
                             float *strain, float *label, float *snr, float *parameters)
{
    chirp_signal_draw d;
    chirp_status st = chirp_generator_draw(g, index, &d);
    if (st == CHIRP_OK)
        st = make_windows(g, &d, index, s, strain, NULL);
    if (st != CHIRP_OK)
        return st;
    if (label) {
        double exact[CHIRP_LABELS];
        chirp_draw_labels(&d, exact);
        for (int i = 0; i < CHIRP_LABELS; ++i)
            label[i] = (float)exact[i];
    }
    if (snr)
        *snr = (float)d.snr;
    if (parameters) {
        parameters[CHIRP_PARAMETER_M1] = (float)d.binary.m1_msun;
        parameters[CHIRP_PARAMETER_M2] = (float)d.binary.m2_msun;
        parameters[CHIRP_PARAMETER_CHI1] = (float)d.binary.chi1;
        parameters[CHIRP_PARAMETER_CHI2] = (float)d.binary.chi2;
    }
    return CHIRP_OK;
}

chirp_status chirp_generator_batch(chirp_generator *g, uint64_t first, int64_t n, float *strain,
                                   float *label, float *snr, float *parameters)
{
    if (!g || !strain || n < 0)
        return chirp_fail(CHIRP_ERR_ARG, "signal batch: no generator, no output, or %lld signals",
                          (long long)n);
    if (first + (uint64_t)n > ((uint64_t)1 << 40))
        return chirp_fail(CHIRP_ERR_RANGE, "signal %llu: indices go up to 2^40",
                          (unsigned long long)(first + (uint64_t)n));
    const int64_t row = g->config.length * g->config.n_detectors;
    chirp_status worst = CHIRP_OK;
    int64_t failed = -1;
    /* dynamic: a thread that loses its core to somebody else delays one signal, not its whole share */
#pragma omp parallel for schedule(dynamic) num_threads(g->n_threads)
    for (int64_t i = 0; i < n; ++i) {
        const chirp_status st =
            make_one(g, first + (uint64_t)i, &g->scratch[omp_get_thread_num()], strain + i * row,
                     label ? label + i * CHIRP_LABELS : NULL, snr ? snr + i : NULL,
                     parameters ? parameters + i * CHIRP_PARAMETERS : NULL);
        if (st != CHIRP_OK) {
#pragma omp critical(chirp_generator_failure)
            {
                worst = st;
                failed = i;
            }
        }
    }
    if (worst != CHIRP_OK) /* sentences are kept per thread: make this one's again */
        return make_one(g, first + (uint64_t)failed, &g->scratch[0], strain + failed * row, NULL,
                        NULL, NULL);
    return CHIRP_OK;
}
