/* The forward pass, and the backward pass: gradients of f(output) + kl_weight * KL, in the order of the tensor table. */
#include "harness/base/clock.h"
#include "kernels/dropout/dropout.h"
#include "kernels/variational/variational.h"
#include "model/network/network.h"
#include "model/network/network_internal.h"

#include <stddef.h>

/* Draws of one layer in one pass; the forward and the backward pass must agree. */
static chirp_variational_draws layer_draws(const chirp_network *net, int number,
                                           const chirp_pass *pass)
{
    const uint64_t seed = net->config.seed + pass->seed_offset;
    const uint32_t stream = (uint32_t)number;
    return (chirp_variational_draws){
        .noise =
            chirp_rng_stream_part(seed, CHIRP_RNG_WEIGHT_NOISE, stream, pass->step, pass->noise),
        .sign_in =
            chirp_rng_stream_part(seed, CHIRP_RNG_SIGNS, 2 * stream, pass->step, pass->noise),
        .sign_out =
            chirp_rng_stream_part(seed, CHIRP_RNG_SIGNS, 2 * stream + 1, pass->step, pass->noise),
        .first_row = pass->first_row,
    };
}

/* Drops elements of x [N][width] behind a layer with dropout; the same in the forward and in the backward pass. */
static void drop(const chirp_network *net, int number, const chirp_pass *pass, float *x)
{
    const chirp_layer_info *info = &net->shape.layer[number];
    const int64_t width = info->out_width * info->out_channels;
    if (pass->training && info->dropout && net->config.dropout > 0)
        chirp_dropout(
            net->config.batch * width, (float)net->config.dropout,
            chirp_rng_stream(net->config.seed, CHIRP_RNG_DROPOUT, (uint32_t)number, pass->step),
            pass->first_row * (uint64_t)width, x, x, net->config.n_threads);
}

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

void chirp_network_ask(chirp_network *net, bool (*go_on)(void *context), void *context)
{
    net->go_on = go_on;
    net->go_on_context = context;
}

static bool goes_on(const chirp_network *net)
{
    return !net->go_on || net->go_on(net->go_on_context);
}

const float *chirp_network_forward_root(chirp_network *net, const float *strain,
                                        const chirp_pass *pass)
{
    const float *src = strain;
    for (int i = 0; i < net->config.spec->n_root; ++i) {
        src = forward(net, i, src, pass);
        if (!goes_on(net))
            return NULL;
    }
    return src;
}

bool chirp_network_forward(chirp_network *net, const float *strain, const chirp_pass *pass,
                           float *output)
{
    const chirp_network_spec *spec = net->config.spec;
    const int outputs = net->config.outputs;
    const float *features = chirp_network_forward_root(net, strain, pass);
    if (!features)
        return false;
    for (int leaf = 0; leaf < spec->n_leaves; ++leaf) {
        const float *src = features;
        for (int l = 0; l < spec->n_leaf; ++l) {
            src = forward(net, leaf_layer(net, leaf, l), src, pass);
            if (!goes_on(net))
                return false;
        }
        for (int64_t n = 0; n < net->config.batch; ++n)
            for (int o = 0; o < outputs; ++o)
                output[(n * spec->n_leaves + leaf) * outputs + o] = src[n * outputs + o];
    }
    return true;
}

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

bool chirp_network_backward(chirp_network *net, const float *strain, const chirp_pass *pass,
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
        if (!goes_on(net))
            return false;
    }
    return true;
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
