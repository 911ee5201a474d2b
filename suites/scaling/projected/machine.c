#include "suites/scaling/projected/machine.h"

#include "harness/base/memory.h"
#include "harness/results/document.h"
#include "model/parallel/exchange.h"
#include "suites/scaling/projected/fields.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct number_rule {
    const char *key;
    double min, max; /* catch a unit mistake, not a fast machine */
    bool required;
} number_rule;

static const number_rule rules[CHIRP_MACHINE_NUMBERS] = {
    [CHIRP_MACHINE_BANDWIDTH] = {"bandwidth", 1e6, 1e13, true},
    [CHIRP_MACHINE_LATENCY] = {"latency", 0, 1e-2, true},
    [CHIRP_MACHINE_LOCAL_BANDWIDTH] = {"local_bandwidth", 1e6, 1e14, false},
    [CHIRP_MACHINE_LOCAL_LATENCY] = {"local_latency", 0, 1e-2, false},
    [CHIRP_MACHINE_SOFTWARE_FIXED] = {"software_fixed", 0, 1e-2, true},
    [CHIRP_MACHINE_SOFTWARE_PER_BYTE] = {"software_per_byte", 0, 1e-6, true},
    [CHIRP_MACHINE_REDUCE_BANDWIDTH] = {"reduce_bandwidth", 1e6, 1e14, true},
    [CHIRP_MACHINE_COPY_BANDWIDTH] = {"copy_bandwidth", 1e6, 1e14, true},
    [CHIRP_MACHINE_CYCLE] = {"cycle", 0, 10, true},
    [CHIRP_MACHINE_FLOPS_FAST] = {"flops_fast", 1e6, 1e18, true},
    [CHIRP_MACHINE_FLOPS_SLOW] = {"flops_slow", 1e6, 1e18, true},
    [CHIRP_MACHINE_JITTER_RELATIVE] = {"jitter_relative", 0, 0.5, false},
    [CHIRP_MACHINE_JITTER_FRESH] = {"jitter_fresh", 0, 0.5, true},
    [CHIRP_MACHINE_CORES] = {"cores", 1, 1e6, false},
    [CHIRP_MACHINE_SHARED_PROCESSORS] = {"shared_processors", 1, 1e6, false},
};

const char *chirp_machine_key(chirp_machine_number number) { return rules[number].key; }

int chirp_machine_assumed(const chirp_machine *machine, int *given)
{
    int assumed = 0;
    *given = 0;
    for (int i = 0; i < CHIRP_MACHINE_NUMBERS; ++i) {
        *given += machine->value[i].given;
        assumed += machine->value[i].given && machine->value[i].kind[0] == 'a';
    }
    return assumed;
}

void chirp_machine_release(chirp_machine *machine)
{
    for (int i = 0; i < CHIRP_MACHINE_NUMBERS; ++i)
        chirp_free(machine->value[i].source);
    chirp_free(machine->title);
    chirp_free(machine->platform_path);
    chirp_free(machine->published_source);
    chirp_free(machine->observed_what);
    *machine = (chirp_machine){0};
}

static chirp_status read_value(const char *path, const cJSON *item, const number_rule *rule,
                               chirp_machine_value *value)
{
    static const char *const kinds[] = {"measured", "derived", "assumed"};
    char field[64];
    (void)snprintf(field, sizeof field, "values.%s", rule->key);
    if (!cJSON_IsObject(item))
        return chirp_field_wrong(path, field, "an object with value, unit, kind and source");
    chirp_status st = chirp_field_number(path, item, "value", rule->min, rule->max, &value->value);
    if (st != CHIRP_OK)
        return chirp_fail(st, "%s: %s.value should be a number from %g to %g", path, field,
                          rule->min, rule->max);
    st = chirp_field_word(path, item, "unit", true, value->unit, sizeof value->unit);
    if (st == CHIRP_OK)
        st = chirp_field_word(path, item, "kind", true, value->kind, sizeof value->kind);
    bool known = false;
    for (size_t i = 0; st == CHIRP_OK && i < sizeof kinds / sizeof kinds[0]; ++i)
        known = known || strcmp(kinds[i], value->kind) == 0;
    if (st == CHIRP_OK && !known)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: %s.kind is '%s'; it should be measured, derived or assumed", path,
                          field, value->kind);
    if (st == CHIRP_OK)
        st = chirp_field_string(path, item, "source", true, &value->source);
    value->given = st == CHIRP_OK;
    return st;
}

