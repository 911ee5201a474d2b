#include "model/signal/match.h"
#include "harness/base/memory.h"
#include "model/signal/generator_internal.h"
#include "model/signal/welch.h"

#include <math.h>
#include <string.h>

struct chirp_match {
    chirp_generator *generator; /* its waveform, whitening and band */
    int64_t points;             /* of the signal's complex envelope on the generator's grid */
    double noise_power;
    fftwf_plan plan; /* of `points`, backward, in place */
};

struct chirp_match_scratch {
    float *spectrum;         /* [2 * bins] of the signal */
    fftwf_complex *envelope; /* [points] */
};

/* Replaces the generator's whitening by that of a curve in rows, cut as chirp_strain_whiten() cuts it. */
static chirp_status whiten_by(chirp_generator *g, const chirp_match_curve *curve)
{
    enum { FINER = 16 }; /* than the grid: fine enough for a measured curve's lines */
    const chirp_band band = {g->config.f_low_hz, g->config.f_high_hz};
    const int64_t n = FINER * g->grid_length;
    chirp_psd *psd = NULL;
    double *gain = chirp_calloc((size_t)(n / 2 + 1), sizeof *gain);
    chirp_status st = gain ? chirp_psd_from_table("the window's noise curve", curve->f_hz, curve->s,
                                                  (size_t)curve->n, &psd)
                           : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_psd_require(psd, band.low_hz, band.high_hz);
    if (st == CHIRP_OK)
        st = chirp_whitening_gain(psd, band, n, g->config.sample_rate_hz,
                                  chirp_whiten_options_default().response_s, gain);
    for (int64_t k = 0; st == CHIRP_OK && k < g->grid.n; ++k)
        g->weight[k] =
            (float)(1e-24 * gain[FINER * (g->grid.first + k)] * pow(g->grid.f[k] / 100, -7.0 / 6));
    chirp_psd_destroy(psd);
    chirp_free(gain);
    return st;
}

static chirp_status make_plan(chirp_match *m)
{
    fftwf_complex *x = chirp_calloc((size_t)m->points, sizeof *x);
    if (!x)
        return CHIRP_ERR_NOMEM;
    chirp_transform_lock();
    m->plan = fftwf_plan_dft_1d((int)m->points, x, x, FFTW_BACKWARD, FFTW_ESTIMATE);
    chirp_transform_unlock();
    chirp_free(x);
    return m->plan
               ? CHIRP_OK
               : chirp_fail(CHIRP_ERR_LIBRARY, "FFTW can't plan %lld points", (long long)m->points);
}

chirp_status chirp_match_create(const chirp_signal_config *config, const chirp_match_curve *curve,
                                chirp_match **match)
{
    chirp_match *m = chirp_calloc(1, sizeof *m);
    if (!m)
        return CHIRP_ERR_NOMEM;
    chirp_signal_config own = *config;
    own.noise = false; /* the noise is in the window */
    own.noise_path = NULL;
    own.n_detectors = 1;
    own.n_threads = 1;
    if (curve && curve->n)
        own.psd_path = NULL;
    chirp_status st = chirp_generator_create(&own, &m->generator);
    if (st == CHIRP_OK && curve && curve->n)
        st = whiten_by(m->generator, curve);
    if (st == CHIRP_OK) {
        const chirp_generator *g = m->generator;
        const chirp_band band = {own.f_low_hz, own.f_high_hz};
        for (int64_t k = 0; k < g->grid.n; ++k) {
            const double gain = chirp_band_gain(band, g->grid.f[k]);
            m->noise_power += gain * gain;
        }
        for (m->points = 64; m->points < g->grid.n;)
            m->points *= 2;
        st = make_plan(m);
    }
    if (st != CHIRP_OK) {
        chirp_match_destroy(m);
        return st;
    }
    *match = m;
    return CHIRP_OK;
}

void chirp_match_destroy(chirp_match *m)
{
    if (!m)
        return;
    if (m->plan) {
        chirp_transform_lock();
        fftwf_destroy_plan(m->plan);
        chirp_transform_unlock();
    }
    chirp_generator_destroy(m->generator);
    chirp_free(m);
}

chirp_status chirp_match_scratch_create(const chirp_match *m, chirp_match_scratch **scratch)
{
    chirp_match_scratch *s = chirp_calloc(1, sizeof *s);
    if (!s)
        return CHIRP_ERR_NOMEM;
    s->spectrum = chirp_calloc((size_t)m->generator->grid.n, 2 * sizeof *s->spectrum);
    s->envelope = chirp_calloc((size_t)m->points, sizeof *s->envelope);
    if (!s->spectrum || !s->envelope) {
        chirp_match_scratch_destroy(s);
        return CHIRP_ERR_NOMEM;
    }
    *scratch = s;
    return CHIRP_OK;
}

void chirp_match_scratch_destroy(chirp_match_scratch *s)
{
    if (!s)
        return;
    chirp_free(s->spectrum);
    chirp_free(s->envelope);
    chirp_free(s);
}

int64_t chirp_match_bins(const chirp_match *m) { return m->generator->grid.n; }

double chirp_match_noise_power(const chirp_match *m) { return m->noise_power; }

