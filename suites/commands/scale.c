/* chirpbench scale: weak and strong scaling, measured under mpiexec. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/base/text.h"
#include "harness/progress/progress.h"
#include "model/training/config.h"
#include "suites/command.h"
#include "suites/scaling/measured/costs.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEASURING_STEPS = 12 }; /* until ranks have shared signals by their speed */

/* "1,2,4": numbers from `least` on, each once. */
static chirp_status parse_numbers(const char *option, const char *text, int least, int most,
                                  int *value, int *n)
{
    *n = 0;
    for (const char *at = text; at;) {
        int64_t number = 0;
        if (!chirp_next_integer(&at, least, 1 << 20, &number))
            return chirp_fail(CHIRP_ERR_ARG,
                              "--%s %.60s: should be numbers from %d, separated by commas", option,
                              text, least);
        for (int i = 0; i < *n; ++i)
            if (value[i] == (int)number)
                return chirp_fail(CHIRP_ERR_ARG, "--%s %.60s: %d is there twice", option, text,
                                  (int)number);
        if (*n == most)
            return chirp_fail(CHIRP_ERR_ARG, "--%s: at most %d numbers", option, most);
        value[(*n)++] = (int)number;
    }
    return CHIRP_OK;
}

static chirp_status parse_ranks(const char *text, chirp_scale_options *o)
{
    if (text)
        return parse_numbers("ranks", text, 1, CHIRP_SCALE_MAX_COUNTS, o->count, &o->n_counts);
    const int size = chirp_parallel_size(); /* 1, 2, 4, ... and all */
    o->n_counts = 0;
    for (int n = 1; n < size && o->n_counts < CHIRP_SCALE_MAX_COUNTS - 1; n *= 2)
        o->count[o->n_counts++] = n;
    o->count[o->n_counts++] = size;
    return CHIRP_OK;
}

static chirp_status parse_threads(const char *text, chirp_scale_options *o)
{
    const int share = omp_get_max_threads(); /* chirp_parallel_init() has seen to it */
    const chirp_status st =
        parse_numbers("threads", text, 0, CHIRP_SCALE_MAX_THREADS, o->threads, &o->n_threads);
    for (int i = 0; st == CHIRP_OK && i < o->n_threads; ++i)
        if (o->threads[i] == 0)
            o->threads[i] = share;
    o->train.n_threads = o->threads[0];
    return st;
}

static chirp_status parse_variants(const char *text, chirp_scale_options *o)
{
    o->n_variants = 0;
    for (const char *at = text;; ++at) {
        char word[16] = "";
        const size_t length = strcspn(at, ",");
        if (length < sizeof word)
            memcpy(word, at, length);
        const int variant = chirp_name_index(chirp_variant_name, CHIRP_VARIANTS, word);
        if (variant < 0)
            return chirp_fail(CHIRP_ERR_ARG,
                              "--variational %.60s: should be some of none,last2,leaf,all", text);
        for (int i = 0; i < o->n_variants; ++i)
            if (o->variant[i] == (chirp_variant)variant)
                return chirp_fail(CHIRP_ERR_ARG, "--variational %.60s: %s is there twice", text,
                                  word);
        o->variant[o->n_variants++] = (chirp_variant)variant;
        at += length;
        if (*at == '\0')
            break;
    }
    o->train.variant = o->variant[0];
    return CHIRP_OK;
}

/* What is about one network on one number of threads. */
static chirp_status check_single(const chirp_scale_options *o, const char *option, const char *path)
{
    if (path && o->n_threads * o->n_variants > 1)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--%s is about one series: give --threads and --variational one value "
                          "each, not %d and %d",
                          option, o->n_threads, o->n_variants);
    return CHIRP_OK;
}

static void show_progress(void *context, int done, int of)
{
    (void)of;
    chirp_progress_update(context, done, NULL);
}

static chirp_status check_writable(const char *path)
{
    return path ? chirp_file_writable(path) : CHIRP_OK; /* learn now, not after minutes */
}

static chirp_status check_machine(const chirp_scale_options *o, const char *path)
{
    char name[48];
    if (chirp_parallel_size() < 2)
        return chirp_fail(CHIRP_ERR_ARG, "--machine-out: exchanging takes two ranks or more: start "
                                         "with mpiexec -n 2");
    if (strcmp(o->train.shares, "equal") != 0)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--machine-out compares ranks of equal work: leave out "
                          "--shares %s",
                          o->train.shares);
    const chirp_status st = chirp_machine_name(path, name);
    return st == CHIRP_OK ? check_writable(path) : st;
}

/* The file first: whoever reads a table can rely on it that nothing failed. */
static chirp_status report(const chirp_scale *scale, const char *json)
{
    char *text = NULL;
    chirp_status st = json ? chirp_scale_json(scale, &text) : CHIRP_OK;
    if (st == CHIRP_OK && json)
        st = chirp_file_write(json, text, strlen(text));
    chirp_free(text);
    if (st == CHIRP_OK)
        chirp_scale_print(scale);
    return st;
}

