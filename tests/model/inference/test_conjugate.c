/*
 * Variational inference against a posterior known in closed form.
 *
 * Model: y_n = w . x_n + noise of known standard deviation s, prior w ~ N(0, p^2 I). The exact posterior is Gaussian with
 * precision  L = X'X/s^2 + I/p^2  and mean  m = L^-1 X'y/s^2.  Among factorised Gaussians q = prod N(mu_i, sigma_i^2)
 *
 *     -ELBO(mu, sigma) = E_q[ sum_n (y_n - w.x_n)^2 / (2 s^2) ] + KL(q || prior) + const
 *       = (mu - m)' L (mu - m) / 2  +  sum_i L_ii sigma_i^2 / 2  -  sum_i log sigma_i  + const,
 *
 * because E_q[w w'] = mu mu' + diag(sigma^2). Setting the derivatives to zero: mu = m, the exact mean, whatever the correlations,
 * and sigma_i^2 = 1 / L_ii: not the exact marginal variance (L^-1)_ii but the best a mean field can do, and smaller.
 * The inputs here are correlated on purpose, so that the two differ by tens of percent and the test can tell.
 *
 * Every estimator trains from the same start with Adam and a falling rate, then averages; the tolerance is 2 % of a
 * posterior standard deviation for mu and 3 % for sigma, several times the spread left by the noise of the gradients.
 */
#include "kernels/optimizer/optimizer.h"
#include "kernels/variational/variational.h"
#include "kernels/variational/variational_dense.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

/* TAIL: the kernels may read a vector behind the end of an array */
enum { ROWS = 24, INPUTS = 3, TAIL = 16, STEPS = 60000, AVERAGED = 40000 };
static const double NOISE = 0.5;
static const double PRIOR = 1.5;

typedef struct exact {
    double mean[INPUTS], sigma[INPUTS], marginal[INPUTS];
} exact;

static void invert(double a[INPUTS][INPUTS], double inverse[INPUTS][INPUTS])
{
    for (int i = 0; i < INPUTS; ++i)
        for (int j = 0; j < INPUTS; ++j)
            inverse[i][j] = i == j;
    for (int c = 0; c < INPUTS;
         ++c) { /* Gauss-Jordan; the matrix is positive definite: no pivoting */
        const double pivot = a[c][c];
        for (int j = 0; j < INPUTS; ++j) {
            a[c][j] /= pivot;
            inverse[c][j] /= pivot;
        }
        for (int r = 0; r < INPUTS; ++r) {
            const double factor = a[r][c];
            if (r == c)
                continue;
            for (int j = 0; j < INPUTS; ++j) {
                a[r][j] -= factor * a[c][j];
                inverse[r][j] -= factor * inverse[c][j];
            }
        }
    }
}

static exact solve(float x[ROWS][INPUTS], const float *y)
{
    double precision[INPUTS][INPUTS];
    double inverse[INPUTS][INPUTS];
    double moment[INPUTS] = {0};
    exact e;
    for (int i = 0; i < INPUTS; ++i) {
        for (int j = 0; j < INPUTS; ++j) {
            precision[i][j] = i == j ? 1 / (PRIOR * PRIOR) : 0;
            for (int n = 0; n < ROWS; ++n)
                precision[i][j] += (double)x[n][i] * (double)x[n][j] / (NOISE * NOISE);
        }
        e.sigma[i] = 1 / sqrt(precision[i][i]);
        for (int n = 0; n < ROWS; ++n)
            moment[i] += (double)x[n][i] * (double)y[n] / (NOISE * NOISE);
    }
    invert(precision, inverse);
    for (int i = 0; i < INPUTS; ++i) {
        e.mean[i] = 0;
        for (int j = 0; j < INPUTS; ++j)
            e.mean[i] += inverse[i][j] * moment[j];
        e.marginal[i] = sqrt(inverse[i][i]);
    }
    return e;
}

