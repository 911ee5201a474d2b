/**
 * Is there in a window what a network was trained on: one signal of its kind in noise, and nothing else?
 *
 * A bank of noiseless training signals is matched with the window at all phases and at all merger times of training:
 *     z = (2/n) sum_k X_k H_k*,   (2/n) sum_k |H_k|^2 = 1,   over the bins where the band filter passes everything
 * and the best |z| is the SNR of what was found. In noise of unit variance |z|^2 is chi-squared with two degrees of freedom, and the
 * power that is left over, (2/n) sum |X_k|^2 - |z|^2, is chi-squared with twice the number of bins. Both, and the largest
 * sample that is left over, are compared with what the same bank finds in noise alone and in other training signals.
 */
#ifndef CHIRP_MODEL_SIGNAL_LIKENESS_H
#define CHIRP_MODEL_SIGNAL_LIKENESS_H

#include "harness/base/status.h"
#include "model/signal/generator.h"

#include <stdbool.h>

typedef struct chirp_likeness {
    double snr;   /**< of the best training signal */
    double power; /**< what is left without it, over its expectation in noise */
    double peak;  /**< largest sample of what is left, in standard deviations of the noise */
} chirp_likeness;

/** What training signals and noise alone give. */
typedef struct chirp_likeness_limits {
    /** noise alone stays below: the most of its draws and one more standard deviation */
    double snr_of_noise;
    double snr_most; /**< the largest SNR of training and three standard deviations, each 1 */
    /** 49 of 50 training signals stay below these less one standard deviation of noise */
    double power_most, peak_most;
} chirp_likeness_limits;

typedef struct chirp_likeness_bank chirp_likeness_bank;

/**
 * @param config  of the training signals; deterministic in its seed
 * @param f_hz, s  [n] the density that whitened the windows, as the bank's signals shall be; n 0: the analytic design curve
 */
chirp_status chirp_likeness_create(const chirp_signal_config *config, const double *f_hz,
                                   const double *s, int64_t n, chirp_likeness_bank **bank);
void chirp_likeness_destroy(chirp_likeness_bank *bank); /**< accepts NULL */

const chirp_likeness_limits *chirp_likeness_limits_of(const chirp_likeness_bank *bank);

/**
 * @param window  [length] whitened
 * @param scale   of the window: times this, its noise has unit variance before the band-pass (chirp_strain_info)
 */
chirp_status chirp_likeness_measure(const chirp_likeness_bank *bank, const float *window,
                                    double scale, chirp_likeness *likeness);

enum { CHIRP_LIKENESS_DOUBTS = 4 };
/** The doubts that follow, each a clause for a report. @return how many of doubt[] are set */
int chirp_likeness_doubts(const chirp_likeness *likeness, const chirp_likeness_limits *limits,
                          const char *doubt[CHIRP_LIKENESS_DOUBTS]);

#endif
