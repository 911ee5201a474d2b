/* Suite `layers`: the table. Shapes are those of the study's leaves at batch 64, arrays of its parameters. */
#include "kernels/variational/variational_dense.h"
#include "suites/benchmarks/layers/layers.h"
#include "suites/suites.h"

enum { DETERMINISTIC = -1, BATCH = 64 };

/* A network's worth: 3,730,563 parameters, beyond the caches; 131072 elements, a layer's worth within them. */
enum { NETWORK = 3730563, CACHED = 131072 };
static const char *const network_or_cached[] = {"3730563", "131072", NULL};
static const char *const network_alone[] = {"3730563", NULL};
static const char *const network_or_leaf[] = {"3730563", "8192", NULL};

static const char *const estimators[] = {"deterministic", "reparameterization", "local", "flipout",
                                         NULL};
static const char *const batch[] = {"64", NULL};
static const char *const leaf_layers[] = {"leaf.dense1", "leaf.dense2", "leaf.dense3", NULL};
static const char *const root_layers[] = {"conv1", "conv2", "conv3", "conv4", "conv7", NULL};

static int estimator_at(int i)
{
    static const int of[] = {DETERMINISTIC, CHIRP_VARIATIONAL_REPARAMETERIZATION,
                             CHIRP_VARIATIONAL_LOCAL, CHIRP_VARIATIONAL_FLIPOUT};
    return of[i];
}

static bool make_dense(const int *at, void *c)
{
    static const char *const leaf[] = {"leaf0/dense1", "leaf0/dense2", "leaf0/dense3"};
    *(layer_case *)c = (layer_case){leaf[at[1]], BATCH, estimator_at(at[0])};
    return true;
}

static bool make_conv(const int *at, void *c)
{
    static const int layer[] = {1, 2, 3, 4, 7};
    *(conv_case *)c = (conv_case){layer[at[1]], BATCH, estimator_at(at[0])};
    return true;
}

static const char *const variational_layers[] = {"last2", "leaf", NULL};
static const char *const samples[] = {"1", "100", "1000", "10000", NULL};

static bool make_predictive(const int *at, void *c)
{
    static const int64_t n[] = {1, 100, 1000, 10000};
    *(predictive_case *)c =
        (predictive_case){at[0] == 0 ? CHIRP_VARIANT_LAST2 : CHIRP_VARIANT_LEAF, n[at[1]]};
    return at[0] == 0 || n[at[1]] == 1000;
}

static const char *const draws[] = {"normal/philox", "uniform/philox", "sign/philox", NULL};

static bool make_draws(const int *at, void *c)
{
    static const int kind[] = {DRAW_NORMAL, DRAW_UNIFORM, DRAW_SIGN};
    *(array_case *)c = (array_case){kind[at[0]], NETWORK};
    return true;
}

static const char *const variational_arrays[] = {"sample/fused", "perturbation/fused",
                                                 "backward/fused", "kl/double", NULL};

static bool make_variational(const int *at, void *c)
{
    static const int kind[] = {ARRAY_SAMPLE, ARRAY_PERTURBATION, ARRAY_BACKWARD, ARRAY_KL};
    *(array_case *)c = (array_case){kind[at[0]], at[1] == 0 ? NETWORK : CACHED};
    return at[1] == 0 || kind[at[0]] != ARRAY_PERTURBATION;
}

static const char *const optimizers[] = {"adam/fused", "sgd/fused", "sum_of_squares/fused", NULL};

static bool make_optimizer(const int *at, void *c)
{
    static const int kind[] = {ARRAY_ADAM, ARRAY_SGD, ARRAY_SQUARES};
    *(array_case *)c = (array_case){kind[at[0]], NETWORK};
    return true;
}

static bool make_dropout(const int *at, void *c)
{
    *(array_case *)c = (array_case){ARRAY_DROPOUT, at[0] == 0 ? NETWORK : BATCH * 128};
    return true;
}

#define DENSE(pass, runner)                                                                        \
    {                                                                                              \
        .name = "dense/" pass,                                                                     \
        .axes = {{.values = estimators}, {.values = leaf_layers}, {"batch", batch, NULL}},         \
        .case_size = sizeof(layer_case), .make = make_dense, .run = (runner),                      \
        .check = layers_check                                                                      \
    }

const chirp_bench_family chirp_families_layers[] = {
    DENSE("forward", layers_run_forward),
    DENSE("backward", layers_run_backward),
    DENSE("step", layers_run_step),
    {.name = "conv1d/step",
     .axes = {{.values = estimators}, {.values = root_layers}, {"batch", batch, NULL}},
     .case_size = sizeof(conv_case),
     .make = make_conv,
     .run = layers_run_conv_step,
     .check = layers_check_conv},
    {.name = "predictive/forward/local",
     .axes = {{.values = variational_layers}, {"samples", samples, NULL}},
     .case_size = sizeof(predictive_case),
     .make = make_predictive,
     .run = layers_run_predictive,
     .check = layers_check_predictive},
    {.name = "random",
     .axes = {{.values = draws}, {"n", network_alone, NULL}},
     .case_size = sizeof(array_case),
     .make = make_draws,
     .run = layers_run_draws,
     .check = layers_check_draws},
    {.name = "variational",
     .axes = {{.values = variational_arrays}, {"n", network_or_cached, NULL}},
     .case_size = sizeof(array_case),
     .make = make_variational,
     .run = layers_run_array,
     .check = layers_check_array},
    {.name = "optimizer",
     .axes = {{.values = optimizers}, {"n", network_alone, NULL}},
     .case_size = sizeof(array_case),
     .make = make_optimizer,
     .run = layers_run_array,
     .check = layers_check_array},
    {.name = "dropout/forward/redrawn",
     .axes = {{"n", network_or_leaf, NULL}},
     .case_size = sizeof(array_case),
     .make = make_dropout,
     .run = layers_run_array,
     .check = layers_check_array},
    {0},
};
