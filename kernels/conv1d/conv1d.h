/**
 * 1-D dilated convolution with optional bias, ReLU and max pool fused in: forward and both gradients.
 *
 * Formula (a cross-correlation, as in PyTorch and TensorFlow), rightmost index contiguous:
 *
 *     pre[n][q][k] = bia[k] + sum_{c,s} wei[k][c][s] * src[n][q + s*dilation - pad_left][c]
 *     act[n][q][k] = relu ? max(pre, 0) : pre
 *     dst[n][p][k] = max_{0 <= j < pool} act[n][p*pool + j][k]
 *
 *   src  [N][W][C]   channels last: the channels of one sample in time are a vector
 *   wei  [K][C][S]   taps, in the order of PyTorch's Conv1d.weight
 *   bia  [K]
 *   dst  [N][P][K]   P = Q / pool, the Q % pool last positions are dropped (TensorFlow "valid" pooling)
 *   code [N][P][K]   uint8, what the backward passes need of the forward pass when relu or pool > 1:
 *                    the j that won its window (the smallest among equals), or
 *                    CHIRP_CONV1D_INACTIVE where ReLU cut the winner (act <= 0): no gradient passes
 *
 * Q = W + pad_left + pad_right - (S - 1)*dilation. Taps outside [0, W) read as zero.
 *
 * Life of a plan: create -> load_weights (again after every change of weights) -> forward,
 * backward_data, backward_weights in any order -> destroy. The plan owns packed weights, weight
 * spectra, JIT handles and scratch, so one plan serves one caller at a time; the caller owns tensors.
 * Nothing but create allocates. Each call opens one parallel region of desc.n_threads.
 * Results are bitwise the same for every number of threads: sums run in an order fixed by the shape.
 */
#ifndef CHIRP_KERNELS_CONV1D_CONV1D_H
#define CHIRP_KERNELS_CONV1D_CONV1D_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { CHIRP_CONV1D_INACTIVE = 255, CHIRP_CONV1D_MAX_POOL = 16 };

/**
 * The engine table: every algorithm, X(CONSTANT, name). Its order is the order in which AUTO, tests and benchmarks take them.
 * AUTO chooses from the fast ones. To add one: a file with `const conv1d_engine conv1d_engine_<name>` (conv1d_internal.h),
 * its row here, the file in CMakeLists.txt. Everything else asks this table.
 *
 *     direct      batch-reduce GEMM over the taps
 *     transform   overlap-save Fourier tiles, products as small GEMMs
 *     reference   plain loops: slow and obvious
 */
#define CHIRP_CONV1D_FAST_ENGINES(X)                                                               \
    X(DIRECT, direct)                                                                              \
    X(TRANSFORM, transform)
#define CHIRP_CONV1D_ENGINES(X) CHIRP_CONV1D_FAST_ENGINES(X) X(REFERENCE, reference)

#define CHIRP_CONV1D_CONSTANT(constant, name) CHIRP_CONV1D_##constant,
typedef enum chirp_conv1d_algorithm {
    CHIRP_CONV1D_AUTO = 0, /**< the fastest per pass and shape; says which and why */
    CHIRP_CONV1D_ENGINES(CHIRP_CONV1D_CONSTANT) /* from 1 on */
    CHIRP_CONV1D_ALGORITHMS                     /**< their number, AUTO included */
} chirp_conv1d_algorithm;
#undef CHIRP_CONV1D_CONSTANT

typedef enum chirp_conv1d_pass {
    CHIRP_CONV1D_FORWARD = 0,
    CHIRP_CONV1D_BACKWARD_DATA,
    CHIRP_CONV1D_BACKWARD_WEIGHTS,
    CHIRP_CONV1D_PASSES
} chirp_conv1d_pass;

