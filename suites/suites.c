#include "suites/suites.h"

const chirp_bench_suite chirp_suites[] = {
    {.name = "reference",
     .summary = "the machine itself: FMA peak, bandwidth of each cache level and of memory, latency",
     .entries = chirp_suite_reference},
    {.name = "kernels",
     .summary = "convolutions: every layer, pass and algorithm",
     .entries = chirp_suite_kernels_conv1d},
#ifdef CHIRP_WITH_ONEDNN
    {.name = "peers",
     .summary = "the same convolutions through oneDNN",
     .entries = chirp_suite_peers},
#endif
    {.name = "layers",
     .summary = "dense and variational layers and where their time goes; draws, optimisers, posteriors",
     .entries = chirp_suite_layers},
    {.name = "network",
     .summary = "the whole network: training steps of every variant, forward passes, posteriors",
     .entries = chirp_suite_network},
    {.name = "signal",
     .summary = "training signals: whole batches, each stage, its limits, prefetch, data sets",
     .entries = chirp_suite_signal},
    {.name = "accuracy",
     .summary = "how exact signals are: the waveform against published values, short grids against long",
     .entries = chirp_suite_accuracy},
    {.name = "communication",
     .summary = "between ranks: latency, bandwidth, allreduce, overlap; under mpiexec",
     .entries = chirp_suite_communication,
     .needs_ranks = true},
};

const size_t chirp_n_suites = sizeof chirp_suites / sizeof chirp_suites[0];
