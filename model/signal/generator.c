#include "model/signal/generator.h"
#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "model/signal/noise.h"
#include "model/signal/phenomd_grid.h"
#include "model/signal/strain.h"
#include "model/signal/transform.h"
#include "model/signal/welch.h"

#include <math.h>
#include <omp.h>
#include <string.h>

const char *const chirp_label_name[CHIRP_LABELS] = {"m1", "m2", "a_f", "omega_R", "omega_I"};

/*
 * Grid: twice the window. The window is its second half, so that noise does not wrap around inside the window, and a chirp
 * too long for the window has a second in which to be faded in before the window begins.
 */
typedef struct chirp_scratch {
    float *spectrum, *signal, *noise; /* [2 * (grid/2 + 1)], [grid], [grid] */
} chirp_scratch;

struct chirp_generator {
    chirp_signal_config config;
    char *psd_path;
    chirp_psd *psd;
    int64_t grid_length;
    double grid_s;
    chirp_phenomd_grid grid; /* the bins of the band */
    double *tables;
    float *weight; /* [grid.n] band gain / sqrt(S) * f^(-7/6), of order one */
    float *gain;   /* [grid.n] of the noise's normal numbers */
    fftwf_plan inverse;
    int n_threads;
    chirp_scratch *scratch; /* [n_threads] */
    unsigned skip;
};

chirp_signal_config chirp_signal_config_default(void)
{
    return (chirp_signal_config){
        .length = 8192,
        .sample_rate_hz = 8192,
        .mass_min_msun = 5,
        .mass_max_msun = 80,
        .spin_max = 0.8,
        .snr_min = 10,
        .snr_max = 30,
        .merger_min_s = 0.8,
        .merger_max_s = 0.95,
        .f_low_hz = 20,
        .noise = true,
        .f_high_hz = 1000,
        .n_detectors = 1,
        .mass_ratio_max = 18,
    };
}

static chirp_status check_range(const char *what, double low, double high, double least,
                                double most, const char *unit)
{
    if (low >= least && high <= most && low <= high)
        return CHIRP_OK;
    return chirp_fail(CHIRP_ERR_RANGE, "%s %g to %g%s: expected a rising range within %g to %g%s",
                      what, low, high, unit, least, most, unit);
}

static chirp_status check_config(const chirp_signal_config *c)
{
    if (c->length < 64 || c->length > (1 << 24))
        return chirp_fail(CHIRP_ERR_RANGE, "window of %lld samples: expected 64 to 16777216",
                          (long long)c->length);
    if (!(c->sample_rate_hz >= 64) || !(c->sample_rate_hz <= 1e6))
        return chirp_fail(CHIRP_ERR_RANGE, "sample rate %g Hz: expected 64 to 1000000",
                          c->sample_rate_hz);
    if (c->n_detectors != 1 && c->n_detectors != 2)
        return chirp_fail(CHIRP_ERR_RANGE, "%d detectors: expected 1 or 2", c->n_detectors);
    const double window = (double)c->length / c->sample_rate_hz;
    if (!(c->f_low_hz > 0) || !(c->f_high_hz > 1.5 * c->f_low_hz) ||
        !(c->f_high_hz <= c->sample_rate_hz / 2))
        return chirp_fail(
            CHIRP_ERR_RANGE,
            "band %g to %g Hz: expected 0 < low, high > 1.5 low and high <= %g Hz (Nyquist)",
            c->f_low_hz, c->f_high_hz, c->sample_rate_hz / 2);
    if (!(c->f_low_hz * window >= 4))
        return chirp_fail(
            CHIRP_ERR_RANGE,
            "a window of %g s is too short for a band from %g Hz: four periods are needed", window,
            c->f_low_hz);
    chirp_status st =
        check_range("masses", c->mass_min_msun, c->mass_max_msun, 1, 500, " solar masses");
    if (st == CHIRP_OK)
        st = check_range("spins", -c->spin_max, c->spin_max, -0.99, 0.99, "");
    if (st == CHIRP_OK && !(c->mass_ratio_max >= 1 && c->mass_ratio_max <= 100))
        st = chirp_fail(CHIRP_ERR_RANGE, "largest mass ratio %g: expected 1 to 100",
                        c->mass_ratio_max);
    if (st == CHIRP_OK)
        st = check_range("SNR", c->snr_min, c->snr_max, 1e-3, 1e6, "");
    if (st == CHIRP_OK)
        st = check_range("merger time", c->merger_min_s, c->merger_max_s, 0.05 * window, window,
                         " s");
    if (st == CHIRP_OK && (c->n_threads < 0 || c->n_threads > 4096))
        st = chirp_fail(CHIRP_ERR_RANGE, "%d threads: expected 0 to 4096", c->n_threads);
    return st;
}

