/* chirpbench decompose: what each filter of the root matters to each leaf, and networks without the filters that don't. */
#include "suites/commands/decompose.h"

#include "harness/base/file.h"
#include "harness/base/launch.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/json/json.h"
#include "harness/results/document.h"
#include "model/signal/generator.h"
#include "suites/command.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *leaf_name(const decomposition *d, int leaf)
{
    return chirp_label_name[d->trained.spec->label[leaf]];
}

/* Impact of one filter on one leaf. */
static double impact_at(const decomposition *d, int leaf, int64_t filter)
{
    return d->impact.value[leaf * d->impact.filters + filter];
}

/* Cosine between the impacts on two leaves, where each layer counts as much as the others. */
static double similarity(const decomposition *d, int a, int b)
{
    double sum = 0;
    for (int l = 0; l < d->impact.n_layers; ++l) {
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (int64_t k = d->impact.first[l]; k < d->impact.first[l + 1]; ++k) {
            ab += impact_at(d, a, k) * impact_at(d, b, k);
            aa += pow(impact_at(d, a, k), 2);
            bb += pow(impact_at(d, b, k), 2);
        }
        sum += aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
    }
    return sum / d->impact.n_layers;
}

/* Leaves that are alike, directly or through others, get the same number: that of the first. */
static void find_groups(decomposition *d)
{
    const int n = d->impact.n_leaves;
    for (int i = 0; i < n; ++i)
        d->group[i] = i;
    for (int i = 0; i < n; ++i)
        for (int j = i + 1; j < n; ++j)
            if (similarity(d, i, j) >= d->alike) {
                const int from = d->group[i] > d->group[j] ? d->group[i] : d->group[j];
                const int to = d->group[i] > d->group[j] ? d->group[j] : d->group[i];
                for (int k = 0; k < n; ++k)
                    d->group[k] = d->group[k] == from ? to : d->group[k];
            }
}

/* How many of n numbers are smaller than x, ties counting half. */
static double rank_of(const double *x, int64_t n, int64_t stride, double value)
{
    double rank = 0;
    for (int64_t i = 0; i < n; ++i)
        rank += x[i * stride] < value ? 1 : x[i * stride] == value ? 0.5 : 0;
    return rank;
}

/* Spearman's, between first-order and true changes of a leaf over the filters left out. NaN: too few. */
static double rank_correlation(const decomposition *d, int leaf)
{
    const int64_t stride = 2 * (int64_t)d->impact.n_leaves;
    const double *first = d->change + 2 * leaf;
    const double middle = (double)d->check / 2;
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int64_t i = 0; i < d->check; ++i) {
        const double a = rank_of(first, d->check, stride, first[i * stride]) - middle;
        const double b = rank_of(first + 1, d->check, stride, first[i * stride + 1]) - middle;
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    return d->check > 2 && aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : (double)NAN;
}

/* Leaves `check` filters out, spread evenly over the root. */
static chirp_status leave_out(decomposition *d, chirp_network *twin)
{
    const int leaves = d->impact.n_leaves;
    double change[CHIRP_MAX_LEAVES];
    chirp_status st = CHIRP_OK;
    d->check = d->check < d->impact.filters ? d->check : d->impact.filters;
    d->change = chirp_calloc((size_t)(2 * leaves * d->check + 1), sizeof *d->change);
    if (!d->change)
        return CHIRP_ERR_NOMEM;
    for (int64_t i = 0; i < d->check && st == CHIRP_OK; ++i) {
        const int64_t filter = decomposition_checked(d, i);
        st = chirp_impact_without(twin, d->strain, d->signals, &d->impact, filter, change);
        for (int leaf = 0; leaf < leaves; ++leaf) {
            d->change[2 * (i * leaves + leaf)] = impact_at(d, leaf, filter);
            d->change[2 * (i * leaves + leaf) + 1] = change[leaf];
        }
    }
    return st;
}

int64_t decomposition_checked(const decomposition *d, int64_t i)
{
    return (2 * i + 1) * d->impact.filters / (2 * d->check);
}

static chirp_status measure(decomposition *d)
{
    const uint64_t first = calibration_first(CALIBRATION_DECOMPOSE, CALIBRATION_FIT);
    chirp_network *twin = NULL;
    d->signals = (d->signals + DECOMPOSE_BATCH - 1) / DECOMPOSE_BATCH * DECOMPOSE_BATCH;
    d->strain = chirp_calloc((size_t)(d->signals * d->trial.signal.length), sizeof *d->strain);
    chirp_status st = d->strain ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_generator_batch(d->trial.generator, first, d->signals, d->strain, NULL, NULL,
                                   NULL);
    if (st == CHIRP_OK)
        st = chirp_impact_twin(d->trained.net, DECOMPOSE_BATCH, &twin);
    if (st == CHIRP_OK)
        st = chirp_impact_measure(twin, d->strain, d->signals, &d->impact);
    if (st == CHIRP_OK)
        st = leave_out(d, twin);
    if (st == CHIRP_OK)
        find_groups(d);
    chirp_network_destroy(twin);
    return st;
}

