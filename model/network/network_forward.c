/* The forward pass. */
#include "harness/base/clock.h"
#include "model/network/network.h"
#include "model/network/network_internal.h"

#include <string.h>

/* Returns the layer's dst. */
static const float *forward(chirp_network *net, int number, const float *src,
                            const chirp_pass *pass)
{
    layer *l = &net->layer[number];
    const chirp_variational_draws draws = layer_draws(net, number, pass);
    const double start = chirp_now_s();
    if (l->type->load && !l->loaded)
        l->type->load(l);
    l->loaded = true;
    l->type->forward(l, src, pass->sample ? &draws : NULL);
    drop(net, number, pass, l->dst);
    l->forward_s = chirp_now_s() - start;
    return l->dst;
}

const float *chirp_network_forward_root(chirp_network *net, const float *strain,
                                        const chirp_pass *pass)
{
    const float *src = strain;
    for (int i = 0; i < net->config.spec->n_root; ++i)
        src = forward(net, i, src, pass);
    return src;
}

/* Runs a leaf; returns the last layer's dst [N][outputs]. */
static const float *run_leaf(chirp_network *net, int leaf, const float *features,
                             const chirp_pass *pass)
{
    const float *src = features;
    for (int l = 0; l < net->config.spec->n_leaf; ++l)
        src = forward(net, leaf_layer(net, leaf, l), src, pass);
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
