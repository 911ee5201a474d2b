#include "model/training/trainer.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "kernels/optimizer/optimizer.h"
#include "model/parallel/parallel.h"
#include "model/training/config.h"
#include "model/training/labels.h"
#include "model/training/course.h"
#include "model/training/shares.h"
#include "model/training/trainer_internal.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <string.h>

chirp_network_config chirp_train_network(const chirp_train_config *config,
                                         const chirp_network_spec *spec, int64_t batch)
{
    return (chirp_network_config){
        .spec = spec,
        .variant = config->variant,
        .estimator = config->estimator,
        .outputs = config->learned_scale ? 2 : 1,
        .batch = batch,
        .dropout = config->dropout,
        .prior_sigma = config->prior_sigma,
        .initial_rho = config->initial_rho,
        .dense2_relu = config->dense2_relu,
        .seed = config->seed,
        .training = true,
        .algorithm = config->algorithm,
        .n_threads = config->n_threads,
    };
}

static chirp_status make_network(chirp_trainer *trainer)
{
    const chirp_train_config *config = &trainer->config;
    const chirp_network_config network =
        chirp_train_network(config, trainer->spec, trainer->share.signals);
    const chirp_status st = chirp_network_create(&network, &trainer->net);
    if (st == CHIRP_OK)
        chirp_network_initialize(
            trainer->net, config->seed,
            chirp_likelihood_scale_bias(&trainer->likelihood, config->noise_scale));
    return st;
}

/* With one weight draw for all ranks the gradients of rho follow from those of the means and stay at home. */
static bool shares_noise(const chirp_trainer *trainer)
{
    return trainer->ranks > 1 && !trainer->config.independent_noise &&
           trainer->config.variant != CHIRP_VARIANT_NONE &&
           trainer->config.estimator == CHIRP_VARIATIONAL_REPARAMETERIZATION;
}

double chirp_trainer_progress(const chirp_trainer *trainer)
{
    const double share = (double)trainer->iteration / (double)trainer->config.iterations;
    return fmin(1, fmax(share, trainer->course.progress));
}

static chirp_train_place place(const chirp_trainer *trainer)
{
    return (chirp_train_place){trainer->iteration, chirp_trainer_progress(trainer)};
}

static double kl_weight(const chirp_trainer *trainer)
{
    const chirp_train_config *config = &trainer->config;
    const int64_t rows = chirp_batches_rows(trainer->batches);
    double weight = config->kl_weight;
    if (weight == 0)
        weight = 1 / (rows > 0 ? (double)rows
                               : chirp_course_steps(config, place(trainer)) *
                                     (double)chirp_train_step_signals(config, trainer->ranks));
    return weight * chirp_course_kl(config, place(trainer));
}

static chirp_pass pass_of(const chirp_trainer *trainer, int64_t step, int64_t pass)
{
    const chirp_train_config *config = &trainer->config;
    return (chirp_pass){
        .training = true,
        .sample = true,
        .step = (uint64_t)step,
        .noise =
            config->independent_noise ? (uint32_t)(trainer->rank * config->accumulate + pass) : 0,
        .first_row = (uint64_t)(trainer->share.first + pass * trainer->share.signals),
    };
}

/* Optimiser step of the parameters from .. to - 1. */
static void apply_gradient(chirp_trainer *trainer, int64_t from, int64_t to)
{
    const chirp_train_config *config = &trainer->config;
    const float rate = (float)chirp_course_rate(config, place(trainer));
    float *parameters = chirp_network_parameters(trainer->net) + from;
    const float *gradients = chirp_network_gradients(trainer->net) + from;
    if (config->optimizer == CHIRP_OPTIMIZER_ADAM) {
        const chirp_adam adam = {rate, (float)config->momentum, 0.999F, 1e-8F};
        chirp_adam_step(to - from, &adam, trainer->iteration + 1, gradients, trainer->first + from,
                        trainer->second + from, parameters, config->n_threads);
    } else {
        chirp_sgd_step(to - from, rate, (float)config->momentum, gradients, trainer->first + from,
                       parameters, config->n_threads);
    }
    chirp_network_parameters_changed(trainer->net);
}

/* Some tensors' mean has arrived: the optimiser need not wait for the others. With shared noise the rhos between them get
   their gradients first. Nothing is applied from the first number on that is not finite. */
