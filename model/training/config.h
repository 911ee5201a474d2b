/** A training configuration as JSON: what a checkpoint carries, so that infer and resume know what they read. */
#ifndef CHIRP_MODEL_TRAINING_CONFIG_H
#define CHIRP_MODEL_TRAINING_CONFIG_H

#include "harness/json/json.h"
#include "model/signal/parameters.h"
#include "model/training/parameters.h"

#include <stdint.h>

/** Checks every field of a configuration; the sentence names the option of `chirpbench train`. */
chirp_status chirp_train_config_check(const chirp_train_config *config);

/**
 * Makes the signals' length that of the network, and their rate that of a second of it.
 * @param given  by row of chirp_signal_option: a rate that was given stays; NULL: none was
 */
chirp_status chirp_train_fit_signals(chirp_train_config *config,
                                     const bool given[CHIRP_SIGNAL_OPTIONS]);

/** @param text  receives JSON text, caller frees with chirp_free() */
chirp_status chirp_train_config_write(const chirp_train_config *config, int ranks, char **text);

/**
 * Takes the numbers of the signals from the data set config->data, which knows them. Those that were given stay, and
 * chirp_trainer_create() refuses them when the data set says otherwise.
 * @param given  by row of chirp_signal_option
 */
chirp_status chirp_train_config_take_data(chirp_train_config *config,
                                          const bool given[CHIRP_SIGNAL_OPTIONS]);

enum { CHIRP_TRAIN_STRINGS = 8 };

/** A configuration read back. */
typedef struct chirp_train_record {
    /** Fields that are not stored have the values of chirp_train_config_study(); strings live as long as the record. */
    chirp_train_config config;
    int ranks;                            /**< it was trained with */
    uint64_t missing[CHIRP_TRAIN_TABLES]; /**< bit i: row i of the table was not stored */
    char *string[CHIRP_TRAIN_STRINGS];
    int n_strings;
} chirp_train_record;

/**
 * @param path    names the file in errors
 * @param record  receives the configuration; release it with chirp_train_record_release(), also after a failure
 * @return CHIRP_ERR_FORMAT when a field is missing, of another type or beyond its limits. Fields that earlier versions did
 *         not store may be missing: they have the values of the preset study, which is what those versions trained with
 */
chirp_status chirp_train_record_read(const char *path, const char *text,
                                     chirp_train_record *record);
void chirp_train_record_release(chirp_train_record *record);

/**
 * Whether training may go on from `old` with `now`.
 * @param note  receives one line for the user, or nothing: the options that differ and may
 * @return CHIRP_ERR_ARG naming the option, both values and the remedy when a field differs that must be the same
 */
chirp_status chirp_train_record_compare(const char *path, const chirp_train_record *old,
                                        const chirp_train_config *now, int ranks, chirp_text *note);

#endif
