/* Ranks over MPI. One communicator of our own with MPI_ERRORS_RETURN: a failed call becomes a sentence, not an abort. */
#include "model/parallel/parallel.h"

#include "harness/base/memory.h"
#include "model/parallel/mpi_internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Messages are cut into pieces below INT_MAX, the largest count MPI 3 takes. */
#define PIECE_BYTES ((int64_t)1 << 30)
#define SENTENCE_BYTES 512

static struct {
    bool started; /* we called MPI_Init_thread, so we call MPI_Finalize */
    MPI_Comm comm;
    int rank, size;
} self = {.comm = MPI_COMM_NULL, .size = 1};

MPI_Comm chirp_mpi_comm(void) { return self.comm; }

bool chirp_mpi_several(void) { return self.comm != MPI_COMM_NULL && self.size > 1; }

chirp_status chirp_mpi_check(int code, const char *what)
{
    if (code == MPI_SUCCESS)
        return CHIRP_OK;
    char text[MPI_MAX_ERROR_STRING] = "unknown error";
    int length = 0;
    (void)MPI_Error_string(code, text, &length);
    return chirp_fail(CHIRP_ERR_LIBRARY, "%s failed on rank %d of %d: %.300s", what, self.rank,
                      self.size, text);
}

chirp_status chirp_parallel_init(void)
{
    int initialized = 0;
    int finalized = 0;
    if (self.comm != MPI_COMM_NULL)
        return CHIRP_OK;
    (void)MPI_Initialized(&initialized);
    (void)MPI_Finalized(&finalized);
    if (finalized)
        return chirp_fail(CHIRP_ERR_LIBRARY, "MPI was already ended and can't be started again in "
                                             "one process");
    if (!initialized) {
        int provided = 0;
        const int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
        if (code != MPI_SUCCESS)
            return chirp_mpi_check(code, "MPI_Init_thread");
        self.started = true;
        if (provided < MPI_THREAD_FUNNELED)
            return chirp_fail(
                CHIRP_ERR_UNSUPPORTED,
                "this MPI offers thread level %d, but OpenMP needs MPI_THREAD_FUNNELED (%d)",
                provided, MPI_THREAD_FUNNELED);
    }
    chirp_status st = chirp_mpi_check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
                                      "MPI_Comm_set_errhandler");
    if (st == CHIRP_OK)
        st = chirp_mpi_check(MPI_Comm_dup(MPI_COMM_WORLD, &self.comm), "MPI_Comm_dup");
    if (st == CHIRP_OK)
        st = chirp_mpi_check(MPI_Comm_set_errhandler(self.comm, MPI_ERRORS_RETURN),
                             "MPI_Comm_set_errhandler");
    if (st == CHIRP_OK)
        st = chirp_mpi_check(MPI_Comm_rank(self.comm, &self.rank), "MPI_Comm_rank");
    if (st == CHIRP_OK)
        st = chirp_mpi_check(MPI_Comm_size(self.comm, &self.size), "MPI_Comm_size");
    return st;
}

void chirp_parallel_finalize(void)
{
    int finalized = 0;
    if (!self.started)
        return;
    (void)MPI_Finalized(&finalized);
    if (!finalized) {
        if (self.comm != MPI_COMM_NULL)
            (void)MPI_Comm_free(&self.comm);
        (void)MPI_Finalize();
    }
    self.comm = MPI_COMM_NULL;
    self.started = false;
    self.rank = 0;
    self.size = 1;
}

void chirp_parallel_abort(int exit_code)
{
    const char *sentence = chirp_error_message();
    if (sentence[0] == '\0')
        sentence = "ended without saying why";
    if (self.size > 1)
        (void)fprintf(stderr, "chirpbench: rank %d: %s\n", self.rank, sentence);
    else
        (void)fprintf(stderr, "chirpbench: %s\n", sentence);
    (void)fflush(NULL);
    if (self.comm != MPI_COMM_NULL)
        (void)MPI_Abort(MPI_COMM_WORLD, exit_code);
    exit(exit_code);
}

int chirp_parallel_rank(void) { return self.rank; }

int chirp_parallel_size(void) { return self.size; }

/* An interruption gives way to any error: errors say what to do. */
static int severity(chirp_status status)
{
    if (status == CHIRP_OK)
        return 0;
    return status == CHIRP_ERR_INTERRUPTED ? 1 : 1 + (int)status;
}

