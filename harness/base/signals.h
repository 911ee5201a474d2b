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
 * SIGXCPU, SIGXFSZ) back to what they were when the process started: ignored or the system's default. Call it first in
 * main().
 */
void chirp_signals_put_back(void);

enum { CHIRP_SIGNALS = 8 };

/** What these signals do at the moment. */
typedef struct chirp_signals {
    struct sigaction of[CHIRP_SIGNALS];
} chirp_signals;

/** Reads it, before a library is started that takes some of them. */
void chirp_signals_read(chirp_signals *signals);

/** Puts it back behind the library. */
void chirp_signals_restore(const chirp_signals *signals);

#endif
