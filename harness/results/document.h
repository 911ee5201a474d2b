/**
 * The header of every file that the program writes, so that no reader has to guess what a file is:
 *
 *     "chirpbench": {"kind": "scaling", "format": 1, "version": "0.2.0", "commit": "4f2a...", "date": "2026-11-27T15:00:00+00:00"}
 *
 * It is a member of the document; of "context" in benchmark results, where readers of Google Benchmark's files skip it; and
 * of the first line that a run writes into a log of JSON lines.
 *
 * Without a header two kinds are read: Google Benchmark's own result files, which any program may have written, and a machine
 * for project, which people write by hand. Other files without it are of chirpbench 0.1 and are refused.
 */
#ifndef CHIRP_HARNESS_RESULTS_DOCUMENT_H
#define CHIRP_HARNESS_RESULTS_DOCUMENT_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct cJSON;

typedef enum chirp_document_kind {
    CHIRP_DOCUMENT_BENCH,       /**< benchmarks, in Google Benchmark's schema */
    CHIRP_DOCUMENT_CALIBRATION, /**< calibrate: errors and coverage by SNR */
    CHIRP_DOCUMENT_COMPARISON,  /**< compare --json: two results; an array of them for more */
    CHIRP_DOCUMENT_CONTROLLER, /**< project --controller: load balancing replayed on drawn speeds */
    CHIRP_DOCUMENT_DECOMPOSITION, /**< decompose: impact of filters on parameters */
    CHIRP_DOCUMENT_DOCTOR,        /**< the machine as doctor saw and measured it */
    CHIRP_DOCUMENT_EXACT,         /**< exact: events with their exact posteriors */
    CHIRP_DOCUMENT_HISTORY,       /**< compare --history: a machine's runs */
    CHIRP_DOCUMENT_LAYERS,        /**< describe: the layers of a network */
    CHIRP_DOCUMENT_MACHINE,       /**< a machine for project, as scale measured it */
    CHIRP_DOCUMENT_POSTERIOR,     /**< infer: events with their parameters */
    CHIRP_DOCUMENT_PROFILE,       /**< scale --profile: time of each layer */
    CHIRP_DOCUMENT_PROJECTION,    /**< project */
    CHIRP_DOCUMENT_PUBLISHED,     /**< numbers of other people, with sources */
    CHIRP_DOCUMENT_REPORT,        /**< what the page computed */
    CHIRP_DOCUMENT_SCALING,       /**< scale */
    CHIRP_DOCUMENT_STUDY,         /**< the steps of a study and how they ended */
    CHIRP_DOCUMENT_TRAINING,      /**< train --log: JSON lines */
    CHIRP_DOCUMENT_WAVEFORM,      /**< waveform --format json */
    CHIRP_DOCUMENT_KINDS
} chirp_document_kind;

enum { CHIRP_DATE_BYTES = 40 };

/** Local time with its offset: "2026-11-23T04:19:22+00:00". */
void chirp_document_date(char text[CHIRP_DATE_BYTES]);

/** What a reader may want to show of the kind. */
const char *chirp_document_title(chirp_document_kind kind);

/** Adds the header to an object. False when memory ran out (or `object` is NULL). */
bool chirp_document_head(struct cJSON *object, chirp_document_kind kind);

/** An object that holds the header only; NULL when memory ran out. cJSON_Delete() it. */
struct cJSON *chirp_document_create(chirp_document_kind kind);

/** The header alone as JSON text, for writers that print by themselves; NULL without memory. cJSON_free() it. */
char *chirp_document_head_text(chirp_document_kind kind);

/**
 * Writes a document to a file, atomically, and deletes it. A document from whose building any memory was missing is not
 * written, for it would lack members.
 * @param root  NULL counts as out of memory
 * @param path  NULL: the standard output
 */
chirp_status chirp_document_write(struct cJSON *root, const char *path);

/** A document as read. */
typedef struct chirp_document {
    chirp_document_kind kind;
    int format;         /**< 0: Google Benchmark's own file */
    char version[32];   /**< of the program that wrote it; "" unknown */
    char date[40];      /**< "" unknown */
    struct cJSON *root; /**< an object; of JSON lines an array of objects */
    char *note;         /**< NULL, or what a reader should know: a line cut off, rows missing */
} chirp_document;

/**
 * Reads a file with its header; *.jsonl are JSON lines. Bare NaN and infinities count as absent (harness/json). A last line
 * without its end, which a killed run leaves, is dropped with a note; a log without lines is one that was just begun.
 *
 * @return CHIRP_OK; CHIRP_ERR_IO; CHIRP_ERR_NOMEM; CHIRP_ERR_FORMAT: no JSON, no header, an unknown kind, a format newer than
 *         this program's, or the list that the kind is about is missing; release with chirp_document_release()
 */
chirp_status chirp_document_read(const char *path, chirp_document *document);

/** The same for a reader of one kind: another kind is CHIRP_ERR_FORMAT. */
chirp_status chirp_document_read_kind(const char *path, chirp_document_kind kind,
                                      chirp_document *document);

/** Accepts a zeroed value. */
void chirp_document_release(chirp_document *document);

#endif
