/**
 * Dense (fully connected) layer: the forward pass by dot products of our own, both gradients by libxsmm GEMM.
 *
 *     dst[n][o] = act( bia[o] + sum_i wei[o][i] * src[n][i] )        act: none, ReLU or tanh
 *
 *   src [N][I], wei [O][I] (PyTorch's Linear.weight), bia [O], dst [N][O], rightmost index contiguous.
 *
 * Each call opens one parallel region; bitwise the same for every number of threads, and a row of dst does not
 * depend on the other rows. Outputs overlap no input. Any alignment is correct; up to 64 bytes behind the end of
 * src, wei and dpre are loaded (never stored), which chirp_alloc() blocks have.
 * Cost: 2*N*I*O flop a pass, at least 4*(N*I + I*O + N*O) bytes moved.
 */
#ifndef CHIRP_KERNELS_DENSE_DENSE_H
#define CHIRP_KERNELS_DENSE_DENSE_H

#include "harness/base/status.h"

#include <stdint.h>

typedef enum chirp_activation {
    CHIRP_ACTIVATION_NONE = 0,
    CHIRP_ACTIVATION_RELU,
    CHIRP_ACTIVATION_TANH,
    CHIRP_ACTIVATIONS
} chirp_activation;

/** "none", "relu", "tanh". */
extern const char *const chirp_activation_name[CHIRP_ACTIVATIONS];

typedef struct chirp_dense_desc {
    int64_t N, I, O; /**< rows, inputs, outputs; all >= 1 */
    chirp_activation activation;
    int n_threads; /**< 0: omp_get_max_threads() when the plan is made */
} chirp_dense_desc;

/** CHIRP_OK, or CHIRP_ERR_ARG with a sentence that names the impossible field. */
chirp_status chirp_dense_check(const chirp_dense_desc *desc);

typedef struct chirp_dense_plan chirp_dense_plan;

chirp_status chirp_dense_plan_create(const chirp_dense_desc *desc, chirp_dense_plan **plan);
void chirp_dense_plan_destroy(chirp_dense_plan *plan); /**< accepts NULL */

/* plan_create: CHIRP_ERR_ARG for an impossible descriptor, CHIRP_ERR_NOMEM, CHIRP_ERR_LIBRARY; *plan is then untouched. */

/** Operations of one pass, 2*N*I*O [flop]. */
double chirp_dense_flops(const chirp_dense_desc *desc);

/** @param bia  NULL for no bias */
void chirp_dense_forward(chirp_dense_plan *plan, const float *src, const float *wei,
                         const float *bia, float *dst);

/**
 * Turns ddst into the gradient before the activation, in place: ddst *= act'(dst) (act' from the output:
 * ReLU dst > 0, tanh 1 - dst^2). Call it once before the two passes below; a no-op for ACTIVATION_NONE.
 */
void chirp_dense_backward_activation(chirp_dense_plan *plan, const float *dst, float *ddst);

/** dsrc[n][i] = sum_o dpre[n][o] * wei[o][i], overwritten */
void chirp_dense_backward_data(chirp_dense_plan *plan, const float *dpre, const float *wei,
                               float *dsrc);

/** dwei[o][i] = sum_n dpre[n][o] * src[n][i];  dbia[o] = sum_n dpre[n][o]; both overwritten, dbia may be NULL */
void chirp_dense_backward_weights(chirp_dense_plan *plan, const float *src, const float *dpre,
                                  float *dwei, float *dbia);

/**
 * Mean and variance of the pre-activations when the weights are independent with these means and variances (local
 * reparameterization, posterior predictive), in one pass; the plan's activation is not applied:
 *     dst_mean[n][o] = bia[o] + sum_i mean[o][i] * src[n][i]        dst_variance[n][o] = sum_i variance[o][i] * src[n][i]^2
 * @param bia  NULL for no bias
 * Cost: 4*N*I*O flop (and N*I squares)
 */
void chirp_dense_moments(chirp_dense_plan *plan, const float *src, const float *mean,
                         const float *variance, const float *bia, float *dst_mean,
                         float *dst_variance);

#endif
