/* Fused optimiser steps: every array passes through the caches once. */
#include "kernels/optimizer/optimizer.h"

#include "kernels/parallel/chunks.h"

#include <math.h>

void chirp_adam_step(int64_t n, const chirp_adam *adam, int64_t step, const float *grad, float *m,
                     float *v, float *param, int n_threads)
{
    const float beta1 = adam->beta1, beta2 = adam->beta2, epsilon = adam->epsilon;
    const float keep1 = 1.0f - beta1, keep2 = 1.0f - beta2;
    /* bias corrections in double: 1 - 0.999 ^ step loses digits in single precision */
    const double correct1 = 1.0 - pow((double)beta1, (double)step),
                 correct2 = 1.0 - pow((double)beta2, (double)step);
    const float rate = (float)((double)adam->learning_rate / correct1),
                scale_v = (float)(1.0 / correct2);
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, n_threads))
    for (int64_t start = 0; start < n; start += CHIRP_CHUNK) {
        const int64_t end = start + chirp_chunk_length(n, start, CHIRP_CHUNK);
#pragma omp simd
        for (int64_t i = start; i < end; ++i) {
            const float g = grad[i];
            const float first = beta1 * m[i] + keep1 * g;
            const float second = beta2 * v[i] + keep2 * (g * g);
            m[i] = first;
            v[i] = second;
            param[i] -= rate * first / (sqrtf(second * scale_v) + epsilon);
        }
    }
}

void chirp_sgd_step(int64_t n, float learning_rate, float momentum, const float *grad,
                    float *velocity, float *param, int n_threads)
{
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, n_threads))
    for (int64_t start = 0; start < n; start += CHIRP_CHUNK) {
        const int64_t end = start + chirp_chunk_length(n, start, CHIRP_CHUNK);
#pragma omp simd
        for (int64_t i = start; i < end; ++i) {
            const float u = momentum * velocity[i] + grad[i];
            velocity[i] = u;
            param[i] -= learning_rate * u;
        }
    }
}

void chirp_average_step(int64_t n, float share, const float *x, float *average, int n_threads)
{
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, n_threads))
    for (int64_t start = 0; start < n; start += CHIRP_CHUNK) {
        const int64_t end = start + chirp_chunk_length(n, start, CHIRP_CHUNK);
#pragma omp simd
        for (int64_t i = start; i < end; ++i)
            average[i] += share * (x[i] - average[i]);
    }
}

void chirp_scale(int64_t n, float factor, float *x, int n_threads)
{
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, n_threads))
    for (int64_t start = 0; start < n; start += CHIRP_CHUNK) {
        const int64_t end = start + chirp_chunk_length(n, start, CHIRP_CHUNK);
#pragma omp simd
        for (int64_t i = start; i < end; ++i)
            x[i] *= factor;
    }
}

/* Eight sums side by side, then added in order: the order is ours, not the vector width's. */
static double sum_of_squares_serial(int64_t n, const float *x)
{
    enum { LANES = 8 };
    double lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
#pragma omp simd
        for (int l = 0; l < LANES; ++l)
            lane[l] += (double)x[i + l] * (double)x[i + l];
    }
    for (int l = 0; i < n; ++i, ++l)
        lane[l] += (double)x[i] * (double)x[i];
    double sum = 0;
    for (int l = 0; l < LANES; ++l)
        sum += lane[l];
    return sum;
}

double chirp_sum_of_squares(int64_t n, const float *x, int n_threads)
{
    double partial[CHIRP_CHUNKS_SUM];
    const int64_t chunk = chirp_sum_chunk(n), count = (n + chunk - 1) / chunk;
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, n_threads))
    for (int64_t c = 0; c < count; ++c)
        partial[c] = sum_of_squares_serial(chirp_chunk_length(n, c * chunk, chunk), x + c * chunk);
    double sum = 0;
    for (int64_t c = 0; c < count; ++c)
        sum += partial[c];
    return sum;
}
