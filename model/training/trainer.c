#include "model/training/trainer.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "kernels/optimizer/optimizer.h"
#include "model/parallel/parallel.h"
#include "model/training/batches.h"
#include "model/training/checkpoint.h"
#include "model/training/config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct chirp_trainer {
    chirp_train_config config;
    const chirp_network_spec *spec;
    chirp_likelihood likelihood;
    chirp_network *net;
    chirp_batches *batches;
    chirp_exchange *exchange;
    int *sent; /* a tensor's number in the exchange; -1: its gradient does not travel */
    chirp_status exchange_status; /* first failure inside the backward pass */
    int rank, ranks;
    bool stop_requested;
    int64_t iteration;       /* steps done */
    float *output, *doutput; /* [batch][leaves][outputs] */
    float *first, *second;   /* optimiser state, arena layout */
};

static chirp_status make_network(chirp_trainer *trainer)
{
    const chirp_train_config *config = &trainer->config;
    chirp_network_config network = chirp_network_config_default(trainer->spec);
    network.variant = config->variant;
    network.estimator = config->estimator;
    network.outputs = config->learned_scale ? 2 : 1;
    network.batch = config->batch;
    network.dropout = config->dropout;
    network.prior_sigma = config->prior_sigma;
    network.initial_rho = config->initial_rho;
    network.dense2_relu = config->dense2_relu;
    network.seed = config->seed;
    network.algorithm = config->algorithm;
    network.n_threads = config->n_threads;
    const chirp_status st = chirp_network_create(&network, &trainer->net);
    if (st == CHIRP_OK)
        chirp_network_initialize(trainer->net, config->seed,
                                 chirp_likelihood_scale_bias(config->noise_scale));
    return st;
}

/* With one weight draw for all ranks the gradients of rho follow from those of the means and stay at home. */
static bool shares_noise(const chirp_trainer *trainer)
{
    return trainer->ranks > 1 && !trainer->config.independent_noise &&
           trainer->config.variant != CHIRP_VARIANT_NONE &&
           trainer->config.estimator == CHIRP_VARIATIONAL_REPARAMETERIZATION;
}

static chirp_status make_exchange(chirp_trainer *trainer)
{
    int n = 0;
    int n_sent = 0;
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
        trainer->sent[t] = n_sent;
        table[n_sent++] =
            (chirp_exchange_tensor){tensors[t].name, tensors[t].offset, tensors[t].count};
    }
    const chirp_status st =
        chirp_exchange_create(&trainer->config.exchange, table, n_sent, &trainer->exchange);
    chirp_free(table);
    return st;
}

static chirp_status make_buffers(chirp_trainer *trainer)
{
    const size_t batch = (size_t)trainer->config.batch;
    const size_t outputs =
        batch * (size_t)trainer->spec->n_leaves * (size_t)trainer->likelihood.outputs;
    const size_t n = (size_t)chirp_network_parameter_count(trainer->net);
    trainer->output = chirp_calloc(outputs, sizeof(float));
    trainer->doutput = chirp_calloc(outputs, sizeof(float));
    trainer->first = chirp_calloc(n, sizeof(float));
    if (trainer->config.optimizer == CHIRP_OPTIMIZER_ADAM &&
        !(trainer->second = chirp_calloc(n, sizeof(float))))
        return CHIRP_ERR_NOMEM;
    if (!trainer->output || !trainer->doutput || !trainer->first)
        return CHIRP_ERR_NOMEM;
    return CHIRP_OK;
}

/* The public code starts every rank from rank 0's parameters; ours are equal already, as they are a function of the
   seed, but a rank with other libraries must not drift apart silently. */
static chirp_status broadcast_parameters(chirp_trainer *trainer)
{
    return chirp_parallel_broadcast(
        chirp_network_parameters(trainer->net),
        chirp_network_parameter_count(trainer->net) * (int64_t)sizeof(float), 0);
}

