/** The noise curves inside a checkpoint (private to model/training). */
#ifndef CHIRP_MODEL_TRAINING_CHECKPOINT_CURVES_H
#define CHIRP_MODEL_TRAINING_CHECKPOINT_CURVES_H

#include "model/signal/curves.h"

#include <hdf5.h>

/** Writes the group noise_curve into an open file. @param path  names it in errors */
chirp_status chirp_checkpoint_curves_write(hid_t file, const char *path, const chirp_curves *curves,
                                           chirp_band band);

/** chirp_checkpoint_read_curves() on an open file. */
chirp_status chirp_checkpoint_curves_read(hid_t file, const char *path, chirp_curves *curves);

#endif
