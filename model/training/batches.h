/**
 * Where a trainer's signals come from: made on the fly or read from a data set, ahead of time by a thread of its own.
 * A step's signals are numbered through; each rank takes neighbouring ones, as many in each of its passes (shares.h).
 * Private to model/training.
 */
#ifndef CHIRP_MODEL_TRAINING_BATCHES_H
#define CHIRP_MODEL_TRAINING_BATCHES_H

#include "model/training/share_control.h"
#include "model/training/trainer.h"

typedef struct chirp_batches chirp_batches;

/** @return CHIRP_ERR_ARG, CHIRP_ERR_RANGE when a data set does not fit the network or has too few rows */
chirp_status chirp_batches_create(const chirp_train_config *config, int ranks,
                                  chirp_batches **batches);
void chirp_batches_destroy(chirp_batches *batches); /**< accepts NULL */

/**
 * Says which signals this rank's passes have: in pass p of the step first + p * n .. first + p * n + n - 1, for a share of n.
 * Comes before everything below, and before every step whose share is new. Signals made ahead of time stay: they are never
 * made for a step whose share isn't known.
 * @param step      the coming one
 * @param share     of the coming step and of the one after it
 * @param constant  share[0] holds for all steps
 */
chirp_status chirp_batches_assign(chirp_batches *batches, int64_t step, const chirp_share share[2],
                                  bool constant);

/**
 * The signals of one of this rank's passes of a step, in order or from anywhere after a resume.
 * @param pass    0 .. accumulate - 1
 * @param strain  receives [n][length], valid until the next call
 * @param label   receives [n][CHIRP_LABELS], likewise
 */
chirp_status chirp_batches_training(chirp_batches *batches, int64_t iteration, int64_t pass,
                                    const float **strain, const float **label);

/** Held-out signals first .. first + n - 1, wherever training is; valid as above. */
chirp_status chirp_batches_validation(chirp_batches *batches, int64_t first, const float **strain,
                                      const float **label);

/** Different training signals in all: rows of a data set; 0 when they are made on the fly and never repeat. */
int64_t chirp_batches_rows(const chirp_batches *batches);

#endif