chirp_status chirp_parallel_agree(chirp_status status)
{
    if (!chirp_mpi_several())
        return status;
    struct {
        int severity, rank;
    } mine = {severity(status), self.rank}, worst = {0, 0};
    chirp_status st = chirp_mpi_check(
        MPI_Allreduce(&mine, &worst, 1, MPI_2INT, MPI_MAXLOC, self.comm), "MPI_Allreduce (agree)");
    if (st != CHIRP_OK || worst.severity == 0)
        return st;
    struct {
        int status;
        char sentence[SENTENCE_BYTES];
    } message = {(int)status, ""};
    (void)snprintf(message.sentence, sizeof message.sentence, "%s", chirp_error_message());
    st = chirp_mpi_check(MPI_Bcast(&message, (int)sizeof message, MPI_BYTE, worst.rank, self.comm),
                         "MPI_Bcast (agree)");
    if (st != CHIRP_OK)
        return st;
    /* --help is an interruption without a sentence; it stays one */
    if (status == CHIRP_OK && message.sentence[0] != '\0')
        return chirp_fail((chirp_status)message.status, "rank %d: %s", worst.rank,
                          message.sentence);
    return (chirp_status)message.status;
}

chirp_status chirp_parallel_broadcast(void *data, int64_t bytes, int root)
{
    if (bytes < 0 || root < 0 || root >= self.size || (!data && bytes > 0))
        return chirp_fail(CHIRP_ERR_ARG, "broadcast of %lld bytes from rank %d of %d",
                          (long long)bytes, root, self.size);
    chirp_status st = CHIRP_OK;
    if (!chirp_mpi_several())
        return st;
    char *next = data;
    for (int64_t left = bytes; st == CHIRP_OK && left > 0; left -= PIECE_BYTES) {
        const int64_t piece = left < PIECE_BYTES ? left : PIECE_BYTES;
        st = chirp_mpi_check(MPI_Bcast(next, (int)piece, MPI_BYTE, root, self.comm), "MPI_Bcast");
        next += piece;
    }
    return st;
}

chirp_status chirp_parallel_sum(double *values, int n)
{
    if (n < 0 || (!values && n > 0))
        return chirp_fail(CHIRP_ERR_ARG, "sum of %d values", n);
    if (!chirp_mpi_several() || n == 0)
        return CHIRP_OK;
    /* MPI_Allreduce may add in an order that follows where ranks run. One rank adding in rank order can't. */
    double *all = NULL;
    chirp_status own = CHIRP_OK;
    if (self.rank == 0) {
        all = chirp_calloc((size_t)n * (size_t)self.size, sizeof *all);
        own = all ? CHIRP_OK : CHIRP_ERR_NOMEM;
    }
    chirp_status st = chirp_parallel_agree(own);
    if (st == CHIRP_OK)
        st = chirp_mpi_check(MPI_Gather(values, n, MPI_DOUBLE, all, n, MPI_DOUBLE, 0, self.comm),
                             "MPI_Gather (sum)");
    if (st == CHIRP_OK && self.rank == 0) {
        for (int i = 0; i < n; ++i) {
            double sum = 0;
            for (int r = 0; r < self.size; ++r)
                sum += all[(size_t)r * (size_t)n + (size_t)i];
            values[i] = sum;
        }
    }
    chirp_free(all);
    return st == CHIRP_OK
               ? chirp_parallel_broadcast(values, (int64_t)n * (int64_t)sizeof *values, 0)
               : st;
}

chirp_status chirp_parallel_max(double *values, int n)
{
    if (n < 0 || (!values && n > 0))
        return chirp_fail(CHIRP_ERR_ARG, "maximum of %d values", n);
    if (!chirp_mpi_several() || n == 0)
        return CHIRP_OK;
    return chirp_mpi_check(MPI_Allreduce(MPI_IN_PLACE, values, n, MPI_DOUBLE, MPI_MAX, self.comm),
                           "MPI_Allreduce (max)");
}

chirp_status chirp_parallel_barrier(void)
{
    if (!chirp_mpi_several())
        return CHIRP_OK;
    return chirp_mpi_check(MPI_Barrier(self.comm), "MPI_Barrier");
}
