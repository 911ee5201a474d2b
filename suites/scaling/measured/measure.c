/* Blocks of steps on some of the ranks: what runs, and what each rank writes down. */
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "suites/scaling/measured/measure_internal.h"
#include "suites/scaling/measured/timeline.h"

#include <string.h>

void chirp_scale_release(chirp_scale *scale)
{
    for (int i = 0; i < CHIRP_SCALE_MAX_ROWS; ++i) {
        chirp_free(scale->row[i].repetition);
        chirp_free(scale->row[i].rank_compute);
        chirp_free(scale->row[i].rank_apart);
    }
    chirp_free(scale->places);
    *scale = (chirp_scale){0};
}

chirp_step_record chirp_scale_record(const chirp_step_profile *p, double offset)
{
    /* of the wait; one rank has none, its instants are zero */
    const double applied = p->exchange.done_s > 0 ? p->exchange.applied_s : 0;
    return (chirp_step_record){
        .input = p->signals_s,
        .forward = p->forward_s,
        .backward = p->backward_s,
        .exchange = p->exchange_s,
        .optimizer = p->optimizer_s,
        .total = p->total_s,
        .exposed = p->exchange.exposed_s,
        .control = p->exchange.control_s,
        .bytes = p->exchange.exchanged_bytes,
        .calls = (double)p->exchange.calls,
        .finish = p->exchange.finish_s + offset,
        .done = p->exchange.done_s - applied + offset,
    };
}

/* The exchange of a step with nothing to hide behind: all tensors announced at once. */
static chirp_status measure_alone(chirp_trainer *trainer, chirp_scale_row *row)
{
    enum { TRIES = 7 };
    int n = 0;
    int sent = 0;
    const chirp_network *net = chirp_trainer_network(trainer);
    const chirp_tensor *tensors = chirp_network_tensors(net, &n);
    double seconds[TRIES] = {0};
    chirp_exchange *exchange = NULL;
    chirp_exchange_profile profile = {0};
    chirp_exchange_tensor *table = chirp_calloc((size_t)n, sizeof *table);
    float *grad = chirp_calloc((size_t)chirp_network_parameter_count(net), sizeof *grad);
    chirp_status st = chirp_parallel_agree(table && grad ? CHIRP_OK : CHIRP_ERR_NOMEM);
    for (int t = 0; st == CHIRP_OK && table && t < n; ++t)
        if (chirp_trainer_sends(trainer, t))
            table[sent++] =
                (chirp_exchange_tensor){tensors[t].name, tensors[t].offset, tensors[t].count};
    chirp_exchange_config config = chirp_trainer_config(trainer)->exchange;
    config.n_threads = row->threads;
    if (st == CHIRP_OK)
        st = chirp_exchange_create(&config, table, sent, &exchange);
    for (int i = 0; st == CHIRP_OK && i < TRIES; ++i) {
        st = chirp_parallel_barrier();
        const double start = chirp_now_s();
        if (st == CHIRP_OK)
            st = chirp_exchange_begin(exchange, grad);
        for (int t = 0; st == CHIRP_OK && t < sent; ++t)
            st = chirp_exchange_ready(exchange, t);
        if (st == CHIRP_OK)
            st = chirp_exchange_finish(exchange, &profile);
        seconds[i] = chirp_now_s() - start;
    }
    chirp_sort(seconds, TRIES);
    row->alone_s = seconds[TRIES / 2];
    row->alone_bytes = profile.exchanged_bytes;
    chirp_exchange_destroy(exchange);
    chirp_free(table);
    chirp_free(grad);
    return st;
}

/* What one block leaves beside its steps. */
typedef struct block {
    double wall, offset, uncertainty; /* of the steps; of the last one's clock */
    chirp_scale_calls calls;
} block;

/*
 * The timed steps of a block. `mine` receives a record a step.
 * @param events  NULL, or what to count
 */
static chirp_status timed_steps(const chirp_scale_options *o, chirp_trainer *trainer,
                                chirp_events *events, chirp_step_record *mine, double *wall,
                                chirp_scale_calls *calls)
{
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
        st = chirp_trainer_step(trainer, &report);
        mine[s] = chirp_scale_record(&report.profile, 0);
    }
    *wall = chirp_now_s() - start;
    if (events)
        chirp_events_stop(events);
    const int n = chirp_parallel_calls(calls->row, CHIRP_SCALE_MAX_CALLS);
    calls->n = n < CHIRP_SCALE_MAX_CALLS ? n : CHIRP_SCALE_MAX_CALLS;
    return st;
}

