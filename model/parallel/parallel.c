/* Ranks over MPI. One communicator of our own with MPI_ERRORS_RETURN: a failed call becomes a sentence, not an abort. */
#include "model/parallel/parallel.h"

#include "harness/base/launch.h"
#include "model/parallel/mpi_internal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    bool started;   /* we called MPI_Init_thread, so we call MPI_Finalize */
    MPI_Comm world; /* everybody */
    MPI_Comm comm;  /* the group; MPI_COMM_NULL on a rank that is left out */
    bool member;
    int rank, size;         /* in the group */
    int job_rank, job_size; /* in the job */
} self = {.world = MPI_COMM_NULL, .comm = MPI_COMM_NULL, .member = true, .size = 1, .job_size = 1};

MPI_Comm chirp_mpi_comm(void) { return self.comm; }

bool chirp_mpi_several(void) { return self.comm != MPI_COMM_NULL && self.size > 1; }

chirp_status chirp_mpi_check(int code, const char *what)
{
    if (code == MPI_SUCCESS)
        return CHIRP_OK;
    char text[MPI_MAX_ERROR_STRING] = "unknown error";
    int length = 0;
    (void)MPI_Error_string(code, text, &length);
    return chirp_fail(CHIRP_ERR_LIBRARY, "%s failed on rank %d of %d: %.300s", what, self.job_rank,
                      self.job_size, text);
}

/* A rank that crashes says which one it is: mpiexec knows processes only. Calls nothing that isn't signal safe. */
static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
enum { DEADLY = sizeof deadly / sizeof deadly[0] };
static struct sigaction before[DEADLY]; /* what each of them did, such as Open MPI's backtrace */
static char crash_text[96];
static size_t crash_length;

static void on_crash(int number, siginfo_t *info, void *context)
{
    const struct timespec nap = {.tv_nsec = 300000000}; /* as in chirp_parallel_abort() */
    chirp_mpi_watch_end();
    const ssize_t written = write(STDERR_FILENO, crash_text, crash_length);
    (void)written;
    (void)nanosleep(&nap, NULL);
    for (size_t i = 0; i < DEADLY; ++i)
        if (deadly[i] == number && before[i].sa_flags & SA_SIGINFO)
            before[i].sa_sigaction(number, info, context);
    (void)raise(number); /* SA_RESETHAND has put the default action back */
}

static void name_crashes(void)
{
    const int length = snprintf(crash_text, sizeof crash_text,
                                "chirpbench: rank %d of %d crashed; mpiexec ends the job\n",
                                self.job_rank, self.job_size);
    crash_length = length > 0 ? (size_t)length : 0;
    for (size_t i = 0; i < DEADLY; ++i) {
        struct sigaction action = {0};
        action.sa_sigaction = on_crash;
        action.sa_flags = (int)SA_RESETHAND | SA_NODEFER | SA_SIGINFO;
        (void)sigemptyset(&action.sa_mask);
        /* handlers that take no more than a number, or ignore it, are the program's own business */
        if (sigaction(deadly[i], NULL, &before[i]) == 0 &&
            (before[i].sa_flags & SA_SIGINFO || before[i].sa_handler == SIG_DFL))
            (void)sigaction(deadly[i], &action, NULL);
    }
}

/* A copy of `from` whose failures are returned. */
static chirp_status duplicate(MPI_Comm from, MPI_Comm *to)
{
    chirp_status st = chirp_mpi_check(MPI_Comm_dup(from, to), "MPI_Comm_dup");
    if (st == CHIRP_OK)
        st = chirp_mpi_check(MPI_Comm_set_errhandler(*to, MPI_ERRORS_RETURN),
                             "MPI_Comm_set_errhandler");
    return st;
}

static chirp_status number_ranks(void)
{
    chirp_status st = chirp_mpi_check(MPI_Comm_rank(self.comm, &self.rank), "MPI_Comm_rank");
    if (st == CHIRP_OK)
        st = chirp_mpi_check(MPI_Comm_size(self.comm, &self.size), "MPI_Comm_size");
    return st;
}

chirp_status chirp_parallel_init(void)
{
    int initialized = 0;
    int finalized = 0;
    if (self.world != MPI_COMM_NULL)
        return CHIRP_OK;
    (void)MPI_Initialized(&initialized);
    (void)MPI_Finalized(&finalized);
    if (finalized)
        return chirp_fail(CHIRP_ERR_LIBRARY, "MPI was already ended and can't be started again in "
                                             "one process");
    chirp_status st = CHIRP_OK;
    if (!initialized) {
        st = chirp_mpi_start();
        self.started = MPI_Initialized(&initialized) == MPI_SUCCESS && initialized;
    }
    if (st != CHIRP_OK && !self.started) /* no rank is known: the first of each computer speaks */
        self.rank = chirp_launched_number_here();
    if (st == CHIRP_OK)
        st = chirp_mpi_check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
                             "MPI_Comm_set_errhandler");
    if (st == CHIRP_OK)
        st = duplicate(MPI_COMM_WORLD, &self.world);
    if (st == CHIRP_OK)
        st = duplicate(self.world, &self.comm);
    if (st == CHIRP_OK)
        st = number_ranks();
    self.job_rank = self.rank;
    self.job_size = self.size;
    if (st == CHIRP_OK && self.size > 1) {
        name_crashes();
        st = chirp_mpi_share_processors(self.comm);
    }
    return st;
}

