/** Compares the noise curve of a checkpoint with that of data, for commands that infer. */
#ifndef CHIRP_SUITES_COMMANDS_CURVE_CHECK_H
#define CHIRP_SUITES_COMMANDS_CURVE_CHECK_H

#include "model/signal/curves.h"
#include "model/signal/strain.h"

#include <cjson/cJSON.h>

/**
 * Prints the overlap of signals whitened with the training's curve (of several, the one most alike) and with the data's, adds it
 * to `event`, and warns on stderr below CHIRP_OVERLAP_LEAST, or when the checkpoint has no curve to compare.
 * @param curves  the checkpoint's
 * @param path    of the strain, for messages
 */
chirp_status chirp_curve_check(const char *checkpoint, const chirp_curves *curves, const char *path,
                               const chirp_strain_info *info, cJSON *event);

#endif
