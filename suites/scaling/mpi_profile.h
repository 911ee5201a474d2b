/**
 * What this rank's calls of MPI come to, by routine and size, as the profiling interface sees them (PMPI): every call that
 * goes through MPI_X rather than PMPI_X, whoever makes it. Nothing is counted outside of begin and end.
 */
#ifndef CHIRP_SUITES_SCALING_MPI_PROFILE_H
#define CHIRP_SUITES_SCALING_MPI_PROFILE_H

#include "model/parallel/parallel.h"

void chirp_mpi_profile_begin(void); /**< from zero */
void chirp_mpi_profile_end(void);

/**
 * `bytes` is the size of this rank's message, 0 where a routine has none (MPI_Test, MPI_Wait, MPI_Ibarrier).
 * @return how many rows there are; at most `max` are written. The last row collects what no row is left for
 */
int chirp_mpi_profile_rows(chirp_call_row *rows, int max);

#endif
