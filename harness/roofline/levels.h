/**
 * The roof of a machine: bandwidth of each cache level and of memory, with one and with all threads, measured once per
 * machine and kept under its identity in $XDG_CACHE_HOME/chirpbench (or ~/.cache/chirpbench).
 */
#ifndef CHIRP_HARNESS_ROOFLINE_LEVELS_H
#define CHIRP_HARNESS_ROOFLINE_LEVELS_H

#include "harness/machine/machine.h"

enum { CHIRP_MAX_LEVELS = 6 };

typedef struct chirp_level {
    char name[8];            /**< "L1", "L2", "L3", "memory" */
    int64_t capacity_bytes;  /**< of one thread's share; memory: the installed bytes */
    size_t bytes_per_thread; /**< working set that was measured */
    double read_bytes_per_second, triad_bytes_per_second; /**< of all `threads` together */
    double latency_ns; /**< of a dependent load, one thread; 0 when not measured */
} chirp_level;

typedef struct chirp_levels {
    int threads;
    int count;
    chirp_level item[CHIRP_MAX_LEVELS]; /**< nearest first */
    char date[32];                      /**< when it was measured, ISO 8601 */
} chirp_levels;

/**
 * Measures now: about budget_s for each kind of each level.
 * @param with_latency  also walk pointers through each level
 */
chirp_status chirp_levels_measure(const chirp_host *machine, int threads, double budget_s,
                                  bool with_latency, chirp_levels *levels);

/** Reads what an earlier measurement kept for this machine and thread count; false if there is none that fits. */
bool chirp_levels_load(const chirp_host *machine, int threads, chirp_levels *levels);

/** Keeps a measurement; a folder that can't be written is no failure of the measurement, so this only returns false. */
bool chirp_levels_store(const chirp_host *machine, const chirp_levels *levels);

/**
 * The roof over a kernel that does `flops` operations and moves at least `bytes` per call: the level is the nearest
 * that holds the bytes of one thread.
 * @param peak_gflops  FMA peak of the same threads
 * @param level        receives the level's index
 * @return min(peak, flops/bytes * read bandwidth of the level), GFLOP/s
 */
double chirp_levels_roof(const chirp_levels *levels, double peak_gflops, double flops, double bytes,
                         int *level);

#endif
