/**
 * Signals belong to the program and to who starts it. UCX takes SIGHUP when it is loaded, before main() and also from nohup,
 * and MPICH takes SIGUSR1 in MPI_Init.
 */
#ifndef CHIRP_HARNESS_BASE_SIGNALS_H
#define CHIRP_HARNESS_BASE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/** Whether the process was started with this signal ignored, as nohup does with SIGHUP. */
bool chirp_signal_was_ignored(int number);

/**
 * Puts signals by which users and batch systems end or stop a program (SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
 * SIGXCPU, SIGXFSZ, SIGALRM) back to what they were when the process started: ignored or the system's default. Call it first in
 * main().
 */
void chirp_signals_put_back(void);

enum { CHIRP_SIGNALS = 9 };

/** What these signals do at the moment. */
typedef struct chirp_signals {
    struct sigaction of[CHIRP_SIGNALS];
} chirp_signals;

/** Reads it, before a library is started that takes some of them. */
void chirp_signals_read(chirp_signals *signals);

/** Puts it back behind the library. */
void chirp_signals_restore(const chirp_signals *signals);

/**
 * From here to chirp_stop_end() a signal that ends a job doesn't end the process, but is remembered, so that work is saved
 * first: SIGINT, SIGTERM, SIGHUP (a closed terminal), SIGUSR1, SIGUSR2 and SIGALRM (a batch system before its time limit),
 * SIGXCPU and SIGXFSZ (limits on processor time and file size; a write beyond the limit then fails with EFBIG). What was
 * ignored when the process started stays ignored, except SIGINT, which shells let background jobs ignore.
 *
 * @param before  receives what the signals did, for chirp_stop_end()
 * @param tell    NULL, or called in the handler with the number, so it must be signal safe; the same signal a second time
 *                then ends the process at once
 */
void chirp_stop_begin(chirp_signals *before, void (*tell)(int number));

/** The signal that came last since chirp_stop_begin(); 0: none. */
int chirp_stop_signal(void);

void chirp_stop_end(const chirp_signals *before);

/** Adds to `set` the signals that chirp_stop_begin() would catch. */
void chirp_stop_add(sigset_t *set);

#endif
