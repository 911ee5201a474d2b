#include "suites/gate.h"

#include "harness/base/memory.h"
#include "harness/base/shipped.h"
#include "harness/compare/limits.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

chirp_status chirp_gate_find(const char *gate, char *path, size_t size)
{
    static const chirp_shipped where = {"CHIRPBENCH_GATES", "gates", CHIRP_GATES_SOURCE};
    char name[256];
    const size_t length = strlen(gate);
    const bool is_path =
        strchr(gate, '/') || (length > 5 && strcmp(gate + length - 5, ".json") == 0);
    if (is_path && (size_t)snprintf(path, size, "%s", gate) < size)
        return CHIRP_OK;
    (void)snprintf(name, sizeof name, "%.240s.json", gate);
    if (!is_path && chirp_shipped_find(&where, name, path, size))
        return CHIRP_OK;
    return chirp_fail(CHIRP_ERR_ARG,
                      "no gate %.80s came with the program: give quick, kernels, or the path of a "
                      "file of limits",
                      gate);
}

static bool wanted(const chirp_limits *limits, const char *name)
{
    for (size_t i = 0; i < limits->count; ++i)
        if (chirp_limit_names(limits->item[i].benchmark, name) ||
            (limits->item[i].over && chirp_limit_names(limits->item[i].over, name)))
            return true;
    return false;
}

/* Whether some entry of the suite has that name. */
static bool has(const chirp_bench_suite *made, const char *name)
{
    bool found = !name;
    for (const chirp_bench_entry *e = made->entries; e->name && !found; ++e)
        found = chirp_limit_names(name, e->name);
    return found;
}

static chirp_status check_names(const char *path, const chirp_limits *limits,
                                const chirp_bench_suite *made)
{
    for (size_t i = 0; i < limits->count; ++i) {
        const chirp_limit *l = &limits->item[i];
        if (!has(made, l->benchmark) || !has(made, l->over))
            return chirp_fail(CHIRP_ERR_ARG, "%s: limit %zu names %s, which this build hasn't",
                              path, i, has(made, l->benchmark) ? l->over : l->benchmark);
    }
    return CHIRP_OK;
}

chirp_status chirp_gate_make(const char *gate, const chirp_bench_suite *suites, size_t n,
                             chirp_bench_suite *made)
{
    char path[PATH_MAX];
    chirp_limits limits = {0};
    size_t room = 1;
    size_t count = 0;
    chirp_status st = chirp_gate_find(gate, path, sizeof path);
    if (st == CHIRP_OK)
        st = chirp_limits_read(path, &limits);
    if (st != CHIRP_OK)
        return st;
    for (size_t i = 0; i < n; ++i)
        for (const chirp_bench_entry *e = suites[i].entries; e->name; ++e)
            ++room;
    chirp_bench_entry *entries = chirp_calloc(room, sizeof *entries);
    for (size_t i = 0; i < n && entries; ++i)
        for (const chirp_bench_entry *e = suites[i].entries; e->name; ++e)
            if (wanted(&limits, e->name))
                entries[count++] = *e;
    *made = (chirp_bench_suite){.name = "--gate",
                                .summary = "benchmarks of a gate",
                                .entries = entries,
                                .repetitions = 5,
                                .min_time_s = 0.02,
                                .threads = 1};
    st = entries ? check_names(path, &limits, made) : CHIRP_ERR_NOMEM;
    chirp_limits_clear(&limits);
    return st;
}
