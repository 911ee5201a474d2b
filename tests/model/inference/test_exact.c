/* model/inference: the exact posterior: its sampler on a density with closed form, and events of known parameters. */
#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "model/inference/amplitude.h"
#include "model/inference/combine.h"
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
enum { DIMS = 3, MEMBERS = 4, WALKERS = 24, SWEEPS = 300 };
static const double centre[DIMS] = {1, -20, 0.3};
static const double root[DIMS][DIMS] = {{1, 0, 0}, {9, 3, 0}, {0.02, -0.03, 0.01}}; /* Cholesky */

static void gaussian(void *context, const double *x, double *prior, double *likelihood)
{
    (void)context;
    double y[DIMS], square = 0;
    static const double box[DIMS] = {100, 1000, 10};
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
    enum { STARTS = 200 };
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
            for (int j = 0; j < DIMS; ++j) /* all over a box 50 standard deviations wide */
                start[i][j] =
                    centre[j] +
                    50 * root[j][0] *
                        (chirp_rng_uniform_double(
                             chirp_rng_stream(8, CHIRP_RNG_TEST, (uint32_t)j, (uint64_t)member),
                             (uint64_t)i) -
                         0.3);
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
    static float normal[N];
    static double x[N];
    chirp_rng_normal(chirp_rng_stream(9, CHIRP_RNG_TEST, 0, 0), 0, N, normal);
    for (int i = 0; i < N; ++i)
        x[i] = (double)normal[i];
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

/* b against sums over the samples of the generator's own signals at two phases, for a short and a long one. */
static void test_match_is_the_direct_sum(void **state)
{
    (void)state;
    static const chirp_binary binary[] = {{60, 45, 0.3, -0.2}, {9, 6, 0.1, 0.5}};
    /* relative error: what |h|^2 leaves out at the window's start, see match.h; single precision for the short signal */
    static const double bound[] = {1e-5, 1e-3};
    chirp_signal_config config = chirp_signal_config_default();
    chirp_generator *noisy, *quiet;
    chirp_match *match;
    chirp_match_scratch *scratch;
    const size_t length = (size_t)config.length;
    float *y = chirp_alloc(length * sizeof *y), *h = chirp_alloc(length * sizeof *h);
    must(chirp_generator_create(&config, &noisy));
    must(chirp_match_create(&config, NULL, &match));
    config.noise = false;
    must(chirp_generator_create(&config, &quiet));
    must(chirp_match_scratch_create(match, &scratch));
    double *spectrum = chirp_alloc((size_t)chirp_match_bins(match) * 2 * sizeof *spectrum);
    for (int i = 0; i < 2; ++i) {
        chirp_signal_draw draw = {
            .binary = binary[i], .phase = 1, .merger_s = 0.9, .snr = 20, .weight = {1, 0}};
        chirp_phenomd model;
        must(chirp_generator_make(noisy, &draw, 3, y));
        double part[2] = {0}, at = 0;
        for (int phase = 0; phase < 2; ++phase) {
            draw.phase = phase * M_PI / 2;
            must(chirp_generator_make(quiet, &draw, 3, h));
            for (size_t k = 0; k < length; ++k)
                part[phase] += (double)y[k] * (double)h[k] / sqrt((double)length);
        }
        must(chirp_phenomd_prepare(&binary[i], &model));
        must(chirp_match_window(match, y, spectrum));
        const double peak = chirp_phenomd_peak_time(&model),
                     found = chirp_match_at(match, scratch, spectrum, &model, peak, 0.9, NULL),
                     expected = hypot(part[0], part[1]),
                     best = chirp_match_scan(match, scratch, spectrum, &model, peak, &at);
        print_message("b %.6f, direct sum %.6f\n", found, expected);
        assert_true(fabs(found - expected) < bound[i] * expected);
        /* times of the scan are a step of 1 ms apart; noise moves the best by a little */
        assert_true(fabs(at - 0.9) < 0.003 && best > 0.9 * found);
    }
    chirp_match_scratch_destroy(scratch);
    chirp_match_destroy(match);
    chirp_generator_destroy(noisy);
    chirp_generator_destroy(quiet);
    chirp_free(spectrum);
    chirp_free(y);
    chirp_free(h);
}

/* ln of the integral over phase, SNR and scale by sums over fine steps. */
static double direct_integral(const chirp_amplitude *a, double b)
{
    enum { RHO = 1600, SCALES = 40, PHASES = 96 };
    double sum = 0, most = -INFINITY;
    static double value[RHO][SCALES][PHASES];
    const double low = a->prior->snr_min, high = a->prior->snr_max;
    for (int i = 0; i < RHO; ++i)
        for (int j = 0; j < SCALES; ++j)
            for (int k = 0; k < PHASES; ++k) {
                const double s = 0.4 + 0.2 * (j + 0.5) / SCALES; /* about sqrt(N/n) = 0.47 */
                const double u = (i + 0.5) / RHO;                /* equal shares of the prior */
                const double rho = chirp_snr_quantile(a->prior->snr_law, low, high, u);
                value[i][j][k] = (a->freedom - 1) * log(s) - 0.5 * s * s * a->square -
                                 0.5 * rho * rho + s * rho * b * cos(2 * M_PI * k / PHASES);
                most = fmax(most, value[i][j][k]);
            }
    for (int i = 0; i < RHO; ++i)
        for (int j = 0; j < SCALES; ++j)
            for (int k = 0; k < PHASES; ++k)
                sum += exp(value[i][j][k] - most);
    return most + log(sum);
}

static void test_amplitude_is_the_direct_integral(void **state)
{
    (void)state;
    chirp_signal_config prior = chirp_signal_config_default();
    prior.snr_min = 4;
    prior.snr_max = 12;
    const chirp_amplitude a = {8192, 1840, &prior};
    static const double b[] = {2, 14, 20, 24,
                               30}; /* SNRs of 1 to 15: below, inside and above the prior */
    for (int law = 0; law < CHIRP_SNR_LAWS; ++law) {
        prior.snr_law = (chirp_snr_law)law;
        const double zero[2] = {direct_integral(&a, b[0]), chirp_amplitude_likelihood(&a, b[0])};
        for (int i = 1; i < 5; ++i) {
            const double expected = direct_integral(&a, b[i]) - zero[0],
                         found = chirp_amplitude_likelihood(&a, b[i]) - zero[1];
            print_message("ln L(%g)/L(%g): %.5f, direct %.5f\n", b[i], b[0], found, expected);
            /* Laplace: 1/N; Simpson and midpoints: a thousandth each */
            assert_true(fabs(found - expected) < 3e-3);
            const double low = chirp_amplitude_snr(&a, b[i], 1e-6),
                         high = chirp_amplitude_snr(&a, b[i], 1 - 1e-6);
            assert_true(low >= 4 && low < chirp_amplitude_snr(&a, b[i], 0.5) && high <= 12 &&
                        high > low);
        }
    }
    /* I0 and I1 are integrals over the phase; the polynomials' errors are 2e-7 of e^x/sqrt(x), of which I0 is 0.4 */
    for (double x = 0.1; x < 1000; x *= 1.7) {
        double zeroth = 0, first = 0, ratio;
        enum { STEPS = 4096 };
        for (int k = 0; k < STEPS; ++k) {
            const double c = cos(2 * M_PI * k / STEPS), e = exp(x * (c - 1));
            zeroth += e / STEPS;
            first += c * e / STEPS;
        }
        assert_true(fabs(chirp_log_bessel(x, &ratio) - x - log(zeroth)) < 1e-6);
        assert_true(fabs(ratio - first / zeroth) < 1.1e-6);
    }
}

static int by_chance(int n, double p, int low)
{
    double sum = 0;
    for (int k = 0; k <= low; ++k)
        sum += exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) +
                   (n - k) * log(1 - p));
    return sum > 1e-4;
}

