/*
 * What shared weight noise costs in gradient variance, at fixed parameters:
 *     gradient_variance DRAWS [CHECKPOINT [RHO]]
 * One process plays up to 8 ranks of batch 8: in every draw each rank's gradient is that of its own signals, under one weight
 * draw for all ranks or one for each, and averaged over the first 1, 2, 4, 8 of them. Printed is the variance of that mean
 * over draws, summed over the numbers of a kind, and at the end the squared length of the mean gradient: with signals that are new in every draw (what
 * training sees), and with the same signals every time (weight noise alone). Mass network, last2, reparameterization, no
 * dropout. CHECKPOINT: of chirpbench train; without, fresh parameters. RHO replaces all rhos: wider posteriors.
 */
#include "harness/base/memory.h"
#include "model/inference/likelihood.h"
#include "model/network/network.h"
#include "model/signal/generator.h"
#include "model/training/checkpoint.h"
#include "model/training/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 8, RANKS = 8, SIZES = 4, KINDS = 4, SEED = 7 };
static const double KL_WEIGHT = 1.3e-7;

typedef struct experiment {
    chirp_network *net;
    chirp_likelihood likelihood;
    chirp_generator *generator;
    const chirp_tensor *tensors;
    int n_tensors;
    int64_t n;
    float strain[BATCH * 8192], label[BATCH * CHIRP_LABELS];
    float output[BATCH * CHIRP_MAX_LEAVES * 2], doutput[BATCH * CHIRP_MAX_LEAVES * 2];
    double *mean;       /* [n] over the ranks so far of one draw */
    double *sum[SIZES]; /* [n] over draws of the mean over 1, 2, 4, 8 ranks */
    double squares[SIZES][KINDS];
} experiment;

static void squared_lengths(const experiment *e, const double *values, double factor, double *kind)
{
    for (int t = 0; t < e->n_tensors; ++t) {
        const double *v = values + e->tensors[t].offset;
        for (int64_t i = 0; i < e->tensors[t].count; ++i)
            kind[e->tensors[t].kind] += factor * v[i] * factor * v[i];
    }
}

static chirp_status add_draw(experiment *e, int draw, bool shared, bool fresh)
{
    const float *gradient = chirp_network_gradients(e->net);
    memset(e->mean, 0, (size_t)e->n * sizeof *e->mean);
    for (int rank = 0, size = 0; rank < RANKS; ++rank) {
        const uint64_t row = (uint64_t)((fresh ? draw * RANKS : 0) + rank) * BATCH;
        const chirp_pass pass = {.training = true,
                                 .sample = true,
                                 .step = (uint64_t)draw,
                                 .noise = shared ? 0 : (uint32_t)rank,
                                 .first_row = (uint64_t)rank * BATCH};
        const chirp_status st =
            chirp_generator_batch(e->generator, row, BATCH, e->strain, e->label, NULL, NULL);
        if (st != CHIRP_OK)
            return st;
        chirp_network_forward(e->net, e->strain, &pass, e->output);
        (void)chirp_likelihood_loss(&e->likelihood, BATCH, e->output, e->label, e->doutput);
        chirp_network_backward(e->net, e->strain, &pass, e->doutput, KL_WEIGHT, NULL, NULL);
        for (int64_t i = 0; i < e->n; ++i)
            e->mean[i] += (double)gradient[i];
        if (rank + 1 != 1 << size)
            continue;
        const double factor = 1.0 / (rank + 1);
        squared_lengths(e, e->mean, factor, e->squares[size]);
        for (int64_t i = 0; i < e->n; ++i)
            e->sum[size][i] += factor * e->mean[i];
        ++size;
    }
    return CHIRP_OK;
}

