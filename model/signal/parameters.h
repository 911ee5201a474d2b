/** The options and stored fields of a signal configuration, for the tables of commands and of training. */
#ifndef CHIRP_MODEL_SIGNAL_PARAMETERS_H
#define CHIRP_MODEL_SIGNAL_PARAMETERS_H

#include "harness/base/options.h"
#include "model/signal/generator.h"

enum { CHIRP_SIGNAL_OPTIONS = 20 };

/** All rows; offsets are in chirp_signal_config, keys are those of checkpoints. */
extern const chirp_option chirp_signal_option[CHIRP_SIGNAL_OPTIONS];

/** The attribute of a data set that holds a row's number, or NULL: texts, and what is not stored. */
const char *chirp_signal_attribute(const chirp_option *row);

#endif
