#include "model/inference/posterior.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/stats/stats.h"
#include "kernels/random/random.h"
#include "kernels/variational/predictive.h"
#include "model/signal/generator.h"

#include <math.h>
#include <string.h>

/* One dense layer of a leaf for all samples at once. */
typedef struct leaf_step {
    chirp_predictive_plan *plan;
    float *dst; /* [B][S or 1][O] */
} leaf_step;

struct chirp_posterior {
    chirp_network *net;
    chirp_likelihood likelihood;
    int64_t events, samples;
    int n_leaf;
    leaf_step *step;        /* [leaves][n_leaf]; NULL: whole passes are sampled */
    int64_t *rows;          /* [leaves][n_leaf] rows per event of a step's dst: 1 or S */
    float *raw;             /* whole passes: [B][outputs] of one */
    double *mean, *scale;   /* [B][leaves][S] */
    double *drawn, *sorted; /* [B][leaves][S]; [S] */
    float *normal;          /* [S] */
    double recalibration[CHIRP_MAX_LEAVES]; /* factor; 0: none */
};

static void summarise(const double *mean, const double *scale, const double *drawn, double *sorted,
                      int64_t n, chirp_posterior_summary *s)
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
    chirp_sort(sorted, (size_t)n);
    s->median = chirp_stats_quantile_sorted(sorted, (size_t)n, 0.5);
    s->interval_50[0] = chirp_stats_quantile_sorted(sorted, (size_t)n, 0.25);
    s->interval_50[1] = chirp_stats_quantile_sorted(sorted, (size_t)n, 0.75);
    s->interval_90[0] = chirp_stats_quantile_sorted(sorted, (size_t)n, 0.05);
    s->interval_90[1] = chirp_stats_quantile_sorted(sorted, (size_t)n, 0.95);
}

static const float *find_tensor(const chirp_network *net, const chirp_layer_info *info,
                                chirp_tensor_kind kind)
{
    int n = 0;
    const chirp_tensor *tensor = chirp_network_tensors(net, &n) + info->first_tensor;
    for (int t = 0; t < info->n_tensors; ++t)
        if (tensor[t].kind == kind)
            return chirp_network_values(net) + tensor[t].offset;
    return NULL;
}

/* Samples differ in dense layers of leaves only, so the root runs once and leaves run for all samples at once. */
static bool only_dense_leaves_vary(const chirp_network *net)
{
    int n = 0;
    const chirp_layer_info *info = chirp_network_layers(net, &n);
    for (int i = 0; i < n; ++i)
        if (info[i].leaf < 0 ? info[i].variational : strcmp(info[i].kind, "dense") != 0)
            return false;
    return true;
}

/* *varied: a layer before it is random; set when this one is. */
static chirp_status make_step(chirp_posterior *p, const chirp_layer_info *info, bool *varied)
{
    const int at = info->leaf * p->n_leaf + info->index;
    leaf_step *step = &p->step[at];
    const bool shared = !*varied; /* its input is the same for all samples of an event */
    *varied = *varied || info->variational;
    const int64_t rows = *varied ? p->samples : 1;
    const chirp_predictive_desc desc = {
        .events = p->events,
        .samples = rows,
        .I = info->in_channels,
        .O = info->out_channels,
        .shared = shared,
        .activation = info->activation,
        .n_threads = chirp_network_configuration(p->net)->n_threads,
    };
    const chirp_status st = chirp_predictive_plan_create(&desc, &step->plan);
    if (st != CHIRP_OK)
        return st;
    p->rows[at] = rows;
    step->dst = chirp_calloc((size_t)(p->events * rows * desc.O), sizeof *step->dst);
    if (!step->dst)
        return CHIRP_ERR_NOMEM;
    const float *mean =
        find_tensor(p->net, info, info->variational ? CHIRP_TENSOR_MEAN : CHIRP_TENSOR_WEIGHT);
    chirp_predictive_load(step->plan, mean, find_tensor(p->net, info, CHIRP_TENSOR_RHO),
                          find_tensor(p->net, info, CHIRP_TENSOR_BIAS));
    return CHIRP_OK;
}

static chirp_status make_steps(chirp_posterior *p)
{
    int layers = 0;
    const chirp_layer_info *info = chirp_network_layers(p->net, &layers);
    const size_t n = (size_t)p->likelihood.spec->n_leaves * (size_t)p->n_leaf;
    p->step = chirp_calloc(n, sizeof *p->step);
    p->rows = chirp_calloc(n, sizeof *p->rows);
    chirp_status st = p->step && p->rows ? CHIRP_OK : CHIRP_ERR_NOMEM;
    bool varied = false;
    for (int i = 0; i < layers && st == CHIRP_OK; ++i) {
        varied = varied && info[i].index > 0;
        if (info[i].leaf >= 0)
            st = make_step(p, &info[i], &varied);
    }
    return st;
}

