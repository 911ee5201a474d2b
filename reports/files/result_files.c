#include "reports/files/result_files.h"

#include "harness/base/memory.h"
#include "harness/base/text.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_suffix(const char *name, const char *suffix)
{
    const size_t n = strlen(name);
    const size_t k = strlen(suffix);
    return n > k && strcmp(name + n - k, suffix) == 0;
}

/* One sentence that starts with the file's name, whose folder the reader of the page knows. */
static chirp_status set_error(chirp_result_file *file, const char *folder, const char *text)
{
    const size_t n = strlen(folder);
    if (strncmp(text, folder, n) == 0 && text[n] == '/')
        text += n + 1;
    file->error = chirp_strdup(text);
    return file->error ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

static chirp_status read_file(const char *folder, chirp_result_file *file)
{
    const size_t room = strlen(folder) + strlen(file->name) + 2;
    char *path = chirp_alloc(room);
    if (!path)
        return CHIRP_ERR_NOMEM;
    (void)snprintf(path, room, "%s/%s", folder, file->name);
    const chirp_status st = chirp_document_read(path, &file->document);
    chirp_free(path);
    if (st == CHIRP_ERR_NOMEM)
        return st;
    if (st != CHIRP_OK)
        return set_error(file, folder, chirp_error_message());
    file->root = file->document.root;
    return CHIRP_OK;
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
        chirp_result_file *more = chirp_grow(results->file, &room, results->count, sizeof *more);
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
        chirp_document_release(&results->file[i].document);
    }
    chirp_free(results->file);
    chirp_free(results->folder);
    *results = (chirp_result_files){0};
}

const chirp_result_file *chirp_result_files_find(const chirp_result_files *results,
                                                 chirp_document_kind kind, size_t i)
{
    for (size_t k = 0; k < results->count; ++k)
        if (results->file[k].root && results->file[k].document.kind == kind && i-- == 0)
            return &results->file[k];
    return NULL;
}
