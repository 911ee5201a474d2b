/* What a run leaves behind: tables, files, and what survives crashes, signals and kills. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "tests/harness/bench_run.h"

#include <errno.h>
#include <fcntl.h>
#include <omp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static volatile double sink;
static pid_t victim; /* the process that writes the files: run_kills() kills it in its third call */

static chirp_status run_good(chirp_bench *b, const void *arg)
{
    (void)arg;
    while (chirp_bench_next(b))
        for (int i = 0; i < 1000; ++i)
            sink = sink + 1;
    return CHIRP_OK;
}

static chirp_status run_other(chirp_bench *b, const void *arg)
{
    (void)arg;
    while (chirp_bench_next(b))
        sink = sink + 1;
    chirp_bench_counter(b, "only_here", 7);
    return CHIRP_OK;
}

static chirp_status run_kills(chirp_bench *b, const void *arg)
{
    static int calls;
    (void)arg;
    while (chirp_bench_next(b))
        sink = sink + 1;
    if (++calls == 3)
        (void)kill(victim, SIGKILL);
    return CHIRP_OK;
}

static chirp_status run_terminates(chirp_bench *b, const void *arg)
{
    (void)arg;
    while (chirp_bench_next(b))
        sink = sink + 1;
    (void)raise(SIGTERM);
    return CHIRP_OK;
}

static chirp_status run_crashes(chirp_bench *b, const void *arg)
{
    (void)arg;
    while (chirp_bench_next(b))
        (void)raise(SIGSEGV);
    return CHIRP_OK;
}

static chirp_status run_worker_aborts(chirp_bench *b, const void *arg)
{
    (void)arg;
    while (chirp_bench_next(b)) {
#pragma omp parallel num_threads(2)
        if (omp_get_thread_num() == 1)
            abort();
    }
    return CHIRP_OK;
}

static chirp_status run_exits(chirp_bench *b, const void *arg)
{
    (void)b;
    (void)arg;
    _exit(7);
}

static const chirp_bench_entry crashing[] = {
    {.name = "crash/before", .run = run_good},          {.name = "crash/segv", .run = run_crashes},
    {.name = "crash/worker", .run = run_worker_aborts}, {.name = "crash/exit", .run = run_exits},
    {.name = "crash/after", .run = run_good},           {0}};
static const chirp_bench_entry stopping[] = {{.name = "stop/first", .run = run_good},
                                             {.name = "stop/second", .run = run_terminates},
                                             {.name = "stop/third", .run = run_good},
                                             {0}};
static const chirp_bench_entry killing[] = {{.name = "kill/self", .run = run_kills}, {0}};
static const chirp_bench_entry tables[] = {
    {.name = "table/good", .run = run_good}, {.name = "table/other", .run = run_other}, {0}};
static const chirp_bench_suite suites[] = {
    {.name = "crashing", .summary = "crashes", .entries = crashing},
    {.name = "stopping", .summary = "stops itself", .entries = stopping},
    {.name = "killing", .summary = "kills its parent", .entries = killing},
    {.name = "tables", .summary = "different counters", .entries = tables}};

static void a_signal_leaves_a_partial_file_and_the_old_one(void **state)
{
    (void)state;
    static outcome o;
    char path[64];
    char partial[96];
    char flag[96];
    char *bytes = NULL;
    (void)snprintf(path, sizeof path, "%s/stop.json", folder);
    (void)snprintf(partial, sizeof partial, "%s.partial", path);
    (void)snprintf(flag, sizeof flag, "--benchmark_out=%s", path);
    assert_int_equal(chirp_file_write(path, "old", 3), CHIRP_OK);
    run(&o, suites, 4, "stopping", "--benchmark_min_time=3x", flag, NULL);
    assert_int_equal(o.code, 1);
    assert_non_null(strstr(o.err, "interrupted"));
    assert_int_equal(chirp_file_read(path, &bytes, NULL), CHIRP_OK);
    assert_string_equal(bytes, "old");
    chirp_free(bytes);
    cJSON *root = NULL;
    assert_int_equal(chirp_json_read(partial, "result file", &root), CHIRP_OK);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(root, "context"), "partial")));
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(root, "benchmarks")),
                     2); /* no third */
    cJSON_Delete(root);
}

/*
 * A run that dies without a chance to say so, in the middle of its only benchmark: what was measured stays. The benchmark, in
 * the runner's child or in the runner itself, kills the process that writes the file.
 */
