/**
 * Step times on other node counts, from jobs that were measured on some: `project --calibrate`. What is predicted is the program that
 * was measured, not chirpbench: synchronous training by MPI_Allreduce, or a pass without synchronisation.
 *
 *     T(N) = (T(N0) + waiting(N) - waiting(N0) + allreduce(N) - allreduce(N0) + start (N / N0 - 1)) * slow(N) / slow(N0) * data(N) / data(N0)
 *
 * T(N0): mean step of the measured jobs. waiting: every law of waiting.h with its weight. start: what an epoch's phase takes
 * before its first step, over its steps, of which more nodes have fewer; between one step and all that evaluation takes beyond a
 * third of training's step, equally likely on a logarithmic scale. slow: epochs far above a job's median come from the whole
 * machine (as many whatever N) or from single nodes (in proportion to N), equally likely. data: what steps take longer later
 * in a job than in its first epochs comes, with a probability of a third, from the samples that a node holds by then,
 * of which more nodes have fewer each. Jobs differ by Student's law of the logarithm
 * of their mean steps.
 *
 * The result is the distribution of the mean step of one further job; interval_90 its quantiles at 5 and 95 %.
 */
#ifndef CHIRP_SUITES_SCALING_PROJECTED_FORECAST_H
#define CHIRP_SUITES_SCALING_PROJECTED_FORECAST_H

#include "suites/scaling/projected/jobs.h"
#include "suites/scaling/projected/waiting.h"
#include "suites/scaling/projected/workload.h"

/** What changes a step's time with the number of nodes. */
typedef enum chirp_forecast_cause {
    CHIRP_FORECAST_WAITING = 0, /**< waiting and the allreduce */
    CHIRP_FORECAST_START,       /**< starting a phase */
    CHIRP_FORECAST_SLOW,        /**< slow epochs */
    CHIRP_FORECAST_DATA,        /**< data that a node holds */
    CHIRP_FORECAST_CAUSES
} chirp_forecast_cause;

typedef struct chirp_forecast {
    double seconds;                          /**< median */
    double interval[2];                      /**< 90 %, for the mean step of one job */
    double growth[CHIRP_FORECAST_CAUSES][3]; /**< [1] over T(N0): quantiles at 5, 50 and 95 % */
} chirp_forecast;

/** Key of a cause in files. */
const char *chirp_forecast_key(chirp_forecast_cause cause);

/**
 * Gives each law the weight that it has after more measured node counts than one. With one nothing changes.
 * @param plan  any plan of the machine and workload, in which ranks negotiate
 */
chirp_status chirp_forecast_weigh(const chirp_jobs *jobs, const chirp_plan *plan, bool forward_only,
                                  chirp_waiting_laws *laws);

/**
 * @param plan  as above
 * @return CHIRP_ERR_ARG when the jobs lack the phase that the workload is
 */
chirp_status chirp_forecast_make(const chirp_jobs *jobs, const chirp_plan *plan, bool forward_only,
                                 const chirp_waiting_laws *laws, int nodes,
                                 chirp_forecast *forecast);

#endif
