/** The bursts of fma_burst.c: one function per vector width, used by fma.c only after asking the processor. */
#ifndef CHIRP_HARNESS_ROOFLINE_FMA_BURST_H
#define CHIRP_HARNESS_ROOFLINE_FMA_BURST_H

#include <stdint.h>

/** Runs steps of CHIRP_FMA_CHAINS * CHIRP_FMA_WIDTH multiply-adds; the sum of all chains. */
float chirp_fma_avx512(int64_t steps);
float chirp_fma_avx2(int64_t steps);
float chirp_fma_baseline(int64_t steps);

#endif
