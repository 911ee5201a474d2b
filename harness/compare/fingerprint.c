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

/* *which: of the two results, for the sentence. */
static chirp_status same_context(const cJSON *one, const cJSON *other, const char *allowed,
                                 const char *which)
{
    char list[256] = "";
    char named[128] = "";
    for (size_t i = 0; one && other && i < sizeof keys / sizeof keys[0]; ++i) {
        const cJSON *a = cJSON_GetObjectItemCaseSensitive(one, keys[i]);
        const cJSON *b = cJSON_GetObjectItemCaseSensitive(other, keys[i]);
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
    return chirp_fail(CHIRP_ERR_ARG,
                      "%s not comparable: %.180s; --allow %.80s compares them all the same", which,
                      list, named);
}

chirp_status chirp_same_machine(const chirp_results *base, const chirp_results *fresh,
                                const char *allowed)
{
    const chirp_results *sides[] = {base, fresh};
    char which[192];
    (void)snprintf(which, sizeof which, "%.60s and %.60s are", base->path, fresh->path);
    chirp_status st = same_context(base->context, fresh->context, allowed, which);
    for (int k = 0; k < 2; ++k) {
        const cJSON *more = sides[k]->more_contexts ? sides[k]->more_contexts->child : NULL;
        (void)snprintf(which, sizeof which, "the files pooled as %.120s are", sides[k]->path);
        for (; more && st == CHIRP_OK; more = more->next)
            st = same_context(sides[k]->context, more, allowed, which);
    }
    return st;
}
