#include "suites/families.h"

#include "harness/base/memory.h"

#include <stdio.h>
#include <string.h>

enum { NAME = 160 };

static const char *value_of(const chirp_bench_axis *axis, int i)
{
    if (axis->values)
        return axis->values[i];
    return axis->value ? axis->value(i) : NULL;
}

static bool is_axis(const chirp_bench_axis *axis) { return axis->values || axis->value; }

static void write_name(const chirp_bench_family *f, const int *at, char *name)
{
    int length = snprintf(name, NAME, "%s", f->name);
    for (int a = 0; a < CHIRP_BENCH_AXES && is_axis(&f->axes[a]); ++a)
        length += snprintf(name + length, (size_t)(NAME - length), "/%s%s%s",
                           f->axes[a].key ? f->axes[a].key : "", f->axes[a].key ? ":" : "",
                           value_of(&f->axes[a], at[a]));
}

/* The next combination, the last axis fastest; false behind the last. */
static bool advance(const chirp_bench_family *f, int *at)
{
    for (int a = CHIRP_BENCH_AXES - 1; a >= 0; --a) {
        if (!is_axis(&f->axes[a]))
            continue;
        if (value_of(&f->axes[a], ++at[a]))
            return true;
        at[a] = 0;
    }
    return false;
}

/* A row owns its case and its name, one behind the other in one block. */
static chirp_status add_row(const chirp_bench_family *f, const int *at, chirp_bench_entry *entry)
{
    char *c = chirp_calloc(1, f->case_size + NAME);
    if (!c)
        return CHIRP_ERR_NOMEM;
    if (!f->make(at, c)) {
        chirp_free(c);
        return CHIRP_OK;
    }
    write_name(f, at, c + f->case_size);
    *entry = (chirp_bench_entry){.name = c + f->case_size,
                                 .run = f->run,
                                 .check = f->check,
                                 .arg = c,
                                 .baseline = f->baseline};
    return CHIRP_OK;
}

static size_t combinations(const chirp_bench_family *families)
{
    size_t n = 0;
    for (const chirp_bench_family *f = families; f->name; ++f) {
        int at[CHIRP_BENCH_AXES] = {0};
        do
            ++n;
        while (advance(f, at));
    }
    return n;
}

chirp_status chirp_families_expand(const chirp_bench_family *families, chirp_bench_entry **entries)
{
    chirp_bench_entry *all = chirp_calloc(combinations(families) + 1, sizeof *all);
    if (!all)
        return CHIRP_ERR_NOMEM;
    size_t n = 0;
    for (const chirp_bench_family *f = families; f->name; ++f) {
        int at[CHIRP_BENCH_AXES] = {0};
        do {
            const chirp_status st = add_row(f, at, &all[n]);
            if (st != CHIRP_OK) {
                chirp_families_free(all);
                return st;
            }
            n += all[n].name != NULL;
        } while (advance(f, at));
    }
    *entries = all;
    return CHIRP_OK;
}

void chirp_families_free(chirp_bench_entry *entries)
{
    for (chirp_bench_entry *e = entries; e && e->name; ++e)
        chirp_free((void *)(uintptr_t)e->arg); /* made by add_row() and not const there */
    chirp_free(entries);
}
