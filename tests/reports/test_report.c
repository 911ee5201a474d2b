/* The whole page, from files. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "reports/report.h"
#include "tests/reports/page_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The start of a document of a kind. */
#define HEAD(kind) "{\"chirpbench\": {\"kind\": \"" kind "\", \"format\": 1}, "

/* A temporary folder with copies of the data files, and what the report made of it. */
typedef struct trial {
    char folder[64], page_path[96];
    char *page;
    char *tables, *problems;
    size_t tables_size, problems_size;
    int n_problems;
    chirp_status status;
} trial;

static void put(const trial *t, const char *name, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", t->folder, name);
    assert_int_equal(chirp_file_write(path, text, strlen(text)), CHIRP_OK);
}

static char *data(const char *name)
{
    char path[1024];
    char *text = NULL;
    (void)snprintf(path, sizeof path, "%s/%s", CHIRP_REPORT_DATA, name);
    assert_int_equal(chirp_file_read(path, &text, NULL), CHIRP_OK);
    return text;
}

static void copy(const trial *t, const char *name)
{
    char *text = data(name);
    put(t, name, text);
    chirp_free(text);
}

static void drop(const trial *t, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", t->folder, name);
    assert_int_equal(unlink(path), 0);
}

static void begin(trial *t)
{
    *t = (trial){.folder = "/tmp/chirp-report-XXXXXX"};
    assert_non_null(mkdtemp(t->folder));
    (void)snprintf(t->page_path, sizeof t->page_path, "%s/report.html", t->folder);
}

static void begin_full(trial *t)
{
    static const char *const all[] = {"bench.json",  "calibrate.json", "calibration.json",
                                      "doctor.json", "infer.json",     "project.json",
                                      "scale.json",  "study.json",     "train.jsonl"};
    begin(t);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; ++i)
        copy(t, all[i]);
}

static void forget(trial *t)
{
    chirp_free(t->page);
    free(t->tables);
    free(t->problems);
    t->page = t->tables = t->problems = NULL;
}

static void make(trial *t)
{
    forget(t);
    FILE *tables = open_memstream(&t->tables, &t->tables_size);
    FILE *problems = open_memstream(&t->problems, &t->problems_size);
    assert_true(tables && problems);
    const chirp_report_options options = {
        .folder = t->folder, .tables = tables, .problems = problems, .version = "1.2.3-test"};
    (void)unlink(t->page_path);
    t->status = chirp_report_write(&options, &t->n_problems);
    assert_int_equal(fclose(tables), 0);
    assert_int_equal(fclose(problems), 0);
    if (t->status == CHIRP_OK)
        assert_int_equal(chirp_file_read(t->page_path, &t->page, NULL), CHIRP_OK);
}

static void end(trial *t)
{
    DIR *directory = opendir(t->folder);
    const struct dirent *entry = NULL;
    while (directory && (entry = readdir(directory)))
        if (entry->d_name[0] != '.')
            drop(t, entry->d_name);
    if (directory)
        (void)closedir(directory);
    assert_int_equal(rmdir(t->folder), 0);
    forget(t);
}

static bool has(const char *text, const char *what) { return text && strstr(text, what) != NULL; }

static void assert_sound(const trial *t)
{
    size_t numbers = 0;
    assert_int_equal(t->status, CHIRP_OK);
    assert_true(page_is_well_formed(t->page));
    assert_true(page_is_self_contained(t->page));
    assert_true(page_numbers_are_in_files(t->page, t->folder, &numbers));
}

/* Of the page from all files. */
static void check_contents(const char *page)
{
    /* ratio to the baseline: 400 ms of oneDNN over 210 ms of ours, in report.json and on the page */
    assert_true(has(page, ">1.90</data>"));
    /* 684 over 671 ms */
    assert_true(has(page, ">1.02</data>"));
    /* the posterior says where it comes from, both kinds */
    assert_true(has(page, ">from real strain</span>"));
    assert_true(has(page, ">from a signal injected into noise</span>"));
    assert_true(has(page, "GWTC-1"));
    /* measured, projected and published together */
    assert_true(has(page, "measured here: weak, overlap exchange"));
    assert_true(has(page, "projected: theta, horovod exchange"));
    assert_true(has(page, "published, 1024 nodes"));
    /* the first screen: no projection without its band, a ratio that is none says so, and the steps that are missing */
    assert_true(has(page, ">60.9</data> % to <data") && has(page, ", 90 % band"));
    assert_true(has(page, "Can&#39;t be told apart from a deterministic step"));
    assert_true(has(page, "halving --shares measured --json"));
    assert_true(has(page, "23 November 2026, 06:00 UTC+00:00"));
    /* 728 ms projected for 750 of real training */
    assert_true(has(page, "predicted, and trained for real"));
    assert_true(has(page, ">750.0</data>") || has(page, ">750</data>"));
    /* ranks differ by 3.1 %, 43 % of the variance stays */
    assert_true(has(page, ">43.0</data>"));
    /* failing benchmarks show their reason, in place of a time */
    assert_true(has(page, "relative error 0.3 exceeds 1e-05 &lt;script&gt;"));
    assert_true(has(page, "node&lt;1&gt;"));
    assert_true(has(page, "AMD EPYC 7763 &lt;64-Core&gt;") || has(page, "&lt;64-Core&gt;"));
}

