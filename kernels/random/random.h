/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, doi:10.1145/2063384.2063405).
 *
 * A draw is a pure function of (seed, stream, index): never of thread, rank or call order, so one seed
 * gives the same weight noise, dropout and data for any number of threads and across a resume.
 * Element i of a call is draw number `first + i` of the stream, whatever the length of the call.
 *
 * A stream serves one kind of draw (normal, uniform, double, sign): kinds share the words underneath.
 * Normals are Box-Muller pairs in single precision, |z| <= 6.66 (a larger one has probability 3e-11).
 */
#ifndef CHIRP_KERNELS_RANDOM_RANDOM_H
#define CHIRP_KERNELS_RANDOM_RANDOM_H

#include <stdint.h>

typedef struct chirp_rng {
    uint64_t seed;   /**< the Philox key */
    uint64_t stream; /**< upper half of the counter: see chirp_rng_stream() */
} chirp_rng;

/** What a stream is for; keeps purposes apart. */
typedef enum chirp_rng_purpose {
    CHIRP_RNG_INIT = 1,     /**< initial weights */
    CHIRP_RNG_WEIGHT_NOISE, /**< epsilon of variational layers */
    CHIRP_RNG_DROPOUT,
    CHIRP_RNG_SIGNS,  /**< Flipout */
    CHIRP_RNG_SIGNAL, /**< parameters of a training signal */
    CHIRP_RNG_NOISE,  /**< detector noise of a training signal */
    CHIRP_RNG_SHUFFLE,
    CHIRP_RNG_PREDICTIVE, /**< posterior predictive draws */
    CHIRP_RNG_TEST,
    CHIRP_RNG_CHAIN,      /**< Markov chains of the exact posterior */
    CHIRP_RNG_CURVE,      /**< noise curve of a training signal */
    CHIRP_RNG_CURVE_ERROR /**< how that curve misses the truth */
} chirp_rng_purpose;

/**
 * A stream: purpose (8 bits), which (16 bits: layer, detector, ...), step (40 bits: iteration, signal
 * index, ...). Different triples never share a number; higher bits of `which` and `step` are cut off.
 */
chirp_rng chirp_rng_stream(uint64_t seed, chirp_rng_purpose purpose, uint32_t which, uint64_t step);

/** Bits of chirp_rng_stream_part()'s fields. */
enum { CHIRP_RNG_PART_WHICH_BITS = 10, CHIRP_RNG_PART_BITS = 16, CHIRP_RNG_PART_STEP_BITS = 30 };

/**
 * A stream with a fourth field: purpose (8 bits), which (10 bits), step (30 bits), part (16 bits: what is drawn apart within
 * a step, such as the passes of all ranks). Different tuples never share a number; part 0 is chirp_rng_stream(). Higher bits
 * are cut off, so callers check their ranges once.
 */
chirp_rng chirp_rng_stream_part(uint64_t seed, chirp_rng_purpose purpose, uint32_t which,
                                uint64_t step, uint32_t part);

/** The raw generator: counter {index, stream} -> four 32-bit words; known-answer tested. */
void chirp_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/** Standard normal numbers, draws first .. first + n - 1, vectorised. Serial: the caller splits work over threads. */
void chirp_rng_normal(chirp_rng rng, uint64_t first, int64_t n, float *out);

/** Uniform numbers in (0, 1): never 0, never 1. */
void chirp_rng_uniform(chirp_rng rng, uint64_t first, int64_t n, float *out);

/** One uniform number in (0, 1) with 52 random bits, for parameters of a signal. */
double chirp_rng_uniform_double(chirp_rng rng, uint64_t index);

/** Signs +1 or -1 with probability one half each (Flipout). */
void chirp_rng_sign(chirp_rng rng, uint64_t first, int64_t n, float *out);

#endif
