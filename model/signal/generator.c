/* A generator: its configuration, tables and draws. What is made of them: generator_make.c. */
#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "model/signal/generator_internal.h"
#include "model/signal/welch.h"

#include <math.h>
#include <omp.h>
#include <string.h>

const char *const chirp_label_name[CHIRP_LABELS] = {"m1", "m2", "a_f", "omega_R", "omega_I"};

const char *const chirp_snr_law_name[CHIRP_SNR_LAWS] = {"uniform", "log-uniform", "volumetric"};

double chirp_snr_quantile(chirp_snr_law law, double snr_min, double snr_max, double u)
{
    const double ratio = snr_max / snr_min;
    if (law == CHIRP_SNR_LOG_UNIFORM)
        return snr_min * pow(ratio, u);
    if (law == CHIRP_SNR_VOLUMETRIC) /* F = (1 - (rho/min)^-3) / (1 - (max/min)^-3) */
        return snr_min * pow(1 - u * (1 - pow(ratio, -3)), -1.0 / 3);
    return snr_min + (snr_max - snr_min) * u;
}

double chirp_snr_log_density(chirp_snr_law law, double snr)
{
    return law == CHIRP_SNR_LOG_UNIFORM  ? -log(snr)
           : law == CHIRP_SNR_VOLUMETRIC ? -4 * log(snr)
                                         : 0;
}

chirp_signal_config chirp_signal_config_default(void)
{
    return (chirp_signal_config){
        .length = 8192,
        .sample_rate_hz = 8192,
        .mass_min_msun = 5,
        .mass_max_msun = 80,
        .spin_max = 0.8,
        .snr_min = 5, /* half of the first events' windows lie below 10 */
        .snr_max = 100,
        .snr_law = CHIRP_SNR_LOG_UNIFORM,
        .merger_min_s = 0.8,
        .merger_max_s = 0.95,
        .f_low_hz = 20,
        .noise = true,
        .f_high_hz = 1000,
        .n_detectors = 1,
        .mass_ratio_max = 18,
    };
}

