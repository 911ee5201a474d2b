#include "reports/sections/bench_rows.h"

#include "harness/base/memory.h"
#include "harness/results/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The row with exactly (n - 1)/2 faster ones, ties by place; quadratic in repetitions, which are few. */
static const chirp_bench_row *middle(const chirp_bench_rows *rows, const char *name, size_t n)
{
    for (size_t i = 0; i < rows->count; ++i) {
        const chirp_bench_row *row = &rows->item[i];
        size_t faster = 0;
        if (row->aggregate || !isfinite(row->time_s) || strcmp(row->name, name) != 0)
            continue;
        for (size_t k = 0; k < rows->count; ++k) {
            const chirp_bench_row *rival = &rows->item[k];
            if (!rival->aggregate && strcmp(rival->name, name) == 0)
                faster += rival->time_s < row->time_s || (rival->time_s == row->time_s && k < i);
        }
        if (faster == (n - 1) / 2)
            return row;
    }
    return NULL;
}

/* Of the rows of one name: the median aggregate, else the good repetition in the middle, else the first (an error). */
static const chirp_bench_row *representative(const chirp_bench_rows *rows, const char *name)
{
    const chirp_bench_row *first = NULL;
    size_t n = 0;
    for (size_t i = 0; i < rows->count; ++i) {
        const chirp_bench_row *row = &rows->item[i];
        if (strcmp(row->name, name) != 0)
            continue;
        if (row->aggregate && strcmp(row->aggregate, "median") == 0)
            return row;
        first = first ? first : row;
        n += !row->aggregate && isfinite(row->time_s);
    }
    return n > 0 ? middle(rows, name, n) : first;
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

static chirp_status read_rows(const chirp_result_file *file, chirp_bench_lines *lines)
{
    chirp_bench_rows rows = {0};
    const size_t from = lines->count;
    chirp_status st = chirp_bench_rows_read(&file->document, file->name, &rows);
    for (size_t i = 0; i < rows.count && st == CHIRP_OK; ++i) {
        if (known(lines, from, rows.item[i].name))
            continue;
        const chirp_bench_row *row = representative(&rows, rows.item[i].name);
        chirp_bench_line *line = &lines->line[lines->count++];
        *line = (chirp_bench_line){.row = row->members,
                                   .name = row->name,
                                   .unit_s = row->unit_s,
                                   .time_s = row->time_s,
                                   .error = row->error ? row->error : row->skip,
                                   .baseline = row->baseline,
                                   .file = file};
        if (!split_name(line))
            st = chirp_fail(CHIRP_ERR_NOMEM, "no memory for the benchmarks of %s", file->name);
    }
    chirp_bench_rows_release(&rows);
    return st;
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
        st = read_rows(file, lines);
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

chirp_bench_span chirp_bench_time(const chirp_bench_line *line)
{
    return (chirp_bench_span){line->time_s,
                              chirp_json_number(line->row, "real_time_ci_low") * line->unit_s,
                              chirp_json_number(line->row, "real_time_ci_high") * line->unit_s};
}

chirp_bench_span chirp_bench_ratio(const chirp_bench_line *a, const chirp_bench_line *b)
{
    const chirp_bench_span x = chirp_bench_time(a);
    const chirp_bench_span y = chirp_bench_time(b);
    return (chirp_bench_span){x.value / y.value, x.low / y.high, x.high / y.low};
}

bool chirp_bench_same_case(const chirp_bench_line *a, const chirp_bench_line *b)
{
    return strcmp(a->part[0], b->part[0]) == 0 && strcmp(a->part[1], b->part[1]) == 0 &&
           strcmp(a->part[3], b->part[3]) == 0 && strcmp(a->arguments, b->arguments) == 0;
}

void chirp_bench_name_cells(chirp_table *t, const chirp_bench_line *line)
{
    static const int order[] = {0, 1, 3, 2};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; ++i)
        chirp_table_text(t, line->part[order[i]]);
    chirp_table_text(t, line->arguments);
}

bool chirp_bench_timed(const chirp_bench_line *line, const char *family)
{
    return strcmp(line->part[0], family) == 0 && line->time_s > 0;
}

const char *chirp_bench_common_arguments(const chirp_bench_lines *lines, const char *family)
{
    const char *common = NULL;
    for (size_t i = 0; i < lines->count; ++i) {
        if (!chirp_bench_timed(&lines->line[i], family))
            continue;
        if (common && strcmp(common, lines->line[i].arguments) != 0)
            return "";
        common = lines->line[i].arguments;
    }
    return common ? common : "";
}

const chirp_bench_line *chirp_bench_baseline_of(const chirp_bench_lines *lines,
                                                const chirp_bench_line *line)
{
    const chirp_bench_line *best = NULL;
    if (line->baseline || line->error)
        return NULL;
    for (size_t i = 0; i < lines->count; ++i) {
        const chirp_bench_line *other = &lines->line[i];
        if (other->baseline && !other->error && other->time_s > 0 &&
            chirp_bench_same_case(other, line) && (!best || other->time_s < best->time_s))
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
