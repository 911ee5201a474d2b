/* How many signals each rank computes: the option's text, shares by speed, and shares that follow it. */
#include "model/training/balancer.h"
#include "model/training/shares.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void test_lists(void **state)
{
    (void)state;
    int64_t share[3] = {0};
    assert_int_equal(chirp_shares_parse("equal", 4, 3, share), CHIRP_OK);
    assert_true(share[0] == 4 && share[1] == 4 && share[2] == 4);
    assert_int_equal(chirp_shares_parse("7,4,1", 4, 3, share), CHIRP_OK);
    assert_true(share[0] == 7 && share[1] == 4 && share[2] == 1);
    static const char *const wrong[] = {"7,5",  "7,4,1,1", "7,4,2", "7,5,0",  "8,5,-1", "",
                                        "fast", "7,,5",    "7 4 1", "7,4,1,", "9e9,1,1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        assert_int_equal(chirp_shares_parse(wrong[i], 4, 3, share), CHIRP_ERR_ARG);
        assert_non_null(strstr(chirp_error_message(), "--shares"));
    }
}

static double last(const double *seconds, const int64_t *share, int ranks)
{
    double most = 0;
    for (int r = 0; r < ranks; ++r)
        most = fmax(most, seconds[r] * (double)share[r]);
    return most;
}

/* No other way to share ends earlier: tries them all. */
static void test_balance_is_the_best_there_is(void **state)
{
    (void)state;
    static const double speed[][3] = {{1, 1, 2}, {1, 3, 1}, {0.2, 1, 0.7}, {5, 4, 0.1}};
    for (size_t i = 0; i < sizeof speed / sizeof speed[0]; ++i) {
        int64_t wanted[3];
        chirp_shares_balance(speed[i], 6, 3, wanted);
        assert_int_equal(wanted[0] + wanted[1] + wanted[2], 18);
        for (int64_t a = 1; a <= 16; ++a)
            for (int64_t b = 1; b <= 17 - a; ++b) {
                const int64_t other[3] = {a, b, 18 - a - b};
                assert_true(last(speed[i], wanted, 3) <= last(speed[i], other, 3) * (1 + 1e-12));
            }
    }
}

static void test_noise_moves_nothing(void **state)
{
    (void)state;
    const double seconds[4] = {1, 1.004, 0.998, 1.001};
    const int64_t equal[4] = {1000, 1000, 1000, 1000};
    int64_t wanted[4];
    chirp_shares_balance(seconds, 1000, 4, wanted);
    assert_true(wanted[1] < 1000 && wanted[2] > 1000);
    assert_false(chirp_shares_better(seconds, 4, equal, wanted));
    const double slow[4] = {1, 1.008, 0.998, 1.001};
    chirp_shares_balance(slow, 1000, 4, wanted);
    assert_true(chirp_shares_better(slow, 4, equal, wanted));
}

/* As many ranks as the study had: at most one signal more than each has time for when all finish together. */
static void test_many_ranks(void **state)
{
    enum { RANKS = 1024, EACH = 64 };
    static double seconds[RANKS];
    static int64_t share[RANKS];
    double rate = 0;
    int64_t sum = 0;
    (void)state;
    for (int r = 0; r < RANKS; ++r) {
        seconds[r] = 1 + 0.4 * sin(r);
        rate += 1 / seconds[r];
    }
    chirp_shares_balance(seconds, EACH, RANKS, share);
    for (int r = 0; r < RANKS; ++r) {
        sum += share[r];
        assert_true(fabs((double)share[r] - RANKS * EACH / rate / seconds[r]) < 1.5);
    }
    assert_int_equal(sum, RANKS * EACH);
}

enum { FOUR = 4, BATCH = 100 };

/* Steps of four ranks with these times of a signal; returns how long they are in all. */
static double follow(chirp_balancer *balancer, const double *seconds, int steps)
{
    double sum = 0;
    for (int t = 0; t < steps; ++t) {
        const int64_t *share = chirp_balancer_shares(balancer, 0);
        int64_t all = 0;
        for (int r = 0; r < FOUR; ++r) {
            assert_true(share[r] >= 1);
            all += share[r];
        }
        assert_int_equal(all, FOUR * BATCH);
        sum += last(seconds, share, FOUR);
        chirp_balancer_step(balancer, seconds);
    }
    return sum;
}

