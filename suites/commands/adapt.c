/* chirpbench adapt: continues a trained network for some hundred steps on the noise curve of other data. */
#include "harness/base/launch.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "model/parallel/parallel.h"
#include "model/training/checkpoint.h"
#include "model/training/config.h"
#include "model/training/run.h"
#include "suites/command.h"
#include "suites/commands/shipped_network.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct request {
    const char *from, *network, *psd;
    char found[CHIRP_NETWORK_PATH];
    int64_t steps, threads, segments;
    uint64_t seed;
    bool seed_given;
    double learning_rate;
    chirp_run_options run;
} request;

/* The checkpoint's configuration, but with other signals, steps and rate. Its weight of the KL divergence stays: a few steps
   are no small data set. */
static void change(const request *q, int64_t seed, const chirp_train_record *record,
                   chirp_train_config *config)
{
    const chirp_train_config usual = chirp_train_config_default();
    *config = record->config;
    if (config->kl_weight == 0)
        config->kl_weight = 1 / ((double)config->iterations *
                                 (double)chirp_train_step_signals(config, record->ranks));
    config->kl_warmup = 0;
    config->signal.psd_path = q->psd;
    config->signal.noise_path = NULL;
    config->signal.curve_segments = q->segments;
    config->data = NULL;
    config->curriculum = "none";
    config->iterations = q->steps;
    config->learning_rate = q->learning_rate;
    config->final_rate = q->learning_rate < usual.final_rate ? q->learning_rate : usual.final_rate;
    config->rate_ranks = 0;
    config->seed = q->seed_given ? q->seed : (uint64_t)seed + 1; /* signals it has not seen */
    config->n_threads = (int)q->threads;
    config->exchange = usual.exchange;
    config->shares = usual.shares;
}

static chirp_status adapt(const request *q, const chirp_train_config *config, chirp_run_end *end)
{
    chirp_trainer *trainer = NULL;
    chirp_validation before = {0};
    chirp_run_result result = {0};
    chirp_status st = chirp_trainer_create(config, &trainer);
    if (st == CHIRP_OK)
        st = chirp_trainer_start_from(trainer, q->from);
    if (st == CHIRP_OK)
        st = chirp_trainer_validate(trainer, &before);
    if (st == CHIRP_OK)
        st = chirp_training_run(trainer, &q->run, &result);
    if (st == CHIRP_OK) {
        const chirp_validation *after = &result.held_out;
        printf("%s: %" PRId64 " steps on %s, %.1f s\n", q->run.checkpoint, result.iteration, q->psd,
               result.seconds);
        if (result.end != CHIRP_RUN_INTERRUPTED)
            printf("held-out signals with this curve: negative log likelihood %.4f before, %.4f "
                   "after; relative error %.4f before, %.4f after\n",
                   before.negative_log_likelihood, after->negative_log_likelihood,
                   before.mean_relative_error, after->mean_relative_error);
        printf("a recalibration is not taken over: run chirpbench calibrate again\n");
    }
    chirp_trainer_destroy(trainer);
    *end = result.end;
    return st;
}

static chirp_status load_and_adapt(const request *q, chirp_run_end *end)
{
    chirp_checkpoint state = {0};
    chirp_train_record record = {0};
    chirp_train_config config;
    chirp_status st = chirp_checkpoint_read_header(q->from, &state);
    if (st == CHIRP_OK)
        st = chirp_train_record_read(q->from, state.configuration, &record);
    if (st == CHIRP_OK) {
        change(q, (int64_t)state.seed, &record, &config);
        st = chirp_train_config_check(&config);
    }
    if (st == CHIRP_OK)
        st = adapt(q, &config, end);
    chirp_free(state.configuration);
    chirp_train_record_release(&record);
    return st;
}

static int run(int argc, char **argv)
{
    request q = {.steps = 400, .learning_rate = 1e-4, .segments = 15};
    chirp_run_end end = CHIRP_RUN_ITERATIONS;
    const chirp_option table[] = {
        {"from", CHIRP_OPTION_STRING, &q.from, .metavar = "FILE", .file = CHIRP_FILE_READ,
         .help = "checkpoint of chirpbench train or export"},
        {"network", CHIRP_OPTION_STRING, &q.network, .metavar = "NAME",
         .help = "spin or mass, in place of --from: the network that comes with the program"},
        {"psd", CHIRP_OPTION_STRING, &q.psd, .metavar = "FILE[,FILE]", .required = true,
         .file = CHIRP_FILE_READ,
         .help = "noise curve: a strain file or a table; of several each signal draws one"},
        {"curve-segments", CHIRP_OPTION_INT, &q.segments, .metavar = "N", .min = 0, .max = 4096,
         .help =
             "segments of 4 s of which the curve is the Welch median: each signal's noise "
             "differs from the curve as much as from such an estimate (15: 32 s of data); 0: the "
             "curve is exact"},
        {"checkpoint", CHIRP_OPTION_STRING, &q.run.checkpoint, .metavar = "FILE", .required = true,
         .file = CHIRP_FILE_WRITTEN, .help = "the new checkpoint"},
        {"log", CHIRP_OPTION_STRING, &q.run.log, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "JSON lines, one a step"},
        {"iterations", CHIRP_OPTION_INT, &q.steps, .metavar = "N", .min = 1, .max = 1e9,
         .help = "optimiser steps, of as many signals as in the training"},
        {"learning-rate", CHIRP_OPTION_REAL, &q.learning_rate, .metavar = "R", .min = 1e-9,
         .max = 10, .help = "base rate, on the training's schedule"},
        {"seed", CHIRP_OPTION_UINT64, &q.seed, .metavar = "N", .min = 0, .max = 9e15,
         .given = &q.seed_given,
         .help = "seed of noise and signals; without it the training's and one"},
        {"threads", CHIRP_OPTION_INT, &q.threads, .metavar = "N", .min = 0, .max = 1024,
         .help = "0: OMP_NUM_THREADS or all cores"},
        {"quiet", CHIRP_OPTION_FLAG, &q.run.quiet, .help = "no progress"},
    };
    const chirp_usage usage = {
        "adapt", NULL,
        "Continues a trained network for some hundred steps on signals that are whitened with\n"
        "another noise curve, with new optimiser state and all other options of its training: for\n"
        "data whose curve infer warns of. Made on one rank.",
        table, sizeof table / sizeof table[0]};
    chirp_status st = chirp_options_parse(&usage, argc, argv, NULL);
    if (st == CHIRP_OK)
        st = chirp_refuse_ranks("adapt");
    if (st == CHIRP_OK)
        st = chirp_choose_network("adapt", "from", q.network, &q.from, q.found);
    if (st != CHIRP_OK)
        return chirp_command_exit(st);
    st = chirp_parallel_init();
    if (st == CHIRP_OK)
        st = load_and_adapt(&q, &end);
    const int code = st == CHIRP_OK ? end == CHIRP_RUN_INTERRUPTED : chirp_command_exit(st);
    chirp_parallel_finalize();
    return code;
}

const chirp_command chirp_command_adapt = {
    "adapt", "continues a network on the noise curve of other data", run};
