/**
 * What this machine can do at most, measured: fused multiply-adds and bytes per second.
 *
 * The FMA peak is the best of many short bursts of independent fused multiply-adds in registers, in the widest
 * vectors the machine has (AVX-512, AVX2 and FMA, or the compiler's baseline), on the threads asked for. Bandwidth is
 * the best stretch of a triad a = b + s*c, or of loads alone, over arrays that fit a cache level or exceed all of them, in
 * the same vectors. Best-of is right here: other tenants of the machine can only make a burst slower. Every thread times
 * itself, and no thread waits for another while the clock runs.
 */
#ifndef CHIRP_HARNESS_ROOFLINE_ROOFLINE_H
#define CHIRP_HARNESS_ROOFLINE_ROOFLINE_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct chirp_fma_kernel {
    const char *name;      /**< "avx512", "avx2", "baseline" */
    double flops_per_step; /**< operations of one step */
    /** Runs `steps` steps; the result depends on all of them. */
    float (*run)(int64_t steps);
    bool (*supported)(void);
} chirp_fma_kernel;

/** The kernels that this build has, NULL-name terminated, widest first. */
extern const chirp_fma_kernel chirp_fma_kernels[];

typedef struct chirp_fma_peak {
    double gflops;       /**< best burst, all threads together */
    double lower_gflops; /**< of the lower of two tries: near the best where nothing disturbed */
    const char *name;    /**< the kernel that reached it */
    int threads;         /**< that took part */
} chirp_fma_peak;

/**
 * FMA peak on `threads` OpenMP threads. Takes about `budget_s` seconds, in two tries, the first time in a process;
 * later calls with the same count return the stored value.
 * @return CHIRP_OK, CHIRP_ERR_ARG (threads < 1), CHIRP_ERR_UNSUPPORTED (OpenMP gave fewer threads)
 */
chirp_status chirp_roofline_fma(int threads, double budget_s, chirp_fma_peak *peak);

/** As chirp_roofline_fma(), but always measures, and stores the result when it is higher. */
chirp_status chirp_roofline_fma_again(int threads, double budget_s, chirp_fma_peak *peak);

/** Stores a peak that another process of this run has measured. */
void chirp_roofline_fma_set(const chirp_fma_peak *peak);

/** Whether two tries of the same thing differ by more than a quarter: then at least one of them was disturbed. */
bool chirp_roofline_differ(double a, double b);

/** What speaks against the peak, one sentence, in text; false: nothing. */
bool chirp_roofline_fma_doubt(const chirp_fma_peak *peak, char *text, size_t room);

/** What is swept, and how the threads' speeds are put together. */
typedef struct chirp_sweep {
    int threads;
    size_t bytes_per_thread; /**< working set of each thread, all three arrays together */
    bool read_only;          /**< loads alone; else a triad: for caches that is bound by stores */
    /**
     * The level is each thread's own: their bests add up, whenever they were. Else only what all moved at the same time
     * counts, for a thread that has a shared level to itself reads faster.
     */
    bool own_level;
} chirp_sweep;

/**
 * Bytes per second of all threads together, for about budget_s. A triad moves two reads and a write of 4 bytes an element; a
 * write-allocate read, where the machine has one, isn't counted, as in STREAM.
 * @return CHIRP_OK, CHIRP_ERR_ARG (no thread, no bytes), CHIRP_ERR_NOMEM, CHIRP_ERR_UNSUPPORTED (OpenMP gave fewer threads)
 */
chirp_status chirp_roofline_sweep(const chirp_sweep *sweep, double budget_s,
                                  double *bytes_per_second);

/** chirp_roofline_sweep() of a triad whose level the threads share. */
chirp_status chirp_roofline_bandwidth(int threads, size_t bytes_per_thread, double budget_s,
                                      double *bytes_per_second);

enum { CHIRP_CHASE_LINE = 64 };

/** A walk through every cache line of a block in random order, each address known only after the load before it. */
typedef struct chirp_chase {
    void **block; /**< [lines] entries, one per cache line */
    size_t lines;
    void **at; /**< where the walk stands */
} chirp_chase;

/** @return CHIRP_OK, CHIRP_ERR_ARG (fewer than two lines), CHIRP_ERR_NOMEM; free with chirp_chase_destroy() */
chirp_status chirp_chase_create(size_t bytes, chirp_chase *chase);
void chirp_chase_run(chirp_chase *chase, int64_t loads);
void chirp_chase_destroy(chirp_chase *chase);

/**
 * Nanoseconds per dependent load of a random walk over `bytes` of memory, one thread.
 */
chirp_status chirp_roofline_latency(size_t bytes, double budget_s, double *ns_per_load);

#endif
