/**
 * The Gaussian likelihood of labels given the network's raw outputs, its gradient, and scores of predictions.
 *
 * A leaf predicts in units of its label map, y = (label - centre) / unit (chirp_label_map):
 *
 *     standardised   mean m = z          scale s = 1e-4 + softplus(r)
 *     the study's    mean m = tanh(z)    scale s = 1e-3 + softplus(0.05 r)    (mean of `mass`: m = z)
 *
 * where z and r are the leaf's raw outputs; without r the scale is fixed. Negative log likelihood of a label [nats]:
 *
 *     (y - m)^2 / (2 s^2) + log s + log(2 pi) / 2
 *
 * summed over leaves, averaged over the rows of a batch. The negative ELBO is that plus kl_weight * KL, where the
 * correct kl_weight is 1 / (number of training samples).
 */
#ifndef CHIRP_MODEL_INFERENCE_LIKELIHOOD_H
#define CHIRP_MODEL_INFERENCE_LIKELIHOOD_H

#include "model/network/layers.h"

#include <stdint.h>

/**
 * From labels to what leaves predict. Labels of one network differ in spread by a factor of 40, while starting scales, weight
 * noise and learning rate are the same for all: standardised labels have zero mean and a standard deviation of 0.25 over the training prior.
 */
typedef struct chirp_label_map {
    bool standardised; /**< false: the study's, label / label_scale of the network's table */
    double centre[CHIRP_MAX_LEAVES], unit[CHIRP_MAX_LEAVES]; /**< of standardised labels */
} chirp_label_map;

typedef struct chirp_likelihood {
    const chirp_network_spec *spec;
    int outputs;        /**< per leaf: 1 fixed scale, 2 learned */
    double noise_scale; /**< the fixed standard deviation s, in units of the label map */
    chirp_label_map labels;
} chirp_likelihood;

/** Mean and standard deviation of one leaf's label from its raw outputs, in units of the label map. */
void chirp_likelihood_moments(const chirp_likelihood *likelihood, const float *raw, double *mean,
                              double *scale);

/** Turns such moments of a leaf into physical units. */
void chirp_likelihood_to_physical(const chirp_likelihood *likelihood, int leaf, double *mean,
                                  double *scale);

/** The raw second output whose learned scale is `scale` (> 1e-3): where training starts. */
double chirp_likelihood_scale_bias(const chirp_likelihood *likelihood, double scale);

/**
 * @param output   [N][leaves][outputs] raw outputs
 * @param label    [N][CHIRP_LABELS] in physical units
 * @param doutput  [N][leaves][outputs] gradient of the returned value, overwritten; NULL when not wanted
 * @return mean over rows of the negative log likelihood [nats, of labels in units of the label map]
 */
double chirp_likelihood_loss(const chirp_likelihood *likelihood, int64_t N, const float *output,
                             const float *label, float *doutput);

/**
 * Sums behind the relative error of each leaf, mean |m - y| / mean |y|: adds N rows to
 * absolute_error[leaf] and absolute_label[leaf] (physical units).
 */
void chirp_likelihood_errors(const chirp_likelihood *likelihood, int64_t N, const float *output,
                             const float *label, double *absolute_error, double *absolute_label);

/**
 * Continuous ranked probability score of N(mean, scale^2) at y: the integral of the squared difference between its distribution
 * function and the step at y, in units of y; for a scale of 0 the absolute error. Closed form: Gneiting and Raftery 2007, JASA
 * 102, 359, equation 21.
 */
double chirp_crps_normal(double mean, double scale, double y);

/** Adds that of N rows to crps[leaf] (physical units). */
void chirp_likelihood_crps(const chirp_likelihood *likelihood, int64_t N, const float *output,
                           const float *label, double *crps);

#endif
