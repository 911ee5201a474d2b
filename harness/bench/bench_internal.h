/** What the parts of the runner share. Not for suites: they include bench.h. */
#ifndef CHIRP_HARNESS_BENCH_BENCH_INTERNAL_H
#define CHIRP_HARNESS_BENCH_BENCH_INTERNAL_H

#include "harness/bench/bench.h"
#include "harness/bench/flags.h"
#include "harness/results/bench.h"

#include <signal.h>
#include <stdio.h>

/** A counter of a row: a name and a finite number. */
typedef struct chirp_counter {
    char *name;
    double value;
    bool rate; /**< value is per iteration; the row shows value / seconds per iteration */
} chirp_counter;

/** A growing list of counters, sorted by name, names unique. */
typedef struct chirp_counters {
    chirp_counter *item;
    size_t count, room;
} chirp_counters;

/** Sets or replaces. A value that isn't finite is kept too: the reporters say it is absent. */
chirp_status chirp_counters_set(chirp_counters *list, const char *name, double value, bool rate);
/** NULL when there is none of that name. */
const chirp_counter *chirp_counters_find(const chirp_counters *list, const char *name);
void chirp_counters_clear(chirp_counters *list);

/** Something that starts and stops with the clock: hardware counters. */
typedef struct chirp_bench_hook {
    void (*start)(void *state);
    void (*stop)(void *state);
    void *state;
} chirp_bench_hook;

/** State of one call of run(). */
struct chirp_bench {
    int64_t left;       /**< iterations of this block still to hand out; 0 before the first, too */
    int64_t iterations; /**< planned */
    int64_t block;      /**< iterations in a block; the clock is read between blocks */
    int64_t remaining;  /**< iterations after this block */
    int64_t block_began_ns; /**< running time when the block began */
    double fastest_ns;      /**< per iteration, of the fastest whole block; 0: none yet */
    bool started, finished, paused;
    bool simulated; /**< counts in place of times: one iteration more, the first, warms caches */
    bool warmed;
    int threads;
    int64_t wall_began_ns, cpu_began_ns; /**< of the running stretch */
    int64_t wall_ns, cpu_ns;             /**< of the finished stretches */
    const chirp_bench_hook *hook;
    chirp_counters counters;
    double flops_done, flops_effective, bytes; /**< per iteration; negative: not given */
    char *label;
    bool cold; /**< chirp_bench_flush() flushes */
    int64_t flushes;
    double probe_ns;             /**< sum over flushes of the time of a load that was warm before */
    chirp_status counter_status; /**< first failure of a void function, e.g. out of memory */
};

/** Runs entry once with `iterations`, in about `blocks` separately timed blocks; *b holds times and counters afterwards. Clear with chirp_bench_clear(). */
chirp_status chirp_bench_measure(const chirp_bench_entry *entry, int threads, int64_t iterations,
                                 int64_t blocks, bool cold, const chirp_bench_hook *hook,
                                 struct chirp_bench *b);
void chirp_bench_clear(struct chirp_bench *b);

/** A counter that has no number, and why. */
typedef struct chirp_absence {
    char *name, *reason;
} chirp_absence;

/** One row of the result; times in seconds per iteration. */
typedef struct chirp_row {
    char *name;     /**< run_name and, in aggregates, "_" and aggregate_name */
    char *run_name; /**< the join key */
    int64_t family_index, instance_index;
    const char *aggregate_name; /**< NULL in iteration rows; a static string */
    bool baseline;              /**< another library's implementation */
    bool percentage;            /**< aggregate_unit is "percentage": times are fractions */
    int64_t repetitions, repetition_index;
    int threads;
    char *error; /**< NULL, or why there is no time */
    int64_t iterations;
    double real_s, cpu_s;
    double fastest_s;        /**< per iteration, of the fastest block; 0 unknown */
    chirp_counters counters; /**< values as shown: rates are divided already */
    char *label;
    char bound[24];        /**< "", or what bounds it on the roofline: "compute", "L2", "memory" */
    chirp_absence *absent; /**< counters that could not be given, with reasons */
    size_t n_absent;
} chirp_row;

void chirp_row_clear(chirp_row *row);

/** Adds ratios and rates that follow from the counters present: IPC, miss rates, counted_GFLOPS, watts. */
chirp_status chirp_row_derive(chirp_row *row);

