#include "model/training/config.h"

#include "harness/base/memory.h"
#include "model/training/labels.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

chirp_status chirp_train_config_check(const chirp_train_config *config)
{
    const chirp_network_spec *spec = NULL;
    chirp_option_table tables[CHIRP_TRAIN_TABLES];
    chirp_status st = chirp_network_spec_find(config->network, &spec);
    chirp_train_tables(config, NULL, tables);
    for (int t = 0; t < CHIRP_TRAIN_TABLES; ++t)
        for (size_t i = 0; i < tables[t].n_options && st == CHIRP_OK; ++i)
            st = chirp_option_check(&tables[t].options[i],
                                    chirp_option_value(&tables[t].options[i], tables[t].base));
    if (st != CHIRP_OK)
        return st;
    if (config->signal.length != spec->length)
        return chirp_fail(CHIRP_ERR_ARG, "signals of %lld samples don't fit the network's %lld",
                          (long long)config->signal.length, (long long)spec->length);
    if (config->signal.n_detectors != 1)
        return chirp_fail(CHIRP_ERR_ARG, "the network reads one detector, not %d",
                          config->signal.n_detectors);
    chirp_curriculum curriculum;
    return chirp_train_curriculum(config, 1, &curriculum);
}

chirp_status chirp_train_fit_signals(chirp_train_config *config,
                                     const bool given[CHIRP_SIGNAL_OPTIONS])
{
    const chirp_network_spec *spec = NULL;
    const chirp_status st = chirp_network_spec_find(config->network, &spec);
    if (st != CHIRP_OK)
        return st;
    config->signal.length = spec->length;
    for (int i = 0; i < CHIRP_SIGNAL_OPTIONS; ++i)
        if (chirp_signal_option[i].offset == offsetof(chirp_signal_config, sample_rate_hz) &&
            !(given && given[i]))
            config->signal.sample_rate_hz = (double)spec->length;
    return CHIRP_OK;
}

chirp_status chirp_train_curriculum(const chirp_train_config *config, int ranks,
                                    chirp_curriculum *result)
{
    static const double STUDY_ITERATIONS = 120000;
    const chirp_signal_config *signal = &config->signal;
    chirp_curriculum made = {.n = 1, .stage = {{0, signal->snr_min, signal->snr_max}}};
    if (strcmp(config->curriculum, "start") == 0) {
        const double steps =
            fmin(fmax(0.02 * (double)config->iterations, 500), 0.25 * (double)config->iterations);
        made.n = 2;
        made.stage[1] = made.stage[0];
        made.stage[1].first = (uint64_t)ceil(steps);
        made.stage[0].snr_min = fmax(signal->snr_min, 0.6 * signal->snr_max);
    } else if (strcmp(config->curriculum, "none") != 0) {
        const chirp_status st = chirp_curriculum_parse(config->curriculum, &made);
        if (st != CHIRP_OK)
            return chirp_fail(st, "--curriculum: %s", chirp_error_message());
    }
    if (strcmp(config->curriculum, "study") == 0) {
        const double low = signal->snr_min / made.stage[made.n - 1].snr_min;
        const double high = signal->snr_max / made.stage[made.n - 1].snr_max;
        for (int i = 0; i < made.n; ++i) {
            const double share = (double)made.stage[i].first / STUDY_ITERATIONS;
            made.stage[i].first = (uint64_t)ceil(share * (double)config->iterations);
            made.stage[i].snr_min *= low;
            made.stage[i].snr_max *= high;
            if (made.stage[i].snr_max < made.stage[i].snr_min) /* a narrow configured range */
                made.stage[i].snr_max = made.stage[i].snr_min;
        }
    }
    chirp_curriculum_signals(&made, (uint64_t)chirp_train_step_signals(config, ranks));
    *result = made;
    return CHIRP_OK;
}

int64_t chirp_train_step_signals(const chirp_train_config *config, int ranks)
{
    return config->batch * config->accumulate * ranks;
}

static void write_field(cJSON *object, const chirp_option *row, const void *value)
{
    char text[CHIRP_OPTION_TEXT];
    switch (row->kind) {
    case CHIRP_OPTION_FLAG:
    case CHIRP_OPTION_UNFLAG:
    case CHIRP_OPTION_EITHER:
        cJSON_AddBoolToObject(object, row->key, *(const bool *)value);
        break;
    case CHIRP_OPTION_STRING:
    case CHIRP_OPTION_PATTERN:
    case CHIRP_OPTION_CHOICE: {
        const char *string = *(const char *const *)value;
        chirp_json_add_text(object, row->key, string ? string : row->none);
        break;
    }
    case CHIRP_OPTION_ENUM:
        cJSON_AddStringToObject(object, row->key, chirp_option_text(row, value, text));
        break;
    default:
        cJSON_AddNumberToObject(object, row->key, chirp_option_number(row, value));
    }
}

