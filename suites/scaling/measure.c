#include "suites/scaling/measure.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/stats/stats.h"
#include "suites/scaling/timeline.h"

#include <math.h>
#include <omp.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* One step of one rank; instants on rank 0's clock. */
typedef struct step_record {
    double input, forward, backward, exchange, optimizer, total;
    double exposed, control, bytes, calls;
    double finish, done;
} step_record;

void chirp_scale_release(chirp_scale *scale)
{
    for (int i = 0; i < CHIRP_SCALE_MAX_COUNTS; ++i)
        chirp_free(scale->row[i].repetition);
    *scale = (chirp_scale){0};
}

static void sleep_s(double seconds)
{
    const struct timespec nap = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
    (void)nanosleep(&nap, NULL);
}

static step_record record_of(const chirp_step_profile *p, double asleep, double offset)
{
    return (step_record){
        .input = p->signals_s + asleep,
        .forward = p->forward_s,
        .backward = p->backward_s,
        .exchange = p->exchange_s,
        .optimizer = p->optimizer_s,
        .total = p->total_s + asleep,
        .exposed = p->exchange.exposed_s,
        .control = p->exchange.control_s,
        .bytes = p->exchange.exchanged_bytes,
        .calls = (double)p->exchange.calls,
        .finish = p->exchange.finish_s + offset,
        .done = p->exchange.done_s - p->exchange.applied_s + offset,
    };
}

/* Parts of one step of one rank, given when the slowest rank was ready. */
static chirp_scale_terms parts(const step_record *s, double last)
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

/* Ranks and steps of all repetitions of a row, for what needs more than a mean. */
typedef struct lateness {
    double *compute; /* [ranks][steps of all repetitions] */
    int *last;       /* [ranks] how often the slowest */
    double *late;    /* [ranks] sum of lateness */
    int steps;
} lateness;

