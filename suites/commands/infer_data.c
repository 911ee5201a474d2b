/* infer --data: a posterior for every row of a data set, beside the truth. */
#include "harness/base/memory.h"
#include "model/signal/dataset.h"
#include "suites/commands/inference.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct row {
    int64_t number;
    float label[CHIRP_LABELS];
    float snr;
} row;

chirp_status inference_read_rows(const char *command, const char *text, int64_t rows,
                                 int64_t *first, int64_t *n)
{
    long long from = 0;
    long long to = (long long)rows;
    int used = 0;
    if (text && (sscanf(text, "%lld:%lld%n", &from, &to, &used) != 2 || text[used] || from < 0 ||
                 to <= from || to > rows))
        return chirp_fail(CHIRP_ERR_ARG,
                          "%s: --rows '%.60s': give A:B with 0 <= A < B <= %" PRId64
                          ", the rows of the data set",
                          command, text, rows);
    *first = (int64_t)from;
    *n = (int64_t)(to - from);
    return CHIRP_OK;
}

/* What the network reads must be as in training; priors may differ. */
static bool must_agree(const chirp_option *option)
{
    static const size_t fields[] = {
        offsetof(chirp_signal_config, length),      offsetof(chirp_signal_config, sample_rate_hz),
        offsetof(chirp_signal_config, n_detectors), offsetof(chirp_signal_config, f_low_hz),
        offsetof(chirp_signal_config, f_high_hz),
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; ++i)
        if (option->offset == fields[i])
            return true;
    return false;
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Both name the curve by its file. What a network that read a data set was trained on, the checkpoint doesn't say. */
static bool same_curve(const chirp_train_config *config, const char *psd, const char *noise)
{
    if (config->data)
        return true;
    return psd ? strcmp(file_name(psd), file_name(noise)) == 0
               : strstr(noise, "aLIGO design") != NULL;
}

static chirp_status check_data(const inference *f, const chirp_dataset_info *info)
{
    const chirp_train_config *trained = &f->trained.record.config;
    for (int i = 0; i < CHIRP_SIGNAL_OPTIONS; ++i) {
        const chirp_option *option = &chirp_signal_option[i];
        const void *has = chirp_option_value(option, &info->signal);
        const void *wanted = chirp_option_value(option, &trained->signal);
        char a[CHIRP_OPTION_TEXT];
        char b[CHIRP_OPTION_TEXT];
        if (must_agree(option) && !chirp_option_equal(option, has, wanted))
            return chirp_fail(CHIRP_ERR_ARG,
                              "%s: its signals have --%s %s, but %s was trained with %s: generate "
                              "the data set with that",
                              f->data, option->name, chirp_option_text(option, has, a),
                              f->checkpoint, chirp_option_text(option, wanted, b));
    }
    const char *psd = trained->signal.psd_path;
    if (!same_curve(trained, psd, info->noise))
        return chirp_fail(CHIRP_ERR_ARG,
                          "%s: its signals are whitened with '%s', but %s was trained with '%s': "
                          "generate the data set with that noise curve (--psd)",
                          f->data, info->noise, f->checkpoint, psd ? psd : "aLIGO design");
    return CHIRP_OK;
}

/* Outside of the trained range a network guesses. */
static void warn_of_snr(const inference *f, const chirp_dataset_info *info)
{
    const chirp_signal_config *trained = &f->trained.record.config.signal;
    if (info->signal.snr_min < trained->snr_min || info->signal.snr_max > trained->snr_max)
        (void)fprintf(stderr,
                      "chirpbench: warning: %s: SNR %g to %g, but %s was trained on %g to %g\n",
                      f->data, info->signal.snr_min, info->signal.snr_max, f->checkpoint,
                      trained->snr_min, trained->snr_max);
}

static cJSON *add_row(const inference *f, const row *r, const chirp_posterior_summary *summary)
{
    cJSON *event = cJSON_CreateObject();
    cJSON_AddItemToArray(f->events, event);
    cJSON_AddStringToObject(event, "data", f->data);
    cJSON_AddNumberToObject(event, "row", (double)r->number);
    cJSON_AddNumberToObject(event, "snr", (double)r->snr);
    cJSON_AddStringToObject(event, "source", "injected signal");
    cJSON *truth = cJSON_AddObjectToObject(event, "injected");
    for (int leaf = 0; leaf < f->spec->n_leaves; ++leaf)
        cJSON_AddNumberToObject(truth, chirp_label_name[f->spec->label[leaf]],
                                (double)r->label[f->spec->label[leaf]]);
    inference_add_network(f, event);
    cJSON *parameters = cJSON_AddObjectToObject(event, "parameters");
    for (int leaf = 0; leaf < f->spec->n_leaves; ++leaf)
        cJSON_AddItemToObject(parameters, chirp_label_name[f->spec->label[leaf]],
                              inference_summary(f, leaf, &summary[leaf]));
    return event;
}

/* Under the prior of the data set; check_data() has compared the noise curves. */
static chirp_status exact_of_row(const inference *f, const chirp_dataset_info *info, cJSON *event)
{
    chirp_signal_config prior = info->signal;
    prior.psd_path = f->trained.record.config.signal.psd_path;
    prior.curves = chirp_trained_signals(&f->trained).curves;
    if (!prior.psd_path && !strstr(info->noise, "aLIGO design"))
        return chirp_fail(CHIRP_ERR_UNSUPPORTED,
                          "%s: --exact needs the noise curve '%s': use chirpbench exact --psd",
                          f->data, info->noise);
    return inference_exact(f, &prior, NULL, 1, f->window, event);
}

/* The draws of a row don't depend on --rows. */
static chirp_status infer_row(inference *f, const row *r, const chirp_dataset_info *info)
{
    chirp_posterior_summary summary[CHIRP_MAX_LEAVES];
    const uint64_t seed = (uint64_t)f->seed ^ (uint64_t)r->number << 32;
    chirp_status st = inference_predict(f, f->window, seed, summary);
    if (st != CHIRP_OK)
        return st;
    for (int leaf = 0; leaf < f->spec->n_leaves && st == CHIRP_OK; ++leaf) {
        printf("%-8" PRId64 " %7.2f ", r->number, (double)r->snr);
        st = inference_print_leaf(f, leaf, &summary[leaf]);
        printf(" %10.4f\n", (double)r->label[f->spec->label[leaf]]);
    }
    if (st == CHIRP_OK && (f->json || f->exact)) {
        cJSON *event = add_row(f, r, summary);
        st = f->exact ? exact_of_row(f, info, event) : CHIRP_OK;
    }
    return st;
}

static chirp_status infer_rows(inference *f, chirp_dataset *data)
{
    const chirp_dataset_info *info = chirp_dataset_describe(data);
    int64_t first = 0;
    int64_t n = 0;
    chirp_status st = inference_read_rows("infer", f->rows, info->rows, &first, &n);
    if (st == CHIRP_OK)
        st = check_data(f, info);
    if (st == CHIRP_OK)
        st = chirp_dataset_check_labels(data);
    if (st != CHIRP_OK)
        return st;
    warn_of_snr(f, info);
    printf("%s  rows %" PRId64 " to %" PRId64 " of %" PRId64 ", whitened with %s\n", f->data, first,
           first + n - 1, info->rows, info->noise);
    printf("%-8s %7s ", "row", "SNR");
    inference_print_heading(f, "      truth");
    for (row r = {.number = first}; r.number < first + n && st == CHIRP_OK; ++r.number) {
        st = chirp_dataset_rows(data, r.number, 1, f->window, r.label, &r.snr, NULL);
        if (st == CHIRP_OK)
            st = infer_row(f, &r, info);
    }
    return st;
}

chirp_status inference_of_data(inference *f)
{
    chirp_dataset *data = NULL;
    chirp_status st = chirp_dataset_open(f->data, &data);
    if (st == CHIRP_OK)
        st = infer_rows(f, data);
    chirp_dataset_close(data);
    return st;
}
