/** A plan simulated by SimGrid on a platform file: two actors a rank, one computing, one communicating. */
#ifndef CHIRP_SUITES_SCALING_SIMULATE_H
#define CHIRP_SUITES_SCALING_SIMULATE_H

#include "suites/scaling/plan.h"

/** Whether this build has SimGrid; `version` (may be NULL) receives "3.32.0" or "". */
bool chirp_simulate_available(const char **version);

/**
 * @param platform  SimGrid platform file
 * @param prefix    hosts are prefix0 ... prefix<ranks - 1>
 * @param steps     simulated steps; the terms are their mean
 * @param factor    [steps * micro_steps][ranks] of each pass's time over micro_s; see chirp_jitter_draw()
 * @return CHIRP_ERR_UNSUPPORTED without SimGrid, CHIRP_ERR_LIBRARY with SimGrid's own words when it failed
 * Runs in a child process: SimGrid starts once per process and ends it on its own errors.
 * Memory is about 60 kB a rank; 1024 ranks take some seconds a step.
 */
chirp_status chirp_simulate(const chirp_plan *plan, const char *platform, const char *prefix,
                            int steps, const float *factor, chirp_step_terms *terms);

/**
 * Jitter: factor = 1 + permanent part of the rank + fresh part of the pass (chirp_jitter_parts()), normal, at least 0.05.
 * The permanent parts are normal scores (Blom) in an order drawn from the seed, so that their spread is right even for
 * a few ranks and doesn't wander from seed to seed; the fresh parts are drawn from (seed, pass, rank) less their mean over
 * all passes and ranks. With shares by speed (plan->share_signals) a rank's passes are as much shorter or longer as its share
 * is: whole signals, by speeds that are wrong by chirp_speed_error(), and only if the last rank is done 0.5 % earlier by them.
 * @param factor  [passes][ranks]
 */
chirp_status chirp_jitter_draw(const chirp_plan *plan, uint64_t seed, int passes, float *factor);

#endif
