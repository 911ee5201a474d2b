#include "harness/compare/judge.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/base/text.h"
#include "harness/stats/stats.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const double RUN_SHARE =
    0.5; /* of the noise: how far whole runs are taken to shift at least */
static const double ALARM_SHARE =
    0.2; /* of alpha: the veto's own level, 1 false alarm in 200 pairs at 95 % */
static const double LEAST_DEVIATION = 0.005;
static const double POWER_QUANTILE = 0.8416; /* normal quantile of 0.8: seen four times of five */

chirp_status chirp_comparison_say(chirp_comparison *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = chirp_formatv(format, args);
    va_end(args);
    if (!text)
        return CHIRP_ERR_NOMEM;
    chirp_free(c->why);
    c->why = text;
    return CHIRP_OK;
}

static bool testable(const chirp_comparison *c)
{
    return c->ratio.value > 0 && !c->exact && c->n_base >= CHIRP_LEAST_REPETITIONS &&
           c->n_fresh >= CHIRP_LEAST_REPETITIONS;
}

static double freedom(const chirp_comparison *c) { return (double)(c->n_base + c->n_fresh) - 2; }

static double standard_error(const chirp_comparison *c, double typical)
{
    const double floored = fmax(fmax(c->deviation, typical), LEAST_DEVIATION);
    return floored * sqrt(1 / (double)c->n_base + 1 / (double)c->n_fresh);
}

/* All comparisons that have a test. */
typedef struct family {
    size_t k;
    double deviation; /* median */
} family;

static chirp_status describe_family(const chirp_compare_result *r, family *f)
{
    double *each = chirp_alloc((r->count + 1) * sizeof *each);
    if (!each)
        return CHIRP_ERR_NOMEM;
    *f = (family){0};
    for (size_t i = 0; i < r->count; ++i)
        if (testable(&r->item[i]))
            each[f->k++] = r->item[i].deviation;
    chirp_sort(each, f->k);
    f->deviation = f->k ? chirp_stats_quantile_sorted(each, f->k, 0.5) : 0;
    chirp_free(each);
    return CHIRP_OK;
}

/* Standard deviation of a difference of the sides' logarithms by shifts of whole runs. */
static double run_error(const chirp_comparison *c)
{
    return fmax(RUN_SHARE * c->noise, c->run_scatter) *
           sqrt(1 / (double)c->runs_base + 1 / (double)c->runs_fresh);
}

/* What repetitions and shifts of whole runs together explain, as a difference of logarithms: rule 4. */
static double explained(const chirp_comparison *c, const chirp_compare_options *o, const family *f)
{
    const double alarm = ALARM_SHARE * 0.5 * (1 - o->confidence);
    const double each = alarm / (double)f->k;
    const double few = chirp_student_quantile(c->by_effect ? alarm : each, freedom(c));
    return fmax(few, -chirp_normal_quantile(each)) *
           hypot(run_error(c), c->noise * sqrt(1 / (double)c->n_base + 1 / (double)c->n_fresh));
}

/* The t test, and beside it a rank test as strict as the counts allow. */
static double p_effect(double t, const chirp_comparison *c, double p_rank, double alpha)
{
    const double p = chirp_student_tail(t, freedom(c));
    if (!c->ranked)
        return p;
    const double least = chirp_rank_least_p(c->n_base, c->n_fresh) * (1 + 1e-9);
    return p_rank <= fmax(alpha, least) ? p : fmax(p, p_rank);
}

/* Fills p_slower and p_faster, not yet corrected, and an interval where ranks give none. */
static void test(chirp_comparison *c, const chirp_compare_options *o, const family *f)
{
    const double alpha = 0.5 * (1 - o->confidence);
    const double up = log1p(o->threshold);
    if (!testable(c))
        return;
    const double error = standard_error(c, f->deviation);
    c->by_effect = !c->ranked || chirp_rank_least_p(c->n_base, c->n_fresh) > alpha / (double)f->k;
    if (c->by_effect) {
        c->p_slower = p_effect((c->shift - up) / error, c, c->p_slower, alpha);
        c->p_faster = p_effect((-c->shift - up) / error, c, c->p_faster, alpha);
    }
    if (!c->ranked)
        c->p = fmin(1, 2 * chirp_student_tail(fabs(c->shift) / error, freedom(c)));
    if (!c->ranked || c->ratio.confidence < o->confidence) {
        const double half = error * chirp_student_quantile(alpha, freedom(c));
        c->ratio = (chirp_interval){exp(c->shift), exp(c->shift - half), exp(c->shift + half),
                                    o->confidence};
    }
}

/* The smallest change that the rules of judge.h would have let through 4 times of 5. */
static double detectable(const chirp_comparison *c, const chirp_compare_options *o, const family *f)
{
    const double alpha = 0.5 * (1 - o->confidence);
    if (!testable(c) || !(c->ratio.low > 0) || !isfinite(c->ratio.high))
        return (double)INFINITY;
    const double z = -chirp_normal_quantile(alpha);
    const double corrected = -chirp_normal_quantile(alpha / (double)f->k);
    const double width = log(c->ratio.high / c->ratio.low) / (2 * z);
    const double error = standard_error(c, f->deviation);
    const double up = log1p(o->threshold);
    const double by_test =
        c->by_effect
            ? (chirp_student_quantile(alpha / (double)f->k, freedom(c)) + POWER_QUANTILE) * error
            : (corrected + POWER_QUANTILE) * width;
    const double by_noise = fmax(explained(c, o, f) + POWER_QUANTILE * width,
                                 run_error(c) + (z + POWER_QUANTILE) * width);
    return expm1(fmax(up + by_test, by_noise));
}

