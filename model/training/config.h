/** A training configuration as JSON: what a checkpoint carries, so that infer and resume know what they read. */
#ifndef CHIRP_MODEL_TRAINING_CONFIG_H
#define CHIRP_MODEL_TRAINING_CONFIG_H

#include "model/training/trainer.h"

/** Checks every field of a configuration; the sentence names the option of `chirpbench train`. */
chirp_status chirp_train_config_check(const chirp_train_config *config);

/** @param text  receives JSON text, caller frees with chirp_free() */
chirp_status chirp_train_config_write(const chirp_train_config *config, int ranks, char **text);

/**
 * @param path    names the file in errors
 * @param config  receives the configuration; exchange, shares, algorithm and threads stay at their defaults; strings are static
 * @param ranks   receives the number of ranks it was trained with; may be NULL
 */
chirp_status chirp_train_config_read(const char *path, const char *text, chirp_train_config *config,
                                     int *ranks);

#endif
