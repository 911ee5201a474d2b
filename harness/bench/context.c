/* The head of a result file: Google Benchmark's keys first, then what its readers skip and ours use. */
#include "harness/bench/bench_internal.h"

#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "harness/machine/machine.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>
#include <time.h>

/* Local time with offset, "2026-11-23T04:19:22+00:00": strftime's %z lacks the colon. */
static void date_text(char *text, size_t room)
{
    char zone[8] = "+0000";
    struct tm local = {0};
    const time_t now = time(NULL);
    if (!localtime_r(&now, &local) || strftime(text, room, "%Y-%m-%dT%H:%M:%S", &local) == 0)
        (void)snprintf(text, room, "1970-01-01T00:00:00");
    (void)strftime(zone, sizeof zone, "%z", &local);
    const size_t used = strlen(text);
    (void)snprintf(text + used, room - used, "%.3s:%.2s", zone, zone + 3);
}

static bool add_caches(cJSON *context, const chirp_machine *m)
{
    cJSON *caches = cJSON_AddArrayToObject(context, "caches");
    bool ok = caches != NULL;
    for (int i = 0; i < m->n_caches && ok; ++i) {
        cJSON *c = cJSON_CreateObject();
        ok = c && cJSON_AddItemToArray(caches, c);
        if (!ok) {
            cJSON_Delete(c);
            break;
        }
        ok = chirp_json_add_text(c, "type", m->cache[i].type) &&
             cJSON_AddNumberToObject(c, "level", m->cache[i].level) &&
             cJSON_AddNumberToObject(c, "size", (double)m->cache[i].bytes) &&
             cJSON_AddNumberToObject(c, "num_sharing", m->cache[i].sharing);
    }
    return ok;
}

static bool add_loads(cJSON *context, const chirp_machine *m)
{
    cJSON *loads = cJSON_AddArrayToObject(context, "load_avg");
    bool ok = loads != NULL;
    for (int i = 0; i < m->n_load && ok; ++i) {
        char text[32]; /* short decimals, as getloadavg has no more digits than these */
        (void)snprintf(text, sizeof text, "%.6g", m->load[i]);
        cJSON *item = cJSON_CreateRaw(text);
        ok = item && cJSON_AddItemToArray(loads, item);
    }
    return ok;
}

/* K=V,K=V from --benchmark_context. */
static chirp_status add_custom(cJSON *context, const char *pairs)
{
    for (const char *p = pairs; p && *p;) {
        char key[128];
        char value[512];
        const size_t length = strcspn(p, ",");
        const size_t equals = strcspn(p, "=");
        if (equals >= length || equals == 0 || equals >= sizeof key ||
            length - equals > sizeof value)
            return chirp_fail(CHIRP_ERR_ARG, "--benchmark_context=%s: '%.*s' is not KEY=VALUE",
                              pairs, (int)length, p);
        (void)snprintf(key, sizeof key, "%.*s", (int)equals, p);
        (void)snprintf(value, sizeof value, "%.*s", (int)(length - equals - 1), p + equals + 1);
        if (cJSON_GetObjectItemCaseSensitive(context, key))
            return chirp_fail(CHIRP_ERR_ARG,
                              "--benchmark_context=%s: the context has a '%s' already", pairs, key);
        if (!chirp_json_add_text(context, key, value))
            return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the context");
        p += length + (p[length] == ',');
    }
    return CHIRP_OK;
}

static bool add_trust(cJSON *context, const chirp_machine *m)
{
    static char sentences[CHIRP_MAX_WARNINGS][CHIRP_WARNING_BYTES];
    const int n = chirp_machine_warnings(m, sentences);
    cJSON *warnings = cJSON_AddArrayToObject(context, "warnings");
    bool ok = warnings != NULL;
    for (int i = 0; i < n && ok; ++i) {
        cJSON *item = cJSON_CreateString(sentences[i]);
        ok = item && cJSON_AddItemToArray(warnings, item);
    }
    return ok;
}

