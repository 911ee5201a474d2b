/* model/signal: data sets on disk: same rows back, shuffled streams, append, damage; and the prefetcher in front of them. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "model/signal/dataset.h"
#include "model/signal/prefetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <hdf5.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LENGTH = 512, ROWS = 533 }; /* no multiple of a chunk */
static char path[64];
static float *strain, *label, *snr, *parameters;

static void must(chirp_status st)
{
    if (st != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
}

static chirp_generator *small_generator(uint64_t seed, int detectors)
{
    chirp_signal_config c = chirp_signal_config_default();
    c.length = LENGTH;
    c.sample_rate_hz = 1024;
    c.f_high_hz = 400;
    c.merger_min_s = 0.3;
    c.merger_max_s = 0.4;
    c.seed = seed;
    c.n_detectors = detectors;
    chirp_generator *g = NULL;
    must(chirp_generator_create(&c, &g));
    return g;
}

static void write_set(int compress, int64_t first_part)
{
    chirp_generator *g = small_generator(5, 1);
    const chirp_dataset_options options = {
        .first_index = 100, .compress = compress, .chunk_rows = 16, .version = "test"};
    chirp_dataset_writer *w;
    uint64_t next;
    must(chirp_dataset_create(path, g, &options, &w));
    must(chirp_dataset_write(w, first_part, strain, label, snr, parameters));
    assert_int_equal(chirp_dataset_written(w, &next), first_part);
    assert_int_equal(next, 100 + first_part);
    must(chirp_dataset_finish(w));
    must(chirp_dataset_append(path, g, &w));
    assert_int_equal(chirp_dataset_written(w, &next), first_part);
    must(chirp_dataset_write(w, ROWS - first_part, strain + first_part * LENGTH,
                             label + first_part * CHIRP_LABELS, snr + first_part,
                             parameters + first_part * CHIRP_PARAMETERS));
    must(chirp_dataset_finish(w));
    chirp_generator_destroy(g);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/chirp-dataset-%ld.h5", (long)getpid());
    strain = chirp_calloc(ROWS * LENGTH, sizeof *strain);
    label = chirp_calloc(ROWS * CHIRP_LABELS, sizeof *label);
    snr = chirp_calloc(ROWS, sizeof *snr);
    parameters = chirp_calloc(ROWS * CHIRP_PARAMETERS, sizeof *parameters);
    chirp_generator *g = small_generator(5, 1);
    must(chirp_generator_batch(g, 100, ROWS, strain, label, snr, parameters));
    chirp_generator_destroy(g);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    chirp_free(strain);
    chirp_free(label);
    chirp_free(snr);
    chirp_free(parameters);
    return H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0 ? 0 : -1;
}

static void test_rows_come_back(void **state)
{
    (void)state;
    const int levels[2] = {0, 4};
    for (int c = 0; c < 2; ++c) {
        write_set(levels[c], 201);
        chirp_dataset *d;
        must(chirp_dataset_open(path, &d));
        const chirp_dataset_info *info = chirp_dataset_describe(d);
        assert_int_equal(info->rows, ROWS);
        assert_int_equal(info->signal.length, LENGTH);
        assert_int_equal(info->seed, 5);
        assert_int_equal(info->first_index, 100);
        assert_true(info->signal.sample_rate_hz == 1024 && info->signal.noise && info->signal.n_detectors == 1);
        assert_string_equal(info->version, "test");
        float *x = chirp_alloc(ROWS * LENGTH * sizeof *x), l[ROWS * CHIRP_LABELS], s[ROWS],
              p[ROWS * CHIRP_PARAMETERS];
        assert_non_null(x);
        must(chirp_dataset_rows(d, 0, ROWS, x, l, s, p));
        assert_memory_equal(x, strain, ROWS * LENGTH * sizeof *x);
        assert_memory_equal(l, label, sizeof l);
        assert_memory_equal(s, snr, sizeof s);
        assert_memory_equal(p, parameters, sizeof p);
        assert_int_equal(chirp_dataset_rows(d, ROWS - 1, 2, x, l, s, p), CHIRP_ERR_RANGE);
        chirp_free(x);
        chirp_dataset_close(d);
    }
}

/* Which row of the set this is: every SNR is drawn from a range, so equal numbers mean the same row. */
static int row_of(float value)
{
    for (int i = 0; i < ROWS; ++i)
        if (snr[i] == value)
            return i;
    return -1;
}

static void test_stream_is_a_shuffle_every_epoch(void **state)
{
    (void)state;
    write_set(0, 16);
    chirp_dataset *d;
    must(chirp_dataset_open(path, &d));
    float one[3 * ROWS], x[7 * LENGTH];
    must(chirp_dataset_batch(d, 11, 0, 3 * ROWS, NULL, NULL, one, NULL));
    int same_place = 0, in_order = 0;
    for (int epoch = 0; epoch < 3; ++epoch) {
        bool seen[ROWS] = {false};
        for (int i = 0; i < ROWS; ++i) {
            const int row = row_of(one[epoch * ROWS + i]);
            assert_true(row >= 0 && !seen[row]);
            seen[row] = true;
            same_place += epoch > 0 && one[epoch * ROWS + i] == one[(epoch - 1) * ROWS + i];
            in_order += i > 0 && row == row_of(one[epoch * ROWS + i - 1]) + 1;
        }
    }
    assert_true(same_place < 12 && in_order < 18); /* about one a shuffle is chance */
    /* any position by itself, backwards, gives the same rows: a function of (seed, position) */
    for (int64_t first = 3 * ROWS - 7; first >= 0; first -= 97) {
        float s[7], l[7 * CHIRP_LABELS];
        must(chirp_dataset_batch(d, 11, (uint64_t)first, 7, x, l, s, NULL));
        assert_memory_equal(s, one + first, sizeof s);
        for (int i = 0; i < 7; ++i) {
            const int row = row_of(s[i]);
            assert_memory_equal(x + i * LENGTH, strain + row * LENGTH, LENGTH * sizeof *x);
            assert_memory_equal(l + i * CHIRP_LABELS, label + row * CHIRP_LABELS,
                                CHIRP_LABELS * sizeof *l);
        }
    }
    float other[ROWS];
    must(chirp_dataset_batch(d, 12, 0, ROWS, NULL, NULL, other, NULL));
    assert_memory_not_equal(other, one, sizeof other);
    /* a restricted set shuffles its own rows only */
    must(chirp_dataset_restrict(d, 500, 33));
    must(chirp_dataset_batch(d, 11, 0, 66, NULL, NULL, one, NULL));
    for (int i = 0; i < 66; ++i)
        assert_true(row_of(one[i]) >= 500);
    assert_int_equal(chirp_dataset_restrict(d, 500, 34), CHIRP_ERR_RANGE);
    chirp_dataset_close(d);
}

static void test_two_detectors(void **state)
{
    (void)state;
    chirp_generator *g = small_generator(5, 2);
    float *x = chirp_alloc(40 * 2 * LENGTH * sizeof *x),
          *y = chirp_alloc(40 * 2 * LENGTH * sizeof *y);
    assert_true(x && y);
    float l[40 * CHIRP_LABELS], s[40], p[40 * CHIRP_PARAMETERS];
    must(chirp_generator_batch(g, 0, 40, x, l, s, p));
    const chirp_dataset_options options = {.chunk_rows = 3, .version = "test"};
    chirp_dataset_writer *w;
    must(chirp_dataset_create(path, g, &options, &w));
    must(chirp_dataset_write(w, 40, x, l, s, p));
    must(chirp_dataset_finish(w));
    chirp_dataset *d;
    must(chirp_dataset_open(path, &d));
    assert_int_equal(chirp_dataset_describe(d)->signal.n_detectors, 2);
    must(chirp_dataset_rows(d, 0, 40, y, NULL, NULL, NULL));
    assert_memory_equal(x, y, 40 * 2 * LENGTH * sizeof *x);
    chirp_dataset_close(d);
    chirp_generator_destroy(g);
    g = small_generator(5, 1);
    assert_int_equal(chirp_dataset_append(path, g, &w), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "n_detectors 2, not 1"));
    chirp_generator_destroy(g);
    chirp_free(x);
    chirp_free(y);
}

