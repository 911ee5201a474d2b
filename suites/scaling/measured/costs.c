#include "suites/scaling/measured/costs.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/machine/machine.h"
#include "harness/roofline/roofline.h"
#include "model/parallel/places.h"
#include "model/parallel/transfer.h"
#include "suites/scaling/projected/plan.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

enum {
    TRIES = 15,
    TRIPS = 200,
    WINDOW = 64,
    STREAM_BYTES = 1 << 20,
    LARGEST = 15120396,
    LEAST_FITTED = 65536
};

static const double TRIAD_S = 0.2; /* how long it may be measured */

/* A control message, the ALCF guide's size, up to the study's gradient (last2). */
static const int64_t sizes[CHIRP_COST_SIZES] = {8, 4096, 65536, 1 << 20, 4 << 20, LARGEST};

/* [s] of an allreduce when exchanging with one partner costs `fixed` and `per_byte`. */
static double formula(const chirp_exchange_costs *c, const chirp_cost_point *point, double fixed,
                      double per_byte)
{
    const chirp_plan plan = {
        .ranks = point->ranks,
        .ranks_per_node = 1,
        .software_fixed = fixed,
        .software_per_byte = per_byte,
        .bandwidth = INFINITY,
        .shared_processors = c->one_computer ? c->processors : 0,
    };
    return chirp_allreduce_s(&plan, point->bytes);
}

/*
 * The two fewest rank counts, one if there are no more than two: one has to be held out. A second one shows what a pair
 * doesn't: ranks that take turns, or more traffic. On two processors with 2, 3, 4, 6 and 8 ranks the error of 4 and more
 * from 1 MiB on fell from 33 to 26 % (mean size, four runs).
 */
static int most_fitted(const chirp_exchange_costs *c)
{
    int n = 0;
    int count[3] = {0};
    for (int i = 0; i < c->n && n < 3; ++i) /* ascending */
        if (n == 0 || c->point[i].ranks != count[n - 1])
            count[n++] = c->point[i].ranks;
    return n > 2 ? count[1] : count[0];
}

void chirp_costs_fit(chirp_exchange_costs *c)
{
    double ff = 0;
    double fb = 0;
    double bb = 0;
    double f1 = 0;
    double b1 = 0;
    c->fitted_ranks = most_fitted(c);
    /* least squares of relative errors, over what buckets may hold: MPI reduces a few bytes in another way */
    for (int i = 0; i < c->n; ++i) {
        chirp_cost_point *point = &c->point[i];
        point->held_out = point->ranks > c->fitted_ranks || point->bytes < LEAST_FITTED;
        if (point->held_out)
            continue;
        const double f = formula(c, point, 1, 0) / point->seconds;
        const double b = formula(c, point, 0, 1) / point->seconds;
        ff += f * f;
        fb += f * b;
        bb += b * b;
        f1 += f;
        b1 += b;
    }
    const double determinant = ff * bb - fb * fb;
    c->fixed_s = determinant > 0 ? fmax(0, (f1 * bb - b1 * fb) / determinant) : 0;
    c->per_byte_s = bb > 0 ? fmax(0, (b1 - c->fixed_s * fb) / bb) : 0;
    for (int i = 0; i < c->n; ++i)
        c->point[i].fitted_s = formula(c, &c->point[i], c->fixed_s, c->per_byte_s);
}

/* One computer for all, or one for each? The same sentence on every rank. */
static chirp_status compare_hosts(chirp_exchange_costs *c)
{
    chirp_host mine;
    chirp_place *all = NULL;
    const int n = chirp_parallel_size();
    double distinct = 0;
    chirp_host_read(&mine);
    c->processors = mine.affinity_count > 0 ? mine.affinity_count : mine.logical_cpus;
    chirp_status st = chirp_places_gather(0, &all);
    for (int i = 0; st == CHIRP_OK && all && i < n; ++i)
        distinct = fmax(distinct, all[i].computer + 1);
    chirp_free(all);
    if (st == CHIRP_OK)
        st = chirp_parallel_broadcast(&distinct, (int64_t)sizeof distinct, 0);
    c->one_computer = distinct <= 1;
    if (st == CHIRP_OK && distinct > 1 && distinct < n)
        st = chirp_fail(CHIRP_ERR_UNSUPPORTED,
                        "--machine-out: %d ranks on %d computers; start one on each, or all on one",
                        n, (int)distinct);
    return st;
}

