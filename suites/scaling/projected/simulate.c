/*
 * Two actors a rank share two semaphores. The compute actor sleeps through its passes (nobody competes for its cores),
 * posts `ready` per bucket and waits for `done`; the communication actor replays the messages of
 * model/parallel/schedule.h, because SimGrid's collectives know neither overlap nor our software costs. All actors live in one thread, so that the
 * bookkeeping of phases is plain shared memory.
 */
#include "harness/base/memory.h"
#include "harness/base/process.h"
#include "harness/base/scratch.h"
#include "suites/scaling/projected/engine.h"
#include "suites/scaling/projected/phases.h"

#ifndef CHIRP_HAVE_SIMGRID
static bool available(const char **version)
{
    if (version)
        *version = "";
    return false;
}

static chirp_status run(const chirp_plan *plan, chirp_step_terms *terms)
{
    (void)plan, (void)terms;
    return chirp_fail(CHIRP_ERR_UNSUPPORTED, "this build has no SimGrid; use --engine closed_form");
}

chirp_status chirp_simulate_driven(const chirp_plan *plan, const chirp_pass_driver *driver,
                                   chirp_step_terms *terms)
{
    (void)driver;
    return run(plan, terms);
}
#else

#include <simgrid/actor.h>
#include <simgrid/comm.h>
#include <simgrid/engine.h>
#include <simgrid/host.h>
#include <simgrid/mailbox.h>
#include <simgrid/semaphore.h>
#include <simgrid/version.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STRINGIFY(x) #x
#define VERSION_TEXT(a, b, c) STRINGIFY(a) "." STRINGIFY(b) "." STRINGIFY(c)
enum { MAX_ROUNDS = 24 };

static bool available(const char **version)
{
    if (version)
        *version =
            VERSION_TEXT(SIMGRID_VERSION_MAJOR, SIMGRID_VERSION_MINOR, SIMGRID_VERSION_PATCH);
    return true;
}

typedef struct sim_rank {
    sg_sem_t ready, done;
    sg_mailbox_t
        from[MAX_ROUNDS +
             1]; /* mine, by round: partner of round k is rank ^ 2^k; the last is for folding */
} sim_rank;

static struct {
    const chirp_plan *plan;
    const float *factor; /* [steps * micro_steps][ranks]; NULL where a driver decides */
    const chirp_pass_driver *driver;
    double *driven, *seconds; /* [ranks] of the step under way */
    int computed, rows;       /* ranks that have computed it; steps that the driver has decided */
    bool early;               /* a rank began a step that was not decided yet */
    int steps, rounds;
    sim_rank *rank;
    chirp_phase_ends *end; /* [steps] */
} sim;

static void later(double *latest)
{
    const double now = simgrid_get_clock();
    if (now > *latest)
        *latest = now;
}

/* A message's mailbox, by the bit in which the two ranks differ; the last one is for folding. */
static int slot_of(const chirp_schedule_round *r, int me)
{
    int bit = 0;
    while ((me ^ r->out.partner) >> bit > 1)
        ++bit;
    return r->phase == CHIRP_SCHEDULE_FOLD || r->phase == CHIRP_SCHEDULE_UNFOLD ? MAX_ROUNDS : bit;
}

/* This rank's part of a round: its time in MPI, both messages under way together, and the adding of what came where `sums`. */
static void replay_round(int me, const chirp_schedule_round *r, bool sums)
{
    static char token; /* the payload's address must not be NULL; only its simulated size counts */
    const double out = sizeof(float) * (double)r->out.count;
    const double in = sizeof(float) * (double)r->in.count;
    const int slot = slot_of(r, me);
    void *received = NULL;
    sg_comm_t get = NULL;
    sg_comm_t put = NULL;
    if (out > 0)
        sg_actor_sleep_for(chirp_exchange_software_s(sim.plan, me ^ r->out.partner, out));
    if (in > 0)
        get = sg_mailbox_get_async(sim.rank[me].from[slot], &received);
    if (out > 0)
        put = sg_mailbox_put_async(sim.rank[r->out.partner].from[slot], &token, lround(out));
    if (put)
        sg_comm_wait(put);
    if (get)
        sg_comm_wait(get);
    const double adding =
        sums && r->in.action == CHIRP_SCHEDULE_ADD ? chirp_sum_s(sim.plan, in) : 0;
    if (adding > 0)
        sg_actor_sleep_for(adding);
}

