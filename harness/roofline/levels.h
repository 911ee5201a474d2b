/**
 * The roof of a machine: bandwidth of each cache level and of memory, with one and with all threads. Measured once and kept
 * in $XDG_CACHE_HOME/chirpbench (or ~/.cache/chirpbench) under the machine's identity, the program's version and build, and the
 * processors that it may use. What is doubtful is never kept.
 */
#ifndef CHIRP_HARNESS_ROOFLINE_LEVELS_H
#define CHIRP_HARNESS_ROOFLINE_LEVELS_H

#include "harness/machine/machine.h"

enum { CHIRP_MAX_LEVELS = 6 };

typedef struct chirp_level {
    char name[8];            /**< "L1", "L2", "L3", "memory" */
    int64_t capacity_bytes;  /**< of one thread's share; memory: the installed bytes */
    size_t bytes_per_thread; /**< working set that was measured */
    bool own;                /**< each of the threads has one of its own */
    double read_bytes_per_second, triad_bytes_per_second; /**< of all `threads` together */
    double read_lower, triad_lower; /**< of the lower of the two tries of each */
    double latency_ns;              /**< of a dependent load, one thread; 0 when not measured */
} chirp_level;

typedef struct chirp_levels {
    int threads;
    int processors; /**< that they may use; 0 unknown */
    int count;
    chirp_level item[CHIRP_MAX_LEVELS]; /**< nearest first */
    char date[32];                      /**< when it was measured, ISO 8601 */
} chirp_levels;

/**
 * Measures now, in two tries: about budget_s for each kind of each level.
 * @param with_latency  also walk pointers through each level
 */
chirp_status chirp_levels_measure(const chirp_host *machine, int threads, double budget_s,
                                  bool with_latency, chirp_levels *levels);

/** Reads below this share of the triad's speed are doubtful: two loads and a store at a time are half as much again as two loads. */
#define CHIRP_LEAST_READ_OVER_TRIAD 0.7

enum { CHIRP_MAX_LEVEL_DOUBTS = 5 * CHIRP_MAX_LEVELS + 1 };

typedef struct chirp_level_doubt {
    int level; /**< index, or -1: about all of them */
    char text[200];
} chirp_level_doubt;

/**
 * What speaks against a measurement: reads slower than the triad allows, a level slower than the next one out, two tries that
 * differ by more than a quarter, threads that had to take turns. @return how many; 0: nothing does
 */
int chirp_levels_doubts(const chirp_levels *levels, chirp_level_doubt *doubts);

/** Reads what an earlier measurement kept for this machine, build and thread count; false if there is none that fits. */
bool chirp_levels_load(const chirp_host *machine, int threads, chirp_levels *levels);

/**
 * Keeps a measurement that nothing speaks against. A folder that can't be written is no failure of the measurement, so this
 * only returns false.
 */
bool chirp_levels_store(const chirp_host *machine, const chirp_levels *levels);

/**
 * What this process has for the thread count, else what was kept, else measured now, and kept if it may be. A doubtful
 * measurement is good for this process only: chirp_levels_doubts().
 */
chirp_status chirp_levels_get(int threads, double budget_s, chirp_levels *levels);

/** Stores levels that another process of this run has measured: the next chirp_levels_get() of that count returns them. */
void chirp_levels_set(const chirp_levels *levels);

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
