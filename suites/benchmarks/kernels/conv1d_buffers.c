#include "suites/benchmarks/kernels/conv1d_buffers.h"

#include "harness/base/hash.h"
#include "harness/base/memory.h"
#include "model/network/shape.h"

#include <math.h>
#include <stdio.h>

enum { SAMPLES = 192, CORNERS = 8 };

chirp_status conv1d_layer_desc(int layer, int64_t N, chirp_conv1d_desc *desc)
{
    chirp_layer_info info;
    char name[sizeof info.name];
    (void)snprintf(name, sizeof name, "root/conv%d", layer + 1);
    const chirp_status st = chirp_network_layer_find("spin", CHIRP_VARIANT_NONE, N, name, &info);
    if (st == CHIRP_OK)
        *desc = chirp_layer_conv1d(&info, N);
    return st;
}

static uint64_t mix(uint64_t x) { return chirp_splitmix64(&x); }

/* Uniform in (-scale, scale), a function of the index. */
static void fill(float *x, int64_t n, float scale, uint64_t stream, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t i = 0; i < n; ++i)
        x[i] = scale * ((float)(mix(stream << 40 | (uint64_t)i) >> 40) * 0x1p-23f - 1.0f);
}

static void fill_codes(const chirp_conv1d_desc *d, uint8_t *code, int64_t n, int threads)
{
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t i = 0; i < n; ++i) {
        const uint64_t r = mix(UINT64_C(7) << 40 | (uint64_t)i);
        code[i] =
            (uint8_t)(d->relu && r % 8 == 0 ? CHIRP_CONV1D_INACTIVE : (r >> 8) % (uint64_t)d->pool);
    }
}

chirp_status conv1d_buffers_create(const chirp_conv1d_desc *desc, int threads,
                                   conv1d_buffers *buffers)
{
    conv1d_buffers b = {.desc = *desc};
    b.n_src = desc->N * desc->W * desc->C;
    b.n_wei = desc->K * desc->C * desc->S;
    b.n_dst = desc->N * chirp_conv1d_pooled_width(desc) * desc->K;
    /* weights keep the output of order one */
    const float scale = sqrtf(3.0f / (float)(desc->C * desc->S));
    const struct {
        float **tensor;
        int64_t n;
        float scale;
    } tensors[] = {
        {&b.src, b.n_src, 1.0f},  {&b.wei, b.n_wei, scale}, {&b.bia, desc->K, 0.1f},
        {&b.ddst, b.n_dst, 1.0f}, {&b.dst, b.n_dst, 0.0f},  {&b.dsrc, b.n_src, 0.0f},
        {&b.dwei, b.n_wei, 0.0f}, {&b.dbia, desc->K, 0.0f},
    };
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; ++i) {
        *tensors[i].tensor = chirp_alloc((size_t)tensors[i].n * sizeof(float));
        if (!*tensors[i].tensor)
            goto fail;
        fill(*tensors[i].tensor, tensors[i].n, tensors[i].scale, i, threads);
    }
    b.code = chirp_alloc((size_t)b.n_dst);
    if (!b.code)
        goto fail;
    fill_codes(desc, b.code, b.n_dst, threads);
    *buffers = b;
    return CHIRP_OK;
fail:
    conv1d_buffers_destroy(&b);
    return CHIRP_ERR_NOMEM;
}

void conv1d_buffers_destroy(conv1d_buffers *b)
{
    float *const tensors[] = {b->src, b->wei, b->bia, b->ddst, b->dst, b->dsrc, b->dwei, b->dbia};
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; ++i)
        chirp_free(tensors[i]);
    chirp_free(b->code);
    *b = (conv1d_buffers){0};
}

/* ---- the definition at single elements ----------------------------------------------------------------------- */

static double pre_activation(const conv1d_buffers *b, int64_t n, int64_t q, int64_t k)
{
    const chirp_conv1d_desc *d = &b->desc;
    double sum = (double)b->bia[k];
    for (int64_t s = 0; s < d->S; ++s) {
        const int64_t w = q + s * d->dilation - d->pad_left;
        for (int64_t c = 0; w >= 0 && w < d->W && c < d->C; ++c)
            sum += (double)b->wei[(k * d->C + c) * d->S + s] *
                   (double)b->src[(n * d->W + w) * d->C + c];
    }
    return sum;
}

