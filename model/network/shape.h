/**
 * The shape of a network: layers, parameters, operations and the order of the backward pass as a function of
 * (table, variant, batch). No plan is made and nothing is allocated, so that tables, projections and benchmarks ask
 * this instead of keeping copies.
 */
#ifndef CHIRP_MODEL_NETWORK_SHAPE_H
#define CHIRP_MODEL_NETWORK_SHAPE_H

#include "model/network/info.h"

#include <stdint.h>

/** Study defaults for a network; batch 64, training. */
chirp_network_config chirp_network_config_default(const chirp_network_spec *spec);

typedef struct chirp_network_shape {
    int n_layers, n_tensors;
    chirp_layer_info layer[CHIRP_MAX_LAYERS]; /**< in forward order: root, leaf 0, leaf 1, ... */
    /** numbers of the layers in the order in which the backward pass finishes their gradients: leaf 0 from its last layer
        up, leaf 1, ..., then the root from its last layer up */
    int backward[CHIRP_MAX_LAYERS];
    chirp_tensor tensor[CHIRP_MAX_TENSORS]; /**< in backward order, contiguous in the arena */
    int64_t parameters;                     /**< [floats] in the arena */
    int64_t features; /**< width of what the root hands to the leaves: width * channels */
} chirp_network_shape;

/**
 * The shape of the network that `config` describes. CHIRP_ERR_ARG, with a sentence that names the layer or the field, when
 * there is no such network; *shape is then undefined.
 */
chirp_status chirp_network_shape_make(const chirp_network_config *config,
                                      chirp_network_shape *shape);

/** The same for a study network by its name, with one output per leaf. CHIRP_ERR_ARG when there is no such network. */
chirp_status chirp_network_shape_of(const char *network, chirp_variant variant, int64_t batch,
                                    chirp_network_shape *shape);

/**
 * The layer `name` ("root/conv1", "leaf0/dense2") of a study network with one output per leaf.
 * CHIRP_ERR_ARG when the network or the layer does not exist.
 */
chirp_status chirp_network_layer_find(const char *network, chirp_variant variant, int64_t batch,
                                      const char *name, chirp_layer_info *info);

/** The kernel descriptor of a layer of kind "convolution"; algorithm AUTO, threads 0. */
chirp_conv1d_desc chirp_layer_conv1d(const chirp_layer_info *info, int64_t batch);
/** The kernel descriptor of a layer of kind "dense"; threads 0. */
chirp_dense_desc chirp_layer_dense(const chirp_layer_info *info, int64_t batch);

#endif
