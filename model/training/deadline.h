/**
 * Partial participation: how long a step waits for its last ranks. A rank that would not be done until then is left out of the
 * step, and the mean is over the signals of the others. Pure arithmetic without MPI or clocks, like balancer.h, so that training
 * and a Monte Carlo over a thousand ranks run the same code.
 *
 *     chirp_deadline_create(ranks, &deadline);
 *     while (...) {
 *         ... a step that waits for chirp_deadline_seconds(deadline) ...
 *         chirp_deadline_step(deadline, seconds, left_out);
 *     }
 *
 * How it decides: a rank's time counts relative to the median of its step over ranks. Of a grid of deadlines, the latest steps
 * say how long they would have been with each and how many ranks it would have left out; the one in use would have given the most
 * signals a second. It is relative to the running median of the steps' medians, so that a slowdown of all ranks moves it along.
 * There is none while waiting would have given nearly as many, and while more than 1 % of all signals so far are left out:
 * few ranks therefore wait for anything but long interruptions.
 */
#ifndef CHIRP_MODEL_TRAINING_DEADLINE_H
#define CHIRP_MODEL_TRAINING_DEADLINE_H

#include "harness/base/status.h"

/** Of all signals, that may be left out. */
#define CHIRP_DEADLINE_MOST 0.01

typedef struct chirp_deadline chirp_deadline;

/** @return CHIRP_OK, CHIRP_ERR_ARG (ranks below 1), CHIRP_ERR_NOMEM */
chirp_status chirp_deadline_create(int ranks, chirp_deadline **deadline);
void chirp_deadline_destroy(chirp_deadline *deadline); /**< accepts NULL */

/**
 * Takes what a step has shown. O(ranks log ranks).
 * @param seconds   [ranks] from the step's begin until the rank was done, or would have been, had it not been left out
 * @param left_out  signals that were left out, over those of a rank
 */
void chirp_deadline_step(chirp_deadline *deadline, const double *seconds, double left_out);

/** How long the next step waits, from its begin [s]; INFINITY: until all ranks are done. */
double chirp_deadline_seconds(const chirp_deadline *deadline);

#endif
