/**
 * How many signals each rank's passes have. All ranks make the same number of passes a step, so ranks * batch signals are
 * shared out, at least one to each; the mean over all signals is what the optimiser sees, whoever computed them.
 */
#ifndef CHIRP_MODEL_TRAINING_SHARES_H
#define CHIRP_MODEL_TRAINING_SHARES_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/**
 * The shares that an option asks for: "equal" and "measured" (which starts so) give `batch` signals to each.
 * @param share  [ranks]
 * @return CHIRP_ERR_ARG unless a list has one number of at least 1 for each rank and they add up to `parts`
 */
chirp_status chirp_shares_parse(const char *text, int64_t batch, int ranks, int64_t *share);

/**
 * Shares ranks * batch signals so that the last rank is done as early as possible: each goes to the rank that would then
 * finish first.
 * @param seconds  [ranks] of one signal, positive
 * @param share    [ranks] receives the shares
 */
void chirp_shares_balance(const double *seconds, int64_t batch, int ranks, int64_t *share);

/** Whether the last rank is done 0.5 % earlier with `wanted` than with `share`: noise must not move signals about. */
bool chirp_shares_better(const double *seconds, int ranks, const int64_t *share,
                         const int64_t *wanted);

#endif
