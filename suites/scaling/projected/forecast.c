#include "suites/scaling/projected/forecast.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/stats/stats.h"
#include "suites/scaling/projected/engine.h"

#include <math.h>

/* Equally likely values that a distribution is cut into. */
enum { WAITING_CUTS = 25, START_CUTS = 9, SLOW_CUTS = 2, DATA_CUTS = 3 };

static const double FORWARD =
    1.0 / 3; /* of a training step's operations: a backward pass has two */

const char *chirp_forecast_key(chirp_forecast_cause cause)
{
    static const char *const keys[CHIRP_FORECAST_CAUSES] = {
        "waiting_and_allreduce", "start_of_a_phase", "slow_epochs", "data_a_node_holds"};
    return keys[cause];
}

static double mean_of(const chirp_job_count *c, chirp_job_phase phase)
{
    return chirp_stats_mean(c->mean_s[phase], (size_t)c->n);
}

static int ranks_of(const chirp_job_count *c, int nodes) { return nodes * c->ranks_per_node; }

/* [s] of allreduce, copies and agreement on so many ranks, without waiting. */
static double exchange_s(const chirp_plan *plan, int ranks)
{
    chirp_plan quiet = *plan;
    chirp_step_terms t;
    quiet.ranks = ranks;
    quiet.jitter_relative = quiet.jitter_fresh = quiet.cycles = 0;
    chirp_closed_form(&quiet, &t);
    return t.seconds - t.compute;
}

/* [s] by which a step grows by waiting and exchange under one law, from a count that took `seconds` on n0 ranks. */
static double waiting_growth_s(const chirp_waiting *law, double one_node_s, double seconds,
                               const double exchange[2], const double growth[2])
{
    double size = law->size_s;
    if (!law->absolute) { /* the step without waiting, from the one with */
        const double relative = size / one_node_s;
        size =
            relative * fmax(0, seconds - exchange[0] - law->cycles_s) / (1 + relative * growth[0]);
    }
    return size * (growth[1] - growth[0]) + exchange[1] - exchange[0];
}

/* Growth of every law between two counts, with its weight. @param items  [laws->n] */
static void grow_all(const chirp_waiting_laws *laws, const chirp_plan *plan, double seconds,
                     const int ranks[2], chirp_weighted *items)
{
    const double exchange[2] = {exchange_s(plan, ranks[0]), exchange_s(plan, ranks[1])};
    double growth[2] = {0};
    for (int i = 0; i < laws->n; ++i) {
        const chirp_waiting *law = &laws->law[i];
        if (i == 0 || law->form != law[-1].form || law->rate != law[-1].rate)
            for (int k = 0; k < 2; ++k) /* the laws of one form and rate follow each other */
                growth[k] = chirp_waiting_growth(law, ranks[k]);
        items[i].value = waiting_growth_s(law, laws->one_node_s, seconds, exchange, growth);
        items[i].weight = law->weight;
    }
}

/* Standard deviation of the logarithm of a job's mean step. */
static double job_sd(const chirp_job_count *c, chirp_job_phase phase)
{
    double logs[CHIRP_MAX_JOBS];
    for (int i = 0; i < c->n; ++i)
        logs[i] = log(c->mean_s[phase][i]);
    return chirp_stats_stddev(logs, (size_t)c->n);
}

