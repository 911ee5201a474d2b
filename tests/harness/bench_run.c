#include "tests/harness/bench_run.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

char folder[] = "/tmp/chirp-bench-XXXXXX";

static void slurp(int fd, char *text, size_t room)
{
    size_t used = 0;
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    for (ssize_t got; used + 1 < room && (got = read(fd, text + used, room - 1 - used)) > 0;)
        used += (size_t)got;
    text[used] = '\0';
}

void run(outcome *o, const chirp_bench_suite *table, size_t n, ...)
{
    char *argv[32] = {(char *)(uintptr_t) "bench"};
    int argc = 1;
    va_list args;
    va_start(args, n);
    for (const char *a; (a = va_arg(args, const char *));)
        argv[argc++] = (char *)(uintptr_t)a;
    va_end(args);
    char names[2][64];
    int fd[2];
    int keep[2];
    (void)fflush(NULL);
    for (int i = 0; i < 2; ++i) {
        (void)snprintf(names[i], sizeof names[i], "%s/std%d", folder, i);
        fd[i] = open(names[i], O_RDWR | O_CREAT | O_TRUNC, 0600);
        keep[i] = dup(i + 1);
        assert_true(fd[i] >= 0 && keep[i] >= 0 && dup2(fd[i], i + 1) >= 0);
    }
    o->code = chirp_bench_main(argc, argv, table, n);
    (void)fflush(NULL);
    for (int i = 0; i < 2; ++i) {
        assert_true(dup2(keep[i], i + 1) >= 0);
        (void)close(keep[i]);
    }
    slurp(fd[0], o->out, sizeof o->out);
    slurp(fd[1], o->err, sizeof o->err);
    (void)close(fd[0]);
    (void)close(fd[1]);
}

const cJSON *row_of(const cJSON *root, const char *name)
{
    const cJSON *row = cJSON_GetObjectItemCaseSensitive(root, "benchmarks")->child;
    while (row &&
           strcmp(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "name")), name) != 0)
        row = row->next;
    if (!row)
        fail_msg("no row %s", name);
    return row;
}

double number(const cJSON *row, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, key);
    if (!cJSON_IsNumber(item))
        fail_msg("%s is not a number", key);
    return item->valuedouble;
}

void assert_error(const cJSON *root, const char *name, const char *words)
{
    const cJSON *row = row_of(root, name);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "error_occurred")));
    const char *message =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "error_message"));
    if (!message || !strstr(message, words))
        fail_msg("%s: '%s' lacks '%s'", name, message ? message : "", words);
    assert_true(number(row, "real_time") == 0 && number(row, "cpu_time") == 0);
    assert_null(cJSON_GetObjectItemCaseSensitive(row, "GFLOPS"));
}

int bench_run_setup(void **state)
{
    (void)state;
    return setenv("CHIRP_PROGRESS", "none", 1) || !mkdtemp(folder);
}

int bench_run_teardown(void **state)
{
    (void)state;
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}
