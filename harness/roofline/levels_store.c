/* Levels that were measured before: in this process, and in the user's cache folder. */
#include "harness/roofline/levels.h"

#include "harness/base/file.h"
#include "harness/base/launch.h"
#include "harness/json/json.h"
#include "harness/roofline/levels_internal.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What else must agree for a roof to hold: the program that measured it, the processors that it could use, and the processes
 * that measured side by side.
 */
static void describe_build(const chirp_host *m, char *text, size_t room)
{
    (void)snprintf(text, room,
                   "chirpbench %s, commit %s, %s, %s; processors %s, places %s, %s; "
                   "%d processes",
                   CHIRP_VERSION, m->git_commit, m->compiler, m->compiler_flags, m->affinity,
                   m->omp_places, m->omp_proc_bind, chirp_launched_processes());
}

static bool store_path(const chirp_host *m, int threads, bool make, char *path, size_t room)
{
    char folder[512];
    char id[17];
    char build[2048];
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    if (cache && *cache == '/')
        (void)snprintf(folder, sizeof folder, "%.480s/chirpbench", cache);
    else if (home && *home == '/')
        (void)snprintf(folder, sizeof folder, "%.480s/.cache/chirpbench", home);
    else
        return false;
    if (make && chirp_make_directories(folder) != CHIRP_OK)
        return false;
    chirp_host_id(m, id);
    describe_build(m, build, sizeof build);
    return snprintf(path, room, "%s/roofline-%s-%016llx-threads%d.json", folder, id,
                    (unsigned long long)chirp_hash_text(build), threads) < (int)room;
}

bool chirp_levels_store(const chirp_host *m, const chirp_levels *levels)
{
    char path[640];
    char build[2048];
    chirp_level_doubt doubts[CHIRP_MAX_LEVEL_DOUBTS];
    if (chirp_levels_doubts(levels, doubts) > 0)
        return false;
    describe_build(m, build, sizeof build);
    cJSON *root = cJSON_CreateObject();
    bool ok = root && chirp_json_add_text(root, "build", build) &&
              chirp_json_add_integer(root, "threads", levels->threads) &&
              chirp_json_add_text(root, "date", levels->date);
    cJSON *list = ok ? cJSON_AddArrayToObject(root, "levels") : NULL;
    ok = list != NULL;
    for (int i = 0; i < levels->count && ok; ++i) {
        const chirp_level *level = &levels->item[i];
        cJSON *o = cJSON_CreateObject();
        ok = o && cJSON_AddItemToArray(list, o) && chirp_json_add_text(o, "name", level->name) &&
             chirp_json_add_integer(o, "capacity_bytes", level->capacity_bytes) &&
             chirp_json_add_integer(o, "bytes_per_thread", (int64_t)level->bytes_per_thread) &&
             chirp_json_add_real(o, "read_bytes_per_second", level->read_bytes_per_second) &&
             chirp_json_add_real(o, "triad_bytes_per_second", level->triad_bytes_per_second) &&
             chirp_json_add_real(o, "latency_ns", level->latency_ns);
    }
    char *text = ok ? chirp_json_print(root) : NULL;
    ok = text && store_path(m, levels->threads, true, path, sizeof path) &&
         chirp_file_write(path, text, strlen(text)) == CHIRP_OK;
    cJSON_free(text);
    cJSON_Delete(root);
    return ok;
}

static double real_of(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

bool chirp_levels_load(const chirp_host *m, int threads, chirp_levels *levels)
{
    char path[640];
    char build[2048];
    cJSON *root = NULL;
    if (!store_path(m, threads, false, path, sizeof path) ||
        chirp_json_read(path, "roofline", &root) != CHIRP_OK)
        return false;
    chirp_levels found = {.threads = threads, .processors = m->affinity_count};
    describe_build(m, build, sizeof build);
    chirp_level planned[CHIRP_MAX_LEVELS] = {0};
    const int n = chirp_levels_plan(m, threads, planned);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "levels");
    const char *date = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "date"));
    (void)snprintf(found.date, sizeof found.date, "%s", date ? date : "");
    const char *built = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "build"));
    bool ok = built && strcmp(built, build) == 0 && (int)real_of(root, "threads") == threads &&
              cJSON_GetArraySize(list) == n;
    for (const cJSON *o = list ? list->child : NULL; o && ok; o = o->next) {
        chirp_level *level = &found.item[found.count];
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "name"));
        *level = planned[found.count];
        level->read_bytes_per_second = real_of(o, "read_bytes_per_second");
        level->triad_bytes_per_second = real_of(o, "triad_bytes_per_second");
        level->read_lower = level->read_bytes_per_second; /* what was kept was not doubtful */
        level->triad_lower = level->triad_bytes_per_second;
        level->latency_ns = real_of(o, "latency_ns");
        if (level->capacity_bytes == 0)
            level->capacity_bytes = (int64_t)real_of(o, "capacity_bytes");
        /* another plan (other caches seen, other rules) or a damaged file: measure anew */
        ok = name && strcmp(name, level->name) == 0 && level->read_bytes_per_second > 0 &&
             level->triad_bytes_per_second > 0 && level->capacity_bytes > 0 &&
             real_of(o, "bytes_per_thread") == (double)level->bytes_per_thread;
        ++found.count;
    }
    cJSON_Delete(root);
    chirp_level_doubt doubts[CHIRP_MAX_LEVEL_DOUBTS];
    ok = ok && chirp_levels_doubts(&found, doubts) == 0;
    if (ok)
        *levels = found;
    return ok;
}

/* Of this process; written by the one thread that runs benchmarks. */
enum { MAX_STORED = 32 };
static chirp_levels stored[MAX_STORED];
static int n_stored;

void chirp_levels_set(const chirp_levels *levels)
{
    int at = 0;
    while (at < n_stored && stored[at].threads != levels->threads)
        ++at;
    if (at < MAX_STORED) {
        stored[at] = *levels;
        n_stored += at == n_stored;
    }
}

chirp_status chirp_levels_get(int threads, double budget_s, chirp_levels *levels)
{
    chirp_host host;
    for (int i = 0; i < n_stored; ++i) {
        if (stored[i].threads == threads) {
            *levels = stored[i];
            return CHIRP_OK;
        }
    }
    chirp_host_read(&host);
    if (!chirp_levels_load(&host, threads, levels)) {
        const chirp_status st = chirp_levels_measure(&host, threads, budget_s, false, levels);
        if (st != CHIRP_OK)
            return st;
        (void)chirp_levels_store(&host, levels); /* without it the next run measures again */
    }
    chirp_levels_set(levels);
    return CHIRP_OK;
}