/* Fresh signals: the truth lies in 50 and 90 % intervals as often as the binomial law allows with a chance of 1e-4 a side. */
static void test_intervals_cover_the_truth(void **state)
{
    (void)state;
    enum { N = 12 };
    static const int quantities[] = {CHIRP_LABEL_M1, CHIRP_LABEL_M2, CHIRP_LABEL_FINAL_SPIN,
                                     CHIRP_EXACT_CHIRP_MASS, CHIRP_EXACT_TOTAL_MASS};
    chirp_signal_config config = chirp_signal_config_default();
    chirp_exact_options options = chirp_exact_options_default();
    chirp_exact_result result[N];
    float parameters[N][CHIRP_PARAMETERS];
    chirp_generator *g;
    config.length = 2048; /* half of the bins: half of the time */
    config.sample_rate_hz = 2048;
    config.f_high_hz = 500;
    config.mass_min_msun = 20;
    config.seed = 8;
    options.samples = 20;
    options.effective_least = 0;
    options.sweeps = 20;
    float *window = chirp_alloc((size_t)(N * config.length) * sizeof *window);
    assert_non_null(window);
    must(chirp_generator_create(&config, &g));
    must(chirp_generator_batch(g, 0, N, window, NULL, NULL, parameters[0]));
    chirp_generator_destroy(g);
    must(chirp_exact_table(&config, NULL, window, 0, N, 4, &options, result));
    for (size_t k = 0; k < sizeof quantities / sizeof quantities[0]; ++k) {
        int in_50 = 0, in_90 = 0;
        for (int i = 0; i < N; ++i) {
            double truth[CHIRP_EXACT_QUANTITIES];
            const float *p = parameters[i];
            const chirp_binary binary = {(double)p[0], (double)p[1], (double)p[2], (double)p[3]};
            must(chirp_exact_quantities(&binary, truth));
            const chirp_exact_summary *s = &result[i].summary[quantities[k]];
            const double x = truth[quantities[k]];
            in_50 += x > s->interval_50[0] && x < s->interval_50[1];
            in_90 += x > s->interval_90[0] && x < s->interval_90[1];
        }
        print_message("%s: %d and %d of %d in the 50 and 90 %% intervals\n",
                      chirp_exact_name[quantities[k]], in_50, in_90, N);
        assert_true(by_chance(N, 0.5, in_50) && by_chance(N, 0.5, N - in_50));
        assert_true(by_chance(N, 0.9, in_90));
    }
    for (int i = 0; i < N; ++i)
        chirp_exact_result_destroy(&result[i]);
    chirp_free(window);
}

