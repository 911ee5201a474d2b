/**
 * Small matrix products compiled at run time: the one door to libxsmm.
 *
 * Column-major, as in BLAS: element (i, j) of a matrix X with leading dimension ldx is X[i + j*ldx].
 * A tensor with channels last, x[q][c], is the column-major matrix (c, q) with leading dimension C.
 *
 *     single   C (m x n)  =  [C +]  A (m x k) * B (k x n)
 *     reduce   C (m x n)  =  [C +]  sum_{0 <= e < count}  A_e * B_e,
 *              A_e = a + e*stride_a,   B_e = b + e*stride_b     (strides in floats, >= 0: 1.17 makes no code for negative ones)
 *
 *     chirp_gemm g;
 *     st = chirp_gemm_dispatch(&(chirp_gemm_shape){.m = 32, .n = 54, .k = 64, .lda = 32, .ldb = 64,
 *             .ldc = 128, .reduce = true, .stride_a = 32*64, .stride_b = 2*64}, &g);   // slow: plan time
 *     chirp_gemm_reduce(&g, a, b, c, 16);                                              // fast: execute time
 *
 * With transpose_b, B is stored n x k (element (i, j) of B at b[j + i*ldb]), ldb >= n.
 *
 * A handle is a value: copy it, keep it for ever, use it from any thread, nothing to free (libxsmm keeps the
 * code until the process ends and gives the same code for the same shape). A call moves no memory of its own,
 * but may LOAD up to 64 bytes behind the end of A and B; chirp_alloc() blocks have them.
 * Sums run over k, then e, in an order fixed by the shape: results repeat bitwise on one instruction set.
 * n and k have no upper limit in practice; the code is best for m of 16 to 64 (a multiple of the vector), n*m of
 * some thousands, and A small enough for the L1 or L2 cache.
 */
#ifndef CHIRP_KERNELS_GEMM_GEMM_H
#define CHIRP_KERNELS_GEMM_GEMM_H

#include "harness/base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct chirp_gemm_shape {
    int64_t m, n, k;       /**< all >= 1 */
    int64_t lda, ldb, ldc; /**< [floats] lda, ldc >= m; ldb >= k, or >= n with transpose_b */
    bool transpose_b;      /**< B (each B_e with reduce) is stored n x k */
    bool accumulate;       /**< add to C; otherwise C is overwritten, whatever it held (NaN too) */
    bool reduce;           /**< a sum over batch entries: run with chirp_gemm_reduce() */
    int64_t stride_a, stride_b; /**< [floats] between batch entries; read only when reduce */
} chirp_gemm_shape;

/** A compiled product. Zero-initialised means "none". The member is private to gemm.c. */
typedef struct chirp_gemm {
    void (*code)(void);
} chirp_gemm;

/**
 * Compiles (or finds) the code for a shape. Thread-safe.
 * @return CHIRP_OK
 * @return CHIRP_ERR_ARG      an extent below 1, a leading dimension too small, or a number beyond 2^31 - 1
 * @return CHIRP_ERR_LIBRARY  libxsmm can't make code for this shape on this machine
 */
chirp_status chirp_gemm_dispatch(const chirp_gemm_shape *shape, chirp_gemm *gemm);

/** C = [C +] A * B for a handle dispatched without reduce. */
void chirp_gemm_run(const chirp_gemm *gemm, const float *a, const float *b, float *c);

/** C = [C +] sum of `count` products for a handle dispatched with reduce. @param count  >= 1 */
void chirp_gemm_reduce(const chirp_gemm *gemm, const float *a, const float *b, float *c,
                       int64_t count);

/** The definition: plain loops, sums in double. `count` is ignored unless shape->reduce. */
void chirp_gemm_reference(const chirp_gemm_shape *shape, const float *a, const float *b, float *c,
                          int64_t count);

/** Operations of one call, 2*m*n*k*count [flop]; count is taken as 1 unless shape->reduce. */
double chirp_gemm_flops(const chirp_gemm_shape *shape, int64_t count);

/** The instruction set that libxsmm generates for, in its own words: "hsw" (AVX2), "skx", "cpx" (AVX-512), ... */
const char *chirp_gemm_target(void);

/** Floats in a vector of that instruction set: 16, 8 or 4. */
int chirp_gemm_vector_floats(void);

/** libxsmm's version, "1.17-0". */
const char *chirp_gemm_library_version(void);

#endif
