/* A program outside of the project, compiled as C and as C++: benchmarks a convolution of its own by the harness. */
#include <chirpbench_harness.h>
#include <chirpbench_kernels.h>

static chirp_status run_forward(chirp_bench *b, const void *arg)
{
    static float src[64 * 8], wei[16 * 8 * 3], dst[62 * 16];
    chirp_conv1d_desc desc;
    chirp_conv1d_plan *plan = NULL;
    (void)arg;
    memset(&desc, 0, sizeof desc);
    desc.N = 1;
    desc.C = 8;
    desc.K = 16;
    desc.W = 64;
    desc.S = 3;
    desc.dilation = desc.pool = 1;
    desc.n_threads = 1;
    for (size_t i = 0; i < sizeof src / sizeof src[0]; ++i)
        src[i] = 1;
    for (size_t i = 0; i < sizeof wei / sizeof wei[0]; ++i)
        wei[i] = 0.5F;
    chirp_status st = chirp_conv1d_plan_create(&desc, &plan);
    if (st != CHIRP_OK)
        return st;
    chirp_conv1d_load_weights(plan, wei);
    while (chirp_bench_next(b)) {
        chirp_conv1d_forward(plan, src, NULL, dst, NULL);
        chirp_bench_consume(dst);
    }
    chirp_bench_flops(b, chirp_conv1d_plan_flops(plan, CHIRP_CONV1D_FORWARD), chirp_conv1d_flops(&desc));
    chirp_conv1d_plan_destroy(plan);
    /* 8 channels and 3 taps of 1 * 0.5, exact in floats whatever the order */
    return dst[0] == 12 && dst[61 * 16 + 15] == 12 ? CHIRP_OK : chirp_fail(CHIRP_ERR_LIBRARY, "wrong sum");
}

int main(int argc, char **argv)
{
    chirp_bench_entry entries[2];
    chirp_bench_suite suite;
    memset(entries, 0, sizeof entries);
    memset(&suite, 0, sizeof suite);
    entries[0].name = "mine/forward";
    entries[0].run = run_forward;
    suite.name = "mine";
    suite.summary = "a convolution of my own";
    suite.entries = entries;
    return chirp_bench_main(argc, argv, &suite, 1);
}
