/* The table behind the rows: algorithms of one case side by side, baselines over ours. */
#include "harness/bench/bench_internal.h"

#include <string.h>

enum { MOST_ALGORITHMS = 8, NAME = 160 };

bool chirp_same_case(const char *a, const char *b)
{
    for (int part = 0;; ++part) {
        const size_t x = strcspn(a, "/");
        const size_t y = strcspn(b, "/");
        if (part != 2 && (x != y || strncmp(a, b, x) != 0))
            return false;
        if (a[x] == '\0' || b[y] == '\0')
            return a[x] == b[y] && part > 2;
        a += x + 1;
        b += y + 1;
    }
}

/* The row that stands for a benchmark: its median, or the only one it has. NULL: it failed or did not run. */
static chirp_row *row_of(const chirp_job *job, const chirp_rows *rows)
{
    chirp_row *only = NULL;
    for (size_t i = 0; i < rows->count; ++i) {
        chirp_row *row = &rows->item[i];
        if (row->error || row->percentage || !row->run_name ||
            strcmp(row->run_name, job->instance->name) != 0)
            continue;
        if (row->aggregate_name && strcmp(row->aggregate_name, "median") == 0)
            return row;
        if (!row->aggregate_name)
            only = row;
    }
    return only && only->real_s > 0 ? only : NULL;
}

/* The fastest of the jobs that run the case of `job` and are baselines, or are ours; NULL when there is none. */
static const chirp_row *fastest(const chirp_job *jobs, size_t n, const chirp_rows *rows,
                                const chirp_job *job, bool baseline)
{
    const chirp_row *best = NULL;
    for (size_t k = 0; k < n; ++k) {
        if (jobs[k].instance->entry->baseline != baseline ||
            !chirp_same_case(jobs[k].instance->name, job->instance->name))
            continue;
        const chirp_row *row = row_of(&jobs[k], rows);
        if (row && (!best || row->real_s < best->real_s))
            best = row;
    }
    return best;
}

chirp_status chirp_summary_add(const chirp_job *jobs, size_t n, chirp_rows *rows)
{
    for (size_t i = 0; i < n; ++i) {
        if (jobs[i].instance->entry->baseline)
            continue;
        chirp_row *row = row_of(&jobs[i], rows);
        const chirp_row *baseline = row ? fastest(jobs, n, rows, &jobs[i], true) : NULL;
        const chirp_status st = baseline ? chirp_counters_set(&row->counters, "baseline_speedup",
                                                              baseline->real_s / row->real_s, false)
                                         : CHIRP_OK;
        if (st != CHIRP_OK)
            return st;
    }
    return CHIRP_OK;
}

/* The third part of a name. */
static void algorithm_of(const char *name, char *text)
{
    for (int part = 0; part < 2; ++part) {
        name += strcspn(name, "/");
        name += *name == '/';
    }
    (void)snprintf(text, NAME, "%.*s", (int)strcspn(name, "/"), name);
}

/* The name without it. */
static void case_of(const char *name, char *text)
{
    const char *second = name + strcspn(name, "/");
    second += *second == '/';
    second += strcspn(second, "/");
    const char *rest = *second == '/' ? second + 1 : second;
    rest += strcspn(rest, "/");
    (void)snprintf(text, NAME, "%.*s%s", (int)(second - name), name, rest);
}

/* Jobs of the case of jobs[i]; 0 when an earlier job stands for that case already. */
static size_t algorithms_of_case(const chirp_job *jobs, size_t n, size_t i)
{
    size_t count = 1;
    for (size_t k = 0; k < n; ++k) {
        if (k == i || !chirp_same_case(jobs[k].instance->name, jobs[i].instance->name))
            continue;
        if (k < i)
            return 0;
        ++count;
    }
    return count;
}

