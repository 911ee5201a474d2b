/* The MPI routines that model/parallel uses, wrapped: each goes on to its PMPI name and is accounted. To take their names
   this file includes mpi.h itself; it makes no calls of its own. */
#include "suites/scaling/mpi_profile.h"

#include "harness/base/clock.h"

#include <mpi.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ROWS = 24 };

static struct {
    bool on;
    int n;
    chirp_call_row row[MAX_ROWS];
} self;

void chirp_mpi_profile_begin(void)
{
    self.n = 0;
    memset(self.row, 0, sizeof self.row);
    self.on = true;
}

void chirp_mpi_profile_end(void) { self.on = false; }

int chirp_mpi_profile_rows(chirp_call_row *rows, int max)
{
    for (int i = 0; i < self.n && i < max; ++i)
        rows[i] = self.row[i];
    return self.n;
}

static double started(void) { return self.on ? chirp_now_s() : 0; }

/* @return code, so that a wrapper is one expression */
static int account(const char *routine, int count, MPI_Datatype type, double start, int code)
{
    int size = 0;
    int i = 0;
    if (!self.on)
        return code;
    const double seconds = chirp_now_s() - start;
    if (count > 0)
        (void)PMPI_Type_size(type, &size);
    const int64_t bytes = (int64_t)count * size;
    while (i < self.n && (self.row[i].bytes != bytes || strcmp(self.row[i].call, routine) != 0))
        ++i;
    if (i == MAX_ROWS)
        i = MAX_ROWS - 1;
    if (i == self.n) {
        (void)snprintf(self.row[i].call, sizeof self.row[i].call, "%s", routine);
        self.row[i].bytes = bytes;
        ++self.n;
    }
    if (i == MAX_ROWS - 1 && strcmp(self.row[i].call, routine) != 0)
        (void)snprintf(self.row[i].call, sizeof self.row[i].call, "others");
    ++self.row[i].calls;
    self.row[i].seconds += seconds;
    return code;
}

int MPI_Allreduce(const void *send, void *receive, int count, MPI_Datatype type, MPI_Op op,
                  MPI_Comm comm)
{
    const double start = started();
    return account("MPI_Allreduce", count, type, start,
                   PMPI_Allreduce(send, receive, count, type, op, comm));
}

int MPI_Iallreduce(const void *send, void *receive, int count, MPI_Datatype type, MPI_Op op,
                   MPI_Comm comm, MPI_Request *request)
{
    const double start = started();
    return account("MPI_Iallreduce", count, type, start,
                   PMPI_Iallreduce(send, receive, count, type, op, comm, request));
}

int MPI_Ialltoall(const void *send, int count, MPI_Datatype type, void *receive, int received,
                  MPI_Datatype received_type, MPI_Comm comm, MPI_Request *request)
{
    const double start = started();
    return account(
        "MPI_Ialltoall", count, type, start,
        PMPI_Ialltoall(send, count, type, receive, received, received_type, comm, request));
}

int MPI_Iallgather(const void *send, int count, MPI_Datatype type, void *receive, int received,
                   MPI_Datatype received_type, MPI_Comm comm, MPI_Request *request)
{
    const double start = started();
    return account(
        "MPI_Iallgather", count, type, start,
        PMPI_Iallgather(send, count, type, receive, received, received_type, comm, request));
}

int MPI_Ibcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm,
               MPI_Request *request)
{
    const double start = started();
    return account("MPI_Ibcast", count, type, start,
                   PMPI_Ibcast(data, count, type, root, comm, request));
}

int MPI_Igather(const void *send, int count, MPI_Datatype type, void *receive, int received,
                MPI_Datatype received_type, int root, MPI_Comm comm, MPI_Request *request)
{
    const double start = started();
    return account(
        "MPI_Igather", count, type, start,
        PMPI_Igather(send, count, type, receive, received, received_type, root, comm, request));
}

int MPI_Ibarrier(MPI_Comm comm, MPI_Request *request)
{
    const double start = started();
    return account("MPI_Ibarrier", 0, MPI_BYTE, start, PMPI_Ibarrier(comm, request));
}

int MPI_Test(MPI_Request *request, int *flag, MPI_Status *status)
{
    const double start = started();
    return account("MPI_Test", 0, MPI_BYTE, start, PMPI_Test(request, flag, status));
}

int MPI_Wait(MPI_Request *request, MPI_Status *status)
{
    const double start = started();
    return account("MPI_Wait", 0, MPI_BYTE, start, PMPI_Wait(request, status));
}

int MPI_Isend(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request *request)
{
    const double start = started();
    return account("MPI_Isend", count, type, start,
                   PMPI_Isend(data, count, type, to, tag, comm, request));
}

int MPI_Recv(void *data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
             MPI_Status *status)
{
    const double start = started();
    return account("MPI_Recv", count, type, start,
                   PMPI_Recv(data, count, type, from, tag, comm, status));
}

int MPI_Iprobe(int from, int tag, MPI_Comm comm, int *flag, MPI_Status *status)
{
    const double start = started();
    return account("MPI_Iprobe", 0, MPI_BYTE, start, PMPI_Iprobe(from, tag, comm, flag, status));
}
