#include "reports/sections/bench_rows.h"

#include "harness/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double seconds_per_unit(const cJSON *row)
{
    const char *unit = chirp_json_string(row, "time_unit");
    if (unit && strcmp(unit, "s") == 0)
        return 1;
    if (unit && strcmp(unit, "ms") == 0)
        return 1e-3;
    return unit && strcmp(unit, "us") == 0 ? 1e-6 : 1e-9; /* Google Benchmark's default is ns */
}

static bool is_aggregate(const cJSON *row)
{
    const char *type = chirp_json_string(row, "run_type");
    return type && strcmp(type, "aggregate") == 0;
}

static const char *run_name(const cJSON *row)
{
    const char *name = chirp_json_string(row, "run_name");
    return name ? name : chirp_json_string(row, "name");
}

static bool failed_row(const cJSON *row)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "error_occurred")) ||
           cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "skipped"));
}

/* Of the rows of one name: the median aggregate, else the good repetition in the middle, else the first (an error). */
static const cJSON *representative(const cJSON *rows, const char *name)
{
    const cJSON *row = NULL;
    const cJSON *first = NULL;
    const cJSON *middle = NULL;
    size_t n = 0;
    cJSON_ArrayForEach(row, rows)
    {
        const char *other = run_name(row);
        if (!other || strcmp(other, name) != 0)
            continue;
        const char *aggregate = chirp_json_string(row, "aggregate_name");
        if (is_aggregate(row) && aggregate && strcmp(aggregate, "median") == 0)
            return row;
        if (!first)
            first = row;
        n +=
            !is_aggregate(row) && !failed_row(row) && isfinite(chirp_json_number(row, "real_time"));
    }
    cJSON_ArrayForEach(
        row,
        rows) /* the row with exactly (n-1)/2 faster ones: quadratic in repetitions, which are few */
    {
        const char *other = run_name(row);
        const double time = chirp_json_number(row, "real_time");
        size_t faster = 0;
        if (!other || strcmp(other, name) != 0 || is_aggregate(row) || failed_row(row) ||
            !isfinite(time))
            continue;
        const cJSON *rival = NULL;
        bool after = false;
        cJSON_ArrayForEach(rival, rows)
        {
            const char *third = run_name(rival);
            if (rival == row)
                after = true;
            else if (third && strcmp(third, name) == 0 && !is_aggregate(rival) &&
                     !failed_row(rival)) {
                const double t = chirp_json_number(rival, "real_time");
                faster += t < time || (t == time && !after); /* ties by place */
            }
        }
        if (n > 0 && faster == (n - 1) / 2)
            middle = row;
    }
    return middle ? middle : first;
}

static bool split_name(chirp_bench_line *line)
{
    const char *p = line->name;
    int part = 0;
    while (part < CHIRP_NAME_PARTS) {
        const size_t n = strcspn(p, "/");
        if (memchr(p, ':', n)) /* key:value: the arguments start early */
            break;
        if (!(line->part[part] = chirp_alloc(n + 1)))
            return false;
        memcpy(line->part[part], p, n);
        line->part[part++][n] = '\0';
        p += n + (p[n] == '/');
        if (!*p)
            break;
    }
    for (; part < CHIRP_NAME_PARTS; ++part)
        if (!(line->part[part] = chirp_strdup("")))
            return false;
    return (line->arguments = chirp_strdup(p)) != NULL;
}

static bool known(const chirp_bench_lines *lines, size_t from, const char *name)
{
    for (size_t i = from; i < lines->count; ++i)
        if (strcmp(lines->line[i].name, name) == 0)
            return true;
    return false;
}