static void print_costs(const chirp_exchange_costs *c)
{
    char fitted[32];
    if (c->fitted_ranks > c->point[0].ranks)
        (void)snprintf(fitted, sizeof fitted, "%d and %d", c->point[0].ranks, c->fitted_ranks);
    else
        (void)snprintf(fitted, sizeof fitted, "%d", c->fitted_ranks);
    printf(
        "\nexchanging with one partner: %.1f us and %.3f ns a byte, fitted on %s ranks%s\n%6s %12s "
        "%12s %12s\n",
        1e6 * c->fixed_s, 1e9 * c->per_byte_s, fitted,
        c->one_computer ? "; more ranks than processors take turns" : "", "ranks", "bytes",
        "measured us", "formula");
    for (int i = 0; i < c->n; ++i) {
        const chirp_cost_point *point = &c->point[i];
        printf("%6d %12.0f %12.1f %+9.0f %% %s\n", point->ranks, point->bytes, 1e6 * point->seconds,
               100 * (point->fitted_s / point->seconds - 1),
               point->held_out ? "held out" : "fitted");
    }
}

static chirp_status write_machine(const char *path, const chirp_scale *scale)
{
    static chirp_exchange_costs costs; /* large */
    const chirp_scale_options *o = &scale->options;
    chirp_status st = chirp_costs_measure(o->count, o->n_counts, &costs);
    if (st == CHIRP_OK && chirp_parallel_rank() == 0) {
        print_costs(&costs);
        st = chirp_machine_write(path, scale, &costs);
    }
    return chirp_parallel_agree(st);
}

/* Rank 0 says that measuring starts. */
static chirp_status begin_lines(const char *path, chirp_mllog **log)
{
    chirp_status st = CHIRP_OK;
    *log = NULL;
    if (path && chirp_parallel_rank() == 0)
        st = chirp_mllog_open(path, CHIRP_MLLOG_REPLACE, log);
    chirp_mllog_start(*log, "init_start", NULL);
    chirp_mllog_submission(*log, "chirpbench_scale");
    chirp_mllog_stop(*log, "init_stop", NULL);
    chirp_mllog_start(*log, "run_start", NULL);
    return path ? chirp_parallel_agree(st) : st;
}

static chirp_status measure(chirp_scale_options *o, const char *json, const char *mllog,
                            const char *profile, const char *machine)
{
    static chirp_scale scale; /* large */
    chirp_mllog *log = NULL;
    const bool root = chirp_parallel_rank() == 0;
    const chirp_status begun = begin_lines(mllog, &log);
    if (begun != CHIRP_OK)
        return begun;
    chirp_progress *progress =
        root ? chirp_progress_begin("scale", (int64_t)o->repetitions * o->n_counts * o->n_threads *
                                                 o->n_variants)
             : NULL;
    chirp_status st = chirp_scale_measure(o, show_progress, progress, &scale);
    chirp_progress_end(progress);
    chirp_scale_lines(st == CHIRP_OK ? &scale : NULL, log);
    const chirp_status written = chirp_mllog_close(log);
    if (st == CHIRP_OK)
        st = chirp_parallel_agree(root && written == CHIRP_OK ? report(&scale, json) : written);
    if (st == CHIRP_OK && machine)
        st = write_machine(machine, &scale);
    chirp_scale_release(&scale);
    if (!profile || st != CHIRP_OK)
        return st;
    chirp_status own = chirp_parallel_group(1); /* alone: nobody shares the memory bus */
    if (own == CHIRP_OK && chirp_parallel_member())
        own = chirp_scale_profile(&o->train, profile);
    st = chirp_parallel_everyone();
    return chirp_parallel_agree(own == CHIRP_OK ? st : own);
}

static chirp_status parse_lists(const char *ranks, const char *threads, const char *variants,
                                chirp_scale_options *o)
{
    chirp_status st = chirp_train_fit_signals(&o->train, NULL);
    if (st == CHIRP_OK)
        st = parse_ranks(ranks, o);
    if (st == CHIRP_OK)
        st = parse_threads(threads, o);
    return st == CHIRP_OK ? parse_variants(variants, o) : st;
}

