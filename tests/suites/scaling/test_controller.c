/* The load balancer replayed on drawn speeds: the Monte Carlo agrees with closed forms, and following never loses. */
#include "suites/scaling/controller/controller.h"
#include "suites/scaling/projected/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

/* Five standard errors: one run of a test in a million is further off. */
static const double ERRORS = 5;

static chirp_controller_row replay(const chirp_speed_model *model, int ranks, int runs)
{
    const chirp_controller_options options = {
        .ranks = ranks, .batch = 64, .runs = runs, .communication = 0.0086, .seed = 5};
    chirp_controller_row row;
    assert_int_equal(chirp_controller_replay(model, &options, &row), CHIRP_OK);
    return row;
}

/* The last of n normal times: 1 + deviation * e(n). A mean of ratios is off by the square of their spread. */
static void assert_near(double value, double wanted, const chirp_controller_number *n, int runs)
{
    const double spread = n->error * n->error * runs / n->mean;
    assert_true(fabs(value - wanted) <= ERRORS * n->error + 2 * spread);
}

static void test_equal_shares_wait_for_the_largest_of_normal_times(void **state)
{
    (void)state;
    enum { RANKS = 64, RUNS = 64 };
    static const chirp_speed_model models[] = {
        {.name = "fresh", .fresh = 0.05, .steps = 100},
        {.name = "permanent", .permanent = 0.124, .fresh = 0.0085, .steps = 20},
        {.name = "wandering", .wandering = 0.1, .correlation_steps = 10, .steps = 200},
    };
    for (size_t i = 0; i < sizeof models / sizeof models[0]; ++i) {
        const chirp_speed_model *m = &models[i];
        const chirp_controller_row row = replay(m, RANKS, RUNS);
        const double deviation =
            sqrt(m->fresh * m->fresh + m->permanent * m->permanent + m->wandering * m->wandering);
        assert_near(row.equal.mean, 1 / (1.0086 + deviation * chirp_expected_maximum(RANKS)),
                    &row.equal, RUNS);
    }
}

/* Without noise shares by speed lack the ideal by rounding alone: at most a signal of each rank, of 64. */
static void test_known_speeds_leave_rounding(void **state)
{
    (void)state;
    static const chirp_speed_model exact = {.name = "exact", .permanent = 0.124, .steps = 400};
    const chirp_controller_row row = replay(&exact, 64, 8);
    assert_true(row.followed.mean <= row.ideal.mean);
    /* the first three steps have equal shares */
    const double first = 3.0 / exact.steps;
    const double followed =
        1 / ((1 - first) * (1 + 1.0 / 64) / row.ideal.mean + first / row.equal.mean);
    assert_true(row.followed.mean >= followed - ERRORS * row.followed.error);
}

static void test_following_never_loses(void **state)
{
    (void)state;
    static const int ranks[] = {4, 32};
    for (int k = 0; k < 2; ++k)
        for (int i = 0; chirp_speed_model_at(i); ++i) {
            const chirp_controller_row row = replay(chirp_speed_model_at(i), ranks[k], 8);
            assert_true(row.followed.mean <= row.ideal.mean);
            assert_true(row.gain.mean >= 1 - ERRORS * row.equal.error / row.equal.mean);
            /* at most 1 % is late, and the one step that was under way then */
            const double most = 0.01 + 1.0 / chirp_speed_model_at(i)->steps;
            assert_true(row.left_out.mean >= 0 && row.left_out.mean <= most);
            assert_true(row.late.mean >= 0 && row.late.mean <= most);
        }
}

/* Ranks alike but for rare steps. With F their factor and P = 1 - (1 - p)^n the share of steps that have one, a step takes
   1 + P (F - 1) without a deadline; with the earliest one, P g above 1 for a grid as fine as g, and p of the signals are
   left out. The first steps have none: 16 until enough is known, and those until the first event. */
