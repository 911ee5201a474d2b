/* A dense layer with everything that a training step of it needs. */
#ifndef CHIRP_SUITES_LAYERS_BENCH_LAYER_H
#define CHIRP_SUITES_LAYERS_BENCH_LAYER_H

#include "kernels/optimizer/optimizer.h"
#include "kernels/variational/variational_dense.h"
#include "suites/layers/layers.h"

typedef struct bench_layer {
    const layer_case *c;
    chirp_dense_desc desc;
    int64_t weights, trained;
    double forward_bytes; /* least of a forward pass */
    chirp_dense_plan *dense;
    chirp_variational_dense_plan *variational; /* NULL: deterministic */
    chirp_variational_draws draws;
    float *param, *gradient, *first,
        *second; /* [trained]: mu (or weights), rho unless deterministic, bia */
    float *src, *dst, *ddst, *dsrc, *loss;
    float *mu, *rho, *bia, *dmu, *drho, *dbia; /* into param and gradient */
    double kl;
} bench_layer;

/* On failure close_layer() frees what there is. */
chirp_status open_layer(const layer_case *c, int threads, bench_layer *l);
void close_layer(bench_layer *l);

/* The plans alone, which open_layer() makes too: a first call makes them in the timed part. */

void layer_forward(bench_layer *l);
/* Starts from the gradient l->loss of the outputs; the forward pass must have run. */
void layer_backward(bench_layer *l, float kl_weight);

/* The draws of every layer that is timed. */
chirp_variational_draws layer_draws(void);

/* A tiny rate, so that thousands of timed steps leave the numbers where they are. */
extern const chirp_adam layer_adam;

/* Median of eleven times of one part [us]; each repeats it for about 100 us, long against the clock. */
double layer_part_us(void *layer, void (*part)(void *layer));

static const float layer_prior_sigma = 1, layer_kl_weight = 1e-5F;

#endif
