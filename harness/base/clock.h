/** Time. Durations come from CLOCK_MONOTONIC: it never runs backwards. */
#ifndef CHIRP_HARNESS_BASE_CLOCK_H
#define CHIRP_HARNESS_BASE_CLOCK_H

#include <stdint.h>

/** Nanoseconds on CLOCK_MONOTONIC. */
int64_t chirp_now_ns(void);

/** Seconds on CLOCK_MONOTONIC. */
double chirp_now_s(void);

/** CPU time of the whole process (all threads), nanoseconds. */
int64_t chirp_process_cpu_ns(void);

#endif