/* A page was made already, which has written published.json. */
static void check_same_page_twice(trial *t)
{
    make(t);
    char *first = chirp_strdup(t->page);
    make(t);
    assert_string_equal(first, t->page);
    chirp_free(first);
}

/* The judge of all pages in this file: it must find what it is there to find. */
static void test_what_is_no_page_is_found(void **state)
{
    static const char *const bad[] = {
        "<html></html>",
        "<!DOCTYPE html><html><p></html>",
        "<!DOCTYPE html><html a=b></html>",
        "<!DOCTYPE html><html>&nbsp;</html>",
        "<!DOCTYPE html><html>a & b</html>",
        "<!DOCTYPE html><html>]]></html>",
        "<!DOCTYPE html><html>\xff</html>",
        "<!DOCTYPE html><html><p id=\"a\"/><p id=\"a\"/></html>",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i)
        assert_false(page_is_well_formed(bad[i]));
    assert_true(page_is_well_formed(
        "<!DOCTYPE html><html id=\"a\">\n<p id='b'>&lt;&amp;&#39; ></p><br/></html>"));
}

static void test_full_page(void **state)
{
    static const char *const sections[] = {"machine",  "kernels",   "ledger",      "roofline",
                                           "training", "posterior", "calibration", "signal",
                                           "scaling",  "other",     "steps",       "files"};
    trial t;
    size_t numbers = 0;
    (void)state;
    begin_full(&t);
    make(&t);
    assert_sound(&t);
    assert_string_equal(t.problems, "");
    assert_int_equal(t.n_problems, 0);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; ++i) {
        char id[64];
        (void)snprintf(id, sizeof id, "<section id=\"%s\"", sections[i]);
        if (!has(t.page, id))
            fail_msg("section %s is missing", sections[i]);
    }
    assert_true(page_numbers_are_in_files(t.page, t.folder, &numbers));
    assert_true(numbers > 500);
    /* a plot in the page is a picture with a name, not an empty frame */
    size_t plots = 0;
    for (const char *p = t.page; (p = strstr(p, "role=\"img\"")); ++p)
        ++plots;
    assert_true(plots >= 18);
    check_contents(t.page);
    assert_true(has(t.tables, "Variational against deterministic"));
    /* of two bins one has the exact posterior: 1.18 times the limit; p-p plots have the band of honest ranks */
    assert_true(has(t.tables, "Errors and honesty of posteriors") && has(t.page, ">1.18</data>"));
    assert_true(has(t.page, "Ranks of omega_R") && has(t.page, "exact posterior"));
    assert_true(has(t.page, "spin&lt;best&gt;.h5"));
    assert_true(has(t.tables, "conv1d: batch:64/threads:2"));
    check_same_page_twice(&t);
    end(&t);
}

static void test_text_is_escaped(void **state)
{
    trial t;
    (void)state;
    begin(&t);
    /* names that would end a gnuplot string, an attribute or a terminal line */
    put(&t, "bench.json",
        "{\"context\":{\"date\":\"2026\"},\"benchmarks\":["
        "{\"name\":\"a'b/`touch "
        "x`/c\\\"d/\\u001b[31m&<e>/"
        "n:1\",\"run_type\":\"iteration\",\"real_time\":5,\"cpu_time\":5,\"time_unit\":\"ns\"},"
        "{\"name\":\"\\ud83d\\ude00/$x/#y/"
        "@z\",\"run_type\":\"iteration\",\"real_time\":7,\"cpu_time\":5,\"time_unit\":\"ns\"}]}");
    make(&t);
    assert_sound(&t);
    assert_int_equal(t.n_problems, 0);
    assert_false(has(t.tables, "\x1b"));
    assert_int_not_equal(access("x", F_OK), 0);
    end(&t);
}

