/* decompose --out: a network for some of the parameters, cut out of the whole one, and the two side by side. */
#include "suites/commands/decompose.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "model/signal/generator.h"
#include "model/training/checkpoint.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TIMED_PASSES = 21 };

/* The leaf that reads a parameter, -1: none. */
static int leaf_of(const chirp_network_spec *spec, const char *name, size_t length)
{
    for (int leaf = 0; leaf < spec->n_leaves; ++leaf) {
        const char *known = chirp_label_name[spec->label[leaf]];
        if (strlen(known) == length && strncmp(known, name, length) == 0)
            return leaf;
    }
    return -1;
}

chirp_status decomposition_read_leaves(decomposition *d)
{
    const chirp_network_spec *spec = d->trained.spec;
    bool wanted[CHIRP_MAX_LEAVES] = {false};
    for (const char *at = d->leaves; at;) {
        const char *end = strchr(at, ',');
        const size_t length = end ? (size_t)(end - at) : strlen(at);
        const int leaf = leaf_of(spec, at, length);
        if (leaf < 0)
            return chirp_fail(CHIRP_ERR_ARG,
                              "decompose: --leaves '%.100s': the network has no parameter '%.*s'",
                              d->leaves, length < 40 ? (int)length : 40, at);
        wanted[leaf] = true;
        at = end ? end + 1 : NULL;
    }
    for (int leaf = 0; leaf < spec->n_leaves; ++leaf)
        if (wanted[leaf])
            d->cut.leaf[d->cut.n_leaves++] = leaf;
    return CHIRP_OK;
}

static double flops_of(const chirp_network *net)
{
    int n = 0;
    double flops = 0;
    const chirp_layer_info *info = chirp_network_layers(net, &n);
    for (int i = 0; i < n; ++i)
        flops += info[i].forward_flops;
    return flops;
}

/* One network and its likelihood. */
typedef struct network_side {
    chirp_network *net;
    const chirp_likelihood *likelihood;
} network_side;

/* Relative errors of mean weights on signals that impacts were not measured with. @param error  [leaves of the network] */
static chirp_status measure_error(const decomposition *d, const network_side *s, double *error)
{
    const uint64_t first = calibration_first(CALIBRATION_DECOMPOSE, CALIBRATION_TEST);
    const chirp_pass pass = {.sample = false};
    double absolute[2][CHIRP_MAX_LEAVES] = {{0}};
    float output[2 * CHIRP_MAX_LEAVES];
    float label[CHIRP_LABELS];
    chirp_status st = CHIRP_OK;
    for (int64_t i = 0; i < d->test && st == CHIRP_OK; ++i) {
        st = chirp_generator_batch(d->trial.generator, first + (uint64_t)i, 1, d->trial.strain,
                                   label, NULL, NULL);
        if (st != CHIRP_OK)
            break;
        chirp_network_forward(s->net, d->trial.strain, &pass, output);
        chirp_likelihood_errors(s->likelihood, 1, output, label, absolute[0], absolute[1]);
    }
    for (int leaf = 0; leaf < s->likelihood->spec->n_leaves; ++leaf)
        error[leaf] = absolute[0][leaf] / absolute[1][leaf];
    return st;
}

/* Forward passes of one signal, whole and part in turn. The fastest: other processes only add. */
static void measure_times(decomposition *d, const network_side side[2])
{
    const chirp_pass pass = {.sample = false};
    float output[2 * CHIRP_MAX_LEAVES];
    for (int i = -1; i < TIMED_PASSES; ++i) /* the first one warms up */
        for (int s = 0; s < 2; ++s) {
            const double start = chirp_now_s();
            chirp_network_forward(side[s].net, d->strain, &pass, output);
            const double seconds = chirp_now_s() - start;
            if (i <= 0 || seconds < d->side[s].seconds)
                d->side[s].seconds = seconds;
        }
}

static chirp_status compare(decomposition *d, chirp_network *part,
                            const chirp_likelihood *likelihood)
{
    const network_side side[2] = {{d->trained.net, &d->trained.likelihood}, {part, likelihood}};
    double whole[CHIRP_MAX_LEAVES] = {0};
    chirp_status st = measure_error(d, &side[0], whole);
    if (st == CHIRP_OK)
        st = measure_error(d, &side[1], d->side[1].error);
    if (st != CHIRP_OK)
        return st;
    measure_times(d, side);
    for (int i = 0; i < d->cut.n_leaves; ++i)
        d->side[0].error[i] = whole[d->cut.leaf[i]];
    for (int s = 0; s < 2; ++s)
        d->side[s].flops = flops_of(side[s].net);
    return CHIRP_OK;
}

