/* What network.c, network_passes.c and times.c share. Not for other folders. */
#ifndef CHIRP_MODEL_NETWORK_NETWORK_INTERNAL_H
#define CHIRP_MODEL_NETWORK_NETWORK_INTERNAL_H

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

#endif