static chirp_status read_values(const char *path, const cJSON *root, chirp_machine *machine)
{
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(root, "values");
    if (!values)
        return CHIRP_OK;
    if (!cJSON_IsObject(values))
        return chirp_field_wrong(path, "values", "an object");
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, values)
    {
        int i = 0;
        while (i < CHIRP_MACHINE_NUMBERS && strcmp(rules[i].key, item->string) != 0)
            ++i;
        if (i == CHIRP_MACHINE_NUMBERS) /* a misspelt key would silently leave a default */
            return chirp_fail(CHIRP_ERR_FORMAT, "%s: values.%s is not a known number", path,
                              item->string);
        const chirp_status st = read_value(path, item, &rules[i], &machine->value[i]);
        if (st != CHIRP_OK)
            return st;
    }
    return CHIRP_OK;
}

static chirp_status read_observed(const char *path, const cJSON *item, chirp_observed_network *to)
{
    chirp_status st = chirp_field_word(path, item, "name", true, to->name, sizeof to->name);
    const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(item, "nodes");
    const cJSON *extra = cJSON_GetObjectItemCaseSensitive(item, "extra_s");
    const int n = cJSON_GetArraySize(nodes);
    if (st == CHIRP_OK && (!cJSON_IsArray(nodes) || !cJSON_IsArray(extra) || n < 2 ||
                           n > CHIRP_MAX_OBSERVATIONS || n != cJSON_GetArraySize(extra)))
        return chirp_field_wrong(path, "observations.networks",
                                 "lists of nodes and extra_s, equally long, 2 to 16 entries");
    for (int i = 0; st == CHIRP_OK && i < n; ++i) {
        const cJSON *count = cJSON_GetArrayItem(nodes, i);
        const cJSON *seconds = cJSON_GetArrayItem(extra, i);
        if (!cJSON_IsNumber(count) || !cJSON_IsNumber(seconds) || count->valueint < 2 ||
            !(seconds->valuedouble >= 0 && seconds->valuedouble < 1e6))
            return chirp_field_wrong(path, "observations.networks",
                                     "numbers: nodes from 2, seconds from 0");
        to->nodes[i] = count->valueint;
        to->extra_s[i] = seconds->valuedouble;
    }
    to->n = n;
    return st;
}

static chirp_status read_observations(const char *path, const cJSON *root, chirp_machine *machine)
{
    const cJSON *observations = cJSON_GetObjectItemCaseSensitive(root, "observations");
    if (!observations)
        return CHIRP_OK;
    chirp_status st = chirp_field_string(path, observations, "what", true, &machine->observed_what);
    if (st == CHIRP_OK)
        st = chirp_field_number(path, observations, "one_node_s", 1e-9, 1e6,
                                &machine->observed_one_node_s);
    if (st == CHIRP_OK)
        st = chirp_field_number(path, observations, "bytes", 0, 1e15, &machine->observed_bytes);
    const cJSON *fit = cJSON_GetObjectItemCaseSensitive(observations, "fit_nodes");
    const cJSON *item = NULL;
    machine->fit_nodes_max = 0;
    cJSON_ArrayForEach(item, fit) if (item->valueint > machine->fit_nodes_max)
        machine->fit_nodes_max = item->valueint;
    const cJSON *networks = cJSON_GetObjectItemCaseSensitive(observations, "networks");
    machine->n_observed = 0;
    if (st == CHIRP_OK && (!cJSON_IsArray(networks) || cJSON_GetArraySize(networks) < 1 ||
                           cJSON_GetArraySize(networks) > CHIRP_MAX_OBSERVED_NETWORKS))
        return chirp_field_wrong(path, "observations.networks", "a list of 1 to 4 networks");
    cJSON_ArrayForEach(item, networks)
    {
        if (st == CHIRP_OK)
            st = read_observed(path, item, &machine->observed[machine->n_observed]);
        if (st == CHIRP_OK)
            ++machine->n_observed;
    }
    return st;
}

