/* What the plan, the dot-product kernel and the passes share. Not for other folders. */
#ifndef CHIRP_KERNELS_DENSE_DENSE_INTERNAL_H
#define CHIRP_KERNELS_DENSE_DENSE_INTERNAL_H

#include "kernels/dense/dense.h"
#include "kernels/gemm/gemm.h"
#include "kernels/simd/simd.h"

#include <stdbool.h>

/* How a matrix C (rows x columns, column-major) is cut into tiles; kernels by [cut row tile][cut column tile]. */
typedef struct dense_tiles {
    int64_t rows, columns; /* of C */
    int64_t m, n;          /* of a full tile */
    chirp_gemm gemm[2][2];
} dense_tiles;

struct chirp_dense_plan {
    chirp_dense_desc desc; /* n_threads resolved */
    double least_flops;    /* of a pass that is worth a parallel region */
    dense_tiles data;      /* dsrc (I x N) = wei (I x O) * dpre (O x N) */
    dense_tiles weights;   /* dwei (I x O) = src (I x N) * dpre' (N x O) */
};

/* Threads for a pass of this many operations: 1 or all. */
static inline int dense_threads(const chirp_dense_plan *plan, double flops)
{
    return flops < plan->least_flops ? 1 : plan->desc.n_threads;
}

static inline int64_t dense_least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Pieces of work of the forward kernels: a block of rows times one tile of outputs. */
typedef struct dense_pieces {
    int64_t blocks, tiles, count;
    bool rows_outer;
} dense_pieces;

typedef struct dense_piece {
    int64_t n0, n1, o0;
} dense_piece;

enum { DENSE_BLOCK = 24 }; /* rows: whole register tiles of 6, 3, 2 */

enum { DENSE_TILE_O = 4 }; /* outputs that one register tile of the forward pass makes */

/* The sums over the lanes of P vectors, P 4 or 1, each in the same order; the first P elements count. */
SIMD_INLINE simd_float4 dense_sums(int P, const simd_float *sum)
{
    const simd_float same[DENSE_TILE_O] = {sum[0], sum[0], sum[0], sum[0]};
    return simd_sum4(P == DENSE_TILE_O ? sum : same);
}

/*
 * While all rows fit half a level-2 cache, weights pass by once and rows stay (a thread has its own weights); with
 * more rows, a block of rows stays and the weights pass by.
 */
static inline dense_pieces dense_cut(const chirp_dense_desc *d)
{
    dense_pieces p;
    p.blocks = (d->N + DENSE_BLOCK - 1) / DENSE_BLOCK;
    p.tiles = (d->O + DENSE_TILE_O - 1) / DENSE_TILE_O;
    p.count = p.blocks * p.tiles;
    p.rows_outer = d->N * d->I * 4 > 512 << 10;
    return p;
}

static inline dense_piece dense_piece_number(const chirp_dense_desc *d, const dense_pieces *p,
                                             int64_t t)
{
    const int64_t block = p->rows_outer ? t / p->tiles : t % p->blocks;
    const int64_t tile = p->rows_outer ? t % p->tiles : t / p->blocks;
    return (dense_piece){block * DENSE_BLOCK, dense_least(d->N, (block + 1) * DENSE_BLOCK),
                         tile * DENSE_TILE_O};
}

/*
 * Rows n0 .. n1-1 of outputs o0 .. o0 + min(4, O - o0) - 1, bias and activation included.
 * A result does not depend on where its row or output stands in a tile.
 */
void chirp_dense_dot_tile(const chirp_dense_desc *desc, int64_t n0, int64_t n1, int64_t o0,
                          const float *src, const float *wei, const float *bia, float *dst);

#endif
