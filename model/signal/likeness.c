#include "model/signal/likeness.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "kernels/random/random.h"
#include "model/signal/noise.h"
#include "model/signal/transform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The bank is coarse for light binaries; its limits are measured with the same bank, so this costs sharpness, not truth. */
enum { TEMPLATES = 128, DRAWS = 100 };
/* Indices of signals that no training run reaches. */
#define FIRST_INDEX ((uint64_t)1 << 39)
#define SLACK_S 0.01

struct chirp_likeness_bank {
    chirp_signal_config config;
    int64_t n, first, bins; /* bins first .. first + bins - 1 of a window's spectrum */
    int64_t points;         /* of z(t) in a window */
    double *whitening;      /* [bins] from the design curve to the windows' density */
    fftw_complex *spectrum; /* [TEMPLATES][bins] */
    double merger_s[TEMPLATES];
    fftw_plan plan; /* of `points`, backward, in place */
    chirp_likeness_limits limits;
};

typedef struct scratch {
    fftw_complex *z, *full; /* [points], [n/2 + 1] */
    double *real;           /* [n] */
} scratch;

static void scratch_destroy(scratch *s)
{
    chirp_free(s->z);
    chirp_free(s->full);
    chirp_free(s->real);
}

static chirp_status scratch_create(const chirp_likeness_bank *b, scratch *s)
{
    s->z = chirp_calloc((size_t)b->points, sizeof *s->z);
    s->full = chirp_calloc((size_t)(b->n / 2 + 1), sizeof *s->full);
    s->real = chirp_calloc((size_t)b->n, sizeof *s->real);
    return s->z && s->full && s->real ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

/* (2/n) sum |X|^2 over the bank's bins. */
static double power_of(const chirp_likeness_bank *b, const fftw_complex *x)
{
    double sum = 0;
    for (int64_t k = 0; k < b->bins; ++k)
        sum += x[k][0] * x[k][0] + x[k][1] * x[k][1];
    return 2 * sum / (double)b->n;
}

/* The spectrum of a window in the bank's bins. */
static chirp_status analyse(const chirp_likeness_bank *b, const float *window, double scale,
                            scratch *s, fftw_complex *x)
{
    for (int64_t i = 0; i < b->n; ++i)
        s->real[i] = scale * (double)window[i];
    const chirp_status st = chirp_transform_forward(b->n, s->real, s->full);
    if (st == CHIRP_OK)
        memcpy(x, s->full + b->first, (size_t)b->bins * sizeof *x);
    return st;
}

/* The largest |z| of one training signal, moved to the merger times of training. */
static double match(const chirp_likeness_bank *b, int which, const fftw_complex *x, fftw_complex *z,
                    double best[2], int64_t *at)
{
    const fftw_complex *h = b->spectrum + which * b->bins;
    memset(z, 0, (size_t)b->points * sizeof *z);
    for (int64_t k = 0; k < b->bins; ++k) { /* z(t) up to a phase: bins begin at 0 */
        z[k][0] = x[k][0] * h[k][0] + x[k][1] * h[k][1];
        z[k][1] = x[k][1] * h[k][0] - x[k][0] * h[k][1];
    }
    fftw_execute_dft(b->plan, z, z);
    const double rate = (double)b->points * b->config.sample_rate_hz / (double)b->n;
    const int64_t from = (int64_t)floor((b->config.merger_min_s - SLACK_S - b->merger_s[which]) *
                                        rate),
                  to =
                      (int64_t)ceil((b->config.merger_max_s + SLACK_S - b->merger_s[which]) * rate);
    double most = -1;
    for (int64_t t = from; t <= to; ++t) {
        const fftw_complex *v = &z[((t % b->points) + b->points) % b->points];
        const double square = (*v)[0] * (*v)[0] + (*v)[1] * (*v)[1];
        if (square > most) {
            most = square;
            best[0] = 2 * (*v)[0] / (double)b->n;
            best[1] = 2 * (*v)[1] / (double)b->n;
            *at = t;
        }
    }
    return 2 * sqrt(most) / (double)b->n;
}

static chirp_status measure(const chirp_likeness_bank *b, const fftw_complex *x, scratch *s,
                            chirp_likeness *result)
{
    double snr = -1, amplitude[2] = {0, 0};
    int64_t shift = 0;
    int which = 0;
    for (int t = 0; t < TEMPLATES; ++t) {
        double best[2] = {0, 0};
        int64_t at = 0;
        const double found = match(b, t, x, s->z, best, &at);
        if (found > snr) {
            snr = found;
            which = t;
            shift = at;
            memcpy(amplitude, best, sizeof amplitude);
        }
    }
    const fftw_complex *h = b->spectrum + which * b->bins;
    memset(s->full, 0, (size_t)(b->n / 2 + 1) * sizeof *s->full);
    for (int64_t k = 0; k < b->bins; ++k) {
        const double turn = 2 * M_PI * (double)((k * shift) % b->points) / (double)b->points;
        const double c = amplitude[0] * cos(turn) + amplitude[1] * sin(turn),
                     d = amplitude[1] * cos(turn) - amplitude[0] * sin(turn);
        s->full[b->first + k][0] = x[k][0] - (h[k][0] * c - h[k][1] * d);
        s->full[b->first + k][1] = x[k][1] - (h[k][0] * d + h[k][1] * c);
    }
    *result = (chirp_likeness){.snr = snr,
                               .power = power_of(b, s->full + b->first) / (2 * (double)b->bins)};
    const chirp_status st = chirp_transform_inverse(b->n, s->full, s->real);
    double most = 0;
    for (int64_t i = 0; st == CHIRP_OK && i < b->n; ++i)
        most = fmax(most, fabs(s->real[i]) / (double)b->n);
    /* variance of a sample of white noise that passed these bins alone */
    result->peak = most / sqrt(2 * (double)b->bins / (double)b->n);
    return st;
}

/* Spectrum of a noiseless training signal with (2/n) sum |H|^2 = 1. */
static chirp_status make_signal(const chirp_likeness_bank *b, chirp_generator *g, uint64_t index,
                                float *window, scratch *s, fftw_complex *h, chirp_signal_draw *draw)
{
    chirp_status st = chirp_generator_draw(g, index, draw);
    if (st == CHIRP_OK)
        st = chirp_generator_make(g, draw, index, window);
    if (st == CHIRP_OK)
        st = analyse(b, window, 1, s, h);
    for (int64_t k = 0; st == CHIRP_OK && k < b->bins; ++k)
        for (int part = 0; part < 2; ++part)
            h[k][part] *= b->whitening[k];
    const double norm = st == CHIRP_OK ? sqrt(power_of(b, h)) : 1;
    for (int64_t k = 0; st == CHIRP_OK && k < b->bins; ++k) {
        h[k][0] /= norm;
        h[k][1] /= norm;
    }
    return st;
}

static chirp_status fill_bank(chirp_likeness_bank *b, chirp_generator *g, float *window, scratch *s)
{
    chirp_status st = CHIRP_OK;
    for (int t = 0; st == CHIRP_OK && t < TEMPLATES; ++t) {
        chirp_signal_draw draw = {0};
        st = make_signal(b, g, FIRST_INDEX + (uint64_t)t, window, s, b->spectrum + t * b->bins,
                         &draw);
        b->merger_s[t] = draw.merger_s;
    }
    return st;
}

/* White noise, and a training signal at its SNR in the same noise when `snr` is above 0. */
static void add_noise(const chirp_likeness_bank *b, uint64_t index, double snr, float *normal,
                      fftw_complex *x)
{
    chirp_rng_normal(chirp_rng_stream(b->config.seed, CHIRP_RNG_NOISE, 0, FIRST_INDEX + index), 0,
                     2 * b->bins, normal);
    const double size = sqrt((double)b->n / 2);
    for (int64_t k = 0; k < b->bins; ++k)
        for (int part = 0; part < 2; ++part)
            x[k][part] = (snr > 0 ? snr * x[k][part] : 0) + size * (double)normal[2 * k + part];
}

static double deviation(const double *x)
{
    double mean = 0, square = 0;
    for (int i = 0; i < DRAWS; ++i)
        mean += x[i] / DRAWS;
    for (int i = 0; i < DRAWS; ++i)
        square += (x[i] - mean) * (x[i] - mean) / (DRAWS - 1);
    return sqrt(square);
}

enum { SNR, POWER, PEAK, NUMBERS };

/* `in` is of noise alone, then of training signals. */
static void set_limits(chirp_likeness_bank *b, double in[2][NUMBERS][DRAWS])
{
    double spread[NUMBERS];
    for (int i = 0; i < NUMBERS; ++i) {
        spread[i] = deviation(in[0][i]);
        for (int kind = 0; kind < 2; ++kind)
            chirp_sort(in[kind][i], DRAWS);
    }
    const int most = DRAWS - 1 - DRAWS / 50;
    b->limits = (chirp_likeness_limits){.snr_of_noise = in[0][SNR][DRAWS - 1] + spread[SNR],
                                        .snr_most = b->config.snr_max + 3,
                                        .power_most = in[1][POWER][most] + spread[POWER],
                                        .peak_most = in[1][PEAK][most] + spread[PEAK]};
}

/* What the bank finds in noise alone and in other training signals. */
static chirp_status calibrate(chirp_likeness_bank *b, chirp_generator *g, float *window, scratch *s)
{
    static const int kinds = 2;
    double in[2][NUMBERS][DRAWS];
    fftw_complex *x = chirp_calloc((size_t)b->bins, sizeof *x);
    float *normal = chirp_calloc(2 * (size_t)b->bins, sizeof *normal);
    chirp_status st = x && normal ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int i = 0; st == CHIRP_OK && i < kinds * DRAWS; ++i) {
        chirp_signal_draw draw = {.snr = 0};
        chirp_likeness l = {0};
        if (i >= DRAWS)
            st = make_signal(b, g, FIRST_INDEX + TEMPLATES + (uint64_t)i, window, s, x, &draw);
        if (st == CHIRP_OK) {
            add_noise(b, (uint64_t)i, draw.snr, normal, x);
            st = measure(b, x, s, &l);
        }
        in[i / DRAWS][SNR][i % DRAWS] = l.snr;
        in[i / DRAWS][POWER][i % DRAWS] = l.power;
        in[i / DRAWS][PEAK][i % DRAWS] = l.peak;
    }
    if (st == CHIRP_OK)
        set_limits(b, in);
    chirp_free(x);
    chirp_free(normal);
    return st;
}