static void analyse_block(const chirp_scale_options *o, chirp_scale_row *row, int repetition,
                          const step_record *all, double wall, lateness *l)
{
    const int n = row->ranks;
    const double weight = 1.0 / ((double)n * o->steps);
    const bool delayed = o->train.exchange.mode == CHIRP_EXCHANGE_DELAYED;
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
        if (delayed) { /* what is waited for is the step before */
            last = -INFINITY;
            for (int r = 0; r < n && s > 0; ++r)
                last = fmax(last, all[r * o->steps + s - 1].finish);
        }
        for (int r = 0; r < n; ++r) {
            const step_record *one = &all[r * o->steps + s];
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
static void analyse_jitter(const chirp_scale_options *o, chirp_scale_row *row, const lateness *l)
{
    const int n = row->ranks;
    const int steps = l->steps;
    const int stride = o->steps * o->repetitions;
    double grand = 0;
    double ranks = 0; /* sums of squares */
    double residual = 0;
    double lagged = 0;
    for (int r = 0; r < n; ++r)
        grand += chirp_stats_mean(l->compute + r * stride, (size_t)steps) / n;
    for (int r = 0; r < n; ++r) {
        const double *x = l->compute + r * stride;
        const double mean = chirp_stats_mean(x, (size_t)steps);
        double before = 0;
        ranks += (mean - grand) * (mean - grand);
        for (int s = 0; s < steps; ++s) {
            double common = 0;
            for (int k = 0; n > 1 && k < n; ++k)
                common += l->compute[k * stride + s] / n;
            const double rest = x[s] - mean - (n > 1 ? common - grand : 0);
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

static void analyse_row(const chirp_scale_options *o, chirp_scale_row *row, const lateness *l)
{
    row->compute_min = INFINITY;
    row->compute_max = 0;
    for (int r = 0; r < row->ranks; ++r) {
        const double mean =
            chirp_stats_mean(l->compute + r * o->steps * o->repetitions, (size_t)l->steps);
        row->compute_min = fmin(row->compute_min, mean);
        row->compute_max = fmax(row->compute_max, mean);
        if (row->ranks > 1 && (row->slowest < 0 || l->last[r] > l->last[row->slowest]))
            row->slowest = r;
    }
    analyse_jitter(o, row, l);
    if (row->slowest >= 0) {
        row->slowest_share = (double)l->last[row->slowest] / l->steps;
        row->slowest_late_s = l->late[row->slowest] / l->steps;
    }
}

/* The exchange with nothing to hide behind: all tensors announced at once. */
static chirp_status measure_alone(const chirp_scale_options *o, chirp_network *net, double *alone)
{
    enum { TRIES = 7 };
    int n = 0;
    const chirp_tensor *tensors = chirp_network_tensors(net, &n);
    double seconds[TRIES] = {0};
    chirp_exchange *exchange = NULL;
    chirp_exchange_tensor *table = chirp_calloc((size_t)n, sizeof *table);
    float *grad = chirp_calloc((size_t)chirp_network_parameter_count(net), sizeof *grad);
    chirp_status st = chirp_parallel_agree(table && grad ? CHIRP_OK : CHIRP_ERR_NOMEM);
    for (int t = 0; st == CHIRP_OK && t < n; ++t)
        table[t] = (chirp_exchange_tensor){tensors[t].name, tensors[t].offset, tensors[t].count};
    chirp_exchange_config config = o->train.exchange;
    if (config.mode == CHIRP_EXCHANGE_DELAYED) /* the same reductions, waited for */
        config.mode = CHIRP_EXCHANGE_OVERLAP;
    if (st == CHIRP_OK)
        st = chirp_exchange_create(&config, table, n, &exchange);
    for (int i = 0; st == CHIRP_OK && i < TRIES; ++i) {
        st = chirp_parallel_barrier();
        const double start = chirp_now_s();
        if (st == CHIRP_OK)
            st = chirp_exchange_begin(exchange, grad);
        for (int t = 0; st == CHIRP_OK && t < n; ++t)
            st = chirp_exchange_ready(exchange, t);
        if (st == CHIRP_OK)
            st = chirp_exchange_finish(exchange, NULL);
        seconds[i] = chirp_now_s() - start;
    }
    chirp_stats_sort(seconds, TRIES);
    *alone = seconds[TRIES / 2];
    chirp_exchange_destroy(exchange);
    chirp_free(table);
    chirp_free(grad);
    return st;
}

/* MPI calls of the timed steps of one rank. */
typedef struct call_table {
    int n;
    chirp_call_row row[CHIRP_SCALE_MAX_CALLS];
} call_table;

static chirp_status gather_calls(chirp_scale_row *row, int steps, const call_table *table)
{
    const chirp_call_row *mine = table->row;
    chirp_call_row *all = NULL;
    row->n_calls = table->n;
    if (chirp_parallel_rank() == 0)
        all = chirp_calloc((size_t)row->ranks, sizeof table->row);
    chirp_status st =
        chirp_parallel_agree(chirp_parallel_rank() == 0 && !all ? CHIRP_ERR_NOMEM : CHIRP_OK);
    if (st == CHIRP_OK)
        st = chirp_parallel_gather(mine, (int64_t)sizeof table->row, all, 0);
    for (int i = 0; all && st == CHIRP_OK && i < row->n_calls; ++i) {
        row->call[i] = mine[i];
        row->call_min[i] = INFINITY;
        row->call_max[i] = 0;
        for (int r = 0; r < row->ranks; ++r)
            for (int k = 0; k < CHIRP_SCALE_MAX_CALLS; ++k) {
                const chirp_call_row *other = &all[r * CHIRP_SCALE_MAX_CALLS + k];
                if (other->bytes != mine[i].bytes || strcmp(other->call, mine[i].call) != 0)
                    continue;
                row->call_min[i] = fmin(row->call_min[i], other->seconds / steps);
                row->call_max[i] = fmax(row->call_max[i], other->seconds / steps);
            }
    }
    chirp_free(all);
    return st;
}

/* The timed steps of a block. `mine` receives a record a step. @param events  NULL, or what to count in them */
static chirp_status timed_steps(const chirp_scale_options *o, chirp_trainer *trainer, double offset,
                                chirp_events *events, step_record *mine, double *wall,
                                call_table *calls)
{
    const bool slow = chirp_parallel_rank() == o->slow_rank;
    chirp_step_report report = {0};
    chirp_status st = CHIRP_OK;
    for (int s = 0; st == CHIRP_OK && s < o->warmup; ++s)
        st = chirp_trainer_step(trainer, &report);
    if (st == CHIRP_OK)
        st = chirp_parallel_barrier();
    chirp_parallel_calls_reset();
    if (events)
        chirp_events_start(events);
    const double start = chirp_now_s();
    for (int s = 0; st == CHIRP_OK && s < o->steps; ++s) {
        const double before = chirp_now_s();
        if (slow)
            sleep_s(o->slow_s);
        const double asleep = chirp_now_s() - before;
        st = chirp_trainer_step(trainer, &report);
        mine[s] = record_of(&report.profile, asleep, offset);
    }
    *wall = chirp_now_s() - start;
    if (events)
        chirp_events_stop(events);
    const int n = chirp_parallel_calls(calls->row, CHIRP_SCALE_MAX_CALLS);
    calls->n = n < CHIRP_SCALE_MAX_CALLS ? n : CHIRP_SCALE_MAX_CALLS;
    return st;
}

/* One rank count once; on members of the group only. */
static chirp_status run_block(const chirp_scale_options *o, chirp_scale_row *row, int repetition,
                              lateness *l)
{
    chirp_train_config config = o->train;
    chirp_trainer *trainer = NULL;
    chirp_events *events = NULL;
    double offset = 0;
    double uncertainty = 0;
    double wall = 0;
    call_table calls = {0};
    config.batch = row->batch;
    const size_t mine_bytes = (size_t)o->steps * sizeof(step_record);
    step_record *mine = chirp_calloc((size_t)o->steps, sizeof *mine);
    step_record *all =
        chirp_parallel_rank() == 0 ? chirp_calloc((size_t)row->ranks, mine_bytes) : mine;
    chirp_status st = chirp_parallel_agree(mine && all ? CHIRP_OK : CHIRP_ERR_NOMEM);
    const bool last = repetition + 1 == o->repetitions;
    if (st == CHIRP_OK && last)
        st = chirp_parallel_agree(chirp_events_open("auto", row->threads, true, &events));
    if (st == CHIRP_OK)
        st = chirp_trainer_create(&config, &trainer);
    if (st == CHIRP_OK)
        st = chirp_parallel_clock_offset(&offset, &uncertainty);
    if (st == CHIRP_OK)
        st = timed_steps(o, trainer, offset, events, mine, &wall, &calls);
    if (st == CHIRP_OK)
        st = chirp_parallel_gather(mine, (int64_t)mine_bytes, all, 0);
    if (st == CHIRP_OK && chirp_parallel_rank() == 0)
        analyse_block(o, row, repetition, all, wall, l);
    if (st == CHIRP_OK && last)
        st = chirp_rank_counters(events, o->steps, row);
    if (st == CHIRP_OK && last)
        st = gather_calls(row, o->steps, &calls);
    row->calls_wall_s = wall;
    if (st == CHIRP_OK && last && row->ranks > 1)
        st = measure_alone(o, chirp_trainer_network(trainer), &row->alone_s);
    if (st == CHIRP_OK && last && o->timeline && row->ranks == o->count[o->n_counts - 1])
        st = chirp_timeline_write(o->timeline, chirp_trainer_exchange(trainer),
                                  mine[o->steps - 1].input, mine[o->steps - 1].forward, offset);
    chirp_trainer_destroy(trainer);
    chirp_events_close(events);
    if (all != mine)
        chirp_free(all);
    chirp_free(mine);
    return st;
}

static chirp_status prepare_row(const chirp_scale_options *o, int index, chirp_scale_row *row,
                                lateness *l)
{
    const int n = o->count[index];
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    *row = (chirp_scale_row){
        .ranks = n, .batch = o->strong ? o->train.batch / n : o->train.batch, .slowest = -1};
    row->threads = o->train.n_threads > 0 ? o->train.n_threads : omp_get_max_threads();
    row->oversubscribed = processors > 0 && (long)n * row->threads > processors;
    const size_t steps = (size_t)o->steps * (size_t)o->repetitions;
    row->repetition = chirp_calloc((size_t)o->repetitions, sizeof *row->repetition);
    *l = (lateness){chirp_calloc(steps * (size_t)n, sizeof(double)),
                    chirp_calloc((size_t)n, sizeof(int)), chirp_calloc((size_t)n, sizeof(double)),
                    0};
    return row->repetition && l->compute && l->last && l->late ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

static chirp_status check_options(const chirp_scale_options *o)
{
    if (o->n_counts < 1 || o->n_counts > CHIRP_SCALE_MAX_COUNTS || o->count[0] != 1)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--ranks: should begin with 1, the time that efficiency compares with");
    if (o->repetitions < 1 || o->steps < 1 || o->warmup < 0)
        return chirp_fail(CHIRP_ERR_ARG, "scale: %d repetitions of %d steps", o->repetitions,
                          o->steps);
    for (int i = 0; i < o->n_counts; ++i) {
        if (o->count[i] > chirp_parallel_size())
            return chirp_fail(CHIRP_ERR_ARG,
                              "--ranks %d: the job has %d; start it with mpiexec -n %d",
                              o->count[i], chirp_parallel_size(), o->count[i]);
        if (i > 0 && o->count[i] <= o->count[i - 1])
            return chirp_fail(CHIRP_ERR_ARG, "--ranks: should ascend");
        if (o->strong && o->train.batch % o->count[i] != 0)
            return chirp_fail(CHIRP_ERR_ARG,
                              "--batch %lld: %d ranks can't share it evenly in strong scaling",
                              (long long)o->train.batch, o->count[i]);
    }
    return CHIRP_OK;
}

chirp_status chirp_scale_measure(const chirp_scale_options *options, chirp_scale_progress progress,
                                 void *context, chirp_scale *scale)
{
    lateness late[CHIRP_SCALE_MAX_COUNTS] = {0};
    *scale = (chirp_scale){.options = *options};
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    scale->processors = processors > 0 ? (int)processors : 1;
    const chirp_scale_options *o = &scale->options;
    chirp_status st = check_options(o);
    for (int i = 0; st == CHIRP_OK && i < o->n_counts; ++i) {
        scale->n_rows = i + 1;
        st = prepare_row(o, i, &scale->row[i], &late[i]);
    }
    st = chirp_parallel_agree(st);
    int done = 0;
    for (int repetition = 0; st == CHIRP_OK && repetition < o->repetitions; ++repetition)
        for (int i = 0; st == CHIRP_OK && i < o->n_counts; ++i) {
            st = chirp_parallel_group(o->count[i]);
            if (st == CHIRP_OK && chirp_parallel_member())
                st = run_block(o, &scale->row[i], repetition, &late[i]);
            if (st == CHIRP_OK || st == CHIRP_ERR_NUMERIC || chirp_parallel_size() == 1) {
                const chirp_status everyone = chirp_parallel_everyone();
                st = chirp_parallel_agree(st == CHIRP_OK ? everyone : st);
            } else {
                chirp_parallel_abort(2); /* others may be waiting inside the block */
            }
            if (st == CHIRP_OK && progress && chirp_parallel_rank() == 0)
                progress(context, ++done, o->repetitions * o->n_counts);
        }
    for (int i = 0; i < scale->n_rows; ++i) {
        if (st == CHIRP_OK && chirp_parallel_rank() == 0)
            analyse_row(o, &scale->row[i], &late[i]);
        chirp_free(late[i].compute);
        chirp_free(late[i].last);
        chirp_free(late[i].late);
    }
    if (st != CHIRP_OK)
        chirp_scale_release(scale);
    return st;
}

void chirp_scale_efficiency(const chirp_scale *scale, int row, double *efficiency)
{
    const double ideal = scale->options.strong ? scale->row[row].ranks : 1;
    for (int r = 0; r < scale->options.repetitions; ++r)
        efficiency[r] =
            scale->row[0].repetition[r].total / (ideal * scale->row[row].repetition[r].total);
}

int chirp_scale_median(const chirp_scale *scale, int row)
{
    const int n = scale->options.repetitions;
    const double ideal = scale->options.strong ? scale->row[row].ranks : 1;
    for (int r = 0; r < n; ++r) { /* n is small: the rank of each by counting */
        const double mine =
            scale->row[0].repetition[r].total / (ideal * scale->row[row].repetition[r].total);
        int below = 0;
        for (int k = 0; k < n; ++k) {
            const double other =
                scale->row[0].repetition[k].total / (ideal * scale->row[row].repetition[k].total);
            below += other < mine || (other == mine && k < r);
        }
        if (below == (n - 1) / 2)
            return r;
    }
    return 0;
}
