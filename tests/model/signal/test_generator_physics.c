/* model/signal: where the merger is, short against long grids, two detectors, curriculum, real noise, noise itself. */
#include "harness/base/memory.h"
#include "model/signal/generator.h"
#include "model/signal/phenomd.h"
#include "model/signal/series.h"
#include "model/signal/strain.h"
#include "model/signal/transform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "test_data.h"

enum { LENGTH = 8192 };

static void must(chirp_status st)
{
    if (st != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
}

static double dot(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; ++i)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* |difference| / |b| after the best common scale: windows are normalised each by itself. */
static double relative_difference(const float *a, const float *b, int64_t n)
{
    const double c = dot(a, b, n) / sqrt(dot(a, a, n) * dot(b, b, n));
    return sqrt(fmax(0, 2 - 2 * c));
}

/*
 * A chirp that lasts 20 s is made on 2 s, faded in before the window; made on 64 s without fading it must be the same
 * second. Light systems are the hard ones; heavy ones check the band's low edge.
 */
static void test_short_grid_equals_long_grid(void **state)
{
    (void)state;
    const chirp_binary cases[] = {{5, 5, 0, 0},       {5, 5, 0.8, 0.8},       {10, 5, 0.3, -0.2},
                                  {20, 5, -0.5, 0.5}, {14.2, 7.5, 0.45, 0.1}, {36, 29, 0, 0},
                                  {80, 80, 0.8, 0.8}, {80, 5, 0, 0}};
    chirp_signal_config config = chirp_signal_config_default();
    config.noise = false;
    chirp_generator *brief, *lengthy;
    must(chirp_generator_create(&config, &brief));
    config.length = 32 * LENGTH;
    config.merger_min_s = 31.8;
    config.merger_max_s = 31.95;
    must(chirp_generator_create(&config, &lengthy));
    float *all = chirp_alloc(32 * LENGTH * sizeof *all), *one = chirp_alloc(LENGTH * sizeof *one);
    assert_true(all && one);
    double worst = 0;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; ++c)
        for (int at = 0; at < 3; ++at) {
            chirp_signal_draw d = {.binary = cases[c],
                                   .phase = 0.7,
                                   .merger_s = 0.8 + 0.075 * at,
                                   .snr = 10,
                                   .weight = {1, 0}};
            must(chirp_generator_make(brief, &d, 0, one));
            d.merger_s += 31;
            must(chirp_generator_make(lengthy, &d, 0, all));
            const double difference = relative_difference(one, all + 31 * LENGTH, LENGTH);
            worst = fmax(worst, difference);
            if (!(difference < 0.01))
                fail_msg("(%g, %g): the second differs by %.3g", cases[c].m1_msun, cases[c].m2_msun,
                         difference);
        }
    printf("2 s grid against 64 s grid: relative difference of the second %.1e at worst\n", worst);
    chirp_free(all);
    chirp_free(one);
    chirp_generator_destroy(brief);
    chirp_generator_destroy(lengthy);
}

