#include "suites/scaling/enact.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "model/parallel/exchange.h"
#include "model/parallel/parallel.h"
#include "suites/scaling/phases.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

enum { WARM_UP = 2 };

/* MPI moves messages inside calls only: a nap of this length between two of them [s]. */
static const double NAP_S = 1e-4;

typedef struct stage {
    const chirp_plan *plan;
    chirp_exchange *exchange;
    float *gradient;
    double offset; /* to rank 0's clock */
    double bytes;  /* sent into the reductions of the last step */
} stage;

static void sleep_until(stage *g, double instant)
{
    const struct timespec nap = {0, (long)(1e9 * NAP_S)};
    for (double now = chirp_now_s(); now < instant; now = chirp_now_s()) {
        chirp_exchange_progress(g->exchange);
        if (instant - now > 2 * NAP_S)
            (void)nanosleep(&nap, NULL);
        else
            (void)sched_yield();
    }
}

/* A tensor a bucket, closed at once: the plan's buckets are those of the exchange. */
static chirp_status open_exchange(stage *g)
{
    enum { NAME_BYTES = 24 };
    const chirp_plan *p = g->plan;
    static const chirp_exchange_mode mode[] = {[CHIRP_PLAN_OVERLAP] = CHIRP_EXCHANGE_OVERLAP,
                                               [CHIRP_PLAN_STUDY] = CHIRP_EXCHANGE_STUDY,
                                               [CHIRP_PLAN_HALVING] = CHIRP_EXCHANGE_HALVING};
    char names[CHIRP_PLAN_MAX_BUCKETS][NAME_BYTES];
    chirp_exchange_tensor tensor[CHIRP_PLAN_MAX_BUCKETS];
    int64_t floats = 0;
    for (int b = 0; b < p->n_buckets; ++b) {
        const int64_t count = (int64_t)fmax(1, p->bytes[b] / (p->half ? 2 : 4));
        (void)snprintf(names[b], sizeof names[b], "bucket %d", b);
        tensor[b] = (chirp_exchange_tensor){names[b], floats, count};
        floats += count;
    }
    const bool by_bucket = p->exchange == CHIRP_PLAN_OVERLAP;
    /* ranks of one computer share its processors */
    const int own = p->shared_processors > 0 ? (int)fmax(1, p->shared_processors / p->ranks) : 0;
    const chirp_exchange_config config = {
        .mode = mode[p->exchange],
        .bucket_bytes = by_bucket ? 1 : 0,
        .compress = p->half ? CHIRP_COMPRESS_BF16 : CHIRP_COMPRESS_NONE,
        .n_threads = own};
    g->gradient = chirp_calloc((size_t)floats, sizeof *g->gradient);
    const chirp_status st = chirp_parallel_agree(g->gradient ? CHIRP_OK : CHIRP_ERR_NOMEM);
    return st == CHIRP_OK ? chirp_exchange_create(&config, tensor, p->n_buckets, &g->exchange) : st;
}

static void close_exchange(stage *g)
{
    chirp_exchange_destroy(g->exchange);
    chirp_free(g->gradient);
    g->exchange = NULL;
    g->gradient = NULL;
}