static chirp_status measure(experiment *e, int draws, bool shared, bool fresh)
{
    chirp_status st = CHIRP_OK;
    memset(e->squares, 0, sizeof e->squares);
    for (int s = 0; s < SIZES; ++s)
        memset(e->sum[s], 0, (size_t)e->n * sizeof **e->sum);
    for (int draw = 0; draw < draws && st == CHIRP_OK; ++draw)
        st = add_draw(e, draw, shared, fresh);
    for (int s = 0; s < SIZES && st == CHIRP_OK; ++s) {
        double length[KINDS] = {0}; /* squared, of the mean over draws */
        double all = 0;
        double all_length = 0;
        squared_lengths(e, e->sum[s], 1.0 / draws, length);
        printf("| %s | %s | %d |", fresh ? "new" : "same", shared ? "shared" : "independent",
               1 << s);
        for (int kind = 0; kind < KINDS; ++kind) {
            const double variance = (e->squares[s][kind] - draws * length[kind]) / (draws - 1);
            all += variance;
            all_length += length[kind] - variance / draws; /* what the draws add to it, taken off */
            if (kind != CHIRP_TENSOR_BIAS)
                printf(" %.3g |", variance);
        }
        printf(" %.3g | %.3g |\n", all, all_length);
    }
    return st;
}

static chirp_status prepare(experiment *e, int argc, char **argv)
{
    const chirp_network_spec *spec = NULL;
    chirp_status st = chirp_network_spec_find("mass", &spec);
    if (st != CHIRP_OK)
        return st;
    chirp_network_config config = chirp_network_config_default(spec);
    chirp_signal_config signal = chirp_signal_config_default();
    config.variant = CHIRP_VARIANT_LAST2;
    config.batch = BATCH;
    config.dropout = 0;
    config.seed = SEED;
    signal.seed = SEED;
    signal.snr_min = 40;
    signal.snr_max = 80;
    e->likelihood = (chirp_likelihood){.spec = spec, .outputs = config.outputs, .noise_scale = 0.2};
    st = chirp_network_create(&config, &e->net);
    if (st == CHIRP_OK)
        st = chirp_generator_create(&signal, &e->generator);
    if (st != CHIRP_OK)
        return st;
    e->tensors = chirp_network_tensors(e->net, &e->n_tensors);
    e->n = chirp_network_parameter_count(e->net);
    chirp_network_initialize(e->net, SEED, chirp_likelihood_scale_bias(&e->likelihood, 0.2));
    float *parameters = chirp_network_parameters(e->net);
    if (argc > 2 && argv[2][0] != '\0') {
        chirp_checkpoint state = {0};
        chirp_train_record record = {0};
        st = chirp_checkpoint_read(argv[2], &state, e->tensors, e->n_tensors, parameters);
        if (st == CHIRP_OK)
            st = chirp_train_record_read(argv[2], state.configuration, &record);
        if (st == CHIRP_OK)
            st = chirp_train_likelihood(&record.config, &e->likelihood);
        chirp_train_record_release(&record);
        chirp_free(state.configuration);
    }
    for (int t = 0; argc > 3 && t < e->n_tensors; ++t)
        if (e->tensors[t].kind == CHIRP_TENSOR_RHO)
            for (int64_t i = 0; i < e->tensors[t].count; ++i)
                parameters[e->tensors[t].offset + i] = strtof(argv[3], NULL);
    chirp_network_parameters_changed(e->net);
    e->mean = chirp_calloc((size_t)e->n, sizeof *e->mean);
    if (!e->mean)
        return CHIRP_ERR_NOMEM;
    for (int s = 0; s < SIZES; ++s)
        if (!(e->sum[s] = chirp_calloc((size_t)e->n, sizeof **e->sum)))
            return CHIRP_ERR_NOMEM;
    return st;
}

int main(int argc, char **argv)
{
    static experiment e;
    const int draws = argc > 1 ? atoi(argv[1]) : 0;
    if (draws < 2) {
        (void)fprintf(stderr, "usage: gradient_variance DRAWS [CHECKPOINT [RHO]]\n");
        return 2;
    }
    chirp_status st = prepare(&e, argc, argv);
    printf("| signals | weight noise | ranks | deterministic weights | means | rhos | all | "
           "squared mean gradient |\n|---|---|---|---|---|---|---|---|\n");
    for (int i = 0; i < 4 && st == CHIRP_OK; ++i)
        st = measure(&e, draws, i % 2 == 0, i < 2);
    if (st != CHIRP_OK)
        (void)fprintf(stderr, "gradient_variance: %s\n", chirp_error_message());
    chirp_network_destroy(e.net);
    chirp_generator_destroy(e.generator);
    chirp_free(e.mean);
    for (int s = 0; s < SIZES; ++s)
        chirp_free(e.sum[s]);
    return st == CHIRP_OK ? 0 : 1;
}
