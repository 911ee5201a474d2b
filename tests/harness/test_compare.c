/* Verdicts on made-up and damaged result files, and the baseline store. */
#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/memory.h"
#include "harness/compare/compare.h"
#include "harness/compare/history.h"
#include "harness/compare/limits.h"
#include "harness/stats/stats.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char folder[] = "/tmp/chirp-compare-XXXXXX";
static const chirp_compare_options usual = {.threshold = 0.05, .confidence = 0.95};

static const char *write_file(const char *name, const char *text)
{
    static char path[8][128];
    static int turn;
    char *p = path[turn++ % 8];
    (void)snprintf(p, 128, "%s/%s", folder, name);
    assert_int_equal(chirp_file_write(p, text, strlen(text)), CHIRP_OK);
    return p;
}

/* A result file of n repetitions of each of k benchmarks: level[i] with 1 % of noise. */
static const char *make_file(const char *name, const char *context, const char *const *names,
                             const double *level, int k, int n, uint64_t seed)
{
    static char text[262144];
    size_t used =
        (size_t)snprintf(text, sizeof text, "{\"context\": {%s}, \"benchmarks\": [", context);
    for (int i = 0; i < k; ++i)
        for (int r = 0; r < n; ++r) {
            const double noise = 0.01 * ((double)(chirp_splitmix64(&seed) >> 11) * 0x1p-53 - 0.5);
            used +=
                (size_t)snprintf(text + used, sizeof text - used,
                                 "%s{\"name\": \"%s\", \"run_name\": \"%s\", \"run_type\": "
                                 "\"iteration\", \"repetition_index\": %d, "
                                 "\"real_time\": %.9g, \"cpu_time\": 1, \"time_unit\": \"us\"}",
                                 i + r ? "," : "", names[i], names[i], r, level[i] * (1 + noise));
        }
    (void)snprintf(text + used, sizeof text - used, "]}");
    return write_file(name, text);
}

static void compare_paths(const char *a, const char *b, const chirp_compare_options *o,
                          chirp_compare_result *r)
{
    chirp_results base;
    chirp_results fresh;
    assert_int_equal(chirp_results_read(a, &base), CHIRP_OK);
    assert_int_equal(chirp_results_read(b, &fresh), CHIRP_OK);
    assert_int_equal(chirp_compare(&base, &fresh, o, r), CHIRP_OK);
    chirp_results_clear(&base);
    chirp_results_clear(&fresh);
}

static void verdicts_on_known_changes(void **state)
{
    (void)state;
    const char *const names[] = {"f/slower", "f/faster", "f/same", "g/little"};
    const double before[] = {100, 100, 100, 100};
    const double after[] = {110, 90, 100.5, 104.9};
    chirp_compare_result r;
    const char *a = make_file("a.json", "", names, before, 4, 12, 1);
    const char *b = make_file("b.json", "", names, after, 4, 12, 2);
    compare_paths(a, b, &usual, &r);
    assert_int_equal(r.count, 4);
    assert_int_equal(r.item[0].verdict, CHIRP_SLOWER);
    assert_int_equal(r.item[1].verdict, CHIRP_FASTER);
    assert_int_equal(r.item[2].verdict, CHIRP_SAME);
    assert_int_not_equal(r.item[3].verdict, CHIRP_SLOWER); /* 4.9 % is not surely more than 5 % */
    assert_true(fabs(r.item[0].ratio.value - 1.1) < 0.01);
    assert_true(r.item[0].ratio.low > 1.08 && r.item[0].ratio.high < 1.12);
    assert_true(r.item[0].p_corrected < 1e-3 && r.item[2].noise < 0.01);
    assert_true(r.item[2].detectable > 0.05 && r.item[2].detectable < 0.07);
    assert_int_equal(r.n_families, 3);
    assert_true(fabs(r.family[0].ratio - cbrt(1.1 * 0.9 * 1.005)) < 0.005);
    assert_string_equal(r.family[2].name, "");
    chirp_compare_clear(&r);
}

static void a_neighbour_is_no_regression(void **state)
{
    (void)state;
    /* two thirds of the new repetitions were disturbed; the fastest ones are as fast as ever */
    chirp_compare_result r;
    char text[8192] = "{\"benchmarks\": [";
    for (int i = 0; i < 12; ++i)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text),
                       "%s{\"name\": \"x\", \"real_time\": %g}", i ? "," : "",
                       i < 1 ? 100.5 : 120 + 0.1 * i);
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "]}");
    const char *const names[] = {"x"};
    const double level[] = {0.1}; /* us */
    const char *a = make_file("quiet.json", "", names, level, 1, 12, 3);
    compare_paths(a, write_file("noisy.json", text), &usual, &r);
    assert_true(r.item[0].ratio.low > 1.1);
    assert_int_equal(r.item[0].verdict, CHIRP_INCONCLUSIVE);
    assert_non_null(strstr(r.item[0].why, "fastest"));
    chirp_compare_clear(&r);
    /* the other way round: most repetitions agree, but one shows that the new code can be much faster */
    (void)snprintf(text, sizeof text, "{\"benchmarks\": [");
    for (int i = 0; i < 12; ++i)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text),
                       "%s{\"name\": \"x\", \"real_time\": %g}", i ? "," : "",
                       i < 1 ? 88 : 100 + 0.1 * i);
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "]}");
    compare_paths(a, write_file("faster.json", text), &usual, &r);
    assert_true(r.item[0].ratio.low > 0.96 && r.item[0].ratio.high < 1.04);
    assert_int_equal(r.item[0].verdict, CHIRP_INCONCLUSIVE);
    assert_non_null(strstr(r.item[0].why, "medians agree"));
    chirp_compare_clear(&r);
}

