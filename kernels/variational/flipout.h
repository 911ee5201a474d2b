/**
 * Flipout's signs (Wen et al. 2018, arXiv:1803.04386): one weight draw delta = sigma * eps is shared by a batch, and
 * every row n flips it by its own signs, which makes the rows' perturbations uncorrelated:
 *
 *     y_n = x_n * mu + s_n o ( (x_n o r_n) * delta )        r_n in {-1, +1}^inputs, s_n in {-1, +1}^outputs
 *
 * The product may be dense or a convolution: signs belong to (row, channel) and are the same at every position of a
 * row, as in the paper's section 3.2. These are the elementwise parts; the products are two calls of
 * kernels/dense or kernels/conv1d (without bias, ReLU and pool for the second). Sign (n, c) is draw
 * (first_row + n) * channels + c of its stream, so ranks and pieces of a batch agree with the whole.
 *
 * Tensors are [rows][positions][channels], rightmost contiguous; a dense layer has positions = 1. All functions are
 * parallel over rows and positions, and bitwise the same for any number of threads.
 */
#ifndef CHIRP_KERNELS_VARIATIONAL_FLIPOUT_H
#define CHIRP_KERNELS_VARIATIONAL_FLIPOUT_H

#include "kernels/random/random.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct chirp_flipout {
    int64_t rows, positions, channels; /**< extents of the tensor that signs are applied to */
    chirp_rng rng;                     /**< the signs' stream: one for r, another for s */
    uint64_t first_row;                /**< number of row 0 in the whole batch */
    int n_threads;                     /**< 0: omp_get_max_threads() */
} chirp_flipout;

/** dst = sign o src. In place is allowed. */
void chirp_flipout_sign(const chirp_flipout *f, const float *src, float *dst);

/** dst += sign o src: joins the two products, or their gradients with respect to the input. */
void chirp_flipout_add(const chirp_flipout *f, const float *src, float *dst);

/**
 * For convolutions with ReLU and max pool: pre = mean + sign o perturbation, then ReLU (if relu) and the maximum over
 * windows of `pool` positions; positions counts before the pool. mean has the bias in it.
 * @param dst   [rows][positions / pool][channels]
 * @param code  as in kernels/conv1d/conv1d.h: the winner of each window or CHIRP_CONV1D_INACTIVE; may be NULL
 */
void chirp_flipout_finish(const chirp_flipout *f, bool relu, int64_t pool, const float *mean,
                          const float *perturbation, float *dst, uint8_t *code);

/**
 * Its gradient: routes ddst back to the winners (elsewhere 0) and makes both products' gradients.
 * @param code           NULL when the layer has neither ReLU nor pool
 * @param dmean          [rows][positions][channels], overwritten
 * @param dperturbation  the same, overwritten by sign o dmean
 */
void chirp_flipout_finish_backward(const chirp_flipout *f, int64_t pool, const float *ddst,
                                   const uint8_t *code, float *dmean, float *dperturbation);

#endif
