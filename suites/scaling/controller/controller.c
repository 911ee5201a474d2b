/* The Monte Carlo over a table of speed models, and what it prints. */
#include "suites/scaling/controller/controller.h"

#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "harness/results/document.h"
#include "harness/stats/stats.h"
#include "model/training/balancer.h"
#include "model/training/deadline.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

enum { EQUAL, FOLLOWED, IDEAL, GAIN, KEPT, PARTIAL, LEFT_OUT, CARRIED, LATE, NUMBERS };

/* A step's time by the shares of a balancer, over that of a nominal pass. */
static double last_done(const chirp_controller_options *o, const int64_t *share,
                        const double *seconds)
{
    double last = 0;
    for (int r = 0; r < o->ranks; ++r)
        last = fmax(last, (double)share[r] * seconds[r] / (double)o->batch);
    return last;
}

static void add_step(const chirp_controller_options *o, const int64_t *share, const double *seconds,
                     double *sum)
{
    double equal = 0;
    double speed = 0;
    for (int r = 0; r < o->ranks; ++r) {
        equal = fmax(equal, seconds[r]);
        speed += 1 / seconds[r];
    }
    sum[EQUAL] += o->communication + equal;
    sum[FOLLOWED] += o->communication + last_done(o, share, seconds);
    sum[IDEAL] += o->communication + o->ranks / speed;
}

/* Steps with a deadline, and what becomes of a rank that misses it: it is left out and begins the next step with the
   others; or it goes on, its gradient counts in the next step, and it begins that one late. */
typedef struct participation {
    bool carries;
    chirp_deadline *deadline;
    double *done;      /* [ranks] from the step's begin */
    double *behind;    /* [ranks] when it begins the step, if late gradients are carried */
    double time, late; /* sums; late: signals over those of a rank */
} participation;

static chirp_status participation_create(int ranks, bool carries, participation *p)
{
    *p = (participation){.carries = carries,
                         .done = chirp_calloc((size_t)ranks, sizeof *p->done),
                         .behind = chirp_calloc((size_t)ranks, sizeof *p->behind)};
    if (!p->done || !p->behind)
        return CHIRP_ERR_NOMEM;
    return chirp_deadline_create(ranks, &p->deadline);
}

static void participation_destroy(participation *p)
{
    chirp_deadline_destroy(p->deadline);
    chirp_free(p->done);
    chirp_free(p->behind);
}

/* A step lasts until its last rank is done in time, or until the deadline if one was late. */
static void participate(participation *p, const chirp_controller_options *o, const int64_t *share,
                        const double *seconds)
{
    const double deadline = chirp_deadline_seconds(p->deadline);
    double last = 0;
    double late = 0;
    for (int r = 0; r < o->ranks; ++r) {
        const double own = (double)share[r] / (double)o->batch;
        p->done[r] = p->behind[r] + own * seconds[r];
        last = fmax(last, fmin(p->done[r], deadline));
        late += p->done[r] > deadline ? own : 0;
    }
    for (int r = 0; p->carries && r < o->ranks; ++r)
        p->behind[r] = fmax(0, p->done[r] - last);
    p->time += o->communication + last;
    p->late += late;
    chirp_deadline_step(p->deadline, p->done, late);
}

uint64_t chirp_controller_seed(const chirp_controller_options *o, int run)
{
    return o->seed * (uint64_t)o->runs + (uint64_t)run;
}

/* @param value  [NUMBERS] of this run */
static void evaluate(const chirp_controller_options *o, int steps, const double *sum,
                     const participation p[2], double *value)
{
    for (int i = EQUAL; i <= IDEAL; ++i)
        value[i] = steps / sum[i];
    value[GAIN] = value[FOLLOWED] / value[EQUAL];
    value[KEPT] = value[FOLLOWED] / value[IDEAL];
    value[LEFT_OUT] = p[0].late / steps / o->ranks;
    value[PARTIAL] = (1 - value[LEFT_OUT]) * steps / p[0].time;
    value[LATE] = p[1].late / steps / o->ranks;
    value[CARRIED] = steps / p[1].time;
}

