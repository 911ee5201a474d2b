/**
 * Where a trainer's signals come from: made on the fly or read from a data set, ahead of time by a thread of its own.
 * A step's signals are cut into parts of `batch` signals, of which a rank takes neighbouring ones (shares.h).
 * Private to model/training.
 */
#ifndef CHIRP_MODEL_TRAINING_BATCHES_H
#define CHIRP_MODEL_TRAINING_BATCHES_H

#include "model/training/trainer.h"

typedef struct chirp_batches chirp_batches;

/** @return CHIRP_ERR_ARG, CHIRP_ERR_RANGE when a data set does not fit the network or has too few rows */
chirp_status chirp_batches_create(const chirp_train_config *config, int ranks,
                                  chirp_batches **batches);
void chirp_batches_destroy(chirp_batches *batches); /**< accepts NULL */

/** From now on this rank takes parts first .. first + n - 1 of every step; none before the first call. */
void chirp_batches_assign(chirp_batches *batches, int64_t first, int64_t n);

/**
 * The signals of one of this rank's parts of a step, in order or from anywhere after a resume.
 * @param part    0 .. n - 1
 * @param strain  receives [batch][length], valid until the next call
 * @param label   receives [batch][CHIRP_LABELS], likewise
 */
chirp_status chirp_batches_training(chirp_batches *batches, int64_t iteration, int64_t part,
                                    const float **strain, const float **label);

/** Held-out signals first .. first + batch - 1, wherever training is; valid as above. */
chirp_status chirp_batches_validation(chirp_batches *batches, int64_t first, const float **strain,
                                      const float **label);

/** Different training signals in all: rows of a data set; 0 when they are made on the fly and never repeat. */
int64_t chirp_batches_rows(const chirp_batches *batches);

#endif
