/*
 * Perturbed weights (Flipout's signs on spectra) against their definition: every row of the batch convolved by the
 * reference with weights of its own, wei + out in^T o delta. Gradients are sums over those rows.
 */
#include "conv1d_case.h"

enum { RANDOM_SHAPES = 25 };

static float *signs_create(int64_t n)
{
    float *s = case_alloc(n, sizeof *s);
    for (int64_t i = 0; i < n; ++i)
        s[i] = case_random(2) ? 1.0f : -1.0f;
    return s;
}

/* sign of weight i of row n */
static float sign_of(const chirp_conv1d_desc *d, const chirp_conv1d_signs *signs, int64_t n,
                     int64_t i)
{
    return signs->out[n * d->K + i / (d->C * d->S)] * signs->in[n * d->C + i / d->S % d->C];
}

/* All results row by row; gradients use `code`, that of the call under test. */
static void by_definition(const conv1d_tensors *in, const chirp_conv1d_signs *signs,
                          const float *delta, const uint8_t *code, conv1d_tensors *out,
                          float *ddelta)
{
    chirp_conv1d_desc row = case_reference(&in->desc);
    const int64_t N = row.N, n_src = in->n_src / N, n_dst = in->n_dst / N;
    row.N = 1;
    row.perturbed = false;
    chirp_conv1d_plan *plan = case_plan(&row);
    float *wei = case_alloc(in->n_wei, sizeof *wei), *dwei = case_alloc(in->n_wei, sizeof *dwei);
    float *dbia = case_alloc(row.K, sizeof *dbia);
    for (int64_t n = 0; n < N; ++n) {
        for (int64_t i = 0; i < in->n_wei; ++i)
            wei[i] = in->wei[i] + sign_of(&row, signs, n, i) * delta[i];
        chirp_conv1d_load_weights(plan, wei);
        chirp_conv1d_forward(plan, in->src + n * n_src, in->bia, out->dst + n * n_dst, NULL);
        chirp_conv1d_backward(plan, in->src + n * n_src, in->ddst + n * n_dst, code + n * n_dst,
                              out->dsrc + n * n_src, dwei, dbia);
        for (int64_t i = 0; i < in->n_wei; ++i) {
            out->dwei[i] = (n ? out->dwei[i] : 0.0f) + dwei[i];
            ddelta[i] = (n ? ddelta[i] : 0.0f) + sign_of(&row, signs, n, i) * dwei[i];
        }
        for (int64_t k = 0; k < row.K; ++k)
            out->dbia[k] = (n ? out->dbia[k] : 0.0f) + dbia[k];
    }
    chirp_conv1d_plan_destroy(plan);
    chirp_free(wei);
    chirp_free(dwei);
    chirp_free(dbia);
}

static void run(const chirp_conv1d_desc *d, const conv1d_tensors *in,
                const chirp_conv1d_signs *signs, const float *delta, conv1d_tensors *out,
                float *ddelta)
{
    chirp_conv1d_plan *plan = case_plan(d);
    chirp_conv1d_load_weights(plan, in->wei);
    chirp_conv1d_load_perturbation(plan, delta);
    chirp_conv1d_forward_perturbed(plan, signs, in->src, in->bia, out->dst, out->code);
    const chirp_conv1d_perturbed_gradients gradients = {out->dsrc, out->dwei, ddelta, out->dbia};
    chirp_conv1d_backward_perturbed(plan, signs, in->src, in->ddst, out->code, &gradients);
    chirp_conv1d_plan_destroy(plan);
}

