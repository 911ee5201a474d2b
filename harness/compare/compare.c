#include "harness/compare/compare.h"

#include "harness/base/index.h"
#include "harness/base/memory.h"
#include "harness/base/pattern.h"
#include "harness/compare/judge.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *chirp_verdict_text(chirp_verdict verdict)
{
    static const char *const texts[CHIRP_VERDICTS] = {
        [CHIRP_SAME] = "same",     [CHIRP_FASTER] = "faster",
        [CHIRP_SLOWER] = "slower", [CHIRP_INCONCLUSIVE] = "inconclusive",
        [CHIRP_FAILED] = "failed", [CHIRP_SKIPPED] = "skipped",
    };
    return (unsigned)verdict < CHIRP_VERDICTS ? texts[verdict] : "unknown";
}

/* A file without repetition rows: mean and stddev, whose relative scatter is that of logarithms when it is small. */
static void from_aggregates(const chirp_samples *base, const chirp_samples *fresh,
                            chirp_comparison *c)
{
    c->base_s = base->mean_s;
    c->fresh_s = fresh->mean_s;
    c->shift = log(fresh->mean_s / base->mean_s);
    c->deviation = fmax(base->stddev_s / base->mean_s, fresh->stddev_s / fresh->mean_s);
    c->noise = c->deviation;
    c->ratio.value = fresh->mean_s / base->mean_s;
    c->runs_base = c->runs_fresh = 1;
    c->n_base = (size_t)base->repetitions;
    c->n_fresh = (size_t)fresh->repetitions;
}

/* Difference of mean logarithms, standard deviation and robust scatter of the noisier side. */
static chirp_status logarithms(const double *x, size_t n, const double *y, size_t m,
                               chirp_comparison *c)
{
    double *work = chirp_alloc((n + m) * sizeof *work);
    double scale[2] = {0, 0};
    if (!work)
        return CHIRP_ERR_NOMEM;
    for (size_t i = 0; i < n + m; ++i)
        work[i] = log(i < n ? x[i] : y[i - n]);
    c->shift = chirp_stats_mean(work + n, m) - chirp_stats_mean(work, n);
    c->deviation = fmax(chirp_stats_stddev(work, n), chirp_stats_stddev(work + n, m));
    chirp_free(work);
    chirp_status st = chirp_log_scale(x, n, &scale[0]);
    if (st == CHIRP_OK)
        st = chirp_log_scale(y, m, &scale[1]);
    c->noise = fmax(scale[0], scale[1]);
    return st;
}

/* Adds one side's runs: their number, squared differences of their mean logarithms, and 1/repetitions. */
static void add_runs(const chirp_samples *s, const double *x, size_t *runs, double *squares,
                     double *inverse)
{
    double all = 0;
    double all_squared = 0;
    *runs = 0;
    for (size_t from = 0; from < s->count; ++*runs) {
        double sum = 0;
        size_t to = from;
        for (; to < s->count && (!s->run || s->run[to] == s->run[from]); ++to)
            sum += log(x[to] / x[0]);
        const double mean = sum / (double)(to - from);
        all += mean;
        all_squared += mean * mean;
        *inverse += 1 / (double)(to - from);
        from = to;
    }
    *squares += all_squared - all * all / (double)*runs;
}

