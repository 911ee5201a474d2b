/**
 * How waiting grows with the number of ranks. A few nodes don't tell which law holds, so none is chosen: every law that could
 * be behind the observations gets a weight by its likelihood, and whoever projects carries all of them.
 *
 *     extra(N) = allreduce(N) + copies + cycles + size * growth(N)
 *
 * with growth by form: the expected maximum of N normal numbers (nodes that differ for good), log2 N (synchronisation), or
 * 1 - (1 - rate)^N (rare events that hold up everybody: linear in N until each step has one). cycles and size are at least 0; waiting
 * is at most the one-node step at the most nodes observed, and an event at most doubles a step.
 * An observation errs by 1 % for reading it off a plot, the one-node step that all are relative to by another 1 %. If nodes differ
 * for good, jobs on different nodes scatter as the maximum of so few numbers does; jobs on nested sets of the same nodes
 * scatter by a third of it around the fitted curve (Monte Carlo with 2, 4, 6 and 8 nodes).
 */
#ifndef CHIRP_SUITES_SCALING_PROJECTED_WAITING_H
#define CHIRP_SUITES_SCALING_PROJECTED_WAITING_H

#include "suites/scaling/projected/plan.h"

typedef enum chirp_waiting_form {
    CHIRP_WAITING_PERMANENT = 0,  /**< nodes differ for good; every job had other nodes */
    CHIRP_WAITING_PERMANENT_SAME, /**< nodes differ for good; all jobs had the same nodes */
    CHIRP_WAITING_LOG,            /**< log2 N */
    CHIRP_WAITING_RARE,           /**< rare events */
    CHIRP_WAITING_FORMS
} chirp_waiting_form;

/** One law with its numbers. */
typedef struct chirp_waiting {
    chirp_waiting_form form;
    int network;     /**< of the machine's observations */
    bool absolute;   /**< the size is in seconds; else relative to the step without waiting */
    double rate;     /**< [1] of rare events, per node and step */
    double cycles_s; /**< [s] a step, where ranks negotiate */
    double size_s;   /**< [s] times growth, at the observed one-node step */
    double weight;   /**< all laws' sum is 1 */
} chirp_waiting;

typedef struct chirp_waiting_laws {
    int n;
    chirp_waiting *law;
    double one_node_s; /**< [s] the observed step */
    bool plan_cycles;  /**< nothing was fitted: cycles are the plan's */
    /** [1] how much of a network's weight each form has; networks count alike */
    double form_weight[CHIRP_MAX_OBSERVED_NETWORKS][CHIRP_WAITING_FORMS];
} chirp_waiting_laws;

/** "nodes differ for good, other nodes in each job", ... Static. */
const char *chirp_waiting_title(chirp_waiting_form form);

/** [1] growth(N). */
double chirp_waiting_growth(const chirp_waiting *law, int ranks);

/**
 * All laws that a machine's observations allow, with weights.
 * @return CHIRP_ERR_ARG for a machine without observations; release with chirp_waiting_release()
 */
chirp_status chirp_waiting_fit(const chirp_machine *machine, chirp_waiting_laws *laws);
/**
 * Where nothing was observed but a spread is known: nodes that differ by it for good, and, unless `exact`, by half and by twice as much.
 * @param relative  [1] standard deviation over nodes
 */
chirp_status chirp_waiting_of_spread(double relative, bool exact, chirp_waiting_laws *laws);
/** Accepts a zeroed value. */
void chirp_waiting_release(chirp_waiting_laws *laws);

/**
 * Efficiency of a plan under every law, by the closed form: its quantiles at 5 and 95 %. Waiting is removed by shares only where nodes
 * differ for good, and never falls below the machine's step-to-step noise.
 */
chirp_status chirp_waiting_band(const chirp_waiting_laws *laws, const chirp_plan *plan,
                                double band[2]);

/** A value and its weight, for quantiles. */
typedef struct chirp_weighted {
    double value, weight;
} chirp_weighted;

/** Sorts. @return the smallest value that has the share p of all weight at or below it; items n >= 1 */
double chirp_weighted_quantile(chirp_weighted *items, size_t n, double p);

#endif
