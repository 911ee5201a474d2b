/*
 * Says which rank died. mpiexec ends a job in which one did, and names a process: at times one that it has ended itself.
 *
 * The first rank of every computer has a process beside it, out of mpiexec's reach, that sleeps until a rank there ends and
 * says which one. Whoever ends on purpose, or knows what went wrong, ends this watcher first.
 */
#include "harness/base/launch.h"
#include "harness/base/memory.h"
#include "model/parallel/mpi_internal.h"
#include "model/parallel/parallel.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process, and the space in which its number means it: containers have spaces of their own. */
typedef struct peer {
    int64_t space;
    int32_t pid, rank;
    int32_t watcher; /* its child that watches, or 0 */
} peer;

typedef struct order {
    int32_t peers, ranks; /* here, and in the job */
} order;

static struct {
    volatile sig_atomic_t watcher; /* the process that watches this rank, 0: none */
    pid_t child;                   /* the same, where it is ours */
    int to_child;
} self = {.to_child = -1};

/* ---- the watcher ---- */

static bool receive(int fd, void *bytes, size_t length)
{
    char *to = bytes;
    while (length > 0) {
        const ssize_t n = read(fd, to, length);
        if (n <= 0)
            return false;
        to += n;
        length -= (size_t)n;
    }
    return true;
}

/* Those that ended: several when the watcher wakes up late, for mpiexec ends the others. One write, so that it stays one line. */
static void report(const struct pollfd *end, const peer *all, order job)
{
    char line[400] = "chirpbench: ";
    size_t used = strlen(line);
    bool several = false;
    for (int i = 0; i < job.peers && used < 200; ++i)
        if (end[i].revents) {
            used += (size_t)snprintf(line + used, sizeof line - used, "%srank %d (PID %d)",
                                     several ? " or " : "", all[i].rank, all[i].pid);
            several = true;
        }
    used += (size_t)snprintf(line + used, sizeof line - used,
                             " of %d died; mpiexec ends the job. A rank that doesn't say why was "
                             "killed, perhaps for lack of memory\n",
                             job.ranks);
    const ssize_t written = write(STDERR_FILENO, line, used);
    (void)written;
}

static int process_end(const peer *other)
{
#ifdef SYS_pidfd_open
    return (int)syscall(SYS_pidfd_open, other->pid, 0);
#else
    (void)other;
    return -1;
#endif
}

/* Until the ranks have met in MPI_Init one of them may be stopped, which is said once. */
static void wait_for_ranks(int from)
{
    const double limit_s = chirp_mpi_stall_limit();
    const int limit_ms = limit_s < 1e6 ? (int)(1e3 * limit_s) : -1;
    struct pollfd word = {.fd = from, .events = POLLIN};
    while (poll(&word, 1, limit_ms) == 0)
        if (chirp_mpi_name_stopped((int)getppid()))
            return;
}

/* Also the end of `from`, the first rank's, wakes it up. */
static void watch(int from)
{
    order job;
    wait_for_ranks(from);
    if (!receive(from, &job, sizeof job))
        return;
    peer *all = chirp_calloc((size_t)job.peers, sizeof *all);
    struct pollfd *end = chirp_calloc((size_t)job.peers + 1, sizeof *end);
    if (!all || !end || !receive(from, all, (size_t)job.peers * sizeof *all))
        return;
    bool any = false;
    for (int i = 0; i < job.peers; ++i) {
        const int fd = all[i].space == all[0].space ? process_end(&all[i]) : -1;
        end[i] = (struct pollfd){.fd = fd, .events = POLLIN}; /* negative: left out */
        any |= fd >= 0;
    }
    while (any && poll(end, (nfds_t)job.peers, -1) < 1)
        continue;
    if (any)
        report(end, all, job);
}

static _Noreturn void be_watcher(int from)
{
    static const int ignored[] = {SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE};
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)setsid(); /* mpiexec ends process groups */
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; ++i)
        (void)signal(ignored[i], SIG_IGN);
    (void)signal(SIGTERM, SIG_DFL);
    for (int fd = STDERR_FILENO + 1; fd < 1024;
         ++fd) /* mpiexec waits for the end of its own channel */
        if (fd != from && fd != nothing)
            (void)close(fd);
    (void)dup2(nothing, STDIN_FILENO);
    (void)dup2(nothing, STDOUT_FILENO);
    watch(from);
    _exit(0);
}

/* ---- the ranks ---- */

void chirp_mpi_watch_prepare(void)
{
    int ends[2];
    if (chirp_launched_processes() < 2 || chirp_launched_number_here() != 0 ||
        pipe2(ends, O_CLOEXEC) != 0)
        return;
    (void)fflush(NULL);
    self.child = fork();
    if (self.child == 0) {
        (void)close(ends[1]);
        be_watcher(ends[0]);
    }
    (void)close(ends[0]);
    self.to_child = ends[1];
    if (self.child < 0) { /* mpiexec's word must do */
        (void)close(self.to_child);
        self.to_child = -1;
        self.child = 0;
    }
}

chirp_status chirp_mpi_watch(MPI_Comm here, int ranks)
{
    struct stat space = {0};
    const order job = {ranks, chirp_parallel_size()};
    peer *all = chirp_calloc((size_t)ranks, sizeof *all);
    chirp_status st = chirp_parallel_agree(
        all ? CHIRP_OK
            : chirp_fail(CHIRP_ERR_NOMEM, "no memory for the processes of %d ranks", ranks));
    const bool known = stat("/proc/self/ns/pid", &space) == 0;
    const peer mine = {known ? (int64_t)space.st_ino : -1, (int32_t)getpid(), chirp_parallel_rank(),
                       (int32_t)self.child};
    if (st == CHIRP_OK)
        st = chirp_mpi_check(
            MPI_Allgather(&mine, (int)sizeof mine, MPI_BYTE, all, (int)sizeof mine, MPI_BYTE, here),
            "MPI_Allgather");
    const bool first = st == CHIRP_OK && all[0].pid == mine.pid && all[0].rank == mine.rank;
    if (st == CHIRP_OK && known && all[0].space == mine.space)
        self.watcher = all[0].watcher;
    const size_t bytes = (size_t)ranks * sizeof *all;
    if (!first || self.to_child < 0 || write(self.to_child, &job, sizeof job) != sizeof job ||
        write(self.to_child, all, bytes) != (ssize_t)bytes) {
        if (self.child > 0 && self.watcher != self.child)
            (void)kill(self.child, SIGTERM);
    }
    chirp_free(all);
    return st;
}

void chirp_mpi_watch_end(void)
{
    if (self.watcher > 0)
        (void)kill((pid_t)self.watcher, SIGTERM);
    self.watcher = 0;
}

void chirp_mpi_watch_forget(void)
{
    self.watcher = 0;
    if (self.child <= 0)
        return;
    (void)kill(self.child, SIGTERM);
    (void)waitpid(self.child, NULL, 0);
    (void)close(self.to_child);
    self.child = 0;
    self.to_child = -1;
}
