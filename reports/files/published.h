/** Numbers of other people that plots show beside ours, with their sources. */
#ifndef CHIRP_REPORTS_FILES_PUBLISHED_H
#define CHIRP_REPORTS_FILES_PUBLISHED_H

#include "reports/files/result_files.h"

/**
 * When the folder has results to compare with published numbers (posteriors, scaling) but no published*.json, writes
 * published.json there and adds it to the results. A folder's own file is left as it is, so that users can name their
 * events:
 *
 *     {"published": {"events": [{"name", "gps", "source", "parameters": {"a_f": {"median", "interval_90": [lo, hi]}}}],
 *                    "scaling": [{"machine", "nodes", "efficiency", "source"}]}}
 */
chirp_status chirp_published_complete(chirp_result_files *results);

/** {"nodes", "efficiency", "source"} that projections are compared with: of their own files, else of published.json; or NULL. */
const struct cJSON *chirp_published_scaling(const chirp_result_files *results);

/** The published event within a second of one that infer or exact read; NULL when there is none, or the strain isn't real. */
const struct cJSON *chirp_published_event(const chirp_result_files *results,
                                          const struct cJSON *event);

#endif