static void too_few_repetitions_are_inconclusive(void **state)
{
    (void)state;
    const char *const names[] = {"x"};
    const double before[] = {100};
    const double after[] = {150};
    chirp_compare_result r;
    compare_paths(make_file("a1.json", "", names, before, 1, 1, 1),
                  make_file("b1.json", "", names, after, 1, 1, 2), &usual, &r);
    assert_int_equal(r.item[0].verdict, CHIRP_INCONCLUSIVE);
    assert_non_null(strstr(r.item[0].why, "too few"));
    assert_true(isinf(r.item[0].detectable));
    assert_int_equal(r.too_few, 1);
    chirp_compare_clear(&r);
    /* three are too few for ranks, but not for a change of half at a percent of noise */
    compare_paths(make_file("a3.json", "", names, before, 1, 3, 1),
                  make_file("b3.json", "", names, after, 1, 3, 2), &usual, &r);
    assert_int_equal(r.item[0].verdict, CHIRP_SLOWER);
    assert_true(r.item[0].by_effect);
    chirp_compare_clear(&r);
    /* the same three runs pooled three times over are enough */
    char many[512];
    const char *a = make_file("p1.json", "", names, before, 1, 3, 5);
    const char *b = make_file("p2.json", "", names, before, 1, 3, 6);
    const char *c = make_file("p3.json", "", names, before, 1, 3, 7);
    (void)snprintf(many, sizeof many, "%s,%s,%s", a, b, c);
    compare_paths(many, make_file("p4.json", "", names, after, 1, 9, 8), &usual, &r);
    assert_int_equal(r.item[0].n_base, 9);
    assert_int_equal(r.item[0].verdict, CHIRP_SLOWER);
    chirp_compare_clear(&r);
}

/* Seen by the whole decision: no change gives no alarm, a tenth is found. 300 trials each with 3 % of skewed noise. */
static void error_rates_on_made_up_noise(void **state)
{
    (void)state;
    uint64_t seed = 11;
    int alarms = 0;
    int found = 0;
    for (int t = 0; t < 600; ++t) {
        double x[2][12];
        chirp_samples s[2] = {{.name = (char *)(uintptr_t) "k", .seconds = x[0], .count = 12},
                              {.name = (char *)(uintptr_t) "k", .seconds = x[1], .count = 12}};
        for (int side = 0; side < 2; ++side)
            for (int i = 0; i < 12; ++i)
                x[side][i] =
                    (side && t % 2 ? 1.1 : 1) *
                    (1 - 0.015 * log(((double)(chirp_splitmix64(&seed) >> 11) + 0.5) * 0x1p-53));
        chirp_results base = {.path = (char *)(uintptr_t) "a", .item = &s[0], .count = 1};
        chirp_results fresh = {.path = (char *)(uintptr_t) "b", .item = &s[1], .count = 1};
        chirp_compare_result r;
        assert_int_equal(chirp_compare(&base, &fresh, &usual, &r), CHIRP_OK);
        if (t % 2)
            found += r.item[0].verdict == CHIRP_SLOWER;
        else
            alarms += r.item[0].verdict == CHIRP_SLOWER;
        chirp_compare_clear(&r);
    }
    assert_true(alarms <= 1);
    assert_true(found >= 285);
}

/* Log-normal times: `rows` benchmarks of n repetitions, the first `factor` times as slow in the new file. */
static void made_up(int rows, int n, double noise, double factor, uint64_t seed,
                    const chirp_compare_options *o, chirp_compare_result *r)
{
    static double x[2][67][20];
    static chirp_samples s[2][67];
    static char name[67][16];
    for (int side = 0; side < 2; ++side)
        for (int k = 0; k < rows; ++k) {
            (void)snprintf(name[k], sizeof name[k], "r%d", k);
            s[side][k] =
                (chirp_samples){.name = name[k], .seconds = x[side][k], .count = (size_t)n};
            for (int i = 0; i < n; ++i) {
                const double u = ((double)(chirp_splitmix64(&seed) >> 11) + 0.5) * 0x1p-53;
                x[side][k][i] =
                    (side && k == 0 ? factor : 1) * exp(noise * chirp_normal_quantile(u));
            }
        }
    const chirp_results base = {
        .path = (char *)(uintptr_t) "a", .item = s[0], .count = (size_t)rows};
    const chirp_results fresh = {
        .path = (char *)(uintptr_t) "b", .item = s[1], .count = (size_t)rows};
    assert_int_equal(chirp_compare(&base, &fresh, o, r), CHIRP_OK);
}

static void a_stricter_threshold_never_lets_more_through(void **state)
{
    (void)state;
    const double threshold[] = {0, 0.01, 0.02, 0.03, 0.05, 0.1, 0.3, 0.8};
    const int repetitions[] = {2, 3, 5, 10, 20};
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        bool stopped = true; /* at the threshold before, which was stricter */
        for (size_t t = 0; t < sizeof threshold / sizeof threshold[0]; ++t) {
            const chirp_compare_options o = {.threshold = threshold[t], .confidence = 0.95};
            chirp_compare_result r;
            made_up(seed % 2 ? 1 : 7, repetitions[seed % 5], 0.01 * (double)(seed % 20 + 1),
                    1 + 0.1 * (double)(seed % 13), seed, &o, &r);
            const bool slower = r.item[0].verdict == CHIRP_SLOWER;
            assert_true(stopped || !slower);
            stopped = slower;
            chirp_compare_clear(&r);
        }
    }
}

