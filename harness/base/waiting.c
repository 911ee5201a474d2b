#include "harness/base/waiting.h"

#include "harness/base/process.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/* Pauses of the processor: 10 to 50 us, what a sleeping thread needs to wake up. Longer waits are worth a sleep. */
static const char spins[] = "1000";

void chirp_wait_briefly(char **argv)
{
    /* a bound thread 0 is on one processor already, and the program would find only that one when it starts again */
    static const char *const choices[] = {"OMP_WAIT_POLICY",   "GOMP_SPINCOUNT", "KMP_BLOCKTIME",
                                          "KMP_LIBRARY",       "OMP_PROC_BIND",  "OMP_PLACES",
                                          "GOMP_CPU_AFFINITY", "KMP_AFFINITY"};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; ++i)
        if (getenv(choices[i]))
            return;
    /* the link's target, so that the process keeps its name */
    char path[PATH_MAX];
    if (!chirp_program_path(path, sizeof path))
        return;
    if (setenv("GOMP_SPINCOUNT", spins, 1) == 0)
        (void)execv(path, argv);
    (void)unsetenv("GOMP_SPINCOUNT"); /* only here when there was no second start */
}
