/* Noise curves of a training: loaded from a list, copied, compared, and drawn by signals. */
#include "model/signal/curves.h"

#include "harness/base/memory.h"
#include "model/signal/generator.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlap),
        cmocka_unit_test(test_signals_draw_a_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