chirp_status chirp_forecast_weigh(const chirp_jobs *jobs, const chirp_plan *plan, bool forward_only,
                                  chirp_waiting_laws *laws)
{
    const chirp_job_count *base = &jobs->count[jobs->n - 1];
    if (forward_only || base->steps[CHIRP_JOB_TRAINING] == 0)
        return CHIRP_OK; /* nobody waits */
    chirp_weighted *items = chirp_calloc((size_t)laws->n, sizeof *items);
    if (!items)
        return CHIRP_ERR_NOMEM;
    const double t0 = mean_of(base, CHIRP_JOB_TRAINING);
    const double own = job_sd(base, CHIRP_JOB_TRAINING) / sqrt(base->n);
    double sum = 0;
    for (int k = 0; k + 1 < jobs->n; ++k) {
        const chirp_job_count *c = &jobs->count[k];
        const int ranks[2] = {ranks_of(base, base->nodes), ranks_of(c, c->nodes)};
        if (c->steps[CHIRP_JOB_TRAINING] == 0)
            continue;
        const double sd = hypot(own, job_sd(c, CHIRP_JOB_TRAINING) / sqrt(c->n));
        grow_all(laws, plan, t0, ranks, items);
        for (int i = 0; i < laws->n; ++i) {
            const double predicted = fmax(1e-3 * t0, t0 + items[i].value);
            const double error = log(predicted / mean_of(c, CHIRP_JOB_TRAINING)) / fmax(sd, 1e-4);
            laws->law[i].weight *= exp(-0.5 * error * error);
        }
    }
    for (int i = 0; i < laws->n; ++i)
        sum += laws->law[i].weight;
    chirp_free(items);
    if (!(sum > 0))
        return chirp_fail(CHIRP_ERR_ARG,
                          "--calibrate: no law of waiting fits all node counts; give one of them");
    for (int i = 0; i < laws->n; ++i)
        laws->law[i].weight /= sum;
    return CHIRP_OK;
}

/* [s] that starting a phase may take; false where nothing says so. */
static bool start_range(const chirp_job_count *c, const chirp_plan *plan, double range[2])
{
    if (c->steps[CHIRP_JOB_TRAINING] == 0 || c->steps[CHIRP_JOB_EVALUATION] == 0)
        return false;
    const double evaluation = mean_of(c, CHIRP_JOB_EVALUATION);
    const double compute = mean_of(c, CHIRP_JOB_TRAINING) - exchange_s(plan, ranks_of(c, c->nodes));
    range[0] = evaluation; /* a step: it fills the pipeline */
    range[1] = c->steps[CHIRP_JOB_EVALUATION] * (evaluation - FORWARD * fmax(0, compute));
    return range[1] > range[0];
}

/* Growth by cause, relative to the measured step: equally likely values. */
typedef struct causes {
    double waiting[WAITING_CUTS], start[START_CUTS], slow[SLOW_CUTS], data[DATA_CUTS];
    int n_waiting, n_start, n_slow;
} causes;

static double middle(int i, int n) { return (i + 0.5) / n; }

static void add_start(const chirp_job_count *c, const chirp_plan *plan, chirp_job_phase phase,
                      int nodes, causes *to)
{
    double range[2];
    const double steps = c->steps[phase];
    const double fewer = fmax(1, steps * c->nodes / nodes);
    to->n_start = start_range(c, plan, range) ? START_CUTS : 1;
    to->start[0] = 0;
    for (int i = 0; to->n_start > 1 && i < START_CUTS; ++i) {
        const double start = range[0] * pow(range[1] / range[0], middle(i, START_CUTS));
        to->start[i] = start * (1 / fewer - 1 / steps) / mean_of(c, phase);
    }
    chirp_sort(to->start, (size_t)to->n_start);
}

static void add_slow(const chirp_job_count *c, chirp_job_phase phase, int nodes, causes *to)
{
    double excess = 0;
    for (int i = 0; i < c->n; ++i)
        excess += fmax(0, c->mean_s[phase][i] / c->median_s[phase][i] - 1) / c->n;
    to->slow[0] = 0;
    to->slow[1] = (1 + excess * nodes / c->nodes) / (1 + excess) - 1;
    to->n_slow = phase == CHIRP_JOB_TRAINING ? 2 : 1; /* alone, a rank meets its own events only */
    chirp_sort(to->slow, (size_t)to->n_slow);
}

static void add_data(const chirp_job_count *c, chirp_job_phase phase, int nodes, causes *to)
{
    double later = 0;
    for (int i = 0; i < c->n; ++i)
        later += (1 - c->early_s[phase][i] / c->median_s[phase][i]) / c->n;
    for (int i = 0; i < DATA_CUTS; ++i)
        to->data[i] = i == 0 ? later * (fmin(2, c->nodes / (double)nodes) - 1) : 0;
    chirp_sort(to->data, DATA_CUTS);
}

