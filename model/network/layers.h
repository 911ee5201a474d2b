/**
 * The networks of the study as data: a root of 1-D convolutions shared by several leaves of dense layers, one
 * leaf per physical parameter (Shen et al. 2019, arXiv:1903.01998v2; layer shapes from its public code). A new
 * variant of the network is a new table, not new code.
 */
#ifndef CHIRP_MODEL_NETWORK_LAYERS_H
#define CHIRP_MODEL_NETWORK_LAYERS_H

#include "harness/base/status.h"
#include "harness/base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum { CHIRP_NETWORK_CHOICES = 128 }; /* room for all names */
enum { CHIRP_MAX_ROOT_LAYERS = 16, CHIRP_MAX_LEAF_LAYERS = 8, CHIRP_MAX_LEAVES = 5 };

/** One layer: a row of the root's or of a leaf's table. */
typedef struct chirp_layer_row {
    const char *name;
    /** "convolution" or "dense": a kind of the table of layer types (layer.h) */
    const char *kind;
    /** filters or neurons; 0 marks a leaf's last layer, whose width follows from the likelihood */
    int64_t outputs;
    /** of a convolution */
    int64_t taps, dilation;
    /** of a convolution: TensorFlow's "same" padding, else "valid" */
    bool same;
    /** of a convolution: window and stride of the max pool, 1: none */
    int64_t pool;
    bool relu;
    /** dropout behind it when training */
    bool dropout;
} chirp_layer_row;

typedef struct chirp_network_spec {
    const char *name;   /**< "spin", "mass", or one of them for fewer samples a second */
    int64_t length;     /**< [samples] of the input, one channel */
    int n_root, n_leaf; /**< layers of the root, layers of each leaf */
    chirp_layer_row root[CHIRP_MAX_ROOT_LAYERS];
    chirp_layer_row leaf[CHIRP_MAX_LEAF_LAYERS];
    int n_leaves;
    int label[CHIRP_MAX_LEAVES];          /**< CHIRP_LABEL_...: what each leaf reads */
    double label_scale[CHIRP_MAX_LEAVES]; /**< the study's leaf predicts label / scale */
    bool tanh_output;                     /**< the study has tanh on the predicted mean */
    double target_relative_error;         /**< training stops below this on held-out signals */
} chirp_network_spec;

/** Which layers carry variational weights. */
typedef enum chirp_variant {
    CHIRP_VARIANT_NONE = 0,
    CHIRP_VARIANT_LAST2, /**< the last two dense layers of every leaf: the paper */
    CHIRP_VARIANT_LEAF,  /**< all dense layers: the public code */
    CHIRP_VARIANT_ALL,   /**< every convolution too: the public code's second model class */
    CHIRP_VARIANTS
} chirp_variant;
extern const char *const chirp_variant_name[CHIRP_VARIANTS];

/** Names of the networks, "spin|mass|...". */
const char *chirp_network_choices(void);

/**
 * The study's networks, "spin" (a_f, M omega_R, M omega_I) and "mass" (m1, m2), of one second at 8192 Hz, and "spin-2048" and
 * "mass-2048" with the same layers for one at 2048 Hz. CHIRP_ERR_ARG for another name.
 */
chirp_status chirp_network_spec_find(const char *name, const chirp_network_spec **spec);

/** A convolution with ReLU and a dense layer, as rows of the tables. */
#define CHIRP_CONVOLUTION(name_, filters_, taps_, dilation_, same_, pool_)                         \
    {                                                                                              \
        .name = (name_), .kind = "convolution", .outputs = (filters_), .taps = (taps_),            \
        .dilation = (dilation_), .same = (same_), .pool = (pool_), .relu = true                    \
    }
#define CHIRP_DENSE(name_, outputs_, relu_, dropout_)                                              \
    {                                                                                              \
        .name = (name_), .kind = "dense", .outputs = (outputs_), .relu = (relu_),                  \
        .dropout = (dropout_)                                                                      \
    }

#endif
