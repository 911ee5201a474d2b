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

static void check_gradient(const char *network, int outputs)
{
    const chirp_network_spec *spec = NULL;
    assert_int_equal(chirp_network_spec_find(network, &spec), CHIRP_OK);
    const chirp_likelihood likelihood = {spec, outputs, 0.37};
    enum { N = 4 };
    float output[N * CHIRP_MAX_LEAVES * 2];
    float label[N * CHIRP_LABELS];
    float gradient[N * CHIRP_MAX_LEAVES * 2];
    const int n = N * spec->n_leaves * outputs;
    for (int i = 0; i < n; ++i)
        output[i] =
            outputs == 2 && i % 2 ? -20.0F + 3.0F * (float)i : 0.11F * (float)(i % 9) - 0.4F;
    for (int i = 0; i < N * CHIRP_LABELS; ++i)
        label[i] = i % CHIRP_LABELS < 2 ? 30.0F + (float)i : 0.02F * (float)i;
    (void)chirp_likelihood_loss(&likelihood, N, output, label, gradient);
    for (int i = 0; i < n; ++i) {
        const float keep = output[i];
        const float h = outputs == 2 && i % 2
                            ? 0.125F
                            : 0.0009765625F; /* exact in float; the learned scale is flat */
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
    check_gradient("spin", 1);
    check_gradient("spin", 2);
    check_gradient("mass", 1);
    check_gradient("mass", 2);
}

/* A perfect prediction with scale s costs log s + log(2 pi)/2 per leaf; one s away costs 1/2 more. */
static void test_known_values(void **state)
{
    (void)state;
    const chirp_network_spec *spec = NULL;
    assert_int_equal(chirp_network_spec_find("mass", &spec), CHIRP_OK);
    const chirp_likelihood likelihood = {spec, 1, 0.25};
    const float label[CHIRP_LABELS] = {40, 20, 0, 0, 0};
    float output[2] = {0.5F, 0.25F};
    const double perfect = 2 * (log(0.25) + 0.5 * log(2 * 3.14159265358979323846));
    assert_true(fabs(chirp_likelihood_loss(&likelihood, 1, output, label, NULL) - perfect) < 1e-12);
    output[1] += 0.25F;
    assert_true(fabs(chirp_likelihood_loss(&likelihood, 1, output, label, NULL) - perfect - 0.5) <
                1e-12);
    const chirp_likelihood learned = {spec, 2, 0};
    const float raw[2] = {0, (float)chirp_likelihood_scale_bias(0.2)};
    double mean = 1;
    double scale = 0;
    chirp_likelihood_moments(&learned, raw, &mean, &scale);
    assert_true(mean == 0 && fabs(scale - 0.2) < 1e-7);
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
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
