/* The likelihood against its formula and finite differences; quantiles against known values. */
#include "harness/stats/stats.h"
#include "model/inference/likelihood.h"
#include "model/inference/posterior.h"
#include "model/signal/generator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

static chirp_likelihood make(const char *network, int outputs, double noise_scale,
                             bool standardised)
{
    chirp_likelihood likelihood = {.outputs = outputs,
                                   .noise_scale = noise_scale,
                                   .labels = {standardised, {25, 24, 0.1}, {30, 20, 0.05}}};
    assert_int_equal(chirp_network_spec_find(network, &likelihood.spec), CHIRP_OK);
    return likelihood;
}

static void check_gradient(const char *network, int outputs, bool standardised)
{
    const chirp_likelihood likelihood = make(network, outputs, 0.37, standardised);
    const chirp_network_spec *spec = likelihood.spec;
    const float step = standardised ? 0.25F : 3.0F; /* the study's learned scale is flat */
    enum { N = 4 };
    float output[N * CHIRP_MAX_LEAVES * 2];
    float label[N * CHIRP_LABELS];
    float gradient[N * CHIRP_MAX_LEAVES * 2];
    const int n = N * spec->n_leaves * outputs;
    for (int i = 0; i < n; ++i)
        output[i] =
            outputs == 2 && i % 2 ? step * ((float)i - 7.0F) : 0.11F * (float)(i % 9) - 0.4F;
    for (int i = 0; i < N * CHIRP_LABELS; ++i)
        label[i] = i % CHIRP_LABELS < 2 ? 30.0F + (float)i : 0.02F * (float)i;
    (void)chirp_likelihood_loss(&likelihood, N, output, label, gradient);
    for (int i = 0; i < n; ++i) {
        const float keep = output[i];
        const float h =
            outputs == 2 && i % 2 && !standardised ? 0.125F : 0.0009765625F; /* exact in float */
        output[i] = keep + h;
        const double above = chirp_likelihood_loss(&likelihood, N, output, label, NULL);
        output[i] = keep - h;
        const double below = chirp_likelihood_loss(&likelihood, N, output, label, NULL);
        output[i] = keep;
        const double slope = (above - below) / (2 * (double)h);
        if (!(fabs(slope - (double)gradient[i]) <= 1e-4 * fabs(slope) + 1e-6))
            fail_msg("%s outputs %d element %d: %g, differences %g", network, outputs, i,
                     (double)gradient[i], slope);
    }
}

static void test_gradients(void **state)
{
    (void)state;
    for (int standardised = 0; standardised < 2; ++standardised)
        for (int outputs = 1; outputs <= 2; ++outputs) {
            check_gradient("spin", outputs, standardised);
            check_gradient("mass", outputs, standardised);
        }
}

/* A perfect prediction with scale s costs log s + log(2 pi)/2 per leaf; one s away costs 1/2 more. */
static void test_known_values(void **state)
{
    (void)state;
    const chirp_likelihood likelihood = make("mass", 1, 0.25, false);
    const float label[CHIRP_LABELS] = {40, 20, 0, 0, 0};
    float output[2] = {0.5F, 0.25F};
    const double perfect = 2 * (log(0.25) + 0.5 * log(2 * 3.14159265358979323846));
    assert_true(fabs(chirp_likelihood_loss(&likelihood, 1, output, label, NULL) - perfect) < 1e-12);
    output[1] += 0.25F;
    assert_true(fabs(chirp_likelihood_loss(&likelihood, 1, output, label, NULL) - perfect - 0.5) <
                1e-12);
    for (int standardised = 0; standardised < 2; ++standardised) {
        const chirp_likelihood learned = make("mass", 2, 0, standardised);
        const float raw[2] = {0, (float)chirp_likelihood_scale_bias(&learned, 0.2)};
        double mean = 1;
        double scale = 0;
        chirp_likelihood_moments(&learned, raw, &mean, &scale);
        assert_true(mean == 0 && fabs(scale - 0.2) < 1e-7);
    }
}

