/*
 * Suite `network`: the whole network on synthetic strain. A training step is forward, likelihood, backward and Adam,
 * without signals and without ranks (suites signal and communication have those), so that variants and estimators
 * compare on compute alone. Every timed network is first checked: finite outputs, and the same bits from a second pass.
 */
#include "suites/suites.h"

#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/stats/stats.h"
#include "kernels/optimizer/optimizer.h"
#include "kernels/random/random.h"
#include "model/inference/likelihood.h"
#include "model/inference/posterior.h"
#include "model/network/network.h"
#include "model/signal/generator.h"

#include <math.h>
#include <string.h>

enum { MOST_EVENTS = 16 }; /* of a posterior row */

typedef struct network_case {
    const char *network;
    chirp_variant variant;
    chirp_variational_estimator estimator;
    int64_t batch;
    int64_t samples; /* posterior rows */
} network_case;

typedef struct workbench {
    chirp_network *net;
    chirp_likelihood likelihood;
    float *strain, *label, *output, *doutput, *first, *second;
} workbench;

static void close_workbench(workbench *w)
{
    chirp_network_destroy(w->net);
    chirp_free(w->strain);
    chirp_free(w->label);
    chirp_free(w->output);
    chirp_free(w->doutput);
    chirp_free(w->first);
    chirp_free(w->second);
}

static chirp_status open_workbench(const network_case *c, bool training, int threads, workbench *w)
{
    const chirp_network_spec *spec = NULL;
    chirp_status st = chirp_network_spec_find(c->network, &spec);
    if (st != CHIRP_OK)
        return st;
    chirp_network_config config = chirp_network_config_default(spec);
    config.variant = c->variant;
    config.estimator = c->estimator;
    config.batch = c->batch;
    config.training = training;
    config.n_threads = threads;
    *w = (workbench){.likelihood = {.spec = spec, .outputs = config.outputs, .noise_scale = 0.2}};
    st = chirp_network_create(&config, &w->net);
    if (st != CHIRP_OK)
        return st;
    const size_t n = (size_t)chirp_network_parameter_count(w->net);
    const size_t outputs = (size_t)c->batch * (size_t)spec->n_leaves * (size_t)config.outputs;
    w->strain = chirp_alloc((size_t)(c->batch * spec->length) * sizeof(float));
    w->label = chirp_alloc((size_t)c->batch * CHIRP_LABELS * sizeof(float));
    w->output = chirp_calloc(outputs, sizeof(float));
    w->doutput = chirp_calloc(outputs, sizeof(float));
    w->first = chirp_calloc(training ? n : 1, sizeof(float));
    w->second = chirp_calloc(training ? n : 1, sizeof(float));
    if (!w->strain || !w->label || !w->output || !w->doutput || !w->first || !w->second) {
        close_workbench(w);
        return CHIRP_ERR_NOMEM;
    }
    chirp_network_initialize(w->net, 1, chirp_likelihood_scale_bias(&w->likelihood, 0.2));
    chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0), 0, c->batch * spec->length,
                     w->strain);
    for (int64_t i = 0; i < c->batch * CHIRP_LABELS; ++i)
        w->label[i] = i % CHIRP_LABELS < 2 ? 40.0F : 0.5F;
    return CHIRP_OK;
}

/* Operations of a pass over the batch. */
static double pass_flops(const chirp_network *net, int64_t batch, bool backward)
{
    int n = 0;
    double flops = 0;
    const chirp_layer_info *info = chirp_network_layers(net, &n);
    for (int i = 0; i < n; ++i)
        flops += info[i].forward_flops + (backward ? info[i].backward_flops : 0);
    return flops * (double)batch;
}

