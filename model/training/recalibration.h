/** Recalibration factors in checkpoints: one for each leaf, by which its posteriors are stretched about their means. */
#ifndef CHIRP_MODEL_TRAINING_RECALIBRATION_H
#define CHIRP_MODEL_TRAINING_RECALIBRATION_H

#include "harness/base/status.h"

/**
 * @param n       leaves
 * @param factor  receives [n], all 0 when the checkpoint has none
 * @param note    receives how they were found, caller frees with chirp_free(); NULL when the checkpoint has none
 * @return CHIRP_ERR_FORMAT when their number or a value is impossible
 */
chirp_status chirp_recalibration_read(const char *path, int n, double *factor, char **note);

/** Copies checkpoint `from` to `to`, with these factors in place of any that it had. Atomic. */
chirp_status chirp_recalibration_write(const char *from, const char *to, int n,
                                       const double *factor, const char *note);

#endif
