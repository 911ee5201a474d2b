#include "harness/compare/results.h"

#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "harness/stats/stats.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* 0 for a foreign unit. */
static double unit_seconds(const char *unit)
{
    static const struct {
        const char *name;
        double s;
    } units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}};
    for (size_t i = 0; unit && i < sizeof units / sizeof units[0]; ++i)
        if (strcmp(units[i].name, unit) == 0)
            return units[i].s;
    return 0;
}

static chirp_samples *samples_of(chirp_results *r, const char *name)
{
    for (size_t i = r->count;
         i-- > 0;) /* rows of one benchmark stand together: the last is the likeliest */
        if (strcmp(r->item[i].name, name) == 0)
            return &r->item[i];
    chirp_samples *more = chirp_grow(r->item, &r->room, r->count, sizeof *more);
    if (!more)
        return NULL;
    r->item = more;
    chirp_samples *s = &r->item[r->count];
    *s = (chirp_samples){.name = chirp_strdup(name), .last_index = -1};
    if (!s->name)
        return NULL;
    ++r->count;
    return s;
}

/* Room for one more in each of the three lists. */
static bool make_room(chirp_samples *s)
{
    size_t room = s->room;
    double *seconds = chirp_grow(s->seconds, &room, s->count, sizeof *seconds);
    if (seconds)
        s->seconds = seconds;
    room = s->room;
    double *fastest = chirp_grow(s->fastest, &room, s->count, sizeof *fastest);
    if (fastest)
        s->fastest = fastest;
    room = s->room;
    int *run = chirp_grow(s->run, &room, s->count, sizeof *run);
    if (run)
        s->run = run;
    const bool ok = seconds && fastest && run;
    if (ok)
        s->room = room;
    return ok;
}

/* fastest: 0 when the row doesn't say. */
static bool add_sample(chirp_samples *s, int run, double seconds, double fastest)
{
    if (!make_room(s))
        return false;
    s->no_fastest |= !(fastest > 0);
    s->fastest[s->count] = fastest;
    s->run[s->count] = run;
    s->seconds[s->count++] = seconds;
    return true;
}

/* Keeps the first reason only. */
static chirp_status note(char **reason, const char *what)
{
    if (!*reason)
        *reason = chirp_strdup(what);
    return *reason ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

/* mean and stddev rows serve files that hold no repetitions. */
static void take_aggregate(chirp_samples *s, const char *aggregate, double seconds,
                           const cJSON *row)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(row, "iterations");
    if (strcmp(aggregate, "mean") == 0) {
        s->mean_s = seconds;
        s->repetitions = cJSON_IsNumber(n) && n->valuedouble >= 1 && n->valuedouble < 1e9
                             ? (int64_t)n->valuedouble
                             : 0;
    } else if (strcmp(aggregate, "stddev") == 0) {
        s->stddev_s = seconds;
        s->has_stddev = true;
    }
}

static chirp_status take_row(chirp_results *r, const char *path, int number, const cJSON *row)
{
    const char *name = text_of(row, "run_name");
    const char *aggregate = text_of(row, "aggregate_name");
    name = name ? name : text_of(row, "name");
    if (!cJSON_IsObject(row) || !name)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: row %d of \"benchmarks\" has no \"name\": not a benchmark's result",
                          path, number);
    if (aggregate && strcmp(aggregate, "mean") != 0 && strcmp(aggregate, "stddev") != 0)
        return CHIRP_OK; /* median, cv, ratios, BigO, RMS: nothing that is needed */
    chirp_samples *s = samples_of(r, name);
    if (!s)
        return CHIRP_ERR_NOMEM;
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "error_occurred"))) {
        const char *message = text_of(row, "error_message");
        return note(&s->error, message ? message : "failed without a message");
    }
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "skipped"))) {
        const char *message = text_of(row, "skip_message");
        return note(&s->skip, message ? message : "skipped without a message");
    }
    const cJSON *time = cJSON_GetObjectItemCaseSensitive(row, "real_time");
    const char *unit = text_of(row, "time_unit");
    const double scale = unit_seconds(unit ? unit : "ns");
    if (scale == 0)
        return chirp_fail(CHIRP_ERR_FORMAT,
                          "%s: row %d (%s): time_unit '%s' is none of ns, us, ms, s", path, number,
                          name, unit);
    if (!time)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: row %d (%s) has no \"real_time\"", path, number,
                          name);
    const double seconds = cJSON_IsNumber(time) ? scale * time->valuedouble : -1;
    if (aggregate) {
        if (seconds >= 0 && isfinite(seconds))
            take_aggregate(s, aggregate, seconds, row);
        return CHIRP_OK;
    }
    if (!(seconds > 0) || !isfinite(seconds))
        return note(&s->error, "its real_time is zero, negative or not a number");
    const cJSON *index = cJSON_GetObjectItemCaseSensitive(row, "repetition_index");
    const int64_t at = cJSON_IsNumber(index) ? (int64_t)index->valuedouble : (int64_t)s->count;
    s->duplicate |= at <= s->last_index;
    s->last_index = at;
    const cJSON *fastest = cJSON_GetObjectItemCaseSensitive(row, "real_time_fastest");
    const double block = cJSON_IsNumber(fastest) ? scale * fastest->valuedouble : 0;
    return add_sample(s, r->files, seconds, isfinite(block) ? block : 0) ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

