/**
 * Which parts of a step each rank computes. Parts are equal, neighbouring ones go to one rank, and every rank has at least
 * one; the mean over all parts is what the optimiser sees, whoever computed them. Private to model/training.
 */
#ifndef CHIRP_MODEL_TRAINING_SHARES_H
#define CHIRP_MODEL_TRAINING_SHARES_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/**
 * The shares that an option asks for: "equal" and "measured" (which starts so) give parts / ranks to each.
 * @param share  [ranks]
 * @return CHIRP_ERR_ARG unless a list has one number of at least 1 for each rank and they add up to `parts`
 */
chirp_status chirp_shares_parse(const char *text, int64_t parts, int ranks, int64_t *share);

/**
 * Shares the parts so that the last rank is done as early as possible: each part goes to the rank that would then finish
 * first. Shares that are within 2 % of that stay as they are: noise must not move signals about.
 * @param seconds  [ranks] of one part
 * @param share    [ranks] now
 * @param wanted   [ranks] receives the better ones
 * @return whether `wanted` is worth a change
 */
bool chirp_shares_balance(const double *seconds, int64_t parts, int ranks, const int64_t *share,
                          int64_t *wanted);

#endif
