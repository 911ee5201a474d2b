/* Plans: what can fail fails here. */
#include "kernels/dense/dense_internal.h"

#include "harness/base/memory.h"

#include <inttypes.h>
#include <omp.h>

/* Largest extent and number of elements that the passes index without overflow and libxsmm takes as int. */
enum { MOST = INT32_MAX };

const char *const chirp_activation_name[CHIRP_ACTIVATIONS] = {
    [CHIRP_ACTIVATION_NONE] = "none",
    [CHIRP_ACTIVATION_RELU] = "relu",
    [CHIRP_ACTIVATION_TANH] = "tanh",
};

chirp_status chirp_dense_check(const chirp_dense_desc *d)
{
    const struct {
        const char *name;
        int64_t value;
    } extent[] = {{"N", d->N}, {"I", d->I}, {"O", d->O}};
    for (int e = 0; e < 3; ++e) {
        if (extent[e].value < 1 || extent[e].value > MOST)
            return chirp_fail(CHIRP_ERR_ARG, "dense plan: %s = %" PRId64 ", must be 1 to %d",
                              extent[e].name, extent[e].value, (int)MOST);
    }
    /* bytes of each array stay below 2^62: products of two numbers below 2^31 do */
    if (d->activation != CHIRP_ACTIVATION_NONE && d->activation != CHIRP_ACTIVATION_RELU &&
        d->activation != CHIRP_ACTIVATION_TANH)
        return chirp_fail(CHIRP_ERR_ARG, "dense plan: activation %d is none of none, ReLU, tanh",
                          (int)d->activation);
    if (d->n_threads < 0)
        return chirp_fail(CHIRP_ERR_ARG, "dense plan: n_threads = %d, must be 0 (all) or more",
                          d->n_threads);
    return CHIRP_OK;
}

/* Kernels for the full tile and for what the edges leave. */
static chirp_status dispatch(dense_tiles *tiles, chirp_gemm_shape shape)
{
    for (int cut_m = 0; cut_m < 2; ++cut_m) {
        for (int cut_n = 0; cut_n < 2; ++cut_n) {
            shape.m = cut_m ? tiles->rows % tiles->m : tiles->m;
            shape.n = cut_n ? tiles->columns % tiles->n : tiles->n;
            if (shape.m == 0 || shape.n == 0)
                continue; /* no such edge */
            const chirp_status st = chirp_gemm_dispatch(&shape, &tiles->gemm[cut_m][cut_n]);
            if (st != CHIRP_OK)
                return st;
        }
    }
    return CHIRP_OK;
}

chirp_status chirp_dense_plan_create(const chirp_dense_desc *desc, chirp_dense_plan **plan)
{
    chirp_status st = chirp_dense_check(desc);
    if (st != CHIRP_OK)
        return st;
    chirp_dense_plan *p = chirp_calloc(1, sizeof *p);
    if (!p)
        return CHIRP_ERR_NOMEM;
    p->desc = *desc;
    if (p->desc.n_threads == 0)
        p->desc.n_threads = omp_get_max_threads();
    /* A region costs some microseconds, as much as 0.4 MFLOP take, and more with more threads; with more threads than
       processors about ten microseconds a thread. All threads or one, as in kernels/parallel/chunks.h. */
    const int threads = p->desc.n_threads;
    p->least_flops = threads > omp_get_num_procs() ? 1e6 * threads
                     : threads > 4                 ? 1e5 * threads
                                                   : 4e5;
    const int64_t N = desc->N, I = desc->I, O = desc->O;

    /* 64 rows fill four vectors (eight of AVX2); tiles are small enough for many threads to find work */
    p->data =
        (dense_tiles){.rows = I, .columns = N, .m = dense_least(I, 64), .n = dense_least(N, 32)};
    st = dispatch(&p->data, (chirp_gemm_shape){.k = O, .lda = I, .ldb = O, .ldc = I});
    if (st != CHIRP_OK)
        goto fail;
    p->weights =
        (dense_tiles){.rows = I, .columns = O, .m = dense_least(I, 64), .n = dense_least(O, 32)};
    st = dispatch(&p->weights,
                  (chirp_gemm_shape){.k = N, .lda = I, .ldb = O, .ldc = I, .transpose_b = true});
    if (st != CHIRP_OK)
        goto fail;
    *plan = p;
    return CHIRP_OK;
fail:
    chirp_dense_plan_destroy(p);
    return st;
}

void chirp_dense_plan_destroy(chirp_dense_plan *plan) { chirp_free(plan); }

double chirp_dense_flops(const chirp_dense_desc *desc)
{
    return 2.0 * (double)desc->N * (double)desc->I * (double)desc->O;
}
