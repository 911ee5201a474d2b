/** A training configuration as JSON: what a checkpoint carries, so that infer and resume know what they read. */
#ifndef CHIRP_MODEL_TRAINING_CONFIG_H
#define CHIRP_MODEL_TRAINING_CONFIG_H

#include "harness/json/json.h"
#include "model/training/parameters.h"

#include <stdint.h>

/** Checks every field of a configuration; the sentence names the option of `chirpbench train`. */
chirp_status chirp_train_config_check(const chirp_train_config *config);

/** @param text  receives JSON text, caller frees with chirp_free() */
chirp_status chirp_train_config_write(const chirp_train_config *config, int ranks, char **text);

enum { CHIRP_TRAIN_STRINGS = 8 };

/** A configuration read back. */
typedef struct chirp_train_record {
    /** Fields that are not stored have their defaults; strings live as long as the record. */
    chirp_train_config config;
    int ranks;                            /**< it was trained with */
    uint64_t missing[CHIRP_TRAIN_TABLES]; /**< bit i: an earlier version did not store row i of the table */
    char *string[CHIRP_TRAIN_STRINGS];
    int n_strings;
} chirp_train_record;

/**
 * @param path    names the file in errors
 * @param record  receives the configuration; release it with chirp_train_record_release(), also after a failure
 * @return CHIRP_ERR_FORMAT when a field is missing, of another type or beyond its limits. Fields that earlier versions did
 *         not store may be missing: they are marked in record->missing
 */
chirp_status chirp_train_record_read(const char *path, const char *text, chirp_train_record *record);
void chirp_train_record_release(chirp_train_record *record);

/**
 * Whether training may go on from `old` with `now`.
 * @param note  receives one line (or nothing) for the user: the options that differ and may, and those that an earlier
 *              version did not store, which are not compared
 * @return CHIRP_ERR_ARG naming the option, both values and the remedy when a field differs that must be the same
 */
chirp_status chirp_train_record_compare(const char *path, const chirp_train_record *old,
                                        const chirp_train_config *now, int ranks, chirp_text *note);

#endif
