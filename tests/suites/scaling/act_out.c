/*
 * Rows of a projection emulated by real ranks: the third way, beside closed_form.c and simulate.c, to turn a plan into
 * terms, for a comparison with what MPI really does. Passes sleep as long as the plan says, with the simulation's own
 * jitter; gradients and messages are real. A sleeping rank takes no processor, so that more ranks than processors can stand
 * for as many nodes.
 *
 *     mpiexec -n 8 act_out --machine here.json --nodes 2,3,4,6,8 --batch 8 --jitter 0.1
 *
 * prints both beside each other. It fails when a rank sends other bytes than the projection counts, when the terms of a
 * step don't add up to it and, with --check-times, when a row took less than its passes or twice as long as projected.
 */
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "model/parallel/exchange.h"
#include "model/parallel/parallel.h"
#include "suites/scaling/phases.h"
#include "suites/scaling/projection.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum { WARM_UP = 2 };

/* MPI moves messages inside calls only: a nap of this length between two of them [s]. */
static const double NAP_S = 1e-4;

typedef struct stage {
    const chirp_plan *plan;
    chirp_exchange *exchange;
    float *gradient;
    double offset; /* to rank 0's clock */
    double bytes;  /* sent into the reductions of the last step */
} stage;

static void sleep_until(stage *g, double instant)
{
    const struct timespec nap = {0, (long)(1e9 * NAP_S)};
    for (double now = chirp_now_s(); now < instant; now = chirp_now_s()) {
        chirp_exchange_progress(g->exchange);
        if (instant - now > 2 * NAP_S)
            (void)nanosleep(&nap, NULL);
        else
            (void)sched_yield();
    }
}

/* A tensor a bucket, closed at once: the plan's buckets are those of the exchange. */
static chirp_status open_exchange(stage *g)
{
    enum { NAME_BYTES = 24 };
    const chirp_plan *p = g->plan;
    char names[CHIRP_PLAN_MAX_BUCKETS][NAME_BYTES];
    chirp_exchange_tensor tensor[CHIRP_PLAN_MAX_BUCKETS];
    int64_t floats = 0;
    for (int b = 0; b < p->n_buckets; ++b) {
        const int64_t count = (int64_t)fmax(1, p->bytes[b] / (p->half ? 2 : 4));
        (void)snprintf(names[b], sizeof names[b], "bucket %d", b);
        tensor[b] = (chirp_exchange_tensor){names[b], floats, count};
        floats += count;
    }
    const bool by_bucket = p->exchange.rule != CHIRP_BUCKETS_ALL;
    /* ranks of one computer share its processors */
    const int own = p->shared_processors > 0 ? (int)fmax(1, p->shared_processors / p->ranks) : 0;
    const chirp_exchange_config config = {.engine = p->exchange.name,
                                          .bucket_bytes = by_bucket ? 1 : 0,
                                          .compress =
                                              p->half ? CHIRP_COMPRESS_BF16 : CHIRP_COMPRESS_NONE,
                                          .n_threads = own};
    g->gradient = chirp_calloc((size_t)floats, sizeof *g->gradient);
    const chirp_status st = chirp_parallel_agree(g->gradient ? CHIRP_OK : CHIRP_ERR_NOMEM);
    return st == CHIRP_OK ? chirp_exchange_create(&config, tensor, p->n_buckets, &g->exchange) : st;
}

static void close_exchange(stage *g)
{
    chirp_exchange_destroy(g->exchange);
    chirp_free(g->gradient);
    g->exchange = NULL;
    g->gradient = NULL;
}