static int run(int argc, char **argv)
{
    static const char *const modes[] = {"weak", "strong"};
    static const char *const of_train[] = {"network",  "weight-noise", "accumulate", "exchange",
                                           "compress", "bucket-mib",   NULL};
    chirp_scale_options o = {
        .repetitions = 7, .steps = 4, .warmup = 1, .train = chirp_train_config_study()};
    const char *ranks = NULL;
    const char *variants = "last2";
    const char *threads = "0";
    const char *json = NULL;
    const char *mllog = NULL;
    const char *profile = NULL;
    const char *machine = NULL;
    bool warmup_given = false;
    o.train.batch = 16;
    const chirp_option table[] = {
        {"mode", CHIRP_OPTION_EITHER, &o.strong, .names = modes, .n_names = 2,
         .help = "batch per rank, or divided over ranks"},
        {"ranks", CHIRP_OPTION_STRING, &ranks, .metavar = "N,N,...",
         .help = "rank counts, from 1; default 1, 2, 4, ... and all of the job"},
        {"variational", CHIRP_OPTION_STRING, &variants, .metavar = "V,V,...",
         .help = "which layers are variational: some of none,last2,leaf,all; each a series"},
        {"batch", CHIRP_OPTION_INT, &o.train.batch, .metavar = "N", .min = 1, .max = 65536,
         .help = "signals per step, of a rank (weak) or of all (strong)"},
        {"threads", CHIRP_OPTION_STRING, &threads, .metavar = "N,N,...",
         .help = "threads per rank, a series each; 0: OMP_NUM_THREADS, or the processors of a "
                 "computer divided by its ranks"},
        {"shares", CHIRP_OPTION_CHOICE, &o.train.shares, .choices = "equal|measured",
         .help = "how a step's signals are split over ranks: equal, or measured by speed"},
        {"repetitions", CHIRP_OPTION_INT32, &o.repetitions, .metavar = "N", .min = 1, .max = 1000,
         .help = "repetitions of each rank count; a 95 % interval needs 6"},
        {"steps", CHIRP_OPTION_INT32, &o.steps, .metavar = "N", .min = 1, .max = 100000,
         .help = "timed steps of a repetition"},
        {"warmup", CHIRP_OPTION_INT32, &o.warmup, .metavar = "N", .min = 0, .max = 1000,
         .help =
             "untimed steps first; with --shares measured 12, as shares need some steps to settle",
         .given = &warmup_given},
        {"json", CHIRP_OPTION_STRING, &json, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "rows, intervals, loss budget, calls by size"},
        {"mllog", CHIRP_OPTION_STRING, &mllog, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "rows in the MLPerf logging format (:::MLLOG); -: on stdout"},
        {"timeline", CHIRP_OPTION_STRING, &o.timeline, .metavar = "FILE",
         .file = CHIRP_FILE_WRITTEN,
         .help = "Chrome trace of one step of all ranks (opens in Perfetto)"},
        {"profile", CHIRP_OPTION_STRING, &profile, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "layer times for chirpbench project --profile"},
        {"machine-out", CHIRP_OPTION_STRING, &machine, .metavar = "NAME.json",
         .file = CHIRP_FILE_WRITTEN,
         .help = "this machine for chirpbench project --machine: rates, exchange costs, jitter; "
                 "NAME.xml beside it"},
    };
    const chirp_usage usage = {"scale", NULL,
                               "Measures how the training step scales: under mpiexec -n N runs it "
                               "on 1, 2, ... N ranks of the same\n"
                               "job in turn. Prints efficiency with an interval over repetitions, "
                               "and which part of a step\n"
                               "costs how many points of it.",
                               table, sizeof table / sizeof table[0]};
    chirp_option_table tables[CHIRP_TRAIN_TABLES];
    chirp_train_tables(&o.train, of_train, tables);
    chirp_status st = chirp_options_parse_tables(&usage, tables, CHIRP_TRAIN_TABLES, argc, argv);
    if (st == CHIRP_ERR_INTERRUPTED) /* --help: no MPI for it */
        return chirp_command_exit(st);
    const chirp_status begun = chirp_parallel_init();
    st = st == CHIRP_OK ? begun : st;
    if (st == CHIRP_OK)
        st = parse_lists(ranks, threads, variants, &o);
    const struct {
        const char *option, *path;
    } single[] = {{"timeline", o.timeline}, {"profile", profile}, {"machine-out", machine}};
    for (size_t i = 0; i < sizeof single / sizeof single[0]; ++i)
        if (st == CHIRP_OK)
            st = check_single(&o, single[i].option, single[i].path);
    if (st == CHIRP_OK && chirp_parallel_rank() == 0) {
        st = check_writable(json);
        if (st == CHIRP_OK)
            st = check_writable(o.timeline);
        if (st == CHIRP_OK)
            st = check_writable(profile);
        if (st == CHIRP_OK && machine)
            st = check_machine(&o, machine);
    }
    if (st == CHIRP_OK) /* as train checks it, before anything runs */
        st = chirp_train_config_check(&o.train);
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK) {
        if (strcmp(o.train.shares, "measured") == 0 && !warmup_given)
            o.warmup = MEASURING_STEPS;
        st = measure(&o, json, mllog, profile, machine);
    }
    int code = 0;
    if (st != CHIRP_OK) /* one line, not one per rank */
        code = chirp_parallel_rank() == 0 ? chirp_command_exit(st)
                                          : (chirp_error_message()[0] ? 2 : 0);
    chirp_parallel_finalize();
    return code;
}

const chirp_command chirp_command_scale = {"scale",
                                           "weak and strong scaling, measured under mpiexec", run};
