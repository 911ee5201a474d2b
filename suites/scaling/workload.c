/* What a step of a network computes and exchanges, layer by layer: asked of the network's shape. */
#include "suites/scaling/plan.h"

#include <stdio.h>
#include <string.h>

chirp_status chirp_workload_make(const char *network, chirp_variant variant, bool shared_noise,
                                 chirp_workload *w)
{
    const chirp_network_spec *spec = NULL;
    chirp_network_shape shape;
    *w = (chirp_workload){0};
    chirp_status st = chirp_network_spec_find(network, &spec);
    if (st != CHIRP_OK)
        return st;
    chirp_network_config config = chirp_network_config_default(spec);
    config.variant = variant;
    config.outputs = 1;
    config.batch = 1;
    st = chirp_network_shape_make(&config, &shape);
    if (st != CHIRP_OK)
        return st;
    w->n = shape.n_layers;
    memcpy(w->backward, shape.backward, sizeof shape.backward);
    for (int i = 0; i < shape.n_layers; ++i) {
        const chirp_layer_info *info = &shape.layer[i];
        chirp_workload_layer *layer = &w->layer[i];
        (void)snprintf(layer->name, sizeof layer->name, "%s", info->name);
        layer->trained = shared_noise ? info->weights + info->biases : info->trained;
        layer->forward_flops = info->forward_flops;
        layer->backward_flops = info->backward_flops;
        w->trained += layer->trained;
        w->flops += layer->forward_flops + layer->backward_flops;
    }
    return CHIRP_OK;
}
