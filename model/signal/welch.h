/** Power spectral densities from data (Welch 1967; the median variant of FINDCHIRP, Allen et al. 2012, gr-qc/0509116). */
#ifndef CHIRP_MODEL_SIGNAL_WELCH_H
#define CHIRP_MODEL_SIGNAL_WELCH_H

#include "model/signal/noise.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum chirp_welch_window {
    CHIRP_WELCH_HANN,
    CHIRP_WELCH_TUKEY, /**< flat but for a quarter at both ends */
} chirp_welch_window;

/** {0} is not valid: start from chirp_welch_default(). */
typedef struct chirp_welch {
    double segment_s; /**< 4 */
    chirp_welch_window window;
    /** false: median over segments, divided by its bias: robust against a signal in the data */
    bool mean;
} chirp_welch;

chirp_welch chirp_welch_default(void); /**< 4 s, Hann, median */

/**
 * One-sided density on k/segment_s, k = 1 .. segment/2 (the zero frequency is left out); 50 % overlap, each segment's mean removed:
 *     P_k = 2 |FFT(w x)|^2 / (fs sum w^2)     (factor 1 at the Nyquist frequency)
 * Segments that hold a sample for which good[second] is false are left out.
 *
 * @param x        [n] samples
 * @param good     one flag a second of data from x[0] on (the last may be partial), or NULL
 * @param psd      receives a table named `name`
 * @param n_used   NULL, or receives the number of segments
 * @return CHIRP_ERR_RANGE    fewer than 3 good segments
 * @return CHIRP_ERR_NUMERIC  the density is zero or not finite somewhere (a constant or empty stretch)
 */
chirp_status chirp_welch_estimate(const chirp_welch *welch, const char *name, const double *x,
                                  int64_t n, double sample_rate_hz, const bool *good,
                                  chirp_psd **psd, int64_t *n_used);

/** Expected median over the mean of n exponentially distributed numbers: sum_{k=1}^{n} (-1)^(k+1)/k
 * for odd n, that of n - 1 for even n; ln 2 as n grows. */
double chirp_median_bias(int64_t n);

/**
 * Gain of the whitening filter, real and zero-phase, at f = k df: band gain / sqrt(S), its response cut to `response_s` seconds
 * in all, so that narrow lines of S don't spread a signal over the whole stretch. response_s <= 0: not cut.
 * @param gain  [n/2 + 1] for real transforms of n samples at sample_rate_hz
 */
chirp_status chirp_whitening_gain(const chirp_psd *psd, chirp_band band, int64_t n,
                                  double sample_rate_hz, double response_s, double *gain);

#endif
