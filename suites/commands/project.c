/* chirpbench project: weak scaling projected to N nodes of a machine described by two files. */
#include "harness/base/file.h"
#include "harness/base/options.h"
#include "harness/base/text.h"
#include "harness/progress/progress.h"
#include "harness/results/document.h"
#include "model/training/parameters.h"
#include "suites/command.h"
#include "suites/scaling/controller/controller.h"
#include "suites/scaling/projected/solution.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static chirp_status parse_nodes(const char *text, chirp_projection_options *o)
{
    o->n_rows = 0;
    for (const char *at = text; at;) {
        int64_t nodes = 0;
        if (!chirp_next_integer(&at, 1, 1 << 20, &nodes))
            return chirp_fail(CHIRP_ERR_ARG,
                              "--nodes %.60s: should be numbers from 1, separated by commas", text);
        if (o->n_rows == CHIRP_MAX_ROWS)
            return chirp_fail(CHIRP_ERR_ARG, "--nodes: at most %d numbers", CHIRP_MAX_ROWS);
        o->nodes[o->n_rows++] = (int)nodes;
    }
    return CHIRP_OK;
}

static chirp_status parse_compute(const char *text, double *flops)
{
    static const char *const names[] = {"fast", "slow", "measured"};
    static const double rates[] = {CHIRP_RATE_FAST, CHIRP_RATE_SLOW, CHIRP_RATE_PROFILE};
    const int index = chirp_name_index(names, sizeof names / sizeof names[0], text);
    if (index >= 0) {
        *flops = rates[index];
        return CHIRP_OK;
    }
    double gflops = 0;
    const chirp_status st = chirp_parse_real("--compute", text, &gflops);
    if (st != CHIRP_OK || gflops < 1e-3 || gflops > 1e9)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--compute %.40s: should be fast, slow, measured or GFLOP/s of one rank",
                          text);
    *flops = gflops * 1e9;
    return CHIRP_OK;
}

static void show_progress(void *context, int done, int of, const chirp_projection_row *row)
{
    (void)of;
    (void)row;
    chirp_progress_update(context, done, NULL);
}

static void print_row(const chirp_projection *p, const chirp_projection_row *row)
{
    const chirp_step_terms *t = &row->terms;
    int given = 0;
    const bool mostly = 2 * chirp_machine_assumed(&p->machine, &given) > given;
    printf("%6d %12.4f %9.1f %% %5.0f .. %3.0f %% %11.4f %11.4f %11.4f %11.4f%s\n", row->nodes,
           t->seconds, 100 * row->efficiency, 100 * row->band[0], 100 * row->band[1], t->compute,
           t->straggler, t->negotiation, t->exposed_allreduce, mostly ? "  assumed machine" : "");
}

static void print_forecasts(const chirp_projection *p)
{
    const chirp_job_count *base = &p->jobs.count[p->jobs.n - 1];
    printf("%s, %s, calibrated on %d jobs of %d nodes; mean step of one job, in seconds\n\n"
           "%6s %12s %25s   growth over %d nodes: waiting, start of a phase, slow epochs, data a "
           "node holds\n",
           p->machine.name, p->workload.name[0] ? p->workload.name : p->options.network, base->n,
           base->nodes, "nodes", "step", "90 % prediction interval", base->nodes);
    for (int i = 0; i < p->n_rows; ++i) {
        const chirp_forecast *f = &p->row[i].forecast;
        printf("%6d %12.4f %12.4f .. %9.4f  ", p->row[i].nodes, f->seconds, f->interval[0],
               f->interval[1]);
        for (int c = 0; c < CHIRP_FORECAST_CAUSES; ++c)
            printf(" %+.1f .. %+.1f %%", 100 * f->growth[c][0], 100 * f->growth[c][2]);
        printf("\n");
    }
}

