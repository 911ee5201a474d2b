/* chirpbench infer: parameters with posteriors for one second of strain, from each detector, or for windows that slide. */
#include "harness/base/file.h"
#include "harness/base/launch.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/json/json.h"
#include "harness/results/document.h"
#include "model/inference/posterior.h"
#include "model/signal/generator.h"
#include "model/signal/likeness.h"
#include "model/signal/strain.h"
#include "model/training/checkpoint.h"
#include "model/training/config.h"
#include "suites/command.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FILES = 4, SHOWN_SIGNALS = 6 };

typedef struct inference {
    const char *checkpoint, *strain, *json; /* strain: one file, or several with commas between */
    double gps, merger_at_s;                /* merger_at_s 0: the middle of the trained range */
    int64_t samples, seed, threads;
    int64_t sweep; /* windows; 0: none */
    double sweep_step_s;
    double credible;           /* [%] of the printed interval */
    chirp_train_record record; /* of the checkpoint */
    chirp_train_config config; /* the record's, whose strings it borrows */
    const chirp_network_spec *spec;
    chirp_network *net;
    chirp_likelihood likelihood;
    chirp_posterior *posterior;
    int64_t iteration;
    float *window;    /* [length] */
    double *drawn;    /* [leaves][samples] */
    float *windows;   /* [sweep][length] */
    double *offset_s; /* [sweep] */
    cJSON *events;
} inference;

/* Makes the network that the checkpoint describes, fills in its parameters and plans its posterior. */
static chirp_status load_network(inference *f)
{
    chirp_checkpoint state = {0};
    if (chirp_file_is_stream(f->checkpoint)) /* opening a pipe would wait for ever */
        return chirp_fail(CHIRP_ERR_IO, "%s: is a device or a pipe: name a checkpoint file",
                          f->checkpoint);
    chirp_status st = chirp_checkpoint_read_header(f->checkpoint, &state);
    if (st == CHIRP_OK)
        st = chirp_train_record_read(f->checkpoint, state.configuration, &f->record);
    chirp_free(state.configuration);
    state.configuration = NULL;
    f->config = f->record.config;
    f->config.signal.psd_path =
        NULL; /* its file may be elsewhere; signals are shown in design noise */
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
    st = chirp_train_likelihood(&f->config, &f->likelihood);
    if (st == CHIRP_OK)
        st = chirp_network_create(&config, &f->net);
    if (st != CHIRP_OK)
        return st;
    int n = 0;
    const chirp_tensor *tensors = chirp_network_tensors(f->net, &n);
    st = chirp_checkpoint_read(f->checkpoint, &state, tensors, n, chirp_network_parameters(f->net));
    chirp_network_parameters_changed(f->net);
    f->iteration = state.iteration;
    chirp_free(state.configuration);
    if (st == CHIRP_OK)
        st = chirp_posterior_create(f->net, &f->likelihood, f->samples, &f->posterior);
    return st;
}

static chirp_status make_buffers(inference *f)
{
    const chirp_signal_config *signal = &f->config.signal;
    const chirp_whiten_options whiten = chirp_whiten_options_default();
    if (signal->f_high_hz != whiten.band.high_hz || signal->f_low_hz != whiten.band.low_hz)
        return chirp_fail(
            CHIRP_ERR_UNSUPPORTED,
            "%s: was trained on signals from %g to %g Hz; infer makes windows from %g to %g Hz: "
            "train with these",
            f->checkpoint, signal->f_low_hz, signal->f_high_hz, whiten.band.low_hz,
            whiten.band.high_hz);
    if (f->merger_at_s == 0)
        f->merger_at_s = 0.5 * (signal->merger_min_s + signal->merger_max_s);
    f->window = chirp_calloc((size_t)signal->length, sizeof *f->window);
    f->drawn = chirp_calloc((size_t)f->spec->n_leaves * (size_t)f->samples, sizeof *f->drawn);
    if (f->sweep) {
        f->windows = chirp_calloc((size_t)(f->sweep * signal->length), sizeof *f->windows);
        f->offset_s = chirp_calloc((size_t)f->sweep, sizeof *f->offset_s);
    }
    if (!f->window || !f->drawn || (f->sweep && (!f->windows || !f->offset_s)))
        return CHIRP_ERR_NOMEM;
    return CHIRP_OK;
}