/* The bins in which the band filter passes everything, and room for their spectra. */
static chirp_status prepare(chirp_likeness_bank *b)
{
    const double df = b->config.sample_rate_hz / (double)b->n;
    const chirp_band band = {b->config.f_low_hz, b->config.f_high_hz};
    b->first = (int64_t)ceil(band.low_hz / df);
    while (b->first < b->n / 2 && chirp_band_gain(band, (double)b->first * df) < 1)
        ++b->first;
    while (b->first + b->bins < b->n / 2 &&
           chirp_band_gain(band, (double)(b->first + b->bins) * df) >= 1)
        ++b->bins;
    if (b->bins < 16)
        return chirp_fail(CHIRP_ERR_RANGE, "band %g to %g Hz: too narrow to match signals in",
                          band.low_hz, band.high_hz);
    for (b->points = 64; b->points < 2 * b->bins;)
        b->points *= 2;
    b->spectrum = chirp_calloc((size_t)(TEMPLATES * b->bins), sizeof *b->spectrum);
    return b->spectrum ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

static chirp_status make_plan(chirp_likeness_bank *b, scratch *s)
{
    chirp_transform_lock();
    b->plan = fftw_plan_dft_1d((int)b->points, s->z, s->z, FFTW_BACKWARD, FFTW_ESTIMATE);
    chirp_transform_unlock();
    return b->plan
               ? CHIRP_OK
               : chirp_fail(CHIRP_ERR_LIBRARY, "FFTW can't plan %lld points", (long long)b->points);
}

/*
 * The generator whitens by the design curve D; windows were whitened by S: sqrt(D/S), averaged over the rows of S within
 * half a bin, as the filter of real data is smooth on that scale.
 */
static chirp_status fill_whitening(chirp_likeness_bank *b, const double *f_hz, const double *s,
                                   int64_t n)
{
    const double df = b->config.sample_rate_hz / (double)b->n;
    chirp_psd *design = NULL;
    b->whitening = chirp_calloc((size_t)b->bins, sizeof *b->whitening);
    chirp_status st = b->whitening ? chirp_psd_design(&design) : CHIRP_ERR_NOMEM;
    for (int64_t k = 0, row = 0; st == CHIRP_OK && k < b->bins; ++k) {
        const double f = (double)(b->first + k) * df;
        double sum = 0;
        int64_t rows = 0;
        while (row < n && f_hz[row] < f - df / 2)
            ++row;
        for (; row + rows < n && f_hz[row + rows] <= f + df / 2; ++rows)
            sum += 1 / sqrt(s[row + rows]);
        b->whitening[k] = n == 0 ? 1 : sqrt(chirp_psd_at(design, f)) * sum / (double)rows;
        if (!isfinite(b->whitening[k]))
            st = chirp_fail(CHIRP_ERR_RANGE, "the noise curve has no rows at %g Hz", f);
    }
    chirp_psd_destroy(design);
    return st;
}

chirp_status chirp_likeness_create(const chirp_signal_config *config, const double *f_hz,
                                   const double *psd, int64_t n_psd, chirp_likeness_bank **bank)
{
    chirp_likeness_bank *b = chirp_calloc(1, sizeof *b);
    if (!b)
        return CHIRP_ERR_NOMEM;
    chirp_generator *g = NULL;
    scratch s = {0};
    float *window = chirp_calloc((size_t)config->length, sizeof *window);
    b->config = *config;
    b->config.noise = false;
    b->config.n_threads = 1;
    b->config.n_detectors = 1;
    b->config.psd_path = b->config.noise_path =
        NULL; /* real noise is in the windows, not in the bank */
    b->n = config->length;
    chirp_status st = window ? prepare(b) : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = fill_whitening(b, f_hz, psd, n_psd);
    if (st == CHIRP_OK)
        st = scratch_create(b, &s);
    if (st == CHIRP_OK)
        st = chirp_generator_create(&b->config, &g);
    if (st == CHIRP_OK)
        st = make_plan(b, &s);
    if (st == CHIRP_OK)
        st = fill_bank(b, g, window, &s);
    if (st == CHIRP_OK)
        st = calibrate(b, g, window, &s);
    chirp_generator_destroy(g);
    scratch_destroy(&s);
    chirp_free(window);
    if (st != CHIRP_OK) {
        chirp_likeness_destroy(b);
        return st;
    }
    *bank = b;
    return CHIRP_OK;
}

void chirp_likeness_destroy(chirp_likeness_bank *b)
{
    if (!b)
        return;
    if (b->plan) {
        chirp_transform_lock();
        fftw_destroy_plan(b->plan);
        chirp_transform_unlock();
    }
    chirp_free(b->whitening);
    chirp_free(b->spectrum);
    chirp_free(b);
}

const chirp_likeness_limits *chirp_likeness_limits_of(const chirp_likeness_bank *b)
{
    return &b->limits;
}

chirp_status chirp_likeness_measure(const chirp_likeness_bank *b, const float *window, double scale,
                                    chirp_likeness *likeness)
{
    scratch s = {0};
    fftw_complex *x = chirp_calloc((size_t)b->bins, sizeof *x);
    chirp_status st = x ? scratch_create(b, &s) : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = analyse(b, window, scale, &s, x);
    if (st == CHIRP_OK)
        st = measure(b, x, &s, likeness);
    scratch_destroy(&s);
    chirp_free(x);
    return st;
}

int chirp_likeness_doubts(const chirp_likeness *l, const chirp_likeness_limits *limits,
                          const char *doubt[CHIRP_LIKENESS_DOUBTS])
{
    int n = 0;
    if (!(l->snr > limits->snr_of_noise))
        doubt[n++] = "no signal found: noise alone matches as well";
    if (!(l->snr <= limits->snr_most))
        doubt[n++] = "louder than every training signal";
    if (!(l->power <= limits->power_most))
        doubt[n++] =
            "more power beside the signal than in training: a glitch, or noise that changes";
    if (!(l->peak <= limits->peak_most))
        doubt[n++] = "a spike beside the signal: a glitch";
    return n;
}
