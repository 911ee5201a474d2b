#include "harness/base/hash.h"
#include "harness/base/memory.h"
#include "harness/stats/stats.h"
#include "model/training/shares.h"
#include "suites/scaling/projected/plan.h"

#include <math.h>

/* A mixed counter: good enough for jitter, and needs no state. */
static double uniform(uint64_t seed, uint64_t index)
{
    const uint64_t z = chirp_mix64(seed * 0xd1342543de82ef95ULL + index * 0x9e3779b97f4a7c15ULL +
                                   0x632be59bd9b4e019ULL);
    return ((double)(z >> 12) + 0.5) / 4503599627370496.0;
}

static double normal(uint64_t seed, uint64_t index)
{
    const double radius = sqrt(-2 * log(uniform(seed, 2 * index)));
    return radius * cos(6.283185307179586 * uniform(seed, 2 * index + 1));
}

/* Streams of the numbers drawn from one seed. */
enum { ORDER_STREAM = 0x5bd1e995, SPEED_STREAM = 0x27d4eb2f };

static const double LEAST = 0.05; /* of the nominal time: no pass is shorter */

/* Signals of each rank over the mean number: by the speed that speed_steps steps have shown, which isn't quite the true one. */
static chirp_status draw_shares(const chirp_plan *plan, uint64_t seed, const double *permanent,
                                double *scale)
{
    const int n = plan->ranks;
    double *seconds = chirp_calloc((size_t)n, sizeof *seconds);
    int64_t *share = chirp_calloc(2 * (size_t)n, sizeof *share);
    const chirp_status st = seconds && share ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int i = 0; st == CHIRP_OK && i < n; ++i) {
        seconds[i] =
            fmax(LEAST, 1 + permanent[i] +
                            chirp_speed_error(plan) * normal(seed ^ SPEED_STREAM, (uint64_t)i));
        share[n + i] = plan->share_signals;
    }
    if (st == CHIRP_OK)
        chirp_shares_balance(seconds, plan->share_signals, n, share);
    const bool better = st == CHIRP_OK && chirp_shares_better(seconds, n, share + n, share);
    for (int i = 0; st == CHIRP_OK && i < n; ++i)
        scale[i] = better ? (double)share[i] / plan->share_signals : 1;
    chirp_free(seconds);
    chirp_free(share);
    return st;
}

chirp_status chirp_jitter_draw(const chirp_plan *plan, uint64_t seed, int passes, float *factor)
{
    const int n = plan->ranks;
    double spread = 0;
    double fresh = 0;
    double *permanent = chirp_calloc(2 * (size_t)n, sizeof *permanent);
    if (!permanent)
        return CHIRP_ERR_NOMEM;
    double *scale = permanent + n;
    chirp_jitter_parts(plan, &spread, &fresh);
    for (int i = 0; i < n; ++i) {
        permanent[i] = chirp_jitter_permanent(plan, i);
        scale[i] = 1;
    }
    for (int i = n - 1; i > 0; --i) { /* Fisher-Yates: which rank is slow */
        const int j = (int)(uniform(seed ^ ORDER_STREAM, (uint64_t)i) * (i + 1));
        const double swap = permanent[i];
        permanent[i] = permanent[j];
        permanent[j] = swap;
    }
    chirp_status st = CHIRP_OK;
    if (plan->share_signals > 0)
        st = draw_shares(plan, seed, permanent, scale);
    /* the mean over all draws is taken out: a projection is for the nominal rate, and waiting is then never negative */
    const uint64_t draws = (uint64_t)passes * (uint64_t)n;
    double mean = 0;
    for (uint64_t i = 0; i < draws; ++i)
        mean += normal(seed, i) / (double)draws;
    for (uint64_t i = 0; st == CHIRP_OK && i < draws; ++i) {
        const uint64_t rank = i % (uint64_t)n;
        const double f = 1 + permanent[rank] + fresh * (normal(seed, i) - mean);
        factor[i] = (float)(scale[rank] * fmax(LEAST, f));
    }
    chirp_free(permanent);
    return st;
}

chirp_status chirp_jitter_of_steps(const chirp_plan *plan, float **factor)
{
    const int passes = plan->steps * plan->micro_steps;
    *factor = chirp_calloc((size_t)passes * (size_t)plan->ranks, sizeof **factor);
    return *factor ? chirp_jitter_draw(plan, plan->seed, passes, *factor) : CHIRP_ERR_NOMEM;
}
