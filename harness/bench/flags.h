/**
 * Flags of `chirpbench bench`: Google Benchmark's names, values and environment twins, and a few of ours.
 * `--benchmark_min_time=0.1s`, `--benchmark_min_time 0.1s` and BENCHMARK_MIN_TIME=0.1s mean the same.
 */
#ifndef CHIRP_HARNESS_BENCH_FLAGS_H
#define CHIRP_HARNESS_BENCH_FLAGS_H

#include "harness/base/options.h"
#include "harness/base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CHIRP_MAX_THREAD_COUNTS = 16 };

typedef struct chirp_bench_flags {
    bool list_tests, dry_run, report_aggregates_only, display_aggregates_only, random_interleaving,
        counters_tabular;
    const char *filter; /**< NULL: all */
    double min_time_s;  /**< per repetition */
    bool min_time_given, threads_given;
    int64_t iterations; /**< 0, or fixed by --benchmark_min_time=Nx */
    double min_warmup_s;
    int64_t repetitions;
    const char *format, *out_format; /**< "console", "json", "csv" */
    const char *out;                 /**< NULL, or a file */
    const char *color;               /**< "auto", "true", "false" */
    const char *perf_counters;       /**< NULL, or A,B,C */
    bool multiplex;                  /**< let counters be time-shared; values are then estimates */
    const char *context;             /**< NULL, or K=V,K=V */
    const char *time_unit;           /**< "ns", "us", "ms", "s" */
    bool time_unit_given;
    int64_t verbosity;
    /* ours */
    int threads[CHIRP_MAX_THREAD_COUNTS]; /**< --threads=1,2,4 */
    int n_threads;
    bool no_check;             /**< skip check() */
    double max_relative_error; /**< a check beyond it makes the row an error row */
    double confidence;         /**< of intervals */
    double target_precision;   /**< 0, or half width over median at which repetitions stop */
    double time_budget_s;      /**< of one benchmark, with target_precision */
    bool interleave_peers;     /**< round-robin over algorithms of one case, and ratio rows */
    bool no_isolation;         /**< run in this process: for debuggers and profilers */
    bool no_peak;              /**< don't measure the FMA peak: rows have no peak_fraction */
    bool cold_cache;           /**< flush caches before every iteration */
    bool simulate;             /**< counts of a simulated processor in place of times */
} chirp_bench_flags;

enum { CHIRP_MAX_OWN_OPTIONS = 8 };

/**
 * Environment first, then argv (which wins). argv[0] is the command's name. Positional arguments are moved to the
 * end of argv.
 * @param own    options of the program, read along with the runner's; at most CHIRP_MAX_OWN_OPTIONS, or NULL
 * @return CHIRP_OK, CHIRP_ERR_INTERRUPTED (help was printed), CHIRP_ERR_ARG (the sentence names the flag)
 */
chirp_status chirp_bench_flags_parse(int argc, char **argv, const chirp_option *own, size_t n_own,
                                     chirp_bench_flags *flags, int *n_rest);

#endif
