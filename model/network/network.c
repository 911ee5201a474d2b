/* Making a network: the arena, layers and their buffers, initial values. */
#include "model/network/network.h"

#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "kernels/variational/variational.h"
#include "model/network/network_internal.h"

#include <math.h>

/* Points every layer at its shape and its tensors. */
static void bind(chirp_network *net)
{
    for (int i = 0; i < net->shape.n_layers; ++i) {
        layer *l = &net->layer[i];
        l->info = &net->shape.layer[i];
        for (int t = 0; t < l->info->n_tensors; ++t) {
            const int64_t offset = net->shape.tensor[l->info->first_tensor + t].offset;
            l->value[t] = net->parameters + offset;
            l->gradient[t] = net->gradients ? net->gradients + offset : NULL;
        }
    }
}

static chirp_status make_arena(chirp_network *net)
{
    const size_t n = (size_t)net->shape.parameters;
    net->parameters = chirp_calloc(n, sizeof(float));
    if (!net->parameters)
        return CHIRP_ERR_NOMEM;
    if (!net->config.training)
        return CHIRP_OK;
    net->gradients = chirp_calloc(n, sizeof(float));
    return net->gradients ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

static void free_buffers(const layer *l)
{
    chirp_free(l->dst);
    chirp_free(l->code);
    chirp_free(l->ddst);
}

/* Sets dst, code and ddst, which are NULL before; the caller frees them, also after a failure. */
static chirp_status make_buffers(const chirp_network_config *config, int64_t batch, layer *l)
{
    const size_t outputs = (size_t)(batch * l->info->out_width * l->info->out_channels);
    if (!(l->dst = chirp_calloc(outputs, sizeof *l->dst)))
        return CHIRP_ERR_NOMEM;
    if (config->training && l->type->codes && !(l->code = chirp_calloc(outputs, 1)))
        return CHIRP_ERR_NOMEM;
    if (config->training && !(l->ddst = chirp_calloc(outputs, sizeof *l->ddst)))
        return CHIRP_ERR_NOMEM;
    return CHIRP_OK;
}

/* Room for the outputs of `batch` signals in every layer; on failure the old buffers stay. */
static chirp_status make_room(chirp_network *net, int64_t batch)
{
    const int n = net->shape.n_layers;
    layer *fresh = chirp_calloc((size_t)n, sizeof *fresh);
    float *dfeatures = chirp_calloc(
        (size_t)(net->config.training ? batch * net->shape.features : 0), sizeof *dfeatures);
    chirp_status st = fresh && dfeatures ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int i = 0; st == CHIRP_OK && i < n; ++i) {
        fresh[i].type = net->layer[i].type;
        fresh[i].info = net->layer[i].info;
        st = make_buffers(&net->config, batch, &fresh[i]);
    }
    for (int i = 0; fresh && i < n; ++i) {
        layer *l = &net->layer[i];
        const layer old = *l;
        if (st == CHIRP_OK) {
            l->dst = fresh[i].dst;
            l->code = fresh[i].code;
            l->ddst = fresh[i].ddst;
        }
        free_buffers(st == CHIRP_OK ? &old : &fresh[i]);
    }
    if (st == CHIRP_OK) {
        chirp_free(net->dfeatures);
        net->dfeatures = dfeatures;
        net->room = batch;
    } else {
        chirp_free(dfeatures);
    }
    chirp_free(fresh);
    return st;
}

static void destroy_plans(const chirp_network *net, kept_plans *kept)
{
    for (int i = 0; kept->plan && i < net->shape.n_layers; ++i) {
        layer l = {.plan = kept->plan[i]};
        if (l.plan)
            net->layer[i].type->destroy(&l);
    }
    chirp_free(kept->plan);
    *kept = (kept_plans){0};
}

static chirp_status make_plans(const chirp_network *net, int64_t batch, kept_plans *made)
{
    chirp_network_config config = net->config;
    config.batch = batch;
    *made = (kept_plans){batch, chirp_calloc((size_t)net->shape.n_layers, sizeof *made->plan)};
    chirp_status st = made->plan ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int i = 0; st == CHIRP_OK && i < net->shape.n_layers; ++i) {
        layer l = net->layer[i];
        l.plan = NULL;
        st = l.type->create(&l, &config);
        if (st == CHIRP_OK)
            made->plan[i] = l.plan;
        else
            (void)chirp_fail(st, "%s: %s", l.info->name, chirp_error_message());
    }
    if (st != CHIRP_OK)
        destroy_plans(net, made);
    return st;
}

/* The plans for net->config.batch become the latest that are kept, and the ones in use. */
static void use_plans(chirp_network *net, kept_plans plans)
{
    int at = 0;
    while (at < NETWORK_KEPT_PLANS - 1 && net->kept[at].batch != plans.batch &&
           net->kept[at].batch != 0)
        ++at;
    if (net->kept[at].batch != plans.batch)
        destroy_plans(net, &net->kept[at]);
    for (; at > 0; --at)
        net->kept[at] = net->kept[at - 1];
    net->kept[0] = plans;
    for (int i = 0; i < net->shape.n_layers; ++i)
        net->layer[i].plan = plans.plan[i];
    chirp_network_parameters_changed(net);
}

static chirp_status take_batch(chirp_network *net, int64_t batch)
{
    kept_plans plans = {0};
    for (int i = 0; i < NETWORK_KEPT_PLANS; ++i)
        if (net->kept[i].batch == batch)
            plans = net->kept[i];
    chirp_status st = CHIRP_OK;
    if (plans.batch == 0)
        st = make_plans(net, batch, &plans);
    if (st == CHIRP_OK) {
        use_plans(net, plans);
        net->config.batch = batch;
    }
    return st;
}