/* A page from the files of one half, then from those of the other: each has the sections of its own files only. */
static void test_sections_follow_files(void **state)
{
    static const struct {
        const char *file, *section;
    } pair[] = {{"train.jsonl", "id=\"training\""},
                {"infer.json", "id=\"posterior\""},
                {"study.json", "id=\"steps\""},
                {"bench.json", "id=\"kernels\""},
                {"calibrate.json", "id=\"other\""},
                {"scale.json", "id=\"scaling\""},
                {"calibration.json", "id=\"calibration\""}};
    (void)state;
    for (size_t half = 0; half < 2; ++half) {
        trial t;
        begin(&t);
        for (size_t i = half; i < sizeof pair / sizeof pair[0]; i += 2)
            copy(&t, pair[i].file);
        make(&t);
        assert_sound(&t);
        assert_int_equal(t.n_problems, 0);
        for (size_t i = 0; i < sizeof pair / sizeof pair[0]; ++i)
            if (has(t.page, pair[i].section) != (i % 2 == half))
                fail_msg("%s is %s, but its section isn't", pair[i].file,
                         i % 2 == half ? "there" : "gone");
        end(&t);
    }
}

/* One bad file: exactly one problem that names it; the rest of the page stands. */
static void bad_file(const char *name, const char *text, const char *complaint)
{
    trial t;
    begin(&t);
    copy(&t, "study.json"); /* without plots, so that this stays quick */
    put(&t, name, text);
    make(&t);
    assert_sound(&t);
    if (t.n_problems != 1 || !has(t.problems, name) || !has(t.problems, complaint) ||
        !has(t.page, complaint))
        fail_msg("%s: %d problems: %s", name, t.n_problems, t.problems);
    assert_true(has(t.page, "id=\"steps\""));
    end(&t);
}

static void test_malformed_files(void **state)
{
    (void)state;
    char *bench = data("bench.json");
    bench[strlen(bench) / 2] = '\0';
    bad_file("bench.json", bench, "not JSON");
    chirp_free(bench);
    bad_file("bench.json", "", "is empty");
    bad_file("bench.json", "[1, 2]", "no JSON object");
    bad_file("bench.json", "{\"context\": {}}", "0.1");
    bad_file("bench.json", "{\"context\": {\"chirpbench\": {\"kind\": \"bench\", \"format\": 1}}}",
             "benchmarks");
    bad_file("infer.json", "{\"events\": []}", "0.1");
    bad_file("later.json", "{\"chirpbench\": {\"kind\": \"scaling\", \"format\": 2}, \"rows\": []}",
             "format 2");
    bad_file("infer.json", HEAD("posterior") "\"event\": [{\"gps\": 1}]}", "events");
    bad_file("infer.json", HEAD("posterior") "\"events\": [{\"parameters\": [1]}]}", "parameters");
    bad_file("calibration.json", HEAD("calibration") "\"rows\": [{\"error\": 1}]}", "snr_min");
    bad_file("scale.json", HEAD("scaling") "\"row\": [{}]}", "rows");
    bad_file("project.json", HEAD("projection") "\"rows\": 7}", "rows");
    bad_file("train.jsonl",
             HEAD("training-log") "\"iteration\": 1, \"loss\": 2}\nnonsense\n{\"iteration\": 3, "
                                  "\"loss\": 2}\n",
             "line 2");
    bad_file("train.jsonl", "{\"iteration\": 1, \"loss\": 2}\n", "0.1");
    bad_file("infer.json",
             HEAD("posterior") "\"events\": [{\"parameters\": {}, \"window\": {\"sample_rate_hz\": "
                               "0, \"whitened\": "
                               "[1]}}]}",
             "window");
    bad_file("infer.json",
             HEAD("posterior") "\"events\": [{\"parameters\": {}, \"psd\": {\"frequency_hz\": [1, "
                               "2], \"psd\": [1]}}]}",
             "psd");
}

static void test_log_that_was_cut_off(void **state)
{
    trial t;
    (void)state;
    begin(&t);
    put(&t, "train.jsonl",
        HEAD("training-log") "\"iteration\": 1, \"loss\": 2.5}\n{\"iteration\": 2, \"loss\": "
                             "1.25}\n{\"iteration\": 3, "
                             "\"lo");
    make(&t);
    assert_sound(&t);
    assert_int_equal(t.n_problems, 0);
    assert_true(has(t.page, "cut off"));
    assert_true(has(t.page, ">1.250</data>"));
    put(&t, "train.jsonl", "");
    make(&t);
    assert_sound(&t);
    assert_true(has(t.page, "no lines yet"));
    end(&t);
}

