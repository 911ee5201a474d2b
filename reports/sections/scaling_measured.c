/* Tables of a measurement under mpiexec: what is lost, what Bayesian layers cost, predictions, messages. */
#include "reports/sections/scaling_tables.h"

#include <math.h>

static const cJSON *list(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void interval(chirp_table *t, const cJSON *object, chirp_unit unit)
{
    for (int end = 0; end < 2; ++end) {
        const cJSON *item = cJSON_GetArrayItem(list(object, "interval_95"), end);
        chirp_table_number(t, cJSON_IsNumber(item) ? item->valuedouble : (double)NAN, unit);
    }
}

void chirp_scaling_row(chirp_table *t, const cJSON *row)
{
    chirp_table_member(t, row, "ranks", CHIRP_UNIT_INTEGER);
    chirp_table_member(t, row, "threads", CHIRP_UNIT_INTEGER);
    chirp_table_text(t, chirp_json_string(row, "variational"));
}

void chirp_scaling_parts(chirp_report *r, const chirp_result_file *file)
{
    static const char *const key[] = {"compute",   "waiting", "exposed_communication", "control",
                                      "optimizer", "input",   "hidden_communication"};
    static const char *const headers[] = {
        "ranks",     "threads", "variational", "compute", "waiting",    "exposed", "control",
        "optimiser", "input",   "hidden",      "bytes",   "reductions", NULL};
    const cJSON *row = NULL;
    chirp_table t;
    chirp_table_begin(&t,
                      "Parts of a step: communication that is exposed, and what else it would take "
                      "(hidden, beside the step); bytes and reductions of a rank",
                      headers);
    cJSON_ArrayForEach(row, list(file->root, "rows"))
    {
        chirp_scaling_row(&t, row);
        for (size_t i = 0; i < sizeof key / sizeof key[0]; ++i)
            chirp_table_member(&t, row, key[i], CHIRP_UNIT_SECONDS);
        chirp_table_member(&t, row, "bytes_per_step", CHIRP_UNIT_BYTES);
        chirp_table_member(&t, row, "reductions_per_step", CHIRP_UNIT_PLAIN);
    }
    chirp_report_table(r, &t, 20);
}

void chirp_scaling_losses(chirp_report *r, const chirp_result_file *file)
{
    static const char *const key[] = {"compute",
                                      "compute_imbalance",
                                      "waiting_for_slowest",
                                      "exposed_payload",
                                      "control",
                                      "input",
                                      "optimizer",
                                      "other",
                                      "sum"};
    static const char *const headers[] = {
        "ranks",   "threads", "variational", "compute", "imbalance", "slowest", "exposed",
        "control", "input",   "optimiser",   "other",   "together",  NULL};
    const cJSON *row = NULL;
    chirp_table t;
    chirp_table_begin(&t,
                      "Points of efficiency lost (100 is everything): computing longer, waiting "
                      "for ranks that are "
                      "late on average and for whoever is last in a step, payload, and the rest",
                      headers);
    cJSON_ArrayForEach(row, list(file->root, "rows"))
    {
        const cJSON *budget = list(row, "loss_budget_points");
        if (!budget)
            continue;
        chirp_scaling_row(&t, row);
        for (size_t i = 0; i < sizeof key / sizeof key[0]; ++i)
            chirp_table_member(&t, budget, key[i], CHIRP_UNIT_FIXED2);
    }
    chirp_report_table(r, &t, 20);
}

void chirp_scaling_costs(chirp_report *r, const chirp_result_file *file)
{
    static const char *const headers[] = {"ranks", "threads", "variational", "ratio",
                                          "from",  "to",      NULL};
    const cJSON *cost = NULL;
    chirp_table t;
    chirp_table_begin(&t,
                      "Time of a step over the deterministic network's on as many ranks and "
                      "threads, with 95 % interval",
                      headers);
    cJSON_ArrayForEach(cost, list(file->root, "cost_against_deterministic"))
    {
        chirp_scaling_row(&t, cost);
        chirp_table_member(&t, cost, "ratio", CHIRP_UNIT_FIXED3);
        interval(&t, cost, CHIRP_UNIT_FIXED3);
    }
    chirp_report_table(r, &t, 20);
}

void chirp_scaling_held_out(chirp_report *r, const chirp_result_file *file)
{
    static const char *const headers[] = {"ranks",    "threads", "variational", "predicted",
                                          "measured", "error",   NULL};
    const cJSON *series = NULL;
    chirp_table t;
    chirp_table_begin(
        &t, "Time of a step on ranks that the prediction had not seen: fitted on fewer", headers);
    cJSON_ArrayForEach(series, list(file->root, "series"))
    {
        const cJSON *item = NULL;
        cJSON_ArrayForEach(item, list(series, "held_out"))
        {
            chirp_table_member(&t, item, "ranks", CHIRP_UNIT_INTEGER);
            chirp_table_member(&t, series, "threads", CHIRP_UNIT_INTEGER);
            chirp_table_text(&t, chirp_json_string(series, "variational"));
            chirp_table_member(&t, item, "predicted_seconds_per_step", CHIRP_UNIT_SECONDS);
            chirp_table_member(&t, item, "measured_seconds_per_step", CHIRP_UNIT_SECONDS);
            chirp_table_member(&t, item, "error", CHIRP_UNIT_PERCENT);
        }
    }
    chirp_report_table(r, &t, 20);
}

void chirp_scaling_calls(chirp_report *r, const chirp_result_file *file)
{
    static const char *const headers[] = {
        "call",  "ranks",        "threads",          "variational", "bytes", "calls per step",
        "calls", "time, rank 0", "\xC2\xB5s a call", "time a step", "share", NULL};
    const cJSON *row = NULL;
    chirp_table t;
    chirp_table_begin(&t, "Messages between ranks, by size", headers);
    cJSON_ArrayForEach(row, list(file->root, "rows"))
    {
        const cJSON *call = NULL;
        cJSON_ArrayForEach(call, list(row, "mpi_calls"))
        {
            chirp_table_text(&t, chirp_json_string(call, "call"));
            chirp_scaling_row(&t, row);
            chirp_table_member(&t, call, "bytes", CHIRP_UNIT_BYTES);
            chirp_table_member(&t, call, "calls_per_step", CHIRP_UNIT_PLAIN);
            chirp_table_member(&t, call, "calls", CHIRP_UNIT_INTEGER);
            chirp_table_member(&t, call, "seconds", CHIRP_UNIT_SECONDS);
            chirp_table_member(&t, call, "us_per_call", CHIRP_UNIT_FIXED1);
            chirp_table_member(&t, call, "seconds_per_step_rank0", CHIRP_UNIT_SECONDS);
            chirp_table_member(&t, call, "share_of_step", CHIRP_UNIT_PERCENT);
        }
    }
    chirp_report_table(r, &t, 0);
}
