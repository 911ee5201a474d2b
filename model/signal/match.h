/**
 * How much of one window is one signal: the window's correlation with the signal at its best phase, for a sampler that asks a
 * hundred thousand times.
 *
 *     b = max over phases of sum_i y_i h_i / |h|,   |h|^2 = sum_i h_i^2   (sums over the samples of the window)
 *
 * h is the generator's noiseless signal (same waveform, whitening and band), so that |h| is its SNR in the window. A window
 * of the generator is y = (rho h/|h| + noise)/s: with white noise of unit variance its likelihood depends on y through b only.
 *
 * |h|^2 is summed over the envelope of the signal, which leaves out what oscillates at twice the signal's frequency f where
 * the window begins: a share below (power there)/(4 pi f |h|^2), 1e-3 for signals that last longer than the window.
 */
#ifndef CHIRP_MODEL_SIGNAL_MATCH_H
#define CHIRP_MODEL_SIGNAL_MATCH_H

#include "harness/base/status.h"
#include "model/signal/generator.h"
#include "model/signal/phenomd.h"

#include <stdint.h>

/** A one-sided density S(f) [1/Hz] in rows, f rising [Hz]; n 0: the curve of the signal configuration. */
typedef struct chirp_match_curve {
    const double *f_hz, *s;
    int64_t n;
} chirp_match_curve;

/** Tables for one configuration and one noise curve. Read only once made: threads share it. */
typedef struct chirp_match chirp_match;
/** Memory of one thread. */
typedef struct chirp_match_scratch chirp_match_scratch;

/**
 * @param config  its number of detectors, seed and noise are not used
 * @param curve   that whitened the windows; it must cover the band
 */
chirp_status chirp_match_create(const chirp_signal_config *config, const chirp_match_curve *curve,
                                chirp_match **match);
void chirp_match_destroy(chirp_match *match); /**< accepts NULL */

chirp_status chirp_match_scratch_create(const chirp_match *match, chirp_match_scratch **scratch);
void chirp_match_scratch_destroy(chirp_match_scratch *scratch); /**< accepts NULL */

/** Complex numbers in a window's spectrum as chirp_match_window() makes it. */
int64_t chirp_match_bins(const chirp_match *match);

/** Expected sum of squares in a window of noise whose variance is 1 before the band filter: its degrees of freedom. */
double chirp_match_noise_power(const chirp_match *match);

/**
 * The spectrum of a window, to be given to the calls below.
 * @param window    [length]
 * @param spectrum  [2 * chirp_match_bins()] real and imaginary parts in turn
 */
chirp_status chirp_match_window(const chirp_match *match, const float *window, double *spectrum);

/**
 * b of one signal.
 * @param merger_s  of the strain's peak from the start of the window; the peak is where chirp_phenomd_peak_time() finds it when
 *                  `peak_s` is that, and any other origin of time gives times that differ by a constant for one binary
 * @param norm      receives |h| at arbitrary distance; NULL when not wanted
 */
double chirp_match_at(const chirp_match *match, chirp_match_scratch *scratch,
                      const double *spectrum, const chirp_phenomd *model, double peak_s,
                      double merger_s, double *norm);

/**
 * The merger time in the configuration's range at which b is largest, to a millisecond or so: where a sampler begins.
 * @param merger_s  receives it
 * @return b there
 */
double chirp_match_scan(const chirp_match *match, chirp_match_scratch *scratch,
                        const double *spectrum, const chirp_phenomd *model, double peak_s,
                        double *merger_s);

/**
 * Where a signal's power lies: its share of |h|^2 on the whole grid in n neighbouring parts of the band.
 * @param f_hz   [n] receives the mean frequency of each part
 * @param power  [n] receives its share; 0 for a part without any
 */
void chirp_match_power(const chirp_match *match, chirp_match_scratch *scratch,
                       const chirp_phenomd *model, int n, double *f_hz, double *power);

#endif