/* Draws into f->drawn; what goes wrong is the checkpoint's fault. */
static chirp_status predict(inference *f, const float *window, chirp_posterior_summary *summary)
{
    const chirp_status st =
        chirp_posterior_predict(f->posterior, window, (uint64_t)f->seed, f->drawn, summary);
    return st == CHIRP_OK ? st : chirp_fail(st, "%s: %s", f->checkpoint, chirp_error_message());
}

/* The interval that --credible asks for, of samples as predict() left them. */
static chirp_status credible(const inference *f, int leaf, double interval[2])
{
    return chirp_credible_interval(f->drawn + leaf * f->samples, f->samples, f->credible / 100,
                                   interval);
}

static chirp_status print_posterior(const inference *f, const char *path,
                                    const chirp_strain_info *info,
                                    const chirp_posterior_summary *summary)
{
    char title[32];
    (void)snprintf(title, sizeof title, "%g %% interval", f->credible);
    printf("%s  %s at GPS %.4f, merger expected %.3f s into the window\n", path, info->detector,
           f->gps, f->merger_at_s);
    printf("network %s, variational %s, %" PRId64 " iterations, %" PRId64 " weight samples\n\n",
           f->config.network, chirp_variant_name[f->config.variant], f->iteration, f->samples);
    printf("%-8s %10s %10s %23s %11s %11s\n", "", "median", "std", title, "epistemic", "aleatoric");
    for (int leaf = 0; leaf < f->spec->n_leaves; ++leaf) {
        const chirp_posterior_summary *s = &summary[leaf];
        double interval[2];
        const chirp_status st = credible(f, leaf, interval);
        if (st != CHIRP_OK)
            return st;
        printf("%-8s %10.4f %10.4f   [%9.4f,%9.4f] %11.4f %11.4f\n",
               chirp_label_name[f->spec->label[leaf]], s->median, s->std, interval[0], interval[1],
               s->epistemic_std, s->aleatoric_std);
    }
    printf("\n");
    return CHIRP_OK;
}

/* Mean, spread and intervals of one parameter; "interval" holds "credible_percent" of the probability. */
static cJSON *summary_json(const inference *f, int leaf, const chirp_posterior_summary *s)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "mean", s->mean);
    cJSON_AddNumberToObject(object, "median", s->median);
    cJSON_AddNumberToObject(object, "std", s->std);
    cJSON_AddItemToObject(object, "interval_90", cJSON_CreateDoubleArray(s->interval_90, 2));
    double interval[2];
    if (credible(f, leaf, interval) == CHIRP_OK)
        cJSON_AddItemToObject(object, "interval", cJSON_CreateDoubleArray(interval, 2));
    cJSON_AddNumberToObject(object, "epistemic_std", s->epistemic_std);
    cJSON_AddNumberToObject(object, "aleatoric_std", s->aleatoric_std);
    return object;
}

/* What the injected signal of a simulated file would be labelled, beside what the network says. */
static void add_truth(const inference *f, const chirp_binary *binary, cJSON *event)
{
    double value[CHIRP_LABELS] = {binary->m1_msun, binary->m2_msun, 0, 0, 0};
    if (binary->m1_msun <= 0)
        return;
    value[CHIRP_LABEL_FINAL_SPIN] = chirp_final_spin(binary);
    if (chirp_qnm(value[CHIRP_LABEL_FINAL_SPIN], &value[CHIRP_LABEL_OMEGA_R],
                  &value[CHIRP_LABEL_OMEGA_I]) != CHIRP_OK)
        return;
    cJSON *truth = cJSON_AddObjectToObject(event, "injected");
    for (int leaf = 0; leaf < f->spec->n_leaves; ++leaf)
        cJSON_AddNumberToObject(truth, chirp_label_name[f->spec->label[leaf]],
                                value[f->spec->label[leaf]]);
}