/* Standardised leaves predict (label - centre) / unit without tanh, with scales from a ten thousandth of the unit on; errors
   and scores are in physical units. */
static void test_standardised_labels(void **state)
{
    (void)state;
    const chirp_likelihood likelihood = make("spin", 2, 0, true);
    const float narrow = -60; /* softplus(-60) is below the resolution of the floor */
    const float output[6] = {0, narrow, 3, narrow, 5, narrow};
    const float label[CHIRP_LABELS] = {0, 0, 25, 84, 0.25F};
    double mean = 0;
    double scale = 0;
    chirp_likelihood_moments(&likelihood, output + 4, &mean, &scale);
    assert_true(mean == 5 && fabs(scale - 1e-4) < 1e-12);
    chirp_likelihood_to_physical(&likelihood, 2, &mean, &scale);
    assert_true(fabs(mean - 0.35) < 1e-12 && fabs(scale - 5e-6) < 1e-12);
    double error[3] = {0};
    double size[3] = {0};
    double crps[3] = {0};
    chirp_likelihood_errors(&likelihood, 1, output, label, error, size);
    chirp_likelihood_crps(&likelihood, 1, output, label, crps);
    assert_true(error[0] < 1e-12 && error[1] < 1e-12 && fabs(error[2] - 0.1) < 1e-12);
    assert_true(size[0] == 25 && size[1] == 84 && size[2] == 0.25);
    assert_true(crps[0] < 30 * 1e-4 && fabs(crps[2] - 0.1) < 5e-6); /* far off: the error */
}

/* Against the integral that it is the closed form of, by the trapezoidal rule on a grid with y on a point: its error is below
   h^2/12 times the jump of the derivative at y and the ends' tails. */
static void test_crps_is_its_integral(void **state)
{
    (void)state;
    enum { STEPS = 40000 };
    const double h = 20.0 / STEPS;
    static const double y[4] = {0, 0.5, -1.25, 3};
    for (int i = 0; i < 4; ++i) {
        double below = 0; /* of F^2 up to y, of (1 - F)^2 above */
        double above = 0;
        for (int k = 0; k <= STEPS; ++k) {
            const double x = y[i] + h * (k - STEPS / 2);
            const double f = 0.5 * erfc(-x * M_SQRT1_2);
            const double weight = k == STEPS / 2 ? 0.5 : 1;
            if (k <= STEPS / 2)
                below += weight * h * f * f;
            if (k >= STEPS / 2)
                above += weight * h * (1 - f) * (1 - f);
        }
        const double integral = below + above;
        assert_true(fabs(chirp_crps_normal(0, 1, y[i]) - integral) < h * h);
        assert_true(fabs(chirp_crps_normal(7, 2, 7 + 2 * y[i]) - 2 * integral) < 2 * h * h);
    }
    assert_true(chirp_crps_normal(1, 0, 3) == 2);
}

static void test_quantiles(void **state)
{
    (void)state;
    const double sorted[5] = {1, 2, 4, 8, 16};
    assert_true(chirp_stats_quantile_sorted(sorted, 5, 0) == 1);
    assert_true(chirp_stats_quantile_sorted(sorted, 5, 0.5) == 4);
    assert_true(chirp_stats_quantile_sorted(sorted, 5, 1) == 16);
    assert_true(fabs(chirp_stats_quantile_sorted(sorted, 5, 0.05) - 1.2) <
                1e-15); /* numpy.quantile gives 1.2 */
    const double shuffled[5] = {8, 1, 16, 2, 4};
    double interval[2];
    assert_int_equal(chirp_credible_interval(shuffled, 5, 0.5, interval), CHIRP_OK);
    assert_true(interval[0] == 2 && interval[1] == 8);
    assert_int_equal(chirp_credible_interval(shuffled, 5, 1, interval), CHIRP_ERR_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),           cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_standardised_labels), cmocka_unit_test(test_crps_is_its_integral),
        cmocka_unit_test(test_quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
