/**
 * What the algorithms of conv1d share: the engine table, the fused epilogue of the forward pass, the routing of
 * gradients back through pool and ReLU, the bias gradient. Private to kernels/conv1d.
 *
 * An algorithm is an engine: a table of functions over its own state. A plan checks the descriptor, chooses an
 * engine per pass, and forwards each call. To add one, see CHIRP_CONV1D_ENGINES in conv1d.h.
 */
#ifndef CHIRP_KERNELS_CONV1D_CONV1D_INTERNAL_H
#define CHIRP_KERNELS_CONV1D_CONV1D_INTERNAL_H

#include "harness/base/status.h"
#include "kernels/conv1d/conv1d.h"

#include <omp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONV1D_ALIGN_FLOATS = 16
}; /**< scratch blocks per thread start on this many floats (a cache line) */

/** Bits of `passes` in conv1d_engine.create. */
#define CONV1D_PASS_BIT(pass) (1u << (unsigned)(pass))

/**
 * One algorithm. Every function that takes `const chirp_conv1d_desc *` gets a checked one: extents possible, no size
 * overflows int64_t, n_threads >= 1 resolved. Execute functions open one parallel region of desc->n_threads,
 * allocate nothing, can't fail, and give the same bits for every n_threads.
 */
typedef struct conv1d_engine {
    chirp_conv1d_algorithm algorithm;

    /**
     * Predicted time of a pass, for AUTO: a pure function of the shape and the instruction set (never a
     * measurement: the choice changes rounding, and one seed must give the same bits on every run).
     * Unit: multiply-adds at the peak of one thread's FMA units, so a perfect direct pass costs
     * chirp_conv1d_flops(desc)/2. INFINITY: this engine can't do the pass for this shape.
     */
    double (*cost)(const chirp_conv1d_desc *desc, chirp_conv1d_pass pass);

    /**
     * Makes the state for the passes in `passes` (CONV1D_PASS_BIT) and copies *desc; others are never called.
     * @return CHIRP_OK; CHIRP_ERR_NOMEM; CHIRP_ERR_LIBRARY; CHIRP_ERR_UNSUPPORTED when cost() says INFINITY.
     *         On failure nothing stays allocated and *state is untouched.
     */
    chirp_status (*create)(const chirp_conv1d_desc *desc, unsigned passes, void **state);
    void (*destroy)(void *state); /**< accepts NULL */

    void (*load_weights)(void *state, const float *wei);
    void (*forward)(void *state, const float *src, const float *bia, float *dst, uint8_t *code);
    void (*backward_data)(void *state, const float *ddst, const uint8_t *code, float *dsrc);
    /** dbia may be NULL */
    void (*backward_weights)(void *state, const float *src, const float *ddst, const uint8_t *code,
                             float *dwei, float *dbia);
    /** Both at once, sharing work on ddst; NULL: the plan calls the two above. dsrc is never NULL here. */
    void (*backward)(void *state, const float *src, const float *ddst, const uint8_t *code,
                     float *dsrc, float *dwei, float *dbia);

    /** desc->perturbed: see conv1d.h. All three or none (NULL: plans with perturbed weights never get this engine). */
    void (*load_perturbation)(void *state, const float *delta);
    void (*forward_perturbed)(void *state, const chirp_conv1d_signs *signs, const float *src,
                              const float *bia, float *dst, uint8_t *code);
    void (*backward_perturbed)(void *state, const chirp_conv1d_signs *signs, const float *src,
                               const float *ddst, const uint8_t *code,
                               const chirp_conv1d_perturbed_gradients *gradients);

    /** Operations really performed by a pass [flop]. */
    double (*flops)(const void *state, chirp_conv1d_pass pass);
    /** Bytes between L2 and what is behind it, as chirp_conv1d_plan_bytes() says; NULL: no model. */
    double (*bytes)(const void *state, chirp_conv1d_pass pass);
    /** Writes blocking and tile sizes, "m 32, n 54, 4 blocks", without the engine's name; one line. */
    void (*describe)(const void *state, chirp_conv1d_pass pass, char *text, size_t size);
} conv1d_engine;

