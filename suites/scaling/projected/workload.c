/* What a step of a network computes and exchanges, layer by layer: asked of the network's shape. */
#include "harness/results/document.h"
#include "suites/scaling/projected/workload.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static void fill(const chirp_network_shape *shape, bool shared_noise, chirp_workload *w)
{
    w->n = shape->n_layers;
    memcpy(w->backward, shape->backward, sizeof shape->backward);
    for (int i = 0; i < w->n; ++i) {
        const chirp_layer_info *info = &shape->layer[i];
        chirp_workload_layer *layer = &w->layer[i];
        (void)snprintf(layer->name, sizeof layer->name, "%s", info->name);
        layer->trained = shared_noise ? info->weights + info->biases : info->trained;
        layer->forward_flops = info->forward_flops;
        layer->backward_flops = info->backward_flops;
        w->trained += layer->trained;
        w->flops += layer->forward_flops + layer->backward_flops;
    }
    for (int i = 0; i < w->n; ++i) {
        w->forward += w->layer[i].forward_flops / w->flops;
        w->layer[i].backward = w->layer[i].backward_flops / w->flops;
    }
}

chirp_status chirp_workload_make(const char *network, chirp_variant variant, bool shared_noise,
                                 chirp_workload *w)
{
    chirp_network_shape shape;
    *w = (chirp_workload){0};
    const chirp_status st = chirp_network_shape_of(network, variant, 1, &shape);
    if (st == CHIRP_OK)
        fill(&shape, shared_noise, w);
    return st;
}

static chirp_status bad_profile(const char *path, const char *what)
{
    return chirp_fail(CHIRP_ERR_FORMAT, "%s: %s; write one with chirpbench scale --profile", path,
                      what);
}

/* [s] of a layer's backward pass; NULL: not in the profile. */
static const cJSON *backward_of(const cJSON *layers, const char *layer)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, layers)
    {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(item, "name");
        if (cJSON_IsString(name) && strcmp(name->valuestring, layer) == 0)
            return cJSON_GetObjectItemCaseSensitive(item, "backward_s");
    }
    return NULL;
}

static chirp_status take_profile(const char *path, const cJSON *root, chirp_workload *w)
{
    const cJSON *batch = cJSON_GetObjectItemCaseSensitive(root, "batch");
    const cJSON *forward = cJSON_GetObjectItemCaseSensitive(root, "forward_s");
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(root, "layers");
    if (!cJSON_IsNumber(batch) || !(batch->valuedouble >= 1) || !cJSON_IsNumber(forward) ||
        !(forward->valuedouble > 0) || !cJSON_IsArray(layers))
        return bad_profile(path, "not a profile with batch, forward_s and layers");
    double total = forward->valuedouble;
    for (int i = 0; i < w->n; ++i) {
        const cJSON *found = backward_of(layers, w->layer[i].name);
        if (!cJSON_IsNumber(found) || !(found->valuedouble >= 0)) {
            char what[96];
            (void)snprintf(what, sizeof what, "no backward_s of layer %s", w->layer[i].name);
            return bad_profile(path, what);
        }
        w->layer[i].backward = found->valuedouble;
        total += found->valuedouble;
    }
    w->forward = forward->valuedouble / total;
    w->seconds_per_signal = total / batch->valuedouble;
    for (int i = 0; i < w->n; ++i)
        w->layer[i].backward /= total;
    return CHIRP_OK;
}

chirp_status chirp_workload_profile(const char *path, chirp_workload *w)
{
    chirp_document document = {0};
    chirp_status st = chirp_document_read_kind(path, CHIRP_DOCUMENT_PROFILE, &document);
    if (st == CHIRP_OK)
        st = take_profile(path, document.root, w);
    chirp_document_release(&document);
    return st;
}
