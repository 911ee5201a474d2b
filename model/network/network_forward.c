/* The forward pass. */
#include "harness/base/clock.h"
#include "kernels/dropout/dropout.h"
#include "model/network/network.h"
#include "model/network/network_internal.h"

#include <string.h>

static void forward_dense(chirp_network *net, int number, const float *src, const chirp_pass *pass,
                          float *dst)
{
    const network_layer *layer = &net->layer[number];
    const float *weights = tensor_data(net, net->parameters, layer->tensor_weight);
    const float *bias = tensor_data(net, net->parameters, layer->tensor_bias);
    if (layer->variational) {
        const chirp_variational_draws draws = layer_draws(net, number, pass);
        chirp_variational_dense_forward(layer->variational_dense, src, weights,
                                        tensor_data(net, net->parameters, layer->tensor_rho), bias,
                                        pass->sample ? &draws : NULL, dst);
    } else {
        chirp_dense_forward(layer->dense, src, weights, bias, dst);
    }
    if (drops(net, layer, pass))
        chirp_dropout(net->config.batch * layer->outputs, (float)net->config.dropout,
                      dropout_stream(net, number, pass), pass->first_row * (uint64_t)layer->outputs,
                      dst, dst, net->config.n_threads);
}

static void forward_convolution(chirp_network *net, int number, const float *src,
                                const chirp_pass *pass)
{
    const network_layer *layer = &net->layer[number];
    const float *weights = tensor_data(net, net->parameters, layer->tensor_weight);
    const float *bias = tensor_data(net, net->parameters, layer->tensor_bias);
    if (layer->variational) {
        const chirp_variational_draws draws = layer_draws(net, number, pass);
        chirp_variational_conv1d_forward(layer->variational_conv, src, weights,
                                         tensor_data(net, net->parameters, layer->tensor_rho), bias,
                                         pass->sample ? &draws : NULL, layer->dst, layer->code);
        return;
    }
    if (!net->loaded)
        chirp_conv1d_load_weights(layer->conv, weights);
    chirp_conv1d_forward(layer->conv, src, bias, layer->dst, layer->code);
}

const float *chirp_network_forward_root(chirp_network *net, const float *strain,
                                        const chirp_pass *pass)
{
    const float *src = strain;
    for (int i = 0; i < net->config.spec->n_root; ++i) {
        const double start = chirp_now_s();
        forward_convolution(net, i, src, pass);
        net->layer[i].forward_s = chirp_now_s() - start;
        src = net->layer[i].dst;
    }
    net->loaded = true;
    return src;
}

/* Runs a leaf; returns the last layer's dst [N][outputs]. */
static const float *run_leaf(chirp_network *net, int leaf, const float *features,
                             const chirp_pass *pass)
{
    const float *src = features;
    for (int l = 0; l < net->config.spec->n_leaf; ++l) {
        const int number = leaf_layer(net, leaf, l);
        const double start = chirp_now_s();
        forward_dense(net, number, src, pass, net->layer[number].dst);
        net->layer[number].forward_s = chirp_now_s() - start;
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
