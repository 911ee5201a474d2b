#include "suites/suites.h"

const chirp_bench_suite chirp_suites[] = {
    {"reference",
     "the machine itself: FMA peak, bandwidth of each cache level and of memory, latency",
     chirp_suite_reference},
    {"kernels", "convolutions: every layer, pass and algorithm", chirp_suite_kernels_conv1d},
#ifdef CHIRP_WITH_ONEDNN
    {"peers", "the same convolutions through oneDNN", chirp_suite_peers},
#endif
    {"temperature",
     "convolutions hot, with cold weights, with cold caches, and called for the first time",
     chirp_suite_temperature},
    {"layers",
     "dense and variational layers and where their time goes; draws, optimisers, posteriors",
     chirp_suite_layers},
    {"layers_temperature",
     "dense layers with cold weights, with cold caches, and called for the first time",
     chirp_suite_layers_temperature},
    {"network", "the whole network: training steps of every variant, forward passes, posteriors",
     chirp_suite_network},
    {"signal", "training signals: whole batches, each stage, its limits, prefetch, data sets",
     chirp_suite_signal},
    {"accuracy", "how exact signals are: the waveform against published values, short grids against long",
     chirp_suite_accuracy},
    {"communication", "between ranks: latency, bandwidth, allreduce, overlap; under mpiexec",
     chirp_suite_communication},
};

const size_t chirp_n_suites = sizeof chirp_suites / sizeof chirp_suites[0];