/* One step from `start`, this rank's clock; returns with its end in *start. */
static chirp_status play_step(stage *g, const float *factor, double *start, chirp_phase_ends *end)
{
    const chirp_plan *p = g->plan;
    const int me = chirp_parallel_rank();
    chirp_exchange_profile profile;
    double at = *start;
    chirp_status st = chirp_exchange_begin(g->exchange, g->gradient);
    for (int k = 0; st == CHIRP_OK && k + 1 < p->micro_steps; ++k) {
        at += p->micro_s * (double)factor[k * p->ranks + me];
        sleep_until(g, at);
    }
    const double slow = (double)factor[(p->micro_steps - 1) * p->ranks + me];
    for (int b = 0; st == CHIRP_OK && b < p->n_buckets; ++b) {
        sleep_until(g, at + p->ready_s[b] * slow);
        st = chirp_exchange_ready(g->exchange, b);
    }
    if (st == CHIRP_OK)
        sleep_until(g, at + p->micro_s * slow);
    if (st == CHIRP_OK && p->exchange.negotiates && p->cycle_s > 0) {
        const double now = chirp_now_s(); /* the communication thread wakes at its next period */
        sleep_until(g, ceil(now / p->cycle_s) * p->cycle_s + fmax(0, p->cycles - 0.5) * p->cycle_s);
    }
    const double computed = at + p->micro_s * slow;
    if (st == CHIRP_OK)
        st = chirp_exchange_finish(g->exchange, &profile);
    g->bytes = st == CHIRP_OK ? profile.exchanged_bytes : 0;
    double agreed = st == CHIRP_OK ? profile.finish_s + profile.control_s : 0;
    if (st == CHIRP_OK && !p->exchange.negotiates) { /* as many sums as a step has */
        double sums[8] = {0};
        st = chirp_parallel_sum(sums, sizeof sums / sizeof sums[0]);
        agreed = chirp_now_s();
    }
    if (st != CHIRP_OK)
        return st;
    *end = (chirp_phase_ends){.computed = computed + g->offset,
                              .agreed = agreed + g->offset,
                              .done = profile.done_s + g->offset};
    *start = chirp_now_s() + p->tail_s;
    if (p->tail_s > 0)
        sleep_until(g, *start);
    return CHIRP_OK;
}

static chirp_status play(stage *g, int steps, const float *factor, chirp_phase_ends *end,
                         double *first, double *last)
{
    const int passes = g->plan->micro_steps * g->plan->ranks;
    chirp_status st = open_exchange(g);
    if (st == CHIRP_OK)
        st = chirp_parallel_barrier();
    *last = chirp_now_s();
    *first = *last + g->offset;
    for (int s = 0; st == CHIRP_OK && s < steps; ++s)
        st = play_step(g, factor + (size_t)s * (size_t)passes, last, &end[s]);
    *last += g->offset;
    close_exchange(g);
    return st;
}

/* What a row came to. */
typedef struct acted {
    chirp_step_terms terms; /* complete on every rank */
    double bytes; /* that this rank sent into the reductions of a step: the exchange's own count */
} acted;

/* Collective over the ranks of the group, which are the plan's. @param factor  [steps * micro_steps][ranks] */
static chirp_status act_out(const chirp_plan *plan, int steps, const float *factor, acted *result)
{
    stage g = {.plan = plan};
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL,
                0UL); /* naps end when they should, not 50 us later */
    double uncertainty = 0;
    double first = 0;
    double last = 0;
    chirp_phase_ends *end = chirp_calloc((size_t)(steps > WARM_UP ? steps : WARM_UP), sizeof *end);
    chirp_status st = chirp_parallel_agree(end ? CHIRP_OK : CHIRP_ERR_NOMEM);
    if (st == CHIRP_OK)
        st = chirp_parallel_clock_offset(&g.offset, &uncertainty);
    if (st == CHIRP_OK) /* buffers are touched, connections made */
        st = play(&g, steps < WARM_UP ? steps : WARM_UP, factor, end, &first, &last);
    if (st == CHIRP_OK)
        st = play(&g, steps, factor, end, &first, &last);
    if (st == CHIRP_OK) { /* the last rank counts */
        first = -first;
        st = chirp_parallel_max(&first, 1);
    }
    if (st == CHIRP_OK)
        st = chirp_parallel_max(&last, 1);
    if (st == CHIRP_OK)
        st = chirp_parallel_max((double *)end, (int)(sizeof *end / sizeof(double)) * steps);
    if (st == CHIRP_OK)
        chirp_terms_of_phases(plan, end, steps, last + first, &result->terms);
    result->bytes = g.bytes;
    chirp_free(end);
    return st;
}

