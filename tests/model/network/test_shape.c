/*
 * The shape of a network without the network: what a created network has, what its backward pass announces, and what the
 * study published must all be what chirp_network_shape_make() says.
 */
#include "harness/base/memory.h"
#include "model/network/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

static chirp_network_config config_of(const char *network, chirp_variant variant, int64_t batch)
{
    const chirp_network_spec *spec = NULL;
    assert_int_equal(chirp_network_spec_find(network, &spec), CHIRP_OK);
    chirp_network_config config = chirp_network_config_default(spec);
    config.variant = variant;
    config.outputs = 1;
    config.batch = batch;
    return config;
}

static int64_t parameters(const char *network, chirp_variant variant)
{
    chirp_network_shape shape;
    const chirp_network_config config = config_of(network, variant, 1);
    assert_int_equal(chirp_network_shape_make(&config, &shape), CHIRP_OK);
    assert_int_equal(shape.features, 1856);
    return shape.parameters;
}

/* The counts that the study's public code and its analysis give. */
static void test_published_parameter_counts(void **state)
{
    (void)state;
    assert_int_equal(parameters("spin", CHIRP_VARIANT_NONE), 3730563);
    assert_int_equal(parameters("spin", CHIRP_VARIANT_LAST2), 3780099);
    assert_int_equal(parameters("spin", CHIRP_VARIANT_LEAF), 4492803);
    assert_int_equal(parameters("mass", CHIRP_VARIANT_NONE), 2967552 + 2 * 254337);
}

/* Tensors fill the arena without gaps, and layers' numbers are sums over their tensors. */
static void check_tables(const chirp_network_shape *shape)
{
    int64_t offset = 0;
    int64_t trained[CHIRP_MAX_LAYERS] = {0};
    for (int t = 0; t < shape->n_tensors; ++t) {
        const chirp_tensor *tensor = &shape->tensor[t];
        assert_int_equal(tensor->offset, offset);
        assert_int_equal(tensor->count, tensor->extent[0] * tensor->extent[1] * tensor->extent[2]);
        assert_true(strncmp(tensor->name, shape->layer[tensor->layer].name,
                            strlen(shape->layer[tensor->layer].name)) == 0);
        offset += tensor->count;
        trained[tensor->layer] += tensor->count;
    }
    assert_int_equal(shape->parameters, offset);
    for (int i = 0; i < shape->n_layers; ++i) {
        const chirp_layer_info *info = &shape->layer[i];
        assert_int_equal(info->trained, trained[i]);
        assert_int_equal(info->trained, (info->variational ? 2 : 1) * info->weights + info->biases);
        assert_true(info->backward_flops == (i ? 2 : 1) * info->forward_flops);
        assert_true(i || info->forward_bytes ==
                             4.0 * (double)(2 * 8192 + info->trained + 2 * info->out_width * 64));
    }
}

static void test_tables_agree_with_themselves(void **state)
{
    (void)state;
    for (int variant = 0; variant < CHIRP_VARIANTS; ++variant) {
        chirp_network_shape shape;
        const chirp_network_config config = config_of("spin", (chirp_variant)variant, 2);
        assert_int_equal(chirp_network_shape_make(&config, &shape), CHIRP_OK);
        assert_int_equal(shape.n_layers, 7 + 3 * 3);
        check_tables(&shape);
        assert_int_equal(shape.layer[15].activation, CHIRP_ACTIVATION_NONE);
        assert_int_equal(shape.layer[15].likelihood_activation, CHIRP_ACTIVATION_TANH);
    }
}

/* The same layers on a quarter of the samples: as many features' channels, at most a quarter of the operations. */
static void test_networks_of_fewer_samples(void **state)
{
    (void)state;
    static const char *const pair[2][2] = {{"spin", "spin-2048"}, {"mass", "mass-2048"}};
    for (int i = 0; i < 2; ++i) {
        chirp_network_shape whole;
        chirp_network_shape quarter;
        const chirp_network_config a = config_of(pair[i][0], CHIRP_VARIANT_LAST2, 2);
        const chirp_network_config b = config_of(pair[i][1], CHIRP_VARIANT_LAST2, 2);
        double flops[2] = {0};
        assert_int_equal(chirp_network_shape_make(&a, &whole), CHIRP_OK);
        assert_int_equal(chirp_network_shape_make(&b, &quarter), CHIRP_OK);
        assert_int_equal(b.spec->length * 4, a.spec->length);
        assert_int_equal(whole.n_layers, quarter.n_layers);
        for (int l = 0; l < whole.n_layers; ++l) {
            assert_int_equal(whole.layer[l].out_channels, quarter.layer[l].out_channels);
            flops[0] += whole.layer[l].forward_flops;
            flops[1] += quarter.layer[l].forward_flops;
        }
        assert_true(4 * flops[1] <= flops[0]);
        assert_non_null(strstr(chirp_network_choices(), pair[i][1]));
    }
}

