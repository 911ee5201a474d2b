/* model/signal: training signals are a function of (seed, index) and are what they claim to be. */
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "model/signal/generator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LENGTH = 8192, COUNT = 24 };

typedef struct batch {
    float *strain, *label, *snr, *parameters;
} batch;

static batch batch_new(int64_t n, int64_t length)
{
    const batch b = {chirp_calloc((size_t)(n * length), sizeof(float)),
                     chirp_calloc((size_t)n * CHIRP_LABELS, sizeof(float)),
                     chirp_calloc((size_t)n, sizeof(float)),
                     chirp_calloc((size_t)n * CHIRP_PARAMETERS, sizeof(float))};
    assert_non_null(b.strain);
    assert_non_null(b.label);
    assert_non_null(b.snr);
    assert_non_null(b.parameters);
    return b;
}

static void batch_free(batch b)
{
    chirp_free(b.strain);
    chirp_free(b.label);
    chirp_free(b.snr);
    chirp_free(b.parameters);
}

static chirp_generator *generator_new(const chirp_signal_config *config)
{
    chirp_generator *g = NULL;
    const chirp_status st = chirp_generator_create(config, &g);
    if (st != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
    return g;
}

static void test_function_of_seed_and_index(void **state)
{
    (void)state;
    chirp_signal_config config = chirp_signal_config_default();
    config.seed = 7;
    const int threads[] = {1, 2, 5, 16};
    batch want = batch_new(COUNT, LENGTH), got = batch_new(COUNT, LENGTH);
    for (size_t t = 0; t < sizeof threads / sizeof threads[0]; ++t) {
        config.n_threads = threads[t];
        chirp_generator *g = generator_new(&config);
        batch *out = t == 0 ? &want : &got;
        for (int64_t i = 0, step = t + 3; i < COUNT;
             i += step) { /* other splits for other thread counts */
            const int64_t n = i + step < COUNT ? step : COUNT - i;
            assert_int_equal(chirp_generator_batch(g, 1000 + (uint64_t)i, n,
                                                   out->strain + i * LENGTH,
                                                   out->label + i * CHIRP_LABELS, out->snr + i,
                                                   out->parameters + i * CHIRP_PARAMETERS),
                             CHIRP_OK);
        }
        chirp_generator_destroy(g);
        if (t > 0) {
            assert_memory_equal(want.strain, got.strain, COUNT * LENGTH * sizeof(float));
            assert_memory_equal(want.label, got.label, COUNT * CHIRP_LABELS * sizeof(float));
            assert_memory_equal(want.snr, got.snr, COUNT * sizeof(float));
            assert_memory_equal(want.parameters, got.parameters,
                                COUNT * CHIRP_PARAMETERS * sizeof(float));
        }
    }
    config.seed = 8;
    chirp_generator *g = generator_new(&config);
    assert_int_equal(chirp_generator_batch(g, 1000, 1, got.strain, NULL, NULL, NULL), CHIRP_OK);
    assert_memory_not_equal(want.strain, got.strain, LENGTH * sizeof(float));
    chirp_generator_destroy(g);
    batch_free(want);
    batch_free(got);
}

static void test_windows_are_normalised_and_labelled(void **state)
{
    (void)state;
    const chirp_signal_config config = chirp_signal_config_default();
    chirp_generator *g = generator_new(&config);
    enum { N = 200 };
    batch b = batch_new(N, LENGTH);
    assert_int_equal(chirp_generator_batch(g, 0, N, b.strain, b.label, b.snr, b.parameters),
                     CHIRP_OK);
    for (int i = 0; i < N; ++i) {
        double sum = 0, square = 0;
        for (int j = 0; j < LENGTH; ++j) {
            const double x = (double)b.strain[i * LENGTH + j];
            assert_true(isfinite(x));
            sum += x;
            square += x * x;
        }
        assert_true(fabs(sum / LENGTH) < 1e-5);
        assert_true(fabs(square / LENGTH - 1) < 1e-4);
        const float *p = b.parameters + i * CHIRP_PARAMETERS, *l = b.label + i * CHIRP_LABELS;
        assert_true(p[0] >= p[1] && p[1] >= 5 && p[0] <= 80 && fabsf(p[2]) <= 0.8f &&
                    fabsf(p[3]) <= 0.8f);
        assert_true(l[CHIRP_LABEL_M1] == p[0] && l[CHIRP_LABEL_M2] == p[1]);
        const chirp_binary binary = {(double)p[0], (double)p[1], (double)p[2], (double)p[3]};
        double r, w;
        assert_true(fabs(chirp_final_spin(&binary) - (double)l[CHIRP_LABEL_FINAL_SPIN]) < 1e-6);
        assert_int_equal(chirp_qnm((double)l[CHIRP_LABEL_FINAL_SPIN], &r, &w), CHIRP_OK);
        assert_true(fabs(r - (double)l[CHIRP_LABEL_OMEGA_R]) < 1e-6 &&
                    fabs(w - (double)l[CHIRP_LABEL_OMEGA_I]) < 1e-6);
        assert_true(b.snr[i] >= 5 && b.snr[i] <= 100);
    }
    batch_free(b);
    chirp_generator_destroy(g);
}

/*
 * Noise alone, before normalising, has variance sum of gain^2 (the band's share); signals are scaled so that the root of
 * the sum of squares is the SNR. Both show in one identity: with noise, std^2 * LENGTH of the window is about
 * snr^2 + LENGTH * band share. At a huge SNR the noisy window must equal the noiseless one.
 */
static void test_snr_scales_signal_against_noise(void **state)
{
    (void)state;
    chirp_signal_config config = chirp_signal_config_default();
    config.snr_min = config.snr_max = 1e5;
    batch clean = batch_new(4, LENGTH), loud = batch_new(4, LENGTH), quiet = batch_new(4, LENGTH);
    chirp_generator *g = generator_new(&config);
    assert_int_equal(chirp_generator_batch(g, 5, 4, loud.strain, NULL, NULL, NULL), CHIRP_OK);
    assert_int_equal(chirp_generator_set_snr(g, 40, 40), CHIRP_OK);
    assert_int_equal(chirp_generator_batch(g, 5, 4, quiet.strain, NULL, NULL, NULL), CHIRP_OK);
    chirp_generator_destroy(g);
    config.noise = false;
    g = generator_new(&config);
    assert_int_equal(chirp_generator_batch(g, 5, 4, clean.strain, NULL, NULL, NULL), CHIRP_OK);
    chirp_generator_destroy(g);
    for (int i = 0; i < 4; ++i) {
        double difference = 0, overlap = 0;
        for (int j = 0; j < LENGTH; ++j) {
            const double c = (double)clean.strain[i * LENGTH + j];
            difference += ((double)loud.strain[i * LENGTH + j] - c) *
                          ((double)loud.strain[i * LENGTH + j] - c);
            overlap += (double)quiet.strain[i * LENGTH + j] * c;
        }
        assert_true(sqrt(difference / LENGTH) < 2e-3);
        /* correlation of the noisy with the clean window: snr / sqrt(snr^2 + noise power), noise power = LENGTH * (band share) */
        const double share = (1000 - 20 - 0.375 * (4 * 1.6667 + 0) - 62.5 - 2) / 4096;
        const double want = 40 / sqrt(40.0 * 40 + LENGTH * share);
        if (!(fabs(overlap / LENGTH - want) < 0.08))
            fail_msg("signal %d: correlation %g, expected %g", i, overlap / LENGTH, want);
    }
    batch_free(clean);
    batch_free(loud);
    batch_free(quiet);
}

/*
 * Quantiles against the closed forms of the cumulative distributions, written the other way round, and draws of the generator
 * against them: the largest distance of the two is at most 1.95 / sqrt(n) in all but 0.1 % of samples (Kolmogorov).
 */
static void test_snr_laws(void **state)
{
    (void)state;
    enum { N = 4000 };
    const double low = 5, high = 100;
    chirp_signal_config config = chirp_signal_config_default();
    config.snr_min = low;
    config.snr_max = high;
    for (int law = 0; law < CHIRP_SNR_LAWS; ++law) {
        config.snr_law = (chirp_snr_law)law;
        chirp_generator *g = generator_new(&config);
        double rank[N];
        for (int i = 0; i < N; ++i) {
            chirp_signal_draw draw;
            assert_int_equal(chirp_generator_draw(g, (uint64_t)i, &draw), CHIRP_OK);
            const double rho = draw.snr;
            const double below[] = {(rho - low) / (high - low), log(rho / low) / log(high / low),
                                    (pow(low, -3) - pow(rho, -3)) / (pow(low, -3) - pow(high, -3))};
            rank[i] = below[law];
            assert_true(rho >= low && rho <= high);
            assert_true(fabs(chirp_snr_quantile(config.snr_law, low, high, rank[i]) / rho - 1) <
                        1e-9);
        }
        chirp_sort(rank, N);
        for (int i = 0; i < N; ++i)
            assert_true(fabs(rank[i] - (i + 0.5) / N) < 1.95 / sqrt(N) + 0.5 / N);
        chirp_generator_destroy(g);
    }
    assert_true(chirp_snr_quantile(CHIRP_SNR_VOLUMETRIC, 8, 8, 0.3) == 8.0);
}

static void expect_bad(chirp_signal_config config, const char *part)
{
    chirp_generator *g = NULL;
    assert_int_not_equal(chirp_generator_create(&config, &g), CHIRP_OK);
    assert_null(g);
    if (!strstr(chirp_error_message(), part))
        fail_msg("'%s' lacks '%s'", chirp_error_message(), part);
}

static void test_bad_configurations(void **state)
{
    (void)state;
    chirp_signal_config c = chirp_signal_config_default();
    c.length = 0;
    expect_bad(c, "window of 0 samples");
    c = chirp_signal_config_default();
    c.mass_min_msun = 90;
    expect_bad(c, "masses 90 to 80");
    c = chirp_signal_config_default();
    c.mass_max_msun = NAN;
    expect_bad(c, "masses");
    c = chirp_signal_config_default();
    c.spin_max = 1.2;
    expect_bad(c, "spins");
    c = chirp_signal_config_default();
    c.snr_law = CHIRP_SNR_LAWS;
    expect_bad(c, "SNR law");
    c = chirp_signal_config_default();
    c.snr_min = 0;
    expect_bad(c, "SNR");
    c = chirp_signal_config_default();
    c.merger_max_s = 1.5;
    expect_bad(c, "merger time");
    c = chirp_signal_config_default();
    c.f_high_hz = 5000;
    expect_bad(c, "Nyquist");
    c = chirp_signal_config_default();
    c.psd_path = "/nonexistent";
    expect_bad(c, "/nonexistent");
    c = chirp_signal_config_default();
    c.n_detectors = 3;
    expect_bad(c, "3 detectors");
    c = chirp_signal_config_default();
    assert_null(chirp_signal_config_warning(&c));
    c.spin_max = 0.95;
    assert_non_null(chirp_signal_config_warning(&c));
    c = chirp_signal_config_default();
    c.mass_ratio_max = 30;
    assert_null(chirp_signal_config_warning(&c)); /* 5 to 80 has no ratio above 16 */
    c.mass_min_msun = 3;
    assert_non_null(chirp_signal_config_warning(&c));
    c = chirp_signal_config_default();
    chirp_generator *g = generator_new(&c);
    assert_int_equal(chirp_generator_set_snr(g, 30, 10), CHIRP_ERR_RANGE);
    assert_int_equal(chirp_generator_batch(g, 0, 1, NULL, NULL, NULL, NULL), CHIRP_ERR_ARG);
    assert_int_equal(
        chirp_generator_batch(g, UINT64_C(1) << 41, 1, (float[1]){0}, NULL, NULL, NULL),
        CHIRP_ERR_RANGE);
    chirp_generator_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_function_of_seed_and_index),
        cmocka_unit_test(test_windows_are_normalised_and_labelled),
        cmocka_unit_test(test_snr_scales_signal_against_noise),
        cmocka_unit_test(test_snr_laws),
        cmocka_unit_test(test_bad_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
