/*
 * Scores and ranks against closed forms and simulation. Tolerances of averages are 5 standard errors; binomial counts lie within
 * 5 standard deviations of what they should be.
 */
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/stats/stats.h"
#include "kernels/random/random.h"
#include "model/inference/calibration.h"
#include "model/inference/likelihood.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

enum { DRAWS = 1000, SIGNALS = 2000 };

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.9g is not %.9g +- %.2g", value, expected, tolerance);
}

static void normal(uint32_t which, int64_t n, double mean, double scale, double *x)
{
    float *z = chirp_alloc((size_t)n * sizeof *z);
    assert_non_null(z);
    chirp_rng_normal(chirp_rng_stream(11, CHIRP_RNG_TEST, which, 0), 0, n, z);
    for (int64_t i = 0; i < n; ++i)
        x[i] = mean + scale * (double)z[i];
    chirp_free(z);
}

static void crps_of_a_normal_law(void **state)
{
    (void)state;
    static const double truth[] = {0.3, 2.5, -4};
    for (size_t t = 0; t < sizeof truth / sizeof truth[0]; ++t) {
        double score[200];
        double draw[50];
        for (uint32_t i = 0; i < 200; ++i) {
            normal(i, 50, 0.5, 1.7, draw);
            score[i] = chirp_crps_draws(draw, 50, truth[t]);
        }
        const double error = chirp_stats_stddev(score, 200) / sqrt(200);
        const double expected = chirp_crps_normal(0.5, 1.7, truth[t]);
        assert_true(fabs(chirp_stats_mean(score, 200) - expected) < 5 * error);
        assert_true(5 * error < 0.2 * expected); /* it can fail */
    }
}

static void one_answer(void **state)
{
    (void)state;
    double mean[DRAWS];
    double scale[DRAWS];
    double draw[DRAWS];
    double scratch[DRAWS];
    chirp_answer a;
    for (int i = 0; i < DRAWS; ++i) { /* two components: 1 +- 0.5 and 3 +- 0.5 */
        mean[i] = i % 2 ? 3 : 1;
        scale[i] = 0.5;
        draw[i] = mean[i] + 0.5 * chirp_normal_quantile((i / 2 + 0.5) / (DRAWS / 2));
    }
    const chirp_mixture m = {mean, scale, draw, DRAWS};
    chirp_answer_score(&m, 2, scratch, &a);
    const double density = exp(-0.5 * 4) / (0.5 * sqrt(2 * M_PI)); /* the same from both */
    assert_near(a.rank, 0.5, 1e-12);
    assert_near(a.nll, -log(density), 1e-12);
    assert_near(a.deviation, 0, 1e-12);
    assert_near(a.median, 2, 0.05); /* the draws' spacing there */
    chirp_answer_score(&m, 1, scratch, &a);
    assert_near(a.deviation, -1 / sqrt(1 + 0.25), 1e-12);
    chirp_answer_score(&m, 1e4, scratch, &a); /* densities that a double can't hold */
    assert_true(isfinite(a.nll) && a.nll > 1e8 && a.rank == 1);

    /* stretched by 1.3, and asked what it was before */
    double stretched_mean[DRAWS];
    double stretched_scale[DRAWS];
    for (int i = 0; i < DRAWS; ++i) {
        stretched_mean[i] = 2 + 1.3 * (mean[i] - 2);
        stretched_scale[i] = 1.3 * scale[i];
    }
    const chirp_mixture stretched = {stretched_mean, stretched_scale, draw, DRAWS};
    chirp_answer_score(&m, 1.4, scratch, &a);
    assert_near(chirp_mixture_nll_before(&stretched, 1.3, 1.4), a.nll, 1e-9);
}

/* Truths drawn from the answers themselves, whose widths are `stretch` times too narrow. */
static void ask(double stretch, chirp_answer *answer)
{
    double offset[SIGNALS];
    double noise[SIGNALS];
    double *draw = chirp_alloc(3 * DRAWS * sizeof *draw);
    assert_non_null(draw);
    double *scale = draw + DRAWS;
    double *scratch = draw + 2L * DRAWS;
    double *mean = chirp_alloc(DRAWS * sizeof *mean);
    assert_non_null(mean);
    normal(1, SIGNALS, 5, 0.5, offset);
    normal(2, SIGNALS, 0, 1, noise);
    for (int i = 0; i < SIGNALS; ++i) {
        for (int s = 0; s < DRAWS; ++s) {
            mean[s] = offset[i];
            scale[s] = 0.3;
            draw[s] = offset[i] + 0.3 * chirp_normal_quantile((s + 0.5) / DRAWS);
        }
        const chirp_mixture m = {mean, scale, draw, DRAWS};
        chirp_answer_score(&m, offset[i] + stretch * 0.3 * noise[i], scratch, &answer[i]);
    }
    chirp_free(draw);
    chirp_free(mean);
}

