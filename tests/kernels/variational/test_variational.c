/* kernels/variational against its formulas in double: values, gradients by finite differences, KL by quadrature. */
#include "kernels/variational/variational.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { N = 40003, MOST = 128 * 16384 + 77 };
/* MOST elements are enough for 128 threads on few processors to share them, see kernels/parallel/chunks.h */
static float mu[MOST], rho[MOST], eps[MOST], out[MOST + 1], out2[MOST + 1], dwei[MOST];
static const int teams[] = {2, 3, 16, 128};
static const float prior = 0.8f, kl_weight = 0.37f;

static chirp_rng noise(void) { return chirp_rng_stream(11, CHIRP_RNG_WEIGHT_NOISE, 2, 3); }

static void fresh(int64_t n)
{
    chirp_rng_normal(chirp_rng_stream(11, CHIRP_RNG_TEST, 0, 0), 0, n, mu);
    chirp_rng_normal(chirp_rng_stream(11, CHIRP_RNG_TEST, 0, 1), 0, n, rho);
    chirp_rng_normal(chirp_rng_stream(11, CHIRP_RNG_TEST, 0, 2), 0, n, dwei);
    for (int64_t i = 0; i < n; ++i)
        rho[i] = 3 * rho[i] - 2;
    const float special[] = {0,      -0.0f,  100,     -100,  87,     -87, 88.8f,
                             -88.8f, 1e-30f, -1e-30f, 1e30f, -1e30f, 20,  -20};
    memcpy(rho, special, sizeof special);
    chirp_rng_normal(noise(), 0, n, eps);
    out[n] = out2[n] = 99;
}

/* Every float from -86 to 1e3 at a stride: the bound that variational.h states. */
static void test_sigma_holds_its_accuracy(void **state)
{
    (void)state;
    enum { COUNT = 1 << 15 };
    static float r[COUNT], s[COUNT], variance[COUNT];
    double worst = 0, worst_at = 0;
    for (int pass = 0; pass < 64; ++pass) {
        for (int i = 0; i < COUNT; ++i) {
            const double u = chirp_rng_uniform_double(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0),
                                                      (uint64_t)(pass * COUNT + i));
            r[i] = pass < 32 ? (float)(-86.0 + 1086.0 * u * u * u) : (float)(40 * u - 20);
        }
        chirp_variational_sigma(COUNT, r, s, variance, 2);
        for (int i = 0; i < COUNT; ++i) {
            const double want = chirp_softplus((double)r[i]);
            const double error = fabs((double)s[i] - want) / want;
            if (!(error <= worst)) {
                worst = error;
                worst_at = (double)r[i];
            }
            assert_true(variance[i] == s[i] * s[i]);
        }
    }
    print_message("softplus: worst relative error %.3g at rho = %g\n", worst, worst_at);
    assert_true(worst <= 2.5e-7);
}

static void test_sigma_is_safe_everywhere(void **state)
{
    (void)state;
    float r[] = {-100, 100, -1e30f, 1e30f, -INFINITY, INFINITY, NAN, 0}, s[8];
    chirp_variational_sigma(8, r, s, NULL, 1);
    assert_true(s[0] > 0 && s[0] < 2e-38f);
    assert_true(s[1] == 100);
    assert_true(s[2] > 0 && s[2] < 2e-38f);
    assert_true(s[3] == 1e30f);
    assert_true(s[4] > 0 && s[4] < 2e-38f);
    assert_true(isinf(s[5]));
    assert_true(isnan(s[6])); /* a diverged training must stay visible */
    assert_true(fabs((double)s[7] - 0.69314718055994531) < 1e-7);
    for (double sigma = 1e-12; sigma < 1e3; sigma *= 7)
        assert_true(fabs(chirp_softplus(chirp_softplus_inverse(sigma)) / sigma - 1) < 1e-12);
}

static void test_samples_are_the_formula(void **state)
{
    (void)state;
    fresh(N);
    chirp_variational_sample(N, mu, rho, noise(), out, 3);
    chirp_variational_perturbation(N, rho, noise(), out2, 3);
    assert_true(out[N] == 99 && out2[N] == 99);
    for (int i = 0; i < N; ++i) {
        const double delta = fmax(chirp_softplus((double)rho[i]), 1.6e-38) * (double)eps[i];
        const double room = 5e-7 * fabs(delta) + 3e-38;
        assert_true(fabs((double)out2[i] - delta) <= room);
        assert_true(fabs((double)out[i] - ((double)mu[i] + delta)) <=
                    room + 2e-7 * fabs((double)mu[i] + delta));
    }
}

