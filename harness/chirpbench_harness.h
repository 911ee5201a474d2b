/**
 * The harness for programs outside of this project, in C and C++: benchmarks (bench/bench.h is the manual), description and
 * measured peaks of the machine, counters, statistics. Link with chirpbench::harness (CMake) or chirpbench-harness (pkg-config).
 */
#ifndef CHIRP_HARNESS_CHIRPBENCH_HARNESS_H
#define CHIRP_HARNESS_CHIRPBENCH_HARNESS_H

/* The system's headers come first: C++ has templates in some of them, which can't have the linkage of C. */
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/base/status.h"
#include "harness/bench/bench.h"
#include "harness/counters/counters.h"
#include "harness/machine/machine.h"
#include "harness/roofline/roofline.h"
#include "harness/stats/stats.h"
#ifdef __cplusplus
}
#endif

#endif