static bool keep_context(chirp_results *r, const cJSON *context)
{
    cJSON *copy = cJSON_Duplicate(context, 1);
    if (!copy)
        return false;
    if (!r->context) {
        r->context = copy;
        return true;
    }
    if (!r->more_contexts)
        r->more_contexts = cJSON_CreateArray();
    if (r->more_contexts && cJSON_AddItemToArray(r->more_contexts, copy))
        return true;
    cJSON_Delete(copy);
    return false;
}

static chirp_status read_one(const char *path, chirp_results *r)
{
    cJSON *root = NULL;
    chirp_status st = chirp_json_read(path, "result file", &root);
    if (st != CHIRP_OK)
        return st;
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(root, "benchmarks");
    if (!cJSON_IsObject(root) || !cJSON_IsArray(rows))
        st = chirp_fail(
            CHIRP_ERR_FORMAT,
            "%s: has no \"benchmarks\" array: not a result file of Google Benchmark or chirpbench",
            path);
    const cJSON *context = cJSON_GetObjectItemCaseSensitive(root, "context");
    const cJSON *schema = cJSON_GetObjectItemCaseSensitive(context, "json_schema_version");
    if (st == CHIRP_OK && cJSON_IsNumber(schema) && schema->valuedouble != 1)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: json_schema_version %g, version 1 is known", path,
                        schema->valuedouble);
    for (size_t i = 0; i < r->count; ++i)
        r->item[i].last_index = -1; /* a further file counts its repetitions from 0 again */
    int number = 0;
    for (const cJSON *row = rows ? rows->child : NULL; row && st == CHIRP_OK; row = row->next)
        st = take_row(r, path, number++, row);
    if (st == CHIRP_OK && number == 0)
        st = chirp_fail(CHIRP_ERR_FORMAT,
                        "%s: holds no benchmarks (did its filter match anything?)", path);
    if (st == CHIRP_OK) {
        r->partial |= cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(context, "partial"));
        if (cJSON_IsObject(context) && !keep_context(r, context))
            st = chirp_fail(CHIRP_ERR_NOMEM, "%s: no memory for its context", path);
    }
    cJSON_Delete(root);
    ++r->files;
    return st;
}

chirp_status chirp_results_read(const char *paths, chirp_results *results)
{
    chirp_results r = {.path = chirp_strdup(paths)};
    char *copy = chirp_strdup(paths);
    chirp_status st = r.path && copy ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (char *p = copy; p && st == CHIRP_OK;) {
        char *comma = strchr(p, ',');
        if (comma)
            *comma = '\0';
        st = read_one(p, &r);
        p = comma ? comma + 1 : NULL;
    }
    chirp_free(copy);
    if (st != CHIRP_OK) {
        chirp_results_clear(&r);
        return st;
    }
    *results = r;
    return CHIRP_OK;
}

void chirp_results_clear(chirp_results *r)
{
    for (size_t i = 0; i < r->count; ++i) {
        chirp_free(r->item[i].name);
        chirp_free(r->item[i].seconds);
        chirp_free(r->item[i].fastest);
        chirp_free(r->item[i].run);
        chirp_free(r->item[i].error);
        chirp_free(r->item[i].skip);
    }
    chirp_free(r->item);
    chirp_free(r->path);
    cJSON_Delete(r->context);
    cJSON_Delete(r->more_contexts);
    *r = (chirp_results){0};
}

const double *chirp_samples_deciding(const chirp_samples *a, const chirp_samples *b,
                                     const chirp_samples *of)
{
    const bool both = a->fastest && b->fastest && !a->no_fastest && !b->no_fastest;
    return both ? of->fastest : of->seconds;
}

const chirp_samples *chirp_results_find(const chirp_results *r, const char *name)
{
    for (size_t i = 0; i < r->count; ++i)
        if (strcmp(r->item[i].name, name) == 0)
            return &r->item[i];
    return NULL;
}

chirp_status chirp_samples_centre(const chirp_samples *s, double *seconds)
{
    chirp_summary summary;
    if (s->count == 0) {
        *seconds = s->mean_s;
        return CHIRP_OK;
    }
    const chirp_status st =
        chirp_stats_summary(chirp_samples_deciding(s, s, s), s->count, 0.95, &summary);
    if (st == CHIRP_OK)
        *seconds = summary.median.value;
    return st;
}
