/* chirpbench describe: the layer table of a network and variant, with measured times. */
#include "harness/base/options.h"
#include "harness/results/document.h"
#include "model/network/network.h"
#include "model/training/parameters.h"
#include "suites/command.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct description {
    const char *network, *variant, *estimator, *json;
    int64_t batch; /* of the timed passes; 0: no times */
    chirp_network *net;
    chirp_network_times times;
} description;

static void print_row(const char *name, const char *in, const char *out, const chirp_layer_info *l,
                      bool timed, double forward_s, double backward_s)
{
    printf("%-14s %11s %11s ", name, in, out);
    if (l->taps > 0)
        printf("%4" PRId64 " %3" PRId64 " %4" PRId64 " %-4s %-5s", l->taps, l->dilation, l->pool,
               chirp_activation_name[l->activation ? l->activation : l->likelihood_activation],
               l->variational ? "gauss" : "point");
    else
        printf("%24s", "");
    printf(" %9" PRId64 " %6" PRId64 " %8" PRId64 " %9" PRId64 " %9.2f", l->weights, l->biases,
           l->trained, 4 * l->trained, l->forward_flops / 1e6);
    if (timed)
        printf(" %9.3f %9.3f", 1e3 * forward_s, 1e3 * backward_s);
    printf("\n");
}

static void print_table(const description *d)
{
    int n = 0;
    chirp_layer_info all = {0};
    double forward = 0;
    double backward = 0;
    const chirp_layer_info *info = chirp_network_layers(d->net, &n);
    printf("network %s, variational %s (%s)\n\n", d->network, d->variant, d->estimator);
    printf("%-14s %11s %11s %4s %3s %4s %-4s %-5s %9s %6s %8s %9s %9s", "layer", "in", "out",
           "taps", "dil", "pool", "act", "post.", "weights", "biases", "trained", "bytes", "MFLOP");
    printf(d->batch ? " %9s %9s\n" : "\n", "fwd ms", "bwd ms");
    for (int i = 0; i < n; ++i) {
        char in[32];
        char out[32];
        (void)snprintf(in, sizeof in, "%" PRId64 " x %" PRId64, info[i].in_width,
                       info[i].in_channels);
        (void)snprintf(out, sizeof out, "%" PRId64 " x %" PRId64, info[i].out_width,
                       info[i].out_channels);
        print_row(info[i].name, in, out, &info[i], d->batch > 0, d->times.layer_forward_s[i],
                  d->times.layer_backward_s[i]);
        all.weights += info[i].weights;
        all.biases += info[i].biases;
        all.trained += info[i].trained;
        all.forward_flops += info[i].forward_flops;
        forward += d->times.layer_forward_s[i];
        backward += d->times.layer_backward_s[i];
    }
    print_row("all", "", "", &all, d->batch > 0, forward, backward);
    printf("\nin, out: width x channels. trained: means, rhos and biases. bytes: one float "
           "gradient per trained number, what a\n"
           "data-parallel step exchanges. MFLOP: forward pass of one signal, direct method.\n");
    if (d->batch)
        printf("ms: median of %d training passes of %" PRId64
               " signals on this machine, packing of weights included.\n",
               CHIRP_TIMED_PASSES, d->batch);
}

static chirp_status write_json(const description *d)
{
    int n = 0;
    const chirp_layer_info *info = chirp_network_layers(d->net, &n);
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_LAYERS);
    cJSON_AddStringToObject(root, "network", d->network);
    cJSON_AddStringToObject(root, "variational", d->variant);
    cJSON_AddStringToObject(root, "estimator", d->estimator);
    cJSON_AddNumberToObject(root, "batch", (double)d->batch);
    cJSON *layers = cJSON_AddArrayToObject(root, "layers");
    for (int i = 0; i < n; ++i) {
        cJSON *layer = cJSON_CreateObject();
        cJSON_AddItemToArray(layers, layer);
        cJSON_AddStringToObject(layer, "name", info[i].name);
        cJSON_AddBoolToObject(layer, "variational", info[i].variational);
        cJSON_AddNumberToObject(layer, "weights", (double)info[i].weights);
        cJSON_AddNumberToObject(layer, "biases", (double)info[i].biases);
        cJSON_AddNumberToObject(layer, "trained_numbers", (double)info[i].trained);
        cJSON_AddNumberToObject(layer, "exchanged_bytes", 4.0 * (double)info[i].trained);
        cJSON_AddNumberToObject(layer, "forward_flops_per_signal", info[i].forward_flops);
        if (d->batch) {
            cJSON_AddNumberToObject(layer, "forward_s", d->times.layer_forward_s[i]);
            cJSON_AddNumberToObject(layer, "backward_s", d->times.layer_backward_s[i]);
        }
    }
    return chirp_document_write(root, d->json);
}

static int run(int argc, char **argv)
{
    static const char *const of_train[] = {"network", "variational", "estimator", "likelihood",
                                           NULL};
    chirp_train_config train = chirp_train_config_study();
    description d = {.batch = 16};
    train.learned_scale = false;
    const chirp_option table[] = {
        {"batch", CHIRP_OPTION_INT, &d.batch, .metavar = "N", .min = 0, .max = 256,
         .help = "signals in the timed passes; 0: no times"},
        {"json", CHIRP_OPTION_STRING, &d.json, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "the table as JSON"},
    };
    const chirp_usage usage = {
        "describe", NULL,
        "Shapes, parameters, trained numbers, bytes, operations and measured time of every layer.",
        table, sizeof table / sizeof table[0]};
    const chirp_network_spec *spec = NULL;
    chirp_option_table tables[CHIRP_TRAIN_TABLES];
    chirp_train_tables(&train, of_train, tables);
    chirp_status st = chirp_options_parse_tables(&usage, tables, CHIRP_TRAIN_TABLES, argc, argv);
    d.network = train.network;
    d.variant = chirp_variant_name[train.variant];
    d.estimator = chirp_variational_estimator_name[train.estimator];
    if (st == CHIRP_OK)
        st = chirp_network_spec_find(d.network, &spec);
    if (st == CHIRP_OK) {
        chirp_network_config config = chirp_network_config_default(spec);
        config.variant = train.variant;
        config.estimator = train.estimator;
        config.outputs = train.learned_scale ? 2 : 1;
        config.batch = d.batch ? d.batch : 1;
        config.training = d.batch > 0;
        st = chirp_network_create(&config, &d.net);
    }
    if (st == CHIRP_OK && d.batch) {
        chirp_network_initialize(d.net, 1, 0);
        st = chirp_network_time_layers(d.net, &d.times);
    }
    if (st == CHIRP_OK && d.json)
        st = write_json(&d);
    if (st == CHIRP_OK)
        print_table(&d);
    chirp_network_destroy(d.net);
    return chirp_command_exit(st);
}

const chirp_command chirp_command_describe = {"describe",
                                              "the layer table of a network and variant", run};