/* A few signals like those the network was trained on (design noise), for the report to show beside the real ones. */
static chirp_status add_training_signals(const inference *f, cJSON *event)
{
    chirp_signal_config signal = f->config.signal;
    chirp_generator *generator = NULL;
    chirp_status st = chirp_generator_create(&signal, &generator);
    float *strain = chirp_calloc((size_t)(SHOWN_SIGNALS * signal.length), sizeof *strain);
    if (st == CHIRP_OK && !strain)
        st = CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_generator_batch(generator, 0, SHOWN_SIGNALS, strain, NULL, NULL, NULL);
    if (st == CHIRP_OK) {
        cJSON *batch = cJSON_AddArrayToObject(event, "batch_strain");
        for (int i = 0; i < SHOWN_SIGNALS; ++i)
            cJSON_AddItemToArray(
                batch, cJSON_CreateFloatArray(strain + i * signal.length, (int)signal.length));
        cJSON_AddNumberToObject(event, "sample_rate_hz", signal.sample_rate_hz);
    }
    chirp_free(strain);
    chirp_generator_destroy(generator);
    return st;
}

/*
 * What is in the window, beside the answer: a network answers for a glitch or for noise alone as well. The bank's signals are
 * whitened with the file's own noise, as the window is.
 */
static chirp_status judge_window(const inference *f, const chirp_strain_info *info, cJSON *event)
{
    chirp_likeness_bank *bank = NULL;
    chirp_likeness l = {0};
    const char *doubt[CHIRP_LIKENESS_DOUBTS];
    chirp_status st =
        chirp_likeness_create(&f->config.signal, info->psd_f_hz, info->psd, info->n_psd, &bank);
    if (st == CHIRP_OK)
        st = chirp_likeness_measure(bank, f->window, info->window_scale, &l);
    if (st != CHIRP_OK) {
        chirp_likeness_destroy(bank);
        return st;
    }
    const chirp_likeness_limits limit = *chirp_likeness_limits_of(bank);
    chirp_likeness_destroy(bank);
    const int n = chirp_likeness_doubts(&l, &limit, doubt);
    cJSON *object = cJSON_AddObjectToObject(event, "likeness");
    cJSON_AddNumberToObject(object, "snr", l.snr);
    cJSON_AddNumberToObject(object, "snr_of_noise", limit.snr_of_noise);
    cJSON_AddNumberToObject(object, "snr_most", limit.snr_most);
    cJSON_AddNumberToObject(object, "residual_power", l.power);
    cJSON_AddNumberToObject(object, "residual_power_most", limit.power_most);
    cJSON_AddNumberToObject(object, "residual_peak", l.peak);
    cJSON_AddNumberToObject(object, "residual_peak_most", limit.peak_most);
    cJSON_AddItemToObject(object, "doubts", cJSON_CreateStringArray(doubt, n));
    printf("%s: SNR %.1f of the best training signal (expected %.1f to %.1f), "
           "left over: power %.2f (to %.2f), peak %.1f (to %.1f)\n",
           n ? "the window is unlike training" : "the window is like training", l.snr,
           limit.snr_of_noise, limit.snr_most, l.power, limit.power_most, l.peak, limit.peak_most);
    for (int i = 0; i < n; ++i)
        printf("  doubt: %s\n", doubt[i]);
    printf("\n");
    return CHIRP_OK;
}

