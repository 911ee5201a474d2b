/**
 * The whole study as a list of commands: run one after the other, recorded in study.json, resumable.
 */
#ifndef CHIRP_SUITES_COMMANDS_STUDY_STUDY_H
#define CHIRP_SUITES_COMMANDS_STUDY_STUDY_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CHIRP_STUDY_STEPS = 24, CHIRP_STUDY_WORDS = 48 };

typedef struct chirp_study_options {
    const char *preset; /**< "quick", "paper" or "smoke" */
    const char *folder; /**< made when absent */
    /** NULL: the public file near the project when it is there, else a signal of our own */
    const char *strain;
    double gps; /**< of the merger in `strain` [s] */
    int64_t seed;
    int64_t threads; /**< of all ranks together; 0: all processors this process may use */
    double train_s;  /**< time limit of each training run [s]; 0: the preset's */
    bool resume;     /**< keep what study.json in `folder` says is done */
} chirp_study_options;

typedef enum chirp_step_outcome {
    CHIRP_STEP_WAITING = 0,
    CHIRP_STEP_DONE,
    CHIRP_STEP_KEPT, /**< done by an earlier run */
    CHIRP_STEP_FAILED,
    CHIRP_STEP_SKIPPED, /**< needs a step that failed */
    CHIRP_STEP_INTERRUPTED,
} chirp_step_outcome;

/** One command. */
typedef struct chirp_step {
    char *name; /**< "train": its log is logs/NAME.log */
    /** argv, NULL-terminated; the first is the program or mpiexec */
    char *word[CHIRP_STUDY_WORDS];
    int n_words;
    char *product;        /**< file that proves it is done, NULL: none */
    char *resumable;      /**< NULL, or a file: when it exists, "--resume" is added */
    char *log_of_run;     /**< NULL, or a file that means nothing without `resumable` */
    const char *needs[2]; /**< names of steps that must have succeeded, or NULL */
    /** exit code 1 with the product written is success: a time limit was reached */
    bool may_stop_early;
    chirp_step_outcome outcome;
    int exit_code;
    double seconds; /**< wall time; of the earlier run when kept */
} chirp_step;

typedef struct chirp_study {
    chirp_study_options options;
    char *program;      /**< path that exec uses */
    char *shown;        /**< the program as the user called it: what commands are shown with */
    const char *strain; /**< the file that infer reads */
    char *strain_made;  /**< owned: the file that generate makes, or NULL */
    double gps;
    bool simulated; /**< generate makes the strain */
    int processors;
    char build[64];   /**< commit and version of this program */
    char *kept_build; /**< NULL, or the build whose steps were kept */
    char started[40];
    double seconds;
    chirp_step step[CHIRP_STUDY_STEPS];
    int n_steps;
} chirp_study;

/** Fills in the steps of the preset. */
chirp_status chirp_study_plan(chirp_study *study);

/** The command line of a step as a shell takes it, with `program` shown as `shown`; free with chirp_free(). */
char *chirp_step_command(const chirp_step *step, const char *program, const char *shown);

/** Writes study.json. */
chirp_status chirp_study_record(const chirp_study *study);

/** Marks the steps that study.json of an earlier run, with the same commands, has as done. */
chirp_status chirp_study_recall(chirp_study *study);

/**
 * Runs a command with its output in a file; a signal that ends a job is passed on as SIGTERM, and the child gets 60 seconds to save its work
 * (a second signal ends it at once).
 * @param exit_code    of the child; 128 + signal when one ended it, 127 when it could not be started
 * @param interrupted  set when a signal came
 * @param watch        where the last line of the log is shown each second, or NULL
 */
chirp_status chirp_child_run(char *const *argv, const char *log, FILE *watch, int *exit_code,
                             bool *interrupted);

/**
 * Runs everything.
 * @param code  receives 0, or 1 when a step failed or a signal came
 * @return not CHIRP_OK: nothing was started, or study.json can't be written
 */
chirp_status chirp_study_run(const chirp_study_options *options, int *code);

#endif
