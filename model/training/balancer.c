#include "model/training/balancer.h"

#include "harness/base/memory.h"
#include "model/training/shares.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double GAIN[] = {0.02, 0.05, 0.1, 0.2, 0.4, 0.7};
enum { GAINS = sizeof GAIN / sizeof GAIN[0], AHEAD = 2 };

/* Innovations beyond so many of their standard deviations count as this many, unless the next one confirms them. */
static const double USUAL = 4;
/* Of an innovation that was confirmed. */
static const double CONFIRMED_GAIN = 0.5;
/* Weights of the latest step in the scores that choose a gain, and in the usual size of innovations. */
static const double SCORE_GAIN = 0.05, SPREAD_GAIN = 0.1;

/* Scores are noisy: equal shares are left for a gain that is more than noise. */
static const double WORTH_FOLLOWING = 0.995;

/* One way to estimate. */
typedef struct estimator {
    double *seconds;       /* [ranks] of a signal */
    double *known[AHEAD];  /* [ranks] what it was when the shares of the next steps were decided */
    signed char *surprise; /* [ranks] side on which the last value was out of the usual */
    double spread;         /* relative standard deviation of innovations */
    double score;          /* time of a step shared by it, latest steps first */
} estimator;

struct chirp_balancer {
    int ranks;
    int64_t batch;
    int64_t steps; /* measured so far */
    estimator by[GAINS];
    int64_t *followed[AHEAD]; /* [ranks] shares by speed of the next steps, whether in use or not */
    int64_t *equal, *wanted;  /* [ranks] */
    bool in_use[AHEAD];       /* followed shares rather than equal ones */
    double followed_score, equal_score;
    double *clean; /* [ranks] this step's times without gaps */
};

