#include "harness/base/launch.h"

#include <stddef.h>
#include <stdlib.h>

static const char *const variables[] = {"PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MPI_LOCALNRANKS",
                                        "SLURM_STEP_NUM_TASKS", "PMIX_RANK"};
enum { WITH_SIZES = 4 }; /* the first; PMIX_RANK comes with one of them or tells nothing more */

bool chirp_launched_by_mpi(void)
{
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; ++i)
        if (getenv(variables[i]))
            return true;
    return false;
}

/* The largest number that one of the variables holds, at least 1. */
static int largest(const char *const *names, size_t n_names)
{
    long most = 1;
    for (size_t i = 0; i < n_names; ++i) {
        const char *text = getenv(names[i]);
        const long n = text ? strtol(text, NULL, 10) : 0;
        most = n > most && n < 1 << 30 ? n : most;
    }
    return (int)most;
}

bool chirp_launched_alone(void)
{
    bool told = !chirp_launched_by_mpi();
    for (size_t i = 0; i < WITH_SIZES; ++i)
        told |= getenv(variables[i]) != NULL;
    return told && largest(variables, WITH_SIZES) == 1;
}

int chirp_launched_number_here(void)
{
    static const char *const numbers[] = {"MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK",
                                          "SLURM_LOCALID"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i)
        if (getenv(numbers[i]))
            return (int)strtol(getenv(numbers[i]), NULL, 10);
    return 0;
}

int chirp_launched_processes(void) { return largest(variables, WITH_SIZES); }

int chirp_launched_here(void)
{
    static const char *const here[] = {"MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE"};
    return largest(here, sizeof here / sizeof here[0]);
}

chirp_status chirp_refuse_ranks(const char *command)
{
    const int n = chirp_launched_processes();
    if (n > 1)
        return chirp_fail(
            CHIRP_ERR_ARG,
            "%s works alone, but the MPI launcher started it %d times, to do the same "
            "work and write the same files; run it without mpiexec",
            command, n);
    return CHIRP_OK;
}
