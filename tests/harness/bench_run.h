/** What the tests of the runner share: a run with its output kept, and looks into its result document. */
#ifndef CHIRP_TESTS_HARNESS_BENCH_RUN_H
#define CHIRP_TESTS_HARNESS_BENCH_RUN_H

#include "harness/bench/bench.h"

#include <cjson/cJSON.h>

typedef struct outcome {
    int code;
    char out[65536], err[8192];
} outcome;

/** A folder for the files of a test program, made by bench_run_setup(). */
extern char folder[];

/** Runs chirp_bench_main with stdout and stderr kept. Arguments end with NULL. */
void run(outcome *o, const chirp_bench_suite *table, size_t n, ...);

/** The row of that name; the test fails when there is none. */
const cJSON *row_of(const cJSON *root, const char *name);
/** A member that must be a number. */
double number(const cJSON *row, const char *key);
/** The row must be an error row, its message with `words`. */
void assert_error(const cJSON *root, const char *name, const char *words);

/** Group set-up and tear-down for cmocka. */
int bench_run_setup(void **state);
int bench_run_teardown(void **state);

#endif