static void huge_changes_are_found_through_noise(void **state)
{
    (void)state;
    const struct {
        int rows, n;
        double noise, factor;
    } cases[] = {{1, 10, 0.15, 3}, {1, 10, 0.1, 10},  {1, 20, 0.2, 3},  {7, 5, 0.05, 3},
                 {67, 5, 0.1, 10}, {67, 10, 0.2, 10}, {67, 3, 0.02, 10}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        int found = 0;
        for (uint64_t seed = 1; seed <= 40; ++seed) {
            chirp_compare_result r;
            made_up(cases[i].rows, cases[i].n, cases[i].noise, cases[i].factor, 1000 * seed, &usual,
                    &r);
            found += r.item[0].verdict == CHIRP_SLOWER;
            chirp_compare_clear(&r);
        }
        if (found < 38)
            fail_msg("%gx, noise %g, %d repetitions, %d rows: found %d of 40", cases[i].factor,
                     cases[i].noise, cases[i].n, cases[i].rows, found);
    }
}

/* A pair raises an alarm when any of its rows does. */
static void equal_files_raise_no_alarm(void **state)
{
    (void)state;
    const int repetitions[] = {2, 3, 5, 10, 20};
    const int rows[] = {1, 7, 67};
    int alarms = 0;
    for (uint64_t seed = 1; seed <= 600; ++seed) {
        chirp_compare_result r;
        made_up(rows[seed % 3], repetitions[seed % 5], 0.01 * (double)(seed % 20 + 1), 1,
                777 * seed, &usual, &r);
        alarms += r.tally[CHIRP_SLOWER] > 0;
        chirp_compare_clear(&r);
    }
    if (alarms > 3)
        fail_msg("%d of 600 equal pairs raise an alarm", alarms);
}

static void skipped_rows_and_zero_scatter(void **state)
{
    (void)state;
    const char *skip = "{\"benchmarks\": [{\"name\": \"x\", \"skipped\": true, "
                       "\"skip_message\": \"not here\"}]}";
    chirp_compare_result r;
    const char *a = write_file("skip.json", skip);
    compare_paths(a, a, &usual, &r);
    assert_int_equal(r.item[0].verdict, CHIRP_SKIPPED);
    assert_int_equal(r.skipped_by_new, 0);
    chirp_compare_clear(&r);
    const char *const names[] = {"x"};
    const double level[] = {100};
    compare_paths(make_file("unskipped.json", "", names, level, 1, 5, 1), a, &usual, &r);
    assert_int_equal(r.skipped_by_new, 1);
    chirp_compare_clear(&r);
    chirp_samples s[2] = {
        {.name = (char *)(uintptr_t) "k", .mean_s = 1, .repetitions = 20, .has_stddev = true},
        {.name = (char *)(uintptr_t) "k", .mean_s = 2, .repetitions = 20, .has_stddev = true}};
    const chirp_results base = {.path = (char *)(uintptr_t) "a", .item = &s[0], .count = 1};
    const chirp_results fresh = {.path = (char *)(uintptr_t) "b", .item = &s[1], .count = 1};
    assert_int_equal(chirp_compare(&base, &fresh, &usual, &r), CHIRP_OK);
    assert_int_equal(r.item[0].verdict, CHIRP_SLOWER);
    chirp_compare_clear(&r);
    chirp_compare_options negated = usual;
    negated.filter = "-k";
    assert_int_equal(chirp_compare(&base, &fresh, &negated, &r), CHIRP_ERR_FORMAT);
    negated.filter = "-x";
    assert_int_equal(chirp_compare(&base, &fresh, &negated, &r), CHIRP_OK);
    chirp_compare_clear(&r);
}

static void failures_are_failures(void **state)
{
    (void)state;
    const char *a = write_file(
        "ok.json", "{\"benchmarks\": [{\"name\": \"x\", \"real_time\": 5}, {\"name\": \"y\", "
                   "\"real_time\": 5},"
                   "{\"name\": \"z\", \"real_time\": 5}, {\"name\": \"gone\", \"real_time\": 5}]}");
    const char *b = write_file("bad.json", "{\"benchmarks\": [{\"name\": \"x\", "
                                           "\"error_occurred\": true, \"error_message\": \"boom\", "
                                           "\"real_time\": 0}, {\"name\": \"y\", \"real_time\": "
                                           "0}, {\"name\": \"z\", \"real_time\": NaN},"
                                           "{\"name\": \"new\", \"real_time\": 1}]}");
    chirp_compare_result r;
    compare_paths(a, b, &usual, &r);
    assert_int_equal(r.tally[CHIRP_FAILED], 3); /* Google's script calls the first 100 % faster */
    assert_non_null(strstr(r.item[0].why, "boom"));
    assert_non_null(strstr(r.item[1].why, "zero"));
    assert_int_equal(r.only_base, 1);
    assert_int_equal(r.only_fresh, 1);
    chirp_compare_clear(&r);
    compare_paths(b, a, &usual, &r); /* a base that failed is no reason for alarm */
    assert_int_equal(r.tally[CHIRP_INCONCLUSIVE], 3);
    chirp_compare_clear(&r);
}