static void add_event(const inference *f, const char *path, const chirp_strain_info *info,
                      const chirp_posterior_summary *summary, cJSON *event)
{
    cJSON_AddStringToObject(event, "strain", path);
    cJSON_AddStringToObject(event, "detector", info->detector);
    chirp_binary binary;
    const bool simulated = chirp_strain_is_simulated(path, &binary);
    cJSON_AddStringToObject(event, "source", simulated ? "injected signal" : "real strain");
    if (simulated)
        add_truth(f, &binary, event);
    cJSON_AddNumberToObject(event, "gps", f->gps);
    cJSON_AddStringToObject(event, "checkpoint", f->checkpoint);
    cJSON_AddStringToObject(event, "network", f->config.network);
    cJSON_AddStringToObject(event, "variational", chirp_variant_name[f->config.variant]);
    cJSON_AddNumberToObject(event, "iterations", (double)f->iteration);
    cJSON_AddNumberToObject(event, "credible_percent", f->credible);
    cJSON *parameters = cJSON_AddObjectToObject(event, "parameters");
    for (int leaf = 0; leaf < f->spec->n_leaves; ++leaf) {
        cJSON *parameter = summary_json(f, leaf, &summary[leaf]);
        cJSON_AddItemToObject(
            parameter, "samples",
            cJSON_CreateDoubleArray(f->drawn + leaf * f->samples, (int)f->samples));
        cJSON_AddItemToObject(parameters, chirp_label_name[f->spec->label[leaf]], parameter);
    }
    cJSON *window = cJSON_AddObjectToObject(event, "window");
    cJSON_AddNumberToObject(window, "sample_rate_hz", f->config.signal.sample_rate_hz);
    cJSON_AddNumberToObject(window, "start_s", f->gps - f->merger_at_s);
    cJSON_AddItemToObject(window, "whitened",
                          cJSON_CreateFloatArray(f->window, (int)f->config.signal.length));
    cJSON *psd = cJSON_AddObjectToObject(event, "psd");
    cJSON_AddItemToObject(psd, "frequency_hz",
                          cJSON_CreateDoubleArray(info->psd_f_hz, (int)info->n_psd));
    cJSON_AddItemToObject(psd, "psd", cJSON_CreateDoubleArray(info->psd, (int)info->n_psd));
}

/* Slides the window over the event and shows how the estimate settles. */
static chirp_status sweep(inference *f, const char *path, cJSON *event)
{
    const chirp_signal_config *signal = &f->config.signal;
    chirp_whiten_options options = chirp_whiten_options_default();
    chirp_whitened *whitened = NULL;
    chirp_posterior_summary summary[CHIRP_MAX_LEAVES];
    options.sample_rate_hz = signal->sample_rate_hz;
    options.band.low_hz = signal->f_low_hz;
    chirp_status st = chirp_strain_whiten(path, f->gps, &options, &whitened);
    if (st == CHIRP_OK)
        st = chirp_whitened_sweep(whitened, f->gps, f->merger_at_s, f->sweep_step_s, f->sweep,
                                  signal->length, f->windows, f->offset_s);
    chirp_whitened_destroy(whitened);
    if (st != CHIRP_OK)
        return st;
    cJSON *rows = cJSON_AddArrayToObject(event, "sweep");
    printf("%-12s", "merger at s");
    for (int leaf = 0; leaf < f->spec->n_leaves; ++leaf)
        printf(" %8s [%5g %% interval]  ", chirp_label_name[f->spec->label[leaf]], f->credible);
    printf("\n");
    for (int64_t i = 0; i < f->sweep; ++i) {
        st = predict(f, f->windows + i * signal->length, summary);
        if (st != CHIRP_OK)
            return st;
        cJSON *row = cJSON_CreateObject();
        cJSON_AddItemToArray(rows, row);
        cJSON_AddNumberToObject(row, "merger_at_s", f->offset_s[i]);
        cJSON *parameters = cJSON_AddObjectToObject(row, "parameters");
        printf("%-12.4f", f->offset_s[i]);
        for (int leaf = 0; leaf < f->spec->n_leaves; ++leaf) {
            const chirp_posterior_summary *s = &summary[leaf];
            cJSON_AddItemToObject(parameters, chirp_label_name[f->spec->label[leaf]],
                                  summary_json(f, leaf, s));
            double interval[2];
            st = credible(f, leaf, interval);
            if (st != CHIRP_OK)
                return st;
            printf(" %8.4f [%8.4f,%8.4f]", s->median, interval[0], interval[1]);
        }
        printf("\n");
    }
    printf("the network was trained with mergers %.3f to %.3f s into the window\n\n",
           signal->merger_min_s, signal->merger_max_s);
    return CHIRP_OK;
}

