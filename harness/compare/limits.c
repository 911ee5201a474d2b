#include "harness/compare/limits.h"

#include "harness/base/memory.h"
#include "harness/compare/results.h"
#include "harness/json/json.h"
#include "harness/results/bench.h"
#include "harness/stats/stats.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

bool chirp_limit_names(const char *limit, const char *name)
{
    const size_t length = strlen(limit);
    return strncmp(limit, name, length) == 0 &&
           (name[length] == '\0' || strncmp(name + length, "/threads:", 9) == 0);
}

static const chirp_samples *samples_named(const chirp_results *r, const char *limit)
{
    for (size_t i = 0; i < r->count; ++i)
        if (chirp_limit_names(limit, r->item[i].name))
            return &r->item[i];
    return NULL;
}

static double real_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

static chirp_status read_limit(const char *path, int number, const cJSON *o, chirp_limit *limit)
{
    const char *benchmark = chirp_json_string(o, "benchmark");
    const char *over = chirp_json_string(o, "over");
    const char *counter = chirp_json_string(o, "counter");
    const char *why = chirp_json_string(o, "why");
    const double most = real_of(o, "at_most");
    const double least = real_of(o, "at_least");
    if (!benchmark || !over == !counter || isnan(most) == isnan(least))
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: limit %d needs \"benchmark\", one of \"over\" and \"counter\", and "
                          "one of \"at_most\" and \"at_least\"",
                          path, number);
    limit->benchmark = chirp_strdup(benchmark);
    limit->over = chirp_strdup(over);
    limit->counter = chirp_strdup(counter);
    limit->at_least = !isnan(least);
    limit->bound = limit->at_least ? least : most;
    limit->why = chirp_strdup(why);
    return limit->benchmark && (limit->over || limit->counter) && !limit->why == !why
               ? CHIRP_OK
               : CHIRP_ERR_NOMEM;
}

static chirp_status miss(chirp_limit *limit, const char *what, const char *name)
{
    chirp_text t = {0};
    chirp_text_appendf(&t, "%s: %s", what, name);
    limit->state = CHIRP_LIMIT_MISSING;
    limit->reason = t.bytes;
    return t.failed ? CHIRP_ERR_NOMEM : CHIRP_OK;
}

/* Rates and shares of a peak grow as times shrink: what the fastest block reached. */
static bool grows_with_speed(const char *counter)
{
    return strstr(counter, "fraction") || strstr(counter, "GFLOPS") ||
           strstr(counter, "per_second");
}

/* The best repetition: a broken limit must not be a neighbour's doing. */
static chirp_status check_counter(const chirp_bench_rows *rows, chirp_limit *limit)
{
    bool found = false;
    for (size_t i = 0; i < rows->count; ++i) {
        const chirp_bench_row *row = &rows->item[i];
        const double whole = row->time_s;
        double value = chirp_bench_row_number(row, limit->counter);
        double fastest = row->fastest_s;
        if (row->threads == 1 && row->cpu_s > 0 && !(fastest < row->cpu_s))
            fastest = row->cpu_s; /* it had to wait for a processor: its own time is what counts */
        if (!chirp_limit_names(limit->benchmark, row->name) || row->aggregate || isnan(value))
            continue;
        if (grows_with_speed(limit->counter) && fastest > 0 && whole > fastest)
            value *= whole / fastest;
        if (!found || (limit->at_least ? value > limit->value : value < limit->value))
            limit->value = value;
        found = true;
    }
    limit->low = limit->high = limit->value;
    if (!found)
        return miss(limit, "no repetition of it has this counter", limit->counter);
    if (limit->at_least ? limit->value < limit->bound : limit->value > limit->bound)
        limit->state = CHIRP_LIMIT_BROKEN;
    return CHIRP_OK;
}