chirp_status chirp_train_config_write(const chirp_train_config *config, int ranks, char **text)
{
    chirp_option_table tables[CHIRP_TRAIN_TABLES];
    cJSON *root = cJSON_CreateObject();
    chirp_train_tables(config, NULL, tables);
    *text = NULL;
    cJSON_AddNumberToObject(root, "ranks", ranks);
    for (int t = 0; t < CHIRP_TRAIN_TABLES; ++t) {
        cJSON *object =
            chirp_train_object[t] ? cJSON_AddObjectToObject(root, chirp_train_object[t]) : root;
        for (size_t i = 0; i < tables[t].n_options; ++i) {
            const chirp_option *row = &tables[t].options[i];
            if (row->key)
                write_field(object, row, chirp_option_value(row, tables[t].base));
        }
    }
    chirp_train_labels_write(config, root);
    char *printed = root ? chirp_json_print_line(root) : NULL;
    cJSON_Delete(root);
    *text = printed ? chirp_strdup(printed) : NULL;
    cJSON_free(printed);
    return *text ? CHIRP_OK : chirp_fail(CHIRP_ERR_NOMEM, "no memory for the configuration");
}

static chirp_status read_string(chirp_train_record *record, const chirp_option *row,
                                const char *stored, const char **value)
{
    *value = NULL;
    if (row->none && strcmp(row->none, stored) == 0)
        return CHIRP_OK;
    char *copy = record->n_strings < CHIRP_TRAIN_STRINGS ? chirp_strdup(stored) : NULL;
    if (!copy)
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the configuration");
    *value = record->string[record->n_strings++] = copy;
    return CHIRP_OK;
}

static chirp_status read_field(const char *path, const cJSON *item, const chirp_option *row,
                               void *value, chirp_train_record *record)
{
    double number = (double)NAN;
    switch (row->kind) {
    case CHIRP_OPTION_FLAG:
    case CHIRP_OPTION_UNFLAG:
    case CHIRP_OPTION_EITHER:
        if (cJSON_IsBool(item))
            number = cJSON_IsTrue(item);
        break;
    case CHIRP_OPTION_STRING:
    case CHIRP_OPTION_PATTERN:
    case CHIRP_OPTION_CHOICE:
        if (cJSON_IsString(item))
            return read_string(record, row, item->valuestring, value);
        break;
    case CHIRP_OPTION_ENUM:
        if (cJSON_IsString(item))
            number = chirp_name_index(row->names, row->n_names, item->valuestring);
        number = number < 0 ? (double)NAN : number;
        break;
    default:
        if (cJSON_IsNumber(item))
            number = item->valuedouble;
    }
    if (chirp_option_set_number(row, value, number))
        return CHIRP_OK;
    return chirp_fail(CHIRP_ERR_FORMAT,
                      "%s: configuration has no '%s' that this version knows; use a checkpoint of "
                      "chirpbench train",
                      path, row->key);
}

static chirp_status read_tables(const char *path, const cJSON *root, chirp_train_record *record)
{
    chirp_option_table tables[CHIRP_TRAIN_TABLES];
    chirp_status st = CHIRP_OK;
    chirp_train_tables(&record->config, NULL, tables);
    for (int t = 0; t < CHIRP_TRAIN_TABLES; ++t) {
        const cJSON *object = chirp_train_object[t]
                                  ? cJSON_GetObjectItemCaseSensitive(root, chirp_train_object[t])
                                  : root;
        for (size_t i = 0; i < tables[t].n_options && st == CHIRP_OK; ++i) {
            const chirp_option *row = &tables[t].options[i];
            const cJSON *item =
                row->key ? cJSON_GetObjectItemCaseSensitive(object, row->key) : NULL;
            if (!item && row->later) {
                record->missing[t] |= UINT64_C(1) << i;
                if (row->kind == CHIRP_OPTION_ENUM)
                    (void)chirp_option_set_number(row, chirp_option_value(row, tables[t].base), 0);
            } else if (row->key)
                st = read_field(path, item, row, chirp_option_value(row, tables[t].base), record);
        }
    }
    return st;
}

