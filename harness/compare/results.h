/**
 * Result files as samples per benchmark: ours, and those of real Google Benchmark of any version. Of a file of simulated counts
 * (bench --simulate) the samples are counts in place of seconds: "NAME instructions" and "NAME estimated_cycles" of each benchmark.
 */
#ifndef CHIRP_HARNESS_COMPARE_RESULTS_H
#define CHIRP_HARNESS_COMPARE_RESULTS_H

#include "harness/base/index.h"
#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

/** The repetitions of one benchmark. */
typedef struct chirp_samples {
    char *name;      /**< run_name, or name where a file has no run_name */
    double *seconds; /**< [count] real_time of good repetitions, in file order */
    /** [count] time of the fastest block of each repetition; NULL unless every row has it */
    double *fastest;
    bool no_fastest; /**< some row has none */
    /** [count] which of the pooled files each comes from, ascending; NULL: all from one */
    int *run;
    size_t count, room;
    char *error;    /**< NULL, or why a repetition has no time; the first one */
    char *skip;     /**< NULL, or why a repetition was skipped on purpose; the first one */
    bool duplicate; /**< one repetition index came twice */
    int64_t last_index;
    /* files without repetition rows (report_aggregates_only) */
    double mean_s, stddev_s;
    bool has_stddev;
    int64_t repetitions;
} chirp_samples;

typedef struct chirp_results {
    char *path;
    struct cJSON *context;       /**< of the first file; NULL when it has none */
    struct cJSON *more_contexts; /**< NULL, or an array: of the files pooled with it */
    chirp_samples *item;
    size_t count, room;
    chirp_index
        names;    /**< of the items that were read; empty where items were put together otherwise */
    int files;    /**< pooled */
    bool partial; /**< the run that wrote it was cut short */
    bool counted; /**< "seconds" are counts of a simulation, exact and repeatable */
} chirp_results;

/**
 * Reads a file, or several given as "A.json,B.json", whose repetitions are pooled.
 * @return CHIRP_OK, CHIRP_ERR_IO, CHIRP_ERR_FORMAT (truncated, foreign, a row without name or time: the sentence
 *         names file and row), CHIRP_ERR_NOMEM; clear with chirp_results_clear()
 */
chirp_status chirp_results_read(const char *paths, chirp_results *results);
void chirp_results_clear(chirp_results *results);

/** NULL when there is none of that name. */
const chirp_samples *chirp_results_find(const chirp_results *results, const char *name);

/**
 * The samples of `of` (a or b) that a comparison of a with b goes by: the fastest blocks when both have them, since other
 * tenants of a machine can slow a block down but never speed it up; else whole repetitions.
 */
const double *chirp_samples_deciding(const chirp_samples *a, const chirp_samples *b,
                                     const chirp_samples *of);

/** Median of the samples, or the mean of an aggregates-only benchmark; 0 when there is no time. */
chirp_status chirp_samples_centre(const chirp_samples *samples, double *seconds);

#endif