static void test_a_deadline_saves_what_rare_steps_cost(void **state)
{
    (void)state;
    enum { RANKS = 64, RUNS = 8 };
    static const double LEARNING = 16, GRID = 1.0 / 128;
    static const chirp_speed_model m = {
        .name = "rare", .rare_share = 1.0 / 500, .rare_factor = 1.5, .steps = 800};
    const chirp_controller_row row = replay(&m, RANKS, RUNS);
    const double any = 1 - pow(1 - m.rare_share, RANKS);
    assert_near(row.equal.mean, 1 / (1.0086 + 0.5 * any), &row.equal, RUNS);
    /* shares follow, but whole signals of equal ranks stay where they are: one signal moved is 1/64 of a step */
    const double learning = (LEARNING + 3 / any) / m.steps;
    const double longest = 1.0086 + any * GRID + learning * 0.5 * any + 1.0 / 64;
    const double left = m.rare_share * (1 - learning);
    assert_true(row.left_out.mean >= left - ERRORS * row.left_out.error);
    assert_true(row.left_out.mean <= m.rare_share + ERRORS * row.left_out.error);
    assert_true(row.partial.mean >= (1 - m.rare_share) / longest - ERRORS * row.partial.error);
    assert_true(row.partial.mean <= (1 - left) / 1.0086 + ERRORS * row.partial.error);
}

static void test_without_noise_there_is_no_deadline(void **state)
{
    (void)state;
    static const chirp_speed_model exact = {.name = "exact", .steps = 100};
    const chirp_controller_row row = replay(&exact, 8, 2);
    assert_true(row.left_out.mean == 0 && row.late.mean == 0);
    assert_true(row.partial.mean == row.followed.mean && row.carried.mean == row.followed.mean);
}

static void test_the_seed_decides(void **state)
{
    (void)state;
    const chirp_speed_model *m = chirp_speed_model_at(1);
    const chirp_controller_row a = replay(m, 16, 4);
    const chirp_controller_row b = replay(m, 16, 4);
    assert_memory_equal(&a, &b, sizeof a);
    chirp_controller_options bad = {.ranks = 4, .batch = 8, .runs = 1};
    chirp_controller_row row;
    assert_int_equal(chirp_controller_replay(m, &bad, &row), CHIRP_ERR_ARG);
}

/* As many ranks are in an episode as the model says, and rare steps are as rare. */
static void test_events_are_as_frequent_as_said(void **state)
{
    (void)state;
    enum { RANKS = 1024, STEPS = 2000 };
    static const chirp_speed_model model = {.episodes = 20,
                                            .episode_factor = 2,
                                            .episode_steps = 50,
                                            .rare_share = 0.01,
                                            .rare_factor = 5};
    chirp_speeds *speeds = NULL;
    double slow = 0;
    double rare = 0;
    assert_int_equal(chirp_speeds_create(&model, RANKS, 3, &speeds), CHIRP_OK);
    for (int t = 0; t < STEPS; ++t) {
        const double *seconds = chirp_speeds_next(speeds);
        for (int r = 0; r < RANKS; ++r) {
            slow += fmod(seconds[r], 5) == 2 || seconds[r] == 10;
            rare += seconds[r] >= 5;
        }
    }
    chirp_speeds_destroy(speeds);
    /* about 40 * 20 episodes of 50 steps: the number of episodes is Poisson */
    const double episodes = 20.0 * STEPS / 50;
    assert_true(fabs(slow / STEPS - 20) <= ERRORS * 20 / sqrt(episodes));
    const double wanted = 0.01 * RANKS * STEPS;
    assert_true(fabs(rare - wanted) <= ERRORS * sqrt(wanted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_shares_wait_for_the_largest_of_normal_times),
        cmocka_unit_test(test_known_speeds_leave_rounding),
        cmocka_unit_test(test_following_never_loses),
        cmocka_unit_test(test_a_deadline_saves_what_rare_steps_cost),
        cmocka_unit_test(test_without_noise_there_is_no_deadline),
        cmocka_unit_test(test_the_seed_decides),
        cmocka_unit_test(test_events_are_as_frequent_as_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
