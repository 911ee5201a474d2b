/* chirpbench doctor: what this machine offers, measured where it can be, and why the rest is missing. */
#include "harness/base/file.h"
#include "harness/base/launch.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/counters/counters.h"
#include "harness/counters/software.h"
#include "harness/json/json.h"
#include "harness/machine/machine.h"
#include "harness/machine/team.h"
#include "harness/progress/progress.h"
#include "harness/results/document.h"
#include "harness/roofline/levels.h"
#include "harness/roofline/roofline.h"
#include "kernels/gemm/gemm.h"
#include "model/parallel/parallel.h"
#include "suites/command.h"
#include "suites/commands/doctor_ranks.h"
#include "suites/commands/libraries.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

/* The report is built as JSON first; what people read is printed from the same numbers. */
typedef struct report {
    cJSON *root;
    cJSON *presets;
    cJSON *doubts; /* the report's "warnings" */
    bool failed;   /* out of memory */
    int counting, listed;
} report;

static void keep(report *r, bool ok) { r->failed |= !ok; }

static const char *or_unknown(const char *text) { return text[0] ? text : "unknown"; }

/* "2 cores", "1 core", "cores unknown". */
static void print_count(const char *before, int64_t n, const char *what)
{
    if (n > 0)
        printf("%s%lld %s%s", before, (long long)n, what, n == 1 ? "" : "s");
    else
        printf("%s%ss unknown", before, what);
}

static void print_caches(const chirp_host *m)
{
    printf("caches      ");
    for (int i = 0; i < m->n_caches; ++i) {
        const chirp_cache *c = &m->cache[i];
        if (strcmp(c->type, "Instruction") == 0)
            continue;
        printf(" L%d %lld KiB (", c->level, (long long)(c->bytes / 1024));
        if (c->sharing > 0)
            printf("shared by %d)", c->sharing);
        else
            printf("shared by an unknown number)");
    }
    if (m->l3_package_bytes > 0)
        printf(" L3 %lld MiB in the package, a core's share is measured",
               (long long)(m->l3_package_bytes >> 20));
    if (strcmp(m->cache_source, "hwloc") != 0)
        printf("%s", m->n_caches > 0 ? " (from cpuid: hwloc finds none)"
                                     : " unknown: neither hwloc nor the processor lists any");
    printf("\n");
}

static void print_machine(const chirp_host *m)
{
    printf("machine      %s, %s\n", or_unknown(m->host),
           m->cpu_model[0] ? m->cpu_model : "processor unknown");
    print_count("processors   ", m->logical_cpus, "logical processor");
    print_count(", ", m->physical_cores, "core");
    print_count(", ", m->sockets, "socket");
    print_count(", ", m->numa_nodes, "NUMA node");
    printf(", %s%s\n", m->simd[0] ? m->simd : "SIMD unknown", m->smt > 1 ? ", SMT" : "");
    if (m->mhz > 0)
        printf("clock        %.0f MHz", m->mhz);
    else
        printf("clock        unknown");
    printf(", governor %s, turbo %s\n", m->governor[0] ? m->governor : "not visible",
           m->turbo < 0 ? "unknown"
           : m->turbo   ? "on"
                        : "off");
    print_caches(m);
    if (m->memory_bytes > 0)
        printf("memory       %.1f GiB", (double)m->memory_bytes / (1 << 30));
    else
        printf("memory       unknown");
    printf(", huge pages %s, policy %s\n", or_unknown(m->transparent_huge_pages),
           or_unknown(m->memory_policy));
    printf("OpenMP       %d threads, places: %s, binding: %s, allowed processors %s\n",
           m->omp_threads, m->omp_places, m->omp_proc_bind, or_unknown(m->affinity));
    printf("virtual      %s", m->hypervisor[0] ? m->hypervisor : "no");
    if (m->cpu_quota > 0)
        printf(", cgroup grants %.2f processors", m->cpu_quota);
    if (m->steal_percent >= 0)
        printf(", steal %.2f %% since boot", m->steal_percent);
    printf("\ntimer        steps of %.0f ns, %.0f ns a read\n", m->clock_resolution_ns,
           m->clock_overhead_ns);
    printf("built with   %s, %s, commit %s\n", m->compiler, m->compiler_flags,
           or_unknown(m->git_commit));
    printf("own kernels  compiled for %s\n", m->built_simd);
}