static void test_journal_of_a_killed_run(void **state)
{
    trial t;
    (void)state;
    const char *journal =
        "{\"context\": {\"partial\": true}, \"benchmarks\": [{\"name\": \"journal/a/b/c/n:1\", "
        "\"run_type\": \"iteration\", \"real_time\": 5, \"time_unit\": \"ns\"}]}";
    begin(&t);
    put(&t, "bench.json.partial", journal);
    make(&t);
    assert_sound(&t);
    assert_true(has(t.page, ">journal: "));
    assert_true(has(t.page, "rows are missing"));
    put(&t, "bench.json", "{\"benchmarks\": []}"); /* the finished file wins */
    make(&t);
    assert_sound(&t);
    assert_false(has(t.page, ">journal"));
    end(&t);
}

/* NaN in every place where a number is expected: absent cells, never the word, and plots without the point. */
static void test_numbers_that_are_none(void **state)
{
    trial t;
    (void)state;
    begin(&t);
    put(&t, "bench.json",
        "{\"context\":{\"fma_peak_GFLOPS\":{\"1\":NaN}},\"benchmarks\":["
        "{\"name\":\"conv1d/forward/direct/c/"
        "n:1\",\"run_type\":\"iteration\",\"real_time\":5.0,\"time_unit\":\"ms\",\"GFLOPS\":NaN,"
        "\"arithmetic_intensity\":Infinity},"
        "{\"name\":\"conv1d/forward/other/c/"
        "n:1\",\"run_type\":\"iteration\",\"real_time\":-Infinity,\"time_unit\":\"ms\",\"GFLOPS\":"
        "nan},"
        "{\"name\":\"zero/forward/other/c/"
        "n:1\",\"run_type\":\"iteration\",\"real_time\":0,\"time_unit\":\"ms\",\"GFLOPS\":1e999}]"
        "}");
    put(&t, "train.jsonl",
        HEAD("training-log") "\"iteration\": 1, \"loss\": NaN, \"kl\": null}\n{\"iteration\": 2, "
                             "\"loss\": 3}\n");
    put(&t, "infer.json",
        HEAD("posterior") "\"events\":[{\"source\":\"real "
                          "strain\",\"gps\":null,\"parameters\":{\"a_f\":{\"median\":NaN,"
                          "\"interval_90\":[null,1],"
                          "\"samples\":[null,NaN,0.5,0.5]},\"m1\":{\"median\":35,\"samples\":[1,2,"
                          "null,3]},\"m2\":{}}"
                          "}]}");
    put(&t, "scale.json",
        HEAD("scaling") "\"rows\":[{\"ranks\":1,\"efficiency\":null,\"compute\":NaN},{\"ranks\":2,"
                        "\"efficiency\":"
                        "0.9}]}");
    put(&t, "project.json",
        HEAD("projection") "\"rows\":[{\"nodes\":1,\"efficiency\":NaN,\"seconds_per_step\":0}]}");
    make(&t);
    assert_sound(&t);
    assert_string_equal(t.problems, "");
    assert_false(has(t.page, ">nan<"));
    assert_false(has(t.page, ">inf<"));
    assert_false(has(t.page, ">-inf<"));
    end(&t);
}

/* Rows of two series: each has its own points and budget, and is named where the other is too. */
static void test_series_of_a_measurement(void **state)
{
    static const char row[] =
        "{\"ranks\": %d, \"threads\": 2, \"variational\": \"%s\", \"seconds_per_step\": %g, "
        "\"efficiency\": %g, \"compute\": %g, \"loss_budget_points\": {\"compute_imbalance\": %g, "
        "\"sum\": %g}}%s";
    static const char tail[] =
        "], \"series\": [{\"threads\": 2, \"variational\": \"all\", \"held_out\": [{\"ranks\": 2, "
        "\"predicted_seconds_per_step\": 0.5, \"measured_seconds_per_step\": 0.4, \"error\": "
        "0.25}]}], \"cost_against_deterministic\": [{\"ranks\": 2, \"threads\": 2, "
        "\"variational\": "
        "\"all\", \"ratio\": 1.625, \"interval_95\": [1.5, 1.75]}], \"notes\": [\"2 ranks: rank 1 "
        "is "
        "slow\"]}";
    char text[4096] = HEAD(
        "scaling") "\"mode\": \"strong\", \"accumulate\": 4, \"shares\": \"measured\", \"rows\": [";
    trial t;
    (void)state;
    begin(&t);
    for (int i = 0; i < 4; ++i)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), row, 1 + i % 2,
                       i < 2 ? "none" : "all", 0.25 + i, i % 2 ? 0.75 : 1, 0.2 + i, i % 2 ? 3.5 : 0,
                       i % 2 ? 25.0 : 0, i < 3 ? "," : "");
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s", tail);
    put(&t, "scale.json", text);
    make(&t);
    assert_sound(&t);
    assert_string_equal(t.problems, "");
    assert_true(has(t.page, "strong, measured shares, 4 passes per exchange, 2 threads, none."));
    assert_true(has(t.page, "strong, measured shares, 4 passes per exchange, 2 threads, all."));
    assert_true(has(t.page, "<p>2 ranks: rank 1 is slow</p>"));
    assert_true(has(t.tables, "1.625") && has(t.tables, "25.0 %") && has(t.tables, "3.50"));
    end(&t);
}

