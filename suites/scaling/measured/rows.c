/* From the steps of every rank to what a row says. */
#include "harness/base/memory.h"
#include "suites/scaling/measured/measure_internal.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

/* Parts of one step of one rank, given when the slowest rank was ready. */
static chirp_scale_terms parts(const chirp_step_record *s, double last)
{
    chirp_scale_terms t = {.total = s->total,
                           .input = s->input,
                           .optimizer = s->optimizer,
                           .bytes = s->bytes,
                           .calls = s->calls};
    const double inside = s->done - s->finish;
    const double starting = s->exposed - inside; /* calls within the backward pass */
    t.waiting = fmax(0, fmin(last - s->finish, inside));
    const double negotiation = fmax(0, s->control - t.waiting);
    t.exposed = inside - t.waiting - negotiation + starting;
    t.control = negotiation + s->exchange - inside;
    t.compute = s->forward + s->backward - starting;
    return t;
}

static void add_terms(chirp_scale_terms *sum, const chirp_scale_terms *t, double weight)
{
    sum->input += weight * t->input;
    sum->compute += weight * t->compute;
    sum->waiting += weight * t->waiting;
    sum->exposed += weight * t->exposed;
    sum->control += weight * t->control;
    sum->optimizer += weight * t->optimizer;
    sum->bytes += weight * t->bytes;
    sum->calls += weight * t->calls;
}

void chirp_scale_block(const chirp_scale_options *o, chirp_scale_row *row, int repetition,
                       const chirp_step_record *all, double wall, chirp_lateness *l)
{
    const int n = row->ranks;
    const double weight = 1.0 / ((double)n * o->steps);
    chirp_scale_terms mean = {0};
    for (int s = 0; s < o->steps; ++s) {
        double first = INFINITY;
        double last = -INFINITY;
        int slowest = 0;
        for (int r = 0; r < n; ++r) {
            const double finish = all[r * o->steps + s].finish;
            first = fmin(first, finish);
            if (finish > last) {
                last = finish;
                slowest = r;
            }
        }
        l->span += last - first;
        for (int r = 0; r < n; ++r) {
            const chirp_step_record *one = &all[r * o->steps + s];
            const chirp_scale_terms t = parts(one, n > 1 ? last : one->finish);
            add_terms(&mean, &t, weight);
            l->compute[r * o->steps * o->repetitions + l->steps + s] = t.compute;
            l->late[r] += one->finish - first;
        }
        ++l->last[slowest];
    }
    l->steps += o->steps;
    mean.total = wall / o->steps;
    mean.other = mean.total - mean.input - mean.compute - mean.waiting - mean.exposed -
                 mean.control - mean.optimizer;
    row->repetition[repetition] = mean;
}

/*
 * What makes ranks wait is how they differ, not what slows all of them: in x[rank][step] = mean + rank + step + noise the
 * steps' part is left out. Unbiased by the two-way analysis of variance; one rank alone has no step part to take out.
 */
static void analyse_jitter(const chirp_scale_options *o, chirp_scale_row *row,
                           const chirp_lateness *l)
{
    const int n = row->ranks;
    const int steps = l->steps;
    const ptrdiff_t stride = (ptrdiff_t)o->steps * o->repetitions;
    double grand = 0;
    double ranks = 0; /* sums of squares */
    double residual = 0;
    double lagged = 0;
    for (int r = 0; r < n; ++r)
        grand += row->rank_compute[r] / n;
    for (int s = 0; s < steps; ++s) {
        l->common[s] = 0;
        for (int r = 0; r < n; ++r)
            l->common[s] += l->compute[r * stride + s] / n;
    }
    for (int r = 0; r < n; ++r) {
        const double *x = l->compute + r * stride;
        const double mean = row->rank_compute[r];
        double before = 0;
        ranks += (mean - grand) * (mean - grand);
        for (int s = 0; s < steps; ++s) {
            const double rest = x[s] - mean - (n > 1 ? l->common[s] - grand : 0);
            residual += rest * rest;
            lagged += before * rest;
            before = rest;
        }
    }
    row->jitter_relative = row->jitter_permanent = row->jitter_autocorrelation = 0;
    if (steps < 2)
        return;
    const double noise = residual / ((n > 1 ? n - 1 : 1) * (steps - 1.0));
    const double between = n > 1 ? fmax(0, ranks / (n - 1) - noise / steps) : 0;
    row->jitter_relative = sqrt(between + noise) / grand;
    if (between + noise > 0)
        row->jitter_permanent = between / (between + noise);
    if (residual > 0)
        row->jitter_autocorrelation = lagged / residual * steps / (steps - 1.0);
}