static void describe_libraries(report *r)
{
    cJSON *o = cJSON_AddObjectToObject(r->root, "libraries");
    keep(r, o != NULL);
    printf("\nlibraries\n");
    printf("  %-10s %s, generates code for %s\n", "libxsmm", chirp_gemm_library_version(),
           chirp_gemm_target());
    keep(r, o && chirp_json_add_text(o, "libxsmm", chirp_gemm_library_version()) &&
                chirp_json_add_text(o, "libxsmm_target", chirp_gemm_target()));
    for (const chirp_library *l = chirp_libraries; l->name; ++l) {
        char text[160];
        const bool present = l->describe(text, sizeof text);
        printf("  %-10s %s\n", l->name, text);
        keep(r, o && (present ? chirp_json_add_text(o, l->name, text)
                              : cJSON_AddNullToObject(o, l->name) != NULL));
    }
}

/* A doubt about a measurement: where it was measured, and again among the doubts about timings. */
static void add_doubt(report *r, cJSON *item, const char *text)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(item, "doubts");
    cJSON *here = cJSON_CreateString(text);
    cJSON *again = cJSON_CreateString(text);
    keep(r, list && cJSON_AddItemToArray(list, here));
    keep(r, r->doubts && cJSON_AddItemToArray(r->doubts, again));
    printf("  doubtful: %s\n", text);
}

static chirp_status measure_fma(report *r, const int *threads, int n, double budget_s)
{
    cJSON *list = cJSON_AddArrayToObject(r->root, "fma_peak");
    keep(r, list != NULL);
    printf("\nmeasured\n");
    for (int i = 0; i < n; ++i) {
        chirp_fma_peak peak;
        char doubt[200];
        const chirp_status st = chirp_roofline_fma_again(threads[i], 2 * budget_s, &peak);
        if (st != CHIRP_OK)
            return st;
        printf("  FMA peak, %3d thread%s %8.1f GFLOP/s (%s)\n", peak.threads,
               peak.threads == 1 ? " " : "s", peak.gflops, peak.name);
        cJSON *o = cJSON_CreateObject();
        const bool doubtful = chirp_roofline_fma_doubt(&peak, doubt, sizeof doubt);
        keep(r, o && cJSON_AddItemToArray(list, o) &&
                    chirp_json_add_integer(o, "threads", peak.threads) &&
                    chirp_json_add_real(o, "GFLOPS", peak.gflops) &&
                    chirp_json_add_real(o, "lower_try_GFLOPS", peak.lower_gflops) &&
                    chirp_json_add_text(o, "kernel", peak.name) &&
                    cJSON_AddBoolToObject(o, "doubtful", doubtful) &&
                    cJSON_AddArrayToObject(o, "doubts"));
        if (doubtful)
            add_doubt(r, o, doubt);
    }
    return CHIRP_OK;
}

static cJSON *describe_level(report *r, cJSON *list, int threads, const chirp_level *l,
                             bool doubtful)
{
    char share[24] = "unknown";
    if (l->capacity_bytes > 0)
        (void)snprintf(share, sizeof share, "%lld", (long long)(l->capacity_bytes / 1024));
    printf("  %-8s %8d %12s %12zu %12.1f %12.1f", l->name, threads, share,
           l->bytes_per_thread / 1024, 1e-9 * l->read_bytes_per_second,
           1e-9 * l->triad_bytes_per_second);
    if (l->latency_ns > 0)
        printf(" %10.1f", l->latency_ns);
    printf("\n");
    cJSON *o = cJSON_CreateObject();
    keep(r, o && cJSON_AddItemToArray(list, o) && chirp_json_add_text(o, "level", l->name) &&
                chirp_json_add_integer(o, "threads", threads) &&
                chirp_host_add_count(o, "capacity_bytes", l->capacity_bytes) &&
                chirp_json_add_integer(o, "bytes_per_thread", (int64_t)l->bytes_per_thread) &&
                chirp_json_add_real(o, "read_bytes_per_second", l->read_bytes_per_second) &&
                chirp_json_add_real(o, "triad_bytes_per_second", l->triad_bytes_per_second) &&
                cJSON_AddBoolToObject(o, "doubtful", doubtful) &&
                cJSON_AddArrayToObject(o, "doubts"));
    keep(r, l->latency_ns <= 0 || (o && chirp_json_add_real(o, "latency_ns", l->latency_ns)));
    return o;
}

