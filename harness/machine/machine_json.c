/* A machine as members of a JSON object: what heads result files and doctor's report. */
#include "harness/json/json.h"
#include "harness/machine/machine.h"

#include <cjson/cJSON.h>
#include <stdio.h>

bool chirp_host_add_count(struct cJSON *object, const char *key, int64_t value)
{
    return value > 0 ? chirp_json_add_integer(object, key, value)
                     : cJSON_AddNullToObject(object, key) != NULL;
}

bool chirp_host_add_caches(struct cJSON *context, const chirp_host *m)
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
             (m->cache[i].sharing > 0
                  ? cJSON_AddNumberToObject(c, "num_sharing", m->cache[i].sharing)
                  : cJSON_AddNullToObject(c, "num_sharing"));
    }
    return ok;
}

bool chirp_host_add_loads(struct cJSON *context, const chirp_host *m)
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

bool chirp_host_add_warnings(struct cJSON *context, const chirp_host *m, int threads)
{
    static char sentences[CHIRP_MAX_WARNINGS][CHIRP_WARNING_BYTES];
    const int n = chirp_host_warnings(m, threads, sentences);
    cJSON *warnings = cJSON_AddArrayToObject(context, "warnings");
    bool ok = warnings != NULL;
    for (int i = 0; i < n && ok; ++i) {
        cJSON *item = cJSON_CreateString(sentences[i]);
        ok = item && cJSON_AddItemToArray(warnings, item);
    }
    return ok;
}

bool chirp_host_add_facts(cJSON *o, const chirp_host *m)
{
    char id[17];
    chirp_host_id(m, id);
    bool ok =
        chirp_json_add_text(o, "machine_id", id) &&
        chirp_json_add_text(o, "cpu_model", m->cpu_model[0] ? m->cpu_model : "unknown") &&
        chirp_json_add_text(o, "simd", m->simd[0] ? m->simd : "unknown") &&
        chirp_json_add_text(o, "built_simd", m->built_simd) &&
        chirp_host_add_count(o, "physical_cores", m->physical_cores) &&
        chirp_host_add_count(o, "sockets", m->sockets) &&
        chirp_host_add_count(o, "threads_per_core", m->smt) &&
        chirp_host_add_count(o, "numa_nodes", m->numa_nodes) &&
        chirp_json_add_text(o, "cache_source", m->cache_source[0] ? m->cache_source : "unknown") &&
        chirp_host_add_count(o, "memory_bytes", m->memory_bytes) &&
        chirp_json_add_text(o, "governor", m->governor[0] ? m->governor : "none visible") &&
        chirp_json_add_text(o, "turbo",
                            m->turbo < 0 ? "unknown"
                            : m->turbo   ? "on"
                                         : "off") &&
        chirp_json_add_text(o, "hypervisor", m->hypervisor[0] ? m->hypervisor : "none") &&
        chirp_json_add_text(o, "affinity", m->affinity[0] ? m->affinity : "unknown") &&
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
    if (ok && m->l3_package_bytes > 0)
        ok = chirp_json_add_integer(o, "l3_package_bytes", m->l3_package_bytes);
    if (ok && m->cpu_quota > 0)
        ok = chirp_json_add_real(o, "cpu_quota", m->cpu_quota);
    if (ok && m->steal_percent >= 0)
        ok = chirp_json_add_real(o, "steal_percent", m->steal_percent);
    return ok;
}
