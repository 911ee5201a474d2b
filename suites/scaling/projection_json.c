/* The projection as JSON. Numbers that don't exist are absent: JSON has neither NaN nor infinity. */
#include "suites/scaling/projection.h"

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

static void put_terms(cJSON *object, const chirp_step_terms *t)
{
    put(object, "seconds_per_step", t->seconds);
    put(object, "efficiency", t->compute / t->seconds);
    put(object, "compute", t->compute);
    put(object, "straggler", t->straggler);
    put(object, "negotiation", t->negotiation);
    put(object, "exposed_allreduce", t->exposed_allreduce);
}

static void add_rows(cJSON *root, const chirp_projection *p)
{
    cJSON *rows = cJSON_AddArrayToObject(root, "rows");
    for (int i = 0; i < p->n_rows; ++i) {
        const chirp_projection_row *row = &p->row[i];
        cJSON *item = cJSON_CreateObject();
        put(item, "nodes", row->nodes);
        put(item, "ranks", row->ranks);
        put_terms(item, &row->terms);
        put(item, "signals_per_second",
            (double)p->options.batch * p->options.micro_steps * row->ranks / row->terms.seconds);
        if (row->band[1] > row->band[0]) {
            const double pair[2] = {row->band[0], row->band[1]};
            cJSON_AddItemToObject(item, "efficiency_band", cJSON_CreateDoubleArray(pair, 2));
        }
        if (p->simulated) {
            put(item, "simulated_steps", row->steps);
            put_terms(cJSON_AddObjectToObject(item, "closed_form"), &row->closed_form);
        }
        if (row->measured_s > 0)
            put(item, "measured_seconds_per_step", row->measured_s);
        cJSON_AddItemToArray(rows, item);
    }
}

static void say(cJSON *list, const char *text)
{
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

static void add_assumptions(cJSON *root, const chirp_projection *p)
{
    cJSON *list = cJSON_AddArrayToObject(root, "assumptions");
    const chirp_target_value *fresh = &p->machine.value[CHIRP_TARGET_JITTER_FRESH];
    const bool given = p->options.fresh_jitter >= 0;
    char text[768];
    say(list, p->simulated ? "rows by SimGrid on the platform file, one exchange after the other; "
                             "closed_form beside each row"
                           : "rows by the closed form, not by a simulation: contention in the "
                             "network is left out");
    (void)snprintf(
        text, sizeof text,
        "a rank computes at %.4g GFLOP/s (%.4g GFLOP per signal, batch %lld): %.4g s a pass",
        p->flops / 1e9, p->workload.flops / 1e9, (long long)p->options.batch,
        p->n_rows ? p->row[0].terms.compute / p->options.micro_steps : 0.0);
    if (p->flops > 0)
        say(list, text);
    else
        say(list, "compute time per signal and layer as measured in the profile on this machine");
    (void)snprintf(
        text, sizeof text,
        "waiting is relative: passes of ranks spread by %.3g of their time (normal, one standard "
        "deviation); this assumption carries the prediction",
        p->jitter_relative);
    say(list, text);
    (void)snprintf(text, sizeof text,
                   "of that spread, %.3g is new in every pass (%s), the rest stays with a rank",
                   given ? p->options.fresh_jitter : fresh->value,
                   given ? "--fresh-jitter" : fresh->source);
    say(list, text);
    if (p->options.exchange == CHIRP_PLAN_OVERLAP)
        say(list, "messages move on a core of its own while passes compute (MPICH_ASYNC_PROGRESS=1 "
                  "and a thread less); its computing is not missed in the rows");
    if (p->options.half)
        say(list,
            "bf16 reduces by an alltoall and an allgather (chirpbench train does), by formula "
            "between two agreements, also where the rest is simulated");
    if (p->options.shares) {
        (void)snprintf(text, sizeof text,
                       "ranks share the signals of every pass by speed, as train --shares measured "
                       "does: whole signals, speeds known from %d steps; that a pass of fewer "
                       "signals takes longer for each is not charged. What faster ranks take over "
                       "lowers straggler, below 0 where nothing else raises it",
                       p->options.speed_steps);
        say(list, text);
    }
    for (int i = 0; i < CHIRP_TARGET_NUMBERS; ++i) {
        const chirp_target_value *v = &p->machine.value[i];
        if (!v->given || v->kind[0] != 'a')
            continue;
        (void)snprintf(text, sizeof text, "%s = %g %s assumed: %s",
                       chirp_target_key((chirp_target_number)i), v->value, v->unit, v->source);
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
    if (!p->calibrated) {
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

static void add_published(cJSON *root, const chirp_projection *p)
{
    if (p->machine.published_nodes == 0)
        return;
    cJSON *published = cJSON_AddObjectToObject(root, "published");
    put(published, "nodes", p->machine.published_nodes);
    put(published, "efficiency", p->machine.published_efficiency);
    (void)cJSON_AddStringToObject(published, "source", p->machine.published_source);
}

chirp_status chirp_projection_json(const chirp_projection *p, char **text)
{
    const chirp_projection_options *o = &p->options;
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_PROJECTION);
    (void)cJSON_AddStringToObject(root, "machine", p->machine.name);
    (void)cJSON_AddStringToObject(root, "machine_title", p->machine.title);
    (void)cJSON_AddStringToObject(root, "exchange", chirp_plan_exchange_name[o->exchange]);
    put(root, "batch", (double)o->batch);
    (void)cJSON_AddStringToObject(root, "network", o->network);
    (void)cJSON_AddStringToObject(root, "variational", chirp_variant_name[o->variant]);
    (void)cJSON_AddStringToObject(root, "weight_noise", o->shared_noise ? "shared" : "independent");
    (void)cJSON_AddStringToObject(root, "compress", o->half ? "bf16" : "none");
    put(root, "accumulate", o->micro_steps);
    (void)cJSON_AddStringToObject(root, "shares", o->shares ? "measured" : "equal");
    put(root, "trained_numbers", (double)p->workload.trained);
    put(root, "exchanged_bytes", (double)p->workload.trained * (o->half ? 2 : 4));
    (void)cJSON_AddStringToObject(root, "engine", p->simulated ? "simgrid" : "closed form");
    if (p->simulated)
        (void)cJSON_AddStringToObject(root, "engine_version", p->engine_version);
    put(root, "seed", (double)o->seed);
    put(root, "jitter_relative", p->jitter_relative);
    put(root, "jitter_fresh",
        o->fresh_jitter >= 0 ? o->fresh_jitter : p->machine.value[CHIRP_TARGET_JITTER_FRESH].value);
    add_rows(root, p);
    add_published(root, p);
    add_calibration(root, p);
    add_assumptions(root, p);
    char *printed = chirp_json_print(root);
    cJSON_Delete(root);
    if (!printed)
        return chirp_fail(CHIRP_ERR_NOMEM, "out of memory while writing the projection");
    *text = chirp_strdup(printed);
    cJSON_free(printed);
    return *text ? CHIRP_OK : CHIRP_ERR_NOMEM;
}
