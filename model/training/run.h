/**
 * A whole training run around the trainer: log, checkpoints, resume, held-out checks, early stopping, clean
 * interruption.
 */
#ifndef CHIRP_MODEL_TRAINING_RUN_H
#define CHIRP_MODEL_TRAINING_RUN_H

#include "harness/results/mllog.h"
#include "model/training/trainer.h"

typedef struct chirp_run_options {
    /** JSON lines, one a step, a run's first with each rank's host, PID and threads; NULL: none */
    const char *log;
    const char *checkpoint; /**< NULL: none */
    const char *
        keep_best; /**< a checkpoint at every held-out check with the least score so far; NULL: none */
    int64_t checkpoint_every; /**< steps; also at the end and when interrupted */
    bool resume;              /**< continue from `checkpoint`, which must exist */
    int64_t validate_every;   /**< steps between held-out checks; also at the end */
    /** stop cleanly after this long; 0: no limit. Schedule "cosine" then follows the time, and the run is complete after it */
    double max_seconds;
    bool quiet;         /**< no progress on stderr */
    chirp_mllog *mllog; /**< rank 0: lines of the run, behind its init_start; NULL: none */
} chirp_run_options;

typedef enum chirp_run_end {
    CHIRP_RUN_ITERATIONS,
    CHIRP_RUN_TARGET,
    CHIRP_RUN_TIME, /**< the time that the schedule followed is over */
    CHIRP_RUN_INTERRUPTED,
    CHIRP_RUN_ENDS
} chirp_run_end;

extern const char *const chirp_run_end_name[CHIRP_RUN_ENDS];

typedef struct chirp_run_result {
    chirp_run_end end;
    int64_t iteration;
    chirp_validation held_out; /**< at the end */
    double seconds;            /**< of this run */
    double signals_per_second; /**< over all ranks, median step of this run */
    int64_t signals,
        left_out; /**< of this run; with a deadline: those of them that late ranks were left out with */
    chirp_step_report last;
} chirp_run_result;

/**
 * Trains until the trainer's iterations are done, the held-out relative error stays below the target, or a signal between
 * chirp_stop_begin() and chirp_stop_end(), also one that came before this call, or the time limit ask for an end; then the
 * checkpoint is saved and result->end says which. Collective.
 * Without `resume` an existing checkpoint or log is an error, so that nothing is overwritten; with it, log lines past
 * the checkpoint are dropped. On divergence (CHIRP_ERR_NUMERIC) the last good checkpoint stays.
 */
chirp_status chirp_training_run(chirp_trainer *trainer, const chirp_run_options *options,
                                chirp_run_result *result);

#endif
