/* The Monte Carlo over a table of speed models, and what it prints. */
#include "suites/scaling/controller/controller.h"

#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "harness/results/document.h"
#include "harness/stats/stats.h"
#include "model/training/balancer.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>

enum { EQUAL, FOLLOWED, IDEAL, GAIN, KEPT, NUMBERS };

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

uint64_t chirp_controller_seed(const chirp_controller_options *o, int run)
{
    return o->seed * (uint64_t)o->runs + (uint64_t)run;
}

/* @param value  [NUMBERS] of this run */
static chirp_status run(const chirp_speed_model *model, const chirp_controller_options *o,
                        int number, double *value)
{
    chirp_speeds *speeds = NULL;
    chirp_balancer *balancer = NULL;
    double sum[NUMBERS] = {0};
    chirp_status st =
        chirp_speeds_create(model, o->ranks, chirp_controller_seed(o, number), &speeds);
    if (st == CHIRP_OK)
        st = chirp_balancer_create(o->ranks, o->batch, &balancer);
    for (int step = 0; st == CHIRP_OK && step < model->steps; ++step) {
        const double *seconds = chirp_speeds_next(speeds);
        add_step(o, chirp_balancer_shares(balancer, 0), seconds, sum);
        chirp_balancer_step(balancer, seconds);
    }
    for (int i = EQUAL; st == CHIRP_OK && i <= IDEAL; ++i)
        value[i] = model->steps / sum[i];
    if (st == CHIRP_OK) {
        value[GAIN] = value[FOLLOWED] / value[EQUAL];
        value[KEPT] = value[FOLLOWED] / value[IDEAL];
    }
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
    if (st == CHIRP_OK)
        *row =
            (chirp_controller_row){number(value, o->runs, EQUAL), number(value, o->runs, FOLLOWED),
                                   number(value, o->runs, IDEAL), number(value, o->runs, GAIN),
                                   number(value, o->runs, KEPT)};
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
    printf("Load balancing replayed on %d ranks with %lld signals each, communication %.2f %% of a "
           "step; drawn speeds\n(seed %llu, mean of %d runs and its standard error), nothing "
           "measured. Percent of\nnominal signals, and of what the drawn ranks could do if their "
           "speeds were known.\n",
           o->ranks, (long long)o->batch, 100 * o->communication, (unsigned long long)o->seed,
           o->runs);
    if (plan)
        printf("simulated: the same speeds and balancer with every message of the exchange by "
               "SimGrid, at most %d steps a run.\n",
               plan->steps);
    printf("\n%-38s  %13s  %13s  %13s  %13s\n", "speeds", "equal shares", "followed", "of possible",
           plan ? "simulated" : "");
    for (int i = 0; i < MOST && chirp_speed_model_at(i); ++i) {
        printf("%-38s", chirp_speed_model_at(i)->name);
        print_number(row[i].equal);
        print_number(row[i].followed);
        print_number(row[i].kept);
        if (plan)
            print_number(simulated[i]);
        printf("\n");
    }
    return CHIRP_OK;
}
