/* A network that this program doesn't train, as a file of a few lines. */
#include "harness/json/json.h"
#include "suites/scaling/projected/fields.h"
#include "suites/scaling/projected/workload.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

/* Gradients in the order in which the backward pass finishes them; a layer here is a tensor. */
static chirp_status add_tensor(const char *path, const cJSON *item, chirp_workload *w)
{
    double bytes = 0;
    if (w->n == CHIRP_WORKLOAD_MAX_LAYERS)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: at most %d tensors; add up small ones", path,
                          CHIRP_WORKLOAD_MAX_LAYERS);
    chirp_workload_layer *layer = &w->layer[w->n];
    const chirp_status st = chirp_field_number(path, item, "bytes", 4, 1e13, &bytes);
    (void)snprintf(layer->name, sizeof layer->name, "tensor %d", w->n);
    layer->trained = (int64_t)(bytes / 4);
    w->trained += layer->trained;
    w->backward[w->n] = w->n;
    w->n += st == CHIRP_OK;
    return st;
}

static chirp_status take_tensors(const char *path, const cJSON *root, chirp_workload *w)
{
    const cJSON *tensors = cJSON_GetObjectItemCaseSensitive(root, "tensors");
    const cJSON *item = NULL;
    chirp_status st = CHIRP_OK;
    if (w->forward_only)
        return CHIRP_OK; /* nothing is exchanged */
    if (!tensors)
        return add_tensor(path, root, w);
    if (cJSON_GetArraySize(tensors) < 1 || cJSON_HasObjectItem(root, "bytes"))
        return chirp_field_wrong(path, "tensors",
                                 "a list of objects with bytes, without bytes in all");
    cJSON_ArrayForEach(item, tensors) if (st == CHIRP_OK) st = add_tensor(path, item, w);
    return st;
}

static chirp_status take_time(const char *path, const cJSON *root, chirp_workload *w)
{
    static const char seconds[] = "seconds_per_sample";
    static const char operations[] = "operations_per_sample";
    chirp_status st = CHIRP_OK;
    if (cJSON_HasObjectItem(root, seconds))
        st = chirp_field_number(path, root, seconds, 1e-9, 1e6, &w->seconds_per_signal);
    if (st == CHIRP_OK && cJSON_HasObjectItem(root, operations))
        st = chirp_field_number(path, root, operations, 1, 1e18, &w->flops);
    w->forward = w->forward_only ? 1 : 1.0 / 3;
    if (st == CHIRP_OK && cJSON_HasObjectItem(root, "forward_share"))
        st = chirp_field_number(path, root, "forward_share", 0.01, 1, &w->forward);
    for (int i = 0; i < w->n; ++i) /* nothing says when which tensor is ready */
        w->layer[i].backward = (1 - w->forward) / w->n;
    return st;
}

static chirp_status take(const char *path, const cJSON *root, chirp_workload *w)
{
    static const char *const known[] = {"name",
                                        "what",
                                        "source",
                                        "pass",
                                        "samples_per_rank",
                                        "bytes",
                                        "tensors",
                                        "forward_share",
                                        "note",
                                        "seconds_per_sample",
                                        "operations_per_sample",
                                        NULL};
    char pass[16] = "training";
    if (!cJSON_IsObject(root))
        return chirp_field_wrong(path, "it", "an object");
    chirp_status st = chirp_field_all_known(path, root, known);
    if (st == CHIRP_OK)
        st = chirp_field_word(path, root, "name", true, w->name, sizeof w->name);
    if (st == CHIRP_OK)
        st = chirp_field_word(path, root, "pass", true, pass, sizeof pass);
    w->forward_only = strcmp(pass, "forward") == 0;
    if (st == CHIRP_OK && !w->forward_only && strcmp(pass, "training") != 0)
        return chirp_field_wrong(path, "pass", "training or forward");
    if (st == CHIRP_OK)
        st = chirp_field_int(path, root, "samples_per_rank", 1 << 20, true, &w->samples_per_rank);
    if (st == CHIRP_OK)
        st = take_tensors(path, root, w);
    return st == CHIRP_OK ? take_time(path, root, w) : st;
}

chirp_status chirp_workload_read(const char *name, chirp_workload *w)
{
    char path[CHIRP_FIELD_PATH];
    cJSON *root = NULL;
    *w = (chirp_workload){0};
    if (!chirp_field_find("workloads/", name, path))
        return chirp_fail(CHIRP_ERR_ARG,
                          "--workload %.60s: no such workload; built in are cosmoflow and "
                          "cosmoflow_evaluation, or name a JSON file",
                          name);
    chirp_status st = chirp_json_read(path, "workload", &root);
    if (st == CHIRP_OK)
        st = take(path, root, w);
    cJSON_Delete(root);
    return st;
}
