/**
 * Counts in place of times: the program runs itself in valgrind's callgrind, a simulated processor that counts instructions,
 * branches and cache misses. The same program counts the same, bit for bit, on a busy machine as on an idle one, code compiled at
 * run time included.
 *
 *     if (!chirp_simulating())
 *         return chirp_simulation_launch(&exit_code);   // runs this whole command line once more, inside
 *     chirp_simulation_warm();                          // caches are simulated from here on, but nothing is counted
 *     ...
 *     chirp_simulation_start(); ... chirp_simulation_stop();   // counted; may repeat
 *     st = chirp_simulation_end(&counts);
 *
 * What it is not: valgrind runs threads one after another, knows no AVX-512, and takes each instruction for as long as any
 * other. Caches are of a fixed size (CHIRP_SIMULATION_CACHES), so that counts don't depend on the machine's own.
 */
#ifndef CHIRP_HARNESS_COUNTERS_SIMULATION_H
#define CHIRP_HARNESS_COUNTERS_SIMULATION_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stddef.h>

/** For result files. */
#define CHIRP_SIMULATION_CACHES "I1 32 KiB 8-way, D1 32 KiB 8-way, LL 8 MiB 16-way, 64-byte lines"

/** Sums over the counted stretches, named as the counters of a processor are, and what KCachegrind makes of them. */
typedef struct chirp_simulated {
    const char *name;
    double value;
} chirp_simulated;

enum { CHIRP_N_SIMULATED = 8 };

/** Whether this process runs inside, started by chirp_simulation_launch(). */
bool chirp_simulating(void);

/**
 * Runs the command line of this process inside and waits for its end. Signals that reach this process end it.
 * @param exit_code  of the program inside
 * @return CHIRP_OK, CHIRP_ERR_UNSUPPORTED (no valgrind, or another architecture than x86-64), CHIRP_ERR_IO
 */
chirp_status chirp_simulation_launch(int *exit_code);

/** Starts the simulation, with empty caches. */
void chirp_simulation_warm(void);
/** What follows is counted; starts and stops alternate. */
void chirp_simulation_start(void);
void chirp_simulation_stop(void);

/**
 * Ends the simulation and reads its counts, which are zero again.
 * @return CHIRP_OK, CHIRP_ERR_IO, CHIRP_ERR_FORMAT (the file of counts lacks one that is needed)
 */
chirp_status chirp_simulation_end(chirp_simulated counts[CHIRP_N_SIMULATED]);

#endif