/* Algorithms of all cases that have several, in order of their first appearance. */
static size_t list_algorithms(const chirp_job *jobs, size_t n, char (*name)[NAME])
{
    size_t count = 0;
    for (size_t i = 0; i < n; ++i) {
        const bool several = algorithms_of_case(jobs, n, i) > 1;
        for (size_t k = 0; several && k < n; ++k) {
            char text[NAME];
            size_t at = 0;
            if (!chirp_same_case(jobs[i].instance->name, jobs[k].instance->name))
                continue;
            algorithm_of(jobs[k].instance->name, text);
            while (at < count && strcmp(name[at], text) != 0)
                ++at;
            if (at == count && count < MOST_ALGORITHMS)
                (void)snprintf(name[count++], NAME, "%s", text);
        }
    }
    return count;
}

static const chirp_row *row_by(const chirp_job *jobs, size_t n, const chirp_rows *rows, size_t i,
                               const char *algorithm)
{
    for (size_t k = 0; k < n; ++k) {
        char text[NAME];
        algorithm_of(jobs[k].instance->name, text);
        if (strcmp(text, algorithm) == 0 &&
            chirp_same_case(jobs[k].instance->name, jobs[i].instance->name))
            return row_of(&jobs[k], rows);
    }
    return NULL;
}

static void print_counter(FILE *out, const chirp_row *row, const char *name, int width, int digits)
{
    const chirp_counter *c = row ? chirp_counters_find(&row->counters, name) : NULL;
    char text[40] = "";
    if (c)
        (void)snprintf(text, sizeof text, "%.*g", digits, c->value);
    (void)fprintf(out, " %*s", width, text);
}

void chirp_summary_print(FILE *out, const chirp_job *jobs, size_t n, const chirp_rows *rows)
{
    char name[MOST_ALGORITHMS][NAME];
    const size_t n_algorithms = list_algorithms(jobs, n, name);
    if (n_algorithms == 0)
        return;
    int width = 4;
    for (size_t i = 0; i < n; ++i) {
        char text[NAME];
        case_of(jobs[i].instance->name, text);
        if (algorithms_of_case(jobs, n, i) > 1 && (int)strlen(text) > width)
            width = (int)strlen(text);
    }
    (void)fprintf(out, "\nside by side [ms]; the rest is of the fastest of ours\n%-*s", width,
                  "case");
    for (size_t k = 0; k < n_algorithms; ++k)
        (void)fprintf(out, " %12.12s", name[k]);
    (void)fprintf(out, " %15s %13s %16s\n", "effective_GFLOPS", "peak_fraction",
                  "baseline_speedup");
    double ours_s = 0;
    double baselines_s = 0;
    int shared = 0;
    for (size_t i = 0; i < n; ++i) {
        if (algorithms_of_case(jobs, n, i) < 2)
            continue;
        char text[NAME];
        case_of(jobs[i].instance->name, text);
        (void)fprintf(out, "%-*s", width, text);
        for (size_t k = 0; k < n_algorithms; ++k) {
            const chirp_row *row = row_by(jobs, n, rows, i, name[k]);
            char time[40] = "";
            if (row)
                (void)snprintf(time, sizeof time, "%.4g", 1e3 * row->real_s);
            (void)fprintf(out, " %12s", time);
        }
        const chirp_row *ours = fastest(jobs, n, rows, &jobs[i], false);
        const chirp_row *baseline = fastest(jobs, n, rows, &jobs[i], true);
        print_counter(out, ours, "effective_GFLOPS", 16, 4);
        print_counter(out, ours, "peak_fraction", 13, 3);
        print_counter(out, ours, "baseline_speedup", 16, 3);
        (void)fprintf(out, "\n");
        if (ours && baseline) {
            ours_s += ours->real_s;
            baselines_s += baseline->real_s;
            ++shared;
        }
    }
    if (shared > 1)
        (void)fprintf(
            out, "sum of %d cases with a baseline: ours %.4g ms, baselines %.4g ms, %.2f times\n",
            shared, 1e3 * ours_s, 1e3 * baselines_s, baselines_s / ours_s);
}