static chirp_status check_network(const void *arg, double *relative_error)
{
    const network_case *c = arg;
    network_case one = *c;
    workbench w;
    float again[CHIRP_MAX_LEAVES * 2 * 2];
    one.batch = c->batch < 2 ? c->batch : 2;
    const chirp_status st = open_workbench(&one, false, 0, &w);
    if (st != CHIRP_OK)
        return st;
    const chirp_pass pass = {.sample = true};
    const size_t n = (size_t)one.batch * (size_t)w.likelihood.spec->n_leaves * 2;
    chirp_network_forward(w.net, w.strain, &pass, w.output);
    memcpy(again, w.output, n * sizeof *again);
    chirp_network_forward(w.net, w.strain, &pass, w.output);
    bool good = memcmp(again, w.output, n * sizeof *again) == 0;
    for (size_t i = 0; i < n; ++i)
        good = good && isfinite(again[i]);
    close_workbench(&w);
    *relative_error = 0;
    return good ? CHIRP_OK
                : chirp_fail(CHIRP_ERR_NUMERIC, "two forward passes differ or are not finite");
}

static chirp_status run_step(chirp_bench *b, const void *arg)
{
    const network_case *c = arg;
    const chirp_adam adam = {1e-6F, 0.9F, 0.999F, 1e-8F};
    workbench w;
    const chirp_status st = open_workbench(c, true, chirp_bench_threads(b), &w);
    if (st != CHIRP_OK)
        return st;
    const int64_t n = chirp_network_parameter_count(w.net);
    uint64_t step = 0;
    while (chirp_bench_next(b)) {
        const chirp_pass pass = {.training = true, .sample = true, .step = step++};
        chirp_network_forward(w.net, w.strain, &pass, w.output);
        (void)chirp_likelihood_loss(&w.likelihood, c->batch, w.output, w.label, w.doutput);
        chirp_network_backward(w.net, w.strain, &pass, w.doutput, 1e-6, NULL, NULL);
        chirp_adam_step(n, &adam, (int64_t)step, chirp_network_gradients(w.net), w.first, w.second,
                        chirp_network_parameters(w.net), chirp_bench_threads(b));
        chirp_network_parameters_changed(w.net);
        chirp_bench_consume(chirp_network_parameters(w.net));
    }
    chirp_bench_rate(b, "effective_GFLOPS", pass_flops(w.net, c->batch, true) * 1e-9);
    chirp_bench_items(b, (double)c->batch);
    chirp_bench_counter(b, "trained_numbers", (double)n);
    chirp_bench_counter(b, "exchanged_bytes", 4.0 * (double)n);
    close_workbench(&w);
    return CHIRP_OK;
}

static chirp_status run_forward(chirp_bench *b, const void *arg)
{
    const network_case *c = arg;
    workbench w;
    const chirp_status st = open_workbench(c, false, chirp_bench_threads(b), &w);
    if (st != CHIRP_OK)
        return st;
    const chirp_pass pass = {.sample = false};
    while (chirp_bench_next(b)) {
        chirp_network_forward(w.net, w.strain, &pass, w.output);
        chirp_bench_consume(w.output);
    }
    chirp_bench_rate(b, "effective_GFLOPS", pass_flops(w.net, c->batch, false) * 1e-9);
    chirp_bench_items(b, (double)c->batch);
    close_workbench(&w);
    return CHIRP_OK;
}

/* Latencies of single events; those behind the last take the place of the first. */
enum { LATENCIES = 4096 };

/* A quantile that fewer than two of the latencies exceed would be the largest by another name. */
static void count_latencies(chirp_bench *b, double *latency, int64_t n)
{
    if (n < 2)
        return;
    const size_t kept = (size_t)(n < LATENCIES ? n : LATENCIES);
    chirp_sort(latency, kept);
    chirp_bench_counter(b, "latencies", (double)kept);
    chirp_bench_counter(b, "latency_p50_ms", 1e3 * chirp_stats_quantile_sorted(latency, kept, 0.5));
    if (kept >= 200)
        chirp_bench_counter(b, "latency_p99_ms",
                            1e3 * chirp_stats_quantile_sorted(latency, kept, 0.99));
}

