/* The head of a result file: Google Benchmark's keys first, then what its readers skip and ours use. */
#include "harness/bench/bench_internal.h"

#include "harness/base/launch.h"
#include "harness/base/memory.h"
#include "harness/counters/simulation.h"
#include "harness/json/json.h"
#include "harness/machine/machine.h"
#include "harness/results/document.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

/* What programs add; written before a run starts, by one thread. */
enum { MAX_LINES = 32 };
static struct {
    char key[64], value[256];
} lines[MAX_LINES];
static size_t n_lines;

chirp_status chirp_bench_add_context(const char *key, const char *value)
{
    size_t at = 0;
    while (at < n_lines && strcmp(lines[at].key, key) != 0)
        ++at;
    if (at == MAX_LINES || strlen(key) >= sizeof lines[0].key)
        return chirp_fail(CHIRP_ERR_ARG, "no room for the context line %.60s", key);
    (void)snprintf(lines[at].key, sizeof lines[at].key, "%s", key);
    (void)snprintf(lines[at].value, sizeof lines[at].value, "%s", value);
    n_lines += at == n_lines;
    return CHIRP_OK;
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

chirp_status chirp_context_create(const char *executable, const chirp_bench_flags *flags,
                                  int threads, cJSON **context)
{
    char date[CHIRP_DATE_BYTES];
    chirp_host m;
    chirp_host_read(&m);
    chirp_document_date(date);
    /* ranks that aren't bound to processors of their own share them all */
    if (chirp_bench_current_ranks()->size > 1 && m.affinity_count >= m.logical_cpus)
        threads *= chirp_launched_here();
    cJSON *o = cJSON_CreateObject();
    bool ok = o && chirp_json_add_text(o, "date", date) &&
              chirp_json_add_text(o, "host_name", m.host) &&
              chirp_json_add_text(o, "executable", executable) &&
              chirp_host_add_count(o, "num_cpus", m.logical_cpus) &&
              chirp_host_add_count(o, "mhz_per_cpu", (int64_t)llround(m.mhz)) &&
              cJSON_AddBoolToObject(o, "cpu_scaling_enabled", m.scaling);
    if (ok && m.aslr >= 0)
        ok = cJSON_AddBoolToObject(o, "aslr_enabled", m.aslr) != NULL;
    ok = ok && chirp_host_add_caches(o, &m) && chirp_host_add_loads(o, &m) &&
         chirp_json_add_text(o, "library_version", "chirpbench-" CHIRP_VERSION) &&
         chirp_json_add_text(o, "library_build_type", CHIRP_BUILD_TYPE) &&
         chirp_json_add_integer(o, "json_schema_version", 1) && chirp_host_add_facts(o, &m) &&
         (flags->simulate ? cJSON_AddArrayToObject(o, "warnings") != NULL /* they are about times */
                          : chirp_host_add_warnings(o, &m, threads)) &&
         chirp_document_head(o, CHIRP_DOCUMENT_BENCH);
    if (ok && flags->simulate)
        ok = chirp_json_add_text(o, "simulator", "valgrind --tool=callgrind") &&
             chirp_json_add_text(o, "simulated_caches", CHIRP_SIMULATION_CACHES);
    for (size_t i = 0; i < n_lines && ok; ++i)
        ok = chirp_json_add_text(o, lines[i].key, lines[i].value);
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
