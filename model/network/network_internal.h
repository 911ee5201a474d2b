/* What network.c (making), network_forward.c and network_backward.c share. Not for other folders. */
#ifndef CHIRP_MODEL_NETWORK_NETWORK_INTERNAL_H
#define CHIRP_MODEL_NETWORK_NETWORK_INTERNAL_H

#include "kernels/conv1d/conv1d.h"
#include "kernels/dense/dense.h"
#include "kernels/random/random.h"
#include "kernels/variational/variational_conv1d.h"
#include "kernels/variational/variational_dense.h"
#include "model/network/network.h"

typedef struct network_layer {
    bool variational;
    bool relu;
    bool dropout;
    bool last;               /* of its leaf */
    int64_t inputs, outputs; /* floats per row of src and dst */
    int64_t n_weights, n_biases;
    int tensor_weight; /* weight or mean */
    int tensor_rho;    /* -1 when deterministic */
    int tensor_bias;
    /* exactly one of these four */
    chirp_conv1d_plan *conv;
    chirp_variational_conv1d_plan *variational_conv;
    chirp_dense_plan *dense;
    chirp_variational_dense_plan *variational_dense;
    float *dst;                   /* [N][outputs] */
    uint8_t *code;                /* convolutions: what the backward pass needs of ReLU and pool */
    float *ddst;                  /* [N][outputs], training only */
    double forward_s, backward_s; /* of the last passes */
} network_layer;

struct chirp_network {
    chirp_network_config config;
    int n_layers, n_tensors;
    network_layer *layer; /* root first, then leaf 0, leaf 1, ... */
    chirp_layer_info *info;
    chirp_tensor *tensor;
    int64_t n_parameters;
    float *parameters, *gradients;
    bool loaded;      /* the deterministic convolutions' plans hold the current parameters */
    float *dfeatures; /* [N][features] of one leaf, summed into the last root layer's ddst */
};

/* Layer l of leaf f. */
static inline int leaf_layer(const chirp_network *net, int leaf, int l)
{
    return net->config.spec->n_root + leaf * net->config.spec->n_leaf + l;
}

static inline float *tensor_data(const chirp_network *net, float *arena, int tensor)
{
    return arena + net->tensor[tensor].offset;
}

static inline bool is_convolution(const network_layer *layer)
{
    return layer->conv || layer->variational_conv;
}

/* Draws of one layer in one pass; the forward and the backward pass must agree. */
static inline chirp_variational_draws layer_draws(const chirp_network *net, int layer,
                                                  const chirp_pass *pass)
{
    const uint64_t seed = net->config.seed + pass->seed_offset;
    const uint32_t number = (uint32_t)layer;
    return (chirp_variational_draws){
        .noise = chirp_rng_stream_part(seed, CHIRP_RNG_WEIGHT_NOISE, number, pass->step, pass->noise),
        .sign_in = chirp_rng_stream_part(seed, CHIRP_RNG_SIGNS, 2 * number, pass->step, pass->noise),
        .sign_out =
            chirp_rng_stream_part(seed, CHIRP_RNG_SIGNS, 2 * number + 1, pass->step, pass->noise),
        .first_row = pass->first_row,
    };
}

static inline chirp_rng dropout_stream(const chirp_network *net, int layer, const chirp_pass *pass)
{
    return chirp_rng_stream(net->config.seed, CHIRP_RNG_DROPOUT, (uint32_t)layer, pass->step);
}

static inline bool drops(const chirp_network *net, const network_layer *layer,
                         const chirp_pass *pass)
{
    return pass->training && layer->dropout && net->config.dropout > 0;
}

#endif