/* On members of the group only. */
static chirp_status act_out_row(const chirp_projection *p, const chirp_projection_row *row,
                                acted *result)
{
    chirp_plan plan;
    float *factor = NULL;
    chirp_status st =
        chirp_plan_make(&p->machine, &p->workload, &p->options.settings, row->ranks, &plan);
    if (st == CHIRP_OK)
        st = chirp_jitter_of_steps(&plan, &factor);
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK)
        st = act_out(&plan, row->steps, factor, result);
    chirp_free(factor);
    return st;
}

/* Rank 0 simulates while the others sleep; all ranks hold a projection of the same options. */
static chirp_status project(chirp_projection_options *o, chirp_projection *p)
{
    chirp_status st = chirp_parallel_group(1);
    if (!chirp_parallel_member())
        o->engine = "closed_form";
    if (st == CHIRP_OK)
        st = chirp_project(o, NULL, NULL, p);
    const chirp_status everyone = chirp_parallel_everyone();
    return chirp_parallel_agree(st == CHIRP_OK ? everyone : st);
}

static double off(double predicted, double seen) { return 100 * (predicted / seen - 1); }

static chirp_status judge(const chirp_projection *p, const chirp_projection_row *row,
                          const acted *a, bool times)
{
    const chirp_step_terms *t = &a->terms;
    const double sum = t->compute + t->straggler + t->negotiation + t->exposed_allreduce;
    const double bytes = (double)p->workload.trained * (p->options.settings.half ? 2 : 4);
    const double least = row->terms.compute + row->terms.straggler;
    printf("%6d %12.4f %12.4f %+7.1f %% %12.4f %+7.1f %%\n", row->ranks, t->seconds,
           row->terms.seconds, off(row->terms.seconds, t->seconds), row->closed_form.seconds,
           off(row->closed_form.seconds, t->seconds));
    if (fabs(sum - t->seconds) > 1e-9)
        return chirp_fail(CHIRP_ERR_NUMERIC, "terms add up to %.12g s of %.12g", sum, t->seconds);
    if (a->bytes != bytes)
        return chirp_fail(CHIRP_ERR_NUMERIC, "%.0f bytes were sent, %.0f projected", a->bytes,
                          bytes);
    /* passes sleep at least as long as was drawn; what a busy machine adds is in the messages, as a rank that sleeps needs
       no processor */
    if (times && p->engine->simulates && t->seconds <= 0.99 * least)
        return chirp_fail(CHIRP_ERR_NUMERIC, "%g s, where passes take %g", t->seconds, least);
    if (times && t->seconds >= 2 * row->terms.seconds)
        return chirp_fail(CHIRP_ERR_NUMERIC, "%g s, where %g were projected", t->seconds,
                          row->terms.seconds);
    return CHIRP_OK;
}

static chirp_status act_out_rows(const chirp_projection *p, bool times)
{
    chirp_status st = CHIRP_OK;
    if (chirp_parallel_rank() == 0)
        printf("%6s %12s %12s %9s %12s\n", "ranks", "emulated",
               p->engine->simulates ? "simulated" : "-", "", "closed form");
    for (int i = 0; st == CHIRP_OK && i < p->n_rows; ++i) {
        const chirp_projection_row *row = &p->row[i];
        acted a = {0};
        st = chirp_parallel_group(row->ranks);
        if (st == CHIRP_OK && chirp_parallel_member())
            st = act_out_row(p, row, &a);
        const chirp_status everyone = chirp_parallel_everyone();
        if (st == CHIRP_OK && chirp_parallel_rank() == 0)
            st = judge(p, row, &a, times);
        st = chirp_parallel_agree(st == CHIRP_OK ? everyone : st);
    }
    return st;
}