/* A loss whose gradient with respect to w is dwei, plus the KL term, as a function of one mu or rho, in double. */
static double loss(int i, double m, double r)
{
    const double sigma = chirp_softplus(r), p = (double)prior;
    const double kl = log(p / sigma) + (sigma * sigma + m * m) / (2 * p * p) - 0.5;
    return (double)dwei[i] * (m + sigma * (double)eps[i]) + (double)kl_weight * kl;
}

static void check_gradients(const float *dmu, const float *drho)
{
    for (int i = 0; i < N; ++i) {
        const double m = (double)mu[i], r = (double)rho[i];
        if (fabs(r) > 80)
            continue; /* beyond, see test_gradients_are_finite_everywhere */
        const double h = 6e-6 * fmax(1, fabs(m)), k = 6e-6 * fmax(1, fabs(r));
        const double want_mu = (loss(i, m + h, r) - loss(i, m - h, r)) / (2 * h);
        const double want_rho = (loss(i, m, r + k) - loss(i, m, r - k)) / (2 * k);
        /* differences: rounding of the loss over the step, about 1e-16 * |loss| / 1e-5; kernels: some ulp of each term */
        const double size = fabs(loss(i, m, r)) + 1, sigma = chirp_softplus(r),
                     slope = chirp_logistic(r);
        const double p2 = (double)prior * (double)prior;
        const double terms = (fabs((double)dwei[i] * (double)eps[i]) +
                              (double)kl_weight * (sigma / p2 + 1 / sigma)) *
                             slope;
        if (!(fabs((double)dmu[i] - want_mu) <=
              1e-9 * size + 1e-6 * (fabs((double)dwei[i]) + fabs(m))))
            fail_msg("dmu[%d] %.9g, differences give %.9g", i, (double)dmu[i], want_mu);
        if (!(fabs((double)drho[i] - want_rho) <= 1e-9 * size + 1e-6 * terms))
            fail_msg("drho[%d] %.9g, differences give %.9g (rho %g)", i, (double)drho[i], want_rho,
                     r);
    }
}

static void backward(int64_t n, const float *dw, float *dmu, float *drho, int threads)
{
    const chirp_variational_weights weights = {mu, rho, NULL};
    const chirp_variational_gradients gradients = {dmu, drho, NULL};
    chirp_variational_backward(n, &weights, noise(), dw,
                               (chirp_variational_prior){kl_weight, prior}, &gradients, threads);
}

static void test_gradients_agree_with_differences(void **state)
{
    (void)state;
    fresh(N);
    backward(N, dwei, out, out2, 3);
    assert_true(out[N] == 99 && out2[N] == 99);
    check_gradients(out, out2);

    /* the other forms, fed with the same gradients of w and of the perturbation or the variance, in place */
    const chirp_variational_weights weights = {mu, rho, NULL};
    const chirp_variational_gradients gradients = {out, out2, NULL};
    const chirp_variational_prior kl = {kl_weight, prior};
    for (int i = 0; i < N; ++i)
        out[i] = out2[i] = dwei[i];
    chirp_variational_backward_perturbation(N, &weights, noise(), out2, kl, &gradients, 3);
    check_gradients(out, out2);
    for (int i = 0; i < N; ++i) {
        out[i] = dwei[i];
        out2[i] = dwei[i] * eps[i] / (float)(2 * chirp_softplus((double)rho[i]));
    }
    chirp_variational_backward_variance(N, &weights, out2, kl, &gradients, 3);
    check_gradients(out, out2);

    /* dmu in the place of dwei */
    static float in_place[N];
    memcpy(in_place, dwei, sizeof in_place);
    backward(N, in_place, in_place, out2, 3);
    check_gradients(in_place, out2);
}

static void test_gradients_are_finite_everywhere(void **state)
{
    (void)state;
    fresh(N);
    for (int i = 0; i < 64; ++i)
        rho[i] = (i % 2 ? -1.0f : 1.0f) * (80.0f + (float)i);
    backward(64, dwei, out, out2, 1);
    for (int i = 0; i < 64; ++i) {
        assert_true(isfinite(out[i]) && isfinite(out2[i]));
        if (i % 2) /* logistic / sigma -> 1: the KL pushes rho up with its full weight */
            assert_true(fabs((double)out2[i] + (double)kl_weight) < 1e-6);
    }
    rho[3] = NAN;
    backward(64, dwei, out, out2, 1);
    assert_true(isnan(out2[3]) && isfinite(out2[2]) && isfinite(out2[4]));
}

