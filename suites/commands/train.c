/* chirpbench train: trains the network; under mpiexec data parallel. */
#include "harness/base/options.h"
#include "model/parallel/parallel.h"
#include "model/signal/settings.h"
#include "model/training/config.h"
#include "model/training/run.h"
#include "suites/command.h"
#include "suites/commands/exchange_options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_result(const chirp_train_config *config, const chirp_run_options *options,
                         const chirp_run_result *result, double target)
{
    static const char *const end[] = {"all iterations done", "target reached", "interrupted"};
    const chirp_network_spec *spec = NULL;
    if (chirp_network_spec_find(config->network, &spec) != CHIRP_OK)
        return;
    if (result->last.iteration > 0)
        printf("%s at iteration %" PRId64 ": loss %.4f, %.1f signals/s, %.1f s\n", end[result->end],
               result->iteration, result->last.loss, result->signals_per_second, result->seconds);
    else
        printf("%s at iteration %" PRId64 " already: no step was taken\n", end[result->end],
               result->iteration);
    if (result->end != CHIRP_RUN_INTERRUPTED) {
        printf("held-out relative error %.4f (target %.4f):", result->mean_relative_error, target);
        for (int leaf = 0; leaf < spec->n_leaves; ++leaf)
            printf(" %s %.4f", chirp_label_name[spec->label[leaf]], result->relative_error[leaf]);
        printf("\n");
    }
    if (options->checkpoint)
        printf("checkpoint %s\n", options->checkpoint);
}

static chirp_status train(const chirp_train_config *config, const chirp_run_options *options,
                          chirp_run_end *end)
{
    chirp_trainer *trainer = NULL;
    chirp_run_result result = {0};
    chirp_status st = chirp_trainer_create(config, &trainer);
    if (st == CHIRP_OK)
        st = chirp_training_run(trainer, options, &result);
    if (st == CHIRP_OK && chirp_parallel_rank() == 0)
        print_result(config, options, &result, chirp_trainer_target(trainer));
    chirp_trainer_destroy(trainer);
    *end = result.end;
    return st;
}

/* Where the parser notes that an option for a signal setting was given. */
static bool *signal_given(bool given[CHIRP_SIGNAL_SETTINGS], const char *option)
{
    for (int i = 0; i < CHIRP_SIGNAL_SETTINGS; ++i)
        if (strcmp(chirp_field_title(&chirp_signal_setting[i]), option) == 0)
            return &given[i];
    return NULL;
}