static void aggregates_only_files_are_compared(void **state)
{
    (void)state;
    const char *form = "{\"benchmarks\": [{\"name\": \"x_mean\", \"run_name\": \"x\", "
                       "\"run_type\": \"aggregate\", \"aggregate_name\": "
                       "\"mean\", \"iterations\": 10, \"real_time\": %g, \"time_unit\": \"ms\"}, "
                       "{\"name\": \"x_stddev\", \"run_name\": "
                       "\"x\", \"run_type\": \"aggregate\", \"aggregate_name\": \"stddev\", "
                       "\"iterations\": 10, \"real_time\": %g, "
                       "\"time_unit\": \"ms\"}, {\"name\": \"x_BigO\", \"run_name\": \"x\", "
                       "\"run_type\": \"aggregate\", "
                       "\"aggregate_name\": \"BigO\", \"big_o\": \"N\"}]}";
    char text[2][2048];
    chirp_compare_result r;
    (void)snprintf(text[0], sizeof text[0], form, 10.0, 0.1);
    (void)snprintf(text[1], sizeof text[1], form, 12.0, 0.1);
    compare_paths(write_file("agg1.json", text[0]), write_file("agg2.json", text[1]), &usual, &r);
    assert_int_equal(r.item[0].verdict, CHIRP_SLOWER);
    assert_true(fabs(r.item[0].ratio.value - 1.2) < 1e-12);
    assert_true(fabs(r.item[0].base_s - 0.01) < 1e-12);
    chirp_compare_clear(&r);
    /* means alone say nothing about their scatter: neither slower nor the same */
    const char *means[2];
    for (int i = 0; i < 2; ++i) {
        char *stddev = strstr(text[i], "\"stddev\"");
        assert_non_null(stddev);
        memcpy(stddev, "\"others\"", 8);
        means[i] = write_file(i ? "mean2.json" : "mean1.json", text[i]);
    }
    for (int i = 0; i < 2; ++i) {
        compare_paths(means[0], means[i], &usual, &r);
        assert_int_equal(r.item[0].verdict, CHIRP_INCONCLUSIVE);
        assert_non_null(strstr(r.item[0].why, "scatter"));
        chirp_compare_clear(&r);
    }
}

static void names_can_be_replaced_and_filtered(void **state)
{
    (void)state;
    const char *const names[] = {"conv/direct/a", "conv/transform/a", "other"};
    const double level[] = {100, 50, 10};
    chirp_compare_options o = usual;
    chirp_compare_result r;
    o.from = "direct";
    o.to = "transform";
    o.filter = "conv";
    const char *a = make_file("peers.json", "", names, level, 3, 8, 1);
    compare_paths(a, a, &o, &r);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.item[0].verdict, CHIRP_FASTER);
    assert_int_equal(r.item[1].verdict, CHIRP_SAME);
    chirp_compare_clear(&r);
}

static void damaged_files_are_named(void **state)
{
    (void)state;
    const struct {
        const char *text, *words;
    } rows[] = {{"", "is empty"},
                {"{\"context\": {}, \"benchmarks\": [{\"name\": \"x\", \"real_ti", "not JSON"},
                {"[1, 2]", "no JSON object"},
                {"{\"benchmarks\": {}}", "no \"benchmarks\" array"},
                {"{\"benchmarks\": []}", "holds no benchmarks"},
                {"{\"benchmarks\": [{\"real_time\": 1}]}", "row 0"},
                {"{\"benchmarks\": [{\"name\": \"x\"}]}", "has no \"real_time\""},
                {"{\"benchmarks\": [{\"name\": \"x\", \"real_time\": 1, \"time_unit\": \"h\"}]}",
                 "time_unit 'h'"},
                {"{\"context\": {\"json_schema_version\": 2}, \"benchmarks\": [{\"name\": \"x\", "
                 "\"real_time\": 1}]}",
                 "version 1"},
                {"{\"benchmarks\": [3]}", "row 0"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        chirp_results r;
        const chirp_status st = chirp_results_read(write_file("damaged.json", rows[i].text), &r);
        if (st != CHIRP_ERR_FORMAT || !strstr(chirp_error_message(), rows[i].words) ||
            !strstr(chirp_error_message(), "damaged.json"))
            fail_msg("%s: status %d, %s", rows[i].text, (int)st, chirp_error_message());
    }
    chirp_results r;
    assert_int_equal(chirp_results_read("/nonexistent.json", &r), CHIRP_ERR_IO);
    chirp_results a;
    chirp_compare_result c;
    assert_int_equal(
        chirp_results_read(
            write_file("x.json", "{\"benchmarks\": [{\"name\": \"x\", \"real_time\": 1}]}"), &a),
        CHIRP_OK);
    assert_int_equal(
        chirp_results_read(
            write_file("y.json", "{\"benchmarks\": [{\"name\": \"y\", \"real_time\": 1}]}"), &r),
        CHIRP_OK);
    assert_int_equal(chirp_compare(&a, &r, &usual, &c), CHIRP_ERR_FORMAT);
    assert_non_null(strstr(chirp_error_message(), "in common"));
    chirp_results_clear(&a);
    chirp_results_clear(&r);
}

static void duplicates_and_partial_files_are_noticed(void **state)
{
    (void)state;
    chirp_results r;
    assert_int_equal(
        chirp_results_read(
            write_file("twice.json",
                       "{\"context\": {\"partial\": true}, \"benchmarks\": ["
                       "{\"name\": \"x\", \"repetition_index\": 0, \"real_time\": 1},"
                       "{\"name\": \"x\", \"repetition_index\": 0, \"real_time\": 2}]}"),
            &r),
        CHIRP_OK);
    assert_true(r.item[0].duplicate);
    assert_true(r.partial);
    chirp_results_clear(&r);
}

static void unlike_machines_are_refused(void **state)
{
    (void)state;
    const char *const names[] = {"x"};
    const double level[] = {1};
    chirp_results a;
    chirp_results b;
    assert_int_equal(
        chirp_results_read(
            make_file("m1.json",
                      "\"governor\": \"performance\", \"num_cpus\": 2, \"cpu_model\": \"A\"", names,
                      level, 1, 3, 1),
            &a),
        CHIRP_OK);
    assert_int_equal(
        chirp_results_read(
            make_file("m2.json",
                      "\"governor\": \"powersave\", \"num_cpus\": 4, \"compiler\": \"B\"", names,
                      level, 1, 3, 1),
            &b),
        CHIRP_OK);
    assert_int_equal(chirp_same_machine(&a, &b, NULL), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "governor 'performance' against 'powersave'"));
    assert_non_null(strstr(chirp_error_message(), "num_cpus"));
    assert_int_equal(chirp_same_machine(&a, &b, "governor"), CHIRP_ERR_ARG);
    assert_int_equal(chirp_same_machine(&a, &b, "governor,num_cpus"),
                     CHIRP_OK); /* what only one states doesn't count */
    assert_int_equal(chirp_same_machine(&a, &b, "all"), CHIRP_OK);
    assert_int_equal(chirp_same_machine(&a, &a, NULL), CHIRP_OK);
    chirp_results_clear(&b);
    /* the second of two pooled files counts, too */
    char pooled[256];
    (void)snprintf(pooled, sizeof pooled, "%s,%s/m2.json", a.path, folder);
    assert_int_equal(chirp_results_read(pooled, &b), CHIRP_OK);
    assert_int_equal(chirp_same_machine(&a, &b, NULL), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "pooled"));
    assert_int_equal(chirp_same_machine(&b, &a, "num_cpus"), CHIRP_ERR_ARG);
    assert_int_equal(chirp_same_machine(&b, &a, "governor,num_cpus"), CHIRP_OK);
    chirp_results_clear(&a);
    chirp_results_clear(&b);
}