/** Notes that a counter is absent; both texts are copied. */
chirp_status chirp_row_absent(chirp_row *row, const char *name, const char *reason);

/** Rows of one benchmark, or all. */
typedef struct chirp_rows {
    chirp_row *item;
    size_t count, room;
} chirp_rows;

/** Appends an empty row, NULL when out of memory. */
chirp_row *chirp_rows_add(chirp_rows *rows);
void chirp_rows_clear(chirp_rows *rows);

/**
 * Appends mean, median, stddev and cv of the good iteration rows [first, rows->count) of one benchmark when there
 * are two or more; the median row carries interval, MAD and outliers as counters.
 * @param scale  of those counters that are times: chirp_time_scale() of the unit shown
 */
chirp_status chirp_rows_aggregate(chirp_rows *rows, size_t first, double confidence, double scale);

/** Selected entries with their place in families. */
typedef struct chirp_instance {
    const chirp_bench_entry *entry;
    char *name; /**< with /threads:N */
    int threads;
    int64_t family_index, instance_index;
    /** of a suite that needs ranks, where there are none and nobody named it */
    bool only_if_asked;
} chirp_instance;

typedef struct chirp_selection {
    chirp_instance *item;
    size_t count, room;
} chirp_selection;

/**
 * Expands the entries of the suites named in `wanted` (none: all) by thread counts and keeps those the filter matches.
 * @return CHIRP_OK, CHIRP_ERR_ARG (unknown suite, bad regular expression, duplicate names), CHIRP_ERR_NOMEM
 */
chirp_status chirp_select(const chirp_bench_suite *suites, size_t n_suites, char **wanted,
                          int n_wanted, const chirp_bench_flags *flags, chirp_selection *selection);
void chirp_selection_clear(chirp_selection *selection);

/* ---- jobs: one selected benchmark on its way ---- */

struct chirp_events;
struct chirp_job;

/** Seconds for the FMA peak of a thread count, and for each kind of each level where its roof isn't known yet. */
#define CHIRP_PEAK_BUDGET_S 0.25
#define CHIRP_LEVEL_BUDGET_S 0.04

/** What all jobs of a run share. */
typedef struct chirp_run {
    const chirp_bench_flags *flags;
    chirp_bench_ranks ranks; /**< size 1: alone */
    volatile sig_atomic_t *interrupted;
    /** NULL, or keeps what was measured so far; called between repetitions, while nothing is timed */
    void (*journal)(void *state, struct chirp_job *const *jobs, size_t n);
    void *journal_state;
} chirp_run;

typedef struct chirp_job {
    const chirp_instance *instance;
    bool prepared, failed, done;
    int64_t iterations;
    double relative_error; /**< negative: not checked */
    double spent_s;        /**< in timed repetitions */
    double iteration_s;    /**< of the latest run; 0 before the first */
    chirp_rows rows;
    struct chirp_events *events; /**< NULL: none asked for */
} chirp_job;

/** One repetition; the first also checks, calibrates and warms up. A failure of the benchmark becomes its error row. */
chirp_status chirp_job_repeat(const chirp_run *run, chirp_job *job);
/** Whether it needs another repetition: the count asked for, then the precision asked for within its budget. */
bool chirp_job_wants_more(const chirp_run *run, const chirp_job *job);
/** Adds an error row: `what`, then the last sentence of chirp_fail(). */
chirp_status chirp_job_fail(chirp_job *job, const char *what);
/** Sets the counts in its rows and adds aggregates. */
chirp_status chirp_job_finish(const chirp_run *run, chirp_job *job);
void chirp_job_clear(chirp_job *job);

/** Ratio rows of peers: of every job to the first one that has times, repetition by repetition. */
chirp_status chirp_jobs_ratios(const chirp_run *run, chirp_job *const *jobs, size_t n);

/** Who watches a group run: told before and after each repetition of jobs[index]. */
typedef struct chirp_group_observer {
    void (*started)(void *state, size_t index);
    void (*measured)(void *state, size_t index);
    void *state;
} chirp_group_observer;

/**
 * Runs the jobs of a group in rounds, each once a round, in a new random order each round when `shuffle`; finishes them.
 * @param observer  NULL: the run's journal alone is told
 */
