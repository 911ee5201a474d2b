#include "model/training/participation.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "model/parallel/parallel.h"
#include "model/training/deadline.h"

#include <math.h>

/* Time of the rest of a step, at best, over what a rank that just meets the deadline takes for it. */
static const double PACE = 0.95;
/* A rank that was slow is taken to stay so for the rest of its step, up to this many times the deadline's pace. */
static const double SLOWEST = 2;
/* Weight of the latest step in what is known of places. */
static const double GAIN = 0.1;

struct chirp_participation {
    double start, seconds, deadline;
    bool under_way, late;
    int at, room;    /* places of this step passed so far; of a step, as the first one had them */
    double *reached; /* [room] since this step's begin [s] */
    double *share;   /* [room] of a step's time that is over there, mean; negative: not known yet */
    /* rank 0, NULL elsewhere */
    chirp_deadline *all;
    double *told, *ranks; /* [2 * ranks], [ranks] */
};

chirp_status chirp_participation_create(chirp_participation **participation)
{
    chirp_participation *p = chirp_calloc(1, sizeof *p);
    chirp_status st = p ? CHIRP_OK : CHIRP_ERR_NOMEM;
    const int ranks = chirp_parallel_size();
    if (p && chirp_parallel_rank() == 0) {
        p->told = chirp_calloc(2 * (size_t)ranks, sizeof *p->told);
        p->ranks = chirp_calloc((size_t)ranks, sizeof *p->ranks);
        st = p->told && p->ranks ? chirp_deadline_create(ranks, &p->all) : CHIRP_ERR_NOMEM;
    }
    if (p)
        p->deadline = (double)INFINITY;
    st = chirp_parallel_agree(st);
    if (st != CHIRP_OK) {
        chirp_participation_destroy(p);
        return st;
    }
    *participation = p;
    return CHIRP_OK;
}

void chirp_participation_destroy(chirp_participation *p)
{
    if (!p)
        return;
    chirp_deadline_destroy(p->all);
    chirp_free(p->told);
    chirp_free(p->ranks);
    chirp_free(p->reached);
    chirp_free(p->share);
    chirp_free(p);
}

void chirp_participation_begin(chirp_participation *p)
{
    p->at = 0;
    p->late = false;
    p->under_way = true;
    p->start = chirp_now_s();
}

bool chirp_participation_go_on(chirp_participation *p)
{
    if (!p->under_way)
        return true;
    const int place = p->at++;
    if (place >= p->room || p->late)
        return !p->late;
    const double now = chirp_now_s() - p->start;
    const double rest = 1 - p->share[place];
    p->reached[place] = now;
    if (!isfinite(p->deadline) || p->share[place] < 0 || chirp_parallel_rank() == 0 ||
        now + rest * PACE * p->deadline <= p->deadline)
        return true;
    const double slow = now / ((1 - rest) * p->deadline);
    p->seconds = now + rest * p->deadline * fmax(1, fmin(slow, SLOWEST));
    p->late = true;
    return false;
}

void chirp_participation_end(chirp_participation *p)
{
    p->under_way = false;
    if (p->late)
        return;
    p->seconds = chirp_now_s() - p->start;
    for (int i = 0; i < p->at && i < p->room; ++i) {
        const double share = p->reached[i] / p->seconds;
        p->share[i] = p->share[i] < 0 ? share : p->share[i] + GAIN * (share - p->share[i]);
    }
}

/* The first step says how many places there are. */
static chirp_status make_room(chirp_participation *p)
{
    if (p->room > 0 || p->at == 0)
        return CHIRP_OK;
    p->reached = chirp_calloc((size_t)p->at, sizeof *p->reached);
    p->share = chirp_calloc((size_t)p->at, sizeof *p->share);
    if (!p->reached || !p->share)
        return CHIRP_ERR_NOMEM;
    p->room = p->at;
    for (int i = 0; i < p->room; ++i)
        p->share[i] = -1;
    return CHIRP_OK;
}

chirp_status chirp_participation_step(chirp_participation *p, double left_out)
{
    const double mine[2] = {p->seconds, left_out};
    chirp_status st = make_room(p);
    if (st == CHIRP_OK)
        st = chirp_parallel_gather(mine, (int64_t)sizeof mine, p->told, 0);
    if (st == CHIRP_OK && p->all) {
        double sum = 0;
        for (int r = 0; r < chirp_parallel_size(); ++r) {
            p->ranks[r] = p->told[2 * r];
            sum += p->told[2 * r + 1];
        }
        chirp_deadline_step(p->all, p->ranks, sum);
        p->deadline = chirp_deadline_seconds(p->all);
    }
    return st == CHIRP_OK ? chirp_parallel_broadcast(&p->deadline, (int64_t)sizeof p->deadline, 0)
                          : st;
}

void chirp_participation_limit(chirp_participation *p, double seconds) { p->deadline = seconds; }

double chirp_participation_seconds(const chirp_participation *p) { return p->seconds; }

double chirp_participation_deadline(const chirp_participation *p) { return p->deadline; }
