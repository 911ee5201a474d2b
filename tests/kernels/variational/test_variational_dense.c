/*
 * The estimators of variational dense layers against their formulas in double with the same draws, their gradients
 * against finite differences with the draws held fixed, and against each other in expectation.
 */
#include "kernels/variational/variational_dense.h"

#include "harness/base/memory.h"
#include "kernels/variational/variational.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const float prior = 0.7f, kl_weight = 0.03f;

typedef struct layer {
    chirp_dense_desc desc;
    chirp_variational_estimator estimator;
    chirp_variational_draws draws;
    float *src, *mu, *rho, *bia, *dst, *ddst, *loss; /* loss = <loss, dst> + kl_weight KL */
    float *dmu, *drho, *dbia, *dsrc;
    float *eps, *sign_in, *sign_out; /* the draws themselves, for the reference */
    chirp_variational_dense_plan *plan;
} layer;

static float *numbers(int64_t n, uint32_t which)
{
    float *x = chirp_alloc((size_t)n * sizeof *x);
    assert_non_null(x);
    chirp_rng_normal(chirp_rng_stream(3, CHIRP_RNG_TEST, which, (uint64_t)n), 0, n, x);
    return x;
}

static chirp_variational_draws draws_of_step(uint64_t step)
{
    return (chirp_variational_draws){.noise = chirp_rng_stream(7, CHIRP_RNG_WEIGHT_NOISE, 1, step),
                                     .sign_in = chirp_rng_stream(7, CHIRP_RNG_SIGNS, 2, step),
                                     .sign_out = chirp_rng_stream(7, CHIRP_RNG_SIGNS, 3, step),
                                     .first_row = 5};
}

static void load_draws(layer *l)
{
    const int64_t N = l->desc.N, I = l->desc.I, O = l->desc.O;
    const chirp_variational_draws *d = &l->draws;
    if (l->estimator == CHIRP_VARIATIONAL_LOCAL)
        chirp_rng_normal(d->noise, d->first_row * (uint64_t)O, N * O, l->eps);
    else
        chirp_rng_normal(d->noise, 0, I * O, l->eps);
    chirp_rng_sign(d->sign_in, d->first_row * (uint64_t)I, N * I, l->sign_in);
    chirp_rng_sign(d->sign_out, d->first_row * (uint64_t)O, N * O, l->sign_out);
}

static layer make(chirp_dense_desc d, chirp_variational_estimator estimator)
{
    const int64_t N = d.N, I = d.I, O = d.O;
    layer l = {.desc = d, .estimator = estimator, .draws = draws_of_step(11)};
    l.src = numbers(N * I, 1);
    l.mu = numbers(I * O, 2);
    l.rho = numbers(I * O, 3);
    l.bia = numbers(O, 4);
    l.loss = numbers(N * O, 5);
    l.dst = numbers(N * O, 6);
    l.ddst = numbers(N * O, 7);
    l.dmu = numbers(I * O, 8);
    l.drho = numbers(I * O, 9);
    l.dbia = numbers(O, 10);
    l.dsrc = numbers(N * I, 11);
    l.eps = numbers(I * O + N * O, 12);
    l.sign_in = numbers(N * I, 13);
    l.sign_out = numbers(N * O, 14);
    for (int64_t i = 0; i < I * O; ++i) {
        l.mu[i] /= sqrtf((float)I);
        l.rho[i] = l.rho[i] - 0.5f;
    }
    load_draws(&l);
    assert_int_equal(chirp_variational_dense_plan_create(&d, estimator, &l.plan), CHIRP_OK);
    return l;
}

static void release(layer *l)
{
    float *all[] = {l->src, l->mu,   l->rho,  l->bia,  l->dst, l->ddst,    l->loss,
                    l->dmu, l->drho, l->dbia, l->dsrc, l->eps, l->sign_in, l->sign_out};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; ++i)
        chirp_free(all[i]);
    chirp_variational_dense_plan_destroy(l->plan);
}

