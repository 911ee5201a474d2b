#include "harness/results/bench.h"

#include "harness/base/memory.h"
#include "harness/json/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

double chirp_time_scale(const char *unit)
{
    static const struct {
        const char *name;
        double per_second;
    } units[] = {{"ns", 1e9}, {"us", 1e6}, {"ms", 1e3}, {"s", 1}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; ++i)
        if (strcmp(units[i].name, unit ? unit : "ns") == 0)
            return units[i].per_second;
    return 0;
}

double chirp_bench_row_number(const chirp_bench_row *row, const char *counter)
{
    return chirp_json_number(row->members, counter);
}

/* The message of a row that has no time because of `what`, or NULL. */
static const char *message(const cJSON *o, const char *what, const char *text, const char *other)
{
    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, what)))
        return NULL;
    text = chirp_json_string(o, text);
    return text ? text : other;
}

static bool has_no_time(const cJSON *o)
{
    const char *aggregate = chirp_json_string(o, "aggregate_name");
    return aggregate && (strcmp(aggregate, "BigO") == 0 || strcmp(aggregate, "RMS") == 0);
}

static chirp_status read_row(const char *path, int number, const cJSON *o, chirp_bench_row *row)
{
    const char *unit = chirp_json_string(o, "time_unit");
    const char *name = chirp_json_string(o, "run_name");
    const double scale = chirp_time_scale(unit);
    const double repetition = chirp_json_number(o, "repetition_index");
    const double iterations = chirp_json_number(o, "iterations");
    const double threads = chirp_json_number(o, "threads");
    *row = (chirp_bench_row){
        .name = name ? name : chirp_json_string(o, "name"),
        .aggregate = chirp_json_string(o, "aggregate_name"),
        .error = message(o, "error_occurred", "error_message", "failed without a message"),
        .skip = message(o, "skipped", "skip_message", "skipped without a message"),
        .baseline = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "baseline")),
        .unit_s = scale > 0 ? 1 / scale : 0,
        .repetition = repetition >= 0 && repetition < 1e15 ? (int64_t)repetition : -1,
        .threads = threads >= 1 && threads < 1e9 ? (int64_t)threads : 0,
        .iterations = iterations >= 1 && iterations < 1e15 ? (int64_t)iterations : 0,
        .members = o};
    const bool failed = row->error || row->skip;
    row->time_s = failed ? (double)NAN : row->unit_s * chirp_json_number(o, "real_time");
    row->cpu_s = row->unit_s * chirp_json_number(o, "cpu_time");
    row->fastest_s = row->unit_s * chirp_json_number(o, "real_time_fastest");
    if (!cJSON_IsObject(o) || !row->name)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: row %d of \"benchmarks\" has no \"name\": not a benchmark's result",
                          path, number);
    if (!failed && row->unit_s == 0)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: row %d (%s): time_unit '%s' is none of ns, us, ms, s", path, number,
                          row->name, unit);
    if (!failed && !cJSON_GetObjectItemCaseSensitive(o, "real_time"))
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: row %d (%s) has no \"real_time\"", path, number,
                          row->name);
    return CHIRP_OK;
}

chirp_status chirp_bench_rows_read(const chirp_document *document, const char *path,
                                   chirp_bench_rows *rows)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(document->root, "benchmarks");
    const cJSON *o = NULL;
    chirp_status st = CHIRP_OK;
    int number = 0;
    *rows = (chirp_bench_rows){0};
    if (cJSON_GetArraySize(list) == 0)
        return CHIRP_OK;
    rows->item = chirp_calloc((size_t)cJSON_GetArraySize(list), sizeof *rows->item);
    if (!rows->item)
        return CHIRP_ERR_NOMEM;
    cJSON_ArrayForEach(o, list)
    {
        if (st == CHIRP_OK && !has_no_time(o))
            st = read_row(path, number, o, &rows->item[rows->count++]);
        ++number;
    }
    if (st != CHIRP_OK)
        chirp_bench_rows_release(rows);
    return st;
}

void chirp_bench_rows_release(chirp_bench_rows *rows)
{
    chirp_free(rows->item);
    *rows = (chirp_bench_rows){0};
}
