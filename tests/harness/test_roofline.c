/* Roofs: how threads' speeds are put together, what is doubtful, and what is kept for whom. */
#include "harness/base/file.h"
#include "harness/machine/machine.h"
#include "harness/roofline/lanes.h"
#include "harness/roofline/levels.h"
#include "harness/roofline/roofline.h"
#include "harness/roofline/tracks.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const int64_t MS = 1000000;

/* A thread that moves 1000 bytes each millisecond of [from, to), and nothing else. */
static void move(chirp_track *t, int64_t from_ms, int64_t to_ms, int64_t *bytes)
{
    for (int64_t ms = from_ms; ms < to_ms; ++ms)
        chirp_track_add(t, (ms + 1) * MS, *bytes += 1000);
}

static void threads_that_take_turns_have_one_threads_speed(void **state)
{
    (void)state;
    chirp_track t[2];
    int64_t bytes[2] = {0};
    for (int i = 0; i < 2; ++i) {
        assert_int_equal(chirp_track_create(&t[i]), CHIRP_OK);
        chirp_track_add(&t[i], 0, 0);
    }
    for (int64_t turn = 0; turn < 10; ++turn)
        move(&t[turn % 2], 20 * turn, 20 * turn + 20, &bytes[turn % 2]);
    const double alone = chirp_tracks_best(&t[0], 1, 5 * MS);
    assert_true(fabs(alone / 1e6 - 1) < 1e-6);
    const double both = chirp_tracks_best(t, 2, 5 * MS);
    assert_true(both > 0.99e6 && both < 1.3e6); /* never the sum: they were never together */
    /* together for six milliseconds: those count, not the time before */
    move(&t[0], 300, 306, &bytes[0]);
    move(&t[1], 300, 306, &bytes[1]);
    chirp_track_add(&t[0], 400 * MS, bytes[0]);
    chirp_track_add(&t[1], 400 * MS, bytes[1]);
    assert_true(fabs(chirp_tracks_best(t, 2, 5 * MS) / 2e6 - 1) < 0.02);
    assert_true(fabs((double)chirp_track_fastest_ns(&t[0], 4000) / 4e6 - 1) < 1e-6);
    for (int i = 0; i < 2; ++i)
        chirp_track_destroy(&t[i]);
}

static void a_long_track_keeps_its_speed(void **state)
{
    (void)state;
    chirp_track t;
    int64_t bytes = 0;
    assert_int_equal(chirp_track_create(&t), CHIRP_OK);
    assert_true(chirp_tracks_best(&t, 1, MS) == 0); /* nothing moved is no speed, and no crash */
    chirp_track_add(&t, 0, 0);
    move(&t, 0, 100000, &bytes);
    assert_true(t.count <= 4096);
    assert_true(fabs(chirp_tracks_best(&t, 1, 50 * MS) / 1e6 - 1) < 1e-6);
    chirp_track_destroy(&t);
}

static void loops_do_what_they_are_timed_for(void **state)
{
    (void)state;
    enum { N = 3 * 16 + 128 };
    static float a[N] __attribute__((aligned(64)));
    static float b[N] __attribute__((aligned(64)));
    static float c[N] __attribute__((aligned(64)));
    const struct {
        float (*read)(const float *, int64_t, int64_t);
        void (*triad)(float *, const float *, const float *, float, int64_t, int64_t);
        bool here;
    } loops[] = {
        {chirp_read_baseline, chirp_triad_baseline, true},
#if defined(__x86_64__)
        {chirp_read_avx2, chirp_triad_avx2, chirp_has_avx2()},
        {chirp_read_avx512, chirp_triad_avx512, chirp_has_avx512()}
#endif
    };
    for (size_t k = 0; k < sizeof loops / sizeof loops[0]; ++k) {
        if (!loops[k].here)
            continue;
        for (int64_t n = 16; n <= N; n += 16) {
            for (int64_t i = 0; i < N; ++i) {
                a[i] = -1;
                b[i] = (float)i;
                c[i] = 2;
            }
            assert_true(loops[k].read(b, n, 3) == 3 * (float)(n * (n - 1) / 2));
            loops[k].triad(a, b, c, 0.5f, n, 2);
            for (int64_t i = 0; i < N; ++i)
                assert_true(a[i] == (i < n ? (float)i + 1 : -1));
        }
    }
}

/* A machine as it should be: every level slower than the one before. */
static chirp_levels good_levels(void)
{
    chirp_levels l = {.threads = 2, .processors = 2, .count = 3};
    for (int i = 0; i < l.count; ++i) {
        static const char *const names[] = {"L1", "L2", "memory"};
        chirp_level *level = &l.item[i];
        (void)snprintf(level->name, sizeof level->name, "%s", names[i]);
        level->read_bytes_per_second = 1e9 * (300 - 100 * i);
        level->triad_bytes_per_second = 0.9 * level->read_bytes_per_second;
        level->read_lower = 0.95 * level->read_bytes_per_second;
        level->triad_lower = 0.95 * level->triad_bytes_per_second;
    }
    return l;
}

static void assert_one_doubt(const chirp_levels *l, int level, const char *words)
{
    chirp_level_doubt doubts[CHIRP_MAX_LEVEL_DOUBTS];
    assert_int_equal(chirp_levels_doubts(l, doubts), 1);
    assert_int_equal(doubts[0].level, level);
    if (!strstr(doubts[0].text, words))
        fail_msg("'%s' lacks '%s'", doubts[0].text, words);
}

