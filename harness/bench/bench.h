/**
 * Benchmarks: a table of entries, a runner with Google Benchmark's flags, results in its JSON.
 *
 *     static chirp_status run_forward(chirp_bench *b, const void *arg)
 *     {
 *         ... plan, allocate, first-touch: untimed ...
 *         while (chirp_bench_next(b)) {
 *             chirp_conv1d_forward(...);            // the body of the loop is what is timed
 *             chirp_bench_consume(dst);
 *         }
 *         chirp_bench_flops(b, flops_done, flops_of_the_direct_method);
 *         chirp_bench_bytes(b, least_bytes);
 *         return CHIRP_OK;                          // not OK: an error row with chirp_error_message(), no time
 *     }
 *     const chirp_bench_entry chirp_suite_conv1d[] = {
 *         {.name = "conv1d/forward/direct/conv2/batch:64", .run = run_forward, .check = check_forward, .arg = &cases[1]},
 *         {0}
 *     };
 *
 * `check` runs first in the same process; when it fails the row becomes an error row. run() is called
 * several times (calibration, warm-up, repetitions): it must not depend on earlier calls.
 * The runner appends "/threads:N" to names.
 */
#ifndef CHIRP_HARNESS_BENCH_BENCH_H
#define CHIRP_HARNESS_BENCH_BENCH_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct chirp_bench chirp_bench;

typedef struct chirp_bench_entry {
    const char *name; /**< family/pass/algorithm/case/key:value...; NULL ends a table */
    chirp_status (*run)(chirp_bench *b, const void *arg);
    /** NULL, or compares with the reference and stores the relative l2 error */
    chirp_status (*check)(const void *arg, double *relative_error);
    const void *arg;
    /** another library's implementation of the case: its rows say so, and ours have `baseline_speedup`, its time over ours */
    bool baseline;
} chirp_bench_entry;

typedef struct chirp_bench_suite {
    const char *name;    /**< "kernels": what `chirpbench bench kernels` selects */
    const char *summary; /**< one line for --help */
    const chirp_bench_entry *entries;
    /** Between ranks: without them it runs only where it is named, or alone matches the filter, to say what it lacks. */
    bool needs_ranks;
    /** What a suite made from the command line (chirp_bench_own) runs with where no flag says otherwise; 0: the runner's defaults. */
    int64_t repetitions;
    double min_time_s;
    int threads;
} chirp_bench_suite;

/** True while another iteration is wanted; the clock runs between the first and the last call. */
bool chirp_bench_next(chirp_bench *b);

/** Keeps the compiler from removing the work that wrote `result`. */
void chirp_bench_consume(const void *result);

/** Stops and restarts the clock inside an iteration (set-up that must not count, e.g. flushing caches). */
void chirp_bench_pause(chirp_bench *b);
void chirp_bench_resume(chirp_bench *b);

/** A counter of the row: its value as it is. Names are copied. */
void chirp_bench_counter(chirp_bench *b, const char *name, double value);
/** A counter divided by the time of one iteration: per_iteration / seconds. */
void chirp_bench_rate(chirp_bench *b, const char *name, double per_iteration);
/** GFLOPS and peak_fraction from `done`, effective_GFLOPS from `effective` (operations per iteration). */
void chirp_bench_flops(chirp_bench *b, double done, double effective);
/** bytes_per_second, and arithmetic_intensity when flops are known (bytes per iteration). */
void chirp_bench_bytes(chirp_bench *b, double bytes);
/** items_per_second (items per iteration). */
void chirp_bench_items(chirp_bench *b, double items);
/** The row's label: a plan's one-line description. Copied. */
void chirp_bench_label(chirp_bench *b, const char *label);
/** Threads to use (the `threads` of the row). */
int chirp_bench_threads(const chirp_bench *b);

/**
 * Cold caches: with --cold-cache evicts everything from the caches of all threads, clock stopped; without it does
 * nothing. Call it first in the loop body. Rows are named "/cold" then and carry `cold_probe_ns`, the time per load of
 * lines that were warm before: a small one means that the caches were not cold.
 */
void chirp_bench_flush(chirp_bench *b);

/**
 * Runs under several ranks: rows hold the time of the slowest rank; min, mean, slowest rank and imbalance are counters;
 * rates are sums over ranks. Every rank must call chirp_bench_main() with the same arguments; rank 0 writes.
 */
typedef struct chirp_bench_ranks {
    int rank, size;
    /** Collective: n values of each rank to all ranks, all[size][n] in rank order. */
    chirp_status (*gather)(const double *mine, int n, double *all);
} chirp_bench_ranks;

/** Before chirp_bench_main(). The struct is copied. */
void chirp_bench_use_ranks(const chirp_bench_ranks *ranks);

/**
 * Options of the program for benchmarks that are made from the command line. --help shows them behind the runner's.
 */
typedef struct chirp_bench_own {
    const struct chirp_option *options; /**< at most 8, see harness/base/options.h */
    size_t n_options;
    void *state; /**< what `make` gets */
    /**
     * After parsing: the suite that runs in place of all others. Leaves it alone when none of the options was given.
     * @return CHIRP_OK, or an error with its sentence
     */
    chirp_status (*make)(void *state, chirp_bench_suite *suite);
} chirp_bench_own;

/** Before chirp_bench_main(). The struct is copied; what it points to must stay. */
void chirp_bench_use_own(const chirp_bench_own *own);

/**
 * A line for the context of result files of this process: what the harness can't know, such as the target of a JIT
 * library. Both texts are copied; at most 32 lines. A key that exists is replaced.
 */
chirp_status chirp_bench_add_context(const char *key, const char *value);

/**
 * Everything `chirpbench bench` does: parses flags (Google Benchmark's, also from BENCHMARK_* environment
 * variables), positional suite names, runs, prints, writes. @return an exit code: 0; 1 when a benchmark failed or a signal came,
 * 2 for usage and files, both with one line on stderr
 */
int chirp_bench_main(int argc, char **argv, const chirp_bench_suite *suites, size_t n_suites);

#endif
