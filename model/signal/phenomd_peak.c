/* Where the strain is largest in time: needed to put mergers exactly where a network is told they are. */
#include "model/signal/phenomd_grid.h"

#include <math.h>
#include <pthread.h>

/* F = 0.002 .. 0.2 in steps of 2e-4: the sum over bins repeats every 5000 M. */
#define SPACING 2e-4
enum { FIRST = 10, BINS = 990, LANES = 16 };

static chirp_phenomd_grid unit_grid; /* a grid in F: models with mass_s = 1 */
static float unit_weight[BINS];
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static void prepare(void)
{
    static double tables[CHIRP_PHENOMD_GRID_TABLES * BINS];
    chirp_phenomd_grid_prepare(&unit_grid, SPACING, FIRST, BINS, tables);
    for (int k = 0; k < BINS; ++k)
        unit_weight[k] = (float)pow(unit_grid.f[k], -7.0 / 6);
}

/* |h|^2 at times t0 + step * lane [units of M]: a direct sum, exponentials by recurrence, times side by side. Two chains, one for
 * every other bin, hide the recurrence's latency; in single precision they drift by 1e-6, a hundredth of what decides. */
static void envelope(const float *spectrum, int begin, double t0, double step, float value[LANES])
{
    float re[2][LANES], im[2][LANES], cosine[LANES], sine[LANES], sum_re[LANES] = {0},
                                                                  sum_im[LANES] = {0};
    for (int l = 0; l < LANES; ++l) {
        const double t = 2 * M_PI * (t0 + step * l);
        cosine[l] = (float)cos(2 * SPACING * t);
        sine[l] = (float)sin(2 * SPACING * t);
        for (int c = 0; c < 2; ++c) {
            const double F = (FIRST + begin + c) * SPACING;
            re[c][l] = (float)cos(F * t);
            im[c][l] = (float)sin(F * t);
        }
    }
    for (int k = begin; k + 1 < BINS; k += 2) {
        for (int c = 0; c < 2; ++c) {
            const float h_re = spectrum[2 * (k + c)], h_im = spectrum[2 * (k + c) + 1];
            for (int l = 0; l < LANES; ++l) {
                sum_re[l] += h_re * re[c][l] - h_im * im[c][l];
                sum_im[l] += h_re * im[c][l] + h_im * re[c][l];
                const float next = re[c][l] * cosine[l] - im[c][l] * sine[l];
                im[c][l] = re[c][l] * sine[l] + im[c][l] * cosine[l];
                re[c][l] = next;
            }
        }
    }
    for (int l = 0; l < LANES; ++l)
        value[l] = sum_re[l] * sum_re[l] + sum_im[l] * sum_im[l];
}

/* Lowest bin emitted no more than `before` units of M before the merger. */
static int bin_before(const chirp_phenomd *m, double late, double before)
{
    int low = 0, high = BINS / 2; /* the slope rises with frequency there */
    while (low < high) {
        const int middle = (low + high) / 2;
        if (late - chirp_phenomd_phase_slope(m, unit_grid.f[middle]) > 2 * M_PI * before)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

double chirp_phenomd_peak_time(const chirp_phenomd *model)
{
    (void)pthread_once(&prepared, prepare);
    chirp_phenomd m = *model;
    m.mass_s = 1;
    /* Frequencies emitted more than 3000 M before the merger are left out, smoothly from 1000 M on, so that nothing is
     * folded onto the peak. Sooner would move the broad maximum by several M, later moves it by 0.1 M. */
    const double late = m.t0 + m.c2_mrd;
    const int low = bin_before(&m, late, 3000), high = bin_before(&m, late, 1000);
    float spectrum[2 * BINS];
    chirp_phenomd_grid_evaluate(&unit_grid, &m, low, BINS, -late / (2 * M_PI), 0, unit_weight,
                                spectrum);
    for (int k = low; k < high; ++k) {
        const float gain = (float)(0.5 * (1 - cos(M_PI * (k - low) / (high - low))));
        spectrum[2 * k] *= gain;
        spectrum[2 * k + 1] *= gain;
    }
    /* The peak lies 8 to 17 M before the time of F_peak for the usual binaries: scan a wide bracket, then close in. The
     * parabola through the best three points half an M apart is exact to 0.01 M. */
    float value[LANES];
    double first = -40, step = 4;
    for (int pass = 0;; ++pass) {
        envelope(spectrum, low, first, step, value);
        int best = 1;
        for (int l = 2; l < LANES - 1; ++l)
            if (value[l] > value[best])
                best = l;
        const double left = (double)value[best - 1], middle = (double)value[best],
                     right = (double)value[best + 1];
        const double curve = left - 2 * middle + right;
        double peak = first + step * best;
        if (curve < 0)
            peak += fmax(-step, fmin(step, 0.5 * step * (left - right) / curve));
        if (pass == 1)
            return model->mass_s * (peak + late / (2 * M_PI));
        step /= 8;
        first = peak - step * (LANES - 1) / 2;
    }
}
