/* The levels of a machine: which there are, and how fast each is. */
#include "harness/roofline/levels.h"

#include "harness/roofline/levels_internal.h"
#include "harness/roofline/roofline.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int chirp_levels_plan(const chirp_host *m, int threads, chirp_level *item)
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
        level->own = threads == 1 || c->sharing == 1;
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
    memory->own = threads == 1;
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
        const chirp_sweep reads = {
            .threads = levels->threads, .bytes_per_thread = set, .read_only = true};
        st = chirp_roofline_sweep(&reads, budget_s, &speed);
        if (st == CHIRP_OK && speed * speed < between)
            break;
        level->capacity_bytes = (int64_t)set;
    }
    return st;
}

/* The better of two tries, and the other. */
static chirp_status try_twice(const chirp_levels *levels, const chirp_level *level, bool read_only,
                              double budget_s, double *best, double *lower)
{
    const chirp_sweep sweep = {.threads = levels->threads,
                               .bytes_per_thread = level->bytes_per_thread,
                               .read_only = read_only,
                               .own_level = level->own};
    double speed[2] = {0};
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < 2 && st == CHIRP_OK; ++i)
        st = chirp_roofline_sweep(&sweep, budget_s / 2, &speed[i]);
    *best = speed[0] > speed[1] ? speed[0] : speed[1];
    *lower = speed[0] > speed[1] ? speed[1] : speed[0];
    return st;
}

chirp_status chirp_levels_measure(const chirp_host *m, int threads, double budget_s,
                                  bool with_latency, chirp_levels *levels)
{
    *levels = (chirp_levels){.threads = threads, .processors = m->affinity_count};
    levels->count = chirp_levels_plan(m, threads, levels->item);
    const time_t now = time(NULL);
    struct tm utc = {0};
    if (gmtime_r(&now, &utc))
        (void)strftime(levels->date, sizeof levels->date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    for (int i = 0; i < levels->count; ++i) {
        chirp_level *level = &levels->item[i];
        chirp_status st = try_twice(levels, level, true, budget_s, &level->read_bytes_per_second,
                                    &level->read_lower);
        if (st == CHIRP_OK)
            st = try_twice(levels, level, false, budget_s, &level->triad_bytes_per_second,
                           &level->triad_lower);
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
