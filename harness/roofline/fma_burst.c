/*
 * One burst of independent fused multiply-adds. This file is compiled once per vector width, see harness/CMakeLists.txt:
 * CHIRP_FMA_RUN is the function's name, CHIRP_FMA_WIDTH the lanes of a vector, CHIRP_FMA_CHAINS how many independent
 * chains run side by side. The chains cover latency times pipes (4 to 5 cycles times 2 on every core so far) and fit the
 * registers (16 in AVX2, 32 in AVX-512).
 */
#include "harness/roofline/lanes.h"

typedef float lanes __attribute__((vector_size(4 * CHIRP_FMA_WIDTH)));

float CHIRP_FMA_RUN(int64_t steps)
{
    lanes chain[CHIRP_FMA_CHAINS];
    lanes factor;
    lanes shift;
    for (int j = 0; j < CHIRP_FMA_WIDTH; ++j) {
        factor[j] = 0.999f; /* x <- 0.999 x + 0.001 tends to 1: never denormal, never infinite */
        shift[j] = 0.001f;
    }
    for (int i = 0; i < CHIRP_FMA_CHAINS; ++i)
        for (int j = 0; j < CHIRP_FMA_WIDTH; ++j)
            chain[i][j] = 1.0f + 0.01f * (float)(i + j);
    for (int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 32
        for (int i = 0; i < CHIRP_FMA_CHAINS; ++i)
            chain[i] = chain[i] * factor + shift;
    }
    float sum = 0;
    for (int i = 0; i < CHIRP_FMA_CHAINS; ++i)
        for (int j = 0; j < CHIRP_FMA_WIDTH; ++j)
            sum += chain[i][j];
    return sum;
}
