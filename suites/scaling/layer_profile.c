/* Time of the forward pass and of each layer's backward part, for `project --profile`. */
#include "suites/scaling/measure.h"

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/json/json.h"

#include <cjson/cJSON.h>
#include <string.h>

enum { PASSES = 5, MAX_LAYERS = CHIRP_MAX_ROOT_LAYERS + CHIRP_MAX_LEAVES * CHIRP_MAX_LEAF_LAYERS };

static chirp_status write_profile(const char *path, const chirp_network *net, int64_t batch,
                                  double *forward, double layer[MAX_LAYERS][PASSES])
{
    int n = 0;
    const chirp_layer_info *info = chirp_network_layers(net, &n);
    cJSON *root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(
        root, "what", "median seconds of one pass on one rank, signals made beforehand");
    (void)cJSON_AddNumberToObject(root, "batch", (double)batch);
    (void)cJSON_AddNumberToObject(root, "forward_s", chirp_median(forward, PASSES));
    cJSON *list = cJSON_AddArrayToObject(root, "layers");
    for (int i = 0; i < n; ++i) {
        cJSON *item = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(item, "name", info[i].name);
        (void)cJSON_AddNumberToObject(item, "backward_s", chirp_median(layer[i], PASSES));
        cJSON_AddItemToArray(list, item);
    }
    char *text = chirp_json_print(root);
    cJSON_Delete(root);
    const chirp_status st =
        text ? chirp_file_write(path, text, strlen(text))
             : chirp_fail(CHIRP_ERR_NOMEM, "%s: no memory for the profile", path);
    cJSON_free(text);
    return st;
}

static chirp_status run_passes(chirp_network *net, const chirp_train_config *config,
                               const chirp_network_spec *spec, const char *path)
{
    double forward[PASSES];
    static double layer[MAX_LAYERS][PASSES];
    int n = 0;
    (void)chirp_network_layers(net, &n);
    const size_t batch = (size_t)config->batch;
    float *strain = chirp_calloc(batch * (size_t)spec->length, sizeof *strain);
    float *output = chirp_calloc(2 * batch * (size_t)spec->n_leaves, sizeof *output);
    chirp_status st = strain && output ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (size_t i = 0; st == CHIRP_OK && i < batch * (size_t)spec->length; ++i)
        strain[i] = (float)((i * 2654435761U) % 2001) / 1000.0F -
                    1.0F;                                 /* whitened strain is of order one */
    for (int p = -1; st == CHIRP_OK && p < PASSES; ++p) { /* the first one warms up */
        const chirp_pass pass = {.training = true, .sample = true, .step = (uint64_t)(p + 1)};
        const double start = chirp_now_s();
        chirp_network_forward(net, strain, &pass, output);
        const double seconds = chirp_now_s() - start;
        for (size_t i = 0; i < 2 * batch * (size_t)spec->n_leaves; ++i)
            output[i] = 0.01F;
        chirp_network_backward(net, strain, &pass, output, 1e-6, NULL, NULL);
        if (p < 0)
            continue;
        forward[p] = seconds;
        for (int i = 0; i < n; ++i) {
            double unused = 0;
            chirp_network_layer_times(net, i, &unused, &layer[i][p]);
        }
    }
    if (st == CHIRP_OK)
        st = write_profile(path, net, config->batch, forward, layer);
    chirp_free(strain);
    chirp_free(output);
    return st;
}

chirp_status chirp_scale_profile(const chirp_train_config *train, const char *path)
{
    const chirp_network_spec *spec = NULL;
    chirp_network *net = NULL;
    chirp_status st = chirp_network_spec_find(train->network, &spec);
    if (st != CHIRP_OK)
        return st;
    chirp_network_config config = chirp_network_config_default(spec);
    config.variant = train->variant;
    config.estimator = train->estimator;
    config.outputs = train->learned_scale ? 2 : 1;
    config.batch = train->batch;
    config.algorithm = train->algorithm;
    config.n_threads = train->n_threads;
    st = chirp_network_create(&config, &net);
    if (st == CHIRP_OK) {
        chirp_network_initialize(net, 1, 0);
        st = run_passes(net, train, spec, path);
    }
    chirp_network_destroy(net);
    return st;
}
