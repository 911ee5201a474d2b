/* Plans: impossible shapes are refused with a sentence, threads change no bit, weights can be loaded again. */
#include "conv1d_case.h"

static const chirp_conv1d_desc good = {
    .N = 2, .C = 3, .K = 5, .W = 40, .S = 7, .dilation = 2, .relu = true, .pool = 4};

static void refused(chirp_conv1d_desc d, const char *named)
{
    chirp_conv1d_plan *plan = NULL;
    assert_int_equal(chirp_conv1d_plan_create(&d, &plan), CHIRP_ERR_ARG);
    assert_null(plan);
    if (!strstr(chirp_error_message(), named))
        fail_msg("sentence \"%s\" does not name \"%s\"", chirp_error_message(), named);
}

static void test_impossible_shapes(void **unused)
{
    (void)unused;
    chirp_conv1d_desc d = good;
    d.N = 0;
    refused(d, "N (batch)");
    d = good;
    d.C = 0;
    refused(d, "C (in channels)");
    d = good;
    d.K = -1;
    refused(d, "K (filters)");
    d = good;
    d.S = 0;
    refused(d, "S (taps)");
    d = good;
    d.dilation = 0;
    refused(d, "dilation");
    d = good;
    d.pad_left = -1;
    refused(d, "pad_left");
    d = good;
    d.pool = 0;
    refused(d, "pool");
    d.pool = CHIRP_CONV1D_MAX_POOL + 1;
    refused(d, "pool");
    d = good;
    d.n_threads = -1;
    refused(d, "n_threads");
    d = good;
    d.S = 21; /* spans 41 of 40 samples */
    refused(d, "spans 41 samples");
    d = good;
    d.W = 14; /* two outputs, pool 4 */
    refused(d, "pool 4 is wider than the 2 outputs");
    d = good;
    d.W = INT64_MAX;
    refused(d, "W (width)");
    d = good;
    d.N = d.C = d.W = 2000000000;
    refused(d, "src (N*W*C)");
    d = good;
    d.K = d.C = 1000000000;
    refused(d, "wei (K*C*S)");
    d = good;
    d.K = d.N = 100000000;
    refused(d, "output (N*Q*K)");
    d = good;
    d.algorithm = (chirp_conv1d_algorithm)99;
    refused(d, "algorithm");
}

static void test_widths(void **unused)
{
    (void)unused;
    assert_int_equal(chirp_conv1d_out_width(&good), 28);
    assert_int_equal(chirp_conv1d_pooled_width(&good), 7);
    chirp_conv1d_desc d = good;
    d.S = 4;
    d.dilation = 1;
    chirp_conv1d_pad_same(&d); /* uneven: the smaller half on the left, as TensorFlow does */
    assert_int_equal(d.pad_left, 1);
    assert_int_equal(d.pad_right, 2);
    assert_int_equal(chirp_conv1d_out_width(&d), d.W);
    assert_true(chirp_conv1d_flops(&good) == 2.0 * 2 * 3 * 5 * 7 * 28);
    /* src 240, wei 105, dst 70 values with codes, bia 5 */
    assert_true(chirp_conv1d_bytes(&good, CHIRP_CONV1D_FORWARD) == 4.0 * (240 + 105 + 70 + 5) + 70);
}

static void test_threads_change_no_bit(void **unused)
{
    (void)unused;
    static const int threads[] = {2, 3, 7, 128};
    for (int round = 0; round < 8 * CHIRP_CONV1D_ALGORITHMS; ++round) {
        chirp_conv1d_desc d = case_shape((chirp_conv1d_algorithm)(round % CHIRP_CONV1D_ALGORITHMS));
        d.n_threads = 1;
        if (!case_supported(&d))
            continue;
        conv1d_tensors one = case_create(&d, false), many = case_results(&d);
        case_run(&d, &one, NULL, &one);
        for (size_t i = 0; i < sizeof threads / sizeof *threads; ++i) {
            d.n_threads = threads[i];
            case_run(&d, &one, NULL, &many);
            const bool same = memcmp(one.dst, many.dst, (size_t)one.n_dst * 4) == 0 &&
                              memcmp(one.code, many.code, (size_t)one.n_dst) == 0 &&
                              memcmp(one.dsrc, many.dsrc, (size_t)one.n_src * 4) == 0 &&
                              memcmp(one.dwei, many.dwei, (size_t)one.n_wei * 4) == 0 &&
                              memcmp(one.dbia, many.dbia, (size_t)d.K * 4) == 0;
            if (!same)
                fail_msg("%s: bits differ from one thread", case_name(&d));
        }
        case_free(&one);
        case_free_results(&many);
    }
}

