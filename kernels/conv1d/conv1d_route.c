/* Gradients back through max pool and ReLU, and the bias gradient. See conv1d_internal.h. */
#include "kernels/conv1d/conv1d_internal.h"
#include "kernels/simd/simd.h"

#include <string.h>

/* Row j of window p, or a copy of ddst when there is no code. */
SIMD_INLINE void route_row(const float *ddst, const uint8_t *code, int32_t j, int64_t n_channels,
                           float *dpre)
{
    const simd_int mine = simd_set_int(j);
    int64_t k = 0;
    for (; k + SIMD_LANES <= n_channels; k += SIMD_LANES)
        simd_store(dpre + k,
                   simd_select(simd_bytes_equal(code + k, j), simd_load(ddst + k), simd_zero()));
    if (k < n_channels) {
        const int64_t n = n_channels - k;
        simd_store_partial(dpre + k,
                           simd_select(simd_equal(simd_load_bytes_partial(code + k, n), mine),
                                       simd_load_partial(ddst + k, n), simd_zero()),
                           n);
    }
}

/* All rows of a window at once: ddst and code are loaded once. */
SIMD_INLINE void route_window(const float *ddst, const uint8_t *code, int64_t pool,
                              int64_t n_channels, float *dpre, int64_t ld)
{
    int64_t k = 0;
    for (; k + SIMD_LANES <= n_channels; k += SIMD_LANES) {
        const simd_float d = simd_load(ddst + k);
        for (int32_t j = 0; j < pool; ++j)
            simd_store(dpre + j * ld + k,
                       simd_select(simd_bytes_equal(code + k, j), d, simd_zero()));
    }
    if (k < n_channels)
        for (int32_t j = 0; j < pool; ++j)
            route_row(ddst + k, code + k, j, n_channels - k, dpre + j * ld + k);
}

void conv1d_route(const chirp_conv1d_desc *desc, const float *ddst, const uint8_t *code, int64_t q0,
                  int64_t q1, int64_t n_channels, float *dpre, int64_t ld)
{
    const int64_t K = desc->K, pool = desc->pool;
    const int64_t routed =
        chirp_conv1d_pooled_width(desc) * pool; /* positions behind it reach no output */
    const size_t row_bytes = (size_t)n_channels * sizeof *dpre;
    int64_t q = q0;
    for (; q < conv1d_min(q1, 0); ++q)
        memset(dpre + (q - q0) * ld, 0, row_bytes);
    const int64_t end = conv1d_min(q1, routed);
    int64_t p = q < end ? q / pool : 0, j = q < end ? q % pool : 0;
    while (q < end) {
        const float *from = ddst + p * K;
        float *to = dpre + (q - q0) * ld;
        if (!conv1d_needs_code(desc)) {
            memcpy(to, from, row_bytes);
        } else if (j == 0 && pool == 4 && q + 4 <= end) {
            route_window(from, code + p * K, 4, n_channels, to, ld);
            j = 3;
            q += 3;
        } else {
            route_row(from, code + p * K, (int32_t)j, n_channels, to);
        }
        ++q;
        if (++j == pool) {
            j = 0;
            ++p;
        }
    }
    for (q = conv1d_max(q, q0); q < q1; ++q)
        memset(dpre + (q - q0) * ld, 0, row_bytes);
}

/* One vector of channels over all rows: sums of 64 rows, and those sums added up, so that rounding stays small. */
static void bias_columns(const chirp_conv1d_desc *desc, int64_t n_rows, const float *ddst,
                         const uint8_t *code, int64_t n, float *sum)
{
    enum { ROWS = 64 };
    const int64_t K = desc->K;
    const bool coded = conv1d_needs_code(desc), full = n == SIMD_LANES;
    const simd_int inactive = simd_set_int(CHIRP_CONV1D_INACTIVE);
    simd_float total = simd_zero();
    for (int64_t p0 = 0; p0 < n_rows; p0 += ROWS) {
        const int64_t p1 = conv1d_min(p0 + ROWS, n_rows);
        simd_float part = simd_zero();
        for (int64_t p = p0; p < p1; ++p) {
            simd_float d = full ? simd_load(ddst + p * K) : simd_load_partial(ddst + p * K, n);
            if (coded) {
                const uint8_t *c = code + p * K;
                const simd_int codes = full ? simd_load_bytes(c) : simd_load_bytes_partial(c, n);
                d = simd_select(simd_equal(codes, inactive), simd_zero(), d);
            }
            part += d;
        }
        total += part;
    }
    simd_store_partial(sum, total, n);
}

void conv1d_bias_partial(const chirp_conv1d_desc *desc, const float *ddst, const uint8_t *code,
                         float *sum)
{
    const int64_t P = chirp_conv1d_pooled_width(desc);
    for (int64_t k = 0; k < desc->K; k += SIMD_LANES)
        bias_columns(desc, P, ddst + k, code ? code + k : NULL, conv1d_min(SIMD_LANES, desc->K - k),
                     sum + k);
}

void conv1d_bias_finish(const chirp_conv1d_desc *desc, const float *partial, float *dbia)
{
    enum { CHANNELS = 16 }; /* independent sums side by side: one alone waits for each addition */
    for (int64_t k0 = 0; k0 < desc->K; k0 += CHANNELS) {
        const int64_t n_k = conv1d_min(CHANNELS, desc->K - k0);
        double sum[CHANNELS] = {0};
        for (int64_t n = 0; n < desc->N; ++n)
            for (int64_t k = 0; k < n_k; ++k)
                sum[k] += (double)partial[n * desc->K + k0 + k];
        for (int64_t k = 0; k < n_k; ++k)
            dbia[k0 + k] = (float)sum[k];
    }
}
