/* What network.c, network_passes.c and times.c share. Not for other folders. */
#ifndef CHIRP_MODEL_NETWORK_NETWORK_INTERNAL_H
#define CHIRP_MODEL_NETWORK_NETWORK_INTERNAL_H

#include "model/network/layer.h"
#include "model/network/network.h"

/* Plans of batches that passes have had lately: numbers of signals that come back cost nothing. */
enum { NETWORK_KEPT_PLANS = 4 };

typedef struct kept_plans {
    int64_t batch; /* 0: none */
    void **plan;   /* [n_layers] */
} kept_plans;

struct chirp_network {
    chirp_network_config config;
    chirp_network_shape shape;
    layer *layer; /* in forward order */
    float *parameters, *gradients;
    float *dfeatures;      /* [N][features] of one leaf, summed into the last root layer's ddst */
    bool (*go_on)(void *); /* NULL, or asked after every layer */
    void *go_on_context;
    int64_t room;                        /* signals that the buffers hold: config.batch or more */
    kept_plans kept[NETWORK_KEPT_PLANS]; /* latest first */
};

/* Layer l of leaf f. */
static inline int leaf_layer(const chirp_network *net, int leaf, int l)
{
    return net->config.spec->n_root + leaf * net->config.spec->n_leaf + l;
}

#endif
