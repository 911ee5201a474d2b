/* One benchmark on its way: check, calibrate, warm up, repeat; its failures become rows. */
#include "harness/bench/bench_internal.h"

#include "harness/base/memory.h"
#include "harness/counters/counters.h"
#include "harness/counters/simulation.h"
#include "harness/machine/team.h"
#include "harness/roofline/levels.h"
#include "harness/roofline/roofline.h"
#include "harness/stats/stats.h"

#include <math.h>
#include <omp.h>
#include <string.h>

static const int64_t MOST_ITERATIONS = 1000000000000;
enum {
    LEAST_ADAPTIVE = 6,
    MOST_ADAPTIVE = 1000
}; /* six samples are the fewest with a 95 % interval of the median */

static chirp_bench_ranks current_ranks = {.rank = 0, .size = 1};

void chirp_bench_use_ranks(const chirp_bench_ranks *ranks) { current_ranks = *ranks; }

const chirp_bench_ranks *chirp_bench_current_ranks(void) { return &current_ranks; }

/* all[size][n] of each rank's n values; caller frees. */
static chirp_status gather(const chirp_run *run, const double *mine, int n, double **all)
{
    *all = chirp_alloc((size_t)run->ranks.size * (size_t)n * sizeof **all);
    if (!*all)
        return CHIRP_ERR_NOMEM;
    const chirp_status st = run->ranks.gather(mine, n, *all);
    if (st != CHIRP_OK) {
        chirp_free(*all);
        *all = NULL;
    }
    return st;
}

chirp_status chirp_run_max(const chirp_run *run, double *value)
{
    double *all = NULL;
    if (run->ranks.size <= 1)
        return CHIRP_OK;
    const chirp_status st = gather(run, value, 1, &all);
    for (int i = 0; i < run->ranks.size && st == CHIRP_OK; ++i)
        *value = all[i] > *value ? all[i] : *value;
    chirp_free(all);
    return st;
}

/* The worst status of all ranks, so that they go the same way; a rank that was fine gets a sentence of its own. */
static chirp_status agree(const chirp_run *run, chirp_status mine)
{
    double worst = (double)mine;
    const chirp_status st = chirp_run_max(run, &worst);
    if (st != CHIRP_OK)
        return st;
    if (mine == CHIRP_OK && worst != 0)
        return chirp_fail((chirp_status)worst, "another rank failed: %s",
                          chirp_status_text((chirp_status)worst));
    return mine;
}

/* A new row of the job with everything but times. */
static chirp_row *start_row(chirp_job *j)
{
    chirp_row *row = chirp_rows_add(&j->rows);
    if (!row)
        return NULL;
    row->name = chirp_strdup(j->instance->name);
    row->run_name = chirp_strdup(j->instance->name);
    row->family_index = j->instance->family_index;
    row->instance_index = j->instance->instance_index;
    row->repetition_index = (int64_t)j->rows.count - 1;
    row->threads = j->instance->threads;
    row->baseline = j->instance->entry->baseline;
    row->iterations = j->iterations;
    return row->name && row->run_name ? row : NULL;
}

