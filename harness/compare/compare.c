#include "harness/compare/compare.h"

#include "harness/base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

const char *chirp_verdict_text(chirp_verdict verdict)
{
    static const char *const texts[CHIRP_VERDICTS] = {
        [CHIRP_SAME] = "same",     [CHIRP_FASTER] = "faster",
        [CHIRP_SLOWER] = "slower", [CHIRP_INCONCLUSIVE] = "inconclusive",
        [CHIRP_FAILED] = "failed",
    };
    return (unsigned)verdict < CHIRP_VERDICTS ? texts[verdict] : "unknown";
}

/*
 * One-sided p of "fresh/base > limit" (or "<" when !above): the U test on fresh and limit * base. Half of the two-sided p
 * on the side where the samples lie, the rest on the other.
 */
static chirp_status p_beyond(const double *base, size_t n_base, const double *fresh, size_t n_fresh,
                             double limit, bool above, double *p)
{
    double *scaled = chirp_alloc(n_base * sizeof *scaled);
    double u = 0;
    double two_sided = 1;
    if (!scaled)
        return CHIRP_ERR_NOMEM;
    for (size_t i = 0; i < n_base; ++i)
        scaled[i] = limit * base[i];
    const chirp_status st = chirp_mann_whitney(fresh, n_fresh, scaled, n_base, &u, &two_sided);
    chirp_free(scaled);
    if (st != CHIRP_OK)
        return st;
    const bool lies_above = u > 0.5 * (double)n_base * (double)n_fresh;
    *p = lies_above == above ? 0.5 * two_sided : 1 - 0.5 * two_sided;
    return CHIRP_OK;
}

static double scatter(const chirp_summary *s)
{
    return s->median.value > 0 ? 1.4826 * s->mad / s->median.value : 0;
}

/* Welch's interval on logarithms, from mean and stddev of a file without repetition rows. */
static void from_aggregates(const chirp_samples *base, const chirp_samples *fresh,
                            double confidence, chirp_comparison *c)
{
    const double rel_base = base->stddev_s / base->mean_s;
    const double rel_fresh = fresh->stddev_s / fresh->mean_s;
    const double vb = rel_base * rel_base / (double)base->repetitions;
    const double vf = rel_fresh * rel_fresh / (double)fresh->repetitions;
    /* few repetitions: a wider quantile by Cornish and Fisher's first term for Student's t */
    const double z = chirp_normal_quantile(0.5 + 0.5 * confidence);
    const double free = (double)(base->repetitions + fresh->repetitions - 2);
    const double t = z + (z * z * z + z) / (4 * free);
    const double half = t * sqrt(vb + vf);
    c->ratio =
        (chirp_interval){fresh->mean_s / base->mean_s, fresh->mean_s / base->mean_s * exp(-half),
                         fresh->mean_s / base->mean_s * exp(half), confidence};
    c->base_s = base->mean_s;
    c->fresh_s = fresh->mean_s;
    c->noise = rel_base > rel_fresh ? rel_base : rel_fresh;
    c->n_base = (size_t)base->repetitions;
    c->n_fresh = (size_t)fresh->repetitions;
}

