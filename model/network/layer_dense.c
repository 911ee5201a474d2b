/* A dense layer with point weights. */
#include "model/network/layer.h"
#include "model/network/shape.h"

enum { WEIGHT, BIAS };

chirp_dense_desc chirp_layer_dense(const chirp_layer_info *info, int64_t batch)
{
    return (chirp_dense_desc){
        .N = batch,
        .I = info->in_channels,
        .O = info->out_channels,
        .activation = info->activation,
    };
}

chirp_status layer_dense_shape(const chirp_layer_row *row, const chirp_network_config *config,
                               chirp_layer_info *info, layer_tensors *tensors)
{
    (void)row;
    info->in_channels *= info->in_width; /* the features of a convolution, flat */
    info->in_width = 1;
    const chirp_dense_desc desc = chirp_layer_dense(info, config->batch);
    const chirp_status st = chirp_dense_check(&desc);
    if (st != CHIRP_OK)
        return st;
    info->forward_flops = chirp_dense_flops(&desc) / (double)config->batch;
    layer_add_weights(info, tensors, 2);
    return CHIRP_OK;
}

static chirp_status create(layer *l, const chirp_network_config *config)
{
    chirp_dense_desc desc = chirp_layer_dense(l->info, config->batch);
    desc.n_threads = config->n_threads;
    chirp_dense_plan *plan = NULL;
    const chirp_status st = chirp_dense_plan_create(&desc, &plan);
    l->plan = plan;
    return st;
}

static void forward(layer *l, const float *src, const chirp_variational_draws *draws)
{
    (void)draws;
    chirp_dense_forward(l->plan, src, l->value[WEIGHT], l->value[BIAS], l->dst);
}

/* Behind a dropout dst is 0 where an element was dropped, and so is its gradient: dst > 0 still decides. */
static void backward(layer *l, const layer_backward *b, const float *src, float *dsrc)
{
    (void)b;
    chirp_dense_backward_activation(l->plan, l->dst, l->ddst);
    if (dsrc)
        chirp_dense_backward_data(l->plan, l->ddst, l->value[WEIGHT], dsrc);
    chirp_dense_backward_weights(l->plan, src, l->ddst, l->gradient[WEIGHT], l->gradient[BIAS]);
}

static void destroy(layer *l) { chirp_dense_plan_destroy(l->plan); }

const layer_type layer_type_dense = {
    .kind = "dense",
    .shape = layer_dense_shape,
    .create = create,
    .forward = forward,
    .backward = backward,
    .destroy = destroy,
};
