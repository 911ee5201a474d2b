/* A convolution with Gaussian weights. */
#include "kernels/variational/variational_conv1d.h"
#include "model/network/layer.h"
#include "model/network/shape.h"

static chirp_status create(layer *l, const chirp_network_config *config)
{
    chirp_conv1d_desc desc = chirp_layer_conv1d(l->info, config->batch);
    desc.algorithm = config->algorithm;
    desc.n_threads = config->n_threads;
    chirp_variational_conv1d_plan *plan = NULL;
    const chirp_status st =
        chirp_variational_conv1d_plan_create(&desc, config->estimator, config->training, &plan);
    l->plan = plan;
    return st;
}

static void forward(layer *l, const float *src, const chirp_variational_draws *draws)
{
    const chirp_variational_weights weights = layer_variational_weights(l);
    chirp_variational_conv1d_forward(l->plan, src, &weights, draws, l->dst, l->code);
}

static void backward(layer *l, const layer_backward *b, const float *src, float *dsrc)
{
    const chirp_variational_weights weights = layer_variational_weights(l);
    const chirp_variational_gradients gradients = layer_variational_gradients(l);
    const chirp_variational_conv1d_pass pass = {src, l->ddst, l->code, dsrc};
    chirp_variational_conv1d_backward(l->plan, &pass, &weights, b->draws, b->prior, &gradients);
}

static void destroy(layer *l) { chirp_variational_conv1d_plan_destroy(l->plan); }

const layer_type layer_type_variational_convolution = {
    .kind = "convolution",
    .variational = true,
    .codes = true,
    .shape = layer_convolution_shape,
    .create = create,
    .forward = forward,
    .backward = backward,
    .destroy = destroy,
};
