/* The projection as JSON. Numbers that don't exist are absent: JSON has neither NaN nor infinity. */
#include "suites/scaling/projected/projection.h"

#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "harness/results/document.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void put(cJSON *object, const char *key, double value)
{
    if (isfinite(value))
        (void)cJSON_AddNumberToObject(object, key, value);
}

static void put_pair(cJSON *object, const char *key, const double pair[2])
{
    cJSON_AddItemToObject(object, key, cJSON_CreateDoubleArray(pair, 2));
}

static void put_terms(cJSON *object, const chirp_plan *plan, const chirp_step_terms *t)
{
    put(object, "seconds_per_step", t->seconds);
    put(object, "efficiency", chirp_plan_efficiency(plan, t->compute, t->seconds));
    put(object, "compute", t->compute);
    put(object, "straggler", t->straggler);
    put(object, "negotiation", t->negotiation);
    put(object, "exposed_allreduce", t->exposed_allreduce);
}

/* A prediction of what was measured elsewhere: no terms, as they are not told apart. */
static void put_forecast(cJSON *item, const chirp_forecast *f)
{
    cJSON *growth = cJSON_CreateObject();
    put(item, "seconds_per_step", f->seconds);
    put_pair(item, "interval_90", f->interval);
    for (int c = 0; c < CHIRP_FORECAST_CAUSES; ++c)
        cJSON_AddItemToObject(growth, chirp_forecast_key((chirp_forecast_cause)c),
                              cJSON_CreateDoubleArray(f->growth[c], 3));
    cJSON_AddItemToObject(item, "growth_5_50_95", growth);
}

static void put_row(cJSON *item, const chirp_projection *p, const chirp_projection_row *row)
{
    chirp_plan plan = p->plan; /* of the last row; only its ranks differ */
    plan.ranks = row->ranks;
    put_terms(item, &plan, &row->terms);
    put_pair(item, "efficiency_band", row->band);
    if (p->engine->simulates) {
        put(item, "simulated_steps", row->steps);
        put_terms(cJSON_AddObjectToObject(item, "closed_form"), &plan, &row->closed_form);
    }
    if (row->measured_s > 0)
        put(item, "measured_seconds_per_step", row->measured_s);
}

static void add_rows(cJSON *root, const chirp_projection *p)
{
    cJSON *rows = cJSON_AddArrayToObject(root, "rows");
    for (int i = 0; i < p->n_rows; ++i) {
        const chirp_projection_row *row = &p->row[i];
        cJSON *item = cJSON_CreateObject();
        put(item, "nodes", row->nodes);
        put(item, "ranks", row->ranks);
        if (p->jobs.n > 0)
            put_forecast(item, &row->forecast);
        else
            put_row(item, p, row);
        put(item, "signals_per_second",
            (double)p->options.settings.batch * p->options.settings.micro_steps * row->ranks /
                row->terms.seconds);
        cJSON_AddItemToArray(rows, item);
    }
}