const char *chirp_signal_config_warning(const chirp_signal_config *c)
{
    if (c->mass_ratio_max > 18 && c->mass_max_msun > 18 * c->mass_min_msun)
        return "mass ratios above 18 are drawn: outside the calibration of IMRPhenomD";
    if (c->spin_max > 0.85)
        return "spins above 0.85 are drawn at unequal masses: outside the calibration of "
               "IMRPhenomD";
    if (c->f_low_hz < 10)
        return "the band begins below 10 Hz: no detector of today measures there";
    return NULL;
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
    if (c->length < 64 || c->length > (1 << 24) || c->length % 4 != 0)
        return chirp_fail(CHIRP_ERR_RANGE,
                          "window of %lld samples: expected a multiple of 4 from 64 to 16777216",
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
    if (st == CHIRP_OK && ((int)c->snr_law < 0 || c->snr_law >= CHIRP_SNR_LAWS))
        st = chirp_fail(CHIRP_ERR_RANGE, "SNR law %d: there are %d", (int)c->snr_law,
                        (int)CHIRP_SNR_LAWS);
    if (st == CHIRP_OK)
        st = check_range("merger time", c->merger_min_s, c->merger_max_s, 0.05 * window, window,
                         " s");
    if (st == CHIRP_OK && c->curve_segments != 0 &&
        (c->curve_segments < 3 || c->curve_segments > 4096))
        st = chirp_fail(CHIRP_ERR_RANGE, "curve of %lld segments: expected 0 or 3 to 4096",
                        (long long)c->curve_segments);
    if (st == CHIRP_OK && (!(c->curve_tilt >= 0) || !(c->curve_tilt <= 1)))
        st = chirp_fail(CHIRP_ERR_RANGE, "curve tilt %g: expected 0 to 1", c->curve_tilt);
    if (st == CHIRP_OK && c->noise_path && (c->curve_segments > 0 || c->curve_tilt > 0))
        st = chirp_fail(CHIRP_ERR_ARG,
                        "noise %s: real noise has its curve's errors already: leave out "
                        "--curve-segments and --curve-tilt",
                        c->noise_path);
    if (st == CHIRP_OK && (c->n_threads < 0 || c->n_threads > 4096))
        st = chirp_fail(CHIRP_ERR_RANGE, "%d threads: expected 0 to 4096", c->n_threads);
    return st;
}

/* The corners of the prior must be within the model and the labels' table: then the inside is. */
static chirp_status check_corners(const chirp_signal_config *c)
{
    const double lightest = fmax(c->mass_min_msun, c->mass_max_msun / c->mass_ratio_max);
    for (int corner = 0; corner < 8; ++corner) {
        const double heavy = c->mass_max_msun, light = corner & 4 ? heavy : lightest;
        const chirp_binary b = {heavy, light, corner & 1 ? c->spin_max : -c->spin_max,
                                corner & 2 ? c->spin_max : -c->spin_max};
        chirp_phenomd model;
        double omega_r, omega_i;
        chirp_status st = chirp_phenomd_prepare(&b, &model);
        if (st == CHIRP_OK)
            st = chirp_qnm(model.final_spin, &omega_r, &omega_i);
        if (st != CHIRP_OK)
            return chirp_fail(st, "masses %g and %g with spins %g and %g of the prior: %s", heavy,
                              light, b.chi1, b.chi2, chirp_error_message());
    }
    return CHIRP_OK;
}

static chirp_status load_curves(chirp_generator *g)
{
    const chirp_signal_config *c = &g->config;
    const chirp_status st =
        c->curves
            ? chirp_curves_copy(c->curves, &g->curves)
            : chirp_curves_load(g->psd_path, (chirp_band){c->f_low_hz, c->f_high_hz}, &g->curves);
    g->config.curves = NULL;
    if (st == CHIRP_OK && g->curves.n > 1 && g->noise_path)
        return chirp_fail(CHIRP_ERR_ARG,
                          "noise %s: real noise is whitened with one curve, not %d: name one",
                          g->noise_path, g->curves.n);
    return st;
}

/*
 * Where windows of real noise may start: not within a second before or half a second after the event, and as far from that
 * as the whitening filter spreads it.
 */
static chirp_status find_places(chirp_generator *g, int detector, const char *path)
{
    const chirp_whitened *w = g->real[detector];
    const double rate = w->sample_rate_hz;
    int64_t(*part)[2] = g->allowed[detector];
    const int64_t end = w->n - g->config.length + 1;
    part[0][0] = 0;
    part[0][1] = end;
    part[1][0] = part[1][1] = end;
    if (g->config.noise_avoid_gps > 0) {
        const double at = (g->config.noise_avoid_gps - w->gps_start) * rate;
        const double spread = chirp_whiten_options_default().response_s / 2 * rate;
        const double last_before = at - rate - spread - (double)g->config.length,
                     first_after = at + 0.5 * rate + spread;
        part[0][1] = last_before < 0 ? 0 : last_before > (double)end ? end : (int64_t)last_before;
        part[1][0] = first_after < 0 ? 0 : first_after > (double)end ? end : (int64_t)first_after;
        if (part[1][0] < part[0][1])
            part[1][0] = part[0][1];
    }
    if (part[0][1] - part[0][0] + part[1][1] - part[1][0] < 1)
        return chirp_fail(CHIRP_ERR_RANGE,
                          "%s: no window of noise is left beside the event at GPS %.1f", path,
                          g->config.noise_avoid_gps);
    return CHIRP_OK;
}

/* Strain files, one for each detector, separated by a comma. */
static chirp_status load_real_noise(chirp_generator *g)
{
    const chirp_signal_config *c = &g->config;
    chirp_whiten_options options = chirp_whiten_options_default();
    options.sample_rate_hz = c->sample_rate_hz;
    options.band = (chirp_band){c->f_low_hz, c->f_high_hz};
    options.stretch_s = 1024; /* a 4096 s file at 16 kHz would take gigabytes */
    options.psd_path = c->psd_path;
    const char *rest = c->noise_path;
    chirp_status st = CHIRP_OK;
    for (int d = 0; st == CHIRP_OK && d < c->n_detectors; ++d) {
        char *path = NULL;
        st = chirp_strain_next(&rest, &path);
        if (st == CHIRP_OK && !path)
            st = chirp_fail(CHIRP_ERR_ARG,
                            "noise '%s': %d detectors need %d strain files, separated by a comma",
                            c->noise_path, c->n_detectors, c->n_detectors);
        if (st == CHIRP_OK)
            st = chirp_strain_whiten(path, (double)NAN, &options, &g->real[d]);
        if (st == CHIRP_OK)
            st = find_places(g, d, path);
        if (st == CHIRP_OK && d == 0 && !g->psd_path) { /* signals are whitened as the noise was */
            g->psd_path = chirp_strdup(path);
            st = g->psd_path ? CHIRP_OK : CHIRP_ERR_NOMEM;
        }
        chirp_free(path);
    }
    if (st == CHIRP_OK && *rest)
        st = chirp_fail(CHIRP_ERR_ARG, "noise '%s': more strain files than detectors (%d)",
                        c->noise_path, c->n_detectors);
    return st;
}

/*
 * Whitening of the bins of the band by curve i. A measured density has lines, so the filter's response is cut as
 * chirp_strain_whiten() cuts it, on a grid fine enough for them; smooth curves are used as they are.
 */
static chirp_status fill_whitening(const chirp_generator *g, int i, double *whitening)
{
    const chirp_band band = {g->config.f_low_hz, g->config.f_high_hz};
    const chirp_phenomd_grid *grid = &g->grid;
    const chirp_psd *psd = g->curves.psd[i];
    if (!g->curves.estimated[i]) {
        for (int64_t k = 0; k < grid->n; ++k)
            whitening[k] = chirp_band_gain(band, grid->f[k]) / sqrt(chirp_psd_at(psd, grid->f[k]));
        return CHIRP_OK;
    }
    enum { FINER = 16 };
    const int64_t n = FINER * g->grid_length;
    double *gain = chirp_calloc((size_t)(n / 2 + 1), sizeof *gain);
    if (!gain)
        return CHIRP_ERR_NOMEM;
    const chirp_status st = chirp_whitening_gain(psd, band, n, g->config.sample_rate_hz,
                                                 chirp_whiten_options_default().response_s, gain);
    for (int64_t k = 0; st == CHIRP_OK && k < grid->n; ++k)
        whitening[k] = gain[FINER * (grid->first + k)];
    chirp_free(gain);
    return st;
}

/* The bins of the band: their frequencies and powers, and the gain of white noise. */
static chirp_status fill_grid(chirp_generator *g)
{
    const chirp_band band = {g->config.f_low_hz, g->config.f_high_hz};
    const double df = 1 / g->grid_s;
    const int64_t first = (int64_t)floor(band.low_hz / df) + 1;
    int64_t last = (int64_t)ceil(band.high_hz / df); /* first bin that is out again */
    if (last > g->grid_length / 2)
        last = g->grid_length / 2; /* Nyquist stays zero */
    const int64_t n = last - first;
    g->tables = chirp_calloc((size_t)(CHIRP_PHENOMD_GRID_TABLES * n), sizeof *g->tables);
    g->gain = chirp_calloc((size_t)n, sizeof *g->gain);
    if (!g->tables || !g->gain)
        return CHIRP_ERR_NOMEM;
    chirp_phenomd_grid_prepare(&g->grid, df, first, n, g->tables);
    for (int64_t k = 0; k < n; ++k)
        /* white noise of unit variance on the whole grid has E|X_k|^2 = 1/grid_length for an unnormalised inverse */
        g->gain[k] =
            (float)(chirp_band_gain(band, g->grid.f[k]) / sqrt(2 * (double)g->grid_length));
    return CHIRP_OK;
}

static chirp_status fill_tables(chirp_generator *g)
{
    chirp_status st = fill_grid(g);
    if (st != CHIRP_OK)
        return st;
    const int64_t n = g->grid.n;
    g->weight = chirp_calloc((size_t)n, sizeof *g->weight);
    g->other = chirp_calloc((size_t)(g->curves.n * n), sizeof *g->other);
    double *whitening = chirp_calloc((size_t)(2 * n), sizeof *whitening);
    st = g->weight && g->other && whitening ? fill_whitening(g, 0, whitening) : CHIRP_ERR_NOMEM;
    for (int64_t k = 0; st == CHIRP_OK && k < n; ++k) /* of order one */
        g->weight[k] = (float)(1e-24 * whitening[k] * pow(g->grid.f[k] / 100, -7.0 / 6));
    for (int i = 1; st == CHIRP_OK && i < g->curves.n; ++i) {
        st = fill_whitening(g, i, whitening + n);
        for (int64_t k = 0; st == CHIRP_OK && k < n; ++k)
            g->other[(i - 1) * n + k] =
                whitening[k] > 0 ? (float)(whitening[n + k] / whitening[k]) : 0;
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
        s->spectrum = chirp_calloc((size_t)g->grid.n, 2 * sizeof *s->spectrum);
        s->work = chirp_calloc(chirp_band_transform_work(g->inverse), sizeof *s->work);
        s->signal = chirp_calloc((size_t)g->config.length, sizeof *s->signal);
        s->noise = chirp_calloc((size_t)g->config.length, sizeof *s->noise);
        s->error = chirp_calloc((size_t)g->grid.n, sizeof *s->error);
        s->knot = chirp_calloc((size_t)g->n_knots, sizeof *s->knot);
        if (!s->error || !s->knot || !s->spectrum || !s->work || !s->signal || !s->noise)
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
    if (st == CHIRP_OK && config->noise_path && !(g->noise_path = chirp_strdup(config->noise_path)))
        st = CHIRP_ERR_NOMEM;
    g->config.noise_path = g->noise_path;
    if (st == CHIRP_OK && config->noise && g->noise_path)
        st = load_real_noise(g);
    if (st == CHIRP_OK)
        st = load_curves(g);
    if (st == CHIRP_OK)
        st = fill_tables(g);
    if (st == CHIRP_OK)
        st = chirp_curve_errors_prepare(g);
    if (st == CHIRP_OK)
        st = chirp_band_transform_create(g->grid_length, g->grid.first, g->grid.n, &g->inverse);
    if (st == CHIRP_OK)
        st = make_scratch(g);
    if (st == CHIRP_OK)
        st = check_corners(config);
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
        chirp_free(g->scratch[t].work);
        chirp_free(g->scratch[t].signal);
        chirp_free(g->scratch[t].noise);
        chirp_free(g->scratch[t].error);
        chirp_free(g->scratch[t].knot);
    }
    chirp_free(g->scratch);
    chirp_band_transform_destroy(g->inverse);
    chirp_free(g->tables);
    chirp_free(g->weight);
    chirp_free(g->other);
    chirp_free(g->gain);
    chirp_free(g->miss);
    for (int d = 0; d < CHIRP_MAX_DETECTORS; ++d)
        chirp_whitened_destroy(g->real[d]);
    chirp_curves_release(&g->curves);
    chirp_free(g->psd_path);
    chirp_free(g->noise_path);
    chirp_free(g);
}

const chirp_signal_config *chirp_generator_config(const chirp_generator *g) { return &g->config; }

const char *chirp_generator_noise_name(const chirp_generator *g)
{
    return g->curves.n > 1 && g->psd_path ? g->psd_path : chirp_psd_name(g->curves.psd[0]);
}

const chirp_curves *chirp_generator_curves(const chirp_generator *g) { return &g->curves; }

chirp_status chirp_generator_set_snr(chirp_generator *g, double snr_min, double snr_max)
{
    const chirp_status st = check_range("SNR", snr_min, snr_max, 1e-3, 1e6, "");
    if (st != CHIRP_OK)
        return st;
    g->config.snr_min = snr_min;
    g->config.snr_max = snr_max;
    g->curriculum.n = 0;
    return CHIRP_OK;
}

chirp_status chirp_generator_set_curriculum(chirp_generator *g, const chirp_curriculum *curriculum)
{
    for (int i = 0; curriculum && i < curriculum->n; ++i) {
        const chirp_status st = check_range("SNR", curriculum->stage[i].snr_min,
                                            curriculum->stage[i].snr_max, 1e-3, 1e6, "");
        if (st != CHIRP_OK)
            return st;
    }
    if (curriculum)
        g->curriculum = *curriculum;
    else
        g->curriculum.n = 0;
    return CHIRP_OK;
}

void chirp_draw_labels(const chirp_signal_draw *draw, double label[CHIRP_LABELS])
{
    label[CHIRP_LABEL_M1] = draw->binary.m1_msun;
    label[CHIRP_LABEL_M2] = draw->binary.m2_msun;
    label[CHIRP_LABEL_FINAL_SPIN] = draw->final_spin;
    label[CHIRP_LABEL_OMEGA_R] = draw->omega_r;
    label[CHIRP_LABEL_OMEGA_I] = draw->omega_i;
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
    double snr_min = c->snr_min, snr_max = c->snr_max;
    for (int i = 0; i < g->curriculum.n && index >= g->curriculum.stage[i].first; ++i) {
        snr_min = g->curriculum.stage[i].snr_min;
        snr_max = g->curriculum.stage[i].snr_max;
    }
    d.snr = chirp_snr_quantile(c->snr_law, snr_min, snr_max, chirp_rng_uniform_double(rng, SNR));
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
