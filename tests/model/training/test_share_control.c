/*
 * Shares between ranks, under mpiexec: what rank 0 decides arrives, and a rank whose speed changes makes no step longer than
 * equal shares do. Time is work: a rank's "seconds" are its signals times what a signal is said to take, so nothing depends
 * on how busy the machine is. With "sleep" as argument ranks sleep through their work instead, and clocks measure.
 */
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "model/parallel/parallel.h"
#include "model/training/balancer.h"
#include "model/training/share_control.h"
#include "tests/model/parallel/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include <time.h>

enum { BATCH = 64, PASSES = 2 };

static int rank, size;

static chirp_share_control *make(const char *text)
{
    chirp_share_control *control = NULL;
    CHECK(chirp_share_control_create(text, BATCH, PASSES, &control) == CHIRP_OK);
    return control;
}

/* A rank's part begins where the one before ends, and all parts are all signals. */
static void check_parts(const chirp_share_control *c)
{
    chirp_share mine = chirp_share_control_share(c, 0);
    chirp_share *all = chirp_calloc((size_t)size, sizeof *all);
    CHECK(all != NULL);
    CHECK(chirp_parallel_gather(&mine, sizeof mine, all, 0) == CHIRP_OK);
    int64_t first = 0;
    for (int r = 0; rank == 0 && r < size; ++r) {
        CHECK(all[r].signals == chirp_share_control_all(c)[r]);
        CHECK(all[r].first == first);
        first += PASSES * all[r].signals;
    }
    CHECK(rank != 0 || first == (int64_t)size * BATCH * PASSES);
    CHECK(rank == 0 || chirp_share_control_all(c) == NULL);
    chirp_free(all);
}

static void test_equal_shares_stay(void **state)
{
    (void)state;
    chirp_share_control *c = make("equal");
    CHECK(!chirp_share_control_follows(c));
    for (int t = 0; t < 5; ++t) {
        CHECK(chirp_share_control_step(c, 1 + rank) == CHIRP_OK);
        CHECK(chirp_share_control_share(c, t % 2).signals == BATCH);
        check_parts(c);
    }
    chirp_share_control_destroy(c);
    CHECK(chirp_share_control_create("1,2,3", BATCH, 1, &c) == CHIRP_ERR_ARG); /* everywhere */
}

/* What a signal takes: the last rank is at half its speed in every other 50 steps. */
static double signal_time(int of, int64_t step)
{
    return (of == size - 1 && step / 50 % 2 ? 2.0 : 1.0) * (1 + 0.01 * of);
}

static void test_a_rank_that_changes_never_makes_it_slower(void **state)
{
    (void)state;
    if (size == 1)
        return;
    chirp_share_control *c = make("measured");
    chirp_balancer *alone = NULL;
    double *seconds = chirp_calloc((size_t)size, sizeof *seconds);
    double sum[2] = {0}; /* of the last rank's time: equal, followed */
    CHECK(chirp_share_control_follows(c) && seconds != NULL);
    CHECK(chirp_balancer_create(size, BATCH, &alone) == CHIRP_OK);
    for (int64_t t = 0; t < 400; ++t) {
        const double mine = signal_time(rank, t);
        double last[2] = {BATCH * mine, (double)chirp_share_control_share(c, 0).signals * mine};
        CHECK(chirp_parallel_max(last, 2) == CHIRP_OK);
        sum[0] += last[0];
        sum[1] += last[1];
        check_parts(c);
        /* ranks together decide what the balancer alone decides, and know it as far ahead */
        CHECK(chirp_share_control_share(c, 1).signals == chirp_balancer_shares(alone, 1)[rank]);
        for (int r = 0; r < size; ++r)
            seconds[r] = signal_time(r, t);
        chirp_balancer_step(alone, seconds);
        CHECK(chirp_share_control_step(c, mine) == CHIRP_OK);
    }
    CHECK(sum[1] < sum[0]);
    chirp_balancer_destroy(alone);
    chirp_share_control_destroy(c);
    chirp_free(seconds);
}

/* However many ranks there are, a step costs each of them a number to rank 0 and two back. */
static void test_a_step_is_three_numbers(void **state)
{
    (void)state;
    enum { STEPS = 5 };
    chirp_call_row rows[8];
    if (size == 1)
        return;
    chirp_share_control *c = make("measured");
    chirp_parallel_calls_reset();
    for (int t = 0; t < STEPS; ++t)
        CHECK(chirp_share_control_step(c, 1 + rank) == CHIRP_OK);
    CHECK(chirp_parallel_calls(rows, 8) == 2);
    CHECK(strcmp(rows[0].call, "gather") == 0 && rows[0].calls == STEPS);
    CHECK(rows[0].bytes == (int64_t)sizeof(double));
    CHECK(strcmp(rows[1].call, "scatter") == 0 && rows[1].calls == STEPS);
    CHECK(rows[1].bytes == (int64_t)(2 * sizeof(int64_t)));
    chirp_share_control_destroy(c);
}

/* Sleeps through a step; returns the time of the last rank. */
static double sleep_step(chirp_share_control *c, double unit_s, int64_t step)
{
    const double start = chirp_now_s();
    const int64_t n = chirp_share_control_share(c, 0).signals;
    const double work = (double)n * unit_s * signal_time(rank, step);
    const struct timespec nap = {(time_t)work, (long)(1e9 * (work - floor(work)))};
    (void)nanosleep(&nap, NULL);
    const double took = chirp_now_s() - start;
    double last = took;
    CHECK(chirp_parallel_max(&last, 1) == CHIRP_OK);
    CHECK(chirp_share_control_step(c, took / (double)n) == CHIRP_OK);
    return last;
}

/* Equal and followed steps by turns, so that a busy machine is busy in both. */
static void sleep_through(void **state)
{
    (void)state;
    static const double UNIT_S = 4e-4;
    chirp_share_control *equal = make("equal");
    chirp_share_control *measured = make("measured");
    double sum[2] = {0};
    for (int64_t t = 50; t < 90; ++t) { /* the last rank at half its speed */
        sum[0] += sleep_step(equal, UNIT_S, t);
        sum[1] += sleep_step(measured, UNIT_S, t);
    }
    CHECK(sum[1] < sum[0]);
    chirp_share_control_destroy(equal);
    chirp_share_control_destroy(measured);
}

int main(int argc, char **argv)
{
    CHECK(chirp_parallel_init() == CHIRP_OK);
    rank = chirp_parallel_rank();
    size = chirp_parallel_size();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_shares_stay),
        cmocka_unit_test(test_a_rank_that_changes_never_makes_it_slower),
        cmocka_unit_test(test_a_step_is_three_numbers),
    };
    const struct CMUnitTest asleep[] = {cmocka_unit_test(sleep_through)};
    const int failed = argc > 1 && strcmp(argv[1], "sleep") == 0
                           ? cmocka_run_group_tests(asleep, NULL, NULL)
                           : cmocka_run_group_tests(tests, NULL, NULL);
    chirp_parallel_finalize();
    return failed;
}
