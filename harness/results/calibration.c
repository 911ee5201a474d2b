#include "harness/results/calibration.h"

#include "harness/base/memory.h"
#include "harness/json/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stddef.h>

/* Fields of a row that are numbers, for writer and reader. */
static const struct {
    const char *key;
    size_t offset;
} numbers[] = {
#define NUMBER(member)                                                                             \
    {                                                                                              \
#member, offsetof(chirp_calibration_row, member)                                           \
    }
    NUMBER(snr_min),
    NUMBER(snr_max),
    NUMBER(error),
    NUMBER(error_se),
    NUMBER(guess_error),
    NUMBER(rank_distance),
    NUMBER(rank_p),
    NUMBER(rank_band),
    NUMBER(crps),
    NUMBER(crps_se),
    NUMBER(nll),
    NUMBER(nll_se),
    NUMBER(nll_before),
    NUMBER(width_90),
    NUMBER(exact_error),
    NUMBER(exact_error_se),
    NUMBER(exact_coverage_90),
    NUMBER(exact_width_90),
    NUMBER(exact_doubtful),
    NUMBER(error_over_exact),
    NUMBER(width_over_exact),
#undef NUMBER
};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

static double *number_at(chirp_calibration_row *row, int i)
{
    return (double *)((char *)row + numbers[i].offset);
}

/* Memory that is missing here is noticed by chirp_document_write(). */
static void add_proportion(cJSON *object, const char *key, const chirp_proportion *p)
{
    const double values[] = {p->value, p->low, p->high};
    (void)cJSON_AddItemToObject(object, key, cJSON_CreateDoubleArray(values, 3));
}

static void add_row(cJSON *rows, chirp_calibration_row row)
{
    cJSON *item = cJSON_CreateObject();
    (void)chirp_json_add_text(item, "parameter", row.parameter);
    (void)chirp_json_add_integer(item, "signals", row.signals);
    (void)cJSON_AddBoolToObject(item, "trained", row.trained);
    (void)chirp_json_add_integer(item, "exact_signals", row.exact_signals);
    for (int i = 0; i < NUMBERS; ++i)
        if (isfinite(*number_at(&row, i)))
            (void)cJSON_AddNumberToObject(item, numbers[i].key, *number_at(&row, i));
    add_proportion(item, "coverage_50", &row.coverage_50);
    add_proportion(item, "coverage_90", &row.coverage_90);
    (void)cJSON_AddItemToObject(item, "rank_curve",
                                cJSON_CreateDoubleArray(row.rank_curve, CHIRP_RANK_STEPS + 1));
    (void)cJSON_AddItemToArray(rows, item);
}

static void add_unlike(cJSON *root, const chirp_calibration_file *file)
{
    static const char *const by[3] = {"by_distance", "by_match", "by_either"};
    cJSON *rows = file->n_unlike ? cJSON_AddArrayToObject(root, "unlike") : NULL;
    for (size_t i = 0; i < file->n_unlike; ++i) {
        const chirp_unlike_row *row = &file->unlike[i];
        cJSON *item = cJSON_CreateObject();
        (void)chirp_json_add_text(item, "window", row->window);
        if (isfinite(row->snr))
            (void)cJSON_AddNumberToObject(item, "snr", row->snr);
        (void)chirp_json_add_integer(item, "windows", row->windows);
        for (int k = 0; k < 3; ++k)
            if (isfinite(row->doubted[k].value))
                add_proportion(item, by[k], &row->doubted[k]);
        (void)cJSON_AddItemToArray(rows, item);
    }
}

