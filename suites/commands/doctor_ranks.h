/** The doctor under mpiexec or srun: one table of all ranks, with what differs between them. */
#ifndef CHIRP_SUITES_COMMANDS_DOCTOR_RANKS_H
#define CHIRP_SUITES_COMMANDS_DOCTOR_RANKS_H

#include "harness/base/status.h"

#include <stdbool.h>

/** What `chirpbench doctor` was asked for. */
typedef struct chirp_doctor_options {
    double budget_s;       /**< time of each single measurement [s] */
    bool describe_only;    /**< measure nothing */
    const char *json_path; /**< NULL: no file */
} chirp_doctor_options;

/**
 * Collective over all ranks, after chirp_parallel_init(): each describes its computer, and measures it at the same time as the
 * others, as training uses it. Rank 0 prints the table, marks what differs from the other ranks, and writes the file.
 * @return the same on every rank: CHIRP_OK; CHIRP_ERR_NOMEM, CHIRP_ERR_IO, or what measuring returns
 */
chirp_status chirp_doctor_ranks(const chirp_doctor_options *options);

#endif
