/**
 * Windows that are no training signals, to measure what tells them from training signals: noise alone, glitches, lines, gaps and
 * mergers at a time that training doesn't have. Each is a pure function of (the generator's seed, index, kind).
 */
#ifndef CHIRP_MODEL_SIGNAL_INTRUDERS_H
#define CHIRP_MODEL_SIGNAL_INTRUDERS_H

#include "harness/base/status.h"
#include "model/signal/generator.h"

typedef enum chirp_intruder {
    CHIRP_INTRUDER_NONE,  /**< a training signal */
    CHIRP_INTRUDER_NOISE, /**< no signal */
    /**
     * A sine-Gaussian exp(-(t - t0)^2 / tau^2) cos(2 pi f (t - t0) + phase), tau = Q / (sqrt(2) pi f), in whitened noise without
     * a signal: f from 50 to 500 Hz and Q from 3 to 30, log-uniform, t0 uniform from 5 to 95 % of the window
     */
    CHIRP_INTRUDER_GLITCH,
    CHIRP_INTRUDER_GLITCH_BESIDE, /**< the same beside a training signal */
    /** a sinusoid through the whole window beside a training signal: 1.5 times the band's low end to 0.7 of its high end, log-uniform */
    CHIRP_INTRUDER_LINE,
    /** half of the window is zero, up to a time uniform from 60 to 100 % of the window, over a training signal */
    CHIRP_INTRUDER_GAP,
    CHIRP_INTRUDER_EARLY, /**< a signal whose merger is uniform from 0.15 to 0.8 of the earliest of training */
    CHIRP_INTRUDERS
} chirp_intruder;

/** "training signals", "noise alone", ... for tables. */
extern const char *const chirp_intruder_name[CHIRP_INTRUDERS];

/**
 * @param snr     of a glitch or a line: the root of its sum of squares in whitened strain, in standard deviations of white noise
 *                before the band-pass, as a signal's; of other kinds not used
 * @param window  [length] of a generator with one detector and Gaussian noise; normalised as training signals are
 * @param scale   receives the window's, as chirp_likeness_measure() wants it; or NULL
 */
chirp_status chirp_intruder_make(chirp_generator *generator, chirp_intruder kind, double snr,
                                 uint64_t index, float *window, double *scale);

#endif