static cJSON *document_of(const chirp_calibration_file *file)
{
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_CALIBRATION);
    (void)chirp_json_add_text(root, "checkpoint", file->checkpoint);
    (void)chirp_json_add_text(root, "network", file->network);
    (void)chirp_json_add_text(root, "variational", file->variational);
    (void)chirp_json_add_text(root, "noise", file->noise);
    (void)chirp_json_add_integer(root, "iterations", file->iterations);
    (void)chirp_json_add_integer(root, "samples", file->samples);
    (void)chirp_json_add_integer(root, "seed", file->seed);
    if (file->recalibration)
        (void)chirp_json_add_text(root, "recalibration", file->recalibration);
    cJSON *rows = cJSON_AddArrayToObject(root, "rows");
    for (size_t i = 0; i < file->count; ++i)
        add_row(rows, file->row[i]);
    add_unlike(root, file);
    return root;
}

chirp_status chirp_calibration_file_write(const char *path, const chirp_calibration_file *file)
{
    return chirp_document_write(document_of(file), path);
}

char *chirp_calibration_file_text(const chirp_calibration_file *file)
{
    cJSON *root = document_of(file);
    char *text = root ? chirp_json_print_line(root) : NULL;
    cJSON_Delete(root);
    return text;
}

static double value_of(const cJSON *item)
{
    return cJSON_IsNumber(item) && isfinite(item->valuedouble) ? item->valuedouble : (double)NAN;
}

static int64_t integer_of(const cJSON *object, const char *key)
{
    const double value = chirp_json_number(object, key);
    return fabs(value) < 9e15 ? (int64_t)value : 0;
}

static chirp_proportion proportion_of(const cJSON *object, const char *key)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, key);
    return (chirp_proportion){value_of(cJSON_GetArrayItem(array, 0)),
                              value_of(cJSON_GetArrayItem(array, 1)),
                              value_of(cJSON_GetArrayItem(array, 2))};
}

static bool read_row(const cJSON *item, chirp_calibration_row *row)
{
    const cJSON *curve = cJSON_GetObjectItemCaseSensitive(item, "rank_curve");
    *row = (chirp_calibration_row){
        .parameter = chirp_json_string(item, "parameter"),
        .trained = !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(item, "trained")),
        .signals = integer_of(item, "signals"),
        .exact_signals = integer_of(item, "exact_signals"),
        .coverage_50 = proportion_of(item, "coverage_50"),
        .coverage_90 = proportion_of(item, "coverage_90"),
    };
    for (int i = 0; i < NUMBERS; ++i)
        *number_at(row, i) = chirp_json_number(item, numbers[i].key);
    for (int k = 0; k <= CHIRP_RANK_STEPS; ++k)
        row->rank_curve[k] = value_of(cJSON_GetArrayItem(curve, k));
    return row->parameter && isfinite(row->snr_min) && isfinite(row->snr_max) &&
           isfinite(row->error);
}

chirp_status chirp_calibration_file_read(const chirp_document *document, const char *path,
                                         chirp_calibration_file *file)
{
    const cJSON *root = document->root;
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(root, "rows");
    const cJSON *item = NULL;
    *file = (chirp_calibration_file){.checkpoint = chirp_json_string(root, "checkpoint"),
                                     .network = chirp_json_string(root, "network"),
                                     .variational = chirp_json_string(root, "variational"),
                                     .noise = chirp_json_string(root, "noise"),
                                     .iterations = integer_of(root, "iterations"),
                                     .samples = integer_of(root, "samples"),
                                     .seed = integer_of(root, "seed"),
                                     .recalibration = chirp_json_string(root, "recalibration")};
    file->row = chirp_calloc((size_t)cJSON_GetArraySize(rows) + 1, sizeof *file->row);
    if (!file->row)
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the rows of a calibration");
    cJSON_ArrayForEach(item, rows)
    {
        if (!read_row(item, &file->row[file->count])) {
            chirp_calibration_file_release(file);
            return chirp_fail(CHIRP_ERR_FORMAT,
                              "%s: a row lacks \"parameter\", \"snr_min\", \"snr_max\" or "
                              "\"error\": write it again with chirpbench calibrate",
                              path);
        }
        ++file->count;
    }
    return CHIRP_OK;
}

void chirp_calibration_file_release(chirp_calibration_file *file)
{
    chirp_free(file->row);
    *file = (chirp_calibration_file){0};
}
