/* model/signal on real data: GW150914 and the published template. Skipped, and said so, without CHIRP_TEST_DATA. */
#include "harness/base/memory.h"
#include "model/signal/generator.h"
#include "model/signal/hdf.h"
#include "model/signal/phenomd.h"
#include "model/signal/strain.h"
#include "model/signal/transform.h"
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

#include "test_data.h"

#define HANFORD "data/gw150914/H-H1_LOSC_4_V2-1126259446-32.hdf5"
#define LIVINGSTON "data/gw150914/L-L1_LOSC_4_V2-1126259446-32.hdf5"
enum { N = 131072, RATE = 4096, BINS = N / 2 + 1 };

static void must(chirp_status st)
{
    if (st != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
}

/* Spectrum [1/Hz] of the model with its raw phase on the grid of 32 s at 4096 Hz. */
static void model_spectrum(const chirp_binary *binary, fftw_complex *h)
{
    chirp_phenomd m;
    must(chirp_phenomd_prepare(binary, &m));
    for (int k = 1; k < BINS - 1; ++k) {
        const double f = k / 32.0;
        if (f < 15)
            continue;
        const double a = chirp_phenomd_amplitude(&m, f),
                     p = chirp_phenomd_raw_phase(&m, f) -
                         2 * M_PI * f * chirp_phenomd_peak_time(&m);
        h[k][0] = a * cos(p);
        h[k][1] = -a * sin(p);
    }
}

/*
 * z(t) = 4 |sum a~ b~* / S exp(2 pi i f t)| df over 20 to 1000 Hz; returns its maximum and where, and the norms' product.
 */
static double best_overlap(const fftw_complex *a, const fftw_complex *b, const chirp_psd *psd,
                           double *at_s, double *norms)
{
    fftw_complex *x = chirp_calloc(N, sizeof *x), *y = chirp_calloc(N, sizeof *y);
    double *re = chirp_alloc(N * sizeof *re), *im = chirp_alloc(N * sizeof *im);
    assert_true(x && y && re && im);
    double aa = 0, bb = 0;
    for (int k = 640; k <= 32000; ++k) {
        const double weight = 4 / 32.0 / chirp_psd_at(psd, k / 32.0);
        const double u = a[k][0] * b[k][0] + a[k][1] * b[k][1],
                     v = a[k][1] * b[k][0] - a[k][0] * b[k][1];
        /* real transforms of z and -i z give real and imaginary parts of the analytic series (halved: both signs are summed) */
        x[k][0] = weight * u / 2;
        x[k][1] = weight * v / 2;
        y[k][0] = weight * v / 2;
        y[k][1] = -weight * u / 2;
        aa += weight * (a[k][0] * a[k][0] + a[k][1] * a[k][1]);
        bb += weight * (b[k][0] * b[k][0] + b[k][1] * b[k][1]);
    }
    must(chirp_transform_inverse(N, x, re));
    must(chirp_transform_inverse(N, y, im));
    int best = 0;
    double most = -1;
    for (int i = 0; i < N; ++i) {
        const double z = hypot(re[i], im[i]);
        if (z > most) {
            most = z;
            best = i;
        }
    }
    *at_s = best / (double)RATE;
    *norms = sqrt(aa * bb);
    chirp_free(x);
    chirp_free(y);
    chirp_free(re);
    chirp_free(im);
    return most;
}

/* The experiment reached 0.9987 with the template's own parameters. */
static void test_match_with_effective_one_body_template(void **state)
{
    (void)state;
    char room[2][1024];
    const char *template = test_data("data/gw150914/GW150914_4_template.hdf5", room[0]);
    const char *table = test_data("data/psd/aLIGOZeroDetHighPower.dat", room[1]);
    hid_t file, dataset;
    hsize_t extent[2];
    must(chirp_hdf_open(template, false, &file));
    must(chirp_hdf_dataset(file, "template", "template", 2, extent, &dataset));
    assert_true(extent[0] == 2 && extent[1] == N);
    double *plus = chirp_alloc(N * sizeof *plus);
    fftw_complex *a = chirp_calloc(BINS, sizeof *a), *b = chirp_calloc(BINS, sizeof *b);
    assert_true(plus && a && b);
    must(chirp_hdf_read_rows(dataset, "template", "template", H5T_NATIVE_DOUBLE,
                             (chirp_hdf_rows){.n = 1, .width = N}, plus));
    chirp_hdf_close(dataset);
    chirp_hdf_close(file);
    must(chirp_transform_forward(N, plus, a));
    for (int k = 0; k < BINS; ++k) {
        a[k][0] /= RATE;
        a[k][1] /= RATE;
    }
    chirp_psd *psd;
    must(chirp_psd_read(table, CHIRP_PSD_DETECT, &psd));
    const chirp_binary cases[3] = {
        {41.743, 29.237, 0.355, -0.769}, {36 * 1.115, 29 * 1.115, 0, 0}, {36, 29, 0, 0}};
    const double want[3] = {0.9987, 0.9969, 0.69};
    for (int c = 0; c < 3; ++c) {
        memset(b, 0, BINS * sizeof *b);
        model_spectrum(&cases[c], b);
        double at, norms;
        const double match = best_overlap(a, b, psd, &at, &norms) / norms;
        printf("match with the template: (%g, %g, %g, %g) %.4f at %.4f s\n", cases[c].m1_msun,
               cases[c].m2_msun, cases[c].chi1, cases[c].chi2, match, at);
        if (!(fabs(match - want[c]) < (c == 2 ? 0.02 : 0.001)))
            fail_msg("match %g, expected %g", match, want[c]);
        if (c == 0) {
            assert_true(match >= 0.998);
            assert_true(
                fabs(at - 15.984) <
                0.002); /* the template's envelope is largest there; so is ours: one definition */
        }
    }
    chirp_psd_destroy(psd);
    chirp_free(plus);
    chirp_free(a);
    chirp_free(b);
}

/* waveform.md section 13: matched filter with the template's parameters: H1 19.4 at 1126259462.428, L1 13.0 at .421. */
static void test_matched_filter_finds_the_event(void **state)
{
    (void)state;
    char room[2][1024];
    const char *const files[2] = {test_data(HANFORD, room[0]), test_data(LIVINGSTON, room[1])};
    const double want[2] = {19.4, 13.0}, when[2] = {16.428, 16.421};
    const chirp_binary binary = {41.743, 29.237, 0.355, -0.769};
    fftw_complex *d = chirp_calloc(BINS, sizeof *d), *h = chirp_calloc(BINS, sizeof *h);
    assert_true(d && h);
    model_spectrum(&binary, h);
    double square = 0;
    for (int i = 0; i < 2; ++i) {
        chirp_strain s;
        chirp_psd *psd;
        must(chirp_strain_read(files[i], -INFINITY, INFINITY, &s));
        assert_int_equal(s.n, N);
        must(chirp_strain_psd(files[i], 1126259462.4, &psd));
        for (int j = 0; j < RATE; ++j) { /* half a second of cosine at both ends */
            const double w = j < RATE / 2 ? 0.5 * (1 - cos(2 * M_PI * j / RATE)) : 1;
            s.sample[j] *= w;
            s.sample[N - 1 - j] *= w;
        }
        must(chirp_transform_forward(N, s.sample, d));
        for (int k = 0; k < BINS; ++k) {
            d[k][0] /= RATE;
            d[k][1] /= RATE;
        }
        double at, norms, hh = 0;
        const double z = best_overlap(d, h, psd, &at, &norms);
        for (int k = 640; k <= 32000; ++k)
            hh += 4 / 32.0 * (h[k][0] * h[k][0] + h[k][1] * h[k][1]) / chirp_psd_at(psd, k / 32.0);
        const double snr = z / sqrt(hh);
        square += snr * snr;
        printf("%s: matched-filter SNR %.1f, envelope's peak at %.4f s\n", s.detector, snr, at);
        if (!(fabs(snr - want[i]) < 0.5))
            fail_msg("SNR %g, expected %g", snr, want[i]);
        /* the reference's time is that of the template's end of inspiral: a few ms from our envelope's peak */
        assert_true(fabs(at - when[i]) < 0.012);
        chirp_psd_destroy(psd);
        chirp_strain_destroy(&s);
    }
    printf("network SNR %.1f\n", sqrt(square));
    assert_true(fabs(sqrt(square) - 23.4) < 0.5);
    chirp_free(d);
    chirp_free(h);
}

/* The window that infer sees holds the merger where a network expects it: the best shift of a generated signal is near 0. */
static void test_window_of_the_event(void **state)
{
    (void)state;
    char room[1024];
    const char *const file = test_data(HANFORD, room);
    enum { LENGTH = 8192 };
    static float window[LENGTH], clean[LENGTH];
    chirp_strain_info info;
    must(chirp_strain_window(file, 1126259462.4, 0.875, LENGTH, 8192, 20, window, &info));
    assert_string_equal(info.detector, "H1");
    assert_false(info.doubtful);
    chirp_signal_config config = chirp_signal_config_default();
    config.noise = false;
    config.psd_path = file;
    chirp_generator *g;
    must(chirp_generator_create(&config, &g));
    chirp_signal_draw draw = {
        .binary = {41.743, 29.237, 0.355, -0.769}, .snr = 10, .weight = {1, 0}};
    double best = 0, best_at = 0;
    for (int step = -60; step <= 60; ++step) {
        double part[2];
        for (int q = 0; q < 2; ++q) {
            draw.merger_s = 0.875 + 0.0005 * step;
            draw.phase = q * M_PI / 2;
            must(chirp_generator_make(g, &draw, 0, clean));
            part[q] = 0;
            for (int i = 0; i < LENGTH; ++i)
                part[q] += (double)window[i] * (double)clean[i];
        }
        if (hypot(part[0], part[1]) > best) {
            best = hypot(part[0], part[1]);
            best_at = draw.merger_s;
        }
    }
    /* SNR = <window, unit signal> times the noise's scale: window has unit variance, noise variance share of it */
    const double share = 0.2246,
                 snr = best / sqrt((double)LENGTH) *
                       sqrt(share * info.noise_scale * info.noise_scale + 19.4 * 19.4 / LENGTH);
    printf("H1 window: SNR %.1f of a generated signal with its merger at %.4f s; noise scale %.3f, "
           "%lld segments\n",
           snr, best_at, info.noise_scale, (long long)info.n_segments);
    assert_true(fabs(info.noise_scale - 1) < 0.1 && info.worst_bin_power < CHIRP_WORST_BIN_MOST);
    assert_true(fabs(best_at - 0.875) < 0.025);
    assert_true(fabs(snr - 19.4) < 1.5);
    chirp_generator_destroy(g);
    chirp_strain_info_destroy(&info);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_match_with_effective_one_body_template),
        cmocka_unit_test(test_matched_filter_finds_the_event),
        cmocka_unit_test(test_window_of_the_event),
    };
    if (test_data_absent())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