/* The envelope of h(t) is largest at the time asked for: to a sample of 8192 Hz (a broad maximum for heavy systems). */
static void test_merger_time(void **state)
{
    (void)state;
    const chirp_binary cases[] = {{36, 29, 0, 0},
                                  {10, 5, 0.3, -0.2},
                                  {25, 8, -0.5, 0.7},
                                  {80, 20, 0.8, 0.5},
                                  {30, 30, 0.8, 0.8}};
    chirp_series s = chirp_series_default();
    s.sample_rate_hz = 32768;
    s.length = 32768;
    s.f_low_hz = 10;
    double *plus = chirp_alloc(32768 * sizeof *plus), *cross = chirp_alloc(32768 * sizeof *cross);
    assert_true(plus && cross);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; ++c) {
        s.binary = cases[c];
        s.peak_at_s = 0.8 + 0.0131 * (double)c;
        must(chirp_series_make(&s, plus, cross));
        int64_t best = 0;
        double most = 0;
        for (int64_t i = 0; i < s.length; ++i) {
            const double size = hypot(plus[i], cross[i]); /* face-on: the modulus is the envelope */
            if (size > most) {
                most = size;
                best = i;
            }
        }
        const double error = (double)best / s.sample_rate_hz - s.peak_at_s;
        const double total_s = (cases[c].m1_msun + cases[c].m2_msun) * CHIRP_MSUN_S;
        printf("(%g, %g): envelope's peak %.4f ms from where it was asked for (%.2f M)\n",
               cases[c].m1_msun, cases[c].m2_msun, 1e3 * error, error / total_s);
        if (!(fabs(error) < fmax(0.25 * total_s, 1.0 / 8192)))
            fail_msg("peak is off by %g s", error);
    }
    /* twice as far is half as strong; a GW150914-like merger at 400 Mpc reaches about 1e-21 */
    double size[2] = {0, 0};
    s.binary = cases[0];
    for (int far = 0; far < 2; ++far) {
        s.distance_mpc = far ? 800 : 400;
        must(chirp_series_make(&s, plus, cross));
        for (int64_t i = 0; i < s.length; ++i)
            size[far] = fmax(size[far], hypot(plus[i], cross[i]));
    }
    assert_true(fabs(size[0] / size[1] - 2) < 1e-9);
    assert_true(size[0] > 1e-21 && size[0] < 3e-21);
    chirp_free(plus);
    chirp_free(cross);
}

/* Amplitude of the series: the whitened sum of squares is the SNR of waveform.md section 9 with the table PSD. */
static void test_optimal_snr_of_the_model(void **state)
{
    (void)state;
    char room[1024];
    const char *table = test_data("data/psd/aLIGOZeroDetHighPower.dat", room);
    const struct {
        chirp_binary binary;
        double snr;
    } cases[] = {
        {{36, 29, 0, 0}, 97.00}, {{10, 5, 0.3, -0.2}, 30.63}, {{80, 60, 0.5, 0.5}, 206.15}};
    chirp_psd *psd;
    must(chirp_psd_read(table, CHIRP_PSD_DETECT, &psd));
    for (size_t c = 0; c < 3; ++c) {
        chirp_phenomd m;
        must(chirp_phenomd_prepare(&cases[c].binary, &m));
        double sum = 0;
        const double df = 1.0 / 32;
        for (double f = 20; f <= 2200; f += df) {
            const double turn_on = f < 24 ? 0.5 * (1 - cos(M_PI * (f - 20) / 4)) : 1;
            const double a = turn_on * chirp_phenomd_amplitude(&m, f) / 400;
            sum += 4 * df * a * a / chirp_psd_at(psd, f);
        }
        if (!(fabs(sqrt(sum) / cases[c].snr - 1) < 3e-3))
            fail_msg("SNR %g, expected %g", sqrt(sum), cases[c].snr);
    }
    chirp_psd_destroy(psd);
}

