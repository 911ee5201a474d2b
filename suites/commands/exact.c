/* chirpbench exact: the exact posterior of a window of strain, of several detectors together, or of rows of a data set. */
#include "harness/base/launch.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/base/text.h"
#include "harness/results/document.h"
#include "model/inference/exact.h"
#include "model/signal/dataset.h"
#include "model/signal/noise.h"
#include "model/signal/parameters.h"
#include "model/signal/strain.h"
#include "suites/command.h"
#include "suites/commands/exact_output.h"
#include "suites/commands/inference.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct request {
    const char *strain, *data, *rows, *json;
    double gps, merger_at_s; /* merger_at_s 0: the middle of the prior's range */
    int64_t seed;
    chirp_exact_options options;
    int64_t threads;
    chirp_signal_config signal; /* the prior */
    cJSON *events;
} request;

/* One detector's window. */
typedef struct detector {
    char *path;
    chirp_strain_info info;
} detector;

static const char *const prior_options[] = {"mass-min",   "mass-max", "ratio-max", "spin-max",
                                            "snr-min",    "snr-max",  "snr-law",   "merger-min",
                                            "merger-max", "psd",      NULL};

static chirp_status add_event(const request *q, const chirp_exact_result *r, const double *truth,
                              cJSON **event)
{
    cJSON *injected;
    *event = exact_json(r);
    if (!cJSON_AddItemToArray(q->events, *event))
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the result");
    if (!truth)
        return CHIRP_OK;
    injected = cJSON_AddObjectToObject(*event, "injected");
    for (int k = 0; k < CHIRP_EXACT_QUANTITIES; ++k)
        cJSON_AddNumberToObject(injected, chirp_exact_name[k], truth[k]);
    return CHIRP_OK;
}

/* The posterior of n detectors together, printed and added. */
static chirp_status answer_detectors(request *q, const detector *d, int n, const float *window)
{
    chirp_match_curve curve[CHIRP_EXACT_DETECTORS];
    chirp_exact_result result = {0};
    char names[CHIRP_EXACT_DETECTORS * 17] = "";
    double truth[CHIRP_EXACT_QUANTITIES];
    chirp_binary binary;
    bool simulated = false;
    chirp_status st = chirp_strain_is_simulated(d->path, &simulated, &binary);
    for (int i = 0; i < n; ++i) {
        curve[i] = (chirp_match_curve){d[i].info.psd_f_hz, d[i].info.psd, d[i].info.n_psd};
        chirp_join(names, sizeof names, "+", d[i].info.detector);
    }
    if (st == CHIRP_OK)
        st = chirp_exact_event(&q->signal, curve, n, window, (uint64_t)q->seed, &q->options,
                               &result);
    const bool known =
        simulated && binary.m1_msun > 0 && chirp_exact_quantities(&binary, truth) == CHIRP_OK;
    if (st == CHIRP_OK) {
        printf("%s%s  %s at GPS %.4f\n", d->path, n > 1 ? " and others" : "", names, q->gps);
        exact_print(&result, known ? truth : NULL);
    }
    cJSON *event = NULL;
    if (st == CHIRP_OK)
        st = add_event(q, &result, known ? truth : NULL, &event);
    if (st == CHIRP_OK) {
        cJSON_AddStringToObject(event, "strain", n > 1 ? q->strain : d->path);
        cJSON_AddStringToObject(event, "detector", names);
        cJSON_AddStringToObject(event, "source", simulated ? "injected signal" : "real strain");
        cJSON_AddNumberToObject(event, "gps", q->gps);
    }
    chirp_exact_result_destroy(&result);
    return st;
}

/* Reads every file of --strain. */
static chirp_status read_detectors(request *q, detector *d, int *n, float *window)
{
    const char *rest = q->strain;
    const chirp_whiten_options whiten = chirp_whiten_options_default();
    for (*n = 0;; ++*n) {
        char *path = NULL;
        chirp_status st = chirp_strain_next(&rest, &path);
        if (st == CHIRP_OK && path && *n == CHIRP_EXACT_DETECTORS) {
            chirp_free(path);
            return chirp_fail(CHIRP_ERR_ARG, "exact: --strain: at most %d files",
                              (int)CHIRP_EXACT_DETECTORS);
        }
        if (st != CHIRP_OK || !path)
            return st;
        d[*n].path = path;
        st = chirp_strain_window(path, q->gps, q->merger_at_s, q->signal.length,
                                 q->signal.sample_rate_hz, q->signal.f_low_hz,
                                 window + *n * q->signal.length, &d[*n].info);
        if (st == CHIRP_OK && d[*n].info.band.high_hz != whiten.band.high_hz)
            st = chirp_fail(CHIRP_ERR_UNSUPPORTED,
                            "%s: its band ends at %g Hz, that of the signals at %g Hz", path,
                            d[*n].info.band.high_hz, whiten.band.high_hz);
        if (st != CHIRP_OK) {
            ++*n;
            return st;
        }
    }
}

