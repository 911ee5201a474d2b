/*
 * Training with the study's real network at a small batch: the same bits for any number of threads, a resume that
 * continues bitwise, checkpoints that h5py-like readers find complete, and bad checkpoints that change nothing.
 */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "model/parallel/parallel.h"
#include "model/training/checkpoint.h"
#include "model/training/config.h"
#include "model/training/labels.h"
#include "model/training/trainer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/chirp-trainer-XXXXXX";
static char path[64];

static chirp_train_config small_run(int n_threads)
{
    chirp_train_config config = chirp_train_config_default();
    config.batch = 2;
    config.iterations = 6;
    config.validation_signals = 3;
    config.seed = 11;
    config.n_threads = n_threads;
    assert_int_equal(chirp_train_labels(&config), CHIRP_OK); /* as chirp_trainer_create() does */
    return config;
}

static chirp_trainer *make(const chirp_train_config *config)
{
    chirp_trainer *trainer = NULL;
    if (chirp_trainer_create(config, &trainer) != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
    return trainer;
}

static double step(chirp_trainer *trainer)
{
    chirp_step_report report;
    if (chirp_trainer_step(trainer, &report) != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
    assert_true(isfinite(report.loss) && report.kl > 0 && report.gradient_norm > 0);
    return report.loss;
}

static void test_threads_and_resume_are_bitwise(void **state)
{
    (void)state;
    enum { STEPS = 4 };
    double loss[STEPS];
    chirp_validation whole;
    chirp_validation held_out;
    chirp_train_config config = small_run(1);
    config.clip = 0.9;    /* clips about half of the steps */
    config.average = 0.5; /* the average is not the parameters */
    chirp_trainer *trainer = make(&config);
    for (int i = 0; i < STEPS; ++i)
        loss[i] = step(trainer);
    assert_int_equal(chirp_trainer_validate(trainer, &whole), CHIRP_OK);
    assert_true(isfinite(whole.mean_relative_error) && whole.mean_relative_error > 0);
    assert_true(whole.best && whole.crps[0] > 0 && whole.guess_error[0] > 0);
    chirp_trainer_destroy(trainer);

    chirp_train_config other = config;
    other.n_threads = 3;
    trainer = make(&other);
    for (int i = 0; i < 2; ++i)
        assert_true(step(trainer) == loss[i]);
    assert_int_equal(chirp_trainer_save(trainer, path), CHIRP_OK);
    chirp_trainer_destroy(trainer);

    trainer = make(&other);
    assert_int_equal(chirp_trainer_resume(trainer, path), CHIRP_OK);
    assert_int_equal(chirp_trainer_iteration(trainer), 2);
    for (int i = 2; i < STEPS; ++i)
        assert_true(step(trainer) == loss[i]);
    assert_int_equal(chirp_trainer_validate(trainer, &held_out), CHIRP_OK);
    assert_true(held_out.negative_log_likelihood == whole.negative_log_likelihood);
    assert_true(held_out.crps[0] == whole.crps[0] &&
                held_out.mean_guess_error == whole.mean_guess_error);

    /* what is checked, and saved for use, is the average and not what training goes on from */
    const int64_t n = chirp_network_parameter_count(chirp_trainer_network(trainer));
    int n_tensors = 0;
    const chirp_tensor *tensors = chirp_network_tensors(chirp_trainer_network(trainer), &n_tensors);
    chirp_checkpoint saved = {0};
    saved.trained = chirp_calloc((size_t)n, sizeof(float));
    float *used = chirp_calloc((size_t)n, sizeof(float));
    assert_true(saved.trained && used);
    assert_int_equal(chirp_trainer_save(trainer, path), CHIRP_OK);
    assert_int_equal(chirp_checkpoint_read(path, &saved, tensors, n_tensors, used), CHIRP_OK);
    assert_true(saved.has_trained && saved.course.crossings >= 0 && saved.course.typical_norm > 0);
    assert_memory_equal(saved.trained, chirp_network_parameters(chirp_trainer_network(trainer)),
                        (size_t)n * sizeof(float));
    assert_true(memcmp(saved.trained, used, (size_t)n * sizeof(float)) != 0);
    chirp_free(saved.trained);
    chirp_free(saved.configuration);
    chirp_free(used);
    chirp_trainer_destroy(trainer);
}

/* The held-out check counts crossings in a row and remembers the best score, also over a resume. */
static void test_one_crossing_is_not_enough(void **state)
{
    (void)state;
    chirp_validation held_out;
    chirp_train_config config = small_run(0);
    char other[80];
    config.target_error = 1;
    (void)snprintf(other, sizeof other, "%s/crossing.h5", folder);
    chirp_trainer *trainer = make(&config);
    assert_int_equal(chirp_trainer_validate(trainer, &held_out), CHIRP_OK);
    assert_true(held_out.mean_relative_error < 1 && !held_out.target_reached && held_out.best);
    assert_int_equal(chirp_trainer_save(trainer, other), CHIRP_OK);
    chirp_trainer_destroy(trainer);
    trainer = make(&config);
    assert_int_equal(chirp_trainer_resume(trainer, other), CHIRP_OK);
    assert_int_equal(chirp_trainer_validate(trainer, &held_out), CHIRP_OK);
    assert_true(held_out.target_reached && !held_out.best); /* the same score is not better */
    chirp_trainer_destroy(trainer);
}

/* Time in place of iterations: all of the rate's fall within a few steps. */
static void test_the_schedule_follows_time(void **state)
{
    (void)state;
    chirp_step_report report = {0};
    chirp_train_config config = small_run(0);
    config.iterations = 100000;
    chirp_trainer *trainer = make(&config);
    for (int i = 1; i <= 3; ++i) {
        chirp_trainer_set_progress(trainer, 0.3 * i);
        assert_int_equal(chirp_trainer_step(trainer, &report), CHIRP_OK);
        assert_true(chirp_trainer_progress(trainer) == 0.3 * i);
    }
    chirp_trainer_set_progress(trainer, 1);
    assert_int_equal(chirp_trainer_step(trainer, &report), CHIRP_OK);
    const double fallen = config.final_rate + (config.learning_rate - config.final_rate) * 0.5 *
                                                  (1 + cos(M_PI * (0.9 - 0.3) / 0.7));
    assert_true(fabs(report.learning_rate - fallen) < 1e-9);
    chirp_trainer_destroy(trainer);
}

static void expect_refusal(const chirp_train_config *config, const char *file, chirp_status status,
                           const char *part)
{
    chirp_trainer *trainer = make(config);
    const int64_t n = chirp_network_parameter_count(chirp_trainer_network(trainer));
    float *before = chirp_alloc((size_t)n * sizeof *before);
    assert_non_null(before);
    memcpy(before, chirp_network_parameters(chirp_trainer_network(trainer)),
           (size_t)n * sizeof *before);
    assert_int_equal(chirp_trainer_resume(trainer, file), status);
    if (!strstr(chirp_error_message(), part) || !strstr(chirp_error_message(), file))
        fail_msg("'%s' names neither %s nor '%s'", chirp_error_message(), file, part);
    assert_memory_equal(before, chirp_network_parameters(chirp_trainer_network(trainer)),
                        (size_t)n * sizeof *before);
    assert_int_equal(chirp_trainer_iteration(trainer), 0);
    chirp_free(before);
    chirp_trainer_destroy(trainer);
}

static void test_bad_checkpoints_change_nothing(void **state)
{
    (void)state;
    char other[80];
    char *bytes = NULL;
    size_t length = 0;
    chirp_train_config config = small_run(0);
    config.seed = 12;
    expect_refusal(&config, path, CHIRP_ERR_ARG, "--seed");
    config = small_run(0);
    config.batch = 3;
    expect_refusal(&config, path, CHIRP_ERR_ARG, "--batch");
    config = small_run(0);
    config.variant = CHIRP_VARIANT_NONE;
    expect_refusal(&config, path, CHIRP_ERR_ARG, "--variational");
    config = small_run(0);
    config.network = "mass";
    expect_refusal(&config, path, CHIRP_ERR_ARG, "network");
    config = small_run(0);
    (void)snprintf(other, sizeof other, "%s/none.h5", folder);
    expect_refusal(&config, other, CHIRP_ERR_IO, "No such file");

    assert_int_equal(chirp_file_read(path, &bytes, &length), CHIRP_OK);
    (void)snprintf(other, sizeof other, "%s/short.h5", folder);
    assert_int_equal(chirp_file_write(other, bytes, length / 2), CHIRP_OK);
    expect_refusal(&config, other, CHIRP_ERR_FORMAT, "truncated");
    assert_int_equal(chirp_file_write(other, "hello", 5), CHIRP_OK);
    expect_refusal(&config, other, CHIRP_ERR_FORMAT, "not an HDF5 file");

    (void)snprintf(other, sizeof other, "%s/nan.h5", folder);
    assert_int_equal(chirp_file_write(other, bytes, length), CHIRP_OK);
    hid_t file = H5Fopen(other, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    hid_t set = H5Dopen2(file, "root/conv1/bias", H5P_DEFAULT);
    assert_true(set >= 0);
    float bias[64] = {0};
    bias[9] = NAN;
    assert_true(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, bias) >= 0);
    assert_true(H5Dclose(set) >= 0 && H5Fclose(file) >= 0);
    expect_refusal(&config, other, CHIRP_ERR_NUMERIC, "root/conv1/bias");

    file = H5Fopen(other, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    assert_true(H5Ldelete(file, "leaf1/dense2/rho", H5P_DEFAULT) >= 0);
    assert_true(H5Fclose(file) >= 0);
    expect_refusal(&config, other, CHIRP_ERR_FORMAT, "leaf1/dense2/rho");

    (void)snprintf(other, sizeof other, "%s/delayed.h5", folder);
    assert_int_equal(chirp_file_write(other, bytes, length), CHIRP_OK);
    file = H5Fopen(other, H5F_ACC_RDWR, H5P_DEFAULT);
    set = H5Gcreate2(file, "exchange", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(file >= 0 && set >= 0);
    assert_true(H5Gclose(set) >= 0 && H5Fclose(file) >= 0);
    expect_refusal(&config, other, CHIRP_ERR_FORMAT, "--exchange delayed");
    chirp_free(bytes);
}

/* Another value of a row's field than the one it has. Strings: names of nothing. */
static void change(const chirp_option *row, void *value)
{
    switch (row->kind) {
    case CHIRP_OPTION_FLAG:
    case CHIRP_OPTION_UNFLAG:
    case CHIRP_OPTION_EITHER:
        *(bool *)value = !*(bool *)value;
        break;
    case CHIRP_OPTION_ENUM:
        *(int *)value = (*(int *)value + 1) % row->n_names;
        break;
    case CHIRP_OPTION_INT:
    case CHIRP_OPTION_MIB:
        *(int64_t *)value += 1;
        break;
    case CHIRP_OPTION_INT32:
        *(int *)value += 1;
        break;
    case CHIRP_OPTION_UINT64:
        *(uint64_t *)value += 1;
        break;
    case CHIRP_OPTION_REAL:
        *(double *)value = 0.5 * (*(double *)value + 0.26);
        break;
    case CHIRP_OPTION_STRING:
    case CHIRP_OPTION_PATTERN:
    case CHIRP_OPTION_CHOICE:
        *(const char **)value = "another";
        break;
    }
}

/* Of the fields that a checkpoint keeps, each that must be the same is refused by name, and each other one is told. */
static void test_every_stored_field_is_compared(void **state)
{
    (void)state;
    const chirp_train_config config = small_run(0);
    chirp_option_table tables[CHIRP_TRAIN_TABLES];
    chirp_train_record old = {0};
    char *text = NULL;
    int same = 0;
    chirp_train_config now = config;
    assert_int_equal(chirp_train_config_write(&config, 1, &text), CHIRP_OK);
    assert_int_equal(chirp_train_record_read("c.h5", text, &old), CHIRP_OK);
    old.config.seed = config.seed; /* an attribute of its own */
    chirp_train_tables(&now, NULL, tables);
    for (int t = 0; t < CHIRP_TRAIN_TABLES; ++t)
        for (size_t i = 0; i < tables[t].n_options; ++i) {
            const chirp_option *row = &tables[t].options[i];
            chirp_text note = {0};
            char option[64];
            now = config;
            assert_int_equal(chirp_train_record_compare("c.h5", &old, &now, 1, &note), CHIRP_OK);
            assert_true(note.used == 0);
            change(row, chirp_option_value(row, tables[t].base));
            const chirp_status st = chirp_train_record_compare("c.h5", &old, &now, 1, &note);
            (void)snprintf(option, sizeof option, "--%s ", row->name ? row->name : "");
            if (row->resume == CHIRP_RESUME_SAME) {
                ++same;
                if (st != CHIRP_ERR_ARG || !strstr(chirp_error_message(), option))
                    fail_msg("%s: '%s'", option, chirp_error_message());
            } else if (row->resume == CHIRP_RESUME_CHANGE) {
                if (!note.used || !strstr(note.bytes, option))
                    fail_msg("%s: '%s'", option, note.used ? note.bytes : "");
            }
            chirp_free(note.bytes);
        }
    assert_true(same > 25);
    chirp_train_record_release(&old);
    chirp_free(text);
}

/* psd, data and curriculum come back as they were; strings that stand for "none" as none. */
static void test_configuration_is_read_back(void **state)
{
    (void)state;
    chirp_train_config config = small_run(0);
    chirp_train_record old = {0};
    char *text = NULL;
    config.data = "set \"1\".h5";
    config.signal.psd_path = "curve.txt";
    config.curriculum = "0:60-100,3:40-80";
    config.signal.f_high_hz = 900;
    config.signal.mass_ratio_max = 4;
    config.target_error = 0.125;
    config.exchange.engine = "halving";
    config.exchange.bucket_bytes = 12345;
    assert_int_equal(chirp_train_config_write(&config, 3, &text), CHIRP_OK);
    assert_int_equal(chirp_train_record_read("c.h5", text, &old), CHIRP_OK);
    chirp_free(text);
    assert_int_equal(old.ranks, 3);
    assert_string_equal(old.config.data, config.data);
    assert_string_equal(old.config.signal.psd_path, "curve.txt");
    assert_string_equal(old.config.curriculum, config.curriculum);
    assert_true(old.config.signal.f_high_hz == 900 && old.config.signal.mass_ratio_max == 4);
    assert_true(old.config.target_error == 0.125);
    assert_string_equal(old.config.exchange.engine, "halving");
    assert_int_equal(old.config.exchange.bucket_bytes, 12345);
    chirp_train_record_release(&old);

    config = small_run(0);
    assert_int_equal(chirp_train_config_write(&config, 1, &text), CHIRP_OK);
    assert_int_equal(chirp_train_record_read("c.h5", text, &old), CHIRP_OK);
    assert_true(old.config.data == NULL && old.config.signal.psd_path == NULL);
    chirp_train_record_release(&old);
    chirp_free(text);
}

/* A checkpoint of a version that did not store the band's end and other fields had their defaults. */
static void test_fields_of_later_versions_may_be_missing(void **state)
{
    (void)state;
    static const char *const later[] = {"f_high_hz", "mass_ratio_max", "\"exchange\""};
    chirp_train_config config = small_run(0);
    chirp_train_record old = {0};
    chirp_text note = {0};
    char *text = NULL;
    config.exchange.engine = "halving";
    assert_int_equal(chirp_train_config_write(&config, 1, &text), CHIRP_OK);
    for (int i = 0; i < 3; ++i) { /* renames the field */
        char *at = strstr(text, later[i]);
        assert_non_null(at);
        at[1] = 'X';
    }
    assert_int_equal(chirp_train_record_read("c.h5", text, &old), CHIRP_OK);
    old.config.seed = config.seed;
    assert_int_equal(chirp_train_record_compare("c.h5", &old, &config, 1, &note), CHIRP_OK);
    assert_true(note.used == 0); /* nobody knows what the exchange was */
    config.signal.f_high_hz = 900;
    assert_int_equal(chirp_train_record_compare("c.h5", &old, &config, 1, &note), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "--f-high 1000, not 900"));
    chirp_train_record_release(&old);
    *strstr(text, "dropout") = 'X'; /* no version was without it */
    assert_int_equal(chirp_train_record_read("c.h5", text, &old), CHIRP_ERR_FORMAT);
    assert_non_null(strstr(chirp_error_message(), "'dropout'"));
    chirp_train_record_release(&old);
    chirp_free(note.bytes);
    chirp_free(text);
}

/* A checkpoint of a version without standardised labels is read with the study's; a map that is missing is refused. */
static void test_the_label_map_is_stored(void **state)
{
    (void)state;
    const chirp_train_config config = small_run(0);
    chirp_train_record old = {0};
    char *text = NULL;
    assert_true(config.labels.standardised && 0.25 * config.labels.unit[2] > 0.003 &&
                0.25 * config.labels.unit[2] < 0.007); /* omega_I: 0.0820 +- 0.0049 */
    assert_int_equal(chirp_train_config_write(&config, 1, &text), CHIRP_OK);
    assert_int_equal(chirp_train_record_read("c.h5", text, &old), CHIRP_OK);
    assert_memory_equal(&old.config.labels.centre, &config.labels.centre,
                        sizeof config.labels.centre);
    assert_memory_equal(&old.config.labels.unit, &config.labels.unit, sizeof config.labels.unit);
    chirp_train_record_release(&old);
    *strstr(text, "label_map") = 'X';
    assert_int_equal(chirp_train_record_read("c.h5", text, &old), CHIRP_ERR_FORMAT);
    assert_non_null(strstr(chirp_error_message(), "label_map"));
    chirp_train_record_release(&old);
    *strstr(text, "standardised_labels") = 'X';
    assert_int_equal(chirp_train_record_read("c.h5", text, &old), CHIRP_OK);
    chirp_likelihood likelihood;
    assert_int_equal(chirp_train_likelihood(&old.config, &likelihood), CHIRP_OK);
    assert_false(likelihood.labels.standardised);
    chirp_train_record_release(&old);
    chirp_free(text);
}

/* The map follows the prior of the signals: mean and standard deviation of labels that a generator with another seed makes. */
static void test_labels_have_equal_spread(void **state)
{
    (void)state;
    enum { DRAWS = 4096 };
    chirp_train_config config = small_run(0);
    chirp_generator *generator = NULL;
    config.signal.spin_max = 0.3;
    config.signal.seed = 99;
    assert_int_equal(chirp_train_labels(&config), CHIRP_OK);
    assert_int_equal(chirp_generator_create(&config.signal, &generator), CHIRP_OK);
    double sum[3] = {0};
    double square[3] = {0};
    for (uint64_t i = 0; i < DRAWS; ++i) {
        chirp_signal_draw draw;
        assert_int_equal(chirp_generator_draw(generator, i, &draw), CHIRP_OK);
        const double value[3] = {draw.final_spin, draw.omega_r, draw.omega_i};
        for (int leaf = 0; leaf < 3; ++leaf) {
            const double y =
                (value[leaf] - config.labels.centre[leaf]) / (0.25 * config.labels.unit[leaf]);
            sum[leaf] += y / DRAWS;
            square[leaf] += y * y / DRAWS;
        }
    }
    /* five standard errors: 1 / sqrt(n) of a mean; of a variance sqrt((kurtosis - 1) / n), kurtosis taken as below 10 */
    for (int leaf = 0; leaf < 3; ++leaf)
        assert_true(fabs(sum[leaf]) < 5 * 1.2 / sqrt(DRAWS) &&
                    fabs(square[leaf] - 1) < 5 * 3 * 1.2 / sqrt(DRAWS));
    chirp_generator_destroy(generator);
}

/* A preset sets what is not given; every option that one names exists, and study is what earlier versions trained with. */
static void test_presets(void **state)
{
    (void)state;
    const chirp_train_config study = chirp_train_config_study();
    assert_true(study.dropout == 0.1 && study.noise_scale == 0.2 && study.kl_warmup == 0);
    assert_true(!study.labels.standardised &&
                study.estimator == CHIRP_VARIATIONAL_REPARAMETERIZATION);
    char names[CHIRP_OPTION_TEXT];
    (void)snprintf(names, sizeof names, "%s", chirp_train_preset_choices());
    for (char *rest = names, *name = strtok_r(names, "|", &rest); name;
         name = strtok_r(NULL, "|", &rest)) {
        chirp_train_config config = chirp_train_config_default();
        if (chirp_train_preset(name, NULL, &config) != CHIRP_OK ||
            chirp_train_config_check(&config) != CHIRP_OK)
            fail_msg("%s: %s", name, chirp_error_message());
    }
    chirp_option_table tables[CHIRP_TRAIN_TABLES];
    bool own[CHIRP_TRAIN_OWN_OPTIONS] = {false};
    const bool *const given[CHIRP_TRAIN_TABLES] = {own, NULL, NULL};
    chirp_train_config config = chirp_train_config_default();
    chirp_train_tables(&config, NULL, tables);
    for (size_t i = 0; i < tables[CHIRP_TRAIN_OWN].n_options; ++i) {
        const char *name = tables[CHIRP_TRAIN_OWN].options[i].name;
        own[i] = name && strcmp(name, "dropout") == 0;
    }
    assert_int_equal(chirp_train_preset("study", given, &config), CHIRP_OK);
    assert_true(config.dropout == 0 && config.noise_scale == 0.2);
    assert_int_equal(chirp_train_preset("nonsense", NULL, &config), CHIRP_ERR_ARG);
}

/* Replaces an attribute of a checkpoint by `count` elements of a type. */
static void replace_attribute(const char *file_path, const char *name, hid_t type, hsize_t count,
                              const void *values)
{
    const hid_t file = H5Fopen(file_path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0 && H5Adelete(file, name) >= 0);
    const hid_t space = H5Screate_simple(1, &count, NULL);
    const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(attribute >= 0 && H5Awrite(attribute, type, values) >= 0);
    assert_true(H5Aclose(attribute) >= 0 && H5Sclose(space) >= 0 && H5Fclose(file) >= 0);
}

/* More elements than the reader has room for, none, or another class: refused before anything is read. */
static void test_attributes_of_another_extent(void **state)
{
    (void)state;
    enum { ELEMENTS = 4000, LONG_TEXTS = 40, LONG_BYTES = 1500 };
    static const char *const numbers[] = {"iteration", "seed"};
    static const char *const texts[] = {"format", "configuration"};
    static char values[LONG_TEXTS * LONG_BYTES];
    char other[80];
    char *bytes = NULL;
    size_t length = 0;
    const chirp_train_config config = small_run(0);
    memset(values, 'A', sizeof values);
    (void)snprintf(other, sizeof other, "%s/attributes.h5", folder);
    assert_int_equal(chirp_file_read(path, &bytes, &length), CHIRP_OK);
    const hid_t text = H5Tcopy(H5T_C_S1);
    assert_true(text >= 0 && H5Tset_size(text, LONG_BYTES) >= 0);
    for (int i = 0; i < 2; ++i) {
        static const hsize_t counts[] = {ELEMENTS, 2, 0};
        for (int c = 0; c < 3; ++c) {
            assert_int_equal(chirp_file_write(other, bytes, length), CHIRP_OK);
            replace_attribute(other, numbers[i], H5T_NATIVE_INT64, counts[c], values);
            expect_refusal(&config, other, CHIRP_ERR_FORMAT, numbers[i]);
            assert_int_equal(chirp_file_write(other, bytes, length), CHIRP_OK);
            replace_attribute(other, texts[i], text, c == 0 ? LONG_TEXTS : counts[c], values);
            expect_refusal(&config, other, CHIRP_ERR_FORMAT, texts[i]);
        }
        assert_int_equal(chirp_file_write(other, bytes, length), CHIRP_OK);
        replace_attribute(other, numbers[i], text, 1, values);
        expect_refusal(&config, other, CHIRP_ERR_FORMAT, numbers[i]);
        assert_int_equal(chirp_file_write(other, bytes, length), CHIRP_OK);
        replace_attribute(other, texts[i], H5T_NATIVE_INT64, 1, values);
        expect_refusal(&config, other, CHIRP_ERR_FORMAT, texts[i]);
    }
    (void)H5Tclose(text);
    chirp_free(bytes);
}

static void test_unwritable_checkpoints(void **state)
{
    (void)state;
    chirp_train_config config = small_run(0);
    chirp_trainer *trainer = make(&config);
    assert_int_equal(chirp_trainer_save(trainer, "/no-such-folder/c.h5"), CHIRP_ERR_IO);
    assert_non_null(strstr(chirp_error_message(), "/no-such-folder/c.h5"));
    assert_int_equal(chirp_trainer_save(trainer, folder), CHIRP_ERR_IO);
    chirp_trainer_destroy(trainer);
}

static void test_divergence_keeps_parameters(void **state)
{
    (void)state;
    chirp_train_config config = small_run(0);
    chirp_trainer *trainer = make(&config);
    chirp_step_report report;
    float *parameters = chirp_network_parameters(chirp_trainer_network(trainer));
    const float keep = parameters[5];
    const float spoiled = parameters[0];
    parameters[0] = INFINITY;
    chirp_network_parameters_changed(chirp_trainer_network(trainer));
    assert_int_equal(chirp_trainer_step(trainer, &report), CHIRP_ERR_NUMERIC);
    assert_non_null(strstr(chirp_error_message(), "iteration 1"));
    assert_true(parameters[5] == keep);
    parameters[0] = spoiled;
    chirp_network_parameters_changed(chirp_trainer_network(trainer));
    (void)step(trainer);
    chirp_trainer_destroy(trainer);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || chirp_parallel_init() != CHIRP_OK)
        return -1;
    (void)snprintf(path, sizeof path, "%s/checkpoint.h5", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[96];
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    chirp_parallel_finalize();
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_stored_field_is_compared),
        cmocka_unit_test(test_configuration_is_read_back),
        cmocka_unit_test(test_fields_of_later_versions_may_be_missing),
        cmocka_unit_test(test_the_label_map_is_stored),
        cmocka_unit_test(test_labels_have_equal_spread),
        cmocka_unit_test(test_presets),
        cmocka_unit_test(test_threads_and_resume_are_bitwise),
        cmocka_unit_test(test_one_crossing_is_not_enough),
        cmocka_unit_test(test_the_schedule_follows_time),
        cmocka_unit_test(test_bad_checkpoints_change_nothing),
        cmocka_unit_test(test_attributes_of_another_extent),
        cmocka_unit_test(test_unwritable_checkpoints),
        cmocka_unit_test(test_divergence_keeps_parameters),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