static int run(int argc, char **argv)
{
    chirp_train_config config = chirp_train_config_default();
    chirp_run_options options = {.checkpoint_every = 500, .validate_every = 250};
    const char *variant = "last2";
    const char *estimator = "reparameterization";
    const char *optimizer = "adam";
    const char *likelihood = "learned";
    chirp_exchange_options exchange = CHIRP_EXCHANGE_OPTIONS_DEFAULT;
    int64_t seed = 0;
    int64_t threads = 0;
    bool given[CHIRP_SIGNAL_SETTINGS] = {false};
    bool psd_given = false;
    const chirp_option table[] = {
        {"network", CHIRP_OPTION_CHOICE, &config.network, .choices = "spin|mass",
         .help = "which labels to learn"},
        {"variational", CHIRP_OPTION_CHOICE, &variant, .choices = "none|last2|leaf|all",
         .help = "which layers are variational"},
        {"estimator", CHIRP_OPTION_CHOICE, &estimator,
         .choices = "reparameterization|local|flipout",
         .help = "gradient estimator of variational weights"},
        {"batch", CHIRP_OPTION_INT, &config.batch, .metavar = "N", .min = 1, .max = 4096,
         .help = "signals per rank and pass"},
        {"accumulate", CHIRP_OPTION_INT, &config.accumulate, .metavar = "K", .min = 1, .max = 4096,
         .help =
             "passes of --batch signals per rank between exchanges: one step then takes ranks x "
             "K x batch signals; the rate is not scaled by K"},
        {"shares", CHIRP_OPTION_STRING, &config.shares, .metavar = "SHARES",
         .help = "signals of each rank's passes: equal (N each), measured (ranks x N by speed, set "
                 "anew "
                 "while training: gives up bitwise repetition) or a list, 70,58"},
        {"iterations", CHIRP_OPTION_INT, &config.iterations, .metavar = "N", .min = 1, .max = 1e9,
         .help = "optimiser steps"},
        {"seed", CHIRP_OPTION_INT, &seed, .metavar = "N", .min = 0, .max = 9e15,
         .help = "of weights, noise and signals"},
        {"optimizer", CHIRP_OPTION_CHOICE, &optimizer, .choices = "adam|sgd",
         .help = "public code: adam, paper: sgd"},
        {"learning-rate", CHIRP_OPTION_REAL, &config.learning_rate, .metavar = "R", .min = 1e-9,
         .max = 10, .help = "base rate; times ranks after --warmup-steps"},
        {"warmup-steps", CHIRP_OPTION_INT, &config.warmup_steps, .metavar = "N", .min = 0,
         .max = 1e9, .help = "steps at the base rate"},
        {"momentum", CHIRP_OPTION_REAL, &config.momentum, .metavar = "M", .min = 0, .max = 0.9999,
         .help = "of sgd; adam's beta1"},
        {"dropout", CHIRP_OPTION_REAL, &config.dropout, .metavar = "P", .min = 0, .max = 0.99,
         .help = "behind dense1, when training"},
        {"likelihood", CHIRP_OPTION_CHOICE, &likelihood, .choices = "learned|fixed",
         .help = "is the noise scale an output of each leaf?"},
        {"noise-scale", CHIRP_OPTION_REAL, &config.noise_scale, .metavar = "S", .min = 0.0011,
         .max = 10, .help = "fixed scale, or where the learned one starts"},
        {"kl-weight", CHIRP_OPTION_REAL, &config.kl_weight, .metavar = "W", .min = 0, .max = 1,
         .help = "of KL per signal; 0: 1/(signals in the whole training)"},
        {"kl-warmup", CHIRP_OPTION_INT, &config.kl_warmup, .metavar = "N", .min = 0, .max = 1e9,
         .help = "steps over which the KL weight grows from 0"},
        {"prior-sigma", CHIRP_OPTION_REAL, &config.prior_sigma, .metavar = "S", .min = 1e-6,
         .max = 1e6, .help = "standard deviation of the weights' prior"},
        {"initial-rho", CHIRP_OPTION_REAL, &config.initial_rho, .metavar = "R", .min = -20,
         .max = 20, .help = "posterior sigmas start at softplus(R)"},
        {"dense2-relu", CHIRP_OPTION_FLAG, &config.dense2_relu,
         .help = "puts back the activation that the study removed"},
        {"mass-min", CHIRP_OPTION_REAL, &config.signal.mass_min_msun, .metavar = "M", .min = 1,
         .max = 500, .given = signal_given(given, "--mass-min"),
         .help = "least component mass, detector frame [solar masses]"},
        {"mass-max", CHIRP_OPTION_REAL, &config.signal.mass_max_msun, .metavar = "M", .min = 1,
         .max = 500, .given = signal_given(given, "--mass-max"),
         .help = "largest component mass [solar masses]"},
        {"spin-max", CHIRP_OPTION_REAL, &config.signal.spin_max, .metavar = "CHI", .min = 0,
         .max = 0.99, .given = signal_given(given, "--spin-max"), .help = "largest |aligned spin|"},
        {"snr-min", CHIRP_OPTION_REAL, &config.signal.snr_min, .metavar = "RHO", .min = 0.1,
         .max = 1e4, .given = signal_given(given, "--snr-min"),
         .help = "least optimal SNR in the window"},
        {"snr-max", CHIRP_OPTION_REAL, &config.signal.snr_max, .metavar = "RHO", .min = 0.1,
         .max = 1e4, .given = signal_given(given, "--snr-max"),
         .help = "largest optimal SNR in the window"},
        {"curriculum", CHIRP_OPTION_STRING, &config.curriculum, .metavar = "STAGES",
         .help = "falling SNR: study (six steps until half of the iterations), none, or "
                 "0:60-100,9000:40-80"},
        {"data", CHIRP_OPTION_STRING, &config.data, .metavar = "FILE",
         .help = "data set of chirpbench generate instead of signals made on the fly; its last "
                 "rows are held out"},
        {"psd", CHIRP_OPTION_STRING, &config.signal.psd_path, .metavar = "FILE",
         .given = &psd_given, .help = "noise curve table; analytic aLIGO design without"},
        {"target-error", CHIRP_OPTION_REAL, &config.target_error, .metavar = "E", .min = 0,
         .max = 1, .help = "stop at this held-out relative error; 0: the study's"},
        {"validation-signals", CHIRP_OPTION_INT, &config.validation_signals, .metavar = "N",
         .min = 1, .max = 1e6, .help = "held-out signals"},
        {"validate-every", CHIRP_OPTION_INT, &options.validate_every, .metavar = "N", .min = 0,
         .max = 1e9, .help = "steps between held-out checks"},
        {"log", CHIRP_OPTION_STRING, &options.log, .metavar = "FILE",
         .help = "JSON lines, one a step"},
        {"checkpoint", CHIRP_OPTION_STRING, &options.checkpoint, .metavar = "FILE",
         .help = "HDF5, written atomically"},
        {"checkpoint-every", CHIRP_OPTION_INT, &options.checkpoint_every, .metavar = "N", .min = 0,
         .max = 1e9, .help = "steps; also at the end"},
        {"resume", CHIRP_OPTION_FLAG, &options.resume, .help = "continue from --checkpoint"},
        {"max-seconds", CHIRP_OPTION_REAL, &options.max_seconds, .metavar = "S", .min = 0,
         .max = 1e9, .help = "stop cleanly after this long; 0: no limit"},
        CHIRP_EXCHANGE_OPTIONS(exchange),
        {"threads", CHIRP_OPTION_INT, &threads, .metavar = "N", .min = 0, .max = 1024,
         .help = "per rank; 0: OMP_NUM_THREADS, or the processors of a computer over its ranks"},
        {"quiet", CHIRP_OPTION_FLAG, &options.quiet, .help = "no progress"},
    };
    const chirp_usage usage = {
        "train", NULL,
        "Trains the root-and-leaf network on signals made on the fly; under mpiexec data "
        "parallel.\n"
        "Ends at --iterations, at the target error, or on --max-seconds, SIGINT, SIGTERM, SIGHUP,\n"
        "SIGUSR1, SIGUSR2 (batch systems send them before the time limit) or SIGXCPU with a\n"
        "checkpoint from which --resume continues bitwise.",
        table, sizeof table / sizeof table[0]};
    chirp_run_end end = CHIRP_RUN_ITERATIONS;
    chirp_status st = chirp_options_parse(&usage, argc, argv, NULL);
    if (st != CHIRP_OK)
        return chirp_command_exit(st);
    config.variant = (chirp_variant)chirp_name_index(chirp_variant_name, CHIRP_VARIANTS, variant);
    config.estimator = (chirp_variational_estimator)chirp_name_index(
        chirp_variational_estimator_name, CHIRP_VARIATIONAL_ESTIMATORS, estimator);
    config.optimizer =
        (chirp_optimizer)chirp_name_index(chirp_optimizer_name, CHIRP_OPTIMIZERS, optimizer);
    config.learned_scale = likelihood[0] == 'l';
    chirp_exchange_options_apply(&exchange, &config.exchange, &config.independent_noise);
    config.seed = (uint64_t)seed;
    config.n_threads = (int)threads;
    st = chirp_parallel_init();
    if (st == CHIRP_OK && config.data && psd_given)
        st =
            chirp_fail(CHIRP_ERR_ARG,
                       "--psd: the data set %s has noise already; leave --psd out, or generate the "
                       "data set with it",
                       config.data);
    if (st == CHIRP_OK && config.data)
        st = chirp_train_config_take_data(&config, given);
    const char *warning = chirp_signal_config_warning(&config.signal);
    if (st == CHIRP_OK && warning && !config.data && chirp_parallel_rank() == 0)
        (void)fprintf(stderr, "chirpbench: warning: %s\n", warning);
    if (st == CHIRP_OK)
        st = train(&config, &options, &end);
    int code = 0;
    if (st != CHIRP_OK)
        code = chirp_parallel_rank() == 0 ? chirp_command_exit(st) : 2;
    else if (end == CHIRP_RUN_INTERRUPTED)
        code = 1; /* saved, but not what was asked for */
    chirp_parallel_finalize();
    return code;
}

const chirp_command chirp_command_train = {"train", "trains a network; data parallel under mpiexec",
                                           run};