/* Texts that differ behind any length are told apart and shown whole, and so is the remedy. */
static void long_facts_are_compared_whole(void **state)
{
    (void)state;
    const char *const names[] = {"x"};
    const double level[] = {1};
    char context[2][1600];
    char tail[2][16] = {"-march=one", "-march=two"};
    for (int i = 0; i < 2; ++i) {
        (void)snprintf(context[i], sizeof context[i], "\"compiler_flags\": \"");
        while (strlen(context[i]) < 1200)
            strcat(context[i], "-fno-something ");
        strcat(context[i], tail[i]);
        (void)snprintf(context[i] + strlen(context[i]), 200,
                       "\", \"simd\": \"s%d\", \"num_cpus\": %.17g", i, 2 + 1e-13 * i);
    }
    chirp_results a;
    chirp_results b;
    assert_int_equal(
        chirp_results_read(make_file("l1.json", context[0], names, level, 1, 3, 1), &a), CHIRP_OK);
    assert_int_equal(
        chirp_results_read(make_file("l2.json", context[1], names, level, 1, 3, 1), &b), CHIRP_OK);
    assert_int_equal(chirp_same_machine(&a, &b, NULL), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "--allow num_cpus,simd,compiler_flags compares"));
    assert_non_null(strstr(chirp_error_message(), "-march=one'"));
    assert_non_null(strstr(chirp_error_message(), "-march=two'"));
    assert_int_equal(chirp_same_machine(&a, &b, "num_cpus,simd"), CHIRP_ERR_ARG);
    assert_int_equal(chirp_same_machine(&a, &b, "num_cpus,simd,compiler_flags"), CHIRP_OK);
    assert_int_equal(chirp_same_machine(&a, &b, "simd,compiler_flags"), CHIRP_ERR_ARG);
    assert_int_equal(chirp_same_machine(&a, &a, NULL), CHIRP_OK);
    chirp_results_clear(&a);
    chirp_results_clear(&b);
}

static void reports_are_well_formed(void **state)
{
    (void)state;
    const char *const names[] = {"f/one", "f/two"};
    const double before[] = {100, 100};
    const double after[] = {120, 100};
    chirp_results a;
    chirp_results b;
    chirp_compare_result r;
    char *text = NULL;
    assert_int_equal(chirp_results_read(make_file("r1.json", "", names, before, 2, 3, 1), &a),
                     CHIRP_OK);
    assert_int_equal(chirp_results_read(make_file("r2.json", "", names, after, 2, 3, 1), &b),
                     CHIRP_OK);
    assert_int_equal(chirp_compare(&a, &b, &usual, &r), CHIRP_OK);
    cJSON *o = chirp_compare_json(&a, &b, &usual, &r);
    assert_non_null(o);
    char *json = cJSON_Print(o);
    assert_non_null(json);
    assert_null(strstr(json, "inf")); /* an unbounded interval is absent */
    assert_null(strstr(json, "nan"));
    cJSON *again = cJSON_Parse(json);
    assert_non_null(again);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(again, "benchmarks")), 2);
    cJSON_Delete(again);
    cJSON_free(json);
    cJSON_Delete(o);
    assert_int_equal(chirp_compare_markdown(&a, &b, &usual, &r, &text), CHIRP_OK);
    assert_non_null(strstr(text, "| f/one |"));
    chirp_free(text);
    chirp_compare_clear(&r);
    chirp_results_clear(&a);
    chirp_results_clear(&b);
}

