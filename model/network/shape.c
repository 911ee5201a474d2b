#include "model/network/shape.h"

#include "model/network/layer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LAYER_TYPE_ROW(name) &layer_type_##name,
static const layer_type *const types[] = {LAYER_TYPES(LAYER_TYPE_ROW)};

const layer_type *layer_type_find(const char *kind, bool variational)
{
    for (size_t i = 0; kind && i < sizeof types / sizeof types[0]; ++i)
        if (types[i]->variational == variational && strcmp(types[i]->kind, kind) == 0)
            return types[i];
    return NULL;
}

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

void layer_add_weights(chirp_layer_info *info, layer_tensors *tensors, int rank)
{
    layer_tensor weight = {.rank = rank,
                           .extent = {info->out_channels, info->in_channels, info->taps}};
    weight.kind = info->variational ? CHIRP_TENSOR_MEAN : CHIRP_TENSOR_WEIGHT;
    tensors->tensor[tensors->n++] = weight;
    weight.kind = CHIRP_TENSOR_RHO;
    if (info->variational)
        tensors->tensor[tensors->n++] = weight;
    tensors->tensor[tensors->n++] =
        (layer_tensor){CHIRP_TENSOR_BIAS, 1, {info->out_channels, 1, 1}};
}

static int64_t count_of(const layer_tensor *tensor)
{
    return tensor->extent[0] * tensor->extent[1] * tensor->extent[2];
}

/* What the tensors and the flops say, whatever the type. */
static void add_costs(int64_t batch, bool first, chirp_layer_info *info,
                      const layer_tensors *tensors)
{
    for (int t = 0; t < tensors->n; ++t) {
        const int64_t count = count_of(&tensors->tensor[t]);
        info->trained += count;
        if (tensors->tensor[t].kind == CHIRP_TENSOR_BIAS)
            info->biases += count;
        else if (tensors->tensor[t].kind != CHIRP_TENSOR_RHO)
            info->weights += count;
    }
    info->backward_flops = (first ? 1 : 2) * info->forward_flops;
    info->forward_bytes =
        4.0 * (double)(batch * info->in_width * info->in_channels + info->trained +
                       batch * info->out_width * info->out_channels);
}

/* Layer `number`, whose input is `before`'s output; NULL: the signal. */
static chirp_status add_layer(const chirp_network_config *config, int leaf, int index,
                              const chirp_layer_info *before, chirp_layer_info *info,
                              layer_tensors *tensors)
{
    const chirp_network_spec *spec = config->spec;
    const chirp_layer_row *row = leaf < 0 ? &spec->root[index] : &spec->leaf[index];
    const bool last = leaf >= 0 && index == spec->n_leaf - 1;
    *info = (chirp_layer_info){
        .kind = row->kind,
        .leaf = leaf,
        .index = index,
        .last = last,
        .variational = is_variational(config, leaf, index),
        .dropout = row->dropout,
        .in_width = before ? before->out_width : spec->length,
        .in_channels = before ? before->out_channels : 1,
        .out_width = 1,
        .out_channels = last ? config->outputs : row->outputs,
        .taps = 1,
        .dilation = 1,
        .pool = 1,
        .activation = row->relu || (config->dense2_relu && leaf >= 0 && !last)
                          ? CHIRP_ACTIVATION_RELU
                          : CHIRP_ACTIVATION_NONE,
        .likelihood_activation =
            last && spec->tanh_output ? CHIRP_ACTIVATION_TANH : CHIRP_ACTIVATION_NONE,
    };
    *tensors = (layer_tensors){0};
    if (leaf < 0)
        (void)snprintf(info->name, sizeof info->name, "root/%s", row->name);
    else
        (void)snprintf(info->name, sizeof info->name, "leaf%d/%s", leaf, row->name);
    if (leaf >= 0 && last != (row->outputs == 0))
        return chirp_fail(CHIRP_ERR_ARG, "leaf layer %s: only the last layer has 0 outputs",
                          row->name);
    const layer_type *type = layer_type_find(row->kind, info->variational);
    if (!type)
        return chirp_fail(CHIRP_ERR_ARG, "%s: there is no %s layer type '%s'", info->name,
                          info->variational ? "variational" : "deterministic",
                          row->kind ? row->kind : "");
    const chirp_status st = type->shape(row, config, info, tensors);
    if (st != CHIRP_OK)
        return chirp_fail(st, "%s: %s", info->name, chirp_error_message());
    add_costs(config->batch, !before, info, tensors);
    return CHIRP_OK;
}