typedef struct chirp_conv1d_desc {
    int64_t N, C, K, W, S; /**< batch, in channels, filters, width [samples], taps; all >= 1 */
    int64_t dilation;      /**< [samples] >= 1; 1 is dense */
    int64_t pad_left, pad_right; /**< [samples] >= 0 */
    bool relu;
    int64_t pool; /**< window = stride of the max pool, 1 (none) to CHIRP_CONV1D_MAX_POOL */
    chirp_conv1d_algorithm algorithm;
    int n_threads;  /**< 0: omp_get_max_threads() when the plan is made */
    bool perturbed; /**< the *_perturbed calls will be made; at least 8 channels on both sides */
} chirp_conv1d_desc;

/**
 * Signs of Flipout (Wen et al. 2018, arXiv:1803.04386), each -1 or +1. Row n of the batch is convolved with weights of its own,
 *     wei[k][c][s] + out[n][k] * in[n][c] * delta[k][c][s].
 * Signs are constant in time, so they commute with the Fourier transform: the transform algorithm applies them to
 * spectra, and a perturbed pass costs a second product, but no second transform and nothing at full length.
 */
typedef struct chirp_conv1d_signs {
    const float *in;  /**< [N][C] */
    const float *out; /**< [N][K] */
} chirp_conv1d_signs;

typedef struct chirp_conv1d_plan chirp_conv1d_plan;

/** "auto" or the name of an engine. @param algorithm  less than CHIRP_CONV1D_ALGORITHMS */
const char *chirp_conv1d_algorithm_name(chirp_conv1d_algorithm algorithm);

/**
 * Whether plans with desc->algorithm do a pass of this shape: false where chirp_conv1d_plan_create() would say
 * CHIRP_ERR_UNSUPPORTED. @param desc  valid otherwise
 */
bool chirp_conv1d_supports(const chirp_conv1d_desc *desc, chirp_conv1d_pass pass);

/** Fills pad_left and pad_right with TensorFlow's "same" padding: (S-1)*dilation in all, the smaller half left. */
void chirp_conv1d_pad_same(chirp_conv1d_desc *desc);

/** Width before pooling (Q) of a valid descriptor. */
int64_t chirp_conv1d_out_width(const chirp_conv1d_desc *desc);

/** Width after pooling (P). */
int64_t chirp_conv1d_pooled_width(const chirp_conv1d_desc *desc);

/** Operations of the direct method, 2*N*K*C*S*Q, the same for each pass [flop]; effective_GFLOPS counts these. */
double chirp_conv1d_flops(const chirp_conv1d_desc *desc);

/** Least bytes a pass must move: every tensor it names once [byte]. */
double chirp_conv1d_bytes(const chirp_conv1d_desc *desc, chirp_conv1d_pass pass);

/** CHIRP_OK, or CHIRP_ERR_ARG with a sentence that names the impossible field. */
chirp_status chirp_conv1d_check(const chirp_conv1d_desc *desc);

/**
 * Checks the shape, chooses algorithm and blocking per pass, allocates scratch, dispatches JIT code.
 * @return CHIRP_OK; CHIRP_ERR_ARG: impossible shape (the sentence names the field), nothing allocated;
 *         CHIRP_ERR_NOMEM; CHIRP_ERR_LIBRARY: libxsmm can't make a kernel;
 *         CHIRP_ERR_UNSUPPORTED: the algorithm can't do a pass of this shape, or no algorithm can do it perturbed
 */
chirp_status chirp_conv1d_plan_create(const chirp_conv1d_desc *desc, chirp_conv1d_plan **plan);

/** Accepts NULL. */
void chirp_conv1d_plan_destroy(chirp_conv1d_plan *plan);

/** The algorithm a pass will run, never AUTO. */
chirp_conv1d_algorithm chirp_conv1d_plan_algorithm(const chirp_conv1d_plan *plan,
                                                   chirp_conv1d_pass pass);

/** One line: algorithm, blocking and why it was chosen; owned by the plan. */
const char *chirp_conv1d_plan_describe(const chirp_conv1d_plan *plan, chirp_conv1d_pass pass);

