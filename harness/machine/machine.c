#include "harness/machine/machine.h"

#include "harness/base/clock.h"
#include "harness/machine/machine_internal.h"

#include <ctype.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

bool chirp_read_line(const char *path, char *text, size_t room)
{
    text[0] = '\0';
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    const bool ok = fgets(text, (int)room, file) != NULL;
    (void)fclose(file); /* only read from */
    text[strcspn(text, "\n")] = '\0';
    return ok;
}

double chirp_read_number(const char *path, double otherwise)
{
    char text[64];
    char *end = NULL;
    if (!chirp_read_line(path, text, sizeof text))
        return otherwise;
    const double value = strtod(text, &end);
    return end == text ? otherwise : value;
}

/* /proc/cpuinfo: "key<tab>: value" lines, one block per logical processor. */
static void read_cpuinfo(chirp_host *m)
{
    char line[4096];
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (!colon)
            continue;
        const char *value = colon + 1 + (colon[1] == ' ');
        colon[strcspn(colon, "\n")] = '\0';
        if (strncmp(line, "model name", 10) == 0 && !m->cpu_model[0])
            (void)snprintf(m->cpu_model, sizeof m->cpu_model, "%.127s", value);
        else if (strncmp(line, "cpu MHz", 7) == 0 && m->mhz == 0)
            m->mhz = strtod(value, NULL);
    }
    (void)fclose(file);
}

static void read_frequency(chirp_host *m)
{
    char text[64];
    m->turbo = -1;
    if (chirp_read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", m->governor,
                        sizeof m->governor))
        m->scaling = strcmp(m->governor, "performance") != 0;
    if (chirp_read_line("/sys/devices/system/cpu/intel_pstate/no_turbo", text, sizeof text))
        m->turbo = text[0] == '0';
    else if (chirp_read_line("/sys/devices/system/cpu/cpufreq/boost", text, sizeof text))
        m->turbo = text[0] == '1';
    const double khz =
        chirp_read_number("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", 0);
    if (khz > 0)
        m->mhz = khz / 1000;
    m->aslr = (int)chirp_read_number("/proc/sys/kernel/randomize_va_space", -1);
    m->aslr = m->aslr > 0 ? 1 : m->aslr;
}

void chirp_hypervisor_name(const char *signature, char *name, size_t room)
{
    static const struct {
        const char *signature, *name;
    } known[] = {{"KVMKVMKVM", "KVM"},     {"Microsoft Hv", "Hyper-V"},  {"VMwareVMware", "VMware"},
                 {"XenVMMXenVMM", "Xen"},  {"TCGTCGTCGTCG", "QEMU"},     {"bhyve bhyve ", "bhyve"},
                 {"ACRNACRNACRN", "ACRN"}, {" lrpepyh  vr", "Parallels"}};
    size_t used = 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i) {
        if (strcmp(known[i].signature, signature) == 0) {
            (void)snprintf(name, room, "%s", known[i].name);
            return;
        }
    }
    /* a stranger is better named by its own word than not at all */
    for (const char *p = signature; *p && used + 1 < room; ++p)
        if (isgraph((unsigned char)*p))
            name[used++] = *p;
    name[used] = '\0';
    if (used == 0)
        (void)snprintf(name, room, "unknown");
}

static void read_processor(chirp_host *m)
{
#if defined(__x86_64__)
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    (void)snprintf(m->simd, sizeof m->simd, "%s",
                   __builtin_cpu_supports("avx512f") ? "avx512"
                   : __builtin_cpu_supports("avx2")  ? "avx2"
                   : __builtin_cpu_supports("avx")   ? "avx"
                                                     : "sse2");
    if (__get_cpuid(1, &a, &b, &c, &d) && (c >> 31) != 0) { /* the bit that hypervisors set */
        char name[13] = "";
        __cpuid(0x40000000, a, b, c, d);
        memcpy(name, &b, 4);
        memcpy(name + 4, &c, 4);
        memcpy(name + 8, &d, 4);
        chirp_hypervisor_name(name, m->hypervisor, sizeof m->hypervisor);
    }
#elif defined(__aarch64__)
    (void)snprintf(m->simd, sizeof m->simd, "asimd");
#endif
}