static chirp_status write_timeline(const char *path, const chirp_exchange *exchange,
                                   const chirp_step_record *step, double offset, double uncertainty)
{
    const chirp_timeline_step own = {
        .input_s = step->input,
        .forward_s = step->forward,
        .backward_s = step->backward,
        .control_s = step->exchange - (step->done - step->finish),
        .optimizer_s = step->optimizer,
        .offset_s = offset,
        .uncertainty_s = uncertainty,
    };
    return chirp_timeline_write(path, exchange, &own);
}

double chirp_scale_offset_at(const chirp_scale_clock *c, double instant)
{
    const double span = c->at[1] - c->at[0];
    const double part = span > 0 ? (instant - c->at[0]) / span : 0;
    return c->offset[0] + part * (c->offset[1] - c->offset[0]);
}

static chirp_status read_clock(chirp_scale_clock *clock, int end, double *uncertainty)
{
    const chirp_status st = chirp_parallel_clock_offset(&clock->offset[end], uncertainty);
    clock->at[end] = chirp_now_s();
    return st;
}

/* Steps between two looks at rank 0's clock, in its time: clocks of computers drift by microseconds a second. */
static chirp_status steps_by_one_clock(const chirp_scale_options *o, chirp_trainer *trainer,
                                       chirp_events *events, chirp_step_record *mine, block *b)
{
    chirp_scale_clock clock;
    chirp_status st = read_clock(&clock, 0, &b->uncertainty);
    if (st == CHIRP_OK)
        st = timed_steps(o, trainer, events, mine, &b->wall, &b->calls);
    if (st == CHIRP_OK)
        st = read_clock(&clock, 1, &b->uncertainty);
    for (int s = 0; st == CHIRP_OK && s < o->steps; ++s) {
        b->offset = chirp_scale_offset_at(&clock, mine[s].done);
        mine[s].finish += b->offset;
        mine[s].done += b->offset;
    }
    return st;
}

static chirp_train_config config_of(const chirp_scale_options *o, const chirp_scale_row *row)
{
    chirp_train_config config = o->train;
    config.batch = row->batch;
    config.variant = row->variant;
    config.n_threads = row->threads;
    return config;
}

/* One rank count once; on members of the group only. */
static chirp_status run_block(const chirp_scale_options *o, chirp_scale_row *row, int repetition,
                              chirp_lateness *l)
{
    const chirp_train_config config = config_of(o, row);
    chirp_trainer *trainer = NULL;
    chirp_events *events = NULL;
    block b = {0};
    const size_t mine_bytes = (size_t)o->steps * sizeof(chirp_step_record);
    chirp_step_record *mine = chirp_calloc((size_t)o->steps, sizeof *mine);
    chirp_step_record *all =
        chirp_parallel_rank() == 0 ? chirp_calloc((size_t)row->ranks, mine_bytes) : mine;
    chirp_status st = chirp_parallel_agree(mine && all ? CHIRP_OK : CHIRP_ERR_NOMEM);
    const bool last = repetition + 1 == o->repetitions;
    if (st == CHIRP_OK && last)
        st = chirp_parallel_agree(chirp_events_open("auto", row->threads, true, &events));
    if (st == CHIRP_OK)
        st = chirp_trainer_create(&config, &trainer);
    if (st == CHIRP_OK && mine)
        st = steps_by_one_clock(o, trainer, events, mine, &b);
    row->calls = b.calls;
    if (st == CHIRP_OK)
        st = chirp_parallel_gather(mine, (int64_t)mine_bytes, all, 0);
    if (st == CHIRP_OK && chirp_parallel_rank() == 0)
        chirp_scale_block(o, row, repetition, all, b.wall, l);
    if (st == CHIRP_OK && last)
        st = chirp_rank_counters(events, o->steps, row);
    if (st == CHIRP_OK && last)
        st = chirp_scale_gather_calls(&row->calls, row->ranks, o->steps);
    row->calls_wall_s = b.wall;
    const int64_t *shares = st == CHIRP_OK ? chirp_trainer_shares(trainer) : NULL; /* rank 0's */
    for (int r = 0; shares && r < row->ranks; ++r) {
        const int64_t share = shares[r];
        row->least = r == 0 || share < row->least ? share : row->least;
        row->most = r == 0 || share > row->most ? share : row->most;
    }
    if (st == CHIRP_OK && last && row->ranks > 1)
        st = measure_alone(trainer, row);
    if (st == CHIRP_OK && mine && last && o->timeline && row->ranks == o->count[o->n_counts - 1])
        st = write_timeline(o->timeline, chirp_trainer_exchange(trainer), &mine[o->steps - 1],
                            b.offset, b.uncertainty);
    chirp_trainer_destroy(trainer);
    chirp_events_close(events);
    if (all != mine)
        chirp_free(all);
    chirp_free(mine);
    return st;
}

