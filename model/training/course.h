/** What changes in the course of a run: learning rate, weight of the KL divergence, average of the parameters. */
#ifndef CHIRP_MODEL_TRAINING_COURSE_H
#define CHIRP_MODEL_TRAINING_COURSE_H

#include "model/training/trainer.h"

/** Where a run is before a step. */
typedef struct chirp_train_place {
    int64_t step;    /**< steps done */
    double progress; /**< share of the run that is over: of its iterations, or of its time */
} chirp_train_place;

/** Steps of the whole run: the configured ones, or as many as fit into its time at the pace so far. */
double chirp_course_steps(const chirp_train_config *config, chirp_train_place at);

/**
 * The step's learning rate. "constant", as in the study: the base rate over warmup_steps, then base rate times ranks.
 * "cosine": base rate times ranks, reached linearly over warmup_steps (at most a tenth of the run), held for the share
 * rate_hold of the run, and then down half a cosine to final_rate.
 */
double chirp_course_rate(const chirp_train_config *config, chirp_train_place at);

/** What the weight of the KL divergence is multiplied by: grows from 0 to 1 over config->kl_warmup. */
double chirp_course_kl(const chirp_train_config *config, chirp_train_place at);

/**
 * What the averaged parameters move towards the trained ones by after the step: an exponential average over the share
 * config->average of the run, taken every few steps, and over all steps while these are fewer. 0: not after this step.
 */
double chirp_course_average(const chirp_train_config *config, chirp_train_place at);

/**
 * Gradient clipping at config->clip times the typical norm, a running median: every norm moves the median by a factor towards
 * itself, 2 % later in a run and more in its first steps.
 * @param typical  the running median, 0 before the first step; updated
 * @return what the gradient is to be multiplied by, at most 1
 */
double chirp_course_clip(const chirp_train_config *config, int64_t step, double norm,
                         double *typical);

#endif
