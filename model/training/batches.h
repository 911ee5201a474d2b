/**
 * Where a trainer's signals come from: made on the fly or read from a data set, ahead of time by a thread of its own.
 * Rank r of R takes rows r*batch .. (r+1)*batch - 1 of a step's R*batch signals. Private to model/training.
 */
#ifndef CHIRP_MODEL_TRAINING_BATCHES_H
#define CHIRP_MODEL_TRAINING_BATCHES_H

#include "model/training/trainer.h"

typedef struct chirp_batches chirp_batches;

/** @return CHIRP_ERR_ARG, CHIRP_ERR_RANGE when a data set does not fit the network or has too few rows */
chirp_status chirp_batches_create(const chirp_train_config *config, int rank, int ranks,
                                  chirp_batches **batches);
void chirp_batches_destroy(chirp_batches *batches); /**< accepts NULL */

/**
 * The signals of one step, in order or from anywhere after a resume.
 * @param strain  receives [batch][length], valid until the next call
 * @param label   receives [batch][CHIRP_LABELS], likewise
 */
chirp_status chirp_batches_training(chirp_batches *batches, int64_t iteration, const float **strain,
                                    const float **label);

/** Held-out signals first .. first + batch - 1, wherever training is; valid as above. */
chirp_status chirp_batches_validation(chirp_batches *batches, int64_t first, const float **strain,
                                      const float **label);

/** Different training signals in all: rows of a data set; 0 when they are made on the fly and never repeat. */
int64_t chirp_batches_rows(const chirp_batches *batches);

#endif