static void doubts_have_reasons(void **state)
{
    (void)state;
    chirp_level_doubt doubts[CHIRP_MAX_LEVEL_DOUBTS];
    chirp_levels l = good_levels();
    assert_int_equal(chirp_levels_doubts(&l, doubts), 0);
    l.item[1].triad_bytes_per_second = l.item[1].triad_lower = 1.5 * 200e9;
    l.item[0].triad_bytes_per_second = l.item[0].triad_lower = 400e9;
    assert_one_doubt(&l, 1, "reads at 200.0 GB/s, below 0.7 of the triad's 300.0");
    l = good_levels();
    l.item[1].read_lower = 0.7 * l.item[1].read_bytes_per_second;
    assert_one_doubt(&l, 1, "L2, 2 threads: reads at 200.0 and 140.0 GB/s in two tries");
    l = good_levels();
    l.item[2].triad_lower = 0;
    assert_one_doubt(&l, 2, "triad at 90.0 and 0.0 GB/s");
    l = good_levels();
    l.item[0].read_bytes_per_second = l.item[0].read_lower = 195e9;
    assert_one_doubt(&l, 0, "slower than the next level out (200.0 GB/s)");
    l = good_levels();
    l.processors = 1;
    assert_one_doubt(&l, -1, "took turns on 1 allowed processor");
    for (int i = 0; i < l.count; ++i) /* nothing measured at all: every level is doubtful */
        l.item[i].read_bytes_per_second = l.item[i].triad_bytes_per_second = l.item[i].read_lower =
            l.item[i].triad_lower = (double)NAN;
    assert_true(chirp_levels_doubts(&l, doubts) > l.count);
    char text[200];
    chirp_fma_peak peak = {.gflops = 100, .lower_gflops = 90, .name = "avx2", .threads = 2};
    assert_false(chirp_roofline_fma_doubt(&peak, text, sizeof text));
    peak.lower_gflops = 70;
    assert_true(chirp_roofline_fma_doubt(&peak, text, sizeof text));
    assert_non_null(strstr(text, "100.0 and 70.0 GFLOP/s"));
}

static void roofs_are_kept_for_one_build_and_only_without_doubts(void **state)
{
    (void)state;
    char folder[] = "/tmp/chirp-roof-XXXXXX";
    chirp_levels read;
    chirp_host m = {
        .cpu_model = "made up", .logical_cpus = 2, .memory_bytes = INT64_C(1) << 28, .n_caches = 2};
    m.cache[0] = (chirp_cache){"Data", 1, 32768, 1};
    m.cache[1] = (chirp_cache){"Unified", 2, 524288, 1};
    m.affinity_count = 2;
    (void)snprintf(m.compiler, sizeof m.compiler, "GNU 12");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("XDG_CACHE_HOME", folder, 1), 0);
    chirp_levels l = {0};
    assert_int_equal(chirp_levels_measure(&m, 2, 0.002, false, &l), CHIRP_OK);
    assert_int_equal(l.count, 3);
    for (int i = 0; i < l.count; ++i) /* on any machine, however busy, something was moved */
        assert_true(l.item[i].read_lower > 0 && l.item[i].triad_lower > 0);
    const chirp_levels good = good_levels();
    for (int i = 0; i < l.count; ++i) {
        const chirp_level plan = l.item[i];
        l.item[i] = good.item[i];
        l.item[i].capacity_bytes = plan.capacity_bytes;
        l.item[i].bytes_per_thread = plan.bytes_per_thread;
    }
    l.item[0].read_lower = 0.5 * l.item[0].read_bytes_per_second;
    assert_false(chirp_levels_store(&m, &l));
    assert_false(chirp_levels_load(&m, 2, &read));
    l.item[0].read_lower = l.item[0].read_bytes_per_second;
    assert_true(chirp_levels_store(&m, &l));
    assert_true(chirp_levels_load(&m, 2, &read));
    assert_true(read.item[1].read_bytes_per_second == 200e9);
    chirp_host other = m;
    (void)snprintf(other.compiler, sizeof other.compiler, "GNU 13");
    assert_false(chirp_levels_load(&other, 2, &read));
    other = m;
    (void)snprintf(other.compiler_flags, sizeof other.compiler_flags, "-O3 -march=haswell");
    assert_false(chirp_levels_load(&other, 2, &read));
    other = m;
    (void)snprintf(other.git_commit, sizeof other.git_commit, "0123456789ab");
    assert_false(chirp_levels_load(&other, 2, &read));
    other = m;
    (void)snprintf(other.affinity, sizeof other.affinity, "1");
    assert_false(chirp_levels_load(&other, 2, &read));
    /* ranks that measured side by side had a part of the machine each */
    assert_int_equal(setenv("PMI_SIZE", "2", 1), 0);
    assert_false(chirp_levels_load(&m, 2, &read));
    assert_int_equal(unsetenv("PMI_SIZE"), 0);
    assert_true(chirp_levels_load(&m, 2, &read));
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_that_take_turns_have_one_threads_speed),
        cmocka_unit_test(a_long_track_keeps_its_speed),
        cmocka_unit_test(loops_do_what_they_are_timed_for),
        cmocka_unit_test(doubts_have_reasons),
        cmocka_unit_test(roofs_are_kept_for_one_build_and_only_without_doubts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