static chirp_status load_noise(chirp_generator *g)
{
    const chirp_signal_config *c = &g->config;
    chirp_status st;
    if (!c->psd_path)
        st = chirp_psd_design(&g->psd);
    else if (chirp_strain_is_hdf5(c->psd_path))
        st = chirp_strain_psd(c->psd_path, (double)NAN, &g->psd);
    else
        st = chirp_psd_read(c->psd_path, CHIRP_PSD_DETECT, &g->psd);
    if (st == CHIRP_OK)
        st = chirp_psd_require(g->psd, c->f_low_hz, c->f_high_hz);
    return st;
}

/*
 * Whitening of the bins of the band. A measured density has lines, so the filter's response is cut to 2 s as
 * chirp_strain_whiten() cuts it, on a grid fine enough for them; smooth curves are used as they are.
 */
static chirp_status fill_whitening(const chirp_generator *g, chirp_band band, double *whitening)
{
    const chirp_phenomd_grid *grid = &g->grid;
    if (!g->config.psd_path || !chirp_strain_is_hdf5(g->config.psd_path)) {
        for (int64_t k = 0; k < grid->n; ++k)
            whitening[k] =
                chirp_band_gain(band, grid->f[k]) / sqrt(chirp_psd_at(g->psd, grid->f[k]));
        return CHIRP_OK;
    }
    enum { FINER = 16 };
    const int64_t n = FINER * g->grid_length;
    double *gain = chirp_calloc((size_t)(n / 2 + 1), sizeof *gain);
    if (!gain)
        return CHIRP_ERR_NOMEM;
    const chirp_status st =
        chirp_whitening_gain(g->psd, band, n, g->config.sample_rate_hz, 2, gain);
    for (int64_t k = 0; st == CHIRP_OK && k < grid->n; ++k)
        whitening[k] = gain[FINER * (grid->first + k)];
    chirp_free(gain);
    return st;
}

static chirp_status fill_tables(chirp_generator *g)
{
    const chirp_signal_config *c = &g->config;
    const chirp_band band = {c->f_low_hz, c->f_high_hz};
    const double df = 1 / g->grid_s;
    const int64_t first = (int64_t)floor(band.low_hz / df) + 1;
    int64_t last = (int64_t)ceil(band.high_hz / df); /* first bin that is out again */
    if (last > g->grid_length / 2)
        last = g->grid_length / 2; /* Nyquist stays zero */
    const int64_t n = last - first;
    g->tables = chirp_calloc((size_t)(CHIRP_PHENOMD_GRID_TABLES * n), sizeof *g->tables);
    g->weight = chirp_calloc((size_t)n, sizeof *g->weight);
    g->gain = chirp_calloc((size_t)n, sizeof *g->gain);
    double *whitening = chirp_calloc((size_t)n, sizeof *whitening);
    chirp_status st = g->tables && g->weight && g->gain && whitening ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK) {
        chirp_phenomd_grid_prepare(&g->grid, df, first, n, g->tables);
        st = fill_whitening(g, band, whitening);
    }
    for (int64_t k = 0; st == CHIRP_OK && k < n; ++k) {
        const double f = g->grid.f[k];
        g->weight[k] = (float)(1e-24 * whitening[k] * pow(f / 100, -7.0 / 6)); /* of order one */
        /* white noise of unit variance on the whole grid has E|X_k|^2 = 1/grid_length for an unnormalised inverse */
        g->gain[k] = (float)(chirp_band_gain(band, f) / sqrt(2 * (double)g->grid_length));
    }
    chirp_free(whitening);
    return st;
}