static chirp_balancer *make(void)
{
    chirp_balancer *balancer = NULL;
    assert_int_equal(chirp_balancer_create(FOUR, BATCH, &balancer), CHIRP_OK);
    return balancer;
}

static void test_shares_are_known_a_step_ahead(void **state)
{
    (void)state;
    const double seconds[FOUR] = {1, 2, 1, 0.5};
    int64_t after[FOUR];
    chirp_balancer *balancer = make();
    for (int t = 0; t < 10; ++t) {
        memcpy(after, chirp_balancer_shares(balancer, 1), sizeof after);
        chirp_balancer_step(balancer, seconds);
        assert_memory_equal(after, chirp_balancer_shares(balancer, 0), sizeof after);
    }
    /* 4.5 signals a second are 400 in 88.9 s */
    static const int64_t wanted[FOUR] = {89, 45, 89, 177};
    for (int r = 0; r < FOUR; ++r)
        assert_true(llabs(after[r] - wanted[r]) <= 1);
    chirp_balancer_destroy(balancer);
}

/* A rank that changes its speed every 50 steps: never slower than equal shares, neither in all nor in any 50 steps. */
static void test_a_rank_that_changes_is_followed(void **state)
{
    (void)state;
    chirp_balancer *balancer = make();
    for (int turn = 0; turn < 8; ++turn) {
        double seconds[FOUR] = {1, 1.001, 0.999, 1};
        seconds[2] = turn % 2 ? 2 : 1;
        const double equal = 50 * BATCH * seconds[2 * (turn % 2)];
        const double took = follow(balancer, seconds, 50);
        if (turn % 2) /* 3.5 signals a second, but for a few steps until it is believed */
            assert_true(took <= 0.7 * equal);
        else /* back again: some steps in which the others have too many */
            assert_true(took <= 1.02 * equal);
    }
    chirp_balancer_destroy(balancer);
}

static void test_one_interrupted_step_moves_nothing(void **state)
{
    (void)state;
    double seconds[FOUR] = {1, 1.001, 0.999, 1};
    int64_t before[FOUR];
    chirp_balancer *balancer = make();
    seconds[0] = 1.5;
    (void)follow(balancer, seconds, 60);
    memcpy(before, chirp_balancer_shares(balancer, 0), sizeof before);
    seconds[1] = 30; /* a hundred times what its share takes */
    (void)follow(balancer, seconds, 1);
    seconds[1] = 1.001;
    for (int t = 0; t < 60; ++t) {
        assert_memory_equal(before, chirp_balancer_shares(balancer, 1), sizeof before);
        (void)follow(balancer, seconds, 1);
    }
    chirp_balancer_destroy(balancer);
}

/* A clock that stood still or jumped: the rank is what it was. */
static void test_times_that_are_none_are_left_out(void **state)
{
    (void)state;
    static const double broken[] = {0, -1, NAN, INFINITY};
    double seconds[FOUR] = {2, 1, 1, 1};
    int64_t before[FOUR];
    chirp_balancer *balancer = make();
    seconds[3] = NAN;
    (void)chirp_balancer_step(balancer, seconds);
    assert_int_equal(chirp_balancer_shares(balancer, 1)[3], BATCH);
    seconds[3] = 1;
    (void)follow(balancer, seconds, 20);
    memcpy(before, chirp_balancer_shares(balancer, 1), sizeof before);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; ++i) {
        seconds[1] = broken[i];
        chirp_balancer_step(balancer, seconds);
        assert_memory_equal(before, chirp_balancer_shares(balancer, 1), sizeof before);
    }
    chirp_balancer_destroy(balancer);
    assert_int_equal(chirp_balancer_create(0, 4, &balancer), CHIRP_ERR_ARG);
    assert_int_equal(chirp_balancer_create(4, 0, &balancer), CHIRP_ERR_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_balance_is_the_best_there_is),
        cmocka_unit_test(test_noise_moves_nothing),
        cmocka_unit_test(test_many_ranks),
        cmocka_unit_test(test_shares_are_known_a_step_ahead),
        cmocka_unit_test(test_a_rank_that_changes_is_followed),
        cmocka_unit_test(test_one_interrupted_step_moves_nothing),
        cmocka_unit_test(test_times_that_are_none_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