static void print_map(const chirp_projection *p)
{
    printf(
        "\nEfficiency is the share of what all nodes can do, each computing all the time at its "
        "own "
        "speed.\nIt depends on how much nodes differ (down) and for how long each keeps its speed "
        "(across), if speeds are\nfollowed as well as possible; project --controller replays what "
        "train does. %d nodes, closed form, percent;\nevents: one step in 500 of a node is 10 %% "
        "longer.\n\n%8s",
        p->row[p->n_rows - 1].nodes, "");
    for (int k = 0; k < CHIRP_MAP_CONDITIONS; ++k)
        printf(" %*s", k + 1 < CHIRP_MAP_CONDITIONS ? 10 : 16, chirp_map_conditions[k].title);
    for (int i = 0; i < CHIRP_MAP_SPREADS; ++i) {
        printf("\n%8.3f", chirp_map_spread[i]);
        for (int k = 0; k < CHIRP_MAP_CONDITIONS; ++k)
            printf(" %*.1f", k + 1 < CHIRP_MAP_CONDITIONS ? 10 : 16, 100 * p->map[i][k]);
    }
    printf("\n");
}

static void print_rows(const chirp_projection *p)
{
    const chirp_projection_options *o = &p->options;
    if (p->workload.name[0])
        printf("%s, exchange %s, %s", o->machine, p->plan.exchange.name, p->workload.name);
    else
        printf("%s, exchange %s, %s/%s", o->machine, p->plan.exchange.name, o->network,
               chirp_variant_name[o->variant]);
    printf(", batch %lld; seconds per step\n\n%6s %12s %11s %14s %11s %11s %11s %11s\n",
           (long long)o->settings.batch, "nodes", "step", "efficiency", "90 % band", "compute",
           "straggler", "negotiation", "allreduce");
    for (int i = 0; i < p->n_rows; ++i)
        print_row(p, &p->row[i]);
    if (o->settings.shares)
        print_map(p);
}

/* What the band is over; and whether the machine is more than assumptions. */
static void print_basis(const chirp_projection *p)
{
    int given = 0;
    const int assumed = chirp_machine_assumed(&p->machine, &given);
    printf("\n%d of %d numbers of machine %s are assumed; --json lists them.\n", assumed, given,
           p->machine.name);
    if (p->calibration.n == 0) {
        printf("Nodes differ by %.3g for good (%s).%s\n", p->plan.jitter_relative,
               p->options.settings.jitter >= 0 ? "--jitter" : "the machine's file",
               p->jobs.n > 0 || p->options.settings.jitter >= 0
                   ? ""
                   : " The band takes half and twice of it and of the step-to-step noise.");
        return;
    }
    printf("%s 90 %% of the laws of waiting that the public runs on up to 8 nodes allow:\n",
           p->jobs.n > 0 ? "Waiting grows by" : "The band holds");
    for (int f = 0; f < CHIRP_WAITING_FORMS; ++f) {
        printf("  %-52s", chirp_waiting_title((chirp_waiting_form)f));
        for (int k = 0; k < p->calibration.n; ++k)
            printf(" %s %.2g", p->machine.observed[k].name, p->laws.form_weight[k][f]);
        printf("\n");
    }
}

static void print_end(const chirp_projection *p)
{
    const chirp_calibration *c = &p->calibration;
    print_basis(p);
    if (c->n > 0 && p->jobs.n == 0) {
        printf("Rows take nodes that differ for good, fitted to the same runs: spread %.3f "
               "(pooled; %s %.3f, %s %.3f)\n",
               c->pooled.relative, c->fit[0].network, c->fit[0].relative, c->fit[c->n - 1].network,
               c->fit[c->n - 1].relative);
        for (int i = 0; i < c->n_held_out; ++i)
            printf("  held out: %s at %d nodes, predicted %.1f %%, measured %.1f %%\n",
                   c->held_out[i].network, c->held_out[i].nodes,
                   100 * c->held_out[i].predicted_efficiency,
                   100 * c->held_out[i].measured_efficiency);
    }
    if (p->machine.published_nodes > 0)
        printf("Published: %.0f %% at %d nodes (%s)\n", 100 * p->machine.published_efficiency,
               p->machine.published_nodes, p->machine.published_source);
    if (!p->engine->simulates)
        printf("Rows are from the closed form, not from a simulation.\n");
}