static chirp_status make_scratch(chirp_generator *g)
{
    g->scratch = chirp_calloc((size_t)g->n_threads, sizeof *g->scratch);
    if (!g->scratch)
        return CHIRP_ERR_NOMEM;
    for (int t = 0; t < g->n_threads; ++t) {
        chirp_scratch *s = &g->scratch[t];
        s->spectrum = chirp_calloc((size_t)(g->grid_length + 2), sizeof *s->spectrum);
        s->signal = chirp_calloc((size_t)g->grid_length, sizeof *s->signal);
        s->noise = chirp_calloc((size_t)g->grid_length, sizeof *s->noise);
        if (!s->spectrum || !s->signal || !s->noise)
            return CHIRP_ERR_NOMEM;
    }
    return CHIRP_OK;
}

chirp_status chirp_generator_create(const chirp_signal_config *config, chirp_generator **generator)
{
    chirp_status st = check_config(config);
    if (st != CHIRP_OK)
        return st;
    chirp_generator *g = chirp_calloc(1, sizeof *g);
    if (!g)
        return CHIRP_ERR_NOMEM;
    g->config = *config;
    g->grid_length = 2 * config->length;
    g->grid_s = (double)g->grid_length / config->sample_rate_hz;
    g->n_threads = config->n_threads ? config->n_threads : omp_get_max_threads();
    if (config->psd_path && !(g->psd_path = chirp_strdup(config->psd_path)))
        st = CHIRP_ERR_NOMEM;
    g->config.psd_path = g->psd_path;
    if (st == CHIRP_OK)
        st = load_noise(g);
    if (st == CHIRP_OK)
        st = fill_tables(g);
    if (st == CHIRP_OK)
        st = chirp_transform_inverse_f(g->grid_length, &g->inverse);
    if (st == CHIRP_OK)
        st = make_scratch(g);
    /* the corner of the prior with the largest remnant spin and mass ratio must be within the model and the labels' table */
    const chirp_binary corner = {config->mass_min_msun, config->mass_min_msun, config->spin_max,
                                 config->spin_max};
    chirp_phenomd model;
    double omega[2];
    if (st == CHIRP_OK)
        st = chirp_phenomd_prepare(&corner, &model);
    if (st == CHIRP_OK)
        st = chirp_qnm(model.final_spin, &omega[0], &omega[1]);
    if (st != CHIRP_OK) {
        chirp_generator_destroy(g);
        return st;
    }
    *generator = g;
    return CHIRP_OK;
}

void chirp_generator_destroy(chirp_generator *g)
{
    if (!g)
        return;
    for (int t = 0; g->scratch && t < g->n_threads; ++t) {
        chirp_free(g->scratch[t].spectrum);
        chirp_free(g->scratch[t].signal);
        chirp_free(g->scratch[t].noise);
    }
    chirp_free(g->scratch);
    chirp_transform_destroy_f(g->inverse);
    chirp_free(g->tables);
    chirp_free(g->weight);
    chirp_free(g->gain);
    chirp_psd_destroy(g->psd);
    chirp_free(g->psd_path);
    chirp_free(g);
}

const chirp_signal_config *chirp_generator_config(const chirp_generator *g) { return &g->config; }

const char *chirp_generator_noise_name(const chirp_generator *g) { return chirp_psd_name(g->psd); }

void chirp_generator_skip(chirp_generator *g, unsigned parts) { g->skip = parts; }

chirp_status chirp_generator_set_snr(chirp_generator *g, double snr_min, double snr_max)
{
    const chirp_status st = check_range("SNR", snr_min, snr_max, 1e-3, 1e6, "");
    if (st != CHIRP_OK)
        return st;
    g->config.snr_min = snr_min;
    g->config.snr_max = snr_max;
    return CHIRP_OK;
}