static chirp_status from_samples(const chirp_samples *base, const chirp_samples *fresh,
                                 const chirp_compare_options *o, chirp_comparison *c)
{
    const double *x = chirp_samples_deciding(base, fresh, base);
    const double *y = chirp_samples_deciding(base, fresh, fresh);
    const size_t n = base->count;
    const size_t m = fresh->count;
    chirp_summary sb;
    chirp_summary sf;
    chirp_interval whole;
    chirp_status st = chirp_stats_summary(x, n, o->confidence, &sb);
    if (st == CHIRP_OK)
        st = chirp_stats_summary(y, m, o->confidence, &sf);
    if (st == CHIRP_OK)
        st = chirp_ratio_interval(x, n, y, m, o->confidence, &c->ratio);
    if (st == CHIRP_OK)
        st = chirp_ratio_interval(base->seconds, n, fresh->seconds, m, o->confidence, &whole);
    if (st == CHIRP_OK)
        st = chirp_mann_whitney(x, n, y, m, NULL, &c->p);
    if (st == CHIRP_OK)
        st = p_beyond(x, n, y, m, 1 + o->threshold, true, &c->p_slower);
    if (st == CHIRP_OK)
        st = p_beyond(x, n, y, m, 1 / (1 + o->threshold), false, &c->p_faster);
    if (st != CHIRP_OK)
        return st;
    c->n_base = n;
    c->n_fresh = m;
    c->base_s = sb.median.value;
    c->fresh_s = sf.median.value;
    c->noise = scatter(&sb) > scatter(&sf) ? scatter(&sb) : scatter(&sf);
    c->floor_ratio = sf.min / sb.min;
    c->mean_ratio = whole.value;
    c->by_blocks = x != base->seconds;
    return CHIRP_OK;
}

/* Ratio and p of one pair; the verdict waits for the correction. */
static chirp_status compare_pair(const chirp_samples *base, const chirp_samples *fresh,
                                 const chirp_compare_options *o, chirp_comparison *c)
{
    c->name = chirp_strdup(fresh->name);
    if (!c->name)
        return CHIRP_ERR_NOMEM;
    c->p = c->p_slower = c->p_faster = 1;
    c->ratio = (chirp_interval){0, 0, (double)INFINITY, 0};
    c->verdict = CHIRP_INCONCLUSIVE;
    if (fresh->error) {
        c->verdict = CHIRP_FAILED;
        (void)snprintf(c->why, sizeof c->why, "%.180s", fresh->error);
        return CHIRP_OK;
    }
    if (base->error) {
        (void)snprintf(c->why, sizeof c->why, "the base failed: %.160s", base->error);
        return CHIRP_OK;
    }
    if (base->count > 0 && fresh->count > 0)
        return from_samples(base, fresh, o, c);
    if (base->repetitions > 1 && fresh->repetitions > 1 && base->mean_s > 0 && fresh->mean_s > 0 &&
        !(base->has_stddev && fresh->has_stddev)) {
        (void)snprintf(c->why, sizeof c->why,
                       "means without stddev rows: their scatter is unknown");
        return CHIRP_OK;
    }
    if (base->repetitions > 1 && fresh->repetitions > 1 && base->mean_s > 0 && fresh->mean_s > 0) {
        from_aggregates(base, fresh, o->confidence, c);
        (void)snprintf(c->why, sizeof c->why,
                       "aggregates only: an interval by Welch, no rank test");
        /* without ranks the interval decides alone; its p against the threshold follows from the same normal law */
        const double half = log(c->ratio.high / c->ratio.low) / 2 /
                            chirp_normal_quantile(0.5 + 0.5 * o->confidence);
        const double beyond = log1p(o->threshold);
        if (half > 0) {
            c->p_slower = chirp_normal_cdf(-(log(c->ratio.value) - beyond) / half);
            c->p_faster = chirp_normal_cdf((log(c->ratio.value) + beyond) / half);
            c->p = 2 * chirp_normal_cdf(-fabs(log(c->ratio.value)) / half);
        }
        return CHIRP_OK;
    }
    (void)snprintf(c->why, sizeof c->why, "one file has no repetitions of it to compare");
    return CHIRP_OK;
}

