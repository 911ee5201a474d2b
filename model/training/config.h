/** A training configuration as JSON: what a checkpoint carries, so that infer and resume know what they read. */
#ifndef CHIRP_MODEL_TRAINING_CONFIG_H
#define CHIRP_MODEL_TRAINING_CONFIG_H

#include "model/signal/settings.h"
#include "model/training/trainer.h"

/** Checks every field of a configuration; the sentence names the option of `chirpbench train`. */
chirp_status chirp_train_config_check(const chirp_train_config *config);

/** @param text  receives JSON text, caller frees with chirp_free() */
chirp_status chirp_train_config_write(const chirp_train_config *config, int ranks, char **text);

/**
 * Fields that earlier versions did not write have their defaults, which is what those versions trained with.
 * @param path    names the file in errors
 * @param config  receives the configuration, whose texts it owns: chirp_train_config_release(). Shares, algorithm and
 *                threads stay at their defaults, as do all fields on failure
 * @param ranks   receives the number of ranks it was trained with; may be NULL
 */
chirp_status chirp_train_config_read(const char *path, const char *text, chirp_train_config *config,
                                     int *ranks);

/**
 * Takes the numbers of the signals from the data set config->data, which knows them. Those that were given stay, and
 * chirp_trainer_create() refuses them when the data set says otherwise.
 */
chirp_status chirp_train_config_take_data(chirp_train_config *config,
                                          const bool given[CHIRP_SIGNAL_SETTINGS]);

/** Frees the texts of a configuration that was read; one whose texts belong to somebody else is left as it is. */
void chirp_train_config_release(chirp_train_config *config);

/**
 * Whether a training with `old` may go on with `now`.
 * @param path     names the file of `old` in errors
 * @param changes  receives what differs and may, as "--iterations 200 instead of 100, ...", or NULL; free with chirp_free()
 * @return CHIRP_ERR_ARG when a field differs that must not; the sentence names it and both values
 */
chirp_status chirp_train_config_compare(const char *path, const chirp_train_config *old,
                                        const chirp_train_config *now, char **changes);

#endif