chirp_status chirp_job_fail(chirp_job *j, const char *what)
{
    char sentence[640];
    (void)snprintf(sentence, sizeof sentence, "%s%s", what, chirp_error_message());
    chirp_row *row = start_row(j);
    j->failed = true;
    if (!row)
        return CHIRP_ERR_NOMEM;
    row->error = chirp_strdup(sentence);
    return row->error ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

/* The kernel against its reference: a wrong kernel has no time. */
static chirp_status check(const chirp_run *run, chirp_job *j)
{
    const chirp_bench_entry *entry = j->instance->entry;
    j->relative_error = -1;
    if (!entry->check || run->flags->no_check)
        return CHIRP_OK;
    double error = (double)NAN;
    omp_set_num_threads(j->instance->threads);
    (void)chirp_fail(CHIRP_OK, "%s", "");
    const chirp_status st = entry->check(entry->arg, &error);
    if (st != CHIRP_OK) {
        if (chirp_error_message()[0] == '\0')
            (void)chirp_fail(st, "%s", chirp_status_text(st));
        return st;
    }
    if (!(error <= run->flags->max_relative_error)) /* so written that NaN fails */
        return chirp_fail(CHIRP_ERR_NUMERIC,
                          "relative error %.3g against the reference, at most %.3g is allowed",
                          error, run->flags->max_relative_error);
    j->relative_error = error;
    return CHIRP_OK;
}

static void start_events(void *state) { chirp_events_start(state); }

static void stop_events(void *state) { chirp_events_stop(state); }

/*
 * Blocks of a repetition that are timed apart. Verdicts go by the fastest block: another tenant of the machine takes slices
 * of some milliseconds, so one of 32 blocks stays whole where the mean doesn't. A block lasts at least 20 us, a thousand
 * times a clock reading.
 */
static int64_t blocks_of(const chirp_job *j, int64_t iterations)
{
    if (chirp_simulating()) /* reading the clock would be counted */
        return 1;
    const double blocks = j->iteration_s * (double)iterations / 20e-6;
    return blocks < 2 ? 1 : blocks > 32 ? 32 : (int64_t)blocks;
}

static chirp_status measure(const chirp_run *run, chirp_job *j, int64_t iterations,
                            struct chirp_bench *b)
{
    const chirp_bench_hook hook = {start_events, stop_events, j->events};
    double here = 0;
    (void)chirp_run_max(run, &here); /* ranks start together; a failure shows again below */
    omp_set_num_threads(
        j->instance->threads); /* what kernels take for "default": the runner is the program here */
    if (j->events)
        chirp_events_reset(j->events);
    chirp_status st = chirp_bench_measure(j->instance->entry, j->instance->threads, iterations,
                                          blocks_of(j, iterations), run->flags->cold_cache,
                                          j->events ? &hook : NULL, b);
    if (st == CHIRP_OK)
        st = chirp_team_check(j->instance->threads); /* OMP_DYNAMIC may have taken some away */
    if (st == CHIRP_OK)
        j->iteration_s = 1e-9 * (double)b->wall_ns / (double)iterations;
    return agree(run, st);
}

/*
 * Finds the iteration count whose run lasts min_time: each try predicts the next from its own speed, 1.4 times over so that
 * one more try is rarely needed, and at most tenfold while the try was too short to predict from. The last try isn't kept
 * as a sample: it came first and so was the coldest. Ranks go by the slowest of them.
 */
static chirp_status calibrate(const chirp_run *run, chirp_job *j)
{
    const double wanted = run->flags->min_time_s;
    int64_t n = 1;
    bool again = false;
    double fastest = 0;
    if (run->flags->dry_run || run->flags->iterations > 0 || wanted == 0) {
        j->iterations = run->flags->dry_run || wanted == 0 ? 1 : run->flags->iterations;
        return CHIRP_OK;
    }
    for (;;) {
        struct chirp_bench b;
        j->iterations = n;
        chirp_status st = measure(run, j, n, &b);
        double took = 1e-9 * (double)b.wall_ns;
        chirp_bench_clear(&b);
        if (st == CHIRP_OK)
            st = chirp_run_max(run, &took);
        if (st != CHIRP_OK)
            return st;
        if (run->flags->verbosity > 0 && run->ranks.rank == 0)
            (void)fprintf(stderr, "%s: %lld iterations took %.6f s\n", j->instance->name,
                          (long long)n, took);
        if (*run->interrupted || n >= MOST_ITERATIONS)
            return CHIRP_OK;
        /* one slow call, or a few, may have been slices lost to another tenant: look twice */
        const double before = fastest;
        fastest = again && fastest < took ? fastest : took;
        if (took >= 0.5 * wanted && n < 100 && !again) {
            again = true;
            continue;
        }
        again = false;
        took = before > 0 && fastest < took ? fastest : took;
        if (took >= 0.5 * wanted) {
            const double next = ceil((double)n * wanted / took);
            j->iterations = next < 1 ? 1 : (int64_t)next;
            return CHIRP_OK;
        }
        const double factor = took > 0.14 * wanted ? 1.4 * wanted / took : 10;
        const double next = ceil((double)n * factor);
        n = next > (double)MOST_ITERATIONS ? MOST_ITERATIONS
            : (int64_t)next > n            ? (int64_t)next
                                           : n + 1;
    }
}

static chirp_status warm_up(const chirp_run *run, chirp_job *j)
{
    double spent = 0;
    while (spent < run->flags->min_warmup_s && !run->flags->dry_run && !*run->interrupted) {
        struct chirp_bench b;
        chirp_status st = measure(run, j, j->iterations, &b);
        double took = 1e-9 * (double)b.wall_ns + 1e-6; /* a body of nothing still ends */
        chirp_bench_clear(&b);
        if (st == CHIRP_OK)
            st = chirp_run_max(run, &took);
        if (st != CHIRP_OK)
            return st;
        spent += took;
    }
    return CHIRP_OK;
}

/* Events per iteration, what follows from them, and what is absent. */
static chirp_status add_events(const chirp_job *j, chirp_row *row, int64_t iterations)
{
    chirp_status st = CHIRP_OK;
    for (size_t i = 0; j->events && i < chirp_events_count(j->events) && st == CHIRP_OK; ++i) {
        const char *name = chirp_events_name(j->events, i);
        const char *reason = chirp_events_reason(j->events, i);
        if (reason)
            st = chirp_row_absent(row, name, reason);
        else
            st = chirp_counters_set(&row->counters, name,
                                    chirp_events_value(j->events, i) / (double)iterations, false);
    }
    if (st == CHIRP_OK && j->events && chirp_events_multiplexed(j->events))
        st = chirp_counters_set(&row->counters, "events_multiplexed", 1, false);
    return st == CHIRP_OK ? chirp_row_derive(row) : st;
}

/* Counts per iteration in place of what the clock says, which is the simulation's own speed. */
static chirp_status add_simulated(chirp_row *row, int64_t iterations)
{
    chirp_simulated counts[CHIRP_N_SIMULATED];
    const double seconds = row->real_s;
    chirp_status st = chirp_simulation_end(counts);
    for (int i = 0; i < CHIRP_N_SIMULATED && st == CHIRP_OK; ++i)
        st = chirp_counters_set(&row->counters, counts[i].name,
                                counts[i].value / (double)iterations, false);
    row->real_s = 0; /* so that no rate is derived */
    st = st == CHIRP_OK ? chirp_row_derive(row) : st;
    row->real_s = seconds;
    return st;
}

/* The roof can't be given: why, in the place of its numbers. */
static chirp_status no_roof(chirp_row *row, const char *reason)
{
    const chirp_status st = chirp_row_absent(row, "roof_GFLOPS", reason);
    return st == CHIRP_OK ? chirp_row_absent(row, "roof_fraction", reason) : st;
}

/* Where the row lies on the roofline: share of the FMA peak, and of what the nearest sufficient level could feed. */
static chirp_status add_roof(const chirp_run *run, chirp_row *row, const struct chirp_bench *b)
{
    chirp_levels levels;
    chirp_level_doubt doubts[CHIRP_MAX_LEVEL_DOUBTS];
    chirp_fma_peak peak;
    const double ranks = run->ranks.size;
    if (b->flops_done < 0 || run->flags->dry_run || run->flags->no_peak || !(row->real_s > 0))
        return CHIRP_OK;
    chirp_status st = chirp_roofline_fma(row->threads, CHIRP_PEAK_BUDGET_S, &peak);
    const double gflops = ranks * 1e-9 * b->flops_done / row->real_s;
    if (st == CHIRP_OK)
        st = chirp_counters_set(&row->counters, "peak_fraction", gflops / (ranks * peak.gflops),
                                false);
    if (st != CHIRP_OK || !(b->bytes > 0))
        return st;
    st = chirp_levels_get(row->threads, CHIRP_LEVEL_BUDGET_S, &levels);
    if (st != CHIRP_OK)
        return st;
    if (chirp_levels_doubts(&levels, doubts) > 0) {
        char reason[256];
        (void)snprintf(reason, sizeof reason, "the measured roof is doubtful: %s", doubts[0].text);
        return no_roof(row, reason);
    }
    int level = 0;
    const double roof =
        ranks * chirp_levels_roof(&levels, peak.gflops, b->flops_done, b->bytes, &level);
    st = chirp_counters_set(&row->counters, "roof_GFLOPS", roof, false);
    if (st == CHIRP_OK && roof > 0)
        st = chirp_counters_set(&row->counters, "roof_fraction", gflops / roof, false);
    (void)snprintf(row->bound, sizeof row->bound, "%s",
                   roof < ranks * peak.gflops ? levels.item[level].name : "compute");
    return st;
}

/* Ranks: the slowest one's time is the row's; rates become sums, other counters means. */
static chirp_status reduce_ranks(const chirp_run *run, chirp_row *row, struct chirp_bench *b)
{
    const int size = run->ranks.size;
    const int n = (int)b->counters.count + 3;
    double *mine = chirp_alloc((size_t)n * sizeof *mine);
    double *all = NULL;
    double counts[2] = {n, -n};
    if (!mine)
        return CHIRP_ERR_NOMEM;
    chirp_status st = chirp_run_max(run, &counts[0]);
    if (st == CHIRP_OK)
        st = chirp_run_max(run, &counts[1]);
    if (st == CHIRP_OK && counts[0] != -counts[1])
        st = chirp_fail(CHIRP_ERR_ARG, "ranks report different counters");
    mine[0] = row->real_s;
    mine[1] = row->cpu_s;
    mine[2] = row->fastest_s;
    for (size_t i = 0; i < b->counters.count; ++i)
        mine[3 + i] = b->counters.item[i].value;
    if (st == CHIRP_OK)
        st = gather(run, mine, n, &all);
    if (st == CHIRP_OK) {
        double least = all[0];
        double mean = 0;
        int slowest = 0;
        for (int k = 0; k < size; ++k) {
            const double t = all[k * n];
            least = t < least ? t : least;
            slowest = t > all[slowest * n] ? k : slowest;
            mean += t / size;
        }
        row->real_s = all[slowest * n];
        row->cpu_s = all[slowest * n + 1];
        for (int k = 0; k < size; ++k)
            row->fastest_s = all[k * n + 2] > row->fastest_s ? all[k * n + 2] : row->fastest_s;
        for (size_t i = 0; i < b->counters.count; ++i) {
            double sum = 0;
            for (int k = 0; k < size; ++k)
                sum += all[k * n + 3 + (int)i];
            b->counters.item[i].value = b->counters.item[i].rate ? sum : sum / size;
        }
        const double scale = chirp_time_scale(run->flags->time_unit);
        const struct {
            const char *name;
            double value;
        } more[] = {{"ranks", size},
                    {"rank_time_min", scale * least},
                    {"rank_time_mean", scale * mean},
                    {"rank_time_max", scale * row->real_s},
                    {"slowest_rank", slowest},
                    {"imbalance", mean > 0 ? row->real_s / mean - 1 : 0}};
        for (size_t i = 0; i < sizeof more / sizeof more[0] && st == CHIRP_OK; ++i)
            st = chirp_counters_set(&row->counters, more[i].name, more[i].value, false);
    }
    chirp_free(mine);
    chirp_free(all);
    return st;
}

/* Turns one measurement into an iteration row. */
static chirp_status add_row(const chirp_run *run, chirp_job *j, struct chirp_bench *b)
{
    chirp_row *row = start_row(j);
    if (!row)
        return CHIRP_ERR_NOMEM;
    row->iterations = b->iterations;
    row->real_s = 1e-9 * (double)b->wall_ns / (double)b->iterations;
    row->cpu_s = 1e-9 * (double)b->cpu_ns / (double)b->iterations;
    row->fastest_s = 1e-9 * b->fastest_ns;
    row->label = b->label;
    b->label = NULL;
    chirp_status st = run->ranks.size > 1 ? reduce_ranks(run, row, b) : CHIRP_OK;
    for (size_t i = 0; i < b->counters.count && st == CHIRP_OK; ++i) {
        const chirp_counter *c = &b->counters.item[i];
        if (c->rate && b->simulated)
            continue;
        const double value = !c->rate          ? c->value
                             : row->real_s > 0 ? c->value / row->real_s
                                               : (double)NAN;
        st = chirp_counters_set(&row->counters, c->name, value, false);
    }
    if (st == CHIRP_OK && row->fastest_s > 0 && !b->simulated)
        st = chirp_counters_set(&row->counters, "real_time_fastest",
                                chirp_time_scale(run->flags->time_unit) * row->fastest_s, false);
    if (st == CHIRP_OK && j->relative_error >= 0)
        st = chirp_counters_set(&row->counters, "relative_error", j->relative_error, false);
    if (st == CHIRP_OK && b->flushes > 0)
        st = chirp_counters_set(&row->counters, "cold_probe_ns", b->probe_ns / (double)b->flushes,
                                false);
    if (st == CHIRP_OK)
        st = b->simulated ? add_simulated(row, b->iterations) : add_events(j, row, b->iterations);
    j->spent_s += row->real_s * (double)row->iterations;
    return st == CHIRP_OK ? add_roof(run, row, b) : st;
}

static chirp_status prepare(const chirp_run *run, chirp_job *j)
{
    if (run->flags->simulate && j->instance->threads > 1) {
        (void)chirp_fail(CHIRP_ERR_UNSUPPORTED, "a simulation runs one thread only");
        return chirp_job_fail(j, "");
    }
    /* before anything is timed: a row must not claim threads that it hasn't */
    chirp_status st = agree(run, chirp_team_check(j->instance->threads));
    if (st != CHIRP_OK)
        return chirp_job_fail(j, "");
    st = agree(run, check(run, j));
    if (st != CHIRP_OK)
        return chirp_job_fail(j, "check: ");
    if (run->flags->perf_counters && *run->flags->perf_counters) {
        st = chirp_events_open(run->flags->perf_counters, j->instance->threads,
                               run->flags->multiplex, &j->events);
        if (st != CHIRP_OK)
            return st;
    }
    if (calibrate(run, j) != CHIRP_OK || warm_up(run, j) != CHIRP_OK)
        return chirp_job_fail(j, "");
    return CHIRP_OK;
}

chirp_status chirp_job_repeat(const chirp_run *run, chirp_job *j)
{
    if (!j->prepared) {
        j->prepared = true;
        const chirp_status st = prepare(run, j);
        if (st != CHIRP_OK || j->failed)
            return st;
    }
    double stop =
        *run->interrupted ? 1 : 0; /* a signal may reach one rank only: all must leave together */
    chirp_status st = chirp_run_max(run, &stop);
    if (st != CHIRP_OK)
        return st;
    if (stop != 0) {
        *run->interrupted = *run->interrupted ? *run->interrupted : SIGTERM;
        return CHIRP_OK;
    }
    struct chirp_bench b;
    if (measure(run, j, j->iterations, &b) != CHIRP_OK)
        st = chirp_job_fail(j, "");
    else
        st = add_row(run, j, &b);
    chirp_bench_clear(&b);
    return st;
}

bool chirp_job_wants_more(const chirp_run *run, const chirp_job *j)
{
    const chirp_bench_flags *f = run->flags;
    const size_t n = j->rows.count;
    if (j->failed)
        return false;
    if (f->dry_run)
        return n < 1;
    if ((int64_t)n < f->repetitions)
        return true;
    if (!(f->target_precision > 0) || n >= MOST_ADAPTIVE || j->spent_s >= f->time_budget_s)
        return false;
    if (n < LEAST_ADAPTIVE)
        return true;
    double x[MOST_ADAPTIVE];
    chirp_summary s;
    for (size_t i = 0; i < n; ++i)
        x[i] = j->rows.item[i].real_s;
    if (chirp_stats_summary(x, n, f->confidence, &s) != CHIRP_OK)
        return false;
    const double below = s.median.value - s.median.low;
    const double above = s.median.high - s.median.value;
    return (below > above ? below : above) > f->target_precision * s.median.value;
}

chirp_status chirp_job_finish(const chirp_run *run, chirp_job *j)
{
    for (size_t i = 0; i < j->rows.count; ++i)
        j->rows.item[i].repetitions = (int64_t)j->rows.count > run->flags->repetitions
                                          ? (int64_t)j->rows.count
                                      : run->flags->dry_run ? 1
                                                            : run->flags->repetitions;
    j->done = true;
    chirp_events_close(j->events);
    j->events = NULL;
    return chirp_rows_aggregate(&j->rows, 0, run->flags->confidence,
                                chirp_time_scale(run->flags->time_unit));
}

void chirp_job_clear(chirp_job *j)
{
    chirp_rows_clear(&j->rows);
    chirp_events_close(j->events);
    j->events = NULL;
}

/* Times of the repetitions of a finished job, of their fastest blocks where known; 0 when it failed. */
static size_t times_of(const chirp_job *j, double *x, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < j->rows.count && n < room && !j->failed; ++i)
        if (!j->rows.item[i].aggregate_name)
            x[n++] =
                j->rows.item[i].fastest_s > 0 ? j->rows.item[i].fastest_s : j->rows.item[i].real_s;
    return n;
}