/* The mean rank waits for the last one, on average over steps; for the rank that is last on average it would wait anyway. */
static double imbalance_share(int ranks, const chirp_lateness *l)
{
    double mean = 0;
    double most = 0;
    for (int r = 0; r < ranks; ++r) {
        mean += l->late[r] / ranks;
        most = fmax(most, l->late[r]);
    }
    return l->span > mean ? fmin(1, (most - mean) / (l->span - mean)) : 0;
}

void chirp_scale_analyse(const chirp_scale_options *o, chirp_scale_row *row,
                         const chirp_lateness *l)
{
    const ptrdiff_t stride = (ptrdiff_t)o->steps * o->repetitions;
    row->compute_min = INFINITY;
    row->compute_max = 0;
    for (int r = 0; r < row->ranks; ++r) {
        const double mean = chirp_stats_mean(l->compute + r * stride, (size_t)l->steps);
        row->compute_min = fmin(row->compute_min, mean);
        row->compute_max = fmax(row->compute_max, mean);
        row->rank_compute[r] = mean;
        if (row->ranks > 1 && (row->slowest < 0 || l->last[r] > l->last[row->slowest]))
            row->slowest = r;
    }
    analyse_jitter(o, row, l);
    row->imbalance_share = imbalance_share(row->ranks, l);
    if (row->slowest >= 0) {
        row->slowest_share = (double)l->last[row->slowest] / l->steps;
        row->slowest_late_s = l->late[row->slowest] / l->steps;
    }
}

static double ideal_of(const chirp_scale *scale, int row)
{
    return scale->options.strong ? scale->row[row].ranks : 1;
}

/* What repetitions are ordered by: efficiency, or the time of a row that efficiency compares with. */
static double score(const chirp_scale *scale, int row, int repetition)
{
    const chirp_scale_row *own = &scale->row[row];
    const double seconds = own->repetition[repetition].total;
    return own->base == row ? seconds
                            : scale->row[own->base].repetition[repetition].total /
                                  (ideal_of(scale, row) * seconds);
}

int chirp_scale_median(const chirp_scale *scale, int row)
{
    const int n = scale->options.repetitions;
    for (int r = 0; r < n; ++r) { /* n is small: the rank of each by counting */
        const double mine = score(scale, row, r);
        int below = 0;
        for (int k = 0; k < n; ++k) {
            const double other = score(scale, row, k);
            below += other < mine || (other == mine && k < r);
        }
        if (below == (n - 1) / 2)
            return r;
    }
    return 0;
}

/* Interval of part * base / row over repetitions. */
static chirp_status paired(const chirp_scale *scale, int base, int row, double part,
                           chirp_interval *interval)
{
    const int n = scale->options.repetitions;
    double *times = chirp_calloc(2 * (size_t)n, sizeof *times);
    if (!times)
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for %d repetitions", n);
    for (int r = 0; r < n; ++r) {
        times[r] = scale->row[row].repetition[r].total;
        times[n + r] = part * scale->row[base].repetition[r].total;
    }
    const chirp_status st =
        chirp_paired_ratio_interval(times, times + n, (size_t)n, 0.95, interval);
    chirp_free(times);
    return st;
}

