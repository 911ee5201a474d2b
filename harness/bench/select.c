/* Which benchmarks run, under which names, in which families. */
#include "harness/bench/bench_internal.h"

#include "harness/base/memory.h"
#include "harness/base/pattern.h"
#include "harness/base/options.h"

#include <stdlib.h>
#include <string.h>

/* The family of "conv1d/forward/direct/conv2/batch:64/threads:2" is what precedes the first key:value part. */
static size_t family_length(const char *name)
{
    const char *colon = strchr(name, ':');
    if (!colon)
        return strlen(name);
    while (colon > name && *colon != '/')
        --colon;
    return (size_t)(colon - name);
}

static chirp_status add(chirp_selection *s, const chirp_bench_entry *entry, int threads,
                        bool suffix, bool cold)
{
    const int ranks = chirp_bench_current_ranks()->size;
    char more_keys[48] = "";
    if (ranks > 1)
        (void)snprintf(more_keys, sizeof more_keys, "/ranks:%d", ranks);
    if (cold)
        (void)strncat(more_keys, "/cold", sizeof more_keys - strlen(more_keys) - 1);
    chirp_instance *more = chirp_grow(s->item, &s->room, s->count, sizeof *more);
    if (!more)
        return CHIRP_ERR_NOMEM;
    s->item = more;
    const size_t bytes = strlen(entry->name) + sizeof more_keys + 24;
    char *name = chirp_alloc(bytes);
    if (!name)
        return CHIRP_ERR_NOMEM;
    if (suffix)
        (void)snprintf(name, bytes, "%s%s/threads:%d", entry->name, more_keys, threads);
    else
        (void)snprintf(name, bytes, "%s%s", entry->name, more_keys);
    s->item[s->count++] = (chirp_instance){.entry = entry, .name = name, .threads = threads};
    return CHIRP_OK;
}

static chirp_status expand(const chirp_bench_suite *suite, bool named,
                           const chirp_bench_flags *flags, chirp_selection *s)
{
    const size_t first = s->count;
    for (const chirp_bench_entry *e = suite->entries; e->name; ++e) {
        const char *fixed = strstr(e->name, "/threads:");
        chirp_status st = CHIRP_OK;
        if (fixed) { /* the entry itself says on how many threads it runs */
            const int threads = atoi(fixed + strlen("/threads:"));
            if (threads < 1)
                return chirp_fail(CHIRP_ERR_ARG, "benchmark %s: its name asks for %d threads",
                                  e->name, threads);
            st = add(s, e, threads, false, flags->cold_cache);
        } else {
            for (int i = 0; i < flags->n_threads && st == CHIRP_OK; ++i)
                st = add(s, e, flags->threads[i], true, flags->cold_cache);
        }
        if (st != CHIRP_OK)
            return st;
    }
    for (size_t i = first; i < s->count; ++i)
        s->item[i].only_if_asked =
            suite->needs_ranks && !named && chirp_bench_current_ranks()->size <= 1;
    return CHIRP_OK;
}

/* Drops what has no ranks to talk to, unless nothing else was selected: then a filter asked for it. */
static void drop_unasked(chirp_selection *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->count; ++i)
        kept += !s->item[i].only_if_asked;
    if (kept == 0)
        return;
    kept = 0;
    for (size_t i = 0; i < s->count; ++i) {
        if (s->item[i].only_if_asked)
            chirp_free(s->item[i].name);
        else
            s->item[kept++] = s->item[i];
    }
    s->count = kept;
}

static chirp_status filter(chirp_selection *s, const char *text)
{
    chirp_pattern pattern = {0};
    if (text && strcmp(text, "all") == 0)
        return CHIRP_OK;
    const chirp_status st = chirp_pattern_compile(&pattern, "--benchmark_filter=", text);
    if (st != CHIRP_OK)
        return st;
    size_t kept = 0;
    for (size_t i = 0; i < s->count; ++i) {
        if (chirp_pattern_keeps(&pattern, s->item[i].name))
            s->item[kept++] = s->item[i];
        else
            chirp_free(s->item[i].name);
    }
    s->count = kept;
    chirp_pattern_clear(&pattern);
    return CHIRP_OK;
}

/* Numbers families in order of first appearance, and members within each, as Google Benchmark does after filtering. */
static chirp_status number(chirp_selection *s)
{
    int64_t families = 0;
    for (size_t i = 0; i < s->count; ++i) {
        chirp_instance *mine = &s->item[i];
        const size_t length = family_length(mine->name);
        bool found = false;
        for (size_t j = i; j-- > 0;) {
            const chirp_instance *other = &s->item[j];
            if (strcmp(mine->name, other->name) == 0)
                return chirp_fail(CHIRP_ERR_ARG, "two benchmarks are named %s: names must differ",
                                  mine->name);
            if (!found && family_length(other->name) == length &&
                strncmp(mine->name, other->name, length) == 0) {
                mine->family_index = other->family_index;
                mine->instance_index = other->instance_index + 1;
                found = true;
            }
        }
        if (!found)
            mine->family_index = families++;
    }
    return CHIRP_OK;
}

static chirp_status unknown_suite(const chirp_bench_suite *suites, size_t n_suites,
                                  const char *word)
{
    const char *names[64] = {0};
    char list[256] = "";
    for (size_t i = 0; i < n_suites && i < 63; ++i) {
        names[i] = suites[i].name;
        const size_t used = strlen(list);
        (void)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", suites[i].name);
    }
    const char *near = chirp_nearest_name(word, names);
    if (near)
        return chirp_fail(CHIRP_ERR_ARG, "bench: no suite '%s'; did you mean %s? suites: %s", word,
                          near, list);
    return chirp_fail(CHIRP_ERR_ARG, "bench: no suite '%s'; suites: %s", word, list);
}

chirp_status chirp_select(const chirp_bench_suite *suites, size_t n_suites, char **wanted,
                          int n_wanted, const chirp_bench_flags *flags, chirp_selection *selection)
{
    *selection = (chirp_selection){0};
    chirp_status st = CHIRP_OK;
    for (int w = 0; w < n_wanted && st == CHIRP_OK; ++w) {
        bool known = false;
        for (size_t i = 0; i < n_suites; ++i)
            known |= strcmp(suites[i].name, wanted[w]) == 0;
        if (!known)
            st = unknown_suite(suites, n_suites, wanted[w]);
    }
    for (size_t i = 0; i < n_suites && st == CHIRP_OK; ++i) {
        bool named = false;
        for (int w = 0; w < n_wanted; ++w)
            named |= strcmp(suites[i].name, wanted[w]) == 0;
        if (named || n_wanted == 0)
            st = expand(&suites[i], named, flags, selection);
    }
    if (st == CHIRP_OK)
        st = filter(selection, flags->filter);
    if (st == CHIRP_OK)
        drop_unasked(selection);
    if (st == CHIRP_OK)
        st = number(selection);
    if (st != CHIRP_OK)
        chirp_selection_clear(selection);
    return st;
}

void chirp_selection_clear(chirp_selection *s)
{
    for (size_t i = 0; i < s->count; ++i)
        chirp_free(s->item[i].name);
    chirp_free(s->item);
    *s = (chirp_selection){0};
}
