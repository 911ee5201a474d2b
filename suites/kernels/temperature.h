/**
 * How warm the caches are when a measured call starts, and a probe that shows whether they were.
 *
 * A canary, a block of 64 KiB in the first thread's caches, is touched before the caches are emptied; the time of
 * dependent loads from it says whether emptying worked: everything that was touched no later is as cold as it is.
 */
#ifndef CHIRP_SUITES_KERNELS_TEMPERATURE_H
#define CHIRP_SUITES_KERNELS_TEMPERATURE_H

#include "harness/bench/bench.h"
#include "harness/roofline/roofline.h"

typedef enum chirp_temperature {
    CHIRP_TEMPERATURE_HOT = 0, /**< call after call on the same tensors */
    CHIRP_TEMPERATURE_WEIGHTS_COLD, /**< caches emptied, then the tensors read again: packed weights are cold */
    CHIRP_TEMPERATURE_ALL_COLD, /**< caches emptied */
    CHIRP_TEMPERATURE_FIRST_CALL, /**< caches emptied, compiled code thrown away; the plan is made in the call */
} chirp_temperature;

typedef struct chirp_cooler {
    int threads;
    float *flood; /* as large as all caches, twice */
    size_t flood_floats;
    chirp_chase canary;
    double hot_ns, cold_ns; /* sums over calls [ns per load] */
    int64_t calls;
} chirp_cooler;

/** @return CHIRP_OK, CHIRP_ERR_NOMEM; on failure nothing stays allocated */
chirp_status chirp_cooler_create(int threads, chirp_cooler *cooler);
void chirp_cooler_destroy(chirp_cooler *cooler);

/** Empties the caches of all threads and probes the canary. */
void chirp_cooler_empty(chirp_cooler *cooler);

/** Reads a tensor again, shared out as kernels do. */
void chirp_cooler_warm(const chirp_cooler *cooler, const void *tensor, size_t bytes);

/**
 * Writes counters canary_hot_ns and canary_cold_ns.
 * @return CHIRP_OK; CHIRP_ERR_NUMERIC when the cold canary was not three times as slow as the hot one: the run
 *         was not cold, so it has no time
 */
chirp_status chirp_cooler_report(const chirp_cooler *cooler, chirp_bench *b);

#endif
