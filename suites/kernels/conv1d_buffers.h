/**
 * Tensors of one convolution benchmark, and a check of any implementation against the definition: sampled elements,
 * corners among them, summed in double. Shared by suites/kernels and suites/peers.
 */
#ifndef CHIRP_SUITES_KERNELS_CONV1D_BUFFERS_H
#define CHIRP_SUITES_KERNELS_CONV1D_BUFFERS_H

#include "harness/base/status.h"
#include "kernels/conv1d/conv1d.h"

typedef struct conv1d_buffers {
    chirp_conv1d_desc desc;
    int64_t n_src, n_wei, n_dst; /* elements */
    float *src, *wei, *bia, *ddst;
    float *dst, *dsrc, *dwei, *dbia;
    /* plausible winners for the backward passes: one eighth inactive; forward overwrites them */
    uint8_t *code;
} conv1d_buffers;

/** Layer `layer` (0-based) of the study's root at batch N, algorithm AUTO. CHIRP_ERR_ARG when there is none. */
chirp_status conv1d_layer_desc(int layer, int64_t N, chirp_conv1d_desc *desc);

/** Allocates, fills and first-touches on `threads` threads. On failure nothing stays allocated. */
chirp_status conv1d_buffers_create(const chirp_conv1d_desc *desc, int threads,
                                   conv1d_buffers *buffers);
void conv1d_buffers_destroy(conv1d_buffers *buffers);

/**
 * Relative l2 error of the results of `pass` in the buffers at sampled elements.
 * @return CHIRP_OK; CHIRP_ERR_NUMERIC when a forward code names a position that is not its window's largest
 */
chirp_status conv1d_buffers_error(const conv1d_buffers *buffers, chirp_conv1d_pass pass,
                                  double *relative_error);

#endif
