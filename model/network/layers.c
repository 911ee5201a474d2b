#include "model/network/layers.h"

#include "harness/base/text.h"
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

#define SPIN(name_, length_)                                                                       \
    {                                                                                              \
        .name = (name_), .length = (length_), .n_root = 7, .root = STUDY_ROOT, .n_leaf = 3,        \
        .leaf = STUDY_LEAF, .n_leaves = 3,                                                         \
        .label = {CHIRP_LABEL_FINAL_SPIN, CHIRP_LABEL_OMEGA_R, CHIRP_LABEL_OMEGA_I},               \
        .label_scale = {1, 1, 1}, .tanh_output = true, .target_relative_error = 0.0016,            \
    }
#define MASS(name_, length_)                                                                       \
    {                                                                                              \
        .name = (name_), .length = (length_), .n_root = 7, .root = STUDY_ROOT, .n_leaf = 3,        \
        .leaf = STUDY_LEAF, .n_leaves = 2, .label = {CHIRP_LABEL_M1, CHIRP_LABEL_M2},              \
        .label_scale = {80, 80}, .tanh_output = false, .target_relative_error = 0.026,             \
    }

/* The study reads 8192 samples of a second whose band ends at 1000 Hz; 2048 hold as much, in a quarter of the operations. */
static const chirp_network_spec networks[] = {SPIN("spin", 8192), MASS("mass", 8192),
                                              SPIN("spin-2048", 2048), MASS("mass-2048", 2048)};

const char *chirp_network_choices(void)
{
    static char text[CHIRP_NETWORK_CHOICES];
    text[0] = '\0';
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; ++i)
        chirp_join(text, sizeof text, "|", networks[i].name);
    return text;
}

chirp_status chirp_network_spec_find(const char *name, const chirp_network_spec **spec)
{
    for (size_t i = 0; i < sizeof networks / sizeof networks[0]; ++i) {
        if (strcmp(networks[i].name, name) == 0) {
            *spec = &networks[i];
            return CHIRP_OK;
        }
    }
    return chirp_fail(CHIRP_ERR_ARG, "network '%s' is none of %s", name, chirp_network_choices());
}
