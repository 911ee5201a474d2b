/* harness/results: a file says what it is, and a reader takes that and nothing else for granted. */
#include "harness/base/file.h"
#include "harness/json/json.h"
#include "harness/results/document.h"
#include "harness/results/calibration.h"
#include "harness/results/study.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The linker sends every malloc() of this program through here: the one that is due finds no memory. */
static long due = -1;
void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes) { return due >= 0 && due-- == 0 ? NULL : __real_malloc(bytes); }

static char folder[] = "/tmp/chirp-document-XXXXXX";
static char path[128];

static const char *put(const char *name, const char *text)
{
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(chirp_file_write(path, text, strlen(text)), CHIRP_OK);
    return path;
}

static void refused(const char *name, const char *text, const char *why)
{
    chirp_document d = {0};
    const chirp_status st = chirp_document_read(put(name, text), &d);
    if (st != CHIRP_ERR_FORMAT || !strstr(chirp_error_message(), why) ||
        strchr(chirp_error_message(), '\n'))
        fail_msg("%s: %d, %s", text, (int)st, chirp_error_message());
    assert_null(d.root);
    assert_int_equal(unlink(path), 0);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    for (int kind = 0; kind < CHIRP_DOCUMENT_KINDS; ++kind) {
        static const char *const lists[] = {"benchmarks", "layers", "events", "rows", "steps"};
        const bool lines = kind == CHIRP_DOCUMENT_TRAINING;
        cJSON *root = chirp_document_create((chirp_document_kind)kind);
        chirp_document d = {0};
        assert_non_null(root);
        for (size_t i = 0; !lines && i < sizeof lists / sizeof lists[0]; ++i)
            assert_non_null(cJSON_AddArrayToObject(root, lists[i]));
        (void)snprintf(path, sizeof path, "%s/a.json%s", folder, lines ? "l" : "");
        if (lines) {
            char *text = chirp_json_print_line(root);
            (void)put("a.jsonl", text);
            cJSON_free(text);
            cJSON_Delete(root);
        } else {
            assert_int_equal(chirp_document_write(root, path), CHIRP_OK);
        }
        assert_int_equal(chirp_document_read(path, &d), CHIRP_OK);
        assert_int_equal(d.kind, kind);
        assert_int_equal(d.format, 1);
        assert_true(strlen(d.date) == 25 && d.date[10] == 'T');
        assert_true(strlen(d.version) >= 5);
        chirp_document_release(&d);
        const chirp_document_kind other = (chirp_document_kind)((kind + 1) % CHIRP_DOCUMENT_KINDS);
        assert_int_equal(chirp_document_read_kind(path, other, &d), CHIRP_ERR_FORMAT);
        assert_int_equal(chirp_document_read_kind(path, (chirp_document_kind)kind, &d), CHIRP_OK);
        chirp_document_release(&d);
        assert_int_equal(unlink(path), 0);
    }
}

static void files_without_a_header_are_refused(void **state)
{
    (void)state;
    chirp_document d = {0};
    refused("a.json", "{\"rows\": [{\"ranks\": 1}]}", "chirpbench 0.1");
    refused("scale.json", "{}", "chirpbench 0.1");
    refused("a.jsonl", "{\"iteration\": 1, \"loss\": 2}\n", "chirpbench 0.1");
    refused("a.json", "[]", "no JSON object");
    refused("a.json", "{\"rows\": [", "not JSON");
    /* two kinds are read without: what Google Benchmark wrote, and machines, which are written by hand */
    (void)put("a.json", "{\"context\": {\"json_schema_version\": 1}, \"benchmarks\": []}");
    assert_int_equal(chirp_document_read(path, &d), CHIRP_OK);
    assert_int_equal(d.kind, CHIRP_DOCUMENT_BENCH);
    assert_int_equal(d.format, 0);
    chirp_document_release(&d);
    (void)put("a.json", "{\"name\": \"here\"}");
    assert_int_equal(chirp_document_read_kind(path, CHIRP_DOCUMENT_MACHINE, &d), CHIRP_OK);
    chirp_document_release(&d);
    assert_int_equal(chirp_document_read_kind(path, CHIRP_DOCUMENT_SCALING, &d), CHIRP_ERR_FORMAT);
    assert_int_equal(unlink(path), 0);
    refused("a.json", "{\"context\": {\"json_schema_version\": 2}, \"benchmarks\": []}",
            "json_schema_version 2");
}

static void later_formats_are_refused(void **state)
{
    (void)state;
    refused("a.json",
            "{\"chirpbench\": {\"kind\": \"scaling\", \"format\": 2, \"version\": \"3.1.4\"}, "
            "\"rows\": []}",
            "3.1.4");
    refused("a.json", "{\"chirpbench\": {\"kind\": \"poem\", \"format\": 1}, \"rows\": []}",
            "poem");
    refused("a.json", "{\"chirpbench\": {\"kind\": \"scaling\"}, \"rows\": []}", "format");
    refused("a.json", "{\"chirpbench\": \"0.1.0\", \"rows\": []}", "kind");
    refused("a.json", "{\"chirpbench\": {\"kind\": \"scaling\", \"format\": 1}}", "\"rows\"");
    refused("a.json", "{\"chirpbench\": {\"kind\": \"training-log\", \"format\": 1}}", ".jsonl");
    refused("a.jsonl", "{\"chirpbench\": {\"kind\": \"study\", \"format\": 1}, \"steps\": []}",
            ".json");
}

