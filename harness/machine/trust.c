/* What makes timings on this machine doubtful, and which machines may be compared. */
#include "harness/machine/machine.h"
#include "harness/base/hash.h"

#include <stdio.h>
#include <string.h>

/* About processors and the threads on them. @return how many */
static int doubt_processors(const chirp_host *m, int threads,
                            char text[CHIRP_MAX_WARNINGS][CHIRP_WARNING_BYTES])
{
    int n = 0;
    if (m->scaling)
        (void)snprintf(text[n++], CHIRP_WARNING_BYTES,
                       "governor %s changes the frequency: times depend on what ran before "
                       "(cpupower frequency-set -g performance)",
                       m->governor);
    if (m->turbo == 1)
        (void)snprintf(text[n++], CHIRP_WARNING_BYTES,
                       "turbo is on: the clock depends on temperature and on busy neighbours");
    const int processors = m->affinity_count > 0 ? m->affinity_count : m->logical_cpus;
    if (m->smt > 1 && m->physical_cores > 0 && threads > m->physical_cores)
        (void)snprintf(text[n++], CHIRP_WARNING_BYTES,
                       "%d threads share %d cores (SMT): ask for %d threads (--threads or "
                       "OMP_NUM_THREADS) and set OMP_PLACES=cores",
                       threads, m->physical_cores, m->physical_cores);
    if (m->hypervisor[0])
        (void)snprintf(text[n++], CHIRP_WARNING_BYTES,
                       "virtual machine (%s): other tenants and a hidden clock add noise; trust "
                       "ratios of one run",
                       m->hypervisor);
    if (m->n_load > 0 && m->logical_cpus > 0 && m->load[0] > 0.5 * m->logical_cpus)
        (void)snprintf(text[n++], CHIRP_WARNING_BYTES,
                       "load average %.2f on %d processors: something else is running", m->load[0],
                       m->logical_cpus);
    if (m->cpu_quota > 0 && m->cpu_quota < threads)
        (void)snprintf(text[n++], CHIRP_WARNING_BYTES,
                       "the cgroup grants %.2f processors to %d threads: they will be throttled",
                       m->cpu_quota, threads);
    if (processors > 0 && threads > processors)
        (void)snprintf(text[n++], CHIRP_WARNING_BYTES,
                       "%d threads on %d allowed processor%s (%s): they will take turns", threads,
                       processors, processors == 1 ? "" : "s",
                       m->affinity[0] ? m->affinity : "which ones is unknown");
    if (threads > 1 && strcmp(m->omp_proc_bind, "false") == 0)
        (void)snprintf(text[n++], CHIRP_WARNING_BYTES,
                       "threads are not pinned: set OMP_PROC_BIND=close OMP_PLACES=cores");
    return n;
}

/* Place in the order of what they can; 0 for other words. */
static int simd_rank(const char *simd)
{
    static const char *const names[] = {"", "sse2", "avx", "avx2", "avx512"};
    int rank = sizeof names / sizeof names[0] - 1;
    while (rank > 0 && strcmp(simd, names[rank]) != 0)
        --rank;
    return rank;
}

int chirp_host_warnings(const chirp_host *m, int threads,
                        char text[CHIRP_MAX_WARNINGS][CHIRP_WARNING_BYTES])
{
    int n = doubt_processors(m, threads, text);
    if (m->steal_percent > 1)
        (void)snprintf(text[n++], CHIRP_WARNING_BYTES,
                       "%.1f %% of processor time since boot went to other tenants (steal)",
                       m->steal_percent);
    if (m->memory_policy[0] && strcmp(m->memory_policy, "default") != 0 &&
        strcmp(m->memory_policy, "local") != 0)
        (void)snprintf(text[n++], CHIRP_WARNING_BYTES,
                       "memory policy %s: pages may lie on other nodes than the threads that use "
                       "them (numactl --show)",
                       m->memory_policy);
    if (m->clock_resolution_ns > 1000)
        (void)snprintf(text[n++], CHIRP_WARNING_BYTES,
                       "the clock moves in steps of %.0f ns: short repetitions can't be told apart",
                       m->clock_resolution_ns);
    if (m->clock_overhead_ns > 200)
        (void)snprintf(text[n++], CHIRP_WARNING_BYTES,
                       "reading the clock takes %.0f ns: no fast clock source is in use",
                       m->clock_overhead_ns);
    if (simd_rank(m->built_simd) < simd_rank(m->simd))
        (void)snprintf(text[n++], CHIRP_WARNING_BYTES,
                       "own kernels are compiled for %s, the processor has %s: build with "
                       "CHIRP_NATIVE=ON here, or unset CHIRPBENCH_LEVEL",
                       m->built_simd, m->simd);
    if (strstr(m->compiler_flags, "-O0") || !strstr(m->compiler_flags, "-O"))
        (void)snprintf(text[n++], CHIRP_WARNING_BYTES,
                       "built without optimisation: configure with --preset release");
    return n;
}

/* An identity to file results under. The byte behind each field ends it: "ab" and "c" are not "a" and "bc". */
static uint64_t mix(uint64_t hash, const char *text)
{
    return chirp_fnv(chirp_fnv(hash, text, strlen(text)), "\xff", 1);
}

uint64_t chirp_hash_text(const char *text) { return mix(CHIRP_FNV_START, text); }

void chirp_host_id(const chirp_host *m, char id[17])
{
    char numbers[96];
    uint64_t h = CHIRP_FNV_START;
    h = mix(h, m->cpu_model);
    h = mix(h, m->simd);
    h = mix(h, m->governor);
    h = mix(h, m->hypervisor);
    (void)snprintf(numbers, sizeof numbers, "%d %d %d %d %.2f", m->logical_cpus, m->smt, m->turbo,
                   m->numa_nodes, m->cpu_quota);
    h = mix(h, numbers);
    (void)snprintf(id, 17, "%016llx", (unsigned long long)h);
}