/* Filters of a layer with at least `share` of its largest impact on a leaf. */
static int64_t count_above(const decomposition *d, int leaf, int layer, double share)
{
    double most = 0;
    int64_t count = 0;
    for (int64_t k = d->impact.first[layer]; k < d->impact.first[layer + 1]; ++k)
        most = fmax(most, impact_at(d, leaf, k));
    for (int64_t k = d->impact.first[layer]; k < d->impact.first[layer + 1]; ++k)
        count += most > 0 && impact_at(d, leaf, k) >= share * most;
    return count;
}

static void print_impacts(const decomposition *d)
{
    const int leaves = d->impact.n_leaves;
    printf("%s  network %s, %" PRId64 " iterations, %" PRId64 " signals\n\n"
           "filters with at least %g of their layer's largest impact on a leaf\n%-8s %8s",
           d->checkpoint, d->trained.record.config.network, d->trained.iteration, d->signals,
           d->threshold, "", "filters");
    for (int leaf = 0; leaf < leaves; ++leaf)
        printf(" %8s", leaf_name(d, leaf));
    for (int l = 0; l < d->impact.n_layers; ++l) {
        printf("\n%-8s %8" PRId64, d->trained.spec->root[l].name,
               d->impact.first[l + 1] - d->impact.first[l]);
        for (int leaf = 0; leaf < leaves; ++leaf)
            printf(" %8" PRId64, count_above(d, leaf, l, d->threshold));
    }
    printf("\n\nsimilarity of impacts\n");
    for (int i = 0; i < leaves; ++i) {
        printf("%-8s", leaf_name(d, i));
        for (int j = 0; j < leaves; ++j)
            printf(" %8.3f", similarity(d, i, j));
        printf("   group of %s\n", leaf_name(d, d->group[i]));
    }
    if (d->check == 0)
        return;
    printf("\n%" PRId64 " filters left out: rank correlation of the change with the impact",
           d->check);
    for (int leaf = 0; leaf < leaves; ++leaf)
        printf("%s %s %.2f", leaf ? "," : "", leaf_name(d, leaf), rank_correlation(d, leaf));
    printf("\n");
}

static void add_layers(const decomposition *d, cJSON *root)
{
    cJSON *layers = cJSON_AddArrayToObject(root, "layers");
    for (int l = 0; l < d->impact.n_layers; ++l) {
        const int64_t from = d->impact.first[l];
        const int n = (int)(d->impact.first[l + 1] - from);
        cJSON *layer = cJSON_CreateObject();
        cJSON_AddItemToArray(layers, layer);
        (void)chirp_json_add_text(layer, "layer", d->trained.spec->root[l].name);
        (void)chirp_json_add_integer(layer, "filters", n);
        cJSON *impact = cJSON_AddObjectToObject(layer, "impact");
        for (int leaf = 0; leaf < d->impact.n_leaves; ++leaf)
            cJSON_AddItemToObject(
                impact, leaf_name(d, leaf),
                cJSON_CreateDoubleArray(d->impact.value + leaf * d->impact.filters + from, n));
    }
}

static void add_leaves(const decomposition *d, cJSON *root)
{
    cJSON *leaves = cJSON_AddArrayToObject(root, "leaves");
    for (int i = 0; i < d->impact.n_leaves; ++i) {
        cJSON *leaf = cJSON_CreateObject();
        cJSON_AddItemToArray(leaves, leaf);
        (void)chirp_json_add_text(leaf, "parameter", leaf_name(d, i));
        (void)chirp_json_add_text(leaf, "group", leaf_name(d, d->group[i]));
        cJSON *alike = cJSON_AddObjectToObject(leaf, "similarity");
        for (int j = 0; j < d->impact.n_leaves; ++j)
            cJSON_AddNumberToObject(alike, leaf_name(d, j), similarity(d, i, j));
        if (isfinite(rank_correlation(d, i)))
            cJSON_AddNumberToObject(leaf, "rank_correlation", rank_correlation(d, i));
    }
    cJSON *out = cJSON_AddArrayToObject(root, "left_out");
    for (int64_t i = 0; i < d->check; ++i) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(out, item);
        (void)chirp_json_add_integer(item, "filter", decomposition_checked(d, i));
        cJSON *change = cJSON_AddObjectToObject(item, "change");
        for (int leaf = 0; leaf < d->impact.n_leaves; ++leaf)
            cJSON_AddNumberToObject(change, leaf_name(d, leaf),
                                    d->change[2 * (i * d->impact.n_leaves + leaf) + 1]);
    }
}

