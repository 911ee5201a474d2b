/* Which results may be compared. */
#include "harness/compare/compare.h"

#include "harness/json/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

/*
 * Facts that change times. A key that only one file states is no reason to refuse: Google Benchmark's files know few of
 * them. Not here: host_name and git_commit (what differs between them is the question), load and clocks (they drift).
 */
static const char *const machine_keys[] = {
    "cpu_model",     "num_cpus",
    "simd",          "threads_per_core",
    "numa_nodes",    "cpu_scaling_enabled",
    "governor",      "turbo",
    "hypervisor",    "affinity",
    "cpu_quota",     "omp_threads",
    "omp_places",    "omp_proc_bind",
    "memory_policy", "transparent_huge_pages",
};

/* Counts of a simulation know nothing of the machine. */
static const char *const build_keys[] = {
    "simulator",      "simulated_caches", "compiler",           "compiler_flags",
    "libxsmm_target", "libxsmm_version",  "library_build_type",
};

enum {
    MACHINE_KEYS = sizeof machine_keys / sizeof machine_keys[0],
    BUILD_KEYS = sizeof build_keys / sizeof build_keys[0]
};

/* chirp_text_clear() it. Numbers in full: two that differ must not look alike. */
static chirp_text value_text(const cJSON *item)
{
    chirp_text t = {0};
    if (cJSON_IsString(item))
        chirp_text_append(&t, item->valuestring);
    else if (cJSON_IsNumber(item) && fabs(item->valuedouble) < 1e15 &&
             item->valuedouble == floor(item->valuedouble))
        chirp_text_appendf(&t, "%.0f", item->valuedouble);
    else if (cJSON_IsNumber(item))
        chirp_text_appendf(&t, "%.17g", item->valuedouble);
    else if (cJSON_IsBool(item))
        chirp_text_append(&t, cJSON_IsTrue(item) ? "true" : "false");
    else {
        char *json = chirp_json_print_line(item);
        t.failed = !json;
        chirp_text_append(&t, json ? json : "");
        cJSON_free(json);
    }
    return t;
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

/* Adds what differs to *list, with both values, and its name to *named. */
static void note_difference(const char *key, const cJSON *a, const cJSON *b, chirp_text *list,
                            chirp_text *named)
{
    chirp_text x = value_text(a);
    chirp_text y = value_text(b);
    list->failed |= x.failed || y.failed;
    if (!list->failed && strcmp(x.bytes, y.bytes) != 0) {
        chirp_text_append(list, list->used ? ", " : "");
        chirp_text_appendf(list, "%s '", key);
        chirp_text_append_plain(list, x.bytes);
        chirp_text_append(list, "' against '");
        chirp_text_append_plain(list, y.bytes);
        chirp_text_append(list, "'");
        chirp_text_append(named, named->used ? "," : "");
        chirp_text_append(named, key);
    }
    chirp_text_clear(&x);
    chirp_text_clear(&y);
}

/* which: of the two results, for the sentence. Its remedy stands before the values, which may be of any length. */
static chirp_status same_context(const cJSON *one, const cJSON *other, const char *allowed,
                                 const char *which)
{
    chirp_text list = {0};
    chirp_text named = {0};
    chirp_status st = CHIRP_OK;
    const bool counted = cJSON_GetObjectItemCaseSensitive(one, "simulator") != NULL;
    for (int i = counted ? MACHINE_KEYS : 0; one && other && i < MACHINE_KEYS + BUILD_KEYS; ++i) {
        const char *key = i < MACHINE_KEYS ? machine_keys[i] : build_keys[i - MACHINE_KEYS];
        const cJSON *a = cJSON_GetObjectItemCaseSensitive(one, key);
        const cJSON *b = cJSON_GetObjectItemCaseSensitive(other, key);
        if (a && b && !allows(allowed, key))
            note_difference(key, a, b, &list, &named);
    }
    if (list.failed || named.failed)
        st = CHIRP_ERR_NOMEM;
    else if (list.used)
        st = chirp_fail(CHIRP_ERR_ARG,
                        "%s not comparable (--allow %s compares them all the same): %s", which,
                        named.bytes, list.bytes);
    chirp_text_clear(&list);
    chirp_text_clear(&named);
    return st;
}

chirp_status chirp_same_machine(const chirp_results *base, const chirp_results *fresh,
                                const char *allowed)
{
    const chirp_results *sides[] = {base, fresh};
    chirp_text which = {0};
    chirp_text_append_plain(&which, base->path);
    chirp_text_append(&which, " and ");
    chirp_text_append_plain(&which, fresh->path);
    chirp_text_append(&which, " are");
    chirp_status st = which.failed
                          ? CHIRP_ERR_NOMEM
                          : same_context(base->context, fresh->context, allowed, which.bytes);
    for (int k = 0; k < 2 && st == CHIRP_OK; ++k) {
        const cJSON *more = sides[k]->more_contexts ? sides[k]->more_contexts->child : NULL;
        chirp_text_clear(&which);
        chirp_text_append(&which, "the files pooled as ");
        chirp_text_append_plain(&which, sides[k]->path);
        chirp_text_append(&which, " are");
        st = which.failed ? CHIRP_ERR_NOMEM : CHIRP_OK;
        for (; more && st == CHIRP_OK; more = more->next)
            st = same_context(sides[k]->context, more, allowed, which.bytes);
    }
    chirp_text_clear(&which);
    return st;
}