/* The levels of one thread count; a doubt about all of them stands with the first. */
static void describe_levels(report *r, cJSON *list, const chirp_host *m, const chirp_levels *levels)
{
    chirp_level_doubt doubts[CHIRP_MAX_LEVEL_DOUBTS];
    cJSON *item[CHIRP_MAX_LEVELS] = {NULL};
    const int n = chirp_levels_doubts(levels, doubts);
    for (int i = 0; i < levels->count; ++i) {
        bool doubtful = false;
        for (int k = 0; k < n; ++k)
            doubtful |= doubts[k].level == i || doubts[k].level < 0;
        item[i] = describe_level(r, list, levels->threads, &levels->item[i], doubtful);
    }
    for (int k = 0; k < n; ++k)
        add_doubt(r, item[doubts[k].level < 0 ? 0 : doubts[k].level], doubts[k].text);
    if (n > 0)
        printf("  doubtful roofs aren't kept: later runs measure again\n");
    else if (!chirp_levels_store(m, levels))
        (void)fprintf(stderr,
                      "doctor: the roofline isn't kept for later runs: no writable cache folder\n");
    (void)fflush(stdout);
}

static chirp_status measure_levels(report *r, const chirp_host *m, const int *threads, int n,
                                   double budget_s)
{
    cJSON *list = cJSON_AddArrayToObject(r->root, "levels");
    keep(r, list != NULL);
    printf("  %-8s %8s %12s %12s %12s %12s %10s\n", "level", "threads", "share KiB", "tested KiB",
           "read GB/s", "triad GB/s", "latency ns");
    for (int k = 0; k < n; ++k) {
        chirp_levels levels;
        const chirp_status st = chirp_levels_measure(m, threads[k], budget_s, k == 0, &levels);
        if (st != CHIRP_OK)
            return st;
        describe_levels(r, list, m, &levels);
    }
    return CHIRP_OK;
}

/* One PAPI preset: {"counts": true} or the reason. */
static void visit_preset(void *state, const char *name, const char *description, const char *reason)
{
    report *r = state;
    (void)description;
    cJSON *o = cJSON_CreateObject();
    keep(r, o && cJSON_AddItemToObject(r->presets, name, o) &&
                cJSON_AddBoolToObject(o, "counts", !reason) &&
                (!reason || chirp_json_add_text(o, "reason", reason)));
    ++r->listed;
    r->counting += !reason;
    if (!reason)
        printf(" %s", name);
}

static void describe_counters(report *r)
{
    cJSON *o = cJSON_AddObjectToObject(r->root, "counters");
    const char *hardware = chirp_events_hardware_reason();
    r->presets = o ? cJSON_AddObjectToObject(o, "presets") : NULL;
    keep(r, r->presets != NULL);
    if (!r->presets)
        return;
    printf("\ncounters\n  PAPI presets that count:");
    const chirp_status st = chirp_events_presets(visit_preset, r);
    if (r->counting == 0)
        printf(" none of %d", r->listed);
    printf("\n");
    const char *why = st != CHIRP_OK ? chirp_error_message() : hardware;
    if (why[0])
        printf("  why not: %s\n", why);
    keep(r, chirp_json_add_text(o, "hardware", why[0] ? why : "available"));
    cJSON *software = cJSON_AddObjectToObject(o, "software");
    keep(r, software != NULL);
    for (int i = 0; i < CHIRP_N_SOFTWARE && software; ++i) {
        const char *reason = chirp_software_reason(i);
        printf("  %-22s %s\n", chirp_software_name(i), reason ? reason : "counts");
        cJSON *e = cJSON_AddObjectToObject(software, chirp_software_name(i));
        keep(r, e && cJSON_AddBoolToObject(e, "counts", !reason) &&
                    (!reason || chirp_json_add_text(e, "reason", reason)));
    }
}

/* All that makes timings doubtful: the machine as it is, then what was measured. */
static void describe_doubts(report *r)
{
    printf("\n%s\n", r->doubts && r->doubts->child ? "doubts about timings here"
                                                   : "nothing speaks against timings here");
    for (const cJSON *d = r->doubts ? r->doubts->child : NULL; d; d = d->next)
        printf("  - %s\n", d->valuestring);
}

/* The thread counts to measure: one, and all that come; a team that doesn't come is a doubt. @return how many counts */
static int plan_teams(report *r, int all, int threads[2])
{
    threads[0] = 1;
    threads[1] = all;
    if (all > 1 && chirp_team_check(all) != CHIRP_OK) {
        cJSON *item = cJSON_CreateString(chirp_error_message());
        keep(r, r->doubts && cJSON_AddItemToArray(r->doubts, item));
        return 1;
    }
    return all > 1 ? 2 : 1;
}