static void a_kill_leaves_the_rows_so_far(void **state)
{
    (void)state;
    static outcome o;
    static const char *const modes[] = {"--benchmark_enable_random_interleaving", "--no-isolation"};
    for (size_t k = 0; k < sizeof modes / sizeof modes[0]; ++k) {
        char partial[96];
        char flag[96];
        int status = 0;
        (void)snprintf(flag, sizeof flag, "--benchmark_out=%s/kill%zu.json", folder, k);
        (void)snprintf(partial, sizeof partial, "%s/kill%zu.json.partial", folder, k);
        (void)fflush(NULL);
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            victim = getpid();
            run(&o, suites, 4, "killing", "--benchmark_repetitions=9", "--benchmark_min_time=3x",
                "--no-peak", "--threads=1", modes[k], flag, NULL);
            _exit(0); /* never reached */
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        cJSON *root = NULL;
        assert_int_equal(chirp_json_read(partial, "result file", &root), CHIRP_OK);
        assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(
            cJSON_GetObjectItemCaseSensitive(root, "context"), "partial")));
        const cJSON *row = row_of(root, "kill/self/threads:1");
        assert_true(number(row, "real_time") > 0 && number(row, "repetitions") == 9);
        cJSON_Delete(root);
    }
}

/* A header that names a column for every counter of any row, and fields under their names. */
static void tabular_columns_line_up(void **state)
{
    (void)state;
    static outcome o;
    run(&o, suites, 4, "tables", "--benchmark_min_time=2x", "--threads=1", "--no-peak",
        "--benchmark_counters_tabular", "--benchmark_enable_random_interleaving",
        "--benchmark_repetitions=2", NULL);
    assert_int_equal(o.code, 0);
    const char *head = strstr(o.out, "Benchmark ");
    assert_non_null(head);
    const char *column = strstr(head, "only_here");
    const char *median = strstr(head, "real_time_mad"); /* of the median rows alone */
    const char *end = strchr(head, '\n');
    assert_true(column && median && column < end && median < end);
    const size_t at =
        (size_t)(column - head) + strlen("only_here"); /* names and fields end together */
    int with = 0;
    int without = 0;
    for (const char *row = strstr(o.out, "\ntable/"); row; row = strstr(row + 1, "\ntable/")) {
        const bool other = strncmp(row + 1, "table/other", 11) == 0;
        assert_true(strcspn(row + 1, "\n") >= at);
        with += other && row[at] != ' ';
        without += !other && row[at] == ' ';
    }
    assert_int_equal(with, 6); /* two repetitions and four aggregates of each */
    assert_int_equal(without, 6);
}

static void lists_can_be_json(void **state)
{
    (void)state;
    static outcome o;
    run(&o, suites, 4, "tables", "--benchmark_list_tests", "--benchmark_format=json",
        "--threads=1,2", NULL);
    assert_int_equal(o.code, 0);
    cJSON *root = cJSON_Parse(o.out);
    assert_non_null(root);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(root, "benchmarks")), 4);
    const cJSON *row = row_of(root, "table/other/threads:2");
    assert_true(number(row, "threads") == 2 && number(row, "family_index") >= 1);
    cJSON_Delete(root);
}

/* A reader that gets aggregates only must still learn which counters are absent, and why. */
static void aggregates_say_what_is_absent(void **state)
{
    (void)state;
    static outcome o;
    run(&o, suites, 4, "tables", "--benchmark_filter=other", "--benchmark_format=json",
        "--benchmark_report_aggregates_only", "--benchmark_repetitions=2", "--benchmark_min_time=0",
        "--benchmark_perf_counters=no-such-event", "--threads=1", "--no-peak", NULL);
    assert_int_equal(o.code, 0);
    cJSON *root = cJSON_Parse(o.out);
    assert_non_null(root);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(root, "benchmarks")), 4);
    const cJSON *absent = cJSON_GetObjectItemCaseSensitive(
        row_of(root, "table/other/threads:1_mean"), "absent_counters");
    assert_non_null(
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(absent, "no-such-event")));
    cJSON_Delete(root);
    run(&o, suites, 4, "tables", "--benchmark_filter=other", "--benchmark_report_aggregates_only",
        "--benchmark_repetitions=2", "--benchmark_min_time=0", "--threads=1", "--no-peak",
        "--benchmark_perf_counters=no-such-event", NULL);
    const char *said = strstr(o.out, "no-such-event absent");
    assert_non_null(said);
    assert_null(strstr(said + 1, "no-such-event absent")); /* once is enough */
}

