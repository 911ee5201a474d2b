/* The four answers: what they conclude from numbers whose differences are known, and what they ask for when files are missing. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "reports/answers/answers.h"
#include "reports/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD(kind) "{\"chirpbench\": {\"kind\": \"" kind "\", \"format\": 1}, "

static char folder[64];

static void put(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(chirp_file_write(path, text, strlen(text)), CHIRP_OK);
}

static int begin(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/chirp-answers-XXXXXX");
    return mkdtemp(folder) ? 0 : 1;
}

static int end(void **state)
{
    static const char *const names[] = {"a.json", "b.json", "c.json"};
    char path[128];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

/* What the terminal says; free() it. */
static char *answers(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(chirp_report_answers(folder, out), CHIRP_OK);
    assert_int_equal(fclose(out), 0);
    int lines = 0;
    for (const char *p = text; (p = strchr(p, '\n')); ++p)
        ++lines;
    assert_in_range(lines, 4, 9);
    return text;
}

static void says(const char *what)
{
    char *text = answers();
    if (!strstr(text, what))
        fail_msg("\"%s\" is not in:\n%s", what, text);
    free(text);
}

static void says_not(const char *what)
{
    char *text = answers();
    if (strstr(text, what))
        fail_msg("\"%s\" is in:\n%s", what, text);
    free(text);
}

static void test_missing_inputs_name_their_commands(void **state)
{
    (void)state;
    put("a.json", HEAD("doctor") "\"cpu_model\": \"x\"}");
    says("chirpbench project --machine theta");
    says("chirpbench bench --benchmark_filter='^network/train_step/");
    says("chirpbench bench --benchmark_filter='^conv1d/");
    says("chirpbench infer --checkpoint");
}

static void project(const char *name, const char *exchange, double low, double high)
{
    char text[512];
    (void)snprintf(text, sizeof text,
                   HEAD("projection") "\"machine\": \"m\", \"exchange\": \"%s\", \"rows\": "
                                      "[{\"nodes\": 1024, \"efficiency\": %g, \"efficiency_band\": "
                                      "[%g, %g]}], \"published\": {\"nodes\": 1024, "
                                      "\"efficiency\": 0.75}}",
                   exchange, (low + high) / 2, low, high);
    put(name, text);
}

static void test_scaling(void **state)
{
    (void)state;
    project("a.json", "horovod", 0.5, 0.7);
    says("misses the published number");
    says("their way: horovod exchange 60.0 % (50.0 to 70.0 %)");
    project("b.json", "overlap", 0.65, 0.75);
    says("can't be told apart");
    project("b.json", "overlap", 0.75, 0.95);
    says("lies above their way");
    project("a.json", "horovod", 0.7, 0.8);
    says("holds the published number");
}

static void benchmark(double low, double high)
{
    char text[2048];
    (void)snprintf(
        text, sizeof text,
        "{\"context\": {\"chirpbench\": {\"kind\": \"bench\", \"format\": 1}}, \"benchmarks\": ["
        "{\"name\": \"network/train_step/deterministic/spin.none/batch:4\", \"real_time\": 100, "
        "\"time_unit\": \"ms\", \"real_time_ci_low\": 95, \"real_time_ci_high\": 105}, "
        "{\"name\": \"network/train_step/local/spin.last2/batch:4\", \"real_time\": %g, "
        "\"time_unit\": \"ms\", \"real_time_ci_low\": %g, \"real_time_ci_high\": %g, "
        "\"items_per_second\": 40}, "
        "{\"name\": \"conv1d/forward/direct/c/batch:4\", \"real_time\": %g, \"time_unit\": \"ms\", "
        "\"real_time_ci_low\": %g, \"real_time_ci_high\": %g, \"roof_fraction\": 0.5}, "
        "{\"name\": \"conv1d/forward/lib/c/batch:4\", \"real_time\": 100, \"time_unit\": \"ms\", "
        "\"real_time_ci_low\": 95, \"real_time_ci_high\": 105, \"baseline\": true}]}",
        (low + high) / 2, low, high, (low + high) / 2, low, high);
    put("a.json", text);
}

static void test_differences_within_the_noise(void **state)
{
    (void)state;
    benchmark(
        90, 130); /* a network of another estimator is the deterministic one's twin all the same */
    says("Can't be told apart from a deterministic step: spin.last2, local");
    says("faster than the fastest other library in 0 of 1 cases and slower in 0; 1 can't");
    benchmark(120, 130);
    says("Slower than a deterministic step: spin.last2, local");
    says("in 0 of 1 cases and slower in 1.");
    says("spin.last2, local 1.25 \xC3\x97 (1.14 to 1.37 \xC3\x97)");
    says("median of 1 cases 50.0 %");
    benchmark(60, 70);
    says("Faster than a deterministic step: spin.last2, local");
    says("in 1 of 1 cases and slower in 0.");
    says_not("No other library");
}

static void test_reading(void **state)
{
    static const char event[] =
        "\"events\": [{\"strain\": \"it's.h5\", \"gps\": 5, \"source\": \"injected signal\", "
        "\"injected\": {\"a_f\": 0.7}, \"parameters\": {\"a_f\": {\"median\": %s, \"interval_90\": "
        "[%s]}}}]}";
    char text[1024] = HEAD("posterior");
    (void)state;
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), event, "0.65", "0.5, 0.8");
    put("a.json", text);
    says("remnant spin a_f, network 0.650 (0.500 to 0.800); remnant spin a_f, injected 0.700");
    says("hold the injected value of 1 of 1");
    says_not("exact posterior");
    (void)strcpy(text, HEAD("exact-posterior"));
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), event, "0.69", "0.65, 0.75");
    put("b.json", text);
    says("exact posterior 0.690 (0.650 to 0.750); width against the exact posterior 3.00 \xC3\x97");
    /* an event that brings its own exact posterior, as infer --exact writes it, goes first */
    (void)strcpy(text, HEAD("posterior"));
    (void)snprintf(
        text + strlen(text), sizeof text - strlen(text),
        "\"events\": [{\"strain\": \"it's.h5\", \"gps\": 5, \"source\": \"injected signal\", "
        "\"parameters\": {\"a_f\": {\"median\": 0.66, \"interval_90\": [0.6, 0.7]}}, "
        "\"exact\": {\"parameters\": {\"a_f\": {\"median\": 0.68, \"interval_90\": [0.64, "
        "0.69]}}}}]}");
    put("c.json", text);
    says("remnant spin a_f, network 0.660 (0.600 to 0.700)");
    says("exact posterior 0.680 (0.640 to 0.690); width against the exact posterior 2.00 \xC3\x97");
}

static void test_dates(void **state)
{
    char text[80];
    (void)state;
    chirp_answers_date("2026-01-05T07:42:11+01:00", text, sizeof text);
    assert_string_equal(text, "5 January 2026, 07:42 UTC+01:00");
    chirp_answers_date("yesterday", text, sizeof text);
    assert_string_equal(text, "yesterday");
    chirp_answers_date("2026-13-05T07:42:11", text, sizeof text);
    assert_string_equal(text, "2026-13-05T07:42:11");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_missing_inputs_name_their_commands, begin, end),
        cmocka_unit_test_setup_teardown(test_scaling, begin, end),
        cmocka_unit_test_setup_teardown(test_differences_within_the_noise, begin, end),
        cmocka_unit_test_setup_teardown(test_reading, begin, end),
        cmocka_unit_test(test_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
