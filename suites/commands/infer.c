/* chirpbench infer: parameters with posteriors for one second of real strain. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "model/inference/posterior.h"
#include "model/signal/strain.h"
#include "model/training/checkpoint.h"
#include "model/training/config.h"
#include "suites/command.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>

typedef struct inference {
    const char *checkpoint, *strain, *json;
    double gps, merger_at_s;
    int64_t samples, seed, threads;
    chirp_train_config config; /* of the checkpoint */
    const chirp_network_spec *spec;
    chirp_network *net;
    chirp_likelihood likelihood;
    int64_t iteration;
    float *window;
    double *drawn; /* [leaves][samples] */
    chirp_strain_info info;
    chirp_summary summary[CHIRP_MAX_LEAVES];
} inference;

/* Makes the network that the checkpoint describes and fills in its parameters. */
static chirp_status load_network(inference *f)
{
    chirp_checkpoint state = {0};
    chirp_status st = chirp_checkpoint_read_header(f->checkpoint, &state);
    if (st == CHIRP_OK)
        st = chirp_train_config_read(f->checkpoint, state.configuration, &f->config, NULL);
    chirp_free(state.configuration);
    state.configuration = NULL;
    if (st == CHIRP_OK)
        st = chirp_network_spec_find(f->config.network, &f->spec);
    if (st != CHIRP_OK)
        return st;
    chirp_network_config config = chirp_network_config_default(f->spec);
    config.variant = f->config.variant;
    config.outputs = f->config.learned_scale ? 2 : 1;
    config.prior_sigma = f->config.prior_sigma;
    config.dense2_relu = f->config.dense2_relu;
    config.batch = 1;
    config.training = false;
    config.n_threads = (int)f->threads;
    f->likelihood = (chirp_likelihood){f->spec, config.outputs, f->config.noise_scale};
    st = chirp_network_create(&config, &f->net);
    if (st != CHIRP_OK)
        return st;
    int n = 0;
    const chirp_tensor *tensors = chirp_network_tensors(f->net, &n);
    st = chirp_checkpoint_read(f->checkpoint, &state, tensors, n, chirp_network_parameters(f->net));
    f->iteration = state.iteration;
    chirp_free(state.configuration);
    return st;
}

static chirp_status read_window(inference *f)
{
    const chirp_signal_config *signal = &f->config.signal;
    f->window = chirp_calloc((size_t)signal->length, sizeof *f->window);
    f->drawn = chirp_calloc((size_t)(f->spec->n_leaves * f->samples), sizeof *f->drawn);
    if (!f->window || !f->drawn)
        return CHIRP_ERR_NOMEM;
    if (signal->f_high_hz != chirp_whiten_options_default().band.high_hz ||
        signal->n_detectors != 1)
        return chirp_fail(
            CHIRP_ERR_UNSUPPORTED,
            "%s: was trained on %d detectors up to %g Hz; infer reads one detector up to %g Hz",
            f->checkpoint, signal->n_detectors, signal->f_high_hz,
            chirp_whiten_options_default().band.high_hz);
    return chirp_strain_window(f->strain, f->gps, f->merger_at_s, signal->length,
                               signal->sample_rate_hz, signal->f_low_hz, f->window, &f->info);
}

static void print_posterior(const inference *f)
{
    printf("%s  %s at GPS %.4f, merger expected %.3f s into the window\n", f->strain,
           f->info.detector, f->gps, f->merger_at_s);
    printf("network %s, variational %s, %" PRId64 " iterations, %" PRId64 " weight samples\n\n",
           f->config.network, chirp_variant_name[f->config.variant], f->iteration, f->samples);
    printf("%-8s %10s %10s %23s %11s %11s\n", "", "median", "std", "90 % interval", "epistemic",
           "aleatoric");
    for (int leaf = 0; leaf < f->spec->n_leaves; ++leaf) {
        const chirp_summary *s = &f->summary[leaf];
        printf("%-8s %10.4f %10.4f   [%9.4f,%9.4f] %11.4f %11.4f\n",
               chirp_label_name[f->spec->label[leaf]], s->median, s->std, s->interval_90[0],
               s->interval_90[1], s->epistemic_std, s->aleatoric_std);
    }
}

static cJSON *parameter_json(const inference *f, int leaf)
{
    const chirp_summary *s = &f->summary[leaf];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "mean", s->mean);
    cJSON_AddNumberToObject(object, "median", s->median);
    cJSON_AddNumberToObject(object, "std", s->std);
    cJSON_AddItemToObject(object, "interval_90", cJSON_CreateDoubleArray(s->interval_90, 2));
    cJSON_AddNumberToObject(object, "epistemic_std", s->epistemic_std);
    cJSON_AddNumberToObject(object, "aleatoric_std", s->aleatoric_std);
    cJSON_AddItemToObject(object, "samples",
                          cJSON_CreateDoubleArray(f->drawn + leaf * f->samples, (int)f->samples));
    return object;
}