static double routed(const conv1d_buffers *b, int64_t n, int64_t q, int64_t k)
{
    const chirp_conv1d_desc *d = &b->desc;
    const int64_t P = chirp_conv1d_pooled_width(d), p = q / d->pool;
    if (q < 0 || p >= P)
        return 0.0;
    const int64_t i = (n * P + p) * d->K + k;
    const bool coded = d->relu || d->pool > 1;
    return !coded || b->code[i] == q % d->pool ? (double)b->ddst[i] : 0.0;
}

/* Sample i of an index space: the corners first, then hashed places. */
static void place(int i, const int64_t extent[3], int64_t at[3])
{
    for (int axis = 0; axis < 3; ++axis)
        at[axis] = i < CORNERS ? ((i >> axis) & 1 ? extent[axis] - 1 : 0)
                               : (int64_t)(mix((uint64_t)(i * 3 + axis)) % (uint64_t)extent[axis]);
}

static double forward_value(const conv1d_buffers *b, const int64_t at[3], chirp_status *st)
{
    const chirp_conv1d_desc *d = &b->desc;
    const int64_t P = chirp_conv1d_pooled_width(d);
    const uint8_t code = b->code[(at[0] * P + at[1]) * d->K + at[2]];
    double best = -INFINITY, named = 0.0;
    for (int64_t j = 0; j < d->pool; ++j) {
        const double v = pre_activation(b, at[0], at[1] * d->pool + j, at[2]);
        best = fmax(best, v);
        if (j == code)
            named = v;
    }
    const double slack = 1e-4; /* outputs are of order one: a rounding error may swap near equals */
    const bool inactive = code == CHIRP_CONV1D_INACTIVE;
    if ((d->pool > 1 && !inactive && !(named >= best - slack)) ||
        (d->relu && inactive && !(best <= slack)))
        *st =
            chirp_fail(CHIRP_ERR_NUMERIC, "code %d of window (%lld, %lld, %lld) is not its largest",
                       code, (long long)at[0], (long long)at[1], (long long)at[2]);
    return d->relu ? fmax(best, 0.0) : best;
}

static double backward_data_value(const conv1d_buffers *b, const int64_t at[3])
{
    const chirp_conv1d_desc *d = &b->desc;
    double sum = 0.0;
    for (int64_t s = 0; s < d->S; ++s)
        for (int64_t k = 0; k < d->K; ++k)
            sum += (double)b->wei[(k * d->C + at[2]) * d->S + s] *
                   routed(b, at[0], at[1] + d->pad_left - s * d->dilation, k);
    return sum;
}

static double backward_weights_value(const conv1d_buffers *b, const int64_t at[3])
{
    const chirp_conv1d_desc *d = &b->desc;
    const int64_t Q = chirp_conv1d_out_width(d);
    double sum = 0.0;
#pragma omp parallel for schedule(static) reduction(+ : sum)
    for (int64_t n = 0; n < d->N; ++n)
        for (int64_t q = 0; q < Q; ++q) {
            const int64_t w = q + at[2] * d->dilation - d->pad_left;
            if (w >= 0 && w < d->W)
                sum += routed(b, n, q, at[0]) * (double)b->src[(n * d->W + w) * d->C + at[1]];
        }
    return sum;
}

chirp_status conv1d_buffers_error(const conv1d_buffers *b, chirp_conv1d_pass pass,
                                  double *relative_error)
{
    const chirp_conv1d_desc *d = &b->desc;
    const int64_t P = chirp_conv1d_pooled_width(d);
    const int64_t extents[CHIRP_CONV1D_PASSES][3] = {
        {d->N, P, d->K}, {d->N, d->W, d->C}, {d->K, d->C, d->S}};
    const float *results[CHIRP_CONV1D_PASSES] = {b->dst, b->dsrc, b->dwei};
    const int64_t *extent = extents[pass];
    const int n = pass == CHIRP_CONV1D_BACKWARD_WEIGHTS
                      ? SAMPLES / 4
                      : SAMPLES; /* those sum over the whole batch */
    double difference = 0.0, size = 0.0;
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < n && st == CHIRP_OK; ++i) {
        int64_t at[3];
        place(i, extent, at);
        const double got = (double)results[pass][(at[0] * extent[1] + at[1]) * extent[2] + at[2]];
        const double want = pass == CHIRP_CONV1D_FORWARD         ? forward_value(b, at, &st)
                            : pass == CHIRP_CONV1D_BACKWARD_DATA ? backward_data_value(b, at)
                                                                 : backward_weights_value(b, at);
        difference += (got - want) * (got - want);
        size += want * want;
    }
    *relative_error = sqrt(difference / size);
    return st;
}
