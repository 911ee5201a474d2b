/* A convolution of the study's root with everything that a training step of it needs: conv_ledger.c times, conv_check.c checks. */
#ifndef CHIRP_SUITES_LAYERS_CONV_LAYER_H
#define CHIRP_SUITES_LAYERS_CONV_LAYER_H

#include "kernels/variational/variational_conv1d.h"
#include "suites/kernels/conv1d_buffers.h"
#include "suites/layers/layers.h"

typedef struct conv_layer {
    const conv_case *c;
    /* src, bia, ddst, dst, code, dsrc, dbia; means and their gradients are below */
    conv1d_buffers b;
    int64_t weights, trained;
    chirp_conv1d_plan *plan;                    /* NULL unless deterministic */
    chirp_variational_conv1d_plan *variational; /* NULL: deterministic */
    chirp_variational_draws draws;
    float *param, *gradient, *first,
        *second;                  /* [trained]: mu (or weights), rho unless deterministic, bia */
    float *mu, *rho, *dmu, *drho; /* into param and gradient */
    float *drawn;                 /* [weights] of parts timed alone */
    double kl;
} conv_layer;

/* On failure close_conv() frees what there is. */
chirp_status open_conv(const conv_case *c, int threads, conv_layer *l);
void close_conv(conv_layer *l);
void conv_forward(conv_layer *l);
/* The forward pass must have run. */
void conv_backward(conv_layer *l, float kl_weight);

#endif
