/* Where ranks run, with ranks that are made up: many computers, shared and separate processors. */
#include "harness/base/memory.h"
#include "model/parallel/places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { RANKS = 512 };

static void place(chirp_place *p, int computer, int first, int last)
{
    *p = (chirp_place){.computer = -1};
    (void)snprintf(p->host, sizeof p->host, "node%03d", computer);
    for (int cpu = first; cpu <= last; ++cpu)
        CPU_SET((size_t)cpu, &p->processors);
}

/* One rank on each of 512 computers of 256 processors is not crowded, as 512 ranks of one computer would be. */
static void test_each_computer_counts_for_itself(void **state)
{
    (void)state;
    static chirp_place places[RANKS];
    for (int r = 0; r < RANKS; ++r)
        place(&places[r], 999 - r, 0, 255);
    assert_int_equal(chirp_places_number(places, RANKS), RANKS);
    for (int r = 0; r < RANKS; ++r)
        assert_int_equal(places[r].computer, r); /* by rank, not by name */
    assert_true(chirp_places_crowd(places, RANKS, 128) == 0.5);
    assert_true(chirp_places_crowd(places, 1, 256) == 1);
    for (int r = 0; r < RANKS; ++r)
        place(&places[r], 0, 0, 255);
    assert_int_equal(chirp_places_number(places, RANKS), 1);
    assert_true(chirp_places_crowd(places, RANKS, 1) == 2);
}

/* Ranks by turns on two computers; the first one's have processors of their own, the other's share two. */
static void test_processors_of_several_ranks(void **state)
{
    (void)state;
    chirp_place places[6];
    for (int r = 0; r < 6; ++r)
        place(&places[r], r % 2, r % 2 ? 0 : 4 * r, r % 2 ? 1 : 4 * r + 3);
    assert_int_equal(chirp_places_number(places, 6), 2);
    for (int r = 0; r < 6; ++r)
        assert_int_equal(places[r].computer, r % 2);
    assert_true(chirp_places_crowd(places, 1, 4) == 1);
    assert_true(chirp_places_crowd(places, 2, 4) == 2);
    assert_true(chirp_places_crowd(places, 6, 4) == 6);
    CPU_ZERO(&places[0].processors);
    assert_true(chirp_places_crowd(places, 1, 4) == 0); /* unknown */
}

static void test_text(void **state)
{
    (void)state;
    cpu_set_t set;
    char text[32];
    CPU_ZERO(&set);
    assert_string_equal(chirp_processors_text(&set, text, sizeof text), "");
    CPU_SET(0, &set);
    CPU_SET(2, &set);
    CPU_SET(3, &set);
    CPU_SET(CPU_SETSIZE - 1, &set);
    assert_string_equal(chirp_processors_text(&set, text, sizeof text), "0,2-3,1023");
    assert_int_equal(strlen(chirp_processors_text(&set, text, 4)), 3);
    assert_true(strlen(chirp_parallel_library()) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_computer_counts_for_itself),
        cmocka_unit_test(test_processors_of_several_ranks),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