static void test_damage_is_named(void **state)
{
    (void)state;
    chirp_dataset *d = NULL;
    assert_int_equal(chirp_dataset_open("/nonexistent.h5", &d), CHIRP_ERR_IO);
    must(chirp_file_write(path, "not HDF5", 8));
    assert_int_equal(chirp_dataset_open(path, &d), CHIRP_ERR_FORMAT);
    write_set(0, 100);
    char *bytes;
    size_t length;
    must(chirp_file_read(path, &bytes, &length));
    for (int i = 1; i < 20; ++i) {
        must(chirp_file_write(path, bytes, length * (size_t)i / 20));
        assert_int_equal(chirp_dataset_open(path, &d), CHIRP_ERR_FORMAT);
    }
    chirp_free(bytes);
    const char *const gone[] = {"strain", "label", "snr", "parameters"};
    for (int i = 0; i < 4; ++i) {
        write_set(0, 100);
        const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
        assert_true(H5Ldelete(file, gone[i], H5P_DEFAULT) >= 0);
        H5Fclose(file);
        assert_int_equal(chirp_dataset_open(path, &d), CHIRP_ERR_FORMAT);
        assert_non_null(strstr(chirp_error_message(), gone[i]));
    }
    write_set(0, 100);
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Adelete(file, "rows") >= 0);
    H5Fclose(file);
    assert_int_equal(chirp_dataset_open(path, &d), CHIRP_ERR_FORMAT);
    assert_non_null(strstr(chirp_error_message(), "attribute rows"));
    assert_null(d);
}

