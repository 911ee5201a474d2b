/*
 * Bias, ReLU, max pool and code on rows that are still in cache. The loops are written once and inlined for the
 * cases worth having straight code: pool 1, pool 4 (the network's), and any pool; with and without code.
 */
#include "kernels/conv1d/conv1d_internal.h"
#include "kernels/simd/simd.h"

/* One window, SIMD_LANES channels (or the first n of them when partial). */
SIMD_INLINE void window(const float *pre, int64_t ld, int64_t pool, bool relu, simd_float bia,
                        float *dst, uint8_t *code, int64_t n, bool partial)
{
    simd_float best = (partial ? simd_load_partial(pre, n) : simd_load(pre)) + bia;
    simd_int winner = simd_set_int(0);
    for (int64_t j = 1; j < pool; ++j) {
        const float *row = pre + j * ld;
        const simd_float v = (partial ? simd_load_partial(row, n) : simd_load(row)) + bia;
        const simd_mask wins = simd_greater_or_nan(v, best);
        best = simd_select(wins, v, best);
        if (code)
            winner = simd_select_int(wins, simd_set_int((int32_t)j), winner);
    }
    if (relu) {
        const simd_mask off = simd_not_positive(best);
        best = simd_select(off, simd_zero(), best);
        if (code && pool == 1 && !partial) { /* one position: active or not */
            simd_store(dst, best);
            simd_store_flags(code, off);
            return;
        }
        if (code)
            winner = simd_select_int(off, simd_set_int(CHIRP_CONV1D_INACTIVE), winner);
    }
    if (partial)
        simd_store_partial(dst, best, n);
    else
        simd_store(dst, best);
    if (code && partial)
        simd_store_bytes_partial(code, winner, n);
    else if (code)
        simd_store_bytes(code, winner);
}

SIMD_INLINE void block(const float *pre, int64_t ld, int64_t n_windows, int64_t n_channels,
                       int64_t pool, bool relu, const float *bia, float *dst, uint8_t *code,
                       int64_t row)
{
    const int64_t n_full = n_channels / SIMD_LANES * SIMD_LANES;
    for (int64_t p = 0; p < n_windows; ++p) {
        const float *rows = pre + p * pool * ld;
        float *to = dst + p * row;
        uint8_t *to_code = code ? code + p * row : NULL;
        for (int64_t k = 0; k < n_full; k += SIMD_LANES)
            window(rows + k, ld, pool, relu, bia ? simd_load(bia + k) : simd_zero(), to + k,
                   to_code ? to_code + k : NULL, SIMD_LANES, false);
        if (n_full < n_channels) {
            const int64_t n = n_channels - n_full;
            window(rows + n_full, ld, pool, relu,
                   bia ? simd_load_partial(bia + n_full, n) : simd_zero(), to + n_full,
                   to_code ? to_code + n_full : NULL, n, true);
        }
    }
}

SIMD_INLINE void block_relu(const float *pre, int64_t ld, int64_t n_windows, int64_t n_channels,
                            int64_t pool, bool relu, const float *bia, float *dst, uint8_t *code,
                            int64_t row)
{
    if (relu && code)
        block(pre, ld, n_windows, n_channels, pool, true, bia, dst, code, row);
    else if (relu)
        block(pre, ld, n_windows, n_channels, pool, true, bia, dst, NULL, row);
    else if (code)
        block(pre, ld, n_windows, n_channels, pool, false, bia, dst, code, row);
    else
        block(pre, ld, n_windows, n_channels, pool, false, bia, dst, NULL, row);
}

void conv1d_epilogue(const chirp_conv1d_desc *desc, const float *pre, int64_t ld, int64_t n_rows,
                     int64_t n_channels, const float *bia, float *dst, uint8_t *code)
{
    const int64_t n_windows = n_rows / desc->pool;
    if (desc->pool == 1)
        block_relu(pre, ld, n_windows, n_channels, 1, desc->relu, bia, dst, code, desc->K);
    else if (desc->pool == 4)
        block_relu(pre, ld, n_windows, n_channels, 4, desc->relu, bia, dst, code, desc->K);
    else
        block_relu(pre, ld, n_windows, n_channels, desc->pool, desc->relu, bia, dst, code, desc->K);
}
