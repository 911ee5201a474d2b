/*
 * Convolution by Fourier tiles against the reference.
 */
#include "conv1d_case.h"

#include "kernels/conv1d/fft/fft.h"

enum { RANDOM_SHAPES = 60 };

/* Every length against the double-precision definition, and back. */
static void test_codelets(void **unused)
{
    (void)unused;
    size_t n_ffts = 0;
    const conv1d_fft *fft = conv1d_ffts(&n_ffts);
    const int lanes = conv1d_fft_lanes();
    for (size_t i = 0; i < n_ffts; ++i, ++fft) {
        const int T = fft->length, n = T * 2 * lanes;
        float *twiddle = case_result(conv1d_fft_twiddle_floats(fft)), *x = case_fill(n, false);
        float *work = case_result(conv1d_fft_work_floats(fft)), *z = case_result(n);
        conv1d_fft_twiddle(fft, twiddle);
        const conv1d_signals in = {x, x + lanes, 2 * lanes}, out = {z, z + lanes, 2 * lanes};
        fft->plain(twiddle, &in, work, &out);
        double error = 0.0, norm = 0.0;
        for (int k = 0; k < T; ++k) {
            for (int l = 0; l < lanes; ++l) {
                double re = 0.0, im = 0.0;
                for (int t = 0; t < T; ++t) {
                    const double angle = 2.0 * 3.14159265358979323846 * (double)(k * t % T) / T;
                    const double a = (double)x[t * 2 * lanes + l],
                                 b = (double)x[(t * 2 + 1) * lanes + l];
                    re += a * cos(angle) + b * sin(angle);
                    im += b * cos(angle) - a * sin(angle);
                }
                error += pow(re - (double)z[k * 2 * lanes + l], 2) +
                         pow(im - (double)z[(k * 2 + 1) * lanes + l], 2);
                norm += re * re + im * im;
            }
        }
        if (!(error <= 4e-14 * norm))
            fail_msg("length %d: relative l2 error %.3g", T, sqrt(error / norm));

        /* rows u and v of two planes, and back to signals */
        const int64_t frequency = 6 * lanes;
        float *spectrum = case_result((T / 2 + 1) * frequency);
        const conv1d_spectrum at = {spectrum, frequency, 2 * lanes, lanes};
        fft->forward(twiddle, &in, work, &at);
        for (int f = 0; f <= T / 2; ++f)
            for (int l = 0; l < lanes; ++l) {
                const float *u = spectrum + f * frequency + l, *v = u + lanes;
                const float *z_f = z + f * 2 * lanes + l, *z_conj = z + (T - f) % T * 2 * lanes + l;
                if (f == 0 || f == T / 2)
                    assert_true(u[0] == z_f[0] && v[0] == z_f[lanes]);
                else
                    assert_true(u[0] == z_f[0] && u[2 * lanes] == z_f[lanes] && v[0] == z_conj[0] &&
                                v[2 * lanes] == -z_conj[lanes]);
            }
        fft->inverse(twiddle, &at, work, &out);
        for (int j = 0; j < n; ++j)
            z[j] /= (float)T;
        if (!(case_l2_distance(z, x, n) <= 4e-7 * case_l2_norm(x, n)))
            fail_msg("length %d: there and back has l2 error %.3g", T,
                     case_l2_distance(z, x, n) / case_l2_norm(x, n));
        assert_true(z[n] == GUARD_VALUE && work[conv1d_fft_work_floats(fft)] == GUARD_VALUE);
        chirp_free(twiddle);
        chirp_free(x);
        chirp_free(work);
        chirp_free(z);
        chirp_free(spectrum);
    }
}

static void check_codes(const conv1d_tensors *t, const float *pre)
{
    const chirp_conv1d_desc *d = &t->desc;
    const int64_t Q = chirp_conv1d_out_width(d), P = Q / d->pool;
    const double tol = 1e-5 * case_l2_norm(pre, d->N * Q * d->K) / sqrt((double)(d->N * Q * d->K));
    for (int64_t i = 0; i < t->n_dst; ++i) {
        const int64_t n = i / (P * d->K), p = i / d->K % P, k = i % d->K;
        const int64_t first = (n * Q + p * d->pool) * d->K + k;
        double most = -INFINITY;
        for (int64_t j = 0; j < d->pool; ++j)
            most = fmax(most, (double)pre[first + j * d->K]);
        const int code = t->code[i];
        const bool right = code == CHIRP_CONV1D_INACTIVE
                               ? d->relu && most <= tol && t->dst[i] == 0.0f
                               : code < d->pool && (double)pre[first + code * d->K] >= most - tol &&
                                     (!d->relu || t->dst[i] > 0.0f);
        if (!right)
            fail_msg("%s: window %" PRId64 " has code %d, largest %.9g", case_name(d), i, code,
                     most);
    }
}

