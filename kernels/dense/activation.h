/** Activations over an array, for kernels that make pre-activations of their own. Header only; serial. */
#ifndef CHIRP_KERNELS_DENSE_ACTIVATION_H
#define CHIRP_KERNELS_DENSE_ACTIVATION_H

#include "kernels/dense/dense.h"

#include <math.h>
#include <stdint.h>

/** x = act(x); NaN goes through. */
static inline void chirp_activate(chirp_activation activation, int64_t n, float *x)
{
    if (activation == CHIRP_ACTIVATION_RELU) {
#pragma omp simd
        for (int64_t i = 0; i < n; ++i)
            x[i] = x[i] < 0.0f ? 0.0f : x[i];
    } else if (activation == CHIRP_ACTIVATION_TANH) {
        for (int64_t i = 0; i < n; ++i)
            x[i] = tanhf(x[i]);
    }
}

#endif