chirp_status chirp_jobs_ratios(const chirp_run *run, chirp_job *const *jobs, size_t n)
{
    double base[MOST_ADAPTIVE];
    double fresh[MOST_ADAPTIVE];
    size_t first = 0;
    size_t n_base = 0;
    while (first < n && (n_base = times_of(jobs[first], base, MOST_ADAPTIVE)) == 0)
        ++first;
    for (size_t k = first + 1; k < n; ++k) {
        const size_t n_fresh = times_of(jobs[k], fresh, MOST_ADAPTIVE);
        const size_t pairs = n_fresh < n_base ? n_fresh : n_base;
        chirp_interval ratio;
        char text[512];
        if (pairs == 0)
            continue;
        chirp_status st =
            chirp_paired_ratio_interval(base, fresh, pairs, run->flags->confidence, &ratio);
        chirp_row *row = st == CHIRP_OK ? start_row(jobs[k]) : NULL;
        if (st == CHIRP_OK && !row)
            st = CHIRP_ERR_NOMEM;
        if (st != CHIRP_OK)
            return st;
        row->repetitions = jobs[k]->rows.item[0].repetitions;
        row->aggregate_name = "ratio";
        row->percentage = true;
        row->iterations = (int64_t)pairs;
        row->real_s = ratio.value;
        row->cpu_s = ratio.value;
        (void)snprintf(text, sizeof text, "%s_ratio", row->run_name);
        chirp_free(row->name);
        row->name = chirp_strdup(text);
        (void)snprintf(text, sizeof text, "time over that of %s, pair by pair",
                       jobs[first]->instance->name);
        row->label = chirp_strdup(text);
        if (!row->name || !row->label)
            return CHIRP_ERR_NOMEM;
        st = chirp_counters_set(&row->counters, "ratio_low", ratio.low, false);
        if (st == CHIRP_OK)
            st = chirp_counters_set(&row->counters, "ratio_high", ratio.high, false);
        if (st == CHIRP_OK)
            st = chirp_counters_set(&row->counters, "ci_confidence", ratio.confidence, false);
        if (st != CHIRP_OK)
            return st;
    }
    return CHIRP_OK;
}
