/**
 * One curve from the results of several jobs: a job that holds 512 nodes while one rank runs is dear, so each node count has a
 * job of its own and results are merged. Every row stays as its job measured it, with the efficiency against that job's own
 * one-rank step; where several jobs have a row, the one of median efficiency stands in the curve and all are named in it.
 */
#ifndef CHIRP_SUITES_SCALING_MEASURED_MERGE_H
#define CHIRP_SUITES_SCALING_MEASURED_MERGE_H

#include "harness/base/status.h"

struct cJSON;

/**
 * @param paths   [n], files of chirpbench scale --json
 * @param merged  receives a document of the same kind; cJSON_Delete() it
 * @return CHIRP_ERR_ARG when the jobs differ in more than ranks (program, network, batch, threads, ...), naming the first such
 *         difference, or one was given twice; CHIRP_ERR_FORMAT for rows that aren't scale's; errors of chirp_document_read()
 */
chirp_status chirp_scale_merge(char *const *paths, int n, struct cJSON **merged);

/** The merged curve as a table on stdout. */
void chirp_scale_merge_print(const struct cJSON *merged);

#endif
