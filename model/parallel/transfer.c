#include "model/parallel/transfer.h"

#include "harness/base/clock.h"
#include "model/parallel/mpi_internal.h"
#include "model/parallel/parallel.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum { TAG = 4713, MAX_WINDOW = 256 };

const char *const chirp_allreduce_name[CHIRP_ALLREDUCE_ALGORITHMS] = {
    "library", "nonblocking", "doubling", "halving", "ring"};

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

static chirp_status swap(const float *out, int64_t n_out, int to, float *in, int64_t n_in, int from)
{
    return chirp_mpi_check(MPI_Sendrecv(out, (int)n_out, MPI_FLOAT, to, TAG, in, (int)n_in,
                                        MPI_FLOAT, from, TAG, chirp_mpi_comm(), MPI_STATUS_IGNORE),
                           "MPI_Sendrecv");
}

static void add(float *to, const float *from, int64_t n)
{
    for (int64_t i = 0; i < n; ++i)
        to[i] += from[i];
}

/* Ranks beyond the largest power of two hand their values to a partner of the core; true for ranks of the core. */
static chirp_status fold(float *values, int64_t count, float *scratch, int core, bool in)
{
    const int rank = chirp_parallel_rank();
    const int size = chirp_parallel_size();
    MPI_Comm comm = chirp_mpi_comm();
    chirp_status st = CHIRP_OK;
    if (rank >= core)
        st = in ? chirp_mpi_check(MPI_Send(values, (int)count, MPI_FLOAT, rank - core, TAG, comm),
                                  "MPI_Send")
                : chirp_mpi_check(MPI_Recv(values, (int)count, MPI_FLOAT, rank - core, TAG, comm,
                                           MPI_STATUS_IGNORE),
                                  "MPI_Recv");
    else if (rank + core < size) {
        st = in ? chirp_mpi_check(MPI_Recv(scratch, (int)count, MPI_FLOAT, rank + core, TAG, comm,
                                           MPI_STATUS_IGNORE),
                                  "MPI_Recv")
                : chirp_mpi_check(MPI_Send(values, (int)count, MPI_FLOAT, rank + core, TAG, comm),
                                  "MPI_Send");
        if (in && st == CHIRP_OK)
            add(values, scratch, count);
    }
    return st;
}

static chirp_status doubling(float *values, int64_t count, float *scratch, int core)
{
    chirp_status st = CHIRP_OK;
    for (int distance = 1; distance < core && st == CHIRP_OK; distance *= 2) {
        const int partner = chirp_parallel_rank() ^ distance;
        st = swap(values, count, partner, scratch, count, partner);
        if (st == CHIRP_OK)
            add(values, scratch, count);
    }
    return st;
}

/* Each round halves the part a rank is responsible for, and sends the other half to its partner; then backwards. */
static chirp_status halving(float *values, int64_t count, float *scratch, int core)
{
    int64_t low[32] = {0};
    int64_t high[32] = {count};
    const int rank = chirp_parallel_rank();
    chirp_status st = CHIRP_OK;
    int round = 0;
    for (int distance = 1; distance < core && st == CHIRP_OK; distance *= 2, ++round) {
        const int64_t middle = low[round] + (high[round] - low[round]) / 2;
        const bool lower = (rank & distance) == 0;
        const int64_t mine = lower ? low[round] : middle;
        const int64_t end = lower ? middle : high[round];
        const int64_t theirs = lower ? middle : low[round];
        const int64_t theirs_end = lower ? high[round] : middle;
        st = swap(values + theirs, theirs_end - theirs, rank ^ distance, scratch, end - mine,
                  rank ^ distance);
        if (st == CHIRP_OK)
            add(values + mine, scratch, end - mine);
        low[round + 1] = mine;
        high[round + 1] = end;
    }
    for (int distance = core / 2; distance >= 1 && st == CHIRP_OK; distance /= 2) {
        --round; /* the partner has what is missing of [low, high) of that round */
        const bool lower = (rank & distance) == 0;
        const int64_t mine = low[round + 1];
        const int64_t end = high[round + 1];
        const int64_t theirs = lower ? end : low[round];
        const int64_t theirs_end = lower ? high[round] : mine;
        st = swap(values + mine, end - mine, rank ^ distance, values + theirs, theirs_end - theirs,
                  rank ^ distance);
    }
    return st;
}

static chirp_status ring(float *values, int64_t count, float *scratch)
{
    const int rank = chirp_parallel_rank();
    const int size = chirp_parallel_size();
    const int next = (rank + 1) % size;
    const int before = (rank + size - 1) % size;
    chirp_status st = CHIRP_OK;
    for (int step = 0; step < 2 * (size - 1) && st == CHIRP_OK; ++step) {
        /* first half: sums travel; second half: results do */
        const int64_t out = (rank - step % (size - 1) + (step >= size - 1) + 2 * size) % size;
        const int64_t in = (out + size - 1) % size;
        const int64_t o = out * count / size;
        const int64_t i = in * count / size;
        const int64_t n_out = (out + 1) * count / size - o;
        const int64_t n_in = (in + 1) * count / size - i;
        const bool summing = step < size - 1;
        st = swap(values + o, n_out, next, summing ? scratch : values + i, n_in, before);
        if (st == CHIRP_OK && summing)
            add(values + i, scratch, n_in);
    }
    return st;
}

chirp_status chirp_transfer_allreduce(chirp_allreduce_algorithm algorithm, float *values,
                                      int64_t count, float *scratch)
{
    chirp_status st = check(values, count * (int64_t)sizeof *values);
    if (st != CHIRP_OK)
        return st;
    MPI_Request request = MPI_REQUEST_NULL;
    if (algorithm == CHIRP_ALLREDUCE_LIBRARY)
        return chirp_mpi_check(
            MPI_Allreduce(MPI_IN_PLACE, values, (int)count, MPI_FLOAT, MPI_SUM, chirp_mpi_comm()),
            "MPI_Allreduce");
    if (algorithm == CHIRP_ALLREDUCE_NONBLOCKING) {
        st = chirp_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, values, (int)count, MPI_FLOAT, MPI_SUM,
                                            chirp_mpi_comm(), &request),
                             "MPI_Iallreduce");
        return st == CHIRP_OK ? chirp_mpi_wait(&request, "allreduce", 4 * count) : st;
    }
    if (algorithm == CHIRP_ALLREDUCE_RING)
        return ring(values, count, scratch);
    int core = 1;
    while (2 * core <= chirp_parallel_size())
        core *= 2;
    st = fold(values, count, scratch, core, true);
    if (st == CHIRP_OK && chirp_parallel_rank() < core)
        st = algorithm == CHIRP_ALLREDUCE_DOUBLING ? doubling(values, count, scratch, core)
                                                   : halving(values, count, scratch, core);
    return st == CHIRP_OK ? fold(values, count, scratch, core, false) : st;
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