chirp_status chirp_scale_efficiency(const chirp_scale *scale, int row, chirp_interval *efficiency)
{
    return paired(scale, scale->row[row].base, row, 1 / ideal_of(scale, row), efficiency);
}

bool chirp_scale_cost(const chirp_scale *scale, int row, chirp_interval *ratio)
{
    const chirp_scale_row *own = &scale->row[row];
    for (int i = 0; own->variant != CHIRP_VARIANT_NONE && i < scale->n_rows; ++i) {
        const chirp_scale_row *other = &scale->row[i];
        if (other->variant == CHIRP_VARIANT_NONE && other->ranks == own->ranks &&
            other->threads == own->threads)
            return paired(scale, row, i, 1, ratio) == CHIRP_OK;
    }
    return false;
}

bool chirp_scale_interval_doubt(const chirp_scale *scale, char *text, size_t size)
{
    static const double wanted = 0.95;
    const int last = scale->n_rows - 1;
    chirp_interval interval = {0};
    if (last < 1 || chirp_scale_efficiency(scale, last, &interval) != CHIRP_OK ||
        interval.confidence >= wanted)
        return false;
    if (interval.confidence > 0)
        (void)snprintf(text, size,
                       "Intervals of %d repetitions hold with %.0f %% only: --repetitions 6 or "
                       "more for 95 %%.",
                       scale->options.repetitions, 100 * interval.confidence);
    else
        (void)snprintf(text, size,
                       "One repetition has no interval: --repetitions 6 or more for one of 95 %%.");
    return true;
}

bool chirp_scale_against_apart(const chirp_scale *scale, int row, chirp_scale_apart *apart)
{
    const chirp_scale_row *own = &scale->row[row];
    const double last = own->repetition[scale->options.repetitions - 1].total;
    *apart = (chirp_scale_apart){.min = INFINITY};
    for (int r = 0; r < own->ranks; ++r) {
        apart->mean += own->rank_apart[r] / own->ranks;
        apart->min = fmin(apart->min, own->rank_apart[r]);
        apart->max = fmax(apart->max, own->rank_apart[r]);
    }
    apart->efficiency = apart->mean / last;
    return own->ranks > 1;
}

void chirp_scale_loss(const chirp_scale *scale, int row, chirp_scale_budget *budget)
{
    const chirp_scale_row *own = &scale->row[row];
    const int median = chirp_scale_median(scale, row);
    const chirp_scale_terms *t = &own->repetition[median];
    const chirp_scale_terms *one = &scale->row[own->base].repetition[median];
    const double points = 100 / t->total;
    const double ideal = ideal_of(scale, row);
    const double waiting = points * (t->waiting - one->waiting / ideal);
    *budget = (chirp_scale_budget){
        .compute = points * (t->compute - one->compute / ideal),
        .imbalance = own->imbalance_share * waiting,
        .slowest = (1 - own->imbalance_share) * waiting,
        .exposed = points * (t->exposed - one->exposed / ideal),
        .control = points * (t->control - one->control / ideal),
        .input = points * (t->input - one->input / ideal),
        .optimizer = points * (t->optimizer - one->optimizer / ideal),
        .other = points * (t->other - one->other / ideal),
        .sum = points * (t->total - one->total / ideal),
    };
}

bool chirp_scale_slow(const chirp_scale *scale, int row, char *text, size_t size)
{
    const chirp_scale_row *own = &scale->row[row];
    const double compute = own->repetition[chirp_scale_median(scale, row)].compute;
    if (own->slowest < 0 || own->slowest_share <= 0.8 || own->slowest_late_s <= 0.05 * compute)
        return false;
    (void)snprintf(text, size,
                   "rank %d is slow: last in %.0f %% of the steps, %.1f ms behind the first",
                   own->slowest, 100 * own->slowest_share, 1e3 * own->slowest_late_s);
    return true;
}