static void gradient_reduced(void *context, int first, int n)
{
    chirp_trainer *trainer = context;
    int n_tensors = 0;
    const chirp_tensor *tensors = chirp_network_tensors(trainer->net, &n_tensors);
    const int64_t step = trainer->iteration;
    int64_t from = 0;
    int64_t to = chirp_network_parameter_count(trainer->net);
    for (int t = 0; t < n_tensors; ++t) {
        if (trainer->sent[t] == first)
            from = tensors[t].offset;
        if (trainer->sent[t] == first + n)
            to = tensors[t].offset;
    }
    for (int t = 0; t < n_tensors && shares_noise(trainer); ++t)
        if (tensors[t].kind == CHIRP_TENSOR_MEAN && tensors[t].offset >= from &&
            tensors[t].offset < to) {
            const chirp_pass pass = pass_of(trainer, step, 0); /* the draws of that mean */
            chirp_network_shared_noise_gradients(trainer->net, t, &pass, kl_weight(trainer));
        }
    trainer->sum_of_squares += chirp_sum_of_squares(
        to - from, chirp_network_gradients(trainer->net) + from, trainer->config.n_threads);
    if (isfinite(trainer->sum_of_squares) && trainer->config.clip == 0)
        apply_gradient(trainer, from, to);
}

/* Clipping needs the norm of the whole gradient, so that nothing is applied before all of it has arrived. */
static void apply_clipped(chirp_trainer *trainer, chirp_step_report *r)
{
    const chirp_train_config *config = &trainer->config;
    const int64_t n = chirp_network_parameter_count(trainer->net);
    const double start = chirp_now_s();
    r->clipped = chirp_course_clip(config, trainer->iteration, r->gradient_norm,
                                   &trainer->course.typical_norm);
    if (r->clipped < 1)
        chirp_scale(n, (float)r->clipped, chirp_network_gradients(trainer->net), config->n_threads);
    apply_gradient(trainer, 0, n);
    r->profile.optimizer_s += chirp_now_s() - start;
}

static void average_parameters(chirp_trainer *trainer)
{
    const double share = chirp_course_average(&trainer->config, place(trainer));
    if (trainer->average && share > 0)
        chirp_average_step(chirp_network_parameter_count(trainer->net), (float)share,
                           chirp_network_parameters(trainer->net), trainer->average,
                           trainer->config.n_threads);
}

static chirp_status make_exchange(chirp_trainer *trainer)
{
    int n = 0;
    const chirp_tensor *tensors = chirp_network_tensors(trainer->net, &n);
    chirp_exchange_tensor *table = chirp_calloc((size_t)n, sizeof *table);
    trainer->sent = chirp_calloc((size_t)n, sizeof *trainer->sent);
    if (!table || !trainer->sent) {
        chirp_free(table);
        return CHIRP_ERR_NOMEM;
    }
    for (int t = 0; t < n; ++t) {
        trainer->sent[t] = -1;
        if (shares_noise(trainer) && tensors[t].kind == CHIRP_TENSOR_RHO)
            continue;
        trainer->sent[t] = trainer->n_sent;
        table[trainer->n_sent++] =
            (chirp_exchange_tensor){tensors[t].name, tensors[t].offset, tensors[t].count};
    }
    chirp_exchange_config config = trainer->config.exchange;
    config.n_threads = trainer->config.n_threads;
    if (trainer->participation)
        config.step_signals = chirp_train_step_signals(&trainer->config, trainer->ranks);
    chirp_status st = chirp_exchange_create(&config, table, trainer->n_sent, &trainer->exchange);
    if (st == CHIRP_OK)
        chirp_exchange_on_reduced(trainer->exchange, gradient_reduced, trainer);
    chirp_free(table);
    return st;
}

