/* What was measured, as JSON: each row reports its median repetition, so that its terms and its loss add up exactly. */
#include "suites/scaling/measured/measure_internal.h"

#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "harness/machine/machine.h"
#include "harness/results/document.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void put(cJSON *object, const char *key, double value)
{
    if (isfinite(value))
        (void)cJSON_AddNumberToObject(object, key, value);
}

static void put_pair(cJSON *object, const char *key, double low, double high)
{
    const double pair[2] = {low, high};
    if (isfinite(low) && isfinite(high))
        cJSON_AddItemToObject(object, key, cJSON_CreateDoubleArray(pair, 2));
}

/* The sum is 100 (1 - efficiency). */
static void add_budget(cJSON *item, const chirp_scale *scale, int index)
{
    chirp_scale_budget b;
    chirp_scale_loss(scale, index, &b);
    cJSON *budget = cJSON_AddObjectToObject(item, "loss_budget_points");
    put(budget, "compute", b.compute);
    put(budget, "compute_imbalance", b.imbalance);
    put(budget, "waiting_for_slowest", b.slowest);
    put(budget, "exposed_payload", b.exposed);
    put(budget, "control", b.control);
    put(budget, "input", b.input);
    put(budget, "optimizer", b.optimizer);
    put(budget, "other", b.other);
    put(budget, "sum", b.sum);
}

/* The columns of the study's public mpi_profile (routine, #calls, avg. bytes, time(sec)), and what they come to for a
   step. */
static void add_calls(cJSON *item, const chirp_scale_row *row, int steps, double step_s)
{
    const chirp_scale_calls *calls = &row->calls;
    double inside = 0;
    for (int i = 0; i < calls->n; ++i)
        inside += calls->row[i].seconds;
    put(item, "mpi_elapsed_seconds", row->calls_wall_s);
    put(item, "mpi_communication_seconds", inside);
    cJSON *list = cJSON_AddArrayToObject(item, "mpi_calls");
    for (int i = 0; i < calls->n; ++i) {
        const chirp_call_row *c = &calls->row[i];
        cJSON *call = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(call, "call", c->call);
        put(call, "bytes", (double)c->bytes);
        put(call, "calls", (double)c->calls);
        put(call, "seconds", c->seconds);
        put(call, "calls_per_step", (double)c->calls / steps);
        put(call, "us_per_call", c->calls > 0 ? 1e6 * c->seconds / (double)c->calls : 0);
        put(call, "seconds_per_step_rank0", c->seconds / steps);
        put(call, "seconds_per_step_min", calls->min[i]);
        put(call, "seconds_per_step_max", calls->max[i]);
        put(call, "share_of_step", c->seconds / steps / step_s);
        cJSON_AddItemToArray(list, call);
    }
}

/* Counters of a step, over ranks; one that some rank can't count has its reason and no number. */
static void add_counters(cJSON *item, const chirp_scale_row *row)
{
    cJSON *counters = cJSON_AddObjectToObject(item, "counters");
    for (int i = 0; i < row->n_events; ++i) {
        const chirp_rank_event *e = &row->event[i];
        cJSON *counter = cJSON_AddObjectToObject(counters, e->name);
        if (e->reason[0]) {
            (void)chirp_json_add_text(counter, "absent", e->reason);
            continue;
        }
        put(counter, "min", e->min);
        put(counter, "mean", e->mean);
        put(counter, "max", e->max);
    }
}

static void add_interval(cJSON *item, const chirp_scale *scale, int index)
{
    chirp_interval interval;
    if (chirp_scale_efficiency(scale, index, &interval) != CHIRP_OK || interval.confidence <= 0)
        return;
    put_pair(item, "interval_95", interval.low, interval.high);
    put(item, "interval_confidence", interval.confidence);
}

static void add_slowest(cJSON *item, const chirp_scale *scale, int index)
{
    const chirp_scale_row *row = &scale->row[index];
    char text[160];
    if (row->slowest < 0)
        return;
    cJSON *slowest = cJSON_AddObjectToObject(item, "slowest_rank");
    put(slowest, "rank", row->slowest);
    put(slowest, "share_of_steps_last", row->slowest_share);
    put(slowest, "mean_lateness", row->slowest_late_s);
    (void)cJSON_AddBoolToObject(slowest, "slow", chirp_scale_slow(scale, index, text, sizeof text));
}

static void add_apart(cJSON *item, const chirp_scale *scale, int index)
{
    const chirp_scale_row *row = &scale->row[index];
    chirp_scale_apart apart;
    if (!chirp_scale_against_apart(scale, index, &apart))
        return;
    cJSON *object = cJSON_AddObjectToObject(item, "apart");
    put(object, "seconds_per_step", apart.mean);
    put_pair(object, "range", apart.min, apart.max);
    put(object, "efficiency", apart.efficiency);
    (void)cJSON_AddItemToObject(object, "by_rank",
                                cJSON_CreateDoubleArray(row->rank_apart, row->ranks));
}

