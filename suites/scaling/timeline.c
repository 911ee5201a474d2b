#include "suites/scaling/timeline.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "model/parallel/parallel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_EVENTS = 256 };

/* The exchange's events and the parts around them, on rank 0's clock. */
static int collect(const chirp_exchange *exchange, double input_s, double forward_s,
                   double offset_s, chirp_exchange_event *events)
{
    int n = chirp_exchange_events(exchange, events, MAX_EVENTS - 2);
    n = n < MAX_EVENTS - 2 ? n : MAX_EVENTS - 2;
    double begin = INFINITY;
    for (int i = 0; i < n; ++i) {
        events[i].start_s += offset_s;
        events[i].end_s += offset_s;
        begin = fmin(begin, events[i].start_s);
    }
    if (n > 0) {
        events[n++] =
            (chirp_exchange_event){"input", 'p', begin - forward_s - input_s, begin - forward_s};
        events[n++] = (chirp_exchange_event){"forward", 'p', begin - forward_s, begin};
    }
    return n;
}

static void write_event(chirp_text *text, int rank, int track, const chirp_exchange_event *e,
                        double zero)
{
    const char *category = e->kind == 'b'   ? "communication"
                           : e->kind == 'w' ? "waiting"
                                            : "compute";
    chirp_text_appendf(text,
                       ",\n{\"name\": \"%s\", \"cat\": \"%s\", \"ph\": \"X\", \"pid\": %d, "
                       "\"tid\": %d, \"ts\": %.3f, \"dur\": %.3f}",
                       e->name, category, rank, track, 1e6 * (e->start_s - zero),
                       1e6 * (e->end_s - e->start_s));
}

static void write_track(chirp_text *text, int rank, int track, const char *name)
{
    chirp_text_appendf(text,
                       ",\n{\"name\": \"thread_name\", \"ph\": \"M\", \"pid\": %d, \"tid\": %d, "
                       "\"args\": {\"name\": \"%s\"}}",
                       rank, track, name);
}

static int by_start(const void *a, const void *b)
{
    const double x = ((const chirp_exchange_event *)a)->start_s;
    const double y = ((const chirp_exchange_event *)b)->start_s;
    return (x > y) - (x < y);
}

/* Track 0: what the cores do. What travels overlaps, and a track's events may only nest: a bucket goes to the first track
   that is free. */
static void write_rank(chirp_text *text, int rank, chirp_exchange_event *events, int n, double zero)
{
    double busy[MAX_EVENTS];
    int tracks = 0;
    write_track(text, rank, 0, "compute");
    qsort(events, (size_t)n, sizeof *events, by_start);
    for (int i = 0; i < n; ++i) {
        const chirp_exchange_event *e = &events[i];
        int track = 0;
        while (e->kind == 'b' && track < tracks && busy[track] > e->start_s)
            ++track;
        if (e->kind == 'b' && track == tracks) {
            char name[32];
            (void)snprintf(name, sizeof name, "communication %d", tracks + 1);
            write_track(text, rank, 1 + tracks++, name);
        }
        if (e->kind == 'b')
            busy[track++] = e->end_s;
        write_event(text, rank, track, e, zero);
    }
}

static chirp_status write_all(const char *path, chirp_exchange_event *events, const int *count,
                              int ranks)
{
    chirp_text text = {0};
    double zero = INFINITY;
    for (int r = 0; r < ranks; ++r)
        for (int i = 0; i < count[r]; ++i)
            zero = fmin(zero, events[r * MAX_EVENTS + i].start_s);
    chirp_text_append(&text, "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [");
    for (int r = 0; r < ranks; ++r) {
        chirp_text_appendf(&text,
                           "%s\n{\"name\": \"process_name\", \"ph\": \"M\", \"pid\": %d, \"args\": "
                           "{\"name\": \"rank %d\"}}",
                           r > 0 ? "," : "", r, r);
        write_rank(&text, r, &events[r * MAX_EVENTS], count[r], zero);
    }
    chirp_text_append(&text, "\n]}\n");
    const chirp_status st =
        text.failed ? chirp_fail(CHIRP_ERR_NOMEM, "%s: no memory for the timeline", path)
                    : chirp_file_write(path, text.bytes, text.used);
    chirp_free(text.bytes);
    return st;
}

chirp_status chirp_timeline_write(const char *path, const chirp_exchange *exchange, double input_s,
                                  double forward_s, double offset_s)
{
    const int ranks = chirp_parallel_size();
    const bool root = chirp_parallel_rank() == 0;
    chirp_exchange_event *mine = chirp_calloc(MAX_EVENTS, sizeof *mine);
    chirp_exchange_event *all = root ? chirp_calloc((size_t)ranks * MAX_EVENTS, sizeof *all) : NULL;
    int *counts = root ? chirp_calloc((size_t)ranks, sizeof *counts) : NULL;
    chirp_status st =
        chirp_parallel_agree(mine && (!root || (all && counts)) ? CHIRP_OK : CHIRP_ERR_NOMEM);
    if (st == CHIRP_OK) {
        const int n = collect(exchange, input_s, forward_s, offset_s, mine);
        st = chirp_parallel_gather(&n, (int64_t)sizeof n, counts, 0);
    }
    if (st == CHIRP_OK)
        st = chirp_parallel_gather(mine, (int64_t)(MAX_EVENTS * sizeof *mine), all, 0);
    if (st == CHIRP_OK && root)
        st = write_all(path, all, counts, ranks);
    st = chirp_parallel_agree(st);
    chirp_free(mine);
    chirp_free(all);
    chirp_free(counts);
    return st;
}
