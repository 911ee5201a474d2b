/* What a step of a network computes and exchanges, layer by layer: asked of a network of one signal. */
#include "model/network/network.h"
#include "suites/scaling/plan.h"

#include <stdio.h>

static void fill(const chirp_layer_info *info, int n, bool shared_noise, chirp_workload *w)
{
    w->n = n;
    for (int i = 0; i < n; ++i) {
        chirp_workload_layer *layer = &w->layer[i];
        (void)snprintf(layer->name, sizeof layer->name, "%s", info[i].name);
        layer->trained = shared_noise ? info[i].weights + info[i].biases : info[i].trained;
        layer->forward_flops = info[i].forward_flops;
        /* the strain needs no gradient, so the first layer has weight gradients only */
        layer->backward_flops = (i == 0 ? 1 : 2) * layer->forward_flops;
        w->trained += layer->trained;
        w->flops += layer->forward_flops + layer->backward_flops;
    }
}

chirp_status chirp_workload_make(const char *network, chirp_variant variant, bool shared_noise,
                                 chirp_workload *w)
{
    const chirp_network_spec *spec = NULL;
    chirp_network *net = NULL;
    int n = 0;
    *w = (chirp_workload){0};
    chirp_status st = chirp_network_spec_find(network, &spec);
    if (st != CHIRP_OK)
        return st;
    chirp_network_config config = chirp_network_config_default(spec);
    config.variant = variant;
    config.outputs = 1;
    config.batch = 1;
    config.training = false;
    st = chirp_network_create(&config, &net);
    if (st != CHIRP_OK)
        return st;
    const chirp_layer_info *info = chirp_network_layers(net, &n);
    if (n > CHIRP_WORKLOAD_MAX_LAYERS)
        st = chirp_fail(CHIRP_ERR_RANGE, "the network has more than %d layers",
                        CHIRP_WORKLOAD_MAX_LAYERS);
    else
        fill(info, n, shared_noise, w);
    chirp_network_destroy(net);
    return st;
}
