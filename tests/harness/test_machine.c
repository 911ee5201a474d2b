/* Machine, counters and roofs: what they say must be consistent, and what is absent must say why. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/counters/counters.h"
#include "harness/machine/machine.h"
#include "harness/machine/machine_internal.h"
#include "harness/roofline/levels.h"
#include "harness/roofline/roofline.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void processor_lists_are_counted(void **state)
{
    (void)state;
    assert_int_equal(chirp_count_list("0"), 1);
    assert_int_equal(chirp_count_list("0-3,8"), 5);
    assert_int_equal(chirp_count_list("0-1,4-7,9"), 7);
    assert_int_equal(chirp_count_list(""), 0);
    assert_int_equal(chirp_count_list("x"), 0);
    assert_int_equal(chirp_count_list("3-1"), 0);
    assert_int_equal(chirp_count_list("1;2"), 0);
}

static void the_machine_is_consistent(void **state)
{
    (void)state;
    chirp_host m;
    char id[2][17];
    static char warnings[CHIRP_MAX_WARNINGS][CHIRP_WARNING_BYTES];
    chirp_host_read(&m);
    assert_true(m.logical_cpus >= 1 && m.affinity_count >= 1);
    assert_int_equal(chirp_count_list(m.affinity), m.affinity_count);
    assert_true(m.clock_overhead_ns > 0 && m.clock_overhead_ns < 1e5);
    assert_int_equal(m.omp_threads, omp_get_max_threads());
    assert_true(chirp_host_last_level_cache(&m) >= 1 << 15);
    assert_true(strlen(m.compiler) > 0 && strlen(m.compiler_flags) > 0);
    chirp_host_id(&m, id[0]);
    m.load[0] = 99; /* the load is no part of the identity, the governor is */
    chirp_host_id(&m, id[1]);
    assert_string_equal(id[0], id[1]);
    (void)snprintf(m.governor, sizeof m.governor, "%s", "something else");
    chirp_host_id(&m, id[1]);
    assert_string_not_equal(id[0], id[1]);
    m.scaling = 1;
    m.n_load = 1;
    m.cpu_quota = 0.5;
    const int n = chirp_host_warnings(&m, warnings);
    bool governor = false;
    bool load = false;
    bool quota = false;
    for (int i = 0; i < n; ++i) {
        governor |= strstr(warnings[i], "something else") != NULL;
        load |= strstr(warnings[i], "99.00") != NULL;
        quota |= strstr(warnings[i], "cgroup") != NULL;
    }
    assert_true(governor && load && quota);
}

static void absent_events_have_reasons(void **state)
{
    (void)state;
    chirp_events *e = NULL;
    assert_int_equal(
        chirp_events_open("no_such_event,page-faults,PAPI_TOT_INS,page-faults", 2, false, &e),
        CHIRP_OK);
    assert_int_equal(chirp_events_count(e), 3); /* named twice, counted once */
    assert_non_null(chirp_events_reason(e, 0));
    assert_non_null(strstr(chirp_events_reason(e, 0), "no event of this name"));
    assert_null(chirp_events_reason(e, 1));
    chirp_events_start(e);
    volatile char *fresh = malloc(64 << 20);
    assert_non_null(fresh);
    for (size_t i = 0; i < 64 << 20; i += 4096)
        fresh[i] = 1;
    chirp_events_stop(e);
    free((void *)(uintptr_t)fresh);
    assert_true(chirp_events_value(e, 1) >= 1);
    const double once = chirp_events_value(e, 1);
    chirp_events_start(e);
    chirp_events_stop(e);
    assert_true(chirp_events_value(e, 1) >= once); /* stretches add up */
    if (!chirp_events_reason(e, 2))
        assert_true(chirp_events_value(e, 2) > 64 << 8); /* at least an instruction per page */
    else
        assert_true(strlen(chirp_events_reason(e, 2)) > 0 && chirp_events_value(e, 2) == 0);
    chirp_events_reset(e);
    assert_true(chirp_events_value(e, 1) == 0);
    chirp_events_close(e);
    assert_int_equal(chirp_events_open("", 1, false, &e), CHIRP_ERR_ARG);
    assert_int_equal(chirp_events_open("a,,b", 1, false, &e), CHIRP_ERR_ARG);
    chirp_events_close(NULL);
}

static void software_events_stand_in(void **state)
{
    (void)state;
    chirp_events *e = NULL;
    assert_int_equal(chirp_events_open("no_such_event", 1, false, &e), CHIRP_OK);
    assert_int_equal(chirp_events_count(e), 4);
    assert_string_equal(chirp_events_name(e, 3), "task-clock-ns");
    chirp_events_start(e);
    volatile double sink = 1;
    for (int i = 0; i < 2000000; ++i)
        sink = sink * 1.0000001;
    chirp_events_stop(e);
    assert_true(chirp_events_value(e, 3) >
                1e5); /* two million dependent multiplications take longer */
    chirp_events_close(e);
}

