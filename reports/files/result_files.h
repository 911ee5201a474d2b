/**
 * The result files of one folder. A file is known by its header, not by its name, so that `--json a.json` of any command
 * finds its section.
 */
#ifndef CHIRP_REPORTS_FILES_RESULT_FILES_H
#define CHIRP_REPORTS_FILES_RESULT_FILES_H

#include "harness/base/status.h"
#include "harness/json/json.h"
#include "harness/results/document.h"

#include <stdbool.h>
#include <stddef.h>

struct cJSON;

typedef struct chirp_result_file {
    char *name;              /**< file name without the folder */
    struct cJSON *root;      /**< the document's; NULL when `error` is set */
    char *error;             /**< NULL, or one sentence: file, field, remedy */
    chirp_document document; /**< kind, header and note */
    bool other;              /**< no section is about its kind */
} chirp_result_file;

typedef struct chirp_result_files {
    char *folder;
    chirp_result_file *file; /**< sorted by name */
    size_t count;
} chirp_result_files;

/**
 * Reads every *.json and *.jsonl file of a folder (not below it); the report's own report.json is left out.
 * A file that can't be used gets an `error`, the others go on.
 *
 * A *.json.partial, which bench leaves when it is killed, stands in for the file that it would have become.
 *
 * @return CHIRP_OK; CHIRP_ERR_IO: no such folder, or nothing in it to report; release with chirp_result_files_release()
 */
chirp_status chirp_result_files_read(const char *folder, chirp_result_files *results);

/** Accepts a zeroed value. */
void chirp_result_files_release(chirp_result_files *results);

/** The i-th usable file of a kind, or NULL. */
const chirp_result_file *chirp_result_files_find(const chirp_result_files *results,
                                                 chirp_document_kind kind, size_t i);

#endif