/* All passes, and the combined one, against the reference; the passes back use the codes of the transform itself. */
static void check_shape(const chirp_conv1d_desc *d)
{
    const chirp_conv1d_desc ref = case_reference(d);
    conv1d_tensors got = case_create(d, false), want = case_results(d), both = case_results(d);
    case_run(d, &got, NULL, &got);
    case_run(&ref, &got, got.code, &want);
    case_check_guards(&got);
    case_near_l2(d, "dst", got.dst, want.dst, got.n_dst, 0.0);
    case_near_l2(d, "dsrc", got.dsrc, want.dsrc, got.n_src, 0.0);
    case_near_l2(d, "dwei", got.dwei, want.dwei, got.n_wei, 0.0);
    case_near_l2(d, "dbia", got.dbia, want.dbia, d->K, case_l2_norm(got.ddst, got.n_dst));

    chirp_conv1d_plan *plan = case_plan(d);
    assert_int_equal(chirp_conv1d_plan_algorithm(plan, CHIRP_CONV1D_FORWARD),
                     CHIRP_CONV1D_TRANSFORM);
    chirp_conv1d_load_weights(plan, got.wei);
    chirp_conv1d_forward(plan, got.src, got.bia, both.dst, NULL);
    assert_memory_equal(both.dst, got.dst, (size_t)got.n_dst * sizeof *got.dst);
    chirp_conv1d_backward(plan, got.src, got.ddst, got.code, both.dsrc, both.dwei, both.dbia);
    case_check_guards(&both);
    case_near_l2(d, "dsrc of both", both.dsrc, want.dsrc, got.n_src, 0.0);
    case_near_l2(d, "dwei of both", both.dwei, want.dwei, got.n_wei, 0.0);
    case_near_l2(d, "dbia of both", both.dbia, want.dbia, d->K, case_l2_norm(got.ddst, got.n_dst));
    chirp_conv1d_plan_destroy(plan);

    if (d->relu || d->pool > 1) {
        chirp_conv1d_desc plain = ref;
        plain.relu = false;
        plain.pool = 1;
        conv1d_tensors pre = case_results(&plain);
        plan = case_plan(&plain);
        chirp_conv1d_load_weights(plan, got.wei);
        chirp_conv1d_forward(plan, got.src, got.bia, pre.dst, NULL);
        chirp_conv1d_plan_destroy(plan);
        check_codes(&got, pre.dst);
        case_free_results(&pre);
    }
    case_free_results(&want);
    case_free_results(&both);
    case_free(&got);
}

static void test_random_shapes(void **unused)
{
    (void)unused;
    for (int round = 0; round < RANDOM_SHAPES; ++round) {
        const chirp_conv1d_desc d = case_transform_shape();
        check_shape(&d);
    }
}

/* conv2, conv3, conv4 with fewer channels: their tiles, pools and paddings. */
static const chirp_conv1d_desc layers[] = {
    {.N = 1, .C = 16, .K = 32, .W = 2044, .S = 16, .dilation = 2, .relu = true, .pool = 4},
    {.N = 2, .C = 32, .K = 64, .W = 503, .S = 16, .dilation = 2, .relu = true, .pool = 4},
    {.N = 2,
     .C = 64,
     .K = 64,
     .W = 118,
     .S = 32,
     .dilation = 2,
     .pad_left = 31,
     .pad_right = 31,
     .relu = true,
     .pool = 4},
    {.N = 1, .C = 16, .K = 32, .W = 2029, .S = 16, .dilation = 1, .relu = true, .pool = 4},
};

static void test_layers(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof layers / sizeof *layers; ++i) {
        chirp_conv1d_desc d = layers[i];
        d.algorithm = CHIRP_CONV1D_TRANSFORM;
        check_shape(&d);
    }
}

