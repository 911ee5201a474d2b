/* Compiled with the flags of the project's own SIMD code, so that it can't say something else than what they give. */
#include "harness/machine/machine_internal.h"

#if defined(__AVX512F__)
const char chirp_built_simd[] = "avx512";
#elif defined(__AVX2__)
const char chirp_built_simd[] = "avx2";
#elif defined(__AVX__)
const char chirp_built_simd[] = "avx";
#elif defined(__aarch64__)
const char chirp_built_simd[] = "asimd";
#else
const char chirp_built_simd[] = "sse2";
#endif
