/* Making a network: shapes, the tensor table, plans, buffers, initial values. */
#include "model/network/network.h"

#include "harness/base/memory.h"
#include "kernels/variational/variational.h"
#include "model/network/network_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

chirp_network_config chirp_network_config_default(const chirp_network_spec *spec)
{
    return (chirp_network_config){
        .spec = spec,
        .variant = CHIRP_VARIANT_LAST2,
        .estimator = CHIRP_VARIATIONAL_REPARAMETERIZATION,
        .outputs = 2,
        .batch = 64,
        .dropout = 0.1,
        .prior_sigma = 1,
        .initial_rho = -5,
        .training = true,
        .algorithm = CHIRP_CONV1D_AUTO,
    };
}

static bool is_variational(const chirp_network_config *config, int leaf, int index)
{
    switch (config->variant) {
    case CHIRP_VARIANT_ALL:
        return true;
    case CHIRP_VARIANT_LEAF:
        return leaf >= 0;
    case CHIRP_VARIANT_LAST2:
        return leaf >= 0 && index >= config->spec->n_leaf - 2;
    default:
        return false;
    }
}

static chirp_status config_check(const chirp_network_config *config)
{
    const chirp_network_spec *spec = config->spec;
    if (!spec || spec->n_root < 1 || spec->n_root > CHIRP_MAX_ROOT_LAYERS || spec->n_leaf < 1 ||
        spec->n_leaf > CHIRP_MAX_LEAF_LAYERS || spec->n_leaves < 1 ||
        spec->n_leaves > CHIRP_MAX_LEAVES)
        return chirp_fail(
            CHIRP_ERR_ARG,
            "network table: needs 1 to %d root layers, 1 to %d leaf layers, 1 to %d leaves",
            CHIRP_MAX_ROOT_LAYERS, CHIRP_MAX_LEAF_LAYERS, CHIRP_MAX_LEAVES);
    if (config->batch < 1 || config->batch > 1 << 20)
        return chirp_fail(CHIRP_ERR_ARG, "batch %lld is outside 1 to 1048576",
                          (long long)config->batch);
    if (config->outputs < 1 || config->outputs > 2)
        return chirp_fail(CHIRP_ERR_ARG, "a leaf has 1 or 2 outputs, not %d", config->outputs);
    if (!(config->dropout >= 0 && config->dropout < 1))
        return chirp_fail(CHIRP_ERR_ARG, "dropout %g is outside 0 to below 1", config->dropout);
    if (!(config->prior_sigma > 0) || !isfinite(config->initial_rho))
        return chirp_fail(
            CHIRP_ERR_ARG,
            "prior standard deviation %g and initial rho %g must be positive and finite",
            config->prior_sigma, config->initial_rho);
    if ((unsigned)config->variant >= CHIRP_VARIANTS ||
        (unsigned)config->estimator >= CHIRP_VARIATIONAL_ESTIMATORS)
        return chirp_fail(CHIRP_ERR_ARG, "unknown variant or estimator");
    return CHIRP_OK;
}

static chirp_status make_conv(chirp_network *net, int index, int64_t *width, int64_t *channels)
{
    const chirp_network_config *config = &net->config;
    const chirp_conv_layer *row = &config->spec->root[index];
    network_layer *layer = &net->layer[index];
    chirp_layer_info *info = &net->info[index];
    chirp_conv1d_desc desc = {
        .N = config->batch,
        .C = *channels,
        .K = row->filters,
        .W = *width,
        .S = row->taps,
        .dilation = row->dilation,
        .relu = true,
        .pool = row->pool,
        .algorithm = config->algorithm,
        .n_threads = config->n_threads,
    };
    if (row->same)
        chirp_conv1d_pad_same(&desc);
    layer->variational = is_variational(config, -1, index);
    const chirp_status st =
        layer->variational
            ? chirp_variational_conv1d_plan_create(&desc, config->estimator, config->training,
                                                   &layer->variational_conv)
            : chirp_conv1d_plan_create(&desc, &layer->conv);
    if (st != CHIRP_OK)
        return chirp_fail(st, "root/%s: %s", row->name, chirp_error_message());
    const int64_t pooled = chirp_conv1d_pooled_width(&desc);
    if (pooled < 1)
        return chirp_fail(CHIRP_ERR_ARG, "root/%s: nothing is left after its pool", row->name);
    layer->relu = true;
    layer->inputs = *width * *channels;
    layer->outputs = pooled * row->filters;
    layer->n_weights = row->filters * *channels * row->taps;
    layer->n_biases = row->filters;
    *info = (chirp_layer_info){
        .leaf = -1,
        .variational = layer->variational,
        .in_width = *width,
        .in_channels = *channels,
        .out_width = pooled,
        .out_channels = row->filters,
        .taps = row->taps,
        .dilation = row->dilation,
        .pool = row->pool,
        .forward_flops = chirp_conv1d_flops(&desc) / (double)config->batch,
        .relu = true,
        .activation = "relu",
    };
    (void)snprintf(info->name, sizeof info->name, "root/%s", row->name);
    *width = pooled;
    *channels = row->filters;
    return CHIRP_OK;
}