static chirp_status run(const chirp_speed_model *model, const chirp_controller_options *o,
                        int number, double *value)
{
    chirp_speeds *speeds = NULL;
    chirp_balancer *balancer = NULL;
    participation p[2] = {{0}, {0}};
    double sum[NUMBERS] = {0};
    chirp_status st =
        chirp_speeds_create(model, o->ranks, chirp_controller_seed(o, number), &speeds);
    if (st == CHIRP_OK)
        st = chirp_balancer_create(o->ranks, o->batch, &balancer);
    for (int k = 0; st == CHIRP_OK && k < 2; ++k)
        st = participation_create(o->ranks, k == 1, &p[k]);
    for (int step = 0; st == CHIRP_OK && step < model->steps; ++step) {
        const double *seconds = chirp_speeds_next(speeds);
        const int64_t *share = chirp_balancer_shares(balancer, 0);
        add_step(o, share, seconds, sum);
        for (int k = 0; k < 2; ++k)
            participate(&p[k], o, share, seconds);
        chirp_balancer_step(balancer, seconds);
    }
    if (st == CHIRP_OK)
        evaluate(o, model->steps, sum, p, value);
    for (int k = 0; k < 2; ++k)
        participation_destroy(&p[k]);
    chirp_balancer_destroy(balancer);
    chirp_speeds_destroy(speeds);
    return st;
}

chirp_controller_number chirp_controller_mean(const double *value, int runs)
{
    return (chirp_controller_number){chirp_stats_mean(value, (size_t)runs),
                                     chirp_stats_stddev(value, (size_t)runs) / sqrt(runs)};
}

static chirp_controller_number number(const double *value, int runs, int which)
{
    return chirp_controller_mean(value + (size_t)which * (size_t)runs, runs);
}

chirp_status chirp_controller_replay(const chirp_speed_model *model,
                                     const chirp_controller_options *o, chirp_controller_row *row)
{
    if (o->ranks < 1 || o->batch < 1 || o->runs < 2)
        return chirp_fail(CHIRP_ERR_ARG, "a replay of %d runs on %d ranks with %lld signals each",
                          o->runs, o->ranks, (long long)o->batch);
    double *value = chirp_calloc((size_t)o->runs * NUMBERS, sizeof *value);
    if (!value)
        return CHIRP_ERR_NOMEM;
    chirp_status st = CHIRP_OK;
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < o->runs; ++i) {
        double own[NUMBERS] = {0};
        const chirp_status mine = run(model, o, i, own);
        for (int k = 0; k < NUMBERS; ++k)
            value[k * o->runs + i] = own[k];
        if (mine != CHIRP_OK)
#pragma omp critical(chirp_controller)
            st = mine;
    }
    chirp_controller_number *const into[NUMBERS] = {&row->equal,    &row->followed, &row->ideal,
                                                    &row->gain,     &row->kept,     &row->partial,
                                                    &row->left_out, &row->carried,  &row->late};
    for (int k = 0; st == CHIRP_OK && k < NUMBERS; ++k)
        *into[k] = number(value, o->runs, k);
    chirp_free(value);
    return st == CHIRP_OK ? st : chirp_fail(st, "replaying the load balancer: no memory");
}

static void add_number(cJSON *item, const char *name, chirp_controller_number n)
{
    cJSON *object = cJSON_AddObjectToObject(item, name);
    (void)cJSON_AddNumberToObject(object, "mean", n.mean);
    (void)cJSON_AddNumberToObject(object, "standard_error", n.error);
}

static cJSON *row_json(const chirp_speed_model *m, const chirp_controller_row *row)
{
    cJSON *item = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(item, "speeds", m->name);
    (void)cJSON_AddNumberToObject(item, "permanent", m->permanent);
    (void)cJSON_AddNumberToObject(item, "wandering", m->wandering);
    (void)cJSON_AddNumberToObject(item, "correlation_steps", m->correlation_steps);
    (void)cJSON_AddNumberToObject(item, "fresh", m->fresh);
    (void)cJSON_AddNumberToObject(item, "rare_share", m->rare_share);
    (void)cJSON_AddNumberToObject(item, "rare_factor", m->rare_factor);
    (void)cJSON_AddNumberToObject(item, "episodes_of_1024", m->episodes);
    (void)cJSON_AddNumberToObject(item, "episode_factor", m->episode_factor);
    (void)cJSON_AddNumberToObject(item, "episode_steps", m->episode_steps);
    (void)cJSON_AddNumberToObject(item, "steps", m->steps);
    add_number(item, "equal", row->equal);
    add_number(item, "followed", row->followed);
    add_number(item, "ideal", row->ideal);
    add_number(item, "followed_over_equal", row->gain);
    add_number(item, "followed_over_ideal", row->kept);
    add_number(item, "deadline", row->partial);
    add_number(item, "deadline_left_out", row->left_out);
    add_number(item, "deadline_carried", row->carried);
    add_number(item, "deadline_carried_late", row->late);
    return item;
}

