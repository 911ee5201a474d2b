/** What the files of model/parallel share. The only header of the project that shows MPI types; only files of this
    folder include it. */
#ifndef CHIRP_MODEL_PARALLEL_MPI_INTERNAL_H
#define CHIRP_MODEL_PARALLEL_MPI_INTERNAL_H

#include "harness/base/status.h"

#include <mpi.h>
#include <stdbool.h>
#include <stdint.h>

/** The group that rank() and size() speak of; MPI_COMM_NULL before init and without MPI. */
MPI_Comm chirp_mpi_comm(void);

/**
 * MPI_Init_thread, and around it what it takes: signals stay those of the program, a process that is alone needs no shared
 * memory, and ranks for which there is too little of it are told so, for MPI itself would end them with a page of its own.
 */
chirp_status chirp_mpi_start(void);

/**
 * Collective: gives OpenMP the processors of this computer divided by the ranks that may use them, at least one, unless
 * OMP_NUM_THREADS says how many.
 */
chirp_status chirp_mpi_share_processors(MPI_Comm comm);

/**
 * Starts the process that watches the ranks of this computer, where this is the first of several. Call it before MPI is
 * started, which forked processes don't suit.
 */
void chirp_mpi_watch_prepare(void);

/**
 * Collective over the job: from here to the end of the watch the death of a rank is said on stderr, with its number.
 * Systems without pidfd_open (Linux before 5.3) say nothing.
 * @param here  the ranks of this computer
 */
chirp_status chirp_mpi_watch(MPI_Comm here, int ranks);

/** How long a wait may be before a rank counts as stalled [s]; infinity: for ever. */
double chirp_mpi_stall_limit(void);

/**
 * Before MPI is started: says on stderr which ranks of this computer are stopped, with the remedy.
 * @param one_rank  PID of one of them
 * @return false when none is, or where the system doesn't tell
 */
bool chirp_mpi_name_stopped(int one_rank);

/** Ends the watch on this computer: what comes is on purpose, or known. Signal safe. */
void chirp_mpi_watch_end(void);

/** The same on the way out, on every rank before any of them may end. */
void chirp_mpi_watch_forget(void);

/** CHIRP_OK for MPI_SUCCESS, else CHIRP_ERR_LIBRARY with a sentence: `what` failed and MPI's own text. */
chirp_status chirp_mpi_check(int code, const char *what);

/** Whether there is anybody to talk to: started, not yet ended, more than one rank in the group. */
bool chirp_mpi_several(void);

/**
 * Blocks until `request` is done, however long that takes unless a rank stalls (chirp_parallel_stall_limit()). All ranks
 * of the group must make the same waits in the same order. Accounts the time under (`what`, `bytes`).
 */
chirp_status chirp_mpi_wait(MPI_Request *request, const char *what, int64_t bytes);

/**
 * The same for messages between pairs of ranks: blocks until all `n` requests are done and adds the time to `*seconds`,
 * which the caller accounts. It is one wait, also with n = 0 or MPI_REQUEST_NULL: ranks that exchange nothing at this
 * point make it too, so that a rank's number of waits tells how far it came.
 */
chirp_status chirp_mpi_wait_all(MPI_Request *requests, int n, const char *what, double *seconds);

/** Receives and drops stall reports still in flight, so that their communicator can be freed. Call after a barrier. */
void chirp_mpi_drain(void);

/** Adds one call to the profile of chirp_parallel_calls(). */
void chirp_mpi_account(const char *call, int64_t bytes, double seconds);

#endif
