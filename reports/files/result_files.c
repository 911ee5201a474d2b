#include "reports/files/result_files.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/base/text.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double chirp_json_number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) && isfinite(item->valuedouble) ? item->valuedouble : (double)NAN;
}

const char *chirp_json_string(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

double *chirp_json_numbers(const cJSON *array, size_t *count)
{
    *count = 0;
    if (!cJSON_IsArray(array))
        return NULL;
    const size_t n = (size_t)cJSON_GetArraySize(array);
    double *x = n ? chirp_alloc(n * sizeof *x) : NULL;
    const cJSON *item = NULL;
    if (!x)
        return NULL;
    cJSON_ArrayForEach(item, array) x[(*count)++] =
        cJSON_IsNumber(item) && isfinite(item->valuedouble) ? item->valuedouble : (double)NAN;
    return x;
}

static bool has_suffix(const char *name, const char *suffix)
{
    const size_t n = strlen(name);
    const size_t k = strlen(suffix);
    return n > k && strcmp(name + n - k, suffix) == 0;
}

static chirp_status set_error(chirp_result_file *file, const char *text)
{
    file->error = chirp_strdup(text);
    cJSON_Delete(file->root);
    file->root = NULL;
    return file->error ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

/*
 * Bare NaN and infinities outside strings become null, or "" where there is no room for it, padded with spaces: the text
 * keeps its length and its lines, and neither is a number for a reader.
 */
static void blank_nonfinite(char *text)
{
    static const char *const word[] = {"-Infinity", "Infinity", "-NaN", "NaN",
                                       "-nan",      "nan",      "-inf", "inf"};
    bool quoted = false;
    for (char *p = text; *p; ++p) {
        if (quoted && *p == '\\' && p[1]) {
            ++p;
            continue;
        }
        if (*p == '"')
            quoted = !quoted;
        for (size_t i = 0; !quoted && i < sizeof word / sizeof word[0]; ++i) {
            const size_t n = strlen(word[i]);
            if (strncmp(p, word[i], n) != 0)
                continue;
            memset(p, ' ', n);
            memcpy(p, n >= 4 ? "null" : "\"\"", n >= 4 ? 4 : 2);
            p += n - 1;
            break;
        }
    }
}

static chirp_status parse_document(chirp_result_file *file, char *text)
{
    char sentence[400];
    const char *end = NULL;
    if (strspn(text, " \t\r\n") == strlen(text)) {
        (void)snprintf(sentence, sizeof sentence,
                       "%.200s: is empty: write it again with the command that makes it",
                       file->name);
        return set_error(file, sentence);
    }
    file->root = cJSON_ParseWithOpts(text, &end, true);
    if (!file->root) {
        (void)snprintf(
            sentence, sizeof sentence,
            "%.200s: no valid JSON at line %zu (cut off, or not a result file): write it again",
            file->name, chirp_text_line(text, end));
        return set_error(file, sentence);
    }
    return CHIRP_OK;
}

/* JSON lines become one array. */
static chirp_status parse_lines(chirp_result_file *file, char *text)
{
    char sentence[400];
    size_t line = 0;
    file->root = cJSON_CreateArray();
    if (!file->root)
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for %s", file->name);
    for (char *p = text; *p;) {
        char *newline = strchr(p, '\n');
        ++line;
        if (newline)
            *newline = '\0';
        if (strspn(p, " \t\r") != strlen(p)) {
            cJSON *object = cJSON_ParseWithOpts(p, NULL, true);
            if (!cJSON_IsObject(object) && !newline && line > 1) {
                cJSON_Delete(object);
                (void)snprintf(sentence, sizeof sentence,
                               "the last line (%zu) is cut off and was left out", line);
                file->note = chirp_strdup(sentence);
                return file->note ? CHIRP_OK : CHIRP_ERR_NOMEM;
            }
            if (!cJSON_IsObject(object) || !cJSON_AddItemToArray(file->root, object)) {
                cJSON_Delete(object);
                (void)snprintf(sentence, sizeof sentence,
                               "%.200s: line %zu is no JSON object: remove the line or train again",
                               file->name, line);
                return set_error(file, sentence);
            }
        }
        if (!newline)
            break;
        p = newline + 1;
    }
    return CHIRP_OK;
}

static bool row_has(const cJSON *root, const char *key)
{
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(root, "rows");
    return cJSON_IsArray(rows) && cJSON_HasObjectItem(cJSON_GetArrayItem(rows, 0), key);
}

static bool starts(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* What the name promises, for a file that doesn't hold it. */
static const char *missing_field(const char *name, const cJSON *root)
{
    static const struct {
        const char *prefix, *field;
    } promise[] = {{"bench", "benchmarks"}, {"infer", "events"}, {"scale", "rows"},
                   {"project", "rows"},     {"study", "steps"},  {"published", "published"}};
    for (size_t i = 0; i < sizeof promise / sizeof promise[0]; ++i)
        if (starts(name, promise[i].prefix)) {
            const cJSON *rows = cJSON_GetObjectItemCaseSensitive(root, promise[i].field);
            /* no rows at all: an empty measurement, not a foreign file */
            return cJSON_IsArray(rows) && cJSON_GetArraySize(rows) == 0 ? NULL : promise[i].field;
        }
    return NULL;
}

static chirp_status classify(chirp_result_file *file)
{
    char sentence[400];
    const cJSON *root = file->root;
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(root, "events");
    if (has_suffix(file->name, ".jsonl")) {
        const cJSON *first = cJSON_GetArrayItem(root, 0);
        file->kind = CHIRP_RESULT_TRAINING;
        if (!first ||
            (cJSON_HasObjectItem(first, "iteration") && cJSON_HasObjectItem(first, "loss")))
            return CHIRP_OK;
        (void)snprintf(
            sentence, sizeof sentence,
            "%.200s: field \"%s\" is missing in line 1: not a log of chirpbench train --log",
            file->name, cJSON_HasObjectItem(first, "iteration") ? "loss" : "iteration");
        return set_error(file, sentence);
    }
    if (!cJSON_IsObject(root)) {
        (void)snprintf(sentence, sizeof sentence,
                       "%.200s: is no JSON object: not a result file of chirpbench", file->name);
        return set_error(file, sentence);
    }
    if (cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(root, "benchmarks")))
        file->kind = CHIRP_RESULT_BENCH;
    else if (cJSON_IsArray(events) &&
             cJSON_HasObjectItem(cJSON_GetArrayItem(events, 0), "parameters"))
        file->kind = CHIRP_RESULT_POSTERIOR;
    else if (row_has(root, "nodes")) /* a projection counts ranks too */
        file->kind = CHIRP_RESULT_PROJECT;
    else if (row_has(root, "ranks"))
        file->kind = CHIRP_RESULT_SCALE;
    else if (cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(root, "steps")))
        file->kind = CHIRP_RESULT_STUDY;
    else if (cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(root, "published")) &&
             starts(file->name, "published"))
        file->kind = CHIRP_RESULT_PUBLISHED;
    else if ((cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(root, "fma_peak")) &&
              cJSON_HasObjectItem(root, "machine")) ||
             starts(file->name, "doctor") || starts(file->name, "machine"))
        file->kind = CHIRP_RESULT_MACHINE;
    else if (cJSON_HasObjectItem(root, "window") || cJSON_HasObjectItem(root, "psd") ||
             cJSON_HasObjectItem(root, "batch_strain"))
        file->kind = CHIRP_RESULT_SIGNAL;
    else {
        const char *field = missing_field(file->name, root);
        file->kind = CHIRP_RESULT_OTHER;
        if (field) {
            (void)snprintf(
                sentence, sizeof sentence,
                "%.200s: field \"%s\" is missing or has another shape: write it again or rename it",
                file->name, field);
            return set_error(file, sentence);
        }
    }
    return CHIRP_OK;
}