chirp_status chirp_posterior_create(chirp_network *net, const chirp_likelihood *likelihood,
                                    int64_t samples, chirp_posterior **result)
{
    const chirp_network_config *config = chirp_network_configuration(net);
    if (samples < 2 || samples > INT64_C(100000000))
        return chirp_fail(CHIRP_ERR_ARG, "a posterior takes 2 to 100 million samples, not %lld",
                          (long long)samples);
    chirp_posterior *p = chirp_calloc(1, sizeof *p);
    if (!p)
        return CHIRP_ERR_NOMEM;
    const int leaves = likelihood->spec->n_leaves;
    const size_t n = (size_t)(config->batch * leaves * samples);
    p->net = net;
    p->likelihood = *likelihood;
    p->events = config->batch;
    p->samples = samples;
    p->n_leaf = config->spec->n_leaf;
    p->raw = chirp_calloc((size_t)(p->events * leaves * likelihood->outputs), sizeof *p->raw);
    p->mean = chirp_calloc(n, sizeof *p->mean);
    p->scale = chirp_calloc(n, sizeof *p->scale);
    p->drawn = chirp_calloc(n, sizeof *p->drawn);
    p->sorted = chirp_calloc((size_t)samples, sizeof *p->sorted);
    p->normal = chirp_calloc((size_t)samples, sizeof *p->normal);
    chirp_status st = p->raw && p->mean && p->scale && p->drawn && p->sorted && p->normal
                          ? CHIRP_OK
                          : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK && only_dense_leaves_vary(net))
        st = make_steps(p);
    if (st != CHIRP_OK) {
        chirp_posterior_destroy(p);
        return st;
    }
    *result = p;
    return CHIRP_OK;
}

void chirp_posterior_destroy(chirp_posterior *p)
{
    if (!p)
        return;
    for (int i = 0; p->step && i < p->likelihood.spec->n_leaves * p->n_leaf; ++i) {
        chirp_predictive_plan_destroy(p->step[i].plan);
        chirp_free(p->step[i].dst);
    }
    chirp_free(p->step);
    chirp_free(p->rows);
    chirp_free(p->raw);
    chirp_free(p->mean);
    chirp_free(p->scale);
    chirp_free(p->drawn);
    chirp_free(p->sorted);
    chirp_free(p->normal);
    chirp_free(p);
}

/* Moments of one (event, leaf, sample) from its raw outputs, in physical units. */
static void store_moments(chirp_posterior *p, int64_t event, int leaf, int64_t sample,
                          const float *raw)
{
    const int64_t at = (event * p->likelihood.spec->n_leaves + leaf) * p->samples + sample;
    chirp_likelihood_moments(&p->likelihood, raw, &p->mean[at], &p->scale[at]);
    chirp_likelihood_to_physical(&p->likelihood, leaf, &p->mean[at], &p->scale[at]);
}

static void sample_leaf(chirp_posterior *p, int leaf, const float *features, uint64_t seed)
{
    const int outputs = p->likelihood.outputs;
    const float *src = features;
    for (int l = 0; l < p->n_leaf; ++l) {
        leaf_step *step = &p->step[leaf * p->n_leaf + l];
        const uint32_t which = (uint32_t)(leaf * p->n_leaf + l);
        chirp_predictive_forward(step->plan, src,
                                 chirp_rng_stream(seed, CHIRP_RNG_WEIGHT_NOISE, which, 0), 0,
                                 step->dst);
        src = step->dst;
    }
    const int64_t rows =
        p->rows[leaf * p->n_leaf + p->n_leaf - 1]; /* 1 when nothing is variational */
    for (int64_t event = 0; event < p->events; ++event)
        for (int64_t s = 0; s < p->samples; ++s)
            store_moments(p, event, leaf, s, src + (event * rows + (rows > 1 ? s : 0)) * outputs);
}

static void sample_everything(chirp_posterior *p, const float *strain, uint64_t seed)
{
    const int leaves = p->likelihood.spec->n_leaves;
    for (int64_t s = 0; s < p->samples; ++s) {
        const chirp_pass pass = {.sample = true, .step = (uint64_t)s, .seed_offset = seed};
        chirp_network_forward(p->net, strain, &pass, p->raw);
        for (int64_t event = 0; event < p->events; ++event)
            for (int leaf = 0; leaf < leaves; ++leaf)
                store_moments(p, event, leaf, s,
                              p->raw + (event * leaves + leaf) * p->likelihood.outputs);
    }
}

