/* chirpbench train: trains the network; under mpiexec data parallel. */
#include "harness/base/signals.h"
#include "model/parallel/parallel.h"
#include "model/training/config.h"
#include "model/training/run.h"
#include "suites/command.h"

#include <inttypes.h>
#include <stdio.h>

static void print_by_label(const char *title, double mean, const chirp_network_spec *spec,
                           const double *value)
{
    printf("%s %.4f:", title, mean);
    for (int leaf = 0; leaf < spec->n_leaves; ++leaf)
        printf(" %s %.4f", chirp_label_name[spec->label[leaf]], value[leaf]);
    printf("\n");
}

static void print_result(const chirp_train_config *config, const chirp_run_options *options,
                         const chirp_run_result *result, double target)
{
    const chirp_network_spec *spec = NULL;
    if (chirp_network_spec_find(config->network, &spec) != CHIRP_OK)
        return;
    if (result->last.iteration > 0)
        printf("%s at iteration %" PRId64 ": loss %.4f, %.1f signals/s, %.1f s\n",
               chirp_run_end_name[result->end], result->iteration, result->last.loss,
               result->signals_per_second, result->seconds);
    else
        printf("%s at iteration %" PRId64 " already: no step was taken\n",
               chirp_run_end_name[result->end], result->iteration);
    if (result->end != CHIRP_RUN_INTERRUPTED) {
        const chirp_validation *v = &result->held_out;
        print_by_label("held-out relative error", v->mean_relative_error, spec, v->relative_error);
        print_by_label("guessing the median", v->mean_guess_error, spec, v->guess_error);
        printf("target %.4f, held-out negative log likelihood %.4f\n", target,
               v->negative_log_likelihood);
    }
    if (options->max_seconds > 0 && config->schedule == CHIRP_RATE_COSINE)
        printf("the learning rate followed the time limit: another run won't repeat this one "
               "bitwise\n");
    if (config->deadline && chirp_parallel_size() > 1)
        printf("ranks were late with %" PRId64 " of %" PRId64 " signals (%.2f %%), which were left "
               "out: another run won't repeat this one bitwise\n",
               result->left_out, result->signals,
               result->signals > 0 ? 100.0 * (double)result->left_out / (double)result->signals
                                   : 0.0);
    if (options->checkpoint)
        printf("checkpoint %s\n", options->checkpoint);
}

/* Rank 0 opens the file of MLPerf's lines, and says that things start. Collective. */
static chirp_status begin_lines(const chirp_train_config *config, chirp_run_options *options,
                                const char *path)
{
    char benchmark[64];
    chirp_status st = CHIRP_OK;
    if (path && chirp_parallel_rank() == 0)
        st = chirp_mllog_open(path, options->resume ? CHIRP_MLLOG_APPEND : CHIRP_MLLOG_NEW,
                              &options->mllog);
    (void)snprintf(benchmark, sizeof benchmark, "chirpbench_%s", config->network);
    chirp_mllog_start(options->mllog, "init_start", NULL);
    chirp_mllog_submission(options->mllog, benchmark);
    return path ? chirp_parallel_agree(st) : st;
}

static chirp_status train(const chirp_train_config *config, chirp_run_options *options,
                          const char *mllog, chirp_run_end *end)
{
    chirp_trainer *trainer = NULL;
    chirp_run_result result = {0};
    chirp_status st = begin_lines(config, options, mllog);
    if (st == CHIRP_OK)
        st = chirp_trainer_create(config, &trainer);
    if (st == CHIRP_OK)
        st = chirp_training_run(trainer, options, &result);
    if (st == CHIRP_OK && chirp_parallel_rank() == 0)
        print_result(config, options, &result, chirp_trainer_target(trainer));
    chirp_trainer_destroy(trainer);
    const chirp_status written = chirp_mllog_close(options->mllog);
    *end = result.end;
    if (st == CHIRP_OK && mllog)
        st = chirp_parallel_agree(written);
    return st;
}

/* A data set knows its signals; options may only say the same. */
static chirp_status take_data(chirp_train_config *config, const bool given[CHIRP_SIGNAL_OPTIONS])
{
    if (!config->data)
        return CHIRP_OK;
    if (config->signal.psd_path)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--psd: the data set %s has noise already; leave --psd out, or generate "
                          "the data set with it",
                          config->data);
    return chirp_train_config_take_data(config, given);
}