static cJSON *row_object(const chirp_scale *scale, int index)
{
    const chirp_scale_options *o = &scale->options;
    const chirp_scale_row *row = &scale->row[index];
    const int median = chirp_scale_median(scale, index);
    const chirp_scale_terms *t = &row->repetition[median];
    const chirp_scale_terms *one = &scale->row[row->base].repetition[median];
    const double ideal = o->strong ? row->ranks : 1;
    cJSON *item = cJSON_CreateObject();
    put(item, "ranks", row->ranks);
    put(item, "threads", row->threads);
    (void)cJSON_AddStringToObject(item, "variational", chirp_variant_name[row->variant]);
    put(item, "batch_per_rank", (double)row->batch);
    put(item, "accumulate", (double)o->train.accumulate);
    const double signals[2] = {(double)row->least, (double)row->most};
    (void)cJSON_AddItemToObject(item, "signals_per_pass", cJSON_CreateDoubleArray(signals, 2));
    (void)cJSON_AddStringToObject(item, "shares", o->train.shares);
    (void)cJSON_AddBoolToObject(item, "oversubscribed", row->oversubscribed);
    if (row->crowd > 0)
        put(item, "threads_per_processor", row->crowd);
    put(item, "seconds_per_step", t->total);
    put(item, "efficiency", one->total / (ideal * t->total));
    add_interval(item, scale, index);
    put(item, "signals_per_second",
        (double)(row->batch * row->ranks * o->train.accumulate) / t->total);
    put(item, "compute", t->compute);
    put(item, "exposed_communication", t->exposed);
    put(item, "hidden_communication", row->ranks > 1 ? fmax(0, row->alone_s - t->exposed) : 0);
    put(item, "communication_alone", row->alone_s);
    put(item, "communication_alone_bytes", row->alone_bytes);
    put(item, "control", t->control);
    put(item, "waiting", t->waiting);
    put(item, "input", t->input);
    put(item, "optimizer", t->optimizer);
    put(item, "other", t->other);
    put(item, "bytes_per_step", t->bytes);
    put(item, "reductions_per_step", t->calls);
    add_budget(item, scale, index);
    put(item, "compute_min_rank", row->compute_min);
    put(item, "compute_max_rank", row->compute_max);
    (void)cJSON_AddItemToObject(item, "compute_by_rank",
                                cJSON_CreateDoubleArray(row->rank_compute, row->ranks));
    cJSON *jitter = cJSON_AddObjectToObject(item, "jitter");
    put(jitter, "relative", row->jitter_relative);
    put(jitter, "permanent_share", row->jitter_permanent);
    put(jitter, "autocorrelation", row->jitter_autocorrelation);
    add_slowest(item, scale, index);
    add_apart(item, scale, index);
    add_counters(item, row);
    add_calls(item, row, o->steps, t->total);
    cJSON *list = cJSON_AddArrayToObject(item, "repetition_seconds_per_step");
    for (int r = 0; r < o->repetitions; ++r)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(row->repetition[r].total));
    return item;
}

/* What each series says of the rank counts it was not fitted on. */
static void add_series(cJSON *root, const chirp_scale *scale)
{
    const chirp_scale_options *o = &scale->options;
    cJSON *list = cJSON_AddArrayToObject(root, "series");
    for (int base = 0; base < scale->n_rows; base += o->n_counts) {
        cJSON *series = cJSON_CreateObject();
        cJSON_AddItemToArray(list, series);
        put(series, "threads", scale->row[base].threads);
        (void)cJSON_AddStringToObject(series, "variational",
                                      chirp_variant_name[scale->row[base].variant]);
        cJSON *held_out = cJSON_AddArrayToObject(series, "held_out");
        for (int i = base; i < base + o->n_counts; ++i) {
            double predicted = 0;
            if (!chirp_scale_predict(scale, i, &predicted))
                continue;
            const double measured = scale->row[i].repetition[chirp_scale_median(scale, i)].total;
            cJSON *item = cJSON_CreateObject();
            put(item, "ranks", scale->row[i].ranks);
            put(item, "predicted_seconds_per_step", predicted);
            put(item, "measured_seconds_per_step", measured);
            put(item, "error", predicted / measured - 1);
            cJSON_AddItemToArray(held_out, item);
        }
    }
}

