/**
 * Rows of benchmark results, ours and Google Benchmark's of any version: the one reader of that schema, for comparisons,
 * limits and the page. Its writer is harness/bench/json.c.
 */
#ifndef CHIRP_HARNESS_RESULTS_BENCH_H
#define CHIRP_HARNESS_RESULTS_BENCH_H

#include "harness/results/document.h"

#include <stdint.h>

/** All texts are in the document's memory. */
typedef struct chirp_bench_row {
    const char *name; /**< without the suffix of an aggregate: rows of one benchmark share it */
    const char *aggregate; /**< NULL in rows of a repetition; "median", "mean", ... */
    const char *error;     /**< NULL, or why there is no time */
    const char *skip;      /**< NULL, or why it was skipped on purpose */
    bool
        baseline; /**< another library's implementation, as the runner wrote; false where a file doesn't say */
    double unit_s;      /**< seconds in one unit of the row's times */
    double time_s;      /**< real_time; NaN when it is no number or the row failed */
    double cpu_s;       /**< cpu_time; NaN when the row has none */
    int64_t threads;    /**< 0 when the row doesn't say */
    double fastest_s;   /**< real_time_fastest; NaN when the row has none */
    int64_t repetition; /**< repetition_index; -1 when the row has none */
    int64_t iterations; /**< 0 when the row has none; in aggregates the number of repetitions */
    const struct cJSON
        *members; /**< for counters, which are data and not fields: chirp_bench_row_number() */
} chirp_bench_row;

typedef struct chirp_bench_rows {
    chirp_bench_row *item;
    size_t count;
} chirp_bench_rows;

/**
 * Reads the rows of a document of kind CHIRP_DOCUMENT_BENCH, which must outlive them. BigO and RMS rows, which have no time,
 * are left out.
 * @param path  for errors
 * @return CHIRP_OK, CHIRP_ERR_NOMEM, CHIRP_ERR_FORMAT: a row without name, time or known unit; chirp_bench_rows_release()
 */
chirp_status chirp_bench_rows_read(const chirp_document *document, const char *path,
                                   chirp_bench_rows *rows);
void chirp_bench_rows_release(chirp_bench_rows *rows);

/** A counter of the row; NaN when it has none. */
double chirp_bench_row_number(const chirp_bench_row *row, const char *counter);

/** How many of a time_unit of the schema (ns, us, ms, s) are a second; NULL is its default, ns; 0 for a foreign one. */
double chirp_time_scale(const char *unit);

#endif
