/* The backward pass: gradients of f(output) + kl_weight * KL, in the order of the tensor table. */
#include "harness/base/clock.h"
#include "kernels/dropout/dropout.h"
#include "kernels/variational/variational.h"
#include "model/network/network.h"
#include "model/network/network_internal.h"

#include <stddef.h>

typedef struct backward_context {
    const chirp_pass *pass;
    float kl_weight;
    chirp_tensor_ready ready;
    void *context;
} backward_context;

static void announce(const network_layer *layer, const backward_context *b)
{
    if (!b->ready)
        return;
    b->ready(b->context, layer->tensor_weight);
    if (layer->variational)
        b->ready(b->context, layer->tensor_rho);
    b->ready(b->context, layer->tensor_bias);
}

static void backward_dense(chirp_network *net, int number, const float *src, float *dsrc,
                           const backward_context *b)
{
    network_layer *layer = &net->layer[number];
    const double start = chirp_now_s();
    if (drops(net, layer, b->pass))
        chirp_dropout(net->config.batch * layer->outputs, (float)net->config.dropout,
                      dropout_stream(net, number, b->pass),
                      b->pass->first_row * (uint64_t)layer->outputs, layer->ddst, layer->ddst,
                      net->config.n_threads);
    const float *weights = tensor_data(net, net->parameters, layer->tensor_weight);
    float *dweights = tensor_data(net, net->gradients, layer->tensor_weight);
    float *dbias = tensor_data(net, net->gradients, layer->tensor_bias);
    /* behind a dropout dst is 0 where an element was dropped, and so is its gradient: dst > 0 still decides */
    if (layer->variational) {
        const chirp_variational_draws draws = layer_draws(net, number, b->pass);
        chirp_variational_dense_backward(
            layer->variational_dense, src, weights,
            tensor_data(net, net->parameters, layer->tensor_rho), &draws, layer->dst, layer->ddst,
            b->kl_weight, (float)net->config.prior_sigma, dweights,
            tensor_data(net, net->gradients, layer->tensor_rho), dbias, dsrc);
    } else {
        chirp_dense_backward_activation(layer->dense, layer->dst, layer->ddst);
        chirp_dense_backward_data(layer->dense, layer->ddst, weights, dsrc);
        chirp_dense_backward_weights(layer->dense, src, layer->ddst, dweights, dbias);
    }
    layer->backward_s = chirp_now_s() - start;
    announce(layer, b);
}

static void backward_convolution(chirp_network *net, int number, const float *src, float *dsrc,
                                 const backward_context *b)
{
    network_layer *layer = &net->layer[number];
    const double start = chirp_now_s();
    float *dweights = tensor_data(net, net->gradients, layer->tensor_weight);
    float *dbias = tensor_data(net, net->gradients, layer->tensor_bias);
    if (layer->variational) {
        const chirp_variational_draws draws = layer_draws(net, number, b->pass);
        chirp_variational_conv1d_backward(
            layer->variational_conv, src, tensor_data(net, net->parameters, layer->tensor_weight),
            tensor_data(net, net->parameters, layer->tensor_rho), &draws, layer->ddst, layer->code,
            b->kl_weight, (float)net->config.prior_sigma, dweights,
            tensor_data(net, net->gradients, layer->tensor_rho), dbias, dsrc);
    } else {
        chirp_conv1d_backward(layer->conv, src, layer->ddst, layer->code, dsrc, dweights, dbias);
    }
    layer->backward_s = chirp_now_s() - start;
    announce(layer, b);
}

static void add(int64_t n, const float *src, float *sum)
{
#pragma omp simd
    for (int64_t i = 0; i < n; ++i)
        sum[i] += src[i];
}

void chirp_network_backward(chirp_network *net, const float *strain, const chirp_pass *pass,
                            const float *doutput, double kl_weight, chirp_tensor_ready ready,
                            void *context)
{
    const chirp_network_spec *spec = net->config.spec;
    const int64_t N = net->config.batch;
    const int outputs = net->config.outputs;
    const backward_context b = {pass, (float)kl_weight, ready, context};
    network_layer *root = net->layer;
    network_layer *top = &root[spec->n_root - 1];
    for (int leaf = 0; leaf < spec->n_leaves; ++leaf) {
        network_layer *last = &net->layer[leaf_layer(net, leaf, spec->n_leaf - 1)];
        for (int64_t n = 0; n < N; ++n)
            for (int o = 0; o < outputs; ++o)
                last->ddst[n * outputs + o] = doutput[(n * spec->n_leaves + leaf) * outputs + o];
        for (int l = spec->n_leaf - 1; l >= 0; --l) {
            const int number = leaf_layer(net, leaf, l);
            const float *src = l ? net->layer[number - 1].dst : top->dst;
            float *dsrc = l ? net->layer[number - 1].ddst : (leaf ? net->dfeatures : top->ddst);
            backward_dense(net, number, src, dsrc, &b);
        }
        if (leaf)
            add(N * top->outputs, net->dfeatures, top->ddst);
    }
    for (int i = spec->n_root - 1; i >= 0; --i)
        backward_convolution(net, i, i ? root[i - 1].dst : strain, i ? root[i - 1].ddst : NULL, &b);
}

void chirp_network_shared_noise_gradients(chirp_network *net, int tensor, const chirp_pass *pass,
                                          double kl_weight)
{
    const float prior = (float)net->config.prior_sigma;
    const float pull = (float)kl_weight / (prior * prior);
    const int number = net->tensor[tensor].layer;
    const network_layer *layer = &net->layer[number];
    const float *mean = tensor_data(net, net->parameters, layer->tensor_weight);
    float *dmean = tensor_data(net, net->gradients, layer->tensor_weight);
#pragma omp simd
    for (int64_t w = 0; w < layer->n_weights; ++w)
        dmean[w] -= pull * mean[w];
    chirp_variational_backward(
        layer->n_weights, mean, tensor_data(net, net->parameters, layer->tensor_rho),
        layer_draws(net, number, pass).noise, dmean, (float)kl_weight, prior, dmean,
        tensor_data(net, net->gradients, layer->tensor_rho), net->config.n_threads);
}
