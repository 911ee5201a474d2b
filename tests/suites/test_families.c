/* suites/families: rows are the combinations that `make` accepts, the last axis fastest, each with a case of its own. */
#include "suites/families.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

typedef struct pair {
    int first, second;
} pair;

static bool make(const int *at, void *c)
{
    *(pair *)c = (pair){at[0], at[1]};
    return at[0] != 1 || at[1] != 0;
}

static const char *number(int i)
{
    static const char *const texts[] = {"3", "4"};
    return i < 2 ? texts[i] : NULL;
}

static const char *const letters[] = {"a", "b", NULL};

static void test_rows(void **state)
{
    (void)state;
    const chirp_bench_family families[] = {
        {.name = "one",
         .axes = {{.values = letters}, {.key = "n", .value = number}},
         .case_size = sizeof(pair),
         .make = make,
         .baseline = true},
        {.name = "bare", .case_size = sizeof(pair), .make = make},
        {0},
    };
    static const struct {
        const char *name;
        pair c;
        bool baseline;
    } wanted[] = {{"one/a/n:3", {0, 0}, true},
                  {"one/a/n:4", {0, 1}, true},
                  {"one/b/n:4", {1, 1}, true},
                  {"bare", {0, 0}, false}};
    chirp_bench_entry *rows = NULL;
    assert_int_equal(chirp_families_expand(families, &rows), CHIRP_OK);
    for (size_t i = 0; i < 4; ++i) {
        const pair *c = rows[i].arg;
        assert_string_equal(rows[i].name, wanted[i].name);
        assert_int_equal(c->first, wanted[i].c.first);
        assert_int_equal(c->second, wanted[i].c.second);
        assert_true(rows[i].baseline == wanted[i].baseline);
    }
    assert_null(rows[4].name);
    chirp_families_free(rows);
    chirp_families_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
