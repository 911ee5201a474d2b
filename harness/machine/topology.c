/* Processors, cores, NUMA nodes and caches: from hwloc, which asks the kernel and the processor. */
#include "harness/machine/machine.h"

#include "harness/machine/machine_internal.h"
#include "harness/machine/team.h"

#include <hwloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static void add_cache(chirp_host *m, const chirp_cache *c)
{
    if (m->n_caches < CHIRP_MAX_CACHES && c->bytes > 0)
        m->cache[m->n_caches++] = *c;
}

/* 0 where hwloc knows of none. */
static int count(hwloc_topology_t topology, hwloc_obj_type_t type)
{
    const int n = hwloc_get_nbobjs_by_type(topology, type);
    return n > 0 ? n : 0;
}

static const char *cache_type(const hwloc_obj_t cache)
{
    return cache->attr->cache.type == HWLOC_OBJ_CACHE_DATA          ? "Data"
           : cache->attr->cache.type == HWLOC_OBJ_CACHE_INSTRUCTION ? "Instruction"
                                                                    : "Unified";
}

/* Those of the first processor, the nearest first, data before instructions. */
static void read_caches(chirp_host *m, hwloc_topology_t topology)
{
    static const hwloc_obj_type_t types[] = {
        HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L1ICACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L2ICACHE,
        HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L3ICACHE, HWLOC_OBJ_L4CACHE, HWLOC_OBJ_L5CACHE};
    const hwloc_obj_t processor = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PU, 0);
    for (size_t i = 0; processor && i < sizeof types / sizeof types[0]; ++i) {
        const hwloc_obj_t cache = hwloc_get_ancestor_obj_by_type(topology, types[i], processor);
        if (!cache)
            continue;
        chirp_cache c = {.level = (int)cache->attr->cache.depth,
                         .bytes = (int64_t)cache->attr->cache.size,
                         .sharing = hwloc_bitmap_weight(cache->cpuset)};
        (void)snprintf(c.type, sizeof c.type, "%s", cache_type(cache));
        add_cache(m, &c);
    }
}

bool chirp_topology_load(hwloc_topology_t topology)
{
    /* also what a container may not use: a result says what the machine is, `affinity` what was allowed */
    return hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) == 0 &&
           hwloc_topology_set_icache_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL) == 0 &&
           hwloc_topology_load(topology) == 0;
}

void chirp_topology_facts(chirp_host *m, hwloc_topology_t topology)
{
    m->logical_cpus = count(topology, HWLOC_OBJ_PU);
    m->physical_cores = count(topology, HWLOC_OBJ_CORE);
    m->sockets = count(topology, HWLOC_OBJ_PACKAGE);
    /* where nothing is known of nodes, hwloc makes up one without memory */
    const bool nodes = hwloc_get_root_obj(topology)->total_memory > 0;
    m->numa_nodes = nodes ? count(topology, HWLOC_OBJ_NUMANODE) : 0;
    for (int i = 0; i < m->physical_cores; ++i) {
        const hwloc_obj_t core = hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, (unsigned)i);
        const int threads = hwloc_bitmap_weight(core->cpuset);
        m->smt = threads > m->smt ? threads : m->smt;
    }
    read_caches(m, topology);
    if (m->n_caches > 0)
        (void)snprintf(m->cache_source, sizeof m->cache_source, "hwloc");
}

void chirp_caches_decode_amd(unsigned data, unsigned instruction, unsigned second, unsigned third,
                             chirp_host *m)
{
    const int core = m->smt > 0 ? m->smt : 1;
    add_cache(m, &(chirp_cache){"Data", 1, (int64_t)(data >> 24) * 1024, core});
    add_cache(m, &(chirp_cache){"Instruction", 1, (int64_t)(instruction >> 24) * 1024, core});
    add_cache(m, &(chirp_cache){"Unified", 2, (int64_t)(second >> 16) * 1024, core});
    m->l3_package_bytes = (int64_t)(third >> 18) * 512 * 1024;
    if (m->n_caches > 0)
        (void)snprintf(m->cache_source, sizeof m->cache_source, "cpuid");
}

/* hwloc finds none behind hypervisors that hide the leaf of AMD's topology extensions. */
static void read_older_leaves(chirp_host *m)
{
#if defined(__x86_64__)
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    unsigned first[2] = {0};
    if (__get_cpuid(0x80000005, &a, &b, &first[0], &first[1]) &&
        __get_cpuid(0x80000006, &a, &b, &c, &d))
        chirp_caches_decode_amd(first[0], first[1], c, d, m);
#else
    (void)m;
#endif
}

void chirp_topology_read(chirp_host *m)
{
    hwloc_topology_t topology = NULL;
    /* the system answers where /proc can't be read, which hwloc needs */
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page = sysconf(_SC_PAGESIZE);
    m->memory_bytes = pages > 0 && page > 0 ? (int64_t)pages * page : -1;
    if (hwloc_topology_init(&topology) == 0) {
        if (chirp_topology_load(topology))
            chirp_topology_facts(m, topology);
        hwloc_topology_destroy(topology);
    }
    if (m->n_caches == 0)
        read_older_leaves(m);
}

void chirp_affinity_read(chirp_host *m)
{
    cpu_set_t set;
    hwloc_bitmap_t allowed = chirp_team_processors(&set) ? hwloc_bitmap_alloc() : NULL;
    if (!allowed)
        return;
    for (unsigned i = 0; i < CPU_SETSIZE; ++i)
        if (CPU_ISSET(i, &set) && hwloc_bitmap_set(allowed, i) == 0)
            ++m->affinity_count;
    const int length = hwloc_bitmap_list_snprintf(m->affinity, sizeof m->affinity, allowed);
    char *comma = length >= (int)sizeof m->affinity ? strrchr(m->affinity, ',') : NULL;
    if (comma)
        *comma = '\0'; /* no half numbers */
    hwloc_bitmap_free(allowed);
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
