/*
 * Waiting for other ranks: a step of training blocks in MPI nowhere else. What happens once or between steps blocks where
 * it stands: start and end of a job and its groups (parallel.c), clocks (collectives.c), what still travels when an
 * exchange is destroyed (exchange_buckets.c, exchange_halving.c), and transfer.c, which times MPI's own calls.
 *
 * A wait polls, yields the core to whoever needs it (ranks may share cores), accounts its time by call and size, and
 * knows when it has become too long. Then ranks tell the first three of them in which wait they are; the first one
 * names those who fell behind, and ends the job. A stalled rank can't speak for itself, and the second and third rank
 * take over when the first is the stalled one.
 */
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "model/parallel/mpi_internal.h"
#include "model/parallel/parallel.h"

#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HERE_TAG = 4711, DEPUTIES = 3, MAX_CALLS = 64, POLLS_PER_YIELD = 64 };

static const double HERE_AFTER_S = 1; /* a wait this long is reported to the deputies */
static const double GRACE_S = 3;      /* for reports to come in */
static const double PATIENCE = 20;    /* times longer may a rank take that reads or writes files */
static const double DEPUTY_DELAY_S =
    4; /* rank 1 acts this much after rank 0 should have, rank 2 after rank 1 */

static struct {
    int64_t waits; /* done: the same on all ranks that are in step */
    double
        longest_s;  /* of the completed ones: a job whose steps differ by seconds is not stalled */
    double limit_s; /* negative: not read from the environment yet; 0: never */
    bool patient;
    int64_t *
        seen; /* [size] on deputies: the newest wait that each rank has reported; NULL before the first report */
    int n_calls;
    chirp_call_row call[MAX_CALLS];
} self = {.limit_s = -1};

void chirp_parallel_stall_limit(double seconds) { self.limit_s = seconds; }

void chirp_parallel_patience(bool patient) { self.patient = patient; }

double chirp_mpi_stall_limit(void)
{
    if (self.limit_s < 0) {
        const char *text = getenv("CHIRPBENCH_STALL_SECONDS");
        char *end = NULL;
        const double wanted = text ? strtod(text, &end) : 15;
        self.limit_s = text && (end == text || *end != '\0' || !(wanted >= 0)) ? 15 : wanted;
    }
    if (self.limit_s == 0)
        return INFINITY;
    return (self.patient ? PATIENCE : 1) * fmax(self.limit_s, 5 * self.longest_s);
}

void chirp_mpi_account(const char *call, int64_t bytes, double seconds)
{
    int i = 0;
    while (i < self.n_calls &&
           (self.call[i].bytes != bytes || strcmp(self.call[i].call, call) != 0))
        ++i;
    if (i == MAX_CALLS) /* too many sizes: the last row collects the rest */
        i = MAX_CALLS - 1;
    else if (i == self.n_calls) {
        self.call[i] = (chirp_call_row){.bytes = bytes};
        (void)snprintf(self.call[i].call, sizeof self.call[i].call, "%s", call);
        ++self.n_calls;
    }
    ++self.call[i].calls;
    self.call[i].seconds += seconds;
}

void chirp_parallel_calls_reset(void) { self.n_calls = 0; }

int chirp_parallel_calls(chirp_call_row *rows, int max)
{
    for (int i = 0; i < self.n_calls && i < max; ++i)
        rows[i] = self.call[i];
    return self.n_calls;
}

/* Eager and tiny: it leaves even when nobody receives. The request is freed, not waited for. */
static void report_here(int rank, int size)
{
    static int64_t here; /* must outlive the sends */
    here = self.waits;
    for (int to = 0; to < DEPUTIES && to < size; ++to) {
        MPI_Request request = MPI_REQUEST_NULL;
        if (to != rank && MPI_Isend(&here, 1, MPI_INT64_T, to, HERE_TAG, chirp_mpi_comm(),
                                    &request) == MPI_SUCCESS)
            (void)MPI_Request_free(&request);
    }
}

/* [size], -1 each; NULL without memory: then nobody is named. */
static int64_t *make_seen(void)
{
    const int size = chirp_parallel_size();
    int64_t *seen = chirp_alloc((size_t)size * sizeof *seen);
    for (int r = 0; seen && r < size; ++r)
        seen[r] = -1;
    return seen;
}

