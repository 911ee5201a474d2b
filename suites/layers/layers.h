/* What the files of the suite `layers` share. */
#ifndef CHIRP_SUITES_LAYERS_LAYERS_H
#define CHIRP_SUITES_LAYERS_LAYERS_H

#include "harness/bench/bench.h"
#include "model/network/layers.h"

#include <stdint.h>

/* A whole dense layer of the study: estimator -1 is deterministic, else a chirp_variational_estimator. */
typedef struct layer_case {
    const char *name; /* "leaf0/dense1" */
    int64_t batch;
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

/* The leaves of the network "spin". */
typedef struct predictive_case {
    chirp_variant variant; /* last2 or leaf */
    int64_t samples;
} predictive_case;
chirp_status layers_run_predictive(chirp_bench *b, const void *arg);
chirp_status layers_check_predictive(const void *arg, double *relative_error);

#endif
