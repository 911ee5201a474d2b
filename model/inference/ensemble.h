/**
 * A sampler of any density with few parameters: an ensemble of walkers that propose from one another, so that no step sizes
 * are needed and any linear change of the parameters changes nothing.
 *
 * A sweep moves every walker x once, given where the others are:
 *     7 of 10  differential evolution (ter Braak 2006, doi:10.1007/s11222-006-8769-1): x' = x + g (a - b), a, b two others,
 *              g = 2.38/sqrt(2 dims), each parameter's factor up to 10 % off
 *     1 of 10  the same with g = 1, from one mode of the density to another
 *     2 of 10  stretch (Goodman and Weare 2010, doi:10.2140/camcos.2010.5.65): x' = a + z (x - a), z in [1/2, 2]
 * and accepts by Metropolis' rule, so the density is kept. Once chirp_ensemble_adapt() was called, most proposals come from a density that
 * was fitted to earlier draws instead (Metropolis' rule for an independence sampler).
 */
#ifndef CHIRP_MODEL_INFERENCE_ENSEMBLE_H
#define CHIRP_MODEL_INFERENCE_ENSEMBLE_H

#include "harness/base/status.h"

#include <stdint.h>

enum { CHIRP_ENSEMBLE_MOST_DIMS = 12 };

/**
 * Logarithms of prior density and likelihood at x, each up to a constant. Outside the support *prior is -INFINITY and
 * *likelihood is not looked at.
 */
typedef void chirp_ensemble_target(void *context, const double *x, double *prior,
                                   double *likelihood);

typedef struct chirp_ensemble_config {
    int dims, walkers; /**< walkers: more than dims + 2, twice or three times dims are usual */
    chirp_ensemble_target *target;
    void *context;
    uint64_t seed, event; /**< all numbers are a function of (seed, event, member) */
    uint32_t member;      /**< below 4: ensembles of one density that know nothing of one another */
} chirp_ensemble_config;

typedef struct chirp_ensemble chirp_ensemble;

/** @return CHIRP_ERR_ARG impossible numbers */
chirp_status chirp_ensemble_create(const chirp_ensemble_config *config, chirp_ensemble **ensemble);
void chirp_ensemble_destroy(chirp_ensemble *ensemble); /**< accepts NULL */

/**
 * Brings the walkers from points that cover the prior to where the density is, by steps of sequential Monte Carlo: the
 * likelihood's power rises from 0 to 1, so that each step leaves half of the walkers effective; they are drawn anew by their
 * weights, then move and adapt.
 * @param start  [n][dims] inside the support, n at least the walkers
 * @return CHIRP_ERR_NUMERIC  the likelihood is finite at no starting point
 */
chirp_status chirp_ensemble_settle(chirp_ensemble *ensemble, const double *start, int64_t n);

/**
 * Sweeps over all walkers.
 * @param x  [sweeps][walkers][dims] where they are after each sweep; NULL when not wanted
 */
void chirp_ensemble_run(chirp_ensemble *ensemble, int64_t sweeps, double *x);

/**
 * Makes some sweeps, and fits the density to propose from (proposal.h) to where the walkers were. From then on 7 of 10 proposals are drawn from it,
 * independently of where a walker is. Draws before the last call are no draws of the target: part of the burn-in.
 * Draws that lie in fewer dimensions leave the proposals as they were.
 * @return CHIRP_ERR_NOMEM; CHIRP_ERR_ARG  fewer than 8 dims draws
 */
chirp_status chirp_ensemble_adapt(chirp_ensemble *ensemble, int64_t sweeps);

/** Share of proposals accepted, and calls of the target inside the support, since the ensemble was made. */
double chirp_ensemble_acceptance(const chirp_ensemble *ensemble);
int64_t chirp_ensemble_calls(const chirp_ensemble *ensemble);

#endif