/* Strain in memory to posteriors of all parameters, one event after the other. */
static chirp_status run_posterior(chirp_bench *b, const void *arg)
{
    const network_case *c = arg;
    workbench w;
    chirp_posterior_summary summary[CHIRP_MAX_LEAVES * MOST_EVENTS];
    double latency[LATENCIES];
    int64_t n = 0;
    chirp_status st = open_workbench(c, false, chirp_bench_threads(b), &w);
    if (st != CHIRP_OK)
        return st;
    chirp_posterior *posterior = NULL;
    st = chirp_posterior_create(w.net, &w.likelihood, c->samples, &posterior);
    uint64_t seed = 0;
    while (st == CHIRP_OK && chirp_bench_next(b)) {
        const double start = chirp_now_s();
        st = chirp_posterior_predict(posterior, w.strain, seed++, NULL, summary);
        latency[n++ % LATENCIES] = chirp_now_s() - start;
        chirp_bench_consume(summary);
    }
    chirp_posterior_destroy(posterior);
    chirp_bench_items(b, (double)c->batch);
    count_latencies(b, latency, n);
    chirp_bench_counter(b, "posterior_samples", (double)c->samples);
    close_workbench(&w);
    return st;
}

#define CASE(network, variant, estimator, batch, samples)                                          \
    (&(const network_case){network, CHIRP_VARIANT_##variant, CHIRP_VARIATIONAL_##estimator, batch, \
                           samples})
#define STEP(network, variant, NAME, estimator, ESTIMATOR)                                         \
    {                                                                                              \
        .name = "network/train_step/" estimator "/" network "." variant "/batch:64",               \
        .run = run_step, .check = check_network, .arg = CASE(network, NAME, ESTIMATOR, 64, 0)      \
    }
#define POSTERIOR(network, count)                                                                  \
    {                                                                                              \
        .name = "network/posterior/monte_carlo/" network ".last2/samples:" #count,                 \
        .run = run_posterior, .check = check_network,                                              \
        .arg = CASE(network, LAST2, REPARAMETERIZATION, 1, count)                                  \
    }
/* events together: more of them a second, each later */
#define POSTERIORS(network, count, events)                                                         \
    {                                                                                              \
        .name =                                                                                    \
            "network/posterior/monte_carlo/" network ".last2/samples:" #count "/events:" #events,  \
        .run = run_posterior, .check = check_network,                                              \
        .arg = CASE(network, LAST2, REPARAMETERIZATION, events, count)                             \
    }

const chirp_bench_entry chirp_suite_network[] = {
    STEP("spin", "none", NONE, "deterministic", REPARAMETERIZATION),
    STEP("spin", "last2", LAST2, "reparameterization", REPARAMETERIZATION),
    STEP("spin", "last2", LAST2, "local", LOCAL),
    STEP("spin", "last2", LAST2, "flipout", FLIPOUT),
    STEP("spin", "leaf", LEAF, "reparameterization", REPARAMETERIZATION),
    STEP("spin", "leaf", LEAF, "local", LOCAL),
    STEP("spin", "leaf", LEAF, "flipout", FLIPOUT),
    STEP("spin", "all", ALL, "reparameterization", REPARAMETERIZATION),
    STEP("spin", "all", ALL, "local", LOCAL),
    STEP("spin", "all", ALL, "flipout", FLIPOUT),
    STEP("mass", "last2", LAST2, "reparameterization", REPARAMETERIZATION),
    {.name = "network/forward/mean_weights/spin.last2/batch:64",
     .run = run_forward,
     .check = check_network,
     .arg = CASE("spin", LAST2, REPARAMETERIZATION, 64, 0)},
    {.name = "network/forward/mean_weights/spin.last2/batch:1",
     .run = run_forward,
     .check = check_network,
     .arg = CASE("spin", LAST2, REPARAMETERIZATION, 1, 0)},
    POSTERIOR("spin", 2),
    POSTERIOR("spin", 100),
    POSTERIOR("spin", 1000),
    POSTERIOR("spin", 10000),
    POSTERIOR("spin-2048", 2),
    POSTERIOR("spin-2048", 100),
    POSTERIOR("spin-2048", 1000),
    POSTERIORS("spin-2048", 1000, 16),
    {0},
};
