/* One child process: its output in a log, signals passed on, its exit code back. */
#include "suites/commands/study/study.h"

#include "harness/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const double GRACE_S = 60; /* to write a checkpoint */

/* Only calls that are safe between fork and exec. */
static void become(char *const *argv, int log, const sigset_t *mask, pid_t parent)
{
    /* a group of its own: Ctrl-C on a terminal reaches the study only, which passes it on once */
    (void)setpgid(0, 0);
    /* and no orphans when the study itself is killed */
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(127);
    const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0)
        (void)dup2(null, 0);
    if (dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(127);
    (void)sigprocmask(SIG_SETMASK, mask, NULL);
    (void)execvp(argv[0], argv);
    _exit(127);
}

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
static int supervise(pid_t pid, const char *log, FILE *watch, const sigset_t *mine,
                     bool *interrupted)
{
    double deadline = 0;
    for (;;) {
        int state = 0;
        const pid_t ended = waitpid(pid, &state, WNOHANG);
        if (ended == pid)
            return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
        if (ended < 0 && errno != EINTR)
            return 127;
        const struct timespec second = {1, 0};
        const int number = sigtimedwait(mine, NULL, &second);
        if (number == SIGINT || number == SIGTERM) {
            (void)kill(-pid, *interrupted ? SIGKILL : number);
            if (!*interrupted)
                (void)fprintf(stderr, "\nchirpbench: study: waiting for the step to save its work; "
                                      "once more ends it at once\n");
            *interrupted = true;
            deadline = chirp_now_s() + GRACE_S;
        } else if (*interrupted && chirp_now_s() > deadline) {
            (void)kill(-pid, SIGKILL);
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
    (void)sigaddset(&mine, SIGINT);
    (void)sigaddset(&mine, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &mine, &before);
    const pid_t parent = getpid();
    const pid_t pid = fork();
    chirp_status st = CHIRP_OK;
    if (pid == 0)
        become(argv, fd, &before, parent);
    if (pid < 0) {
        st = chirp_fail(CHIRP_ERR_LIBRARY, "can't start %s: %s", argv[0], strerror(errno));
    } else {
        (void)setpgid(pid, pid); /* both sides, so that it holds whoever comes first */
        *exit_code = supervise(pid, log, watch, &mine, interrupted);
        if (watch)
            (void)fprintf(watch, "\r%76s\r", "");
    }
    (void)close(fd);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return st;
}
