/* Machine, counters and roofs: what they say must be consistent, and what is absent must say why. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/counters/counters.h"
#include "harness/machine/machine.h"
#include "harness/machine/machine_internal.h"
#include "harness/roofline/levels.h"
#include "harness/roofline/roofline.h"

#include <cjson/cJSON.h>
#include <hwloc.h>
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What is read of a made-up machine, in the language of hwloc_topology_set_synthetic(). */
static chirp_host synthetic(const char *description)
{
    chirp_host m = {0};
    hwloc_topology_t topology = NULL;
    assert_int_equal(hwloc_topology_init(&topology), 0);
    assert_int_equal(hwloc_topology_set_synthetic(topology, description), 0);
    assert_true(chirp_topology_load(topology));
    chirp_topology_facts(&m, topology);
    hwloc_topology_destroy(topology);
    return m;
}

static void assert_cache(const chirp_cache *c, const char *type, int level, int64_t bytes,
                         int sharing)
{
    assert_string_equal(c->type, type);
    assert_int_equal(c->level, level);
    assert_int_equal(c->bytes, bytes);
    assert_int_equal(c->sharing, sharing);
}

static void topologies_are_read(void **state)
{
    (void)state;
    /* two packages of two NUMA nodes, with SMT; the third level belongs to four cores */
    chirp_host m = synthetic("pack:2 group:2 [numa(memory=8GiB)] l3:2(size=32MiB) l2:4(size=1MiB) "
                             "l1d:1(size=48KiB) l1i:1(size=32KiB) core:1 pu:2");
    assert_int_equal(m.logical_cpus, 64);
    assert_int_equal(m.physical_cores, 32);
    assert_int_equal(m.sockets, 2);
    assert_int_equal(m.numa_nodes, 4);
    assert_int_equal(m.smt, 2);
    assert_string_equal(m.cache_source, "hwloc");
    assert_int_equal(m.n_caches, 4);
    assert_cache(&m.cache[0], "Data", 1, 48 << 10, 2);
    assert_cache(&m.cache[1], "Instruction", 1, 32 << 10, 2);
    assert_cache(&m.cache[2], "Unified", 2, 1 << 20, 2);
    assert_cache(&m.cache[3], "Unified", 3, 32 << 20, 8);
    assert_true(chirp_host_last_level_cache(&m) == 32 << 20);
    /* one package without SMT, no third level, a second one that two cores share */
    m = synthetic("pack:1 l2:2(size=512KiB) core:2 l1d:1(size=32KiB) pu:1");
    assert_true(m.logical_cpus == 4 && m.physical_cores == 4 && m.smt == 1 && m.numa_nodes == 1);
    assert_int_equal(m.n_caches, 2);
    assert_cache(&m.cache[1], "Unified", 2, 512 << 10, 2);
    /* nothing but processors: cores, packages and caches are unknown */
    m = synthetic("pu:3");
    assert_true(m.logical_cpus == 3 && m.physical_cores == 0 && m.sockets == 0 && m.smt == 0);
    assert_true(m.n_caches == 0 && m.cache_source[0] == '\0');
    assert_true(chirp_host_last_level_cache(&m) == 32 << 20);
}

static void caches_are_decoded_from_older_leaves(void **state)
{
    (void)state;
    /* Zen 5 behind a hypervisor, leaves 0x80000005 and 6 */
    chirp_host m = {.logical_cpus = 2, .smt = 1};
    chirp_caches_decode_amd(0x300c0140, 0x20080140, 0x04006140, 0x0fe09140, &m);
    assert_int_equal(m.n_caches, 3);
    assert_string_equal(m.cache_source, "cpuid");
    assert_true(m.cache[0].bytes == 48 << 10 && m.cache[1].bytes == 32 << 10);
    assert_string_equal(m.cache[1].type, "Instruction");
    assert_true(m.cache[2].level == 2 && m.cache[2].bytes == 1 << 20 && m.cache[2].sharing == 1);
    assert_true(m.l3_package_bytes == INT64_C(508) << 20);
    assert_true(chirp_host_last_level_cache(&m) == 32 << 20); /* not the 1 MiB that is known */
    m.l3_package_bytes = 0;
    assert_true(chirp_host_last_level_cache(&m) == 1 << 20);
}

