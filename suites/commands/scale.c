/* chirpbench scale: weak and strong scaling, measured under mpiexec. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/progress/progress.h"
#include "harness/stats/stats.h"
#include "suites/command.h"
#include "suites/scaling/costs.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static chirp_status parse_ranks(const char *text, chirp_scale_options *o)
{
    o->n_counts = 0;
    if (!text) { /* 1, 2, 4, ... and all */
        const int size = chirp_parallel_size();
        for (int n = 1; n < size && o->n_counts < CHIRP_SCALE_MAX_COUNTS - 1; n *= 2)
            o->count[o->n_counts++] = n;
        o->count[o->n_counts++] = size;
        return CHIRP_OK;
    }
    for (const char *at = text; *at;) {
        char *end = NULL;
        errno = 0;
        const long ranks = strtol(at, &end, 10);
        if (end == at || errno || ranks < 1 || ranks > 1 << 20 || (*end != ',' && *end != '\0'))
            return chirp_fail(CHIRP_ERR_ARG,
                              "--ranks %.60s: should be numbers from 1, separated by commas", text);
        if (o->n_counts == CHIRP_SCALE_MAX_COUNTS)
            return chirp_fail(CHIRP_ERR_ARG, "--ranks: at most %d numbers", CHIRP_SCALE_MAX_COUNTS);
        o->count[o->n_counts++] = (int)ranks;
        at = *end == ',' ? end + 1 : end;
    }
    return CHIRP_OK;
}

static void show_progress(void *context, int done, int of)
{
    (void)of;
    chirp_progress_update(context, done, NULL);
}

static void print_rows(const chirp_scale *scale)
{
    const chirp_scale_options *o = &scale->options;
    printf("%s scaling, %s, variational %s, batch %lld; milliseconds per step, median of %d "
           "repetitions of %d steps\n\n",
           o->strong ? "strong" : "weak", o->train.network, chirp_variant_name[o->train.variant],
           (long long)o->train.batch, o->repetitions, o->steps);
    printf("%5s %7s %9s %11s %9s %9s %9s %9s %9s %9s %9s\n", "ranks", "threads", "step",
           "efficiency", "compute", "waiting", "exposed", "hidden", "control", "input",
           "optimizer");
    bool crowded = false;
    for (int i = 0; i < scale->n_rows; ++i) {
        const chirp_scale_row *row = &scale->row[i];
        const int median = chirp_scale_median(scale, i);
        const chirp_scale_terms *t = &row->repetition[median];
        const double ideal = o->strong ? row->ranks : 1;
        const double efficiency = scale->row[0].repetition[median].total / (ideal * t->total);
        printf("%5d %7d %9.2f %9.1f %%%s %9.2f %9.2f %9.2f %9.2f %9.2f %9.2f %9.2f\n", row->ranks,
               row->threads, 1e3 * t->total, 100 * efficiency, row->oversubscribed ? "*" : " ",
               1e3 * t->compute, 1e3 * t->waiting, 1e3 * t->exposed,
               1e3 * fmax(0, row->alone_s - t->exposed), 1e3 * t->control, 1e3 * t->input,
               1e3 * t->optimizer);
        crowded = crowded || row->oversubscribed;
    }
    double predicted = 0;
    if (chirp_scale_predict(scale, scale->n_rows - 1, &predicted)) {
        const chirp_scale_row *last = &scale->row[scale->n_rows - 1];
        const double measured =
            last->repetition[chirp_scale_median(scale, scale->n_rows - 1)].total;
        printf("\nheld out: %d ranks predicted from fewer, %.2f ms, measured %.2f ms, error %+.1f "
               "%%\n",
               last->ranks, 1e3 * predicted, 1e3 * measured, 100 * (predicted / measured - 1));
    }
    if (crowded)
        printf("\n* more threads than processors: this is a test of the program, not of the "
               "machine\n");
    for (int i = 0; i < scale->n_rows; ++i) {
        const chirp_scale_row *row = &scale->row[i];
        const double compute = row->repetition[chirp_scale_median(scale, i)].compute;
        if (row->slowest >= 0 && row->slowest_share > 0.8 && row->slowest_late_s > 0.05 * compute)
            printf("%d ranks: rank %d is slow: last in %.0f %% of the steps, %.1f ms behind the "
                   "first\n",
                   row->ranks, row->slowest, 100 * row->slowest_share, 1e3 * row->slowest_late_s);
    }
}

