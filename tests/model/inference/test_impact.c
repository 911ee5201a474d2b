/*
 * Impact of filters: equal to the true change where the network is linear in a filter, leaving out restores the network, and a
 * network that is cut out answers as the whole one does with the other filters at zero.
 */
#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "model/inference/impact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

enum { LENGTH = 80, BATCH = 4, SIGNALS = 8, LEAVES = 3, OUTPUTS = 2, WIDE = 24 };

/* Leaves without activation: to first order is exact for filters of the last layer. */
static const chirp_network_spec small = {
    .name = "small",
    .length = LENGTH,
    .n_root = 2,
    .root = {CHIRP_CONVOLUTION("conv1", WIDE, 4, 1, false, 2),
             CHIRP_CONVOLUTION("conv2", 6, 3, 2, true, 2)},
    .n_leaf = 2,
    .leaf = {CHIRP_DENSE("dense1", 9, false, false), CHIRP_DENSE("dense2", 0, false, false)},
    .n_leaves = LEAVES,
    .label = {0, 1, 2},
    .label_scale = {1, 2, 3},
};

static void must(chirp_status st)
{
    if (st != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
}

static chirp_network *make(const chirp_network_spec *spec, chirp_variant variant, int64_t batch)
{
    chirp_network *net = NULL;
    chirp_network_config config = chirp_network_config_default(spec);
    config.variant = variant;
    config.batch = batch;
    config.training = false;
    config.n_threads = 2;
    must(chirp_network_create(&config, &net));
    chirp_network_initialize(net, 3, 0);
    float *p = chirp_network_parameters(net); /* biases, too */
    for (int64_t i = 0; i < chirp_network_parameter_count(net); ++i)
        p[i] += 0.01F * (float)(i % 7 - 3);
    chirp_network_parameters_changed(net);
    return net;
}

static void signals(float *strain)
{
    chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0), 0, SIGNALS * LENGTH, strain);
}

static void test_impact_is_the_change_where_the_network_is_linear(void **state)
{
    (void)state;
    float strain[SIGNALS * LENGTH];
    double change[LEAVES], again[LEAVES];
    chirp_network *net = make(&small, CHIRP_VARIANT_LAST2, 1), *twin = NULL;
    chirp_impact impact;
    signals(strain);
    must(chirp_impact_twin(net, BATCH, &twin));
    must(chirp_impact_measure(twin, strain, SIGNALS, &impact));
    assert_true(impact.n_leaves == LEAVES && impact.filters == WIDE + 6 && impact.first[1] == WIDE);
    double most = 0;
    for (int64_t k = WIDE; k < impact.filters; ++k) {
        must(chirp_impact_without(twin, strain, SIGNALS, &impact, k, change));
        must(chirp_impact_without(twin, strain, SIGNALS, &impact, k, again));
        assert_memory_equal(change, again, sizeof change); /* the filter was put back */
        for (int leaf = 0; leaf < LEAVES; ++leaf) {
            /* outputs are sums of about 100 products of order 1, in single precision */
            assert_true(fabs(change[leaf] - impact.value[leaf * impact.filters + k]) <
                        1000 * 0x1p-24);
            most = fmax(most, change[leaf]);
        }
    }
    assert_true(most > 0.01);
    float *kept = chirp_network_parameters(twin), *before = NULL;
    const size_t bytes = (size_t)chirp_network_parameter_count(twin) * sizeof *kept;
    assert_non_null(before = chirp_alloc(bytes));
    memcpy(before, kept, bytes);
    must(chirp_impact_without(twin, strain, SIGNALS, &impact, 0, change));
    assert_memory_equal(kept, before, bytes);
    chirp_free(before);
    chirp_impact_release(&impact);
    chirp_network_destroy(twin);
    chirp_network_destroy(net);
}

