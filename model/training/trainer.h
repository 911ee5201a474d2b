/**
 * Training, one step at a time: signals -> forward -> negative ELBO -> backward -> gradient exchange -> optimiser.
 *
 *     chirp_train_config config = chirp_train_config_default();
 *     chirp_trainer_create(&config, &trainer);
 *     while (...) chirp_trainer_step(trainer, &report);
 *
 * Data parallel: a step has ranks * accumulate * batch signals, numbered through. A rank takes neighbouring ones, in
 * `accumulate` forward and backward passes whose gradients it adds in order, and exchanges once. Passes have `batch` signals,
 * or as many as the rank's share (shares.h): gradients, and the KL term with them, are weighed so that their mean over ranks
 * is that over signals. What a signal and its draws are depends on (seed, iteration, its number) alone, so R ranks of batch B
 * with K passes train as one rank of batch R*K*B, however signals are shared: with shared weight noise on one draw a step,
 * with independent noise on one draw a pass.
 * One seed gives bitwise the same losses for any number of threads and across a resume (exceptions: shares "measured", deadlines,
 * and bf16 compression across a resume, see chirp_trainer_resume()).
 */
#ifndef CHIRP_MODEL_TRAINING_TRAINER_H
#define CHIRP_MODEL_TRAINING_TRAINER_H

#include "harness/base/status.h"
#include "model/inference/likelihood.h"
#include "model/network/network.h"
#include "model/parallel/exchange.h"
#include "model/signal/curriculum.h"
#include "model/signal/generator.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum chirp_optimizer {
    CHIRP_OPTIMIZER_ADAM = 0,
    CHIRP_OPTIMIZER_SGD,
    CHIRP_OPTIMIZERS
} chirp_optimizer;
extern const char *const chirp_optimizer_name[CHIRP_OPTIMIZERS];

/** How the learning rate goes, see course.h. */
typedef enum chirp_rate {
    CHIRP_RATE_CONSTANT = 0,
    CHIRP_RATE_COSINE, /**< over the iterations, or over the run's time where that is limited */
    CHIRP_RATE_COSINE_ITERATIONS, /**< over the iterations, however many runs they take */
    CHIRP_RATES
} chirp_rate;
extern const char *const chirp_rate_name[CHIRP_RATES];

typedef struct chirp_train_config {
    const char *network; /**< "spin" or "mass" */
    chirp_variant variant;
    chirp_variational_estimator estimator;
    int64_t batch;      /**< signals of a forward and backward pass, mean over ranks: 64 */
    int64_t accumulate; /**< passes per rank between exchanges: 1 */
    /** signals of each rank's passes: "equal", batch each; "measured", ranks * batch shared by speed; or a list, "70,58" */
    const char *shares;
    bool deadline;      /**< steps don't wait for all ranks: participation.h */
    int64_t iterations; /**< optimiser steps in all: 120,000 */
    uint64_t seed;

    chirp_optimizer optimizer;
    double learning_rate;         /**< 0.0008 */
    double momentum;              /**< of SGD; Adam's beta1: 0.9 */
    chirp_rate schedule;          /**< cosine */
    int64_t warmup_steps;         /**< of the schedule: 200 */
    double rate_hold, final_rate; /**< of a falling rate: 0.3 of the run, 1e-5 */
    double clip; /**< gradients are cut to this many times their typical norm: 5; 0: never */
    double
        average; /**< share of the run that parameters are averaged over: 0.02; 0: not averaged */
    int64_t
        rate_ranks; /**< that number: 0 takes the ranks at hand; a resume keeps it when ranks change */
    double dropout; /**< 0: signals made on the fly never repeat; the study: 0.1 */

    /** standardised: true; chirp_trainer_create() fills in centres and units */
    chirp_label_map labels;
    bool learned_scale; /**< likelihood's scale is an output of every leaf, else fixed */
    double
        noise_scale; /**< the fixed scale, or where the learned one starts: 0.25, in units of the label map */
    double kl_weight; /**< factor of KL per signal; 0 means 1 / signals of the whole training */
    double
        kl_warmup; /**< kl_weight grows linearly from 0 over this share of the run, 0.25, or from 1 on over so many steps */
    double prior_sigma; /**< 1 */
    double initial_rho; /**< -7: posterior sigmas start at 0.0009; the study's are 0.0067 (-5) */
    bool
        independent_noise; /**< every pass draws its own weight noise, as the study's ranks did, instead of one draw a step: true */
    bool dense2_relu;      /**< puts the removed activation back */

    chirp_signal_config signal; /**< its seed and threads are overwritten with the ones here */
    const char *curriculum;     /**< "start", "study", "none" or stages: chirp_train_curriculum() */
    const char *data; /**< data set file (model/signal/dataset.h); NULL: made on the fly */
    int64_t validation_signals; /**< held-out signals: 256 */
    double target_error;        /**< 0: the network's own threshold */

    chirp_exchange_config exchange;
    chirp_conv1d_algorithm algorithm;
    int n_threads; /**< 0: omp_get_max_threads() */
} chirp_train_config;

