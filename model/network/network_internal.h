/* What network.c, network_forward.c and network_backward.c share. Not for other folders. */
#ifndef CHIRP_MODEL_NETWORK_NETWORK_INTERNAL_H
#define CHIRP_MODEL_NETWORK_NETWORK_INTERNAL_H

#include "kernels/dropout/dropout.h"
#include "kernels/random/random.h"
#include "model/network/layer.h"
#include "model/network/network.h"

struct chirp_network {
    chirp_network_config config;
    chirp_network_shape shape;
    layer *layer; /* in forward order */
    float *parameters, *gradients;
    float *dfeatures; /* [N][features] of one leaf, summed into the last root layer's ddst */
};

/* Layer l of leaf f. */
static inline int leaf_layer(const chirp_network *net, int leaf, int l)
{
    return net->config.spec->n_root + leaf * net->config.spec->n_leaf + l;
}

/* Draws of one layer in one pass; the forward and the backward pass must agree. */
static inline chirp_variational_draws layer_draws(const chirp_network *net, int number,
                                                  const chirp_pass *pass)
{
    const uint64_t seed = net->config.seed + pass->seed_offset;
    const uint32_t stream = (uint32_t)number;
    return (chirp_variational_draws){
        .noise = chirp_rng_stream_part(seed, CHIRP_RNG_WEIGHT_NOISE, stream, pass->step, pass->noise),
        .sign_in = chirp_rng_stream_part(seed, CHIRP_RNG_SIGNS, 2 * stream, pass->step, pass->noise),
        .sign_out =
            chirp_rng_stream_part(seed, CHIRP_RNG_SIGNS, 2 * stream + 1, pass->step, pass->noise),
        .first_row = pass->first_row,
    };
}

/* Drops elements of x [N][width] behind a layer with dropout; the same in the forward and in the backward pass. */
static inline void drop(const chirp_network *net, int number, const chirp_pass *pass, float *x)
{
    const chirp_layer_info *info = &net->shape.layer[number];
    const int64_t width = info->out_width * info->out_channels;
    if (pass->training && info->dropout && net->config.dropout > 0)
        chirp_dropout(net->config.batch * width, (float)net->config.dropout,
                      chirp_rng_stream(net->config.seed, CHIRP_RNG_DROPOUT, (uint32_t)number,
                                       pass->step),
                      pass->first_row * (uint64_t)width, x, x, net->config.n_threads);
}

#endif
