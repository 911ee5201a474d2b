/* The noise curve of one training signal: which of several, and how it misses the noise's true density. */
#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "model/signal/generator_internal.h"
#include "model/signal/welch.h"

#include <math.h>

/*
 * A curve estimated as the median of K segments differs from the truth by a factor q = median of K exponential numbers over
 * its expectation (segments that overlap by half under Hann windows are correlated by 1/36 only), so noise whitened with it has
 * the amplitude e = 1/sqrt(q). The median of an odd K is the order statistic (K + 1)/2: the exponential quantile of a number
 * with the distribution Beta((K + 1)/2, (K + 1)/2), whose own quantiles are found from its density here. An even K has that of K - 1, as
 * chirp_median_bias() has.
 */
enum { QUANTILES = 1024, FINER = 64 };

/* [Hz] between independent errors of a curve */
static double knot_spacing(void) { return 2 / chirp_welch_default().segment_s; }

chirp_status chirp_curve_errors_prepare(chirp_generator *g)
{
    const chirp_phenomd_grid *grid = &g->grid;
    g->n_knots = (int64_t)ceil((grid->f[grid->n - 1] - grid->f[0]) / knot_spacing()) + 4;
    if (g->config.curve_segments == 0 && g->config.curve_tilt == 0)
        return CHIRP_OK;
    const int64_t odd = g->config.curve_segments - (g->config.curve_segments % 2 == 0);
    const double bias = odd > 0 ? chirp_median_bias(odd) : 1, power = (double)(odd - 1) / 2;
    g->miss = chirp_calloc(QUANTILES, sizeof *g->miss);
    double *cumulative = chirp_calloc(QUANTILES * FINER + 1, sizeof *cumulative);
    if (!g->miss || !cumulative) {
        chirp_free(cumulative);
        return CHIRP_ERR_NOMEM;
    }
    const double step = 1.0 / (QUANTILES * FINER);
    for (int64_t i = 0; i < QUANTILES * FINER; ++i) {
        const double x = ((double)i + 0.5) * step;
        cumulative[i + 1] = cumulative[i] + exp(power * log(4 * x * (1 - x)));
    }
    int64_t at = 0;
    for (int i = 0; i < QUANTILES; ++i) { /* the middle of each of QUANTILES equally likely parts */
        const double want = (i + 0.5) / QUANTILES * cumulative[QUANTILES * FINER];
        while (cumulative[at + 1] < want)
            ++at;
        const double x =
            ((double)at + (want - cumulative[at]) / (cumulative[at + 1] - cumulative[at])) * step;
        g->miss[i] = odd > 0 ? (float)sqrt(bias / -log1p(-x)) : 1;
        g->miss_mean += (double)g->miss[i] / QUANTILES;
    }
    chirp_free(cumulative);
    return CHIRP_OK;
}

/*
 * What the estimate's error is after the whitening filter: knots 0.5 Hz apart. The filter's response, a Hann taper of the length of a
 * segment, averages neighbours 0.25 Hz apart by (1/4, 1/2, 1/4), which are correlated by 1/4 themselves (Hann windows again).
 * Standard deviation 0.67 of that of one knot and correlation 0.34 between knots follow; a sum of independent numbers with
 * these weights has the same.
 */
static const float own = 0.648F, neighbour = 0.117F;

static void draw_scatter(const chirp_generator *g, chirp_rng rng, float *knot, int64_t n)
{
    chirp_rng_uniform(rng, 0, n, knot);
    for (int64_t i = 0; i < n; ++i)
        knot[i] = g->miss[(int)(knot[i] * QUANTILES)] - (float)g->miss_mean; /* uniform < 1 */
}

/* ln of the amplitude's smooth error at knots an octave apart from the band's low end, linear in ln f between them. */
enum { OCTAVES = 32 };

static void draw_tilt(const chirp_generator *g, chirp_rng rng, float *octave)
{
    chirp_rng_normal(rng, 0, OCTAVES, octave);
    for (int i = 0; i < OCTAVES; ++i)
        octave[i] *= (float)g->config.curve_tilt;
}

/* The amplitude of each bin's whitened noise, 1 for an exact curve. */
static void draw_errors(const chirp_generator *g, uint64_t index, int detector, chirp_scratch *s)
{
    const chirp_phenomd_grid *grid = &g->grid;
    const uint32_t stream = (uint32_t)detector * 2;
    float octave[OCTAVES];
    draw_tilt(g, chirp_rng_stream(g->config.seed, CHIRP_RNG_CURVE_ERROR, stream, index), octave);
    draw_scatter(g, chirp_rng_stream(g->config.seed, CHIRP_RNG_CURVE_ERROR, stream + 1, index),
                 s->knot, g->n_knots);
    for (int64_t k = 0; k < grid->n; ++k) {
        const double at = (grid->f[k] - grid->f[0]) / knot_spacing();
        const int64_t j = (int64_t)at;
        const float w = (float)(at - (double)j), *e = s->knot + j;
        const float left = own * e[1] + neighbour * (e[0] + e[2]),
                    right = own * e[2] + neighbour * (e[1] + e[3]);
        s->error[k] = (float)g->miss_mean + (1 - w) * left + w * right;
    }
    for (int64_t k = 0; g->config.curve_tilt > 0 && k < grid->n; ++k) {
        const double at = fmin(log2(grid->f[k] / grid->f[0]), OCTAVES - 1.001);
        const int i = (int)at;
        const float w = (float)(at - i);
        s->error[k] *= expf((1 - w) * octave[i] + w * octave[i + 1]);
    }
}

static void multiply(int64_t n, const float *factor, float *band)
{
    for (int64_t k = 0; k < n; ++k) {
        band[2 * k] *= factor[k];
        band[2 * k + 1] *= factor[k];
    }
}

static double power_of(int64_t n, const float *band)
{
    double sum = 0;
    for (int64_t k = 0; k < 2 * n; ++k)
        sum += (double)band[k] * (double)band[k];
    return sum;
}

double chirp_curve_change(const chirp_generator *g, uint64_t index, int detector, chirp_scratch *s)
{
    if (g->curves.n > 1) {
        const double u = chirp_rng_uniform_double(
            chirp_rng_stream(g->config.seed, CHIRP_RNG_CURVE, (uint32_t)detector, index), 0);
        const int i = (int)(u * g->curves.n); /* u < 1 */
        if (i > 0)
            multiply(g->grid.n, g->other + (i - 1) * g->grid.n, s->spectrum);
    }
    if (!g->miss)
        return 1;
    draw_errors(g, index, detector, s);
    const double before = power_of(g->grid.n, s->spectrum);
    multiply(g->grid.n, s->error, s->spectrum);
    const double after = power_of(g->grid.n, s->spectrum);
    return before > 0 && after > 0 ? sqrt(after / before) : 1;
}

void chirp_curve_change_noise(const chirp_generator *g, const chirp_scratch *s, float *band)
{
    if (g->miss)
        multiply(g->grid.n, s->error, band);
}