static chirp_status measure_pair(chirp_exchange_costs *c, char *buffer)
{
    double seconds[TRIPS];
    chirp_status st = CHIRP_OK;
    for (int i = 0; st == CHIRP_OK && i < TRIPS; ++i) {
        const double start = chirp_now_s();
        st = chirp_transfer_ping_pong(buffer, 8);
        seconds[i] = chirp_now_s() - start;
    }
    c->latency_s = 0.5 * chirp_median(seconds, TRIPS);
    for (int i = 0; st == CHIRP_OK && i < TRIES; ++i) {
        const double start = chirp_now_s();
        st = chirp_transfer_stream(buffer, STREAM_BYTES, WINDOW);
        seconds[i] = chirp_now_s() - start;
    }
    c->bandwidth = (double)STREAM_BYTES * WINDOW / chirp_median(seconds, TRIES);
    for (int i = 0; i < TRIES; ++i) {
        const double start = chirp_now_s();
        memcpy(buffer + LARGEST, buffer, LARGEST);
        seconds[i] = chirp_now_s() - start;
    }
    c->copy_bandwidth = LARGEST / chirp_median(seconds, TRIES);
    /* what adding a gradient of this size can reach; the other ranks wait */
    if (st == CHIRP_OK && chirp_parallel_rank() == 0) {
        const int threads = c->one_computer ? c->processors : omp_get_max_threads();
        st = chirp_roofline_bandwidth(threads, 3 * (size_t)LARGEST / (size_t)threads, TRIAD_S,
                                      &c->triad_bandwidth);
    }
    return chirp_parallel_agree(st);
}

static chirp_status measure_allreduce(int64_t bytes, float *values, double *median)
{
    double seconds[TRIES];
    chirp_status st = CHIRP_OK;
    for (int i = -1; st == CHIRP_OK && i < TRIES; ++i) { /* the first one touches buffers */
        st = chirp_parallel_barrier();
        const double start = chirp_now_s();
        if (st == CHIRP_OK)
            st = chirp_transfer_allreduce(CHIRP_ALLREDUCE_NONBLOCKING, values, bytes / 4);
        seconds[i < 0 ? 0 : i] = chirp_now_s() - start;
    }
    if (st == CHIRP_OK)
        st = chirp_parallel_max(seconds, TRIES); /* over when the last rank is done */
    *median = chirp_median(seconds, TRIES);
    return st;
}

/* One rank count; on members of the group only. */
static chirp_status measure_count(int ranks, bool first, chirp_exchange_costs *c)
{
    char *buffer = chirp_calloc(2 * (size_t)LARGEST, 1);
    chirp_status st = chirp_parallel_agree(buffer ? CHIRP_OK : CHIRP_ERR_NOMEM);
    if (st == CHIRP_OK && first)
        st = measure_pair(c, buffer);
    for (int s = 0; st == CHIRP_OK && s < CHIRP_COST_SIZES; ++s) {
        chirp_cost_point *point = &c->point[c->n++];
        *point = (chirp_cost_point){.ranks = ranks, .bytes = (double)sizes[s]};
        st = measure_allreduce(sizes[s], (float *)(void *)buffer, &point->seconds);
    }
    chirp_free(buffer);
    return st;
}

chirp_status chirp_costs_measure(const int *count, int n_counts, chirp_exchange_costs *c)
{
    *c = (chirp_exchange_costs){0};
    chirp_status st = compare_hosts(c);
    bool first = true; /* on every rank, also where it has no part in the first count */
    for (int i = 0; st == CHIRP_OK && i < n_counts; ++i) {
        if (count[i] < 2)
            continue;
        st = chirp_parallel_group(count[i]);
        if (st == CHIRP_OK && chirp_parallel_member())
            st = measure_count(count[i], first, c);
        first = false;
        const chirp_status everyone = chirp_parallel_everyone();
        st = chirp_parallel_agree(st == CHIRP_OK ? everyone : st);
    }
    if (st == CHIRP_OK && c->n == 0 && chirp_parallel_rank() == 0)
        st = chirp_fail(CHIRP_ERR_ARG, "--machine-out: --ranks names no count of two or more");
    chirp_costs_fit(c);
    return chirp_parallel_agree(st);
}
