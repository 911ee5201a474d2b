/* What has to be seen to around MPI_Init: signals, shared memory, and whose processors are whose. */
#include "harness/base/launch.h"
#include "harness/base/memory.h"
#include "harness/base/signals.h"
#include "harness/machine/team.h"
#include "model/parallel/mpi_internal.h"
#include "model/parallel/parallel.h"

#include <dlfcn.h>
#include <omp.h>
#include <stdlib.h>
#include <sys/statvfs.h>

static const char transports[] = "UCX_TLS";
static const char shared_memory[] = "/dev/shm";

/* What a rank takes of /dev/shm: UCX begins with 4.1 MiB for messages that arrive. */
static const double BYTES_OF_RANK = 5.0 * 1024 * 1024;

static bool ucx_is_loaded(void) { return dlsym(RTLD_DEFAULT, "ucp_cleanup") != NULL; }

static chirp_status check_shared_memory(void)
{
    struct statvfs info;
    const int ranks = chirp_launched_here();
    if (getenv(transports) || !ucx_is_loaded() || statvfs(shared_memory, &info) != 0)
        return CHIRP_OK; /* chosen by the user, or not needed */
    const double size = (double)info.f_blocks * (double)info.f_frsize;
    const double room = (double)info.f_bavail * (double)info.f_frsize;
    if (size >= ranks * BYTES_OF_RANK && room >= BYTES_OF_RANK)
        return CHIRP_OK;
    return chirp_fail(CHIRP_ERR_LIBRARY,
                      "%s: %.1f of %.1f MiB are free, but %d ranks need %.0f MiB for their "
                      "messages; make it larger (docker --shm-size) or set %s=^posix",
                      shared_memory, room / 1048576, size / 1048576, ranks,
                      ranks * BYTES_OF_RANK / 1048576, transports);
}

chirp_status chirp_mpi_start(void)
{
    int provided = 0;
    chirp_signals signals;
    const bool alone = chirp_launched_alone() && !getenv(transports);
    chirp_status st = alone ? CHIRP_OK : check_shared_memory();
    if (st != CHIRP_OK)
        return st;
    if (alone) /* it talks to nobody but itself */
        (void)setenv(transports, "self", 1);
    chirp_mpi_watch_prepare();
    chirp_signals_read(&signals);
    st = chirp_mpi_check(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided),
                         "MPI_Init_thread");
    chirp_signals_restore(&signals);
    if (alone)
        (void)unsetenv(transports); /* programs that this one starts may be several */
    if (st == CHIRP_OK && provided < MPI_THREAD_FUNNELED)
        st =
            chirp_fail(CHIRP_ERR_UNSUPPORTED,
                       "this MPI offers thread level %d, but OpenMP needs MPI_THREAD_FUNNELED (%d)",
                       provided, MPI_THREAD_FUNNELED);
    return st;
}

/* Each processor of `mine` is divided over the ranks that may use it. */
static int share(const cpu_set_t *mine, const cpu_set_t *all, int ranks)
{
    double sum = 0;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        int users = 0;
        if (!CPU_ISSET(cpu, mine))
            continue;
        for (int rank = 0; rank < ranks; ++rank)
            users += CPU_ISSET(cpu, &all[rank]) != 0;
        sum += 1.0 / users;
    }
    return sum < 1 ? 1 : (int)(sum + 1e-6); /* eight eighths are one */
}

/* OpenMP's number of threads for this rank, from what all of this computer may use. */
static chirp_status divide(MPI_Comm here, int ranks, cpu_set_t *all)
{
    cpu_set_t mine;
    const char *chosen = getenv("OMP_NUM_THREADS");
    const bool known = chirp_team_processors(&mine);
    if (!known)
        CPU_ZERO(&mine);
    const chirp_status st = chirp_mpi_check(
        MPI_Allgather(&mine, (int)sizeof mine, MPI_BYTE, all, (int)sizeof mine, MPI_BYTE, here),
        "MPI_Allgather");
    if (st == CHIRP_OK && known && ranks > 1 && !(chosen && *chosen))
        omp_set_num_threads(share(&mine, all, ranks));
    return st;
}

chirp_status chirp_mpi_share_processors(MPI_Comm comm)
{
    MPI_Comm here = MPI_COMM_NULL;
    int ranks = 1;
    chirp_status st =
        chirp_mpi_check(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here),
                        "MPI_Comm_split_type");
    if (st == CHIRP_OK)
        st = chirp_mpi_check(MPI_Comm_size(here, &ranks), "MPI_Comm_size");
    cpu_set_t *all = chirp_calloc((size_t)ranks, sizeof *all);
    if (st == CHIRP_OK && !all)
        st = chirp_fail(CHIRP_ERR_NOMEM, "no memory for the processors of %d ranks", ranks);
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK) /* also with a number of its own: the others count this rank */
        st = divide(here, ranks, all);
    if (st == CHIRP_OK)
        st = chirp_mpi_watch(here, ranks);
    chirp_free(all);
    if (here != MPI_COMM_NULL)
        (void)MPI_Comm_free(&here);
    return st;
}
