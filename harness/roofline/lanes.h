/**
 * The loops of this folder that are compiled once per vector width (fma_burst.c, sweep_lanes.c, see
 * harness/CMakeLists.txt). Ask chirp_has_avx512() and chirp_has_avx2() before calling those of a wide one.
 */
#ifndef CHIRP_HARNESS_ROOFLINE_LANES_H
#define CHIRP_HARNESS_ROOFLINE_LANES_H

#include <stdbool.h>
#include <stdint.h>

/** Whether this build has the loops of that width and this processor can run them. */
bool chirp_has_avx512(void);
bool chirp_has_avx2(void);

/** Runs steps of CHIRP_FMA_CHAINS * CHIRP_FMA_WIDTH multiply-adds; the sum of all chains. */
float chirp_fma_avx512(int64_t steps);
float chirp_fma_avx2(int64_t steps);
float chirp_fma_baseline(int64_t steps);

/** Loads x[0..n) `passes` times and returns the sum of all that was loaded. x lies on 64 bytes, n is a multiple of 16. */
float chirp_read_avx512(const float *x, int64_t n, int64_t passes);
float chirp_read_avx2(const float *x, int64_t n, int64_t passes);
float chirp_read_baseline(const float *x, int64_t n, int64_t passes);

/** a[i] = b[i] + s c[i] for i in [0, n), `passes` times; all lie on 64 bytes, n is a multiple of 16. */
void chirp_triad_avx512(float *a, const float *b, const float *c, float s, int64_t n,
                        int64_t passes);
void chirp_triad_avx2(float *a, const float *b, const float *c, float s, int64_t n, int64_t passes);
void chirp_triad_baseline(float *a, const float *b, const float *c, float s, int64_t n,
                          int64_t passes);

#endif
