/**
 * A layer as an object: a type with functions, its plan and its buffers. One file per type; a new type is a new file,
 * a row in LAYER_TYPES and a line in CMakeLists.txt. Not for other folders.
 */
#ifndef CHIRP_MODEL_NETWORK_LAYER_H
#define CHIRP_MODEL_NETWORK_LAYER_H

#include "model/network/info.h"

/** The table: X(name) for the object layer_type_name of every file layer_name.c. */
#define LAYER_TYPES(X)                                                                             \
    X(convolution)                                                                                 \
    X(dense)                                                                                       \
    X(variational_convolution)                                                                     \
    X(variational_dense)

typedef struct layer_type layer_type;

typedef struct layer {
    const layer_type *type;
    const chirp_layer_info *info;
    void *plan; /**< the type's own */
    /** its tensors in the order of the table, in the network's arenas */
    const float *value[CHIRP_MAX_LAYER_TENSORS];
    float *gradient[CHIRP_MAX_LAYER_TENSORS]; /**< NULL unless training */
    float *dst;                               /**< [N][out_width * out_channels] */
    float *ddst;                              /**< as dst; training only */
    uint8_t *code;                            /**< as dst; training only, for types with codes */
    bool loaded;                              /**< type->load has seen the current parameters */
    double forward_s, backward_s;             /**< of the last passes */
} layer;

/** What a backward pass needs beside tensors. */
typedef struct layer_backward {
    const chirp_variational_draws *draws; /**< those of the forward pass */
    chirp_variational_prior prior;
} layer_backward;

/** One tensor as a type declares it; extents beyond the rank are 1. */
typedef struct layer_tensor {
    chirp_tensor_kind kind;
    int rank;
    int64_t extent[3];
} layer_tensor;

/** Tensors that a type declares, in the order in which value[] and gradient[] have them. */
typedef struct layer_tensors {
    int n;
    layer_tensor tensor[CHIRP_MAX_LAYER_TENSORS];
} layer_tensors;

struct layer_type {
    const char *kind; /**< of a chirp_layer_row */
    bool variational;
    bool codes; /**< keeps a byte per output for the backward pass */
    /**
     * Fills the fields of info that depend on the type: outputs, padding, operations; and its tensors. Names, inputs,
     * activation, taps, dilation and pool are there already. No allocation.
     */
    chirp_status (*shape)(const chirp_layer_row *row, const chirp_network_config *config,
                          chirp_layer_info *info, layer_tensors *tensors);
    /** Makes l->plan. On failure nothing stays allocated. */
    chirp_status (*create)(layer *l, const chirp_network_config *config);
    /** Packs parameters that have changed; NULL when the type keeps no copy of them. */
    void (*load)(layer *l);
    /** Writes l->dst. @param draws  NULL: variational weights take their means */
    void (*forward)(layer *l, const float *src, const chirp_variational_draws *draws);
    /** From l->ddst, which it may overwrite: writes l->gradient[] and dsrc. @param dsrc  NULL: not wanted */
    void (*backward)(layer *l, const layer_backward *b, const float *src, float *dsrc);
    /** Frees l->plan, which may be NULL. */
    void (*destroy)(layer *l);
};

#define LAYER_TYPE_DECLARE(name) extern const layer_type layer_type_##name;
LAYER_TYPES(LAYER_TYPE_DECLARE)

/** The type of a kind, or NULL. */
const layer_type *layer_type_find(const char *kind, bool variational);

/** Weights (or mean and rho) of the given extents and a bias [extent 0]: what convolutions and dense layers have. */
void layer_add_weights(chirp_layer_info *info, layer_tensors *tensors, int rank);

/** The tensors of a variational layer as kernels take them. */
static inline chirp_variational_weights layer_variational_weights(const layer *l)
{
    return (chirp_variational_weights){.mu = l->value[0], .rho = l->value[1], .bia = l->value[2]};
}

static inline chirp_variational_gradients layer_variational_gradients(const layer *l)
{
    return (chirp_variational_gradients){
        .dmu = l->gradient[0], .drho = l->gradient[1], .dbia = l->gradient[2]};
}

/** The shape of any convolution and of any dense layer. */
chirp_status layer_convolution_shape(const chirp_layer_row *row, const chirp_network_config *config,
                                     chirp_layer_info *info, layer_tensors *tensors);
chirp_status layer_dense_shape(const chirp_layer_row *row, const chirp_network_config *config,
                               chirp_layer_info *info, layer_tensors *tensors);

#endif
