/**
 * A command of chirpbench: one file under suites/commands/ defines each, suites/chirpbench.c lists them.
 * run() returns the exit code: 0 done, 1 the answer is no, 2 usage or input error with one line on stderr.
 */
#ifndef CHIRP_SUITES_COMMAND_H
#define CHIRP_SUITES_COMMAND_H

#include "harness/base/status.h"

typedef struct chirp_command {
    const char *name;
    const char *summary;               /**< one line for `chirpbench --help` */
    int (*run)(int argc, char **argv); /**< argv[0] is the command's name */
} chirp_command;

/**
 * Prints "chirpbench: <sentence>" on stderr unless status is CHIRP_OK or --help was asked; returns the exit code: 1 when a
 * signal ended the work and what was done is kept.
 */
int chirp_command_exit(chirp_status status);

/** All commands, in the order of `chirpbench --help`; NULL behind the last. */
extern const chirp_command *const chirp_commands[];

/** Says on stderr that there is no such command, and which one is near. @return the exit code */
int chirp_command_unknown(const char *name);

/** `chirpbench help`: the commands, one of them, manual pages and completions (help.c). @return the exit code */
int chirp_command_help(int argc, char **argv);

extern const chirp_command chirp_command_bench;
extern const chirp_command chirp_command_compare;
extern const chirp_command chirp_command_doctor;
extern const chirp_command chirp_command_decompose;
extern const chirp_command chirp_command_describe;
extern const chirp_command chirp_command_exact;
extern const chirp_command chirp_command_infer;
extern const chirp_command chirp_command_export;
extern const chirp_command chirp_command_adapt;
extern const chirp_command chirp_command_calibrate;
extern const chirp_command chirp_command_train;
extern const chirp_command chirp_command_project;
extern const chirp_command chirp_command_report;
extern const chirp_command chirp_command_scale;
extern const chirp_command chirp_command_merge;
extern const chirp_command chirp_command_study;
extern const chirp_command chirp_command_waveform;
extern const chirp_command chirp_command_generate;

#endif
