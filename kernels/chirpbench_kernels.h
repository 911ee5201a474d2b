/**
 * The kernels for programs outside of this project, in C and C++. Each header is the manual of its kernel.
 * Link with chirpbench::kernels (CMake) or chirpbench-kernels (pkg-config).
 */
#ifndef CHIRP_KERNELS_CHIRPBENCH_KERNELS_H
#define CHIRP_KERNELS_CHIRPBENCH_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#include "harness/base/status.h"
#include "kernels/conv1d/conv1d.h"
#include "kernels/dense/dense.h"
#include "kernels/dropout/dropout.h"
#include "kernels/gemm/gemm.h"
#include "kernels/optimizer/optimizer.h"
#include "kernels/random/random.h"
#include "kernels/variational/flipout.h"
#include "kernels/variational/predictive.h"
#include "kernels/variational/variational.h"
#include "kernels/variational/variational_conv1d.h"
#include "kernels/variational/variational_dense.h"
#ifdef __cplusplus
}
#endif

#endif