static void say(cJSON *list, const char *text)
{
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

/* How time and waiting come about where the rows are of a plan. */
static void add_plan_assumptions(cJSON *list, const chirp_projection *p)
{
    const chirp_machine_value *fresh = &p->machine.value[CHIRP_MACHINE_JITTER_FRESH];
    const bool given = p->options.settings.fresh_jitter >= 0;
    char text[768];
    say(list, p->engine->simulates
                  ? "rows by SimGrid on the platform file, one exchange after the other; "
                    "closed_form beside each row"
                  : "rows by the closed form, not by a simulation: contention in the "
                    "network is left out");
    (void)snprintf(
        text, sizeof text,
        "a rank computes at %.4g GFLOP/s (%.4g GFLOP per signal, batch %lld): %.4g s a pass",
        p->plan.flops / 1e9, p->workload.flops / 1e9, (long long)p->options.settings.batch,
        p->n_rows ? p->row[0].terms.compute / p->options.settings.micro_steps : 0.0);
    if (p->plan.flops > 0)
        say(list, text);
    else
        say(list, "compute time per signal as measured: by the profile on this machine, or by the "
                  "workload's file");
    if (p->plan.alone) {
        say(list, "ranks exchange nothing and wait for nobody");
        return;
    }
    (void)snprintf(text, sizeof text,
                   "rows take nodes that differ for good: passes of ranks spread by %.3g of their "
                   "time (normal, one standard deviation); this assumption carries them",
                   p->plan.jitter_relative);
    say(list, text);
    say(list,
        p->calibration.n > 0
            ? "efficiency_band holds 90 % of the weight of all laws of waiting in waiting_laws; "
              "sharing by speed helps only under those where nodes differ for good"
            : "efficiency_band takes half and twice the spread (unless --jitter gives it) and "
              "of the step-to-step noise (unless --fresh-jitter gives it); no other law of "
              "waiting was observed on this machine");
    (void)snprintf(text, sizeof text,
                   "of that spread, %.3g is new in every pass (%s), the rest stays with a rank",
                   p->plan.jitter_fresh, given ? "--fresh-jitter" : fresh->source);
    say(list, text);
}

static void add_option_assumptions(cJSON *list, const chirp_projection *p)
{
    char text[768];
    if (p->plan.exchange.overlaps)
        say(list, "messages move on a core of its own while passes compute (MPICH_ASYNC_PROGRESS=1 "
                  "and a thread less); its computing is not missed in the rows");
    if (p->options.settings.half)
        say(list,
            "bf16 reduces by an alltoall and an allgather (chirpbench train does), by formula "
            "between two agreements, also where the rest is simulated");
    if (!p->options.settings.shares)
        return;
    (void)snprintf(
        text, sizeof text,
        "ranks share the signals of every pass by speed, as train --shares measured "
        "does: whole signals, speeds known from %d steps, or followed as well as possible where "
        "they wander (efficiency_map); that a pass of fewer signals takes longer for each is not "
        "charged. "
        "efficiency is over what all ranks can do at their own speeds. What faster ranks "
        "take over lowers straggler, below 0 where nothing else raises it",
        p->options.settings.speed_steps);
    say(list, text);
}

static void add_forecast_assumptions(cJSON *list, const chirp_projection *p)
{
    const chirp_job_count *base = &p->jobs.count[p->jobs.n - 1];
    char text[384];
    (void)snprintf(
        text, sizeof text,
        "interval_90 is a prediction interval for the mean step of one further job of the "
        "program that was measured; seconds_per_step is its median. Jobs differ as the %d "
        "on %d nodes do (Student's law of the logarithm)",
        base->n, base->nodes);
    say(list, text);
    if (!p->workload.forward_only)
        say(list, "waiting grows by the laws in waiting_laws, in seconds or relative to the step, "
                  "equally likely; the allreduce as MPI_Allreduce on this machine");
    else
        say(list, "ranks don't wait for each other: nothing grows by waiting");
    say(list, "starting an epoch's phase takes between one step and what evaluation takes beyond a "
              "third of training's computation, log-uniform (assumed), over steps of which more "
              "nodes have fewer; nothing where only one phase was measured");
    say(list, "epochs far above a job's median come as often whatever the number of nodes or in "
              "proportion to it, equally likely (assumed)");
    say(list,
        "what steps take longer later in a job than in its first epochs comes from the samples "
        "that a node holds by then with a probability of a third (assumed); more nodes hold "
        "fewer each");
}

static void add_assumptions(cJSON *root, const chirp_projection *p)
{
    cJSON *list = cJSON_AddArrayToObject(root, "assumptions");
    char text[768];
    if (p->jobs.n > 0) {
        add_forecast_assumptions(list, p);
    } else {
        add_plan_assumptions(list, p);
        add_option_assumptions(list, p);
    }
    for (int i = 0; i < CHIRP_MACHINE_NUMBERS; ++i) {
        const chirp_machine_value *v = &p->machine.value[i];
        if (!v->given || v->kind[0] != 'a')
            continue;
        (void)snprintf(text, sizeof text, "%s = %g %s assumed: %s",
                       chirp_machine_key((chirp_machine_number)i), v->value, v->unit, v->source);
        say(list, text);
    }
}

static cJSON *fit_object(const chirp_fit *fit)
{
    cJSON *item = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(item, "fitted_on", fit->network);
    put(item, "cycles", fit->cycles);
    put(item, "sd_s", fit->sd_s);
    put(item, "relative", fit->relative);
    put(item, "rms_s", fit->rms_s);
    return item;
}

static void add_calibration(cJSON *root, const chirp_projection *p)
{
    if (p->calibration.n == 0) {
        (void)cJSON_AddStringToObject(root, "calibrated_on",
                                      "nothing: the machine file's own numbers");
        return;
    }
    const chirp_calibration *c = &p->calibration;
    cJSON *object = cJSON_AddObjectToObject(root, "calibrated_on");
    (void)cJSON_AddStringToObject(object, "what", p->machine.observed_what);
    cJSON_AddItemToObject(object, "pooled", fit_object(&c->pooled));
    cJSON *fits = cJSON_AddArrayToObject(object, "fits");
    for (int i = 0; i < c->n; ++i)
        cJSON_AddItemToArray(fits, fit_object(&c->fit[i]));
    cJSON *held_out = cJSON_AddArrayToObject(object, "held_out");
    for (int i = 0; i < c->n_held_out; ++i) {
        cJSON *item = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(item, "network", c->held_out[i].network);
        put(item, "nodes", c->held_out[i].nodes);
        put(item, "measured_efficiency", c->held_out[i].measured_efficiency);
        put(item, "predicted_efficiency", c->held_out[i].predicted_efficiency);
        put(item, "error",
            c->held_out[i].predicted_efficiency - c->held_out[i].measured_efficiency);
        cJSON_AddItemToArray(held_out, item);
    }
    /* the raw observations, so that a plot needs this file only */
    cJSON *observed = cJSON_AddArrayToObject(object, "observed");
    for (int i = 0; i < p->machine.n_observed; ++i)
        for (int k = 0; k < p->machine.observed[i].n; ++k) {
            const double t1 = p->machine.observed_one_node_s;
            cJSON *item = cJSON_CreateObject();
            (void)cJSON_AddStringToObject(item, "network", p->machine.observed[i].name);
            put(item, "nodes", p->machine.observed[i].nodes[k]);
            put(item, "efficiency", t1 / (t1 + p->machine.observed[i].extra_s[k]));
            cJSON_AddItemToArray(observed, item);
        }
}

/* Load balancing under other conditions: efficiency of the last row. */
static void add_map(cJSON *root, const chirp_projection *p)
{
    cJSON *list = p->plan.share_signals > 0 && p->jobs.n == 0
                      ? cJSON_AddArrayToObject(root, "efficiency_map")
                      : NULL;
    for (int i = 0; list && i < CHIRP_MAP_SPREADS; ++i)
        for (int k = 0; k < CHIRP_MAP_CONDITIONS; ++k) {
            const chirp_map_condition *c = &chirp_map_conditions[k];
            cJSON *item = cJSON_CreateObject();
            put(item, "jitter_relative", chirp_map_spread[i]);
            put(item, "correlation_steps", c->correlation_steps);
            put(item, "events_per_node_and_step", c->event_rate);
            put(item, "efficiency", p->map[i][k]);
            cJSON_AddItemToArray(list, item);
        }
}

/* How likely each form is by the observations, network by network. */
static void add_laws(cJSON *root, const chirp_projection *p)
{
    cJSON *list = p->calibration.n > 0 ? cJSON_AddArrayToObject(root, "waiting_laws") : NULL;
    for (int k = 0; k < p->calibration.n; ++k)
        for (int f = 0; f < CHIRP_WAITING_FORMS; ++f) {
            cJSON *item = cJSON_CreateObject();
            (void)cJSON_AddStringToObject(item, "network", p->machine.observed[k].name);
            (void)cJSON_AddStringToObject(item, "form", chirp_waiting_title((chirp_waiting_form)f));
            put(item, "weight", p->laws.form_weight[k][f]);
            cJSON_AddItemToArray(list, item);
        }
}

static void add_published(cJSON *root, const chirp_projection *p)
{
    if (p->machine.published_nodes == 0)
        return;
    cJSON *published = cJSON_AddObjectToObject(root, "published");
    put(published, "nodes", p->machine.published_nodes);
    put(published, "efficiency", p->machine.published_efficiency);
    (void)cJSON_AddStringToObject(published, "source", p->machine.published_source);
}

cJSON *chirp_projection_object(const chirp_projection *p)
{
    const chirp_projection_options *o = &p->options;
    const chirp_plan_settings *s = &o->settings;
    const char *version = "";
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_PROJECTION);
    (void)cJSON_AddStringToObject(root, "machine", p->machine.name);
    (void)cJSON_AddStringToObject(root, "machine_title", p->machine.title);
    (void)cJSON_AddStringToObject(root, "exchange", p->plan.exchange.name);
    put(root, "batch", (double)s->batch);
    if (p->workload.name[0]) {
        (void)cJSON_AddStringToObject(root, "network", p->workload.name);
    } else {
        (void)cJSON_AddStringToObject(root, "network", o->network);
        (void)cJSON_AddStringToObject(root, "variational", chirp_variant_name[o->variant]);
        (void)cJSON_AddStringToObject(root, "weight_noise",
                                      o->shared_noise ? "shared" : "independent");
    }
    (void)cJSON_AddStringToObject(root, "compress", s->half ? "bf16" : "none");
    put(root, "accumulate", s->micro_steps);
    (void)cJSON_AddStringToObject(root, "shares", s->shares ? "measured" : "equal");
    put(root, "trained_numbers", (double)p->workload.trained);
    put(root, "exchanged_bytes", (double)p->workload.trained * (s->half ? 2 : 4));
    (void)cJSON_AddStringToObject(root, "engine", p->engine->title);
    if (p->engine->available(&version) && version[0])
        (void)cJSON_AddStringToObject(root, "engine_version", version);
    put(root, "seed", (double)s->seed);
    if (p->jobs.n > 0)
        put(root, "calibrated_on_nodes", p->jobs.count[p->jobs.n - 1].nodes);
    put(root, "jitter_relative", p->plan.jitter_relative);
    put(root, "jitter_fresh", p->plan.jitter_fresh);
    int given = 0;
    put(root, "assumed_numbers_of_machine", chirp_machine_assumed(&p->machine, &given));
    put(root, "numbers_of_machine", given);
    add_rows(root, p);
    add_published(root, p);
    add_calibration(root, p);
    add_laws(root, p);
    add_map(root, p);
    add_assumptions(root, p);
    return root;
}
