/* The same two benchmarks as peer.cc, with our runner. */
#include "harness/bench/bench.h"

static chirp_status good(chirp_bench *b, const void *arg)
{
    double x = 1;
    (void)arg;
    while (chirp_bench_next(b)) {
        x += 1;
        chirp_bench_consume(&x);
    }
    chirp_bench_rate(b, "GFLOPS", 1e-6);
    chirp_bench_rate(b, "bytes_per_second", 100);
    chirp_bench_label(b, "a label");
    return CHIRP_OK;
}

static chirp_status bad(chirp_bench *b, const void *arg)
{
    (void)b;
    (void)arg;
    return chirp_fail(CHIRP_ERR_NUMERIC, "wrong on purpose");
}

static const chirp_bench_entry entries[] = {
    {.name = "BM_good", .run = good}, {.name = "BM_bad", .run = bad}, {0}};
static const chirp_bench_suite suite = {
    .name = "peer", .summary = "what the real library also runs", .entries = entries};

int main(int argc, char **argv) { return chirp_bench_main(argc, argv, &suite, 1); }
