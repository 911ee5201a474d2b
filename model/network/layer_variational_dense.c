/* A dense layer with Gaussian weights. */
#include "model/network/layer.h"
#include "model/network/shape.h"

static chirp_status create(layer *l, const chirp_network_config *config)
{
    chirp_dense_desc desc = chirp_layer_dense(l->info, config->batch);
    desc.n_threads = config->n_threads;
    chirp_variational_dense_plan *plan = NULL;
    const chirp_status st = chirp_variational_dense_plan_create(&desc, config->estimator, &plan);
    l->plan = plan;
    return st;
}

static void forward(layer *l, const float *src, const chirp_variational_draws *draws)
{
    const chirp_variational_weights weights = layer_variational_weights(l);
    chirp_variational_dense_forward(l->plan, src, &weights, draws, l->dst);
}

/* Behind a dropout dst is 0 where an element was dropped, and so is its gradient: dst > 0 still decides. */
static void backward(layer *l, const layer_backward *b, const float *src, float *dsrc)
{
    const chirp_variational_weights weights = layer_variational_weights(l);
    const chirp_variational_gradients gradients = layer_variational_gradients(l);
    const chirp_variational_dense_pass pass = {src, l->dst, l->ddst, dsrc};
    chirp_variational_dense_backward(l->plan, &pass, &weights, b->draws, b->prior, &gradients);
}

static void destroy(layer *l) { chirp_variational_dense_plan_destroy(l->plan); }

const layer_type layer_type_variational_dense = {
    .kind = "dense",
    .variational = true,
    .shape = layer_dense_shape,
    .create = create,
    .forward = forward,
    .backward = backward,
    .destroy = destroy,
};
