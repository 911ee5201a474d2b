/** How the threads of OpenMP wait for each other. */
#ifndef CHIRP_HARNESS_BASE_WAITING_H
#define CHIRP_HARNESS_BASE_WAITING_H

/**
 * Makes threads that wait for others spin for some microseconds and then sleep, so that their core goes to whoever has work:
 * libgomp spins for milliseconds, which beside a second busy process are those that the awaited thread lacks.
 *
 * libgomp reads its environment before main(), so this sets GOMP_SPINCOUNT and starts the program again, once, in the
 * same process. Call it first in main(), before threads, files and MPI. It does nothing, and the program runs on, when the
 * user has chosen a way to wait (OMP_WAIT_POLICY, GOMP_SPINCOUNT, KMP_BLOCKTIME, KMP_LIBRARY), when threads are bound
 * (OMP_PROC_BIND, OMP_PLACES, GOMP_CPU_AFFINITY, KMP_AFFINITY), which gives them processors of their own, or where a
 * program can't find its own file.
 */
void chirp_wait_briefly(char **argv);

#endif