chirp_status chirp_generator_draw(const chirp_generator *g, uint64_t index, chirp_signal_draw *draw)
{
    const chirp_signal_config *c = &g->config;
    const chirp_rng rng = chirp_rng_stream(c->seed, CHIRP_RNG_SIGNAL, 0, index);
    enum { PHASE, MERGER, SNR, DELAY, PHASE2, RATIO, FIRST_TRY = 8, PER_TRY = 4, TRIES = 10000 };
    chirp_signal_draw d = {.weight = {1, 0}};
    bool found = false;
    for (int try = 0; try < TRIES && !found;
         ++try) { /* the prior cut off at the largest mass ratio */
        double u[PER_TRY];
        for (int i = 0; i < PER_TRY; ++i)
            u[i] = chirp_rng_uniform_double(rng, (uint64_t)(FIRST_TRY + PER_TRY * try + i));
        const double span = c->mass_max_msun - c->mass_min_msun;
        const double a = c->mass_min_msun + span * u[0], b = c->mass_min_msun + span * u[1];
        d.binary = (chirp_binary){fmax(a, b), fmin(a, b), c->spin_max * (2 * u[2] - 1),
                                  c->spin_max * (2 * u[3] - 1)};
        found = d.binary.m1_msun <= c->mass_ratio_max * d.binary.m2_msun;
    }
    if (!found)
        return chirp_fail(CHIRP_ERR_RANGE,
                          "masses %g to %g: no pair with a ratio up to %g was found",
                          c->mass_min_msun, c->mass_max_msun, c->mass_ratio_max);
    d.final_spin = chirp_final_spin(&d.binary);
    d.phase = 2 * M_PI * chirp_rng_uniform_double(rng, PHASE);
    d.merger_s = c->merger_min_s +
                 (c->merger_max_s - c->merger_min_s) * chirp_rng_uniform_double(rng, MERGER);
    d.snr = c->snr_min + (c->snr_max - c->snr_min) * chirp_rng_uniform_double(rng, SNR);
    if (c->n_detectors == 2) {
        d.delay_s = 0.010 * (2 * chirp_rng_uniform_double(rng, DELAY) -
                             1); /* light crosses between the LIGO sites in 10 ms */
        d.phase2 = 2 * M_PI * chirp_rng_uniform_double(rng, PHASE2);
        const double ratio = exp(log(2) * (2 * chirp_rng_uniform_double(rng, RATIO) - 1));
        d.weight[0] = 1 / sqrt(1 + ratio * ratio);
        d.weight[1] = ratio / sqrt(1 + ratio * ratio);
    }
    *draw = d;
    return chirp_qnm(d.final_spin, &draw->omega_r, &draw->omega_i);
}

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

/* Noiseless whitened band-passed signal on the grid, of arbitrary size, its envelope's peak at merger_s of the window. */
static void make_signal(const chirp_generator *g, const chirp_phenomd *m, double peak_s,
                        double merger_s, double phase, chirp_scratch *s)
{
    const chirp_phenomd_grid *grid = &g->grid;
    const double window_at = g->grid_s / 2;
    float *band = s->spectrum + 2 * grid->first;
    memset(s->spectrum, 0, (size_t)(g->grid_length + 2) * sizeof *s->spectrum);
    /* What is emitted before the grid begins would be folded onto its end: faded in between grid and window. */
    const double none = frequency_at(g, m, merger_s + 0.85 * window_at),
                 full = frequency_at(g, m, merger_s + 0.1 * window_at);
    int64_t begin = (int64_t)ceil(none / grid->df_hz) - grid->first;
    begin = begin < 0 ? 0 : begin > grid->n ? grid->n : begin;
    chirp_phenomd_grid_evaluate(grid, m, begin, grid->n, window_at + merger_s - peak_s, phase,
                                g->weight, band);
    if (none > grid->f[0]) {
        for (int64_t k = begin; k < grid->n && grid->f[k] < full; ++k) {
            const float gain = (float)(0.5 * (1 - cos(M_PI * (grid->f[k] - none) / (full - none))));
            band[2 * k] *= gain;
            band[2 * k + 1] *= gain;
        }
    }
    if (!(g->skip & CHIRP_GENERATOR_SKIP_TRANSFORM))
        fftwf_execute_dft_c2r(g->inverse, (fftwf_complex *)s->spectrum, s->signal);
}