static chirp_status examine(int all, double budget_s, bool measure, const char *json_path)
{
    report r = {.root = chirp_document_create(CHIRP_DOCUMENT_DOCTOR)};
    chirp_host m;
    chirp_host_read(&m);
    keep(&r, r.root != NULL);
    cJSON *machine = cJSON_AddObjectToObject(r.root, "machine");
    keep(&r, machine && chirp_json_add_text(machine, "host_name", m.host) &&
                 chirp_host_add_count(machine, "num_cpus", m.logical_cpus) &&
                 chirp_host_add_count(machine, "mhz_per_cpu", (int64_t)m.mhz) &&
                 chirp_host_add_facts(machine, &m) && chirp_host_add_caches(machine, &m) &&
                 chirp_host_add_loads(machine, &m));
    keep(&r, chirp_host_add_warnings(r.root, &m, m.omp_threads));
    r.doubts = cJSON_GetObjectItemCaseSensitive(r.root, "warnings");
    print_machine(&m);
    describe_libraries(&r);
    (void)fflush(stdout);
    int threads[2];
    chirp_status st = CHIRP_OK;
    if (measure) {
        const int n = plan_teams(&r, all, threads);
        st = measure_fma(&r, threads, n, budget_s);
        if (st == CHIRP_OK)
            st = measure_levels(&r, &m, threads, n, budget_s);
    }
    if (st == CHIRP_OK) {
        describe_counters(&r);
        describe_doubts(&r);
    }
    if (st == CHIRP_OK && r.failed)
        st = chirp_fail(CHIRP_ERR_NOMEM, "doctor: no memory for the report");
    if (st == CHIRP_OK && json_path) {
        st = chirp_document_write(r.root, json_path);
        r.root = NULL;
    }
    cJSON_Delete(r.root);
    return st;
}

/* Several ranks: their table, and one line about an error instead of one per rank. */
static int run_ranks(const chirp_doctor_options *o)
{
    chirp_status st = chirp_parallel_init();
    if (st == CHIRP_OK && o->json_path)
        st = chirp_parallel_agree(chirp_parallel_rank() == 0 ? chirp_file_writable(o->json_path)
                                                             : CHIRP_OK);
    if (st == CHIRP_OK)
        st = chirp_doctor_ranks(o);
    int code = st == CHIRP_OK ? 0 : 2;
    if (chirp_parallel_rank() == 0)
        code = chirp_command_exit(st);
    chirp_parallel_finalize();
    return code;
}

static int run(int argc, char **argv)
{
    chirp_doctor_options o = {.budget_s = 0.1};
    const chirp_option table[] = {
        {"json", CHIRP_OPTION_STRING, &o.json_path, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "also write the report as JSON"},
        {"seconds", CHIRP_OPTION_REAL, &o.budget_s, .metavar = "S", .min = 0.001, .max = 60,
         .help = "time of each single measurement"},
        {"no-measure", CHIRP_OPTION_FLAG, &o.describe_only,
         .help = "describe only, measure nothing"},
    };
    const chirp_usage usage = {
        "doctor", NULL,
        "What this machine offers: processors, SIMD, caches, libraries, "
        "measured FMA peak and bandwidth\n"
        "of each cache level, which counters count and why others don't, "
        "and what makes timings doubtful. Under mpiexec or srun a table of all "
        "ranks: computer, binding, speed,\n"
        "with what differs marked.",
        table, sizeof table / sizeof table[0]};
    chirp_status st = chirp_options_parse(&usage, argc, argv, NULL);
    if (st == CHIRP_OK && chirp_launched_processes() > 1)
        return run_ranks(&o);
    if (st == CHIRP_OK && o.json_path) /* before a minute of measuring, not after */
        st = chirp_file_writable(o.json_path);
    int all = 1;
    if (st == CHIRP_OK)
        st = chirp_team_default(&all);
    if (st == CHIRP_OK)
        st = examine(all, o.budget_s, !o.describe_only, o.json_path);
    return chirp_command_exit(st);
}

const chirp_command chirp_command_doctor = {
    "doctor",
    "what this machine offers: SIMD, caches, measured peaks, counters, libraries, and doubts", run};