static void judge(chirp_comparison *c, const chirp_compare_options *o)
{
    const double up = 1 + o->threshold;
    const double alpha = 0.5 * (1 - o->confidence); /* one-sided */
    c->detectable = (double)INFINITY;
    if (c->ratio.low > 0 && isfinite(c->ratio.high)) {
        /* the interval's half width is z_0.975 standard errors; power 0.8 needs z_0.975 + z_0.8 of them beyond the threshold */
        const double z = chirp_normal_quantile(0.5 + 0.5 * o->confidence);
        const double error = log(c->ratio.high / c->ratio.low) / (2 * z);
        c->detectable = expm1(log(up) + (z + 0.8416) * error);
    }
    if (c->verdict == CHIRP_FAILED || c->ratio.value == 0)
        return;
    const bool floor_known = c->floor_ratio > 0;
    /*
     * Disturbances come in spells: repetitions of one run share them, and a spell that fills a whole run looks like a change.
     * Where they show inside a run, as an interval wider than four thresholds, no verdict between runs can be trusted.
     */
    const bool quiet = c->ratio.high / c->ratio.low <= up * up * up * up;
    if (quiet && c->ratio.low > up && c->p_slower <= alpha &&
        (!floor_known || c->floor_ratio > up)) {
        c->verdict = CHIRP_SLOWER;
    } else if (quiet && c->ratio.high < 1 / up && c->p_faster <= alpha &&
               (!floor_known || c->floor_ratio < 1 / up)) {
        c->verdict = CHIRP_FASTER;
    } else if (c->ratio.low >= 1 / up && c->ratio.high <= up &&
               (!floor_known || (c->floor_ratio >= 1 / up && c->floor_ratio <= up))) {
        c->verdict = CHIRP_SAME;
    } else if (c->why[0] == '\0') {
        if (c->ratio.confidence < o->confidence)
            (void)snprintf(c->why, sizeof c->why,
                           "%zu against %zu repetitions are too few for %g %% confidence",
                           c->n_base, c->n_fresh, 100 * o->confidence);
        else if (!quiet)
            (void)snprintf(c->why, sizeof c->why,
                           "too noisy: an interval of %+.0f to %+.0f %%; repeat longer, or on a "
                           "quieter machine",
                           100 * (c->ratio.low - 1), 100 * (c->ratio.high - 1));
        else if (c->ratio.low >= 1 / up && c->ratio.high <= up)
            (void)snprintf(
                c->why, sizeof c->why,
                "the medians agree but the fastest repetitions differ by %+.1f %%: noise?",
                100 * (c->floor_ratio - 1));
        else if (c->ratio.low > up && c->p_slower <= alpha)
            (void)snprintf(
                c->why, sizeof c->why,
                "the median is slower but the fastest repetitions differ by %+.1f %% only: noise?",
                100 * (c->floor_ratio - 1));
        else if (c->ratio.low > up || c->ratio.high < 1 / up)
            (void)snprintf(
                c->why, sizeof c->why,
                "beyond the threshold, but not after correction for many comparisons: repeat more");
        else
            (void)snprintf(c->why, sizeof c->why,
                           "the interval crosses the threshold: repeat more");
    }
}

/* Holm over the comparisons that have a test. */
static chirp_status correct(chirp_compare_result *r)
{
    double *p = chirp_alloc((r->count + 1) * sizeof *p);
    chirp_status st = p ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int which = 0; which < 3 && st == CHIRP_OK; ++which) {
        size_t n = 0;
        for (size_t i = 0; i < r->count; ++i) {
            const chirp_comparison *c = &r->item[i];
            if (c->ratio.value > 0)
                p[n++] = which == 0 ? c->p : which == 1 ? c->p_slower : c->p_faster;
        }
        st = chirp_holm(p, n);
        n = 0;
        for (size_t i = 0; i < r->count && st == CHIRP_OK; ++i) {
            chirp_comparison *c = &r->item[i];
            const double value = c->ratio.value > 0 ? p[n++] : 1;
            if (which == 0)
                c->p_corrected = value;
            else if (which == 1)
                c->p_slower = value;
            else
                c->p_faster = value;
        }
    }
    chirp_free(p);
    return st;
}

