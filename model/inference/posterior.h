/**
 * Posterior predictive of one event by Monte Carlo over the network's weights: every sample draws weights from the
 * variational posterior and then a label from the likelihood.
 *
 * Two parts are kept apart (law of total variance): epistemic, the spread of the predicted means over weight draws,
 * and aleatoric, the noise scale that the likelihood adds.
 */
#ifndef CHIRP_MODEL_INFERENCE_POSTERIOR_H
#define CHIRP_MODEL_INFERENCE_POSTERIOR_H

#include "harness/base/status.h"
#include "model/inference/likelihood.h"
#include "model/network/network.h"

#include <stdint.h>

typedef struct chirp_summary {
    double mean, median, std;
    double interval_90[2]; /**< 5 % and 95 % quantiles */
    double
        epistemic_std; /**< of the predicted means over weight draws; 0 for a deterministic network */
    double aleatoric_std; /**< root mean square of the likelihood's scale */
} chirp_summary;

/**
 * @param net      batch 1, not training; its parameters are the posterior
 * @param strain   [length] of one whitened window
 * @param n        weight draws, at least 2
 * @param seed     of the draws
 * @param samples  [leaves][n] predictive samples in physical units, or NULL
 * @param summary  [leaves], physical units
 */
chirp_status chirp_posterior_predict(chirp_network *net, const chirp_likelihood *likelihood,
                                     const float *strain, int64_t n, uint64_t seed, double *samples,
                                     chirp_summary *summary);

/** Quantile q in [0, 1] of n sorted values, linear between order statistics (Hyndman and Fan's type 7). */
double chirp_quantile(const double *sorted, int64_t n, double q);

#endif