static chirp_status make_buffers(chirp_trainer *trainer)
{
    const size_t n = (size_t)chirp_network_parameter_count(trainer->net);
    trainer->first = chirp_calloc(n, sizeof(float));
    if (trainer->config.optimizer == CHIRP_OPTIMIZER_ADAM &&
        !(trainer->second = chirp_calloc(n, sizeof(float))))
        return CHIRP_ERR_NOMEM;
    if (trainer->config.accumulate > 1 && !(trainer->sum = chirp_calloc(n, sizeof(float))))
        return CHIRP_ERR_NOMEM;
    if (trainer->config.average > 0 && !(trainer->average = chirp_calloc(n, sizeof(float))))
        return CHIRP_ERR_NOMEM;
    return trainer->first ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

/* Room for the outputs of a pass of this rank's share. */
static chirp_status make_outputs(chirp_trainer *trainer)
{
    const int64_t n = trainer->share.signals;
    const size_t outputs =
        (size_t)n * (size_t)trainer->spec->n_leaves * (size_t)trainer->likelihood.outputs;
    float *both = chirp_calloc(2 * outputs, sizeof *both);
    if (!both)
        return CHIRP_ERR_NOMEM;
    chirp_free(trainer->output);
    trainer->output = both;
    trainer->doutput = both + outputs;
    trainer->room = n;
    return CHIRP_OK;
}

/* Makes the coming step's passes those of this rank's share. */
static chirp_status take_share(chirp_trainer *trainer)
{
    const chirp_share share[2] = {chirp_share_control_share(trainer->control, 0),
                                  chirp_share_control_share(trainer->control, 1)};
    trainer->share = share[0];
    chirp_status st = CHIRP_OK;
    if (share[0].signals > trainer->room)
        st = make_outputs(trainer);
    if (st == CHIRP_OK)
        st = chirp_network_set_batch(trainer->net, share[0].signals);
    return st == CHIRP_OK ? chirp_batches_assign(trainer->batches, trainer->iteration, share,
                                                 !chirp_share_control_follows(trainer->control))
                          : st;
}

static chirp_status make_shares(chirp_trainer *trainer)
{
    const chirp_train_config *config = &trainer->config;
    const chirp_status st = chirp_share_control_create(config->shares, config->batch,
                                                       config->accumulate, &trainer->control);
    if (st == CHIRP_OK)
        trainer->share = chirp_share_control_share(trainer->control, 0);
    trainer->new_shares = strcmp(config->shares, "equal") != 0;
    return st;
}

static bool go_on(void *participation) { return chirp_participation_go_on(participation); }

static chirp_status make_participation(chirp_trainer *trainer)
{
    const chirp_status st = chirp_participation_create(&trainer->participation);
    if (st == CHIRP_OK)
        chirp_network_ask(trainer->net, go_on, trainer->participation);
    return st;
}

/* The public code starts every rank from rank 0's parameters; ours are equal already, as they are a function of the
   seed, but a rank with other libraries must not drift apart silently. */
static chirp_status broadcast_parameters(chirp_trainer *trainer)
{
    const chirp_status st = chirp_parallel_broadcast(
        chirp_network_parameters(trainer->net),
        chirp_network_parameter_count(trainer->net) * (int64_t)sizeof(float), 0);
    chirp_network_parameters_changed(trainer->net);
    return st;
}

/* Every pass of every rank draws weight noise of its own from one field of the random stream (chirp_rng_stream_part). */
static chirp_status check_draws(const chirp_train_config *config)
{
    const int64_t passes = (int64_t)chirp_parallel_size() * config->accumulate;
    const int64_t most = (int64_t)1 << CHIRP_RNG_PART_BITS;
    if (config->independent_noise && passes > most)
        return chirp_fail(
            CHIRP_ERR_ARG,
            "--accumulate %lld on %d ranks makes %lld passes a step, and at most %lld "
            "can draw weight noise of their own: use fewer or --weight-noise shared",
            (long long)config->accumulate, chirp_parallel_size(), (long long)passes,
            (long long)most);
    if (config->iterations > (int64_t)1 << CHIRP_RNG_PART_STEP_BITS)
        return chirp_fail(CHIRP_ERR_ARG, "--iterations %lld is beyond %lld",
                          (long long)config->iterations,
                          (long long)((int64_t)1 << CHIRP_RNG_PART_STEP_BITS));
    return CHIRP_OK;
}

chirp_status chirp_trainer_create(const chirp_train_config *config, chirp_trainer **result)
{
    chirp_status st = chirp_train_config_check(config);
    if (st == CHIRP_OK)
        st = check_draws(config);
    if (st != CHIRP_OK)
        return st;
    chirp_trainer *trainer = chirp_calloc(1, sizeof *trainer);
    if (!trainer)
        return CHIRP_ERR_NOMEM;
    trainer->config = *config;
    trainer->own_progress = -1;
    trainer->course.crossings = -1;
    trainer->rank = chirp_parallel_rank();
    trainer->ranks = chirp_parallel_size();
    if (trainer->config.rate_ranks == 0)
        trainer->config.rate_ranks = trainer->ranks;
    st = chirp_network_spec_find(config->network, &trainer->spec);
    if (st == CHIRP_OK)
        st = chirp_train_labels(&trainer->config);
    if (st == CHIRP_OK)
        st = chirp_train_likelihood(&trainer->config, &trainer->likelihood);
    if (st == CHIRP_OK)
        st = chirp_batches_create(&trainer->config, trainer->ranks, &trainer->batches);
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK)
        st = make_shares(trainer);
    if (st == CHIRP_OK)
        st = make_network(trainer);
    if (st == CHIRP_OK && config->deadline && trainer->ranks > 1)
        st = make_participation(trainer);
    if (st == CHIRP_OK)
        st = make_exchange(trainer);
    if (st == CHIRP_OK)
        st = make_buffers(trainer);
    if (st == CHIRP_OK)
        st = take_share(trainer);
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK)
        st = broadcast_parameters(trainer);
    if (st == CHIRP_OK && trainer->average)
        memcpy(trainer->average, chirp_network_parameters(trainer->net),
               (size_t)chirp_network_parameter_count(trainer->net) * sizeof *trainer->average);
    if (st != CHIRP_OK) {
        chirp_trainer_destroy(trainer);
        return st;
    }
    *result = trainer;
    return CHIRP_OK;
}