/* Sets the parameters of the filters that go to zero. */
static void silence(chirp_network *net, const bool *keep)
{
    int n = 0;
    const chirp_layer_info *info = chirp_network_layers(net, &n);
    const chirp_tensor *tensor = chirp_network_tensors(net, &n);
    float *p = chirp_network_parameters(net);
    for (int l = 0; l < 2; ++l)
        for (int t = info[l].first_tensor; t < info[l].first_tensor + info[l].n_tensors; ++t)
            for (int64_t i = 0; i < tensor[t].count; ++i)
                if (!keep[(l ? WIDE : 0) + i / (tensor[t].count / tensor[t].extent[0])])
                    p[tensor[t].offset + i] = 0;
    chirp_network_parameters_changed(net);
}

static void test_a_part_answers_as_the_whole_without_the_rest(void **state)
{
    (void)state;
    float strain[SIGNALS * LENGTH], whole[SIGNALS * LEAVES * OUTPUTS], part[SIGNALS * 2 * OUTPUTS];
    bool keep[WIDE + 6];
    chirp_network *net = make(&small, CHIRP_VARIANT_LAST2, SIGNALS), *twin = NULL;
    chirp_cut cut = {.n_leaves = 2, .leaf = {0, 2}};
    chirp_network_spec spec;
    chirp_impact impact;
    const chirp_pass pass = {.sample = false};
    signals(strain);
    must(chirp_impact_twin(net, BATCH, &twin));
    must(chirp_impact_measure(twin, strain, SIGNALS, &impact));
    must(chirp_cut_choose(&impact, 1, &cut, keep));
    assert_true(cut.width[0] == 16 &&
                cut.width[1] == 6); /* whole vectors, but no more than there are */
    must(chirp_cut_spec(&small, &cut, &spec));
    assert_true(spec.n_leaves == 2 && spec.label[1] == 2 && spec.label_scale[1] == 3);
    for (int k = 0; k < 6; ++k)
        keep[WIDE + k] = k % 2; /* the second layer, by hand */
    cut.width[1] = 3;
    must(chirp_cut_spec(&small, &cut, &spec));
    chirp_network *cut_out = make(&spec, CHIRP_VARIANT_LAST2, SIGNALS);
    chirp_cut_parameters(net, &cut, keep, cut_out);
    silence(net, keep);
    chirp_network_forward(net, strain, &pass, whole);
    chirp_network_forward(cut_out, strain, &pass, part);
    for (int i = 0; i < SIGNALS; ++i)
        for (int leaf = 0; leaf < 2; ++leaf)
            for (int o = 0; o < OUTPUTS; ++o)
                assert_true(fabsf(part[(i * 2 + leaf) * OUTPUTS + o] -
                                  whole[(i * LEAVES + cut.leaf[leaf]) * OUTPUTS + o]) <
                            1000 * 0x1p-24F);
    chirp_network_destroy(cut_out);
    chirp_impact_release(&impact);
    chirp_network_destroy(twin);
    chirp_network_destroy(net);
}

static void test_impossible_parts_are_refused(void **state)
{
    (void)state;
    chirp_network_spec spec;
    const chirp_cut bad[] = {
        {.n_leaves = 1, .leaf = {3}, .n_layers = 2, .width = {1, 1}},
        {.n_leaves = 2, .leaf = {1, 1}, .n_layers = 2, .width = {1, 1}},
        {.n_leaves = 1, .leaf = {-1}, .n_layers = 2, .width = {1, 1}},
        {.n_leaves = 1, .leaf = {0}, .n_layers = 1, .width = {1, 1}},
        {.n_leaves = 1, .leaf = {0}, .n_layers = 2, .width = {WIDE + 1, 1}},
        {.n_leaves = 1, .leaf = {0}, .n_layers = 2, .width = {1, 0}},
        {.n_leaves = 0, .n_layers = 2, .width = {1, 1}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i)
        assert_int_equal(chirp_cut_spec(&small, &bad[i], &spec), CHIRP_ERR_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_impact_is_the_change_where_the_network_is_linear),
        cmocka_unit_test(test_a_part_answers_as_the_whole_without_the_rest),
        cmocka_unit_test(test_impossible_parts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