static void history_finds_the_commit(void **state)
{
    (void)state;
    const char *const names[] = {"stable", "regressed"};
    char store[128];
    (void)snprintf(store, sizeof store, "%s/store", folder);
    for (int run = 0; run < 16; ++run) {
        char context[256];
        const double wobble = 1 + 0.01 * ((run * 7) % 5 - 2) / 2;
        const double level[] = {50 * wobble, (run < 9 ? 100 : 107) * wobble};
        char *stored = NULL;
        (void)snprintf(context, sizeof context,
                       "\"machine_id\": \"abc\", \"date\": \"2026-11-%02dT00:00:00+00:00\", "
                       "\"git_commit\": \"c%02d\"",
                       run + 1, run);
        assert_int_equal(
            chirp_history_store(
                store, make_file("run.json", context, names, level, 2, 4, (uint64_t)run), &stored),
            CHIRP_OK);
        chirp_free(stored);
    }
    chirp_history h;
    assert_int_equal(chirp_history_read(store, NULL, 0.03, &h), CHIRP_OK);
    assert_int_equal(h.runs, 16);
    assert_string_equal(h.machine, "abc");
    assert_int_equal(h.count, 2);
    assert_false(h.item[0].changed);
    assert_true(h.item[1].changed);
    assert_int_equal(h.item[1].n_changes, 1);
    assert_string_equal(h.item[1].commit, "c09");
    assert_true(fabs(h.item[1].ratio - 1.07) < 0.01);
    chirp_history_clear(&h);
    assert_int_equal(chirp_history_read(store, "elsewhere", 0.03, &h), CHIRP_ERR_IO);
    char *stored = NULL;
    assert_int_equal(
        chirp_history_store(
            store,
            write_file("part.json",
                       "{\"context\": {\"partial\": true, \"machine_id\": \"a\", \"date\": "
                       "\"d\"}, \"benchmarks\": [{\"name\": \"x\", \"real_time\": 1}]}"),
            &stored),
        CHIRP_ERR_FORMAT);
    assert_non_null(strstr(chirp_error_message(), "partial"));
}

static void dates_are_instants(void **state)
{
    (void)state;
    const struct {
        const char *date;
        double seconds;
    } good[] = {{"1970-01-01T00:00:00Z", 0},
                {"1970-01-01T01:00:00+01:00", 0},
                {"1969-12-31 16:00:00-0800", 0},
                {"2000-02-29T12:00:00", 951825600},
                {"2000-03-01T00:00:00+00", 951868800},
                {"2026-10-25T02:50:00+02:00", 1792889400},
                {"2026-10-25T02:10:00.5+01:00", 1792890600.5},
                {"2026-03-01T23:30:00-08:00", 1772436600}};
    const char *const bad[] = {"",
                               "d",
                               "2026-13-01T00:00:00",
                               "2026-01-01",
                               "2026-01-01T00:00:00+x",
                               "2026-01-01T00:00:00 CET",
                               "2026-01-01T00:00:00+01:00x"};
    double at = 0;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; ++i)
        if (!chirp_instant(good[i].date, &at) || at != good[i].seconds)
            fail_msg("%s: %.1f, not %.1f", good[i].date, at, good[i].seconds);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i)
        if (chirp_instant(bad[i], &at))
            fail_msg("'%s' is no date", bad[i]);
}

/* Stores runs of one benchmark in the order given, their levels being the order in time: 1, 2, ... us. */
static void store_run(const char *store, const char *machine, const char *date, const char *commit,
                      double level)
{
    const char *const names[] = {"x"};
    char context[512];
    char *stored = NULL;
    (void)snprintf(context, sizeof context,
                   "\"machine_id\": \"%s\", \"date\": \"%s\", \"git_commit\": \"%s\"", machine,
                   date, commit);
    if (chirp_history_store(store, make_file("stored.json", context, names, &level, 1, 4, 1),
                            &stored) != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
    chirp_free(stored);
}

static void assert_last(const char *store, const char *machine, size_t runs, double level)
{
    chirp_history h;
    assert_int_equal(chirp_history_read(store, NULL, 0.05, &h), CHIRP_OK);
    assert_string_equal(h.machine, machine);
    assert_int_equal(h.runs, runs);
    if (fabs(h.item[0].last_s / (level * 1e-6) - 1) > 0.02)
        fail_msg("the last run has level %g, not %g", h.item[0].last_s * 1e6, level);
    chirp_history_clear(&h);
}

static void runs_are_ordered_by_instant_then_arrival(void **state)
{
    (void)state;
    char store[128];
    (void)snprintf(store, sizeof store, "%s/zones", folder);
    store_run(store, "m", "2026-10-25T02:10:00+01:00", "aa", 2); /* the clock was put back */
    store_run(store, "m", "2026-10-25T02:50:00+02:00", "bb", 1);
    assert_last(store, "m", 2, 2);
    store_run(store, "m", "2026-10-25T17:10:00+16:00", "zz", 3); /* one instant in other words, */
    assert_last(store, "m", 3, 3);
    store_run(store, "m", "2026-10-25T01:10:00+00:00", "0", 4);
    assert_last(store, "m", 4, 4);
    store_run(store, "m", "2026-10-25T01:10:00+00:00", "0", 5); /* and again by the same commit */
    assert_last(store, "m", 5, 5);
    store_run(store, "m", "2026-10-25T01:10:00+00:00", "7-dirty", 6);
    assert_last(store, "m", 6, 6);
    store_run(store, "n", "2026-10-24T23:00:00-03:00", "0",
              9); /* the newest machine, by time and not by text */
    assert_last(store, "n", 1, 9);
    /* names that agree in their first 200 letters are different machines all the same */
    char id[256];
    for (int i = 0; i < 2; ++i) {
        (void)snprintf(id, sizeof id, "%0200d%d", 0, i);
        store_run(store, id, "2026-10-26T00:00:00Z", id, 10 + i);
    }
    chirp_history h;
    assert_int_equal(chirp_history_read(store, NULL, 0.05, &h), CHIRP_OK);
    assert_int_equal(h.runs, 1);
    chirp_history_clear(&h);
    char *stored = NULL;
    assert_int_equal(
        chirp_history_store(store,
                            write_file("undated.json",
                                       "{\"context\": {\"machine_id\": \"m\", \"date\": "
                                       "\"yesterday\"}, \"benchmarks\": [{\"name\": \"x\", "
                                       "\"real_time\": 1}]}"),
                            &stored),
        CHIRP_ERR_FORMAT);
    assert_non_null(strstr(chirp_error_message(), "yesterday"));
}

/* n values around 1, and around `factor` from index `at` on, with 1 % of noise. */
static void step(double *x, size_t n, size_t at, double factor, uint64_t seed)
{
    for (size_t i = 0; i < n; ++i) {
        const double u = ((double)(chirp_splitmix64(&seed) >> 11) + 0.5) * 0x1p-53;
        x[i] = (i < at ? 1 : factor) * exp(0.01 * chirp_normal_quantile(u));
    }
}

static void changes_stand_where_levels_change(void **state)
{
    (void)state;
    double x[60];
    chirp_change changes[60];
    size_t found = 0;
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        size_t n = 0;
        const size_t length = 20 + seed % 40;
        const size_t at = 4 + seed * 7 % (length - 8);
        step(x, length, at, seed % 2 ? 3 : 1 / 1.5, seed);
        assert_int_equal(chirp_change_points(x, length, 3, 0.01, 0.05, changes, &n), CHIRP_OK);
        if (n == 0)
            continue; /* few runs on one side: what ranks can't prove */
        ++found;
        assert_int_equal(n, 1);
        assert_int_equal(changes[0].at, at);
    }
    assert_true(found >= 50);
}