chirp_status chirp_group_run(const chirp_run *run, chirp_job **jobs, size_t n, bool shuffle,
                             const chirp_group_observer *observer);

/**
 * The same in a child process, so that a crash costs one row: the job that ran then gets an error row, and the others of
 * its group start again without it. Rows reach the parent, and the run's journal, as they are measured.
 */
chirp_status chirp_group_run_isolated(const chirp_run *run, chirp_job **jobs, size_t n,
                                      bool shuffle);

/** Runs work() in a child that may start threads; it fills `bytes` of result. */
chirp_status chirp_in_child(chirp_status (*work)(void *result, const void *arg), void *result,
                            size_t bytes, const void *arg);

/** Passes a signal on to the child that runs now, if any; async-signal-safe. */
void chirp_isolation_signal(int number);

/** Collective: the largest value of all ranks; the value itself when alone. */
chirp_status chirp_run_max(const chirp_run *run, double *value);

/** Ranks set by chirp_bench_use_ranks(). */
const chirp_bench_ranks *chirp_bench_current_ranks(void);

/* ---- algorithms of one case, side by side ---- */

/** Whether two names differ in their third part only, family/pass/ALGORITHM/case: the same case by another algorithm. */
bool chirp_same_case(const char *a, const char *b);

/**
 * Adds `baseline_speedup`, the time of the fastest baseline over a row's own, to the median (or only) row of every benchmark of ours
 * that has a baseline among the jobs.
 */
chirp_status chirp_summary_add(const chirp_job *jobs, size_t n, chirp_rows *rows);

/** Prints one line per case that several algorithms ran, and sums over the cases that a baseline ran too; or nothing. */
void chirp_summary_print(FILE *out, const chirp_job *jobs, size_t n, const chirp_rows *rows);

/* ---- reporters ---- */

struct cJSON;

/**
 * Everything that heads a result file; built once, extended as things are measured. Caller: cJSON_Delete().
 * @param threads  the most that a row uses in one rank: what makes timings doubtful depends on it
 */
chirp_status chirp_context_create(const char *executable, const chirp_bench_flags *flags,
                                  int threads, struct cJSON **context);

/** Human-readable head on stderr. */
void chirp_console_context(const struct cJSON *context);
/** Prints rows as a table; the first call prints the heading. */
void chirp_console_rows(FILE *out, const chirp_bench_flags *flags, const chirp_row *rows, size_t n,
                        size_t name_width, bool *headed);
void chirp_csv_rows(FILE *out, const chirp_bench_flags *flags, const chirp_row *rows, size_t n,
                    bool *headed);

/** A result document as text; finite numbers only. Caller frees with chirp_free(). */
chirp_status chirp_json_document(const struct cJSON *context, const chirp_bench_flags *flags,
                                 const chirp_rows *rows, bool partial, char **text);

/* ---- output ---- */

/** Where rows go: stdout in one format, and perhaps a file in one. */
typedef struct chirp_output {
    const chirp_bench_flags *flags;
    struct cJSON *context; /**< borrowed */
    const char *path;      /**< NULL: no file */
    /** "FILE.partial": valid JSON, rewritten after every benchmark until the end */
    char *partial_path;
    bool stream;     /**< the file is a device or a pipe: written at the end, never renamed */
    FILE *text_file; /**< of csv and console formats, under the partial name */
    size_t name_width;
    bool headed_stdout, headed_file;
} chirp_output;

/** Checks that the file can be written before anything is measured. */
chirp_status chirp_output_open(chirp_output *out, const chirp_bench_flags *flags,
                               struct cJSON *context, size_t name_width);
/** Keeps rows of benchmarks that aren't done, so that a run that is killed loses none of them. JSON files only. */
chirp_status chirp_output_journal(chirp_output *out, const chirp_rows *all);
/** A benchmark is done: its rows are all->item[first ...]. */
chirp_status chirp_output_rows(chirp_output *out, const chirp_rows *all, size_t first);
/**
 * Finishes: prints a JSON document if stdout wants one and renames the partial file to its name.
 * @param complete  false leaves the partial file, marked so, and never touches FILE
 */
chirp_status chirp_output_close(chirp_output *out, const chirp_rows *all, bool complete);

#endif
