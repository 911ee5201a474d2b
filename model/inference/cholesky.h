/** The Cholesky factor of a symmetric matrix. */
#ifndef CHIRP_MODEL_INFERENCE_CHOLESKY_H
#define CHIRP_MODEL_INFERENCE_CHOLESKY_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Replaces the lower triangle of a matrix by its lower Cholesky factor L, matrix = L L^T. What lies above the diagonal is neither
 * read nor written.
 * @param matrix  [n][n]
 * @return false when the matrix isn't positive definite, or not finite; its triangle is then spoilt
 */
bool chirp_cholesky(int64_t n, double *matrix);

#endif
