/* Rows and their aggregates. */
#include "harness/bench/bench_internal.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/stats/stats.h"

#include <math.h>
#include <string.h>

void chirp_row_clear(chirp_row *row)
{
    chirp_free(row->name);
    chirp_free(row->run_name);
    chirp_free(row->error);
    chirp_free(row->label);
    for (size_t i = 0; i < row->n_absent; ++i) {
        chirp_free(row->absent[i].name);
        chirp_free(row->absent[i].reason);
    }
    chirp_free(row->absent);
    chirp_counters_clear(&row->counters);
    *row = (chirp_row){0};
}

chirp_row *chirp_rows_add(chirp_rows *rows)
{
    chirp_row *more = chirp_grow(rows->item, &rows->room, rows->count, sizeof *more);
    if (!more)
        return NULL;
    rows->item = more;
    chirp_row *row = &rows->item[rows->count++];
    *row = (chirp_row){0};
    return row;
}

void chirp_rows_clear(chirp_rows *rows)
{
    for (size_t i = 0; i < rows->count; ++i)
        chirp_row_clear(&rows->item[i]);
    chirp_free(rows->item);
    *rows = (chirp_rows){0};
}

static double statistic(const char *name, double *x, size_t n)
{
    const double mean = chirp_stats_mean(x, n);
    if (strcmp(name, "mean") == 0)
        return mean;
    if (strcmp(name, "stddev") == 0)
        return chirp_stats_stddev(x, n);
    if (strcmp(name, "cv") == 0)
        return mean != 0 ? chirp_stats_stddev(x, n) / mean : 0;
    if (n < 3)
        return mean; /* as Google Benchmark: the median of two is their mean */
    chirp_sort(x, n);
    return chirp_stats_quantile_sorted(x, n, 0.5);
}

/* The value of one counter in every good row; false unless all have it, finite. */
static bool gather_counter(const chirp_row *const *good, size_t n, const char *name, double *x)
{
    for (size_t i = 0; i < n; ++i) {
        const chirp_counter *c = chirp_counters_find(&good[i]->counters, name);
        if (!c || !isfinite(c->value))
            return false;
        x[i] = c->value;
    }
    return true;
}

/* What Google Benchmark's statistics don't have; their own keys, so that its readers skip them. */
static chirp_status add_robust(chirp_row *median, const chirp_row *const *good, size_t n,
                               double confidence, double scale, double *x)
{
    chirp_summary s;
    for (size_t i = 0; i < n; ++i)
        x[i] = good[i]->real_s;
    chirp_status st = chirp_stats_summary(x, n, confidence, &s);
    if (st != CHIRP_OK)
        return st;
    const struct {
        const char *name;
        double value;
    } more[] = {
        {"real_time_ci_low", scale * s.median.low}, {"real_time_ci_high", scale * s.median.high},
        {"real_time_mad", scale * s.mad},           {"ci_confidence", s.median.confidence},
        {"outliers", (double)s.outliers},           {"autocorrelation", s.autocorrelation}};
    for (size_t i = 0; i < sizeof more / sizeof more[0] && st == CHIRP_OK; ++i)
        st = chirp_counters_set(&median->counters, more[i].name, more[i].value, false);
    return st;
}

static chirp_status aggregate_row(chirp_row *row, const chirp_row *const *good, size_t n,
                                  const char *name, int64_t total, double *x)
{
    const chirp_row *first = good[0];
    const size_t bytes = strlen(first->run_name) + strlen(name) + 2;
    row->run_name = chirp_strdup(first->run_name);
    row->label = chirp_strdup(first->label);
    row->name = chirp_alloc(bytes);
    if (!row->run_name || !row->name || (first->label && !row->label))
        return CHIRP_ERR_NOMEM;
    (void)snprintf(row->name, bytes, "%s_%s", first->run_name, name);
    row->family_index = first->family_index;
    row->instance_index = first->instance_index;
    row->aggregate_name = name;
    row->percentage = strcmp(name, "cv") == 0;
    row->repetitions = first->repetitions;
    row->threads = first->threads;
    row->baseline = first->baseline;
    row->iterations = total;
    for (size_t i = 0; i < n; ++i)
        x[i] = good[i]->real_s;
    row->real_s = statistic(name, x, n);
    for (size_t i = 0; i < n; ++i)
        x[i] = good[i]->cpu_s;
    row->cpu_s = statistic(name, x, n);
    for (size_t k = 0; k < first->counters.count; ++k) {
        const char *counter = first->counters.item[k].name;
        if (!gather_counter(good, n, counter, x))
            continue;
        const chirp_status st =
            chirp_counters_set(&row->counters, counter, statistic(name, x, n), false);
        if (st != CHIRP_OK)
            return st;
    }
    for (size_t i = 0; i < first->n_absent; ++i) { /* for readers that are shown no repetitions */
        const chirp_status st =
            chirp_row_absent(row, first->absent[i].name, first->absent[i].reason);
        if (st != CHIRP_OK)
            return st;
    }
    return CHIRP_OK;
}

chirp_status chirp_rows_aggregate(chirp_rows *rows, size_t first, double confidence, double scale)
{
    static const char *const names[] = {"mean", "median", "stddev", "cv"};
    enum { N_NAMES = sizeof names / sizeof names[0] };
    const size_t total = rows->count - first;
    if (total < 2)
        return CHIRP_OK;
    chirp_row made[N_NAMES] = {0};
    const chirp_row **good = chirp_calloc(total, sizeof(const chirp_row *));
    double *x = chirp_alloc(total * sizeof *x);
    chirp_status st = good && x ? CHIRP_OK : CHIRP_ERR_NOMEM;
    size_t n = 0;
    for (size_t i = first; i < rows->count && st == CHIRP_OK; ++i)
        if (!rows->item[i].error)
            good[n++] = &rows->item[i];
    for (size_t k = 0; k < N_NAMES && n >= 2 && st == CHIRP_OK; ++k) {
        st = aggregate_row(&made[k], good, n, names[k], (int64_t)total, x);
        if (st == CHIRP_OK && strcmp(names[k], "median") == 0)
            st = add_robust(&made[k], good, n, confidence, scale, x);
    }
    for (size_t k = 0; k < N_NAMES;
         ++k) { /* only now: adding moves the rows that `good` points to */
        chirp_row *row = st == CHIRP_OK && n >= 2 ? chirp_rows_add(rows) : NULL;
        if (row)
            *row = made[k];
        else
            chirp_row_clear(&made[k]);
        if (st == CHIRP_OK && n >= 2 && !row)
            st = CHIRP_ERR_NOMEM;
    }
    chirp_free(good);
    chirp_free(x);
    return st;
}