/* What training on this machine took, beside what was predicted. */
static void print_comparison(const chirp_projection *p)
{
    bool measured = false;
    for (int i = 0; i < p->n_rows; ++i)
        measured = measured || p->row[i].measured_s > 0;
    if (measured)
        printf("\nReal training on this machine\n");
    for (int i = 0; i < p->n_rows; ++i)
        if (p->row[i].measured_s > 0)
            printf("%6d %12.4f measured, %.4f projected, error %+.1f %%\n", p->row[i].nodes,
                   p->row[i].measured_s, p->row[i].terms.seconds,
                   100 * (p->row[i].terms.seconds / p->row[i].measured_s - 1));
}

/* The file first: whoever reads a table can rely on it that nothing failed. */
static chirp_status report(const chirp_projection *p, const chirp_solution *s, const char *json)
{
    struct cJSON *root = json ? chirp_projection_object(p) : NULL;
    if (root && s->n > 0)
        chirp_solution_json(p, s, root);
    const chirp_status st = json ? chirp_document_write(root, json) : CHIRP_OK;
    if (st != CHIRP_OK)
        return st;
    if (p->jobs.n > 0)
        print_forecasts(p);
    else
        print_rows(p);
    print_end(p);
    if (s->n > 0)
        chirp_solution_print(p, s);
    print_comparison(p);
    return CHIRP_OK;
}

static chirp_status project(const chirp_projection_options *o, chirp_projection *projection)
{
    chirp_progress *progress = chirp_progress_begin("project", o->n_rows);
    const chirp_status st = chirp_project(o, show_progress, progress, projection);
    chirp_progress_end(progress);
    return st;
}

/* What is projected is a training with these options. */
static void take_training(chirp_projection_options *o, const chirp_train_config *train)
{
    o->network = train->network;
    o->variant = train->variant;
    o->shared_noise = !train->independent_noise;
    o->settings.batch = train->batch;
    o->settings.micro_steps = (int)train->accumulate;
    o->settings.exchange = train->exchange.engine;
    o->settings.half = train->exchange.compress == CHIRP_COMPRESS_BF16;
    o->settings.bucket_bytes = train->exchange.bucket_bytes;
}

enum { REPLAYED_STEPS = 117 }; /* of a simulated replay: the study's training on 1024 ranks */

/* What is simulated beside the replay, and how long its messages take. */
static chirp_status plan_replay(const chirp_projection_options *o, chirp_machine *machine,
                                chirp_plan *plan)
{
    static chirp_workload workload; /* large */
    chirp_plan_settings settings = o->settings;
    chirp_status st = chirp_machine_read(o->machine, machine);
    settings.shares = false;
    settings.steps = settings.steps > 0 ? settings.steps : REPLAYED_STEPS;
    if (st == CHIRP_OK)
        st = chirp_workload_make(o->network, o->variant, o->shared_noise, &workload);
    const int ranks = o->nodes[o->n_rows - 1];
    if (st == CHIRP_OK && (ranks < 2 || ranks > machine->hosts))
        st = chirp_fail(CHIRP_ERR_RANGE,
                        "--nodes %d: a simulated replay on %s takes 2 to %d ranks; leave out "
                        "--engine simgrid to replay without messages",
                        ranks, machine->name, machine->hosts);
    if (st == CHIRP_OK)
        st = chirp_plan_make(machine, &workload, &settings, ranks, plan);
    return st;
}

/* Seconds of a step beyond its passes, over those of a pass, when nobody is late. */
static double communication(const chirp_plan *plan)
{
    chirp_plan still = *plan;
    chirp_step_terms terms;
    still.jitter_relative = still.jitter_fresh = 0;
    chirp_closed_form(&still, &terms);
    return terms.seconds / terms.compute - 1;
}

/* On as many ranks as the last number of --nodes says; with --engine simgrid simulated as well. */
static chirp_status replay(const chirp_projection_options *o, const char *json)
{
    static chirp_plan plan; /* large */
    chirp_machine machine = {0};
    const bool simulated = o->engine && strcmp(o->engine, chirp_engine_simgrid.name) == 0;
    chirp_status st = simulated ? plan_replay(o, &machine, &plan) : CHIRP_OK;
    const chirp_controller_options options = {
        .ranks = o->nodes[o->n_rows - 1],
        .batch = o->settings.batch,
        .runs = CHIRP_CONTROLLER_RUNS,
        .communication =
            simulated && st == CHIRP_OK ? communication(&plan) : CHIRP_CONTROLLER_COMMUNICATION,
        .seed = o->settings.seed,
    };
    if (st == CHIRP_OK)
        st = chirp_controller_report(&options, simulated ? &plan : NULL, json);
    chirp_machine_release(&machine);
    return st;
}