chirp_status chirp_network_create(const chirp_network_config *config, chirp_network **result)
{
    chirp_network *net = chirp_calloc(1, sizeof *net);
    if (!net)
        return CHIRP_ERR_NOMEM;
    net->config = *config;
    chirp_status st = chirp_network_shape_make(config, &net->shape);
    if (st == CHIRP_OK) {
        net->layer = chirp_calloc((size_t)net->shape.n_layers, sizeof *net->layer);
        st = net->layer ? make_arena(net) : CHIRP_ERR_NOMEM;
    }
    if (st == CHIRP_OK)
        bind(net);
    for (int i = 0; st == CHIRP_OK && i < net->shape.n_layers; ++i)
        net->layer[i].type =
            layer_type_find(net->layer[i].info->kind, net->layer[i].info->variational);
    if (st == CHIRP_OK)
        st = make_room(net, config->batch);
    if (st == CHIRP_OK)
        st = take_batch(net, config->batch);
    if (st != CHIRP_OK) {
        chirp_network_destroy(net);
        return st;
    }
    *result = net;
    return CHIRP_OK;
}

chirp_status chirp_network_set_batch(chirp_network *net, int64_t batch)
{
    chirp_status st = CHIRP_OK;
    if (batch < 1)
        return chirp_fail(CHIRP_ERR_ARG, "passes of %lld signals", (long long)batch);
    if (batch >
        net->room) { /* more than asked for: shares that grow by one should not come here each time */
        const int64_t ahead = net->room + net->room / 4;
        st = make_room(net, batch > ahead ? batch : ahead);
    }
    return st == CHIRP_OK && batch != net->config.batch ? take_batch(net, batch) : st;
}

void chirp_network_destroy(chirp_network *net)
{
    if (!net)
        return;
    for (int i = 0; i < NETWORK_KEPT_PLANS; ++i)
        destroy_plans(net, &net->kept[i]);
    for (int i = 0; net->layer && i < net->shape.n_layers; ++i)
        free_buffers(&net->layer[i]);
    chirp_free(net->layer);
    chirp_free(net->parameters);
    chirp_free(net->gradients);
    chirp_free(net->dfeatures);
    chirp_free(net);
}

static void initialize_weights(const chirp_tensor *tensor, uint64_t seed, float *values)
{
    const double fan_in = (double)tensor->extent[1] * (double)tensor->extent[2];
    const double fan_out = (double)tensor->extent[0] * (double)tensor->extent[2];
    const float scale = (float)sqrt(2 / (fan_in + fan_out));
    chirp_rng_normal(chirp_rng_stream(seed, CHIRP_RNG_INIT, (uint32_t)tensor->layer, 0), 0,
                     tensor->count, values);
    for (int64_t i = 0; i < tensor->count; ++i)
        values[i] *= scale;
}

void chirp_network_initialize(chirp_network *net, uint64_t seed, double scale_bias)
{
    for (int t = 0; t < net->shape.n_tensors; ++t) {
        const chirp_tensor *tensor = &net->shape.tensor[t];
        const bool last = net->shape.layer[tensor->layer].last;
        float *values = net->parameters + tensor->offset;
        if (tensor->kind == CHIRP_TENSOR_BIAS) {
            for (int64_t i = 0; i < tensor->count; ++i)
                values[i] = last && i == 1 ? (float)scale_bias : 0.0F;
        } else if (tensor->kind == CHIRP_TENSOR_RHO) {
            for (int64_t i = 0; i < tensor->count; ++i)
                values[i] = (float)net->config.initial_rho;
        } else {
            initialize_weights(tensor, seed, values);
        }
    }
    chirp_network_parameters_changed(net);
}

double chirp_network_kl(const chirp_network *net)
{
    double kl = 0;
    for (int i = 0; i < net->shape.n_layers; ++i) {
        const layer *l = &net->layer[i];
        const chirp_tensor *tensor = &net->shape.tensor[l->info->first_tensor];
        for (int t = 0; t < l->info->n_tensors; ++t)
            if (tensor[t].kind == CHIRP_TENSOR_MEAN)
                kl += chirp_variational_kl(tensor[t].count, l->value[t], l->value[t + 1],
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
    *n = net->shape.n_tensors;
    return net->shape.tensor;
}

const chirp_layer_info *chirp_network_layers(const chirp_network *net, int *n)
{
    *n = net->shape.n_layers;
    return net->shape.layer;
}

const float *chirp_network_layer_output(const chirp_network *net, int number)
{
    return net->layer[number].dst;
}

const float *chirp_network_layer_gradient(const chirp_network *net, int number)
{
    return net->layer[number].ddst;
}

double chirp_network_active_share(const chirp_network *net)
{
    const chirp_network_spec *spec = net->config.spec;
    int64_t active = 0;
    int64_t all = 0;
    for (int leaf = 0; leaf < spec->n_leaves && spec->n_leaf > 1; ++leaf) {
        const layer *l = &net->layer[leaf_layer(net, leaf, spec->n_leaf - 2)];
        const int64_t n = net->config.batch * l->info->out_width * l->info->out_channels;
        for (int64_t i = 0; i < n; ++i)
            active += l->dst[i] != 0;
        all += n;
    }
    return all ? (double)active / (double)all : 1;
}

int64_t chirp_network_parameter_count(const chirp_network *net) { return net->shape.parameters; }

float *chirp_network_parameters(chirp_network *net) { return net->parameters; }

const float *chirp_network_values(const chirp_network *net) { return net->parameters; }

void chirp_network_parameters_changed(chirp_network *net)
{
    for (int i = 0; i < net->shape.n_layers; ++i)
        net->layer[i].loaded = false;
}

float *chirp_network_gradients(chirp_network *net) { return net->gradients; }
