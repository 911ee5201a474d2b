/* What network.c (making), network_forward.c and network_backward.c share. Not for other folders. */
#ifndef CHIRP_MODEL_NETWORK_NETWORK_INTERNAL_H
#define CHIRP_MODEL_NETWORK_NETWORK_INTERNAL_H

#include "kernels/conv1d/conv1d.h"
#include "kernels/dense/dense.h"
#include "kernels/random/random.h"
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
    chirp_conv1d_plan *conv; /* one of conv and dense */
    chirp_dense_plan *dense;
    float *sampled; /* [n_weights] this pass's draw; NULL when deterministic */
    float *dst;     /* [N][outputs] */
    uint8_t *code;  /* convolutions: what the backward pass needs of ReLU and pool */
    float *ddst;    /* [N][outputs], training only */
} network_layer;

struct chirp_network {
    chirp_network_config config;
    int n_layers, n_tensors;
    network_layer *layer; /* root first, then leaf 0, leaf 1, ... */
    chirp_layer_info *info;
    chirp_tensor *tensor;
    int64_t n_parameters;
    float *parameters, *gradients;
    bool loaded; /* convolution plans hold the current parameters (as they are, not a draw) */
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

/* Streams of one layer in one pass; the forward and the backward pass must agree. */
static inline chirp_rng weight_stream(const chirp_network *net, int layer, const chirp_pass *pass)
{
    return chirp_rng_stream(net->config.seed + pass->noise, CHIRP_RNG_WEIGHT_NOISE, (uint32_t)layer,
                            pass->step);
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