/* Appends a layer's tensors to the table. */
static void add_tensors(chirp_network_shape *shape, int number, const layer_tensors *tensors)
{
    static const char *const kind_name[] = {"weight", "mean", "rho", "bias"};
    chirp_layer_info *info = &shape->layer[number];
    const chirp_layer_info copy =
        *info; /* a compiler can't see that names don't overlap within the shape */
    info->first_tensor = shape->n_tensors;
    info->n_tensors = tensors->n;
    for (int t = 0; t < tensors->n; ++t) {
        const layer_tensor *own = &tensors->tensor[t];
        chirp_tensor *tensor = &shape->tensor[shape->n_tensors++];
        *tensor = (chirp_tensor){
            .kind = own->kind,
            .layer = number,
            .rank = own->rank,
            .offset = shape->parameters,
            .count = count_of(own),
        };
        memcpy(tensor->extent, own->extent, sizeof tensor->extent);
        (void)snprintf(tensor->name, sizeof tensor->name, "%s/%s", copy.name, kind_name[own->kind]);
        shape->parameters += tensor->count;
    }
}

/* The order in which the backward pass finishes layers. */
static void set_backward_order(const chirp_network_spec *spec, chirp_network_shape *shape)
{
    int n = 0;
    for (int leaf = 0; leaf < spec->n_leaves; ++leaf)
        for (int l = spec->n_leaf - 1; l >= 0; --l)
            shape->backward[n++] = spec->n_root + leaf * spec->n_leaf + l;
    for (int l = spec->n_root - 1; l >= 0; --l)
        shape->backward[n++] = l;
}

chirp_status chirp_network_shape_make(const chirp_network_config *config,
                                      chirp_network_shape *shape)
{
    const chirp_network_spec *spec = config->spec;
    layer_tensors tensors[CHIRP_MAX_LAYERS];
    chirp_status st = config_check(config);
    if (st != CHIRP_OK)
        return st;
    shape->n_layers = spec->n_root + spec->n_leaves * spec->n_leaf;
    shape->n_tensors = 0;
    shape->parameters = 0;
    const chirp_layer_info *top = &shape->layer[spec->n_root - 1];
    for (int i = 0; i < shape->n_layers; ++i) {
        const int leaf = i < spec->n_root ? -1 : (i - spec->n_root) / spec->n_leaf;
        const int index = leaf < 0 ? i : (i - spec->n_root) % spec->n_leaf;
        const chirp_layer_info *before = index ? &shape->layer[i - 1] : leaf < 0 ? NULL : top;
        st = add_layer(config, leaf, index, before, &shape->layer[i], &tensors[i]);
        if (st != CHIRP_OK)
            return st;
    }
    shape->features = top->out_width * top->out_channels;
    set_backward_order(spec, shape);
    for (int i = 0; i < shape->n_layers; ++i)
        add_tensors(shape, shape->backward[i], &tensors[shape->backward[i]]);
    return CHIRP_OK;
}

chirp_status chirp_network_shape_of(const char *network, chirp_variant variant, int64_t batch,
                                    chirp_network_shape *shape)
{
    const chirp_network_spec *spec = NULL;
    const chirp_status st = chirp_network_spec_find(network, &spec);
    if (st != CHIRP_OK)
        return st;
    chirp_network_config config = chirp_network_config_default(spec);
    config.variant = variant;
    config.outputs = 1;
    config.batch = batch;
    return chirp_network_shape_make(&config, shape);
}

chirp_status chirp_network_layer_find(const char *network, chirp_variant variant, int64_t batch,
                                      const char *name, chirp_layer_info *info)
{
    chirp_network_shape shape;
    const chirp_status st = chirp_network_shape_of(network, variant, batch, &shape);
    for (int i = 0; st == CHIRP_OK && i < shape.n_layers; ++i)
        if (strcmp(shape.layer[i].name, name) == 0) {
            *info = shape.layer[i];
            return CHIRP_OK;
        }
    return st == CHIRP_OK ? chirp_fail(CHIRP_ERR_ARG, "network %s has no layer '%s'", network, name)
                          : st;
}
