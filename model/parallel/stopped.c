/*
 * Says which rank of this computer is stopped (SIGSTOP, a terminal's Ctrl-Z) while the others wait for it in MPI_Init: there is
 * no message yet by which they could know. Ranks are the processes that the launcher started beside this one.
 */
#include "model/parallel/mpi_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The start of a file of a process, as a text. False when the process is gone or somebody else's. */
static bool read_process(int pid, const char *name, char *text, size_t size, size_t *length)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    *length = 0;
    for (ssize_t n = 1; n > 0 && *length<size - 1; *length += n> 0 ? (size_t)n : 0)
        n = read(file, text + *length, size - 1 - *length);
    (void)close(file);
    text[*length] = '\0';
    return *length > 0;
}

/* Parent and state: behind the name, which may hold anything, also parentheses. */
static bool read_state(int pid, int *parent, char *state)
{
    char text[1024];
    size_t length;
    if (!read_process(pid, "stat", text, sizeof text, &length))
        return false;
    const char *behind = strrchr(text, ')');
    return behind && sscanf(behind + 1, " %c %d", state, parent) == 2;
}

/* Its rank in the job, as the launcher told it; -1: it didn't. */
static int read_rank(int pid)
{
    static const char *const variables[] = {"PMI_RANK=", "OMPI_COMM_WORLD_RANK=", "SLURM_PROCID="};
    static char text[1 << 17];
    size_t length = 0;
    if (!read_process(pid, "environ", text, sizeof text, &length))
        return -1;
    for (size_t at = 0; at < length; at += strlen(text + at) + 1)
        for (size_t i = 0; i < sizeof variables / sizeof variables[0]; ++i)
            if (strncmp(text + at, variables[i], strlen(variables[i])) == 0)
                return atoi(text + at + strlen(variables[i]));
    return -1;
}

bool chirp_mpi_name_stopped(int one_rank)
{
    char state, line[200], host[64] = "";
    int launcher = 0, parent = 0;
    bool any = false;
    DIR *processes = opendir("/proc");
    if (!processes || !read_state(one_rank, &launcher, &state) || launcher <= 1) {
        if (processes)
            (void)closedir(processes);
        return false;
    }
    (void)gethostname(host, sizeof host - 1);
    for (const struct dirent *e = readdir(processes); e; e = readdir(processes)) {
        const int pid = atoi(e->d_name);
        const int rank =
            pid > 0 && read_state(pid, &parent, &state) && parent == launcher && state == 'T'
                ? read_rank(pid)
                : -1;
        if (rank < 0)
            continue;
        const int length = snprintf(line, sizeof line,
                                    "chirpbench: rank %d (PID %d on %s) is stopped, and MPI_Init "
                                    "waits for it; kill -CONT %d lets it go on\n",
                                    rank, pid, host, pid);
        const ssize_t written = write(STDERR_FILENO, line, (size_t)length);
        (void)written;
        any = true;
    }
    (void)closedir(processes);
    return any;
}
