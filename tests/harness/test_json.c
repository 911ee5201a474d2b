/* harness/json: what is written is JSON, and what is read is told apart from what is not. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/json/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void text_is_escaped_and_utf8(void **state)
{
    (void)state;
    cJSON *o = cJSON_CreateObject();
    assert_true(chirp_json_add_text(o, "control", "a\001\n\t\"\\b"));
    assert_true(chirp_json_add_text(o, "good", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8a"));
    assert_true(chirp_json_add_text(o, "bad", "x\xff\xc0\xaf\xed\xa0\x80\xe2\x82"));
    char *text = cJSON_PrintUnformatted(o);
    assert_non_null(text);
    for (const char *p = text; *p; ++p)
        assert_true((unsigned char)*p >= 0x20);
    assert_non_null(strstr(text, "a\\u0001\\n\\t\\\"\\\\b"));
    assert_non_null(strstr(text, "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8a"));
    assert_non_null(strstr(text, "\"x????????\""));
    cJSON_free(text);
    cJSON_Delete(o);
}

static void texts_from_outside_are_mended_and_escaped(void **state)
{
    (void)state;
    cJSON *o = cJSON_CreateObject();
    assert_non_null(cJSON_AddStringToObject(o, "detector\xfc", "H\xfc"));
    char *text = chirp_json_print_line(o);
    assert_string_equal(text, "{\"detector?\":\"H?\"}");
    cJSON_free(text);
    cJSON_Delete(o);
    o = cJSON_CreateObject(); /* of control characters cJSON leaves DEL and those of Latin-1 */
    assert_non_null(cJSON_AddStringToObject(o, "a", "\033\x7f\xc2\x9b\xc2\xa0"));
    text = chirp_json_print_line(o);
    assert_string_equal(text, "{\"a\":\"\\u001b\\u007f\\u009b\xc2\xa0\"}");
    cJSON_free(text);
    cJSON_Delete(o);
    chirp_text t = {0};
    chirp_text_append_plain(&t, "a\033[31m\n\xc2\x9b|\xc3\xa9\xff");
    assert_string_equal(t.bytes, "a?[31m??|\xc3\xa9?");
    chirp_text_clear(&t);
    chirp_text_append_markdown(&t, "a|b\n<i>`c`*d*_e_");
    assert_string_equal(t.bytes, "a\\|b?&lt;i>\\`c\\`\\*d\\*\\_e\\_");
    chirp_text_clear(&t);
}

static void numbers_are_finite_or_absent(void **state)
{
    (void)state;
    cJSON *o = cJSON_CreateObject();
    assert_true(chirp_json_add_real(o, "nan", (double)NAN));
    assert_true(chirp_json_add_real(o, "inf", (double)-INFINITY));
    assert_true(chirp_json_add_real(o, "two", 2));
    assert_true(chirp_json_add_integer(o, "big", INT64_C(1000000000000000000)));
    char *text = cJSON_PrintUnformatted(o);
    assert_non_null(text);
    assert_string_equal(text, "{\"two\":2.0000000000000000e+00,\"big\":1000000000000000000}");
    cJSON_free(text);
    cJSON_Delete(o);
}

static chirp_status read_text(const char *content, size_t length, cJSON **root)
{
    char name[] = "/tmp/chirp-json-XXXXXX";
    const int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, length), length);
    (void)close(fd);
    const chirp_status st = chirp_json_read(name, "result file", root);
    (void)unlink(name);
    return st;
}

static void foreign_files_are_named(void **state)
{
    (void)state;
    cJSON *root = NULL;
    assert_int_equal(read_text("", 0, &root), CHIRP_ERR_FORMAT);
    assert_non_null(strstr(chirp_error_message(), "is empty"));
    assert_int_equal(read_text("{\n\"a\": 1,\n", 10, &root), CHIRP_ERR_FORMAT);
    assert_non_null(strstr(chirp_error_message(), "line 3"));
    assert_int_equal(read_text("{}\n{}", 5, &root), CHIRP_ERR_FORMAT);
    assert_int_equal(read_text("{}\0{}", 5, &root), CHIRP_ERR_FORMAT);
    assert_non_null(strstr(chirp_error_message(), "NUL"));
    assert_int_equal(read_text("\x7f"
                               "ELF",
                               4, &root),
                     CHIRP_ERR_FORMAT);
    assert_int_equal(chirp_json_read("/nonexistent.json", "result file", &root), CHIRP_ERR_IO);
}

static void bare_words_of_google_benchmark_are_read(void **state)
{
    (void)state;
    cJSON *root = NULL;
    const char *text = "{\"a\": NaN, \"b\": -Infinity, \"c\": Infinity, \"d\": -NaN, \"e\": \"NaN "
                       "\\\" Infinity\", \"f\": 1}";
    assert_int_equal(read_text(text, strlen(text), &root), CHIRP_OK);
    for (const char *key = "abcd"; *key; ++key) {
        const char name[2] = {*key, '\0'};
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, name);
        assert_non_null(item);
        assert_false(cJSON_IsNumber(item));
    }
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "e")),
                        "NaN \" Infinity");
    assert_true(cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(root, "f")) == 1);
    cJSON_Delete(root);
}

static void long_texts_grow(void **state)
{
    (void)state;
    chirp_text t = {0};
    for (int i = 0; i < 5000; ++i)
        chirp_text_appendf(&t, "%05d", i);
    assert_false(t.failed);
    assert_int_equal(t.used, 25000);
    assert_int_equal(strncmp(t.bytes + 24990, "0499804999", 10), 0);
    chirp_free(t.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_escaped_and_utf8),
        cmocka_unit_test(texts_from_outside_are_mended_and_escaped),
        cmocka_unit_test(numbers_are_finite_or_absent),
        cmocka_unit_test(foreign_files_are_named),
        cmocka_unit_test(bare_words_of_google_benchmark_are_read),
        cmocka_unit_test(long_texts_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
