// The same two benchmarks as ours.c, with the real library: the keys, types and order of its rows are the standard.
#include <benchmark/benchmark.h>

static void BM_good(benchmark::State &state)
{
    double x = 1;
    for (auto _ : state)
        benchmark::DoNotOptimize(x += 1);
    state.counters["GFLOPS"] = benchmark::Counter(1e3, benchmark::Counter::kIsRate);
    state.SetBytesProcessed(state.iterations() * 100);
    state.SetLabel("a label");
}

static void BM_bad(benchmark::State &state)
{
    state.SkipWithError("wrong on purpose");
    for (auto _ : state) {
    }
}

BENCHMARK(BM_good);
BENCHMARK(BM_bad);
BENCHMARK_MAIN();