/* The header's formulas, one output at a time. */
static double output(const layer *l, int64_t n, int64_t o)
{
    const int64_t I = l->desc.I, O = l->desc.O;
    double mean = (double)l->bia[o], second = 0;
    for (int64_t i = 0; i < I; ++i) {
        const double x = (double)l->src[n * I + i],
                     sigma = chirp_softplus((double)l->rho[o * I + i]);
        mean += x * (double)l->mu[o * I + i];
        if (l->estimator == CHIRP_VARIATIONAL_LOCAL)
            second += x * x * sigma * sigma;
        else if (l->estimator == CHIRP_VARIATIONAL_FLIPOUT)
            second += x * (double)l->sign_in[n * I + i] * sigma * (double)l->eps[o * I + i] *
                      (double)l->sign_out[n * O + o];
        else
            second += x * sigma * (double)l->eps[o * I + i];
    }
    if (l->estimator == CHIRP_VARIATIONAL_LOCAL)
        second = sqrt(second) * (double)l->eps[n * O + o];
    const double y = mean + second;
    if (l->desc.activation == CHIRP_ACTIVATION_RELU)
        return y > 0 ? y : 0;
    return l->desc.activation == CHIRP_ACTIVATION_TANH ? tanh(y) : y;
}

static double loss(const layer *l)
{
    double sum = 0;
    for (int64_t n = 0; n < l->desc.N; ++n)
        for (int64_t o = 0; o < l->desc.O; ++o)
            sum += (double)l->loss[n * l->desc.O + o] * output(l, n, o);
    for (int64_t i = 0; i < l->desc.I * l->desc.O; ++i) {
        const double sigma = chirp_softplus((double)l->rho[i]), m = (double)l->mu[i],
                     p = (double)prior;
        sum += (double)kl_weight * (log(p / sigma) + (sigma * sigma + m * m) / (2 * p * p) - 0.5);
    }
    return sum;
}

static void forward_and_backward(layer *l)
{
    memcpy(l->ddst, l->loss, (size_t)(l->desc.N * l->desc.O) * sizeof(float));
    const chirp_variational_weights weights = {l->mu, l->rho, l->bia};
    const chirp_variational_gradients gradients = {l->dmu, l->drho, l->dbia};
    const chirp_variational_dense_pass pass = {l->src, l->dst, l->ddst, l->dsrc};
    chirp_variational_dense_forward(l->plan, l->src, &weights, &l->draws, l->dst);
    chirp_variational_dense_backward(l->plan, &pass, &weights, &l->draws,
                                     (chirp_variational_prior){kl_weight, prior}, &gradients);
}

static void test_forward_is_the_formula(void **state)
{
    (void)state;
    const int64_t shape[][3] = {{1, 1, 1}, {3, 5, 2}, {64, 128, 1}, {37, 130, 33}, {16, 300, 128}};
    for (int e = 0; e < CHIRP_VARIATIONAL_ESTIMATORS; ++e) {
        for (size_t s = 0; s < sizeof shape / sizeof shape[0]; ++s) {
            for (int a = 0; a < 3; ++a) {
                layer l = make((chirp_dense_desc){.N = shape[s][0],
                                                  .I = shape[s][1],
                                                  .O = shape[s][2],
                                                  .activation = (chirp_activation)a,
                                                  .n_threads = 3},
                               (chirp_variational_estimator)e);
                chirp_variational_dense_forward(l.plan, l.src,
                                                &(chirp_variational_weights){l.mu, l.rho, l.bia},
                                                &l.draws, l.dst);
                double error = 0, size = 0;
                for (int64_t n = 0; n < l.desc.N; ++n) {
                    for (int64_t o = 0; o < l.desc.O; ++o) {
                        const double want = output(&l, n, o);
                        error += pow((double)l.dst[n * l.desc.O + o] - want, 2);
                        size += want * want;
                    }
                }
                /* normals are good to about 1e-6 of the reference's single-precision draws: those are shared; sigma to
                   2e-7, sums of I terms to sqrt(I) 6e-8 */
                if (!(sqrt(error) <= 2e-6 * sqrt(size)))
                    fail_msg("%s, shape %d, activation %d: relative error %g",
                             chirp_variational_estimator_name[e], (int)s, a, sqrt(error / size));
                release(&l);
            }
        }
    }
}