static chirp_status check_writable(const char *path)
{
    return path ? chirp_file_writable(path) : CHIRP_OK; /* learn now, not after minutes */
}

static chirp_status check_machine(const char *path)
{
    char name[48];
    if (chirp_parallel_size() < 2)
        return chirp_fail(CHIRP_ERR_ARG, "--machine-out: exchanging takes two ranks or more: start "
                                         "with mpiexec -n 2");
    const chirp_status st = chirp_machine_name(path, name);
    return st == CHIRP_OK ? check_writable(path) : st;
}

static chirp_status report(const chirp_scale *scale, const char *json)
{
    char *text = NULL;
    print_rows(scale);
    chirp_status st = json ? chirp_scale_json(scale, &text) : CHIRP_OK;
    if (st == CHIRP_OK && json)
        st = chirp_file_write(json, text, strlen(text));
    chirp_free(text);
    return st;
}

static void print_costs(const chirp_exchange_costs *c)
{
    printf(
        "\nexchanging with one partner: %.1f us and %.3f ns a byte, fitted on %d ranks%s\n%6s %12s "
        "%12s %12s\n",
        1e6 * c->fixed_s, 1e9 * c->per_byte_s, c->point[0].ranks,
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

static chirp_status measure(chirp_scale_options *o, const char *json, const char *profile,
                            const char *machine)
{
    static chirp_scale scale; /* large */
    const bool root = chirp_parallel_rank() == 0;
    chirp_progress *progress =
        root ? chirp_progress_begin("scale", (int64_t)o->repetitions * o->n_counts) : NULL;
    chirp_status st = chirp_scale_measure(o, show_progress, progress, &scale);
    chirp_progress_end(progress);
    if (st == CHIRP_OK)
        st = chirp_parallel_agree(root ? report(&scale, json) : CHIRP_OK);
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

static int run(int argc, char **argv)
{
    chirp_scale_options o = {.repetitions = 7,
                             .steps = 4,
                             .warmup = 1,
                             .slow_rank = -1,
                             .train = chirp_train_config_default()};
    const char *mode = "weak";
    const char *ranks = NULL;
    const char *variant = "last2";
    const char *exchange = "overlap";
    const char *compress = "none";
    const char *noise = "independent";
    const char *json = NULL;
    const char *profile = NULL;
    const char *machine = NULL;
    int64_t repetitions = o.repetitions;
    int64_t steps = o.steps;
    int64_t warmup = o.warmup;
    int64_t threads = 0;
    int64_t slow_rank = -1;
    o.train.batch = 16;
    o.train.exchange.bucket_bytes = 0;
    const chirp_option table[] = {
        {"mode", CHIRP_OPTION_CHOICE, &mode, .choices = "weak|strong",
         .help = "batch per rank, or divided over ranks"},
        {"ranks", CHIRP_OPTION_STRING, &ranks, .metavar = "N,N,...",
         .help = "rank counts, from 1; default 1, 2, 4, ... and all of the job"},
        {"network", CHIRP_OPTION_CHOICE, &o.train.network, .choices = "spin|mass",
         .help = "which network"},
        {"variational", CHIRP_OPTION_CHOICE, &variant, .choices = "none|last2|leaf|all",
         .help = "which layers are variational"},
        {"batch", CHIRP_OPTION_INT, &o.train.batch, .metavar = "N", .min = 1, .max = 65536,
         .help = "signals per step, of a rank (weak) or of all (strong)"},
        {"exchange", CHIRP_OPTION_CHOICE, &exchange, .choices = "overlap|study|delayed|halving",
         .help = "how ranks average gradients"},
        {"compress", CHIRP_OPTION_CHOICE, &compress, .choices = "none|bf16",
         .help = "numbers on the wire"},
        {"bucket-bytes", CHIRP_OPTION_INT, &o.train.exchange.bucket_bytes, .metavar = "B", .min = 0,
         .max = 1e10,
         .help = "a bucket is sent when it holds this many; 0: 1 MiB, study: a fusion buffer of 64 "
                 "MiB"},
        {"weight-noise", CHIRP_OPTION_CHOICE, &noise, .choices = "shared|independent",
         .help = "one weight draw for all ranks, or one per rank"},
        {"threads", CHIRP_OPTION_INT, &threads, .metavar = "N", .min = 0, .max = 1024,
         .help = "per rank; 0: processors over ranks of the job"},
        {"repetitions", CHIRP_OPTION_INT, &repetitions, .metavar = "N", .min = 1, .max = 1000,
         .help = "of every rank count; 6 or more for a 95 % interval"},
        {"steps", CHIRP_OPTION_INT, &steps, .metavar = "N", .min = 1, .max = 100000,
         .help = "timed steps of a repetition"},
        {"warmup", CHIRP_OPTION_INT, &warmup, .metavar = "N", .min = 0, .max = 1000,
         .help = "untimed steps before them"},
        {"slow-rank", CHIRP_OPTION_INT, &slow_rank, .metavar = "R", .min = -1, .max = 1 << 20,
         .help = "this rank sleeps before each step: is it found?"},
        {"slow-seconds", CHIRP_OPTION_REAL, &o.slow_s, .metavar = "S", .min = 0, .max = 60,
         .help = "how long it sleeps"},
        {"json", CHIRP_OPTION_STRING, &json, .metavar = "FILE",
         .help = "rows, intervals, loss budget, calls by size"},
        {"timeline", CHIRP_OPTION_STRING, &o.timeline, .metavar = "FILE",
         .help = "Chrome trace of one step of all ranks (opens in Perfetto)"},
        {"profile", CHIRP_OPTION_STRING, &profile, .metavar = "FILE",
         .help = "layer times for chirpbench project --profile"},
        {"machine-out", CHIRP_OPTION_STRING, &machine, .metavar = "NAME.json",
         .help = "this machine for chirpbench project --machine: rates, exchange costs, jitter; "
                 "NAME.xml beside it"},
    };
    const chirp_usage usage = {"scale", NULL,
                               "Measures how the training step scales: under mpiexec -n N runs it "
                               "on 1, 2, ... N ranks of the same\n"
                               "job in turn, and says where the time goes. Efficiency comes with "
                               "an interval over repetitions and\n"
                               "a loss budget that adds up.",
                               table, sizeof table / sizeof table[0]};
    chirp_status st = chirp_parallel_init();
    if (st == CHIRP_OK)
        st = chirp_options_parse(&usage, argc, argv, NULL);
    if (st == CHIRP_OK)
        st = parse_ranks(ranks, &o);
    if (st == CHIRP_OK && chirp_parallel_rank() == 0) {
        st = check_writable(json);
        if (st == CHIRP_OK)
            st = check_writable(o.timeline);
        if (st == CHIRP_OK)
            st = check_writable(profile);
        if (st == CHIRP_OK && machine)
            st = check_machine(machine);
    }
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK) {
        const long processors = sysconf(_SC_NPROCESSORS_ONLN);
        const long share = processors / chirp_parallel_size();
        o.strong = mode[0] == 's';
        o.train.variant =
            (chirp_variant)chirp_name_index(chirp_variant_name, CHIRP_VARIANTS, variant);
        o.train.exchange.mode = (chirp_exchange_mode)chirp_name_index(
            chirp_exchange_name, CHIRP_EXCHANGE_MODES, exchange);
        o.train.exchange.compress = compress[0] == 'b' ? CHIRP_COMPRESS_BF16 : CHIRP_COMPRESS_NONE;
        o.train.independent_noise = noise[0] == 'i';
        o.train.n_threads = threads > 0 ? (int)threads : (int)(share > 1 ? share : 1);
        o.train.exchange.n_threads = o.train.n_threads;
        o.repetitions = (int)repetitions;
        o.steps = (int)steps;
        o.warmup = (int)warmup;
        o.slow_rank = (int)slow_rank;
        st = measure(&o, json, profile, machine);
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
