/**
 * A training run in MLPerf's lines (harness/results/mllog.h). An epoch is what lies between two held-out checks: signals are made on the fly,
 * so that none comes twice. eval_accuracy is the mean relative error of the held-out signals, negative, as CosmoFlow of MLPerf HPC logs its
 * error: larger is better. A run whose error did not reach the target ends with the status "aborted".
 */
#ifndef CHIRP_MODEL_TRAINING_RUN_LINES_H
#define CHIRP_MODEL_TRAINING_RUN_LINES_H

#include "harness/results/mllog.h"
#include "model/training/trainer.h"

/** On rank 0; zeroed elsewhere and where nobody wants lines. */
typedef struct chirp_run_lines {
    chirp_mllog *log; /**< the caller's */
    int epoch;
    bool open; /**< an epoch is under way */
} chirp_run_lines;

/** What is trained and how: ends the initialisation and starts the run. */
void chirp_run_lines_begin(chirp_run_lines *lines, const chirp_trainer *trainer);
/** Before a step. */
void chirp_run_lines_step(chirp_run_lines *lines, int64_t iteration);
/** Before and after a held-out check. @param held_out  NULL: it failed */
void chirp_run_lines_check(chirp_run_lines *lines, int64_t iteration);
void chirp_run_lines_checked(chirp_run_lines *lines, int64_t iteration,
                             const chirp_validation *held_out);
/** @param end  what ended the run, in a word @param reached  the target */
void chirp_run_lines_end(chirp_run_lines *lines, int64_t iteration, const char *end, bool reached);

#endif
