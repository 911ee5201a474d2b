/* Collective calls: nonblocking MPI underneath, so that the wait for other ranks is ours (mpi_wait.c). */
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "model/parallel/mpi_internal.h"
#include "model/parallel/parallel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Messages are cut into pieces below INT_MAX, the largest count MPI 3 takes. */
#define PIECE_BYTES ((int64_t)1 << 30)
#define SENTENCE_BYTES 512

/* Waits for what `code` says was started. */
static chirp_status complete(int code, MPI_Request *request, const char *what, int64_t bytes)
{
    const chirp_status st = chirp_mpi_check(code, what);
    return st == CHIRP_OK ? chirp_mpi_wait(request, what, bytes) : st;
}

static chirp_status broadcast(void *data, int bytes, int root, const char *what)
{
    MPI_Request request = MPI_REQUEST_NULL;
    const int code = MPI_Ibcast(data, bytes, MPI_BYTE, root, chirp_mpi_comm(), &request);
    return complete(code, &request, what, bytes);
}

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
    const int rank = chirp_parallel_rank();
    struct {
        int severity, rank;
    } mine = {severity(status), rank}, worst = {0, 0};
    MPI_Request request = MPI_REQUEST_NULL;
    const int code =
        MPI_Iallreduce(&mine, &worst, 1, MPI_2INT, MPI_MAXLOC, chirp_mpi_comm(), &request);
    chirp_status st = complete(code, &request, "allreduce (agree)", (int64_t)sizeof mine);
    if (st != CHIRP_OK || worst.severity == 0)
        return st;
    struct {
        int status;
        char sentence[SENTENCE_BYTES];
    } message = {(int)status, ""};
    (void)snprintf(message.sentence, sizeof message.sentence, "%s", chirp_error_message());
    st = broadcast(&message, (int)sizeof message, worst.rank, "bcast (agree)");
    if (st != CHIRP_OK)
        return st;
    /* --help is an interruption without a sentence; it stays one */
    if (status == CHIRP_OK && message.sentence[0] != '\0')
        return chirp_fail((chirp_status)message.status, "rank %d: %s", worst.rank,
                          message.sentence);
    return (chirp_status)message.status;
}

chirp_status chirp_parallel_agree_patiently(chirp_status status)
{
    chirp_parallel_patience(true);
    const chirp_status st = chirp_parallel_agree(status);
    chirp_parallel_patience(false);
    return st;
}

chirp_status chirp_parallel_broadcast(void *data, int64_t bytes, int root)
{
    if (bytes < 0 || root < 0 || root >= chirp_parallel_size() || (!data && bytes > 0))
        return chirp_fail(CHIRP_ERR_ARG, "broadcast of %lld bytes from rank %d of %d",
                          (long long)bytes, root, chirp_parallel_size());
    chirp_status st = CHIRP_OK;
    if (!chirp_mpi_several())
        return st;
    char *next = data;
    for (int64_t left = bytes; st == CHIRP_OK && left > 0; left -= PIECE_BYTES) {
        const int64_t piece = left < PIECE_BYTES ? left : PIECE_BYTES;
        st = broadcast(next, (int)piece, root, "bcast");
        next += piece;
    }
    return st;
}

chirp_status chirp_parallel_gather(const void *mine, int64_t bytes, void *all, int root)
{
    if (bytes < 0 || bytes > PIECE_BYTES || root < 0 || root >= chirp_parallel_size() ||
        (!mine && bytes > 0))
        return chirp_fail(CHIRP_ERR_ARG, "gather of %lld bytes to rank %d of %d", (long long)bytes,
                          root, chirp_parallel_size());
    if (!chirp_mpi_several()) {
        if (bytes > 0)
            memcpy(all, mine, (size_t)bytes);
        return CHIRP_OK;
    }
    MPI_Request request = MPI_REQUEST_NULL;
    const int code = MPI_Igather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, root,
                                 chirp_mpi_comm(), &request);
    return complete(code, &request, "gather", bytes);
}

