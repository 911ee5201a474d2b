/* A convolution with point weights: conv1d with its bias, ReLU and max pool fused. */
#include "model/network/layer.h"
#include "model/network/shape.h"

enum { WEIGHT, BIAS };

chirp_conv1d_desc chirp_layer_conv1d(const chirp_layer_info *info, int64_t batch)
{
    return (chirp_conv1d_desc){
        .N = batch,
        .C = info->in_channels,
        .K = info->out_channels,
        .W = info->in_width,
        .S = info->taps,
        .dilation = info->dilation,
        .pad_left = info->pad_left,
        .pad_right = info->pad_right,
        .relu = info->activation == CHIRP_ACTIVATION_RELU,
        .pool = info->pool,
    };
}

chirp_status layer_convolution_shape(const chirp_layer_row *row, const chirp_network_config *config,
                                     chirp_layer_info *info, layer_tensors *tensors)
{
    info->taps = row->taps;
    info->dilation = row->dilation;
    info->pool = row->pool;
    chirp_conv1d_desc desc = chirp_layer_conv1d(info, config->batch);
    if (row->same)
        chirp_conv1d_pad_same(&desc);
    desc.algorithm = config->algorithm;
    desc.n_threads = config->n_threads;
    const chirp_status st = chirp_conv1d_check(&desc);
    if (st != CHIRP_OK)
        return st;
    info->pad_left = desc.pad_left;
    info->pad_right = desc.pad_right;
    info->out_width = chirp_conv1d_pooled_width(&desc);
    info->forward_flops = chirp_conv1d_flops(&desc) / (double)config->batch;
    layer_add_weights(info, tensors, 3);
    return CHIRP_OK;
}

static chirp_status create(layer *l, const chirp_network_config *config)
{
    chirp_conv1d_desc desc = chirp_layer_conv1d(l->info, config->batch);
    desc.algorithm = config->algorithm;
    desc.n_threads = config->n_threads;
    chirp_conv1d_plan *plan = NULL;
    const chirp_status st = chirp_conv1d_plan_create(&desc, &plan);
    l->plan = plan;
    return st;
}

static void load(layer *l) { chirp_conv1d_load_weights(l->plan, l->value[WEIGHT]); }

static void forward(layer *l, const float *src, const chirp_variational_draws *draws)
{
    (void)draws;
    chirp_conv1d_forward(l->plan, src, l->value[BIAS], l->dst, l->code);
}

static void backward(layer *l, const layer_backward *b, const float *src, float *dsrc)
{
    (void)b;
    chirp_conv1d_backward(l->plan, src, l->ddst, l->code, dsrc, l->gradient[WEIGHT],
                          l->gradient[BIAS]);
}

static void destroy(layer *l) { chirp_conv1d_plan_destroy(l->plan); }

const layer_type layer_type_convolution = {
    .kind = "convolution",
    .codes = true,
    .shape = layer_convolution_shape,
    .create = create,
    .load = load,
    .forward = forward,
    .backward = backward,
    .destroy = destroy,
};
