/**
 * Posterior predictive by Monte Carlo over the network's weights: every sample draws weights from the
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

typedef struct chirp_posterior_summary {
    double mean, median, std;
    double interval_50[2], interval_90[2]; /**< central: 25 and 75 %, 5 and 95 % quantiles */
    /** of the predicted means over weight draws; 0 for a deterministic network */
    double epistemic_std;
    double aleatoric_std; /**< root mean square of the likelihood's scale */
} chirp_posterior_summary;

typedef struct chirp_posterior chirp_posterior;

/**
 * Plans the posterior of batches of events.
 *
 * The root is evaluated once a batch. In a leaf whose root is deterministic every variational layer draws its
 * pre-activations (kernels/variational/predictive.h), which is exact in distribution for each event and needs a
 * hundredth of the random numbers; correlations between events of one weight draw are not kept. With variational
 * convolutions (variant `all`) the whole network is evaluated once a sample with drawn weights.
 *
 * @param net      its batch is the number of events B; kept, and its parameters must not change while the posterior lives
 * @param samples  S, weight draws per event, at least 2
 */
chirp_status chirp_posterior_create(chirp_network *net, const chirp_likelihood *likelihood,
                                    int64_t samples, chirp_posterior **posterior);
void chirp_posterior_destroy(chirp_posterior *posterior); /**< accepts NULL */

/**
 * @param strain   [B][length] whitened windows
 * @param seed     of the draws
 * @param samples  [B][leaves][S] predictive samples in physical units, or NULL
 * @param summary  [B][leaves], physical units
 * @return CHIRP_ERR_NUMERIC  some draw or moment isn't finite: the sentence names the parameter
 */
chirp_status chirp_posterior_predict(chirp_posterior *posterior, const float *strain, uint64_t seed,
                                     double *samples, chirp_posterior_summary *summary);

/**
 * From now on predictives are stretched about their means.
 * @param factor  [leaves] as chirp_recalibration_fit() gives them (calibration.h); 0 or 1: not stretched
 */
void chirp_posterior_recalibrate(chirp_posterior *posterior, const double *factor);

/**
 * The normal laws whose mixture is the predictive of a leaf, as the last prediction made them, in physical units.
 * @param mean, scale  receive arrays of [S] that the posterior owns
 */
void chirp_posterior_components(const chirp_posterior *posterior, int64_t event, int leaf,
                                const double **mean, const double **scale);

/**
 * Central credible interval of n samples: equal probability is left out on both sides.
 * @param level  probability inside, in (0, 1)
 */
chirp_status chirp_credible_interval(const double *samples, int64_t n, double level,
                                     double interval[2]);

#endif