static void check_shape(const chirp_conv1d_desc *d)
{
    conv1d_tensors got = case_create(d, false), want = case_results(d), again = case_results(d);
    float *delta = case_fill(got.n_wei, false), *ddelta = case_result(got.n_wei);
    float *want_ddelta = case_result(got.n_wei), *again_ddelta = case_result(got.n_wei);
    float *sign_in = signs_create(d->N * d->C), *sign_out = signs_create(d->N * d->K);
    const chirp_conv1d_signs signs = {sign_in, sign_out};
    run(d, &got, &signs, delta, &got, ddelta);
    by_definition(&got, &signs, delta, got.code, &want, want_ddelta);
    case_check_guards(&got);
    assert_true(ddelta[got.n_wei] == GUARD_VALUE);
    case_near_l2(d, "dst", got.dst, want.dst, got.n_dst, 0.0);
    case_near_l2(d, "dsrc", got.dsrc, want.dsrc, got.n_src, 0.0);
    case_near_l2(d, "dwei", got.dwei, want.dwei, got.n_wei, 0.0);
    case_near_l2(d, "ddelta", ddelta, want_ddelta, got.n_wei, 0.0);
    case_near_l2(d, "dbia", got.dbia, want.dbia, d->K, case_l2_norm(got.ddst, got.n_dst));

    chirp_conv1d_desc threads = *d;
    threads.n_threads = d->n_threads + 3;
    run(&threads, &got, &signs, delta, &again, again_ddelta);
    assert_memory_equal(again.dst, got.dst, (size_t)got.n_dst * sizeof *got.dst);
    assert_memory_equal(again.dsrc, got.dsrc, (size_t)got.n_src * sizeof *got.dsrc);
    assert_memory_equal(again.dwei, got.dwei, (size_t)got.n_wei * sizeof *got.dwei);
    assert_memory_equal(again_ddelta, ddelta, (size_t)got.n_wei * sizeof *ddelta);
    case_free_results(&want);
    case_free_results(&again);
    case_free(&got);
    float *all[] = {delta, ddelta, want_ddelta, again_ddelta, sign_in, sign_out};
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        chirp_free(all[i]);
}

static void test_random_shapes(void **unused)
{
    (void)unused;
    for (int i = 0; i < RANDOM_SHAPES; ++i) {
        chirp_conv1d_desc d = case_transform_shape();
        d.perturbed = true;
        check_shape(&d);
    }
}

/* Blocks of samples (the batch is cut when its spectra outgrow the cache), several panels, and an odd rest. */
static void test_blocks_and_panels(void **unused)
{
    (void)unused;
    const chirp_conv1d_desc d = {.N = 11,
                                 .C = 128,
                                 .K = 144,
                                 .W = 2000,
                                 .S = 2,
                                 .dilation = 2,
                                 .relu = true,
                                 .pool = 4,
                                 .algorithm = CHIRP_CONV1D_TRANSFORM,
                                 .n_threads = 2,
                                 .perturbed = true};
    chirp_conv1d_plan *plan = case_plan(&d);
    assert_null(strstr(chirp_conv1d_plan_describe(plan, CHIRP_CONV1D_FORWARD), " 11 samples"));
    chirp_conv1d_plan_destroy(plan);
    check_shape(&d);
}

/* Plain calls of a perturbed plan ignore the perturbation. */
static void test_plain_calls(void **unused)
{
    (void)unused;
    chirp_conv1d_desc plain = case_transform_shape(), perturbed = plain;
    perturbed.perturbed = true;
    conv1d_tensors got = case_create(&plain, false), again = case_results(&plain);
    case_run(&plain, &got, NULL, &got);
    chirp_conv1d_plan *plan = case_plan(&perturbed);
    chirp_conv1d_load_weights(plan, got.wei);
    chirp_conv1d_forward(plan, got.src, got.bia, again.dst, again.code);
    chirp_conv1d_plan_destroy(plan);
    case_near_l2(&plain, "dst", again.dst, got.dst, got.n_dst, 0.0);
    case_free_results(&again);
    case_free(&got);
}

static void refused(chirp_conv1d_desc d)
{
    chirp_conv1d_plan *plan = NULL;
    assert_int_equal(chirp_conv1d_plan_create(&d, &plan), CHIRP_ERR_UNSUPPORTED);
    assert_null(plan);
    assert_non_null(strstr(chirp_error_message(), "perturbed"));
}

static void test_refusals(void **unused)
{
    (void)unused;
    chirp_conv1d_desc d = {
        .N = 2, .C = 16, .K = 16, .W = 40, .S = 3, .dilation = 1, .pool = 1, .perturbed = true};
    d.algorithm = CHIRP_CONV1D_DIRECT;
    refused(d);
    d.algorithm = CHIRP_CONV1D_REFERENCE;
    refused(d);
    d.algorithm = CHIRP_CONV1D_AUTO;
    d.C = 4;
    refused(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_shapes),
        cmocka_unit_test(test_blocks_and_panels),
        cmocka_unit_test(test_plain_calls),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("conv1d perturbed", tests, NULL, NULL);
}
