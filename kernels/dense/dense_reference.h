/** The definition of the dense layer: plain loops, sums in double. For tests and checks of benchmarks. */
#ifndef CHIRP_KERNELS_DENSE_DENSE_REFERENCE_H
#define CHIRP_KERNELS_DENSE_DENSE_REFERENCE_H

#include "kernels/dense/dense.h"

/** As chirp_dense_forward(). */
void chirp_dense_forward_reference(const chirp_dense_desc *desc, const float *src, const float *wei,
                                   const float *bia, double *dst);
/** As chirp_dense_backward_data(). */
void chirp_dense_backward_data_reference(const chirp_dense_desc *desc, const float *dpre,
                                         const float *wei, double *dsrc);
/** As chirp_dense_backward_weights(). */
void chirp_dense_backward_weights_reference(const chirp_dense_desc *desc, const float *src,
                                            const float *dpre, double *dwei, double *dbia);

#endif
