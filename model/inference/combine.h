/**
 * One parameter's posterior from several independent data, of which each has given a posterior of its own:
 *
 *     p(x | d1, .., dn) = p(x | d1) .. p(x | dn) / p(x)^(n - 1)   up to a constant
 *
 * exact when all share the prior p(x) and nothing but x. The marginal densities of one parameter at a time leave out how
 * parameters are correlated, so the result is wider than that of a joint posterior.
 */
#ifndef CHIRP_MODEL_INFERENCE_COMBINE_H
#define CHIRP_MODEL_INFERENCE_COMBINE_H

#include "harness/base/status.h"

#include <stdint.h>

/**
 * Densities are Gaussian kernels at the samples, which are drawn towards their mean so that kernels don't widen them, and
 * are multiplied on a grid over the prior's support. A prior below a twentieth of its largest density counts as that: to divide
 * by almost nothing would move the product to the prior's ends.
 * @param samples   [n_data][n] of each posterior
 * @param prior     [n_prior] draws of the prior
 * @param combined  [n] the quantiles (i + 1/2)/n of the product
 * @return CHIRP_ERR_ARG      fewer than 16 samples or draws
 * @return CHIRP_ERR_NUMERIC  the posteriors have nothing in common within the prior
 */
chirp_status chirp_posterior_combine(const double *samples, int n_data, int64_t n,
                                     const double *prior, int64_t n_prior, double *combined);

#endif
