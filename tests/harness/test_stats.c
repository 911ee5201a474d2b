/* harness/stats against scipy 1.10.1 (values in comments name the call) and against exact enumeration. */
#include "harness/stats/stats.h"
#include "harness/base/hash.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

static void close_to(double got, double want, double tol)
{
    if (!(fabs(got - want) <= tol))
        fail_msg("got %.17g want %.17g within %g", got, want, tol);
}

static void summary_of_a_known_sample(void **state)
{
    (void)state;
    const double x[] = {7, 1, 5, 3, 9, 11, 100};
    chirp_summary s;
    assert_int_equal(chirp_stats_summary(x, COUNT(x), 0.95, &s), CHIRP_OK);
    close_to(s.median.value, 7, 0);
    close_to(s.mad, 4, 0); /* deviations 6 4 2 0 2 4 93 */
    assert_int_equal(s.outliers, 1);
    close_to(s.min, 1, 0);
    close_to(s.max, 100, 0);
    /* n = 7: the range covers with 1 - 2/128 = 0.984, the next pair only with 1 - 16/128 */
    close_to(s.median.low, 1, 0);
    close_to(s.median.high, 100, 0);
    close_to(s.median.confidence, 1 - 2.0 / 128, 1e-12);
    assert_int_equal(chirp_stats_summary(x, COUNT(x), 0.85, &s), CHIRP_OK);
    close_to(s.median.low, 3, 0);
    close_to(s.median.high, 11, 0);
    close_to(s.median.confidence, 1 - 16.0 / 128, 1e-12);
}

static void small_samples_say_what_they_cover(void **state)
{
    (void)state;
    const double x[] = {2, 1, 3};
    chirp_summary s;
    assert_int_equal(chirp_stats_summary(x, 3, 0.95, &s), CHIRP_OK);
    close_to(s.median.confidence, 0.75, 1e-12); /* 1 - 2^(1-3) */
    assert_int_equal(chirp_stats_summary(x, 1, 0.95, &s), CHIRP_OK);
    close_to(s.median.confidence, 0, 0);
    close_to(s.stddev, 0, 0);
    assert_int_equal(chirp_stats_summary(x, 0, 0.95, &s), CHIRP_ERR_ARG);
    const double bad[] = {1, (double)NAN};
    assert_int_equal(chirp_stats_summary(bad, 2, 0.95, &s), CHIRP_ERR_NUMERIC);
}

/* The interval must cover the true median as often as it says: 4000 samples of a skewed distribution. */
static void the_interval_of_the_median_covers(void **state)
{
    (void)state;
    enum { TRIALS = 4000, N = 12 };
    uint64_t seed = 1;
    int covered = 0;
    double promised = 0;
    for (int t = 0; t < TRIALS; ++t) {
        double x[N];
        chirp_summary s;
        for (int i = 0; i < N; ++i)
            x[i] = -log(((double)(chirp_splitmix64(&seed) >> 11) + 0.5) *
                        0x1p-53); /* exponential, median ln 2 */
        assert_int_equal(chirp_stats_summary(x, N, 0.95, &s), CHIRP_OK);
        covered += s.median.low <= M_LN2 && M_LN2 <= s.median.high;
        promised = s.median.confidence;
    }
    assert_true(promised >= 0.95);
    close_to((double)covered / TRIALS, promised, 4 * sqrt(promised * (1 - promised) / TRIALS));
}

