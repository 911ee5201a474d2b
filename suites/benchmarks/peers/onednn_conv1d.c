#include "suites/benchmarks/peers/onednn_conv1d.h"

#include "harness/base/memory.h"

#include <dnnl.h>

#include <stdio.h>
#include <string.h>

enum { MOST_MEMORIES = 8, NAME = 64 };

struct onednn_conv1d {
    chirp_conv1d_pass pass;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t convolution_desc;
    dnnl_primitive_t convolution, pooling; /* pooling may be NULL */
    dnnl_exec_arg_t args[4], pool_args[3];
    int n_args, n_pool_args;
    dnnl_memory_t memories[MOST_MEMORIES]; /* owned: everything in args */
    int n_memories;
    char implementation[NAME];
};

static chirp_status check(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return CHIRP_OK;
    return chirp_fail(CHIRP_ERR_LIBRARY, "oneDNN %d.%d: %s gave status %d", DNNL_VERSION_MAJOR,
                      DNNL_VERSION_MINOR, what, (int)status);
}

/* Carries a failure through a sequence of calls: the first one wins. */
#define TRY(st, call)                                                                              \
    do {                                                                                           \
        if ((st) == CHIRP_OK)                                                                      \
            (st) = check((call), #call);                                                           \
    } while (0)

/* Copies between two memories of any layout. */
static chirp_status reorder(onednn_conv1d *c, dnnl_memory_t from, dnnl_memory_t to)
{
    const dnnl_memory_desc_t *from_desc = NULL, *to_desc = NULL;
    dnnl_primitive_desc_t desc = NULL;
    dnnl_primitive_t primitive = NULL;
    chirp_status st = CHIRP_OK;
    TRY(st, dnnl_memory_get_memory_desc(from, &from_desc));
    TRY(st, dnnl_memory_get_memory_desc(to, &to_desc));
    TRY(st,
        dnnl_reorder_primitive_desc_create(&desc, from_desc, c->engine, to_desc, c->engine, NULL));
    TRY(st, dnnl_primitive_create(&primitive, desc));
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    TRY(st, dnnl_primitive_execute(primitive, c->stream, 2, args));
    TRY(st, dnnl_stream_wait(c->stream));
    if (primitive)
        (void)dnnl_primitive_destroy(primitive);
    if (desc)
        (void)dnnl_primitive_desc_destroy(desc);
    return st;
}

/* A memory of ours in plain layout; the caller destroys it. */
static chirp_status plain(onednn_conv1d *c, int n_dims, const dnnl_dims_t dims,
                          dnnl_format_tag_t tag, void *values, dnnl_memory_t *memory)
{
    dnnl_memory_desc_t desc;
    chirp_status st = CHIRP_OK;
    TRY(st, dnnl_memory_desc_init_by_tag(&desc, n_dims, dims, dnnl_f32, tag));
    TRY(st, dnnl_memory_create(memory, &desc, c->engine, values));
    return st;
}

/* The library's own memory in the layout it chose, as argument `arg`; filled from `values` unless NULL. */
static chirp_status add_argument(onednn_conv1d *c, const dnnl_memory_desc_t *desc, int arg,
                                 int n_dims, const dnnl_dims_t dims, dnnl_format_tag_t tag,
                                 float *values)
{
    dnnl_memory_t memory = NULL, ours = NULL;
    chirp_status st = CHIRP_OK;
    TRY(st, dnnl_memory_create(&memory, desc, c->engine, DNNL_MEMORY_ALLOCATE));
    if (st != CHIRP_OK)
        return st;
    c->memories[c->n_memories++] = memory;
    c->args[c->n_args++] = (dnnl_exec_arg_t){arg, memory};
    if (!values)
        return CHIRP_OK;
    st = plain(c, n_dims, dims, tag, values, &ours);
    if (st == CHIRP_OK)
        st = reorder(c, ours, memory);
    if (ours)
        (void)dnnl_memory_destroy(ours);
    return st;
}

typedef struct geometry {
    dnnl_dims_t src, wei, bia, dst;
    dnnl_dims_t stride, dilation, left, right;
} geometry;

static geometry geometry_of(const chirp_conv1d_desc *d)
{
    return (geometry){
        .src = {d->N, d->C, d->W},
        .wei = {d->K, d->C, d->S},
        .bia = {d->K},
        .dst = {d->N, d->K, chirp_conv1d_out_width(d)},
        .stride = {1},
        .dilation = {d->dilation - 1}, /* oneDNN counts the skipped samples: dense is 0 */
        .left = {d->pad_left},
        .right = {d->pad_right},
    };
}

static chirp_status describe(onednn_conv1d *c, const geometry *g, bool relu)
{
    dnnl_memory_desc_t src, wei, bia, dst;
    dnnl_convolution_desc_t conv;
    dnnl_post_ops_t post_ops = NULL;
    dnnl_primitive_attr_t attributes = NULL;
    chirp_status st = CHIRP_OK;
    TRY(st, dnnl_memory_desc_init_by_tag(&src, 3, g->src, dnnl_f32, dnnl_format_tag_any));
    TRY(st, dnnl_memory_desc_init_by_tag(&wei, 3, g->wei, dnnl_f32, dnnl_format_tag_any));
    TRY(st, dnnl_memory_desc_init_by_tag(&bia, 1, g->bia, dnnl_f32, dnnl_a));
    TRY(st, dnnl_memory_desc_init_by_tag(&dst, 3, g->dst, dnnl_f32, dnnl_format_tag_any));
    if (c->pass == CHIRP_CONV1D_FORWARD)
        TRY(st, dnnl_dilated_convolution_forward_desc_init(
                    &conv, dnnl_forward_training, dnnl_convolution_direct, &src, &wei, &bia, &dst,
                    g->stride, g->dilation, g->left, g->right));
    else if (c->pass == CHIRP_CONV1D_BACKWARD_DATA)
        TRY(st, dnnl_dilated_convolution_backward_data_desc_init(&conv, dnnl_convolution_direct,
                                                                 &src, &wei, &dst, g->stride,
                                                                 g->dilation, g->left, g->right));
    else
        TRY(st, dnnl_dilated_convolution_backward_weights_desc_init(
                    &conv, dnnl_convolution_direct, &src, &wei, &bia, &dst, g->stride, g->dilation,
                    g->left, g->right));
    TRY(st, dnnl_primitive_attr_create(&attributes));
    if (c->pass == CHIRP_CONV1D_FORWARD && relu) {
        TRY(st, dnnl_post_ops_create(&post_ops));
        TRY(st, dnnl_post_ops_append_eltwise(post_ops, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f));
        TRY(st, dnnl_primitive_attr_set_post_ops(attributes, post_ops));
    }
    dnnl_primitive_desc_t hint = NULL;
    if (c->pass != CHIRP_CONV1D_FORWARD) { /* backward passes are chosen to fit a forward one */
        dnnl_convolution_desc_t forward;
        TRY(st, dnnl_dilated_convolution_forward_desc_init(
                    &forward, dnnl_forward_training, dnnl_convolution_direct, &src, &wei, &bia,
                    &dst, g->stride, g->dilation, g->left, g->right));
        TRY(st, dnnl_primitive_desc_create(&hint, &forward, NULL, c->engine, NULL));
    }
    TRY(st, dnnl_primitive_desc_create(&c->convolution_desc, &conv, attributes, c->engine, hint));
    TRY(st, dnnl_primitive_create(&c->convolution, c->convolution_desc));
    if (hint)
        (void)dnnl_primitive_desc_destroy(hint);
    if (post_ops)
        (void)dnnl_post_ops_destroy(post_ops);
    if (attributes)
        (void)dnnl_primitive_attr_destroy(attributes);
    return st;
}

static const dnnl_memory_desc_t *wanted(const onednn_conv1d *c, dnnl_query_t what)
{
    return dnnl_primitive_desc_query_md(c->convolution_desc, what, 0);
}

static chirp_status add_arguments(onednn_conv1d *c, const geometry *g, const conv1d_buffers *b)
{
    chirp_status st = CHIRP_OK;
    const dnnl_dims_t *bia = &g->bia;
    switch (c->pass) {
    case CHIRP_CONV1D_FORWARD:
        st = add_argument(c, wanted(c, dnnl_query_src_md), DNNL_ARG_SRC, 3, g->src, dnnl_nwc,
                          b->src);
        if (st == CHIRP_OK)
            st = add_argument(c, wanted(c, dnnl_query_weights_md), DNNL_ARG_WEIGHTS, 3, g->wei,
                              dnnl_oiw, b->wei);
        if (st == CHIRP_OK)
            st = add_argument(
                c, dnnl_primitive_desc_query_md(c->convolution_desc, dnnl_query_weights_md, 1),
                DNNL_ARG_BIAS, 1, *bia, dnnl_a, b->bia);
        if (st == CHIRP_OK)
            st = add_argument(c, wanted(c, dnnl_query_dst_md), DNNL_ARG_DST, 3, g->dst, dnnl_nwc,
                              NULL);
        return st;
    case CHIRP_CONV1D_BACKWARD_DATA:
        st = add_argument(c, wanted(c, dnnl_query_diff_dst_md), DNNL_ARG_DIFF_DST, 3, g->dst,
                          dnnl_nwc, b->ddst);
        if (st == CHIRP_OK)
            st = add_argument(c, wanted(c, dnnl_query_weights_md), DNNL_ARG_WEIGHTS, 3, g->wei,
                              dnnl_oiw, b->wei);
        if (st == CHIRP_OK)
            st = add_argument(c, wanted(c, dnnl_query_diff_src_md), DNNL_ARG_DIFF_SRC, 3, g->src,
                              dnnl_nwc, NULL);
        return st;
    default:
        st = add_argument(c, wanted(c, dnnl_query_diff_dst_md), DNNL_ARG_DIFF_DST, 3, g->dst,
                          dnnl_nwc, b->ddst);
        if (st == CHIRP_OK)
            st = add_argument(c, wanted(c, dnnl_query_src_md), DNNL_ARG_SRC, 3, g->src, dnnl_nwc,
                              b->src);
        if (st == CHIRP_OK)
            st = add_argument(c, wanted(c, dnnl_query_diff_weights_md), DNNL_ARG_DIFF_WEIGHTS, 3,
                              g->wei, dnnl_oiw, NULL);
        if (st == CHIRP_OK)
            st = add_argument(
                c, dnnl_primitive_desc_query_md(c->convolution_desc, dnnl_query_diff_weights_md, 1),
                DNNL_ARG_DIFF_BIAS, 1, *bia, dnnl_a, NULL);
        return st;
    }
}

/* Max pool behind the convolution, in the layout that the convolution chose, winners kept as training needs them. */
static chirp_status add_pool(onednn_conv1d *c, const geometry *g, int64_t pool)
{
    const dnnl_dims_t dims = {g->dst[0], g->dst[1], g->dst[2] / pool}, window = {pool}, none = {0};
    const dnnl_memory_desc_t *src = wanted(c, dnnl_query_dst_md);
    dnnl_memory_desc_t dst;
    dnnl_pooling_v2_desc_t desc;
    dnnl_primitive_desc_t primitive_desc = NULL;
    chirp_status st = CHIRP_OK;
    TRY(st, dnnl_memory_desc_init_by_tag(&dst, 3, dims, dnnl_f32, dnnl_format_tag_any));
    TRY(st, dnnl_pooling_v2_forward_desc_init(&desc, dnnl_forward_training, dnnl_pooling_max, src,
                                              &dst, window, window, none, none, none));
    TRY(st, dnnl_primitive_desc_create(&primitive_desc, &desc, NULL, c->engine, NULL));
    TRY(st, dnnl_primitive_create(&c->pooling, primitive_desc));
    const int args[] = {DNNL_ARG_DST, DNNL_ARG_WORKSPACE};
    const dnnl_query_t queries[] = {dnnl_query_dst_md, dnnl_query_workspace_md};
    if (st == CHIRP_OK)
        c->pool_args[c->n_pool_args++] =
            (dnnl_exec_arg_t){DNNL_ARG_SRC, c->args[c->n_args - 1].memory};
    for (int i = 0; i < 2 && st == CHIRP_OK; ++i) {
        dnnl_memory_t memory = NULL;
        TRY(st,
            dnnl_memory_create(&memory, dnnl_primitive_desc_query_md(primitive_desc, queries[i], 0),
                               c->engine, DNNL_MEMORY_ALLOCATE));
        if (st == CHIRP_OK) {
            c->memories[c->n_memories++] = memory;
            c->pool_args[c->n_pool_args++] = (dnnl_exec_arg_t){args[i], memory};
        }
    }
    if (primitive_desc)
        (void)dnnl_primitive_desc_destroy(primitive_desc);
    return st;
}

chirp_status onednn_conv1d_create(const conv1d_buffers *buffers, chirp_conv1d_pass pass,
                                  int64_t pool, onednn_conv1d **conv)
{
    onednn_conv1d *c = chirp_calloc(1, sizeof *c);
    if (!c)
        return CHIRP_ERR_NOMEM;
    c->pass = pass;
    const geometry g = geometry_of(&buffers->desc);
    chirp_status st = CHIRP_OK;
    TRY(st, dnnl_engine_create(&c->engine, dnnl_cpu, 0));
    TRY(st, dnnl_stream_create(&c->stream, c->engine, dnnl_stream_default_flags));
    if (st == CHIRP_OK)
        st = describe(c, &g, buffers->desc.relu);
    if (st == CHIRP_OK)
        st = add_arguments(c, &g, buffers);
    if (st == CHIRP_OK && pool > 1)
        st = add_pool(c, &g, pool);
    const char *name = NULL;
    TRY(st, dnnl_primitive_desc_query(c->convolution_desc, dnnl_query_impl_info_str, 0, &name));
    if (st != CHIRP_OK) {
        onednn_conv1d_destroy(c);
        return st;
    }
    (void)snprintf(c->implementation, sizeof c->implementation, "oneDNN %d.%d.%d %s",
                   DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR, DNNL_VERSION_PATCH, name);
    *conv = c;
    return CHIRP_OK;
}

void onednn_conv1d_destroy(onednn_conv1d *c)
{
    if (!c)
        return;
    for (int i = 0; i < c->n_memories; ++i)
        (void)dnnl_memory_destroy(c->memories[i]);
    if (c->pooling)
        (void)dnnl_primitive_destroy(c->pooling);
    if (c->convolution)
        (void)dnnl_primitive_destroy(c->convolution);
    if (c->convolution_desc)
        (void)dnnl_primitive_desc_destroy(c->convolution_desc);
    if (c->stream)
        (void)dnnl_stream_destroy(c->stream);
    if (c->engine)
        (void)dnnl_engine_destroy(c->engine);
    chirp_free(c);
}

chirp_status onednn_conv1d_run(onednn_conv1d *c)
{
    dnnl_status_t status = dnnl_primitive_execute(c->convolution, c->stream, c->n_args, c->args);
    if (status == dnnl_success && c->pooling)
        status = dnnl_primitive_execute(c->pooling, c->stream, c->n_pool_args, c->pool_args);
    if (status == dnnl_success)
        status = dnnl_stream_wait(c->stream);
    return check(status, "execute");
}

static chirp_status fetch(onednn_conv1d *c, int argument, int n_dims, const dnnl_dims_t dims,
                          dnnl_format_tag_t tag, float *values)
{
    dnnl_memory_t ours = NULL;
    chirp_status st = plain(c, n_dims, dims, tag, values, &ours);
    if (st == CHIRP_OK)
        st = reorder(c, c->args[argument].memory, ours);
    if (ours)
        (void)dnnl_memory_destroy(ours);
    return st;
}

chirp_status onednn_conv1d_fetch(onednn_conv1d *c, conv1d_buffers *b)
{
    const geometry g = geometry_of(&b->desc);
    if (c->pass == CHIRP_CONV1D_FORWARD) {
        const chirp_status st = fetch(c, 3, 3, g.dst, dnnl_nwc, b->dst);
        for (int64_t i = 0; st == CHIRP_OK && i < b->n_dst;
             ++i) /* without a pool, all that a code can say */
            b->code[i] = b->desc.relu && b->dst[i] <= 0.0f ? CHIRP_CONV1D_INACTIVE : 0;
        return st;
    }
    if (c->pass == CHIRP_CONV1D_BACKWARD_DATA)
        return fetch(c, 2, 3, g.src, dnnl_nwc, b->dsrc);
    const chirp_status st = fetch(c, 2, 3, g.wei, dnnl_oiw, b->dwei);
    return st == CHIRP_OK ? fetch(c, 3, 1, g.bia, dnnl_a, b->dbia) : st;
}

const char *onednn_conv1d_implementation(const onednn_conv1d *c) { return c->implementation; }