void chirp_trainer_destroy(chirp_trainer *trainer)
{
    if (!trainer)
        return;
    chirp_exchange_destroy(trainer->exchange);
    chirp_network_destroy(trainer->net);
    chirp_batches_destroy(trainer->batches);
    chirp_free(trainer->sent);
    chirp_free(trainer->output);
    chirp_free(trainer->first);
    chirp_free(trainer->second);
    chirp_free(trainer->average);
    chirp_share_control_destroy(trainer->control);
    chirp_participation_destroy(trainer->participation);
    chirp_free(trainer->sum);
    chirp_free(trainer->resume_note.bytes);
    chirp_free(trainer);
}

/* Adds a tensor's gradient to those of this step's passes; after the last one the gradient is their mean. */
static void accumulate(chirp_trainer *trainer, const chirp_tensor *tensor, bool last)
{
    const int64_t n = tensor->count;
    const float parts = (float)trainer->config.accumulate;
    const bool first = trainer->pass == 0;
    const int wanted = trainer->config.n_threads;
    const int threads = wanted > 0 ? wanted : omp_get_max_threads();
    float *gradient = chirp_network_gradients(trainer->net) + tensor->offset;
    float *sum = trainer->sum + tensor->offset;
#pragma omp parallel for simd schedule(static) num_threads(threads) if (n > 65536)
    for (int64_t i = 0; i < n; ++i) {
        const float whole = first ? gradient[i] : sum[i] + gradient[i];
        if (last)
            gradient[i] = whole / parts;
        else
            sum[i] = whole;
    }
}

static void tensor_ready(void *context, int tensor)
{
    chirp_trainer *trainer = context;
    int n = 0;
    const bool last = trainer->pass == trainer->config.accumulate - 1;
    trainer->announced = tensor + 1;
    if (trainer->sum)
        accumulate(trainer, &chirp_network_tensors(trainer->net, &n)[tensor], last);
    if (last && trainer->exchange_status == CHIRP_OK && trainer->sent[tensor] >= 0)
        trainer->exchange_status = chirp_exchange_ready(trainer->exchange, trainer->sent[tensor]);
}

static chirp_status begin_exchange(chirp_trainer *trainer)
{
    const chirp_status st =
        chirp_exchange_begin(trainer->exchange, chirp_network_gradients(trainer->net));
    chirp_exchange_signals(trainer->exchange, trainer->config.accumulate * trainer->share.signals);
    trainer->exchanging = true;
    return st;
}

/* Too late: of tensors that don't travel yet the step gets the passes that are finished, or none. A layer's gradients are
   announced in the table's order, so that those ahead of `announced` have this pass as well. */
static chirp_status give_up(chirp_trainer *trainer)
{
    int n = 0;
    const chirp_tensor *tensors = chirp_network_tensors(trainer->net, &n);
    const int64_t parts = trainer->config.accumulate;
    const bool travels = trainer->exchanging;
    chirp_status st = travels ? trainer->exchange_status : begin_exchange(trainer);
    if (trainer->announced < n || !travels)
        trainer->left_out = (parts - trainer->pass) * trainer->share.signals;
    for (int t = travels ? trainer->announced : 0; t < n && st == CHIRP_OK; ++t) {
        const int64_t passes = trainer->pass + (t < trainer->announced);
        float *gradient = chirp_network_gradients(trainer->net) + tensors[t].offset;
        for (int64_t i = 0; i < tensors[t].count; ++i)
            gradient[i] = passes ? trainer->sum[tensors[t].offset + i] / (float)parts : 0;
        chirp_exchange_signals(trainer->exchange, passes * trainer->share.signals);
        if (trainer->sent[t] >= 0)
            st = chirp_exchange_ready(trainer->exchange, trainer->sent[t]);
    }
    return st;
}