/* One step from `start`, this rank's clock; returns with its end in *start. */
static chirp_status play_step(stage *g, const float *factor, double *start, chirp_phase_ends *end)
{
    const chirp_plan *p = g->plan;
    const int me = chirp_parallel_rank();
    chirp_exchange_profile profile;
    double at = *start;
    chirp_status st = chirp_exchange_begin(g->exchange, g->gradient);
    for (int k = 0; st == CHIRP_OK && k + 1 < p->micro_steps; ++k) {
        at += p->micro_s * (double)factor[k * p->ranks + me];
        sleep_until(g, at);
    }
    const double slow = (double)factor[(p->micro_steps - 1) * p->ranks + me];
    for (int b = 0; st == CHIRP_OK && b < p->n_buckets; ++b) {
        sleep_until(g, at + p->ready_s[b] * slow);
        st = chirp_exchange_ready(g->exchange, b);
    }
    if (st == CHIRP_OK)
        sleep_until(g, at + p->micro_s * slow);
    if (st == CHIRP_OK && p->exchange == CHIRP_PLAN_STUDY && p->cycle_s > 0) {
        const double now = chirp_now_s(); /* the communication thread wakes at its next period */
        sleep_until(g, ceil(now / p->cycle_s) * p->cycle_s + fmax(0, p->cycles - 0.5) * p->cycle_s);
    }
    const double computed = at + p->micro_s * slow;
    if (st == CHIRP_OK)
        st = chirp_exchange_finish(g->exchange, &profile);
    g->bytes = st == CHIRP_OK ? profile.exchanged_bytes : 0;
    double agreed = st == CHIRP_OK ? profile.finish_s + profile.control_s : 0;
    if (st == CHIRP_OK && (p->exchange == CHIRP_PLAN_OVERLAP ||
                           p->exchange == CHIRP_PLAN_HALVING)) { /* as many sums as a step has */
        double sums[8] = {0};
        st = chirp_parallel_sum(sums, sizeof sums / sizeof sums[0]);
        agreed = chirp_now_s();
    }
    if (st != CHIRP_OK)
        return st;
    *end = (chirp_phase_ends){.computed = computed + g->offset,
                              .agreed = agreed + g->offset,
                              .done = profile.done_s + g->offset};
    *start = chirp_now_s() + p->tail_s;
    if (p->tail_s > 0)
        sleep_until(g, *start);
    return CHIRP_OK;
}

static chirp_status play(stage *g, int steps, const float *factor, chirp_phase_ends *end,
                         double *first, double *last)
{
    const int passes = g->plan->micro_steps * g->plan->ranks;
    chirp_status st = open_exchange(g);
    if (st == CHIRP_OK)
        st = chirp_parallel_barrier();
    *last = chirp_now_s();
    *first = *last + g->offset;
    for (int s = 0; st == CHIRP_OK && s < steps; ++s)
        st = play_step(g, factor + (size_t)s * (size_t)passes, last, &end[s]);
    *last += g->offset;
    close_exchange(g);
    return st;
}

chirp_status chirp_enact(const chirp_plan *plan, int steps, const float *factor,
                         chirp_step_terms *terms, double *bytes)
{
    if (plan->ranks < 2 || plan->ranks != chirp_parallel_size())
        return chirp_fail(CHIRP_ERR_ARG, "%d ranks can't act out a plan of %d",
                          chirp_parallel_size(), plan->ranks);
    stage g = {.plan = plan};
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL,
                0UL); /* naps end when they should, not 50 us later */
    double uncertainty = 0;
    double first = 0;
    double last = 0;
    chirp_phase_ends *end = chirp_calloc((size_t)(steps > WARM_UP ? steps : WARM_UP), sizeof *end);
    chirp_status st = chirp_parallel_agree(end ? CHIRP_OK : CHIRP_ERR_NOMEM);
    if (st == CHIRP_OK)
        st = chirp_parallel_clock_offset(&g.offset, &uncertainty);
    if (st == CHIRP_OK) /* buffers are touched, connections made */
        st = play(&g, steps < WARM_UP ? steps : WARM_UP, factor, end, &first, &last);
    if (st == CHIRP_OK)
        st = play(&g, steps, factor, end, &first, &last);
    if (st == CHIRP_OK) { /* the last rank counts */
        first = -first;
        st = chirp_parallel_max(&first, 1);
    }
    if (st == CHIRP_OK)
        st = chirp_parallel_max(&last, 1);
    if (st == CHIRP_OK)
        st = chirp_parallel_max((double *)end, (int)(sizeof *end / sizeof(double)) * steps);
    if (st == CHIRP_OK)
        chirp_terms_of_phases(plan, end, steps, last + first, terms);
    *bytes = g.bytes;
    chirp_free(end);
    return st;
}
