/* harness/base: growing arrays and texts, UTF-8, sorting and hashes. */
#include "harness/base/hash.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

static void test_an_array_grows_and_keeps_its_elements(void **state)
{
    (void)state;
    size_t room = 0;
    int *item = NULL;
    for (size_t n = 0; n < 1000; ++n) {
        int *more = chirp_grow(item, &room, n, sizeof *more);
        assert_non_null(more);
        assert_true(room > n);
        item = more;
        item[n] = (int)n;
    }
    for (int i = 0; i < 1000; ++i)
        assert_int_equal(item[i], i);
    size_t full = 1000;
    assert_null(chirp_grow(item, &full, SIZE_MAX / 4, sizeof *item)); /* too large */
    assert_int_equal(item[999], 999);
    assert_int_equal(full, 1000);
    chirp_free(item);
}

static void test_a_text_grows_over_its_room(void **state)
{
    (void)state;
    chirp_text t = {0};
    chirp_text_append(&t, NULL);
    assert_null(t.bytes);
    for (int i = 0; i < 3000; ++i)
        chirp_text_appendf(&t, "%04d,", i);
    chirp_text_append_bytes(&t, "ab\0c", 4);
    assert_false(t.failed);
    assert_int_equal(t.used, 15004);
    assert_memory_equal(t.bytes + 14995, "2999,ab\0c", 10); /* with the NUL behind */
    chirp_text_clear(&t);
    assert_null(t.bytes);
    char *made = chirp_format("%s-%d", "a", 7);
    assert_string_equal(made, "a-7");
    chirp_free(made);
}

static void test_utf8_is_told_from_other_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {{"a", 1},
                 {"\xC3\xA4", 2},
                 {"\xE2\x82\xAC", 3},
                 {"\xF0\x9F\x8E\xB5", 4},
                 {"\xC0\xAF", 0},         /* overlong */
                 {"\xE0\x80\xAF", 0},     /* overlong */
                 {"\xED\xA0\x80", 0},     /* a surrogate */
                 {"\xF4\x90\x80\x80", 0}, /* behind the last character */
                 {"\xE2\x82", 0},         /* cut */
                 {"\x80", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i)
        assert_int_equal(chirp_utf8_length(cases[i].bytes), cases[i].length);
    char text[] = "\xE2\x82\xAC\xFFx\xE2\x82";
    assert_string_equal(chirp_utf8_mend(text), "\xE2\x82\xAC?x??");
    assert_null(chirp_utf8_mend(NULL));
}

static void test_lines_count_from_one(void **state)
{
    (void)state;
    static const char text[] = "a\nb\n\nc";
    assert_int_equal(chirp_text_line(text, text), 1);
    assert_int_equal(chirp_text_line(text, text + 1), 1);
    assert_int_equal(chirp_text_line(text, text + 2), 2);
    assert_int_equal(chirp_text_line(text, strchr(text, 'c')), 4);
    assert_int_equal(chirp_text_line(text, NULL), 1);
}

static void test_lists_of_numbers(void **state)
{
    (void)state;
    const char *at = "1,20,-3";
    int64_t n = 0;
    assert_true(chirp_next_integer(&at, -3, 20, &n) && n == 1);
    assert_true(chirp_next_integer(&at, -3, 20, &n) && n == 20);
    assert_true(chirp_next_integer(&at, -3, 20, &n) && n == -3);
    assert_null(at);
    static const char *const wrong[] = {"",  ",1", "1 2", "1.5",
                                        "x", "0",  "8",   "99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        at = wrong[i];
        assert_false(chirp_next_integer(&at, 1, 7, &n));
        assert_ptr_equal(at, wrong[i]);
    }
}

static void test_medians_and_sorted_names(void **state)
{
    (void)state;
    double x[] = {3, -1, 2, 10};
    assert_true(chirp_median(x, 3) == 2);
    assert_true(chirp_median(x, 4) == 2.5);
    assert_true(x[0] == -1 && x[3] == 10);
    assert_true(isnan(chirp_median(x, 0)));
    char b[] = "b", a[] = "a", ab[] = "ab";
    char *name[] = {b, ab, a};
    chirp_sort_names(name, 3);
    assert_ptr_equal(name[0], a);
    assert_ptr_equal(name[1], ab);
    assert_ptr_equal(name[2], b);
}

/* Published values: files are named by these hashes and shuffles are repeated from a seed. */
static void test_hashes_are_the_published_ones(void **state)
{
    (void)state;
    uint64_t seed = 1234567;
    assert_true(chirp_fnv(CHIRP_FNV_START, "", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(chirp_fnv(CHIRP_FNV_START, "foobar", 6) == UINT64_C(0x85944171f73967e8));
    assert_true(chirp_fnv(chirp_fnv(CHIRP_FNV_START, "foo", 3), "bar", 3) ==
                UINT64_C(0x85944171f73967e8));
    assert_true(chirp_splitmix64(&seed) == UINT64_C(6457827717110365317));
    assert_true(chirp_splitmix64(&seed) == UINT64_C(3203168211198807973));
}

static void test_join(void **state)
{
    (void)state;
    char text[8] = "";
    chirp_join(text, sizeof text, "|", "ab");
    assert_string_equal(text, "ab");
    chirp_join(text, sizeof text, "|", "cd");
    assert_string_equal(text, "ab|cd");
    chirp_join(text, sizeof text, "|", "efg"); /* cut to fit */
    assert_string_equal(text, "ab|cd|e");
    chirp_join(text, sizeof text, "|", "h");
    assert_string_equal(text, "ab|cd|e");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_an_array_grows_and_keeps_its_elements),
        cmocka_unit_test(test_a_text_grows_over_its_room),
        cmocka_unit_test(test_utf8_is_told_from_other_bytes),
        cmocka_unit_test(test_lines_count_from_one),
        cmocka_unit_test(test_lists_of_numbers),
        cmocka_unit_test(test_medians_and_sorted_names),
        cmocka_unit_test(test_hashes_are_the_published_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