static void mann_whitney_agrees_with_scipy(void **state)
{
    (void)state;
    const double a[] = {1.5, 2.25, 3.125, 0.5, 4.75};
    const double b[] = {2.0, 5.5, 6.25, 7.125, 3.5, 8.0};
    const double c[] = {1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    const double d[] = {2, 3, 3, 5, 6, 11, 12, 13, 14, 15};
    double e[20];
    double f[20];
    double u = 0;
    double p = 0;
    for (int i = 0; i < 20; ++i) {
        e[i] = 2 * i;
        f[i] = 5.5 + 2 * i;
    }
    assert_int_equal(chirp_mann_whitney(a, COUNT(a), b, COUNT(b), &u, &p), CHIRP_OK);
    close_to(u, 4, 0);
    close_to(p, 0.05194805194805195, 1e-14); /* exact: 24 of 462 arrangements */
    assert_int_equal(chirp_mann_whitney(c, COUNT(c), d, COUNT(d), &u, &p), CHIRP_OK);
    close_to(u, 34, 0);
    close_to(p, 0.14753977233636412, 1e-12); /* ties: normal with both corrections */
    assert_int_equal(chirp_mann_whitney(e, 20, f, 20, &u, &p), CHIRP_OK);
    close_to(u, 153, 0);
    close_to(p, 0.20845355458876536, 1e-12);
    assert_int_equal(chirp_mann_whitney(a, COUNT(a), a, COUNT(a), &u, &p), CHIRP_OK);
    close_to(p, 1, 0);
    assert_int_equal(chirp_mann_whitney(a, 0, b, 1, &u, &p), CHIRP_ERR_ARG);
}

static void the_ratio_has_the_interval_of_the_test(void **state)
{
    (void)state;
    const double base[] = {100, 102, 101, 99, 103};
    const double slower[] = {110.5, 112, 111, 109, 113};
    chirp_interval r;
    assert_int_equal(chirp_ratio_interval(base, 5, slower, 5, 0.95, &r), CHIRP_OK);
    close_to(r.value, 1.1, 0.005);
    assert_true(r.low > 1.05 && r.high < 1.15);
    close_to(r.confidence, 1 - 2.0 * 4 / 252,
             1e-12); /* P(U <= 2) = (1 + 1 + 2)/252; U <= 3 would be 7/252 */
    assert_int_equal(chirp_ratio_interval(base, 3, slower, 3, 0.95, &r), CHIRP_OK);
    close_to(r.confidence, 0, 0); /* three of each can't reach 95 %: 2/20 */
    assert_true(r.low == 0 && isinf(r.high));
    const double zero[] = {0, 1, 2, 3, 4};
    assert_int_equal(chirp_ratio_interval(zero, 5, slower, 5, 0.95, &r), CHIRP_ERR_RANGE);
    assert_int_equal(chirp_ratio_interval(base, 0, slower, 5, 0.95, &r), CHIRP_ERR_ARG);
}

/* 1 is outside the interval exactly when the two-sided test rejects, sample by sample. */
static void interval_and_test_agree(void **state)
{
    (void)state;
    uint64_t seed = 3;
    int rejected = 0;
    for (int t = 0; t < 2000; ++t) {
        double x[7];
        double y[9];
        double p = 0;
        chirp_interval r;
        for (int i = 0; i < 7; ++i)
            x[i] = 1 + 0.1 * (double)(chirp_splitmix64(&seed) >> 40) * 0x1p-24;
        for (int i = 0; i < 9; ++i)
            y[i] = 1.03 + 0.1 * (double)(chirp_splitmix64(&seed) >> 40) * 0x1p-24;
        assert_int_equal(chirp_ratio_interval(x, 7, y, 9, 0.95, &r), CHIRP_OK);
        assert_int_equal(chirp_mann_whitney(x, 7, y, 9, NULL, &p), CHIRP_OK);
        const int outside = r.low > 1 || r.high < 1;
        assert_int_equal(outside, p <= 0.05);
        rejected += outside;
    }
    assert_true(rejected > 100 && rejected < 1900); /* both outcomes were seen */
}

static void large_samples_use_the_normal_cut(void **state)
{
    (void)state;
    enum { N = 60 };
    double x[N];
    double y[N];
    uint64_t seed = 9;
    int covered = 0;
    for (int t = 0; t < 1000; ++t) {
        chirp_interval r;
        for (int i = 0; i < N; ++i) {
            x[i] = 1 + (double)(chirp_splitmix64(&seed) >> 40) * 0x1p-24;
            y[i] = 1 + (double)(chirp_splitmix64(&seed) >> 40) * 0x1p-24;
        }
        assert_int_equal(chirp_ratio_interval(x, N, y, N, 0.95, &r), CHIRP_OK);
        covered += r.low <= 1 && 1 <= r.high;
    }
    close_to(covered / 1000.0, 0.95, 4 * sqrt(0.05 * 0.95 / 1000));
}

static void pairs_ignore_drift(void **state)
{
    (void)state;
    double base[9];
    double fresh[9];
    chirp_interval r;
    for (int i = 0; i < 9; ++i) {
        base[i] = 100 + 30 * i; /* the machine slows down threefold meanwhile */
        fresh[i] = 1.02 * base[i];
    }
    assert_int_equal(chirp_paired_ratio_interval(base, fresh, 9, 0.95, &r), CHIRP_OK);
    close_to(r.low, 1.02, 1e-12);
    close_to(r.high, 1.02, 1e-12);
}

static void autocorrelation_is_seen(void **state)
{
    (void)state;
    double drift[30];
    double mixed[30];
    chirp_summary s;
    for (int i = 0; i < 30; ++i) {
        drift[i] = 1 + 0.01 * i;
        mixed[i] = 1 + 0.01 * ((i * 7) % 30);
    }
    assert_int_equal(chirp_stats_summary(drift, 30, 0.95, &s), CHIRP_OK);
    assert_true(chirp_stats_autocorrelated(&s));
    assert_int_equal(chirp_stats_summary(mixed, 30, 0.95, &s), CHIRP_OK);
    assert_false(chirp_stats_autocorrelated(&s));
}

static void holm_and_the_normal_distribution(void **state)
{
    (void)state;
    double p[] = {0.01, 0.04, 0.03, 0.005};
    assert_int_equal(chirp_holm(p, 4), CHIRP_OK);
    close_to(p[3], 0.02, 1e-15);
    close_to(p[0], 0.03, 1e-15);
    close_to(p[2], 0.06, 1e-15);
    close_to(p[1], 0.06, 1e-15); /* never below its predecessor */
    const double probability[] = {0.001, 0.025, 0.3, 0.5, 0.975, 0.9999};
    const double quantile[] = {-3.090232306167813, -1.9599639845400545, -0.5244005127080409, 0,
                               1.959963984540054,  3.719016485455709};
    for (size_t i = 0; i < COUNT(quantile); ++i) {
        close_to(chirp_normal_quantile(probability[i]), quantile[i], 1e-12);
        close_to(chirp_normal_cdf(quantile[i]), probability[i], 1e-14);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summary_of_a_known_sample),
        cmocka_unit_test(small_samples_say_what_they_cover),
        cmocka_unit_test(the_interval_of_the_median_covers),
        cmocka_unit_test(mann_whitney_agrees_with_scipy),
        cmocka_unit_test(the_ratio_has_the_interval_of_the_test),
        cmocka_unit_test(interval_and_test_agree),
        cmocka_unit_test(large_samples_use_the_normal_cut),
        cmocka_unit_test(pairs_ignore_drift),
        cmocka_unit_test(autocorrelation_is_seen),
        cmocka_unit_test(holm_and_the_normal_distribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