static void replay(int me, const chirp_schedule *s, bool sums)
{
    for (int k = 0; k < s->n; ++k)
        if (s->round[k].out.count > 0 || s->round[k].in.count > 0)
            replay_round(me, &s->round[k], sums);
}

static void allreduce(int me, double bytes)
{
    chirp_schedule s;
    chirp_schedule_reduce(chirp_plan_order(sim.plan), sim.plan->ranks, me, chirp_plan_floats(bytes),
                          &s);
    replay(me, &s, true);
}

static void agree(int me)
{
    chirp_schedule s;
    chirp_schedule_agree(sim.plan->ranks, me, chirp_plan_floats(8), &s);
    replay(me, &s, false);
}

/* As many rounds as gathering and sending back take. */
static void sum_loss(int me, chirp_phase_ends *end)
{
    agree(me);
    agree(me);
    later(&end->agreed);
}

/* bf16's alltoall would be N messages of every rank: they meet, then the formula's time passes. */
static void reduce(int me, int bucket)
{
    if (!sim.plan->half) {
        allreduce(me, sim.plan->bytes[bucket]);
        return;
    }
    agree(me);
    sg_actor_sleep_for(fmax(0, chirp_reduction_s(sim.plan, bucket) - chirp_agreement_s(sim.plan)));
}

static void negotiate_and_reduce(int me, chirp_phase_ends *end)
{
    const chirp_plan *p = sim.plan;
    if (p->cycle_s > 0) { /* wakes at its next period, and some periods later all agree */
        const double now = simgrid_get_clock();
        const double wake = ceil(now / p->cycle_s) * p->cycle_s;
        sg_actor_sleep_for(wake - now + fmax(0, p->cycles - 0.5) * p->cycle_s);
    }
    agree(me);
    later(&end->agreed);
    for (int b = 0; b < p->n_buckets; ++b) {
        sg_actor_sleep_for(p->bytes[b] / p->copy_bandwidth);
        allreduce(me, p->bytes[b]);
        sg_actor_sleep_for(p->bytes[b] / p->copy_bandwidth);
    }
}

/* Time of a rank's pass over the nominal one. */
static double pass_factor(int step, int pass, int me)
{
    const chirp_plan *p = sim.plan;
    if (sim.factor)
        return (double)
            sim.factor[((size_t)step * (size_t)p->micro_steps + (size_t)pass) * (size_t)p->ranks +
                       (size_t)me];
    sim.early = sim.early || sim.rows <= step;
    return sim.driven[me];
}

/* No rank begins the next step before all have computed this one: the reduction needs everybody's gradients. */
static void rank_computed(int me, double began)
{
    if (!sim.driver)
        return;
    sim.seconds[me] = simgrid_get_clock() - began;
    if (++sim.computed < sim.plan->ranks)
        return;
    sim.computed = 0;
    ++sim.rows;
    sim.driver->next(sim.driver->context, sim.seconds, sim.driven);
}

static void compute_actor(int argc, char **argv)
{
    (void)argc;
    const chirp_plan *p = sim.plan;
    const int me = atoi(argv[1]);
    for (int s = 0; s < sim.steps; ++s) {
        const double began = simgrid_get_clock();
        for (int k = 0; k + 1 < p->micro_steps; ++k)
            sg_actor_sleep_for(p->micro_s * pass_factor(s, k, me));
        const double slow = pass_factor(s, p->micro_steps - 1, me);
        double done = 0;
        double copies = 0;
        for (int b = 0; b < p->n_buckets; ++b) {
            sg_actor_sleep_for((p->ready_s[b] - done) * slow);
            done = p->ready_s[b];
            const double staging = chirp_staging_s(p, b);
            copies += staging;
            if (staging > 0)
                sg_actor_sleep_for(staging);
            sg_sem_release(sim.rank[me].ready);
        }
        if (p->micro_s > done)
            sg_actor_sleep_for((p->micro_s - done) * slow);
        later(&sim.end[s].computed);
        rank_computed(me, began);
        sg_sem_acquire(sim.rank[me].done);
        if (p->tail_s + copies > 0)
            sg_actor_sleep_for(p->tail_s + copies);
    }
}

