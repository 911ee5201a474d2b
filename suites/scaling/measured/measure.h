/**
 * Scaling measured under mpiexec: one job runs the training step on 1, 2, ... ranks in turn (the others sleep), again and
 * again, so that every repetition has its own one-rank time beside it and slow drifts of the machine cancel.
 *
 * Threads and variational layers may be lists: every pair of them is a series of rows, one for each rank count. Rows of
 * one rank count are measured one after the other, so that a Bayesian step stands beside the deterministic one it is
 * compared with; efficiency compares within a series.
 *
 * A step of one rank falls into parts without gap or overlap:
 *     total = input + compute + waiting + exposed communication + control + optimizer
 *   waiting   from the end of this rank's backward pass to the end of the slowest rank's
 *   exposed   the rest of the time in the exchange of gradients, and starting reductions
 *   control   negotiation (study) and the sums of the loss over ranks
 */
#ifndef CHIRP_SUITES_SCALING_MEASURED_MEASURE_H
#define CHIRP_SUITES_SCALING_MEASURED_MEASURE_H

#include "harness/counters/counters.h"
#include "harness/results/mllog.h"
#include "harness/stats/stats.h"
#include "model/parallel/parallel.h"
#include "model/parallel/places.h"
#include "model/training/trainer.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CHIRP_SCALE_MAX_COUNTS = 32,
    CHIRP_SCALE_MAX_THREADS = 8,
    CHIRP_SCALE_MAX_ROWS = 128,
    CHIRP_SCALE_MAX_CALLS = 64,
    CHIRP_SCALE_MAX_EVENTS = 32
};

typedef struct chirp_scale_options {
    bool strong; /**< the batch is divided over ranks; weak: every rank has the whole batch */
    int n_counts;
    int count[CHIRP_SCALE_MAX_COUNTS];               /**< ranks, ascending, from 1 */
    int n_threads, threads[CHIRP_SCALE_MAX_THREADS]; /**< of a rank; each one a series */
    int n_variants;
    chirp_variant variant[CHIRP_VARIANTS]; /**< each one a series */
    int repetitions, steps, warmup;
    /** batch: of a pass of a rank (weak) or of all ranks' passes (strong); variant and n_threads are those of the row at hand */
    chirp_train_config train;
    /** NULL, or a file for the last repetition's last step on the most ranks */
    const char *timeline;
} chirp_scale_options;

/** Mean seconds over ranks and steps. */
typedef struct chirp_scale_terms {
    double total, input, compute, waiting, exposed, control, optimizer;
    double other;        /**< between steps: total is by the wall clock of the whole block */
    double bytes, calls; /**< per step and rank */
} chirp_scale_terms;

/** A counter of the timed steps of the last repetition, per step, over ranks. */
typedef struct chirp_rank_event {
    char name[32];
    char reason[96]; /**< why some rank couldn't count it, "" when all could */
    double min, mean, max;
} chirp_rank_event;

/** Calls of the timed steps of one repetition. */
typedef struct chirp_scale_calls {
    int n;
    chirp_call_row row[CHIRP_SCALE_MAX_CALLS]; /**< rank 0's */
    double min[CHIRP_SCALE_MAX_CALLS];         /**< [s] a step, over ranks that make the call */
    double max[CHIRP_SCALE_MAX_CALLS];
} chirp_scale_calls;

/** One rank count, all repetitions. */
typedef struct chirp_scale_row {
    int base; /**< the row of its series with one rank */
    int ranks, threads;
    chirp_variant variant;
    int64_t batch;       /**< of a pass of a rank */
    double crowd;        /**< threads of each processor on the fullest computer; 0: unknown */
    bool oversubscribed; /**< more threads than processors on some computer */
    chirp_scale_terms *repetition; /**< [repetitions] */
    double alone_s;                /**< the same exchange with nothing to hide behind, median */
    double alone_bytes;            /**< that it sent: those of a step */
    /** of waiting: what is left when each rank takes its mean time in every step */
    double imbalance_share;
    double compute_min, compute_max; /**< over ranks, of the mean over all steps */
    double *rank_compute;            /**< [ranks] that mean [s] */
    /**
     * [ranks] seconds of a step when all ranks compute at the same time and exchange nothing, after the last repetition: a baseline
     * with the processors, memory and computers of this very row. Zero with one rank.
     */
    double *rank_apart;
    int slowest;           /**< rank that was last most often, -1 with one rank */
    double slowest_share;  /**< of steps */
    double slowest_late_s; /**< mean lateness of that rank behind the first */
    int64_t least, most;   /**< signals of a rank's pass, at the end: unequal by speed */
    /** standard deviation of a step's compute over its mean, without what all ranks share */
    double jitter_relative;
    double jitter_permanent;       /**< share of that variance that stays with a rank */
    double jitter_autocorrelation; /**< lag 1, of the rest */
    int n_events;
    chirp_rank_event event[CHIRP_SCALE_MAX_EVENTS];
    double calls_wall_s;     /**< of the steps that the calls are of: the last repetition's */
    chirp_scale_calls calls; /**< what this program waits for, by collective and size */
} chirp_scale_row;

