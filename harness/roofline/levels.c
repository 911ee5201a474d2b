#include "harness/roofline/levels.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "harness/roofline/roofline.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Caches as levels: what one thread may call its own of each. */
static int plan_levels(const chirp_host *m, int threads, chirp_level *item)
{
    int n = 0;
    int64_t all_caches = 0;
    for (int i = 0; i < m->n_caches && n < CHIRP_MAX_LEVELS - 1; ++i) {
        const chirp_cache *c = &m->cache[i];
        if (strcmp(c->type, "Instruction") == 0 || c->bytes <= 0)
            continue;
        const int sharing = c->sharing < threads ? c->sharing : threads;
        chirp_level *level = &item[n++];
        (void)snprintf(level->name, sizeof level->name, "L%d", c->level);
        level->capacity_bytes = c->bytes / (sharing > 0 ? sharing : 1);
        /* three quarters of L1 and half of what is shared with code, page tables and neighbours */
        level->bytes_per_thread =
            (size_t)(level->capacity_bytes * (c->level == 1 ? 3 : 2) / 4) / 192 * 192;
        all_caches += level->capacity_bytes * threads;
    }
    if (m->l3_package_bytes > 0 && n > 0 && n < CHIRP_MAX_LEVELS - 1) {
        /* beyond the second level and surely within the third; find_capacity() learns where that ends */
        chirp_level *level = &item[n++];
        (void)snprintf(level->name, sizeof level->name, "L3");
        level->bytes_per_thread = (size_t)(4 * item[n - 2].capacity_bytes) / 192 * 192;
        all_caches += m->l3_package_bytes;
    }
    chirp_level *memory = &item[n++];
    (void)snprintf(memory->name, sizeof memory->name, "memory");
    memory->capacity_bytes = m->memory_bytes;
    /* four times all caches, so that what remains of the last sweep is no help; a package is seldom ours alone */
    int64_t set = (m->l3_package_bytes > 0 ? 1 : 4) * all_caches / threads;
    set = set < (INT64_C(96) << 20) / threads ? (INT64_C(96) << 20) / threads : set;
    if (m->memory_bytes > 0 && set > m->memory_bytes / 4 / threads)
        set = m->memory_bytes / 4 / threads;
    memory->bytes_per_thread = (size_t)set / 192 * 192;
    return n;
}

/*
 * How much of a level each thread can call its own, where nobody says: the largest working set, by doubling, that is still read
 * nearer to the level's speed than to memory's.
 */
static chirp_status find_capacity(const chirp_levels *levels, double budget_s, chirp_level *level)
{
    const chirp_level *memory = &levels->item[levels->count - 1];
    const double between = level->read_bytes_per_second * memory->read_bytes_per_second;
    chirp_status st = CHIRP_OK;
    level->capacity_bytes = (int64_t)level->bytes_per_thread;
    for (size_t set = 2 * level->bytes_per_thread; set < memory->bytes_per_thread && st == CHIRP_OK;
         set *= 2) {
        double speed = 0;
        st = chirp_roofline_read_bandwidth(levels->threads, set, budget_s, &speed);
        if (st == CHIRP_OK && speed * speed < between)
            break;
        level->capacity_bytes = (int64_t)set;
    }
    return st;
}

chirp_status chirp_levels_measure(const chirp_host *m, int threads, double budget_s,
                                  bool with_latency, chirp_levels *levels)
{
    *levels = (chirp_levels){.threads = threads};
    levels->count = plan_levels(m, threads, levels->item);
    const time_t now = time(NULL);
    struct tm utc = {0};
    if (gmtime_r(&now, &utc))
        (void)strftime(levels->date, sizeof levels->date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    for (int i = 0; i < levels->count; ++i) {
        chirp_level *level = &levels->item[i];
        chirp_status st = chirp_roofline_read_bandwidth(threads, level->bytes_per_thread, budget_s,
                                                        &level->read_bytes_per_second);
        if (st == CHIRP_OK)
            st = chirp_roofline_bandwidth(threads, level->bytes_per_thread, budget_s,
                                          &level->triad_bytes_per_second);
        if (st == CHIRP_OK && with_latency)
            st = chirp_roofline_latency(level->bytes_per_thread, budget_s, &level->latency_ns);
        if (st != CHIRP_OK)
            return st;
    }
    for (int i = 0; i < levels->count - 1; ++i) {
        const chirp_status st = levels->item[i].capacity_bytes == 0
                                    ? find_capacity(levels, budget_s, &levels->item[i])
                                    : CHIRP_OK;
        if (st != CHIRP_OK)
            return st;
    }
    return CHIRP_OK;
}

static bool store_path(const chirp_host *m, int threads, bool make, char *path, size_t room)
{
    char folder[512];
    char id[17];
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
    return snprintf(path, room, "%s/roofline-%s-threads%d.json", folder, id, threads) < (int)room;
}

bool chirp_levels_store(const chirp_host *m, const chirp_levels *levels)
{
    char path[640];
    cJSON *root = cJSON_CreateObject();
    bool ok = root && chirp_json_add_integer(root, "threads", levels->threads) &&
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
    char *text = ok ? cJSON_Print(root) : NULL;
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
    cJSON *root = NULL;
    if (!store_path(m, threads, false, path, sizeof path) ||
        chirp_json_read(path, "roofline", &root) != CHIRP_OK)
        return false;
    chirp_levels found = {.threads = threads};
    chirp_level planned[CHIRP_MAX_LEVELS] = {0};
    const int n = plan_levels(m, threads, planned);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "levels");
    const char *date = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "date"));
    (void)snprintf(found.date, sizeof found.date, "%s", date ? date : "");
    bool ok = (int)real_of(root, "threads") == threads && cJSON_GetArraySize(list) == n;
    for (const cJSON *o = list ? list->child : NULL; o && ok; o = o->next) {
        chirp_level *level = &found.item[found.count];
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "name"));
        *level = planned[found.count];
        level->read_bytes_per_second = real_of(o, "read_bytes_per_second");
        level->triad_bytes_per_second = real_of(o, "triad_bytes_per_second");
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
    if (ok)
        *levels = found;
    return ok;
}

double chirp_levels_roof(const chirp_levels *levels, double peak_gflops, double flops, double bytes,
                         int *level)
{
    int at = 0;
    while (at + 1 < levels->count &&
           bytes / levels->threads > (double)levels->item[at].capacity_bytes)
        ++at;
    *level = at;
    const double slope = 1e-9 * levels->item[at].read_bytes_per_second * (flops / bytes);
    return slope < peak_gflops ? slope : peak_gflops;
}
