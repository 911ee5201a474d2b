/* Noise curves of a training: loaded from a list, copied, compared, and drawn by signals. */
#include "model/signal/curves.h"

#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "model/signal/generator_internal.h"
#include "model/signal/welch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const chirp_band BAND = {20, 1000};

static void must(chirp_status st)
{
    if (st != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
}

/* S = scale f^power in a file that the caller removes. */
static void write_power_law(const char *path, double scale, double power)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int f = 10; f <= 2000; f += 5)
        assert_true(fprintf(file, "%d %.17g\n", f, scale * pow(f / 100.0, power)) > 0);
    assert_int_equal(fclose(file), 0);
}

/* A factor does not matter; the more a curve is tilted, the less it overlaps; a and b may be exchanged. */
static void test_overlap(void **state)
{
    (void)state;
    char path[4][64];
    static const double scale[4] = {1e-46, 3e-44, 1e-46, 1e-46};
    static const double power[4] = {0, 0, 0.5, 2};
    chirp_psd *psd[4] = {NULL};
    double overlap[4];
    for (int i = 0; i < 4; ++i) {
        (void)snprintf(path[i], sizeof path[i], "/tmp/chirp-curve%d-%ld.txt", i, (long)getpid());
        write_power_law(path[i], scale[i], power[i]);
        must(chirp_psd_read(path[i], CHIRP_PSD_POWER, &psd[i]));
        (void)unlink(path[i]);
        must(chirp_psd_overlap(psd[0], psd[i], BAND, &overlap[i]));
        double back;
        must(chirp_psd_overlap(psd[i], psd[0], BAND, &back));
        assert_true(fabs(back - overlap[i]) < 1e-12);
    }
    assert_true(fabs(overlap[0] - 1) < 1e-12 && fabs(overlap[1] - 1) < 1e-9);
    assert_true(overlap[2] < 1 && overlap[3] < overlap[2] && overlap[3] > 0);
    chirp_psd *away = NULL;
    must(chirp_psd_from_table("away", (const double[]){2000, 3000}, (const double[]){1, 1}, 2,
                              &away));
    assert_int_equal(chirp_psd_overlap(psd[0], away, BAND, &overlap[0]), CHIRP_ERR_RANGE);
    assert_non_null(strstr(chirp_error_message(), "away"));
    chirp_psd_destroy(away);
    for (int i = 0; i < 4; ++i)
        chirp_psd_destroy(psd[i]);
}

/* Of two curves each signal has one: that of a generator with this curve alone. Both are drawn; an index always has the same. */
static void test_signals_draw_a_curve(void **state)
{
    (void)state;
    enum { N = 24 };
    char one[2][64];
    char both[160];
    for (int i = 0; i < 2; ++i) {
        (void)snprintf(one[i], sizeof one[i], "/tmp/chirp-draw%d-%ld.txt", i, (long)getpid());
        write_power_law(one[i], 1e-46, i ? 2 : -2);
    }
    (void)snprintf(both, sizeof both, "%s,%s", one[0], one[1]);
    chirp_signal_config config = chirp_signal_config_default();
    const size_t bytes = N * (size_t)config.length * sizeof(float);
    const char *const paths[3] = {one[0], one[1], both};
    float *x[3];
    config.noise = false;
    for (int i = 0; i < 3; ++i) {
        chirp_generator *g = NULL;
        config.psd_path = paths[i];
        must(chirp_generator_create(&config, &g));
        assert_int_equal(chirp_generator_curves(g)->n, i < 2 ? 1 : 2);
        x[i] = chirp_alloc(bytes);
        assert_non_null(x[i]);
        must(chirp_generator_batch(g, 0, N, x[i], NULL, NULL, NULL));
        chirp_generator_destroy(g);
        if (i < 2) /* numbers in place of the file */
            continue;
        chirp_curves curves = {0};
        must(chirp_curves_load(both, BAND, &curves));
        config.psd_path = NULL;
        config.curves = &curves;
        must(chirp_generator_create(&config, &g));
        chirp_curves_release(&curves);
        config.curves = NULL;
        float *again = chirp_alloc(bytes);
        assert_non_null(again);
        must(chirp_generator_batch(g, 0, N, again, NULL, NULL, NULL));
        assert_memory_equal(again, x[2], bytes);
        chirp_free(again);
        chirp_generator_destroy(g);
    }
    int drawn[2] = {0, 0};
    for (int64_t s = 0; s < N; ++s) {
        double far[2] = {0, 0};
        for (int64_t j = s * config.length; j < (s + 1) * config.length; ++j)
            for (int i = 0; i < 2; ++i)
                far[i] = fmax(far[i], fabs((double)x[2][j] - (double)x[i][j]));
        const int nearest = far[1] < far[0];
        assert_true(far[nearest] < 1e-3 && far[1 - nearest] > 0.1); /* in float, of unit variance */
        drawn[nearest] += 1;
    }
    assert_true(drawn[0] > 0 && drawn[1] > 0); /* one in 2^23 that not */
    for (int i = 0; i < 3; ++i)
        chirp_free(x[i]);
    config.psd_path = "/nonexistent.txt";
    chirp_generator *none = NULL;
    assert_int_equal(chirp_generator_create(&config, &none), CHIRP_ERR_IO);
    for (int i = 0; i < 2; ++i)
        (void)unlink(one[i]);
}

