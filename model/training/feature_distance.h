/** The distance of features (model/inference/distance.h) in checkpoints. */
#ifndef CHIRP_MODEL_TRAINING_FEATURE_DISTANCE_H
#define CHIRP_MODEL_TRAINING_FEATURE_DISTANCE_H

#include "model/inference/distance.h"

#include <hdf5.h>

/** Its group, which training doesn't write: a training that goes on changes what features are. */
#define CHIRP_FEATURE_DISTANCE_GROUP "feature_distance"

/**
 * @param width     chirp_distance_width() of the checkpoint's network
 * @param distance  receives it, zeroed when the checkpoint has none; release it with chirp_distance_release(), also after a failure
 * @return CHIRP_ERR_FORMAT when a size or a number is impossible
 */
chirp_status chirp_feature_distance_read(const char *path, int64_t width, chirp_distance *distance);

/** Adds its group to an open file that has none. @param path  names it in errors */
chirp_status chirp_feature_distance_put(hid_t file, const char *path,
                                        const chirp_distance *distance);

#endif
