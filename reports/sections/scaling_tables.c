#include "reports/sections/scaling_tables.h"

#include <math.h>

/* Real training beside what was said before. */
void chirp_scaling_comparison(chirp_report *r, const chirp_result_file *file)
{
    static const char *const headers[] = {"nodes", "projected", "closed form", "real training",
                                          NULL};
    const cJSON *row = NULL;
    chirp_table t;
    chirp_table_begin(&t, "Time of a step: predicted, and trained for real", headers);
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(file->root, "rows"))
    {
        const cJSON *formula = cJSON_GetObjectItemCaseSensitive(row, "closed_form");
        if (!isfinite(chirp_json_number(row, "measured_seconds_per_step")))
            continue;
        chirp_table_member(&t, row, "nodes", CHIRP_UNIT_INTEGER);
        chirp_table_member(&t, row, "seconds_per_step", CHIRP_UNIT_SECONDS);
        chirp_table_member(&t, formula, "seconds_per_step", CHIRP_UNIT_SECONDS);
        chirp_table_member(&t, row, "measured_seconds_per_step", CHIRP_UNIT_SECONDS);
    }
    chirp_report_table(r, &t, 20);
}

/* From the study's mode to ours; the same in every file about one machine, so once. */
void chirp_scaling_ladder(chirp_report *r)
{
    static const char *const headers[] = {
        "on top of the line above",  "efficiency",       "simulated", "waiting for the slowest",
        "communication and control", "price in signals", "assumes",   NULL};
    const chirp_result_file *file = NULL;
    const cJSON *ladder = NULL;
    for (size_t i = 0;
         !ladder && (file = chirp_result_files_find(&r->results, CHIRP_RESULT_PROJECT, i)); ++i)
        ladder = cJSON_GetObjectItemCaseSensitive(file->root, "ladder");
    const cJSON *rung = NULL;
    chirp_markup caption = {0};
    chirp_table t;
    if (!ladder)
        return;
    const char *machine = chirp_json_string(file->root, "machine");
    chirp_markup_format(&caption,
                        "From the study's mode to ours, measure by measure, under the same "
                        "waiting: %s, %g nodes, batch 64, closed form unless simulated",
                        machine ? machine : "", chirp_json_number(file->root, "scenario_nodes"));
    chirp_table_begin(&t, caption.bytes ? caption.bytes : "", headers);
    cJSON_ArrayForEach(rung, ladder)
    {
        const bool left_out = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(rung, "left_out"));
        chirp_markup name = {0};
        const char *measure = chirp_json_string(rung, "measure");
        chirp_markup_format(&name, "%s%s", measure ? measure : "",
                            left_out ? " (left out below)" : "");
        chirp_table_text(&t, name.bytes);
        chirp_table_member(&t, rung, "efficiency_of_all_cores", CHIRP_UNIT_PERCENT);
        chirp_table_member(&t, cJSON_GetObjectItemCaseSensitive(rung, "simulated"), "efficiency",
                           CHIRP_UNIT_PERCENT);
        chirp_table_member(&t, rung, "straggler", CHIRP_UNIT_SECONDS);
        chirp_table_member(&t, rung, "communication_share", CHIRP_UNIT_PERCENT);
        chirp_table_text(&t, chirp_json_string(rung, "price_in_signals"));
        chirp_table_text(&t, chirp_json_string(rung, "assumes"));
        t.failed = t.failed || name.failed;
        chirp_markup_clear(&name);
    }
    t.failed = t.failed || caption.failed;
    chirp_report_table(r, &t, 20);
    chirp_markup_clear(&caption);
}

void chirp_scaling_sensitivity(chirp_report *r)
{
    static const char *const headers[] = {
        "spread as in", "spread",     "fresh noise of a node", "batch",
        "compute",      "efficiency", "of what the nodes can", NULL};
    const chirp_result_file *file = NULL;
    const cJSON *list = NULL;
    const cJSON *item = NULL;
    chirp_table t;
    for (size_t i = 0;
         !list && (file = chirp_result_files_find(&r->results, CHIRP_RESULT_PROJECT, i)); ++i)
        list = cJSON_GetObjectItemCaseSensitive(file->root, "sensitivity");
    if (!list)
        return;
    chirp_table_begin(
        &t, "The last line of that, by closed form, when the nodes or the step differ", headers);
    cJSON_ArrayForEach(item, list)
    {
        chirp_table_text(&t, chirp_json_string(item, "spread_of"));
        chirp_table_member(&t, item, "spread", CHIRP_UNIT_PERCENT);
        chirp_table_member(&t, item, "fresh", CHIRP_UNIT_PERCENT);
        chirp_table_member(&t, item, "batch", CHIRP_UNIT_INTEGER);
        chirp_table_text(&t, chirp_json_string(item, "compute"));
        chirp_table_member(&t, item, "efficiency", CHIRP_UNIT_PERCENT);
        chirp_table_member(&t, item, "efficiency_of_capacity", CHIRP_UNIT_PERCENT);
    }
    chirp_report_table(r, &t, 0);
}

void chirp_scaling_spread(chirp_report *r, const chirp_result_file *file)
{
    static const char *const headers[] = {
        "ranks",           "threads",      "variational", "spread",           "of which stays",
        "autocorrelation", "slowest rank", "last in",     "behind the first", NULL};
    const cJSON *row = NULL;
    chirp_table t;
    chirp_table_begin(&t,
                      "Compute times: spread between ranks, the share of its variance that stays "
                      "with a rank, and the rank that is last most often",
                      headers);
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(file->root, "rows"))
    {
        const cJSON *jitter = cJSON_GetObjectItemCaseSensitive(row, "jitter");
        const cJSON *slowest = cJSON_GetObjectItemCaseSensitive(row, "slowest_rank");
        if (!jitter)
            continue;
        chirp_scaling_row(&t, row);
        chirp_table_member(&t, jitter, "relative", CHIRP_UNIT_PERCENT);
        chirp_table_member(&t, jitter, "permanent_share", CHIRP_UNIT_PERCENT);
        chirp_table_member(&t, jitter, "autocorrelation", CHIRP_UNIT_FIXED2);
        chirp_table_member(&t, slowest, "rank", CHIRP_UNIT_INTEGER);
        chirp_table_member(&t, slowest, "share_of_steps_last", CHIRP_UNIT_PERCENT);
        chirp_table_member(&t, slowest, "mean_lateness", CHIRP_UNIT_SECONDS);
    }
    chirp_report_table(r, &t, 20);
}
