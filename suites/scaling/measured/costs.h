/**
 * What exchanging costs between the ranks of this job, as the two numbers of a plan, and the machine at hand as two files for
 * `chirpbench project`. The numbers are fitted on the fewest ranks and tested on the others.
 */
#ifndef CHIRP_SUITES_SCALING_MEASURED_COSTS_H
#define CHIRP_SUITES_SCALING_MEASURED_COSTS_H

#include "suites/scaling/measured/measure.h"

enum { CHIRP_COST_SIZES = 6, CHIRP_MAX_COSTS = CHIRP_SCALE_MAX_COUNTS * CHIRP_COST_SIZES };

/** One allreduce (the kind that the gradient exchange starts), the slowest rank's median. */
typedef struct chirp_cost_point {
    int ranks;
    double bytes, seconds;
    double fitted_s; /**< by the formula that projections use */
    bool held_out;   /**< the fit hasn't seen it */
} chirp_cost_point;

typedef struct chirp_exchange_costs {
    bool one_computer;          /**< all ranks; otherwise every rank has a computer of its own */
    int processors;             /**< of that computer, as this process may use them */
    double latency_s;           /**< half a round trip of 8 bytes between ranks 0 and 1 */
    double bandwidth;           /**< [B/s] 64 messages of 1 MiB in flight, one way */
    double copy_bandwidth;      /**< [B/s] memcpy of the study's gradient */
    double triad_bandwidth;     /**< [B/s] of all threads, arrays of the study's gradient */
    double fixed_s, per_byte_s; /**< of exchanging with one partner, wire included; fitted */
    int fitted_ranks;           /**< the most that the fit has seen */
    int n;
    chirp_cost_point point[CHIRP_MAX_COSTS];
} chirp_exchange_costs;

/**
 * Collective over the job; complete on rank 0 only.
 * @param count  rank counts, ascending; those below 2 are skipped
 * @return CHIRP_ERR_UNSUPPORTED when some computers hold one rank and some several: no plan could say who is where
 */
chirp_status chirp_costs_measure(const int *count, int n_counts, chirp_exchange_costs *costs);

/** The fit alone: fixed_s, per_byte_s, and each point's fitted_s and held_out, from the points. */
void chirp_costs_fit(chirp_exchange_costs *costs);

/** The NAME of NAME.json. @return CHIRP_ERR_ARG when `path` is no such file name, or NAME is longer than 47 bytes */
chirp_status chirp_machine_name(const char *path, char name[48]);

/**
 * Writes `path` (NAME.json) and NAME.xml beside it: rates, exchange costs, jitter and step times as measured. On one
 * computer the machine has as many hosts as the job has ranks; otherwise 4096 behind an ideal switch.
 */
chirp_status chirp_machine_write(const char *path, const chirp_scale *scale,
                                 const chirp_exchange_costs *costs);

#endif