static void last_runs_too_few_to_test_are_suspect(void **state)
{
    (void)state;
    double x[40];
    double ratio = 0;
    size_t last = 0;
    int alarms = 0;
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        const size_t n = 4 + seed % 36;
        const size_t few = 1 + seed % (n < 8 ? n - 3 : 5);
        step(x, n, n - few, seed % 2 ? 3 : 1 / 1.5, seed);
        assert_int_equal(chirp_last_suspects(x, n, 0.05, &last, &ratio), CHIRP_OK);
        if (n - few >= 6) { /* of three runs the scatter is hardly known */
            assert_int_equal(last, few);
            assert_true(fabs(ratio / (seed % 2 ? 3 : 1 / 1.5) - 1) < 0.1);
        }
        step(x, n, n, 1, 7 * seed);
        assert_int_equal(chirp_last_suspects(x, n, 0.0, &last, &ratio), CHIRP_OK);
        alarms += last > 0;
        assert_int_equal(chirp_last_suspects(x, n, 0.05, &last, &ratio), CHIRP_OK);
        assert_int_equal(last, 0); /* noise of 1 % is never a change of 5 % */
    }
    assert_true(alarms < 30); /* two sides, five places: below a tenth */
    assert_int_equal(chirp_last_suspects(x, 3, 0.05, &last, &ratio), CHIRP_OK);
    assert_int_equal(last, 0);
}

static void change_points_are_rare_in_noise(void **state)
{
    (void)state;
    uint64_t seed = 5;
    int found = 0;
    for (int t = 0; t < 60; ++t) {
        double x[30];
        chirp_change changes[30];
        size_t n = 0;
        for (int i = 0; i < 30; ++i)
            x[i] = 1 + 0.1 * (double)(chirp_splitmix64(&seed) >> 11) * 0x1p-53;
        assert_int_equal(chirp_change_points(x, 30, 3, 0.01, 0.0, changes, &n), CHIRP_OK);
        found += n > 0;
    }
    assert_true(found <= 5);
    double steps[40];
    chirp_change changes[40];
    size_t n = 0;
    for (int i = 0; i < 40; ++i)
        steps[i] = (i < 12   ? 1
                    : i < 25 ? 1.2
                             : 1.05) *
                   (1 + 0.02 * (double)(chirp_splitmix64(&seed) >> 11) * 0x1p-53);
    assert_int_equal(chirp_change_points(steps, 40, 3, 0.01, 0.02, changes, &n), CHIRP_OK);
    assert_int_equal(n, 2);
    assert_int_equal(changes[0].at, 12);
    assert_int_equal(changes[1].at, 25);
    steps[3] = 0;
    assert_int_equal(chirp_change_points(steps, 40, 3, 0.01, 0.02, changes, &n), CHIRP_ERR_RANGE);
}