static chirp_status make(chirp_balancer *b)
{
    const size_t n = (size_t)b->ranks;
    bool complete = (b->equal = chirp_calloc(n, sizeof *b->equal)) &&
                    (b->wanted = chirp_calloc(n, sizeof *b->wanted)) &&
                    (b->clean = chirp_calloc(n, sizeof *b->clean));
    for (int a = 0; complete && a < AHEAD; ++a)
        complete = (b->followed[a] = chirp_calloc(n, sizeof *b->followed[a]));
    for (int g = 0; complete && g < GAINS; ++g) {
        estimator *e = &b->by[g];
        complete = (e->seconds = chirp_calloc(n, sizeof *e->seconds)) &&
                   (e->surprise = chirp_calloc(n, sizeof *e->surprise));
        for (int a = 0; complete && a < AHEAD; ++a)
            complete = (e->known[a] = chirp_calloc(n, sizeof *e->known[a]));
    }
    for (size_t r = 0; complete && r < n; ++r)
        b->equal[r] = b->followed[0][r] = b->followed[1][r] = b->batch;
    return complete ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

chirp_status chirp_balancer_create(int ranks, int64_t batch, chirp_balancer **balancer)
{
    if (ranks < 1 || batch < 1)
        return chirp_fail(CHIRP_ERR_ARG, "load balancing of %d ranks with %lld signals each", ranks,
                          (long long)batch);
    chirp_balancer *b = chirp_calloc(1, sizeof *b);
    if (!b)
        return CHIRP_ERR_NOMEM;
    b->ranks = ranks;
    b->batch = batch;
    const chirp_status st = make(b);
    if (st != CHIRP_OK) {
        chirp_balancer_destroy(b);
        return st;
    }
    *balancer = b;
    return CHIRP_OK;
}

void chirp_balancer_destroy(chirp_balancer *b)
{
    if (!b)
        return;
    for (int g = 0; g < GAINS; ++g) {
        chirp_free(b->by[g].seconds);
        chirp_free(b->by[g].surprise);
        for (int a = 0; a < AHEAD; ++a)
            chirp_free(b->by[g].known[a]);
    }
    for (int a = 0; a < AHEAD; ++a)
        chirp_free(b->followed[a]);
    chirp_free(b->equal);
    chirp_free(b->wanted);
    chirp_free(b->clean);
    chirp_free(b);
}

/* fmax() and fmin() are calls, these are instructions. */
static inline double larger(double a, double b) { return a > b ? a : b; }
static inline double smaller(double a, double b) { return a < b ? a : b; }

/* Exponential mean that starts as a plain one. */
static double follow(double mean, double value, double gain, int64_t n)
{
    return mean + fmax(gain, 1 / (double)(n + 1)) * (value - mean);
}

/* Time of a step in which each rank has signals in inverse proportion to `guess`, and takes `seconds` for one. */
static double shared_time(const chirp_balancer *b, const double *guess, const double *seconds)
{
    double speed = 0;
    double last = 0;
    for (int r = 0; r < b->ranks; ++r) {
        speed += 1 / guess[r];
        last = larger(last, seconds[r] / guess[r]);
    }
    return last * (double)b->batch * b->ranks / speed;
}

static double last_done(const chirp_balancer *b, const int64_t *share, const double *seconds)
{
    double last = 0;
    for (int r = 0; r < b->ranks; ++r)
        last = larger(last, (double)share[r] * seconds[r]);
    return last;
}

/* How long this step would have been by each way to share: by what was known when its shares were decided, and in the second
   step by what the first has told, so that following starts early and not before it was seen to help. */
static void score(chirp_balancer *b, const double *seconds)
{
    const int then = b->steps == 1 ? 1 : 0;
    const int64_t scored = b->steps - 1;
    double mean = 0;
    if (scored < 0)
        return;
    for (int r = 0; r < b->ranks; ++r)
        mean += seconds[r] * (double)b->batch / b->ranks;
    for (int g = 0; g < GAINS; ++g)
        b->by[g].score =
            follow(b->by[g].score, shared_time(b, b->by[g].known[then], seconds) / mean, SCORE_GAIN,
                   scored);
    b->followed_score = follow(b->followed_score, last_done(b, b->followed[then], seconds) / mean,
                               SCORE_GAIN, scored);
    b->equal_score =
        follow(b->equal_score, last_done(b, b->equal, seconds) / mean, SCORE_GAIN, scored);
}

static void estimate(chirp_balancer *b, int g, const double *seconds)
{
    estimator *e = &b->by[g];
    const double gain = fmax(GAIN[g], 1 / (double)(b->steps + 1));
    const double usual = b->steps > 1 ? USUAL * e->spread : (double)INFINITY;
    double sum = 0;
    for (int r = 0; r < b->ranks; ++r) {
        if (b->steps == 0) {
            e->seconds[r] = seconds[r];
            continue;
        }
        const double innovation = seconds[r] / e->seconds[r] - 1;
        const double counted = larger(-usual, smaller(usual, innovation));
        const signed char side = (signed char)((innovation > usual) - (innovation < -usual));
        const bool confirmed = side != 0 && side == e->surprise[r];
        e->surprise[r] = side;
        e->seconds[r] *= 1 + (confirmed ? fmax(gain, CONFIRMED_GAIN) * innovation : gain * counted);
        sum += fabs(counted);
    }
    static const double DEVIATION = 1.2533141373155; /* over the mean absolute value of a normal */
    if (b->steps > 0)
        e->spread = follow(e->spread, DEVIATION * sum / b->ranks, SPREAD_GAIN, b->steps - 1);
}

/* The next step's past is forgotten, the present becomes known. */
static void remember(const chirp_balancer *b, estimator *e)
{
    double *oldest = e->known[0];
    e->known[0] = e->known[1];
    e->known[1] = oldest;
    memcpy(oldest, e->seconds, (size_t)b->ranks * sizeof *oldest);
}

static const estimator *best(const chirp_balancer *b)
{
    const estimator *found = &b->by[0];
    for (int g = 1; g < GAINS; ++g)
        if (b->by[g].score < found->score)
            found = &b->by[g];
    return found;
}

static void decide(chirp_balancer *b)
{
    const double *seconds = best(b)->seconds;
    int64_t *decided = b->followed[0];
    b->followed[0] = b->followed[1];
    b->followed[1] = decided;
    chirp_shares_balance(seconds, b->batch, b->ranks, b->wanted);
    const bool better = chirp_shares_better(seconds, b->ranks, b->followed[0], b->wanted);
    memcpy(decided, better ? b->wanted : b->followed[0], (size_t)b->ranks * sizeof *decided);
    b->in_use[0] = b->in_use[1];
    b->in_use[1] = b->followed_score < WORTH_FOLLOWING * b->equal_score;
}

void chirp_balancer_step(chirp_balancer *b, const double *seconds)
{
    for (int r = 0; r < b->ranks; ++r) {
        const bool measured = isfinite(seconds[r]) && seconds[r] > 0;
        if (!measured && b->steps == 0)
            return; /* nothing to compare with yet */
        b->clean[r] = measured ? seconds[r] : b->by[0].seconds[r];
    }
    score(b, b->clean);
    for (int g = 0; g < GAINS; ++g) {
        estimate(b, g, b->clean);
        remember(b, &b->by[g]);
    }
    ++b->steps;
    decide(b);
}

const int64_t *chirp_balancer_shares(const chirp_balancer *b, int ahead)
{
    return b->in_use[ahead] ? b->followed[ahead] : b->equal;
}