typedef struct moments {
    double n, sum, squares, products;
} moments;

/* x[n]: neighbours are knots 0.5 Hz apart */
static void add_moments(moments *m, const double *x, int64_t n)
{
    for (int64_t i = 0; i + 1 < n; ++i) {
        m->n += 1;
        m->sum += x[i];
        m->squares += x[i] * x[i];
        m->products += x[i] * x[i + 1];
    }
}

static void evaluate(const moments *m, double *mean, double *deviation, double *correlation)
{
    *mean = m->sum / m->n;
    const double variance = m->squares / m->n - *mean * *mean;
    *deviation = sqrt(variance);
    *correlation = (m->products / m->n - *mean * *mean) / variance;
}

enum {
    RATE = 2048,
    STRETCH = 32 * RATE,
    LOW = 50,
    HIGH = 800,
    KNOTS = 2 * (HIGH - LOW),
    ROUNDS = 40
};

/* The amplitude of white noise whitened with its own estimate's curve, for one stretch of noise. */
static void whiten_white(uint64_t round, float *z, double *x, double *gain, double *out)
{
    const chirp_welch welch = chirp_welch_default();
    chirp_psd *psd = NULL;
    int64_t used = 0;
    chirp_rng_normal(chirp_rng_stream(3, CHIRP_RNG_TEST, 0, round), 0, STRETCH, z);
    for (int64_t i = 0; i < STRETCH; ++i)
        x[i] = (double)z[i];
    must(chirp_welch_estimate(&welch, "white", x, STRETCH, RATE, NULL, &psd, &used));
    assert_int_equal(used, 15);
    must(chirp_whitening_gain(psd, BAND, STRETCH, RATE, welch.segment_s, gain));
    chirp_psd_destroy(psd);
    for (int k = 0; k < KNOTS; ++k) { /* bins 1/32 Hz apart; S = 2/RATE */
        const double f = LOW + 0.5 * k;
        out[k] = gain[(int64_t)(f * 32)] / chirp_band_gain(BAND, f) * sqrt(2.0 / RATE);
    }
}

/*
 * Errors that signals draw are those of an estimate. Of 60,000 numbers each the standard error of a mean is 0.0008, that of a
 * deviation's ratio 0.004, that of a correlation 0.005; the model's two weights are good to about 0.01 of each.
 */