/* Takes the reports that have come in. Whoever is slow himself meets many, and unread ones slow every later receive. */
static void collect_reports(void)
{
    for (;;) {
        int there = 0;
        MPI_Status status;
        int64_t at = 0;
        if (MPI_Iprobe(MPI_ANY_SOURCE, HERE_TAG, chirp_mpi_comm(), &there, &status) !=
                MPI_SUCCESS ||
            !there)
            return;
        if (MPI_Recv(&at, 1, MPI_INT64_T, status.MPI_SOURCE, HERE_TAG, chirp_mpi_comm(),
                     MPI_STATUS_IGNORE) != MPI_SUCCESS)
            return;
        chirp_mpi_account("recv (stall report)", (int64_t)sizeof at, 0);
        if (!self.seen)
            self.seen = make_seen();
        if (self.seen && at > self.seen[status.MPI_SOURCE])
            self.seen[status.MPI_SOURCE] = at;
    }
}

void chirp_mpi_drain(void)
{
    if (chirp_mpi_several() && chirp_parallel_rank() < DEPUTIES)
        collect_reports();
    chirp_free(self.seen);
    self.seen = NULL;
}

static void end_job(int rank, int size, const char *what, double waited)
{
    const int64_t *seen = self.seen;
    int64_t least = self.waits;
    for (int r = 0; r < size; ++r)
        if (r != rank && seen[r] < least)
            least = seen[r];
    char names[200] = "";
    size_t used = 0;
    int behind = 0;
    for (int r = 0; r < size; ++r)
        if (r != rank && seen[r] == least && least < self.waits) {
            ++behind;
            if (used < sizeof names - 12)
                used += (size_t)snprintf(names + used, sizeof names - used, "%s%d",
                                         used ? ", " : "", r);
        }
    if (behind > 0)
        (void)chirp_fail(
            CHIRP_ERR_LIBRARY,
            "rank %s stalled: %d of %d ranks wait for it in %s since %.0f s; all ranks end "
            "now, the last checkpoint is whole (CHIRPBENCH_STALL_SECONDS sets the limit)",
            names, size - behind, size, what, waited);
    else
        (void)chirp_fail(
            CHIRP_ERR_LIBRARY,
            "all %d ranks wait in %s since %.0f s and none moves on: the network or the MPI "
            "library stalled",
            size, what, waited);
    chirp_parallel_abort(2);
}

chirp_status chirp_mpi_wait_all(MPI_Request *requests, int n, const char *what, double *seconds)
{
    if (n == 0) {
        ++self.waits;
        return CHIRP_OK;
    }
    const double start = chirp_now_s();
    const int rank = chirp_parallel_rank();
    const int size = chirp_parallel_size();
    bool reported = false;
    int next = 0; /* those before it are done */
    for (int polls = 1; next < n; ++polls) {
        int done = 1;
        while (next < n && done) {
            const int code = MPI_Test(&requests[next], &done, MPI_STATUS_IGNORE);
            if (code != MPI_SUCCESS)
                return chirp_mpi_check(code, what);
            next += done;
        }
        if (next == n || polls % POLLS_PER_YIELD != 0)
            continue;
        (void)sched_yield();
        const double waited = chirp_now_s() - start;
        if (!reported && waited > HERE_AFTER_S) {
            reported = true;
            report_here(rank, size);
        }
        if (!reported || rank >= DEPUTIES)
            continue;
        collect_reports();
        if (!self.seen)
            self.seen = make_seen();
        if (self.seen && waited > chirp_mpi_stall_limit() + GRACE_S + DEPUTY_DELAY_S * rank)
            end_job(rank, size, what, waited);
    }
    if (rank < DEPUTIES && size > 1)
        collect_reports();
    const double waited = chirp_now_s() - start;
    ++self.waits;
    if (!self.patient)
        self.longest_s = fmax(self.longest_s, waited);
    *seconds += waited;
    return CHIRP_OK;
}

chirp_status chirp_mpi_wait(MPI_Request *request, const char *what, int64_t bytes)
{
    double seconds = 0;
    const chirp_status st = chirp_mpi_wait_all(request, 1, what, &seconds);
    if (st == CHIRP_OK)
        chirp_mpi_account(what, bytes, seconds);
    return st;
}
