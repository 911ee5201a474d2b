/* Parts of the page. */
#include "harness/base/memory.h"
#include "reports/page/table.h"
#include "reports/sections/bench_rows.h"
#include "reports/sections/spectrogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void test_escaping(void **state)
{
    chirp_markup m = {0};
    (void)state;
    chirp_markup_text(&m, "a<b>&\"c'\x01\xC3\xA9\xFF\xED\xA0\x80 \xF0\x9F\x98\x80");
    /* a control character, a lone byte, and the three bytes of a surrogate: one replacement each */
    assert_string_equal(
        m.bytes,
        "a&lt;b&gt;&amp;&quot;c&#39;"
        "\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xF0\x9F\x98\x80");
    chirp_markup_clear(&m);
    for (int i = 0; i < 10000; ++i)
        chirp_markup_format(&m, "%d,", i);
    assert_int_equal(m.used, strlen(m.bytes));
    assert_int_equal(m.used, 10 * 2 + 90 * 3 + 900 * 4 + 9000 * 5);
    chirp_markup_clear(&m);
}

static void shows(double value, chirp_unit unit, const char *want)
{
    char text[64];
    char all[80];
    double factor = 0;
    const char *suffix = NULL;
    chirp_unit_format(value, unit, text, sizeof text, &factor, &suffix);
    (void)snprintf(all, sizeof all, "%s%s", text, suffix);
    assert_string_equal(all, want);
}

static void test_units(void **state)
{
    (void)state;
    shows(0, CHIRP_UNIT_PLAIN, "0");
    shows(0.5, CHIRP_UNIT_PLAIN, "0.5");
    shows(1234.5678, CHIRP_UNIT_PLAIN, "1235");
    shows(-0.00123456, CHIRP_UNIT_PLAIN, "-0.001235");
    shows(1.5e-9, CHIRP_UNIT_PLAIN, "1.500e-09");
    shows(3780870, CHIRP_UNIT_INTEGER, "3,780,870");
    shows(-1000, CHIRP_UNIT_INTEGER, "-1,000");
    shows(999, CHIRP_UNIT_INTEGER, "999");
    shows(1.5e-9, CHIRP_UNIT_SECONDS, "1.5 ns");
    shows(2.5e-6, CHIRP_UNIT_SECONDS, "2.5 \xC2\xB5s");
    shows(0.684, CHIRP_UNIT_SECONDS, "684 ms");
    shows(3.46, CHIRP_UNIT_SECONDS, "3.46 s");
    shows(1800, CHIRP_UNIT_SECONDS, "30 min");
    shows(7200, CHIRP_UNIT_SECONDS, "2 h");
    shows(0.7512, CHIRP_UNIT_PERCENT, "75.1 %");
    shows(14922252, CHIRP_UNIT_BYTES, "14.23 MiB");
    shows(21.75e9, CHIRP_UNIT_BYTES_PER_SECOND, "21.75 GB/s");
    shows(1.9047, CHIRP_UNIT_RATIO, "1.90 \xC3\x97");
    shows(1126259462.4, CHIRP_UNIT_TIMESTAMP, "1126259462.4");
    shows(2.5e-7, CHIRP_UNIT_SCIENTIFIC, "2.5e-07");
}

static void test_table(void **state)
{
    static const char *const headers[] = {"name", "never", "time", NULL};
    chirp_table t;
    chirp_markup m = {0};
    char *out = NULL;
    size_t size = 0;
    (void)state;
    chirp_table_begin(&t, "cap<tion>", headers);
    for (int i = 0; i < 300; ++i) {
        chirp_table_text(&t, i == 1 ? "b\x1b[31m\xC2\x9B" : "a");
        chirp_table_number(&t, (double)NAN, CHIRP_UNIT_PLAIN);
        chirp_table_scaled(&t, 2500, 1e-9, CHIRP_UNIT_SECONDS);
    }
    assert_int_equal(chirp_table_rows(&t), 300);
    chirp_table_html(&t, &m);
    assert_non_null(strstr(m.bytes, "cap&lt;tion&gt;"));
    assert_null(strstr(m.bytes, "never")); /* a column without entries */
    assert_non_null(
        strstr(m.bytes, "<data value=\"2500\" data-factor=\"0.001\">2.5</data> \xC2\xB5s"));
    FILE *file = open_memstream(&out, &size);
    assert_non_null(file);
    chirp_table_terminal(&t, file, 5);
    assert_int_equal(fclose(file), 0);
    assert_non_null(strstr(out, "b?[31m?"));
    assert_non_null(strstr(out, "295 more rows"));
    assert_null(strchr(out, '\x1b'));
    free(out);
    chirp_markup_clear(&m);
    chirp_table_clear(&t);
}