static void test_weights_can_be_loaded_again(void **unused)
{
    (void)unused;
    chirp_conv1d_desc d = good;
    conv1d_tensors t = case_create(&d, false), fresh = case_results(&d);
    chirp_conv1d_plan *plan = case_plan(&d);
    chirp_conv1d_load_weights(plan, t.wei);
    chirp_conv1d_forward(plan, t.src, t.bia, t.dst, t.code);
    for (int64_t i = 0; i < t.n_wei; ++i)
        t.wei[i] = case_value(false);
    case_run(&d, &t, NULL, &fresh);
    assert_memory_not_equal(t.dst, fresh.dst, (size_t)t.n_dst * 4);
    chirp_conv1d_load_weights(plan, t.wei);
    chirp_conv1d_forward(plan, t.src, t.bia, t.dst, NULL); /* no code wanted */
    assert_memory_equal(t.dst, fresh.dst, (size_t)t.n_dst * 4);
    chirp_conv1d_plan_destroy(plan);
    chirp_conv1d_plan_destroy(NULL);
    case_free(&t);
    case_free_results(&fresh);
}

static void test_plan_says_what_it_does(void **unused)
{
    (void)unused;
    chirp_conv1d_desc d = good;
    chirp_conv1d_plan *plan = case_plan(&d);
    for (int pass = 0; pass < CHIRP_CONV1D_PASSES; ++pass) {
        const chirp_conv1d_algorithm chosen =
            chirp_conv1d_plan_algorithm(plan, (chirp_conv1d_pass)pass);
        assert_true(chosen != CHIRP_CONV1D_AUTO && chosen != CHIRP_CONV1D_REFERENCE);
        const char *text = chirp_conv1d_plan_describe(plan, (chirp_conv1d_pass)pass);
        assert_non_null(strstr(text, "auto"));
        assert_null(strchr(text, '\n'));
        assert_true(chirp_conv1d_plan_flops(plan, (chirp_conv1d_pass)pass) > 0.0);
    }
    chirp_conv1d_plan_destroy(plan);
    for (int a = CHIRP_CONV1D_AUTO + 1; a < CHIRP_CONV1D_ALGORITHMS; ++a) {
        d = good;
        d.algorithm = (chirp_conv1d_algorithm)a;
        d.C = d.K = 16;
        plan = case_plan(&d);
        const char *name = chirp_conv1d_algorithm_name(d.algorithm);
        for (int p = 0; p < CHIRP_CONV1D_PASSES; ++p) {
            const chirp_conv1d_pass pass = (chirp_conv1d_pass)p;
            assert_int_equal(chirp_conv1d_plan_algorithm(plan, pass), a);
            assert_ptr_equal(strstr(chirp_conv1d_plan_describe(plan, pass), name),
                             chirp_conv1d_plan_describe(plan, pass));
            const double moved = chirp_conv1d_plan_bytes(plan, pass);
            if (isfinite(moved)) /* nothing moves less than the least */
                assert_true(moved >=
                            chirp_conv1d_bytes(&d, pass) - 4.0 * (double)(d.K * d.C * d.S + d.K));
        }
        chirp_conv1d_plan_destroy(plan);
    }
}

/* What chirp_conv1d_supports() denies, a plan refuses with this error, and the other way round. */
static void test_supports_agrees_with_plans(void **unused)
{
    (void)unused;
    for (int round = 0; round < 40 * CHIRP_CONV1D_ALGORITHMS; ++round) {
        chirp_conv1d_desc d = case_shape((chirp_conv1d_algorithm)(round % CHIRP_CONV1D_ALGORITHMS));
        d.perturbed = round % 3 == 0;
        chirp_conv1d_plan *plan = NULL;
        assert_int_equal(chirp_conv1d_plan_create(&d, &plan),
                         case_supported(&d) ? CHIRP_OK : CHIRP_ERR_UNSUPPORTED);
        chirp_conv1d_plan_destroy(plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_impossible_shapes),
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_supports_agrees_with_plans),
        cmocka_unit_test(test_weights_can_be_loaded_again),
        cmocka_unit_test(test_plan_says_what_it_does),
    };
    return cmocka_run_group_tests_name("conv1d_plan", tests, NULL, NULL);
}
