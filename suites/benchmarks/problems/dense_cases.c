#include "suites/benchmarks/problems/dense_cases.h"

#include "harness/base/memory.h"
#include "kernels/random/random.h"
#ifdef CHIRP_WITH_ONEDNN
#include <dnnl.h>
#endif

#include <math.h>
#include <stdio.h>

static const double MOST_ERROR = 1e-4; /* of float sums over thousands of terms */

const char *const dense_pass_names[] = {"forward", "backward_data", "backward_weights", NULL};

/* out[r][c] = sum_k a[r][k] * b[k][c]; a transposed matrix is stored the other way round. */
typedef struct product {
    int64_t rows, columns, inner;
    const float *a, *b;
    bool a_transposed, b_transposed;
    float *out;
} product;

typedef struct buffers {
    float *src, *wei, *dpre, *out;
    product product;
    chirp_dense_plan *plan; /* NULL: the library */
} buffers;

static void buffers_destroy(buffers *b)
{
    chirp_dense_plan_destroy(b->plan);
    chirp_free(b->src);
    chirp_free(b->wei);
    chirp_free(b->dpre);
    chirp_free(b->out);
}

static product product_of(const dense_case *c, const buffers *b)
{
    const int64_t N = c->desc.N, I = c->desc.I, O = c->desc.O;
    switch (c->pass) {
    case DENSE_FORWARD:
        return (product){N, O, I, b->src, b->wei, false, true, b->out};
    case DENSE_BACKWARD_DATA:
        return (product){N, I, O, b->dpre, b->wei, false, false, b->out};
    default:
        return (product){O, I, N, b->dpre, b->src, true, false, b->out};
    }
}

/* On failure buffers_destroy() frees what there is. */
static chirp_status buffers_create(const dense_case *c, int threads, buffers *b)
{
    chirp_dense_desc d = c->desc;
    d.n_threads = threads;
    const int64_t length[] = {d.N * d.I, d.O * d.I, d.N * d.O};
    float **const array[] = {&b->src, &b->wei, &b->dpre};
    static const int result[DENSE_PASSES] = {2, 0, 1};
    chirp_status st = c->library ? CHIRP_OK : chirp_dense_plan_create(&d, &b->plan);
    if (st != CHIRP_OK)
        return st;
    for (int i = 0; i < 3; ++i) {
        *array[i] = chirp_calloc((size_t)length[i], sizeof(float));
        if (!*array[i])
            return CHIRP_ERR_NOMEM;
        chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, (uint32_t)i, 0), 0, length[i],
                         *array[i]);
    }
    b->out = chirp_calloc((size_t)length[result[c->pass]], sizeof(float));
    b->product = product_of(c, b);
    return b->out ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

bool dense_case_has_library(void)
{
#ifdef CHIRP_WITH_ONEDNN
    return true;
#else
    return false;
#endif
}

static chirp_status run_library(const product *p)
{
#ifdef CHIRP_WITH_ONEDNN
    const dnnl_status_t status =
        dnnl_sgemm(p->a_transposed ? 'T' : 'N', p->b_transposed ? 'T' : 'N', p->rows, p->columns,
                   p->inner, 1, p->a, p->a_transposed ? p->rows : p->inner, p->b,
                   p->b_transposed ? p->inner : p->columns, 0, p->out, p->columns);
    return status == dnnl_success
               ? CHIRP_OK
               : chirp_fail(CHIRP_ERR_LIBRARY, "oneDNN: sgemm gave status %d", (int)status);
#else
    (void)p;
    return chirp_fail(CHIRP_ERR_UNSUPPORTED, "this build has no oneDNN (libdnnl-dev)");
#endif
}

static chirp_status run_once(const dense_case *c, buffers *b)
{
    if (c->library)
        return run_library(&b->product);
    if (c->pass == DENSE_FORWARD)
        chirp_dense_forward(b->plan, b->src, b->wei, NULL, b->out);
    else if (c->pass == DENSE_BACKWARD_DATA)
        chirp_dense_backward_data(b->plan, b->dpre, b->wei, b->out);
    else
        chirp_dense_backward_weights(b->plan, b->src, b->dpre, b->out, NULL);
    return CHIRP_OK;
}

chirp_status dense_case_run(chirp_bench *bench, const void *arg)
{
    const dense_case *c = arg;
    buffers b = {0};
    chirp_status st = buffers_create(c, chirp_bench_threads(bench), &b);
    if (st == CHIRP_OK)
        st = run_once(c, &b); /* touches what it allocates */
    while (st == CHIRP_OK && chirp_bench_next(bench)) {
        st = run_once(c, &b);
        chirp_bench_consume(b.out);
    }
    if (st == CHIRP_OK) {
        const double N = (double)c->desc.N, I = (double)c->desc.I, O = (double)c->desc.O;
        const double flops = chirp_dense_flops(&c->desc);
        chirp_bench_flops(bench, flops, flops);
        chirp_bench_bytes(bench, 4 * (N * I + I * O + N * O));
        chirp_bench_label(bench, c->library ? "oneDNN sgemm" : "");
    }
    buffers_destroy(&b);
    return st;
}

static double element(const product *p, int64_t r, int64_t c)
{
    double sum = 0;
    for (int64_t k = 0; k < p->inner; ++k)
        sum += (double)(p->a_transposed ? p->a[k * p->rows + r] : p->a[r * p->inner + k]) *
               (double)(p->b_transposed ? p->b[c * p->inner + k] : p->b[k * p->columns + c]);
    return sum;
}

chirp_status dense_case_check(const void *arg, double *relative_error)
{
    enum { SAMPLES = 256 };
    const dense_case *c = arg;
    buffers b = {0};
    double difference = 0, norm = 0;
    chirp_status st = buffers_create(c, 1, &b);
    if (st == CHIRP_OK)
        st = run_once(c, &b);
    for (int64_t s = 0; s < SAMPLES && st == CHIRP_OK; ++s) {
        const product *p = &b.product;
        const int64_t row = s < 4 ? s / 2 * (p->rows - 1) : s * 7919 % p->rows;
        const int64_t column = s < 4 ? s % 2 * (p->columns - 1) : s * 104729 % p->columns;
        const double right = element(p, row, column);
        const double wrong = (double)p->out[row * p->columns + column] - right;
        difference += wrong * wrong;
        norm += right * right;
    }
    *relative_error = norm > 0 ? sqrt(difference / norm) : sqrt(difference);
    if (st == CHIRP_OK && !(*relative_error <= MOST_ERROR))
        st = chirp_fail(CHIRP_ERR_NUMERIC,
                        "relative l2 error %.3g against sums in double, at most %.3g",
                        *relative_error, MOST_ERROR);
    buffers_destroy(&b);
    return st;
}