static chirp_status read_file(const char *folder, chirp_result_file *file)
{
    char *text = NULL;
    size_t length = 0;
    const size_t room = strlen(folder) + strlen(file->name) + 2;
    char *path = chirp_alloc(room);
    if (!path)
        return CHIRP_ERR_NOMEM;
    (void)snprintf(path, room, "%s/%s", folder, file->name);
    chirp_status st = chirp_file_read(path, &text, &length);
    chirp_free(path);
    if (st == CHIRP_ERR_NOMEM)
        return st;
    if (st != CHIRP_OK)
        return set_error(file, chirp_error_message());
    if (strlen(text) != length) {
        char sentence[400];
        (void)snprintf(sentence, sizeof sentence,
                       "%.200s: has a zero byte after %zu bytes: not JSON, write it again",
                       file->name, strlen(text));
        chirp_free(text);
        return set_error(file, sentence);
    }
    blank_nonfinite(text);
    st = has_suffix(file->name, ".jsonl") ? parse_lines(file, text) : parse_document(file, text);
    chirp_free(text);
    if (st == CHIRP_OK && !file->error)
        st = classify(file);
    const cJSON *context = cJSON_GetObjectItemCaseSensitive(file->root, "context");
    if (st == CHIRP_OK && !file->note &&
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(context, "partial")) &&
        !(file->note = chirp_strdup("the run was cut short: rows are missing")))
        st = CHIRP_ERR_NOMEM;
    return st;
}

