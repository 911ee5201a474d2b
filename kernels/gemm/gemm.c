/*
 * Every libxsmm call of the project. Written for 1.17; releases after it renamed the dispatch functions
 * (libxsmm_dispatch_gemm, libxsmm_dispatch_brgemm with a libxsmm_gemm_param argument): porting means this file.
 */
#include "kernels/gemm/gemm.h"

#include <libxsmm.h>

#include <inttypes.h>
#include <limits.h>
#include <string.h>

static chirp_status shape_check(const chirp_gemm_shape *s)
{
    const struct {
        const char *name;
        int64_t value, least;
    } fields[] = {
        {"m", s->m, 1},
        {"n", s->n, 1},
        {"k", s->k, 1},
        {"lda", s->lda, s->m},
        {"ldb", s->ldb, s->transpose_b ? s->n : s->k},
        {"ldc", s->ldc, s->m},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; ++i)
        if (fields[i].value < fields[i].least || fields[i].value > INT_MAX)
            return chirp_fail(CHIRP_ERR_ARG,
                              "gemm: %s = %" PRId64 " must be from %" PRId64 " to %d",
                              fields[i].name, fields[i].value, fields[i].least, INT_MAX);
    const int64_t most =
        INT_MAX / (int64_t)sizeof(float); /* libxsmm takes strides in bytes, as an int */
    if (s->reduce &&
        (s->stride_a < 0 || s->stride_b < 0 || s->stride_a > most || s->stride_b > most))
        return chirp_fail(CHIRP_ERR_ARG,
                          "gemm: strides %" PRId64 " and %" PRId64 " must be from 0 to %" PRId64
                          " floats",
                          s->stride_a, s->stride_b, most);
    return CHIRP_OK;
}

chirp_status chirp_gemm_dispatch(const chirp_gemm_shape *shape, chirp_gemm *gemm)
{
    const chirp_status st = shape_check(shape);
    if (st != CHIRP_OK)
        return st;
    const libxsmm_blasint m = (libxsmm_blasint)shape->m, n = (libxsmm_blasint)shape->n,
                          k = (libxsmm_blasint)shape->k;
    const libxsmm_blasint lda = (libxsmm_blasint)shape->lda, ldb = (libxsmm_blasint)shape->ldb,
                          ldc = (libxsmm_blasint)shape->ldc;
    const float alpha = 1.0f, beta = shape->accumulate ? 1.0f : 0.0f;
    /* named, since the library's "automatic" prefetch expects further pointers in every call */
    const int prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
    const int flags = shape->transpose_b ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
    void (*code)(void) = NULL;
    libxsmm_init();
    if (shape->reduce) {
        const libxsmm_blasint stride_a =
            (libxsmm_blasint)(shape->stride_a * (int64_t)sizeof(float));
        const libxsmm_blasint stride_b =
            (libxsmm_blasint)(shape->stride_b * (int64_t)sizeof(float));
        code = (void (*)(void))libxsmm_smmdispatch_reducebatch_strd(
            m, n, k, stride_a, stride_b, &lda, &ldb, &ldc, &alpha, &beta, &flags, &prefetch);
    } else {
        code = (void (*)(void))libxsmm_smmdispatch(m, n, k, &lda, &ldb, &ldc, &alpha, &beta, &flags,
                                                   &prefetch);
    }
    if (!code)
        return chirp_fail(
            CHIRP_ERR_LIBRARY,
            "libxsmm %s (target %s) makes no code for a %s of m %" PRId64 " n %" PRId64
            " k %" PRId64 " lda %" PRId64 " ldb %" PRId64 " ldc %" PRId64 "%s",
            LIBXSMM_VERSION, chirp_gemm_target(),
            shape->reduce ? "batch-reduce product" : "product", shape->m, shape->n, shape->k,
            shape->lda, shape->ldb, shape->ldc, shape->transpose_b ? ", B transposed" : "");
    gemm->code = code;
    return CHIRP_OK;
}

void chirp_gemm_run(const chirp_gemm *gemm, const float *a, const float *b, float *c)
{
    ((libxsmm_smmfunction)gemm->code)(a, b, c);
}

void chirp_gemm_reduce(const chirp_gemm *gemm, const float *a, const float *b, float *c,
                       int64_t count)
{
    const unsigned long long entries = (unsigned long long)count;
    ((libxsmm_smmfunction_reducebatch_strd)gemm->code)(a, b, c, &entries);
}

double chirp_gemm_flops(const chirp_gemm_shape *shape, int64_t count)
{
    return 2.0 * (double)shape->m * (double)shape->n * (double)shape->k *
           (double)(shape->reduce ? count : 1);
}

const char *chirp_gemm_target(void)
{
    libxsmm_init();
    return libxsmm_get_target_arch();
}

int chirp_gemm_vector_floats(void)
{
    libxsmm_init();
    const int target = libxsmm_get_target_archid();
    if (target >= LIBXSMM_X86_AVX512)
        return 16;
    return target >= LIBXSMM_X86_AVX ? 8 : 4;
}

const char *chirp_gemm_library_version(void) { return LIBXSMM_VERSION; }