static chirp_status make_dense(chirp_network *net, int leaf, int index, int64_t *inputs)
{
    const chirp_network_config *config = &net->config;
    const chirp_dense_layer *row = &config->spec->leaf[index];
    const int number = leaf_layer(net, leaf, index);
    network_layer *layer = &net->layer[number];
    chirp_layer_info *info = &net->info[number];
    const bool last = index == config->spec->n_leaf - 1;
    if (last != (row->outputs == 0))
        return chirp_fail(CHIRP_ERR_ARG, "leaf layer %s: only the last layer has 0 outputs",
                          row->name);
    layer->variational = is_variational(config, leaf, index);
    layer->relu = row->relu || (config->dense2_relu && !last);
    layer->last = last;
    layer->dropout = row->dropout;
    layer->inputs = *inputs;
    layer->outputs = last ? config->outputs : row->outputs;
    layer->n_weights = layer->inputs * layer->outputs;
    layer->n_biases = layer->outputs;
    const chirp_dense_desc desc = {
        .N = config->batch,
        .I = layer->inputs,
        .O = layer->outputs,
        .activation = layer->relu ? CHIRP_ACTIVATION_RELU : CHIRP_ACTIVATION_NONE,
        .n_threads = config->n_threads,
    };
    const chirp_status st = layer->variational
                                ? chirp_variational_dense_plan_create(&desc, config->estimator,
                                                                      &layer->variational_dense)
                                : chirp_dense_plan_create(&desc, &layer->dense);
    if (st != CHIRP_OK)
        return chirp_fail(st, "leaf%d/%s: %s", leaf, row->name, chirp_error_message());
    *info = (chirp_layer_info){
        .leaf = leaf,
        .variational = layer->variational,
        .in_width = 1,
        .in_channels = layer->inputs,
        .out_width = 1,
        .out_channels = layer->outputs,
        .taps = 1,
        .dilation = 1,
        .pool = 1,
        .forward_flops = chirp_dense_flops(&desc) / (double)config->batch,
        .relu = layer->relu,
        .activation = layer->relu ? "relu" : (last && config->spec->tanh_output ? "tanh" : "none"),
    };
    (void)snprintf(info->name, sizeof info->name, "leaf%d/%s", leaf, row->name);
    *inputs = layer->outputs;
    return CHIRP_OK;
}

static int add_tensor(chirp_network *net, int number, chirp_tensor_kind kind)
{
    static const char *const kind_name[] = {"weight", "mean", "rho", "bias"};
    const chirp_layer_info *info = &net->info[number];
    const network_layer *layer = &net->layer[number];
    chirp_tensor *tensor = &net->tensor[net->n_tensors];
    tensor->kind = kind;
    tensor->layer = number;
    tensor->offset = net->n_parameters;
    if (kind == CHIRP_TENSOR_BIAS) {
        tensor->rank = 1;
        tensor->extent[0] = layer->n_biases;
        tensor->count = layer->n_biases;
    } else {
        tensor->rank = is_convolution(layer) ? 3 : 2;
        tensor->extent[0] = info->out_channels;
        tensor->extent[1] = info->in_channels;
        tensor->extent[2] = info->taps;
        tensor->count = layer->n_weights;
    }
    (void)snprintf(tensor->name, sizeof tensor->name, "%s/%s", info->name, kind_name[kind]);
    net->n_parameters += tensor->count;
    return net->n_tensors++;
}

static void add_layer_tensors(chirp_network *net, int number)
{
    network_layer *layer = &net->layer[number];
    chirp_layer_info *info = &net->info[number];
    const int64_t before = net->n_parameters;
    layer->tensor_weight =
        add_tensor(net, number, layer->variational ? CHIRP_TENSOR_MEAN : CHIRP_TENSOR_WEIGHT);
    layer->tensor_rho = layer->variational ? add_tensor(net, number, CHIRP_TENSOR_RHO) : -1;
    layer->tensor_bias = add_tensor(net, number, CHIRP_TENSOR_BIAS);
    info->weights = layer->n_weights;
    info->biases = layer->n_biases;
    info->trained = net->n_parameters - before;
}