static void test_errors_are_those_of_an_estimate(void **state)
{
    (void)state;
    double *x = chirp_alloc(STRETCH * sizeof *x),
           *gain = chirp_alloc((STRETCH / 2 + 1) * sizeof *x);
    float *z = chirp_alloc(STRETCH * sizeof *z);
    double knot[KNOTS], mean[2], deviation[2], correlation[2];
    moments m[2] = {{0}};
    assert_non_null(x);
    assert_non_null(gain);
    assert_non_null(z);
    chirp_signal_config config = chirp_signal_config_default();
    config.length = RATE;
    config.sample_rate_hz = RATE;
    config.curve_segments = 15;
    config.n_threads = 1;
    chirp_generator *g = NULL;
    must(chirp_generator_create(&config, &g));
    chirp_scratch *s = &g->scratch[0];
    const int64_t first = (int64_t)((LOW - g->grid.f[0]) / 0.5 + 0.5);
    for (uint64_t round = 0; round < ROUNDS; ++round) {
        whiten_white(round, z, x, gain, knot);
        add_moments(&m[0], knot, KNOTS);
        for (int64_t k = 0; k < 2 * g->grid.n; ++k)
            s->spectrum[k] = 1;
        const double louder = chirp_curve_change(g, round, 0, s);
        double squares = 0;
        for (int64_t k = 0; k < g->grid.n; ++k)
            squares += (double)s->error[k] * (double)s->error[k] / (double)g->grid.n;
        assert_true(fabs(louder - sqrt(squares)) < 1e-5);
        for (int k = 0; k < KNOTS; ++k) {
            knot[k] = (double)s->error[first + k];
            assert_true(s->spectrum[2 * (first + k)] == s->error[first + k]);
        }
        add_moments(&m[1], knot, KNOTS);
    }
    for (int i = 0; i < 2; ++i)
        evaluate(&m[i], &mean[i], &deviation[i], &correlation[i]);
    assert_true(fabs(mean[1] - mean[0]) < 0.01);
    assert_true(fabs(deviation[1] / deviation[0] - 1) < 0.03);
    assert_true(fabs(correlation[1] - correlation[0]) < 0.03);
    chirp_generator_destroy(g);
    chirp_free(x);
    chirp_free(gain);
    chirp_free(z);
}

/* A tilt is smooth: neighbours agree, and its logarithm has the deviation asked for. */
static void test_tilt(void **state)
{
    (void)state;
    enum { N = 400 };
    chirp_signal_config config = chirp_signal_config_default();
    config.length = RATE;
    config.sample_rate_hz = RATE;
    config.curve_tilt = 0.2;
    config.n_threads = 1;
    chirp_generator *g = NULL;
    must(chirp_generator_create(&config, &g));
    const chirp_scratch *s = &g->scratch[0];
    double squares = 0;
    for (uint64_t i = 0; i < N; ++i) {
        (void)chirp_curve_change(g, i, 0, &g->scratch[0]);
        squares += pow(log((double)s->error[0]), 2) / N; /* the first knot */
        /* two knots rarely differ by six deviations; 0.5 Hz are at most 1/28 octave above 20 Hz */
        for (int64_t k = 0; k + 1 < g->grid.n; ++k)
            assert_true(fabs(log((double)s->error[k + 1] / (double)s->error[k])) <
                        6 * 1.5 * 0.2 / 27);
    }
    assert_true(fabs(sqrt(squares) / 0.2 - 1) < 5 / sqrt(2.0 * N));
    chirp_generator_destroy(g);
}

static void test_impossible_errors(void **state)
{
    (void)state;
    chirp_generator *g = NULL;
    chirp_signal_config config = chirp_signal_config_default();
    config.curve_segments = 2; /* no median, no error bars */
    assert_int_equal(chirp_generator_create(&config, &g), CHIRP_ERR_RANGE);
    config.curve_segments = 15;
    config.noise_path = "strain.hdf5";
    assert_int_equal(chirp_generator_create(&config, &g), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "--curve-segments"));
    config.curve_segments = 0;
    config.noise_path = NULL;
    config.curve_tilt = (double)NAN;
    assert_int_equal(chirp_generator_create(&config, &g), CHIRP_ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors_are_those_of_an_estimate),
        cmocka_unit_test(test_tilt),
        cmocka_unit_test(test_impossible_errors),
        cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_signals_draw_a_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