static double mean_relative_error(const chirp_trainer *trainer, const double *sums, double *error)
{
    const int leaves = trainer->spec->n_leaves;
    double mean = 0;
    for (int leaf = 0; leaf < leaves; ++leaf) {
        const double relative = sums[leaf] / sums[leaves + leaf];
        if (error)
            error[leaf] = relative;
        mean += relative / leaves;
    }
    return mean;
}

/* One forward and backward pass; adds to the sums over the step's signals, and to the times in the profile. */
static chirp_status run_pass(chirp_trainer *trainer, double weight, double *sums,
                             chirp_step_profile *profile)
{
    const chirp_train_config *config = &trainer->config;
    const int leaves = trainer->spec->n_leaves;
    const int64_t n = trainer->share.signals;
    /* the mean over ranks weighs all signals alike: a rank's gradient counts by its share */
    const double share = (double)n / (double)config->batch;
    const chirp_pass pass = pass_of(trainer, trainer->iteration, trainer->pass);
    const float *strain = NULL;
    const float *label = NULL;
    const double t0 = chirp_now_s();
    const chirp_status st = chirp_batches_training(trainer->batches, trainer->iteration,
                                                   trainer->pass, &strain, &label);
    if (st != CHIRP_OK)
        return st;
    const double t1 = chirp_now_s();
    trainer->announced = 0;
    trainer->gave_up = !chirp_network_forward(trainer->net, strain, &pass, trainer->output);
    if (trainer->gave_up) {
        profile->signals_s += t1 - t0;
        profile->forward_s += chirp_now_s() - t1;
        return give_up(trainer);
    }
    sums[0] += share * chirp_likelihood_loss(&trainer->likelihood, n, trainer->output, label,
                                             trainer->doutput);
    sums[3 + 2 * leaves] += share;
    for (int64_t i = 0; i < n * leaves * trainer->likelihood.outputs; ++i)
        trainer->doutput[i] *= (float)share;
    chirp_likelihood_errors(&trainer->likelihood, n, trainer->output, label, sums + 1,
                            sums + 1 + leaves);
    const double t2 = chirp_now_s();
    if (trainer->pass == config->accumulate - 1)
        trainer->exchange_status = begin_exchange(trainer);
    trainer->gave_up = !chirp_network_backward(trainer->net, strain, &pass, trainer->doutput,
                                               weight * share, tensor_ready, trainer);
    profile->signals_s += t1 - t0;
    profile->forward_s += t2 - t1;
    profile->backward_s += chirp_now_s() - t2;
    return trainer->gave_up ? give_up(trainer) : trainer->exchange_status;
}

/* This rank's passes of a step, or as many as the deadline leaves. */
static chirp_status run_passes(chirp_trainer *trainer, double weight, double *sums,
                               chirp_step_profile *profile)
{
    chirp_status st = CHIRP_OK;
    trainer->exchange_status = CHIRP_OK;
    trainer->exchanging = trainer->gave_up = false;
    trainer->left_out = 0;
    if (trainer->participation)
        chirp_participation_begin(trainer->participation);
    for (trainer->pass = 0;
         trainer->pass < trainer->config.accumulate && st == CHIRP_OK && !trainer->gave_up;
         ++trainer->pass)
        st = run_pass(trainer, weight, sums, profile);
    if (trainer->participation)
        chirp_participation_end(trainer->participation);
    return st;
}

/* The next step's deadline and shares, by how long this rank's passes took. Collective. */
static chirp_status balance(chirp_trainer *trainer, const chirp_step_profile *profile)
{
    const int64_t own = trainer->config.accumulate * trainer->share.signals;
    double busy = profile->signals_s + profile->forward_s + profile->backward_s;
    chirp_status st = CHIRP_OK;
    if (trainer->participation) {
        busy = chirp_participation_seconds(trainer->participation);
        st = chirp_participation_step(
            trainer->participation,
            (double)trainer->left_out /
                (double)(trainer->config.accumulate * trainer->config.batch));
    }
    if (st != CHIRP_OK || !chirp_share_control_follows(trainer->control))
        return st;
    if (trainer->iteration % SHARE_REPORT_STEPS == 0)
        trainer->new_shares = true;
    return chirp_share_control_step(trainer->control, busy / (double)own);
}

