/* Rows as lines of the MLPerf logging format: tracked_stats, as public logs give throughput. */
#include "suites/scaling/measured/measure.h"

#include <cjson/cJSON.h>

static cJSON *stats_of(const chirp_scale *scale, int index)
{
    const chirp_scale_row *row = &scale->row[index];
    const double seconds = row->repetition[chirp_scale_median(scale, index)].total;
    chirp_interval efficiency;
    cJSON *value = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(value, "seconds_per_step", seconds);
    (void)cJSON_AddNumberToObject(
        value, "throughput",
        (double)(row->batch * scale->options.train.accumulate * row->ranks) / seconds);
    if (chirp_scale_efficiency(scale, index, &efficiency) == CHIRP_OK)
        (void)cJSON_AddNumberToObject(value, "efficiency", efficiency.value);
    return value;
}

static void add_row(const chirp_scale *scale, int index, chirp_mllog *log)
{
    const chirp_scale_row *row = &scale->row[index];
    cJSON *metadata = chirp_mllog_metadata("number_of_ranks", row->ranks);
    (void)cJSON_AddNumberToObject(metadata, "threads", row->threads);
    (void)cJSON_AddStringToObject(metadata, "variational", chirp_variant_name[row->variant]);
    (void)cJSON_AddNumberToObject(
        metadata, "global_batch_size",
        (double)(row->batch * scale->options.train.accumulate * row->ranks));
    chirp_mllog_value(log, "tracked_stats", stats_of(scale, index), metadata);
}

void chirp_scale_lines(const chirp_scale *scale, chirp_mllog *log)
{
    if (!log)
        return;
    if (scale) {
        chirp_mllog_text(log, "scaling", scale->options.strong ? "strong" : "weak");
        chirp_mllog_number(log, "seed", (double)scale->options.train.seed, NULL);
        for (int i = 0; i < scale->n_rows; ++i)
            add_row(scale, i, log);
    }
    cJSON *metadata = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(metadata, "status", scale ? "success" : "aborted");
    chirp_mllog_stop(log, "run_stop", metadata);
}