static void communication_actor(int argc, char **argv)
{
    (void)argc;
    const chirp_plan *p = sim.plan;
    const int me = atoi(argv[1]);
    for (int s = 0; s < sim.steps; ++s) {
        for (int b = 0; b < p->n_buckets; ++b) {
            sg_sem_acquire(sim.rank[me].ready);
            if (!p->exchange.negotiates)
                reduce(me, b);
        }
        if (p->exchange.negotiates)
            negotiate_and_reduce(me, &sim.end[s]);
        later(&sim.end[s].done);
        if (!p->exchange.negotiates)
            sum_loss(me, &sim.end[s]);
        sg_sem_release(sim.rank[me].done);
    }
}

static chirp_status create_actors(const char *prefix)
{
    const chirp_plan *p = sim.plan;
    char name[64];
    char number[16];
    for (int i = 0; i < p->ranks; ++i) {
        sim_rank *r = &sim.rank[i];
        r->ready = sg_sem_init(0);
        r->done = sg_sem_init(0);
        for (int k = 0; k <= MAX_ROUNDS; ++k) {
            if (k >= sim.rounds && k < MAX_ROUNDS)
                continue;
            (void)snprintf(name, sizeof name, "%d<%d", i, k);
            r->from[k] = sg_mailbox_by_name(name);
        }
    }
    for (int i = 0; i < p->ranks; ++i) {
        (void)snprintf(name, sizeof name, "%s%d", prefix, i);
        (void)snprintf(number, sizeof number, "%d", i);
        sg_host_t host = sg_host_by_name(name);
        if (!host)
            return chirp_fail(CHIRP_ERR_FORMAT, "the platform file has no host %s for %d ranks",
                              name, p->ranks);
        char *argv[] = {name, number, NULL};
        if (!sg_actor_create(name, host, compute_actor, 2, argv) ||
            !sg_actor_create(name, host, communication_actor, 2, argv))
            return chirp_fail(CHIRP_ERR_LIBRARY, "SimGrid: no actor on %s", name);
    }
    return CHIRP_OK;
}

/* What the child writes to its parent. */
typedef struct child_report {
    chirp_status status;
    char sentence[400];
    chirp_step_terms terms;
} child_report;

static void run_child(const char *platform, const char *prefix, child_report *report)
{
    /* CM02: plain bandwidth sharing; the default model multiplies by factors fitted to gigabit Ethernet */
    char words[][48] = {"chirpbench", "--cfg=network/model:CM02", "--cfg=network/TCP-gamma:0",
                        "--cfg=contexts/stack-size:128", "--log=root.thres:critical"};
    char *argv[] = {words[0], words[1], words[2], words[3], words[4], NULL};
    int argc = 5;
    simgrid_init(&argc, argv);
    simgrid_load_platform(platform);
    const size_t n = (size_t)sim.plan->ranks;
    sim.rank = chirp_calloc(n, sizeof *sim.rank);
    sim.end = chirp_calloc((size_t)sim.steps, sizeof *sim.end);
    sim.driven = chirp_calloc(n, sizeof *sim.driven);
    sim.seconds = chirp_calloc(n, sizeof *sim.seconds);
    report->status =
        sim.rank && sim.end && sim.driven && sim.seconds ? create_actors(prefix) : CHIRP_ERR_NOMEM;
    if (report->status == CHIRP_OK) {
        sim.rows = 1;
        if (sim.driver)
            sim.driver->next(sim.driver->context, NULL, sim.driven);
        simgrid_run();
        chirp_terms_of_phases(sim.plan, sim.end, sim.steps, simgrid_get_clock(), &report->terms);
        if (!(report->terms.seconds > 0 && isfinite(report->terms.seconds)))
            report->status = chirp_fail(CHIRP_ERR_LIBRARY, "SimGrid: no simulated time passed");
        if (sim.early)
            report->status =
                chirp_fail(CHIRP_ERR_LIBRARY, "SimGrid: a rank began a step before all had "
                                              "computed the one before");
    }
    (void)snprintf(report->sentence, sizeof report->sentence, "%s", chirp_error_message());
}