/* Events of the software kind through PAPI count each thread by itself; the sum must hold the work of all. */
static void events_are_summed_over_threads(void **state)
{
    (void)state;
    chirp_events *e = NULL;
    assert_int_equal(chirp_events_open("perf::CPU-CLOCK,task-clock-ns", 3, false, &e), CHIRP_OK);
    if (chirp_events_reason(e, 0)) {
        print_message("no perf::CPU-CLOCK here: %s\n", chirp_events_reason(e, 0));
        chirp_events_close(e);
        skip();
        return;
    }
    chirp_events_start(e);
    double total = 0;
#pragma omp parallel num_threads(3) reduction(+ : total)
    {
        volatile double sink = 1;
        for (int i = 0; i < 20000000; ++i)
            sink = sink * 1.0000001;
        total += sink;
    }
    chirp_events_stop(e);
    assert_true(total > 3);
    const double ratio = chirp_events_value(e, 0) / chirp_events_value(e, 1);
    assert_true(
        ratio > 0.8 &&
        ratio < 1.25); /* the whole process's clock says the same; one thread alone had a third */
    chirp_events_close(e);
}

static void count_preset(void *state, const char *name, const char *description, const char *reason)
{
    int *n = state;
    assert_true(strncmp(name, "PAPI_", 5) == 0 && description);
    assert_true(!reason || strlen(reason) > 0);
    ++*n;
}

static void every_preset_counts_or_says_why(void **state)
{
    (void)state;
    int n = 0;
    assert_int_equal(chirp_events_presets(count_preset, &n), CHIRP_OK);
    assert_true(n > 50);
}

static void fma_kernels_agree_with_their_limit(void **state)
{
    (void)state;
    for (const chirp_fma_kernel *k = chirp_fma_kernels; k->name; ++k)
        if (k->supported()) {
            const double lanes = 0.5 * k->flops_per_step; /* every chain tends to 1 */
            assert_true(fabs((double)k->run(20000) / lanes - 1) < 1e-3);
        }
    chirp_fma_peak one;
    chirp_fma_peak again;
    assert_int_equal(chirp_roofline_fma(1, 0.02, &one), CHIRP_OK);
    assert_true(one.gflops > 0.1 && one.name);
    assert_int_equal(chirp_roofline_fma(1, 0.02, &again), CHIRP_OK);
    assert_true(again.gflops == one.gflops); /* once per process */
    assert_int_equal(chirp_roofline_fma_again(1, 0.02, &again), CHIRP_OK);
    assert_true(again.gflops >= one.gflops);
    assert_int_equal(chirp_roofline_fma(0, 0.02, &one), CHIRP_ERR_ARG);
}

static void a_chase_visits_every_line(void **state)
{
    (void)state;
    chirp_chase c;
    assert_int_equal(chirp_chase_create(64 * 257, &c), CHIRP_OK);
    void **start = c.at;
    for (size_t i = 1; i < c.lines; ++i) {
        chirp_chase_run(&c, 1);
        assert_true(c.at != start);
    }
    chirp_chase_run(&c, 1);
    assert_true(c.at == start);
    chirp_chase_destroy(&c);
    assert_int_equal(chirp_chase_create(64, &c), CHIRP_ERR_ARG);
}

static void levels_are_kept_and_the_roof_bends(void **state)
{
    (void)state;
    char folder[] = "/tmp/chirp-cache-XXXXXX";
    chirp_host m = {
        .cpu_model = "made up", .logical_cpus = 2, .memory_bytes = INT64_C(1) << 28, .n_caches = 2};
    m.cache[0] = (chirp_cache){"Data", 1, 32768, 1};
    m.cache[1] = (chirp_cache){"Unified", 2, 524288, 1};
    chirp_levels made;
    chirp_levels read;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("XDG_CACHE_HOME", folder, 1), 0);
    assert_false(chirp_levels_load(&m, 2, &read));
    assert_int_equal(chirp_levels_measure(&m, 2, 0.005, true, &made), CHIRP_OK);
    assert_int_equal(made.count, 3);
    for (int i = 0; i < made.count; ++i)
        assert_true(made.item[i].read_bytes_per_second > 0 &&
                    made.item[i].triad_bytes_per_second > 0 && made.item[i].latency_ns > 0);
    assert_true(chirp_levels_store(&m, &made));
    assert_true(chirp_levels_load(&m, 2, &read));
    assert_true(read.item[1].read_bytes_per_second == made.item[1].read_bytes_per_second);
    m.cache[1].bytes *= 2; /* another machine under the same name: what was kept does not fit */
    assert_false(chirp_levels_load(&m, 2, &read));
    int level = -1;
    made.item[0].read_bytes_per_second = 100e9;
    made.item[2].read_bytes_per_second = 10e9;
    assert_true(fabs(chirp_levels_roof(&made, 50, 1000, 10000, &level) - 10) <
                1e-9); /* 0.1 flop/byte in L1: 10 GFLOP/s */
    assert_int_equal(level, 0);
    assert_true(fabs(chirp_levels_roof(&made, 50, 2e8, 1e8, &level) - 20) <
                1e-9); /* 2 flop/byte from memory */
    assert_int_equal(level, 2);
    assert_true(chirp_levels_roof(&made, 50, 2e9, 1e8, &level) == 50); /* the flat part */
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processor_lists_are_counted),
        cmocka_unit_test(the_machine_is_consistent),
        cmocka_unit_test(absent_events_have_reasons),
        cmocka_unit_test(software_events_stand_in),
        cmocka_unit_test(events_are_summed_over_threads),
        cmocka_unit_test(every_preset_counts_or_says_why),
        cmocka_unit_test(fma_kernels_agree_with_their_limit),
        cmocka_unit_test(a_chase_visits_every_line),
        cmocka_unit_test(levels_are_kept_and_the_roof_bends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
