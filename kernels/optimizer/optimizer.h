/**
 * Optimiser steps over flat arrays of n parameters: one fused pass over memory, parallel, bitwise the
 * same for any number of threads. n_threads 0 means omp_get_max_threads().
 */
#ifndef CHIRP_KERNELS_OPTIMIZER_OPTIMIZER_H
#define CHIRP_KERNELS_OPTIMIZER_OPTIMIZER_H

#include <stdint.h>

typedef struct chirp_adam {
    float learning_rate;
    float beta1, beta2; /**< 0.9, 0.999 */
    float epsilon;      /**< 1e-8 */
} chirp_adam;

/**
 * Adam (Kingma and Ba 2014, arXiv:1412.6980, algorithm 1), step counts from 1:
 *     m = beta1 m + (1-beta1) g,  v = beta2 v + (1-beta2) g^2
 *     param -= learning_rate * (m / (1-beta1^step)) / (sqrt(v / (1-beta2^step)) + epsilon)
 */
void chirp_adam_step(int64_t n, const chirp_adam *adam, int64_t step, const float *grad, float *m,
                     float *v, float *param, int n_threads);

/** SGD with momentum, PyTorch's form: velocity = momentum*velocity + grad; param -= learning_rate*velocity. */
void chirp_sgd_step(int64_t n, float learning_rate, float momentum, const float *grad,
                    float *velocity, float *param, int n_threads);

/** A step of an exponential moving average: average += share * (x - average). */
void chirp_average_step(int64_t n, float share, const float *x, float *average, int n_threads);

/** x *= factor. */
void chirp_scale(int64_t n, float factor, float *x, int n_threads);

/** Sum of squares in double, fixed order: gradient norms, checks for NaN. */
double chirp_sum_of_squares(int64_t n, const float *x, int n_threads);

#endif
