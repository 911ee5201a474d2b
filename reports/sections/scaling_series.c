#include "reports/sections/scaling_series.h"

#include <math.h>
#include <string.h>

static chirp_series series_of(const cJSON *row)
{
    return (chirp_series){.threads = chirp_json_number(row, "threads"),
                          .variational = chirp_json_string(row, "variational")};
}

bool chirp_series_has(const chirp_series *series, const cJSON *row)
{
    const chirp_series own = series_of(row);
    const bool threads =
        own.threads == series->threads || (!isfinite(own.threads) && !isfinite(series->threads));
    const bool layers = own.variational && series->variational
                            ? strcmp(own.variational, series->variational) == 0
                            : own.variational == series->variational;
    return threads && layers;
}

/* True for a series' first row. */
static bool begins(const cJSON *rows, const cJSON *row)
{
    const chirp_series own = series_of(row);
    const cJSON *before = NULL;
    cJSON_ArrayForEach(before, rows)
    {
        if (before == row)
            return true;
        if (chirp_series_has(&own, before))
            return false;
    }
    return true;
}

bool chirp_series_find(const chirp_result_file *file, int index, chirp_series *series)
{
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(file->root, "rows");
    const cJSON *row = NULL;
    int n = 0;
    cJSON_ArrayForEach(row, rows)
    {
        if (!begins(rows, row))
            continue;
        if (n++ == index)
            *series = series_of(row);
    }
    series->alone = n == 1;
    return index < n;
}

void chirp_series_name(chirp_markup *m, const chirp_series *series)
{
    if (series->alone)
        return;
    if (isfinite(series->threads))
        chirp_markup_format(m, ", %g thread%s", series->threads, series->threads == 1 ? "" : "s");
    if (series->variational)
        chirp_markup_format(m, ", %s", series->variational);
}