static chirp_status write_json(const inference *f)
{
    cJSON *root = cJSON_CreateObject();
    cJSON *events = cJSON_AddArrayToObject(root, "events");
    cJSON *event = cJSON_CreateObject();
    cJSON_AddItemToArray(events, event);
    cJSON_AddStringToObject(event, "strain", f->strain);
    cJSON_AddStringToObject(event, "detector", f->info.detector);
    cJSON_AddStringToObject(
        event, "source", chirp_strain_is_simulated(f->strain) ? "injected signal" : "real strain");
    cJSON_AddNumberToObject(event, "gps", f->gps);
    cJSON_AddStringToObject(event, "checkpoint", f->checkpoint);
    cJSON_AddStringToObject(event, "network", f->config.network);
    cJSON_AddStringToObject(event, "variational", chirp_variant_name[f->config.variant]);
    cJSON_AddNumberToObject(event, "iterations", (double)f->iteration);
    cJSON *parameters = cJSON_AddObjectToObject(event, "parameters");
    for (int leaf = 0; leaf < f->spec->n_leaves; ++leaf)
        cJSON_AddItemToObject(parameters, chirp_label_name[f->spec->label[leaf]],
                              parameter_json(f, leaf));
    cJSON *window = cJSON_AddObjectToObject(event, "window");
    cJSON_AddNumberToObject(window, "sample_rate_hz", f->config.signal.sample_rate_hz);
    cJSON_AddNumberToObject(window, "start_s", f->gps - f->merger_at_s);
    cJSON_AddItemToObject(window, "whitened",
                          cJSON_CreateFloatArray(f->window, (int)f->config.signal.length));
    cJSON *psd = cJSON_AddObjectToObject(event, "psd");
    cJSON_AddItemToObject(psd, "frequency_hz",
                          cJSON_CreateDoubleArray(f->info.psd_f_hz, (int)f->info.n_psd));
    cJSON_AddItemToObject(psd, "psd", cJSON_CreateDoubleArray(f->info.psd, (int)f->info.n_psd));
    char *text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    if (!text)
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for %s", f->json);
    size_t length = 0;
    while (text[length])
        ++length;
    const chirp_status st = chirp_file_write(f->json, text, length);
    cJSON_free(text);
    return st;
}

static int run(int argc, char **argv)
{
    inference f = {.merger_at_s = 0.875, .samples = 1000};
    const chirp_option table[] = {
        {"checkpoint", CHIRP_OPTION_STRING, &f.checkpoint, .metavar = "FILE", .required = true,
         .help = "from chirpbench train"},
        {"strain", CHIRP_OPTION_STRING, &f.strain, .metavar = "FILE", .required = true,
         .help = "GWOSC HDF5 strain of one detector"},
        {"gps", CHIRP_OPTION_REAL, &f.gps, .metavar = "T", .required = true,
         .help = "GPS time of the merger [s]"},
        {"merger-at", CHIRP_OPTION_REAL, &f.merger_at_s, .metavar = "S", .min = 0.01, .max = 0.99,
         .help = "where the merger lies in the window [s]"},
        {"samples", CHIRP_OPTION_INT, &f.samples, .metavar = "N", .min = 2, .max = 1e6,
         .help = "Monte Carlo weight samples"},
        {"seed", CHIRP_OPTION_INT, &f.seed, .metavar = "N", .min = 0, .max = 9e15,
         .help = "of the samples"},
        {"json", CHIRP_OPTION_STRING, &f.json, .metavar = "FILE",
         .help = "the posterior with samples, window and PSD"},
        {"threads", CHIRP_OPTION_INT, &f.threads, .metavar = "N", .min = 0, .max = 1024,
         .help = "0: OMP_NUM_THREADS or all cores"},
    };
    const chirp_usage usage = {
        "infer", NULL,
        "Reads one second of strain around --gps, whitens it with the file's own noise spectrum "
        "and prints\n"
        "median and 90 % interval of every parameter from Monte Carlo weight samples.",
        table, sizeof table / sizeof table[0]};
    chirp_status st = chirp_options_parse(&usage, argc, argv, NULL);
    if (st == CHIRP_OK)
        st = load_network(&f);
    if (st == CHIRP_OK)
        st = read_window(&f);
    chirp_posterior *posterior = NULL;
    if (st == CHIRP_OK)
        st = chirp_posterior_create(f.net, &f.likelihood, f.samples, &posterior);
    if (st == CHIRP_OK)
        chirp_posterior_predict(posterior, f.window, (uint64_t)f.seed, f.drawn, f.summary);
    chirp_posterior_destroy(posterior);
    if (st == CHIRP_OK && f.json)
        st = write_json(&f);
    if (st == CHIRP_OK)
        print_posterior(&f);
    chirp_strain_info_destroy(&f.info);
    chirp_network_destroy(f.net);
    chirp_free(f.window);
    chirp_free(f.drawn);
    return chirp_command_exit(st);
}

const chirp_command chirp_command_infer = {"infer", "parameters with posteriors from real strain",
                                           run};
