#include "model/inference/posterior.h"

#include "harness/base/memory.h"
#include "kernels/random/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

double chirp_quantile(const double *sorted, int64_t n, double q)
{
    const double position = q * (double)(n - 1);
    const int64_t below = (int64_t)position;
    if (below >= n - 1)
        return sorted[n - 1];
    return sorted[below] + (position - (double)below) * (sorted[below + 1] - sorted[below]);
}

static void summarise(const double *mean, const double *scale, const double *drawn, double *sorted,
                      int64_t n, chirp_summary *s)
{
    double sum = 0;
    double sum_mean = 0;
    double aleatoric = 0;
    for (int64_t i = 0; i < n; ++i) {
        sum += drawn[i];
        sum_mean += mean[i];
        aleatoric += scale[i] * scale[i];
    }
    s->mean = sum / (double)n;
    const double centre = sum_mean / (double)n;
    double square = 0;
    double epistemic = 0;
    for (int64_t i = 0; i < n; ++i) {
        square += (drawn[i] - s->mean) * (drawn[i] - s->mean);
        epistemic += (mean[i] - centre) * (mean[i] - centre);
    }
    s->std = sqrt(square / (double)(n - 1));
    s->epistemic_std = sqrt(epistemic / (double)(n - 1));
    s->aleatoric_std = sqrt(aleatoric / (double)n);
    memcpy(sorted, drawn, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, compare);
    s->median = chirp_quantile(sorted, n, 0.5);
    s->interval_90[0] = chirp_quantile(sorted, n, 0.05);
    s->interval_90[1] = chirp_quantile(sorted, n, 0.95);
}

chirp_status chirp_posterior_predict(chirp_network *net, const chirp_likelihood *likelihood,
                                     const float *strain, int64_t n, uint64_t seed, double *samples,
                                     chirp_summary *summary)
{
    const chirp_network_config *config = chirp_network_configuration(net);
    const int leaves = likelihood->spec->n_leaves;
    if (config->batch != 1)
        return chirp_fail(CHIRP_ERR_ARG,
                          "the posterior of one event needs a network of batch 1, not %lld",
                          (long long)config->batch);
    if (n < 2)
        return chirp_fail(CHIRP_ERR_ARG, "a posterior needs at least 2 samples, not %lld",
                          (long long)n);
    double *work = chirp_calloc((size_t)((3 * leaves + 1) * n), sizeof *work);
    if (!work)
        return CHIRP_ERR_NOMEM;
    double *mean = work;
    double *scale = mean + leaves * n;
    double *drawn = scale + leaves * n;
    double *sorted = drawn + leaves * n;
    const bool root_varies = config->variant == CHIRP_VARIANT_ALL;
    const float *features = NULL;
    for (int64_t i = 0; i < n; ++i) {
        const chirp_pass pass = {.sample = true, .step = (uint64_t)i, .noise = seed};
        float raw[2];
        if (i == 0 || root_varies)
            features = chirp_network_forward_root(net, strain, &pass);
        for (int leaf = 0; leaf < leaves; ++leaf) {
            const double unit = likelihood->spec->label_scale[leaf];
            float normal = 0;
            chirp_network_forward_leaf(net, leaf, features, &pass, raw);
            chirp_likelihood_moments(likelihood, raw, &mean[leaf * n + i], &scale[leaf * n + i]);
            mean[leaf * n + i] *= unit;
            scale[leaf * n + i] *= unit;
            chirp_rng_normal(chirp_rng_stream(seed, CHIRP_RNG_PREDICTIVE, (uint32_t)leaf, 0),
                             (uint64_t)i, 1, &normal);
            drawn[leaf * n + i] = mean[leaf * n + i] + scale[leaf * n + i] * (double)normal;
        }
    }
    for (int leaf = 0; leaf < leaves; ++leaf)
        summarise(mean + leaf * n, scale + leaf * n, drawn + leaf * n, sorted, n, &summary[leaf]);
    if (samples)
        memcpy(samples, drawn, (size_t)(leaves * n) * sizeof *samples);
    chirp_free(work);
    return CHIRP_OK;
}