/* Training noise is white: what the whitened data have above that is no part of what the network knows. */
static void judge_noise(const char *path, const chirp_strain_info *info, cJSON *event)
{
    cJSON *noise = cJSON_AddObjectToObject(event, "whitened_noise");
    cJSON_AddNumberToObject(noise, "scale", info->noise_scale);
    cJSON_AddNumberToObject(noise, "worst_bin_power", info->worst_bin_power);
    cJSON_AddNumberToObject(noise, "worst_bin_hz", info->worst_bin_hz);
    printf("%s: whitened noise is %.3f times the expected amplitude, its largest bin of 0.25 Hz "
           "has %.1f times "
           "the power of white noise (%.2f Hz)\n",
           path, info->noise_scale, info->worst_bin_power, info->worst_bin_hz);
    if (info->worst_bin_power > CHIRP_WORST_BIN_MOST)
        (void)fprintf(
            stderr,
            "chirpbench: warning: %s: the whitened data hold %.1f times the power of white noise "
            "at %.2f Hz (a line, a glitch or a very loud signal), which the network has not seen "
            "in training\n",
            path, info->worst_bin_power, info->worst_bin_hz);
}

static chirp_status infer_file(inference *f, const char *path)
{
    const chirp_signal_config *signal = &f->config.signal;
    chirp_strain_info info = {0};
    chirp_posterior_summary summary[CHIRP_MAX_LEAVES];
    chirp_status st =
        chirp_strain_window(path, f->gps, f->merger_at_s, signal->length, signal->sample_rate_hz,
                            signal->f_low_hz, f->window, &info);
    if (st != CHIRP_OK)
        return st;
    cJSON *event = cJSON_CreateObject();
    cJSON_AddItemToArray(f->events, event);
    if (info.doubtful)
        (void)fprintf(stderr,
                      "chirpbench: warning: %s: some second of the stretch lacks CBC_CAT2 or "
                      "CBC_CAT3 quality\n",
                      path);
    judge_noise(path, &info, event);
    st = predict(f, f->window, summary);
    if (st == CHIRP_OK)
        add_event(f, path, &info, summary, event);
    if (st == CHIRP_OK)
        st = print_posterior(f, path, &info, summary);
    if (st == CHIRP_OK)
        st = judge_window(f, &info, event);
    chirp_strain_info_destroy(&info);
    if (st != CHIRP_OK)
        return st;
    return f->sweep ? sweep(f, path, event) : CHIRP_OK;
}

static chirp_status infer_all(inference *f)
{
    const char *rest = f->strain;
    for (int n = 0;; ++n) {
        char *path = NULL;
        chirp_status st = chirp_strain_next(&rest, &path);
        if (st == CHIRP_OK && path && n == MAX_FILES)
            st = chirp_fail(CHIRP_ERR_ARG, "--strain: at most %d files", MAX_FILES);
        const bool more = st == CHIRP_OK && path;
        if (more)
            st = infer_file(f, path);
        chirp_free(path);
        if (!more || st != CHIRP_OK)
            return st;
    }
}

static chirp_status write_json(const inference *f, const cJSON *root)
{
    char *text = chirp_json_print_line(root);
    if (!text)
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for %s", f->json);
    const chirp_status st = chirp_file_write(f->json, text, strlen(text));
    cJSON_free(text);
    return st;
}

