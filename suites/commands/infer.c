/* chirpbench infer: parameters with posteriors for one second of strain, from each detector, or for windows that slide. */
#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/launch.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/json/json.h"
#include "harness/results/document.h"
#include "model/signal/generator.h"
#include "model/signal/strain.h"
#include "model/training/checkpoint.h"
#include "suites/command.h"
#include "suites/commands/curve_check.h"
#include "suites/commands/inference.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FILES = INFERENCE_DETECTORS, SHOWN_SIGNALS = 6 };

static chirp_status load_network(inference *f)
{
    chirp_status st = chirp_trained_load(f->checkpoint, 1, (int)f->threads, &f->trained);
    f->config = f->trained.record.config;
    f->config.signal.psd_path =
        NULL; /* its file may be elsewhere; the checkpoint has its numbers */
    f->spec = f->trained.spec;
    if (st == CHIRP_OK)
        st = chirp_posterior_create(f->trained.net, &f->trained.likelihood, f->samples,
                                    &f->posterior);
    if (st == CHIRP_OK)
        chirp_posterior_recalibrate(f->posterior, f->trained.recalibration);
    if (st == CHIRP_OK && f->trained.recalibration_note)
        printf("%s: %s\n\n", f->checkpoint, f->trained.recalibration_note);
    return st;
}

/* Real strain is whitened in one way only. */
static chirp_status check_band(const inference *f)
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
    return CHIRP_OK;
}

static chirp_status make_buffers(inference *f)
{
    const chirp_signal_config *signal = &f->config.signal;
    const chirp_status st = f->strain ? check_band(f) : CHIRP_OK;
    if (st != CHIRP_OK)
        return st;
    if (f->merger_at_s == 0)
        f->merger_at_s = 0.5 * (signal->merger_min_s + signal->merger_max_s);
    f->window = chirp_calloc((size_t)signal->length, sizeof *f->window);
    f->drawn = chirp_calloc((size_t)f->spec->n_leaves * (size_t)f->samples, sizeof *f->drawn);
    if (!f->window || !f->drawn)
        return CHIRP_ERR_NOMEM;
    return CHIRP_OK;
}

chirp_status inference_predict(inference *f, const float *window, uint64_t seed,
                               chirp_posterior_summary *summary)
{
    const chirp_status st = chirp_posterior_predict(f->posterior, window, seed, f->drawn, summary);
    return st == CHIRP_OK ? st : chirp_fail(st, "%s: %s", f->checkpoint, chirp_error_message());
}

chirp_status inference_credible(const inference *f, int leaf, double interval[2])
{
    return chirp_credible_interval(f->drawn + leaf * f->samples, f->samples, f->credible / 100,
                                   interval);
}

void inference_print_heading(const inference *f, const char *more)
{
    char title[32];
    (void)snprintf(title, sizeof title, "%g %% interval", f->credible);
    printf("%-8s %10s %10s %23s %11s %11s%s\n", "", "median", "std", title, "epistemic",
           "aleatoric", more);
}

chirp_status inference_print_leaf(const inference *f, int leaf, const chirp_posterior_summary *s)
{
    double interval[2];
    const chirp_status st = inference_credible(f, leaf, interval);
    if (st == CHIRP_OK)
        printf("%-8s %10.4f %10.4f   [%9.4f,%9.4f] %11.4f %11.4f",
               chirp_label_name[f->spec->label[leaf]], s->median, s->std, interval[0], interval[1],
               s->epistemic_std, s->aleatoric_std);
    return st;
}

static chirp_status print_posterior(const inference *f, const char *path,
                                    const chirp_strain_info *info,
                                    const chirp_posterior_summary *summary)
{
    printf("%s  %s at GPS %.4f, merger expected %.3f s into the window\n", path, info->detector,
           f->gps, f->merger_at_s);
    printf("network %s, variational %s, %" PRId64 " iterations, %" PRId64 " weight samples\n\n",
           f->config.network, chirp_variant_name[f->config.variant], f->trained.iteration,
           f->samples);
    inference_print_heading(f, "");
    for (int leaf = 0; leaf < f->spec->n_leaves; ++leaf) {
        const chirp_status st = inference_print_leaf(f, leaf, &summary[leaf]);
        if (st != CHIRP_OK)
            return st;
        printf("\n");
    }
    printf("\n");
    return CHIRP_OK;
}

