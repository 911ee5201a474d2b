/**
 * This rank's side of deadlines (deadline.h): a clock that is looked at between layers, and what ranks tell each other.
 *
 *     chirp_participation_begin(p);
 *     ... between layers: if (!chirp_participation_go_on(p)) the rank gives the step up ...
 *     chirp_participation_end(p);
 *     ... exchange ...
 *     chirp_participation_step(p, left_out);
 *
 * A rank gives up once it would miss the deadline even if the rest of its passes went as fast as a rank in time does them, so
 * that the others wait for it until the deadline, and for the layer that it is in then. Rank 0 never gives up: every
 * step has signals.
 */
#ifndef CHIRP_MODEL_TRAINING_PARTICIPATION_H
#define CHIRP_MODEL_TRAINING_PARTICIPATION_H

#include "harness/base/status.h"

#include <stdbool.h>

typedef struct chirp_participation chirp_participation;

/** Collective. */
chirp_status chirp_participation_create(chirp_participation **participation);
void chirp_participation_destroy(chirp_participation *participation); /**< accepts NULL */

void chirp_participation_begin(chirp_participation *participation);
/** To be called at the same places of every step. @return false: too late, and so until the end of the step; true outside one */
bool chirp_participation_go_on(chirp_participation *participation);
/** This rank's passes are over, or given up. */
void chirp_participation_end(chirp_participation *participation);

/**
 * The next step's deadline, from how long all ranks have taken. Collective.
 * @param left_out  signals of this rank that the step lacks, over those that it should have had
 */
chirp_status chirp_participation_step(chirp_participation *participation, double left_out);

/** Gives this rank another deadline for the coming step than all have, from its begin [s]; for tests. */
void chirp_participation_limit(chirp_participation *participation, double seconds);

/** From begin to end of this rank's last step, or, when it gave up, how long it would have taken as far as can be told [s]. */
double chirp_participation_seconds(const chirp_participation *participation);
/** How long this step waits, from its begin [s]; INFINITY: for all ranks. */
double chirp_participation_deadline(const chirp_participation *participation);

#endif
