/**
 * Lines of the MLPerf logging format, `:::MLLOG {"namespace": "", "time_ms": ..., "event_type": ..., "key": ..., "value": ...,
 * "metadata": {...}}`, so that runs compare with public logs (github.com/mlcommons/logging, mllog). Keys are those of its master
 * list where it has one.
 *
 *     chirp_mllog_open(path, CHIRP_MLLOG_NEW, &log);
 *     chirp_mllog_start(log, "run_start", NULL);
 *     chirp_mllog_number(log, "global_batch_size", 128, NULL);
 *     st = chirp_mllog_close(log);                        // here a line that could not be written is told
 *
 * All functions accept NULL for the log and then write nothing.
 */
#ifndef CHIRP_HARNESS_RESULTS_MLLOG_H
#define CHIRP_HARNESS_RESULTS_MLLOG_H

#include "harness/base/status.h"

struct cJSON;

typedef struct chirp_mllog chirp_mllog;

/** What is done with a file that exists. */
typedef enum chirp_mllog_mode {
    CHIRP_MLLOG_NEW,    /**< it is refused */
    CHIRP_MLLOG_APPEND, /**< lines follow its own */
    CHIRP_MLLOG_REPLACE
} chirp_mllog_mode;

/**
 * @param path  "-" is stdout; NULL: *log becomes NULL
 * @return CHIRP_ERR_ARG for a file that exists (NEW), CHIRP_ERR_IO, CHIRP_ERR_NOMEM
 */
chirp_status chirp_mllog_open(const char *path, chirp_mllog_mode mode, chirp_mllog **log);

/** Beginning and end of what lasts: keys that end with _start and _stop. @param metadata  taken over; NULL: none */
void chirp_mllog_start(chirp_mllog *log, const char *key, struct cJSON *metadata);
void chirp_mllog_stop(chirp_mllog *log, const char *key, struct cJSON *metadata);

/** A point in time with a value. @param metadata  taken over; NULL: none */
void chirp_mllog_number(chirp_mllog *log, const char *key, double value, struct cJSON *metadata);
void chirp_mllog_text(chirp_mllog *log, const char *key, const char *value);
/** @param value  taken over, as metadata */
void chirp_mllog_value(chirp_mllog *log, const char *key, struct cJSON *value,
                       struct cJSON *metadata);

/** {"name": number}: metadata of one member, to be given away. NULL without memory. */
struct cJSON *chirp_mllog_metadata(const char *name, double number);

/** What every log begins with: submission_org, submission_platform, ... @param benchmark  "chirpbench_spin", ... */
void chirp_mllog_submission(chirp_mllog *log, const char *benchmark);

/** @return the first error of a line, if one could not be written: CHIRP_ERR_IO, CHIRP_ERR_NOMEM */
chirp_status chirp_mllog_close(chirp_mllog *log);

#endif