/* Whichever allocation fails while a document is built and written: either all of it is written, or an error is returned. */
static void no_member_gets_lost(void **state)
{
    (void)state;
    char whole[4096] = "";
    int failures = 0;
    for (long at = -1; at < 400; ++at) {
        (void)snprintf(path, sizeof path, "%s/a.json", folder);
        due = at;
        cJSON *root = chirp_document_create(CHIRP_DOCUMENT_STUDY);
        (void)cJSON_AddNumberToObject(root, "number", 1);
        (void)cJSON_AddStringToObject(cJSON_AddObjectToObject(root, "object"), "text", "x");
        cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "steps"), cJSON_CreateNumber(2));
        const chirp_status st = chirp_document_write(root, path);
        due = -1;
        failures += st != CHIRP_OK;
        chirp_document d = {0};
        if (st != CHIRP_OK)
            continue;
        assert_int_equal(chirp_document_read(path, &d), CHIRP_OK);
        cJSON_DeleteItemFromObjectCaseSensitive(d.root, "chirpbench"); /* it has the time */
        char *text = cJSON_PrintUnformatted(d.root);
        if (at < 0)
            (void)snprintf(whole, sizeof whole, "%s", text);
        assert_string_equal(text, whole);
        cJSON_free(text);
        chirp_document_release(&d);
        assert_int_equal(unlink(path), 0);
    }
    assert_true(failures > 10);
}

static void a_calibration_comes_back(void **state)
{
    (void)state;
    chirp_calibration_row row = {.parameter = "a_f",
                                 .snr_min = 7,
                                 .snr_max = 15,
                                 .signals = 100,
                                 .error = 0.1,
                                 .coverage_90 = {0.9, 0.82, 0.95},
                                 .nll_before = (double)NAN,
                                 .exact_error = 0.08,
                                 .exact_signals = 20};
    row.rank_curve[CHIRP_RANK_STEPS] = 1;
    const chirp_calibration_file out = {
        .checkpoint = "a.h5", .network = "spin", .seed = 3, .row = &row, .count = 1};
    chirp_calibration_file in = {0};
    chirp_document d = {0};
    (void)snprintf(path, sizeof path, "%s/calibration.json", folder);
    assert_int_equal(chirp_calibration_file_write(path, &out), CHIRP_OK);
    assert_int_equal(chirp_document_read_kind(path, CHIRP_DOCUMENT_CALIBRATION, &d), CHIRP_OK);
    assert_int_equal(chirp_calibration_file_read(&d, path, &in), CHIRP_OK);
    assert_int_equal(in.count, 1);
    assert_true(strcmp(in.checkpoint, "a.h5") == 0 && in.seed == 3 && !in.recalibration);
    assert_true(strcmp(in.row[0].parameter, "a_f") == 0 && in.row[0].snr_max == 15 &&
                in.row[0].signals == 100 && in.row[0].exact_signals == 20 && !in.row[0].trained);
    assert_true(in.row[0].error == 0.1 && in.row[0].exact_error == 0.08 &&
                in.row[0].coverage_90.high == 0.95 && isnan(in.row[0].nll_before) &&
                in.row[0].rank_curve[CHIRP_RANK_STEPS] == 1);
    chirp_calibration_file_release(&in);
    chirp_document_release(&d);
    (void)put("calibration.json", "{\"chirpbench\": {\"kind\": \"calibration\", \"format\": 1}, "
                                  "\"rows\": [{\"parameter\": \"a_f\"}]}");
    assert_int_equal(chirp_document_read_kind(path, CHIRP_DOCUMENT_CALIBRATION, &d), CHIRP_OK);
    assert_int_equal(chirp_calibration_file_read(&d, path, &in), CHIRP_ERR_FORMAT);
    chirp_document_release(&d);
    assert_int_equal(unlink(path), 0);
}

static void a_study_comes_back(void **state)
{
    (void)state;
    chirp_study_step_record steps[] = {
        {.name = "bench",
         .command = "a b",
         .outcome = "failed",
         .log = "logs/bench.log",
         .ran = true,
         .exit_code = 2,
         .seconds = 1.5},
        {.name = "later", .command = "c", .outcome = "waiting", .log = "logs/later.log"}};
    const chirp_study_record_file out = {.preset = "quick",
                                         .started = "now",
                                         .build = "b",
                                         .seconds = 3.25,
                                         .strain = "s.h5",
                                         .gps = 12.5,
                                         .strain_source = "strain file",
                                         .step = steps,
                                         .count = 2};
    chirp_study_record_file in = {0};
    chirp_document d = {0};
    (void)snprintf(path, sizeof path, "%s/a.json", folder);
    assert_int_equal(chirp_study_file_write(path, &out), CHIRP_OK);
    assert_int_equal(chirp_document_read_kind(path, CHIRP_DOCUMENT_STUDY, &d), CHIRP_OK);
    assert_int_equal(chirp_study_file_read(&d, &in), CHIRP_OK);
    assert_string_equal(in.preset, "quick");
    assert_true(in.seconds == 3.25 && in.gps == 12.5);
    assert_null(in.kept_from_build);
    assert_int_equal(in.count, 2);
    assert_string_equal(in.step[0].command, "a b");
    assert_true(in.step[0].ran && in.step[0].exit_code == 2 && in.step[0].seconds == 1.5);
    assert_false(in.step[1].ran);
    assert_string_equal(in.step[1].log, "logs/later.log");
    chirp_study_file_release(&in);
    chirp_document_release(&d);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(files_without_a_header_are_refused),
        cmocka_unit_test(later_formats_are_refused),
        cmocka_unit_test(no_member_gets_lost),
        cmocka_unit_test(a_calibration_comes_back),
        cmocka_unit_test(a_study_comes_back),
    };
    if (!mkdtemp(folder))
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)rmdir(folder);
    return failed;
}
