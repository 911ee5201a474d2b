/** The exact posterior as `exact` and `infer --exact` print and write it. */
#ifndef CHIRP_SUITES_COMMANDS_EXACT_OUTPUT_H
#define CHIRP_SUITES_COMMANDS_EXACT_OUTPUT_H

#include "model/inference/exact.h"

struct cJSON;

/** A table of all quantities, and how the chains did. @param truth  [CHIRP_EXACT_QUANTITIES] or NULL */
void exact_print(const chirp_exact_result *result, const double *truth);

/**
 * {"method": ..., "parameters": {"m1": {"median", "mean", "std", "interval_50", "interval_90", "r_hat", "effective_draws",
 * "samples"}, ...}, "snr": [one of each detector], "merger_s": likewise, "r_hat", "effective_draws", "waveforms", "acceptance",
 * "seconds", "doubts": []}; NULL without memory.
 */
struct cJSON *exact_json(const chirp_exact_result *result);

#endif
