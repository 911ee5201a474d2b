#include "reports/sections/twins.h"

#include "harness/base/text.h"

#include <string.h>

static bool is_estimator(const char *algorithm)
{
    static const char *const names[] = {"reparameterization", "local", "flipout", "shared"};
    return chirp_name_index(names, sizeof names / sizeof names[0], algorithm) >= 0;
}

/* "spin.last2" and "spin.none": the same network? */
static bool same_but_variant(const char *variational, const char *deterministic)
{
    static const char *const variant[] = {".last2", ".leaf", ".all"};
    const size_t n = strlen(deterministic);
    if (n < 5 || strcmp(deterministic + n - 5, ".none") != 0 ||
        strncmp(variational, deterministic, n - 5) != 0)
        return false;
    for (size_t i = 0; i < sizeof variant / sizeof variant[0]; ++i)
        if (strcmp(variational + (n - 5), variant[i]) == 0)
            return true;
    return false;
}

static bool is_layer_twin(const chirp_bench_line *v, const chirp_bench_line *d)
{
    const bool family =
        strcmp(v->part[0], d->part[0]) == 0 ||
        (strcmp(v->part[0], "variational") == 0 && strcmp(d->part[0], "dense") == 0);
    return family && is_estimator(v->part[2]) && !is_estimator(d->part[2]) &&
           strcmp(d->part[2], "reference") != 0 && !d->baseline &&
           strcmp(v->part[3], d->part[3]) == 0;
}

const chirp_bench_line *chirp_bench_twin_of(const chirp_bench_lines *lines,
                                            const chirp_bench_line *v)
{
    const chirp_bench_line *best = NULL;
    for (size_t i = 0; i < lines->count; ++i) {
        const chirp_bench_line *d = &lines->line[i];
        if (d == v || d->file != v->file || !(d->time_s > 0) ||
            strcmp(d->part[1], v->part[1]) != 0 || strcmp(d->arguments, v->arguments) != 0)
            continue;
        /* a deterministic network has no estimator, whatever stands in that place of its name */
        const bool network = strcmp(d->part[0], v->part[0]) == 0 &&
                             (strcmp(d->part[2], v->part[2]) == 0 || is_estimator(v->part[2])) &&
                             same_but_variant(v->part[3], d->part[3]);
        if ((network || is_layer_twin(v, d)) && (!best || d->time_s < best->time_s))
            best = d;
    }
    return best;
}
