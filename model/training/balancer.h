/**
 * Load balancing that follows the ranks: who computes how many signals, decided anew in every step from the times of the
 * steps before. Pure arithmetic without MPI or clocks, so that training, a Monte Carlo over a thousand ranks and an emulation
 * run the same code.
 *
 *     chirp_balancer_create(ranks, batch, &balancer);
 *     while (...) {
 *         ... a step with chirp_balancer_shares(balancer, 0) ...
 *         chirp_balancer_step(balancer, seconds);
 *     }
 *
 * How it estimates: exponentially weighted means of every rank's seconds a signal, in several gains at once. The gain in
 * use is the one whose estimates would have made the latest steps shortest, so that ranks that keep their speed are averaged
 * over long times and ranks that wander are followed closely. A value far outside the usual changes counts in part, and in
 * full once the next one confirms it: one interrupted step moves nothing about, a rank that became slow is believed after two.
 * When equal shares would have done better in the latest steps, shares are equal.
 *
 * Shares are known one step ahead: those decided after step t hold for step t + 2, so that the signals of step t + 1 can be
 * made during step t.
 */
#ifndef CHIRP_MODEL_TRAINING_BALANCER_H
#define CHIRP_MODEL_TRAINING_BALANCER_H

#include "harness/base/status.h"

#include <stdint.h>

typedef struct chirp_balancer chirp_balancer;

/**
 * Starts with `batch` signals for each rank.
 * @return CHIRP_OK, CHIRP_ERR_ARG (ranks or batch below 1), CHIRP_ERR_NOMEM
 */
chirp_status chirp_balancer_create(int ranks, int64_t batch, chirp_balancer **balancer);
void chirp_balancer_destroy(chirp_balancer *balancer); /**< accepts NULL */

/**
 * Takes the times of the step that was made with chirp_balancer_shares(balancer, 0) and moves on to the next step. O(ranks).
 * @param seconds  [ranks] that a signal took; a value that is not positive and finite counts as not measured
 */
void chirp_balancer_step(chirp_balancer *balancer, const double *seconds);

/**
 * Signals of each rank's passes, at least 1 each, ranks * batch in all. Valid until the next step.
 * @param ahead  0: in the coming step, 1: in the one after it
 */
const int64_t *chirp_balancer_shares(const chirp_balancer *balancer, int ahead);

#endif