static void hypervisors_have_names(void **state)
{
    (void)state;
    char name[32];
    chirp_hypervisor_name("KVMKVMKVM", name, sizeof name);
    assert_string_equal(name, "KVM");
    chirp_hypervisor_name("New  Thing\1 ", name, sizeof name);
    assert_string_equal(name, "NewThing");
    chirp_hypervisor_name("", name, sizeof name);
    assert_string_equal(name, "unknown");
    chirp_hypervisor_name("VMwareVMware", name, 4);
    assert_string_equal(name, "VMw");
}

static void the_machine_is_consistent(void **state)
{
    (void)state;
    chirp_host m;
    char id[2][17];
    static char warnings[CHIRP_MAX_WARNINGS][CHIRP_WARNING_BYTES];
    chirp_host_read(&m);
    assert_true(m.logical_cpus >= 1 && m.affinity_count >= 1);
    hwloc_bitmap_t allowed = hwloc_bitmap_alloc();
    assert_int_equal(hwloc_bitmap_list_sscanf(allowed, m.affinity), 0);
    assert_int_equal(hwloc_bitmap_weight(allowed), m.affinity_count);
    hwloc_bitmap_free(allowed);
    assert_true(m.clock_overhead_ns > 0 && m.clock_overhead_ns < 1e5);
    assert_int_equal(m.omp_threads, omp_get_max_threads());
    assert_true(chirp_host_last_level_cache(&m) >= 1 << 15);
    assert_true(strlen(m.compiler) > 0 && strlen(m.compiler_flags) > 0);
    chirp_host_id(&m, id[0]);
    m.load[0] = 99; /* the load is no part of the identity, the governor is */
    chirp_host_id(&m, id[1]);
    assert_string_equal(id[0], id[1]);
    (void)snprintf(m.governor, sizeof m.governor, "%s", "something else");
    chirp_host_id(&m, id[1]);
    assert_string_not_equal(id[0], id[1]);
    m.scaling = 1;
    m.n_load = 1;
    m.cpu_quota = 0.5;
    m.clock_resolution_ns = 4e6; /* a clock of jiffies */
    (void)snprintf(m.memory_policy, sizeof m.memory_policy, "%s", "interleave");
    const int n = chirp_host_warnings(&m, m.omp_threads, warnings);
    bool governor = false;
    bool load = false;
    bool quota = false;
    bool clock = false;
    bool policy = false;
    for (int i = 0; i < n; ++i) {
        governor |= strstr(warnings[i], "something else") != NULL;
        load |= strstr(warnings[i], "99.00") != NULL;
        clock |= strstr(warnings[i], "4000000 ns") != NULL;
        policy |= strstr(warnings[i], "interleave") != NULL;
        quota |= strstr(warnings[i], "cgroup") != NULL;
    }
    assert_true(governor && load && quota && clock && policy);
}

/* Writes a file below a folder, and the folders on the way. */
static void put(const char *folder, const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s%s", folder, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(chirp_make_directories(path), CHIRP_OK);
    *slash = '/';
    assert_int_equal(chirp_file_write(path, text, strlen(text)), CHIRP_OK);
}