/* Bayesian against deterministic, at the same ranks and threads. */
static void add_costs(cJSON *root, const chirp_scale *scale)
{
    cJSON *list = cJSON_AddArrayToObject(root, "cost_against_deterministic");
    for (int i = 0; i < scale->n_rows; ++i) {
        const chirp_scale_row *row = &scale->row[i];
        chirp_interval ratio;
        if (!chirp_scale_cost(scale, i, &ratio))
            continue;
        cJSON *item = cJSON_CreateObject();
        put(item, "ranks", row->ranks);
        put(item, "threads", row->threads);
        (void)cJSON_AddStringToObject(item, "variational", chirp_variant_name[row->variant]);
        put(item, "ratio", ratio.value);
        if (ratio.confidence > 0) {
            put_pair(item, "interval_95", ratio.low, ratio.high);
            put(item, "interval_confidence", ratio.confidence);
        }
        cJSON_AddItemToArray(list, item);
    }
}

static void add_notes(cJSON *root, const chirp_scale *scale)
{
    cJSON *notes = cJSON_AddArrayToObject(root, "notes");
    bool crowded = false;
    char text[256];
    for (int i = 0; i < scale->n_rows; ++i) {
        const chirp_scale_row *row = &scale->row[i];
        char slow[160];
        crowded = crowded || row->oversubscribed;
        if (!chirp_scale_slow(scale, i, slow, sizeof slow))
            continue;
        (void)snprintf(text, sizeof text, "%d ranks of %d thread%s, %s: %s", row->ranks,
                       row->threads, row->threads == 1 ? "" : "s", chirp_variant_name[row->variant],
                       slow);
        cJSON_AddItemToArray(notes, cJSON_CreateString(text));
    }
    if (chirp_scale_interval_doubt(scale, text, sizeof text))
        cJSON_AddItemToArray(notes, cJSON_CreateString(text));
    if (crowded)
        cJSON_AddItemToArray(
            notes, cJSON_CreateString("Some rows have more threads than there are processors: they "
                                      "test the program, not the machine."));
}

static void add_head(cJSON *root, const chirp_scale *scale)
{
    const chirp_scale_options *o = &scale->options;
    chirp_host machine;
    chirp_host_read(&machine);
    (void)cJSON_AddStringToObject(root, "mode", o->strong ? "strong" : "weak");
    (void)cJSON_AddStringToObject(root, "exchange", o->train.exchange.engine);
    (void)cJSON_AddStringToObject(
        root, "compress", o->train.exchange.compress == CHIRP_COMPRESS_BF16 ? "bf16" : "none");
    put(root, "bucket_bytes", (double)o->train.exchange.bucket_bytes);
    put(root, "batch", (double)o->train.batch);
    put(root, "accumulate", (double)o->train.accumulate);
    (void)cJSON_AddStringToObject(root, "shares", o->train.shares);
    (void)cJSON_AddStringToObject(root, "network", o->train.network);
    if (o->n_variants == 1)
        (void)cJSON_AddStringToObject(root, "variational", chirp_variant_name[o->variant[0]]);
    (void)cJSON_AddStringToObject(root, "weight_noise",
                                  o->train.independent_noise ? "independent" : "shared");
    put(root, "repetitions", o->repetitions);
    put(root, "steps", o->steps);
    put(root, "warmup_steps", o->warmup);
    (void)chirp_json_add_text(root, "host", machine.host);
    (void)chirp_json_add_text(root, "cpu", machine.cpu_model);
    put(root, "processors", machine.logical_cpus);
    chirp_scale_provenance(root, scale->places, chirp_parallel_size());
    (void)cJSON_AddStringToObject(
        root, "method",
        "one job; in each repetition every rank count in turn, other ranks asleep; a row is its "
        "repetition of median efficiency (of median time with one rank); interval by order "
        "statistics of the paired ratios; hidden communication is what the same exchange takes "
        "with nothing to hide behind, less what was exposed; compute imbalance is the share of "
        "waiting that the ranks' mean lateness explains; mpi_calls is what this program waits for, "
        "by collective and size, of rank 0 with the least and the most of all ranks, of the last "
        "repetition; apart is a step of every rank for itself, all at the same time and after the "
        "last repetition, which its efficiency compares with");
}

chirp_status chirp_scale_json(const chirp_scale *scale, char **text)
{
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_SCALING);
    add_head(root, scale);
    cJSON *rows = cJSON_AddArrayToObject(root, "rows");
    for (int i = 0; i < scale->n_rows; ++i)
        cJSON_AddItemToArray(rows, row_object(scale, i));
    add_series(root, scale);
    add_costs(root, scale);
    add_notes(root, scale);
    char *printed = chirp_json_print(root);
    cJSON_Delete(root);
    *text = chirp_strdup(printed);
    cJSON_free(printed);
    return *text ? CHIRP_OK
                 : chirp_fail(CHIRP_ERR_NOMEM, "out of memory while writing the scaling result");
}
