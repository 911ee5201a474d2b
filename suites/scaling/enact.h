/** A plan acted out by the ranks of this job: passes sleep as long as the plan says, gradients and messages are real. */
#ifndef CHIRP_SUITES_SCALING_ENACT_H
#define CHIRP_SUITES_SCALING_ENACT_H

#include "suites/scaling/plan.h"

/**
 * The third way, beside closed_form.c and simulate.c, to turn a plan into terms, for a comparison with what MPI really
 * does. A sleeping rank takes no processor, so that more ranks than processors can stand for as many nodes. Collective over
 * the ranks of the group, which must be plan->ranks of them.
 *
 * @param factor  [steps * micro_steps][ranks] as chirp_simulate() takes it: with the same draws the two can be compared
 *                step by step
 * @param terms   complete on every rank
 * @param bytes   payload that this rank sent into the reductions of a step: what the exchange counted, not the plan
 */
chirp_status chirp_enact(const chirp_plan *plan, int steps, const float *factor,
                         chirp_step_terms *terms, double *bytes);

#endif
