/** The options and stored fields of a signal configuration, for the tables of commands and of training. */
#ifndef CHIRP_MODEL_SIGNAL_PARAMETERS_H
#define CHIRP_MODEL_SIGNAL_PARAMETERS_H

#include "harness/base/options.h"
#include "model/signal/generator.h"

/** All rows; offsets are in chirp_signal_config. Keys are those of checkpoints and of a data set's attributes. */
extern const chirp_option chirp_signal_options[];
extern const size_t chirp_signal_n_options;

#endif