static void check_estimator(chirp_variational_estimator estimator)
{
    float x[ROWS + TAIL][INPUTS];
    float y[ROWS];
    float noise[ROWS];
    chirp_rng_normal(chirp_rng_stream(4, CHIRP_RNG_TEST, 0, 0), 0, (int64_t)ROWS * INPUTS, x[0]);
    chirp_rng_normal(chirp_rng_stream(4, CHIRP_RNG_TEST, 1, 0), 0, ROWS, noise);
    for (int n = 0; n < ROWS; ++n) {
        x[n][1] = 0.8F * x[n][0] + 0.6F * x[n][1]; /* correlation 0.8 */
        y[n] = 0.7F * x[n][0] - 0.4F * x[n][1] + 1.1F * x[n][2] + (float)NOISE * noise[n];
    }
    const exact want = solve(x, y);
    assert_true(want.marginal[0] >
                1.3 * want.sigma[0]); /* the mean field is visibly narrower: the test can tell */

    float parameters[2 * INPUTS + TAIL] = {0, 0, 0, -2, -2, -2}; /* mu, rho */
    float gradient[2 * INPUTS + TAIL];
    float first[2 * INPUTS] = {0};
    float second[2 * INPUTS] = {0};
    double average_mu[INPUTS] = {0};
    double average_log_sigma[INPUTS] = {0};
    const chirp_dense_desc desc = {.N = ROWS, .I = INPUTS, .O = 1, .n_threads = 1};
    chirp_variational_dense_plan *plan = NULL;
    assert_int_equal(chirp_variational_dense_plan_create(&desc, estimator, &plan), CHIRP_OK);
    for (uint64_t step = 0; step < STEPS; ++step) {
        const chirp_variational_draws draws = {
            .noise = chirp_rng_stream(9, CHIRP_RNG_WEIGHT_NOISE, 0, step),
            .sign_in = chirp_rng_stream(9, CHIRP_RNG_SIGNS, 0, step),
            .sign_out = chirp_rng_stream(9, CHIRP_RNG_SIGNS, 1, step),
        };
        float dst[ROWS + TAIL];
        float ddst[ROWS + TAIL] = {0};
        const chirp_variational_weights weights = {parameters, parameters + INPUTS, NULL};
        const chirp_variational_gradients gradients = {gradient, gradient + INPUTS, NULL};
        const chirp_variational_dense_pass pass = {x[0], dst, ddst, NULL};
        chirp_variational_dense_forward(plan, x[0], &weights, &draws, dst);
        for (int n = 0; n < ROWS; ++n)
            ddst[n] = (dst[n] - y[n]) / (float)(NOISE * NOISE * ROWS);
        chirp_variational_dense_backward(plan, &pass, &weights, &draws,
                                         (chirp_variational_prior){1.0F / ROWS, (float)PRIOR},
                                         &gradients);
        const float rate = 0.02F / (1.0F + (float)step / 2000.0F);
        const chirp_adam adam = {rate, 0.9F, 0.999F, 1e-8F};
        chirp_adam_step(2 * INPUTS, &adam, (int64_t)step + 1, gradient, first, second, parameters,
                        1);
        if (step < STEPS - AVERAGED)
            continue;
        for (int i = 0; i < INPUTS; ++i) {
            average_mu[i] += (double)parameters[i] / AVERAGED;
            average_log_sigma[i] += log(chirp_softplus((double)parameters[INPUTS + i])) / AVERAGED;
        }
    }
    chirp_variational_dense_plan_destroy(plan);
    for (int i = 0; i < INPUTS; ++i) {
        const double mean_error = fabs(average_mu[i] - want.mean[i]) / want.sigma[i];
        const double sigma_error = fabs(exp(average_log_sigma[i]) / want.sigma[i] - 1);
        if (!(mean_error < 0.02 && sigma_error < 0.03))
            fail_msg("%s, weight %d: mean off by %.4f sigma, sigma by %.4f",
                     chirp_variational_estimator_name[estimator], i, mean_error, sigma_error);
    }
}

static void test_linear_gaussian_posterior(void **state)
{
    (void)state;
    for (int estimator = 0; estimator < CHIRP_VARIATIONAL_ESTIMATORS; ++estimator)
        check_estimator((chirp_variational_estimator)estimator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_linear_gaussian_posterior)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
