/**
 * Child processes: the same program forked, or another program started. Interrupted calls are repeated and ended children
 * are always collected. A child ends when its parent does.
 *
 *     chirp_process child;
 *     st = chirp_process_fork("SimGrid", -1, &child);
 *     if (st == CHIRP_OK && child.pid == 0)                      // in the child
 *         _exit(chirp_send_all(child.channel, &answer, sizeof answer) ? 0 : 1);
 *     bool whole = st == CHIRP_OK && chirp_receive_all(child.channel, &answer, sizeof answer);
 *     int state = chirp_process_wait(&child);
 */
#ifndef CHIRP_HARNESS_BASE_PROCESS_H
#define CHIRP_HARNESS_BASE_PROCESS_H

#include "harness/base/status.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct chirp_process {
    /** 0 in the child that chirp_process_fork() made. */
    pid_t pid;
    /** This side's end of a stream socket to the other process; -1 without one. */
    int channel;
} chirp_process;

/** Path of the program that runs; false where /proc doesn't tell, or when it is longer than `size`: path is then "". */
bool chirp_program_path(char *path, size_t size);

/** A program to start. */
typedef struct chirp_command_line {
    /** argv[0] is looked for in PATH; NULL ends it. */
    char *const *argv;
    /** Descriptors that become its standard input, output and error output; -1 as input: /dev/null. */
    int in, out, err;
    /** Puts it into a process group of its own: a Ctrl-C on the terminal doesn't reach it. */
    bool own_group;
    /** The signals it blocks; NULL: those that this process blocks. */
    const sigset_t *mask;
} chirp_command_line;

/**
 * Forks, with a socket between both; returns in both processes. Buffered output is flushed before. In the child, crashes
 * have the system's default effect and _exit() must end it, so that the parent's exit handlers don't run twice. Call it
 * only while this process has no other thread that matters: a child has none.
 * @param what     names the purpose in an error
 * @param err      a descriptor that becomes the child's error output, -1: none
 * @param process  the caller ends it with chirp_process_wait()
 * @return CHIRP_OK, CHIRP_ERR_LIBRARY; no child exists then
 */
chirp_status chirp_process_fork(const char *what, int err, chirp_process *process);

/**
 * Starts a program; its channel is -1.
 * @return CHIRP_OK, CHIRP_ERR_UNSUPPORTED (the program can't be run; the sentence has the reason), CHIRP_ERR_LIBRARY
 */
chirp_status chirp_process_start(const chirp_command_line *line, chirp_process *process);

/** Closes the channel and waits for the end. @return the state as waitpid() gives it, 127 << 8 when the child is lost */
int chirp_process_wait(chirp_process *process);

/** Collects the child if it has ended. @return whether it has; *state as above */
bool chirp_process_ended(chirp_process *process, int *state);

/** The exit code that a shell would show: the program's own, or 128 and the signal's number. */
int chirp_process_exit_code(int state);

/** Sends `length` bytes into a channel. False when the other end is gone, which raises no signal. */
bool chirp_send_all(int channel, const void *bytes, size_t length);

/** Receives `length` bytes; false at the end of the stream before that. */
bool chirp_receive_all(int channel, void *bytes, size_t length);

#endif