static chirp_status read_rows(const chirp_result_file *file, chirp_bench_lines *lines, size_t room)
{
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(file->root, "benchmarks");
    const cJSON *row = NULL;
    const size_t from = lines->count;
    cJSON_ArrayForEach(row, rows)
    {
        const char *name = run_name(row);
        const char *aggregate = chirp_json_string(row, "aggregate_name");
        if (!name || lines->count == room || known(lines, from, name) ||
            (aggregate && (strcmp(aggregate, "BigO") == 0 || strcmp(aggregate, "RMS") == 0)))
            continue;
        chirp_bench_line *line = &lines->line[lines->count];
        line->row = representative(rows, name);
        line->name = name;
        line->file = file;
        line->unit_s = seconds_per_unit(line->row);
        line->time_s = chirp_json_number(line->row, "real_time") * line->unit_s;
        if (failed_row(line->row)) {
            line->error = chirp_json_string(line->row, "error_message");
            if (!line->error)
                line->error = chirp_json_string(line->row, "skip_message");
            if (!line->error)
                line->error = "failed";
            line->time_s = (double)NAN;
        }
        ++lines->count;
        if (!split_name(line))
            return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the benchmarks of %s", file->name);
    }
    return CHIRP_OK;
}

chirp_status chirp_bench_lines_read(const chirp_result_files *results, chirp_bench_lines *lines)
{
    size_t room = 0;
    const chirp_result_file *file = NULL;
    chirp_status st = CHIRP_OK;
    *lines = (chirp_bench_lines){0};
    for (size_t i = 0; (file = chirp_result_files_find(results, CHIRP_DOCUMENT_BENCH, i)); ++i)
        room +=
            (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(file->root, "benchmarks"));
    if (room == 0)
        return CHIRP_OK;
    if (!(lines->line = chirp_calloc(room, sizeof *lines->line)))
        return CHIRP_ERR_NOMEM;
    for (size_t i = 0;
         st == CHIRP_OK && (file = chirp_result_files_find(results, CHIRP_DOCUMENT_BENCH, i)); ++i)
        st = read_rows(file, lines, room);
    if (st != CHIRP_OK)
        chirp_bench_lines_release(lines);
    return st;
}

void chirp_bench_lines_release(chirp_bench_lines *lines)
{
    for (size_t i = 0; i < lines->count; ++i) {
        for (int part = 0; part < CHIRP_NAME_PARTS; ++part)
            chirp_free(lines->line[i].part[part]);
        chirp_free(lines->line[i].arguments);
    }
    chirp_free(lines->line);
    *lines = (chirp_bench_lines){0};
}

bool chirp_bench_is_peer(const chirp_bench_line *line)
{
    static const char *const libraries[] = {"onednn", "dnnl",    "fftw", "openblas",
                                            "mkl",    "pytorch", "eigen"};
    if (strncmp(line->part[0], "peer", 4) == 0)
        return true;
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; ++i)
        if (strncmp(line->part[2], libraries[i], strlen(libraries[i])) == 0)
            return true;
    return false;
}

const chirp_bench_line *chirp_bench_peer_of(const chirp_bench_lines *lines,
                                            const chirp_bench_line *line)
{
    const chirp_bench_line *best = NULL;
    if (chirp_bench_is_peer(line) || line->error)
        return NULL;
    for (size_t i = 0; i < lines->count; ++i) {
        const chirp_bench_line *other = &lines->line[i];
        if (other->error || !(other->time_s > 0) || !chirp_bench_is_peer(other))
            continue;
        const bool same_family =
            strcmp(other->part[0], line->part[0]) == 0 || strncmp(other->part[0], "peer", 4) == 0;
        if (same_family && strcmp(other->part[1], line->part[1]) == 0 &&
            strcmp(other->part[3], line->part[3]) == 0 &&
            strcmp(other->arguments, line->arguments) == 0 &&
            (!best || other->time_s < best->time_s))
            best = other;
    }
    return best;
}

double chirp_bench_fma_peak(const chirp_result_file *file, int *threads)
{
    const cJSON *context = cJSON_GetObjectItemCaseSensitive(file->root, "context");
    const cJSON *peaks = cJSON_GetObjectItemCaseSensitive(context, "fma_peak_GFLOPS");
    const cJSON *peak = NULL;
    double best = (double)NAN;
    cJSON_ArrayForEach(peak, peaks)
    {
        if (cJSON_IsNumber(peak) && peak->valuedouble > 0 && !(peak->valuedouble <= best)) {
            best = peak->valuedouble;
            *threads = peak->string ? (int)strtol(peak->string, NULL, 10) : 0;
        }
    }
    return best;
}
