#include "harness/base/memory.h"
#include "harness/stats/stats.h"
#include "suites/scaling/simulate.h"

#include <math.h>

/* splitmix64 of a counter: good enough for jitter, and needs no state. */
static double uniform(uint64_t seed, uint64_t index)
{
    uint64_t z =
        seed * 0xd1342543de82ef95ULL + index * 0x9e3779b97f4a7c15ULL + 0x632be59bd9b4e019ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    z ^= z >> 31;
    return ((double)(z >> 12) + 0.5) / 4503599627370496.0;
}

static double normal(uint64_t seed, uint64_t index)
{
    const double radius = sqrt(-2 * log(uniform(seed, 2 * index)));
    return radius * cos(6.283185307179586 * uniform(seed, 2 * index + 1));
}

chirp_status chirp_jitter_draw(const chirp_plan *plan, uint64_t seed, int passes, float *factor)
{
    const int n = plan->ranks;
    const double total = hypot(plan->jitter_relative, plan->jitter_absolute_s / plan->micro_s);
    const double permanent = total * sqrt(plan->jitter_permanent_share);
    const double fresh = total * sqrt(1 - plan->jitter_permanent_share);
    double *score = chirp_calloc((size_t)n, sizeof *score);
    if (!score)
        return CHIRP_ERR_NOMEM;
    for (int i = 0; i < n; ++i)
        score[i] = n > 1 ? chirp_normal_quantile((i + 1 - 0.375) / (n + 0.25)) : 0;
    for (int i = n - 1; i > 0; --i) { /* Fisher-Yates: which rank is slow */
        const int j = (int)(uniform(seed ^ 0x5bd1e995U, (uint64_t)i) * (i + 1));
        const double swap = score[i];
        score[i] = score[j];
        score[j] = swap;
    }
    /* the mean over all draws is taken out: a projection is for the nominal rate, and waiting is then never negative */
    const uint64_t draws = (uint64_t)passes * (uint64_t)n;
    double mean = 0;
    for (uint64_t i = 0; i < draws; ++i)
        mean += normal(seed, i) / (double)draws;
    for (uint64_t i = 0; i < draws; ++i) {
        const double f = 1 + permanent * score[i % (uint64_t)n] + fresh * (normal(seed, i) - mean);
        factor[i] = (float)fmax(0.05, f);
    }
    chirp_free(score);
    return CHIRP_OK;
}