static void test_without_gnuplot(void **state)
{
    trial t;
    (void)state;
    char *path = chirp_strdup(getenv("PATH"));
    begin_full(&t);
    assert_int_equal(setenv("PATH", t.folder, 1), 0);
    make(&t);
    assert_int_equal(setenv("PATH", path ? path : "", 1), 0);
    chirp_free(path);
    assert_sound(&t);
    assert_int_equal(t.n_problems, 1);
    assert_true(has(t.problems, "gnuplot-nox"));
    assert_true(has(t.page, "gnuplot-nox"));
    assert_false(has(t.page, "role=\"img\""));
    assert_true(has(t.page, ">conv2</td>") && has(t.page, ">direct</td>"));
    end(&t);
}

static void test_nothing_to_report(void **state)
{
    trial t;
    (void)state;
    begin(&t);
    make(&t);
    assert_int_equal(t.status, CHIRP_ERR_IO);
    assert_true(has(chirp_error_message(), t.folder));
    assert_int_not_equal(access(t.page_path, F_OK), 0);
    const chirp_report_options options = {.folder = "/nonexistent/folder"};
    assert_int_equal(chirp_report_write(&options, &t.n_problems), CHIRP_ERR_IO);
    assert_true(has(chirp_error_message(), "/nonexistent/folder"));
    end(&t);
}

static void test_own_published_numbers(void **state)
{
    trial t;
    (void)state;
    begin(&t);
    copy(&t, "infer.json");
    const char *own =
        HEAD("published") "\"published\": {\"events\": [{\"name\": \"GW150914\", \"gps\": "
                          "1126259462.4, \"source\": \"a note of ours\","
                          " \"parameters\": {\"a_f\": {\"median\": 0.6875}}}]}}";
    put(&t, "published.json", own);
    make(&t);
    assert_sound(&t);
    assert_true(has(t.page, "a note of ours"));
    assert_true(has(t.page, ">0.6875</data>"));
    char path[512];
    char *kept = NULL;
    (void)snprintf(path, sizeof path, "%s/published.json", t.folder);
    assert_int_equal(chirp_file_read(path, &kept, NULL), CHIRP_OK);
    assert_string_equal(kept, own);
    chirp_free(kept);
    end(&t);
}

/* A prediction of somebody else's program has step times and no efficiency. */
static void test_a_prediction_from_measured_jobs(void **state)
{
    (void)state;
    trial t;
    begin(&t);
    put(&t, "p.json",
        HEAD("projection") "\"machine\":\"m\", \"assumed_numbers_of_machine\":9, "
                           "\"numbers_of_machine\":11, \"rows\":[{\"nodes\":1024, \"ranks\":1024, "
                           "\"seconds_per_step\":0.5024, \"interval_90\":[0.471, 0.5376]}]}");
    make(&t);
    assert_sound(&t);
    assert_true(has(t.page, "predicted step, 1024 nodes") &&
                has(t.page, "90 % prediction interval"));
    assert_true(has(t.page, "Most numbers of the machine m are assumed"));
    assert_true(has(t.tables, "mean step of one further job"));
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_prediction_from_measured_jobs),
        cmocka_unit_test(test_what_is_no_page_is_found),
        cmocka_unit_test(test_full_page),
        cmocka_unit_test(test_text_is_escaped),
        cmocka_unit_test(test_sections_follow_files),
        cmocka_unit_test(test_malformed_files),
        cmocka_unit_test(test_log_that_was_cut_off),
        cmocka_unit_test(test_numbers_that_are_none),
        cmocka_unit_test(test_series_of_a_measurement),
        cmocka_unit_test(test_without_gnuplot),
        cmocka_unit_test(test_nothing_to_report),
        cmocka_unit_test(test_own_published_numbers),
        cmocka_unit_test(test_journal_of_a_killed_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