chirp_status chirp_trainer_create(const chirp_train_config *config, chirp_trainer **result)
{
    chirp_status st = chirp_train_config_check(config);
    if (st != CHIRP_OK)
        return st;
    chirp_trainer *trainer = chirp_calloc(1, sizeof *trainer);
    if (!trainer)
        return CHIRP_ERR_NOMEM;
    trainer->config = *config;
    trainer->rank = chirp_parallel_rank();
    trainer->ranks = chirp_parallel_size();
    st = chirp_network_spec_find(config->network, &trainer->spec);
    trainer->likelihood =
        (chirp_likelihood){trainer->spec, config->learned_scale ? 2 : 1, config->noise_scale};
    if (st == CHIRP_OK)
        st = chirp_batches_create(&trainer->config, trainer->rank, trainer->ranks,
                                  &trainer->batches);
    if (st == CHIRP_OK)
        st = make_network(trainer);
    if (st == CHIRP_OK)
        st = make_exchange(trainer);
    if (st == CHIRP_OK)
        st = make_buffers(trainer);
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK)
        st = broadcast_parameters(trainer);
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
    chirp_free(trainer->doutput);
    chirp_free(trainer->first);
    chirp_free(trainer->second);
    chirp_free(trainer);
}

static void tensor_ready(void *context, int tensor)
{
    chirp_trainer *trainer = context;
    if (trainer->exchange_status == CHIRP_OK && trainer->sent[tensor] >= 0)
        trainer->exchange_status = chirp_exchange_ready(trainer->exchange, trainer->sent[tensor]);
}

/* The public code's schedule: the base rate for the first steps, then base rate times ranks. */
static double learning_rate(const chirp_trainer *trainer)
{
    const chirp_train_config *config = &trainer->config;
    return config->learning_rate * (trainer->iteration < config->warmup_steps ? 1 : trainer->ranks);
}

