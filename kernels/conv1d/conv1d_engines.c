/* Look-ups in the engine table of conv1d.h. */
#include "kernels/conv1d/conv1d_internal.h"

#define ENGINE(constant, name) [CHIRP_CONV1D_##constant] = &conv1d_engine_##name,
#define NAME(constant, name) [CHIRP_CONV1D_##constant] = #name,

const conv1d_engine *conv1d_engine_of(chirp_conv1d_algorithm algorithm)
{
    static const conv1d_engine *const engines[] = {CHIRP_CONV1D_ENGINES(ENGINE)};
    return engines[algorithm];
}

const char *chirp_conv1d_algorithm_name(chirp_conv1d_algorithm algorithm)
{
    static const char *const names[] = {[CHIRP_CONV1D_AUTO] = "auto", CHIRP_CONV1D_ENGINES(NAME)};
    return names[algorithm];
}
