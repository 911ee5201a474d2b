/*
 * Suite `peers`: the convolutions of suite `kernels` through oneDNN, same shapes, same threads, same check, in names
 * that differ only in the algorithm: conv1d/forward/onednn/conv2/batch:64 beside conv1d/forward/direct/conv2/batch:64.
 */
#include "suites/benchmarks/peers/peer_cases.h"

#include "suites/benchmarks/peers/onednn_conv1d.h"
#include "suites/suites.h"

static const double MOST_ERROR = 1e-5;

/* The shape without its pool: full-length tensors, as oneDNN has them. ReLU is fused forward and absent backward. */
static chirp_status create(const peer_case *c, int threads, conv1d_buffers *b, onednn_conv1d **conv)
{
    chirp_conv1d_desc desc = c->desc;
    desc.pool = 1;
    desc.relu = c->desc.relu && c->pass == CHIRP_CONV1D_FORWARD;
    chirp_status st = conv1d_buffers_create(&desc, threads, b);
    if (st == CHIRP_OK)
        st = onednn_conv1d_create(b, c->pass, c->pooled ? c->desc.pool : 0, conv);
    return st;
}

chirp_status peer_case_run(chirp_bench *bench, const void *arg)
{
    const peer_case *c = arg;
    conv1d_buffers b = {0};
    onednn_conv1d *conv = NULL;
    chirp_status st = create(c, chirp_bench_threads(bench), &b, &conv);
    if (st == CHIRP_OK)
        st = onednn_conv1d_run(conv); /* touches its scratch */
    while (st == CHIRP_OK && chirp_bench_next(bench))
        st = onednn_conv1d_run(conv);
    if (st == CHIRP_OK) {
        const double flops = chirp_conv1d_flops(&b.desc);
        chirp_bench_flops(bench, flops, flops);
        chirp_bench_bytes(bench, chirp_conv1d_bytes(&b.desc, c->pass));
        chirp_bench_label(bench, onednn_conv1d_implementation(conv));
    }
    onednn_conv1d_destroy(conv);
    conv1d_buffers_destroy(&b);
    return st;
}

chirp_status peer_case_check(const void *arg, double *relative_error)
{
    peer_case c = *(const peer_case *)arg;
    c.pooled = false; /* what is compared is the convolution */
    conv1d_buffers b = {0};
    onednn_conv1d *conv = NULL;
    chirp_status st = create(&c, 1, &b, &conv);
    if (st == CHIRP_OK)
        st = onednn_conv1d_run(conv);
    if (st == CHIRP_OK)
        st = onednn_conv1d_fetch(conv, &b);
    if (st == CHIRP_OK)
        st = conv1d_buffers_error(&b, c.pass, relative_error);
    if (st == CHIRP_OK && !(*relative_error <= MOST_ERROR))
        st = chirp_fail(CHIRP_ERR_NUMERIC,
                        "relative l2 error %.3g against the definition, at most %.3g",
                        *relative_error, MOST_ERROR);
    onednn_conv1d_destroy(conv);
    conv1d_buffers_destroy(&b);
    return st;
}

const char *const peer_pass_names[] = {"forward", "backward_data", "backward_weights",
                                       "forward_pool", NULL};
static const char *const library[] = {"onednn", NULL};
static const char *const layers[] = {"conv1", "conv2", "conv3", "conv4",
                                     "conv5", "conv6", "conv7", NULL};
static const char *const batches[] = {"64", "1", NULL};

bool peer_case_make(const chirp_conv1d_desc *desc, int pass, peer_case *c)
{
    enum { FORWARD_POOL = CHIRP_CONV1D_PASSES };
    c->desc = *desc;
    c->pooled = pass == FORWARD_POOL;
    c->pass = c->pooled ? CHIRP_CONV1D_FORWARD : (chirp_conv1d_pass)pass;
    return !c->pooled || desc->pool > 1;
}

/* Beside rows of the suite `kernels`; with the pool behind it where the layer has one. */
static bool make(const int *at, void *into)
{
    peer_case *c = into;
    chirp_conv1d_desc desc = {0};
    if (conv1d_layer_desc(at[2], at[3] == 0 ? 64 : 1, &desc) != CHIRP_OK ||
        !peer_case_make(&desc, at[0], c))
        return false;
    if (at[2] == 0 && c->pass == CHIRP_CONV1D_BACKWARD_DATA)
        return false;
    return desc.N > 1 || (c->pass == CHIRP_CONV1D_FORWARD && !c->pooled);
}

const chirp_bench_family chirp_families_peers[] = {
    {.name = "conv1d",
     .axes = {{.values = peer_pass_names},
              {.values = library},
              {.values = layers},
              {.key = "batch", .values = batches}},
     .case_size = sizeof(peer_case),
     .make = make,
     .run = peer_case_run,
     .check = peer_case_check,
     .baseline = true},
    {0},
};