static double kl_weight(const chirp_trainer *trainer)
{
    const chirp_train_config *config = &trainer->config;
    double weight = config->kl_weight;
    if (weight == 0)
        weight = chirp_batches_rows(trainer->batches) > 0
                     ? 1.0 / (double)chirp_batches_rows(trainer->batches)
                     : 1.0 / ((double)config->iterations * (double)config->batch * trainer->ranks);
    if (trainer->iteration < config->kl_warmup)
        weight *= (double)(trainer->iteration + 1) / (double)config->kl_warmup;
    return weight;
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

static void apply_gradient(chirp_trainer *trainer, double rate)
{
    const chirp_train_config *config = &trainer->config;
    const int64_t n = chirp_network_parameter_count(trainer->net);
    float *parameters = chirp_network_parameters(trainer->net);
    const float *gradients = chirp_network_gradients(trainer->net);
    if (config->optimizer == CHIRP_OPTIMIZER_ADAM) {
        const chirp_adam adam = {(float)rate, 0.9F, 0.999F, 1e-8F};
        chirp_adam_step(n, &adam, trainer->iteration + 1, gradients, trainer->first,
                        trainer->second, parameters, config->n_threads);
    } else {
        chirp_sgd_step(n, (float)rate, (float)config->momentum, gradients, trainer->first,
                       parameters, config->n_threads);
    }
}

chirp_status chirp_trainer_step(chirp_trainer *trainer, chirp_step_report *report)
{
    const chirp_train_config *config = &trainer->config;
    const int leaves = trainer->spec->n_leaves;
    const uint64_t first_row = (uint64_t)trainer->rank * (uint64_t)config->batch;
    const chirp_pass pass = {
        .training = true,
        .sample = true,
        .step = (uint64_t)trainer->iteration,
        .noise = config->independent_noise ? (uint64_t)trainer->rank : 0,
        .first_row = first_row,
    };
    double sums[2 + 2 * CHIRP_MAX_LEAVES] = {
        0}; /* nll, absolute errors, absolute labels, wish to stop */
    chirp_step_report r = {.iteration = trainer->iteration + 1,
                           .learning_rate = learning_rate(trainer)};

    const double t0 = chirp_now_s();
    const float *strain = NULL;
    const float *label = NULL;
    chirp_status st = chirp_batches_training(trainer->batches, trainer->iteration, &strain, &label);
    if (st != CHIRP_OK)
        return st;
    const double t1 = chirp_now_s();
    chirp_network_forward(trainer->net, strain, &pass, trainer->output);
    sums[0] = chirp_likelihood_loss(&trainer->likelihood, config->batch, trainer->output, label,
                                    trainer->doutput);
    chirp_likelihood_errors(&trainer->likelihood, config->batch, trainer->output, label, sums + 1,
                            sums + 1 + leaves);
    const double t2 = chirp_now_s();
    const double weight = kl_weight(trainer);
    sums[1 + 2 * leaves] = trainer->stop_requested;
    trainer->exchange_status =
        chirp_exchange_begin(trainer->exchange, chirp_network_gradients(trainer->net));
    chirp_network_backward(trainer->net, strain, &pass, trainer->doutput, weight, tensor_ready,
                           trainer);
    const double t3 = chirp_now_s();
    st = trainer->exchange_status;
    if (st == CHIRP_OK)
        st = chirp_exchange_finish(trainer->exchange, &r.profile.exchange);
    if (st == CHIRP_OK && shares_noise(trainer))
        chirp_network_shared_noise_gradients(trainer->net, &pass, weight);
    if (st == CHIRP_OK)
        st = chirp_parallel_sum(sums, 2 + 2 * leaves);
    if (st != CHIRP_OK)
        return st;
    r.stop = sums[1 + 2 * leaves] > 0;
    const double t4 = chirp_now_s();
    r.negative_log_likelihood = sums[0] / trainer->ranks;
    r.kl = chirp_network_kl(trainer->net);
    r.loss = r.negative_log_likelihood + weight * r.kl;
    r.relative_error = mean_relative_error(trainer, sums + 1, NULL);
    r.active_neurons = chirp_network_active_share(trainer->net);
    r.gradient_norm =
        sqrt(chirp_sum_of_squares(chirp_network_parameter_count(trainer->net),
                                  chirp_network_gradients(trainer->net), config->n_threads));
    if (!isfinite(r.loss) || !isfinite(r.gradient_norm))
        return chirp_fail(CHIRP_ERR_NUMERIC,
                          "training diverged at iteration %" PRId64
                          " (loss %g, gradient norm %g): try a smaller "
                          "--learning-rate or a larger --noise-scale",
                          r.iteration, r.loss, r.gradient_norm);
    apply_gradient(trainer, r.learning_rate);
    trainer->iteration += 1;
    const double t5 = chirp_now_s();
    r.profile.signals_s = t1 - t0;
    r.profile.forward_s = t2 - t1;
    r.profile.backward_s = t3 - t2;
    r.profile.exchange_s = t4 - t3;
    r.profile.optimizer_s = t5 - t4;
    r.profile.total_s = t5 - t0;
    *report = r;
    return CHIRP_OK;
}

chirp_status chirp_trainer_validate(chirp_trainer *trainer, double *error, double *mean)
{
    const chirp_train_config *config = &trainer->config;
    const chirp_pass pass = {.training = false, .sample = false};
    const int64_t chunks = (config->validation_signals + config->batch - 1) / config->batch;
    double sums[2 * CHIRP_MAX_LEAVES] = {0};
    chirp_status st = CHIRP_OK;
    for (int64_t c = trainer->rank; c < chunks && st == CHIRP_OK; c += trainer->ranks) {
        const int64_t left = config->validation_signals - c * config->batch;
        const float *strain = NULL;
        const float *label = NULL;
        st = chirp_batches_validation(trainer->batches, c * config->batch, &strain, &label);
        if (st != CHIRP_OK)
            break;
        chirp_network_forward(trainer->net, strain, &pass, trainer->output);
        chirp_likelihood_errors(&trainer->likelihood, left < config->batch ? left : config->batch,
                                trainer->output, label, sums, sums + trainer->spec->n_leaves);
    }
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK)
        st = chirp_parallel_sum(sums, 2 * trainer->spec->n_leaves);
    if (st == CHIRP_OK)
        *mean = mean_relative_error(trainer, sums, error);
    return st;
}

void chirp_trainer_request_stop(chirp_trainer *trainer) { trainer->stop_requested = true; }

