/**
 * Inverted dropout: dst[i] = src[i] * keep_i / (1 - rate), keep_i = (uniform draw i of `rng` >= rate).
 * The mask is drawn again in the backward pass, never stored. In place is allowed. Parallel over n,
 * bitwise the same for any number of threads.
 */
#ifndef CHIRP_KERNELS_DROPOUT_DROPOUT_H
#define CHIRP_KERNELS_DROPOUT_DROPOUT_H

#include "kernels/random/random.h"

#include <stdint.h>

/** @param first  draw number of element 0: a rank or a piece of a batch passes its offset */
void chirp_dropout(int64_t n, float rate, chirp_rng rng, uint64_t first, const float *src,
                   float *dst, int n_threads);

#endif
