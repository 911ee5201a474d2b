/* The list of algorithms: one line each. */
#include "kernels/conv1d/conv1d_internal.h"

static const conv1d_engine *const candidates[] = {
    &conv1d_engine_direct,
    &conv1d_engine_transform,
};

const conv1d_engine *const *conv1d_engine_candidates(size_t *n)
{
    *n = sizeof candidates / sizeof *candidates;
    return candidates;
}

const conv1d_engine *conv1d_engine_find(chirp_conv1d_algorithm algorithm)
{
    if (algorithm == CHIRP_CONV1D_REFERENCE)
        return &conv1d_engine_reference;
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; ++i)
        if (candidates[i]->algorithm == algorithm)
            return candidates[i];
    return NULL;
}
