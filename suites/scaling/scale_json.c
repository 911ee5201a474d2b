/* What was measured, as JSON: each row reports its median repetition, so that its terms and its loss add up exactly. */
#include "suites/scaling/measure.h"

#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "harness/machine/machine.h"
#include "harness/stats/stats.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

static const char *const exchange_name[] = {"overlap", "study", "delayed", "halving"};

static void put(cJSON *object, const char *key, double value)
{
    if (isfinite(value))
        (void)cJSON_AddNumberToObject(object, key, value);
}

/* Points of efficiency lost to each part: its seconds beyond what the one-rank step (or its share) needs, over the step.
   The sum is 100 (1 - efficiency). */
static void add_budget(cJSON *item, const chirp_scale_terms *t, const chirp_scale_terms *one,
                       double ideal)
{
    cJSON *budget = cJSON_AddObjectToObject(item, "loss_budget_points");
    const double scale = 100 / t->total;
    put(budget, "compute", scale * (t->compute - one->compute / ideal));
    put(budget, "waiting_for_slowest", scale * (t->waiting - one->waiting / ideal));
    put(budget, "exposed_payload", scale * (t->exposed - one->exposed / ideal));
    put(budget, "control", scale * (t->control - one->control / ideal));
    put(budget, "input", scale * (t->input - one->input / ideal));
    put(budget, "optimizer", scale * (t->optimizer - one->optimizer / ideal));
    put(budget, "other", scale * (t->other - one->other / ideal));
    put(budget, "sum", scale * (t->total - one->total / ideal));
}

/* The columns of the study's public mpi_profile (routine, #calls, avg. bytes, time(sec), communication and elapsed time),
   of the timed steps of the last repetition, and what they come to for a step. */
