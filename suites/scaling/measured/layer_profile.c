/* Time of the forward pass and of each layer's backward part, for `project --profile`. */
#include "suites/scaling/measured/measure.h"

#include "harness/results/document.h"

#include <cjson/cJSON.h>
#include <string.h>

static chirp_status write_profile(const char *path, const chirp_network *net, int64_t batch,
                                  const chirp_network_times *times)
{
    int n = 0;
    const chirp_layer_info *info = chirp_network_layers(net, &n);
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_PROFILE);
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
    return chirp_document_write(root, path);
}

chirp_status chirp_scale_profile(const chirp_train_config *train, const char *path)
{
    const chirp_network_spec *spec = NULL;
    chirp_network *net = NULL;
    chirp_network_times times;
    chirp_status st = chirp_network_spec_find(train->network, &spec);
    if (st != CHIRP_OK)
        return st;
    const chirp_network_config config = chirp_train_network(train, spec, train->batch);
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
