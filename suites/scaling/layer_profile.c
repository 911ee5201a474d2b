/* Time of the forward pass and of each layer's backward part, for `project --profile`. */
#include "suites/scaling/measure.h"

#include "harness/base/file.h"
#include "harness/json/json.h"

#include <cjson/cJSON.h>
#include <string.h>

static chirp_status write_profile(const char *path, const chirp_network *net, int64_t batch,
                                  const chirp_network_times *times)
{
    int n = 0;
    const chirp_layer_info *info = chirp_network_layers(net, &n);
    cJSON *root = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(
        root, "what", "median seconds of one pass on one rank, signals made beforehand");
    (void)cJSON_AddNumberToObject(root, "batch", (double)batch);
    (void)cJSON_AddNumberToObject(root, "forward_s", times->forward_s);
    cJSON *list = cJSON_AddArrayToObject(root, "layers");
    for (int i = 0; i < n; ++i) {
        cJSON *item = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(item, "name", info[i].name);
        (void)cJSON_AddNumberToObject(item, "backward_s", times->layer_backward_s[i]);
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

chirp_status chirp_scale_profile(const chirp_train_config *train, const char *path)
{
    const chirp_network_spec *spec = NULL;
    chirp_network *net = NULL;
    chirp_network_times times;
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
        st = chirp_network_time_layers(net, &times);
    }
    if (st == CHIRP_OK)
        st = write_profile(path, net, train->batch, &times);
    chirp_network_destroy(net);
    return st;
}
