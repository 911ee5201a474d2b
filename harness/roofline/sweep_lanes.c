/*
 * Loads, and a triad, in vectors of one width. This file is compiled once per vector width, see harness/CMakeLists.txt:
 * CHIRP_READ_RUN and CHIRP_TRIAD_RUN are the functions' names, CHIRP_SWEEP_WIDTH the lanes of a vector. Vectors wider than the
 * registers would be taken apart and pass through the stack: then the loop measures that and not the cache.
 */
#include "harness/roofline/lanes.h"

typedef float lanes __attribute__((vector_size(4 * CHIRP_SWEEP_WIDTH), may_alias));

enum {
    WIDTH = CHIRP_SWEEP_WIDTH,
    SUMS = 8,   /* enough running sums that loads bound the loop, not the latency of additions */
    COPIES = 4, /* vectors of an unrolled step of the triad */
};

static lanes load(const float *x) { return *(const lanes *)x; }

float CHIRP_READ_RUN(const float *x, int64_t n, int64_t passes)
{
    /* eight names and no array: GCC keeps an array in memory across the end of a pass */
    lanes s0 = {0};
    lanes s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (int64_t p = 0; p < passes; ++p) {
        int64_t i = 0;
        for (; i + SUMS * WIDTH <= n; i += SUMS * WIDTH) {
            s0 += load(x + i);
            s1 += load(x + i + WIDTH);
            s2 += load(x + i + 2 * WIDTH);
            s3 += load(x + i + 3 * WIDTH);
            s4 += load(x + i + 4 * WIDTH);
            s5 += load(x + i + 5 * WIDTH);
            s6 += load(x + i + 6 * WIDTH);
            s7 += load(x + i + 7 * WIDTH);
        }
        for (; i < n; i += WIDTH)
            s0 += load(x + i);
        __asm__ volatile("" ::: "memory"); /* every pass loads anew */
    }
    s0 = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
    float sum = 0;
    for (int k = 0; k < WIDTH; ++k)
        sum += s0[k];
    return sum;
}

void CHIRP_TRIAD_RUN(float *a, const float *b, const float *c, float s, int64_t n, int64_t passes)
{
    lanes factor;
    for (int k = 0; k < WIDTH; ++k)
        factor[k] = s;
    for (int64_t p = 0; p < passes; ++p) {
        int64_t i = 0;
        for (; i + COPIES * WIDTH <= n; i += COPIES * WIDTH) {
#pragma GCC unroll 4
            for (int j = 0; j < COPIES; ++j)
                *(lanes *)(a + i + j * WIDTH) = *(const lanes *)(b + i + j * WIDTH) +
                                                factor * *(const lanes *)(c + i + j * WIDTH);
        }
        for (; i < n; i += WIDTH)
            *(lanes *)(a + i) = *(const lanes *)(b + i) + factor * *(const lanes *)(c + i);
        __asm__ volatile("" ::: "memory");
    }
}