static void test_gradients_agree_with_differences(void **state)
{
    (void)state;
    for (int e = 0; e < CHIRP_VARIATIONAL_ESTIMATORS; ++e) {
        for (int a = 0; a < 3; ++a) {
            layer l = make(
                (chirp_dense_desc){
                    .N = 6, .I = 9, .O = 5, .activation = (chirp_activation)a, .n_threads = 2},
                (chirp_variational_estimator)e);
            forward_and_backward(&l);
            const struct {
                const char *name;
                float *x;
                const float *gradient;
                int64_t n;
            } check[] = {{"mu", l.mu, l.dmu, 45},
                         {"rho", l.rho, l.drho, 45},
                         {"bia", l.bia, l.dbia, 5},
                         {"src", l.src, l.dsrc, 54}};
            for (int c = 0; c < 4; ++c) {
                for (int64_t i = 0; i < check[c].n; ++i) {
                    const float x = check[c].x[i], up = x + 0x1p-11f, down = x - 0x1p-11f;
                    check[c].x[i] = up;
                    const double high = loss(&l);
                    check[c].x[i] = down;
                    const double low = loss(&l);
                    check[c].x[i] = x;
                    const double want = (high - low) / ((double)up - (double)down);
                    /* the step's own error is about h^2 = 2e-7 times a third derivative of order ten */
                    if (!(fabs((double)check[c].gradient[i] - want) <= 1e-5 * (1 + fabs(want))))
                        fail_msg("%s, activation %d, d%s[%d]: %g, differences give %g",
                                 chirp_variational_estimator_name[e], a, check[c].name, (int)i,
                                 (double)check[c].gradient[i], want);
                }
            }
            release(&l);
        }
    }
}

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    static const int teams[] = {2, 3, 16, 40}; /* 57 MFLOP: work for 40 threads on few processors */
    for (int e = 0; e < CHIRP_VARIATIONAL_ESTIMATORS; ++e) {
        chirp_dense_desc d = {
            .N = 96, .I = 333, .O = 900, .activation = CHIRP_ACTIVATION_RELU, .n_threads = 1};
        layer one = make(d, (chirp_variational_estimator)e);
        forward_and_backward(&one);
        for (size_t t = 0; t < sizeof teams / sizeof teams[0]; ++t) {
            d.n_threads = teams[t];
            layer l = make(d, (chirp_variational_estimator)e);
            forward_and_backward(&l);
            assert_memory_equal(l.dst, one.dst, (size_t)(d.N * d.O) * sizeof(float));
            assert_memory_equal(l.dmu, one.dmu, (size_t)(d.I * d.O) * sizeof(float));
            assert_memory_equal(l.drho, one.drho, (size_t)(d.I * d.O) * sizeof(float));
            assert_memory_equal(l.dbia, one.dbia, (size_t)d.O * sizeof(float));
            assert_memory_equal(l.dsrc, one.dsrc, (size_t)(d.N * d.I) * sizeof(float));
            release(&l);
        }
        release(&one);
    }
}

/* Two halves of a batch, as two ranks would have them, give the rows of the whole. */
static void test_pieces_of_a_batch_agree_with_the_whole(void **state)
{
    (void)state;
    for (int e = 0; e < CHIRP_VARIATIONAL_ESTIMATORS; ++e) {
        chirp_dense_desc d = {.N = 20, .I = 77, .O = 13, .n_threads = 2};
        layer whole = make(d, (chirp_variational_estimator)e);
        forward_and_backward(&whole);
        chirp_variational_dense_plan *plan = NULL;
        d.N = 10;
        assert_int_equal(chirp_variational_dense_plan_create(&d, whole.estimator, &plan), CHIRP_OK);
        chirp_variational_draws draws = whole.draws;
        draws.first_row += 10;
        float dst[130];
        chirp_variational_dense_forward(
            plan, whole.src + 10 * d.I,
            &(chirp_variational_weights){whole.mu, whole.rho, whole.bia}, &draws, dst);
        assert_memory_equal(dst, whole.dst + 10 * d.O, sizeof dst);
        /* without draws: the means */
        chirp_variational_dense_forward(
            plan, whole.src, &(chirp_variational_weights){whole.mu, whole.rho, whole.bia}, NULL,
            dst);
        for (int64_t o = 0; o < d.O; ++o) {
            double want = (double)whole.bia[o];
            for (int64_t i = 0; i < d.I; ++i)
                want += (double)whole.src[i] * (double)whole.mu[o * d.I + i];
            assert_true(fabs((double)dst[o] - want) < 1e-5);
        }
        chirp_variational_dense_plan_destroy(plan);
        release(&whole);
    }
}

/*
 * Over many steps the three estimators' gradients have one mean, and for a batch of equal rows, where the shared draw of
 * reparameterization hurts most, the variance of local and flipout is about 1/N of it. For row n let g_n be its
 * gradient: reparameterization has Var(sum g) = N^2 Var(g_1) when rows are equal; the others decorrelate rows. The loss
 * is <loss, y> + quadratic term from tanh, so that gradients do depend on the noise.
 */
