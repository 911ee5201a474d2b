#include "reports/sections/scaling_tables.h"

#include <math.h>

/* Projected and measured times side by side. */
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
