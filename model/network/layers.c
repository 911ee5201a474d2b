#include "model/network/layers.h"

#include "model/signal/generator.h"

#include <string.h>

const char *const chirp_variant_name[CHIRP_VARIANTS] = {"none", "last2", "leaf", "all"};

/* Seven convolutions, three dense layers: the same for both networks. dense2 has no activation on purpose: more
   neurons pass on to the last layer and gradients stay smooth (the study, section on the leaves). */
#define STUDY_ROOT                                                                                 \
    {                                                                                              \
        CHIRP_CONVOLUTION("conv1", 64, 16, 1, false, 4),                                           \
            CHIRP_CONVOLUTION("conv2", 128, 16, 2, false, 4),                                      \
            CHIRP_CONVOLUTION("conv3", 256, 16, 2, false, 4),                                      \
            CHIRP_CONVOLUTION("conv4", 256, 32, 2, true, 4),                                       \
            CHIRP_CONVOLUTION("conv5", 128, 4, 2, true, 1),                                        \
            CHIRP_CONVOLUTION("conv6", 128, 4, 2, true, 1),                                        \
            CHIRP_CONVOLUTION("conv7", 64, 2, 2, true, 1),                                         \
    }
#define STUDY_LEAF                                                                                 \
    {                                                                                              \
        CHIRP_DENSE("dense1", 128, true, true), CHIRP_DENSE("dense2", 128, false, false),          \
            CHIRP_DENSE("dense3", 0, false, false),                                                \
    }

static const chirp_network_spec networks[] = {
    {
        .name = "spin",
        .length = 8192,
        .n_root = 7,
        .root = STUDY_ROOT,
        .n_leaf = 3,
        .leaf = STUDY_LEAF,
        .n_leaves = 3,
        .label = {CHIRP_LABEL_FINAL_SPIN, CHIRP_LABEL_OMEGA_R, CHIRP_LABEL_OMEGA_I},
        .label_scale = {1, 1, 1},
        .tanh_output = true,
        .target_relative_error = 0.0016,
    },
    {
        .name = "mass",
        .length = 8192,
        .n_root = 7,
        .root = STUDY_ROOT,
        .n_leaf = 3,
        .leaf = STUDY_LEAF,
        .n_leaves = 2,
        .label = {CHIRP_LABEL_M1, CHIRP_LABEL_M2},
        .label_scale = {80, 80},
        .tanh_output = false,
        .target_relative_error = 0.026,
    },
};

chirp_status chirp_network_spec_find(const char *name, const chirp_network_spec **spec)
{
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; ++i) {
        if (strcmp(networks[i].name, name) == 0) {
            *spec = &networks[i];
            return CHIRP_OK;
        }
    }
    return chirp_fail(CHIRP_ERR_ARG, "network '%s' is none of spin, mass", name);
}
