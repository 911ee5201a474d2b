/** One convolution benchmark: a shape, what is done with it and by which engine. For tables of them, and for shapes of the user. */
#ifndef CHIRP_SUITES_BENCHMARKS_KERNELS_CONV1D_CASES_H
#define CHIRP_SUITES_BENCHMARKS_KERNELS_CONV1D_CASES_H

#include "harness/bench/bench.h"
#include "suites/benchmarks/kernels/conv1d_buffers.h"

typedef enum conv1d_work {
    WORK_FORWARD = CHIRP_CONV1D_FORWARD,
    WORK_BACKWARD_DATA = CHIRP_CONV1D_BACKWARD_DATA,
    WORK_BACKWARD_WEIGHTS = CHIRP_CONV1D_BACKWARD_WEIGHTS,
    WORK_LOAD_WEIGHTS,
    WORK_BACKWARD, /**< both gradients in one call */
} conv1d_work;

extern const char
    *const conv1d_work_names[]; /**< in the order of conv1d_work, NULL behind the last */

typedef struct conv1d_case {
    chirp_conv1d_desc desc; /**< n_threads 0: the row's */
    conv1d_work work;
} conv1d_case;

/** Every engine and `auto`, as an axis of a family wants them: NULL behind the last. */
const char *conv1d_case_algorithm(int i);

bool conv1d_case_supported(const conv1d_case *c);

/** Times a conv1d_case. */
chirp_status conv1d_case_run(chirp_bench *bench, const void *arg);

/** Sampled elements of the very shape that is timed, against the definition in double. */
chirp_status conv1d_case_check(const void *arg, double *relative_error);

#endif
