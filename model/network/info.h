/** What describes a network: its configuration, its tensors and its layers, as plain data. */
#ifndef CHIRP_MODEL_NETWORK_INFO_H
#define CHIRP_MODEL_NETWORK_INFO_H

#include "kernels/conv1d/conv1d.h"
#include "kernels/variational/variational_dense.h"
#include "model/network/layers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct chirp_network_config {
    const chirp_network_spec *spec; /**< kept by reference */
    chirp_variant variant;
    chirp_variational_estimator estimator; /**< of variational layers' gradients */
    int outputs;                           /**< per leaf: 1 fixed noise scale, 2 learned */
    int64_t batch;                         /**< N */
    /** rate in [0, 1) where the table has dropout, used when training */
    double dropout;
    /** of the N(0, sigma^2) prior */
    double prior_sigma;
    /** posterior standard deviations start at softplus(initial_rho) */
    double initial_rho;
    /** puts the activation back that the study removed from the leaves' inner layers */
    bool dense2_relu;
    uint64_t seed; /**< of weight noise, dropout and signs */
    bool training; /**< false: no gradients are allocated and backward must not be called */
    chirp_conv1d_algorithm algorithm;
    int n_threads; /**< 0: omp_get_max_threads() */
} chirp_network_config;

typedef enum chirp_tensor_kind {
    CHIRP_TENSOR_WEIGHT = 0, /**< deterministic weights */
    CHIRP_TENSOR_MEAN,
    CHIRP_TENSOR_RHO, /**< follows the mean that it belongs to */
    CHIRP_TENSOR_BIAS
} chirp_tensor_kind;

typedef struct chirp_tensor {
    char name[48]; /**< also its path in a checkpoint */
    chirp_tensor_kind kind;
    int layer; /**< number of its layer in forward order */
    int rank;
    int64_t extent[3];
    int64_t offset, count; /**< [floats] in the arena */
} chirp_tensor;

enum {
    CHIRP_MAX_LAYERS = CHIRP_MAX_ROOT_LAYERS + CHIRP_MAX_LEAVES * CHIRP_MAX_LEAF_LAYERS,
    CHIRP_MAX_LAYER_TENSORS = 4,
    CHIRP_MAX_TENSORS = CHIRP_MAX_LAYERS * CHIRP_MAX_LAYER_TENSORS,
};

/** What a layer is and costs. */
typedef struct chirp_layer_info {
    char name[32];    /**< "root/conv1", "leaf0/dense2" */
    const char *kind; /**< "convolution", "dense" */
    int leaf;         /**< -1: root */
    int index;        /**< within the root or the leaf */
    bool last;        /**< of its leaf */
    bool variational;
    bool dropout; /**< behind it when training */
    /** dense: widths are 1; out_width is after the pool */
    int64_t in_width, in_channels, out_width, out_channels;
    int64_t taps, dilation, pool; /**< dense: 1 */
    int64_t pad_left, pad_right;  /**< dense: 0 */
    chirp_activation activation;  /**< applied by the layer */
    chirp_activation
        likelihood_activation;   /**< applied to a last layer's mean by the study's likelihood */
    int first_tensor, n_tensors; /**< in the tensor table */
    int64_t weights, biases;     /**< a variational layer has twice as many weight numbers */
    int64_t trained;       /**< numbers with a gradient: means, rhos and biases count one each */
    double forward_flops;  /**< per signal, direct method, one weight draw */
    double backward_flops; /**< likewise; the first layer needs no gradient of its input */
    double
        forward_bytes; /**< least that a forward pass of the batch moves: input, parameters and output once */
} chirp_layer_info;

#endif
