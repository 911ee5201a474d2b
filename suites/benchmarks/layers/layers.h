/* What the files of the suite `layers` share. */
#ifndef CHIRP_SUITES_BENCHMARKS_LAYERS_LAYERS_H
#define CHIRP_SUITES_BENCHMARKS_LAYERS_LAYERS_H

#include "harness/bench/bench.h"
#include "kernels/dense/dense.h"

/* A whole dense layer: estimator -1 is deterministic, else a chirp_variational_estimator. */
typedef struct layer_case {
    int64_t N, I, O;
    chirp_activation activation;
    int estimator;
} layer_case;

chirp_status layers_run_forward(chirp_bench *b, const void *arg);
chirp_status layers_run_backward(chirp_bench *b, const void *arg);
chirp_status layers_run_step(chirp_bench *b, const void *arg);
chirp_status layers_check(const void *arg, double *relative_error);

/* A whole convolution of the study's root, likewise. */
typedef struct conv_case {
    int layer; /* 1 to 7 */
    int64_t batch;
    int estimator;
} conv_case;

chirp_status layers_run_conv_step(chirp_bench *b, const void *arg);
chirp_status layers_check_conv(const void *arg, double *relative_error);

/* n elements; bytes moved per element at least. */
typedef struct array_case {
    int kind; /* of the file's own enum, below */
    int64_t n;
} array_case;

enum { DRAW_NORMAL, DRAW_UNIFORM, DRAW_SIGN };
enum {
    ARRAY_SAMPLE,
    ARRAY_PERTURBATION,
    ARRAY_BACKWARD,
    ARRAY_KL,
    ARRAY_ADAM,
    ARRAY_SGD,
    ARRAY_SQUARES,
    ARRAY_DROPOUT
};

chirp_status layers_run_draws(chirp_bench *b, const void *arg);
chirp_status layers_check_draws(const void *arg, double *relative_error);
chirp_status layers_run_array(chirp_bench *b, const void *arg);
chirp_status layers_check_array(const void *arg, double *relative_error);

typedef struct predictive_case {
    int64_t leaves, samples, features, hidden;
    int variational_layers; /* of dense1 (features -> hidden), dense2, dense3: the last 2 or all 3 */
} predictive_case;
chirp_status layers_run_predictive(chirp_bench *b, const void *arg);
chirp_status layers_check_predictive(const void *arg, double *relative_error);

#endif
