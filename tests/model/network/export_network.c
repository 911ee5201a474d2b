/*
 * Writes one forward and backward pass of the study's network for compare_torch.py:
 *     export_network FOLDER VARIANT
 * FOLDER/checkpoint.h5: the parameters; their gradients stand where a checkpoint has the optimiser's first moments.
 * FOLDER/strain.f32, label.f32, output.f32: raw float32 arrays [2][8192], [2][5], [2][leaves][2].
 * FOLDER/noise_<layer>.f32: the weight noise of each variational layer, in the layer's weight order.
 */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "model/inference/likelihood.h"
#include "model/network/network.h"
#include "model/signal/generator.h"
#include "model/training/checkpoint.h"

#include <stdio.h>

enum { ROWS = 2, SEED = 3 };

static chirp_status write_floats(const char *folder, const char *name, const float *values,
                                 int64_t n)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s.f32", folder, name);
    return chirp_file_write(path, values, (size_t)n * sizeof *values);
}

static chirp_status write_noise(const char *folder, const chirp_network *net,
                                const chirp_pass *pass)
{
    int n = 0;
    const chirp_layer_info *info = chirp_network_layers(net, &n);
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < n && st == CHIRP_OK; ++i) {
        char name[32];
        if (!info[i].variational)
            continue;
        float *noise = chirp_alloc((size_t)info[i].weights * sizeof *noise);
        if (!noise)
            return CHIRP_ERR_NOMEM;
        chirp_rng_normal(chirp_rng_stream(SEED, CHIRP_RNG_WEIGHT_NOISE, (uint32_t)i, pass->step), 0,
                         info[i].weights, noise);
        (void)snprintf(name, sizeof name, "noise_%d", i);
        st = write_floats(folder, name, noise, info[i].weights);
        chirp_free(noise);
    }
    return st;
}

static chirp_status export(const char *folder, const char *variant)
{
    const chirp_network_spec *spec = NULL;
    chirp_network *net = NULL;
    chirp_status st = chirp_network_spec_find("spin", &spec);
    if (st != CHIRP_OK)
        return st;
    chirp_network_config config = chirp_network_config_default(spec);
    config.variant = (chirp_variant)chirp_name_index(chirp_variant_name, CHIRP_VARIANTS, variant);
    config.batch = ROWS;
    config.dropout = 0;
    config.seed = SEED;
    st = chirp_network_create(&config, &net);
    if (st != CHIRP_OK)
        return st;
    const chirp_likelihood likelihood = {
        .spec = spec, .outputs = config.outputs, .noise_scale = 0.2};
    chirp_network_initialize(net, SEED, chirp_likelihood_scale_bias(&likelihood, 0.2));
    static float strain[ROWS * 8192];
    float label[ROWS * CHIRP_LABELS];
    float output[ROWS * CHIRP_MAX_LEAVES * 2];
    float doutput[ROWS * CHIRP_MAX_LEAVES * 2];
    chirp_rng_normal(chirp_rng_stream(SEED, CHIRP_RNG_TEST, 0, 0), 0, ROWS * 8192, strain);
    for (int i = 0; i < ROWS * CHIRP_LABELS; ++i)
        label[i] = 0.1F * (float)i;
    const chirp_pass pass = {.training = true, .sample = true, .step = 9};
    chirp_network_forward(net, strain, &pass, output);
    (void)chirp_likelihood_loss(&likelihood, ROWS, output, label, doutput);
    chirp_network_backward(net, strain, &pass, doutput, 1e-4, NULL, NULL);

    char path[256];
    char text[] = "{}";
    int n = 0;
    const chirp_tensor *tensors = chirp_network_tensors(net, &n);
    const chirp_checkpoint state = {
        .seed = SEED, .configuration = text, .first = chirp_network_gradients(net)};
    (void)snprintf(path, sizeof path, "%s/checkpoint.h5", folder);
    st = chirp_checkpoint_write(path, &state, tensors, n, chirp_network_parameters(net));
    if (st == CHIRP_OK)
        st = write_floats(folder, "strain", strain, ROWS * 8192);
    if (st == CHIRP_OK)
        st = write_floats(folder, "label", label, ROWS * CHIRP_LABELS);
    if (st == CHIRP_OK)
        st =
            write_floats(folder, "output", output, (int64_t)ROWS * spec->n_leaves * config.outputs);
    if (st == CHIRP_OK)
        st = write_noise(folder, net, &pass);
    chirp_network_destroy(net);
    return st;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: export_network FOLDER none|last2|leaf|all\n");
        return 2;
    }
    if (export(argv[1], argv[2]) != CHIRP_OK) {
        (void)fprintf(stderr, "export_network: %s\n", chirp_error_message());
        return 2;
    }
    return 0;
}