double chirp_trainer_target(const chirp_trainer *trainer)
{
    return trainer->config.target_error > 0 ? trainer->config.target_error
                                            : trainer->spec->target_relative_error;
}

int64_t chirp_trainer_iteration(const chirp_trainer *trainer) { return trainer->iteration; }

chirp_network *chirp_trainer_network(chirp_trainer *trainer) { return trainer->net; }

const chirp_exchange *chirp_trainer_exchange(const chirp_trainer *trainer)
{
    return trainer->exchange;
}

const chirp_train_config *chirp_trainer_config(const chirp_trainer *trainer)
{
    return &trainer->config;
}

chirp_status chirp_trainer_save(chirp_trainer *trainer, const char *path)
{
    chirp_status st = CHIRP_OK;
    if (trainer->rank == 0) {
        int n = 0;
        const chirp_tensor *tensors = chirp_network_tensors(trainer->net, &n);
        chirp_checkpoint state = {trainer->iteration, trainer->config.seed, NULL, trainer->first,
                                  trainer->second};
        st = chirp_train_config_write(&trainer->config, trainer->ranks, &state.configuration);
        if (st == CHIRP_OK)
            st = chirp_checkpoint_write(path, &state, tensors, n,
                                        chirp_network_parameters(trainer->net));
        chirp_free(state.configuration);
    }
    return chirp_parallel_agree(st);
}

/* What must not change across a resume, because the checkpoint would mean something else. */
static chirp_status check_same(const chirp_trainer *trainer, const char *path,
                               const chirp_train_config *old, int old_ranks)
{
    const chirp_train_config *now = &trainer->config;
    if (strcmp(old->network, now->network) != 0)
        return chirp_fail(CHIRP_ERR_ARG, "%s: is of network %s, not %s", path, old->network,
                          now->network);
    if (old->variant != now->variant)
        return chirp_fail(CHIRP_ERR_ARG, "%s: is of --variational %s, not %s", path,
                          chirp_variant_name[old->variant], chirp_variant_name[now->variant]);
    if (old->optimizer != now->optimizer)
        return chirp_fail(CHIRP_ERR_ARG, "%s: is of --optimizer %s, not %s", path,
                          chirp_optimizer_name[old->optimizer],
                          chirp_optimizer_name[now->optimizer]);
    if (old->learned_scale != now->learned_scale)
        return chirp_fail(CHIRP_ERR_ARG, "%s: was trained with the other --likelihood", path);
    if (old->seed != now->seed)
        return chirp_fail(CHIRP_ERR_ARG, "%s: was trained with --seed %" PRIu64 ", not %" PRIu64,
                          path, old->seed, now->seed);
    if (old->batch * old_ranks != now->batch * trainer->ranks)
        return chirp_fail(CHIRP_ERR_ARG,
                          "%s: was trained with %" PRId64
                          " signals a step over all ranks, not %" PRId64
                          ": choose --batch to match",
                          path, old->batch * old_ranks, now->batch * trainer->ranks);
    return CHIRP_OK;
}

chirp_status chirp_trainer_resume(chirp_trainer *trainer, const char *path)
{
    int n = 0;
    int old_ranks = 0;
    const chirp_tensor *tensors = chirp_network_tensors(trainer->net, &n);
    chirp_train_config old = {0};
    chirp_checkpoint state = {0};
    /* every rank reads: file systems serve that well, and no broadcast of three arrays is needed */
    chirp_status st = chirp_checkpoint_read_header(path, &state);
    if (st == CHIRP_OK)
        st = chirp_train_config_read(path, state.configuration, &old, &old_ranks);
    old.seed = state.seed;
    chirp_free(state.configuration);
    state.configuration = NULL;
    if (st == CHIRP_OK)
        st = check_same(trainer, path, &old, old_ranks);
    state.first = trainer->first;
    state.second = trainer->second;
    if (st == CHIRP_OK)
        st =
            chirp_checkpoint_read(path, &state, tensors, n, chirp_network_parameters(trainer->net));
    chirp_free(state.configuration);
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK)
        trainer->iteration = state.iteration;
    return st;
}