/* <ddst, conv(src)> = <dsrc, src> = <dwei, wei> */
static void test_adjoint(void **unused)
{
    (void)unused;
    for (int round = 0; round < 20; ++round) {
        chirp_conv1d_desc d = case_transform_shape();
        d.relu = false;
        d.pool = 1;
        conv1d_tensors t = case_create(&d, false);
        memset(t.bia, 0, (size_t)d.K * sizeof *t.bia);
        case_run(&d, &t, NULL, &t);
        double forward = 0.0, data = 0.0, weights = 0.0;
        for (int64_t i = 0; i < t.n_dst; ++i)
            forward += (double)t.ddst[i] * (double)t.dst[i];
        for (int64_t i = 0; i < t.n_src; ++i)
            data += (double)t.dsrc[i] * (double)t.src[i];
        for (int64_t i = 0; i < t.n_wei; ++i)
            weights += (double)t.dwei[i] * (double)t.wei[i];
        const double bound =
            CASE_L2_BOUND * case_l2_norm(t.ddst, t.n_dst) * case_l2_norm(t.dst, t.n_dst);
        if (!(fabs(forward - data) <= bound && fabs(forward - weights) <= bound))
            fail_msg("%s: <ddst, dst> %.9g, <dsrc, src> %.9g, <dwei, wei> %.9g, bound %.3g",
                     case_name(&d), forward, data, weights, bound);
        case_free(&t);
    }
}

static void same_bits(const chirp_conv1d_desc *d, const char *what, const void *got,
                      const void *want, size_t bytes)
{
    if (memcmp(got, want, bytes) != 0)
        fail_msg("%s: %s differs from one thread's", case_name(d), what);
}

static void run_both(const chirp_conv1d_desc *d, const conv1d_tensors *in, conv1d_tensors *out)
{
    chirp_conv1d_plan *plan = case_plan(d);
    chirp_conv1d_load_weights(plan, in->wei);
    chirp_conv1d_backward(plan, in->src, in->ddst, in->code, out->dsrc, out->dwei, out->dbia);
    chirp_conv1d_plan_destroy(plan);
}

static void test_threads(void **unused)
{
    (void)unused;
    static const int counts[] = {2, 3, 7, 128};
    chirp_conv1d_desc shapes[] = {layers[0], layers[1], layers[2], layers[3], layers[2]};
    shapes[0].N = 13; /* several blocks of samples, the last one smaller */
    shapes[4].C = 40;
    shapes[4].K = 24;
    shapes[4].dilation = 3;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i) {
        chirp_conv1d_desc d = shapes[i];
        d.algorithm = CHIRP_CONV1D_TRANSFORM;
        d.n_threads = 1;
        conv1d_tensors one = case_create(&d, false), one_both = case_results(&d);
        case_run(&d, &one, NULL, &one);
        run_both(&d, &one, &one_both);
        for (size_t j = 0; j < sizeof counts / sizeof *counts; ++j) {
            d.n_threads = counts[j];
            conv1d_tensors many = case_results(&d), both = case_results(&d);
            case_run(&d, &one, NULL, &many);
            run_both(&d, &one, &both);
            same_bits(&d, "dst", many.dst, one.dst, (size_t)one.n_dst * sizeof(float));
            same_bits(&d, "code", many.code, one.code, (size_t)one.n_dst);
            same_bits(&d, "dsrc", many.dsrc, one.dsrc, (size_t)one.n_src * sizeof(float));
            same_bits(&d, "dwei", many.dwei, one.dwei, (size_t)one.n_wei * sizeof(float));
            same_bits(&d, "dbia", many.dbia, one.dbia, (size_t)d.K * sizeof(float));
            same_bits(&d, "dsrc of both", both.dsrc, one_both.dsrc,
                      (size_t)one.n_src * sizeof(float));
            same_bits(&d, "dwei of both", both.dwei, one_both.dwei,
                      (size_t)one.n_wei * sizeof(float));
            same_bits(&d, "dbia of both", both.dbia, one_both.dbia, (size_t)d.K * sizeof(float));
            case_free_results(&both);
            case_free_results(&many);
        }
        case_free_results(&one_both);
        case_free(&one);
    }
}

/* Blocks of samples, the last one smaller, against samples one at a time. */
static void test_blocks(void **unused)
{
    (void)unused;
    chirp_conv1d_desc d = {.N = 19,
                           .C = 64,
                           .K = 64,
                           .W = 1030,
                           .S = 16,
                           .dilation = 2,
                           .relu = true,
                           .pool = 4,
                           .algorithm = CHIRP_CONV1D_TRANSFORM,
                           .n_threads = 2};
    conv1d_tensors all = case_create(&d, false);
    case_run(&d, &all, NULL, &all);
    chirp_conv1d_desc single = d;
    single.N = 1;
    chirp_conv1d_plan *plan = case_plan(&single);
    conv1d_tensors one = case_results(&single);
    double *sum = chirp_calloc((size_t)all.n_wei, sizeof *sum);
    assert_non_null(sum);
    chirp_conv1d_load_weights(plan, all.wei);
    for (int64_t n = 0; n < d.N; ++n) {
        const float *src = all.src + n * one.n_src, *ddst = all.ddst + n * one.n_dst;
        const uint8_t *code = all.code + n * one.n_dst;
        chirp_conv1d_forward(plan, src, all.bia, one.dst, NULL);
        chirp_conv1d_backward(plan, src, ddst, code, one.dsrc, one.dwei, one.dbia);
        case_near_l2(&d, "dst of a sample", all.dst + n * one.n_dst, one.dst, one.n_dst, 0.0);
        case_near_l2(&d, "dsrc of a sample", all.dsrc + n * one.n_src, one.dsrc, one.n_src, 0.0);
        for (int64_t i = 0; i < one.n_wei; ++i)
            sum[i] += (double)one.dwei[i];
    }
    for (int64_t i = 0; i < one.n_wei; ++i)
        one.dwei[i] = (float)sum[i];
    case_near_l2(&d, "dwei", all.dwei, one.dwei, one.n_wei, 0.0);
    chirp_free(sum);
    chirp_conv1d_plan_destroy(plan);
    case_free_results(&one);
    case_free(&all);
}