/* Ranks meet before they part, so that what was sent has arrived; one that doesn't come is not waited for long. */
static void settle(void)
{
    MPI_Request request = MPI_REQUEST_NULL;
    int done = 0;
    if (!chirp_mpi_several() || MPI_Ibarrier(self.comm, &request) != MPI_SUCCESS)
        return;
    for (int naps = 0; !done && naps < 5000; ++naps) {
        const struct timespec nap = {.tv_nsec = 1000000};
        if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            return;
        if (!done)
            (void)nanosleep(&nap, NULL);
    }
    if (done)
        chirp_mpi_drain();
}

void chirp_parallel_finalize(void)
{
    int finalized = 0;
    if (!self.started)
        return;
    (void)MPI_Finalized(&finalized);
    if (!finalized) {
        chirp_mpi_watch_forget();
        settle();
        if (self.comm != MPI_COMM_NULL)
            (void)MPI_Comm_free(&self.comm);
        if (self.world != MPI_COMM_NULL)
            (void)MPI_Comm_free(&self.world);
        (void)MPI_Finalize();
    }
    self.world = self.comm = MPI_COMM_NULL;
    self.started = false;
    self.member = true;
    self.rank = self.job_rank = 0;
    self.size = self.job_size = 1;
}

void chirp_parallel_abort(int exit_code)
{
    const char *sentence = chirp_error_message();
    if (sentence[0] == '\0')
        sentence = "ended without saying why";
    chirp_mpi_watch_end();
    if (self.job_size > 1)
        (void)fprintf(stderr, "chirpbench: rank %d: %s\n", self.job_rank, sentence);
    else
        (void)fprintf(stderr, "chirpbench: %s\n", sentence);
    (void)fflush(NULL);
    if (self.world != MPI_COMM_NULL) {
        /* mpiexec forwards our lines, and drops those that it hasn't read when it begins to kill */
        const struct timespec nap = {.tv_nsec = 300000000};
        if (self.job_size > 1)
            (void)nanosleep(&nap, NULL);
        (void)MPI_Abort(MPI_COMM_WORLD, exit_code);
    }
    exit(exit_code);
}

int chirp_parallel_rank(void) { return self.rank; }

int chirp_parallel_size(void) { return self.size; }

bool chirp_parallel_member(void) { return self.member; }

chirp_status chirp_parallel_group(int n)
{
    if (n < 1 || n > self.job_size)
        return chirp_fail(CHIRP_ERR_ARG, "a group of %d of %d ranks", n, self.job_size);
    if (self.world == MPI_COMM_NULL)
        return CHIRP_OK;
    MPI_Comm group = MPI_COMM_NULL;
    self.member = self.job_rank < n;
    chirp_status st = chirp_mpi_check(
        MPI_Comm_split(self.world, self.member ? 0 : MPI_UNDEFINED, self.job_rank, &group),
        "MPI_Comm_split");
    chirp_mpi_drain(); /* splitting has synchronised the ranks */
    if (st == CHIRP_OK && self.comm != MPI_COMM_NULL)
        st = chirp_mpi_check(MPI_Comm_free(&self.comm), "MPI_Comm_free");
    self.comm = group;
    self.rank = 0;
    self.size = 1;
    if (st == CHIRP_OK && self.member)
        st = number_ranks();
    return st;
}

chirp_status chirp_parallel_apart(void)
{
    MPI_Comm alone = MPI_COMM_NULL;
    if (!chirp_mpi_several())
        return CHIRP_OK;
    chirp_status st = chirp_parallel_barrier(); /* nobody still has to say something */
    chirp_mpi_drain();
    if (st == CHIRP_OK)
        st = duplicate(MPI_COMM_SELF, &alone);
    if (st == CHIRP_OK)
        st = chirp_mpi_check(MPI_Comm_free(&self.comm), "MPI_Comm_free");
    if (st != CHIRP_OK)
        return st;
    self.comm = alone;
    return number_ranks();
}

chirp_status chirp_parallel_everyone(void)
{
    if (self.world == MPI_COMM_NULL)
        return CHIRP_OK;
    /* ranks left out wait for minutes; a barrier that polls would take their cores from those who work */
    MPI_Request request = MPI_REQUEST_NULL;
    int done = 0;
    chirp_status st = chirp_mpi_check(MPI_Ibarrier(self.world, &request), "MPI_Ibarrier");
    while (st == CHIRP_OK && !done) {
        const struct timespec nap = {.tv_nsec = 1000000};
        st = chirp_mpi_check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
        if (!done)
            (void)nanosleep(&nap, NULL);
    }
    chirp_mpi_drain();
    if (st == CHIRP_OK && self.comm != MPI_COMM_NULL)
        st = chirp_mpi_check(MPI_Comm_free(&self.comm), "MPI_Comm_free");
    if (st == CHIRP_OK)
        st = duplicate(self.world, &self.comm);
    if (st == CHIRP_OK)
        st = number_ranks();
    self.member = true;
    return st;
}