static void add_calls(cJSON *item, const chirp_scale_row *row, int steps, double step_s)
{
    double communication = 0;
    for (int i = 0; i < row->n_calls; ++i)
        communication += row->call[i].seconds;
    put(item, "mpi_communication_seconds", communication);
    put(item, "mpi_elapsed_seconds", row->calls_wall_s);
    cJSON *list = cJSON_AddArrayToObject(item, "mpi_calls");
    for (int i = 0; i < row->n_calls; ++i) {
        const chirp_call_row *c = &row->call[i];
        cJSON *call = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(call, "call", c->call);
        put(call, "bytes", (double)c->bytes);
        put(call, "calls", (double)c->calls);
        put(call, "seconds", c->seconds);
        put(call, "calls_per_step", (double)c->calls / steps);
        put(call, "us_per_call", c->calls > 0 ? 1e6 * c->seconds / (double)c->calls : 0);
        put(call, "seconds_per_step_rank0", c->seconds / steps);
        put(call, "seconds_per_step_min", row->call_min[i]);
        put(call, "seconds_per_step_max", row->call_max[i]);
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

static void add_interval(cJSON *item, const chirp_scale *scale, int index, double *one,
                         double *many)
{
    const int n = scale->options.repetitions;
    const double ideal = scale->options.strong ? scale->row[index].ranks : 1;
    chirp_interval interval;
    for (int r = 0; r < n; ++r) {
        one[r] = scale->row[0].repetition[r].total / ideal;
        many[r] = scale->row[index].repetition[r].total;
    }
    if (chirp_paired_ratio_interval(many, one, (size_t)n, 0.95, &interval) != CHIRP_OK)
        return;
    const double pair[2] = {interval.low, interval.high};
    if (isfinite(pair[0]) && isfinite(pair[1])) {
        cJSON_AddItemToObject(item, "interval_95", cJSON_CreateDoubleArray(pair, 2));
        put(item, "interval_confidence", interval.confidence);
    }
}

static cJSON *row_object(const chirp_scale *scale, int index, double *scratch)
{
    const chirp_scale_options *o = &scale->options;
    const chirp_scale_row *row = &scale->row[index];
    const int median = chirp_scale_median(scale, index);
    const chirp_scale_terms *t = &row->repetition[median];
    const chirp_scale_terms *one = &scale->row[0].repetition[median];
    const double ideal = o->strong ? row->ranks : 1;
    cJSON *item = cJSON_CreateObject();
    put(item, "ranks", row->ranks);
    put(item, "threads", row->threads);
    put(item, "batch_per_rank", (double)row->batch);
    (void)cJSON_AddBoolToObject(item, "oversubscribed", row->oversubscribed);
    put(item, "seconds_per_step", t->total);
    put(item, "efficiency", one->total / (ideal * t->total));
    add_interval(item, scale, index, scratch, scratch + o->repetitions);
    put(item, "signals_per_second", (double)row->batch * row->ranks / t->total);
    put(item, "compute", t->compute);
    put(item, "exposed_communication", t->exposed);
    put(item, "hidden_communication", row->ranks > 1 ? fmax(0, row->alone_s - t->exposed) : 0);
    put(item, "communication_alone", row->alone_s);
    put(item, "control", t->control);
    put(item, "waiting", t->waiting);
    put(item, "input", t->input);
    put(item, "optimizer", t->optimizer);
    put(item, "other", t->other);
    put(item, "bytes_per_step", t->bytes);
    put(item, "reductions_per_step", t->calls);
    add_budget(item, t, one, ideal);
    put(item, "compute_min_rank", row->compute_min);
    put(item, "compute_max_rank", row->compute_max);
    cJSON *jitter = cJSON_AddObjectToObject(item, "jitter");
    put(jitter, "relative", row->jitter_relative);
    put(jitter, "permanent_share", row->jitter_permanent);
    put(jitter, "autocorrelation", row->jitter_autocorrelation);
    if (row->slowest >= 0) {
        cJSON *slowest = cJSON_AddObjectToObject(item, "slowest_rank");
        put(slowest, "rank", row->slowest);
        put(slowest, "share_of_steps_last", row->slowest_share);
        put(slowest, "mean_lateness", row->slowest_late_s);
    }
    add_counters(item, row);
    add_calls(item, row, o->steps, t->total);
    cJSON *list = cJSON_AddArrayToObject(item, "repetition_seconds_per_step");
    for (int r = 0; r < o->repetitions; ++r)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(row->repetition[r].total));
    return item;
}

chirp_status chirp_scale_json(const chirp_scale *scale, char **text)
{
    const chirp_scale_options *o = &scale->options;
    double *scratch = chirp_calloc(2 * (size_t)o->repetitions, sizeof *scratch);
    cJSON *root = cJSON_CreateObject();
    if (!scratch || !root) {
        chirp_free(scratch);
        cJSON_Delete(root);
        return chirp_fail(CHIRP_ERR_NOMEM, "out of memory while writing the scaling result");
    }
    chirp_host machine;
    chirp_host_read(&machine);
    (void)cJSON_AddStringToObject(root, "mode", o->strong ? "strong" : "weak");
    (void)cJSON_AddStringToObject(root, "exchange", exchange_name[o->train.exchange.mode]);
    (void)cJSON_AddStringToObject(
        root, "compress", o->train.exchange.compress == CHIRP_COMPRESS_BF16 ? "bf16" : "none");
    put(root, "bucket_bytes", (double)o->train.exchange.bucket_bytes);
    put(root, "batch", (double)o->train.batch);
    (void)cJSON_AddStringToObject(root, "network", o->train.network);
    (void)cJSON_AddStringToObject(root, "variational", chirp_variant_name[o->train.variant]);
    (void)cJSON_AddStringToObject(root, "weight_noise",
                                  o->train.independent_noise ? "independent" : "shared");
    put(root, "repetitions", o->repetitions);
    put(root, "steps", o->steps);
    put(root, "warmup_steps", o->warmup);
    if (o->slow_rank >= 0) {
        put(root, "injected_slow_rank", o->slow_rank);
        put(root, "injected_slow_seconds", o->slow_s);
    }
    (void)chirp_json_add_text(root, "host", machine.host);
    (void)chirp_json_add_text(root, "cpu", machine.cpu_model);
    put(root, "processors", machine.logical_cpus);
    (void)cJSON_AddStringToObject(
        root, "method",
        "one job; in each repetition every rank count in turn, other ranks asleep; a row is its "
        "repetition of median efficiency; interval by order statistics of the paired ratios");
    cJSON *rows = cJSON_AddArrayToObject(root, "rows");
    for (int i = 0; i < scale->n_rows; ++i)
        cJSON_AddItemToArray(rows, row_object(scale, i, scratch));
    double predicted = 0;
    if (chirp_scale_predict(scale, scale->n_rows - 1, &predicted)) {
        const chirp_scale_row *last = &scale->row[scale->n_rows - 1];
        const double measured =
            last->repetition[chirp_scale_median(scale, scale->n_rows - 1)].total;
        cJSON *held_out = cJSON_AddObjectToObject(root, "held_out");
        put(held_out, "ranks", last->ranks);
        put(held_out, "predicted_seconds_per_step", predicted);
        put(held_out, "measured_seconds_per_step", measured);
        put(held_out, "error", predicted / measured - 1);
    }
    chirp_free(scratch);
    char *printed = cJSON_Print(root);
    cJSON_Delete(root);
    *text = chirp_strdup(printed);
    cJSON_free(printed);
    return *text ? CHIRP_OK
                 : chirp_fail(CHIRP_ERR_NOMEM, "out of memory while writing the scaling result");
}
