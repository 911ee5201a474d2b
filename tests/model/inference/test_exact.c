/* model/inference: the exact posterior: its sampler on a density with closed form, and events of known parameters. */
#include "harness/base/memory.h"
#include "model/inference/convergence.h"
#include "model/inference/ensemble.h"
#include "model/inference/exact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

static void must(chirp_status st)
{
    if (st != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
}

/* A normal density in three dimensions with unequal scales and strong correlation, under a flat prior in a wide box. */
enum { DIMS = 3, MEMBERS = 4, WALKERS = 16, SWEEPS = 300 };
static const double centre[DIMS] = {1, -20, 0.3};
static const double root[DIMS][DIMS] = {{1, 0, 0}, {9, 3, 0}, {0.02, -0.03, 0.01}}; /* Cholesky */

static void gaussian(void *context, const double *x, double *prior, double *likelihood)
{
    (void)context;
    double y[DIMS], square = 0;
    static const double box[DIMS] = {60, 600, 3};
    *prior = *likelihood = 0;
    for (int i = 0; i < DIMS; ++i)
        if (fabs(x[i]) > box[i])
            *prior = -INFINITY;
    for (int i = 0; i < DIMS; ++i) {
        y[i] = x[i] - centre[i];
        for (int k = 0; k < i; ++k)
            y[i] -= root[i][k] * y[k];
        y[i] /= root[i][i];
        square += y[i] * y[i];
    }
    *likelihood = -0.5 * square;
}

/* x: [MEMBERS][SWEEPS][WALKERS][DIMS] */
static void sample_gaussian(double *x)
{
    enum { STARTS = 64 };
    double start[STARTS][DIMS];
    for (int member = 0; member < MEMBERS; ++member) {
        const chirp_ensemble_config config = {.dims = DIMS,
                                              .walkers = WALKERS,
                                              .target = gaussian,
                                              .seed = 3,
                                              .member = (uint32_t)member};
        chirp_ensemble *ensemble;
        must(chirp_ensemble_create(&config, &ensemble));
        for (int i = 0; i < STARTS; ++i)
            for (int j = 0; j < DIMS; ++j) /* a grid of the box */
                start[i][j] = (j == 0   ? 50
                               : j == 1 ? 500
                                        : 2.5) *
                              (2 * fmod((i + 1) * (0.618 + 0.17 * j) + 0.1 * member, 1) - 1);
        must(chirp_ensemble_settle(ensemble, start[0], STARTS));
        for (int pass = 0; pass < 3; ++pass)
            must(chirp_ensemble_adapt(ensemble, 10));
        chirp_ensemble_run(ensemble, SWEEPS, x + (size_t)member * SWEEPS * WALKERS * DIMS);
        chirp_ensemble_destroy(ensemble);
    }
}

/* Means and variances are normal about the truth with the error that the effective draws say: 5 errors have a chance of 1e-6. */
static void test_gaussian_has_its_moments(void **state)
{
    (void)state;
    enum { DRAWS = MEMBERS * SWEEPS * WALKERS };
    double *x = chirp_alloc(sizeof(double) * DRAWS * DIMS),
           *value = chirp_alloc(sizeof(double) * DRAWS);
    assert_non_null(x);
    assert_non_null(value);
    sample_gaussian(x);
    for (int a = 0; a < DIMS; ++a)
        for (int b = -1; b <= a; ++b) { /* b = -1: the mean; else the covariance of a and b */
            double truth = b < 0 ? centre[a] : 0, mean = 0, square = 0;
            for (int k = 0; k < DIMS && b >= 0; ++k)
                truth += root[a][k] * root[b][k];
            for (int i = 0; i < DRAWS; ++i) {
                value[i] = b < 0 ? x[i * DIMS + a]
                                 : (x[i * DIMS + a] - centre[a]) * (x[i * DIMS + b] - centre[b]);
                mean += value[i] / DRAWS;
            }
            for (int i = 0; i < DRAWS; ++i)
                square += (value[i] - mean) * (value[i] - mean) / DRAWS;
            const chirp_chains chains = {value, MEMBERS, WALKERS, SWEEPS};
            chirp_convergence c;
            must(chirp_convergence_measure(&chains, &c));
            const double error = sqrt(square / c.effective);
            print_message("moment %d,%d: %.4f, expected %.4f, error %.4f, R-hat %.3f\n", a, b, mean,
                          truth, error, c.r_hat);
            assert_true(c.r_hat < CHIRP_CONVERGENCE_R_HAT_MOST);
            assert_true(c.effective > CHIRP_CONVERGENCE_EFFECTIVE_LEAST);
            assert_true(fabs(mean - truth) < 5 * error);
        }
    chirp_free(x);
    chirp_free(value);
}

/* Independent normal numbers: R-hat 1 and as many effective draws as draws; one ensemble elsewhere: R-hat says so. */
static void test_convergence_knows_independent_draws_and_a_stray_ensemble(void **state)
{
    (void)state;
    enum { N = MEMBERS * 100 * WALKERS };
    double x[N];
    uint64_t word = 1;
    for (int i = 0; i < N; ++i) {
        x[i] = 0;
        for (int k = 0; k < 12; ++k) { /* sum of uniform numbers (Knuth's MMIX generator) */
            word = word * 6364136223846793005u + 1442695040888963407u;
            x[i] += (double)(word >> 11) / 9007199254740992.0 - 0.5;
        }
    }
    const chirp_chains chains = {x, MEMBERS, WALKERS, 100};
    chirp_convergence c;
    must(chirp_convergence_measure(&chains, &c));
    assert_true(c.r_hat < 1.01);
    /* the integrated time of N independent draws is 1 +- sqrt(2 * 2 lags / N) and Geyer's sum only adds */
    assert_true(c.effective > 0.7 * N && c.effective < 1.3 * N);
    for (int i = 0; i < N / MEMBERS; ++i)
        x[i] += 1;
    must(chirp_convergence_measure(&chains, &c));
    assert_true(c.r_hat > 1.1);
    x[7] = (double)NAN;
    assert_int_equal(chirp_convergence_measure(&chains, &c), CHIRP_ERR_ARG);
}

/* One loud event: found where it is, whatever the number of threads; impossible configurations are refused. */
static void test_an_event_is_found_with_any_number_of_threads(void **state)
{
    (void)state;
    chirp_signal_config config = chirp_signal_config_default();
    chirp_exact_options options = chirp_exact_options_default();
    chirp_exact_result one = {0}, three = {0};
    chirp_generator *g;
    float *window = chirp_alloc((size_t)config.length * sizeof *window), label[CHIRP_LABELS];
    config.snr_min = 25;
    config.snr_max = 30;
    config.seed = 12;
    assert_non_null(window);
    must(chirp_generator_create(&config, &g));
    must(chirp_generator_batch(g, 0, 1, window, label, NULL, NULL));
    chirp_generator_destroy(g);
    options.n_threads = 1;
    options.samples = 50;
    options.effective_least = 0;
    must(chirp_exact_window(&config, NULL, window, 1, &options, &one));
    options.n_threads = 3;
    must(chirp_exact_table(&config, NULL, window, 0, 1, 1, &options, &three));
    assert_memory_equal(one.summary, three.summary, sizeof one.summary);
    assert_memory_equal(one.sample, three.sample, CHIRP_EXACT_QUANTITIES * 50 * sizeof *one.sample);
    const chirp_exact_summary *s = &one.summary[CHIRP_LABEL_M1];
    assert_true(fabs(s->median - (double)label[CHIRP_LABEL_M1]) < 5 * s->std);
    assert_true(s->interval_90[0] < s->interval_50[0] && s->interval_50[0] < s->median);
    chirp_exact_result_destroy(&one);
    chirp_exact_result_destroy(&three);

    config.noise = false;
    assert_int_equal(chirp_exact_window(&config, NULL, window, 1, NULL, &one), CHIRP_ERR_ARG);
    config.noise = true;
    window[5] = (float)NAN;
    assert_int_equal(chirp_exact_window(&config, NULL, window, 1, NULL, &one), CHIRP_ERR_NUMERIC);
    chirp_free(window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaussian_has_its_moments),
        cmocka_unit_test(test_convergence_knows_independent_draws_and_a_stray_ensemble),
        cmocka_unit_test(test_an_event_is_found_with_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
