/**
 * A baseline store: one folder per machine identity, one result file per run, and the change points of each benchmark
 * over the runs. Layout: STORE/<machine_id>/<date>-<commit>.json, whole result files, so that nothing is lost. Runs are ordered by
 * the instant that their date names, whatever its time zone, and runs of one instant by arrival: <date>-2-<commit>.json is the second.
 */
#ifndef CHIRP_HARNESS_COMPARE_HISTORY_H
#define CHIRP_HARNESS_COMPARE_HISTORY_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>

/**
 * Seconds since 1970 in UTC of "2026-10-25T02:50:00+02:00"; a blank for the T, a fraction of seconds, Z, +0200 and +02 are read, too,
 * and a date without a zone is taken as UTC.
 * @return false when it is no such date
 */
bool chirp_instant(const char *date, double *seconds);

/**
 * Copies a result file into the store. Partial results are refused, and dates that chirp_instant() can't read.
 * @param stored  receives the new file's name; chirp_free()
 */
chirp_status chirp_history_store(const char *store, const char *path, char **stored);

/** One benchmark over the runs of one machine. */
typedef struct chirp_history_row {
    char *name;
    size_t runs;
    double first_s, last_s;    /**< centres of the first and of the last run */
    bool changed;              /**< the last change point, if any: */
    char *date, *commit;       /**< of the first run at the new level; NULL without change */
    double ratio, p;
    size_t n_changes;
    size_t suspect_runs; /**< last runs on another level that are too few to test; 0: none */
    double suspect_ratio;
} chirp_history_row;

typedef struct chirp_history {
    char *machine;
    size_t runs;
    chirp_history_row *item;
    size_t count;
} chirp_history;

/**
 * Reads the runs of one machine in order of date and finds change points.
 * @param machine     identity (folder name); NULL: the one with the newest run
 * @param min_effect  relative change of the level that matters
 * @return CHIRP_OK, CHIRP_ERR_IO, CHIRP_ERR_FORMAT (the store is empty or a file in it is damaged), CHIRP_ERR_NOMEM
 */
chirp_status chirp_history_read(const char *store, const char *machine, double min_effect,
                                chirp_history *history);
void chirp_history_clear(chirp_history *history);

#endif
