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

static bool places(cpu_set_t *set)
{
    static int ids[CPU_SETSIZE];
    const int n_places = omp_get_proc_bind() == omp_proc_bind_false ? 0 : omp_get_num_places();
    for (int i = 0; i < n_places; ++i) {
        const int n = omp_get_place_num_procs(i);
        if (n > CPU_SETSIZE)
            return false;
        omp_get_place_proc_ids(i, ids);
        for (int k = 0; k < n; ++k)
            if (ids[k] >= 0 && ids[k] < CPU_SETSIZE)
                CPU_SET((size_t)ids[k], set);
    }
    return n_places > 0;
}

bool chirp_team_processors(cpu_set_t *set)
{
    CPU_ZERO(set);
    return places(set) || sched_getaffinity(0, sizeof *set, set) == 0;
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
