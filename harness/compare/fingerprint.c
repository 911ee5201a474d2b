/* Which results may be compared. */
#include "harness/compare/compare.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * Facts that change times. A key that only one file states is no reason to refuse: Google Benchmark's files know few of
 * them. Not here: host_name and git_commit (what differs between them is the question), load and clocks (they drift).
 */
static const char *const keys[] = {
    "cpu_model",
    "num_cpus",
    "simd",
    "threads_per_core",
    "numa_nodes",
    "cpu_scaling_enabled",
    "governor",
    "turbo",
    "hypervisor",
    "affinity",
    "cpu_quota",
    "omp_threads",
    "omp_places",
    "omp_proc_bind",
    "memory_policy",
    "transparent_huge_pages",
    "compiler",
    "compiler_flags",
    "libxsmm_target",
    "libxsmm_version",
    "library_build_type",
};

static void value_text(const cJSON *item, char *text, size_t room)
{
    if (cJSON_IsString(item))
        (void)snprintf(text, room, "%s", item->valuestring);
    else if (cJSON_IsNumber(item))
        (void)snprintf(text, room, "%.10g", item->valuedouble);
    else
        (void)snprintf(text, room, "%s", cJSON_IsTrue(item) ? "true" : "false");
}

static bool allows(const char *allowed, const char *key)
{
    const size_t length = strlen(key);
    for (const char *p = allowed; p && *p;) {
        const size_t span = strcspn(p, ",");
        if ((span == 3 && strncmp(p, "all", 3) == 0) ||
            (span == length && strncmp(p, key, length) == 0))
            return true;
        p += span + (p[span] == ',');
    }
    return false;
}

chirp_status chirp_same_machine(const chirp_results *base, const chirp_results *fresh,
                                const char *allowed)
{
    char list[256] = "";
    char named[128] = "";
    for (size_t i = 0; base->context && fresh->context && i < sizeof keys / sizeof keys[0]; ++i) {
        const cJSON *a = cJSON_GetObjectItemCaseSensitive(base->context, keys[i]);
        const cJSON *b = cJSON_GetObjectItemCaseSensitive(fresh->context, keys[i]);
        char x[96];
        char y[96];
        if (!a || !b || allows(allowed, keys[i]))
            continue;
        value_text(a, x, sizeof x);
        value_text(b, y, sizeof y);
        if (strcmp(x, y) == 0)
            continue;
        const size_t used = strlen(list);
        const size_t used_names = strlen(named);
        (void)snprintf(list + used, sizeof list - used, "%s%s '%s' against '%s'", used ? ", " : "",
                       keys[i], x, y);
        (void)snprintf(named + used_names, sizeof named - used_names, "%s%s", used_names ? "," : "",
                       keys[i]);
    }
    if (list[0] == '\0')
        return CHIRP_OK;
    return chirp_fail(
        CHIRP_ERR_ARG,
        "%.60s and %.60s are not comparable: %.180s; --allow %.80s compares them all the same",
        base->path, fresh->path, list, named);
}