chirp_status chirp_trainer_step(chirp_trainer *trainer, chirp_step_report *report)
{
    const chirp_train_config *config = &trainer->config;
    const int leaves = trainer->spec->n_leaves;
    /* nll, absolute errors, absolute labels, wish to stop, share of time over; with deadlines also passes and signals left out */
    double sums[5 + 2 * CHIRP_MAX_LEAVES] = {0};
    const int n_sums = 3 + 2 * leaves + (trainer->participation ? 2 : 0);
    chirp_step_report r = {
        .iteration = trainer->iteration + 1,
        .learning_rate = chirp_course_rate(config, place(trainer)),
        .clipped = 1,
        .deadline_s = trainer->participation ? chirp_participation_deadline(trainer->participation)
                                             : (double)INFINITY,
        .shares = trainer->new_shares ? chirp_share_control_all(trainer->control) : NULL};
    const double weight = kl_weight(trainer);
    chirp_status st = take_share(trainer);
    trainer->new_shares = false;
    trainer->sum_of_squares = 0;

    const double start = chirp_now_s();
    if (st == CHIRP_OK)
        st = run_passes(trainer, weight, sums, &r.profile);
    const double computed = chirp_now_s();
    sums[1 + 2 * leaves] = trainer->stop_requested;
    sums[2 + 2 * leaves] = trainer->rank == 0 ? trainer->own_progress : 0;
    sums[4 + 2 * leaves] = (double)trainer->left_out;
    r.kl = chirp_network_kl(trainer->net); /* of the parameters that the loss is of */
    if (st == CHIRP_OK)
        st = chirp_exchange_finish(trainer->exchange, &r.profile.exchange);
    if (st == CHIRP_OK)
        st = chirp_parallel_sum(sums, n_sums);
    if (st != CHIRP_OK)
        return st;
    r.stop = sums[1 + 2 * leaves] > 0;
    const double end = chirp_now_s();
    r.left_out = (int64_t)sums[4 + 2 * leaves];
    r.negative_log_likelihood =
        sums[0] / (trainer->participation ? sums[3 + 2 * leaves]
                                          : (double)(config->accumulate * trainer->ranks));
    r.loss = r.negative_log_likelihood + weight * r.kl;
    r.relative_error = mean_relative_error(trainer, sums + 1, NULL);
    r.active_neurons = chirp_network_active_share(trainer->net);
    r.gradient_norm = sqrt(trainer->sum_of_squares);
    if (!isfinite(r.loss) || !isfinite(r.gradient_norm))
        return chirp_fail(CHIRP_ERR_NUMERIC,
                          "training diverged at iteration %" PRId64
                          " (loss %g, gradient norm %g): try a smaller "
                          "--learning-rate or a larger --noise-scale",
                          r.iteration, r.loss, r.gradient_norm);
    r.profile.optimizer_s = r.profile.exchange.applied_s;
    r.profile.exchange_s = end - computed - r.profile.optimizer_s;
    if (config->clip > 0)
        apply_clipped(trainer, &r);
    average_parameters(trainer);
    r.profile.total_s = chirp_now_s() - start;
    trainer->iteration += 1;
    trainer->course.progress = fmax(trainer->course.progress, sums[2 + 2 * leaves]);
    *report = r;
    return balance(trainer, &r.profile);
}

void chirp_trainer_set_progress(chirp_trainer *trainer, double share)
{
    trainer->own_progress = share;
}

void chirp_trainer_request_stop(chirp_trainer *trainer) { trainer->stop_requested = true; }

double chirp_trainer_target(const chirp_trainer *trainer)
{
    return trainer->config.target_error > 0 ? trainer->config.target_error
                                            : trainer->spec->target_relative_error;
}

int64_t chirp_trainer_iteration(const chirp_trainer *trainer) { return trainer->iteration; }

bool chirp_trainer_sends(const chirp_trainer *trainer, int tensor)
{
    return trainer->sent[tensor] >= 0;
}

const int64_t *chirp_trainer_shares(const chirp_trainer *trainer)
{
    return chirp_share_control_all(trainer->control);
}

chirp_network *chirp_trainer_network(chirp_trainer *trainer) { return trainer->net; }

const chirp_exchange *chirp_trainer_exchange(const chirp_trainer *trainer)
{
    return trainer->exchange;
}

const chirp_train_config *chirp_trainer_config(const chirp_trainer *trainer)
{
    return &trainer->config;
}
