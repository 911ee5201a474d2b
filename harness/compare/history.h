/**
 * A baseline store: one folder per machine identity, one result file per run, and the change points of each benchmark
 * over the runs. Layout: STORE/<machine_id>/<date>-<commit>.json, whole result files, so that nothing is lost.
 */
#ifndef CHIRP_HARNESS_COMPARE_HISTORY_H
#define CHIRP_HARNESS_COMPARE_HISTORY_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>

/**
 * Copies a result file into the store. Partial results are refused.
 * @param stored  receives the new file's name; chirp_free()
 */
chirp_status chirp_history_store(const char *store, const char *path, char **stored);

/** One benchmark over the runs of one machine. */
typedef struct chirp_history_row {
    char *name;
    size_t runs;
    double first_s, last_s;    /**< centres of the first and of the last run */
    bool changed;              /**< the last change point, if any: */
    char date[40], commit[48]; /**< of the first run at the new level */
    double ratio, p;
    size_t n_changes;
} chirp_history_row;

typedef struct chirp_history {
    char machine[80];
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
