/**
 * What a measurement should say about the machine it ran on, read by hwloc and from /proc, /sys and the processor itself.
 * Facts that can't be had are empty strings or negative numbers, never guesses.
 */
#ifndef CHIRP_HARNESS_MACHINE_MACHINE_H
#define CHIRP_HARNESS_MACHINE_MACHINE_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHIRP_MAX_CACHES = 16 };

typedef struct chirp_cache {
    char type[16]; /**< "Data", "Instruction", "Unified" */
    int level;
    int64_t bytes;
    int sharing; /**< logical processors that share it; 0 unknown */
} chirp_cache;

typedef struct chirp_host {
    char host[128], cpu_model[128],
        simd[64];        /**< simd: "avx512" "avx2" ... what own code may use here */
    char built_simd[16]; /**< what own SIMD code was compiled for: as simd */
    int logical_cpus, physical_cores, sockets; /**< 0 unknown */
    int smt;                                   /**< threads per core; 0 unknown */
    double mhz;                                /**< nominal or current, 0 unknown */
    chirp_cache cache[CHIRP_MAX_CACHES];
    int n_caches;
    char cache_source[16]; /**< "hwloc", "cpuid", "" when the caches are unknown */
    /** a third level of which only the package's sum is known; 0: none such */
    int64_t l3_package_bytes;
    int64_t memory_bytes; /**< negative unknown */
    int numa_nodes;       /**< 0 unknown */
    char governor[32];    /**< "" where there is no frequency scaling to see (VMs) */
    int scaling; /**< 1 the governor may change frequencies, 0 it may not or there is none to see */
    int turbo;   /**< 1 on, 0 off, -1 unknown */
    int aslr;    /**< 1 on, 0 off, -1 unknown */
    char hypervisor[32]; /**< "" on bare metal; "KVM", "Xen", "unknown" ... */
    double load[3];
    int n_load;
    double cpu_quota;   /**< processors granted by the cgroup; 0: no limit */
    char affinity[128]; /**< processors this process, or its bound team, may use, "0-3,8" */
    int affinity_count;
    char memory_policy[32];                 /**< "default", "bind", "interleave", ... "" unknown */
    char transparent_huge_pages[16];        /**< "always", "madvise", "never", "" unknown */
    char omp_places[64], omp_proc_bind[32]; /**< as they took effect: "2 places", "close" */
    int omp_threads;
    char compiler[64], compiler_flags[1024], git_commit[48];
    double clock_resolution_ns,
        clock_overhead_ns; /**< of CLOCK_MONOTONIC: smallest step seen, cost of one read */
    /** of processor time since boot taken by other tenants; negative unknown */
    double steal_percent;
} chirp_host;

/** Reads everything; some ten milliseconds. Never fails: what can't be read is said to be unknown. */
void chirp_host_read(chirp_host *machine);

/** Largest data or unified cache, bytes; 32 MiB where the last level is unknown. */
int64_t chirp_host_last_level_cache(const chirp_host *machine);

enum { CHIRP_MAX_WARNINGS = 16, CHIRP_WARNING_BYTES = 256 };

/**
 * Sentences about what makes timings on this machine doubtful. @return how many
 * @param threads  the most that are used at a time
 */
int chirp_host_warnings(const chirp_host *machine, int threads,
                        char text[CHIRP_MAX_WARNINGS][CHIRP_WARNING_BYTES]);

/** Hash of the fields that must agree for two results to be comparable: 16 hex digits and NUL. */
void chirp_host_id(const chirp_host *machine, char id[17]);

/** The hash of a text, to name a file by: no secret. */
uint64_t chirp_hash_text(const char *text);

struct cJSON;

/** Members of a JSON object about the machine; false when out of memory. Caches and loads as in Google Benchmark's context. */
bool chirp_host_add_caches(struct cJSON *object, const chirp_host *machine);
bool chirp_host_add_loads(struct cJSON *object, const chirp_host *machine);
/** "warnings": an array of the sentences of chirp_host_warnings(). */
bool chirp_host_add_warnings(struct cJSON *object, const chirp_host *machine, int threads);
/** An integer, or null where it is unknown: not positive. */
bool chirp_host_add_count(struct cJSON *object, const char *key, int64_t value);
/** machine_id, cpu_model, governor, affinity, compiler and the rest of the identity. */
bool chirp_host_add_facts(struct cJSON *object, const chirp_host *machine);

#endif