/* Power of generated noise against the band filter, bin by bin over many windows, and no correlation with its neighbour. */
static void test_noise_is_white_in_the_band(void **state)
{
    (void)state;
    enum { N = 256 };
    chirp_signal_config config = chirp_signal_config_default();
    config.snr_min = config.snr_max = 1e-3; /* noise alone */
    chirp_generator *g;
    must(chirp_generator_create(&config, &g));
    float *x = chirp_alloc((size_t)N * LENGTH * sizeof *x);
    double *y = chirp_alloc(LENGTH * sizeof *y);
    fftw_complex *h = chirp_alloc((LENGTH / 2 + 1) * sizeof *h);
    static double power[LENGTH / 2 + 1];
    assert_true(x && y && h);
    must(chirp_generator_batch(g, 0, N, x, NULL, NULL, NULL));
    double neighbours = 0, fourth = 0;
    for (int i = 0; i < N; ++i) {
        if (i > 0)
            neighbours =
                fmax(neighbours, fabs(dot(x + i * LENGTH, x + (i - 1) * LENGTH, LENGTH)) / LENGTH);
        for (int j = 0; j < LENGTH; ++j) {
            y[j] = (double)x[i * LENGTH + j];
            fourth += y[j] * y[j] * y[j] * y[j] / ((double)N * LENGTH);
        }
        must(chirp_transform_forward(LENGTH, y, h));
        for (int k = 0; k <= LENGTH / 2; ++k)
            power[k] += (h[k][0] * h[k][0] + h[k][1] * h[k][1]) / N;
    }
    double flat = 0;
    for (int k = 30; k < 880; ++k)
        flat += power[k] / 850;
    for (int k = 30; k < 880; ++k) /* 256 windows: a bin scatters by 1/16 */
        if (!(fabs(power[k] / flat - 1) < 0.4))
            fail_msg("power at %d Hz is %g of the mean", k, power[k] / flat);
    /* half power of the amplitude filter at 22 and 950 Hz is a quarter of the power; next to nothing outside (leakage of a cut window) */
    assert_true(fabs(power[950] / flat - 0.25) < 0.12);
    double outside = 0;
    for (int k = 1100; k < 4000; ++k)
        outside += power[k] / flat / 2900;
    assert_true(outside < 2e-3);
    assert_true(fabs(fourth - 3) < 0.05); /* Gaussian */
    /* correlated samples: 1/sqrt(2 * 920 Hz * 1 s) = 0.023 is one sigma; the largest of 255 */
    assert_true(neighbours < 0.023 * 4.5);
    chirp_free(x);
    chirp_free(y);
    chirp_free(h);
    chirp_generator_destroy(g);
}

static void test_two_detectors_share_a_signal_not_noise(void **state)
{
    (void)state;
    chirp_signal_config config = chirp_signal_config_default();
    config.n_detectors = 2;
    config.snr_min = config.snr_max = 30;
    chirp_generator *g;
    must(chirp_generator_create(&config, &g));
    float *x = chirp_alloc(2 * LENGTH * sizeof *x), *first = chirp_alloc(LENGTH * sizeof *first),
          *one = chirp_alloc(2 * LENGTH * sizeof *one);
    assert_true(x && first && one);
    for (uint64_t i = 0; i < 20; ++i) {
        chirp_signal_draw d;
        must(chirp_generator_draw(g, i, &d));
        assert_true(fabs(d.delay_s) <= 0.010);
        assert_true(fabs(d.weight[0] * d.weight[0] + d.weight[1] * d.weight[1] - 1) < 1e-12);
        const double ratio = d.weight[1] / d.weight[0];
        assert_true(ratio >= 0.5 && ratio <= 2);
        must(chirp_generator_batch(g, i, 1, x, NULL, NULL, NULL));
        for (int k = 0; k < 2; ++k)
            assert_true(fabs(dot(x + k * LENGTH, x + k * LENGTH, LENGTH) / LENGTH - 1) < 1e-4);
        /* noise of both: independent */
        d.snr = 1e-9;
        must(chirp_generator_make(g, &d, i, one));
        assert_true(fabs(dot(one, one + LENGTH, LENGTH)) / LENGTH < 0.023 * 4.5);
    }
    chirp_generator_destroy(g);
    /* the first detector of a pair alone equals a single detector's signal of the same draw */
    config.n_detectors = 1;
    must(chirp_generator_create(&config, &g));
    chirp_signal_draw d;
    must(chirp_generator_draw(g, 3, &d));
    must(chirp_generator_make(g, &d, 3, first));
    must(chirp_generator_batch(g, 3, 1, x, NULL, NULL, NULL));
    assert_memory_equal(first, x, LENGTH * sizeof *first);
    chirp_generator_destroy(g);
    chirp_free(x);
    chirp_free(first);
    chirp_free(one);
}

