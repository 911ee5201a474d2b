/* How many signals each rank computes: the option's text, and shares by speed. */
#include "model/training/shares.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
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
    enum { RANKS = 1024, BATCH = 64 };
    static double seconds[RANKS];
    static int64_t share[RANKS];
    double rate = 0;
    int64_t sum = 0;
    (void)state;
    for (int r = 0; r < RANKS; ++r) {
        seconds[r] = 1 + 0.4 * sin(r);
        rate += 1 / seconds[r];
    }
    chirp_shares_balance(seconds, BATCH, RANKS, share);
    for (int r = 0; r < RANKS; ++r) {
        sum += share[r];
        assert_true(fabs((double)share[r] - RANKS * BATCH / rate / seconds[r]) < 1.5);
    }
    assert_int_equal(sum, RANKS * BATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_balance_is_the_best_there_is),
        cmocka_unit_test(test_noise_moves_nothing),
        cmocka_unit_test(test_many_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
