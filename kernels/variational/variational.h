/**
 * Mean-field Gaussian weights: w = mu + sigma * eps, sigma = softplus(rho) = log(1 + exp(rho)), eps ~ N(0, 1),
 * prior N(0, prior_sigma^2). Elementwise kernels over the n weights of a layer; draws come from
 * kernels/random (element i uses draw `first + i`), so results never depend on threads or on how a
 * layer is cut into pieces.
 *
 * Sources: Blundell et al. 2015 (arXiv:1505.05424) reparameterization; Kingma et al. 2015
 * (arXiv:1506.02557) local reparameterization; Wen et al. 2018 (arXiv:1803.04386) Flipout.
 *
 * Functions are parallel over n with n_threads (0: omp_get_max_threads()) and bitwise the same for any
 * number of threads.
 *
 * softplus in single precision: relative error below 2.5e-7 for rho >= -86. Below rho = -87 sigma stays at 1.6e-38, so
 * that 1/sigma is finite and logistic/sigma is 1, as in the limit. NaN stays NaN.
 */
#ifndef CHIRP_KERNELS_VARIATIONAL_VARIATIONAL_H
#define CHIRP_KERNELS_VARIATIONAL_VARIATIONAL_H

#include "kernels/random/random.h"

#include <stdint.h>

/** The parameters of a layer. */
typedef struct chirp_variational_weights {
    const float *mu;  /**< means */
    const float *rho; /**< standard deviations are softplus(rho) */
    const float *bia; /**< a point per output; NULL for none */
} chirp_variational_weights;

/** Where gradients are written; all are overwritten. */
typedef struct chirp_variational_gradients {
    float *dmu, *drho;
    float *dbia; /**< NULL when not wanted */
} chirp_variational_gradients;

/** The KL term of the loss: kl_weight * KL( q || N(0, sigma^2) ). */
typedef struct chirp_variational_prior {
    float kl_weight, sigma;
} chirp_variational_prior;

/** softplus and its derivative (the logistic function) for one number, in double: the definition. */
double chirp_softplus(double rho);
double chirp_logistic(double rho);
/** The rho whose softplus is sigma > 0. */
double chirp_softplus_inverse(double sigma);

/** wei[i] = mu[i] + softplus(rho[i]) * eps_i, eps_i = normal draw i of `rng`. */
void chirp_variational_sample(int64_t n, const float *mu, const float *rho, chirp_rng rng,
                              float *wei, int n_threads);

/** delta[i] = softplus(rho[i]) * eps_i: the perturbation alone (Flipout's shared part). */
void chirp_variational_perturbation(int64_t n, const float *rho, chirp_rng rng, float *delta,
                                    int n_threads);

/** sigma[i] = softplus(rho[i]); variance[i] = sigma^2. Either output may be NULL. */
void chirp_variational_sigma(int64_t n, const float *rho, float *sigma, float *variance,
                             int n_threads);

/**
 * Reparameterization gradients plus the KL term's, fused; eps is drawn again from `rng`, not stored:
 *     dmu[i]  = dwei[i] + kl_weight * mu[i] / prior.sigma^2
 *     drho[i] = ( dwei[i] * eps_i + kl_weight * (sigma/prior.sigma^2 - 1/sigma) ) * logistic(rho[i])
 * dmu may be dwei. Biases play no part here and in the next two.
 */
void chirp_variational_backward(int64_t n, const chirp_variational_weights *weights, chirp_rng rng,
                                const float *dwei, chirp_variational_prior prior,
                                const chirp_variational_gradients *gradients, int n_threads);

/**
 * For Flipout: the KL gradients are added to dmu, and the product's gradient is that of the perturbation
 * delta = sigma * eps; eps is drawn again:
 *     dmu[i]  += kl_weight * mu[i] / prior.sigma^2
 *     drho[i]  = ( ddelta[i] * eps_i + kl_weight * (sigma/prior.sigma^2 - 1/sigma) ) * logistic(rho[i])
 * drho may be ddelta.
 */
void chirp_variational_backward_perturbation(int64_t n, const chirp_variational_weights *weights,
                                             chirp_rng rng, const float *ddelta,
                                             chirp_variational_prior prior,
                                             const chirp_variational_gradients *gradients,
                                             int n_threads);

/**
 * The same for local reparameterization, whose product gradient is that of the variance sigma^2:
 *     dmu[i]  += kl_weight * mu[i] / prior.sigma^2
 *     drho[i]  = ( 2 sigma * dvariance[i] + kl_weight * (sigma/prior.sigma^2 - 1/sigma) ) * logistic(rho[i])
 * drho may be dvariance.
 */
void chirp_variational_backward_variance(int64_t n, const chirp_variational_weights *weights,
                                         const float *dvariance, chirp_variational_prior prior,
                                         const chirp_variational_gradients *gradients,
                                         int n_threads);

/**
 * KL( N(mu, sigma^2) || N(0, prior_sigma^2) ) summed over the n weights [nats], in double, fixed order:
 *     sum_i log(prior_sigma/sigma) + (sigma^2 + mu^2) / (2 prior_sigma^2) - 1/2
 */
double chirp_variational_kl(int64_t n, const float *mu, const float *rho, float prior_sigma,
                            int n_threads);

#endif
