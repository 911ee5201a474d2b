#include "model/signal/intruders.h"

#include "kernels/random/random.h"
#include "model/signal/noise.h"

#include <math.h>

const char *const chirp_intruder_name[CHIRP_INTRUDERS] = {
    "training signals", "noise alone", "glitch", "glitch beside a signal", "line",
    "half of it zeros", "early merger"};

/* Variance of white noise of unit variance behind the band filter. */
static double noise_share(const chirp_signal_config *c)
{
    const chirp_band band = {c->f_low_hz, c->f_high_hz};
    const double df = c->sample_rate_hz / (double)c->length;
    double sum = 0;
    for (int64_t k = 1; k < c->length / 2; ++k) {
        const double gain = chirp_band_gain(band, (double)k * df);
        sum += gain * gain;
    }
    return 2 * sum / (double)c->length;
}

/* Random numbers of one window. */
typedef struct dice {
    chirp_rng rng;
    uint64_t next;
} dice;

static double uniform(dice *d, double low, double high)
{
    return low + (high - low) * chirp_rng_uniform_double(d->rng, d->next++);
}

static double log_uniform(dice *d, double low, double high)
{
    return exp(uniform(d, log(low), log(high)));
}

/* Adds an oscillation of this SNR, at all times or (q > 0) about one. */
static void add_oscillation(const chirp_signal_config *c, dice *d, double snr, double f_hz,
                            double q, double scale, float *window)
{
    const double window_s = (double)c->length / c->sample_rate_hz,
                 at_s = uniform(d, 0.05, 0.95) * window_s, phase = uniform(d, 0, 2 * M_PI),
                 tau = q > 0 ? q / (M_SQRT2 * M_PI * f_hz) : (double)INFINITY;
    double square = 0;
    for (int pass = 0; pass < 2; ++pass)
        for (int64_t i = 0; i < c->length; ++i) {
            const double t = (double)i / c->sample_rate_hz - at_s;
            const double x = exp(-t * t / (tau * tau)) * cos(2 * M_PI * f_hz * t + phase);
            if (pass == 0)
                square += x * x;
            else
                window[i] += (float)(snr / sqrt(square) * x / scale);
        }
}

/* To zero mean and unit variance. @return the standard deviation it had */
static double normalise(int64_t n, float *window)
{
    double mean = 0;
    double square = 0;
    for (int64_t i = 0; i < n; ++i)
        mean += (double)window[i] / (double)n;
    for (int64_t i = 0; i < n; ++i)
        square += pow((double)window[i] - mean, 2) / (double)n;
    for (int64_t i = 0; i < n; ++i)
        window[i] = (float)(((double)window[i] - mean) / sqrt(square));
    return sqrt(square);
}

chirp_status chirp_intruder_make(chirp_generator *g, chirp_intruder kind, double snr,
                                 uint64_t index, float *window, double *scale)
{
    const chirp_signal_config *c = chirp_generator_config(g);
    const int64_t n = c->length;
    dice d = {chirp_rng_stream(c->seed, CHIRP_RNG_TEST, (uint32_t)kind, index), 0};
    chirp_signal_draw draw;
    chirp_status st = chirp_generator_draw(g, index, &draw);
    if (kind == CHIRP_INTRUDER_NOISE || kind == CHIRP_INTRUDER_GLITCH)
        draw.snr = 0;
    if (kind == CHIRP_INTRUDER_EARLY)
        draw.merger_s = uniform(&d, 0.15, 0.8) * c->merger_min_s;
    if (st == CHIRP_OK)
        st = chirp_generator_make(g, &draw, index, window);
    if (st != CHIRP_OK)
        return st;
    /* that of signal and noise on average over noise */
    double size = sqrt(noise_share(c) + draw.snr * draw.snr / (double)n);
    if (kind == CHIRP_INTRUDER_GLITCH || kind == CHIRP_INTRUDER_GLITCH_BESIDE) {
        const double f_hz = log_uniform(&d, 50, 500);
        add_oscillation(c, &d, snr, f_hz, log_uniform(&d, 3, 30), size, window);
    } else if (kind == CHIRP_INTRUDER_LINE) {
        const double f_hz = log_uniform(&d, 1.5 * c->f_low_hz, 0.7 * c->f_high_hz);
        add_oscillation(c, &d, snr, f_hz, 0, size, window);
    } else if (kind == CHIRP_INTRUDER_GAP) {
        const int64_t end = (int64_t)(uniform(&d, 0.6, 1) * (double)n);
        for (int64_t i = end - n / 2; i < end; ++i)
            window[i] = 0;
    }
    size *= normalise(n, window);
    if (scale)
        *scale = size;
    return CHIRP_OK;
}
