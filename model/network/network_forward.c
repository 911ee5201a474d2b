/* The forward pass. */
#include "kernels/dropout/dropout.h"
#include "kernels/variational/variational.h"
#include "model/network/network.h"
#include "model/network/network_internal.h"

#include <string.h>

/* The weights a layer computes with in this pass: its parameters, or a draw from its posterior. */
static const float *effective_weights(chirp_network *net, int number, const chirp_pass *pass)
{
    const network_layer *layer = &net->layer[number];
    const float *weights = tensor_data(net, net->parameters, layer->tensor_weight);
    if (!layer->variational || !pass->sample)
        return weights;
    chirp_variational_sample(
        layer->n_weights, weights, tensor_data(net, net->parameters, layer->tensor_rho),
        weight_stream(net, number, pass), layer->sampled, net->config.n_threads);
    return layer->sampled;
}

static void forward_dense(chirp_network *net, int number, const float *src, const chirp_pass *pass,
                          float *dst)
{
    const network_layer *layer = &net->layer[number];
    chirp_dense_forward(layer->dense, src, effective_weights(net, number, pass),
                        tensor_data(net, net->parameters, layer->tensor_bias), dst);
    if (drops(net, layer, pass))
        chirp_dropout(net->config.batch * layer->outputs, (float)net->config.dropout,
                      dropout_stream(net, number, pass), pass->first_row * (uint64_t)layer->outputs,
                      dst, dst, net->config.n_threads);
}

const float *chirp_network_forward_root(chirp_network *net, const float *strain,
                                        const chirp_pass *pass)
{
    const float *src = strain;
    bool drawn = false;
    for (int i = 0; i < net->config.spec->n_root; ++i) {
        const network_layer *layer = &net->layer[i];
        const bool draw = layer->variational && pass->sample;
        drawn = drawn || draw;
        if (draw || !net->loaded)
            chirp_conv1d_load_weights(layer->conv, effective_weights(net, i, pass));
        chirp_conv1d_forward(layer->conv, src,
                             tensor_data(net, net->parameters, layer->tensor_bias), layer->dst,
                             layer->code);
        src = layer->dst;
    }
    net->loaded = !drawn; /* a draw serves one pass */
    return src;
}

/* Runs a leaf; returns the last layer's dst [N][outputs]. */
static const float *run_leaf(chirp_network *net, int leaf, const float *features,
                             const chirp_pass *pass)
{
    const float *src = features;
    for (int l = 0; l < net->config.spec->n_leaf; ++l) {
        const int number = leaf_layer(net, leaf, l);
        forward_dense(net, number, src, pass, net->layer[number].dst);
        src = net->layer[number].dst;
    }
    return src;
}

void chirp_network_forward_leaf(chirp_network *net, int leaf, const float *features,
                                const chirp_pass *pass, float *output)
{
    const float *dst = run_leaf(net, leaf, features, pass);
    memcpy(output, dst, (size_t)(net->config.batch * net->config.outputs) * sizeof *output);
}

void chirp_network_forward(chirp_network *net, const float *strain, const chirp_pass *pass,
                           float *output)
{
    const int leaves = net->config.spec->n_leaves;
    const int outputs = net->config.outputs;
    const float *features = chirp_network_forward_root(net, strain, pass);
    for (int leaf = 0; leaf < leaves; ++leaf) {
        const float *dst = run_leaf(net, leaf, features, pass);
        for (int64_t n = 0; n < net->config.batch; ++n)
            for (int o = 0; o < outputs; ++o)
                output[(n * leaves + leaf) * outputs + o] = dst[n * outputs + o];
    }
}