/* A pipe takes the finished document and stays a pipe. */
static void a_pipe_is_written_and_stays(void **state)
{
    (void)state;
    static outcome o;
    static char text[65536];
    char path[64];
    char flag[96];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/pipe", folder);
    (void)snprintf(flag, sizeof flag, "--benchmark_out=%s", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    const int fd = open(path, O_RDWR | O_NONBLOCK);
    assert_true(fd >= 0);
    run(&o, suites, 4, "tables", "--benchmark_min_time=2x", "--threads=1", "--no-peak", flag, NULL);
    assert_int_equal(o.code, 0);
    const ssize_t got = read(fd, text, sizeof text - 1);
    assert_true(got > 0);
    text[got] = '\0';
    assert_int_equal(close(fd), 0);
    cJSON *root = cJSON_Parse(text);
    assert_non_null(root);
    (void)row_of(root, "table/other/threads:1");
    cJSON_Delete(root);
    assert_true(stat(path, &info) == 0 && S_ISFIFO(info.st_mode));
    (void)snprintf(path, sizeof path, "%s/pipe.partial", folder);
    assert_true(access(path, F_OK) != 0 && errno == ENOENT);
}

/* /dev/full: writing there fails as on a full disk. */
static void a_lost_table_is_no_success(void **state)
{
    (void)state;
    char words[][32] = {"bench", "tables", "--benchmark_min_time=2x", "--no-peak", "--threads=1"};
    char *argv[] = {words[0], words[1], words[2], words[3], words[4], NULL};
    (void)fflush(NULL);
    const int keep = dup(STDOUT_FILENO);
    const int full = open("/dev/full", O_WRONLY);
    if (full < 0)
        skip();
    assert_true(keep >= 0 && dup2(full, STDOUT_FILENO) >= 0);
    const int code = chirp_bench_main(5, argv, suites, 4);
    clearerr(stdout);
    assert_true(dup2(keep, STDOUT_FILENO) >= 0);
    assert_int_equal(close(full), 0);
    assert_int_equal(close(keep), 0);
    assert_int_equal(code, 2);
}

static void a_crash_costs_one_row(void **state)
{
    (void)state;
    static outcome o;
    char core[] = "--benchmark_format=json";
    run(&o, suites, 4, "crashing", core, "--benchmark_min_time=3x", "--threads=2", NULL);
    assert_int_equal(o.code, 1);
    cJSON *root = cJSON_Parse(o.out);
    assert_non_null(root);
    assert_error(root, "crash/segv/threads:2", "signal 11");
    assert_error(root, "crash/worker/threads:2", "signal 6");
    assert_error(root, "crash/exit/threads:2", "exit code 7");
    assert_true(number(row_of(root, "crash/before/threads:2"), "real_time") > 0);
    assert_true(number(row_of(root, "crash/after/threads:2"), "real_time") > 0);
    cJSON_Delete(root);
    /* side by side in one child: the others of the group start again without the one that crashed */
    run(&o, suites, 4, "crashing", core, "--benchmark_min_time=3x", "--threads=2",
        "--benchmark_enable_random_interleaving", "--benchmark_repetitions=2", NULL);
    root = cJSON_Parse(o.out);
    assert_non_null(root);
    assert_error(root, "crash/segv/threads:2", "signal 11");
    assert_error(root, "crash/worker/threads:2", "signal 6");
    assert_true(number(row_of(root, "crash/after/threads:2_mean"), "real_time") > 0);
    cJSON_Delete(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_leaves_a_partial_file_and_the_old_one),
        cmocka_unit_test(a_kill_leaves_the_rows_so_far),
        cmocka_unit_test(tabular_columns_line_up),
        cmocka_unit_test(lists_can_be_json),
        cmocka_unit_test(aggregates_say_what_is_absent),
        cmocka_unit_test(a_pipe_is_written_and_stays),
        cmocka_unit_test(a_lost_table_is_no_success),
        cmocka_unit_test(a_crash_costs_one_row),
    };
    return cmocka_run_group_tests(tests, bench_run_setup, bench_run_teardown);
}
