/** The team of threads that OpenMP really gives, and what keeps it from giving more. */
#ifndef CHIRP_HARNESS_MACHINE_TEAM_H
#define CHIRP_HARNESS_MACHINE_TEAM_H

#include "harness/base/status.h"

#include <sched.h>
#include <stdbool.h>

/** More threads than this are a slip of the keyboard: starting them would take the machine down with it. */
enum { CHIRP_MOST_THREADS = 4096 };

/**
 * The threads of a program that was given none: omp_get_max_threads().
 * @return CHIRP_OK, CHIRP_ERR_ARG (more than CHIRP_MOST_THREADS: OMP_NUM_THREADS is wrong)
 */
chirp_status chirp_team_default(int *threads);

/**
 * The processors that a team of this process may use: its places with OMP_PROC_BIND, for then this thread sits on the first
 * one; else its affinity. False where the system doesn't say.
 */
bool chirp_team_processors(cpu_set_t *set);

/**
 * Opens a parallel region of `threads` and counts who comes. Call it outside of parallel regions, before something is timed.
 * @return CHIRP_OK, CHIRP_ERR_UNSUPPORTED (fewer came; the sentence names the setting that says so)
 */
chirp_status chirp_team_check(int threads);

/** For a region that has counted its own team: fails as chirp_team_check() does. */
chirp_status chirp_team_fail(int got, int threads);

#endif
