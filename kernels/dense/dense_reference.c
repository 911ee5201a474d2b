#include "kernels/dense/dense_reference.h"

#include <math.h>
#include <stddef.h>

static double activate(chirp_activation activation, double x)
{
    if (activation == CHIRP_ACTIVATION_RELU)
        return x < 0 ? 0 : x;
    return activation == CHIRP_ACTIVATION_TANH ? tanh(x) : x;
}

void chirp_dense_forward_reference(const chirp_dense_desc *desc, const float *src, const float *wei,
                                   const float *bia, double *dst)
{
    const int64_t N = desc->N, I = desc->I, O = desc->O;
    for (int64_t n = 0; n < N; ++n) {
        for (int64_t o = 0; o < O; ++o) {
            double sum = bia ? (double)bia[o] : 0;
            for (int64_t i = 0; i < I; ++i)
                sum += (double)wei[o * I + i] * (double)src[n * I + i];
            dst[n * O + o] = activate(desc->activation, sum);
        }
    }
}

void chirp_dense_backward_data_reference(const chirp_dense_desc *desc, const float *dpre,
                                         const float *wei, double *dsrc)
{
    const int64_t N = desc->N, I = desc->I, O = desc->O;
    for (int64_t n = 0; n < N; ++n) {
        for (int64_t i = 0; i < I; ++i) {
            double sum = 0;
            for (int64_t o = 0; o < O; ++o)
                sum += (double)dpre[n * O + o] * (double)wei[o * I + i];
            dsrc[n * I + i] = sum;
        }
    }
}

void chirp_dense_backward_weights_reference(const chirp_dense_desc *desc, const float *src,
                                            const float *dpre, double *dwei, double *dbia)
{
    const int64_t N = desc->N, I = desc->I, O = desc->O;
    for (int64_t o = 0; o < O; ++o) {
        double bias = 0;
        for (int64_t n = 0; n < N; ++n)
            bias += (double)dpre[n * O + o];
        if (dbia)
            dbia[o] = bias;
        for (int64_t i = 0; i < I; ++i) {
            double sum = 0;
            for (int64_t n = 0; n < N; ++n)
                sum += (double)dpre[n * O + o] * (double)src[n * I + i];
            dwei[o * I + i] = sum;
        }
    }
}
