#include "model/inference/impact.h"

#include "harness/base/memory.h"

#include <math.h>
#include <string.h>

/* The tensor of a layer that holds its biases, or else its weights (of variational layers the means). */
static const chirp_tensor *tensor_of(const chirp_network *net, int layer, chirp_tensor_kind kind)
{
    int n = 0;
    const chirp_layer_info *info = chirp_network_layers(net, &n) + layer;
    const chirp_tensor *tensor = chirp_network_tensors(net, &n) + info->first_tensor;
    for (int t = 0; t < info->n_tensors; ++t)
        if (tensor[t].kind == kind ||
            (kind == CHIRP_TENSOR_WEIGHT && tensor[t].kind == CHIRP_TENSOR_MEAN))
            return &tensor[t];
    return NULL;
}

chirp_status chirp_impact_twin(const chirp_network *net, int64_t batch, chirp_network **twin)
{
    static const chirp_tensor_kind kinds[] = {CHIRP_TENSOR_WEIGHT, CHIRP_TENSOR_BIAS};
    chirp_network_config config = *chirp_network_configuration(net);
    int layers = 0;
    config.variant = CHIRP_VARIANT_NONE;
    config.batch = batch;
    config.training = true;
    const chirp_status st = chirp_network_create(&config, twin);
    if (st != CHIRP_OK)
        return st;
    (void)chirp_network_layers(net, &layers);
    for (int i = 0; i < layers; ++i)
        for (int k = 0; k < 2; ++k) {
            const chirp_tensor *from = tensor_of(net, i, kinds[k]);
            const chirp_tensor *to = tensor_of(*twin, i, kinds[k]);
            memcpy(chirp_network_parameters(*twin) + to->offset,
                   chirp_network_values(net) + from->offset, (size_t)to->count * sizeof(float));
        }
    chirp_network_parameters_changed(*twin);
    return CHIRP_OK;
}

/* Numbers of the mean outputs of a signal. */
static int64_t row_of(const chirp_network *net)
{
    const chirp_network_config *config = chirp_network_configuration(net);
    return (int64_t)config->spec->n_leaves * config->outputs;
}