/* The child's stderr, cut to its last line that says something. */
static void last_line(int fd, char *line, size_t size)
{
    char text[4096];
    size_t length = 0;
    line[0] = '\0';
    (void)lseek(fd, 0, SEEK_SET);
    const ssize_t got = read(fd, text, sizeof text - 1);
    length = got > 0 ? (size_t)got : 0;
    text[length] = '\0';
    for (char *save = NULL, *part = strtok_r(text, "\n", &save); part;
         part = strtok_r(NULL, "\n", &save))
        if (part[0] != '\0' && line[0] == '\0')
            (void)snprintf(line, size, "%s", part);
}

static chirp_status fork_and_wait(const char *platform, const char *prefix, child_report *report)
{
    FILE *errors = NULL;
    chirp_process child;
    chirp_status st = chirp_scratch_open(&errors);
    if (st != CHIRP_OK)
        return st;
    st = chirp_process_fork("SimGrid", fileno(errors), &child);
    if (st == CHIRP_OK && child.pid == 0) {
        run_child(platform, prefix, report);
        _exit(chirp_send_all(child.channel, report, sizeof *report) ? 0 : 1);
    }
    if (st == CHIRP_OK) {
        const bool whole = chirp_receive_all(child.channel, report, sizeof *report);
        (void)chirp_process_wait(&child);
        if (!whole) {
            char line[256];
            last_line(fileno(errors), line, sizeof line);
            st = chirp_fail(CHIRP_ERR_LIBRARY, "SimGrid gave up on %s: %s", platform,
                            line[0] ? line : "it said nothing");
        } else if (report->status != CHIRP_OK) {
            st = chirp_fail(report->status, "%s: %s", platform, report->sentence);
        }
    }
    (void)fclose(errors);
    return st;
}

static chirp_status simulate(const chirp_plan *plan, const float *factor,
                             const chirp_pass_driver *driver, chirp_step_terms *terms)
{
    sim.plan = plan;
    sim.factor = factor;
    sim.driver = driver;
    sim.steps = plan->steps;
    sim.rounds = 0;
    while (2 << sim.rounds <= plan->ranks)
        ++sim.rounds;
    child_report report = {0};
    const chirp_status st = fork_and_wait(plan->platform, plan->host_prefix, &report);
    if (st == CHIRP_OK)
        *terms = report.terms;
    return st;
}

static chirp_status check(const chirp_plan *plan)
{
    if (plan->ranks < 1 || plan->ranks > (1 << MAX_ROUNDS) || plan->steps < 1 ||
        plan->n_buckets < 1 || plan->n_buckets > CHIRP_PLAN_MAX_BUCKETS)
        return chirp_fail(CHIRP_ERR_ARG, "simulation of %d ranks, %d steps, %d buckets",
                          plan->ranks, plan->steps, plan->n_buckets);
    return CHIRP_OK;
}

chirp_status chirp_simulate_driven(const chirp_plan *plan, const chirp_pass_driver *driver,
                                   chirp_step_terms *terms)
{
    if (plan->ranks < 2 || plan->alone)
        return chirp_fail(CHIRP_ERR_ARG, "a driven simulation of %d ranks%s", plan->ranks,
                          plan->alone ? " that exchange nothing" : "");
    const chirp_status st = check(plan);
    return st == CHIRP_OK ? simulate(plan, NULL, driver, terms) : st;
}

static chirp_status run(const chirp_plan *plan, chirp_step_terms *terms)
{
    float *factor = NULL;
    chirp_status st = check(plan);
    if (st != CHIRP_OK)
        return st;
    chirp_closed_form(plan, terms);
    if (plan->ranks == 1) /* one rank has nobody to wait for: the closed form is exact */
        return CHIRP_OK;
    st = chirp_jitter_of_steps(plan, &factor);
    if (st == CHIRP_OK)
        st = simulate(plan, factor, NULL, terms);
    chirp_free(factor);
    return st;
}
#endif

const chirp_engine chirp_engine_simgrid = {.name = "simgrid",
                                           .title = "simgrid",
                                           .needs = "SimGrid (Debian package libsimgrid-dev)",
                                           .simulates = true,
                                           .available = available,
                                           .run = run};