static void test_estimators_agree_and_order(void **state)
{
    (void)state;
    enum { STEPS = 20000, W = 6 };
    double mean[3][2][W], variance[3][2][W];
    for (int e = 0; e < CHIRP_VARIATIONAL_ESTIMATORS; ++e) {
        layer l = make(
            (chirp_dense_desc){
                .N = 16, .I = 3, .O = 2, .activation = CHIRP_ACTIVATION_TANH, .n_threads = 1},
            (chirp_variational_estimator)e);
        for (int64_t i = 0; i < 48; ++i)
            l.src[i] = l.src[i % 3] * 0.5f;
        for (int64_t i = 0; i < 32; ++i)
            l.loss[i] = 1;
        double sum[2][W] = {{0}}, squares[2][W] = {{0}};
        for (int step = 0; step < STEPS; ++step) {
            l.draws = draws_of_step(
                (uint64_t)(step + e * STEPS)); /* independent between the estimators */
            forward_and_backward(&l);
            for (int i = 0; i < W; ++i) {
                const double g[2] = {(double)l.dmu[i], (double)l.drho[i]};
                for (int k = 0; k < 2; ++k) {
                    sum[k][i] += g[k];
                    squares[k][i] += g[k] * g[k];
                }
            }
        }
        for (int k = 0; k < 2; ++k) {
            for (int i = 0; i < W; ++i) {
                mean[e][k][i] = sum[k][i] / STEPS;
                variance[e][k][i] = squares[k][i] / STEPS - mean[e][k][i] * mean[e][k][i];
            }
        }
        release(&l);
    }
    double ratio_local = 0, ratio_flipout = 0;
    for (int k = 0; k < 2; ++k) {
        for (int i = 0; i < W; ++i) {
            for (int e = 1; e < 3; ++e) {
                const double standard_error = sqrt((variance[e][k][i] + variance[0][k][i]) / STEPS);
                if (!(fabs(mean[e][k][i] - mean[0][k][i]) <= 5 * standard_error))
                    fail_msg("%s: mean of gradient %d of %s is %g, of reparameterization %g, "
                             "standard error %g",
                             chirp_variational_estimator_name[e], i, k ? "rho" : "mu",
                             mean[e][k][i], mean[0][k][i], standard_error);
            }
            ratio_local += variance[1][k][i] / variance[0][k][i] / (2 * W);
            ratio_flipout += variance[2][k][i] / variance[0][k][i] / (2 * W);
        }
    }
    print_message("variance over reparameterization's, 16 equal rows: local %.3f, flipout %.3f\n",
                  ratio_local, ratio_flipout);
    assert_true(ratio_local <
                0.2); /* 1/16 and less: local also averages over the inputs of an output */
    assert_true(ratio_flipout < 0.5); /* rows share one |delta|, whose fluctuation stays */
    assert_true(ratio_local < ratio_flipout);
}

static void test_zero_inputs_have_zero_gradients(void **state)
{
    (void)state;
    layer l =
        make((chirp_dense_desc){.N = 4, .I = 20, .O = 3, .n_threads = 1}, CHIRP_VARIATIONAL_LOCAL);
    memset(l.src, 0, 80 * sizeof *l.src);
    forward_and_backward(&l); /* variances are 0: their square root has no slope */
    for (int i = 0; i < 80; ++i)
        assert_true(isfinite(l.dsrc[i]));
    for (int i = 0; i < 60; ++i)
        assert_true(isfinite(l.dmu[i]) && isfinite(l.drho[i]));
    release(&l);
}

static void test_impossible_plans_say_why(void **state)
{
    (void)state;
    chirp_variational_dense_plan *plan = NULL;
    chirp_dense_desc d = {.N = 1, .I = 0, .O = 1};
    assert_int_equal(chirp_variational_dense_plan_create(&d, CHIRP_VARIATIONAL_LOCAL, &plan),
                     CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "I = 0"));
    d.I = 1;
    assert_int_equal(chirp_variational_dense_plan_create(&d, (chirp_variational_estimator)9, &plan),
                     CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "estimator 9"));
    assert_null(plan);
    chirp_variational_dense_plan_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward_is_the_formula),
        cmocka_unit_test(test_gradients_agree_with_differences),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_pieces_of_a_batch_agree_with_the_whole),
        cmocka_unit_test(test_estimators_agree_and_order),
        cmocka_unit_test(test_zero_inputs_have_zero_gradients),
        cmocka_unit_test(test_impossible_plans_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
