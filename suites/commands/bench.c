/* chirpbench bench: the runner of harness/bench on the tables of suites/suites.c. */
#include "harness/bench/bench.h"
#include "kernels/gemm/gemm.h"
#include "suites/command.h"
#include "suites/commands/libraries.h"
#include "suites/suites.h"

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

static int run(int argc, char **argv)
{
    const chirp_status st = add_libraries();
    if (st != CHIRP_OK)
        return chirp_command_exit(st);
    return chirp_bench_main(argc, argv, chirp_suites, chirp_n_suites);
}

const chirp_command chirp_command_bench = {
    "bench", "times kernels and layers, each checked first; Google Benchmark's flags and JSON",
    run};