static int by_name(const void *a, const void *b)
{
    const chirp_result_file *x = a;
    const chirp_result_file *y = b;
    return strcmp(x->name, y->name);
}

/* bench's journal counts as its file when the run was killed and nothing took its place */
static bool is_journal(const char *name) { return has_suffix(name, ".json.partial"); }

static bool wanted(const char *name)
{
    return name[0] != '.' &&
           (has_suffix(name, ".json") || has_suffix(name, ".jsonl") || is_journal(name)) &&
           strcmp(name, "report.json") != 0;
}

/* Drops journals whose finished file is there: sorted by name, it stands right before. */
static void drop_old_journals(chirp_result_files *results)
{
    size_t kept = 0;
    for (size_t i = 0; i < results->count; ++i) {
        const size_t n = strlen(results->file[i].name);
        const size_t tail = strlen(".partial");
        if (is_journal(results->file[i].name) && kept > 0 &&
            strlen(results->file[kept - 1].name) == n - tail &&
            strncmp(results->file[kept - 1].name, results->file[i].name, n - tail) == 0)
            chirp_free(results->file[i].name);
        else
            results->file[kept++] = results->file[i];
    }
    results->count = kept;
}

static chirp_status list_folder(const char *folder, chirp_result_files *results)
{
    size_t room = 0;
    chirp_status st = CHIRP_OK;
    const struct dirent *entry = NULL;
    DIR *directory = opendir(folder);
    if (!directory)
        return chirp_fail(CHIRP_ERR_IO, "%s: can't open the folder: %s", folder, strerror(errno));
    while (st == CHIRP_OK && (entry = readdir(directory))) {
        if (!wanted(entry->d_name))
            continue;
        chirp_result_file *more =
            chirp_grow(results->file, &room, results->count, sizeof *more);
        if (!more) {
            st = CHIRP_ERR_NOMEM;
            break;
        }
        results->file = more;
        chirp_result_file *file = &results->file[results->count];
        if (!(file->name = chirp_strdup(entry->d_name)))
            st = CHIRP_ERR_NOMEM;
        else
            ++results->count;
    }
    (void)closedir(directory);
    return st;
}

chirp_status chirp_result_files_read(const char *folder, chirp_result_files *results)
{
    *results = (chirp_result_files){.folder = chirp_strdup(folder)};
    chirp_status st = results->folder ? list_folder(folder, results) : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK && results->count == 0)
        st = chirp_fail(CHIRP_ERR_IO,
                        "%s: no result files (*.json, *.jsonl) in this folder: run chirpbench "
                        "study --out %s first",
                        folder, folder);
    if (st == CHIRP_OK) {
        qsort(results->file, results->count, sizeof *results->file, by_name);
        drop_old_journals(results);
    }
    for (size_t i = 0; i < results->count && st == CHIRP_OK; ++i)
        st = read_file(folder, &results->file[i]);
    if (st != CHIRP_OK)
        chirp_result_files_release(results);
    return st;
}

void chirp_result_files_release(chirp_result_files *results)
{
    for (size_t i = 0; i < results->count; ++i) {
        chirp_free(results->file[i].name);
        chirp_free(results->file[i].error);
        chirp_free(results->file[i].note);
        cJSON_Delete(results->file[i].root);
    }
    chirp_free(results->file);
    chirp_free(results->folder);
    *results = (chirp_result_files){0};
}

const chirp_result_file *chirp_result_files_find(const chirp_result_files *results,
                                                 chirp_result_kind kind, size_t i)
{
    for (size_t k = 0; k < results->count; ++k)
        if (results->file[k].root && results->file[k].kind == kind && i-- == 0)
            return &results->file[k];
    return NULL;
}

size_t chirp_result_files_count(const chirp_result_files *results, chirp_result_kind kind)
{
    size_t n = 0;
    while (chirp_result_files_find(results, kind, n))
        ++n;
    return n;
}
