/** The numbers of a signal configuration that a data set and a checkpoint carry, as one table. */
#ifndef CHIRP_MODEL_SIGNAL_SETTINGS_H
#define CHIRP_MODEL_SIGNAL_SETTINGS_H

#include "harness/base/field.h"

enum { CHIRP_SIGNAL_SETTINGS = 14 };

/** Fields of chirp_signal_config; names are those of a data set's attributes, options those of `train` and `generate`. */
extern const chirp_field chirp_signal_setting[CHIRP_SIGNAL_SETTINGS];

#endif
