/*
 * Hardware counters without hardware: the program's own PAPI_ functions stand before the library's. The machine they play has
 * two counters; an event of code k counts k for each unit of work() of the thread that started it.
 */
#include "harness/counters/counters.h"
#include "tests/harness/bench_run.h"

#include <math.h>
#include <omp.h>
#include <papi.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNTERS = 2, SETS = 256, ABSENT = 7, DENIED = 8 };

static const char *const event_names[] = {"",
                                          "PAPI_TOT_CYC",
                                          "PAPI_TOT_INS",
                                          "PAPI_L1_DCM",
                                          "PAPI_L1_DCA",
                                          "PAPI_SP_OPS",
                                          "PAPI_BR_MSP",
                                          "PAPI_L3_TCM",  /* no such counter in this machine */
                                          "PAPI_BR_INS"}; /* not for this user */

static struct {
    int code[64], count;
    unsigned long owner; /* the thread that made it: another one may not start it */
    long long began;
    bool multiplexed, running;
} sets[SETS];
static int n_sets, multiplexed_sets;
static int failing_thread = -1; /* its counters are lost when they stop */
static _Thread_local long long units;

static void work(int n) { units += n; }

static unsigned long me(void) { return (unsigned long)(uintptr_t)&units; }

int PAPI_library_init(int version) { return version; }
int PAPI_thread_init(unsigned long (*id)(void)) { return id() ? PAPI_OK : PAPI_EINVAL; }
int PAPI_register_thread(void) { return PAPI_OK; }
int PAPI_multiplex_init(void) { return PAPI_OK; }
int PAPI_num_components(void) { return 0; }
const PAPI_component_info_t *PAPI_get_component_info(int cidx)
{
    (void)cidx;
    return NULL;
}

char *PAPI_strerror(int code)
{
    static char texts[][48] = {"Event does not exist", "Event exists, but cannot be counted",
                               "Permission level does not permit operation", "Internal error"};
    return texts[code == PAPI_ENOEVNT ? 0 : code == PAPI_ECNFLCT ? 1 : code == PAPI_EPERM ? 2 : 3];
}

int PAPI_event_name_to_code(const char *name, int *code)
{
    for (int i = 1; i < (int)(sizeof event_names / sizeof event_names[0]); ++i)
        if (strcmp(name, event_names[i]) == 0) {
            *code = i;
            return PAPI_OK;
        }
    return PAPI_ENOEVNT;
}

int PAPI_create_eventset(int *set)
{
    int at = 0;
#pragma omp critical(fake_papi)
    at = n_sets < SETS ? n_sets++ : -1;
    if (at < 0)
        return PAPI_ENOMEM;
    sets[at].count = 0;
    sets[at].owner = me();
    *set = at;
    return PAPI_OK;
}

int PAPI_assign_eventset_component(int set, int component)
{
    return set >= 0 && component == 0 ? PAPI_OK : PAPI_EINVAL;
}

int PAPI_set_multiplex(int set)
{
    sets[set].multiplexed = true;
#pragma omp atomic
    ++multiplexed_sets;
    return PAPI_OK;
}

int PAPI_add_event(int set, int code)
{
    if (code == ABSENT)
        return PAPI_ENOEVNT;
    if (!sets[set].multiplexed && sets[set].count == COUNTERS)
        return PAPI_ECNFLCT;
    sets[set].code[sets[set].count++] = code;
    return PAPI_OK;
}

int PAPI_start(int set)
{
    if (sets[set].owner != me() || sets[set].running)
        return PAPI_EINVAL;
    for (int i = 0; i < sets[set].count; ++i)
        if (sets[set].code[i] == DENIED)
            return PAPI_EPERM;
    sets[set].running = true;
    sets[set].began = units;
    return PAPI_OK;
}

int PAPI_stop(int set, long long *values)
{
    if (sets[set].owner != me() || !sets[set].running)
        return PAPI_EINVAL;
    sets[set].running = false;
    if (omp_get_thread_num() == failing_thread)
        return PAPI_ESYS;
    for (int i = 0; i < sets[set].count; ++i)
        values[i] = sets[set].code[i] * (units - sets[set].began);
    return PAPI_OK;
}

int PAPI_cleanup_eventset(int set)
{
    sets[set].count = 0;
    return PAPI_OK;
}

int PAPI_destroy_eventset(int *set)
{
    *set = PAPI_NULL;
    return PAPI_OK;
}

int PAPI_enum_event(int *code, int modifier)
{
    (void)code;
    (void)modifier;
    return PAPI_ENOEVNT;
}

int PAPI_get_event_info(int code, PAPI_event_info_t *info)
{
    (void)code;
    (void)info;
    return PAPI_ENOEVNT;
}

/* Thread t does t + 1 units: six of a team of three. */
static void work_in_team(void)
{
#pragma omp parallel num_threads(3)
    work(omp_get_thread_num() + 1);
}

static int reset(void **state)
{
    (void)state;
    n_sets = multiplexed_sets = 0;
    failing_thread = -1;
    memset(sets, 0, sizeof sets);
    return 0;
}

static void threads_are_summed(void **state)
{
    (void)state;
    chirp_events *e = NULL;
    assert_int_equal(chirp_events_open("PAPI_TOT_CYC,PAPI_TOT_INS", 3, false, &e), CHIRP_OK);
    work_in_team(); /* before the start: not counted */
    chirp_events_start(e);
    work_in_team();
    chirp_events_stop(e);
    work_in_team();
    assert_true(chirp_events_value(e, 0) == 6 && chirp_events_value(e, 1) == 12);
    chirp_events_start(e);
    work_in_team();
    chirp_events_stop(e);
    assert_true(chirp_events_value(e, 0) == 12); /* stretches add up */
    chirp_events_reset(e);
    assert_true(chirp_events_value(e, 0) == 0);
    assert_false(chirp_events_multiplexed(e));
    chirp_events_close(e);
}

