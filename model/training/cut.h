/**
 * Networks cut out of another (model/inference/impact.h) in checkpoints: their tables are those of a named network with other
 * widths and fewer leaves. configuration is that of the whole network's training.
 */
#ifndef CHIRP_MODEL_TRAINING_CUT_H
#define CHIRP_MODEL_TRAINING_CUT_H

#include "model/inference/impact.h"

#include <hdf5.h>

/** Adds group `cut` to an open file. @param path  names it in errors */
chirp_status chirp_cut_put(hid_t file, const char *path, const chirp_cut *cut);

/**
 * @param found  receives whether the checkpoint holds a network that was cut out; `cut` is untouched if not
 * @return CHIRP_ERR_FORMAT when a size or a number is impossible
 */
chirp_status chirp_cut_read(const char *path, bool *found, chirp_cut *cut);

#endif