/**
 * The SNR range by training signal. "study": the study trained on six files of falling SNR, switched at 7.5, 15, 22.5, 30,
 * 40 and 50 % of its iterations; ours switch at the same shares of config->iterations and fall to the configured SNR
 * range in the ratios of chirp_curriculum_parse("study") (the study's SNRs are not public). "none": the configured range
 * throughout. "start": from 0.6 of the largest SNR on in the first 2 % of the iterations, at least 500 and at most a quarter of
 * them, then the configured range: weak signals alone don't lead away from the guess of the prior's median.
 * Otherwise "0:60-100,9000:40-80": iteration:least-largest.
 */
chirp_status chirp_train_curriculum(const chirp_train_config *config, int ranks,
                                    chirp_curriculum *curriculum);

/** Signals of one optimiser step over all ranks. */
int64_t chirp_train_step_signals(const chirp_train_config *config, int ranks);

/** What trains best; chirp_train_config_study() in parameters.h has what the study trained with. */
chirp_train_config chirp_train_config_default(void);

/** The network that a configuration trains, for passes of `batch` signals. */
chirp_network_config chirp_train_network(const chirp_train_config *config,
                                         const chirp_network_spec *spec, int64_t batch);

/** The likelihood of a configuration whose labels field is filled. */
chirp_status chirp_train_likelihood(const chirp_train_config *config, chirp_likelihood *likelihood);

/** Seconds of one step, all its passes together; a benchmark and the scaling suite read it. */
typedef struct chirp_step_profile {
    double signals_s, forward_s, backward_s, exchange_s, optimizer_s, total_s;
    chirp_exchange_profile exchange;
} chirp_step_profile;

typedef struct chirp_step_report {
    int64_t iteration; /**< counts from 1 */
    double loss;       /**< negative ELBO per signal, mean over ranks [nats] */
    double negative_log_likelihood;
    double kl; /**< [nats], unweighted */
    double
        relative_error; /**< mean over leaves, on this step's training batch, with sampled weights and dropout */
    double learning_rate;
    double gradient_norm; /**< before clipping */
    double clipped;       /**< what clipping multiplied the gradient by: 1 when it was left alone */
    const int64_t *
        shares; /**< [ranks] signals of each rank's passes on rank 0: in the first step and, when they are "measured",
                                every ten steps; else NULL. NULL for "equal". Valid until the next step */
    int64_t
        left_out; /**< signals that some tensors' gradients lack, as ranks were late; 0 without deadline */
    double
        deadline_s; /**< how long this step waited for ranks; INFINITY: for all, however long [s] */
    double active_neurons; /**< chirp_network_active_share() of this rank's last pass */
    bool stop;             /**< some rank has asked to stop: the same on every rank */
    chirp_step_profile profile;
} chirp_step_report;

typedef struct chirp_trainer chirp_trainer;

/** Starts nothing in the background; needs chirp_parallel_init() before. Collective under MPI. */
chirp_status chirp_trainer_create(const chirp_train_config *config, chirp_trainer **trainer);
void chirp_trainer_destroy(chirp_trainer *trainer); /**< accepts NULL */

