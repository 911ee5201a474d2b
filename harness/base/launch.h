/** Whether an MPI launcher started this process, known without MPI: it tells its processes so in their environment. */
#ifndef CHIRP_HARNESS_BASE_LAUNCH_H
#define CHIRP_HARNESS_BASE_LAUNCH_H

#include "harness/base/status.h"

#include <stdbool.h>

/** True under mpiexec, mpirun or srun, also with one process. */
bool chirp_launched_by_mpi(void);

/** True without a launcher, or when it says that this is its only process: nobody else will be in MPI_COMM_WORLD. */
bool chirp_launched_alone(void);

/** How many processes the launcher started; 1 without a launcher, or where it doesn't say. */
int chirp_launched_processes(void);

/** How many of them run on this computer; 1 where the launcher doesn't say. */
int chirp_launched_here(void);

/** The number of this process among them; 0 where the launcher doesn't say. */
int chirp_launched_number_here(void);

/**
 * For a command that works alone: several processes of it would do the same and race for the same files.
 * @return CHIRP_OK, CHIRP_ERR_ARG (more than one process; the sentence names the command and the remedy)
 */
chirp_status chirp_refuse_ranks(const char *command);

#endif