static chirp_status read_runs(const char *path, const cJSON *root, chirp_machine *machine)
{
    const cJSON *runs = cJSON_GetObjectItemCaseSensitive(root, "runs");
    struct chirp_machine_runs *to = &machine->runs;
    if (!runs)
        return CHIRP_OK;
    chirp_status st =
        chirp_field_word(path, runs, "network", true, to->network, sizeof to->network);
    if (st == CHIRP_OK)
        st = chirp_field_word(path, runs, "variational", true, to->variant, sizeof to->variant);
    if (st == CHIRP_OK)
        st = chirp_field_word(path, runs, "exchange", true, to->exchange, sizeof to->exchange);
    if (st == CHIRP_OK && !chirp_exchange_find(to->exchange))
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: runs.exchange is '%s'; it should be one of %s",
                          path, to->exchange, chirp_exchange_choices());
    if (st == CHIRP_OK)
        st = chirp_field_number(path, runs, "batch", 1, 1e9, &to->batch);
    const cJSON *row = NULL;
    to->n = 0;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(runs, "rows"))
    {
        if (st == CHIRP_OK && to->n == CHIRP_MAX_OBSERVATIONS)
            return chirp_field_wrong(path, "runs.rows", "at most 16 rows");
        if (st == CHIRP_OK)
            st = chirp_field_int(path, row, "ranks", 1 << 20, true, &to->ranks[to->n]);
        if (st == CHIRP_OK)
            st =
                chirp_field_number(path, row, "seconds_per_step", 1e-9, 1e6, &to->seconds[to->n++]);
    }
    return st;
}

static chirp_status read_published(const char *path, const cJSON *root, chirp_machine *machine)
{
    const cJSON *published = cJSON_GetObjectItemCaseSensitive(root, "published");
    if (!published)
        return CHIRP_OK;
    if (cJSON_IsNull(published)) { /* not of this machine, but of the one it started from */
        machine->published_nodes = 0;
        return CHIRP_OK;
    }
    chirp_status st =
        chirp_field_int(path, published, "nodes", 1 << 24, true, &machine->published_nodes);
    if (st == CHIRP_OK)
        st =
            chirp_field_number(path, published, "efficiency", 0, 1, &machine->published_efficiency);
    if (st == CHIRP_OK && cJSON_HasObjectItem(published, "seconds"))
        st = chirp_field_number(path, published, "seconds", 1e-3, 1e9, &machine->published_seconds);
    if (st == CHIRP_OK)
        st = chirp_field_string(path, published, "source", true, &machine->published_source);
    return st;
}

/* directory of `path` + "/" + name */
static chirp_status beside(const char *path, const char *name, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    const int directory = slash && name[0] != '/' ? (int)(slash - path) + 1 : 0;
    if ((size_t)snprintf(out, size, "%.*s%s", directory, path, name) >= size)
        return chirp_fail(CHIRP_ERR_ARG, "%s: path too long", path);
    return CHIRP_OK;
}

static chirp_status read_file(const char *path, int depth, chirp_machine *machine);

