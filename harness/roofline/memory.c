/* Bandwidth of one level of the memory hierarchy: the working set decides which. */
#include "harness/roofline/roofline.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/machine/team.h"
#include "harness/roofline/lanes.h"
#include "harness/roofline/tracks.h"

#include <omp.h>
#include <stdatomic.h>

/* a piece of work between two readings of the clock: long against the reading, short against a time slice */
static const int64_t PIECE_NS = 50000;
/* what a best is taken over: long against a piece, short enough that threads on a busy machine run together that long */
static const int64_t WINDOW_NS = 1000000;
enum { LEAST_PIECE = 4096, GRAIN = 16 }; /* floats; a grain is the widest vector */

static volatile float keep_result;

static bool always(void) { return true; }

/* Widest first. */
static const struct loops {
    float (*read)(const float *x, int64_t n, int64_t passes);
    void (*triad)(float *a, const float *b, const float *c, float s, int64_t n, int64_t passes);
    bool (*supported)(void);
} loops_by_width[] = {
#ifdef CHIRP_LANES_X86
    {chirp_read_avx512, chirp_triad_avx512, chirp_has_avx512},
    {chirp_read_avx2, chirp_triad_avx2, chirp_has_avx2},
#endif
    {chirp_read_baseline, chirp_triad_baseline, always},
};

/* One thread's part. */
typedef struct worker {
    const struct loops *run;
    float *a, *b, *c;
    bool read_only;
    int64_t count;         /* floats that a pass goes over: of all three arrays, or of each */
    int64_t each;          /* bytes that are moved for one of them */
    int64_t at;            /* where a pass stands */
    int64_t piece, passes; /* a part of a pass, or several passes */
    int64_t bytes;         /* moved so far */
    float total;
} worker;

/* Every thread allocates and first touches its own arrays, so that each lies in its own memory node. */
static chirp_status worker_create(worker *w, const chirp_sweep *sweep)
{
    const int64_t n = (int64_t)(sweep->bytes_per_thread / (3 * sizeof(float))) / GRAIN * GRAIN;
    const struct loops *run = loops_by_width;
    while (!run->supported())
        ++run;
    *w = (worker){.run = run, .read_only = sweep->read_only, .passes = 1};
    w->a = chirp_alloc(3 * (size_t)n * sizeof(float));
    if (!w->a)
        return CHIRP_ERR_NOMEM;
    w->b = w->a + n;
    w->c = w->b + n;
    w->count = sweep->read_only ? 3 * n : n;
    w->each = (int64_t)sizeof(float) * (sweep->read_only ? 1 : 3);
    w->piece = w->count < LEAST_PIECE ? w->count : LEAST_PIECE;
    for (int64_t i = 0; i < 3 * n; ++i)
        w->a[i] = 1;
    return CHIRP_OK;
}

static void advance(worker *w)
{
    const int64_t left = w->count - w->at;
    const int64_t n = w->piece < left ? w->piece : left;
    if (w->read_only)
        w->total += w->run->read(w->a + w->at, n, w->passes);
    else
        w->run->triad(w->a + w->at, w->b + w->at, w->c + w->at, 1e-3f, n, w->passes);
    w->bytes += n * w->passes * w->each;
    w->at = n < left ? w->at + n : 0;
}

/* Sizes a piece. The fastest of three tries counts: the others may have lost their processor on the way. */
static void calibrate(worker *w)
{
    for (;;) {
        int64_t least = INT64_MAX;
        for (int i = 0; i < 3; ++i) {
            const int64_t began = chirp_now_ns();
            advance(w);
            const int64_t took = chirp_now_ns() - began;
            least = took < least ? took : least;
        }
        if (least >= PIECE_NS / 2)
            return;
        if (w->piece < w->count)
            w->piece = 2 * w->piece < w->count ? 2 * w->piece : w->count;
        else
            w->passes *= 2;
    }
}