static void honest_answers_and_others(void **state)
{
    (void)state;
    static chirp_answer answer[SIGNALS];
    chirp_calibration_row row = {0};
    double se = 0;
    ask(1, answer);
    assert_int_equal(chirp_calibration_fill(answer, SIGNALS, 5, &row), CHIRP_OK);
    assert_true(fabs(row.coverage_50.value - 0.5) < 5 * sqrt(0.25 / SIGNALS));
    assert_true(fabs(row.coverage_90.value - 0.9) < 5 * sqrt(0.09 / SIGNALS));
    assert_true(row.coverage_90.low < row.coverage_90.value &&
                row.coverage_90.value < row.coverage_90.high);
    assert_true(row.rank_p > 1e-6 && row.rank_curve[0] == 0 &&
                row.rank_curve[CHIRP_RANK_STEPS] == 1);
    assert_true(fabs(row.nll - (0.5 + log(0.3 * sqrt(2 * M_PI)))) < 5 * row.nll_se);
    /* for an honest normal answer the mean CRPS is scale / sqrt(pi), the width 2 * 1.645 scale */
    assert_true(fabs(row.crps - 0.3 / sqrt(M_PI)) < 5 * row.crps_se);
    assert_near(row.width_90, 2 * 0.3 * chirp_normal_quantile(0.95), 0.01 * row.width_90);
    assert_true(fabs(row.error - 0.3 * sqrt(2 / M_PI) / 5) < 5 * row.error_se);
    const double spread = sqrt(0.25 + 0.09);
    assert_near(row.guess_error, spread * sqrt(2 / M_PI) / 5, 0.1 * row.guess_error);
    const double nll = row.nll;
    assert_true(fabs(chirp_recalibration_fit(answer, SIGNALS, &se) - 1) < 5 * se);
    assert_near(se, 1 / sqrt(2.0 * SIGNALS), 0.2 * se);

    ask(2, answer); /* intervals of half the width */
    assert_int_equal(chirp_calibration_fill(answer, SIGNALS, 5, &row), CHIRP_OK);
    assert_true(row.rank_p < 1e-6 && row.coverage_90.high < 0.7 && row.nll > nll);
    assert_true(row.rank_distance > row.rank_band);
    assert_true(fabs(chirp_recalibration_fit(answer, SIGNALS, &se) - 2) < 5 * se);
}

/* The band holds 95 of 100 curves of honest ranks, and p is uniform. */
static void band_of_ranks(void **state)
{
    (void)state;
    enum { TRIALS = 2000 };
    static const int64_t sizes[] = {10, 100};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; ++s) {
        const int64_t n = sizes[s];
        const double band = chirp_kolmogorov_band(n, 0.05);
        int inside = 0;
        int below = 0;
        double x[100];
        assert_near(chirp_kolmogorov_p(n, band), 0.05, 1e-9);
        for (uint32_t t = 0; t < TRIALS; ++t) {
            double d = 0;
            normal(t, n, 0, 1, x);
            for (int64_t i = 0; i < n; ++i)
                x[i] = chirp_normal_cdf(x[i]);
            chirp_sort(x, (size_t)n);
            for (int64_t i = 0; i < n; ++i)
                d = fmax(d, fmax((double)(i + 1) / (double)n - x[i], x[i] - (double)i / (double)n));
            inside += d <= band;
            below += chirp_kolmogorov_p(n, d) < 0.5;
        }
        /* 0.01 for the approximation at n = 10 */
        assert_true(fabs(inside / (double)TRIALS - 0.95) < 0.01 + 5 * sqrt(0.0475 / TRIALS));
        assert_true(fabs(below / (double)TRIALS - 0.5) < 0.01 + 5 * sqrt(0.25 / TRIALS));
    }
}

/* Wilson's interval holds the share 95 of 100 times, on average over shares. */
static void binomial_interval(void **state)
{
    (void)state;
    enum { N = 30 };
    double covered = 0;
    for (int p = 1; p < 100; ++p) {
        const double share = p / 100.0;
        double probability = pow(1 - share, N);
        for (int k = 0; k <= N; ++k) {
            const chirp_proportion c = chirp_binomial_share(k, N);
            assert_true(c.low >= 0 && c.low <= c.value && c.value <= c.high && c.high <= 1);
            covered += c.low <= share && share <= c.high ? probability / 99 : 0;
            probability *= (double)(N - k) / (k + 1) * share / (1 - share);
        }
    }
    assert_near(covered, 0.95, 0.01);
    /* the closed form at k = 0: z^2 / (n + z^2) */
    const double z = chirp_normal_quantile(0.975);
    assert_near(chirp_binomial_share(0, N).high, z * z / (N + z * z), 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crps_of_a_normal_law),      cmocka_unit_test(one_answer),
        cmocka_unit_test(honest_answers_and_others), cmocka_unit_test(band_of_ranks),
        cmocka_unit_test(binomial_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