static void limits_hold_break_or_miss(void **state)
{
    (void)state;
    const char *const names[] = {"k/fast/threads:1", "k/slow/threads:1"};
    const double level[] = {100, 200};
    chirp_limits l;
    const char *result = make_file("limited.json", "", names, level, 2, 6, 1);
    const char *good = write_file(
        "good.json", "[{\"benchmark\": \"k/slow\", \"over\": \"k/fast\", \"at_most\": 2.1},"
                     "{\"benchmark\": \"k/slow\", \"over\": \"k/fast\", \"at_least\": 1.9}]");
    assert_int_equal(chirp_limits_check(good, result, 0.95, &l), CHIRP_OK);
    assert_int_equal(l.broken + l.missing, 0);
    assert_true(fabs(l.item[0].value - 2) < 0.03);
    chirp_limits_clear(&l);
    /* a reason and an explanation of any length are kept whole */
    char text[1200];
    (void)snprintf(text, sizeof text,
                   "[{\"benchmark\": \"none/%0300d/end\", \"counter\": \"c\", \"at_most\": 1, "
                   "\"why\": \"%0400dwhy\"}]",
                   0, 0);
    assert_int_equal(chirp_limits_check(write_file("long_limits.json", text), result, 0.95, &l),
                     CHIRP_OK);
    assert_int_equal(strlen(l.item[0].why), 403);
    assert_non_null(strstr(l.item[0].reason, "0/end"));
    chirp_limits_clear(&l);
    const char *bad =
        write_file("bad_limits.json",
                   "[{\"benchmark\": \"k/slow\", \"over\": \"k/fast\", \"at_most\": 1.8},"
                   "{\"benchmark\": \"k/slo\", \"over\": \"k/fast\", \"at_most\": 9},"
                   "{\"benchmark\": \"k/slow\", \"counter\": \"GFLOPS\", \"at_least\": 1}]");
    assert_int_equal(chirp_limits_check(bad, result, 0.95, &l), CHIRP_OK);
    assert_int_equal(l.item[0].state, CHIRP_LIMIT_BROKEN);
    assert_int_equal(l.item[1].state, CHIRP_LIMIT_MISSING); /* a part of a name is no name */
    assert_int_equal(l.item[2].state, CHIRP_LIMIT_MISSING);
    chirp_limits_clear(&l);
    /* counters: the best repetition, scaled to its fastest block or, on one thread, to its processor time */
    const char *rows = write_file(
        "counted.json",
        "{\"benchmarks\": [{\"name\": \"x\", \"threads\": 2, \"real_time\": 100, \"cpu_time\": 10, "
        "\"real_time_fastest\": 50, \"peak_fraction\": 0.3}, {\"name\": \"x\", \"threads\": 2, "
        "\"real_time\": 100, \"real_time_fastest\": 90, \"peak_fraction\": 0.3},"
        "{\"name\": \"y\", \"threads\": 1, \"real_time\": 100, \"cpu_time\": 50, "
        "\"peak_fraction\": 0.2}]}");
    const char *counted =
        write_file("counted_limits.json",
                   "[{\"benchmark\": \"x\", \"counter\": \"peak_fraction\", \"at_least\": 0.55},"
                   "{\"benchmark\": \"x\", \"counter\": \"peak_fraction\", \"at_least\": 0.65},"
                   "{\"benchmark\": \"y\", \"counter\": \"peak_fraction\", \"at_least\": 0.35}]");
    assert_int_equal(chirp_limits_check(counted, rows, 0.95, &l), CHIRP_OK);
    assert_true(fabs(l.item[0].value - 0.6) < 1e-12);
    assert_int_equal(l.item[0].state, CHIRP_LIMIT_KEPT);
    assert_int_equal(l.item[1].state, CHIRP_LIMIT_BROKEN);
    assert_int_equal(l.item[2].state, CHIRP_LIMIT_KEPT);
    chirp_limits_clear(&l);
    const char *const damaged[] = {
        "[]", "{}", "[{\"benchmark\": \"x\"}]", "[{\"benchmark\": \"x\", \"over\": \"y\"}]",
        "[{\"benchmark\": \"x\", \"over\": \"y\", \"counter\": \"z\", \"at_most\": 1}]"};
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; ++i)
        assert_int_equal(
            chirp_limits_check(write_file("damaged_limits.json", damaged[i]), result, 0.95, &l),
            CHIRP_ERR_FORMAT);
}

static void noise_gives_no_verdict(void **state)
{
    (void)state;
    double x[12];
    double y[12];
    for (int i = 0; i < 12; ++i) {
        x[i] = i % 2 ? 100 : 130 + i;
        y[i] = i % 2 ? 250 : 600 + i;
    }
    chirp_samples a = {.name = (char *)(uintptr_t) "k", .seconds = x, .count = 12};
    chirp_samples b = {.name = (char *)(uintptr_t) "k", .seconds = y, .count = 12};
    chirp_results base = {.path = (char *)(uintptr_t) "a", .item = &a, .count = 1};
    chirp_results fresh = {.path = (char *)(uintptr_t) "b", .item = &b, .count = 1};
    chirp_compare_result r;
    assert_int_equal(chirp_compare(&base, &fresh, &usual, &r), CHIRP_OK);
    assert_true(r.item[0].ratio.low > 1.5);
    assert_int_equal(r.item[0].verdict, CHIRP_INCONCLUSIVE);
    assert_non_null(strstr(r.item[0].why, "too noisy"));
    chirp_compare_clear(&r);
}

static int make_folder(void **state)
{
    (void)state;
    return !mkdtemp(folder);
}

static int remove_folder(void **state)
{
    (void)state;
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_on_known_changes),
        cmocka_unit_test(a_neighbour_is_no_regression),
        cmocka_unit_test(too_few_repetitions_are_inconclusive),
        cmocka_unit_test(error_rates_on_made_up_noise),
        cmocka_unit_test(a_stricter_threshold_never_lets_more_through),
        cmocka_unit_test(huge_changes_are_found_through_noise),
        cmocka_unit_test(equal_files_raise_no_alarm),
        cmocka_unit_test(skipped_rows_and_zero_scatter),
        cmocka_unit_test(failures_are_failures),
        cmocka_unit_test(aggregates_only_files_are_compared),
        cmocka_unit_test(names_can_be_replaced_and_filtered),
        cmocka_unit_test(damaged_files_are_named),
        cmocka_unit_test(duplicates_and_partial_files_are_noticed),
        cmocka_unit_test(unlike_machines_are_refused),
        cmocka_unit_test(long_facts_are_compared_whole),
        cmocka_unit_test(reports_are_well_formed),
        cmocka_unit_test(history_finds_the_commit),
        cmocka_unit_test(dates_are_instants),
        cmocka_unit_test(runs_are_ordered_by_instant_then_arrival),
        cmocka_unit_test(changes_stand_where_levels_change),
        cmocka_unit_test(last_runs_too_few_to_test_are_suspect),
        cmocka_unit_test(change_points_are_rare_in_noise),
        cmocka_unit_test(limits_hold_break_or_miss),
        cmocka_unit_test(noise_gives_no_verdict),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
