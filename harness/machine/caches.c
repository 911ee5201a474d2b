/* The caches: from the kernel, else from the processor itself, for some virtual machines list none. */
#include "harness/machine/machine.h"

#include "harness/machine/machine_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static void add_cache(chirp_host *m, const chirp_cache *c)
{
    if (m->n_caches < CHIRP_MAX_CACHES && c->bytes > 0)
        m->cache[m->n_caches++] = *c;
}

static void from_kernel(chirp_host *m)
{
    for (int i = 0; i < CHIRP_MAX_CACHES; ++i) {
        char path[128];
        char text[64];
        chirp_cache c = {0};
        (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        if (!chirp_read_line(path, text, sizeof text))
            break;
        char *unit = NULL;
        c.bytes = strtol(text, &unit, 10);
        c.bytes *= *unit == 'K' ? 1024 : *unit == 'M' ? 1024 * 1024 : 1;
        (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
        c.level = (int)chirp_read_number(path, 0);
        (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/type", i);
        (void)chirp_read_line(path, c.type, sizeof c.type);
        (void)snprintf(path, sizeof path,
                       "/sys/devices/system/cpu/cpu0/cache/index%d/shared_cpu_list", i);
        c.sharing = chirp_read_line(path, text, sizeof text) ? chirp_count_list(text) : 0;
        add_cache(m, &c);
    }
}

bool chirp_cache_decode(unsigned a, unsigned b, unsigned c, chirp_cache *cache)
{
    static const char *const types[] = {"", "Data", "Instruction", "Unified"};
    const unsigned type = a & 0x1f;
    if (type < 1 || type > 3)
        return false;
    const int64_t ways = (b >> 22) + 1;
    const int64_t partitions = ((b >> 12) & 0x3ff) + 1;
    const int64_t line = (b & 0xfff) + 1;
    *cache = (chirp_cache){.level = (int)((a >> 5) & 7),
                           .bytes = ways * partitions * line * ((int64_t)c + 1),
                           .sharing = (int)((a >> 14) & 0xfff) + 1};
    (void)snprintf(cache->type, sizeof cache->type, "%s", types[type]);
    return true;
}

void chirp_caches_decode_amd(unsigned data, unsigned instruction, unsigned second, unsigned third,
                             chirp_host *m)
{
    const int core = m->smt > 0 ? m->smt : 1;
    add_cache(m, &(chirp_cache){"Data", 1, (int64_t)(data >> 24) * 1024, core});
    add_cache(m, &(chirp_cache){"Instruction", 1, (int64_t)(instruction >> 24) * 1024, core});
    add_cache(m, &(chirp_cache){"Unified", 2, (int64_t)(second >> 16) * 1024, core});
    m->l3_package_bytes = (int64_t)(third >> 18) * 512 * 1024;
}

static void from_processor(chirp_host *m)
{
#if defined(__x86_64__)
    static const unsigned leaves[] = {4, 0x8000001D}; /* Intel, AMD: the same layout */
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    for (int k = 0; k < 2 && m->n_caches == 0; ++k) {
        for (unsigned i = 0; i < CHIRP_MAX_CACHES; ++i) {
            chirp_cache cache;
            if (!__get_cpuid_count(leaves[k], i, &a, &b, &c, &d) ||
                !chirp_cache_decode(a, b, c, &cache))
                break;
            if (cache.sharing > m->logical_cpus) /* of the chip; a guest may own fewer */
                cache.sharing = m->logical_cpus;
            add_cache(m, &cache);
        }
    }
    unsigned first[2] = {0};
    if (m->n_caches == 0 && __get_cpuid(0x80000005, &a, &b, &first[0], &first[1]) &&
        __get_cpuid(0x80000006, &a, &b, &c, &d))
        chirp_caches_decode_amd(first[0], first[1], c, d, m);
#else
    (void)m;
#endif
}

void chirp_caches_read(chirp_host *m)
{
    from_kernel(m);
    const bool kernel = m->n_caches > 0;
    if (!kernel)
        from_processor(m);
    (void)snprintf(m->cache_source, sizeof m->cache_source, "%s",
                   kernel            ? "kernel"
                   : m->n_caches > 0 ? "cpuid"
                                     : "");
}

int64_t chirp_host_last_level_cache(const chirp_host *m)
{
    /* where the last level isn't known, the largest share of a core that is common */
    int64_t largest = m->n_caches == 0 || m->l3_package_bytes > 0 ? 32 << 20 : 0;
    for (int i = 0; i < m->n_caches; ++i)
        if (strcmp(m->cache[i].type, "Instruction") != 0 && m->cache[i].bytes > largest)
            largest = m->cache[i].bytes;
    return largest;
}