/* The steps of a row once more, with every rank of the group for itself. @param seconds  of a step of this rank */
static chirp_status run_apart(const chirp_scale_options *o, const chirp_scale_row *row,
                              double *seconds)
{
    const chirp_train_config config = config_of(o, row);
    chirp_scale_options alone = *o;
    chirp_trainer *trainer = NULL;
    chirp_step_record *mine = chirp_calloc((size_t)o->steps, sizeof *mine);
    block b = {0};
    alone.warmup = o->warmup > 0; /* shares need more, one rank has none */
    chirp_status st = mine ? chirp_parallel_apart() : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_trainer_create(&config, &trainer);
    if (st == CHIRP_OK && mine)
        st = timed_steps(&alone, trainer, NULL, mine, &b.wall, &b.calls);
    *seconds = b.wall / o->steps;
    chirp_trainer_destroy(trainer);
    chirp_free(mine);
    return st;
}

/* Series by series, each with all rank counts. */
static chirp_status prepare_row(const chirp_scale_options *o, int index, chirp_scale_row *row,
                                chirp_lateness *l)
{
    const int series = index / o->n_counts;
    const int n = o->count[index % o->n_counts];
    *row = (chirp_scale_row){.base = series * o->n_counts,
                             .ranks = n,
                             .threads = o->threads[series / o->n_variants],
                             .variant = o->variant[series % o->n_variants],
                             .batch = o->strong ? o->train.batch / n : o->train.batch,
                             .slowest = -1};
    const size_t steps = (size_t)o->steps * (size_t)o->repetitions;
    row->repetition = chirp_calloc((size_t)o->repetitions, sizeof *row->repetition);
    *l = (chirp_lateness){.compute = chirp_calloc(steps * (size_t)n, sizeof(double)),
                          .last = chirp_calloc((size_t)n, sizeof(int)),
                          .late = chirp_calloc((size_t)n, sizeof(double)),
                          .common = chirp_calloc(steps, sizeof(double))};
    row->rank_compute = chirp_calloc((size_t)n, sizeof *row->rank_compute);
    /* gathered from all ranks of the job */
    row->rank_apart = chirp_calloc((size_t)chirp_parallel_size(), sizeof *row->rank_apart);
    return row->repetition && row->rank_compute && row->rank_apart && l->compute && l->last &&
                   l->late && l->common
               ? CHIRP_OK
               : CHIRP_ERR_NOMEM;
}

