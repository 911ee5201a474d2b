/** Step times that somebody measured in whole jobs on one or more node counts: what `project --calibrate` reads. */
#ifndef CHIRP_SUITES_SCALING_PROJECTED_JOBS_H
#define CHIRP_SUITES_SCALING_PROJECTED_JOBS_H

#include "harness/base/status.h"

enum {
    CHIRP_MAX_JOBS = 64,
    CHIRP_MAX_JOB_COUNTS = 8,
    CHIRP_MAX_JOB_EPOCHS = 10000,
    CHIRP_JOB_PHASES = 2
};

/** What a job alternates between. */
typedef enum chirp_job_phase { CHIRP_JOB_TRAINING = 0, CHIRP_JOB_EVALUATION } chirp_job_phase;

/** Jobs on one node count. */
typedef struct chirp_job_count {
    int nodes, ranks_per_node, samples_per_rank;
    double gradient_bytes;
    int steps[CHIRP_JOB_PHASES]; /**< of a rank in an epoch; 0: the phase was not measured */
    int n;
    double mean_s[CHIRP_JOB_PHASES][CHIRP_MAX_JOBS];   /**< [s] of a step, over a job's epochs */
    double median_s[CHIRP_JOB_PHASES][CHIRP_MAX_JOBS]; /**< [s] */
    /** [s] median of the first tenth of the epochs, without the first; of fewer than 20 epochs that of all */
    double early_s[CHIRP_JOB_PHASES][CHIRP_MAX_JOBS];
} chirp_job_count;

typedef struct chirp_jobs {
    int n;                                       /**< 0: none were read */
    chirp_job_count count[CHIRP_MAX_JOB_COUNTS]; /**< nodes ascending */
} chirp_jobs;

/** Key of a phase's step times in the file: "training_step_s", "evaluation_step_s". */
const char *chirp_job_key(chirp_job_phase phase);

/**
 * Reads one node count, or a list of them: a JSON object, or an array of such objects, with nodes, ranks_per_node, samples_per_rank,
 * gradient_bytes, training_steps_per_epoch, evaluation_steps_per_epoch and jobs, each with a step time for each of its epochs;
 * suites/scaling/predictions/README.md has all members.
 * @return CHIRP_ERR_FORMAT with file, member and remedy; CHIRP_ERR_IO; CHIRP_ERR_NOMEM
 */
chirp_status chirp_jobs_read(const char *path, chirp_jobs *jobs);

#endif
