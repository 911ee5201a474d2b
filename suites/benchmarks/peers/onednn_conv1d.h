/**
 * One pass of a 1-D convolution through oneDNN's C API (2.6), for comparison. The library chooses every layout (format
 * tag any); tensors are reordered into them when the pass is made and out of them when results are fetched, so that
 * what is timed is the primitive alone. Forward is convolution, bias and ReLU in one primitive; oneDNN can't fuse the
 * max pool behind it, so where the layer has one the forward row leaves it out, in oneDNN's favour, and `forward_pool`
 * rows add its pooling primitive.
 */
#ifndef CHIRP_SUITES_BENCHMARKS_PEERS_ONEDNN_CONV1D_H
#define CHIRP_SUITES_BENCHMARKS_PEERS_ONEDNN_CONV1D_H

#include "suites/benchmarks/kernels/conv1d_buffers.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct onednn_conv1d onednn_conv1d;

/**
 * @param buffers  without pool: desc.pool is 1 (a pool behind it is `pool`); relu only read by forward
 * @param pool     0, or window and stride of a max pool run after the convolution (forward only)
 * @return CHIRP_OK; CHIRP_ERR_LIBRARY with oneDNN's status; on failure nothing stays allocated
 */
chirp_status onednn_conv1d_create(const conv1d_buffers *buffers, chirp_conv1d_pass pass,
                                  int64_t pool, onednn_conv1d **conv);
/** Accepts NULL. */
void onednn_conv1d_destroy(onednn_conv1d *conv);

/** Runs the pass once, on OpenMP's default number of threads. */
chirp_status onednn_conv1d_run(onednn_conv1d *conv);

/** Writes the pass's result into the buffers' plain tensors, forward codes included. Not with a pool. */
chirp_status onednn_conv1d_fetch(onednn_conv1d *conv, conv1d_buffers *buffers);

/** What oneDNN chose: "jit:avx512_core". Owned by the pass. */
const char *onednn_conv1d_implementation(const onednn_conv1d *conv);

#endif