/* Table order is the order in which the backward pass finishes gradients. */
static void add_tensors(chirp_network *net)
{
    const chirp_network_spec *spec = net->config.spec;
    for (int leaf = 0; leaf < spec->n_leaves; ++leaf)
        for (int l = spec->n_leaf - 1; l >= 0; --l)
            add_layer_tensors(net, leaf_layer(net, leaf, l));
    for (int l = spec->n_root - 1; l >= 0; --l)
        add_layer_tensors(net, l);
}

static chirp_status make_buffers(chirp_network *net)
{
    const int64_t N = net->config.batch;
    const bool training = net->config.training;
    for (int i = 0; i < net->n_layers; ++i) {
        network_layer *layer = &net->layer[i];
        const size_t outputs = (size_t)(N * layer->outputs);
        layer->dst = chirp_calloc(outputs, sizeof *layer->dst);
        if (!layer->dst)
            return CHIRP_ERR_NOMEM;
        if (training && is_convolution(layer) && !(layer->code = chirp_calloc(outputs, 1)))
            return CHIRP_ERR_NOMEM;
        if (training && !(layer->ddst = chirp_calloc(outputs, sizeof(float))))
            return CHIRP_ERR_NOMEM;
    }
    net->parameters = chirp_calloc((size_t)net->n_parameters, sizeof(float));
    if (!net->parameters)
        return CHIRP_ERR_NOMEM;
    if (!training)
        return CHIRP_OK;
    net->gradients = chirp_calloc((size_t)net->n_parameters, sizeof(float));
    net->dfeatures = chirp_calloc((size_t)(N * chirp_network_feature_count(net)), sizeof(float));
    return net->gradients && net->dfeatures ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

chirp_status chirp_network_create(const chirp_network_config *config, chirp_network **result)
{
    chirp_status st = config_check(config);
    if (st != CHIRP_OK)
        return st;
    const chirp_network_spec *spec = config->spec;
    chirp_network *net = chirp_calloc(1, sizeof *net);
    if (!net)
        return CHIRP_ERR_NOMEM;
    net->config = *config;
    net->n_layers = spec->n_root + spec->n_leaves * spec->n_leaf;
    net->layer = chirp_calloc((size_t)net->n_layers, sizeof *net->layer);
    net->info = chirp_calloc((size_t)net->n_layers, sizeof *net->info);
    net->tensor = chirp_calloc(3 * (size_t)net->n_layers, sizeof *net->tensor);
    if (!net->layer || !net->info || !net->tensor) {
        chirp_network_destroy(net);
        return CHIRP_ERR_NOMEM;
    }
    int64_t width = spec->length;
    int64_t channels = 1;
    for (int l = 0; l < spec->n_root && st == CHIRP_OK; ++l)
        st = make_conv(net, l, &width, &channels);
    for (int leaf = 0; leaf < spec->n_leaves && st == CHIRP_OK; ++leaf) {
        int64_t inputs = width * channels;
        for (int l = 0; l < spec->n_leaf && st == CHIRP_OK; ++l)
            st = make_dense(net, leaf, l, &inputs);
    }
    if (st == CHIRP_OK) {
        add_tensors(net);
        st = make_buffers(net);
    }
    if (st != CHIRP_OK) {
        chirp_network_destroy(net);
        return st;
    }
    *result = net;
    return CHIRP_OK;
}

chirp_status chirp_network_set_batch(chirp_network *net, int64_t batch)
{
    chirp_network_config config = net->config;
    chirp_network *other = NULL;
    config.batch = batch;
    const chirp_status st = chirp_network_create(&config, &other);
    if (st != CHIRP_OK)
        return st;
    float *parameters = other->parameters;
    float *gradients = other->gradients;
    other->parameters = net->parameters;
    other->gradients = net->gradients;
    const chirp_network old = *net;
    *net = *other;
    *other = old;
    other->parameters = parameters;
    other->gradients = gradients;
    chirp_network_destroy(other);
    return CHIRP_OK;
}

void chirp_network_destroy(chirp_network *net)
{
    if (!net)
        return;
    for (int i = 0; net->layer && i < net->n_layers; ++i) {
        network_layer *layer = &net->layer[i];
        chirp_conv1d_plan_destroy(layer->conv);
        chirp_variational_conv1d_plan_destroy(layer->variational_conv);
        chirp_dense_plan_destroy(layer->dense);
        chirp_variational_dense_plan_destroy(layer->variational_dense);
        chirp_free(layer->dst);
        chirp_free(layer->code);
        chirp_free(layer->ddst);
    }
    chirp_free(net->layer);
    chirp_free(net->info);
    chirp_free(net->tensor);
    chirp_free(net->parameters);
    chirp_free(net->gradients);
    chirp_free(net->dfeatures);
    chirp_free(net);
}

void chirp_network_initialize(chirp_network *net, uint64_t seed, double scale_bias)
{
    net->loaded = false;
    for (int t = 0; t < net->n_tensors; ++t) {
        const chirp_tensor *tensor = &net->tensor[t];
        const network_layer *layer = &net->layer[tensor->layer];
        float *values = tensor_data(net, net->parameters, t);
        if (tensor->kind == CHIRP_TENSOR_BIAS) {
            for (int64_t i = 0; i < tensor->count; ++i)
                values[i] = layer->last && i == 1 ? (float)scale_bias : 0.0F;
        } else if (tensor->kind == CHIRP_TENSOR_RHO) {
            for (int64_t i = 0; i < tensor->count; ++i)
                values[i] = (float)net->config.initial_rho;
        } else {
            const double fan_in = (double)layer->n_weights / (double)layer->n_biases;
            const double fan_out = (double)layer->n_biases * (double)net->info[tensor->layer].taps;
            const float scale = (float)sqrt(2 / (fan_in + fan_out));
            chirp_rng_normal(chirp_rng_stream(seed, CHIRP_RNG_INIT, (uint32_t)tensor->layer, 0), 0,
                             tensor->count, values);
            for (int64_t i = 0; i < tensor->count; ++i)
                values[i] *= scale;
        }
    }
}

double chirp_network_kl(const chirp_network *net)
{
    double kl = 0;
    for (int i = 0; i < net->n_layers; ++i) {
        const network_layer *layer = &net->layer[i];
        if (layer->variational)
            kl += chirp_variational_kl(layer->n_weights,
                                       tensor_data(net, net->parameters, layer->tensor_weight),
                                       tensor_data(net, net->parameters, layer->tensor_rho),
                                       (float)net->config.prior_sigma, net->config.n_threads);
    }
    return kl;
}

const chirp_network_config *chirp_network_configuration(const chirp_network *net)
{
    return &net->config;
}

const chirp_tensor *chirp_network_tensors(const chirp_network *net, int *n)
{
    *n = net->n_tensors;
    return net->tensor;
}

const chirp_layer_info *chirp_network_layers(const chirp_network *net, int *n)
{
    *n = net->n_layers;
    return net->info;
}

const chirp_conv1d_plan *chirp_network_conv_plan(const chirp_network *net, int layer)
{
    const network_layer *l = &net->layer[layer];
    return l->variational_conv ? chirp_variational_conv1d_mean_plan(l->variational_conv) : l->conv;
}

double chirp_network_active_share(const chirp_network *net)
{
    const chirp_network_spec *spec = net->config.spec;
    int64_t active = 0;
    int64_t all = 0;
    for (int leaf = 0; leaf < spec->n_leaves && spec->n_leaf > 1; ++leaf) {
        const network_layer *layer = &net->layer[leaf_layer(net, leaf, spec->n_leaf - 2)];
        const int64_t n = net->config.batch * layer->outputs;
        for (int64_t i = 0; i < n; ++i)
            active += layer->dst[i] != 0;
        all += n;
    }
    return all ? (double)active / (double)all : 1;
}

void chirp_network_layer_times(const chirp_network *net, int layer, double *forward_s,
                               double *backward_s)
{
    *forward_s = net->layer[layer].forward_s;
    *backward_s = net->layer[layer].backward_s;
}

int64_t chirp_network_parameter_count(const chirp_network *net) { return net->n_parameters; }

float *chirp_network_parameters(chirp_network *net)
{
    net->loaded = false;
    return net->parameters;
}

const float *chirp_network_values(const chirp_network *net) { return net->parameters; }

float *chirp_network_gradients(chirp_network *net) { return net->gradients; }

int64_t chirp_network_feature_count(const chirp_network *net)
{
    return net->layer[net->config.spec->n_root - 1].outputs;
}