typedef struct heard {
    int n, tensor[CHIRP_MAX_TENSORS];
} heard;

static void hear(void *context, int tensor)
{
    heard *h = context;
    h->tensor[h->n++] = tensor;
}

/* A backward pass finishes tensors in the order of the table, and layers in the order of shape.backward. */
static void test_backward_order_is_that_of_a_pass(void **state)
{
    (void)state;
    enum { LENGTH = 40 };
    static const chirp_network_spec small = {
        .name = "small",
        .length = LENGTH,
        .n_root = 2,
        .root = {CHIRP_CONVOLUTION("conv1", 5, 4, 1, false, 2),
                 CHIRP_CONVOLUTION("conv2", 6, 3, 2, true, 3)},
        .n_leaf = 2,
        .leaf = {CHIRP_DENSE("dense1", 9, true, true), CHIRP_DENSE("dense2", 0, false, false)},
        .n_leaves = 2,
        .label_scale = {1, 1},
    };
    chirp_network_config config = chirp_network_config_default(&small);
    chirp_network_shape shape;
    chirp_network *net = NULL;
    heard h = {0};
    config.batch = 1;
    config.variant = CHIRP_VARIANT_ALL;
    assert_int_equal(chirp_network_shape_make(&config, &shape), CHIRP_OK);
    assert_int_equal(chirp_network_create(&config, &net), CHIRP_OK);
    float *strain = chirp_calloc(LENGTH, sizeof *strain);
    float output[4];
    const float doutput[4] = {1, 1, 1, 1};
    assert_non_null(strain);
    const chirp_pass pass = {.training = true, .sample = true};
    chirp_network_initialize(net, 1, 0);
    chirp_network_forward(net, strain, &pass, output);
    chirp_network_backward(net, strain, &pass, doutput, 0, hear, &h);
    assert_int_equal(h.n, shape.n_tensors);
    int layer = -1;
    for (int t = 0, i = -1; t < h.n; ++t) {
        assert_int_equal(h.tensor[t], t);
        if (shape.tensor[t].layer != layer) {
            layer = shape.tensor[t].layer;
            assert_int_equal(shape.backward[++i], layer);
        }
    }
    chirp_free(strain);
    chirp_network_destroy(net);
}

static void test_descriptors_of_kernels(void **state)
{
    (void)state;
    chirp_layer_info info;
    assert_int_equal(chirp_network_layer_find("spin", CHIRP_VARIANT_NONE, 64, "root/conv4", &info),
                     CHIRP_OK);
    const chirp_conv1d_desc conv = chirp_layer_conv1d(&info, 64);
    assert_int_equal(conv.N, 64);
    assert_int_equal(conv.C, 256);
    assert_int_equal(conv.K, 256);
    assert_int_equal(conv.S, 32);
    assert_int_equal(conv.pad_left + conv.pad_right, 62);
    assert_true(conv.relu);
    assert_int_equal(
        chirp_network_layer_find("mass", CHIRP_VARIANT_NONE, 64, "leaf1/dense1", &info), CHIRP_OK);
    const chirp_dense_desc dense = chirp_layer_dense(&info, 64);
    assert_int_equal(dense.I, 1856);
    assert_int_equal(dense.O, 128);
    assert_int_equal(dense.activation, CHIRP_ACTIVATION_RELU);
    assert_int_equal(
        chirp_network_layer_find("mass", CHIRP_VARIANT_NONE, 64, "leaf2/dense1", &info),
        CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "leaf2/dense1"));
}

static void test_an_unknown_kind_is_refused(void **state)
{
    (void)state;
    chirp_network_shape shape;
    chirp_network_config config = config_of("spin", CHIRP_VARIANT_LAST2, 2);
    chirp_network_spec bad = *config.spec;
    config.spec = &bad;
    bad.leaf[1].kind = "recurrent";
    assert_int_equal(chirp_network_shape_make(&config, &shape), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "leaf0/dense2"));
    assert_non_null(strstr(chirp_error_message(), "'recurrent'"));
    bad = *config_of("spin", CHIRP_VARIANT_LAST2, 2).spec;
    bad.leaf[0].outputs = -3;
    assert_int_equal(chirp_network_shape_make(&config, &shape), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "leaf0/dense1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_parameter_counts),
        cmocka_unit_test(test_tables_agree_with_themselves),
        cmocka_unit_test(test_networks_of_fewer_samples),
        cmocka_unit_test(test_backward_order_is_that_of_a_pass),
        cmocka_unit_test(test_descriptors_of_kernels),
        cmocka_unit_test(test_an_unknown_kind_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
