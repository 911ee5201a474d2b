/**
 * The load balancer of training (model/training/balancer.h) replayed on ranks whose speeds are drawn: how much of the machine
 * it keeps when speeds stay, wander, or break off for a while. A Monte Carlo; nothing is measured and no network simulated.
 *
 * A signal takes rank r in step t
 *
 *     c = max(0.05, 1 + permanent(r) + wandering(r, t) + fresh(r, t)), longer in a rare step and during an episode
 *
 * in units of the nominal time: normal numbers, the wandering ones with autocorrelation exp(-lag / correlation_steps) and
 * from their stationary distribution on. A step takes as long as its last rank, plus a constant for communication.
 */
#ifndef CHIRP_SUITES_SCALING_CONTROLLER_CONTROLLER_H
#define CHIRP_SUITES_SCALING_CONTROLLER_CONTROLLER_H

#include "suites/scaling/projected/engine.h"

#include <stdint.h>

/** How speeds vary. Deviations are relative to the nominal time of a signal. */
typedef struct chirp_speed_model {
    const char *name;
    double permanent;         /**< standard deviation between ranks, for good */
    double wandering;         /**< of what wanders */
    double correlation_steps; /**< its correlation time */
    double fresh;             /**< new in every step */
    double rare_share;        /**< of a rank's steps that are longer */
    double rare_factor;       /**< how long they are */
    double episodes;          /**< ranks in an episode at a time, of 1024; mean */
    double episode_factor;    /**< how long a signal takes meanwhile */
    int episode_steps;
    int steps; /**< of a run */
} chirp_speed_model;

/** The table that `project --controller` prints. @return NULL behind the last */
const chirp_speed_model *chirp_speed_model_at(int i);

enum { CHIRP_CONTROLLER_RUNS = 4 };
/** What `project` finds for halving on 1024 nodes of Theta. */
#define CHIRP_CONTROLLER_COMMUNICATION 0.0086

typedef struct chirp_controller_options {
    int ranks;
    int64_t batch;        /**< signals of a pass, mean over ranks */
    int runs;             /**< independent runs of each model: at least 2 */
    double communication; /**< seconds of a step over those of a nominal pass */
    uint64_t seed;
} chirp_controller_options;

/** A mean over runs with its standard error. */
typedef struct chirp_controller_number {
    double mean, error;
} chirp_controller_number;

/** Nominal signals computed over those that as many nominal ranks compute in that time without communication: 1 is all. */
typedef struct chirp_controller_row {
    chirp_controller_number equal;    /**< every rank has `batch` signals */
    chirp_controller_number followed; /**< the balancer's shares */
    chirp_controller_number
        ideal; /**< speeds known in advance, fractions of signals: no way to share is better */
    chirp_controller_number gain; /**< followed over equal, of the same run */
    chirp_controller_number kept; /**< followed over ideal, of the same run: at most 1 */
    chirp_controller_number
        partial; /**< followed with a deadline (model/training/deadline.h): a rank that misses it is left out of the step */
    chirp_controller_number left_out; /**< of all signals, which `partial` doesn't count */
    chirp_controller_number
        carried; /**< the same, but a late rank goes on, counts in the next step, and begins that one late */
    chirp_controller_number late; /**< of all signals, which `carried` counts a step later */
} chirp_controller_row;

/**
 * Runs in threads: OMP_NUM_THREADS. The same seed gives the same row.
 * @return CHIRP_OK, CHIRP_ERR_ARG, CHIRP_ERR_NOMEM
 */
chirp_status chirp_controller_replay(const chirp_speed_model *model,
                                     const chirp_controller_options *options,
                                     chirp_controller_row *row);

/**
 * The same balancer on the same drawn speeds inside the simulation of a plan's messages: every rank is measured by the simulated clock, and
 * nothing is known beforehand. One child process for each run.
 * @param plan      its ranks, batch and steps are the options' and the model's; its jitter and shares are not used
 * @param followed  as in the row, of the simulated steps
 * @return also CHIRP_ERR_UNSUPPORTED in a build without SimGrid
 */
chirp_status chirp_controller_simulate(const chirp_speed_model *model,
                                       const chirp_controller_options *options,
                                       const chirp_plan *plan, chirp_controller_number *followed);

/**
 * Prints the table, a row for each model, and writes it to `json` first.
 * @param plan  simulated as well, plan->steps steps of each model at most; NULL: no simulation
 * @param json  NULL: no file
 */
chirp_status chirp_controller_report(const chirp_controller_options *options,
                                     const chirp_plan *plan, const char *json);

/** Seed of one run's speeds. */
uint64_t chirp_controller_seed(const chirp_controller_options *options, int run);
/** Mean and standard error of runs, [runs] values. */
chirp_controller_number chirp_controller_mean(const double *value, int runs);

/** Speeds of one run, step by step. */
typedef struct chirp_speeds chirp_speeds;
chirp_status chirp_speeds_create(const chirp_speed_model *model, int ranks, uint64_t seed,
                                 chirp_speeds **speeds);
/** [ranks] what a signal takes in the next step, over the nominal time. Valid until the next call. */
const double *chirp_speeds_next(chirp_speeds *speeds);
void chirp_speeds_destroy(chirp_speeds *speeds); /**< accepts NULL */

#endif
