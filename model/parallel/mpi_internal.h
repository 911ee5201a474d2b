/** What the files of model/parallel share. The only header of the project that shows MPI types; include nowhere else. */
#ifndef CHIRP_MODEL_PARALLEL_MPI_INTERNAL_H
#define CHIRP_MODEL_PARALLEL_MPI_INTERNAL_H

#include "harness/base/status.h"

#include <mpi.h>
#include <stdbool.h>

/** The group that rank() and size() speak of; MPI_COMM_NULL before init and without MPI. */
MPI_Comm chirp_mpi_comm(void);

/** CHIRP_OK for MPI_SUCCESS, else CHIRP_ERR_LIBRARY with a sentence: `what` failed and MPI's own text. */
chirp_status chirp_mpi_check(int code, const char *what);

/** Whether there is anybody to talk to: started, not yet ended, more than one rank in the group. */
bool chirp_mpi_several(void);

#endif