/* White Gaussian noise through the band filter, drawn in the frequency domain: only the band needs numbers. */
static void make_noise(const chirp_generator *g, uint64_t index, int detector, chirp_scratch *s)
{
    const chirp_phenomd_grid *grid = &g->grid;
    float *band = s->spectrum + 2 * grid->first;
    memset(s->spectrum, 0, (size_t)(g->grid_length + 2) * sizeof *s->spectrum);
    chirp_rng_normal(chirp_rng_stream(g->config.seed, CHIRP_RNG_NOISE, (uint32_t)detector, index),
                     0, 2 * grid->n, band);
    for (int64_t k = 0; k < grid->n; ++k) {
        band[2 * k] *= g->gain[k];
        band[2 * k + 1] *= g->gain[k];
    }
    if (!(g->skip & CHIRP_GENERATOR_SKIP_TRANSFORM))
        fftwf_execute_dft_c2r(g->inverse, (fftwf_complex *)s->spectrum, s->noise);
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
static void finish_window(const chirp_generator *g, const chirp_scratch *s, double snr, float *out)
{
    const int64_t n = g->config.length;
    const float *signal = s->signal + n, *noise = s->noise + n;
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

static chirp_status make_windows(const chirp_generator *g, const chirp_signal_draw *d,
                                 uint64_t index, chirp_scratch *s, float *strain)
{
    chirp_phenomd model;
    const chirp_status st = chirp_phenomd_prepare(&d->binary, &model);
    if (st != CHIRP_OK)
        return st;
    const double peak_s =
        (g->skip & CHIRP_GENERATOR_SKIP_PEAK) ? 0 : chirp_phenomd_peak_time(&model);
    for (int detector = 0; detector < g->config.n_detectors; ++detector) {
        if (!(g->skip & CHIRP_GENERATOR_SKIP_WAVEFORM))
            make_signal(g, &model, peak_s, d->merger_s + (detector ? d->delay_s : 0),
                        detector ? d->phase2 : d->phase, s);
        if (g->config.noise && !(g->skip & CHIRP_GENERATOR_SKIP_NOISE))
            make_noise(g, index, detector, s);
        finish_window(g, s, d->snr * d->weight[detector], strain + detector * g->config.length);
    }
    return CHIRP_OK;
}

chirp_status chirp_generator_make(chirp_generator *g, const chirp_signal_draw *draw, uint64_t index,
                                  float *strain)
{
    const double window = (double)g->config.length / g->config.sample_rate_hz;
    if (!(draw->merger_s >= 0) || !(draw->merger_s <= window))
        return chirp_fail(CHIRP_ERR_RANGE, "merger at %g s: expected 0 to %g s, within the window",
                          draw->merger_s, window);
    return make_windows(g, draw, index, &g->scratch[0], strain);
}

static chirp_status make_one(const chirp_generator *g, uint64_t index, chirp_scratch *s,
                             float *strain, float *label, float *snr, float *parameters)
{
    chirp_signal_draw d;
    chirp_status st = chirp_generator_draw(g, index, &d);
    if (st == CHIRP_OK)
        st = make_windows(g, &d, index, s, strain);
    if (st != CHIRP_OK)
        return st;
    if (label) {
        label[CHIRP_LABEL_M1] = (float)d.binary.m1_msun;
        label[CHIRP_LABEL_M2] = (float)d.binary.m2_msun;
        label[CHIRP_LABEL_FINAL_SPIN] = (float)d.final_spin;
        label[CHIRP_LABEL_OMEGA_R] = (float)d.omega_r;
        label[CHIRP_LABEL_OMEGA_I] = (float)d.omega_i;
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
#pragma omp parallel for schedule(static) num_threads(g->n_threads)
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