static void test_new_weights(void **unused)
{
    (void)unused;
    const chirp_conv1d_desc d = {.N = 2,
                                 .C = 16,
                                 .K = 16,
                                 .W = 90,
                                 .S = 8,
                                 .dilation = 1,
                                 .pool = 1,
                                 .algorithm = CHIRP_CONV1D_TRANSFORM,
                                 .n_threads = 2};
    conv1d_tensors t = case_create(&d, false), again = case_results(&d);
    chirp_conv1d_plan *plan = case_plan(&d);
    chirp_conv1d_load_weights(plan, t.wei);
    chirp_conv1d_forward(plan, t.src, t.bia, t.dst, NULL);
    for (int64_t i = 0; i < t.n_wei; ++i)
        t.wei[i] *= -2.0f; /* exact, as is everything it touches */
    chirp_conv1d_load_weights(plan, t.wei);
    chirp_conv1d_forward(plan, t.src, NULL, again.dst, NULL);
    chirp_conv1d_backward_data(plan, t.dst, NULL, again.dsrc);
    chirp_conv1d_plan_destroy(plan);
    case_run(&d, &t, NULL, &t);
    for (int64_t i = 0; i < t.n_dst; ++i)
        again.dst[i] += t.bia[i % d.K];
    case_near_l2(&d, "dst", again.dst, t.dst, t.n_dst, 0.0);
    case_free_results(&again);
    case_free(&t);
}

static void test_nan_stays_visible(void **unused)
{
    (void)unused;
    const chirp_conv1d_desc d = {.N = 1,
                                 .C = 16,
                                 .K = 16,
                                 .W = 64,
                                 .S = 8,
                                 .dilation = 2,
                                 .relu = true,
                                 .pool = 4,
                                 .algorithm = CHIRP_CONV1D_TRANSFORM,
                                 .n_threads = 1};
    conv1d_tensors t = case_create(&d, false);
    t.src[20 * d.C + 3] = NAN;
    case_run(&d, &t, NULL, &t);
    for (int64_t q = 6; q <= 20;
         q += 2) /* positions whose taps touch it; NaN may spread over its tile */
        for (int64_t k = 0; k < d.K; ++k)
            assert_true(isnan(t.dst[q / d.pool * d.K + k]));
    case_free(&t);
}

static void test_unsupported(void **unused)
{
    (void)unused;
    const chirp_conv1d_desc good = {.N = 1,
                                    .C = 16,
                                    .K = 16,
                                    .W = 700,
                                    .S = 16,
                                    .dilation = 1,
                                    .pool = 1,
                                    .algorithm = CHIRP_CONV1D_TRANSFORM};
    chirp_conv1d_desc narrow = good, slim = good, wide = good, sparse = good;
    narrow.C = 7;
    slim.K = 1;
    wide.S = 300;
    sparse.S = 1;
    sparse.dilation = INT32_MAX; /* spectra of two thousand million phases */
    const chirp_conv1d_desc *bad[] = {&narrow, &slim, &wide, &sparse};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
        chirp_conv1d_plan *plan = NULL;
        assert_int_equal(chirp_conv1d_plan_create(bad[i], &plan), CHIRP_ERR_UNSUPPORTED);
        assert_null(plan);
        assert_non_null(strstr(chirp_error_message(), "transform"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codelets),    cmocka_unit_test(test_random_shapes),
        cmocka_unit_test(test_layers),      cmocka_unit_test(test_adjoint),
        cmocka_unit_test(test_threads),     cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_new_weights), cmocka_unit_test(test_nan_stays_visible),
        cmocka_unit_test(test_unsupported),
    };
    return cmocka_run_group_tests_name("conv1d_transform", tests, NULL, NULL);
}