chirp_status chirp_match_window(const chirp_match *m, const float *window, double *spectrum)
{
    const chirp_generator *g = m->generator;
    const int64_t n = g->grid_length, length = g->config.length;
    double *real = chirp_calloc((size_t)n, sizeof *real);
    fftw_complex *full = chirp_calloc((size_t)(n / 2 + 1), sizeof *full);
    chirp_status st = real && full ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int64_t i = 0; st == CHIRP_OK && i < length; ++i) {
        if (!isfinite(window[i]))
            st = chirp_fail(CHIRP_ERR_NUMERIC, "sample %lld of the window isn't finite",
                            (long long)i);
        real[n - length + i] = (double)window[i];
    }
    if (st == CHIRP_OK)
        st = chirp_transform_forward(n, real, full);
    if (st == CHIRP_OK)
        memcpy(spectrum, full + g->grid.first, (size_t)g->grid.n * sizeof *full);
    chirp_free(real);
    chirp_free(full);
    return st;
}

/* The signal on the grid, from the spectrum: its norm in the window from the squares of the envelope, of which 2 |.|^2 is the
 * mean square of the signal; the first sample of the coarse sum counts as the fine sum would count it. */
static double norm_of(const chirp_match *m, chirp_match_scratch *s)
{
    const chirp_generator *g = m->generator;
    memcpy(s->envelope, s->spectrum, (size_t)g->grid.n * sizeof *s->envelope);
    memset(s->envelope + g->grid.n, 0, (size_t)(m->points - g->grid.n) * sizeof *s->envelope);
    fftwf_execute_dft(m->plan, s->envelope, s->envelope);
    const fftwf_complex *e = s->envelope + m->points / 2;
    const double step = (double)g->grid_length / (double)m->points; /* in samples */
    double sum = 0;
    for (int64_t j = 0; j < m->points / 2; ++j)
        sum += (double)(e[j][0] * e[j][0] + e[j][1] * e[j][1]);
    sum -= 0.5 * (1 - 1 / step) * (double)(e[0][0] * e[0][0] + e[0][1] * e[0][1]);
    return sqrt(2 * step * sum);
}

double chirp_match_at(const chirp_match *m, chirp_match_scratch *s, const double *spectrum,
                      const chirp_phenomd *model, double peak_s, double merger_s, double *norm)
{
    const int64_t n = m->generator->grid.n;
    chirp_generator_spectrum(m->generator, model, peak_s, merger_s, 0, s->spectrum);
    double re = 0, im = 0;
    for (int64_t k = 0; k < n; ++k) {
        const double h_re = (double)s->spectrum[2 * k], h_im = (double)s->spectrum[2 * k + 1];
        re += h_re * spectrum[2 * k] + h_im * spectrum[2 * k + 1];
        im += h_im * spectrum[2 * k] - h_re * spectrum[2 * k + 1];
    }
    const double size = norm_of(m, s);
    if (norm)
        *norm = size;
    return size > 0 ? 2 * sqrt(re * re + im * im) / size : 0;
}

double chirp_match_scan(const chirp_match *m, chirp_match_scratch *s, const double *spectrum,
                        const chirp_phenomd *model, double peak_s, double *merger_s)
{
    const chirp_signal_config *c = &m->generator->config;
    const int64_t n = m->generator->grid.n;
    const double from = c->merger_min_s, to = c->merger_max_s,
                 step = m->generator->grid_s / (double)m->points;
    chirp_generator_spectrum(m->generator, model, peak_s, to, 0, s->spectrum);
    const double size = norm_of(m, s);
    /* products with the signal earlier by j steps */
    for (int64_t k = 0; k < n; ++k) {
        const float h_re = s->spectrum[2 * k], h_im = s->spectrum[2 * k + 1];
        const float y_re = (float)spectrum[2 * k], y_im = (float)spectrum[2 * k + 1];
        s->envelope[k][0] = h_re * y_re + h_im * y_im;
        s->envelope[k][1] = h_im * y_re - h_re * y_im;
    }
    memset(s->envelope + n, 0, (size_t)(m->points - n) * sizeof *s->envelope);
    fftwf_execute_dft(m->plan, s->envelope, s->envelope);
    const int64_t last = (int64_t)floor((to - from) / step);
    double best = -1;
    for (int64_t j = 0; j <= last && j < m->points; ++j) {
        const float *z = s->envelope[j];
        const double square = (double)(z[0] * z[0] + z[1] * z[1]);
        if (square > best) {
            best = square;
            *merger_s = to - (double)j * step;
        }
    }
    return size > 0 ? 2 * sqrt(best) / size : 0;
}

void chirp_match_power(const chirp_match *m, chirp_match_scratch *s, const chirp_phenomd *model,
                       int n, double *f_hz, double *power)
{
    const chirp_generator *g = m->generator;
    double total = 0;
    chirp_generator_spectrum(g, model, 0, g->config.merger_max_s, 0, s->spectrum);
    for (int part = 0; part < n; ++part) {
        /* parts widen with frequency: squares of their number */
        const int64_t from = g->grid.n * part * part / (n * n),
                      to = g->grid.n * (part + 1) * (part + 1) / (n * n);
        double sum = 0, moment = 0;
        for (int64_t k = from; k < to; ++k) {
            const double re = (double)s->spectrum[2 * k], im = (double)s->spectrum[2 * k + 1];
            sum += re * re + im * im;
            moment += (re * re + im * im) * g->grid.f[k];
        }
        power[part] = sum;
        f_hz[part] = sum > 0 ? moment / sum : g->grid.f[from];
        total += sum;
    }
    for (int part = 0; part < n; ++part)
        power[part] = total > 0 ? power[part] / total : 0;
}