cJSON *inference_summary(const inference *f, int leaf, const chirp_posterior_summary *s)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddNumberToObject(object, "mean", s->mean);
    cJSON_AddNumberToObject(object, "median", s->median);
    cJSON_AddNumberToObject(object, "std", s->std);
    cJSON_AddItemToObject(object, "interval_50", cJSON_CreateDoubleArray(s->interval_50, 2));
    cJSON_AddItemToObject(object, "interval_90", cJSON_CreateDoubleArray(s->interval_90, 2));
    double interval[2];
    if (inference_credible(f, leaf, interval) == CHIRP_OK)
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

/* A few signals like those the network was trained on, with its noise curve (without one in the checkpoint: the design curve), for
   the report to show beside the real ones. */
static chirp_status add_training_signals(const inference *f, cJSON *event)
{
    const chirp_signal_config signal = chirp_trained_signals(&f->trained);
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

void inference_add_network(const inference *f, cJSON *event)
{
    cJSON_AddStringToObject(event, "checkpoint", f->checkpoint);
    cJSON_AddStringToObject(event, "network", f->config.network);
    cJSON_AddStringToObject(event, "variational", chirp_variant_name[f->config.variant]);
    cJSON_AddNumberToObject(event, "iterations", (double)f->trained.iteration);
    if (f->trained.recalibration_note)
        cJSON_AddStringToObject(event, "recalibration", f->trained.recalibration_note);
    cJSON_AddNumberToObject(event, "credible_percent", f->credible);
}

static chirp_status add_event(const inference *f, const char *path, const chirp_strain_info *info,
                              const chirp_posterior_summary *summary, cJSON *event)
{
    cJSON_AddStringToObject(event, "strain", path);
    cJSON_AddStringToObject(event, "detector", info->detector);
    chirp_binary binary;
    bool simulated = false;
    const chirp_status st = chirp_strain_is_simulated(path, &simulated, &binary);
    if (st != CHIRP_OK)
        return st;
    cJSON_AddStringToObject(event, "source", simulated ? "injected signal" : "real strain");
    if (simulated)
        add_truth(f, &binary, event);
    cJSON_AddNumberToObject(event, "gps", f->gps);
    inference_add_network(f, event);
    cJSON *parameters = cJSON_AddObjectToObject(event, "parameters");
    for (int leaf = 0; leaf < f->spec->n_leaves; ++leaf) {
        cJSON *parameter = inference_summary(f, leaf, &summary[leaf]);
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
    return CHIRP_OK;
}

/* One line of the sweep: the answer with the merger expected at_s into the window. */
static chirp_status sweep_row(const inference *f, double at_s,
                              const chirp_posterior_summary *summary, cJSON *rows)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddItemToArray(rows, row);
    cJSON_AddNumberToObject(row, "merger_at_s", at_s);
    cJSON *parameters = cJSON_AddObjectToObject(row, "parameters");
    printf("%-12.4f", at_s);
    for (int leaf = 0; leaf < f->spec->n_leaves; ++leaf) {
        const chirp_posterior_summary *s = &summary[leaf];
        double interval[2];
        cJSON_AddItemToObject(parameters, chirp_label_name[f->spec->label[leaf]],
                              inference_summary(f, leaf, s));
        const chirp_status st = inference_credible(f, leaf, interval);
        if (st != CHIRP_OK)
            return st;
        printf(" %8.4f [%8.4f,%8.4f]", s->median, interval[0], interval[1]);
    }
    printf("\n");
    return CHIRP_OK;
}

/* @param seconds  receives what windows and posteriors took, without printing */
static chirp_status sweep_rows(inference *f, const chirp_whitened *whitened, cJSON *rows,
                               double *seconds)
{
    chirp_posterior_summary summary[CHIRP_MAX_LEAVES];
    chirp_status st = CHIRP_OK;
    for (int64_t i = 0; i < f->sweep && st == CHIRP_OK; ++i) {
        const double at_s = chirp_sweep_offset(f->merger_at_s, f->sweep_step_s, f->sweep, i);
        const double start = chirp_now_s();
        st = chirp_whitened_window(whitened, f->gps - at_s, f->config.signal.length, f->window);
        if (st == CHIRP_OK)
            st = inference_predict(f, f->window, (uint64_t)f->seed, summary);
        *seconds += chirp_now_s() - start;
        if (st == CHIRP_OK)
            st = sweep_row(f, at_s, summary, rows);
    }
    return st;
}

/* Slides the window over the event, or over minutes around it as a search does, and shows how the estimate settles. */
static chirp_status sweep(inference *f, const char *path, cJSON *event)
{
    const chirp_signal_config *signal = &f->config.signal;
    chirp_whiten_options options = chirp_whiten_options_default();
    chirp_whitened *whitened = NULL;
    double seconds = 0;
    options.sample_rate_hz = signal->sample_rate_hz;
    options.band.low_hz = signal->f_low_hz;
    const double span_s = f->sweep_step_s * (double)(f->sweep - 1) + 2 * fabs(f->merger_at_s) + 2;
    options.stretch_s = fmax(options.stretch_s, span_s + options.response_s);
    const double start = chirp_now_s();
    chirp_status st = chirp_strain_whiten(path, f->gps, &options, &whitened);
    const double whitening_s = chirp_now_s() - start;
    if (st != CHIRP_OK)
        return st;
    cJSON *rows = cJSON_AddArrayToObject(event, "sweep");
    printf("%-12s", "merger at s");
    for (int leaf = 0; leaf < f->spec->n_leaves; ++leaf)
        printf(" %8s [%5g %% interval]  ", chirp_label_name[f->spec->label[leaf]], f->credible);
    printf("\n");
    st = sweep_rows(f, whitened, rows, &seconds);
    chirp_whitened_destroy(whitened);
    if (st != CHIRP_OK)
        return st;
    cJSON_AddNumberToObject(event, "sweep_windows_per_second", (double)f->sweep / seconds);
    cJSON_AddNumberToObject(event, "sweep_whitening_s", whitening_s);
    printf("%" PRId64 " windows over %.1f s of strain: %.1f windows a second, after %.2f s of "
           "reading and whitening\n",
           f->sweep, f->sweep_step_s * (double)(f->sweep - 1), (double)f->sweep / seconds,
           whitening_s);
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
    st = chirp_curve_check(f->checkpoint, &f->trained.curves, path, &info, event);
    if (st == CHIRP_OK)
        st = inference_predict(f, f->window, (uint64_t)f->seed, summary);
    if (st == CHIRP_OK)
        st = add_event(f, path, &info, summary, event);
    if (st == CHIRP_OK)
        st = print_posterior(f, path, &info, summary);
    if (st == CHIRP_OK)
        st = inference_judge(f, &info, event);
    if (st == CHIRP_OK)
        st = inference_keep(f, &info, event);
    chirp_strain_info_destroy(&info);
    if (st != CHIRP_OK)
        return st;
    return f->sweep ? sweep(f, path, event) : CHIRP_OK;
}

static chirp_status infer_all(inference *f)
{
    if (f->data)
        return inference_of_data(f);
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
            return st == CHIRP_OK ? inference_together(f) : st;
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

static chirp_status check_input(const inference *f)
{
    if (f->data ? f->strain || !isnan(f->gps) || f->sweep : !f->strain || isnan(f->gps))
        return chirp_fail(CHIRP_ERR_ARG, "infer: give --strain FILE and --gps T, or --data FILE "
                                         "without --strain, --gps and --sweep");
    return f->rows && !f->data ? chirp_fail(CHIRP_ERR_ARG, "infer: --rows needs --data") : CHIRP_OK;
}

static int run(int argc, char **argv)
{
    inference f = {.gps = NAN, .samples = 1000, .sweep_step_s = 0.01, .credible = 90};
    const chirp_option table[] = {
        {"checkpoint", CHIRP_OPTION_STRING, &f.checkpoint, .metavar = "FILE",
         .file = CHIRP_FILE_READ, .help = "file that chirpbench train or export wrote"},
        {"network", CHIRP_OPTION_STRING, &f.network, .metavar = "NAME",
         .help =
             "spin or mass, in place of --checkpoint: the network that comes with the program, or "
             "NAME.h5 in $CHIRPBENCH_NETWORKS; where there is no NAME.h5, NAME-2048.h5"},
        {"strain", CHIRP_OPTION_STRING, &f.strain, .metavar = "FILE[,FILE]",
         .file = CHIRP_FILE_READ,
         .help = "HDF5 strain of GWOSC, gwpy or pycbc, one per detector; FILE:SERIES where a file "
                 "holds several"},
        {"gps", CHIRP_OPTION_REAL, &f.gps, .metavar = "T", .help = "GPS time of the merger [s]"},
        {"data", CHIRP_OPTION_STRING, &f.data, .metavar = "FILE", .file = CHIRP_FILE_READ,
         .help = "data set of chirpbench generate in place of --strain: a posterior for each row, "
                 "beside the truth"},
        {"rows", CHIRP_OPTION_STRING, &f.rows, .metavar = "A:B",
         .help = "rows A to B - 1 of --data, counted from 0; without this option all"},
        {"merger-at", CHIRP_OPTION_REAL, &f.merger_at_s, .metavar = "S", .min = 0, .max = 0.99,
         .help = "position of the merger in the window [s]; 0: the middle of the trained range"},
        {"samples", CHIRP_OPTION_INT, &f.samples, .metavar = "N", .min = 2, .max = 1e6,
         .help = "Monte Carlo weight samples"},
        {"credible", CHIRP_OPTION_REAL, &f.credible, .metavar = "P", .min = 1, .max = 99.99,
         .help = "probability of the printed central interval [%]"},
        {"sweep", CHIRP_OPTION_INT, &f.sweep, .metavar = "N", .min = 0, .max = 1e5,
         .help = "also infer from this many windows around the event, and windows a second"},
        {"sweep-step", CHIRP_OPTION_REAL, &f.sweep_step_s, .metavar = "S", .min = 1e-4, .max = 1,
         .help = "distance between these windows [s]"},
        {"exact", CHIRP_OPTION_FLAG, &f.exact,
         .help =
             "also the exact posterior under the prior of the training signals, seconds an event"},
        {"seed", CHIRP_OPTION_INT, &f.seed, .metavar = "N", .min = 0, .max = 9e15,
         .help = "seed of the samples"},
        {"json", CHIRP_OPTION_STRING, &f.json, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "the posterior with samples, window and PSD"},
        {"threads", CHIRP_OPTION_INT, &f.threads, .metavar = "N", .min = 0, .max = 1024,
         .help = "0: OMP_NUM_THREADS or all cores"},
    };
    const chirp_usage usage = {
        "infer", NULL,
        "Reads one second of strain around --gps, whitens it with the "
        "file's own noise spectrum and prints\n"
        "median and credible interval of every parameter from Monte Carlo "
        "weight samples. Several detectors\n"
        "give one posterior each, for the network reads one detector at a time, and one of all "
        "together. "
        "With --data the rows of a data set,\n"
        "which are whitened already, take the place of strain.",
        table, sizeof table / sizeof table[0]};
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_POSTERIOR);
    f.events = cJSON_AddArrayToObject(root, "events");
    chirp_status st = f.events ? CHIRP_OK : chirp_fail(CHIRP_ERR_NOMEM, "no memory for the result");
    if (st == CHIRP_OK)
        st = chirp_options_parse(&usage, argc, argv, NULL);
    if (st == CHIRP_OK)
        st = chirp_choose_network("infer", "checkpoint", f.network, &f.checkpoint, f.found);
    if (st == CHIRP_OK)
        st = check_input(&f);
    if (st == CHIRP_OK)
        st = chirp_refuse_ranks("infer");
    if (st == CHIRP_OK)
        st = load_network(&f);
    if (st == CHIRP_OK)
        st = make_buffers(&f);
    if (st == CHIRP_OK)
        st = infer_all(&f);
    if (st == CHIRP_OK && f.json && f.strain)
        st = add_training_signals(&f, cJSON_GetArrayItem(f.events, 0));
    if (st == CHIRP_OK && f.json)
        st = write_json(&f, root);
    cJSON_Delete(root);
    chirp_posterior_destroy(f.posterior);
    inference_forget(&f);
    chirp_trained_release(&f.trained);
    chirp_free(f.window);
    chirp_free(f.drawn);
    return chirp_command_exit(st);
}

const chirp_command chirp_command_infer = {"infer", "parameters with posteriors from real strain",
                                           run};