static cJSON *document(const chirp_controller_options *o, cJSON **rows)
{
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_CONTROLLER);
    (void)cJSON_AddStringToObject(root, "method",
                                  "Monte Carlo: speeds are drawn, the load balancer of train "
                                  "shares signals, nothing is measured");
    (void)cJSON_AddNumberToObject(root, "ranks", o->ranks);
    (void)cJSON_AddNumberToObject(root, "batch", (double)o->batch);
    (void)cJSON_AddNumberToObject(root, "runs", o->runs);
    (void)cJSON_AddNumberToObject(root, "communication", o->communication);
    (void)cJSON_AddNumberToObject(root, "seed", (double)o->seed);
    *rows = cJSON_AddArrayToObject(root, "rows");
    return root;
}

static void print_number(chirp_controller_number n)
{
    printf("  %6.1f +- %3.1f", 100 * n.mean, 100 * n.error);
}

enum { MOST = 32 };

/* All rows of the table. @param simulated  [MOST], filled where there is a plan */
static chirp_status replay_all(const chirp_controller_options *o, const chirp_plan *plan,
                               chirp_controller_row *row, chirp_controller_number *simulated,
                               cJSON *rows)
{
    chirp_status st = CHIRP_OK;
    for (int n = 0; st == CHIRP_OK && n < MOST && chirp_speed_model_at(n); ++n) {
        chirp_speed_model model = *chirp_speed_model_at(n);
        if (plan && plan->steps < model.steps)
            model.steps = plan->steps;
        st = chirp_controller_replay(&model, o, &row[n]);
        if (st == CHIRP_OK && plan)
            st = chirp_controller_simulate(&model, o, plan, &simulated[n]);
        cJSON *item = st == CHIRP_OK ? row_json(&model, &row[n]) : NULL;
        if (item && plan)
            add_number(item, "followed_simulated", simulated[n]);
        if (item)
            (void)cJSON_AddItemToArray(rows, item);
    }
    return st;
}

static void print_head(const chirp_controller_options *o, const chirp_plan *plan)
{
    printf(
        "Load balancing replayed on %d ranks with %lld signals each, communication %.2f %% of a "
        "step; drawn speeds\n(seed %llu, mean of %d runs and its standard error), nothing "
        "measured. Percent of nominal signals a time;\npossible: percent of what the drawn ranks "
        "could do if their speeds were known. Deadline: followed, and ranks that are\nlate are "
        "left out of the step; carried: what is late counts one step later. Behind both the "
        "percentage of late signals.\n",
        o->ranks, (long long)o->batch, 100 * o->communication, (unsigned long long)o->seed,
        o->runs);
    if (plan)
        printf("simulated: the same speeds and balancer with every message of the exchange by "
               "SimGrid, at most %d steps a run.\n",
               plan->steps);
    printf("\n%-38s  %13s  %13s  %13s  %19s  %19s  %13s\n", "speeds", "equal shares", "followed",
           "of possible", "deadline, left out", "carried, late", plan ? "simulated" : "");
}

chirp_status chirp_controller_report(const chirp_controller_options *o, const chirp_plan *plan,
                                     const char *json)
{
    chirp_controller_row row[MOST];
    chirp_controller_number simulated[MOST];
    cJSON *rows = NULL;
    cJSON *root = document(o, &rows);
    chirp_status st = replay_all(o, plan, row, simulated, rows);
    if (st == CHIRP_OK && json)
        st = chirp_document_write(root, json);
    else
        cJSON_Delete(root);
    if (st != CHIRP_OK)
        return st;
    print_head(o, plan);
    for (int i = 0; i < MOST && chirp_speed_model_at(i); ++i) {
        printf("%-38s", chirp_speed_model_at(i)->name);
        print_number(row[i].equal);
        print_number(row[i].followed);
        print_number(row[i].kept);
        print_number(row[i].partial);
        printf("  %4.2f", 100 * row[i].left_out.mean);
        print_number(row[i].carried);
        printf("  %4.2f", 100 * row[i].late.mean);
        if (plan)
            print_number(simulated[i]);
        printf("\n");
    }
    return CHIRP_OK;
}