/*
 * Works until the budget is spent, and every thread has been seen to work for two windows and two passes: a thread that comes
 * late finds the others still working. The threads wait for nobody on the way.
 */
static void work(worker *w, chirp_track *track, double budget_s, int threads, atomic_int *ready)
{
    const int64_t began = chirp_now_ns();
    const int64_t until = began + (int64_t)(1e9 * budget_s);
    const int64_t enough = 2 * w->count * w->each;
    bool counted = false;
    w->bytes = 0;
    chirp_track_add(track, began, 0);
    for (int64_t now = began; now < until || atomic_load(ready) < threads;) {
        advance(w);
        now = chirp_now_ns();
        chirp_track_add(track, now, w->bytes);
        if (!counted && w->bytes >= enough && now - began >= 2 * WINDOW_NS) {
            counted = true;
            (void)atomic_fetch_add(ready, 1);
        }
    }
}

/* What the tracks say. A window holds a whole pass: a part of it may lie in a nearer level. */
static double put_together(const chirp_sweep *sweep, const chirp_track *track)
{
    int64_t window = WINDOW_NS;
    double sum = 0;
    for (int t = 0; t < sweep->threads; ++t) {
        const int64_t pass = chirp_track_fastest_ns(&track[t], (int64_t)sweep->bytes_per_thread);
        window = pass > window ? pass : window;
    }
    if (!sweep->own_level)
        return chirp_tracks_best(track, sweep->threads, window);
    for (int t = 0; t < sweep->threads; ++t)
        sum += chirp_tracks_best(&track[t], 1, window);
    /* threads that take turns on fewer processors each have their best alone */
    const int processors = omp_get_num_procs();
    return processors < sweep->threads ? sum * processors / sweep->threads : sum;
}

chirp_status chirp_roofline_sweep(const chirp_sweep *sweep, double budget_s,
                                  double *bytes_per_second)
{
    const int threads = sweep->threads;
    if (threads < 1 || sweep->bytes_per_thread < 3 * GRAIN * sizeof(float))
        return chirp_fail(CHIRP_ERR_ARG,
                          "bandwidth needs a thread and at least 192 bytes, not %d and %zu",
                          threads, sweep->bytes_per_thread);
    chirp_track *track = chirp_calloc((size_t)threads, sizeof *track);
    if (!track)
        return CHIRP_ERR_NOMEM;
    chirp_status st = CHIRP_OK;
    atomic_int ready = 0;
    int team = 0;
    float total = 0;
#pragma omp parallel num_threads(threads) reduction(+ : total)
    {
        worker mine = {0};
        chirp_track *own_track = &track[omp_get_thread_num()];
        chirp_status own = chirp_track_create(own_track);
        if (own == CHIRP_OK)
            own = worker_create(&mine, sweep);
        if (own == CHIRP_OK)
            calibrate(&mine);
#pragma omp critical(chirp_bandwidth_status)
        st = st == CHIRP_OK ? own : st;
#pragma omp master
        team = omp_get_num_threads();
#pragma omp barrier
        if (st == CHIRP_OK && team == threads)
            work(&mine, own_track, budget_s, threads, &ready);
        total += mine.total;
        chirp_free(mine.a);
    }
    keep_result = total;
    if (st != CHIRP_OK)
        st = chirp_fail(st, "no memory for %d times %zu bytes", threads, sweep->bytes_per_thread);
    else if (team < threads)
        st = chirp_team_fail(team, threads);
    else
        *bytes_per_second = put_together(sweep, track);
    for (int t = 0; t < threads; ++t)
        chirp_track_destroy(&track[t]);
    chirp_free(track);
    return st;
}

chirp_status chirp_roofline_bandwidth(int threads, size_t bytes_per_thread, double budget_s,
                                      double *bytes_per_second)
{
    const chirp_sweep triad = {.threads = threads, .bytes_per_thread = bytes_per_thread};
    return chirp_roofline_sweep(&triad, budget_s, bytes_per_second);
}