static chirp_status write_part(const decomposition *d, const chirp_network *part)
{
    chirp_checkpoint state = {0};
    int n = 0;
    const chirp_tensor *tensors = chirp_network_tensors(part, &n);
    const chirp_signal_config *signal = &d->trained.record.config.signal;
    chirp_status st = chirp_checkpoint_read_header(d->checkpoint, &state);
    state.course = (chirp_course_state){.crossings = -1};
    state.curves = d->trained.curves.n > 0 ? &d->trained.curves : NULL;
    state.band = (chirp_band){signal->f_low_hz, signal->f_high_hz};
    state.cut = &d->cut;
    if (st == CHIRP_OK)
        st = chirp_checkpoint_write(d->out, &state, tensors, n, chirp_network_values(part));
    chirp_free(state.configuration);
    return st;
}

static void print_part(const decomposition *d)
{
    const decomposition_side *whole = &d->side[0];
    const decomposition_side *part = &d->side[1];
    printf("\n%s  filters", d->out);
    for (int l = 0; l < d->cut.n_layers; ++l)
        printf(" %" PRId64, d->cut.width[l]);
    printf("\n%-28s %10s %10s %7s\n", "", "whole", "part", "ratio");
    for (int i = 0; i < d->cut.n_leaves; ++i)
        printf("error of %-19s %10.4f %10.4f %7.3f\n",
               chirp_label_name[d->trained.spec->label[d->cut.leaf[i]]], whole->error[i],
               part->error[i], part->error[i] / whole->error[i]);
    printf("%-28s %10.2f %10.2f %7.3f\n%-28s %10.3f %10.3f %7.3f\n", "operations of a pass [MFLOP]",
           whole->flops * 1e-6, part->flops * 1e-6, part->flops / whole->flops,
           "time of the fastest pass [ms]", whole->seconds * 1e3, part->seconds * 1e3,
           part->seconds / whole->seconds);
    if (d->trained.recalibration_note)
        printf("its recalibration isn't kept: calibrate --recalibrate fits it anew\n");
}

void decomposition_part_json(const decomposition *d, cJSON *root)
{
    static const char *const name[2] = {"whole", "part"};
    cJSON *part = cJSON_AddObjectToObject(root, "cut");
    cJSON *widths = cJSON_AddArrayToObject(part, "filters");
    (void)chirp_json_add_text(part, "file", d->out);
    cJSON_AddNumberToObject(part, "threshold", d->threshold);
    for (int l = 0; l < d->cut.n_layers; ++l)
        cJSON_AddItemToArray(widths, cJSON_CreateNumber((double)d->cut.width[l]));
    for (int s = 0; s < 2; ++s) {
        cJSON *side = cJSON_AddObjectToObject(part, name[s]);
        cJSON *error = cJSON_AddObjectToObject(side, "error");
        for (int i = 0; i < d->cut.n_leaves; ++i)
            cJSON_AddNumberToObject(error, chirp_label_name[d->trained.spec->label[d->cut.leaf[i]]],
                                    d->side[s].error[i]);
        cJSON_AddNumberToObject(side, "flops", d->side[s].flops);
        cJSON_AddNumberToObject(side, "seconds", d->side[s].seconds);
    }
}

chirp_status decomposition_cut(decomposition *d)
{
    chirp_network_config config = *chirp_network_configuration(d->trained.net);
    chirp_likelihood likelihood;
    chirp_network_spec spec;
    chirp_network *part = NULL;
    bool *keep = chirp_calloc((size_t)d->impact.filters, sizeof *keep);
    chirp_status st = keep ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_cut_choose(&d->impact, d->threshold, &d->cut, keep);
    if (st == CHIRP_OK)
        st = chirp_cut_spec(d->trained.spec, &d->cut, &spec);
    config.spec = &spec;
    chirp_cut_likelihood(&d->trained.likelihood, &d->cut, &spec, &likelihood);
    if (st == CHIRP_OK)
        st = chirp_network_create(&config, &part);
    if (st == CHIRP_OK) {
        chirp_cut_parameters(d->trained.net, &d->cut, keep, part);
        st = compare(d, part, &likelihood);
    }
    if (st == CHIRP_OK)
        st = write_part(d, part);
    if (st == CHIRP_OK)
        print_part(d);
    chirp_network_destroy(part);
    chirp_free(keep);
    return st;
}
