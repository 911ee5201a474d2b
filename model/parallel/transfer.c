#include "model/parallel/transfer.h"

#include "harness/base/clock.h"
#include "model/parallel/mpi_internal.h"
#include "model/parallel/parallel.h"

#include <limits.h>

enum { TAG = 4713, MAX_WINDOW = 256 };

static chirp_status check(const void *buffer, int64_t bytes)
{
    if (!chirp_mpi_several())
        return chirp_fail(CHIRP_ERR_UNSUPPORTED,
                          "communication needs two ranks: start it with mpiexec -n 2");
    if (!buffer || bytes < 0 || bytes > INT_MAX)
        return chirp_fail(CHIRP_ERR_ARG, "a message of %lld bytes; 0 to %d are possible",
                          (long long)bytes, INT_MAX);
    return CHIRP_OK;
}

chirp_status chirp_transfer_ping_pong(void *buffer, int64_t bytes)
{
    chirp_status st = check(buffer, bytes);
    const int rank = chirp_parallel_rank();
    MPI_Comm comm = chirp_mpi_comm();
    if (st != CHIRP_OK || rank > 1)
        return st;
    for (int turn = 0; turn < 2 && st == CHIRP_OK; ++turn)
        st = turn == rank
                 ? chirp_mpi_check(MPI_Send(buffer, (int)bytes, MPI_BYTE, 1 - rank, TAG, comm),
                                   "MPI_Send")
                 : chirp_mpi_check(MPI_Recv(buffer, (int)bytes, MPI_BYTE, 1 - rank, TAG, comm,
                                            MPI_STATUS_IGNORE),
                                   "MPI_Recv");
    return st;
}

static chirp_status check_window(const void *buffer, int64_t bytes, int window)
{
    if (window < 1 || window > MAX_WINDOW)
        return chirp_fail(CHIRP_ERR_ARG, "a window of %d messages; 1 to %d are possible", window,
                          MAX_WINDOW);
    return check(buffer, bytes);
}

chirp_status chirp_transfer_stream(void *buffer, int64_t bytes, int window)
{
    chirp_status st = check_window(buffer, bytes, window);
    const int rank = chirp_parallel_rank();
    MPI_Comm comm = chirp_mpi_comm();
    MPI_Request request[MAX_WINDOW];
    MPI_Status
        status[MAX_WINDOW]; /* GCC takes MPI_STATUSES_IGNORE for an array that is too short */
    int answer = 0;
    if (st != CHIRP_OK || rank > 1)
        return st;
    for (int i = 0; i < window && st == CHIRP_OK; ++i)
        st = rank == 0 ? chirp_mpi_check(
                             MPI_Isend(buffer, (int)bytes, MPI_BYTE, 1, TAG, comm, &request[i]),
                             "MPI_Isend")
                       : chirp_mpi_check(
                             MPI_Irecv(buffer, (int)bytes, MPI_BYTE, 0, TAG, comm, &request[i]),
                             "MPI_Irecv");
    if (st == CHIRP_OK)
        st = chirp_mpi_check(MPI_Waitall(window, request, status), "MPI_Waitall");
    if (st == CHIRP_OK)
        st = rank == 0
                 ? chirp_mpi_check(MPI_Recv(&answer, 1, MPI_INT, 1, TAG, comm, MPI_STATUS_IGNORE),
                                   "MPI_Recv")
                 : chirp_mpi_check(MPI_Send(&answer, 1, MPI_INT, 0, TAG, comm), "MPI_Send");
    return st;
}

chirp_status chirp_transfer_both_ways(void *buffer, int64_t bytes, int window)
{
    chirp_status st = check_window(buffer, bytes, window);
    const int rank = chirp_parallel_rank();
    MPI_Comm comm = chirp_mpi_comm();
    MPI_Request request[2 * MAX_WINDOW];
    MPI_Status status[2 * MAX_WINDOW];
    if (st != CHIRP_OK || rank > 1)
        return st;
    char *in = (char *)buffer + bytes;
    for (int i = 0; i < window && st == CHIRP_OK; ++i)
        st = chirp_mpi_check(MPI_Irecv(in, (int)bytes, MPI_BYTE, 1 - rank, TAG, comm, &request[i]),
                             "MPI_Irecv");
    for (int i = 0; i < window && st == CHIRP_OK; ++i)
        st = chirp_mpi_check(
            MPI_Isend(buffer, (int)bytes, MPI_BYTE, 1 - rank, TAG, comm, &request[window + i]),
            "MPI_Isend");
    return st == CHIRP_OK ? chirp_mpi_check(MPI_Waitall(2 * window, request, status), "MPI_Waitall")
                          : st;
}

chirp_status chirp_transfer_allreduce(chirp_allreduce_call call, float *values, int64_t count)
{
    chirp_status st = check(values, count * (int64_t)sizeof *values);
    if (st != CHIRP_OK)
        return st;
    if (call == CHIRP_ALLREDUCE_BLOCKING)
        return chirp_mpi_check(
            MPI_Allreduce(MPI_IN_PLACE, values, (int)count, MPI_FLOAT, MPI_SUM, chirp_mpi_comm()),
            "MPI_Allreduce");
    MPI_Request request = MPI_REQUEST_NULL;
    st = chirp_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, values, (int)count, MPI_FLOAT, MPI_SUM,
                                        chirp_mpi_comm(), &request),
                         "MPI_Iallreduce");
    return st == CHIRP_OK ? chirp_mpi_wait(&request, "allreduce", 4 * count) : st;
}

chirp_status chirp_transfer_overlap(float *values, int64_t count, double compute_s, double poll_s)
{
    chirp_status st = check(values, count * (int64_t)sizeof *values);
    MPI_Request request = MPI_REQUEST_NULL;
    if (st == CHIRP_OK)
        st = chirp_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, values, (int)count, MPI_FLOAT, MPI_SUM,
                                            chirp_mpi_comm(), &request),
                             "MPI_Iallreduce");
    const double start = chirp_now_s();
    double polled = start;
    for (double now = start; st == CHIRP_OK && now - start < compute_s; now = chirp_now_s()) {
        volatile double x = 1; /* arithmetic that touches no memory: only the core is taken */
        for (int i = 0; i < 100; ++i)
            x = x * 1.0000001 + 1e-9;
        if (poll_s > 0 && now - polled >= poll_s) {
            int done = 0;
            st = chirp_mpi_check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
            polled = now;
        }
    }
    return st == CHIRP_OK ? chirp_mpi_wait(&request, "allreduce", 4 * count) : st;
}
