/**
 * The exact posterior of an event by Markov chains: what a perfect network would answer to the same windows.
 *
 * Parameters are m1, m2, chi1, chi2 and a merger time for each detector; phase, amplitude and the scale of a window are
 * integrated out (amplitude.h). The prior is the generator's: masses, mass ratio, spins, SNR and merger times of a signal
 * configuration. Waveform, whitening and band are the generator's too (model/signal/match.h), and the noise is taken as Gaussian
 * and white after whitening. Two things are thereby left out: the filter lets less noise through at the band's edges, so
 * that intervals are wider than they could be by 1 % (3 % for the heaviest binaries), and a measured noise curve has errors.
 *
 * Several detectors share masses and spins; each has its own phase, amplitude and time, with the prior of a single detector.
 *
 * Sampled by four independent ensembles (ensemble.h) that begin all over the prior; a run whose R-hat is above 1.05 or whose
 * effective draws are too few becomes the burn-in of one twice as long, up to three times. 15,000 waveforms, about a second,
 * for an event whose first run suffices; up to 150,000 for others, and some stay doubtful.
 */
#ifndef CHIRP_MODEL_INFERENCE_EXACT_H
#define CHIRP_MODEL_INFERENCE_EXACT_H

#include "harness/base/status.h"
#include "model/inference/convergence.h"
#include "model/signal/generator.h"
#include "model/signal/match.h"

#include <stdint.h>

enum { CHIRP_EXACT_DETECTORS = 4 };

/** Quantities of a result: the labels in their order, then these. */
enum {
    CHIRP_EXACT_CHIRP_MASS = CHIRP_LABELS,
    CHIRP_EXACT_TOTAL_MASS,
    CHIRP_EXACT_CHI1,
    CHIRP_EXACT_CHI2,
    CHIRP_EXACT_QUANTITIES
};
/** "m1", "m2", "a_f", "omega_R", "omega_I", "chirp_mass", "total_mass", "chi1", "chi2" */
extern const char *const chirp_exact_name[CHIRP_EXACT_QUANTITIES];

/** The quantities of a binary. @param value  [CHIRP_EXACT_QUANTITIES] masses in solar masses */
chirp_status chirp_exact_quantities(const chirp_binary *binary, double *value);

typedef struct chirp_exact_options {
    int64_t samples;        /**< kept of the draws, evenly: 1000 */
    double effective_least; /**< effective draws of every quantity that a run aims at: 300 */
    int64_t sweeps;         /**< of the first run, after an eighth of them for burn-in: 40 */
    int n_threads;          /**< 0: omp_get_max_threads(); results don't depend on it */
} chirp_exact_options;

chirp_exact_options chirp_exact_options_default(void);

typedef struct chirp_exact_summary {
    double mean, median, std;
    double interval_50[2], interval_90[2]; /**< central */
    double r_hat, effective;               /**< convergence.h */
} chirp_exact_summary;

typedef struct chirp_exact_result {
    chirp_exact_summary summary[CHIRP_EXACT_QUANTITIES]; /**< of all draws */
    double r_hat, effective;                             /**< the worst of them */
    bool doubtful; /**< R-hat above 1.05 or fewer than 100 effective draws */
    int n_detectors;
    int64_t n; /**< samples */
    double
        *sample; /**< [CHIRP_EXACT_QUANTITIES][n] joint: sample i of all quantities is one draw */
    double *snr; /**< [n_detectors][n] in the window */
    double *merger_s; /**< [n_detectors][n] from the start of the window */
    int64_t calls;    /**< waveforms made */
    double acceptance, seconds;
} chirp_exact_result;

/** Frees the arrays. Accepts a zeroed one. */
void chirp_exact_result_destroy(chirp_exact_result *result);

/** A sentence when the result is doubtful, made in `text`, else NULL. */
const char *chirp_exact_doubt(const chirp_exact_result *result, char text[160]);

/**
 * The posterior of one window of one detector.
 * @param config   of the signals: the prior, window and band. Its noise must be on; its number of detectors, its real noise and
 *                 its seed are not used
 * @param curve    that whitened the window; NULL or n 0: the configuration's
 * @param window   [length] whitened; its scale doesn't matter
 * @param options  NULL: the defaults
 * @return CHIRP_ERR_ARG, CHIRP_ERR_RANGE  impossible configuration or options; CHIRP_ERR_NUMERIC  a sample isn't finite
 */
chirp_status chirp_exact_window(const chirp_signal_config *config, const chirp_match_curve *curve,
                                const float *window, uint64_t seed,
                                const chirp_exact_options *options, chirp_exact_result *result);

/**
 * The posterior of one event seen by several detectors: the product of the likelihoods over masses and spins.
 * @param curve   [n_detectors]
 * @param window  [n_detectors][length]
 */
chirp_status chirp_exact_event(const chirp_signal_config *config, const chirp_match_curve *curve,
                               int n_detectors, const float *window, uint64_t seed,
                               const chirp_exact_options *options, chirp_exact_result *result);

/**
 * Posteriors of many windows of one detector, in parallel. Window i gives what it gives in any other table with the same
 * seed and first + i; with first + i = 0 that is chirp_exact_window()'s.
 * @param first   number of the first window, first + n at most 2^24
 * @param window  [n][length]
 * @param result  [n] all released by the caller; on failure none is left
 */
chirp_status chirp_exact_table(const chirp_signal_config *config, const chirp_match_curve *curve,
                               const float *window, uint64_t first, int64_t n, uint64_t seed,
                               const chirp_exact_options *options, chirp_exact_result *result);

#endif
