#include "harness/machine/team.h"

#include <omp.h>
#include <stdio.h>

chirp_status chirp_team_default(int *threads)
{
    *threads = omp_get_max_threads();
    if (*threads > CHIRP_MOST_THREADS)
        return chirp_fail(CHIRP_ERR_ARG,
                          "OMP_NUM_THREADS: %d threads are more than %d; set it lower", *threads,
                          CHIRP_MOST_THREADS);
    return CHIRP_OK;
}

chirp_status chirp_team_fail(int got, int threads)
{
    char why[128];
    if (omp_get_thread_limit() < threads)
        (void)snprintf(why, sizeof why, "OMP_THREAD_LIMIT=%d allows no more",
                       omp_get_thread_limit());
    else if (omp_get_max_active_levels() < 1)
        (void)snprintf(why, sizeof why, "OMP_MAX_ACTIVE_LEVELS=0 allows no parallel region");
    else if (omp_get_dynamic())
        (void)snprintf(why, sizeof why, "OMP_DYNAMIC=true leaves the number to the system's load");
    else
        (void)snprintf(why, sizeof why, "the system gives no more (ulimit -u, pids.max?)");
    return chirp_fail(CHIRP_ERR_UNSUPPORTED,
                      "OpenMP gives %d of %d threads: %s; change that or ask for %d", got, threads,
                      why, got);
}

chirp_status chirp_team_check(int threads)
{
    int got = 0;
#pragma omp parallel num_threads(threads)
    {
#pragma omp master
        got = omp_get_num_threads();
    }
    return got < threads ? chirp_team_fail(got, threads) : CHIRP_OK;
}