static bool add_machine(cJSON *o, const chirp_machine *m)
{
    char id[17];
    chirp_machine_id(m, id);
    bool ok =
        chirp_json_add_text(o, "machine_id", id) &&
        chirp_json_add_text(o, "cpu_model", m->cpu_model) &&
        chirp_json_add_text(o, "simd", m->simd) &&
        chirp_json_add_integer(o, "physical_cores", m->physical_cores) &&
        chirp_json_add_integer(o, "sockets", m->sockets) &&
        chirp_json_add_integer(o, "threads_per_core", m->smt) &&
        chirp_json_add_integer(o, "numa_nodes", m->numa_nodes) &&
        chirp_json_add_integer(o, "memory_bytes", m->memory_bytes) &&
        chirp_json_add_text(o, "governor", m->governor[0] ? m->governor : "none visible") &&
        chirp_json_add_text(o, "turbo",
                            m->turbo < 0 ? "unknown"
                            : m->turbo   ? "on"
                                         : "off") &&
        chirp_json_add_text(o, "hypervisor", m->hypervisor[0] ? m->hypervisor : "none") &&
        chirp_json_add_text(o, "affinity", m->affinity) &&
        chirp_json_add_text(o, "omp_places", m->omp_places) &&
        chirp_json_add_text(o, "omp_proc_bind", m->omp_proc_bind) &&
        chirp_json_add_integer(o, "omp_threads", m->omp_threads) &&
        chirp_json_add_text(o, "memory_policy",
                            m->memory_policy[0] ? m->memory_policy : "unknown") &&
        chirp_json_add_text(o, "transparent_huge_pages",
                            m->transparent_huge_pages[0] ? m->transparent_huge_pages : "unknown") &&
        chirp_json_add_text(o, "compiler", m->compiler) &&
        chirp_json_add_text(o, "compiler_flags", m->compiler_flags) &&
        chirp_json_add_text(o, "git_commit", m->git_commit[0] ? m->git_commit : "unknown") &&
        chirp_json_add_real(o, "clock_resolution_ns", m->clock_resolution_ns) &&
        chirp_json_add_real(o, "clock_overhead_ns", m->clock_overhead_ns);
    if (ok && m->cpu_quota > 0)
        ok = chirp_json_add_real(o, "cpu_quota", m->cpu_quota);
    if (ok && m->steal_percent >= 0)
        ok = chirp_json_add_real(o, "steal_percent", m->steal_percent);
    return ok;
}

chirp_status chirp_context_create(const char *executable, const chirp_bench_flags *flags,
                                  cJSON **context)
{
    char date[64];
    chirp_machine m;
    chirp_machine_read(&m);
    date_text(date, sizeof date);
    cJSON *o = cJSON_CreateObject();
    bool ok = o && chirp_json_add_text(o, "date", date) &&
              chirp_json_add_text(o, "host_name", m.host) &&
              chirp_json_add_text(o, "executable", executable) &&
              chirp_json_add_integer(o, "num_cpus", m.logical_cpus) &&
              chirp_json_add_integer(o, "mhz_per_cpu", (int64_t)llround(m.mhz)) &&
              cJSON_AddBoolToObject(o, "cpu_scaling_enabled", m.scaling);
    if (ok && m.aslr >= 0)
        ok = cJSON_AddBoolToObject(o, "aslr_enabled", m.aslr) != NULL;
    ok = ok && add_caches(o, &m) && add_loads(o, &m) &&
         chirp_json_add_text(o, "library_version", "chirpbench-" CHIRP_VERSION) &&
         chirp_json_add_text(o, "library_build_type", CHIRP_BUILD_TYPE) &&
         chirp_json_add_integer(o, "json_schema_version", 1) && add_machine(o, &m) &&
         add_trust(o, &m);
    if (!ok) {
        cJSON_Delete(o);
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the context");
    }
    const chirp_status st = add_custom(o, flags->context);
    if (st != CHIRP_OK) {
        cJSON_Delete(o);
        return st;
    }
    *context = o;
    return CHIRP_OK;
}