static chirp_status family_means(chirp_compare_result *r)
{
    r->family = chirp_calloc(r->count + 1, sizeof *r->family);
    if (!r->family)
        return CHIRP_ERR_NOMEM;
    chirp_family_mean all = {.name = ""};
    double all_log = 0;
    for (size_t i = 0; i < r->count; ++i) {
        const chirp_comparison *c = &r->item[i];
        char name[96];
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(c->name, "/"), c->name);
        if (!(c->ratio.value > 0))
            continue;
        size_t k = 0;
        while (k < r->n_families && strcmp(r->family[k].name, name) != 0)
            ++k;
        if (k == r->n_families) {
            memcpy(r->family[k].name, name, sizeof name);
            ++r->n_families;
        }
        ++r->family[k].count;
        r->family[k].ratio += log(c->ratio.value);
        ++all.count;
        all_log += log(c->ratio.value);
    }
    for (size_t k = 0; k < r->n_families; ++k)
        r->family[k].ratio = exp(r->family[k].ratio / (double)r->family[k].count);
    all.ratio = all.count ? exp(all_log / (double)all.count) : 0;
    r->family[r->n_families++] = all;
    return CHIRP_OK;
}

/* `name` with the first `from` in it replaced by `to`. */
static void renamed(char *text, size_t room, const char *name, const chirp_compare_options *o)
{
    const char *at = o->from ? strstr(name, o->from) : NULL;
    if (!at)
        (void)snprintf(text, room, "%s", name);
    else
        (void)snprintf(text, room, "%.*s%s%s", (int)(at - name), name, o->to, at + strlen(o->from));
}

static chirp_status compare_all(const chirp_results *base, const chirp_results *fresh,
                                const chirp_compare_options *o, const regex_t *expression,
                                chirp_compare_result *r)
{
    r->item = chirp_calloc(base->count + 1, sizeof *r->item);
    if (!r->item)
        return CHIRP_ERR_NOMEM;
    for (size_t i = 0; i < base->count; ++i) {
        char name[1024];
        renamed(name, sizeof name, base->item[i].name, o);
        if (expression && regexec(expression, name, 0, NULL, 0) != 0)
            continue;
        const chirp_samples *partner = chirp_results_find(fresh, name);
        if (!partner) {
            ++r->only_base;
            continue;
        }
        const chirp_status st = compare_pair(&base->item[i], partner, o, &r->item[r->count]);
        ++r->count; /* also a failed one: its name is freed with the rest */
        if (st != CHIRP_OK)
            return st;
    }
    for (size_t i = 0; i < fresh->count; ++i)
        if (!expression || regexec(expression, fresh->item[i].name, 0, NULL, 0) == 0)
            ++r->only_fresh;
    r->only_fresh -= r->count < r->only_fresh ? r->count : r->only_fresh;
    if (r->count == 0)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s and %s have no benchmark name in common%s%s",
                          base->path, fresh->path, o->filter ? " that matches --filter " : "",
                          o->filter ? o->filter : "");
    return CHIRP_OK;
}

chirp_status chirp_compare(const chirp_results *base, const chirp_results *fresh,
                           const chirp_compare_options *options, chirp_compare_result *result)
{
    chirp_compare_result r = {0};
    regex_t expression;
    if (options->filter) {
        const int failed = regcomp(&expression, options->filter, REG_EXTENDED | REG_NOSUB);
        if (failed) {
            char reason[128];
            (void)regerror(failed, &expression, reason, sizeof reason);
            return chirp_fail(CHIRP_ERR_ARG, "compare: --filter %s: %s", options->filter, reason);
        }
    }
    chirp_status st = compare_all(base, fresh, options, options->filter ? &expression : NULL, &r);
    if (options->filter)
        regfree(&expression);
    if (st == CHIRP_OK)
        st = correct(&r);
    if (st == CHIRP_OK)
        st = family_means(&r);
    if (st != CHIRP_OK) {
        chirp_compare_clear(&r);
        return st;
    }
    for (size_t i = 0; i < r.count; ++i) {
        judge(&r.item[i], options);
        ++r.tally[r.item[i].verdict];
    }
    *result = r;
    return CHIRP_OK;
}

void chirp_compare_clear(chirp_compare_result *r)
{
    for (size_t i = 0; i < r->count; ++i)
        chirp_free(r->item[i].name);
    chirp_free(r->item);
    chirp_free(r->family);
    *r = (chirp_compare_result){0};
}
