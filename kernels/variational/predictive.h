/**
 * Posterior predictive of a chain of dense layers with mean-field Gaussian weights: many weight samples at once.
 *
 * For ONE input x and weights w[o][i] ~ N(mean, sigma^2), all independent, the pre-activations of a layer
 *
 *     y_o = b_o + sum_i w[o][i] x_i  are independent Gaussians,  y_o ~ N( b_o + sum_i mean[o][i] x_i,  sum_i sigma[o][i]^2 x_i^2 ),
 *
 * since different outputs use different weights. Drawing y instead of w is therefore exact in distribution, for every
 * layer of a chain in turn (weights of different layers are independent too), and it costs O draws a sample instead of
 * I*O. The samples of one event are independent draws from its posterior predictive. What is NOT kept is the
 * correlation between different events of one weight draw: use one layer after the other with drawn weights for that.
 *
 * A chain dense(var) -> dense(var) -> output of B events and S samples:
 *
 *     first:   shared = true,  src [B][I]      ->  dst [B][S][O]     moments once per event
 *     others:  shared = false, src [B][S][I]   ->  dst [B][S][O]     moments of every sample's own input
 *
 * Each call opens parallel regions; results are bitwise the same for every number of threads, and those of an event do
 * not depend on the events beside it when `first_event` counts them.
 */
#ifndef CHIRP_KERNELS_VARIATIONAL_PREDICTIVE_H
#define CHIRP_KERNELS_VARIATIONAL_PREDICTIVE_H

#include "kernels/dense/dense.h"
#include "kernels/random/random.h"

#include <stdbool.h>

typedef struct chirp_predictive_desc {
    int64_t events, samples; /**< B, S; both >= 1 */
    int64_t I, O;            /**< inputs and outputs of the layer */
    bool shared;             /**< src has one row per event, used by all its samples */
    chirp_activation activation;
    int n_threads; /**< 0: omp_get_max_threads() when the plan is made */
} chirp_predictive_desc;

typedef struct chirp_predictive_plan chirp_predictive_plan;

/** @return CHIRP_OK, CHIRP_ERR_ARG, CHIRP_ERR_NOMEM, CHIRP_ERR_LIBRARY; *plan is written on success only */
chirp_status chirp_predictive_plan_create(const chirp_predictive_desc *desc,
                                          chirp_predictive_plan **plan);
void chirp_predictive_plan_destroy(chirp_predictive_plan *plan); /**< accepts NULL */

/**
 * Hands the layer's posterior over, once per checkpoint. mean and bia are kept by reference, rho is read now.
 * @param mean, rho  [O][I]; rho NULL: a deterministic layer (dst has no noise of its own)
 * @param bia        [O] or NULL
 */
void chirp_predictive_load(chirp_predictive_plan *plan, const float *mean, const float *rho,
                           const float *bia);

/**
 * @param src  [events][I] if shared, else [events][samples][I]
 * @param rng  a stream of this layer; sample s of event e draws numbers ((first_event + e)*samples + s)*O + o
 * @param dst  [events][samples][O]
 */
void chirp_predictive_forward(chirp_predictive_plan *plan, const float *src, chirp_rng rng,
                              uint64_t first_event, float *dst);

#endif
