/* model/signal: noise curves, units, bad tables. */
#include "harness/base/file.h"
#include "model/signal/noise.h"

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

static char path[64];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/chirp-noise-%ld.txt", (long)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static void test_design_curve(void **state)
{
    (void)state;
    chirp_psd *psd;
    assert_int_equal(chirp_psd_design(&psd), CHIRP_OK);
    /* x = 1: the sum of the coefficients */
    assert_true(fabs(chirp_psd_at(psd, 245.4) / 1e-48 -
                     (0.0152 + 0.2935 + 2.7951 - 6.5080 + 17.7622)) < 1e-9);
    assert_true(isinf(chirp_psd_at(psd, 0)) && isinf(chirp_psd_at(psd, -1)));
    assert_int_equal(chirp_psd_require(psd, 1, 1e6), CHIRP_OK);
    chirp_psd_destroy(psd);
}

static chirp_status read_text(const char *prefix, const char *text, chirp_psd **psd)
{
    char name[80];
    assert_int_equal(chirp_file_write(path, text, strlen(text)), CHIRP_OK);
    (void)snprintf(name, sizeof name, "%s%s", prefix, path);
    return chirp_psd_read(name, CHIRP_PSD_DETECT, psd);
}

static void test_tables_and_units(void **state)
{
    (void)state;
    chirp_psd *psd;
    assert_int_equal(
        read_text("", "# a comment\n20 4e-46\n\n28, 1e-46 # rest\n40\t2.5e-47\n", &psd), CHIRP_OK);
    assert_true(fabs(chirp_psd_at(psd, 20) / 4e-46 - 1) < 1e-12);
    assert_true(fabs(chirp_psd_at(psd, 40) / 2.5e-47 - 1) < 1e-12);
    assert_true(fabs(chirp_psd_at(psd, sqrt(28.0 * 40)) / 5e-47 - 1) <
                1e-12); /* ln S linear in ln f */
    assert_true(isinf(chirp_psd_at(psd, 19.99)) && isinf(chirp_psd_at(psd, 40.01)));
    assert_int_equal(chirp_psd_require(psd, 20, 40), CHIRP_OK);
    assert_int_equal(chirp_psd_require(psd, 10, 40), CHIRP_ERR_RANGE);
    assert_int_equal(chirp_psd_require(psd, 20, 41), CHIRP_ERR_RANGE);
    chirp_psd_destroy(psd);
    const char *asd = "20 2e-23\n28 1e-23\n40 5e-24\n";
    assert_int_equal(read_text("", asd, &psd), CHIRP_OK);
    assert_true(fabs(chirp_psd_at(psd, 20) / 4e-46 - 1) < 1e-12);
    chirp_psd_destroy(psd);
    assert_int_equal(read_text("psd:", asd, &psd), CHIRP_OK); /* declared: believed */
    assert_true(fabs(chirp_psd_at(psd, 20) / 2e-23 - 1) < 1e-12);
    chirp_psd_destroy(psd);
}

static void expect_bad(const char *text, const char *part)
{
    chirp_psd *psd = NULL;
    assert_int_equal(read_text("", text, &psd), CHIRP_ERR_FORMAT);
    assert_null(psd);
    if (!strstr(chirp_error_message(), part) || !strstr(chirp_error_message(), path))
        fail_msg("'%s' lacks '%s' or the file", chirp_error_message(), part);
}

static void test_bad_tables(void **state)
{
    (void)state;
    chirp_psd *psd;
    expect_bad("", "two rows");
    expect_bad("20 1e-46\n", "two rows");
    expect_bad("20 1e-46\n30 0\n", ":2: density 0");
    expect_bad("20 1e-46\n21 nan\n", ":2: density");
    expect_bad("20 1e-46\n21 -1e-46\n", ":2: density");
    expect_bad("20 1e-46\n20 1e-46\n", "does not rise");
    expect_bad("20 1e-46\n400 1e-46\n", "fill the gap");
    expect_bad("20 1e-46\nfrequency 1\n", ":2: expected two numbers");
    expect_bad("20\n21\n", ":1: expected two numbers");
    expect_bad("20 1e3\n21 1e3\n", "declare it");
    expect_bad("inf 1e-46\n", ":1: frequency");
    assert_int_equal(chirp_psd_read("/nonexistent/curve.txt", CHIRP_PSD_DETECT, &psd),
                     CHIRP_ERR_IO);
}

static void test_band(void **state)
{
    (void)state;
    const chirp_band band = {20, 1000};
    assert_true(chirp_band_gain(band, 20) == 0 && chirp_band_gain(band, 1000) == 0 &&
                chirp_band_gain(band, 5) == 0);
    assert_true(fabs(chirp_band_gain(band, 22) - 0.5) < 1e-12);
    assert_true(chirp_band_gain(band, 24) == 1 && chirp_band_gain(band, 900) == 1);
    assert_true(fabs(chirp_band_gain(band, 950) - 0.5) < 1e-12);
}

/* waveform.md section 8: ratio of the analytic curve to the published table. */
static void test_published_tables(void **state)
{
    (void)state;
    char room[2][1024];
    const char *power = test_data("data/psd/aLIGOZeroDetHighPower.dat", room[0]);
    const char *amplitude = test_data("data/psd/aLIGO_design_T1800044_asd.dat", room[1]);
    chirp_psd *design, *table, *later;
    assert_int_equal(chirp_psd_design(&design), CHIRP_OK);
    assert_int_equal(chirp_psd_read(power, CHIRP_PSD_DETECT, &table), CHIRP_OK);
    assert_int_equal(chirp_psd_read(amplitude, CHIRP_PSD_DETECT, &later), CHIRP_OK);
    assert_true(fabs(chirp_psd_at(design, 20) / chirp_psd_at(table, 20) - 0.84) < 0.01);
    assert_true(fabs(chirp_psd_at(design, 28) / chirp_psd_at(table, 28) - 0.96) < 0.01);
    for (double f = 20; f < 2000; f *= 1.1) {
        const double ratio = chirp_psd_at(later, f) / chirp_psd_at(table, f);
        if (!(ratio > 0.8 && ratio < 1.6))
            fail_msg("T1800044 over zero-detuning at %g Hz: %g", f, ratio);
    }
    chirp_psd_destroy(design);
    chirp_psd_destroy(table);
    chirp_psd_destroy(later);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_design_curve),
        cmocka_unit_test(test_tables_and_units),
        cmocka_unit_test(test_bad_tables),
        cmocka_unit_test(test_band),
    };
    const struct CMUnitTest data[] = {
        cmocka_unit_test(test_published_tables),
    };
    if (test_data_wanted(argc, argv))
        return test_data_absent() ? 77 : cmocka_run_group_tests(data, NULL, NULL);
    return cmocka_run_group_tests(tests, setup, teardown);
}