static void quotas_of_subgroups_are_found(void **state)
{
    (void)state;
    char folder[] = "/tmp/chirp-cgroup-XXXXXX";
    assert_non_null(mkdtemp(folder));
    assert_true(chirp_cpu_quota(folder) == 0); /* no cgroups at all */
    /* version 1 beside version 2, mounted under the controllers' names, the process in a subgroup */
    put(folder, "/proc/self/mountinfo",
        "25 30 0:22 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
        "26 25 0:23 / /sys/fs/cgroup/unified rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
        "27 25 0:24 / /sys/fs/cgroup/cpuset rw shared:5 - cgroup cgroup rw,cpuset\n"
        "28 25 0:25 / /sys/fs/cgroup/cpu,cpuacct rw shared:6 - cgroup cgroup rw,cpu,cpuacct\n");
    put(folder, "/proc/self/cgroup", "5:cpuset:/other\n4:cpu,cpuacct:/batch/job 7\n0::/\n");
    assert_true(chirp_cpu_quota(folder) == 0); /* no limit anywhere */
    const char *const group = "/sys/fs/cgroup/cpu,cpuacct/batch";
    char name[128];
    (void)snprintf(name, sizeof name, "%s/job 7/cpu.cfs_quota_us", group);
    put(folder, name, "150000\n");
    (void)snprintf(name, sizeof name, "%s/job 7/cpu.cfs_period_us", group);
    put(folder, name, "100000\n");
    assert_true(chirp_cpu_quota(folder) == 1.5);
    (void)snprintf(name, sizeof name, "%s/cpu.cfs_period_us", group);
    put(folder, name, "100000\n");
    (void)snprintf(name, sizeof name, "%s/cpu.cfs_quota_us", group);
    put(folder, name, "-1\n"); /* none of its own */
    assert_true(chirp_cpu_quota(folder) == 1.5);
    put(folder, name, "50000\n"); /* a parent's limit holds, too */
    assert_true(chirp_cpu_quota(folder) == 0.5);
    put(folder, "/sys/fs/cgroup/unified/cpu.max", "25000 100000\n");
    assert_true(chirp_cpu_quota(folder) == 0.25);
    put(folder, "/sys/fs/cgroup/unified/cpu.max", "max 100000\n");
    /* a container sees a part of the host's tree under a name with a space */
    put(folder, "/proc/self/mountinfo",
        "28 25 0:25 /batch /my\\040groups rw - cgroup cgroup rw,cpuacct,cpu\n");
    put(folder, "/my groups/job 7/cpu.cfs_quota_us", "300000\n");
    put(folder, "/my groups/job 7/cpu.cfs_period_us", "100000\n");
    assert_true(chirp_cpu_quota(folder) == 3);
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

static bool warns(const chirp_host *m, int threads, const char *words)
{
    static char text[CHIRP_MAX_WARNINGS][CHIRP_WARNING_BYTES];
    const int n = chirp_host_warnings(m, threads, text);
    for (int i = 0; i < n; ++i)
        if (strstr(text[i], words))
            return true;
    return false;
}

static void doubts_go_by_the_threads_in_use(void **state)
{
    (void)state;
    chirp_host m = {.logical_cpus = 4, .smt = 2, .physical_cores = 2, .omp_threads = 8};
    (void)snprintf(m.omp_proc_bind, sizeof m.omp_proc_bind, "false");
    assert_false(warns(&m, 1, "thread")); /* whatever OMP_NUM_THREADS says */
    assert_true(warns(&m, 3, "3 threads share 2 cores"));
    assert_true(warns(&m, 2, "not pinned"));
    assert_true(warns(&m, 5, "5 threads on 4 allowed processors"));
    m.omp_threads = 1;
    m.affinity_count = 1; /* all that taskset left */
    (void)snprintf(m.affinity, sizeof m.affinity, "3");
    assert_true(warns(&m, 2, "2 threads on 1 allowed processor (3)"));
    m.cpu_quota = 1.5;
    assert_true(warns(&m, 2, "grants 1.50 processors to 2 threads"));
    assert_false(warns(&m, 1, "grants"));
    m.physical_cores = 0; /* unknown: nothing to compare with */
    assert_false(warns(&m, 3, "share"));
}

/* Own kernels for less than the processor has; none for the same, and for processors without such an order. */
static void slower_kernels_are_a_doubt(void **state)
{
    (void)state;
    static const struct {
        const char *built, *has;
        bool doubt;
    } cases[] = {{"sse2", "avx2", true},
                 {"avx2", "avx512", true},
                 {"avx2", "avx2", false},
                 {"avx512", "avx512", false},
                 {"asimd", "asimd", false}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; ++k) {
        chirp_host m = {0};
        (void)snprintf(m.built_simd, sizeof m.built_simd, "%s", cases[k].built);
        (void)snprintf(m.simd, sizeof m.simd, "%s", cases[k].has);
        assert_int_equal(warns(&m, 1, "own kernels are compiled for"), cases[k].doubt);
    }
}

static void what_is_unknown_is_null(void **state)
{
    (void)state;
    const chirp_host nothing = {.memory_bytes = -1, .turbo = -1};
    static const char *const numbers[] = {"physical_cores", "sockets", "threads_per_core",
                                          "numa_nodes", "memory_bytes"};
    static const char *const texts[] = {"cpu_model", "simd", "affinity", "cache_source", "turbo"};
    cJSON *o = cJSON_CreateObject();
    assert_true(chirp_host_add_facts(o, &nothing));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i)
        assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(o, numbers[i])));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; ++i)
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, texts[i])),
                            "unknown");
    cJSON_Delete(o);
}

