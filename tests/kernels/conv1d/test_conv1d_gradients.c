/*
 * The gradients are those of the forward pass: central differences of the reference, and the adjoint identity
 * <ddst, conv(src; wei)> = <backward_data(ddst), src> = <backward_weights(ddst), wei> for the fast passes.
 */
#include "conv1d_case.h"

static double inner(const float *x, const float *y, int64_t n)
{
    double sum = 0.0;
    for (int64_t i = 0; i < n; ++i)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

static double norm(const float *x, int64_t n) { return sqrt(inner(x, x, n)); }

static void check_adjoint(chirp_conv1d_algorithm algorithm)
{
    chirp_conv1d_desc d = case_shape(algorithm);
    d.relu = false; /* linear without bias */
    d.pool = 1;
    if (!case_supported(&d))
        return;
    conv1d_tensors t = case_create(&d, false);
    memset(t.bia, 0, (size_t)d.K * sizeof *t.bia);
    case_run(&d, &t, NULL, &t);
    const double forward = inner(t.ddst, t.dst, t.n_dst);
    const double data = inner(t.dsrc, t.src, t.n_src), weights = inner(t.dwei, t.wei, t.n_wei);
    /* each result is good to a few times sqrt(terms) roundings of its norm; terms < 4096 here */
    const double tol = 64.0 * 0x1p-24 *
                       (norm(t.ddst, t.n_dst) * norm(t.dst, t.n_dst) +
                        norm(t.dsrc, t.n_src) * norm(t.src, t.n_src) +
                        norm(t.dwei, t.n_wei) * norm(t.wei, t.n_wei));
    if (!(fabs(forward - data) <= tol && fabs(forward - weights) <= tol))
        fail_msg("%s: <ddst, dst> %.9g, <dsrc, src> %.9g, <dwei, wei> %.9g, tolerance %.3g",
                 case_name(&d), forward, data, weights, tol);
    case_free(&t);
}

static void test_adjoint(void **unused)
{
    (void)unused;
    for (int round = 0; round < 50; ++round) {
        for (int a = CHIRP_CONV1D_AUTO; a < CHIRP_CONV1D_ALGORITHMS; ++a)
            check_adjoint((chirp_conv1d_algorithm)a);
    }
}

/* Loss sum(ddst * dst) of the reference at the present values; false when a kink was crossed (codes changed). */
static bool loss(chirp_conv1d_plan *plan, const conv1d_tensors *t, const uint8_t *codes,
                 double *value)
{
    chirp_conv1d_load_weights(plan, t->wei);
    chirp_conv1d_forward(plan, t->src, t->bia, t->dst, t->code);
    *value = inner(t->ddst, t->dst, t->n_dst);
    const bool coded = t->desc.relu || t->desc.pool > 1;
    return !coded || memcmp(codes, t->code, (size_t)t->n_dst) == 0;
}

/*
 * Between kinks the loss is linear in each single input, so a central difference has no truncation error and the step
 * may be large; what remains is the rounding of dst to float, about u * |dst| * sqrt(n) / step.
 */
static int check_difference(chirp_conv1d_plan *plan, conv1d_tensors *t, const uint8_t *codes,
                            float *x, double want, const char *what)
{
    const float saved = *x, step = 0x1p-5f;
    double above = 0.0, below = 0.0;
    *x = saved + step;
    const float up = *x;
    bool smooth = loss(plan, t, codes, &above);
    *x = saved - step;
    const float down = *x;
    smooth = loss(plan, t, codes, &below) && smooth;
    *x = saved;
    if (!smooth)
        return 0;
    const double got = (above - below) / ((double)up - (double)down);
    const double tol = 0x1p-22 * norm(t->dst, t->n_dst) * 8.0 / (double)step + 1e-6 * fabs(want);
    if (!(fabs(got - want) <= tol))
        fail_msg("%s: d loss / d %s is %.9g, differences say %.9g, tolerance %.3g",
                 case_name(&t->desc), what, want, got, tol);
    return 1;
}

static void test_differences_of_the_reference(void **unused)
{
    (void)unused;
    int checked = 0;
    for (int round = 0; round < 30; ++round) {
        chirp_conv1d_desc d = case_shape(CHIRP_CONV1D_REFERENCE);
        d.C = 1 + d.C % 5;
        d.K = 1 + d.K % 5;
        conv1d_tensors t = case_create(&d, false);
        chirp_conv1d_plan *plan = case_plan(&d);
        case_run(&d, &t, NULL, &t);
        uint8_t *codes = case_alloc(t.n_dst, 1);
        memcpy(codes, t.code, (size_t)t.n_dst);
        for (int i = 0; i < 5; ++i) {
            const int64_t a = case_random((uint32_t)t.n_src), b = case_random((uint32_t)t.n_wei),
                          c = case_random((uint32_t)d.K);
            checked += check_difference(plan, &t, codes, t.src + a, (double)t.dsrc[a], "src");
            checked += check_difference(plan, &t, codes, t.wei + b, (double)t.dwei[b], "wei");
            checked += check_difference(plan, &t, codes, t.bia + c, (double)t.dbia[c], "bia");
        }
        chirp_free(codes);
        chirp_conv1d_plan_destroy(plan);
        case_free(&t);
    }
    assert_true(checked > 100); /* kinks must not have hidden the test */
}

static void test_both_gradients_in_one_call(void **unused)
{
    (void)unused;
    for (int round = 0; round < 20; ++round) {
        const chirp_conv1d_desc d = case_shape(round % 2 ? CHIRP_CONV1D_DIRECT : CHIRP_CONV1D_AUTO);
        conv1d_tensors t = case_create(&d, false), both = case_results(&d),
                       weights_only = case_results(&d);
        case_run(&d, &t, NULL, &t);
        chirp_conv1d_plan *plan = case_plan(&d);
        chirp_conv1d_load_weights(plan, t.wei);
        chirp_conv1d_backward(plan, t.src, t.ddst, t.code, both.dsrc, both.dwei, both.dbia);
        chirp_conv1d_backward(plan, t.src, t.ddst, t.code, NULL, weights_only.dwei, NULL);
        chirp_conv1d_plan_destroy(plan);
        case_check_guards(&both);
        const float *pairs[][2] = {{both.dsrc, t.dsrc},
                                   {both.dwei, t.dwei},
                                   {both.dbia, t.dbia},
                                   {weights_only.dwei, t.dwei}};
        const int64_t sizes[] = {t.n_src, t.n_wei, d.K, t.n_wei};
        for (int i = 0; i < 4; ++i) {
            double difference = 0.0;
            for (int64_t j = 0; j < sizes[i]; ++j) {
                const double e = (double)pairs[i][0][j] - (double)pairs[i][1][j];
                difference += e * e;
            }
            if (!(sqrt(difference) <= 5e-6 * norm(pairs[i][1], sizes[i])))
                fail_msg("%s: result %d of the combined call differs", case_name(&d), i);
        }
        assert_true(isnan(weights_only.dbia[0])); /* NULL means untouched */
        case_free(&t);
        case_free_results(&both);
        case_free_results(&weights_only);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adjoint),
        cmocka_unit_test(test_differences_of_the_reference),
        cmocka_unit_test(test_both_gradients_in_one_call),
    };
    return cmocka_run_group_tests_name("conv1d_gradients", tests, NULL, NULL);
}
