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

enum { CHIRP_MAX_ROOT_LAYERS = 16, CHIRP_MAX_LEAF_LAYERS = 8, CHIRP_MAX_LEAVES = 5 };

/** One convolution of the root; all are followed by a ReLU. */
typedef struct chirp_conv_layer {
    const char *name;
    int64_t filters, taps, dilation;
    bool same;    /**< TensorFlow's "same" padding, else "valid" */
    int64_t pool; /**< window and stride of the max pool, 1: none */
} chirp_conv_layer;

/** One dense layer of a leaf. The last one has no outputs here: its width follows from the likelihood. */
typedef struct chirp_dense_layer {
    const char *name;
    int64_t outputs; /**< 0 marks the last layer */
    bool relu;
    bool dropout; /**< dropout behind it when training */
} chirp_dense_layer;

typedef struct chirp_network_spec {
    const char *name;   /**< "spin" or "mass" */
    int64_t length;     /**< [samples] of the input, one channel */
    int n_root, n_leaf; /**< layers of the root, layers of each leaf */
    chirp_conv_layer root[CHIRP_MAX_ROOT_LAYERS];
    chirp_dense_layer leaf[CHIRP_MAX_LEAF_LAYERS];
    int n_leaves;
    int label[CHIRP_MAX_LEAVES];          /**< CHIRP_LABEL_...: what each leaf reads */
    double label_scale[CHIRP_MAX_LEAVES]; /**< the leaf predicts label / scale, of order one */
    bool tanh_output;                     /**< tanh on the predicted mean, else linear */
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

/** The study's networks: "spin" (a_f, M omega_R, M omega_I) or "mass" (m1, m2). CHIRP_ERR_ARG for another name. */
chirp_status chirp_network_spec_find(const char *name, const chirp_network_spec **spec);

#endif