static void test_curriculum(void **state)
{
    (void)state;
    chirp_curriculum c;
    must(chirp_curriculum_parse("0:60-100,10:40-50,20:12-12", &c));
    assert_int_equal(c.n, 3);
    chirp_curriculum_signals(&c, 64);
    assert_int_equal(c.stage[2].first, 1280);
    const chirp_signal_config config = chirp_signal_config_default();
    chirp_generator *g;
    must(chirp_generator_create(&config, &g));
    must(chirp_generator_set_curriculum(g, &c));
    const double want[3][2] = {{60, 100}, {40, 50}, {12, 12}};
    for (uint64_t i = 0; i < 2000; i += 3) {
        chirp_signal_draw d;
        must(chirp_generator_draw(g, i, &d));
        const int stage = i < 640 ? 0 : i < 1280 ? 1 : 2;
        assert_true(d.snr >= want[stage][0] && d.snr <= want[stage][1]);
    }
    must(chirp_generator_set_snr(g, 5, 6)); /* ends the curriculum */
    chirp_signal_draw d;
    must(chirp_generator_draw(g, 0, &d));
    assert_true(d.snr >= 5 && d.snr <= 6);
    chirp_generator_destroy(g);
    must(chirp_curriculum_parse("study", &c));
    assert_int_equal(c.stage[6].first, 60000);
    const char *const bad[] = {"",      "5:1-2",   "0:1-2,0:1-2", "0:2-1",   "0:0-1",
                               "0:a-b", "0:1-2;3", "0:1",         "0:1-2,x", "0:1-inf"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i)
        if (chirp_curriculum_parse(bad[i], &c) != CHIRP_ERR_ARG)
            fail_msg("'%s' was taken", bad[i]);
}

/* Windows of a strain file's noise: normalised, functions of the index, away from the (very loud) event. */
static void test_real_noise(void **state)
{
    (void)state;
    char path[64];
    (void)snprintf(path, sizeof path, "/tmp/chirp-physics-%ld.hdf5", (long)getpid());
    chirp_strain_spec spec = chirp_strain_spec_default();
    spec.snr = 2000;
    must(chirp_strain_write(path, &spec));
    chirp_signal_config config = chirp_signal_config_default();
    config.noise_path = path;
    config.noise_avoid_gps = spec.gps_merger;
    config.snr_min = config.snr_max = 1e-3;
    chirp_generator *g;
    must(chirp_generator_create(&config, &g));
    enum { N = 200 };
    float *x = chirp_alloc((size_t)N * LENGTH * sizeof *x), *y = chirp_alloc(LENGTH * sizeof *y);
    assert_true(x && y);
    must(chirp_generator_batch(g, 0, N, x, NULL, NULL, NULL));
    for (int i = 0; i < N; ++i) {
        double fourth = 0, most = 0;
        for (int j = 0; j < LENGTH; ++j) {
            const double v = (double)x[i * LENGTH + j];
            fourth += v * v * v * v / LENGTH;
            most = fmax(most, fabs(v));
        }
        if (!(most < 6 && fabs(fourth - 3) < 0.8)) /* the event would stand out by more than 100 */
            fail_msg("window %d: largest %g, fourth moment %g: the event is in it", i, most,
                     fourth);
    }
    must(chirp_generator_batch(g, 17, 1, y, NULL, NULL, NULL));
    assert_memory_equal(y, x + 17 * LENGTH, LENGTH * sizeof *y);
    assert_memory_not_equal(y, x + 18 * LENGTH, LENGTH * sizeof *y);
    chirp_generator_destroy(g);
    config.n_detectors = 2;
    assert_int_equal(chirp_generator_create(&config, &g), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "2 strain files"));
    config.n_detectors = 1;
    config.noise_path = "/nonexistent.hdf5";
    assert_int_equal(chirp_generator_create(&config, &g), CHIRP_ERR_IO);
    chirp_free(x);
    chirp_free(y);
    (void)unlink(path);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_grid_equals_long_grid),
        cmocka_unit_test(test_merger_time),
        cmocka_unit_test(test_noise_is_white_in_the_band),
        cmocka_unit_test(test_two_detectors_share_a_signal_not_noise),
        cmocka_unit_test(test_curriculum),
        cmocka_unit_test(test_real_noise),
    };
    const struct CMUnitTest data[] = {
        cmocka_unit_test(test_optimal_snr_of_the_model),
    };
    if (test_data_wanted(argc, argv))
        return test_data_absent() ? 77 : cmocka_run_group_tests(data, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