typedef struct chirp_scale {
    chirp_scale_options options;
    chirp_place *places; /**< [ranks of the job] on rank 0, NULL elsewhere */
    int n_rows;
    chirp_scale_row row[CHIRP_SCALE_MAX_ROWS]; /**< series by series, ranks ascending */
} chirp_scale;

/** Mean, least and most of rank_apart, and what the row's last repetition keeps of it, as efficiency. */
typedef struct chirp_scale_apart {
    double mean, min, max, efficiency;
} chirp_scale_apart;
/** @return false with one rank */
bool chirp_scale_against_apart(const chirp_scale *scale, int row, chirp_scale_apart *apart);

/** Called on rank 0 after each block; may be NULL. */
typedef void (*chirp_scale_progress)(void *context, int done, int of);

/**
 * Collective over the whole job. Results are complete on rank 0 only.
 * @param scale  release with chirp_scale_release() on every rank
 */
chirp_status chirp_scale_measure(const chirp_scale_options *options, chirp_scale_progress progress,
                                 void *context, chirp_scale *scale);
void chirp_scale_release(chirp_scale *scale);

/** Index of the repetition that a row reports: the one of median efficiency, or of median time for one rank. */
int chirp_scale_median(const chirp_scale *scale, int row);
/**
 * Efficiency against the one-rank row of the same series, paired by repetition; the interval of its median. One repetition
 * has none: its confidence is 0.
 */
chirp_status chirp_scale_efficiency(const chirp_scale *scale, int row, chirp_interval *efficiency);
/**
 * Time of a step over that of the deterministic network on as many ranks and threads, paired by repetition.
 * @return false when the row is deterministic itself, or nothing deterministic was measured beside it
 */
bool chirp_scale_cost(const chirp_scale *scale, int row, chirp_interval *ratio);

/** Points of efficiency (of 100) that a row loses to each part against its one-rank row; they add up to `sum`. */
typedef struct chirp_scale_budget {
    double compute;   /**< computing longer than one rank alone does */
    double imbalance; /**< waiting for ranks that are late on average */
    double slowest;   /**< the rest of waiting: for whoever is last in a step */
    double exposed, control, input, optimizer, other, sum;
} chirp_scale_budget;
void chirp_scale_loss(const chirp_scale *scale, int row, chirp_scale_budget *budget);
/** A sentence when repetitions are too few for intervals of 95 %, or for any. @return false when they are enough */
bool chirp_scale_interval_doubt(const chirp_scale *scale, char *text, size_t size);
/** A sentence about the row's slow rank. @return false when none is slow */
bool chirp_scale_slow(const chirp_scale *scale, int row, char *text, size_t size);

/**
 * Step time of a row predicted from the rows of its series with fewer ranks; see predict.c.
 * @return false when there is none beside the one-rank row
 */
bool chirp_scale_predict(const chirp_scale *scale, int row, double *seconds);

/** Fills row->event from what each rank of the group has counted in `steps` steps; complete on rank 0. Collective. */
chirp_status chirp_rank_counters(const chirp_events *events, int steps, chirp_scale_row *row);

/** The result as tables on stdout. */
void chirp_scale_print(const chirp_scale *scale);

/** The result as JSON text; free with chirp_free(). */
chirp_status chirp_scale_json(const chirp_scale *scale, char **text);

/** A line for each row in the MLPerf logging format: median step time, signals a second, efficiency; and the run's end.
 * @param scale  NULL: measuring failed @param log  NULL: nothing is written */
void chirp_scale_lines(const chirp_scale *scale, chirp_mllog *log);

/**
 * Layer times of one pass on this rank alone, as `project --profile` reads them.
 * @param path  JSON file to write
 */
chirp_status chirp_scale_profile(const chirp_train_config *config, const char *path);

#endif