static chirp_status check_options(const chirp_scale_options *o)
{
    if (o->n_counts < 1 || o->n_counts > CHIRP_SCALE_MAX_COUNTS || o->count[0] != 1)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--ranks: should begin with 1, the time that efficiency compares with");
    if (o->repetitions < 1 || o->steps < 1 || o->warmup < 0)
        return chirp_fail(CHIRP_ERR_ARG, "scale: %d repetitions of %d steps", o->repetitions,
                          o->steps);
    if (o->n_threads < 1 || o->n_threads > CHIRP_SCALE_MAX_THREADS || o->n_variants < 1 ||
        o->n_variants > CHIRP_VARIANTS ||
        o->n_counts * o->n_threads * o->n_variants > CHIRP_SCALE_MAX_ROWS)
        return chirp_fail(CHIRP_ERR_ARG,
                          "scale: %d rank counts, %d of --threads, %d of --variational; at most %d "
                          "combinations",
                          o->n_counts, o->n_threads, o->n_variants, CHIRP_SCALE_MAX_ROWS);
    for (int i = 0; i < o->n_threads; ++i)
        if (o->threads[i] < 1)
            return chirp_fail(CHIRP_ERR_ARG, "--threads %d: should be 1 or more", o->threads[i]);
    if (o->timeline && o->n_threads * o->n_variants > 1)
        return chirp_fail(CHIRP_ERR_ARG, "--timeline shows one series: give --threads and "
                                         "--variational one value each");
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

/* One row once; the ranks beyond its own sleep. Collective over the job. */
static chirp_status run_row(const chirp_scale_options *o, chirp_scale_row *row, int repetition,
                            chirp_lateness *l)
{
    const bool apart = row->ranks > 1 && repetition + 1 == o->repetitions;
    double seconds = 0;
    chirp_status st = chirp_parallel_group(row->ranks);
    if (st == CHIRP_OK && chirp_parallel_member())
        st = run_block(o, row, repetition, l);
    if (st == CHIRP_OK && apart && chirp_parallel_member())
        st = run_apart(o, row, &seconds);
    if (st != CHIRP_OK && st != CHIRP_ERR_NUMERIC && chirp_parallel_size() > 1)
        chirp_parallel_abort(2); /* others may be waiting inside the block */
    const chirp_status everyone = chirp_parallel_everyone();
    st = chirp_parallel_agree(st == CHIRP_OK ? everyone : st);
    if (st == CHIRP_OK && apart)
        st = chirp_parallel_gather(&seconds, (int64_t)sizeof seconds, row->rank_apart, 0);
    return st;
}

/* All series of one rank count run next to each other, in forward and then in reverse order, so that a drift cancels. */
static chirp_status run_rows(const chirp_scale_options *o, chirp_scale *scale, chirp_lateness *late,
                             chirp_scale_progress progress, void *context)
{
    const int n_series = scale->n_rows / o->n_counts;
    chirp_status st = CHIRP_OK;
    int done = 0;
    for (int repetition = 0; st == CHIRP_OK && repetition < o->repetitions; ++repetition)
        for (int i = 0; st == CHIRP_OK && i < scale->n_rows; ++i) {
            const int along = i % n_series;
            const int series = repetition % 2 == 0 ? along : n_series - 1 - along;
            const int row = series * o->n_counts + i / n_series;
            st = run_row(o, &scale->row[row], repetition, &late[row]);
            if (st == CHIRP_OK && progress && chirp_parallel_rank() == 0)
                progress(context, ++done, o->repetitions * scale->n_rows);
        }
    return st;
}

/* Are the processors of every computer enough for its ranks? */
static chirp_status find_places(chirp_scale *scale)
{
    const chirp_status st = chirp_places_gather(scale->options.train.n_threads, &scale->places);
    for (int i = 0; st == CHIRP_OK && scale->places && i < scale->n_rows; ++i) {
        chirp_scale_row *row = &scale->row[i];
        row->crowd = chirp_places_crowd(scale->places, row->ranks, row->threads);
        row->oversubscribed = row->crowd > 1;
    }
    return st;
}

chirp_status chirp_scale_measure(const chirp_scale_options *options, chirp_scale_progress progress,
                                 void *context, chirp_scale *scale)
{
    chirp_lateness late[CHIRP_SCALE_MAX_ROWS] = {0};
    *scale = (chirp_scale){.options = *options};
    const chirp_scale_options *o = &scale->options;
    chirp_status st = check_options(o);
    const int n_rows = o->n_counts * o->n_threads * o->n_variants;
    for (int i = 0; st == CHIRP_OK && i < n_rows; ++i) {
        scale->n_rows = i + 1;
        st = prepare_row(o, i, &scale->row[i], &late[i]);
    }
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK)
        st = find_places(scale);
    if (st == CHIRP_OK)
        st = run_rows(o, scale, late, progress, context);
    for (int i = 0; i < scale->n_rows; ++i) {
        if (st == CHIRP_OK && chirp_parallel_rank() == 0)
            chirp_scale_analyse(o, &scale->row[i], &late[i]);
        chirp_free(late[i].compute);
        chirp_free(late[i].last);
        chirp_free(late[i].late);
        chirp_free(late[i].common);
    }
    if (st != CHIRP_OK)
        chirp_scale_release(scale);
    return st;
}