/**
 * One optimiser step. Collective.
 * @return CHIRP_ERR_NUMERIC when the loss or a gradient is not finite: parameters are then as before the step; without clipping
 *         they are so from the first bucket (of all ranks together) on that is not finite, and those ahead of it may have moved
 */
chirp_status chirp_trainer_step(chirp_trainer *trainer, chirp_step_report *report);

/** This rank wants to stop (a signal, a time limit): the next step's report says so on every rank. */
void chirp_trainer_request_stop(chirp_trainer *trainer);

/**
 * The schedule follows time from now on: on rank 0 the share of it that is over, which all ranks learn with the next step and
 * use from the one after it. Training is then not repeated bitwise.
 */
void chirp_trainer_set_progress(chirp_trainer *trainer, double share);
/** Share of the run that is over, by its iterations or its time, whichever is more. */
double chirp_trainer_progress(const chirp_trainer *trainer);

/** Held-out signals with mean weights, averaged parameters (see average) and no dropout. */
typedef struct chirp_validation {
    /** [leaves] mean |prediction - label| / mean |label| of each, and of guessing the median of the labels themselves */
    double relative_error[CHIRP_MAX_LEAVES], guess_error[CHIRP_MAX_LEAVES];
    double mean_relative_error, mean_guess_error; /**< over leaves */
    double crps[CHIRP_MAX_LEAVES]; /**< mean over signals, physical units: chirp_crps_normal() */
    double
        negative_log_likelihood; /**< per signal [nats, in units of the label map]: decides which checkpoint is best */
    bool best; /**< of all so far, also before a resume */
    bool
        target_reached; /**< mean error below the target in CHIRP_TRAIN_CROSSINGS checks in a row */
} chirp_validation;

enum { CHIRP_TRAIN_CROSSINGS = 2 };

/** Collective. */
chirp_status chirp_trainer_validate(chirp_trainer *trainer, chirp_validation *validation);

/** The target that early stopping uses. */
double chirp_trainer_target(const chirp_trainer *trainer);
int64_t chirp_trainer_iteration(const chirp_trainer *trainer);
/** Whether a tensor's gradient travels: with one weight draw for all ranks those of the rhos stay at home. */
bool chirp_trainer_sends(const chirp_trainer *trainer, int tensor);
/** [ranks] signals of each rank's passes in the next step, on rank 0; NULL on the others. */
const int64_t *chirp_trainer_shares(const chirp_trainer *trainer);
chirp_network *chirp_trainer_network(chirp_trainer *trainer);
/** The gradient exchange, for its events (timelines). */
const chirp_exchange *chirp_trainer_exchange(const chirp_trainer *trainer);
const chirp_train_config *chirp_trainer_config(const chirp_trainer *trainer);

/** Writes a checkpoint (rank 0 writes, all call). */
chirp_status chirp_trainer_save(chirp_trainer *trainer, const char *path);
/**
 * Continues from a checkpoint whose configuration is the same in every field that parameters.c marks SAME, with any number of
 * ranks whose total batch (ranks * accumulate * batch) is the same; the learning rate stays that of the ranks it began with.
 * Collective; rank 0 reads, and the others get what it read.
 * Training goes on bitwise as if it had not been interrupted when ranks and options are the same, and to rounding when
 * they are not. Of what was under way between ranks:
 *   bf16     what rounding held back is not saved: at most one rounding of one gradient is lost, and the bits change
 *   shares   are not saved: "measured" starts from equal ones, a list is given again
 *   deadline is not saved: the first steps wait for all ranks again
 */
chirp_status chirp_trainer_resume(chirp_trainer *trainer, const char *path);
/**
 * Starts from the parameters of a checkpoint (those for use: averaged where training averaged) with iteration 0 and new optimiser
 * state. One rank only. The caller makes the trainer's configuration after the checkpoint's.
 */
chirp_status chirp_trainer_start_from(chirp_trainer *trainer, const char *path);
/** One line on rank 0 about what the last resume changed or could not compare, "" without; valid as long as the trainer. */
const char *chirp_trainer_resume_note(const chirp_trainer *trainer);

#endif
