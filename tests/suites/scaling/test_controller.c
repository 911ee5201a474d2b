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

enum { SIMULATED = 16, SIMULATED_STEPS = 40 };

/* A plan of the study's network behind an ideal switch, where a step is what its ranks and messages make it. */
static void make_plan(chirp_machine *machine, const char *exchange, chirp_plan *plan)
{
    static chirp_workload workload;
    const chirp_plan_settings settings = {.exchange = exchange,
                                          .batch = 64,
                                          .micro_steps = 1,
                                          .speed_steps = 1,
                                          .steps = SIMULATED_STEPS};
    assert_int_equal(chirp_machine_read(CHIRP_TEST_MACHINES "/crossbar.json", machine), CHIRP_OK);
    assert_int_equal(chirp_workload_make("spin", CHIRP_VARIANT_LAST2, false, &workload), CHIRP_OK);
    assert_int_equal(chirp_plan_make(machine, &workload, &settings, SIMULATED, plan), CHIRP_OK);
}

/* Followed shares of the Monte Carlo, whose steps end `communication` after their last rank. */
static double followed(const chirp_speed_model *model, double communication)
{
    const chirp_controller_options options = {
        .ranks = SIMULATED, .batch = 64, .runs = 2, .communication = communication, .seed = 11};
    chirp_controller_row row;
    assert_int_equal(chirp_controller_replay(model, &options, &row), CHIRP_OK);
    return row.followed.mean;
}

/*
 * A simulated step ends after its last rank has computed, and at the latest as long after it as messages take when all ranks
 * start them together: on an ideal switch nobody is later for a partner who was earlier. The same speeds give the same
 * shares, so the Monte Carlo without and with that constant holds the simulation between them.
 */
static void test_the_simulation_lies_between_two_replays(void **state)
{
    (void)state;
    static const int models[] = {0, 4, 9}; /* permanent, wandering, episodes */
    static chirp_plan plan;
    chirp_machine machine = {0};
    chirp_step_terms still;
    if (!chirp_engine_simgrid.available(NULL))
        skip();
    make_plan(&machine, "halving", &plan);
    assert_int_equal(chirp_engine_simgrid.run(&plan, &still), CHIRP_OK);
    const double communication = still.seconds / still.compute - 1;
    assert_true(communication > 0);
    for (size_t i = 0; i < sizeof models / sizeof models[0]; ++i) {
        chirp_speed_model model = *chirp_speed_model_at(models[i]);
        const chirp_controller_options options = {
            .ranks = SIMULATED, .batch = 64, .runs = 2, .seed = 11};
        chirp_controller_number simulated;
        model.steps = SIMULATED_STEPS;
        assert_int_equal(chirp_controller_simulate(&model, &options, &plan, &simulated), CHIRP_OK);
        assert_true(simulated.mean <= followed(&model, 0) * (1 + 1e-9));
        assert_true(simulated.mean >= followed(&model, communication) * (1 - 1e-9));
    }
    chirp_machine_release(&machine);
}

/*
 * The closed form of shares knows the law of the speeds and follows them as well as anybody can; the balancer has to find out. Both
 * give whole signals: what they disagree about is less than one of them a pass, as long as speeds last for a hundred steps.
 */
static void test_the_closed_form_is_a_signal_away(void **state)
{
    (void)state;
    enum { RANKS = 64 };
    static const int models[] = {0, 2, 3, 4,
                                 5}; /* permanent; wandering over 3000, 1000, 300 and 100 steps */
    static chirp_plan plan;
    chirp_machine machine = {0};
    make_plan(&machine, "halving", &plan);
    plan.ranks = RANKS;
    plan.speed_steps = 100;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; ++i) {
        const chirp_speed_model *m = chirp_speed_model_at(models[i]);
        const double stays = m->permanent > 0 ? m->permanent : m->wandering;
        chirp_step_terms still;
        chirp_step_terms shared;
        plan.share_signals = 0;
        plan.jitter_relative = plan.jitter_fresh = 0;
        chirp_closed_form(&plan, &still);
        plan.share_signals = 64;
        plan.jitter_fresh = m->fresh;
        plan.jitter_relative = sqrt(stays * stays + m->fresh * m->fresh);
        plan.correlation_steps = m->correlation_steps;
        chirp_closed_form(&plan, &shared);
        const double formula = chirp_plan_efficiency(&plan, shared.compute, shared.seconds);
        const chirp_controller_options options = {.ranks = RANKS,
                                                  .batch = 64,
                                                  .runs = 4,
                                                  .communication =
                                                      still.seconds / still.compute - 1,
                                                  .seed = 23};
        chirp_controller_row row;
        assert_int_equal(chirp_controller_replay(m, &options, &row), CHIRP_OK);
        /* the formula is over computing without a pause, the replay's ideal pays for messages */
        const double replayed = row.kept.mean * (still.compute / still.seconds);
        print_message("%s: closed form %.4f, balancer %.4f +- %.4f of what is possible\n", m->name,
                      formula, replayed, row.kept.error);
        assert_true(fabs(formula - replayed) <= 1.0 / 64 + ERRORS * row.kept.error);
    }
    chirp_machine_release(&machine);
}

/* What a driver is told is what it ordered for the step before: a wrong number would make its next passes, and the whole, longer. */
static void order(void *context, const double *seconds, double *factor)
{
    const double micro_s = *(const double *)context;
    static int step;
    for (int r = 0; r < SIMULATED; ++r) {
        const double told = seconds ? seconds[r] / micro_s : 0;
        const double ordered = seconds ? 1 + 0.01 * ((r + step - 1) % SIMULATED) : 0;
        factor[r] = fabs(told - ordered) < 1e-9 ? 1 + 0.01 * ((r + step) % SIMULATED) : 100;
    }
    ++step;
}

static void test_a_driver_is_told_what_it_ordered(void **state)
{
    (void)state;
    static chirp_plan plan;
    static const char *const exchanges[] = {"overlap", "halving", "horovod"};
    chirp_machine machine = {0};
    if (!chirp_engine_simgrid.available(NULL))
        skip();
    for (int e = 0; e < 3; ++e) {
        chirp_step_terms terms;
        make_plan(&machine, exchanges[e], &plan);
        const chirp_pass_driver driver = {&plan.micro_s, order};
        plan.steps = 4;
        assert_int_equal(chirp_simulate_driven(&plan, &driver, &terms), CHIRP_OK);
        assert_true(terms.seconds >= plan.micro_s * (1 + 0.01 * (SIMULATED - 1)) * (1 - 1e-9));
        assert_true(terms.seconds < 50 * plan.micro_s);
        plan.ranks = 1;
        assert_int_equal(chirp_simulate_driven(&plan, &driver, &terms), CHIRP_ERR_ARG);
        chirp_machine_release(&machine);
    }
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
        cmocka_unit_test(test_the_simulation_lies_between_two_replays),
        cmocka_unit_test(test_the_closed_form_is_a_signal_away),
        cmocka_unit_test(test_a_driver_is_told_what_it_ordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
