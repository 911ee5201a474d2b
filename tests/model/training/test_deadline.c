/* model/training/deadline.h: how long a step waits follows from what late ranks cost and what they bring. */
#include "model/training/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

enum { MOST = 200, STEPS = 200 };

/* Steps in which every rank takes `usual`, and in every `period`-th step one of them `late` times as long. */
static void pass_steps(chirp_deadline *d, int ranks, double usual, double late, int period)
{
    double seconds[MOST];
    for (int step = 0; step < STEPS; ++step) {
        for (int r = 0; r < ranks; ++r)
            seconds[r] = usual;
        if (step % period == 0)
            seconds[step % ranks] = usual * late;
        chirp_deadline_step(d, seconds, 0);
    }
}

static double after(int ranks, double usual, double late, int period)
{
    chirp_deadline *d = NULL;
    assert_int_equal(chirp_deadline_create(ranks, &d), CHIRP_OK);
    assert_true(isinf(chirp_deadline_seconds(d))); /* nothing is known yet */
    pass_steps(d, ranks, usual, late, period);
    const double seconds = chirp_deadline_seconds(d);
    chirp_deadline_destroy(d);
    return seconds;
}

/* In every step one of 200 ranks is late: without it a step has 0.5 % fewer signals and is that much shorter. */
static void test_a_late_rank_is_left_out_where_that_pays(void **state)
{
    (void)state;
    const double found = after(200, 3, 1.5, 1);
    assert_true(found > 3 && found < 3 * 1.5);
    /* the earliest one that all others meet, to the fineness of the grid, wins the most */
    assert_true(found <= 3 * (1 + 1.0 / 64));
}

static void test_it_is_waited_for_where_that_is_cheaper(void **state)
{
    (void)state;
    /* a step in 100 without one of 4 ranks loses 0.25 % of the signals: 10 % of one in 100 is less */
    assert_true(isinf(after(4, 1, 1.1, 100)));
    assert_true(isfinite(after(4, 1, 10, 100)));
    /* one of 100 in every step is 1 % of all signals: more than may be left out */
    assert_true(isinf(after(100, 1, 3, 1)));
    assert_true(isinf(after(1, 1, 3, 10)));
    /* nobody is late */
    assert_true(isinf(after(200, 1, 1, 1)));
}

static void test_all_ranks_slower_is_not_late(void **state)
{
    (void)state;
    chirp_deadline *d = NULL;
    assert_int_equal(chirp_deadline_create(200, &d), CHIRP_OK);
    pass_steps(d, 200, 1, 1.5, 1);
    const double before = chirp_deadline_seconds(d);
    pass_steps(d, 200, 2, 1.5, 1);
    assert_true(fabs(chirp_deadline_seconds(d) - 2 * before) <= 1e-12);
    chirp_deadline_destroy(d);
}

static void test_no_more_is_left_out_than_said(void **state)
{
    (void)state;
    chirp_deadline *d = NULL;
    double seconds[MOST];
    double left_out = 0;
    assert_int_equal(chirp_deadline_create(MOST, &d), CHIRP_OK);
    pass_steps(d, MOST, 1, 1.5, 1);
    /* then all but one are late whenever there is a deadline */
    for (int step = 0; step < 2000; ++step) {
        const double deadline = chirp_deadline_seconds(d);
        const double late = isfinite(deadline) ? MOST - 1 : 0;
        for (int r = 0; r < MOST; ++r)
            seconds[r] = step % 3 && r ? 1.7 : 1;
        left_out += late;
        chirp_deadline_step(d, seconds, late);
        /* the step under way is the only one that can exceed it */
        assert_true(left_out <= CHIRP_DEADLINE_MOST * MOST * (STEPS + step + 1) + MOST);
    }
    chirp_deadline_destroy(d);
    assert_int_equal(chirp_deadline_create(0, &d), CHIRP_ERR_ARG);
}

static void test_a_step_that_was_not_measured_sets_none(void **state)
{
    (void)state;
    chirp_deadline *d = NULL;
    double seconds[MOST];
    assert_int_equal(chirp_deadline_create(200, &d), CHIRP_OK);
    pass_steps(d, 200, 1, 1.5, 1);
    assert_true(isfinite(chirp_deadline_seconds(d)));
    for (int r = 0; r < MOST; ++r)
        seconds[r] = r == 7 ? NAN : 1;
    chirp_deadline_step(d, seconds, 0);
    assert_true(isinf(chirp_deadline_seconds(d)));
    pass_steps(d, 200, 1, 1.5, 1);
    assert_true(isfinite(chirp_deadline_seconds(d)));
    chirp_deadline_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_late_rank_is_left_out_where_that_pays),
        cmocka_unit_test(test_it_is_waited_for_where_that_is_cheaper),
        cmocka_unit_test(test_all_ranks_slower_is_not_late),
        cmocka_unit_test(test_no_more_is_left_out_than_said),
        cmocka_unit_test(test_a_step_that_was_not_measured_sets_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
