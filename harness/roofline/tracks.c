#include "harness/roofline/tracks.h"

#include "harness/base/memory.h"

enum { MOST_MARKS = 4096 };

chirp_status chirp_track_create(chirp_track *t)
{
    *t = (chirp_track){.stride = 1};
    t->mark = chirp_calloc(MOST_MARKS, sizeof *t->mark);
    return t->mark ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

void chirp_track_destroy(chirp_track *t)
{
    chirp_free(t->mark);
    *t = (chirp_track){0};
}

void chirp_track_add(chirp_track *t, int64_t ns, int64_t bytes)
{
    if (t->count > 0 && ++t->skipped < t->stride)
        return;
    t->skipped = 0;
    if (t->count == MOST_MARKS) {
        for (int i = 0; i < MOST_MARKS / 2; ++i)
            t->mark[i] = t->mark[2 * i];
        t->count = MOST_MARKS / 2;
        t->stride *= 2;
    }
    t->mark[t->count++] = (chirp_mark){ns, bytes};
}

int64_t chirp_track_fastest_ns(const chirp_track *t, int64_t bytes)
{
    double least = 0;
    for (int i = 1; i < t->count; ++i) {
        const double moved = (double)(t->mark[i].bytes - t->mark[i - 1].bytes);
        const double each = (double)(t->mark[i].ns - t->mark[i - 1].ns) / (moved > 0 ? moved : 1);
        if (moved > 0 && each > 0 && (least == 0 || each < least))
            least = each;
    }
    return (int64_t)(least * (double)bytes);
}

/* Between the marks in a straight line. */
static double bytes_at(const chirp_track *t, double ns)
{
    int low = 0;
    int high = t->count - 1;
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if ((double)t->mark[middle].ns <= ns)
            low = middle;
        else
            high = middle;
    }
    const chirp_mark *a = &t->mark[low];
    const chirp_mark *b = &t->mark[high];
    const double span = (double)(b->ns - a->ns);
    const double share = span > 0 ? (ns - (double)a->ns) / span : 0;
    return (double)a->bytes + share * (double)(b->bytes - a->bytes);
}

double chirp_tracks_best(const chirp_track *track, int n, int64_t window_ns)
{
    double from = 0;
    double to = 0;
    for (int i = 0; i < n; ++i) {
        if (track[i].count < 2)
            return 0;
        const double first = (double)track[i].mark[0].ns;
        const double last = (double)track[i].mark[track[i].count - 1].ns;
        from = i == 0 || first > from ? first : from;
        to = i == 0 || last < to ? last : to;
    }
    const double window = (double)window_ns < to - from ? (double)window_ns : to - from;
    double best = 0;
    if (n < 1 || !(window > 0))
        return 0;
    for (int k = 0; k <= track[0].count; ++k) { /* windows begin where one of its marks is */
        const double begin = k == track[0].count ? from : (double)track[0].mark[k].ns;
        double moved = 0;
        if (begin < from || begin + window > to)
            continue;
        for (int i = 0; i < n; ++i)
            moved += bytes_at(&track[i], begin + window) - bytes_at(&track[i], begin);
        best = moved > best ? moved : best;
    }
    return best / window * 1e9;
}
