/**
 * The study's curriculum: signals get weaker as training goes on. Stages begin at given iterations; which stage a signal belongs
 * to depends on its index alone, so a resumed run or another number of ranks sees the same signals.
 */
#ifndef CHIRP_MODEL_SIGNAL_CURRICULUM_H
#define CHIRP_MODEL_SIGNAL_CURRICULUM_H

#include "harness/base/status.h"

#include <stdint.h>

enum { CHIRP_CURRICULUM_STAGES = 16 };

typedef struct chirp_curriculum {
    int n;
    struct {
        /** iteration, or signal index once chirp_curriculum_signals() was applied */
        uint64_t first;
        double snr_min, snr_max;
    } stage[CHIRP_CURRICULUM_STAGES];
} chirp_curriculum;

/**
 * Reads "0:60-100,9000:40-80,18000:30-60": iteration:least-largest SNR, iterations rising from 0. "study" stands for falling SNR switched at
 * the study's iterations 9000, 18000, 27000, 36000, 48000 and 60000 (its SNR values are not public: 60-100 down to 10-30 here).
 */
chirp_status chirp_curriculum_parse(const char *text, chirp_curriculum *curriculum);

/** From iterations to signal indices: every iteration takes `per_iteration` signals (batch times ranks). */
void chirp_curriculum_signals(chirp_curriculum *curriculum, uint64_t per_iteration);

#endif