/* How far whole runs scatter beyond what their repetitions explain, from both sides together. */
static void between_runs(const chirp_samples *base, const double *x, const chirp_samples *fresh,
                         const double *y, chirp_comparison *c)
{
    double squares = 0;
    double inverse = 0;
    add_runs(base, x, &c->runs_base, &squares, &inverse);
    add_runs(fresh, y, &c->runs_fresh, &squares, &inverse);
    const double runs = (double)(c->runs_base + c->runs_fresh);
    const double inside = c->noise * c->noise * inverse / runs;
    c->run_scatter = runs > 2 ? sqrt(fmax(0, squares / (runs - 2) - inside)) : 0;
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
        st = chirp_rank_above(x, n, y, m, 1 + o->threshold, &c->p_slower);
    if (st == CHIRP_OK)
        st = chirp_rank_above(y, m, x, n, 1 + o->threshold, &c->p_faster);
    if (st == CHIRP_OK)
        st = logarithms(x, n, y, m, c);
    if (st != CHIRP_OK)
        return st;
    between_runs(base, x, fresh, y, c);
    c->n_base = n;
    c->n_fresh = m;
    c->base_s = sb.median.value;
    c->fresh_s = sf.median.value;
    c->ranked = true;
    c->floor_ratio = sf.min / sb.min;
    c->mean_ratio = whole.value;
    c->by_blocks = x != base->seconds;
    return CHIRP_OK;
}

/* Counts repeat, so that one a side is enough; where they don't, the interval says how far. */
static void from_counts(const chirp_samples *base, const chirp_samples *fresh, chirp_comparison *c)
{
    const chirp_samples *sides[2] = {base, fresh};
    double least[2] = {base->seconds[0], fresh->seconds[0]};
    double most[2] = {base->seconds[0], fresh->seconds[0]};
    for (int k = 0; k < 2; ++k)
        for (size_t i = 0; i < sides[k]->count; ++i) {
            least[k] = fmin(least[k], sides[k]->seconds[i]);
            most[k] = fmax(most[k], sides[k]->seconds[i]);
        }
    c->exact = true;
    c->base_s = least[0];
    c->fresh_s = least[1];
    c->ratio = (chirp_interval){least[1] / least[0], least[1] / most[0], most[1] / least[0], 1};
    c->noise = c->detectable = fmax(most[0] / least[0], most[1] / least[1]) - 1;
    c->n_base = base->count;
    c->n_fresh = fresh->count;
    c->runs_base = c->runs_fresh = 1;
}

static bool skipped(const chirp_samples *s) { return s->skip && s->count == 0 && !(s->mean_s > 0); }

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
        return chirp_comparison_say(c, "%s", fresh->error);
    }
    if (base->error) {
        c->base_failed = true;
        return chirp_comparison_say(c, "the base failed: %s", base->error);
    }
    if (skipped(fresh) || skipped(base)) {
        c->verdict = CHIRP_SKIPPED;
        return chirp_comparison_say(c, "%s%s", skipped(fresh) ? "" : "in the base: ",
                                    skipped(fresh) ? fresh->skip : base->skip);
    }
    if (base->count > 0 && fresh->count > 0 && o->exact) {
        from_counts(base, fresh, c);
        return CHIRP_OK;
    }
    if (base->count > 0 && fresh->count > 0)
        return from_samples(base, fresh, o, c);
    if (base->repetitions > 0 && fresh->repetitions > 0 && base->mean_s > 0 && fresh->mean_s > 0) {
        if (!(base->has_stddev && fresh->has_stddev))
            return chirp_comparison_say(c, "means without stddev rows: their scatter is unknown");
        from_aggregates(base, fresh, c);
        return CHIRP_OK;
    }
    return chirp_comparison_say(c, "one file has no repetitions of it to compare");
}

/* The family that a name belongs to, which its first member makes; NULL: no memory. */
static chirp_family_mean *family_of(chirp_compare_result *r, chirp_index *families,
                                    const char *name)
{
    const size_t length = strcspn(name, "/");
    size_t at = 0;
    if (chirp_index_find(families, name, length, &at))
        return &r->family[at];
    char *own = chirp_strdup(name);
    if (!own)
        return NULL;
    own[length] = '\0';
    at = r->n_families++;
    r->family[at].name = own;
    return chirp_index_add(families, own, length, at) ? &r->family[at] : NULL;
}