static void read_system(chirp_host *m)
{
    char text[256];
    if (gethostname(m->host, sizeof m->host) != 0)
        m->host[0] = '\0';
    m->host[sizeof m->host - 1] = '\0';
    const int loads = getloadavg(m->load, 3);
    m->n_load = loads > 0 ? loads : 0;
#ifdef SYS_get_mempolicy
    int mode = -1;
    if (syscall(SYS_get_mempolicy, &mode, NULL, 0UL, NULL, 0UL) == 0) {
        static const char *const modes[] = {"default",    "preferred", "bind",
                                            "interleave", "local",     "preferred-many"};
        (void)snprintf(m->memory_policy, sizeof m->memory_policy, "%s",
                       mode >= 0 && mode < 6 ? modes[mode] : "unknown");
    }
#endif
    if (chirp_read_line("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text)) {
        const char *open = strchr(text, '[');
        if (open)
            (void)snprintf(m->transparent_huge_pages, sizeof m->transparent_huge_pages, "%.*s",
                           (int)strcspn(open + 1, "]"), open + 1);
    }
    m->steal_percent = -1;
    if (chirp_read_line("/proc/stat", text, sizeof text)) {
        double t[8] = {0};
        if (sscanf(text, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &t[0], &t[1], &t[2], &t[3], &t[4],
                   &t[5], &t[6], &t[7]) == 8) {
            double sum = 0;
            for (int i = 0; i < 8; ++i)
                sum += t[i];
            m->steal_percent = sum > 0 ? 100 * t[7] / sum : -1;
        }
    }
}

static void read_openmp(chirp_host *m)
{
    static const char *const binds[] = {"false", "true", "master", "close", "spread"};
    const int bind = (int)omp_get_proc_bind();
    const int places = omp_get_num_places();
    (void)snprintf(m->omp_proc_bind, sizeof m->omp_proc_bind, "%s",
                   bind >= 0 && bind < 5 ? binds[bind] : "unknown");
    if (places == 0)
        (void)snprintf(m->omp_places, sizeof m->omp_places, "none");
    else
        (void)snprintf(m->omp_places, sizeof m->omp_places, "%d places of %d processors", places,
                       omp_get_place_num_procs(0));
    m->omp_threads = omp_get_max_threads();
}

static void read_clock(chirp_host *m)
{
    enum { READS = 2000 };
    int64_t least = INT64_MAX;
    int64_t before = chirp_now_ns();
    const int64_t began = before;
    for (int i = 0; i < READS; ++i) {
        const int64_t now = chirp_now_ns();
        if (now > before && now - before < least)
            least = now - before;
        before = now;
    }
    m->clock_overhead_ns = (double)(before - began) / READS;
    m->clock_resolution_ns = least == INT64_MAX ? 0 : (double)least;
}

void chirp_host_read(chirp_host *m)
{
    memset(m, 0, sizeof *m);
    read_cpuinfo(m);
    chirp_topology_read(m);
    read_frequency(m);
    read_processor(m);
    chirp_affinity_read(m);
    m->cpu_quota = chirp_cpu_quota("");
    read_system(m);
    read_openmp(m);
    read_clock(m);
    (void)snprintf(m->compiler, sizeof m->compiler, "%s", CHIRP_COMPILER);
    (void)snprintf(m->compiler_flags, sizeof m->compiler_flags, "%s", CHIRP_COMPILER_FLAGS);
    (void)snprintf(m->built_simd, sizeof m->built_simd, "%s", chirp_built_simd);
    (void)snprintf(m->git_commit, sizeof m->git_commit, "%s", chirp_git_commit);
}
