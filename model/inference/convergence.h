/**
 * Have Markov chains converged, and how much do they know? Vehtari, Gelman, Simpson, Carpenter, Buerkner 2021
 * (doi:10.1214/20-BA1221), on ranks, so that heavy tails don't matter.
 */
#ifndef CHIRP_MODEL_INFERENCE_CONVERGENCE_H
#define CHIRP_MODEL_INFERENCE_CONVERGENCE_H

#include "harness/base/status.h"

#include <stdint.h>

/** Draws of one quantity from ensembles of walkers. */
typedef struct chirp_chains {
    const double *x; /**< [ensembles][sweeps][walkers] */
    int ensembles, walkers;
    int64_t sweeps;
} chirp_chains;

/** What convergence diagnostics say of a quantity. */
typedef struct chirp_convergence {
    /** Rank-normalised split R-hat, the larger of that of the values and that of their distances from the median. The first and
     * the second half of each ensemble's sweeps are the chains: ensembles know nothing of one another, walkers of one do. */
    double r_hat;
    /** Effective number of independent draws for the centre: bulk ESS, walkers as chains, Geyer's initial monotone sequence. */
    double effective;
} chirp_convergence;

/** R-hat above this, or fewer effective draws than that: the answer is in doubt. */
#define CHIRP_CONVERGENCE_R_HAT_MOST 1.05
#define CHIRP_CONVERGENCE_EFFECTIVE_LEAST 100.0

/** @return CHIRP_ERR_ARG fewer than 4 sweeps or a draw that isn't finite; CHIRP_ERR_NOMEM. A quantity that is constant has R-hat 1. */
chirp_status chirp_convergence_measure(const chirp_chains *chains, chirp_convergence *result);

#endif
