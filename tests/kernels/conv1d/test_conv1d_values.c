/*
 * Every fast algorithm against the reference at random shapes: small integers must agree bit for bit (direct; sums stay
 * below 2^24), random floats within the rounding bound of each element's own sum.
 */
#include "conv1d_case.h"

static double gamma_of(double n)
{
    const double u = 0x1p-24;
    return n * u / (1.0 - n * u);
}

static void equal_bits(const chirp_conv1d_desc *d, const char *what, const void *got,
                       const void *want, size_t bytes)
{
    if (memcmp(got, want, bytes) != 0)
        fail_msg("%s: %s differs from the reference", case_name(d), what);
}

static void test_integers(void **unused)
{
    (void)unused;
    for (int round = 0; round < 150; ++round) {
        const chirp_conv1d_desc d = case_shape(CHIRP_CONV1D_DIRECT), ref = case_reference(&d);
        conv1d_tensors got = case_create(&d, true), want = case_results(&d);
        case_run(&ref, &got, NULL, &want);
        case_run(&d, &got, want.code, &got);
        case_check_guards(&got);
        equal_bits(&d, "dst", got.dst, want.dst, (size_t)got.n_dst * 4);
        if (d.relu || d.pool > 1)
            equal_bits(&d, "code", got.code, want.code, (size_t)got.n_dst);
        equal_bits(&d, "dsrc", got.dsrc, want.dsrc, (size_t)got.n_src * 4);
        equal_bits(&d, "dwei", got.dwei, want.dwei, (size_t)got.n_wei * 4);
        equal_bits(&d, "dbia", got.dbia, want.dbia, (size_t)d.K * 4);
        case_free(&got);
        case_free_results(&want);
    }
}

static void within(const chirp_conv1d_desc *d, const char *what, const float *got,
                   const float *want, const float *magnitude, int64_t n, double terms)
{
    for (int64_t i = 0; i < n; ++i) {
        /* the reference rounds once more, as does its magnitude */
        const double bound =
            (gamma_of(terms + 2.0) + 0x1p-24) * (double)magnitude[i] * (1.0 + 0x1p-20) + 0x1p-140;
        if (!(fabs((double)got[i] - (double)want[i]) <= bound)) /* written so that NaN fails */
            fail_msg("%s: %s[%" PRId64 "] is %.9g, reference %.9g, bound %.3g", case_name(d), what,
                     i, (double)got[i], (double)want[i], bound);
    }
}

static void absolute(float *x, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        x[i] = fabsf(x[i]);
}

/* The winner that `code` names must be, but for rounding, the largest of its window. */
static void check_codes(const conv1d_tensors *t, const float *pre, const float *magnitude)
{
    const chirp_conv1d_desc *d = &t->desc;
    const int64_t Q = chirp_conv1d_out_width(d), P = Q / d->pool;
    for (int64_t i = 0; i < t->n_dst; ++i) {
        const int64_t n = i / (P * d->K), p = i / d->K % P, k = i % d->K;
        const int64_t first = (n * Q + p * d->pool) * d->K + k;
        double most = -INFINITY, bound = 0.0;
        for (int64_t j = 0; j < d->pool; ++j) {
            most = fmax(most, (double)pre[first + j * d->K]);
            bound = fmax(bound, (double)magnitude[first + j * d->K]);
        }
        bound *= 2.0 * gamma_of((double)(d->C * d->S + 2));
        const int code = t->code[i];
        if (code == CHIRP_CONV1D_INACTIVE) {
            if (!(d->relu && most <= bound && t->dst[i] == 0.0f))
                fail_msg("%s: window %" PRId64 " called inactive at %.9g", case_name(d), i, most);
        } else if (!(code < d->pool && (double)pre[first + code * d->K] >= most - bound &&
                     (!d->relu || t->dst[i] > 0.0f))) {
            fail_msg("%s: window %" PRId64 " names %d, which is not its largest", case_name(d), i,
                     code);
        }
    }
}