/* P(mean step of a job < seconds). */
static double below(const causes *g, double log_seconds, double sd, double freedom)
{
    double p = 0;
    for (int i = 0; i < g->n_waiting; ++i)
        for (int j = 0; j < g->n_start; ++j)
            for (int k = 0; k < g->n_slow; ++k)
                for (int m = 0; m < DATA_CUTS; ++m) {
                    const double growth = fmax(1e-3, 1 + g->waiting[i] + g->start[j]) *
                                          (1 + g->slow[k]) * (1 + g->data[m]);
                    p += 1 - chirp_student_tail((log_seconds - log(growth)) / sd, freedom);
                }
    return p / (g->n_waiting * g->n_start * g->n_slow * DATA_CUTS);
}

static double quantile(const causes *g, double sd, double freedom, double p)
{
    double low = -10;
    double high = 10;
    for (int i = 0; i < 50; ++i) {
        const double middle_of = 0.5 * (low + high);
        if (below(g, middle_of, sd, freedom) < p)
            low = middle_of;
        else
            high = middle_of;
    }
    return exp(0.5 * (low + high));
}

/* Of values that ascend: those nearest to 5, 50 and 95 %. */
static void three(const double *value, int n, double to[3])
{
    to[0] = value[n / 20];
    to[1] = n % 2 ? value[n / 2] : 0.5 * (value[n / 2 - 1] + value[n / 2]);
    to[2] = value[n - 1 - n / 20];
}

static chirp_status add_waiting(const chirp_job_count *c, const chirp_plan *plan,
                                const chirp_waiting_laws *laws, int nodes, causes *to)
{
    const int ranks[2] = {ranks_of(c, c->nodes), ranks_of(c, nodes)};
    const double t0 = mean_of(c, CHIRP_JOB_TRAINING);
    chirp_weighted *items = chirp_calloc((size_t)laws->n, sizeof *items);
    if (!items)
        return CHIRP_ERR_NOMEM;
    grow_all(laws, plan, t0, ranks, items);
    to->n_waiting = WAITING_CUTS;
    for (int i = 0; i < WAITING_CUTS; ++i)
        to->waiting[i] =
            chirp_weighted_quantile(items, (size_t)laws->n, middle(i, WAITING_CUTS)) / t0;
    chirp_free(items);
    return CHIRP_OK;
}

chirp_status chirp_forecast_make(const chirp_jobs *jobs, const chirp_plan *plan, bool forward_only,
                                 const chirp_waiting_laws *laws, int nodes, chirp_forecast *f)
{
    const chirp_job_count *c = &jobs->count[jobs->n - 1];
    const chirp_job_phase phase = forward_only ? CHIRP_JOB_EVALUATION : CHIRP_JOB_TRAINING;
    causes g = {.n_waiting = 1};
    chirp_status st = CHIRP_OK;
    if (c->steps[phase] == 0)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--calibrate: its jobs have no %s, which the workload needs",
                          chirp_job_key(phase));
    if (!forward_only)
        st = add_waiting(c, plan, laws, nodes, &g);
    if (st != CHIRP_OK)
        return st;
    add_start(c, plan, phase, nodes, &g);
    add_slow(c, phase, nodes, &g);
    add_data(c, phase, nodes, &g);
    /* a further job, around a mean that so many jobs tell */
    const double sd = fmax(1e-9, job_sd(c, phase) * sqrt(1 + 1.0 / c->n));
    const double t0 = mean_of(c, phase);
    f->seconds = t0 * quantile(&g, sd, c->n - 1, 0.5);
    f->interval[0] = t0 * quantile(&g, sd, c->n - 1, 0.05);
    f->interval[1] = t0 * quantile(&g, sd, c->n - 1, 0.95);
    three(g.waiting, g.n_waiting, f->growth[CHIRP_FORECAST_WAITING]);
    three(g.start, g.n_start, f->growth[CHIRP_FORECAST_START]);
    three(g.slow, g.n_slow, f->growth[CHIRP_FORECAST_SLOW]);
    three(g.data, DATA_CUTS, f->growth[CHIRP_FORECAST_DATA]);
    return CHIRP_OK;
}
