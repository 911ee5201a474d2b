/* chirpbench bench: the runner of harness/bench on the tables of suites/suites.c. */
#include "harness/base/launch.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/bench/bench.h"
#include "kernels/gemm/gemm.h"
#include "model/parallel/parallel.h"
#include "suites/command.h"
#include "suites/gate.h"
#include "suites/commands/libraries.h"
#include "suites/benchmarks/problems/problems.h"
#include "suites/plugin/plugin.h"
#include "suites/suites.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

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

static chirp_status gather(const double *mine, int n, double *all)
{
    const int64_t bytes = (int64_t)((size_t)n * sizeof *mine);
    const chirp_status st = chirp_parallel_gather(mine, bytes, all, 0);
    return st == CHIRP_OK ? chirp_parallel_broadcast(all, bytes * chirp_parallel_size(), 0) : st;
}

/* Options that make a suite of their own in place of the others; one of them at a time. */
typedef struct own_options {
    chirp_problem_options problems;
    const char *gate, *plugin;
    const chirp_bench_suite *suites; /* all that a gate can choose from */
    size_t n_suites;
    chirp_bench_suite made; /* by the gate or the plugin */
} own_options;

static chirp_status make_own(void *state, chirp_bench_suite *suite)
{
    own_options *o = state;
    chirp_status st = chirp_problems_make(&o->problems, suite);
    if (st != CHIRP_OK || (!o->gate && !o->plugin))
        return st;
    if (suite->entries || (o->gate && o->plugin))
        return chirp_fail(CHIRP_ERR_ARG, "bench: %s has benchmarks of its own: give it or %s",
                          o->gate ? "--gate" : "--plugin",
                          suite->entries ? suite->name : "--plugin");
    st = o->gate ? chirp_gate_make(o->gate, o->suites, o->n_suites, &o->made)
                 : chirp_plugin_load(o->plugin, &o->made);
    *suite = o->made;
    return st;
}

static int run(int argc, char **argv)
{
    chirp_status st = add_libraries();
    /* without a launcher MPI stays asleep, and benchmarks can run isolated */
    const bool parallel = chirp_launched_by_mpi();
    if (st == CHIRP_OK && parallel)
        st = chirp_parallel_init();
    if (st != CHIRP_OK)
        return chirp_command_exit(st);
    if (parallel) {
        const chirp_bench_ranks ranks = {chirp_parallel_rank(), chirp_parallel_size(), gather};
        chirp_bench_use_ranks(&ranks);
    }
    chirp_bench_suite *suites = NULL;
    size_t n = 0;
    st = chirp_suites_create(&suites, &n);
    own_options mine = {.suites = suites, .n_suites = n};
    enum { OWN = 2 };
    chirp_option options[CHIRP_PROBLEM_OPTIONS + OWN] = {
        {"plugin", CHIRP_OPTION_STRING, &mine.plugin, .metavar = "FILE.so", .file = CHIRP_FILE_READ,
         .group = "Not of Google Benchmark",
         .help = "kernels of your own in place of the suites: a shared library with the entry of "
                 "chirpbench_plugin.h"},
        {"gate", CHIRP_OPTION_STRING, &mine.gate, .metavar = "NAME|FILE",
         .group = "Not of Google Benchmark",
         .help =
             "what the limits of a gate need: quick (20 s), kernels (a minute) or a file; on one "
             "thread, 5 repetitions; then: compare --limits NAME RESULT"}};
    chirp_problem_options_list(&mine.problems, options + OWN);
    const chirp_bench_own own = {options, CHIRP_PROBLEM_OPTIONS + OWN, &mine, make_own};
    chirp_bench_use_own(&own);
    const int code =
        st == CHIRP_OK ? chirp_bench_main(argc, argv, suites, n) : chirp_command_exit(st);
    chirp_suites_destroy(suites, n);
    chirp_problems_clear(&mine.problems);
    if (mine.plugin)
        chirp_families_free((chirp_bench_entry *)(uintptr_t)mine.made.entries);
    else
        chirp_free((void *)(uintptr_t)mine.made.entries);
    if (parallel)
        chirp_parallel_finalize();
    return code;
}

const chirp_command chirp_command_bench = {
    "bench", "times kernels and layers, each checked first; Google Benchmark's flags and JSON",
    run};
