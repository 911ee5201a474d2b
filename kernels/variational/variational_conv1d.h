/**
 * Convolution with mean-field Gaussian weights, forward and backward, by the three estimators of variational_dense.h.
 * Shapes, ReLU, pool and code as in kernels/conv1d/conv1d.h; mu and rho [K][C][S], bia [K] (a point).
 *
 *   reparameterization  one weight draw for the batch, one convolution with everything fused
 *   flipout             pre = conv(x, mu) + b + s o conv(x o r, sigma eps), signs r per (row, channel), s per (row, filter)
 *   local               pre = conv(x, mu) + b + sqrt(conv(x^2, sigma^2)) zeta, zeta drawn per (row, position, filter).
 *                       Pre-activations of neighbouring positions share weights, so they are correlated under the
 *                       weight posterior; the estimator draws them independently, as is usual: exact in every
 *                       marginal, not in the joint distribution.
 *
 * Flipout with 8 channels or more on both sides is one convolution with perturbed weights (conv1d.h): signs are constant
 * in time and commute with the Fourier transform, so the second product shares the transforms of the first, and nothing
 * is in memory at full length. With one input channel signs only flip filters, so every row is one fused convolution
 * with weights of its own, mu + (r s) sigma eps: no second product at all. Otherwise, and for local, a pass is two
 * convolutions with the full-length pre-activations of both in memory.
 * A plan owns what backward needs of forward; one plan serves one caller at a time; nothing but create allocates.
 * Bitwise the same for every number of threads.
 */
#ifndef CHIRP_KERNELS_VARIATIONAL_VARIATIONAL_CONV1D_H
#define CHIRP_KERNELS_VARIATIONAL_VARIATIONAL_CONV1D_H

#include "kernels/conv1d/conv1d.h"
#include "kernels/variational/variational_dense.h"

typedef struct chirp_variational_conv1d_plan chirp_variational_conv1d_plan;

/**
 * @param training  false: only forward with draws or means will be called, and gradients' buffers are not made
 * @return CHIRP_OK, CHIRP_ERR_ARG, CHIRP_ERR_NOMEM, CHIRP_ERR_LIBRARY; *plan is written on success only
 */
chirp_status chirp_variational_conv1d_plan_create(const chirp_conv1d_desc *desc,
                                                  chirp_variational_estimator estimator,
                                                  bool training,
                                                  chirp_variational_conv1d_plan **plan);
void chirp_variational_conv1d_plan_destroy(
    chirp_variational_conv1d_plan *plan); /**< accepts NULL */

/** The plan that runs conv(x, mu): for reports. */
const chirp_conv1d_plan *
chirp_variational_conv1d_mean_plan(const chirp_variational_conv1d_plan *plan);

/** Operations of a pass, products and transforms of both sets of weights [flop]; elementwise parts aren't counted. */
double chirp_variational_conv1d_flops(const chirp_variational_conv1d_plan *plan,
                                      chirp_conv1d_pass pass);

/** Random normal numbers of one forward pass: K*C*S, or N*Q*K for local. */
double chirp_variational_conv1d_draws(const chirp_conv1d_desc *desc,
                                      chirp_variational_estimator estimator);

/**
 * @param draws  NULL: weights take their means, whatever the estimator
 * @param code   as in chirp_conv1d_forward(); needed before a backward pass
 */
void chirp_variational_conv1d_forward(chirp_variational_conv1d_plan *plan, const float *src,
                                      const chirp_variational_weights *weights,
                                      const chirp_variational_draws *draws, float *dst,
                                      uint8_t *code);

/** Tensors of a backward pass. */
typedef struct chirp_variational_conv1d_pass {
    const float *src, *ddst;
    const uint8_t *code; /**< of the forward pass */
    float *dsrc;         /**< overwritten; NULL when not wanted */
} chirp_variational_conv1d_pass;

/**
 * Gradients of a loss with ddst = dloss/ddst, plus the prior's KL term, for the inputs and draws of the last forward
 * pass.
 */
void chirp_variational_conv1d_backward(chirp_variational_conv1d_plan *plan,
                                       const chirp_variational_conv1d_pass *pass,
                                       const chirp_variational_weights *weights,
                                       const chirp_variational_draws *draws,
                                       chirp_variational_prior prior,
                                       const chirp_variational_gradients *gradients);

#endif