chirp_status chirp_train_record_read(const char *path, const char *text, chirp_train_record *record)
{
    *record = (chirp_train_record){.config = chirp_train_config_study()};
    cJSON *root = cJSON_Parse(text);
    const cJSON *ranks = cJSON_GetObjectItemCaseSensitive(root, "ranks");
    chirp_status st = CHIRP_OK;
    if (!cJSON_IsObject(root))
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: its configuration is no JSON object", path);
    else if (!cJSON_IsNumber(ranks) || ranks->valueint < 1)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: configuration lacks 'ranks'", path);
    else
        st = read_tables(path, root, record);
    if (st == CHIRP_OK)
        st = chirp_train_labels_read(path, root, &record->config);
    record->ranks = st == CHIRP_OK ? ranks->valueint : 0;
    cJSON_Delete(root);
    if (st != CHIRP_OK)
        return st;
    st = chirp_train_config_check(&record->config);
    return st == CHIRP_OK ? st
                          : chirp_fail(CHIRP_ERR_FORMAT, "%s: impossible configuration: %s", path,
                                       chirp_error_message());
}

void chirp_train_record_release(chirp_train_record *record)
{
    for (int i = 0; i < record->n_strings; ++i)
        chirp_free(record->string[i]);
    *record = (chirp_train_record){0};
}

/* Two names of one file. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat one;
    struct stat other;
    return a && b && stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

static bool same_value(const chirp_option *row, const void *a, const void *b)
{
    return chirp_option_equal(row, a, b) ||
           (row->kind == CHIRP_OPTION_STRING && row->none && /* a file */
            is_same_file(*(const char *const *)a, *(const char *const *)b));
}

/* What may be the matter, and how to go on: the option that the training had. */
static chirp_status refuse(const char *path, const chirp_option *row, const void *before,
                           const void *after)
{
    char old[CHIRP_OPTION_TEXT];
    char now[CHIRP_OPTION_TEXT];
    const bool flag = row->kind == CHIRP_OPTION_FLAG || row->kind == CHIRP_OPTION_UNFLAG;
    (void)chirp_option_text(row, before, old);
    (void)chirp_option_text(row, after, now);
    const bool leave_out =
        (row->none && !*(const char *const *)before) || (flag && strcmp(old, "false") == 0);
    const char *value = leave_out || flag ? "" : old;
    return chirp_fail(CHIRP_ERR_ARG,
                      "%s: was trained with --%s %.100s, not %.100s: %s --%s%s%.100s", path,
                      row->name ? row->name : row->key, old, now, leave_out ? "leave out" : "give",
                      row->name ? row->name : row->key, *value ? " " : "", value);
}

static chirp_status compare_step(const char *path, const chirp_train_record *old,
                                 const chirp_train_config *now, int ranks)
{
    const int64_t before = chirp_train_step_signals(&old->config, old->ranks);
    const int64_t after = chirp_train_step_signals(now, ranks);
    if (before == after)
        return CHIRP_OK;
    return chirp_fail(CHIRP_ERR_ARG,
                      "%s: was trained with %" PRId64 " signals a step over all ranks, not %" PRId64
                      ": choose --batch and --accumulate to match",
                      path, before, after);
}

/* One field: refuses a value that must be the same, adds one that may change to the note. */
static chirp_status compare_field(const char *path, const chirp_option *row, const void *before,
                                  const void *after, chirp_text *note)
{
    char old[CHIRP_OPTION_TEXT];
    char now[CHIRP_OPTION_TEXT];
    if (row->resume == CHIRP_RESUME_NOT_COMPARED || same_value(row, before, after))
        return CHIRP_OK;
    if (row->resume == CHIRP_RESUME_SAME)
        return refuse(path, row, before, after);
    chirp_text_appendf(note, "%s--%s %s instead of %s", note->used ? ", " : "resumed with ",
                       row->name, chirp_option_text(row, after, now),
                       chirp_option_text(row, before, old));
    return CHIRP_OK;
}

chirp_status chirp_train_record_compare(const char *path, const chirp_train_record *old,
                                        const chirp_train_config *now, int ranks, chirp_text *note)
{
    chirp_option_table before[CHIRP_TRAIN_TABLES];
    chirp_option_table after[CHIRP_TRAIN_TABLES];
    chirp_status st = CHIRP_OK;
    chirp_train_tables(&old->config, NULL, before);
    chirp_train_tables(now, NULL, after);
    for (int t = 0; t < CHIRP_TRAIN_TABLES; ++t)
        for (size_t i = 0; i < before[t].n_options && st == CHIRP_OK; ++i) {
            const chirp_option *row = &before[t].options[i];
            const bool unknown = (old->missing[t] >> i & 1) && row->resume == CHIRP_RESUME_CHANGE;
            if (!unknown)
                st = compare_field(path, row, chirp_option_value(row, before[t].base),
                                   chirp_option_value(row, after[t].base), note);
        }
    if (st == CHIRP_OK)
        st = compare_step(path, old, now, ranks);
    if (st == CHIRP_OK && note->failed)
        st = chirp_fail(CHIRP_ERR_NOMEM, "no memory for the options that differ");
    return st;
}
