/**
 * Limits on one result file: a gate that needs no baseline and no second machine, for every limit is a ratio inside one
 * run. The file of limits is an array of objects:
 *
 *     {"benchmark": "conv1d/forward/direct/conv2/batch:64", "counter": "peak_fraction", "at_least": 0.4, "why": "..."}
 *     {"benchmark": "variational/sample/fused/n:3730563", "over": "random/normal/philox/n:3730563", "at_most": 1.6}
 *
 * The first form bounds a counter of the row, scaled from whole repetitions to their fastest blocks when it is a rate;
 * the second the ratio of two times. A limit is broken when all that the repetitions allow lies beyond it: the best
 * repetition for counters, the interval of the ratio for times. Names are given without "/threads:N".
 */
#ifndef CHIRP_HARNESS_COMPARE_LIMITS_H
#define CHIRP_HARNESS_COMPARE_LIMITS_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum chirp_limit_state {
    CHIRP_LIMIT_KEPT,
    CHIRP_LIMIT_BROKEN,
    CHIRP_LIMIT_MISSING
} chirp_limit_state;

typedef struct chirp_limit {
    char *benchmark, *over, *counter; /**< over or counter is NULL */
    char *why;                        /**< NULL when the file doesn't say */
    double bound;
    bool at_least;
    chirp_limit_state state;
    double value, low, high; /**< measured; low and high bound a ratio */
    char *reason;            /**< of a missing one; else NULL */
} chirp_limit;

typedef struct chirp_limits {
    chirp_limit *item;
    size_t count, broken, missing;
} chirp_limits;

/** Whether a limit's name means this benchmark: "a/b" means "a/b" and "a/b/threads:2". */
bool chirp_limit_names(const char *limit, const char *benchmark);

/** Reads a file of limits; nothing is measured yet. @return as chirp_limits_check() */
chirp_status chirp_limits_read(const char *path, chirp_limits *limits);

/**
 * @return CHIRP_OK (see broken and missing), CHIRP_ERR_IO, CHIRP_ERR_FORMAT (the sentence names the limit), CHIRP_ERR_NOMEM
 */
chirp_status chirp_limits_check(const char *limits_path, const char *result_path, double confidence,
                                chirp_limits *limits);
void chirp_limits_clear(chirp_limits *limits);

#endif
