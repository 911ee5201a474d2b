#include "model/training/shares.h"
#include "harness/base/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Halvings of the interval in which the best instant lies. */
enum { TURNS = 24 };

chirp_status chirp_shares_parse(const char *text, int64_t batch, int ranks, int64_t *share)
{
    const int64_t all = batch * ranks;
    int64_t sum = 0;
    int n = 0;
    if (strcmp(text, "equal") == 0 || strcmp(text, "measured") == 0) {
        for (int r = 0; r < ranks; ++r)
            share[r] = batch;
        return CHIRP_OK;
    }
    for (const char *at = text; at; ++n) {
        int64_t value = 0;
        if (!chirp_next_integer(&at, 1, UINT32_MAX, &value))
            return chirp_fail(CHIRP_ERR_ARG,
                              "--shares %s is neither equal, measured nor a list such as 5,3",
                              text);
        if (n < ranks)
            share[n] = value;
        sum += value;
    }
    if (n != ranks || sum != all)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--shares %s gives %d ranks %" PRId64
                          " signals; there are %d ranks and %" PRId64
                          " signals (ranks times --batch)",
                          text, n, sum, ranks, all);
    return CHIRP_OK;
}

static double last_done(const double *seconds, int ranks, const int64_t *share)
{
    double last = 0;
    for (int r = 0; r < ranks; ++r)
        last = fmax(last, (double)share[r] * seconds[r]);
    return last;
}

bool chirp_shares_better(const double *seconds, int ranks, const int64_t *share,
                         const int64_t *wanted)
{
    static const double WORTH_A_CHANGE = 0.995;
    return last_done(seconds, ranks, wanted) < WORTH_A_CHANGE * last_done(seconds, ranks, share);
}

/* What every rank has time for until then, but at least one signal; returns the sum. */
static int64_t until(double instant, const double *seconds, int ranks, int64_t *share)
{
    int64_t sum = 0;
    for (int r = 0; r < ranks; ++r) {
        const double signals =
            instant / seconds[r]; /* no fmax(): it is a call, and this the inmost loop */
        share[r] = signals > 1 ? (int64_t)signals : 1;
        sum += share[r];
    }
    return sum;
}

void chirp_shares_balance(const double *seconds, int64_t batch, int ranks, int64_t *share)
{
    const int64_t all = ranks * batch;
    double speed = 0;
    for (int r = 0; r < ranks; ++r)
        speed += 1 / seconds[r];
    /* in fractions of signals all end at `all / speed`; rounding down leaves less than a signal of each rank */
    double low = (double)all / speed;
    double high = (double)(all + ranks) / speed;
    if (until(low, seconds, ranks, share) >
        all) /* a signal is more than slow ranks have time for */
        low = 0;
    for (int turn = 0; turn < TURNS; ++turn) {
        const double middle = 0.5 * (low + high);
        if (until(middle, seconds, ranks, share) > all)
            high = middle;
        else
            low = middle;
    }
    /* few are left over: ranks that would finish at nearly the same instant */
    for (int64_t left = all - until(low, seconds, ranks, share); left > 0; --left) {
        int next = 0;
        for (int r = 1; r < ranks; ++r)
            if ((double)(share[r] + 1) * seconds[r] < (double)(share[next] + 1) * seconds[next])
                next = r;
        ++share[next];
    }
}