static chirp_status check_ratio(const chirp_results *r, const chirp_samples *mine,
                                double confidence, chirp_limit *limit)
{
    const chirp_samples *over = samples_named(r, limit->over);
    chirp_interval ratio;
    if (!over || over->count == 0)
        return miss(limit, "has no time", limit->over);
    const chirp_status st = chirp_ratio_interval(
        chirp_samples_deciding(over, mine, over), over->count,
        chirp_samples_deciding(over, mine, mine), mine->count, confidence, &ratio);
    if (st != CHIRP_OK)
        return st;
    limit->value = ratio.value;
    limit->low = ratio.low;
    limit->high = ratio.high;
    if (!(ratio.confidence >= confidence))
        return miss(limit, "too few repetitions, four at least", limit->benchmark);
    if (limit->at_least ? ratio.high < limit->bound : ratio.low > limit->bound)
        limit->state = CHIRP_LIMIT_BROKEN;
    return CHIRP_OK;
}

static chirp_status check_all(const chirp_bench_rows *rows, const chirp_results *r,
                              double confidence, chirp_limits *l)
{
    for (size_t i = 0; i < l->count; ++i) {
        chirp_limit *limit = &l->item[i];
        const chirp_samples *mine = samples_named(r, limit->benchmark);
        chirp_status st = CHIRP_OK;
        if (!mine)
            st = miss(limit, "not in the result file", limit->benchmark);
        else if (mine->error)
            st = miss(limit, "failed", mine->error);
        else if (mine->skip && mine->count == 0)
            st = miss(limit, "skipped", mine->skip);
        else if (limit->counter)
            st = check_counter(rows, limit);
        else if (mine->count > 0)
            st = check_ratio(r, mine, confidence, limit);
        else
            st = miss(limit, "has no repetitions", limit->benchmark);
        if (st != CHIRP_OK)
            return st;
        l->broken += limit->state == CHIRP_LIMIT_BROKEN;
        l->missing += limit->state == CHIRP_LIMIT_MISSING;
    }
    return CHIRP_OK;
}

chirp_status chirp_limits_read(const char *path, chirp_limits *limits)
{
    cJSON *wanted = NULL;
    chirp_limits l = {0};
    chirp_status st = chirp_json_read(path, "file of limits", &wanted);
    if (st == CHIRP_OK && (!cJSON_IsArray(wanted) || cJSON_GetArraySize(wanted) == 0))
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: is no array of limits", path);
    if (st == CHIRP_OK) {
        l.item = chirp_calloc((size_t)cJSON_GetArraySize(wanted), sizeof *l.item);
        st = l.item ? CHIRP_OK : CHIRP_ERR_NOMEM;
    }
    for (const cJSON *o = wanted ? wanted->child : NULL; o && st == CHIRP_OK; o = o->next) {
        st = read_limit(path, (int)l.count, o, &l.item[l.count]);
        ++l.count; /* also one half read: it is freed with the rest */
    }
    cJSON_Delete(wanted);
    if (st != CHIRP_OK) {
        chirp_limits_clear(&l);
        return st;
    }
    *limits = l;
    return CHIRP_OK;
}

chirp_status chirp_limits_check(const char *limits_path, const char *result_path, double confidence,
                                chirp_limits *limits)
{
    chirp_document document = {0};
    chirp_bench_rows rows = {0};
    chirp_results r = {0};
    chirp_limits l = {0};
    chirp_status st = chirp_limits_read(limits_path, &l);
    if (st == CHIRP_OK)
        st = chirp_results_read(result_path, &r);
    if (st == CHIRP_OK)
        st = chirp_document_read_kind(result_path, CHIRP_DOCUMENT_BENCH, &document);
    if (st == CHIRP_OK)
        st = chirp_bench_rows_read(&document, result_path, &rows);
    if (st == CHIRP_OK)
        st = check_all(&rows, &r, confidence, &l);
    chirp_bench_rows_release(&rows);
    chirp_document_release(&document);
    chirp_results_clear(&r);
    if (st != CHIRP_OK) {
        chirp_limits_clear(&l);
        return st;
    }
    *limits = l;
    return CHIRP_OK;
}

void chirp_limits_clear(chirp_limits *l)
{
    for (size_t i = 0; l->item && i < l->count; ++i) {
        chirp_free(l->item[i].benchmark);
        chirp_free(l->item[i].over);
        chirp_free(l->item[i].counter);
        chirp_free(l->item[i].why);
        chirp_free(l->item[i].reason);
    }
    chirp_free(l->item);
    *l = (chirp_limits){0};
}