/** Operations a pass (the perturbed one if desc.perturbed) really performs with the chosen algorithm [flop]; GFLOPS counts these. */
double chirp_conv1d_plan_flops(const chirp_conv1d_plan *plan, chirp_conv1d_pass pass);

/**
 * Bytes a pass moves between the second-level cache and what is behind it, by the algorithm's own model of its loops
 * (a read for ownership before a write isn't counted): compare with chirp_conv1d_bytes(), the least possible.
 * NAN when the algorithm has no such model.
 */
double chirp_conv1d_plan_bytes(const chirp_conv1d_plan *plan, chirp_conv1d_pass pass);

/** Packs (and transforms) weights for forward and backward_data. wei [K][C][S] is not kept. */
void chirp_conv1d_load_weights(chirp_conv1d_plan *plan, const float *wei);

/**
 * @param bia   NULL for no bias
 * @param code  NULL when no backward pass follows, or when the layer has neither ReLU nor pool
 */
void chirp_conv1d_forward(chirp_conv1d_plan *plan, const float *src, const float *bia, float *dst,
                          uint8_t *code);

/**
 * dsrc[n][w][c] = sum_{k,s} wei[k][c][s] * dpre[n][w + pad_left - s*dilation][k]
 * where dpre [N][Q][K] is ddst [N][P][K] routed through pool and ReLU by `code`.
 * @param dsrc  [N][W][C], overwritten
 */
void chirp_conv1d_backward_data(chirp_conv1d_plan *plan, const float *ddst, const uint8_t *code,
                                float *dsrc);

/**
 * dwei[k][c][s] = sum_{n,q} dpre[n][q][k] * src[n][q + s*dilation - pad_left][c],   dbia[k] = sum_{n,q} dpre
 * @param dwei  [K][C][S], overwritten
 * @param dbia  [K], overwritten; NULL when not wanted
 */
void chirp_conv1d_backward_weights(chirp_conv1d_plan *plan, const float *src, const float *ddst,
                                   const uint8_t *code, float *dwei, float *dbia);

/**
 * Both gradients in one call, which shares the routing (and transforms) of ddst between them.
 * Equal to the two calls above up to rounding. dsrc may be NULL (first layer).
 */
void chirp_conv1d_backward(chirp_conv1d_plan *plan, const float *src, const float *ddst,
                           const uint8_t *code, float *dsrc, float *dwei, float *dbia);

/* ---- perturbed weights: plans with desc.perturbed only, which still do all of the above with wei alone ------------ */

/** Transforms delta [K][C][S], which is not kept, for the perturbed passes; wei comes through load_weights as ever. */
void chirp_conv1d_load_perturbation(chirp_conv1d_plan *plan, const float *delta);

/** Forward with the weights of each row, see chirp_conv1d_signs; the rest as chirp_conv1d_forward(). */
void chirp_conv1d_forward_perturbed(chirp_conv1d_plan *plan, const chirp_conv1d_signs *signs,
                                    const float *src, const float *bia, float *dst, uint8_t *code);

/** Where a perturbed backward pass puts its results; all are overwritten. */
typedef struct chirp_conv1d_perturbed_gradients {
    float *dsrc;   /**< as in chirp_conv1d_backward(); may be NULL */
    float *dwei;   /**< [K][C][S] */
    float *ddelta; /**< [K][C][S]: sum_n out[n][k] in[n][c] (row n's share of dwei) */
    float *dbia;   /**< [K]; may be NULL */
} chirp_conv1d_perturbed_gradients;

/** All gradients of the perturbed forward pass; the rest as chirp_conv1d_backward(). */
void chirp_conv1d_backward_perturbed(chirp_conv1d_plan *plan, const chirp_conv1d_signs *signs,
                                     const float *src, const float *ddst, const uint8_t *code,
                                     const chirp_conv1d_perturbed_gradients *gradients);

#endif