/* The options of a run around the training, its files and its end, and those of the training. */
static chirp_status parse(int argc, char **argv, chirp_train_config *config,
                          chirp_run_options *options, const char **mllog,
                          bool given[CHIRP_SIGNAL_OPTIONS])
{
    const char *preset = "default";
    bool own[CHIRP_TRAIN_OWN_OPTIONS] = {false};
    const chirp_option run_options[] = {
        {"log", CHIRP_OPTION_STRING, &options->log, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "JSON lines, one a step"},
        {"mllog", CHIRP_OPTION_STRING, mllog, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "lines of the MLPerf logging format (:::MLLOG); -: on stdout", .group = "Run"},
        {"checkpoint", CHIRP_OPTION_STRING, &options->checkpoint, .metavar = "FILE",
         .file = CHIRP_FILE_WRITTEN, .help = "HDF5, written atomically"},
        {"keep-best", CHIRP_OPTION_STRING, &options->keep_best, .metavar = "FILE",
         .file = CHIRP_FILE_WRITTEN,
         .help = "checkpoint with the least held-out negative log likelihood so far",
         .group = "Run"},
        {"resume", CHIRP_OPTION_FLAG, &options->resume, .help = "continue from --checkpoint"},
        {"quiet", CHIRP_OPTION_FLAG, &options->quiet, .help = "no progress", .group = "Run"},
        {"checkpoint-every", CHIRP_OPTION_INT, &options->checkpoint_every, .metavar = "N", .min = 0,
         .max = 1e9, .help = "steps; also at the end", .group = "Run"},
        {"validate-every", CHIRP_OPTION_INT, &options->validate_every, .metavar = "N", .min = 0,
         .max = 1e9, .help = "steps between held-out checks", .group = "Run"},
        {"preset", CHIRP_OPTION_CHOICE, &preset, .list = chirp_train_preset_choices,
         .help = "sets several options; one that is given as well wins"},
        {"max-seconds", CHIRP_OPTION_REAL, &options->max_seconds, .metavar = "S", .min = 0,
         .max = 1e9,
         .help =
             "stop cleanly after this long; 0: no limit. --schedule cosine then follows the time",
         .group = "Run"},
    };
    chirp_option_table tables[CHIRP_TRAIN_TABLES];
    chirp_train_tables(config, NULL, tables);
    tables[CHIRP_TRAIN_OWN].given = own;
    tables[CHIRP_TRAIN_SIGNALS].given = given;
    const chirp_usage usage = {
        "train", NULL,
        "Trains the root-and-leaf network on signals made on the fly; under mpiexec data "
        "parallel.\n"
        "Ends at --iterations, at the target error, or on --max-seconds, SIGINT, SIGTERM, SIGHUP,\n"
        "SIGUSR1, SIGUSR2, SIGALRM (batch systems send them before the time limit), SIGXCPU or\n"
        "SIGXFSZ with a checkpoint from which --resume continues bitwise. A resume takes the "
        "options\n"
        "of the run again: those that must be the same are compared, others may change.",
        run_options, sizeof run_options / sizeof run_options[0]};
    const bool *const set[CHIRP_TRAIN_TABLES] = {own, given, NULL};
    chirp_status st = chirp_options_parse_tables(&usage, tables, CHIRP_TRAIN_TABLES, argc, argv);
    if (st == CHIRP_OK)
        st = chirp_train_preset(preset, set, config);
    return st == CHIRP_OK ? chirp_train_fit_signals(config, given) : st;
}

static int run(int argc, char **argv)
{
    chirp_train_config config = chirp_train_config_default();
    chirp_run_options options = {.checkpoint_every = 500, .validate_every = 250};
    const char *mllog = NULL;
    chirp_run_end end = CHIRP_RUN_ITERATIONS;
    bool given[CHIRP_SIGNAL_OPTIONS] = {false};
    chirp_status st = parse(argc, argv, &config, &options, &mllog, given);
    if (st != CHIRP_OK)
        return chirp_command_exit(st);
    chirp_signals before;
    chirp_stop_begin(
        &before,
        NULL); /* a signal that comes while things start ends the run with its first step */
    st = chirp_parallel_init();
    if (st == CHIRP_OK)
        st = take_data(&config, given);
    const char *warning = chirp_signal_config_warning(&config.signal);
    if (st == CHIRP_OK && warning && !config.data && chirp_parallel_rank() == 0)
        (void)fprintf(stderr, "chirpbench: warning: %s\n", warning);
    if (st == CHIRP_OK)
        st = train(&config, &options, mllog, &end);
    int code = 0;
    if (st != CHIRP_OK)
        code = chirp_parallel_rank() == 0 ? chirp_command_exit(st) : 2;
    else if (end == CHIRP_RUN_INTERRUPTED)
        code = 1; /* saved, but not what was asked for */
    chirp_stop_end(&before);
    chirp_parallel_finalize();
    return code;
}

const chirp_command chirp_command_train = {"train", "trains a network; data parallel under mpiexec",
                                           run};
