/* What a step of a network computes and exchanges, layer by layer: worked out from its specification, so that no network
   has to be made. A test compares it with chirp_network_layers(). */
#include "suites/scaling/plan.h"

#include <stdio.h>
#include <string.h>

/* Extents of the input of a layer, carried from layer to layer. */
typedef struct extents {
    int64_t width, channels;
} extents;

static chirp_workload_layer *add(chirp_workload *w)
{
    return w->n < CHIRP_WORKLOAD_MAX_LAYERS ? &w->layer[w->n++] : NULL;
}

static int64_t trained(int64_t weights, int64_t biases, bool variational, bool shared)
{
    return (variational && !shared ? 2 : 1) * weights + biases;
}

static chirp_status add_root(const chirp_network_spec *spec, bool variational, bool shared,
                             extents *at, chirp_workload *w)
{
    for (int i = 0; i < spec->n_root; ++i) {
        const chirp_conv_layer *conv = &spec->root[i];
        chirp_workload_layer *layer = add(w);
        if (!layer)
            return chirp_fail(CHIRP_ERR_RANGE, "the network has more than %d layers",
                              CHIRP_WORKLOAD_MAX_LAYERS);
        const int64_t q = conv->same ? at->width : at->width - (conv->taps - 1) * conv->dilation;
        const int64_t weights = conv->filters * at->channels * conv->taps;
        (void)snprintf(layer->name, sizeof layer->name, "root/%.20s", conv->name);
        layer->trained = trained(weights, conv->filters, variational, shared);
        layer->forward_flops = 2.0 * (double)weights * (double)q;
        /* the strain needs no gradient, so the first layer has weight gradients only */
        layer->backward_flops = (i == 0 ? 1 : 2) * layer->forward_flops;
        *at = (extents){q / conv->pool, conv->filters};
    }
    return CHIRP_OK;
}

static chirp_status add_leaf(const chirp_network_spec *spec, int leaf, chirp_variant variant,
                             bool shared, int64_t inputs, chirp_workload *w)
{
    for (int i = 0; i < spec->n_leaf; ++i) {
        const chirp_dense_layer *dense = &spec->leaf[i];
        chirp_workload_layer *layer = add(w);
        if (!layer)
            return chirp_fail(CHIRP_ERR_RANGE, "the network has more than %d layers",
                              CHIRP_WORKLOAD_MAX_LAYERS);
        const int64_t outputs = dense->outputs > 0 ? dense->outputs : 1;
        const bool variational = variant >= CHIRP_VARIANT_LEAF ||
                                 (variant == CHIRP_VARIANT_LAST2 && i >= spec->n_leaf - 2);
        (void)snprintf(layer->name, sizeof layer->name, "leaf%d/%.14s", leaf, dense->name);
        layer->trained = trained(inputs * outputs, outputs, variational, shared);
        layer->forward_flops = 2.0 * (double)(inputs * outputs);
        layer->backward_flops = 2 * layer->forward_flops;
        inputs = outputs;
    }
    return CHIRP_OK;
}

chirp_status chirp_workload_make(const char *network, chirp_variant variant, bool shared_noise,
                                 chirp_workload *w)
{
    const chirp_network_spec *spec = NULL;
    *w = (chirp_workload){0};
    chirp_status st = chirp_network_spec_find(network, &spec);
    if (st != CHIRP_OK)
        return st;
    extents at = {spec->length, 1};
    st = add_root(spec, variant == CHIRP_VARIANT_ALL, shared_noise, &at, w);
    for (int leaf = 0; st == CHIRP_OK && leaf < spec->n_leaves; ++leaf)
        st = add_leaf(spec, leaf, variant, shared_noise, at.width * at.channels, w);
    for (int i = 0; i < w->n; ++i) {
        w->trained += w->layer[i].trained;
        w->flops += w->layer[i].forward_flops + w->layer[i].backward_flops;
    }
    return st;
}