static chirp_status write_json(const decomposition *d)
{
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_DECOMPOSITION);
    (void)chirp_json_add_text(root, "checkpoint", d->checkpoint);
    (void)chirp_json_add_text(root, "network", d->trained.record.config.network);
    (void)chirp_json_add_integer(root, "iterations", d->trained.iteration);
    (void)chirp_json_add_integer(root, "signals", d->signals);
    (void)chirp_json_add_integer(root, "seed", d->seed);
    add_layers(d, root);
    add_leaves(d, root);
    if (d->out)
        decomposition_part_json(d, root);
    return chirp_document_write(root, d->json);
}

static chirp_status decompose(decomposition *d)
{
    chirp_status st = !d->out == !d->leaves
                          ? CHIRP_OK
                          : chirp_fail(CHIRP_ERR_ARG, "decompose: --out and --leaves go together");
    if (st == CHIRP_OK && d->json)
        st = chirp_file_writable(d->json);
    if (st == CHIRP_OK && d->out)
        st = chirp_file_writable(d->out);
    if (st == CHIRP_OK)
        st = chirp_trained_load(d->checkpoint, 1, (int)d->threads, &d->trained);
    if (st == CHIRP_OK && d->out && d->trained.own_spec)
        st = chirp_fail(CHIRP_ERR_ARG,
                        "%s: was cut out of a network itself: name the whole network's checkpoint",
                        d->checkpoint);
    if (st == CHIRP_OK && d->leaves)
        st = decomposition_read_leaves(d);
    if (st != CHIRP_OK)
        return st;
    d->trial = (calibration_trial){.trained = &d->trained,
                                   .signals = d->test,
                                   .samples = 2,
                                   .seed = (uint64_t)d->seed,
                                   .n_threads = (int)d->threads,
                                   .signal = chirp_trained_signals(&d->trained)};
    st = calibration_create(d->checkpoint, &d->trial);
    if (st == CHIRP_OK)
        st = measure(d);
    if (st == CHIRP_OK)
        print_impacts(d);
    if (st == CHIRP_OK && d->out)
        st = decomposition_cut(d);
    return st == CHIRP_OK && d->json ? write_json(d) : st;
}

static int run(int argc, char **argv)
{
    decomposition d = {.signals = 64, .check = 32, .test = 256, .threshold = 0.1, .alike = 0.9};
    const chirp_option table[] = {
        {"checkpoint", CHIRP_OPTION_STRING, &d.checkpoint, .metavar = "FILE",
         .file = CHIRP_FILE_READ, .required = true,
         .help = "network, a file of chirpbench train or export"},
        {"signals", CHIRP_OPTION_INT, &d.signals, .metavar = "N", .min = 1, .max = 1e5,
         .help = "fresh signals to measure impacts with; a multiple of 16 is taken"},
        {"check", CHIRP_OPTION_INT, &d.check, .metavar = "N", .min = 0, .max = 1e5,
         .help = "filters to leave out, to compare the change with the impact"},
        {"alike", CHIRP_OPTION_REAL, &d.alike, .metavar = "S", .min = 0, .max = 1,
         .help = "leaves whose impacts are at least as similar as this are a group"},
        {"threshold", CHIRP_OPTION_REAL, &d.threshold, .metavar = "X", .min = 0, .max = 1,
         .help =
             "filters with at least this share of their layer's largest impact on a leaf count, "
             "and stay in --out"},
        {"leaves", CHIRP_OPTION_STRING, &d.leaves, .metavar = "NAME[,NAME]",
         .help = "parameters that the network --out keeps, such as a_f"},
        {"out", CHIRP_OPTION_STRING, &d.out, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "checkpoint of the network for these parameters alone, without the other filters"},
        {"test", CHIRP_OPTION_INT, &d.test, .metavar = "N", .min = 16, .max = 1e6,
         .help = "fresh signals to compare the errors of --out with the whole network's"},
        {"seed", CHIRP_OPTION_INT, &d.seed, .metavar = "N", .min = 0, .max = 9e15,
         .help = "seed of signals"},
        {"json", CHIRP_OPTION_STRING, &d.json, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "impact of every filter on every leaf"},
        {"threads", CHIRP_OPTION_INT, &d.threads, .metavar = "N", .min = 0, .max = 1024,
         .help = "0: OMP_NUM_THREADS or all cores"},
    };
    const chirp_usage usage = {"decompose", NULL,
                               "Measures how much each filter of a network's root matters to each "
                               "parameter: the change of its mean output,\nto first order, when "
                               "the filter is left out. Cuts networks for some of the parameters "
                               "out of it, without training.",
                               table, sizeof table / sizeof table[0]};
    chirp_status st = chirp_options_parse(&usage, argc, argv, NULL);
    if (st == CHIRP_OK)
        st = chirp_refuse_ranks("decompose");
    if (st == CHIRP_OK)
        st = decompose(&d);
    calibration_destroy(&d.trial);
    chirp_trained_release(&d.trained);
    chirp_impact_release(&d.impact);
    chirp_free(d.strain);
    chirp_free(d.change);
    return chirp_command_exit(st);
}

const chirp_command chirp_command_decompose = {"decompose",
                                               "what each filter matters to each parameter", run};