/* Three events on two counters: the third is refused with the library's word, unless time-sharing is asked for. */
static void multiplexing_is_a_request(void **state)
{
    (void)state;
    static const char three[] = "PAPI_TOT_CYC,PAPI_TOT_INS,PAPI_L1_DCM";
    chirp_events *e = NULL;
    assert_int_equal(chirp_events_open(three, 3, false, &e), CHIRP_OK);
    assert_int_equal(multiplexed_sets, 0);
    assert_null(chirp_events_reason(e, 0));
    assert_null(chirp_events_reason(e, 1));
    assert_non_null(strstr(chirp_events_reason(e, 2), "cannot be counted"));
    chirp_events_start(e);
    work_in_team();
    chirp_events_stop(e);
    assert_true(chirp_events_value(e, 1) == 12 && chirp_events_value(e, 2) == 0);
    chirp_events_close(e);
    assert_int_equal(chirp_events_open(three, 3, true, &e), CHIRP_OK);
    assert_true(multiplexed_sets >= 3); /* of each thread */
    assert_true(chirp_events_multiplexed(e));
    chirp_events_start(e);
    work_in_team();
    chirp_events_stop(e);
    assert_true(chirp_events_value(e, 2) == 18);
    chirp_events_close(e);
}

static void refusals_keep_the_librarys_word(void **state)
{
    (void)state;
    chirp_events *e = NULL;
    assert_int_equal(
        chirp_events_open("PAPI_L3_TCM,PAPI_TOT_INS,PAPI_BR_INS,PAPI_NO_SUCH", 3, false, &e),
        CHIRP_OK);
    assert_non_null(strstr(chirp_events_reason(e, 0), "does not exist"));
    assert_null(chirp_events_reason(e, 1));
    assert_non_null(
        strstr(chirp_events_reason(e, 2), "Permission")); /* refused at the start only */
    assert_non_null(strstr(chirp_events_reason(e, 3), "knows no event"));
    failing_thread = 1;
    chirp_events_start(e);
    work_in_team();
    chirp_events_stop(e);
    assert_non_null(chirp_events_reason(e, 1)); /* a sum that lacks a thread is no number */
    chirp_events_close(e);
}

static chirp_status run_team(chirp_bench *b, const void *arg)
{
    (void)arg;
    while (chirp_bench_next(b)) {
        work_in_team();
        chirp_bench_pause(b);
        work_in_team(); /* set-up, whose events don't count either */
        chirp_bench_resume(b);
    }
    return CHIRP_OK;
}

static const chirp_bench_entry entries[] = {{.name = "team/threads:3", .run = run_team}, {0}};
static const chirp_bench_suite suites[] = {
    {.name = "counted", .summary = "counts", .entries = entries}};

/* The whole way: per iteration, with what follows from them, and the reason of what is absent. */
static void rows_have_events_and_what_follows(void **state)
{
    (void)state;
    static outcome o;
    run(&o, suites, 1, "--benchmark_min_time=50x", "--benchmark_format=json", "--no-peak",
        "--no-isolation", "--benchmark_perf_counters=PAPI_TOT_CYC,PAPI_TOT_INS,PAPI_L3_TCM", NULL);
    assert_int_equal(o.code, 0);
    cJSON *root = cJSON_Parse(o.out);
    assert_non_null(root);
    const cJSON *row = row_of(root, "team/threads:3");
    assert_true(fabs(number(row, "PAPI_TOT_CYC") - 6) < 1e-12);
    assert_true(fabs(number(row, "PAPI_TOT_INS") - 12) < 1e-12);
    assert_true(fabs(number(row, "IPC") - 2) < 1e-12);
    assert_null(cJSON_GetObjectItemCaseSensitive(row, "PAPI_L3_TCM"));
    assert_null(cJSON_GetObjectItemCaseSensitive(row, "counted_bytes_per_second"));
    assert_null(cJSON_GetObjectItemCaseSensitive(row, "events_multiplexed"));
    const cJSON *absent = cJSON_GetObjectItemCaseSensitive(row, "absent_counters");
    const char *reason =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(absent, "PAPI_L3_TCM"));
    assert_true(reason && strstr(reason, "does not exist"));
    cJSON_Delete(root);
    run(&o, suites, 1, "--benchmark_min_time=50x", "--benchmark_format=json", "--no-peak",
        "--multiplex", "--no-isolation",
        "--benchmark_perf_counters=PAPI_TOT_INS,PAPI_L1_DCM,PAPI_L1_DCA,PAPI_SP_OPS", NULL);
    root = cJSON_Parse(o.out);
    assert_non_null(root);
    row = row_of(root, "team/threads:3");
    assert_true(number(row, "events_multiplexed") == 1);
    assert_true(fabs(number(row, "L1_miss_rate") - 0.75) < 1e-12);
    assert_true(fabs(number(row, "L1_misses_per_1000_instructions") - 1500) < 1e-9);
    const double seconds = 1e-9 * number(row, "real_time"); /* 30 operations in that time */
    assert_true(fabs(number(row, "counted_GFLOPS") * seconds * 1e9 / 30 - 1) < 1e-9);
    assert_null(cJSON_GetObjectItemCaseSensitive(row, "IPC")); /* no cycles, no ratio */
    cJSON_Delete(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(threads_are_summed, reset),
        cmocka_unit_test_setup(multiplexing_is_a_request, reset),
        cmocka_unit_test_setup(refusals_keep_the_librarys_word, reset),
        cmocka_unit_test_setup(rows_have_events_and_what_follows, reset),
    };
    return cmocka_run_group_tests(tests, bench_run_setup, bench_run_teardown);
}
