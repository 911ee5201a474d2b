/* The backward pass: gradients of f(output) + kl_weight * KL, in the order of the tensor table. */
#include "harness/base/clock.h"
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

static void backward(chirp_network *net, int number, const float *src, float *dsrc,
                     const backward_context *c)
{
    layer *l = &net->layer[number];
    const double start = chirp_now_s();
    const chirp_variational_draws draws = layer_draws(net, number, c->pass);
    const layer_backward b = {&draws, {c->kl_weight, (float)net->config.prior_sigma}};
    drop(net, number, c->pass, l->ddst);
    l->type->backward(l, &b, src, dsrc);
    l->backward_s = chirp_now_s() - start;
    for (int t = 0; c->ready && t < l->info->n_tensors; ++t)
        c->ready(c->context, l->info->first_tensor + t);
}

static void add(int64_t n, const float *src, float *sum)
{
#pragma omp simd
    for (int64_t i = 0; i < n; ++i)
        sum[i] += src[i];
}

/* The last layer's ddst of a leaf, from the gradients of all leaves' outputs. */
static void take_output_gradient(chirp_network *net, int leaf, const float *doutput)
{
    const int leaves = net->config.spec->n_leaves;
    const int outputs = net->config.outputs;
    float *ddst = net->layer[leaf_layer(net, leaf, net->config.spec->n_leaf - 1)].ddst;
    for (int64_t n = 0; n < net->config.batch; ++n)
        for (int o = 0; o < outputs; ++o)
            ddst[n * outputs + o] = doutput[(n * leaves + leaf) * outputs + o];
}

void chirp_network_backward(chirp_network *net, const float *strain, const chirp_pass *pass,
                            const float *doutput, double kl_weight, chirp_tensor_ready ready,
                            void *context)
{
    const backward_context c = {pass, (float)kl_weight, ready, context};
    const layer *top = &net->layer[net->config.spec->n_root - 1];
    for (int i = 0; i < net->shape.n_layers; ++i) {
        const int number = net->shape.backward[i];
        const chirp_layer_info *info = &net->shape.layer[number];
        const bool root = info->leaf < 0;
        const layer *before = info->index ? &net->layer[number - 1] : root ? NULL : top;
        float *dsrc = before ? before->ddst : NULL;
        if (before == top && info->leaf > 0)
            dsrc = net->dfeatures; /* leaf 0 writes the features' gradient, others add to it */
        if (info->last)
            take_output_gradient(net, info->leaf, doutput);
        backward(net, number, before ? before->dst : strain, dsrc, &c);
        if (dsrc == net->dfeatures)
            add(net->config.batch * net->shape.features, net->dfeatures, top->ddst);
    }
}

void chirp_network_shared_noise_gradients(chirp_network *net, int tensor, const chirp_pass *pass,
                                          double kl_weight)
{
    const chirp_variational_prior prior = {(float)kl_weight, (float)net->config.prior_sigma};
    const float pull = prior.kl_weight / (prior.sigma * prior.sigma);
    const chirp_tensor *mean = &net->shape.tensor[tensor];
    const chirp_tensor *rho = mean + 1;
    const chirp_variational_weights weights = {.mu = net->parameters + mean->offset,
                                               .rho = net->parameters + rho->offset};
    const chirp_variational_gradients gradients = {.dmu = net->gradients + mean->offset,
                                                   .drho = net->gradients + rho->offset};
#pragma omp simd
    for (int64_t w = 0; w < mean->count; ++w)
        gradients.dmu[w] -= pull * weights.mu[w];
    chirp_variational_backward(mean->count, &weights, layer_draws(net, mean->layer, pass).noise,
                               gradients.dmu, prior, &gradients, net->config.n_threads);
}
