/** One benchmark of a dense layer of any shape: our kernel, or the product of another library. */
#ifndef CHIRP_SUITES_BENCHMARKS_PROBLEMS_DENSE_CASES_H
#define CHIRP_SUITES_BENCHMARKS_PROBLEMS_DENSE_CASES_H

#include "harness/bench/bench.h"
#include "kernels/dense/dense.h"

typedef enum dense_pass {
    DENSE_FORWARD,
    DENSE_BACKWARD_DATA,
    DENSE_BACKWARD_WEIGHTS,
    DENSE_PASSES
} dense_pass;

extern const char *const dense_pass_names[]; /**< in this order, NULL behind the last */

typedef struct dense_case {
    chirp_dense_desc desc; /**< without activation; n_threads 0: the row's */
    dense_pass pass;
    bool library; /**< oneDNN's sgemm in place of our kernel; only where the build has it */
} dense_case;

/** Whether this build has the library. */
bool dense_case_has_library(void);

/** Times a dense_case: the matrix product alone, without bias. */
chirp_status dense_case_run(chirp_bench *bench, const void *arg);

/** Sampled elements of the very shape that is timed, corners among them, against sums in double. */
chirp_status dense_case_check(const void *arg, double *relative_error);

#endif