chirp_status chirp_parallel_scatter(const void *all, int64_t bytes, void *mine, int root)
{
    if (bytes < 0 || bytes > PIECE_BYTES || root < 0 || root >= chirp_parallel_size() ||
        (!mine && bytes > 0))
        return chirp_fail(CHIRP_ERR_ARG, "scatter of %lld bytes from rank %d of %d",
                          (long long)bytes, root, chirp_parallel_size());
    if (!chirp_mpi_several()) {
        if (bytes > 0)
            memcpy(mine, all, (size_t)bytes);
        return CHIRP_OK;
    }
    MPI_Request request = MPI_REQUEST_NULL;
    const int code = MPI_Iscatter(all, (int)bytes, MPI_BYTE, mine, (int)bytes, MPI_BYTE, root,
                                  chirp_mpi_comm(), &request);
    return complete(code, &request, "scatter", bytes);
}

chirp_status chirp_parallel_sum(double *values, int n)
{
    if (n < 0 || (!values && n > 0))
        return chirp_fail(CHIRP_ERR_ARG, "sum of %d values", n);
    if (!chirp_mpi_several() || n == 0)
        return CHIRP_OK;
    /* MPI_Allreduce may add in an order that follows where ranks run. One rank adding in rank order can't. */
    const int size = chirp_parallel_size();
    double *all = NULL;
    chirp_status own = CHIRP_OK;
    if (chirp_parallel_rank() == 0) {
        all = chirp_calloc((size_t)n * (size_t)size, sizeof *all);
        own = all ? CHIRP_OK : CHIRP_ERR_NOMEM;
    }
    /* alone in failing, rank 0 has to say so before the others wait in the gather; a small buffer always succeeds */
    chirp_status st = n > 4096 ? chirp_parallel_agree(own) : own;
    if (st == CHIRP_OK)
        st = chirp_parallel_gather(values, (int64_t)n * (int64_t)sizeof *values, all, 0);
    if (st == CHIRP_OK && all) {
        for (int i = 0; i < n; ++i) {
            double sum = 0;
            for (int r = 0; r < size; ++r)
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
    MPI_Request request = MPI_REQUEST_NULL;
    const int code =
        MPI_Iallreduce(MPI_IN_PLACE, values, n, MPI_DOUBLE, MPI_MAX, chirp_mpi_comm(), &request);
    return complete(code, &request, "allreduce (max)", (int64_t)n * (int64_t)sizeof *values);
}

chirp_status chirp_parallel_barrier(void)
{
    if (!chirp_mpi_several())
        return CHIRP_OK;
    MPI_Request request = MPI_REQUEST_NULL;
    const int code = MPI_Ibarrier(chirp_mpi_comm(), &request);
    return complete(code, &request, "barrier", 0);
}

/* One round trip with rank 0, which reads its clock in the middle. */
static int ping(int partner, bool root, double *remote)
{
    const int tag = 4712;
    MPI_Comm comm = chirp_mpi_comm();
    if (root) {
        int code = MPI_Recv(remote, 1, MPI_DOUBLE, partner, tag, comm, MPI_STATUS_IGNORE);
        *remote = chirp_now_s();
        return code == MPI_SUCCESS ? MPI_Send(remote, 1, MPI_DOUBLE, partner, tag, comm) : code;
    }
    const int code = MPI_Send(remote, 1, MPI_DOUBLE, partner, tag, comm);
    return code == MPI_SUCCESS
               ? MPI_Recv(remote, 1, MPI_DOUBLE, partner, tag, comm, MPI_STATUS_IGNORE)
               : code;
}

chirp_status chirp_parallel_clock_offset(double *offset_s, double *uncertainty_s)
{
    enum { TRIPS = 32 };
    const int rank = chirp_parallel_rank();
    double best = INFINITY;
    *offset_s = 0;
    *uncertainty_s = 0;
    chirp_status st = chirp_parallel_barrier();
    for (int r = 1; r < chirp_parallel_size() && st == CHIRP_OK; ++r) {
        for (int trip = 0; trip < TRIPS && st == CHIRP_OK && (rank == 0 || rank == r); ++trip) {
            double remote = 0;
            const double start = chirp_now_s();
            st = chirp_mpi_check(ping(rank == 0 ? r : 0, rank == 0, &remote), "clock offset");
            const double end = chirp_now_s();
            if (rank == r && end - start < best) {
                best = end - start;
                *offset_s = remote - 0.5 * (start + end);
                *uncertainty_s = 0.5 * best;
            }
        }
        if (st == CHIRP_OK)
            st = chirp_parallel_barrier();
    }
    return st;
}
