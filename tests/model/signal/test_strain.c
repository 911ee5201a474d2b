/* model/signal: strain files, whitening, Welch; the whitened window of a file equals the generator's. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "model/signal/generator.h"
#include "model/signal/hdf.h"
#include "model/signal/strain.h"
#include "model/signal/welch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LENGTH = 8192 };
static char path[64];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/chirp-strain-%ld.hdf5", (long)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    /* nothing of HDF5 may stay open, whatever failed */
    return H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0 ? 0 : -1;
}

static void must(chirp_status st)
{
    if (st != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
}

static double correlation(const float *a, const float *b, int64_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < n; ++i) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

/* Mean of the estimate over the truth: 0.994 to 0.998 was measured for design noise (waveform.md section 11). */
static void test_welch_recovers_the_density(void **state)
{
    (void)state;
    chirp_strain_spec spec = chirp_strain_spec_default();
    spec.snr = 0;
    must(chirp_strain_write(path, &spec));
    chirp_strain s;
    must(chirp_strain_read(path, -INFINITY, INFINITY, &s));
    assert_string_equal(s.detector, "H1");
    assert_int_equal(s.n, 131072);
    assert_true(s.gps_start == 1126259446 && s.sample_rate_hz == 4096);
    chirp_psd *design;
    must(chirp_psd_design(&design));
    for (int variant = 0; variant < 3; ++variant) {
        chirp_welch welch = chirp_welch_default();
        welch.mean = variant == 1;
        welch.window = variant == 2 ? CHIRP_WELCH_TUKEY : CHIRP_WELCH_HANN;
        chirp_psd *psd;
        int64_t used = 0;
        must(chirp_welch_estimate(&welch, "test", s.sample, s.n, s.sample_rate_hz, s.good, &psd,
                                  &used));
        assert_int_equal(used, 15);
        double ratio = 0;
        int n = 0;
        for (double f = 30; f < 1500; f += 0.25, ++n)
            ratio += chirp_psd_at(psd, f) / chirp_psd_at(design, f);
        /* 5880 bins, each spread by about 0.3: the mean is good to 0.006 with neighbouring bins correlated */
        if (!(fabs(ratio / n - 1) < 0.025))
            fail_msg("variant %d: mean ratio %g", variant, ratio / n);
        chirp_psd_destroy(psd);
    }
    assert_true(fabs(chirp_median_bias(15) - 0.7254) < 1e-3 &&
                fabs(chirp_median_bias(100001) - log(2)) < 1e-4);
    assert_true(chirp_median_bias(2) == 1 && chirp_median_bias(1) == 1);
    chirp_psd_destroy(design);
    chirp_strain_destroy(&s);
}

/*
 * The claim that makes training useful: a loud signal in a strain file, whitened by its own estimate, gives the window that
 * the generator makes of the same binary with the same merger time.
 */
static void test_file_window_equals_generated_window(void **state)
{
    (void)state;
    const double rates[2] = {4096, 16384};
    for (int r = 0; r < 2; ++r) {
        chirp_strain_spec spec = chirp_strain_spec_default();
        spec.snr = 400;
        spec.sample_rate_hz = rates[r];
        spec.phase = 1;
        spec.gps_merger = 1126259462.40013; /* no multiple of any sample */
        must(chirp_strain_write(path, &spec));
        static float window[LENGTH], clean[LENGTH];
        chirp_strain_info info;
        must(chirp_strain_window(path, spec.gps_merger, 0.875, LENGTH, 8192, 20, window, &info));
        chirp_signal_config config = chirp_signal_config_default();
        config.noise = false;
        chirp_generator *g;
        must(chirp_generator_create(&config, &g));
        const chirp_signal_draw draw = {
            .binary = spec.binary, .phase = 1, .merger_s = 0.875, .snr = 10, .weight = {1, 0}};
        must(chirp_generator_make(g, &draw, 0, clean));
        const double c = correlation(window, clean, LENGTH);
        printf("%g Hz: correlation of the file's window with the generated one %.5f; noise scale "
               "%.4f\n",
               rates[r], c, info.noise_scale);
        assert_true(c > 0.97); /* Welch's estimate of 32 s errs by a quarter in every bin */
        assert_true(fabs(info.noise_scale - 1) < 0.05);
        assert_true(info.source_rate_hz == rates[r] && info.n_segments == 15);
        /* shifted by one sample it is worse: time is right to a fraction of a sample */
        static float later[LENGTH];
        for (int shift = -1; shift <= 1; shift += 2) {
            must(chirp_strain_window(path, spec.gps_merger + shift / 8192.0, 0.875, LENGTH, 8192,
                                     20, later, NULL));
            assert_true(correlation(later, clean, LENGTH) < c);
        }
        chirp_generator_destroy(g);
        chirp_strain_info_destroy(&info);
    }
}

static void test_sweep(void **state)
{
    (void)state;
    const chirp_strain_spec spec = chirp_strain_spec_default();
    must(chirp_strain_write(path, &spec));
    const chirp_whiten_options options = chirp_whiten_options_default();
    chirp_whitened *w;
    must(chirp_strain_whiten(path, spec.gps_merger, &options, &w));
    static float windows[5][LENGTH], one[LENGTH];
    double offset[5];
    for (int i = 0; i < 5; ++i) {
        offset[i] = chirp_sweep_offset(0.875, 0.0625, 5, i);
        must(chirp_whitened_window(w, spec.gps_merger - offset[i], LENGTH, windows[i]));
    }
    assert_true(offset[0] == 0.75 && offset[2] == 0.875 && offset[4] == 1.0);
    must(chirp_strain_window(path, spec.gps_merger, 0.875, LENGTH, 8192, 20, one, NULL));
    assert_memory_equal(windows[2], one, sizeof one);
    /* a merger 512 samples later in the window: the window began 512 samples earlier */
    assert_true(correlation(windows[2], windows[1] + 0, LENGTH) < 0.5);
    assert_true(correlation(windows[2] + 512, windows[3] + 1024, LENGTH - 1024) > 0.9999);
    assert_true(correlation(windows[2], windows[3] + 512, LENGTH - 512) > 0.9999);
    const double far = chirp_sweep_offset(0.875, 30, 3, 0);
    assert_int_equal(chirp_whitened_window(w, spec.gps_merger - far, LENGTH, windows[0]),
                     CHIRP_ERR_RANGE);
    chirp_whitened_destroy(w);
}

/* Changes one thing of a good file through HDF5. */
static void with_file(void (*change)(hid_t file))
{
    const chirp_strain_spec spec = chirp_strain_spec_default();
    must(chirp_strain_write(path, &spec));
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    change(file);
    assert_true(H5Fclose(file) >= 0);
}

static void write_strain(hid_t file, int64_t first, int64_t n, double value)
{
    const hid_t id = H5Dopen2(file, "strain/Strain", H5P_DEFAULT), space = H5Dget_space(id);
    const hsize_t start[1] = {(hsize_t)first}, count[1] = {(hsize_t)n};
    const hid_t memory = H5Screate_simple(1, count, NULL);
    double *x = chirp_alloc((size_t)n * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; ++i)
        x[i] = value;
    assert_true(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0);
    assert_true(H5Dwrite(id, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, x) >= 0);
    chirp_free(x);
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(id);
}

static void nan_at_event(hid_t file) { write_strain(file, 16 * 4096 + 2000, 1, (double)NAN); }
static void nan_everywhere(hid_t file) { write_strain(file, 0, 131072, (double)NAN); }
static void nan_leaves_ten_seconds(hid_t file)
{
    write_strain(file, 11 * 4096, 1, (double)NAN);
    write_strain(file, 22 * 4096, 1, (double)INFINITY);
}
static void zeros_in_event(hid_t file) { write_strain(file, 16 * 4096 + 400, 16, 0); }
static void held_over_two_seconds(hid_t file) { write_strain(file, 17 * 4096 - 8, 16, 3e-22); }
static void fifteen_equal(hid_t file) { write_strain(file, 20 * 4096, 15, 0); }
static void zeros_for_fifteen_seconds(hid_t file) { write_strain(file, 0, 15 * 4096, 0); }
static void zeros_at_start(hid_t file) { write_strain(file, 0, 12 * 4096, 0); }
static void zeros_at_end(hid_t file) { write_strain(file, 20 * 4096, 12 * 4096, -1e-23); }
static void zeros_in_middle(hid_t file) { write_strain(file, 13 * 4096, 12288, 0); }
static void constant(hid_t file) { write_strain(file, 0, 131072, 1e-21); }
static void write_mask(hid_t file, hsize_t second, uint32_t value)
{
    const hid_t id = H5Dopen2(file, "quality/simple/DQmask", H5P_DEFAULT), space = H5Dget_space(id);
    const hsize_t start[1] = {second}, count[1] = {1};
    const hid_t memory = H5Screate_simple(1, count, NULL);
    assert_true(H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0);
    assert_true(H5Dwrite(id, H5T_NATIVE_UINT32, memory, space, H5P_DEFAULT, &value) >= 0);
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(id);
}
static void bad_quality(hid_t file) { write_mask(file, 16, 126); }
static void doubtful_quality(hid_t file) { write_mask(file, 10, 127 & ~8u); }
static void no_strain(hid_t file)
{
    assert_true(H5Ldelete(file, "strain/Strain", H5P_DEFAULT) >= 0);
}
static void no_start(hid_t file)
{
    assert_true(H5Ldelete(file, "meta/GPSstart", H5P_DEFAULT) >= 0);
    assert_true(H5Adelete_by_name(file, "strain/Strain", "Xstart", H5P_DEFAULT) >= 0);
}
static void older_layout(hid_t file) /* no attributes: rate from the duration; no quality */
{
    assert_true(H5Adelete_by_name(file, "strain/Strain", "Xstart", H5P_DEFAULT) >= 0);
    assert_true(H5Adelete_by_name(file, "strain/Strain", "Xspacing", H5P_DEFAULT) >= 0);
    assert_true(H5Ldelete(file, "quality", H5P_DEFAULT) >= 0);
}
static void wrong_duration(hid_t file)
{
    const int64_t wrong = 4096;
    const hid_t id = H5Dopen2(file, "meta/Duration", H5P_DEFAULT);
    assert_true(H5Dwrite(id, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, &wrong) >= 0);
    H5Dclose(id);
}
static void wrong_spacing(hid_t file)
{
    const double wrong = 0;
    const hid_t id = H5Dopen2(file, "strain/Strain", H5P_DEFAULT), space = H5Screate(H5S_SCALAR);
    assert_true(H5Adelete(id, "Xspacing") >= 0);
    const hid_t attribute =
        H5Acreate2(id, "Xspacing", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, H5T_NATIVE_DOUBLE, &wrong) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Dclose(id);
}
static void text_start(hid_t file)
{
    assert_true(H5Ldelete(file, "meta/GPSstart", H5P_DEFAULT) >= 0);
    const hid_t group = H5Gcreate2(file, "meta/GPSstart", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(group >= 0);
    H5Gclose(group);
}
static void nothing(hid_t file) { (void)file; }

static void expect(void (*change)(hid_t), double gps, chirp_status want, const char *part)
{
    static float window[LENGTH];
    with_file(change);
    const chirp_status st = chirp_strain_window(path, gps, 0.875, LENGTH, 8192, 20, window, NULL);
    if (st != want || !strstr(chirp_error_message(), part) || !strstr(chirp_error_message(), path))
        fail_msg("status %d (%s), expected %d with '%s' and the file's name", st,
                 chirp_error_message(), want, part);
}

static void test_bad_files_are_named(void **state)
{
    (void)state;
    static float window[LENGTH];
    const double gps = 1126259462.4;
    expect(nan_at_event, gps, CHIRP_ERR_NUMERIC, "second at GPS 1126259462");
    expect(nan_everywhere, gps, CHIRP_ERR_NUMERIC, "missing data (NaN");
    expect(nan_leaves_ten_seconds, gps, CHIRP_ERR_RANGE, "only 10 s of good data in a row");
    expect(bad_quality, gps, CHIRP_ERR_NUMERIC, "data-quality mask");
    expect(constant, gps, CHIRP_ERR_NUMERIC, "equal samples in a row");
    expect(no_strain, gps, CHIRP_ERR_FORMAT, "/strain/Strain");
    expect(no_start, gps, CHIRP_ERR_FORMAT, "GPSstart");
    expect(text_start, gps, CHIRP_ERR_FORMAT, "/meta/GPSstart");
    expect(wrong_duration, gps, CHIRP_ERR_FORMAT, "truncated?");
    expect(wrong_spacing, gps, CHIRP_ERR_FORMAT, "Xspacing");
    expect(nothing, 1126259400, CHIRP_ERR_RANGE, "lies outside");
    expect(nothing, 1126259478, CHIRP_ERR_RANGE, "lies outside");
    expect(nothing, 1126259446.3, CHIRP_ERR_RANGE, "too near the edge");
    expect(nothing, 1126259477.9, CHIRP_ERR_RANGE, "too near the edge");
    assert_int_equal(chirp_strain_window(path, (double)NAN, 0.875, LENGTH, 8192, 20, window, NULL),
                     CHIRP_ERR_ARG);
    assert_int_equal(chirp_strain_window(path, gps, 2, LENGTH, 8192, 20, window, NULL),
                     CHIRP_ERR_ARG);
    assert_int_equal(
        chirp_strain_window("/nonexistent.hdf5", gps, 0.875, LENGTH, 8192, 20, window, NULL),
        CHIRP_ERR_IO);
    assert_int_equal(chirp_file_write(path, "no HDF5 at all", 14), CHIRP_OK);
    assert_int_equal(chirp_strain_window(path, gps, 0.875, LENGTH, 8192, 20, window, NULL),
                     CHIRP_ERR_FORMAT);
}

/* Mean over the band of an estimate's density over that of the design curve. */
static double over_design(const chirp_psd *psd)
{
    chirp_psd *design;
    must(chirp_psd_design(&design));
    double ratio = 0;
    int n = 0;
    for (double f = 30; f < 900; f += 0.25, ++n)
        ratio += chirp_psd_at(psd, f) / chirp_psd_at(design, f);
    chirp_psd_destroy(design);
    return ratio / n;
}

/* Equal samples in a row are missing data: refused in the window, left out of noise estimates and of training noise. */
static void test_equal_samples_are_missing(void **state)
{
    (void)state;
    static float window[LENGTH];
    const double gps = 1126259462.4;
    expect(zeros_in_event, gps, CHIRP_ERR_NUMERIC, "GPS 1126259462 has missing data");
    expect(held_over_two_seconds, gps, CHIRP_ERR_NUMERIC, "GPS 1126259462 has missing data");
    expect(held_over_two_seconds, gps + 1, CHIRP_ERR_NUMERIC, "GPS 1126259463 has missing data");
    expect(zeros_for_fifteen_seconds, gps, CHIRP_ERR_RANGE, "too near the edge of the good data");
    with_file(fifteen_equal);
    must(chirp_strain_window(path, gps, 0.875, LENGTH, 8192, 20, window, NULL));
    void (*const partly[])(hid_t) = {zeros_at_start, zeros_at_end, zeros_for_fifteen_seconds,
                                     zeros_in_middle};
    for (size_t i = 0; i < sizeof partly / sizeof partly[0]; ++i) {
        chirp_psd *psd;
        with_file(partly[i]);
        must(chirp_strain_psd(path, (double)NAN, &psd));
        /* 3 to 9 segments: the median of few scatters, but zeros would give 0 to 0.5 */
        const double ratio = over_design(psd);
        if (!(ratio > 0.8 && ratio < 1.25))
            fail_msg("case %zu: density over that of the design %g", i, ratio);
        chirp_psd_destroy(psd);
        if (i > 1)
            continue;
        chirp_strain_info info;
        must(chirp_strain_window(path, gps, 0.875, LENGTH, 8192, 20, window, &info));
        assert_true(info.used_to_gps - info.used_from_gps == 20);
        assert_true(fabs(info.noise_scale - 1) < 0.1);
        chirp_strain_info_destroy(&info);
    }
}

/* Noise for training comes from the longest good part; no piece touches the missing data. */
static void test_missing_data_give_no_training_noise(void **state)
{
    (void)state;
    enum { N = 200 };
    with_file(zeros_for_fifteen_seconds);
    chirp_signal_config config = chirp_signal_config_default();
    config.noise_path = path;
    config.snr_min = config.snr_max = 1e-3; /* noise alone */
    chirp_generator *g;
    must(chirp_generator_create(&config, &g));
    float *x = chirp_alloc((size_t)N * LENGTH * sizeof *x);
    assert_non_null(x);
    must(chirp_generator_batch(g, 0, N, x, NULL, NULL, NULL));
    for (int i = 0; i < N; ++i)
        for (int part = 0; part < 8; ++part) { /* an eighth of a second of noise is never still */
            double square = 0;
            for (int j = 0; j < LENGTH / 8; ++j)
                square += (double)x[i * LENGTH + part * LENGTH / 8 + j] *
                          (double)x[i * LENGTH + part * LENGTH / 8 + j];
            assert_true(square / (LENGTH / 8.0) > 0.4);
        }
    chirp_free(x);
    chirp_generator_destroy(g);
}

/* Every truncation of a good file is an error, never a crash and never a window. */
static void test_truncated_files(void **state)
{
    (void)state;
    static float window[LENGTH];
    const chirp_strain_spec spec = chirp_strain_spec_default();
    must(chirp_strain_write(path, &spec));
    char *bytes;
    size_t length;
    must(chirp_file_read(path, &bytes, &length));
    for (int i = 1; i < 40; ++i) {
        assert_int_equal(chirp_file_write(path, bytes, length * (size_t)i / 40), CHIRP_OK);
        assert_int_equal(
            chirp_strain_window(path, 1126259462.4, 0.875, LENGTH, 8192, 20, window, NULL),
            CHIRP_ERR_FORMAT);
    }
    chirp_free(bytes);
}

static void test_other_layouts(void **state)
{
    (void)state;
    static float window[LENGTH];
    chirp_strain_info info;
    with_file(older_layout);
    must(chirp_strain_window(path, 1126259462.4, 0.875, LENGTH, 8192, 20, window, &info));
    assert_false(info.doubtful);
    assert_true(info.source_rate_hz == 4096 && info.file_duration_s == 32);
    chirp_strain_info_destroy(&info);
    with_file(doubtful_quality);
    must(chirp_strain_window(path, 1126259462.4, 0.875, LENGTH, 8192, 20, window, &info));
    assert_true(info.doubtful);
    chirp_strain_info_destroy(&info);
}

/*
 * Power lines and the like: sinusoids of 100 times the noise's amplitude density in a bin of 0.25 Hz under a Hann window
 * (1.5 bins wide) at frequencies between bins, as detectors have them.
 */
static void lines(hid_t file)
{
    static const double at_hz[2] = {60.1, 500.07};
    enum { N = 32 * 4096 };
    static double x[N];
    chirp_psd *design;
    must(chirp_psd_design(&design));
    const hid_t id = H5Dopen2(file, "strain/Strain", H5P_DEFAULT);
    assert_true(H5Dread(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
    for (int line = 0; line < 2; ++line) {
        const double amplitude = 100 * sqrt(2 * 1.5 * 0.25 * chirp_psd_at(design, at_hz[line]));
        for (int i = 0; i < N; ++i)
            x[i] += amplitude * cos(2 * M_PI * at_hz[line] * (double)i / 4096 + line);
    }
    assert_true(H5Dwrite(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
    H5Dclose(id);
    chirp_psd_destroy(design);
}

/* Mean power of w's segments of 4 s over that of white noise, the largest of all bins where the filter is open. */
static double worst_bin(const chirp_whitened *w, double low_hz, double high_hz)
{
    chirp_welch welch = chirp_welch_default();
    welch.mean = true;
    double *x = chirp_alloc((size_t)w->n * sizeof *x), worst = 0;
    assert_non_null(x);
    for (int64_t i = 0; i < w->n; ++i)
        x[i] = (double)w->sample[i];
    chirp_psd *psd;
    must(chirp_welch_estimate(&welch, path, x, w->n, w->sample_rate_hz, NULL, &psd, NULL));
    for (double f = low_hz; f <= high_hz; f += 0.25)
        worst = fmax(worst, chirp_psd_at(psd, f) * w->sample_rate_hz / 2);
    chirp_psd_destroy(psd);
    chirp_free(x);
    return worst;
}

static void test_lines_are_whitened(void **state)
{
    (void)state;
    chirp_whiten_options options = chirp_whiten_options_default();
    chirp_whitened *w;
    double power = 0, hz = 0;
    with_file(lines);
    must(chirp_strain_whiten(path, 1126259462.4, &options, &w));
    must(chirp_whitened_worst_bin(w, &power, &hz));
    const double worst = worst_bin(w, 30, 900);
    printf("lines of 100 times the noise: worst bin %.2f (%.2f at %.2f Hz), noise scale %.3f\n",
           worst, power, hz, w->noise_scale);
    assert_true(worst < CHIRP_WORST_BIN_MOST && power < CHIRP_WORST_BIN_MOST);
    assert_true(power >= worst * 0.999); /* the same bins and those at the edges */
    assert_true(fabs(w->noise_scale - 1) < 0.1);
    chirp_whitened_destroy(w);
    /* a response shorter than the segments leaves the lines in, and that is noticed */
    options.response_s = 2;
    must(chirp_strain_whiten(path, 1126259462.4, &options, &w));
    must(chirp_whitened_worst_bin(w, &power, &hz));
    assert_true(worst_bin(w, 30, 900) > 2 * CHIRP_WORST_BIN_MOST &&
                power > 2 * CHIRP_WORST_BIN_MOST);
    assert_true(fabs(hz - 60.1) < 0.5 || fabs(hz - 500.07) < 0.5);
    chirp_whitened_destroy(w);
}

/* Moves the samples to another place with attributes of another program. */
static void move(hid_t file, const char *to, const char *start, const char *spacing,
                 double value[2])
{
    const hid_t make = H5Pcreate(H5P_LINK_CREATE);
    assert_true(H5Pset_create_intermediate_group(make, 1) >= 0);
    assert_true(H5Lmove(file, "strain/Strain", file, to, make, H5P_DEFAULT) >= 0);
    H5Pclose(make);
    assert_true(H5Adelete_by_name(file, to, "Xstart", H5P_DEFAULT) >= 0);
    assert_true(H5Adelete_by_name(file, to, "Xspacing", H5P_DEFAULT) >= 0);
    const hid_t id = H5Dopen2(file, to, H5P_DEFAULT);
    must(chirp_hdf_put_real(id, path, start, value[0]));
    must(chirp_hdf_put_real(id, path, spacing, value[1]));
    H5Dclose(id);
    assert_true(H5Ldelete(file, "meta", H5P_DEFAULT) >= 0);
    assert_true(H5Ldelete(file, "quality", H5P_DEFAULT) >= 0);
}
static double start_and_step[2] = {1126259446, 1.0 / 4096};
static void put_text(hid_t file, const char *object, const char *name, const char *text)
{
    const hid_t id = H5Dopen2(file, object, H5P_DEFAULT);
    must(chirp_hdf_put_text(id, path, name, text));
    H5Dclose(id);
}
static void gwpy_layout(hid_t file)
{
    move(file, "Strain", "x0", "dx", start_and_step);
    put_text(file, "Strain", "xunit", "s");
    put_text(file, "Strain", "unit", "strain");
    put_text(file, "Strain", "name", "Strain");
    put_text(file, "Strain", "channel", "H1:GWOSC-4KHZ_R1_STRAIN");
}
static void spectrum_of_gwpy(hid_t file)
{
    gwpy_layout(file);
    put_text(file, "Strain", "xunit", "Hz");
}
static void pycbc_layout(hid_t file)
{
    move(file, "H1:STRAIN", "start_time", "delta_t", start_and_step);
}
static void pycbc_default(hid_t file)
{
    move(file, "data", "start_time", "delta_t", start_and_step);
}
static void no_step(hid_t file)
{
    double value[2] = {1126259446, 0};
    move(file, "data", "start_time", "delta_t", value);
}
static void merged(hid_t file)
{
    const hid_t make = H5Pcreate(H5P_LINK_CREATE);
    assert_true(H5Pset_create_intermediate_group(make, 1) >= 0);
    for (int d = 0; d < 2; ++d) {
        const char *const group[2] = {"H1", "L1"};
        char to[32];
        for (int part = 0; part < 3; ++part) {
            const char *const from[3] = {"strain", "meta", "quality"};
            (void)snprintf(to, sizeof to, "%s/%s", group[d], from[part]);
            assert_true(H5Ocopy(file, from[part], file, to, H5P_DEFAULT, make) >= 0);
        }
    }
    H5Pclose(make);
    assert_true(H5Ldelete(file, "L1/meta/Detector", H5P_DEFAULT) >= 0);
    const char *const old[3] = {"strain", "meta", "quality"};
    for (int part = 0; part < 3; ++part)
        assert_true(H5Ldelete(file, old[part], H5P_DEFAULT) >= 0);
}

/* The same samples in the layout of another program give the same window and name the detector. */
static void test_layouts_of_gwpy_and_pycbc(void **state)
{
    (void)state;
    const double gps = 1126259462.4;
    static float want[LENGTH], window[LENGTH];
    char series[2][96];
    chirp_strain_info info;
    with_file(nothing);
    must(chirp_strain_window(path, gps, 0.875, LENGTH, 8192, 20, want, NULL));
    (void)snprintf(series[0], sizeof series[0], "%s:H1", path);
    (void)snprintf(series[1], sizeof series[1], "%s:L1/strain/Strain", path);
    const struct {
        void (*change)(hid_t);
        const char *name, *detector;
    } cases[] = {{gwpy_layout, path, "H1"},        {pycbc_layout, path, "H1"},
                 {pycbc_default, path, "unknown"}, {merged, series[0], "H1"},
                 {merged, series[1], "L1"},        {pycbc_layout, series[0], "H1"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        with_file(cases[i].change);
        must(chirp_strain_window(cases[i].name, gps, 0.875, LENGTH, 8192, 20, window, &info));
        assert_memory_equal(window, want, sizeof want);
        assert_string_equal(info.detector, cases[i].detector);
        assert_true(chirp_strain_is_hdf5(cases[i].name));
        chirp_strain_info_destroy(&info);
    }
    expect(merged, gps, CHIRP_ERR_FORMAT, "several series (H1/strain/Strain, L1/strain/Strain)");
    assert_int_equal(chirp_strain_window(series[1], gps, 2, LENGTH, 8192, 20, window, NULL),
                     CHIRP_ERR_ARG);
    expect(spectrum_of_gwpy, gps, CHIRP_ERR_FORMAT, "no strain in it");
    expect(no_step, gps, CHIRP_ERR_FORMAT, "delta_t");
}

static void test_bad_specs(void **state)
{
    (void)state;
    chirp_strain_spec s = chirp_strain_spec_default();
    s.gps_merger = 0;
    assert_int_equal(chirp_strain_write(path, &s), CHIRP_ERR_RANGE);
    s = chirp_strain_spec_default();
    s.binary.m1_msun = -1;
    assert_int_equal(chirp_strain_write(path, &s), CHIRP_ERR_RANGE);
    s = chirp_strain_spec_default();
    s.sample_rate_hz = 100;
    assert_int_equal(chirp_strain_write(path, &s), CHIRP_ERR_RANGE);
    s = chirp_strain_spec_default();
    assert_int_equal(chirp_strain_write("/nonexistent/x.hdf5", &s), CHIRP_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_welch_recovers_the_density),
        cmocka_unit_test(test_file_window_equals_generated_window),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_bad_files_are_named),
        cmocka_unit_test(test_equal_samples_are_missing),
        cmocka_unit_test(test_missing_data_give_no_training_noise),
        cmocka_unit_test(test_truncated_files),
        cmocka_unit_test(test_other_layouts),
        cmocka_unit_test(test_layouts_of_gwpy_and_pycbc),
        cmocka_unit_test(test_lines_are_whitened),
        cmocka_unit_test(test_bad_specs),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