static chirp_status impact_create(const chirp_network *net, int64_t n, chirp_impact *impact)
{
    int layers = 0;
    const chirp_layer_info *info = chirp_network_layers(net, &layers);
    const chirp_network_spec *spec = chirp_network_configuration(net)->spec;
    *impact = (chirp_impact){.n_layers = spec->n_root, .n_leaves = spec->n_leaves};
    for (int l = 0; l < spec->n_root; ++l)
        impact->first[l + 1] = impact->first[l] + info[l].out_channels;
    impact->filters = impact->first[spec->n_root];
    impact->value =
        chirp_calloc((size_t)impact->n_leaves * (size_t)impact->filters, sizeof *impact->value);
    impact->output = chirp_calloc((size_t)(n * row_of(net)), sizeof *impact->output);
    return impact->value && impact->output ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

void chirp_impact_release(chirp_impact *impact)
{
    chirp_free(impact->value);
    chirp_free(impact->output);
    *impact = (chirp_impact){0};
}

/* Adds the squares of the batch's first-order changes. @param sum  [filters of the layer] */
static void add_squares(const chirp_network *twin, int layer, double *sum)
{
    int n = 0;
    const chirp_layer_info *info = chirp_network_layers(twin, &n) + layer;
    const float *a = chirp_network_layer_output(twin, layer);
    const float *g = chirp_network_layer_gradient(twin, layer);
    const int64_t size = info->out_width * info->out_channels;
    for (int64_t row = 0; row < chirp_network_configuration(twin)->batch; ++row)
        for (int64_t k = 0; k < info->out_channels; ++k) {
            double change = 0;
            for (int64_t i = row * size + k; i < (row + 1) * size; i += info->out_channels)
                change += (double)a[i] * (double)g[i];
            sum[k] += change * change;
        }
}

chirp_status chirp_impact_measure(chirp_network *twin, const float *strain, int64_t n,
                                  chirp_impact *impact)
{
    const chirp_network_config *config = chirp_network_configuration(twin);
    const chirp_pass pass = {.sample = false};
    const int64_t batch = config->batch;
    const int64_t row = row_of(twin);
    float *doutput = chirp_calloc((size_t)(batch * row), sizeof *doutput);
    chirp_status st = impact_create(twin, n, impact);
    if (st == CHIRP_OK && !doutput)
        st = CHIRP_ERR_NOMEM;
    for (int64_t at = 0; st == CHIRP_OK && at + batch <= n; at += batch) {
        const float *x = strain + at * config->spec->length;
        chirp_network_forward(twin, x, &pass, impact->output + at * row);
        for (int leaf = 0; leaf < impact->n_leaves; ++leaf) {
            for (int64_t i = 0; i < batch * row; ++i)
                doutput[i] = i % row == leaf * config->outputs;
            chirp_network_backward(twin, x, &pass, doutput, 0, NULL, NULL);
            for (int l = 0; l < impact->n_layers; ++l)
                add_squares(twin, l, impact->value + leaf * impact->filters + impact->first[l]);
        }
    }
    for (int64_t i = 0; st == CHIRP_OK && i < impact->n_leaves * impact->filters; ++i)
        impact->value[i] = sqrt(impact->value[i] / (double)n);
    chirp_free(doutput);
    return st;
}

/* Exchanges a filter's parameters with `kept`: weights, then its bias. */
static void swap_filter(chirp_network *twin, int layer, int64_t k, float *kept)
{
    const chirp_tensor *weight = tensor_of(twin, layer, CHIRP_TENSOR_WEIGHT);
    const chirp_tensor *bias = tensor_of(twin, layer, CHIRP_TENSOR_BIAS);
    const int64_t n = weight->count / weight->extent[0];
    float *w = chirp_network_parameters(twin) + weight->offset + k * n;
    float *b = chirp_network_parameters(twin) + bias->offset + k;
    for (int64_t i = 0; i <= n; ++i) {
        float *own = i < n ? w + i : b;
        const float value = *own;
        *own = kept[i];
        kept[i] = value;
    }
    chirp_network_parameters_changed(twin);
}

static void forward_all(chirp_network *twin, const float *strain, int64_t n, float *output)
{
    const chirp_network_config *config = chirp_network_configuration(twin);
    const chirp_pass pass = {.sample = false};
    for (int64_t at = 0; at + config->batch <= n; at += config->batch)
        chirp_network_forward(twin, strain + at * config->spec->length, &pass,
                              output + at * row_of(twin));
}

chirp_status chirp_impact_without(chirp_network *twin, const float *strain, int64_t n,
                                  const chirp_impact *impact, int64_t filter, double *change)
{
    const chirp_network_config *config = chirp_network_configuration(twin);
    const int64_t row = row_of(twin);
    int layer = 0;
    while (impact->first[layer + 1] <= filter)
        ++layer;
    const chirp_tensor *weight = tensor_of(twin, layer, CHIRP_TENSOR_WEIGHT);
    float *kept = chirp_calloc((size_t)(weight->count / weight->extent[0] + 1), sizeof *kept);
    float *output = chirp_calloc((size_t)(n * row), sizeof *output);
    const chirp_status st = kept && output ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK) {
        swap_filter(twin, layer, filter - impact->first[layer], kept);
        forward_all(twin, strain, n, output);
        swap_filter(twin, layer, filter - impact->first[layer], kept);
    }
    for (int leaf = 0; st == CHIRP_OK && leaf < impact->n_leaves; ++leaf) {
        double sum = 0;
        for (int64_t i = leaf * config->outputs; i < n * row; i += row)
            sum += pow((double)output[i] - (double)impact->output[i], 2);
        change[leaf] = sqrt(sum / (double)n);
    }
    chirp_free(kept);
    chirp_free(output);
    return st;
}

chirp_status chirp_cut_spec(const chirp_network_spec *whole, const chirp_cut *cut,
                            chirp_network_spec *spec)
{
    bool good =
        cut->n_layers == whole->n_root && cut->n_leaves >= 1 && cut->n_leaves <= whole->n_leaves;
    *spec = *whole;
    for (int l = 0; l < whole->n_root && good; ++l) {
        good = cut->width[l] >= 1 && cut->width[l] <= whole->root[l].outputs;
        spec->root[l].outputs = cut->width[l];
    }
    for (int i = 0; i < cut->n_leaves && good; ++i) {
        const int leaf = cut->leaf[i];
        good = leaf >= 0 && leaf < whole->n_leaves && (i == 0 || leaf > cut->leaf[i - 1]);
        spec->label[i] = good ? whole->label[leaf] : 0;
        spec->label_scale[i] = good ? whole->label_scale[leaf] : 1;
    }
    spec->n_leaves = cut->n_leaves;
    return good ? CHIRP_OK
                : chirp_fail(CHIRP_ERR_ARG,
                             "a part of network %s has widths or leaves that the "
                             "network doesn't have",
                             whole->name);
}

void chirp_cut_likelihood(const chirp_likelihood *whole, const chirp_cut *cut,
                          const chirp_network_spec *spec, chirp_likelihood *part)
{
    const chirp_label_map from = whole->labels; /* part may be whole */
    *part = *whole;
    part->spec = spec;
    for (int i = 0; i < cut->n_leaves; ++i) {
        part->labels.centre[i] = from.centre[cut->leaf[i]];
        part->labels.unit[i] = from.unit[cut->leaf[i]];
    }
}