#define CONV1D_DECLARE(constant, name) extern const conv1d_engine conv1d_engine_##name;
CHIRP_CONV1D_ENGINES(CONV1D_DECLARE)
#undef CONV1D_DECLARE

/** The engine of an algorithm; NULL for AUTO. */
const conv1d_engine *conv1d_engine_of(chirp_conv1d_algorithm algorithm);

/* ---- forward: bias, ReLU, max pool and code, fused ---------------------------------------------------------- */

/**
 * Turns pre-activations of one sample into pooled outputs:
 * for p in [0, n_rows/pool), k in [0, n_channels):
 *     dst[p*K + k], code[p*K + k]  from  pre[(p*pool + j)*ld + k] + bia[k], 0 <= j < pool
 *
 * NaN stays visible: it wins its window and passes ReLU.
 *
 * @param desc        K, relu, pool are read
 * @param pre         [n_rows][ld], first row at a position that is a multiple of pool; ld >= n_channels; up to a
 *                    vector (64 bytes) behind the last channel of a row may be loaded
 * @param n_rows      a multiple of pool; the caller drops positions from P*pool on
 * @param n_channels  a block of channels: bia, dst, code point at the block's first one
 * @param bia         NULL for none
 * @param dst         row p at dst + p*K
 * @param code        NULL when not wanted; row p at code + p*K
 */
void conv1d_epilogue(const chirp_conv1d_desc *desc, const float *pre, int64_t ld, int64_t n_rows,
                     int64_t n_channels, const float *bia, float *dst, uint8_t *code);

/* ---- backward: from ddst and code to dpre ---------------------------------------------------------------------- */

/**
 * Rows [q0, q1) of one sample's dpre, a block of channels:
 * dpre[(q - q0)*ld + k] = ddst[p*K + k] if q == p*pool + code[p*K + k], else 0.
 * q0 may be negative and q1 beyond Q: rows outside [0, P*pool) become 0, so a halo costs the caller nothing.
 * Channels n_channels..ld-1 of a row are left alone.
 *
 * @param desc        K, relu, pool and the width are read
 * @param ddst        the sample's [P][K], pointing at the block's first channel
 * @param code        likewise; ignored (may be NULL) when the layer has neither ReLU nor pool
 */
void conv1d_route(const chirp_conv1d_desc *desc, const float *ddst, const uint8_t *code, int64_t q0,
                  int64_t q1, int64_t n_channels, float *dpre, int64_t ld);

/** sum[k] = sum_p of one sample's routed ddst, all K channels, in an order fixed by the shape. sum [K]. */
void conv1d_bias_partial(const chirp_conv1d_desc *desc, const float *ddst, const uint8_t *code,
                         float *sum);

/** dbia[k] = sum_n partial[n][k], in order of n, in double. partial [N][K] from conv1d_bias_partial(). */
void conv1d_bias_finish(const chirp_conv1d_desc *desc, const float *partial, float *dbia);

/** True when the passes back need `code`. */
static inline bool conv1d_needs_code(const chirp_conv1d_desc *desc)
{
    return desc->relu || desc->pool > 1;
}

/* ---- small helpers -------------------------------------------------------------------------------------------- */

/** Share of n items that thread `id` of `n_threads` takes: [*begin, *end), contiguous and as even as can be. */
static inline void conv1d_share(int64_t n, int id, int n_threads, int64_t *begin, int64_t *end)
{
    *begin = n * id / n_threads;
    *end = n * (id + 1) / n_threads;
}

/**
 * Items that a thread of this team takes at once from n of a loop with schedule(dynamic): few enough that the others take
 * over the work of a thread that lost its core, enough that threads don't queue for numbers and that neighbours in
 * memory mostly stay together. For items that don't care who computes them: each has outputs of its own.
 */
static inline int64_t conv1d_chunk(int64_t n)
{
    const int64_t chunk = n / (16 * (int64_t)omp_get_num_threads());
    return chunk > 1 ? chunk : 1;
}

static inline int64_t conv1d_min(int64_t a, int64_t b) { return a < b ? a : b; }

static inline int64_t conv1d_max(int64_t a, int64_t b) { return a > b ? a : b; }

static inline int64_t conv1d_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static inline int64_t conv1d_round_up(int64_t a, int64_t to) { return (a + to - 1) / to * to; }

#endif