/* Why the data could not tell. */
static chirp_status explain(chirp_comparison *c, const chirp_compare_options *o, bool noisy,
                            bool significant)
{
    const double up = 1 + o->threshold;
    const bool above = c->ratio.low > up;
    const bool below = c->ratio.high < 1 / up;
    if (!testable(c))
        return chirp_comparison_say(
            c, "%zu against %zu repetitions are too few to find any change: at least %d are needed",
            c->n_base, c->n_fresh, (int)CHIRP_LEAST_REPETITIONS);
    if (c->ratio.low >= 1 / up && c->ratio.high <= up)
        return chirp_comparison_say(
            c, "the medians agree but the fastest repetitions differ by %+.1f %%: noise?",
            100 * (c->floor_ratio - 1));
    if (!above && !below)
        return chirp_comparison_say(c, "the interval crosses the threshold: repeat more");
    if (noisy)
        return chirp_comparison_say(c,
                                    "too noisy: %+.0f %% is no more than a scatter of %.0f %% in "
                                    "%zu and %zu runs explains; "
                                    "pool more runs, or find a quieter machine",
                                    100 * (c->ratio.value - 1), 100 * c->noise, c->runs_base,
                                    c->runs_fresh);
    if (!significant)
        return chirp_comparison_say(
            c, "beyond the threshold, but not after correction for many comparisons: repeat more");
    return chirp_comparison_say(
        c, "the median is %s but the fastest repetitions differ by %+.1f %% only: noise?",
        above ? "slower" : "faster", 100 * (c->floor_ratio - 1));
}

static chirp_status judge(chirp_comparison *c, const chirp_compare_options *o, const family *f)
{
    const double up = 1 + o->threshold;
    const double alpha = 0.5 * (1 - o->confidence);
    if (c->verdict == CHIRP_FAILED || c->verdict == CHIRP_SKIPPED || c->ratio.value == 0)
        return CHIRP_OK;
    const bool known = c->floor_ratio > 0;
    const bool tested = testable(c);
    const double guard = tested ? explained(c, o, f) : (double)INFINITY;
    const double shifts = tested ? run_error(c) : (double)INFINITY;
    const bool clear_above = log(c->ratio.value) > guard && log(c->ratio.low) > shifts;
    const bool clear_below = log(c->ratio.value) < -guard && log(c->ratio.high) < -shifts;
    if (tested && clear_above && c->ratio.low > up && c->p_slower <= alpha &&
        (!known || c->floor_ratio > up))
        c->verdict = CHIRP_SLOWER;
    else if (tested && clear_below && c->ratio.high < 1 / up && c->p_faster <= alpha &&
             (!known || c->floor_ratio < 1 / up))
        c->verdict = CHIRP_FASTER;
    else if (tested && c->ratio.low >= 1 / up && c->ratio.high <= up &&
             (!known || (c->floor_ratio >= 1 / up && c->floor_ratio <= up)))
        c->verdict = CHIRP_SAME;
    else
        return explain(c, o, !clear_above && !clear_below,
                       c->p_slower <= alpha || c->p_faster <= alpha);
    return CHIRP_OK;
}

/* Counts of a simulation have no noise: the threshold alone decides, unless they don't repeat. */
static chirp_status judge_counts(chirp_comparison *c, const chirp_compare_options *o)
{
    const double up = 1 + o->threshold;
    if (c->ratio.low > up)
        c->verdict = CHIRP_SLOWER;
    else if (c->ratio.high < 1 / up)
        c->verdict = CHIRP_FASTER;
    else if (c->ratio.low >= 1 / up && c->ratio.high <= up)
        c->verdict = CHIRP_SAME;
    else
        return chirp_comparison_say(c,
                                    "the counts of its repetitions differ by %.2g %%: it doesn't "
                                    "do the same work each time",
                                    100 * c->noise);
    return CHIRP_OK;
}

static double *p_of(chirp_comparison *c, int which)
{
    return which == 0 ? &c->p_corrected : which == 1 ? &c->p_slower : &c->p_faster;
}

/* Holm over the comparisons that have a test. */
static chirp_status correct(chirp_compare_result *r)
{
    double *p = chirp_alloc((r->count + 1) * sizeof *p);
    chirp_status st = p ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (size_t i = 0; i < r->count; ++i)
        r->item[i].p_corrected = r->item[i].p;
    for (int which = 0; which < 3 && st == CHIRP_OK; ++which) {
        size_t n = 0;
        for (size_t i = 0; i < r->count; ++i)
            if (testable(&r->item[i]))
                p[n++] = *p_of(&r->item[i], which);
        st = chirp_holm(p, n);
        n = 0;
        for (size_t i = 0; i < r->count && st == CHIRP_OK; ++i)
            *p_of(&r->item[i], which) = testable(&r->item[i]) ? p[n++] : 1;
    }
    chirp_free(p);
    return st;
}

chirp_status chirp_judge(chirp_compare_result *r, const chirp_compare_options *o)
{
    family f;
    chirp_status st = describe_family(r, &f);
    for (size_t i = 0; i < r->count && st == CHIRP_OK; ++i)
        test(&r->item[i], o, &f);
    if (st == CHIRP_OK)
        st = correct(r);
    for (size_t i = 0; i < r->count && st == CHIRP_OK; ++i) {
        chirp_comparison *c = &r->item[i];
        if (!c->exact)
            c->detectable = detectable(c, o, &f);
        st = c->exact ? judge_counts(c, o) : judge(c, o, &f);
        ++r->tally[c->verdict];
        r->too_few +=
            c->verdict == CHIRP_INCONCLUSIVE && !c->base_failed && !testable(c) && !c->exact;
    }
    return st;
}
