/* chirpbench bench: the runner of harness/bench on the tables of suites/suites.c. */
#include "harness/bench/bench.h"
#include "kernels/gemm/gemm.h"
#include "model/parallel/parallel.h"
#include "suites/command.h"
#include "suites/commands/libraries.h"
#include "suites/suites.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the harness can't know: it sits below the kernels and their libraries. */
static chirp_status add_libraries(void)
{
    chirp_status st = chirp_bench_add_context("libxsmm_version", chirp_gemm_library_version());
    if (st == CHIRP_OK)
        st = chirp_bench_add_context("libxsmm_target", chirp_gemm_target());
    for (const chirp_library *l = chirp_libraries; l->name && st == CHIRP_OK; ++l) {
        char key[64];
        char text[160];
        (void)snprintf(key, sizeof key, "%s_version", l->name);
        if (l->describe(text, sizeof text))
            st = chirp_bench_add_context(key, text);
    }
    return st;
}

/* Launchers tell their processes so; without one MPI stays asleep and benchmarks can run isolated. */
static bool launched_by_mpi(void)
{
    static const char *const names[] = {"PMI_SIZE", "PMIX_RANK", "OMPI_COMM_WORLD_SIZE",
                                        "MPI_LOCALNRANKS", "SLURM_STEP_NUM_TASKS"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i)
        if (getenv(names[i]))
            return true;
    return false;
}

static chirp_status gather(const double *mine, int n, double *all)
{
    const int64_t bytes = (int64_t)((size_t)n * sizeof *mine);
    const chirp_status st = chirp_parallel_gather(mine, bytes, all, 0);
    return st == CHIRP_OK ? chirp_parallel_broadcast(all, bytes * chirp_parallel_size(), 0) : st;
}

static bool asks_for_communication(int argc, char **argv)
{
    for (int i = 1; i < argc; ++i)
        if (strstr(argv[i], "communication") || strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

static int run(int argc, char **argv)
{
    chirp_status st = add_libraries();
    const bool parallel = launched_by_mpi();
    if (st == CHIRP_OK && parallel)
        st = chirp_parallel_init();
    if (st != CHIRP_OK)
        return chirp_command_exit(st);
    if (parallel) {
        const chirp_bench_ranks ranks = {chirp_parallel_rank(), chirp_parallel_size(), gather};
        chirp_bench_use_ranks(&ranks);
    }
    /* alone, the last suite has nobody to talk to: run it only where it is asked for, to say so */
    const size_t n = chirp_n_suites - (parallel || asks_for_communication(argc, argv) ? 0 : 1);
    const int code = chirp_bench_main(argc, argv, chirp_suites, n);
    if (parallel)
        chirp_parallel_finalize();
    return code;
}

const chirp_command chirp_command_bench = {
    "bench", "times kernels and layers, each checked first; Google Benchmark's flags and JSON",
    run};
