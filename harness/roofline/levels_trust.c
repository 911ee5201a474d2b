/* What speaks against a measured roof. */
#include "harness/roofline/levels.h"

#include "harness/roofline/roofline.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct doubts {
    const chirp_levels *levels;
    chirp_level_doubt *item;
    int count;
} doubts;

/* "L1, 2 threads: ..." */
__attribute__((format(printf, 3, 4))) static void add(doubts *d, int level, const char *format, ...)
{
    chirp_level_doubt *to = &d->item[d->count++];
    const int threads = d->levels->threads;
    va_list args;
    to->level = level;
    const int used = snprintf(to->text, sizeof to->text,
                              "%s%s%d thread%s: ", level < 0 ? "" : d->levels->item[level].name,
                              level < 0 ? "" : ", ", threads, threads == 1 ? "" : "s");
    va_start(args, format);
    (void)vsnprintf(to->text + used, sizeof to->text - (size_t)used, format, args);
    va_end(args);
}

static void compare_tries(doubts *d, int level, const char *what, double best, double lower)
{
    if (chirp_roofline_differ(best, lower))
        add(d, level, "%s at %.1f and %.1f GB/s in two tries: something else was running", what,
            1e-9 * best, 1e-9 * lower);
}

static void compare_levels(doubts *d, int level, const char *what, double near, double far)
{
    if (near < far)
        add(d, level, "%s at %.1f GB/s, slower than the next level out (%.1f GB/s)", what,
            1e-9 * near, 1e-9 * far);
}

int chirp_levels_doubts(const chirp_levels *levels, chirp_level_doubt *item)
{
    doubts d = {levels, item, 0};
    if (levels->processors > 0 && levels->processors < levels->threads)
        add(&d, -1, "they took turns on %d allowed processor%s", levels->processors,
            levels->processors == 1 ? "" : "s");
    for (int i = 0; i < levels->count; ++i) {
        const chirp_level *l = &levels->item[i];
        const double read = l->read_bytes_per_second;
        const double triad = l->triad_bytes_per_second;
        if (!(read >= CHIRP_LEAST_READ_OVER_TRIAD * triad))
            add(&d, i, "reads at %.1f GB/s, below %g of the triad's %.1f GB/s", 1e-9 * read,
                CHIRP_LEAST_READ_OVER_TRIAD, 1e-9 * triad);
        compare_tries(&d, i, "reads", read, l->read_lower);
        compare_tries(&d, i, "triad", triad, l->triad_lower);
        if (i + 1 < levels->count) {
            compare_levels(&d, i, "reads", read, l[1].read_bytes_per_second);
            compare_levels(&d, i, "triad", triad, l[1].triad_bytes_per_second);
        }
    }
    return d.count;
}