/* KL of two Gaussians by the midpoint rule over 12 standard deviations, which converges faster than any power. */
static double kl_by_quadrature(double m, double sigma, double p)
{
    const double pi = 3.14159265358979323846;
    const int steps = 4000;
    double sum = 0;
    for (int k = 0; k < steps; ++k) {
        const double z = -12 + 24 * (k + 0.5) / steps, w = m + sigma * z;
        const double log_q = -0.5 * z * z - log(sigma), log_p = -0.5 * w * w / (p * p) - log(p);
        sum += exp(-0.5 * z * z) * (log_q - log_p);
    }
    return sum * 24 / steps / sqrt(2 * pi);
}

static void test_kl(void **state)
{
    (void)state;
    for (double m = -2; m <= 2; m += 0.7) {
        for (double r = -6; r <= 4; r += 1.3) {
            const float fm = (float)m, fr = (float)r;
            const double got = chirp_variational_kl(1, &fm, &fr, prior, 1);
            const double want =
                kl_by_quadrature((double)fm, chirp_softplus((double)fr), (double)prior);
            assert_true(fabs(got - want) <= 1e-11 * (1 + fabs(want)));
        }
    }
    /* where posterior and prior agree it vanishes, to double's rounding: 0.5 (1 + 0 - 1) - log 1 */
    const float zero = 0, r0 = (float)chirp_softplus_inverse((double)prior);
    const double e = (double)r0 - chirp_softplus_inverse((double)prior);
    assert_true(fabs(chirp_variational_kl(1, &zero, &r0, prior, 1)) <= 4 * e * e + 1e-15);

    fresh(N);
    rho[10] = -50; /* instead of 1e30, whose square would swamp the sum */
    rho[11] = -60; /* instead of -1e30, where the reference underflows */
    double want = 0, size = 0;
    for (int i = 0; i < N; ++i) {
        const double sigma = chirp_softplus((double)rho[i]), m = (double)mu[i], p = (double)prior;
        const double term = log(p / sigma) + (sigma * sigma + m * m) / (2 * p * p) - 0.5;
        want += term;
        size += fabs(term);
    }
    const double got = chirp_variational_kl(N, mu, rho, prior, 3);
    assert_true(isfinite(want) && fabs(got - want) <= 1e-13 * size);
    assert_true(chirp_variational_kl(0, mu, rho, prior, 3) == 0);
    rho[N / 2] = NAN;
    assert_true(isnan(chirp_variational_kl(N, mu, rho, prior, 3)));
}

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    fresh(MOST);
    static float w[MOST], d[MOST], s[MOST], dm[MOST], dr[MOST];
    chirp_variational_sample(MOST, mu, rho, noise(), w, 1);
    chirp_variational_perturbation(MOST, rho, noise(), d, 1);
    chirp_variational_sigma(MOST, rho, s, NULL, 1);
    backward(MOST, dwei, dm, dr, 1);
    const double kl = chirp_variational_kl(MOST, mu, rho, prior, 1);
    for (size_t t = 0; t < sizeof teams / sizeof teams[0]; ++t) {
        chirp_variational_sample(MOST, mu, rho, noise(), out, teams[t]);
        assert_memory_equal(out, w, sizeof w);
        chirp_variational_perturbation(MOST, rho, noise(), out, teams[t]);
        assert_memory_equal(out, d, sizeof d);
        chirp_variational_sigma(MOST, rho, out, NULL, teams[t]);
        assert_memory_equal(out, s, sizeof s);
        backward(MOST, dwei, out, out2, teams[t]);
        assert_memory_equal(out, dm, sizeof dm);
        assert_memory_equal(out2, dr, sizeof dr);
        const double again = chirp_variational_kl(MOST, mu, rho, prior, teams[t]);
        assert_memory_equal(&again, &kl, sizeof kl);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sigma_holds_its_accuracy),
        cmocka_unit_test(test_sigma_is_safe_everywhere),
        cmocka_unit_test(test_samples_are_the_formula),
        cmocka_unit_test(test_gradients_agree_with_differences),
        cmocka_unit_test(test_gradients_are_finite_everywhere),
        cmocka_unit_test(test_kl),
        cmocka_unit_test(test_threads_change_no_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