/* What the process says when its threads are bound: 0 when it counts all its places and doesn't complain. */
static int bound_process(void)
{
    static char warnings[CHIRP_MAX_WARNINGS][CHIRP_WARNING_BYTES];
    chirp_host m;
    chirp_host_read(&m);
    const int n = chirp_host_warnings(&m, m.omp_threads, warnings);
    for (int i = 0; i < n; ++i)
        if (strstr(warnings[i], "take turns") || strstr(warnings[i], "not pinned"))
            return 1;
    return m.affinity_count >= 2 && strcmp(m.omp_proc_bind, "close") == 0 ? 0 : 2;
}

static void a_bound_team_is_not_one_processor(void **state)
{
    (void)state;
    chirp_host m;
    int status = 0;
    chirp_host_read(&m);
    if (m.affinity_count < 2)
        skip();
    (void)fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) { /* OpenMP reads its environment when a program starts */
        (void)setenv("OMP_NUM_THREADS", "2", 1);
        (void)setenv("OMP_PROC_BIND", "close", 1);
        (void)setenv("OMP_PLACES", "threads", 1);
        (void)execl("/proc/self/exe", "test_machine", "--bound", (char *)NULL);
        _exit(3);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void absent_events_have_reasons(void **state)
{
    (void)state;
    chirp_events *e = NULL;
    assert_int_equal(
        chirp_events_open("no_such_event,page-faults,PAPI_TOT_INS,page-faults", 2, false, &e),
        CHIRP_OK);
    assert_int_equal(chirp_events_count(e), 3); /* named twice, counted once */
    assert_non_null(chirp_events_reason(e, 0));
    assert_non_null(strstr(chirp_events_reason(e, 0), "no event of this name"));
    assert_null(chirp_events_reason(e, 1));
    chirp_events_start(e);
    volatile char *fresh = malloc(64 << 20);
    assert_non_null(fresh);
    for (size_t i = 0; i < 64 << 20; i += 4096)
        fresh[i] = 1;
    chirp_events_stop(e);
    free((void *)(uintptr_t)fresh);
    assert_true(chirp_events_value(e, 1) >= 1);
    const double once = chirp_events_value(e, 1);
    chirp_events_start(e);
    chirp_events_stop(e);
    assert_true(chirp_events_value(e, 1) >= once); /* stretches add up */
    if (!chirp_events_reason(e, 2))
        assert_true(chirp_events_value(e, 2) > 64 << 8); /* at least an instruction per page */
    else
        assert_true(strlen(chirp_events_reason(e, 2)) > 0 && chirp_events_value(e, 2) == 0);
    chirp_events_reset(e);
    assert_true(chirp_events_value(e, 1) == 0);
    chirp_events_close(e);
    assert_int_equal(chirp_events_open("", 1, false, &e), CHIRP_ERR_ARG);
    assert_int_equal(chirp_events_open("a,,b", 1, false, &e), CHIRP_ERR_ARG);
    chirp_events_close(NULL);
}

static void software_events_stand_in(void **state)
{
    (void)state;
    chirp_events *e = NULL;
    assert_int_equal(chirp_events_open("no_such_event", 1, false, &e), CHIRP_OK);
    assert_int_equal(chirp_events_count(e), 4);
    assert_string_equal(chirp_events_name(e, 3), "task-clock-ns");
    chirp_events_start(e);
    volatile double sink = 1;
    for (int i = 0; i < 2000000; ++i)
        sink = sink * 1.0000001;
    chirp_events_stop(e);
    assert_true(chirp_events_value(e, 3) >
                1e5); /* two million dependent multiplications take longer */
    chirp_events_close(e);
}

/* Events of the software kind through PAPI count each thread by itself; the sum must hold the work of all. */
static void events_are_summed_over_threads(void **state)
{
    (void)state;
    chirp_events *e = NULL;
    assert_int_equal(chirp_events_open("perf::CPU-CLOCK,task-clock-ns", 3, false, &e), CHIRP_OK);
    if (chirp_events_reason(e, 0)) {
        print_message("no perf::CPU-CLOCK here: %s\n", chirp_events_reason(e, 0));
        chirp_events_close(e);
        skip();
        return;
    }
    chirp_events_start(e);
    double total = 0;
#pragma omp parallel num_threads(3) reduction(+ : total)
    {
        volatile double sink = 1;
        for (int i = 0; i < 20000000; ++i)
            sink = sink * 1.0000001;
        total += sink;
    }
    chirp_events_stop(e);
    assert_true(total > 3);
    const double ratio = chirp_events_value(e, 0) / chirp_events_value(e, 1);
    assert_true(
        ratio > 0.8 &&
        ratio < 1.25); /* the whole process's clock says the same; one thread alone had a third */
    chirp_events_close(e);
}

static void count_preset(void *state, const char *name, const char *description, const char *reason)
{
    int *n = state;
    assert_true(strncmp(name, "PAPI_", 5) == 0 && description);
    assert_true(!reason || strlen(reason) > 0);
    ++*n;
}

static void every_preset_counts_or_says_why(void **state)
{
    (void)state;
    int n = 0;
    assert_int_equal(chirp_events_presets(count_preset, &n), CHIRP_OK);
    assert_true(n > 50);
}

static void fma_kernels_agree_with_their_limit(void **state)
{
    (void)state;
    for (const chirp_fma_kernel *k = chirp_fma_kernels; k->name; ++k)
        if (k->supported()) {
            const double lanes = 0.5 * k->flops_per_step; /* every chain tends to 1 */
            assert_true(fabs((double)k->run(20000) / lanes - 1) < 1e-3);
        }
    chirp_fma_peak one;
    chirp_fma_peak again;
    assert_int_equal(chirp_roofline_fma(1, 0.02, &one), CHIRP_OK);
    assert_true(one.gflops > 0.1 && one.name);
    assert_int_equal(chirp_roofline_fma(1, 0.02, &again), CHIRP_OK);
    assert_true(again.gflops == one.gflops); /* once per process */
    assert_int_equal(chirp_roofline_fma_again(1, 0.02, &again), CHIRP_OK);
    assert_true(again.gflops >= one.gflops);
    assert_int_equal(chirp_roofline_fma(0, 0.02, &one), CHIRP_ERR_ARG);
}

static void a_chase_visits_every_line(void **state)
{
    (void)state;
    chirp_chase c;
    assert_int_equal(chirp_chase_create(64 * 257, &c), CHIRP_OK);
    void **start = c.at;
    for (size_t i = 1; i < c.lines; ++i) {
        chirp_chase_run(&c, 1);
        assert_true(c.at != start);
    }
    chirp_chase_run(&c, 1);
    assert_true(c.at == start);
    chirp_chase_destroy(&c);
    assert_int_equal(chirp_chase_create(64, &c), CHIRP_ERR_ARG);
}

/* Speeds that nothing speaks against, whatever else runs on the machine of the test. */
static void trust(chirp_levels *levels)
{
    levels->processors = levels->threads;
    for (int i = 0; i < levels->count; ++i) {
        chirp_level *l = &levels->item[i];
        l->read_bytes_per_second = l->read_lower = 1e9 * (levels->count - i);
        l->triad_bytes_per_second = l->triad_lower = l->read_lower;
    }
}

static void levels_are_kept_and_the_roof_bends(void **state)
{
    (void)state;
    char folder[] = "/tmp/chirp-cache-XXXXXX";
    chirp_host m = {
        .cpu_model = "made up", .logical_cpus = 2, .memory_bytes = INT64_C(1) << 28, .n_caches = 2};
    m.cache[0] = (chirp_cache){"Data", 1, 32768, 1};
    m.cache[1] = (chirp_cache){"Unified", 2, 524288, 1};
    chirp_levels made;
    chirp_levels read;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("XDG_CACHE_HOME", folder, 1), 0);
    assert_false(chirp_levels_load(&m, 2, &read));
    assert_int_equal(chirp_levels_measure(&m, 2, 0.005, true, &made), CHIRP_OK);
    assert_int_equal(made.count, 3);
    for (int i = 0; i < made.count; ++i)
        assert_true(made.item[i].read_bytes_per_second > 0 &&
                    made.item[i].triad_bytes_per_second > 0 && made.item[i].latency_ns > 0);
    trust(&made);
    assert_true(chirp_levels_store(&m, &made));
    assert_true(chirp_levels_load(&m, 2, &read));
    assert_true(read.item[1].read_bytes_per_second == made.item[1].read_bytes_per_second);
    m.cache[1].bytes *= 2; /* another machine under the same name: what was kept does not fit */
    assert_false(chirp_levels_load(&m, 2, &read));
    /* a third level of unknown extent: measured, kept and read back */
    chirp_host guest = m;
    guest.memory_bytes = INT64_C(1) << 30;
    guest.l3_package_bytes = INT64_C(64) << 20;
    chirp_levels found;
    assert_int_equal(chirp_levels_measure(&guest, 1, 0.002, false, &found), CHIRP_OK);
    assert_int_equal(found.count, 4);
    assert_string_equal(found.item[2].name, "L3");
    assert_true(found.item[2].bytes_per_thread > (size_t)found.item[1].capacity_bytes);
    assert_true(found.item[2].capacity_bytes >= (int64_t)found.item[2].bytes_per_thread &&
                found.item[2].capacity_bytes < (int64_t)found.item[3].bytes_per_thread);
    trust(&found);
    assert_true(chirp_levels_store(&guest, &found));
    assert_true(chirp_levels_load(&guest, 1, &read));
    assert_true(read.item[2].capacity_bytes == found.item[2].capacity_bytes);
    int level = -1;
    made.item[0].read_bytes_per_second = 100e9;
    made.item[2].read_bytes_per_second = 10e9;
    assert_true(fabs(chirp_levels_roof(&made, 50, 1000, 10000, &level) - 10) <
                1e-9); /* 0.1 flop/byte in L1: 10 GFLOP/s */
    assert_int_equal(level, 0);
    assert_true(fabs(chirp_levels_roof(&made, 50, 2e8, 1e8, &level) - 20) <
                1e-9); /* 2 flop/byte from memory */
    assert_int_equal(level, 2);
    assert_true(chirp_levels_roof(&made, 50, 2e9, 1e8, &level) == 50); /* the flat part */
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--bound") == 0)
        return bound_process();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topologies_are_read),
        cmocka_unit_test(caches_are_decoded_from_older_leaves),
        cmocka_unit_test(hypervisors_have_names),
        cmocka_unit_test(the_machine_is_consistent),
        cmocka_unit_test(slower_kernels_are_a_doubt),
        cmocka_unit_test(quotas_of_subgroups_are_found),
        cmocka_unit_test(doubts_go_by_the_threads_in_use),
        cmocka_unit_test(what_is_unknown_is_null),
        cmocka_unit_test(a_bound_team_is_not_one_processor),
        cmocka_unit_test(absent_events_have_reasons),
        cmocka_unit_test(software_events_stand_in),
        cmocka_unit_test(events_are_summed_over_threads),
        cmocka_unit_test(every_preset_counts_or_says_why),
        cmocka_unit_test(fma_kernels_agree_with_their_limit),
        cmocka_unit_test(a_chase_visits_every_line),
        cmocka_unit_test(levels_are_kept_and_the_roof_bends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