static void check_floats(chirp_conv1d_algorithm algorithm)
{
    const chirp_conv1d_desc d = case_shape(algorithm), ref = case_reference(&d);
    chirp_conv1d_desc plain = ref; /* pre-activations */
    plain.relu = false;
    plain.pool = 1;
    const int64_t Q = chirp_conv1d_out_width(&d), P = Q / d.pool;
    conv1d_tensors got = case_create(&d, false), want = case_results(&d);
    case_run(&ref, &got, NULL, &want);
    case_run(&d, &got, want.code, &got);
    case_check_guards(&got);

    conv1d_tensors pre = case_results(&plain), magnitude = case_results(&plain);
    chirp_conv1d_plan *plan = case_plan(&plain);
    chirp_conv1d_load_weights(plan, got.wei);
    chirp_conv1d_forward(plan, got.src, got.bia, pre.dst, NULL);
    chirp_conv1d_plan_destroy(plan);
    absolute(got.src, got.n_src);
    absolute(got.wei, got.n_wei);
    absolute(got.bia, d.K);
    absolute(got.ddst, got.n_dst);
    plan = case_plan(&plain);
    chirp_conv1d_load_weights(plan, got.wei);
    chirp_conv1d_forward(plan, got.src, got.bia, magnitude.dst, NULL);
    chirp_conv1d_plan_destroy(plan);
    if (d.relu || d.pool > 1)
        check_codes(&got, pre.dst, magnitude.dst);
    float *pooled =
        case_result(got.n_dst); /* largest magnitude in each window bounds its maximum's error */
    for (int64_t i = 0; i < got.n_dst; ++i) {
        const int64_t n = i / (P * d.K), p = i / d.K % P, k = i % d.K;
        pooled[i] = 0.0f;
        for (int64_t j = 0; j < d.pool; ++j)
            pooled[i] = fmaxf(pooled[i], magnitude.dst[(n * Q + p * d.pool + j) * d.K + k]);
    }
    within(&d, "dst", got.dst, want.dst, pooled, got.n_dst, (double)(d.C * d.S + 1));

    plan = case_plan(&ref); /* gradients of absolute values: their magnitudes */
    chirp_conv1d_load_weights(plan, got.wei);
    chirp_conv1d_backward_data(plan, got.ddst, want.code, magnitude.dsrc);
    chirp_conv1d_backward_weights(plan, got.src, got.ddst, want.code, magnitude.dwei,
                                  magnitude.dbia);
    chirp_conv1d_plan_destroy(plan);
    within(&d, "dsrc", got.dsrc, want.dsrc, magnitude.dsrc, got.n_src, (double)(d.K * d.S));
    within(&d, "dwei", got.dwei, want.dwei, magnitude.dwei, got.n_wei, (double)(d.N * Q));
    within(&d, "dbia", got.dbia, want.dbia, magnitude.dbia, d.K, (double)(d.N * Q));
    chirp_free(pooled);
    case_free_results(&pre);
    case_free_results(&magnitude);
    case_free_results(&want);
    case_free(&got);
}

static void test_floats_direct(void **unused)
{
    (void)unused;
    for (int round = 0; round < 100; ++round)
        check_floats(CHIRP_CONV1D_DIRECT);
}

static void test_nan_stays_visible(void **unused)
{
    (void)unused;
    for (int64_t at = 0; at < 4; ++at) {
        const chirp_conv1d_desc d = {.N = 1,
                                     .C = 1,
                                     .K = 17,
                                     .W = 4,
                                     .S = 1,
                                     .dilation = 1,
                                     .relu = true,
                                     .pool = 4,
                                     .algorithm = CHIRP_CONV1D_DIRECT,
                                     .n_threads = 1};
        conv1d_tensors t = case_create(&d, true);
        t.src[at] = NAN;
        for (int64_t k = 0; k < d.K; ++k)
            t.wei[k] = k % 2 ? 1.0f : -1.0f;
        case_run(&d, &t, NULL, &t);
        for (int64_t k = 0; k < d.K; ++k) {
            assert_true(isnan(t.dst[k]));
            assert_int_not_equal(t.code[k], CHIRP_CONV1D_INACTIVE);
        }
        case_free(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_floats_direct),
        cmocka_unit_test(test_nan_stays_visible),
    };
    return cmocka_run_group_tests_name("conv1d_values", tests, NULL, NULL);
}
