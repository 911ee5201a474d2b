/**
 * Dense layer with mean-field Gaussian weights, forward and backward, by three estimators of the same expectation.
 * Shapes as in kernels/dense/dense.h: src [N][I], mu and rho [O][I], bia [O] (a point), dst [N][O].
 *
 *   reparameterization  w = mu + sigma eps, one draw for the batch           y_n = x_n w'
 *                       Blundell et al. 2015 (arXiv:1505.05424); 2 NIO flop a pass, I*O draws
 *   local               the pre-activations of a row are independent Gaussians, drawn themselves, one per (n, o):
 *                       y = x mu' + sqrt( x^2 (sigma^2)' ) eps               Kingma et al. 2015 (arXiv:1506.02557)
 *                       4 NIO flop a pass, N*O draws
 *   flipout             y = x mu' + s o ( (x o r) (sigma eps)' )             Wen et al. 2018 (arXiv:1803.04386)
 *                       4 NIO flop a pass, I*O draws and N*(I + O) signs
 *
 * All three have the same mean gradient; local and flipout decorrelate the rows of a batch, so that the variance of
 * the batch gradient falls with N as it should.
 *
 * A plan owns what the backward pass needs of the forward pass: one plan serves one caller at a time, and backward
 * follows the forward pass of the same inputs and draws. Nothing but create allocates. Each kernel inside opens its
 * own parallel region; results are bitwise the same for every number of threads.
 */
#ifndef CHIRP_KERNELS_VARIATIONAL_VARIATIONAL_DENSE_H
#define CHIRP_KERNELS_VARIATIONAL_VARIATIONAL_DENSE_H

#include "kernels/dense/dense.h"
#include "kernels/random/random.h"
#include "kernels/variational/variational.h"

typedef enum chirp_variational_estimator {
    CHIRP_VARIATIONAL_REPARAMETERIZATION = 0,
    CHIRP_VARIATIONAL_LOCAL,
    CHIRP_VARIATIONAL_FLIPOUT,
    CHIRP_VARIATIONAL_ESTIMATORS
} chirp_variational_estimator;

/** "reparameterization", "local", "flipout". */
extern const char *const chirp_variational_estimator_name[CHIRP_VARIATIONAL_ESTIMATORS];

/** The draws of one pass. Streams must differ from each other and between layers and steps. */
typedef struct chirp_variational_draws {
    chirp_rng noise; /**< of weights (reparameterization, flipout) or of pre-activations (local) */
    chirp_rng sign_in;  /**< flipout's r */
    chirp_rng sign_out; /**< flipout's s */
    uint64_t
        first_row; /**< number of row 0 in the whole batch: signs and local noise belong to rows */
} chirp_variational_draws;

typedef struct chirp_variational_dense_plan chirp_variational_dense_plan;

/** @return CHIRP_OK, CHIRP_ERR_ARG, CHIRP_ERR_NOMEM, CHIRP_ERR_LIBRARY; *plan is written on success only */
chirp_status chirp_variational_dense_plan_create(const chirp_dense_desc *desc,
                                                 chirp_variational_estimator estimator,
                                                 chirp_variational_dense_plan **plan);
void chirp_variational_dense_plan_destroy(chirp_variational_dense_plan *plan); /**< accepts NULL */

/** Operations of the products of the forward pass [flop]: 2 NIO, twice that for local and flipout. */
double chirp_variational_dense_flops(const chirp_dense_desc *desc,
                                     chirp_variational_estimator estimator);
/** Random normal numbers of one forward pass; the backward pass draws them again. */
double chirp_variational_dense_draws(const chirp_dense_desc *desc,
                                     chirp_variational_estimator estimator);

/** @param draws  NULL: weights take their means, whatever the estimator */
void chirp_variational_dense_forward(chirp_variational_dense_plan *plan, const float *src,
                                     const chirp_variational_weights *weights,
                                     const chirp_variational_draws *draws, float *dst);

/** Tensors of a backward pass. */
typedef struct chirp_variational_dense_pass {
    const float *src;
    const float *
        dst; /**< result of the forward pass, or what a dropout left: only its sign matters for ReLU */
    float *ddst; /**< overwritten: gradient of the pre-activations */
    float *dsrc; /**< overwritten; NULL when not wanted */
} chirp_variational_dense_pass;

/**
 * Gradients of a loss with ddst = dloss/ddst, plus the prior's KL term.
 * @param draws  as in the forward pass, not NULL
 */
void chirp_variational_dense_backward(chirp_variational_dense_plan *plan,
                                      const chirp_variational_dense_pass *pass,
                                      const chirp_variational_weights *weights,
                                      const chirp_variational_draws *draws,
                                      chirp_variational_prior prior,
                                      const chirp_variational_gradients *gradients);

#endif
