/** The options and stored fields of a training configuration: one row each, for commands and for checkpoints. */
#ifndef CHIRP_MODEL_TRAINING_PARAMETERS_H
#define CHIRP_MODEL_TRAINING_PARAMETERS_H

#include "harness/base/options.h"
#include "model/training/trainer.h"

/** Tables of a configuration: training itself, its signals, its exchange. */
enum { CHIRP_TRAIN_OWN, CHIRP_TRAIN_SIGNALS, CHIRP_TRAIN_EXCHANGE, CHIRP_TRAIN_TABLES };

/** Names of the objects that hold a table's fields in stored configurations; NULL: the root. */
extern const char *const chirp_train_object[CHIRP_TRAIN_TABLES];

/**
 * The rows of every table, about the fields of `config`, which may be const for those who only read.
 * @param only  options of `chirpbench COMMAND` to take, NULL-terminated; NULL: all of `chirpbench train`
 */
void chirp_train_tables(const chirp_train_config *config, const char *const *only,
                        chirp_option_table tables[CHIRP_TRAIN_TABLES]);

/** What the study, and versions of chirpbench without a preset, trained with. */
chirp_train_config chirp_train_config_study(void);

/** Names of presets, "default|study|...". */
const char *chirp_train_preset_choices(void);

/** Room for a mark of each row of chirp_train_tables()[CHIRP_TRAIN_OWN]. */
enum { CHIRP_TRAIN_OWN_OPTIONS = 64 };

/**
 * Sets the options that a preset names. Rows of fields, so that a checkpoint stores them as if they were given.
 * @param given  [table] -> by row: options that keep their value; NULL, or NULL for a table: none
 */
chirp_status chirp_train_preset(const char *name, const bool *const given[CHIRP_TRAIN_TABLES],
                                chirp_train_config *config);

#endif