/* Whether two files are of one detector: their noise is the same, so their likelihoods can't be multiplied. */
static const char *twice(const detector *d, int n)
{
    for (int i = 0; i < n; ++i)
        for (int k = 0; k < i; ++k)
            if (strcmp(d[i].info.detector, d[k].info.detector) == 0)
                return d[i].info.detector;
    return NULL;
}

static chirp_status answer_strain(request *q)
{
    detector d[CHIRP_EXACT_DETECTORS] = {0};
    int n = 0;
    float *window =
        chirp_calloc((size_t)(CHIRP_EXACT_DETECTORS * q->signal.length), sizeof *window);
    if (q->merger_at_s == 0)
        q->merger_at_s = 0.5 * (q->signal.merger_min_s + q->signal.merger_max_s);
    chirp_status st = window ? read_detectors(q, d, &n, window) : CHIRP_ERR_NOMEM;
    for (int i = 0; st == CHIRP_OK && i < n; ++i)
        st = answer_detectors(q, &d[i], 1, window + i * q->signal.length);
    if (st == CHIRP_OK && twice(d, n))
        printf("%s twice: not independent, so not combined\n", twice(d, n));
    else if (st == CHIRP_OK && n > 1)
        st = answer_detectors(q, d, n, window);
    for (int i = 0; i < n; ++i) {
        chirp_free(d[i].path);
        chirp_strain_info_destroy(&d[i].info);
    }
    chirp_free(window);
    return st;
}

/* The rows say their own prior; only the noise curve isn't in the file. */
static chirp_status take_prior(request *q, const chirp_dataset_info *info)
{
    const char *psd = q->signal.psd_path;
    q->signal = info->signal;
    q->signal.psd_path = psd;
    if (info->signal.n_detectors != 1)
        return chirp_fail(CHIRP_ERR_UNSUPPORTED,
                          "%s: has %d detectors: exact reads data sets of one detector", q->data,
                          info->signal.n_detectors);
    if (!psd && !strstr(info->noise, "aLIGO design"))
        return chirp_fail(CHIRP_ERR_ARG,
                          "%s: its signals are whitened with '%s': name that with --psd", q->data,
                          info->noise);
    return CHIRP_OK;
}

/* A batch of rows at a time: their windows and answers are in memory. */
static chirp_status answer_batch(request *q, chirp_dataset *data, int64_t first, int64_t n,
                                 float *window)
{
    enum { MOST = 64 };
    float label[MOST * CHIRP_LABELS], snr[MOST], parameters[MOST * CHIRP_PARAMETERS];
    chirp_exact_result result[MOST];
    chirp_status st = chirp_dataset_rows(data, first, n, window, label, snr, parameters);
    if (st == CHIRP_OK)
        st = chirp_exact_table(&q->signal, NULL, window, (uint64_t)first, n, (uint64_t)q->seed,
                               &q->options, result);
    if (st != CHIRP_OK)
        return st;
    for (int64_t i = 0; i < n; ++i) {
        const float *p = parameters + i * CHIRP_PARAMETERS;
        const chirp_binary binary = {(double)p[CHIRP_PARAMETER_M1], (double)p[CHIRP_PARAMETER_M2],
                                     (double)p[CHIRP_PARAMETER_CHI1],
                                     (double)p[CHIRP_PARAMETER_CHI2]};
        double truth[CHIRP_EXACT_QUANTITIES];
        cJSON *event = NULL;
        if (st == CHIRP_OK)
            st = chirp_exact_quantities(&binary, truth);
        if (st == CHIRP_OK) {
            printf("row %" PRId64 ", SNR %.2f\n", first + i, (double)snr[i]);
            exact_print(&result[i], truth);
            st = add_event(q, &result[i], truth, &event);
        }
        if (st == CHIRP_OK) {
            cJSON_AddStringToObject(event, "data", q->data);
            cJSON_AddNumberToObject(event, "row", (double)(first + i));
            cJSON_AddStringToObject(event, "source", "injected signal");
        }
        chirp_exact_result_destroy(&result[i]);
    }
    return st;
}

static chirp_status answer_data(request *q)
{
    enum { BATCH = 16 };
    chirp_dataset *data = NULL;
    float *window = NULL;
    int64_t first = 0, n = 0;
    chirp_status st = chirp_dataset_open(q->data, &data);
    if (st == CHIRP_OK)
        st = take_prior(q, chirp_dataset_describe(data));
    if (st == CHIRP_OK)
        st = inference_read_rows("exact", q->rows, chirp_dataset_describe(data)->rows, &first, &n);
    if (st == CHIRP_OK) {
        window = chirp_calloc((size_t)(BATCH * q->signal.length), sizeof *window);
        st = window ? CHIRP_OK : CHIRP_ERR_NOMEM;
    }
    for (int64_t i = 0; st == CHIRP_OK && i < n; i += BATCH)
        st = answer_batch(q, data, first + i, n - i < BATCH ? n - i : BATCH, window);
    chirp_free(window);
    chirp_dataset_close(data);
    return st;
}

