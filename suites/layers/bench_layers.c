/* Suite `layers`: the table. Shapes are those of the study's leaves at batch 64, arrays of its parameters. */
#include "suites/layers/layers.h"
#include "suites/suites.h"

#include "kernels/variational/variational_dense.h"

enum { DETERMINISTIC = -1, BATCH = 64 };

#define LAYER(name)                                                                                \
    {                                                                                              \
        {(name), BATCH, DETERMINISTIC}, {(name), BATCH, CHIRP_VARIATIONAL_REPARAMETERIZATION},     \
            {(name), BATCH, CHIRP_VARIATIONAL_LOCAL}, {(name), BATCH, CHIRP_VARIATIONAL_FLIPOUT},  \
    }
static const layer_case dense1[] = LAYER("leaf0/dense1");
static const layer_case dense2[] = LAYER("leaf0/dense2");
static const layer_case dense3[] = LAYER("leaf0/dense3");

/* A network's worth: 3,730,563 parameters, beyond the caches; 131072 elements, a layer's worth within them. */
enum { NETWORK = 3730563, CACHED = 131072 };
static const array_case normal[] = {{DRAW_NORMAL, NETWORK}}, uniform[] = {{DRAW_UNIFORM, NETWORK}},
                        sign[] = {{DRAW_SIGN, NETWORK}};
static const array_case sample[] = {{ARRAY_SAMPLE, NETWORK}, {ARRAY_SAMPLE, CACHED}};
static const array_case perturbation[] = {{ARRAY_PERTURBATION, NETWORK}};
static const array_case backward[] = {{ARRAY_BACKWARD, NETWORK}, {ARRAY_BACKWARD, CACHED}};
static const array_case kl[] = {{ARRAY_KL, NETWORK}, {ARRAY_KL, CACHED}};
static const array_case adam[] = {{ARRAY_ADAM, NETWORK}}, sgd[] = {{ARRAY_SGD, NETWORK}},
                        squares[] = {{ARRAY_SQUARES, NETWORK}};
static const array_case dropout[] = {{ARRAY_DROPOUT, NETWORK}, {ARRAY_DROPOUT, BATCH * 128}};

static const predictive_case predictive[] = {{CHIRP_VARIANT_LAST2, 1},
                                             {CHIRP_VARIANT_LAST2, 100},
                                             {CHIRP_VARIANT_LAST2, 1000},
                                             {CHIRP_VARIANT_LAST2, 10000},
                                             {CHIRP_VARIANT_LEAF, 1000}};

#define LAYER_ROWS(family, pass, runner, layer)                                                    \
    {.name = family "/" pass "/deterministic/leaf." #layer "/batch:64",                            \
     .run = (runner),                                                                              \
     .check = layers_check,                                                                        \
     .arg = &(layer)[0]},                                                                          \
        {.name = family "/" pass "/reparameterization/leaf." #layer "/batch:64",                   \
         .run = (runner),                                                                          \
         .check = layers_check,                                                                    \
         .arg = &(layer)[1]},                                                                      \
        {.name = family "/" pass "/local/leaf." #layer "/batch:64",                                \
         .run = (runner),                                                                          \
         .check = layers_check,                                                                    \
         .arg = &(layer)[2]},                                                                      \
    {                                                                                              \
        .name = family "/" pass "/flipout/leaf." #layer "/batch:64", .run = (runner),              \
        .check = layers_check, .arg = &(layer)[3]                                                  \
    }

#define CONV_ROW(name_, number, e)                                                                 \
    {                                                                                              \
        .name = "conv1d/step/" name_ "/conv" #number "/batch:64", .run = layers_run_conv_step,     \
        .check = layers_check_conv, .arg = &(const conv_case)                                      \
        {                                                                                          \
            (number), BATCH, (e)                                                                   \
        }                                                                                          \
    }
#define CONV_ROWS(number)                                                                          \
    CONV_ROW("deterministic", number, DETERMINISTIC),                                              \
        CONV_ROW("reparameterization", number, CHIRP_VARIATIONAL_REPARAMETERIZATION),              \
        CONV_ROW("local", number, CHIRP_VARIATIONAL_LOCAL),                                        \
        CONV_ROW("flipout", number, CHIRP_VARIATIONAL_FLIPOUT)

#define ARRAY_ROW(row_name, array)                                                                 \
    {                                                                                              \
        .name = (row_name), .run = layers_run_array, .check = layers_check_array, .arg = (array)   \
    }
#define DRAWS_ROW(row_name, array)                                                                 \
    {                                                                                              \
        .name = (row_name), .run = layers_run_draws, .check = layers_check_draws, .arg = (array)   \
    }
#define PREDICTIVE_ROW(row_name, number)                                                           \
    {                                                                                              \
        .name = (row_name), .run = layers_run_predictive, .check = layers_check_predictive,        \
        .arg = &predictive[number]                                                                 \
    }

const chirp_bench_entry chirp_suite_layers[] = {
    LAYER_ROWS("dense", "forward", layers_run_forward, dense1),
    LAYER_ROWS("dense", "forward", layers_run_forward, dense2),
    LAYER_ROWS("dense", "forward", layers_run_forward, dense3),
    LAYER_ROWS("dense", "backward", layers_run_backward, dense1),
    LAYER_ROWS("dense", "backward", layers_run_backward, dense2),
    LAYER_ROWS("dense", "backward", layers_run_backward, dense3),
    LAYER_ROWS("dense", "step", layers_run_step, dense1),
    LAYER_ROWS("dense", "step", layers_run_step, dense2),
    LAYER_ROWS("dense", "step", layers_run_step, dense3),
    CONV_ROWS(1),
    CONV_ROWS(2),
    CONV_ROWS(3),
    CONV_ROWS(4),
    CONV_ROWS(7),
    PREDICTIVE_ROW("predictive/forward/local/last2/samples:1", 0),
    PREDICTIVE_ROW("predictive/forward/local/last2/samples:100", 1),
    PREDICTIVE_ROW("predictive/forward/local/last2/samples:1000", 2),
    PREDICTIVE_ROW("predictive/forward/local/last2/samples:10000", 3),
    PREDICTIVE_ROW("predictive/forward/local/leaf/samples:1000", 4),
    DRAWS_ROW("random/normal/philox/n:3730563", normal),
    DRAWS_ROW("random/uniform/philox/n:3730563", uniform),
    DRAWS_ROW("random/sign/philox/n:3730563", sign),
    ARRAY_ROW("variational/sample/fused/n:3730563", &sample[0]),
    ARRAY_ROW("variational/sample/fused/n:131072", &sample[1]),
    ARRAY_ROW("variational/perturbation/fused/n:3730563", perturbation),
    ARRAY_ROW("variational/backward/fused/n:3730563", &backward[0]),
    ARRAY_ROW("variational/backward/fused/n:131072", &backward[1]),
    ARRAY_ROW("variational/kl/double/n:3730563", &kl[0]),
    ARRAY_ROW("variational/kl/double/n:131072", &kl[1]),
    ARRAY_ROW("optimizer/adam/fused/n:3730563", adam),
    ARRAY_ROW("optimizer/sgd/fused/n:3730563", sgd),
    ARRAY_ROW("optimizer/sum_of_squares/fused/n:3730563", squares),
    ARRAY_ROW("dropout/forward/redrawn/n:3730563", &dropout[0]),
    ARRAY_ROW("dropout/forward/redrawn/n:8192", &dropout[1]),
    {0},
};
