/* chirpbench bench: the runner of harness/bench on the tables of suites/suites.c. */
#include "harness/bench/bench.h"
#include "suites/command.h"
#include "suites/suites.h"

static int run(int argc, char **argv)
{
    return chirp_bench_main(argc, argv, chirp_suites, chirp_n_suites);
}

const chirp_command chirp_command_bench = {
    "bench", "times kernels and layers, each checked first; Google Benchmark's flags and JSON",
    run};
