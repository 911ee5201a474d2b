/* What the plan, the dot-product kernel and the passes share. Not for other folders. */
#ifndef CHIRP_KERNELS_DENSE_DENSE_INTERNAL_H
#define CHIRP_KERNELS_DENSE_DENSE_INTERNAL_H

#include "kernels/dense/dense.h"
#include "kernels/gemm/gemm.h"

/* How a matrix C (rows x columns, column-major) is cut into tiles; kernels by [cut row tile][cut column tile]. */
typedef struct dense_tiles {
    int64_t rows, columns; /* of C */
    int64_t m, n;          /* of a full tile */
    chirp_gemm gemm[2][2];
} dense_tiles;

struct chirp_dense_plan {
    chirp_dense_desc desc; /* n_threads resolved */
    dense_tiles data;      /* dsrc (I x N) = wei (I x O) * dpre (O x N) */
    dense_tiles weights;   /* dwei (I x O) = src (I x N) * dpre' (N x O) */
};

/* Threads for a pass of this many operations: a region costs some microseconds, as much as 0.5 MFLOP take. */
static inline int dense_threads(const chirp_dense_plan *plan, double flops)
{
    return flops < 5e5 ? 1 : plan->desc.n_threads;
}

static inline int64_t dense_least(int64_t a, int64_t b) { return a < b ? a : b; }

enum { DENSE_TILE_O = 4 }; /* outputs that one register tile of the forward pass makes */

/*
 * Rows n0 .. n1-1 of outputs o0 .. o0 + min(4, O - o0) - 1, bias and activation included.
 * A result does not depend on where its row or output stands in a tile.
 */
void chirp_dense_dot_tile(const chirp_dense_desc *desc, int64_t n0, int64_t n1, int64_t o0,
                          const float *src, const float *wei, const float *bia, float *dst);

#endif
