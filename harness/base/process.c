#include "harness/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOST = 127 << 8 };

bool chirp_send_all(int channel, const void *bytes, size_t length)
{
    const char *from = bytes;
    while (length > 0) {
        const ssize_t n = send(channel, from, length, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        from += n;
        length -= (size_t)n;
    }
    return true;
}

bool chirp_receive_all(int channel, void *bytes, size_t length)
{
    char *to = bytes;
    while (length > 0) {
        const ssize_t n = read(channel, to, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        to += n;
        length -= (size_t)n;
    }
    return true;
}

/* In a new child: it ends with its parent, which may have ended before the request. */
static void end_with_parent(pid_t parent, int number)
{
    (void)prctl(PR_SET_PDEATHSIG, number);
    if (getppid() != parent)
        _exit(127);
}

bool chirp_program_path(char *path, size_t size)
{
    const ssize_t length = readlink("/proc/self/exe", path, size);
    const bool known = length > 0 && (size_t)length < size;
    path[known ? length : 0] = '\0';
    return known;
}

chirp_status chirp_process_fork(const char *what, int err, chirp_process *process)
{
    /* a handler that a library left in the parent must not wake in a child that crashes */
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    const pid_t parent = getpid();
    int end[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end) != 0)
        return chirp_fail(CHIRP_ERR_LIBRARY, "%s: no socket for a child process: %s", what,
                          strerror(errno));
    (void)fflush(NULL); /* or the child would print it again */
    const pid_t pid = fork();
    if (pid < 0) {
        const int error = errno;
        (void)close(end[0]);
        (void)close(end[1]);
        return chirp_fail(CHIRP_ERR_LIBRARY, "%s: can't fork a child process: %s", what,
                          strerror(error));
    }
    (void)close(end[pid == 0 ? 0 : 1]);
    *process = (chirp_process){.pid = pid, .channel = end[pid == 0 ? 1 : 0]};
    if (pid > 0)
        return CHIRP_OK;
    end_with_parent(parent, SIGKILL);
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; ++i)
        (void)signal(crashes[i], SIG_DFL);
    if (err >= 0 && dup2(err, STDERR_FILENO) < 0)
        _exit(127);
    return CHIRP_OK;
}

/* The child between fork and exec, where only simple system calls are safe. Writes errno into `tell` when it fails. */
static void become(const chirp_command_line *line, pid_t parent, int tell)
{
    if (line->own_group)
        (void)setpgid(0, 0);
    end_with_parent(parent, SIGTERM);
    const int in = line->in >= 0 ? line->in : open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(line->out, STDOUT_FILENO) >= 0 &&
        dup2(line->err, STDERR_FILENO) >= 0 &&
        (!line->mask || sigprocmask(SIG_SETMASK, line->mask, NULL) == 0))
        (void)execvp(line->argv[0], line->argv);
    const int error = errno;
    (void)!write(tell, &error, sizeof error);
    _exit(127);
}

chirp_status chirp_process_start(const chirp_command_line *line, chirp_process *process)
{
    const pid_t parent = getpid();
    int tell[2]; /* closed by exec: the end of the stream says that the program runs */
    int error = 0;
    if (pipe2(tell, O_CLOEXEC) != 0)
        return chirp_fail(CHIRP_ERR_LIBRARY, "%s: no pipe to start it: %s", line->argv[0],
                          strerror(errno));
    const pid_t pid = fork();
    if (pid == 0)
        become(line, parent, tell[1]);
    const int fork_error = errno;
    (void)close(tell[1]);
    *process = (chirp_process){.pid = pid, .channel = -1};
    if (pid > 0 && line->own_group)
        (void)setpgid(pid, pid); /* on both sides, so that it holds whoever comes first */
    const bool failed = pid > 0 && chirp_receive_all(tell[0], &error, sizeof error);
    (void)close(tell[0]);
    if (pid < 0)
        return chirp_fail(CHIRP_ERR_LIBRARY, "%s: can't fork: %s", line->argv[0],
                          strerror(fork_error));
    if (!failed)
        return CHIRP_OK;
    (void)chirp_process_wait(process);
    return chirp_fail(CHIRP_ERR_UNSUPPORTED, "%s can't be run: %s", line->argv[0], strerror(error));
}

int chirp_process_wait(chirp_process *process)
{
    int state = 0;
    if (process->channel >= 0)
        (void)close(process->channel);
    process->channel = -1;
    while (waitpid(process->pid, &state, 0) < 0)
        if (errno != EINTR)
            return LOST;
    return state;
}

bool chirp_process_ended(chirp_process *process, int *state)
{
    const pid_t ended = waitpid(process->pid, state, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR))
        return false;
    if (ended < 0)
        *state = LOST;
    return true;
}

int chirp_process_exit_code(int state)
{
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}
