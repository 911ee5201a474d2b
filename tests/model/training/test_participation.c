/*
 * model/training/participation.h under mpiexec: ranks that sleep through their work, one of them now and then too long. Nothing
 * is said about how long a nap takes on a busy machine: what is checked holds for the times that were.
 */
#include "model/training/participation.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "model/training/deadline.h"
#include "tests/model/parallel/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <time.h>

enum { PLACES = 8, STEPS = 150, EVENT = 70 };
static const double LAYER_S = 1e-4;

static int rank, size;

static void nap(double seconds)
{
    const struct timespec time = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
    (void)nanosleep(&time, NULL);
}

/* Places that the step came to; the last rank sleeps beyond the deadline in the middle of every EVENT-th step. */
static int sleep_through(chirp_participation *p, int step)
{
    const double deadline = chirp_participation_deadline(p);
    const bool slow = rank == size - 1 && size > 1 && step % EVENT == EVENT - 1;
    const double begin = chirp_now_s();
    int place = 0;
    chirp_participation_begin(p);
    for (bool on = true; on && place < PLACES; ++place) {
        nap(LAYER_S);
        if (slow && place == PLACES / 2)
            nap(isfinite(deadline) ? deadline : 40 * LAYER_S * PLACES);
        const double now = chirp_now_s() - begin;
        on = chirp_participation_go_on(p);
        /* nobody goes on with a layer behind the deadline, but rank 0 */
        CHECK(!on || rank == 0 || now <= deadline);
        CHECK(on || (rank > 0 && isfinite(deadline)));
        CHECK(!(on && slow && isfinite(deadline) && place >= PLACES / 2));
        CHECK(on || !chirp_participation_go_on(p));
    }
    chirp_participation_end(p);
    CHECK(chirp_participation_go_on(p)); /* outside a step nobody is late */
    return place;
}

static void test_nobody_waits_for_a_layer_behind_the_deadline(void **state)
{
    (void)state;
    chirp_participation *p = NULL;
    chirp_deadline *alone = NULL;
    double *seconds = chirp_calloc((size_t)size, sizeof *seconds);
    double left_out = 0;
    CHECK(seconds != NULL && chirp_participation_create(&p) == CHIRP_OK);
    CHECK(chirp_deadline_create(size, &alone) == CHIRP_OK);
    for (int step = 0; step < STEPS; ++step) {
        double lost = sleep_through(p, step) < PLACES;
        double mine = chirp_participation_seconds(p);
        CHECK(isfinite(mine) && mine > 0);
        CHECK(chirp_participation_step(p, lost) == CHIRP_OK);
        CHECK(chirp_parallel_gather(&mine, sizeof mine, seconds, 0) == CHIRP_OK);
        CHECK(chirp_parallel_sum(&lost, 1) == CHIRP_OK);
        left_out += lost;
        if (rank == 0) { /* ranks together decide what the deadline's code decides alone */
            chirp_deadline_step(alone, seconds, lost);
            CHECK(chirp_participation_deadline(p) == chirp_deadline_seconds(alone));
        }
        double most = chirp_participation_deadline(p);
        CHECK(chirp_parallel_max(&most, 1) == CHIRP_OK);
        CHECK(most == chirp_participation_deadline(p)); /* the same everywhere */
        CHECK(left_out <= CHIRP_DEADLINE_MOST * size * (step + 1) + size);
    }
    if (rank == 0)
        print_message("%g of %d x %d left out\n", left_out, size, STEPS);
    chirp_deadline_destroy(alone);
    chirp_participation_destroy(p);
    chirp_free(seconds);
}

/* A rank that sleeps beyond its deadline gives up, says that it would have been late, and goes on with the next step. */
static void test_a_late_rank_gives_up(void **state)
{
    (void)state;
    chirp_participation *p = NULL;
    CHECK(chirp_participation_create(&p) == CHIRP_OK);
    for (int step = 0; step < 8; ++step) { /* learns the places; a deadline takes more steps */
        CHECK(sleep_through(p, step) == PLACES);
        CHECK(chirp_participation_step(p, 0) == CHIRP_OK);
    }
    for (int round = 0; round < 3 && rank > 0 && rank == size - 1; ++round) {
        const double deadline = 10 * chirp_participation_seconds(p);
        chirp_participation_limit(p, deadline);
        /* in the middle of the step at the latest: a busy machine may have held it up before */
        CHECK(sleep_through(p, EVENT - 1) <= PLACES / 2 + 1);
        CHECK(chirp_participation_seconds(p) > deadline);
        chirp_participation_limit(p, (double)INFINITY);
        CHECK(sleep_through(p, 0) == PLACES);
    }
    chirp_participation_destroy(p);
}

int main(void)
{
    CHECK(chirp_parallel_init() == CHIRP_OK);
    rank = chirp_parallel_rank();
    size = chirp_parallel_size();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_waits_for_a_layer_behind_the_deadline),
        cmocka_unit_test(test_a_late_rank_gives_up),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    chirp_parallel_finalize();
    return failed;
}