/* Normal posteriors under a normal prior: precisions add, and those of the prior are taken off once. */
static void test_combined_posterior_of_normal_densities(void **state)
{
    (void)state;
    enum { N = 4000, PRIOR = 4000 };
    static const double mean[2] = {1, 1.6}, spread[2] = {0.5, 0.8}, prior_spread = 3;
    static float normal[N];
    static double samples[2][N], prior[PRIOR], combined[N];
    for (int set = 0; set < 3; ++set) {
        chirp_rng_normal(chirp_rng_stream(5, CHIRP_RNG_TEST, 0, (uint64_t)set), 0, N, normal);
        for (int i = 0; i < N; ++i)
            (set < 2 ? samples[set] : prior)[i] = set < 2
                                                      ? mean[set] + spread[set] * (double)normal[i]
                                                      : prior_spread * (double)normal[i];
    }
    must(chirp_posterior_combine(samples[0], 2, N, prior, PRIOR, combined));
    const double precision = 1 / (spread[0] * spread[0]) + 1 / (spread[1] * spread[1]) -
                             1 / (prior_spread * prior_spread),
                 expected =
                     (mean[0] / (spread[0] * spread[0]) + mean[1] / (spread[1] * spread[1])) /
                     precision;
    double found = 0, square = 0;
    for (int i = 0; i < N; ++i)
        found += combined[i] / N;
    for (int i = 0; i < N; ++i)
        square += (combined[i] - found) * (combined[i] - found) / N;
    print_message("combined %.4f +- %.4f, expected %.4f +- %.4f\n", found, sqrt(square), expected,
                  1 / sqrt(precision));
    /* means of N samples have an error of spread/sqrt(N), spreads of spread/sqrt(2N); six of them, and 3 % for the kernels' shape */
    assert_true(fabs(found - expected) < 6 * spread[1] / sqrt(N));
    assert_true(fabs(sqrt(square * precision) - 1) < 6 / sqrt(2.0 * N) + 0.03);
    for (int i = 0; i < N; ++i)
        samples[1][i] += 1e6;
    assert_int_equal(chirp_posterior_combine(samples[0], 2, N, prior, PRIOR, combined),
                     CHIRP_ERR_NUMERIC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaussian_has_its_moments),
        cmocka_unit_test(test_convergence_knows_independent_draws_and_a_stray_ensemble),
        cmocka_unit_test(test_match_is_the_direct_sum),
        cmocka_unit_test(test_amplitude_is_the_direct_integral),
        cmocka_unit_test(test_combined_posterior_of_normal_densities),
        cmocka_unit_test(test_intervals_cover_the_truth),
        cmocka_unit_test(test_an_event_is_found_with_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