static chirp_status read_root(const char *path, const cJSON *root, int depth,
                              chirp_machine *machine)
{
    char other[PATH_MAX];
    const cJSON *like = cJSON_GetObjectItemCaseSensitive(root, "like");
    chirp_status st = CHIRP_OK;
    if (like) { /* start from another machine's file */
        if (!cJSON_IsString(like) || depth > 4)
            return chirp_field_wrong(path, "like",
                                     "the name of a machine file (at most five in a row)");
        st = beside(path, like->valuestring, other, sizeof other);
        if (st == CHIRP_OK)
            st = read_file(other, depth + 1, machine);
    }
    const bool whole = !like;
    char *platform = NULL;
    if (st == CHIRP_OK)
        st = chirp_field_word(path, root, "name", true, machine->name, sizeof machine->name);
    if (st == CHIRP_OK)
        st = chirp_field_string(path, root, "title", whole, &machine->title);
    if (st == CHIRP_OK)
        st = chirp_field_string(path, root, "platform", whole, &platform);
    if (st == CHIRP_OK && platform) {
        st = beside(path, platform, other, sizeof other);
        chirp_free(machine->platform_path);
        machine->platform_path = st == CHIRP_OK ? chirp_strdup(other) : NULL;
        if (st == CHIRP_OK && !machine->platform_path)
            st = CHIRP_ERR_NOMEM;
        if (st == CHIRP_OK && access(other, R_OK) != 0)
            st = chirp_fail(CHIRP_ERR_IO, "%s: platform file %s can't be read", path, other);
    }
    chirp_free(platform);
    if (st == CHIRP_OK)
        st = chirp_field_word(path, root, "host_prefix", whole, machine->host_prefix,
                              sizeof machine->host_prefix);
    if (st == CHIRP_OK)
        st = chirp_field_int(path, root, "hosts", 1 << 20, whole, &machine->hosts);
    if (st == CHIRP_OK)
        st = chirp_field_int(path, root, "ranks_per_node", 1024, whole, &machine->ranks_per_node);
    if (st == CHIRP_OK)
        st = read_values(path, root, machine);
    if (st == CHIRP_OK)
        st = read_observations(path, root, machine);
    if (st == CHIRP_OK)
        st = read_runs(path, root, machine);
    if (st == CHIRP_OK)
        st = read_published(path, root, machine);
    return st;
}

static chirp_status read_file(const char *path, int depth, chirp_machine *machine)
{
    chirp_document document = {0};
    chirp_status st = chirp_document_read_kind(path, CHIRP_DOCUMENT_MACHINE, &document);
    if (st == CHIRP_OK)
        st = read_root(path, document.root, depth, machine);
    chirp_document_release(&document);
    return st;
}

static chirp_status check_complete(const char *path, chirp_machine *machine)
{
    for (int i = 0; i < CHIRP_MACHINE_NUMBERS; ++i)
        if (rules[i].required && !machine->value[i].given)
            return chirp_fail(CHIRP_ERR_FORMAT, "%s: values.%s is missing", path, rules[i].key);
    if (!machine->value[CHIRP_MACHINE_JITTER_RELATIVE].given && machine->n_observed == 0)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: needs values.jitter_relative, or observations to calibrate it on",
                          path);
    if (machine->value[CHIRP_MACHINE_JITTER_RELATIVE].given)
        machine->n_observed = 0; /* of the machine that it started from */
    const int local[2] = {CHIRP_MACHINE_LOCAL_BANDWIDTH, CHIRP_MACHINE_LOCAL_LATENCY};
    const int global[2] = {CHIRP_MACHINE_BANDWIDTH, CHIRP_MACHINE_LATENCY};
    for (int i = 0; i < 2; ++i)
        if (!machine->value[local[i]].given)
            machine->value[local[i]].value = machine->value[global[i]].value;
    return CHIRP_OK;
}

chirp_status chirp_machine_read(const char *name, chirp_machine *machine)
{
    char path[CHIRP_FIELD_PATH];
    *machine = (chirp_machine){0};
    if (!chirp_field_find("", name, path))
        return chirp_fail(CHIRP_ERR_ARG,
                          "--machine %.60s: no such machine; built in are theta, theta_crossbar, "
                          "cori_knl, hal and hdr_fat_tree, or name a JSON file",
                          name);
    chirp_status st = read_file(path, 0, machine);
    if (st == CHIRP_OK)
        st = check_complete(path, machine);
    if (st != CHIRP_OK)
        chirp_machine_release(machine);
    return st;
}
