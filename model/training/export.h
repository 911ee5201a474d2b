/**
 * Compact checkpoints: no optimiser state, 16-bit floats (IEEE half precision: 11 significant bits) in HDF5 with byte shuffle and
 * deflate. They are checkpoints like any other to who reads parameters only.
 */
#ifndef CHIRP_MODEL_TRAINING_EXPORT_H
#define CHIRP_MODEL_TRAINING_EXPORT_H

#include "model/training/trained.h"

/**
 * Rounds numbers to the nearest half-precision number, as the file holds them.
 * @return CHIRP_ERR_RANGE  a number is larger than 65504
 */
chirp_status chirp_half_round(const char *what, float *x, int64_t n);

/**
 * Writes the network of `from` to `to`. Configuration, seed, iteration and all that the file holds beside parameters and optimiser
 * state are kept; the distance of features is that of `trained`. Atomic.
 * @param parameters  [arena] as chirp_network_parameters(), after chirp_half_round()
 * @param text        names and values of texts to add as attributes of group "export", in pairs, NULL-terminated
 */
chirp_status chirp_trained_export(const char *from, const char *to, const chirp_trained *trained,
                                  const float *parameters, const char *const *text);

#endif
