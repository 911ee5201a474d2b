/* chirpbench describe: the layer table of a network and variant. */
#include "harness/base/options.h"
#include "model/network/network.h"
#include "suites/command.h"

#include <inttypes.h>
#include <stdio.h>

static void print_table(const chirp_network *net, const char *name, const char *variant)
{
    int n = 0;
    int64_t weights = 0;
    int64_t biases = 0;
    int64_t trained = 0;
    double flops = 0;
    const chirp_layer_info *info = chirp_network_layers(net, &n);
    printf("network %s, variational %s\n\n", name, variant);
    printf("%-14s %13s %13s %5s %3s %5s %-6s %-5s %10s %7s %10s %11s %12s\n", "layer", "in", "out",
           "taps", "dil", "pool", "act", "post.", "weights", "biases", "trained", "bytes",
           "MFLOP/signal");
    for (int i = 0; i < n; ++i) {
        char in[32];
        char out[32];
        (void)snprintf(in, sizeof in, "%" PRId64 " x %" PRId64, info[i].in_width,
                       info[i].in_channels);
        (void)snprintf(out, sizeof out, "%" PRId64 " x %" PRId64, info[i].out_width,
                       info[i].out_channels);
        printf("%-14s %13s %13s %5" PRId64 " %3" PRId64 " %5" PRId64 " %-6s %-5s %10" PRId64
               " %7" PRId64 " %10" PRId64 " %11" PRId64 " %12.2f\n",
               info[i].name, in, out, info[i].taps, info[i].dilation, info[i].pool,
               info[i].activation, info[i].variational ? "gauss" : "point", info[i].weights,
               info[i].biases, info[i].trained, 4 * info[i].trained, info[i].forward_flops / 1e6);
        weights += info[i].weights;
        biases += info[i].biases;
        trained += info[i].trained;
        flops += info[i].forward_flops;
    }
    printf("%-14s %13s %13s %5s %3s %5s %-6s %-5s %10" PRId64 " %7" PRId64 " %10" PRId64
           " %11" PRId64 " %12.2f\n",
           "all", "", "", "", "", "", "", "", weights, biases, trained, 4 * trained, flops / 1e6);
    printf("\ntrained numbers count means, rhos and biases; bytes are those of one float gradient "
           "per trained number,\n"
           "what a data-parallel step exchanges. in and out are width x channels; MFLOP is "
           "forward, direct method.\n");
}

static int run(int argc, char **argv)
{
    const char *network = "spin";
    const char *variant = "last2";
    const char *likelihood = "fixed";
    const chirp_option table[] = {
        {"network", CHIRP_OPTION_CHOICE, &network, .choices = "spin|mass", .help = "which network"},
        {"variational", CHIRP_OPTION_CHOICE, &variant, .choices = "none|last2|leaf|all",
         .help = "which layers are variational"},
        {"likelihood", CHIRP_OPTION_CHOICE, &likelihood, .choices = "fixed|learned",
         .help = "one output per leaf, or two"},
    };
    const chirp_usage usage = {
        "describe", NULL,
        "Shapes, parameters, trained numbers, bytes and operations of every layer.", table,
        sizeof table / sizeof table[0]};
    const chirp_network_spec *spec = NULL;
    chirp_network *net = NULL;
    chirp_status st = chirp_options_parse(&usage, argc, argv, NULL);
    if (st == CHIRP_OK)
        st = chirp_network_spec_find(network, &spec);
    if (st == CHIRP_OK) {
        chirp_network_config config = chirp_network_config_default(spec);
        config.variant =
            (chirp_variant)chirp_name_index(chirp_variant_name, CHIRP_VARIANTS, variant);
        config.outputs = likelihood[0] == 'f' ? 1 : 2;
        config.batch = 1;
        config.training = false;
        st = chirp_network_create(&config, &net);
    }
    if (st == CHIRP_OK)
        print_table(net, network, variant);
    chirp_network_destroy(net);
    return chirp_command_exit(st);
}

const chirp_command chirp_command_describe = {"describe",
                                              "the layer table of a network and variant", run};
