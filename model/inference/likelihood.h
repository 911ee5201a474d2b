/**
 * The Gaussian likelihood of labels given the network's raw outputs, and its gradient.
 *
 *     mean  m = tanh(z) or z                         (in units of the leaf's label scale)
 *     scale s = fixed, or 1e-3 + softplus(0.05 r)    (learned: the study's public code; r is the second output)
 *     negative log likelihood of a label y:  (y - m)^2 / (2 s^2) + log s + log(2 pi) / 2      [nats]
 *
 * summed over leaves, averaged over the rows of a batch. The negative ELBO is that plus kl_weight * KL, where the
 * correct kl_weight is 1 / (number of training samples).
 */
#ifndef CHIRP_MODEL_INFERENCE_LIKELIHOOD_H
#define CHIRP_MODEL_INFERENCE_LIKELIHOOD_H

#include "model/network/layers.h"

#include <stdint.h>

typedef struct chirp_likelihood {
    const chirp_network_spec *spec;
    int outputs;        /**< per leaf: 1 fixed scale, 2 learned */
    double noise_scale; /**< the fixed standard deviation s, in label-scale units */
} chirp_likelihood;

/** Mean and standard deviation of one leaf's label from its raw outputs, in label-scale units. */
void chirp_likelihood_moments(const chirp_likelihood *likelihood, const float *raw, double *mean,
                              double *scale);

/** The raw second output whose learned scale is `scale` (> 1e-3): where training starts. */
double chirp_likelihood_scale_bias(double scale);

/**
 * @param output   [N][leaves][outputs] raw outputs
 * @param label    [N][CHIRP_LABELS] in physical units
 * @param doutput  [N][leaves][outputs] gradient of the returned value, overwritten; NULL when not wanted
 * @return mean over rows of the negative log likelihood [nats]
 */
double chirp_likelihood_loss(const chirp_likelihood *likelihood, int64_t N, const float *output,
                             const float *label, float *doutput);

/**
 * Sums behind the relative error of each leaf, mean |m - y| / mean |y|: adds N rows to
 * absolute_error[leaf] and absolute_label[leaf] (label-scale units).
 */
void chirp_likelihood_errors(const chirp_likelihood *likelihood, int64_t N, const float *output,
                             const float *label, double *absolute_error, double *absolute_label);

#endif