static void test_prefetch_keeps_the_order(void **state)
{
    (void)state;
    chirp_generator *g = small_generator(5, 1);
    chirp_prefetch_config c = {.source = chirp_generator_source,
                               .context = g,
                               .batch = 8,
                               .row = LENGTH,
                               .first = 100,
                               .stride = 24,
                               .n_batches = 20,
                               .depth = 3};
    chirp_prefetch *p;
    must(chirp_prefetch_create(&c, &p));
    chirp_batch b;
    for (int k = 0; k < 20; ++k) {
        must(chirp_prefetch_next(p, &b));
        assert_int_equal(b.first, 100 + 24 * k);
        if (k % 5 == 0)
            usleep(2000); /* lets the ring fill up: the batch in hand must not be overwritten */
        const int row = 24 * k;
        assert_memory_equal(b.strain, strain + row * LENGTH, 8 * LENGTH * sizeof *strain);
        assert_memory_equal(b.label, label + row * CHIRP_LABELS, 8 * CHIRP_LABELS * sizeof *label);
        assert_memory_equal(b.snr, snr + row, 8 * sizeof *snr);
    }
    assert_int_equal(chirp_prefetch_next(p, &b), CHIRP_ERR_RANGE);
    double waited, worked;
    chirp_prefetch_times(p, &waited, &worked);
    assert_true(waited >= 0 && worked > 0);
    chirp_prefetch_destroy(p);
    c.n_batches = 0; /* endless: destroyed in mid-flow */
    must(chirp_prefetch_create(&c, &p));
    must(chirp_prefetch_next(p, &b));
    chirp_prefetch_destroy(p);
    c.depth = 1;
    assert_int_equal(chirp_prefetch_create(&c, &p), CHIRP_ERR_ARG);
    chirp_generator_destroy(g);
}

static chirp_status failing_source(void *context, uint64_t first, int64_t n, float *x, float *l,
                                   float *s, float *p)
{
    (void)context;
    (void)n;
    (void)x;
    (void)l;
    (void)s;
    (void)p;
    return first < 30 ? CHIRP_OK : chirp_fail(CHIRP_ERR_NUMERIC, "source failed at %d", (int)first);
}

static void test_prefetch_passes_failures_on(void **state)
{
    (void)state;
    const chirp_prefetch_config c = {
        .source = failing_source, .batch = 10, .row = 1, .stride = 10, .depth = 2};
    chirp_prefetch *p;
    chirp_batch b;
    must(chirp_prefetch_create(&c, &p));
    for (int k = 0; k < 3; ++k)
        must(chirp_prefetch_next(p, &b));
    for (int k = 0; k < 2; ++k) {
        assert_int_equal(chirp_prefetch_next(p, &b), CHIRP_ERR_NUMERIC);
        assert_string_equal(chirp_error_message(), "source failed at 30");
    }
    chirp_prefetch_destroy(p);
}

static void test_prefetch_streams_a_data_set(void **state)
{
    (void)state;
    write_set(1, 100);
    chirp_dataset *d;
    must(chirp_dataset_open(path, &d));
    chirp_dataset_stream stream = {d, 3};
    const chirp_prefetch_config c = {.source = chirp_dataset_source,
                                     .context = &stream,
                                     .batch = 50,
                                     .row = LENGTH,
                                     .stride = 50,
                                     .n_batches = 30,
                                     .depth = 2};
    chirp_prefetch *p;
    must(chirp_prefetch_create(&c, &p));
    int count[ROWS] = {0};
    for (int k = 0; k < 30; ++k) {
        chirp_batch b;
        must(chirp_prefetch_next(p, &b));
        for (int i = 0; i < 50; ++i) {
            const int row = row_of(b.snr[i]);
            assert_true(row >= 0);
            ++count[row];
            assert_memory_equal(b.strain + i * LENGTH, strain + row * LENGTH,
                                LENGTH * sizeof *strain);
        }
    }
    for (int i = 0; i < ROWS; ++i) /* 1500 positions are two epochs and a part */
        assert_in_range(count[i], 2, 3);
    chirp_prefetch_destroy(p);
    chirp_dataset_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_back),
        cmocka_unit_test(test_stream_is_a_shuffle_every_epoch),
        cmocka_unit_test(test_two_detectors),
        cmocka_unit_test(test_damage_is_named),
        cmocka_unit_test(test_prefetch_keeps_the_order),
        cmocka_unit_test(test_prefetch_passes_failures_on),
        cmocka_unit_test(test_prefetch_streams_a_data_set),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
