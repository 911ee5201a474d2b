#include "model/training/labels.h"

#include <cjson/cJSON.h>
#include <math.h>

enum { DRAWS = 16384 }; /* means to 1 % of a standard deviation */

/* Spread of standardised labels. Weights begin as small as for the study's labels, which spread as much (masses 0.2, a_f 0.2):
   with a spread of 1 it takes Adam longer to reach them. */
static const double SPREAD = 0.25;

static chirp_status measure(const chirp_generator *prior, const chirp_network_spec *spec,
                            chirp_label_map *map)
{
    double first[CHIRP_MAX_LEAVES] = {
        0}; /* sums of differences from the first draw: no cancellation */
    double sum[CHIRP_MAX_LEAVES] = {0};
    double square[CHIRP_MAX_LEAVES] = {0};
    for (uint64_t i = 0; i < DRAWS; ++i) {
        chirp_signal_draw draw;
        const chirp_status st = chirp_generator_draw(prior, i, &draw);
        if (st != CHIRP_OK)
            return st;
        double label[CHIRP_LABELS];
        chirp_draw_labels(&draw, label);
        for (int leaf = 0; leaf < spec->n_leaves; ++leaf) {
            const double value = label[spec->label[leaf]];
            if (i == 0)
                first[leaf] = value;
            sum[leaf] += value - first[leaf];
            square[leaf] += (value - first[leaf]) * (value - first[leaf]);
        }
    }
    for (int leaf = 0; leaf < spec->n_leaves; ++leaf) {
        const double mean = sum[leaf] / DRAWS;
        const double variance = square[leaf] / DRAWS - mean * mean;
        map->centre[leaf] = first[leaf] + mean;
        map->unit[leaf] = variance > 0 ? sqrt(variance) / SPREAD : 1; /* a prior of one value */
    }
    return CHIRP_OK;
}

chirp_status chirp_train_labels(chirp_train_config *config)
{
    const chirp_network_spec *spec = NULL;
    chirp_generator *prior = NULL;
    chirp_signal_config signal = config->signal;
    signal.seed = 0;
    signal.n_threads = 1;
    signal.psd_path = signal.noise_path = NULL; /* parameters alone are drawn */
    chirp_status st = chirp_network_spec_find(config->network, &spec);
    if (st != CHIRP_OK || !config->labels.standardised)
        return st;
    st = chirp_generator_create(&signal, &prior);
    if (st == CHIRP_OK)
        st = measure(prior, spec, &config->labels);
    chirp_generator_destroy(prior);
    return st;
}

chirp_status chirp_train_likelihood(const chirp_train_config *config, chirp_likelihood *likelihood)
{
    *likelihood = (chirp_likelihood){.outputs = config->learned_scale ? 2 : 1,
                                     .noise_scale = config->noise_scale,
                                     .labels = config->labels};
    return chirp_network_spec_find(config->network, &likelihood->spec);
}

void chirp_train_labels_write(const chirp_train_config *config, cJSON *root)
{
    const chirp_network_spec *spec = NULL;
    if (!config->labels.standardised || chirp_network_spec_find(config->network, &spec) != CHIRP_OK)
        return;
    cJSON *map = cJSON_AddObjectToObject(root, "label_map");
    for (int leaf = 0; leaf < spec->n_leaves; ++leaf) {
        const double pair[2] = {config->labels.centre[leaf], config->labels.unit[leaf]};
        cJSON_AddItemToObject(map, chirp_label_name[spec->label[leaf]],
                              cJSON_CreateDoubleArray(pair, 2));
    }
}

chirp_status chirp_train_labels_read(const char *path, const cJSON *root,
                                     chirp_train_config *config)
{
    const chirp_network_spec *spec = NULL;
    const cJSON *map = cJSON_GetObjectItemCaseSensitive(root, "label_map");
    const chirp_status st = chirp_network_spec_find(config->network, &spec);
    if (st != CHIRP_OK || !config->labels.standardised)
        return st;
    for (int leaf = 0; leaf < spec->n_leaves; ++leaf) {
        const char *name = chirp_label_name[spec->label[leaf]];
        const cJSON *pair = cJSON_GetObjectItemCaseSensitive(map, name);
        const cJSON *centre = cJSON_GetArrayItem(pair, 0);
        const cJSON *unit = cJSON_GetArrayItem(pair, 1);
        if (!cJSON_IsNumber(centre) || !cJSON_IsNumber(unit) || !isfinite(centre->valuedouble) ||
            !(unit->valuedouble > 0 && isfinite(unit->valuedouble)))
            return chirp_fail(CHIRP_ERR_FORMAT,
                              "%s: configuration has no centre and unit of %s in 'label_map'; use "
                              "a checkpoint of chirpbench train",
                              path, name);
        config->labels.centre[leaf] = centre->valuedouble;
        config->labels.unit[leaf] = unit->valuedouble;
    }
    return CHIRP_OK;
}