static int run(int argc, char **argv)
{
    inference f = {.samples = 1000, .sweep_step_s = 0.01, .credible = 90};
    const chirp_option table[] = {
        {"checkpoint", CHIRP_OPTION_STRING, &f.checkpoint, .metavar = "FILE", .required = true,
         .help = "file that chirpbench train wrote"},
        {"strain", CHIRP_OPTION_STRING, &f.strain, .metavar = "FILE[,FILE]", .required = true,
         .help = "HDF5 strain of GWOSC, gwpy or pycbc, one per detector; FILE:SERIES where a file "
                 "holds several"},
        {"gps", CHIRP_OPTION_REAL, &f.gps, .metavar = "T", .required = true,
         .help = "GPS time of the merger [s]"},
        {"merger-at", CHIRP_OPTION_REAL, &f.merger_at_s, .metavar = "S", .min = 0, .max = 0.99,
         .help = "position of the merger in the window [s]; 0: the middle of the trained range"},
        {"samples", CHIRP_OPTION_INT, &f.samples, .metavar = "N", .min = 2, .max = 1e6,
         .help = "Monte Carlo weight samples"},
        {"credible", CHIRP_OPTION_REAL, &f.credible, .metavar = "P", .min = 1, .max = 99.99,
         .help = "probability of the printed central interval [%]"},
        {"sweep", CHIRP_OPTION_INT, &f.sweep, .metavar = "N", .min = 0, .max = 1000,
         .help = "also infer from this many windows around the event"},
        {"sweep-step", CHIRP_OPTION_REAL, &f.sweep_step_s, .metavar = "S", .min = 1e-4, .max = 1,
         .help = "distance between these windows [s]"},
        {"seed", CHIRP_OPTION_INT, &f.seed, .metavar = "N", .min = 0, .max = 9e15,
         .help = "seed of the samples"},
        {"json", CHIRP_OPTION_STRING, &f.json, .metavar = "FILE",
         .help = "the posterior with samples, window and PSD"},
        {"threads", CHIRP_OPTION_INT, &f.threads, .metavar = "N", .min = 0, .max = 1024,
         .help = "0: OMP_NUM_THREADS or all cores"},
    };
    const chirp_usage usage = {"infer", NULL,
                               "Reads one second of strain around --gps, whitens it with the "
                               "file's own noise spectrum and prints\n"
                               "median and credible interval of every parameter from Monte Carlo "
                               "weight samples. Several detectors\n"
                               "give one posterior each: the network reads one detector at a time.",
                               table, sizeof table / sizeof table[0]};
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_POSTERIOR);
    f.events = cJSON_AddArrayToObject(root, "events");
    chirp_status st = f.events ? CHIRP_OK : chirp_fail(CHIRP_ERR_NOMEM, "no memory for the result");
    if (st == CHIRP_OK)
        st = chirp_options_parse(&usage, argc, argv, NULL);
    if (st == CHIRP_OK)
        st = chirp_refuse_ranks("infer");
    if (st == CHIRP_OK)
        st = load_network(&f);
    if (st == CHIRP_OK)
        st = make_buffers(&f);
    if (st == CHIRP_OK)
        st = infer_all(&f);
    if (st == CHIRP_OK && f.json)
        st = add_training_signals(&f, cJSON_GetArrayItem(f.events, 0));
    if (st == CHIRP_OK && f.json)
        st = write_json(&f, root);
    cJSON_Delete(root);
    chirp_posterior_destroy(f.posterior);
    chirp_network_destroy(f.net);
    chirp_train_record_release(&f.record);
    chirp_free(f.window);
    chirp_free(f.drawn);
    chirp_free(f.windows);
    chirp_free(f.offset_s);
    return chirp_command_exit(st);
}

const chirp_command chirp_command_infer = {"infer", "parameters with posteriors from real strain",
                                           run};
