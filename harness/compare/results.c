#include "harness/compare/results.h"

#include "harness/base/memory.h"
#include "harness/base/text.h"
#include "harness/results/bench.h"
#include "harness/stats/stats.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

static chirp_samples *samples_of(chirp_results *r, const char *name)
{
    size_t at = 0;
    if (chirp_index_find(&r->names, name, strlen(name), &at))
        return &r->item[at];
    chirp_samples *more = chirp_grow(r->item, &r->room, r->count, sizeof *more);
    if (!more)
        return NULL;
    r->item = more;
    chirp_samples *s = &r->item[r->count];
    *s = (chirp_samples){.name = chirp_strdup(name), .last_index = -1};
    if (!s->name)
        return NULL;
    ++r->count; /* its name is freed with the others */
    return chirp_index_add(&r->names, s->name, strlen(s->name), r->count - 1) ? s : NULL;
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
static void take_aggregate(chirp_samples *s, const chirp_bench_row *row)
{
    if (!(row->time_s >= 0))
        return;
    if (strcmp(row->aggregate, "mean") == 0) {
        s->mean_s = row->time_s;
        s->repetitions = row->iterations;
    } else {
        s->stddev_s = row->time_s;
        s->has_stddev = true;
    }
}

/* A row of a simulation: what was counted, each a sample of its own name. */
static chirp_status take_counts(chirp_results *r, const chirp_bench_row *row)
{
    static const struct {
        const char *suffix, *counter;
    } kinds[] = {{"instructions", "PAPI_TOT_INS"}, {"estimated_cycles", "estimated_cycles"}};
    chirp_status st = CHIRP_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && st == CHIRP_OK; ++i) {
        const double count = chirp_bench_row_number(row, kinds[i].counter);
        char *name = chirp_format("%s %s", row->name, kinds[i].suffix);
        chirp_samples *s = name && !row->aggregate ? samples_of(r, name) : NULL;
        if (!name || (!s && !row->aggregate))
            st = CHIRP_ERR_NOMEM;
        else if (s && (row->error || row->skip))
            st = note(row->error ? &s->error : &s->skip, row->error ? row->error : row->skip);
        else if (s && !(count > 0))
            st = note(&s->error, "its row has no such count");
        else if (s)
            st = add_sample(s, r->files, count, 0) ? CHIRP_OK : CHIRP_ERR_NOMEM;
        chirp_free(name);
    }
    return st;
}

static chirp_status take_row(chirp_results *r, const chirp_bench_row *row)
{
    if (r->counted)
        return take_counts(r, row);
    if (row->aggregate && strcmp(row->aggregate, "mean") != 0 &&
        strcmp(row->aggregate, "stddev") != 0)
        return CHIRP_OK; /* median, cv, ratios: nothing that is needed */
    chirp_samples *s = samples_of(r, row->name);
    if (!s)
        return CHIRP_ERR_NOMEM;
    if (row->error)
        return note(&s->error, row->error);
    if (row->skip)
        return note(&s->skip, row->skip);
    if (row->aggregate) {
        take_aggregate(s, row);
        return CHIRP_OK;
    }
    if (!(row->time_s > 0))
        return note(&s->error, "its real_time is zero, negative or not a number");
    const int64_t at = row->repetition >= 0 ? row->repetition : (int64_t)s->count;
    s->duplicate |= at <= s->last_index;
    s->last_index = at;
    return add_sample(s, r->files, row->time_s, isfinite(row->fastest_s) ? row->fastest_s : 0)
               ? CHIRP_OK
               : CHIRP_ERR_NOMEM;
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
    chirp_document document = {0};
    chirp_bench_rows rows = {0};
    chirp_status st = chirp_document_read_kind(path, CHIRP_DOCUMENT_BENCH, &document);
    if (st == CHIRP_OK)
        st = chirp_bench_rows_read(&document, path, &rows);
    const cJSON *context = cJSON_GetObjectItemCaseSensitive(document.root, "context");
    const bool counted = cJSON_GetObjectItemCaseSensitive(context, "simulator") != NULL;
    if (st == CHIRP_OK && r->files > 0 && counted != r->counted)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: pools counts of a simulation with times", path);
    r->counted = counted;
    for (size_t i = 0; i < r->count; ++i)
        r->item[i].last_index = -1; /* a further file counts its repetitions from 0 again */
    for (size_t i = 0; i < rows.count && st == CHIRP_OK; ++i)
        st = take_row(r, &rows.item[i]);
    if (st == CHIRP_OK && rows.count == 0)
        st = chirp_fail(CHIRP_ERR_FORMAT,
                        "%s: holds no benchmarks (did its filter match anything?)", path);
    if (st == CHIRP_OK) {
        ++r->files;
        r->partial |= cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(context, "partial"));
        if (cJSON_IsObject(context) && !keep_context(r, context))
            st = chirp_fail(CHIRP_ERR_NOMEM, "%s: no memory for its context", path);
    }
    chirp_bench_rows_release(&rows);
    chirp_document_release(&document);
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
    chirp_index_clear(&r->names);
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
    size_t at = 0;
    if (r->names.count == r->count)
        return chirp_index_find(&r->names, name, strlen(name), &at) ? &r->item[at] : NULL;
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
