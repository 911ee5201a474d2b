#include "model/training/deadline.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* The latest steps that decide, the first with which a deadline is possible, and those whose medians say how long a step is. */
enum { WINDOW = 128, FEWEST = 16, MEDIANS = 15 };
/* Deadlines to choose from, each so much of the median time later than the one before. */
enum { GRID = 200 };
static const double FINENESS = 1.0 / 128;
/* What is chosen by the past does a little worse in the future: what it must win, and what it may leave out. */
static const double WORTH_LEAVING_OUT = 1.005, CAUTION = 0.8;

struct chirp_deadline {
    int ranks, steps; /* steps: at most WINDOW count */
    int at;           /* in the window: the next step's place */
    /* ranks beyond deadline k - 1 and not beyond deadline k: of each step, and in the whole window */
    int step_late[WINDOW][GRID + 1];
    int64_t late[GRID + 1];
    double last[WINDOW];    /* the last rank's time, relative */
    double median[MEDIANS]; /* of the ranks' times, latest steps [s] */
    double *sorted;         /* [ranks] */
    double all, left_out;   /* signals so far, over those of a rank and step */
    double seconds;
};

/* Deadline k, relative to the median. */
static double on_grid(int k) { return 1 + (k + 1) * FINENESS; }

chirp_status chirp_deadline_create(int ranks, chirp_deadline **deadline)
{
    if (ranks < 1)
        return chirp_fail(CHIRP_ERR_ARG, "a deadline for %d ranks", ranks);
    chirp_deadline *d = chirp_calloc(1, sizeof *d);
    if (!d)
        return CHIRP_ERR_NOMEM;
    d->ranks = ranks;
    d->seconds = INFINITY;
    d->sorted = chirp_calloc((size_t)ranks, sizeof *d->sorted);
    if (!d->sorted) {
        chirp_deadline_destroy(d);
        return CHIRP_ERR_NOMEM;
    }
    *deadline = d;
    return CHIRP_OK;
}

void chirp_deadline_destroy(chirp_deadline *d)
{
    if (!d)
        return;
    chirp_free(d->sorted);
    chirp_free(d);
}

/* Puts the step into the window. */
static void remember(chirp_deadline *d, const double *seconds)
{
    int *late = d->step_late[d->at];
    memcpy(d->sorted, seconds, (size_t)d->ranks * sizeof *seconds);
    const double median = chirp_median(d->sorted, (size_t)d->ranks);
    d->median[d->steps % MEDIANS] = median;
    d->last[d->at] = d->sorted[d->ranks - 1] / median;
    for (int k = 0; k <= GRID; ++k)
        d->late[k] -= late[k];
    memset(late, 0, sizeof d->step_late[0]);
    for (int r = d->ranks - 1; r >= 0 && d->sorted[r] > median; --r) {
        const double beyond = (d->sorted[r] / median - 1) / FINENESS;
        ++late[beyond < GRID ? (int)beyond : GRID];
    }
    for (int k = 0; k <= GRID; ++k)
        d->late[k] += late[k];
    d->at = (d->at + 1) % WINDOW;
    ++d->steps;
}

/* A step's mean time in the window with a deadline, relative to the median. */
static double mean_time(const chirp_deadline *d, int steps, double deadline)
{
    double sum = 0;
    for (int s = 0; s < steps; ++s) /* no fmin(): it is a call, and this the inmost loop */
        sum += d->last[s] < deadline ? d->last[s] : deadline;
    return sum / steps;
}

/* The deadline that would have given the most signals a second in the window, relative; INFINITY: none. */
static double best(const chirp_deadline *d)
{
    const int steps = d->steps < WINDOW ? d->steps : WINDOW;
    double found = (double)INFINITY;
    double most = WORTH_LEAVING_OUT / mean_time(d, steps, (double)INFINITY);
    int64_t late = d->late[GRID];
    for (int k = GRID - 1; k >= 0; late += d->late[k--]) {
        const double share = (double)late / ((double)steps * d->ranks);
        if (share > CAUTION * CHIRP_DEADLINE_MOST)
            break;
        if (late == 0 || (k > 0 && d->late[k] == 0))
            continue; /* as good as none, or not as good as the one before it */
        const double rate = (1 - share) / mean_time(d, steps, on_grid(k));
        if (rate > most) {
            most = rate;
            found = on_grid(k);
        }
    }
    return found;
}

void chirp_deadline_step(chirp_deadline *d, const double *seconds, double left_out)
{
    d->all += d->ranks;
    d->left_out += left_out;
    d->seconds = (double)INFINITY;
    for (int r = 0; r < d->ranks; ++r)
        if (!isfinite(seconds[r]) || seconds[r] <= 0)
            return; /* not measured: a step like that says nothing */
    remember(d, seconds);
    if (d->steps < FEWEST || d->left_out > CHIRP_DEADLINE_MOST * d->all)
        return;
    double medians[MEDIANS];
    memcpy(medians, d->median, sizeof medians);
    d->seconds = best(d) * chirp_median(medians, MEDIANS);
}

double chirp_deadline_seconds(const chirp_deadline *d) { return d->seconds; }
