/**
 * The shares of a step between ranks: option, load balancer and messages. Rank 0 decides; a step costs every rank one number
 * to it and two back, whatever the number of ranks.
 */
#ifndef CHIRP_MODEL_TRAINING_SHARE_CONTROL_H
#define CHIRP_MODEL_TRAINING_SHARE_CONTROL_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/** One rank's part of a step. */
typedef struct chirp_share {
    int64_t first;   /**< its first signal among those of the step */
    int64_t signals; /**< of each of its passes */
} chirp_share;

typedef struct chirp_share_control chirp_share_control;

/**
 * Collective.
 * @param text    "equal", "measured" or a list (shares.h)
 * @param batch   signals of a pass, mean over ranks
 * @param passes  of a step
 */
chirp_status chirp_share_control_create(const char *text, int64_t batch, int64_t passes,
                                        chirp_share_control **control);
void chirp_share_control_destroy(chirp_share_control *control); /**< accepts NULL */

/** This rank's share of the coming step, `ahead` 0, and of the one after it, 1. */
chirp_share chirp_share_control_share(const chirp_share_control *control, int ahead);

/**
 * Takes what a signal has taken this rank in the step just made [s] and moves on to the next step. Collective; without
 * messages and effect unless shares are "measured" and there are several ranks.
 */
chirp_status chirp_share_control_step(chirp_share_control *control, double seconds);

/** Whether shares may change from step to step: then they are known for one step ahead, else for all. */
bool chirp_share_control_follows(const chirp_share_control *control);

/** [ranks] signals of each rank's passes in the coming step, on rank 0; NULL on the others. Valid until the
    step after the next. */
const int64_t *chirp_share_control_all(const chirp_share_control *control);

#endif