enum { VECTOR = 16 };

/* Filters of one layer by their largest share of a leaf's largest impact. @param share  [filters of the layer] */
static void fill_shares(const chirp_impact *impact, const chirp_cut *cut, int layer, double *share)
{
    const int64_t from = impact->first[layer];
    const int64_t n = impact->first[layer + 1] - from;
    for (int64_t k = 0; k < n; ++k)
        share[k] = 0;
    for (int i = 0; i < cut->n_leaves; ++i) {
        const double *value = impact->value + cut->leaf[i] * impact->filters + from;
        double most = 0;
        for (int64_t k = 0; k < n; ++k)
            most = fmax(most, value[k]);
        for (int64_t k = 0; k < n && most > 0; ++k)
            share[k] = fmax(share[k], value[k] / most);
    }
}

chirp_status chirp_cut_choose(const chirp_impact *impact, double threshold, chirp_cut *cut,
                              bool *keep)
{
    double *share = chirp_calloc((size_t)impact->filters, sizeof *share);
    if (!share)
        return CHIRP_ERR_NOMEM;
    cut->n_layers = impact->n_layers;
    for (int l = 0; l < impact->n_layers; ++l) {
        const int64_t n = impact->first[l + 1] - impact->first[l];
        bool *kept = keep + impact->first[l];
        int64_t count = 0;
        fill_shares(impact, cut, l, share);
        for (int64_t k = 0; k < n; ++k)
            kept[k] = false;
        for (;; ++count) { /* the one that matters most of those that are left */
            int64_t best = -1;
            for (int64_t k = 0; k < n; ++k)
                if (!kept[k] && (best < 0 || share[k] > share[best]))
                    best = k;
            if (best < 0 || (share[best] < threshold && count > 0 && count % VECTOR == 0))
                break;
            kept[best] = true;
        }
        cut->width[l] = count;
    }
    chirp_free(share);
    return CHIRP_OK;
}

/* Which rows or inputs of a layer of `whole` stay; NULL: all. */
typedef struct selection {
    const bool *keep; /* [period], over and over */
    int64_t period;
} selection;

static bool stays(const selection *s, int64_t i) { return !s->keep || s->keep[i % s->period]; }

static selection filters_of(const chirp_layer_info *info, int layer, const bool *keep)
{
    int64_t first = 0;
    for (int l = 0; l < layer; ++l)
        first += info[l].out_channels;
    return (selection){keep + first, info[layer].out_channels};
}

static void copy_tensor(const float *from, const chirp_tensor *shape, const selection *rows,
                        const selection *inputs, float *to)
{
    const int64_t taps = shape->extent[2];
    for (int64_t o = 0; o < shape->extent[0]; ++o)
        for (int64_t i = 0; i < shape->extent[1] && stays(rows, o); ++i)
            if (stays(inputs, i)) {
                memcpy(to, from + (o * shape->extent[1] + i) * taps, (size_t)taps * sizeof *to);
                to += taps;
            }
}

void chirp_cut_parameters(const chirp_network *whole, const chirp_cut *cut, const bool *keep,
                          chirp_network *part)
{
    const chirp_network_spec *spec = chirp_network_configuration(whole)->spec;
    int layers = 0;
    int n = 0;
    const chirp_layer_info *old = chirp_network_layers(whole, &n);
    const chirp_layer_info *info = chirp_network_layers(part, &layers);
    const chirp_tensor *from = chirp_network_tensors(whole, &n);
    const chirp_tensor *to = chirp_network_tensors(part, &n);
    for (int i = 0; i < layers; ++i) {
        const int leaf = info[i].leaf;
        const int number =
            leaf < 0 ? i : spec->n_root + cut->leaf[leaf] * spec->n_leaf + info[i].index;
        const selection all = {NULL, 1};
        const selection rows = leaf < 0 ? filters_of(old, i, keep) : all;
        selection inputs = all;
        if (info[i].index > 0 && leaf < 0)
            inputs = filters_of(old, i - 1, keep);
        else if (info[i].index == 0 && leaf >= 0) /* times one behind the other */
            inputs = filters_of(old, spec->n_root - 1, keep);
        for (int t = 0; t < info[i].n_tensors; ++t) {
            const chirp_tensor *source = &from[old[number].first_tensor + t];
            copy_tensor(chirp_network_values(whole) + source->offset, source, &rows,
                        source->kind == CHIRP_TENSOR_BIAS ? &all : &inputs,
                        chirp_network_parameters(part) + to[info[i].first_tensor + t].offset);
        }
    }
    chirp_network_parameters_changed(part);
}