static cJSON *repetitions(void)
{
    return cJSON_Parse(
        "{\"benchmarks\":["
        "{\"name\":\"f/p/a/c/n:1/"
        "threads:2\",\"run_type\":\"iteration\",\"real_time\":9,\"time_unit\":\"ms\"},"
        "{\"name\":\"f/p/a/c/n:1/"
        "threads:2\",\"run_type\":\"iteration\",\"real_time\":3,\"time_unit\":\"ms\"},"
        "{\"name\":\"f/p/a/c/n:1/"
        "threads:2\",\"run_type\":\"iteration\",\"real_time\":5,\"time_unit\":\"ms\"},"
        "{\"name\":\"f/p/theirs/c/n:1/"
        "threads:2\",\"baseline\":true,\"run_type\":\"iteration\",\"real_time\":10000,\"time_"
        "unit\":\"us\"},"
        "{\"name\":\"f/p/other/c/n:1/"
        "threads:2\",\"baseline\":true,\"run_type\":\"iteration\",\"real_time\":8,\"time_unit\":"
        "\"ms\"},"
        "{\"name\":\"f/p/onednn/c/n:1/"
        "threads:2\",\"run_type\":\"iteration\",\"real_time\":1,\"time_unit\":\"ms\"},"
        "{\"name\":\"plain\",\"run_type\":\"iteration\",\"error_occurred\":true,\"error_message\":"
        "\"no\",\"real_time\":0,\"time_unit\":\"ms\"},"
        "{\"name\":\"q_mean\",\"run_name\":\"q\",\"run_type\":\"aggregate\",\"aggregate_name\":"
        "\"mean\",\"real_time\":3,\"time_unit\":\"s\"},"
        "{\"name\":\"q_median\",\"run_name\":\"q\",\"run_type\":\"aggregate\",\"aggregate_name\":"
        "\"median\",\"real_time\":2,\"time_unit\":\"s\"}]}");
}

static void test_benchmark_rows(void **state)
{
    char name[] = "bench.json";
    chirp_result_file file = {.name = name, .root = repetitions()};
    file.document = (chirp_document){.kind = CHIRP_DOCUMENT_BENCH, .root = file.root};
    chirp_result_files results = {.file = &file, .count = 1};
    chirp_bench_lines lines;
    (void)state;
    assert_non_null(file.root);
    assert_int_equal(chirp_bench_lines_read(&results, &lines), CHIRP_OK);
    assert_int_equal(lines.count, 6);
    assert_float_equal(lines.line[0].time_s, 5e-3, 1e-12); /* the repetition in the middle */
    assert_string_equal(lines.line[0].part[0], "f");
    assert_string_equal(lines.line[0].part[3], "c");
    assert_string_equal(lines.line[0].arguments, "n:1/threads:2");
    const chirp_bench_line *baseline = chirp_bench_baseline_of(&lines, &lines.line[0]);
    assert_ptr_equal(baseline, &lines.line[2]); /* the faster one of the same case */
    assert_null(chirp_bench_baseline_of(&lines, &lines.line[1])); /* a baseline has none */
    assert_string_equal(lines.line[4].error, "no");
    assert_true(isnan(lines.line[4].time_s));
    assert_string_equal(lines.line[4].part[0], "plain");
    assert_string_equal(lines.line[4].part[1], "");
    assert_float_equal(lines.line[5].time_s, 2, 1e-12); /* the median aggregate */
    chirp_bench_lines_release(&lines);
    cJSON_Delete(file.root);
}

/* A tone lights the row of its frequency, in every column away from the ends; noise of deviation 1 has mean square 1. */
static void test_spectrogram(void **state)
{
    enum { N = 4096, ROWS = 33, COLUMNS = 16 };
    static double x[N];
    static double out[ROWS * COLUMNS];
    (void)state;
    for (int i = 0; i < N; ++i)
        x[i] = sin(2 * 3.14159265358979 * 128 * i / 4096);
    /* eight rows an octave: 128 Hz is row 16 */
    const chirp_spectrogram_grid tone = {4096, 32, 512, 8, ROWS, COLUMNS};
    chirp_spectrogram(x, N, &tone, out);
    for (int column = 2; column < COLUMNS - 2; ++column)
        for (int row = 0; row < ROWS; ++row)
            if (row != 16)
                assert_true(out[row * COLUMNS + column] < out[16 * COLUMNS + column]);
    uint64_t state64 = 1;
    for (int i = 0; i < N; ++i) { /* sum of twelve uniforms: close enough to normal */
        x[i] = -6;
        for (int k = 0; k < 12; ++k) {
            state64 = state64 * 6364136223846793005U + 1442695040888963407U;
            x[i] += (double)(state64 >> 11) / 9007199254740992.0;
        }
    }
    const chirp_spectrogram_grid noise = {4096, 128, 1024, 4, ROWS, COLUMNS};
    chirp_spectrogram(x, N, &noise, out);
    double square = 0;
    for (int i = 0; i < ROWS * COLUMNS; ++i)
        square += out[i] * out[i] / (ROWS * COLUMNS);
    assert_true(square > 0.8 && square < 1.25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escaping),    cmocka_unit_test(test_units),
        cmocka_unit_test(test_table),       cmocka_unit_test(test_benchmark_rows),
        cmocka_unit_test(test_spectrogram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