/* Stretches the predictive of a row about its mean. */
static void recalibrate(chirp_posterior *p, int64_t row)
{
    const double factor = p->recalibration[row % p->likelihood.spec->n_leaves];
    double *mean = p->mean + row * p->samples;
    double *scale = p->scale + row * p->samples;
    if (factor == 0)
        return;
    const double centre = chirp_stats_mean(mean, (size_t)p->samples);
    for (int64_t s = 0; s < p->samples; ++s) {
        mean[s] = centre + factor * (mean[s] - centre);
        scale[s] *= factor;
    }
}

static chirp_status not_finite(const chirp_posterior *p, int64_t row)
{
    const chirp_network_spec *spec = p->likelihood.spec;
    return chirp_fail(CHIRP_ERR_NUMERIC,
                      "the posterior of %s isn't finite: training has diverged or the weights are "
                      "damaged: train again with a smaller --learning-rate",
                      chirp_label_name[spec->label[row % spec->n_leaves]]);
}

/* Finite weights can give draws that aren't; finite draws can have squares that overflow. */
static bool row_is_finite(const chirp_posterior *p, int64_t row)
{
    for (int64_t i = row * p->samples; i < (row + 1) * p->samples; ++i)
        if (!isfinite(p->drawn[i]) || !isfinite(p->mean[i]) || !isfinite(p->scale[i]))
            return false;
    return true;
}

static bool summary_is_finite(const chirp_posterior_summary *s)
{
    return isfinite(s->mean) && isfinite(s->std) && isfinite(s->epistemic_std) &&
           isfinite(s->aleatoric_std);
}

chirp_status chirp_posterior_predict(chirp_posterior *p, const float *strain, uint64_t seed,
                                     double *samples, chirp_posterior_summary *summary)
{
    const int leaves = p->likelihood.spec->n_leaves;
    const int64_t S = p->samples;
    if (p->step) {
        const chirp_pass pass = {.sample = false};
        const float *features = chirp_network_forward_root(p->net, strain, &pass);
        for (int leaf = 0; leaf < leaves; ++leaf)
            sample_leaf(p, leaf, features, seed);
    } else {
        sample_everything(p, strain, seed);
    }
    for (int64_t i = 0; i < p->events * leaves; ++i) {
        const chirp_rng rng = chirp_rng_stream(seed, CHIRP_RNG_PREDICTIVE, (uint32_t)(i % leaves),
                                               (uint64_t)(i / leaves));
        double *drawn = p->drawn + i * S;
        recalibrate(p, i);
        chirp_rng_normal(rng, 0, S, p->normal);
        for (int64_t s = 0; s < S; ++s)
            drawn[s] = p->mean[i * S + s] + p->scale[i * S + s] * (double)p->normal[s];
    }
    for (int64_t i = 0; i < p->events * leaves; ++i) {
        if (!row_is_finite(p, i))
            return not_finite(p, i);
        summarise(p->mean + i * S, p->scale + i * S, p->drawn + i * S, p->sorted, S, &summary[i]);
        if (!summary_is_finite(&summary[i]))
            return not_finite(p, i);
    }
    if (samples)
        memcpy(samples, p->drawn, (size_t)(p->events * leaves * S) * sizeof *samples);
    return CHIRP_OK;
}

void chirp_posterior_recalibrate(chirp_posterior *p, const double *factor)
{
    memcpy(p->recalibration, factor, (size_t)p->likelihood.spec->n_leaves * sizeof *factor);
}

void chirp_posterior_components(const chirp_posterior *p, int64_t event, int leaf,
                                const double **mean, const double **scale)
{
    const int64_t at = (event * p->likelihood.spec->n_leaves + leaf) * p->samples;
    *mean = p->mean + at;
    *scale = p->scale + at;
}

chirp_status chirp_credible_interval(const double *samples, int64_t n, double level,
                                     double interval[2])
{
    if (n < 2 || !(level > 0 && level < 1))
        return chirp_fail(CHIRP_ERR_ARG,
                          "a credible interval needs 2 samples and a level within 0 to 1");
    double *sorted = chirp_alloc((size_t)n * sizeof *sorted);
    if (!sorted)
        return CHIRP_ERR_NOMEM;
    memcpy(sorted, samples, (size_t)n * sizeof *sorted);
    chirp_sort(sorted, (size_t)n);
    interval[0] = chirp_stats_quantile_sorted(sorted, (size_t)n, 0.5 - 0.5 * level);
    interval[1] = chirp_stats_quantile_sorted(sorted, (size_t)n, 0.5 + 0.5 * level);
    chirp_free(sorted);
    return CHIRP_OK;
}
