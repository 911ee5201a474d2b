#include "suites/scaling/measured/timeline.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "model/parallel/parallel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_EVENTS = 256, MAX_OWN = 5 };

/* What one rank has to say. */
typedef struct track_events {
    int n;
    double offset_s, uncertainty_s;
    chirp_exchange_event event[MAX_EVENTS];
} track_events;

static void add(track_events *t, const char *name, char kind, double start, double seconds)
{
    if (seconds <= 0)
        return;
    chirp_exchange_event *e = &t->event[t->n++];
    *e = (chirp_exchange_event){.kind = kind, .start_s = start, .end_s = start + seconds};
    (void)snprintf(e->name, sizeof e->name, "%s", name);
}

/* The exchange's events and the parts around them, on rank 0's clock. */
static void collect(const chirp_exchange *exchange, const chirp_timeline_step *step,
                    track_events *t)
{
    t->n = chirp_exchange_events(exchange, t->event, MAX_EVENTS - MAX_OWN);
    t->n = t->n < MAX_EVENTS - MAX_OWN ? t->n : MAX_EVENTS - MAX_OWN;
    t->offset_s = step->offset_s;
    t->uncertainty_s = step->uncertainty_s;
    double begin =
        INFINITY; /* of the last pass's backward part, and where the rank stops waiting */
    double computed = -INFINITY;
    double done = -INFINITY;
    for (int i = 0; i < t->n; ++i) {
        chirp_exchange_event *e = &t->event[i];
        e->start_s += step->offset_s;
        e->end_s += step->offset_s;
        if (e->kind == 't')
            begin = fmin(begin, e->start_s);
        if (e->kind == 'w') {
            computed = e->start_s;
            done = e->end_s;
        }
    }
    if (t->n == 0) { /* one rank exchanges nothing and notes no instant */
        begin = 0;
        computed = done = step->backward_s;
        add(t, "backward", 'p', begin, step->backward_s);
        add(t, "optimizer", 'p', done, step->optimizer_s);
        done += step->optimizer_s;
    }
    /* passes before the last one, whose own backward part the exchange has watched */
    const double earlier = fmax(0, step->backward_s - (computed - begin));
    const bool several = earlier > 0.01 * step->backward_s;
    const double passes = step->forward_s + (several ? earlier : 0);
    add(t, "input", 'p', begin - passes - step->input_s, step->input_s);
    add(t, several ? "earlier passes and forward" : "forward", 'p', begin - passes, passes);
    add(t, "sums over ranks", 'c', done, step->control_s);
}

static void write_event(chirp_text *text, int rank, int track, const chirp_exchange_event *e,
                        double zero)
{
    const char *category = e->kind == 'b'   ? "communication"
                           : e->kind == 'w' ? "waiting"
                           : e->kind == 'c' ? "control"
                                            : "compute";
    chirp_text_appendf(text,
                       ",\n{\"name\": \"%s\", \"cat\": \"%s\", \"ph\": \"X\", \"pid\": %d, "
                       "\"tid\": %d, \"ts\": %.3f, \"dur\": %.3f}",
                       e->name, category, rank, track, 1e6 * (e->start_s - zero),
                       1e6 * (e->end_s - e->start_s));
}

/* Perfetto orders processes by pid and threads by name unless told otherwise. */
static void write_process(chirp_text *text, int rank, const track_events *t)
{
    chirp_text_appendf(text,
                       "%s\n{\"name\": \"process_name\", \"ph\": \"M\", \"pid\": %d, \"tid\": 0, "
                       "\"args\": {\"name\": \"rank %d\"}}",
                       rank > 0 ? "," : "", rank, rank);
    chirp_text_appendf(text,
                       ",\n{\"name\": \"process_sort_index\", \"ph\": \"M\", \"pid\": %d, "
                       "\"tid\": 0, \"args\": {\"sort_index\": %d}}",
                       rank, rank);
    chirp_text_appendf(text,
                       ",\n{\"name\": \"process_labels\", \"ph\": \"M\", \"pid\": %d, \"tid\": 0, "
                       "\"args\": {\"labels\": \"clock %+.3f us, known to %.3f us\"}}",
                       rank, 1e6 * t->offset_s, 1e6 * t->uncertainty_s);
}

static void write_track(chirp_text *text, int rank, int track, const char *name)
{
    chirp_text_appendf(text,
                       ",\n{\"name\": \"thread_sort_index\", \"ph\": \"M\", \"pid\": %d, "
                       "\"tid\": %d, \"args\": {\"sort_index\": %d}}",
                       rank, track, track);
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
static void write_rank(chirp_text *text, int rank, track_events *t, double zero)
{
    const int n = t->n;
    chirp_exchange_event *events = t->event;
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

static chirp_status write_all(const char *path, track_events *all, int ranks)
{
    chirp_text text = {0};
    double zero = INFINITY;
    for (int r = 0; r < ranks; ++r)
        for (int i = 0; i < all[r].n; ++i)
            zero = fmin(zero, all[r].event[i].start_s);
    chirp_text_append(&text, "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [");
    for (int r = 0; r < ranks; ++r) {
        write_process(&text, r, &all[r]);
        write_rank(&text, r, &all[r], zero);
    }
    chirp_text_append(&text, "\n]}\n");
    const chirp_status st =
        text.failed ? chirp_fail(CHIRP_ERR_NOMEM, "%s: no memory for the timeline", path)
                    : chirp_file_write(path, text.bytes, text.used);
    chirp_free(text.bytes);
    return st;
}

chirp_status chirp_timeline_write(const char *path, const chirp_exchange *exchange,
                                  const chirp_timeline_step *step)
{
    const int ranks = chirp_parallel_size();
    const bool root = chirp_parallel_rank() == 0;
    track_events *mine = chirp_calloc(1, sizeof *mine);
    track_events *all = root ? chirp_calloc((size_t)ranks, sizeof *all) : NULL;
    chirp_status st = chirp_parallel_agree(mine && (!root || all) ? CHIRP_OK : CHIRP_ERR_NOMEM);
    if (st == CHIRP_OK && mine)
        collect(exchange, step, mine);
    if (st == CHIRP_OK)
        st = chirp_parallel_gather(mine, (int64_t)sizeof *mine, all, 0);
    if (st == CHIRP_OK && root)
        st = write_all(path, all, ranks);
    st = chirp_parallel_agree(st);
    chirp_free(mine);
    chirp_free(all);
    return st;
}