/* Ascending or not: from 2 ranks to as many as the job has. */
static chirp_status parse_nodes(const char *text, chirp_projection_options *o)
{
    char *end = NULL;
    for (const char *at = text; *at; at = *end ? end + 1 : end) {
        const long n = strtol(at, &end, 10);
        if (end == at || n < 2 || n > chirp_parallel_size() || o->n_rows == CHIRP_MAX_ROWS)
            return chirp_fail(CHIRP_ERR_ARG, "--nodes %s: numbers from 2 to %d", text,
                              chirp_parallel_size());
        o->nodes[o->n_rows++] = (int)n;
    }
    return CHIRP_OK;
}

static chirp_status run(int argc, char **argv)
{
    static chirp_projection projection; /* large */
    chirp_projection_options o = {.machine = "hdr_fat_tree",
                                  .network = "spin",
                                  .variant = CHIRP_VARIANT_LAST2,
                                  .settings = {.exchange = chirp_exchange_kind_at(0)->name,
                                               .batch = 64,
                                               .jitter = -1,
                                               .fresh_jitter = -1,
                                               .micro_steps = 1,
                                               .speed_steps = 100,
                                               .seed = 1}};
    const char *nodes = "2";
    double gflops = 0;
    int64_t steps = 0;
    bool closed_form = false;
    bool times = false;
    const chirp_option table[] = {
        {"machine", CHIRP_OPTION_STRING, &o.machine, .metavar = "NAME",
         .help = "as project takes it"},
        {"nodes", CHIRP_OPTION_STRING, &nodes, .metavar = "N,N,...",
         .help = "a row each, with a rank a node"},
        {"exchange", CHIRP_OPTION_CHOICE, &o.settings.exchange, .choices = chirp_exchange_choices(),
         .help = "how gradients are averaged"},
        {"batch", CHIRP_OPTION_INT, &o.settings.batch, .metavar = "N", .min = 1, .max = 65536,
         .help = "signals per pass"},
        {"bf16", CHIRP_OPTION_FLAG, &o.settings.half, .help = "half the bytes"},
        {"shares", CHIRP_OPTION_FLAG, &o.settings.shares, .help = "signals by speed"},
        {"compute", CHIRP_OPTION_REAL, &gflops, .metavar = "G", .min = 0, .max = 1e9,
         .help = "GFLOP/s of a rank; 0: the machine's fast rate"},
        {"jitter", CHIRP_OPTION_REAL, &o.settings.jitter, .metavar = "R", .min = -1, .max = 0.5,
         .help = "spread; -1: the machine's"},
        {"fresh-jitter", CHIRP_OPTION_REAL, &o.settings.fresh_jitter, .metavar = "R", .min = -1,
         .max = 0.5, .help = "of it, new in every pass; -1: the machine's"},
        {"steps", CHIRP_OPTION_INT, &steps, .metavar = "N", .min = 0, .max = 1000,
         .help = "of a row; 0: as project"},
        {"closed-form", CHIRP_OPTION_FLAG, &closed_form, .help = "don't simulate"},
        {"check-times", CHIRP_OPTION_FLAG, &times, .help = "fail when a row's time is far off"},
    };
    const chirp_usage usage = {"act_out", NULL, "Emulates rows of a projection with real ranks, under mpiexec.",
                               table, sizeof table / sizeof table[0]};
    chirp_status st = chirp_options_parse(&usage, argc, argv, NULL);
    if (st == CHIRP_OK)
        st = parse_nodes(nodes, &o);
    if (st != CHIRP_OK)
        return st;
    o.settings.flops = 1e9 * gflops;
    o.settings.steps = (int)steps;
    if (closed_form)
        o.engine = "closed_form";
    st = project(&o, &projection);
    if (st == CHIRP_OK)
        st = act_out_rows(&projection, times);
    chirp_projection_release(&projection);
    return st;
}

int main(int argc, char **argv)
{
    chirp_status st = chirp_parallel_init();
    if (st == CHIRP_OK)
        st = run(argc, argv);
    const bool help = st == CHIRP_ERR_INTERRUPTED && chirp_error_message()[0] == '\0';
    if (st != CHIRP_OK && !help && chirp_parallel_rank() == 0)
        (void)fprintf(stderr, "act_out: %s\n", chirp_error_message());
    chirp_parallel_finalize();
    return st == CHIRP_OK || help ? 0 : 2;
}
