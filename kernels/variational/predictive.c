/* Moments by kernels/dense, then one normal number per output and sample. */
#include "kernels/variational/predictive.h"

#include "harness/base/memory.h"
#include "kernels/dense/activation.h"
#include "kernels/parallel/chunks.h"
#include "kernels/variational/variational.h"

#include <inttypes.h>
#include <math.h>

struct chirp_predictive_plan {
    chirp_predictive_desc desc; /* n_threads resolved */
    chirp_dense_plan *dense;    /* one row per row of src, no activation */
    const float *mean, *bia;    /* the caller's */
    bool random;                /* rho was given */
    float *sigma2;              /* [O][I] variances of the weights */
    float *first, *second;      /* [rows][O] means and variances of pre-activations */
};

static int64_t source_rows(const chirp_predictive_desc *d)
{
    return d->shared ? d->events : d->events * d->samples;
}

chirp_status chirp_predictive_plan_create(const chirp_predictive_desc *desc,
                                          chirp_predictive_plan **plan)
{
    if (desc->events < 1 || desc->samples < 1 || desc->events > INT32_MAX / desc->samples)
        return chirp_fail(CHIRP_ERR_ARG,
                          "predictive plan: %" PRId64 " events of %" PRId64
                          " samples, must be >= 1 and %d in all at most",
                          desc->events, desc->samples, INT32_MAX);
    chirp_predictive_plan *p = chirp_calloc(1, sizeof *p);
    if (!p)
        return CHIRP_ERR_NOMEM;
    p->desc = *desc;
    if (desc->n_threads == 0)
        p->desc.n_threads = omp_get_max_threads();
    const chirp_dense_desc dense = {.N = source_rows(desc),
                                    .I = desc->I,
                                    .O = desc->O,
                                    .activation = desc->activation,
                                    .n_threads = p->desc.n_threads};
    chirp_status st = chirp_dense_plan_create(&dense, &p->dense); /* checks the other fields */
    if (st != CHIRP_OK)
        goto fail;
    st = CHIRP_ERR_NOMEM;
    p->sigma2 = chirp_calloc((size_t)desc->O * (size_t)desc->I, sizeof(float));
    p->first = chirp_calloc((size_t)dense.N * (size_t)desc->O, sizeof(float));
    p->second = chirp_calloc((size_t)dense.N * (size_t)desc->O, sizeof(float));
    if (!p->sigma2 || !p->first || !p->second)
        goto fail;
    *plan = p;
    return CHIRP_OK;
fail:
    chirp_predictive_plan_destroy(p);
    return st;
}

void chirp_predictive_plan_destroy(chirp_predictive_plan *plan)
{
    if (!plan)
        return;
    chirp_dense_plan_destroy(plan->dense);
    chirp_free(plan->sigma2);
    chirp_free(plan->first);
    chirp_free(plan->second);
    chirp_free(plan);
}

void chirp_predictive_load(chirp_predictive_plan *plan, const float *mean, const float *rho,
                           const float *bia)
{
    plan->mean = mean;
    plan->bia = bia;
    plan->random = rho != NULL;
    if (rho)
        chirp_variational_sigma(plan->desc.I * plan->desc.O, rho, NULL, plan->sigma2,
                                plan->desc.n_threads);
}

enum { PIECE = 1024 }; /* outputs: 4 KiB of draws */

/* Every sample has its own moments: dst = act(first + sqrt(second) eps), elementwise. */
static void spread_own(const chirp_predictive_plan *p, chirp_rng rng, uint64_t first_event,
                       float *dst)
{
    const chirp_predictive_desc *d = &p->desc;
    const int64_t n = d->events * d->samples * d->O;
    const uint64_t first = first_event * (uint64_t)(d->samples * d->O);
#pragma omp parallel for schedule(static) num_threads(chirp_chunk_threads(n, d->n_threads))
    for (int64_t start = 0; start < n; start += PIECE) {
        float eps[PIECE] __attribute__((aligned(64)));
        const int64_t length = chirp_chunk_length(n, start, PIECE);
        chirp_rng_normal(rng, first + (uint64_t)start, length, eps);
        const float *m = p->first + start, *v = p->second + start;
        float *x = dst + start;
#pragma omp simd
        for (int64_t i = 0; i < length; ++i)
            x[i] = m[i] + sqrtf(v[i]) * eps[i];
        chirp_activate(d->activation, length, x);
    }
}

/* All samples of an event share its moments, [O] numbers that stay in the first cache. */
static void spread_shared(const chirp_predictive_plan *p, chirp_rng rng, uint64_t first_event,
                          float *dst)
{
    const chirp_predictive_desc *d = &p->desc;
    const int64_t O = d->O, samples = d->samples;
    const int threads = chirp_chunk_threads(d->events * samples * O, d->n_threads);
    /* whole samples of about PIECE outputs together */
    const int64_t together = O < PIECE ? PIECE / O : 1;
    const int64_t pieces = (samples + together - 1) / together;
#pragma omp parallel num_threads(threads)
    {
#pragma omp for schedule(static)
        for (int64_t i = 0; i < d->events * O; ++i)
            p->second[i] = sqrtf(p->second[i]);
#pragma omp for schedule(static)
        for (int64_t k = 0; k < d->events * pieces; ++k) {
            const int64_t event = k / pieces, s0 = k % pieces * together;
            const int64_t count = samples - s0 < together ? samples - s0 : together;
            const float *m = p->first + event * O, *deviation = p->second + event * O;
            float *x = dst + (event * samples + s0) * O;
            const uint64_t first =
                ((first_event + (uint64_t)event) * (uint64_t)samples + (uint64_t)s0) * (uint64_t)O;
            chirp_rng_normal(rng, first, count * O, x); /* in place: no buffer depends on O */
            for (int64_t s = 0; s < count; ++s) {
#pragma omp simd
                for (int64_t o = 0; o < O; ++o)
                    x[s * O + o] = m[o] + deviation[o] * x[s * O + o];
            }
            chirp_activate(d->activation, count * O, x);
        }
    }
}

/* A deterministic layer: copies rows of means. */
static void spread_without_noise(const chirp_predictive_plan *p, float *dst)
{
    const chirp_predictive_desc *d = &p->desc;
    const int64_t O = d->O, per_row = d->shared ? d->samples : 1;
    const int64_t rows = d->events * d->samples;
#pragma omp parallel for schedule(static) num_threads(chirp_chunk_threads(rows *O, d->n_threads))
    for (int64_t r = 0; r < rows; ++r) {
        const float *m = p->first + r / per_row * O;
        for (int64_t o = 0; o < O; ++o)
            dst[r * O + o] = m[o];
    }
}

void chirp_predictive_forward(chirp_predictive_plan *plan, const float *src, chirp_rng rng,
                              uint64_t first_event, float *dst)
{
    if (!plan->random) {
        chirp_dense_forward(plan->dense, src, plan->mean, plan->bia, plan->first);
        spread_without_noise(plan, dst);
        return;
    }
    chirp_dense_moments(plan->dense, src, plan->mean, plan->sigma2, plan->bia, plan->first,
                        plan->second);
    if (plan->desc.shared)
        spread_shared(plan, rng, first_event, dst);
    else
        spread_own(plan, rng, first_event, dst);
}
