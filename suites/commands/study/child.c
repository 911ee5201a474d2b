/* One child process: its output in a log, signals passed on, its exit code back. */
#include "suites/commands/study/study.h"

#include "harness/base/clock.h"
#include "harness/base/process.h"
#include "harness/base/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double GRACE_S = 60; /* to write a checkpoint */

/* Shows the last whole line of the log, cut to the width of a terminal. */
static void show_last_line(const char *log, FILE *watch)
{
    char tail[512];
    const int fd = open(log, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    const off_t size = lseek(fd, 0, SEEK_END);
    const off_t from = size > (off_t)sizeof tail - 1 ? size - ((off_t)sizeof tail - 1) : 0;
    const ssize_t got = pread(fd, tail, sizeof tail - 1, from);
    (void)close(fd);
    if (got <= 0)
        return;
    tail[got] = '\0';
    char *end = strrchr(tail, '\n');
    if (!end)
        return;
    *end = '\0';
    char *line = strrchr(tail, '\n');
    line = line ? line + 1 : tail;
    for (char *p = line; *p; ++p)
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            *p = ' ';
    (void)fprintf(watch, "\r      %-70.70s", line);
    (void)fflush(watch);
}

/* Waits for the end of the child, passing signals on. */
static int supervise(chirp_process *child, const char *log, FILE *watch, const sigset_t *mine,
                     bool *interrupted)
{
    double deadline = 0;
    for (;;) {
        int state = 0;
        if (chirp_process_ended(child, &state))
            return chirp_process_exit_code(state);
        const struct timespec second = {1, 0};
        const int number = sigtimedwait(mine, NULL, &second);
        if (number > 0 && number != SIGCHLD) {
            (void)kill(-child->pid, *interrupted ? SIGKILL : SIGTERM);
            if (!*interrupted)
                (void)fprintf(stderr, "\nchirpbench: study: waiting for the step to save its work; "
                                      "once more ends it at once\n");
            *interrupted = true;
            deadline = chirp_now_s() + GRACE_S;
        } else if (*interrupted && chirp_now_s() > deadline) {
            (void)kill(-child->pid, SIGKILL);
        } else if (number < 0 && watch) {
            show_last_line(log, watch);
        }
    }
}

chirp_status chirp_child_run(char *const *argv, const char *log, FILE *watch, int *exit_code,
                             bool *interrupted)
{
    sigset_t mine;
    sigset_t before;
    const int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return chirp_fail(CHIRP_ERR_IO, "%s: can't write the log: %s", log, strerror(errno));
    (void)sigemptyset(&mine);
    (void)sigaddset(&mine, SIGCHLD);
    chirp_stop_add(&mine);
    (void)sigprocmask(SIG_BLOCK, &mine, &before);
    /* a group of its own: Ctrl-C on a terminal reaches the study only, which passes it on once */
    const chirp_command_line line = {
        .argv = argv, .in = -1, .out = fd, .err = fd, .own_group = true, .mask = &before};
    chirp_process child;
    const chirp_status st = chirp_process_start(&line, &child);
    if (st == CHIRP_OK) {
        *exit_code = supervise(&child, log, watch, &mine, interrupted);
        if (watch)
            (void)fprintf(watch, "\r%76s\r", "");
    }
    (void)close(fd);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return st;
}