static chirp_status family_means(chirp_compare_result *r)
{
    r->family = chirp_calloc(r->count + 1, sizeof *r->family);
    if (!r->family)
        return CHIRP_ERR_NOMEM;
    chirp_family_mean all = {.name = chirp_strdup("")};
    chirp_index families = {0};
    double all_log = 0;
    bool ok = all.name != NULL;
    for (size_t i = 0; i < r->count && ok; ++i) {
        const chirp_comparison *c = &r->item[i];
        if (!(c->ratio.value > 0))
            continue;
        chirp_family_mean *family = family_of(r, &families, c->name);
        ok = family != NULL;
        if (!ok)
            break;
        ++family->count;
        family->ratio += log(c->ratio.value);
        ++all.count;
        all_log += log(c->ratio.value);
    }
    chirp_index_clear(&families);
    for (size_t k = 0; k < r->n_families; ++k)
        r->family[k].ratio = exp(r->family[k].ratio / (double)r->family[k].count);
    all.ratio = all.count ? exp(all_log / (double)all.count) : 0;
    r->family[r->n_families++] = all; /* a name of NULL is freed as nothing */
    return ok ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

/* `name` with the first `from` in it replaced by `to`; chirp_free(). */
static char *renamed(const char *name, const chirp_compare_options *o)
{
    const char *at = o->from ? strstr(name, o->from) : NULL;
    if (!at)
        return chirp_strdup(name);
    const size_t room = strlen(name) + strlen(o->to) + 1;
    char *text = chirp_alloc(room);
    if (text)
        (void)snprintf(text, room, "%.*s%s%s", (int)(at - name), name, o->to, at + strlen(o->from));
    return text;
}

static chirp_status compare_all(const chirp_results *base, const chirp_results *fresh,
                                const chirp_compare_options *o, const chirp_pattern *filter,
                                chirp_compare_result *r)
{
    r->item = chirp_calloc(base->count + 1, sizeof *r->item);
    if (!r->item)
        return CHIRP_ERR_NOMEM;
    for (size_t i = 0; i < base->count; ++i) {
        char *name = renamed(base->item[i].name, o);
        if (!name)
            return CHIRP_ERR_NOMEM;
        const bool kept = chirp_pattern_keeps(filter, name);
        const chirp_samples *partner = kept ? chirp_results_find(fresh, name) : NULL;
        chirp_free(name);
        if (!partner) {
            r->only_base += kept;
            continue;
        }
        const chirp_status st = compare_pair(&base->item[i], partner, o, &r->item[r->count]);
        r->skipped_by_new += skipped(partner) && !skipped(&base->item[i]);
        ++r->count; /* also a failed one: its name is freed with the rest */
        if (st != CHIRP_OK)
            return st;
    }
    for (size_t i = 0; i < fresh->count; ++i)
        r->only_fresh += chirp_pattern_keeps(filter, fresh->item[i].name);
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
    chirp_pattern filter = {0};
    chirp_compare_options o = *options;
    o.exact = base->counted;
    chirp_status st = chirp_pattern_compile(&filter, "compare: --filter ", o.filter);
    if (st == CHIRP_OK && base->counted != fresh->counted)
        st = chirp_fail(
            CHIRP_ERR_FORMAT, "compare: %s holds counts of a simulation, %s holds times",
            base->counted ? base->path : fresh->path, base->counted ? fresh->path : base->path);
    if (st == CHIRP_OK)
        st = compare_all(base, fresh, &o, &filter, &r);
    chirp_pattern_clear(&filter);
    if (st == CHIRP_OK)
        st = chirp_judge(&r, &o);
    if (st == CHIRP_OK)
        st = family_means(&r);
    if (st != CHIRP_OK) {
        chirp_compare_clear(&r);
        return st;
    }
    *result = r;
    return CHIRP_OK;
}

void chirp_compare_clear(chirp_compare_result *r)
{
    for (size_t i = 0; i < r->count; ++i) {
        chirp_free(r->item[i].name);
        chirp_free(r->item[i].why);
    }
    for (size_t k = 0; k < r->n_families; ++k)
        chirp_free(r->family[k].name);
    chirp_free(r->item);
    chirp_free(r->family);
    *r = (chirp_compare_result){0};
}
