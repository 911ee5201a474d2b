/* How long every layer takes in training passes. */
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "kernels/random/random.h"
#include "model/network/network.h"
#include "model/network/network_internal.h"

enum { PASSES = CHIRP_TIMED_PASSES };

static double median(double *values) { return chirp_median(values, PASSES); }

/* One forward and one backward pass; the seconds of the forward pass. */
static double run_pass(chirp_network *net, uint64_t step, const float *strain, float *output)
{
    const chirp_pass pass = {.training = true, .sample = true, .step = step};
    chirp_network_parameters_changed(net); /* weights are packed again, as in training */
    const double start = chirp_now_s();
    chirp_network_forward(net, strain, &pass, output);
    const double seconds = chirp_now_s() - start;
    chirp_network_backward(net, strain, &pass, output, 1e-6, NULL, NULL);
    return seconds;
}

chirp_status chirp_network_time_layers(chirp_network *net, chirp_network_times *times)
{
    double total[PASSES];
    double forward[CHIRP_MAX_LAYERS][PASSES];
    double backward[CHIRP_MAX_LAYERS][PASSES];
    const chirp_network_spec *spec = net->config.spec;
    const int64_t batch = net->config.batch;
    float *strain = chirp_alloc((size_t)(batch * spec->length) * sizeof *strain);
    float *output =
        chirp_alloc((size_t)(batch * spec->n_leaves * net->config.outputs) * sizeof *output);
    const chirp_status st = strain && output ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK) {
        chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0), 0, batch * spec->length,
                         strain);
        (void)run_pass(net, 0, strain, output); /* warms up */
        for (int p = 0; p < PASSES; ++p) {
            total[p] = run_pass(net, (uint64_t)p + 1, strain, output);
            for (int i = 0; i < net->shape.n_layers; ++i) {
                forward[i][p] = net->layer[i].forward_s;
                backward[i][p] = net->layer[i].backward_s;
            }
        }
        times->forward_s = median(total);
        for (int i = 0; i < net->shape.n_layers; ++i) {
            times->layer_forward_s[i] = median(forward[i]);
            times->layer_backward_s[i] = median(backward[i]);
        }
    }
    chirp_free(strain);
    chirp_free(output);
    return st;
}
