/**
 * A density fitted to points, to propose from: one kernel at each point, as wide and as oriented as the points around it, so
 * that curved and bent densities are followed. Kernels are Student's t in all dimensions together with as many degrees of freedom as
 * dimensions: their tails are heavier than those of what is sampled, which an independence sampler needs. Some are four times as
 * wide.
 */
#ifndef CHIRP_MODEL_INFERENCE_PROPOSAL_H
#define CHIRP_MODEL_INFERENCE_PROPOSAL_H

#include "harness/base/status.h"
#include "kernels/random/random.h"

#include <stdint.h>

enum { CHIRP_PROPOSAL_MOST_DIMS = 12 };

typedef struct chirp_proposal chirp_proposal;

/**
 * @param x  [n][dims] points; 8 dims of them at least
 * @return CHIRP_ERR_NUMERIC  they lie in fewer dimensions
 */
chirp_status chirp_proposal_fit(int dims, const double *x, int64_t n, chirp_proposal **proposal);
void chirp_proposal_destroy(chirp_proposal *proposal); /**< accepts NULL */

/** A point from it; uses draws first .. first + 2 dims + 1 of the stream. */
void chirp_proposal_draw(const chirp_proposal *proposal, chirp_rng rng, uint64_t first, double *x);

/** ln of the density at x, up to a constant. */
double chirp_proposal_density(const chirp_proposal *proposal, const double *x);

#endif
