#include "suites/suites.h"

#include "harness/base/memory.h"

/* A suite is a table of families, or of entries that are rows already. */
typedef struct suite {
    const char *name, *summary;
    const chirp_bench_family *families;
    const chirp_bench_entry *entries;
    bool needs_ranks;
} suite;

static const suite table[] = {
    {.name = "reference",
     .summary =
         "the machine itself: FMA peak, bandwidth of each cache level and of memory, latency",
     .entries = chirp_suite_reference},
    {.name = "kernels",
     .summary = "convolutions: every layer, pass and algorithm",
     .families = chirp_families_conv1d},
#ifdef CHIRP_WITH_ONEDNN
    {.name = "peers",
     .summary = "the same convolutions through oneDNN",
     .families = chirp_families_peers},
#endif
    {.name = "layers",
     .summary =
         "dense and variational layers and where their time goes; draws, optimisers, posteriors",
     .families = chirp_families_layers},
    {.name = "network",
     .summary = "the whole network: training steps of every variant, forward passes, posteriors",
     .entries = chirp_suite_network},
    {.name = "signal",
     .summary = "training signals: whole batches, each stage, its limits, prefetch, data sets",
     .entries = chirp_suite_signal},
    {.name = "accuracy",
     .summary =
         "how exact signals are: the waveform against published values, short grids against long",
     .entries = chirp_suite_accuracy},
    {.name = "communication",
     .summary = "between ranks: latency, bandwidth, allreduce, overlap; under mpiexec",
     .entries = chirp_suite_communication,
     .needs_ranks = true},
};

enum { SUITES = sizeof table / sizeof table[0] };

chirp_status chirp_suites_create(chirp_bench_suite **suites, size_t *n)
{
    chirp_bench_suite *all = chirp_calloc(SUITES, sizeof *all);
    if (!all)
        return CHIRP_ERR_NOMEM;
    for (size_t i = 0; i < SUITES; ++i) {
        const suite *s = &table[i];
        chirp_bench_entry *rows = NULL;
        const chirp_status st = s->families ? chirp_families_expand(s->families, &rows) : CHIRP_OK;
        if (st != CHIRP_OK) {
            chirp_suites_destroy(all, i);
            return st;
        }
        all[i] = (chirp_bench_suite){.name = s->name,
                                     .summary = s->summary,
                                     .entries = rows ? rows : s->entries,
                                     .needs_ranks = s->needs_ranks};
    }
    *suites = all;
    *n = SUITES;
    return CHIRP_OK;
}

void chirp_suites_destroy(chirp_bench_suite *suites, size_t n)
{
    for (size_t i = 0; suites && i < n; ++i)
        if (table[i].families) /* then its entries are our own */
            chirp_families_free((chirp_bench_entry *)(uintptr_t)suites[i].entries);
    chirp_free(suites);
}
