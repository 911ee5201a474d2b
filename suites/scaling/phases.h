/** From instants at which ranks passed the points of a step to the terms of a plan: what simulate.c ends with, and real ranks that act a plan out (tests/). */
#ifndef CHIRP_SUITES_SCALING_PHASES_H
#define CHIRP_SUITES_SCALING_PHASES_H

#include "suites/scaling/engine.h"

/** When the last rank passed each point of one step [s]; rank times differ, and the last one counts. */
typedef struct chirp_phase_ends {
    double computed; /**< all its passes */
    double
        agreed; /**< the negotiation, before the reductions, where ranks negotiate; else the sum of the loss, behind them */
    double done; /**< its reductions */
} chirp_phase_ends;

/**
 * Mean terms of `steps` steps; differences of instants, so that they add up to the whole by construction.
 * @param end    [steps]
 * @param whole  [s] from the start of the first step to the end of the last
 */
void chirp_terms_of_phases(const chirp_plan *plan, const chirp_phase_ends *end, int steps,
                           double whole, chirp_step_terms *terms);

#endif