static chirp_status check_input(const request *q, const bool *given)
{
    if (q->data ? q->strain || !isnan(q->gps) : !q->strain || isnan(q->gps))
        return chirp_fail(CHIRP_ERR_ARG, "exact: give --strain FILE and --gps T, or --data FILE "
                                         "without --strain and --gps");
    if (q->rows && !q->data)
        return chirp_fail(CHIRP_ERR_ARG, "exact: --rows needs --data");
    if (q->strain && q->signal.psd_path)
        return chirp_fail(CHIRP_ERR_ARG,
                          "exact: --psd is for --data: strain is whitened with its own noise");
    for (int i = 0; q->data && i < CHIRP_SIGNAL_OPTIONS; ++i)
        if (given[i] && strcmp(chirp_signal_option[i].name, "psd") != 0)
            return chirp_fail(CHIRP_ERR_ARG,
                              "exact: --%s: a data set says its own prior: leave the option out",
                              chirp_signal_option[i].name);
    return CHIRP_OK;
}

static int run(int argc, char **argv)
{
    request q = {.gps = (double)NAN,
                 .options = chirp_exact_options_default(),
                 .signal = chirp_signal_config_default()};
    bool given[CHIRP_SIGNAL_OPTIONS] = {false};
    const chirp_option table[] = {
        {"strain", CHIRP_OPTION_STRING, &q.strain, .metavar = "FILE[,FILE]",
         .file = CHIRP_FILE_READ,
         .help = "HDF5 strain of GWOSC, gwpy or pycbc, one per detector; several give an answer "
                 "each and one of all together"},
        {"gps", CHIRP_OPTION_REAL, &q.gps, .metavar = "T", .help = "GPS time of the merger [s]"},
        {"data", CHIRP_OPTION_STRING, &q.data, .metavar = "FILE", .file = CHIRP_FILE_READ,
         .help = "data set of chirpbench generate in place of --strain: an answer for each row"},
        {"rows", CHIRP_OPTION_STRING, &q.rows, .metavar = "A:B",
         .help = "rows A to B - 1 of --data, counted from 0; without this option all"},
        {"merger-at", CHIRP_OPTION_REAL, &q.merger_at_s, .metavar = "S", .min = 0, .max = 0.99,
         .help = "position of --gps in the window [s]; 0: the middle of the prior's range"},
        {"samples", CHIRP_OPTION_INT, &q.options.samples, .metavar = "N", .min = 2, .max = 1e5,
         .help = "draws of the posterior that are kept"},
        {"effective", CHIRP_OPTION_REAL, &q.options.effective_least, .metavar = "N", .min = 0,
         .max = 1e5, .help = "effective draws of every parameter at which a run ends"},
        {"seed", CHIRP_OPTION_INT, &q.seed, .metavar = "N", .min = 0, .max = 9e15,
         .help = "seed of the chains"},
        {"json", CHIRP_OPTION_STRING, &q.json, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "the posterior with its samples"},
        {"threads", CHIRP_OPTION_INT, &q.threads, .metavar = "N", .min = 0, .max = 1024,
         .help = "0: OMP_NUM_THREADS or all cores"},
    };
    const chirp_usage usage = {
        "exact", NULL,
        "Samples the exact posterior of an event: what a perfect network would answer to the same "
        "windows under the\n"
        "prior of the training signals. Waveform and whitening are those of training, the noise is "
        "taken as Gaussian.\n"
        "Detectors share masses and spins; each has its own phase, amplitude and time.",
        table, sizeof table / sizeof table[0]};
    const chirp_option_table prior = {.options = chirp_signal_option,
                                      .n_options = CHIRP_SIGNAL_OPTIONS,
                                      .base = &q.signal,
                                      .only = prior_options,
                                      .given = given};
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_EXACT);
    q.events = cJSON_AddArrayToObject(root, "events");
    chirp_status st = q.events ? CHIRP_OK : chirp_fail(CHIRP_ERR_NOMEM, "no memory for the result");
    if (st == CHIRP_OK)
        st = chirp_options_parse_tables(&usage, &prior, 1, argc, argv);
    if (st == CHIRP_OK)
        st = chirp_refuse_ranks("exact");
    if (st == CHIRP_OK)
        st = check_input(&q, given);
    q.options.n_threads = (int)q.threads;
    if (st == CHIRP_OK)
        st = q.data ? answer_data(&q) : answer_strain(&q);
    if (st == CHIRP_OK && q.json)
        st = chirp_document_write(root, q.json);
    else
        cJSON_Delete(root);
    return chirp_command_exit(st);
}

const chirp_command chirp_command_exact = {"exact",
                                           "the exact posterior of an event by Markov chains", run};
