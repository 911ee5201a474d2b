/*
 * Bias, ReLU, max pool and code on rows that are still in cache. The loops are written once and inlined for the
 * cases worth having straight code: pool 1, pool 4 (the network's), and any pool; with and without code.
 */
#include "kernels/conv1d/conv1d_internal.h"
#include "kernels/conv1d/conv1d_simd.h"

#define CONV1D_INLINE static inline __attribute__((always_inline))

/* One window, CONV1D_LANES channels (or the first n of them when partial). */
CONV1D_INLINE void window(const float *pre, int64_t ld, int64_t pool, bool relu, conv1d_vec bia,
                          float *dst, uint8_t *code, int64_t n, bool partial)
{
    conv1d_vec best = conv1d_add(partial ? conv1d_load_partial(pre, n) : conv1d_load(pre), bia);
    conv1d_ivec winner = conv1d_iset(0);
    for (int64_t j = 1; j < pool; ++j) {
        const float *row = pre + j * ld;
        const conv1d_vec v =
            conv1d_add(partial ? conv1d_load_partial(row, n) : conv1d_load(row), bia);
        const conv1d_mask wins = conv1d_beats(v, best);
        best = conv1d_select(wins, v, best);
        if (code)
            winner = conv1d_iselect(wins, conv1d_iset((int32_t)j), winner);
    }
    if (relu) {
        const conv1d_mask off = conv1d_not_positive(best);
        best = conv1d_select(off, conv1d_zero(), best);
        if (code && pool == 1 && !partial) { /* one position: active or not */
            conv1d_store(dst, best);
            conv1d_store_flags(code, off);
            return;
        }
        if (code)
            winner = conv1d_iselect(off, conv1d_iset(CHIRP_CONV1D_INACTIVE), winner);
    }
    if (partial)
        conv1d_store_partial(dst, best, n);
    else
        conv1d_store(dst, best);
    if (code && partial)
        conv1d_store_codes_partial(code, winner, n);
    else if (code)
        conv1d_store_codes(code, winner);
}

CONV1D_INLINE void block(const float *pre, int64_t ld, int64_t n_windows, int64_t n_channels,
                         int64_t pool, bool relu, const float *bia, float *dst, uint8_t *code,
                         int64_t row)
{
    const int64_t n_full = n_channels / CONV1D_LANES * CONV1D_LANES;
    for (int64_t p = 0; p < n_windows; ++p) {
        const float *rows = pre + p * pool * ld;
        float *to = dst + p * row;
        uint8_t *to_code = code ? code + p * row : NULL;
        for (int64_t k = 0; k < n_full; k += CONV1D_LANES)
            window(rows + k, ld, pool, relu, bia ? conv1d_load(bia + k) : conv1d_zero(), to + k,
                   to_code ? to_code + k : NULL, CONV1D_LANES, false);
        if (n_full < n_channels) {
            const int64_t n = n_channels - n_full;
            window(rows + n_full, ld, pool, relu,
                   bia ? conv1d_load_partial(bia + n_full, n) : conv1d_zero(), to + n_full,
                   to_code ? to_code + n_full : NULL, n, true);
        }
    }
}

CONV1D_INLINE void block_relu(const float *pre, int64_t ld, int64_t n_windows, int64_t n_channels,
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