/* Options of whole trainings: learnt before anything is simulated. */
static chirp_status check_whole(const chirp_projection_options *o,
                                const chirp_solution_options *solve, bool whole)
{
    const char *alone = solve->assume             ? "assume"
                        : solve->global_batch > 0 ? "global-batch"
                        : solve->curve            ? "curve"
                        : solve->level > 0        ? "level"
                                                  : NULL;
    if (!whole && alone)
        return chirp_fail(CHIRP_ERR_ARG, "--%s is of --time-to-solution: add it, or leave --%s out",
                          alone, alone);
    return whole ? chirp_solution_check(o, solve) : CHIRP_OK;
}

static int run(int argc, char **argv)
{
    static chirp_projection projection; /* large */
    static chirp_solution solution;     /* large */
    static const char *const shared[] = {"equal", "measured"};
    static const char *const of_train[] = {"network",    "variational",  "batch",
                                           "accumulate", "weight-noise", "exchange",
                                           "compress",   "bucket-mib",   NULL};
    chirp_projection_options o = {
        .machine = "theta", .engine = "auto", .settings = {.seed = 1, .speed_steps = 100}};
    chirp_train_config train = chirp_train_config_study();
    const char *nodes = "1,2,4,8,16,32,64,128,256,512,1024";
    const char *compute = "fast";
    const char *json = NULL;
    double fresh = NAN;
    double jitter = NAN;
    bool controller = false;
    bool whole = false;
    chirp_solution_options solve = {0};
    const chirp_option table[] = {
        {"machine", CHIRP_OPTION_STRING, &o.machine, .metavar = "NAME", .file = CHIRP_FILE_READ,
         .help = "theta, theta_crossbar, cori_knl, hal, hdr_fat_tree, or a machine's JSON file"},
        {"workload", CHIRP_OPTION_STRING, &o.workload, .metavar = "NAME", .file = CHIRP_FILE_READ,
         .help = "another network: cosmoflow, cosmoflow_evaluation, or a JSON file"},
        {"calibrate", CHIRP_OPTION_STRING, &o.calibrate, .metavar = "FILE", .file = CHIRP_FILE_READ,
         .help = "jobs measured on some nodes (JSON); rows predict the mean step of one job"},
        {"nodes", CHIRP_OPTION_STRING, &nodes, .metavar = "N,N,...",
         .help = "how many nodes, a row each"},
        {"compute", CHIRP_OPTION_STRING, &compute, .metavar = "RATE",
         .help = "fast, slow (the machine's two rates), measured (--profile) or GFLOP/s"},
        {"profile", CHIRP_OPTION_STRING, &o.profile, .metavar = "FILE", .file = CHIRP_FILE_READ,
         .help = "layer times measured by chirpbench scale --profile"},
        {"jitter", CHIRP_OPTION_REAL, &jitter, .metavar = "R", .min = 0, .max = 0.5,
         .help = "variation of passes between ranks, relative; default: calibrated"},
        {"fresh-jitter", CHIRP_OPTION_REAL, &fresh, .metavar = "R", .min = 0, .max = 0.5,
         .help = "step-to-step part of --jitter; the rest stays with a rank; default: the "
                 "machine's"},
        {"shares", CHIRP_OPTION_EITHER, &o.settings.shares, .names = shared, .n_names = 2,
         .help = "measured: load balancing, each rank gets whole signals by its speed"},
        {"speed-steps", CHIRP_OPTION_INT32, &o.settings.speed_steps, .metavar = "N", .min = 1,
         .max = 1e6,
         .help = "with --shares measured: speeds that stay put are known from so many steps"},
        {"correlation-steps", CHIRP_OPTION_REAL, &o.settings.correlation_steps, .metavar = "N",
         .min = 0, .max = 1e9,
         .help = "with --shares measured: steps for which a node keeps its speed; 0: for good"},
        {"controller", CHIRP_OPTION_FLAG, &controller,
         .help = "instead of projecting, replay the load balancer of train --shares measured on as "
                 "many ranks as the last of --nodes, whose speeds stay, wander or break off, with "
                 "and without a deadline for late ranks; with --engine simgrid also with every "
                 "message simulated"},
        {"time-to-solution", CHIRP_OPTION_FLAG, &whole,
         .help =
             "also how long a whole training takes, with start-up, input and the sample cost of "
             "large batches; prints what it takes for granted"},
        {"assume", CHIRP_OPTION_STRING, &solve.assume, .metavar = "NAME=VALUE,...",
         .help = "numbers of --time-to-solution: iterations, noise_scale, start_up_8, ..."},
        {"global-batch", CHIRP_OPTION_INT, &solve.global_batch, .metavar = "N", .min = 0,
         .max = 1e9,
         .help = "signals of a step that strong rows of --time-to-solution divide over ranks; 0: "
                 "those of one rank"},
        {"curve", CHIRP_OPTION_STRING, &solve.curve, .metavar = "FILE", .file = CHIRP_FILE_READ,
         .help = "log of train: --time-to-solution is to the error --level that it came to"},
        {"level", CHIRP_OPTION_REAL, &solve.level, .metavar = "E", .min = 0, .max = 10,
         .help = "with --curve: held-out mean relative error to reach"},
        {"engine", CHIRP_OPTION_CHOICE, &o.engine, .list = chirp_engine_choices,
         .help = "what computes the rows"},
        {"steps", CHIRP_OPTION_INT32, &o.settings.steps, .metavar = "N", .min = 0, .max = 1000,
         .help = "simulated steps per row; 0: 32, fewer on many ranks"},
        {"seed", CHIRP_OPTION_UINT64, &o.settings.seed, .metavar = "N", .min = 0, .max = 9e15,
         .help = "seed of the jitter"},
        {"json", CHIRP_OPTION_STRING, &json, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "rows, terms, calibration, assumptions"},
    };
    const chirp_usage usage = {
        "project", NULL,
        "Projects weak scaling to N nodes of a machine. SimGrid sends each message of an exchange "
        "over the\n"
        "machine's network; ranks compute with varying speed. Prints the seconds of a step by "
        "term. "
        "Efficiency is\n"
        "the step time of one rank over that of N; with --shares measured, the share of what all "
        "ranks can do at\n"
        "their own speeds. The band holds 90 % of the laws of waiting that public runs on 2 to 8 "
        "nodes allow.",
        table, sizeof table / sizeof table[0]};
    chirp_option_table tables[CHIRP_TRAIN_TABLES];
    chirp_train_tables(&train, of_train, tables);
    chirp_status st = chirp_options_parse_tables(&usage, tables, CHIRP_TRAIN_TABLES, argc, argv);
    if (st == CHIRP_OK)
        st = parse_nodes(nodes, &o);
    if (st == CHIRP_OK)
        st = parse_compute(compute, &o.settings.flops);
    if (st != CHIRP_OK)
        return chirp_command_exit(st);
    take_training(&o, &train);
    o.settings.jitter = isnan(jitter) ? -1 : jitter;
    o.settings.fresh_jitter = isnan(fresh) ? -1 : fresh;
    if (json) /* an unwritable output is found before the work, not after it */
        st = chirp_file_writable(json);
    if (st == CHIRP_OK && controller)
        return chirp_command_exit(replay(&o, json));
    if (st == CHIRP_OK)
        st = check_whole(&o, &solve, whole);
    if (st == CHIRP_OK)
        st = project(&o, &projection);
    if (st == CHIRP_OK && whole)
        st = chirp_solution_make(&projection, &solve, &solution);
    if (st == CHIRP_OK)
        st = report(&projection, &solution, json);
    chirp_projection_release(&projection);
    return chirp_command_exit(st);
}

const chirp_command chirp_command_project = {"project",
                                             "scaling projected to a machine you don't have", run};
