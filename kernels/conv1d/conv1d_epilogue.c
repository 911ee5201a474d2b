/*
 * Bias, ReLU, max pool and code on rows that are still in cache. The loops are written once and inlined for the
 * cases worth having straight code: pool 1, pool 4 (the network's), and any pool; with and without code.
 */
#include "kernels/conv1d/conv1d_internal.h"
#include "kernels/simd/simd.h"

/* Rows of pre-activations and where their outputs go, as conv1d_epilogue() gets them. */
typedef struct rows {
    const float *pre, *bia;
    int64_t ld, n_windows, n_channels, row; /* row: floats from one output row to the next */
    float *dst;
    uint8_t *code;
} rows;

/*
 * Window p, SIMD_LANES channels from k on, or the first n of them when partial. pool, relu, coded and partial are constants
 * where this is inlined.
 */
SIMD_INLINE void window(const rows *r, int64_t p, int64_t k, int64_t n, bool partial, int64_t pool,
                        bool relu, bool coded)
{
    const float *pre = r->pre + p * pool * r->ld + k;
    float *dst = r->dst + p * r->row + k;
    uint8_t *code = coded ? r->code + p * r->row + k : NULL;
    const simd_float bia = !r->bia   ? simd_zero()
                           : partial ? simd_load_partial(r->bia + k, n)
                                     : simd_load(r->bia + k);
    simd_float best = (partial ? simd_load_partial(pre, n) : simd_load(pre)) + bia;
    simd_int winner = simd_set_int(0);
    for (int64_t j = 1; j < pool; ++j) {
        const float *at = pre + j * r->ld;
        const simd_float v = (partial ? simd_load_partial(at, n) : simd_load(at)) + bia;
        const simd_mask wins = simd_greater_or_nan(v, best);
        best = simd_select(wins, v, best);
        if (coded)
            winner = simd_select_int(wins, simd_set_int((int32_t)j), winner);
    }
    if (relu) {
        const simd_mask off = simd_not_positive(best);
        best = simd_select(off, simd_zero(), best);
        if (coded && pool == 1 && !partial) { /* one position: active or not */
            simd_store(dst, best);
            simd_store_flags(code, off);
            return;
        }
        if (coded)
            winner = simd_select_int(off, simd_set_int(CHIRP_CONV1D_INACTIVE), winner);
    }
    if (partial)
        simd_store_partial(dst, best, n);
    else
        simd_store(dst, best);
    if (coded && partial)
        simd_store_bytes_partial(code, winner, n);
    else if (coded)
        simd_store_bytes(code, winner);
}

SIMD_INLINE void block(const rows *in, int64_t pool, bool relu, bool coded)
{
    const rows r = *in; /* a copy that no store through dst or code can change */
    const int64_t n_full = r.n_channels / SIMD_LANES * SIMD_LANES;
    for (int64_t p = 0; p < r.n_windows; ++p) {
        for (int64_t k = 0; k < n_full; k += SIMD_LANES)
            window(&r, p, k, SIMD_LANES, false, pool, relu, coded);
        if (n_full < r.n_channels)
            window(&r, p, n_full, r.n_channels - n_full, true, pool, relu, coded);
    }
}

SIMD_INLINE void block_relu(const rows *r, int64_t pool, bool relu)
{
    if (relu && r->code)
        block(r, pool, true, true);
    else if (relu)
        block(r, pool, true, false);
    else if (r->code)
        block(r, pool, false, true);
    else
        block(r, pool, false, false);
}

void conv1d_epilogue(const chirp_conv1d_desc *desc, const float *pre, int64_t ld, int64_t n_rows,
                     int64_t n_channels, const float *bia, float *dst, uint8_t *code)
{
    const rows r = {pre, bia, ld, n_rows / desc->pool, n_channels, desc->K, dst, code};
    if (desc->pool == 1)
        block_relu(&r, 1, desc->relu);
    else if (desc->pool == 4)
        block_relu(&r, 4, desc->relu);
    else
        block_relu(&r, desc->pool, desc->relu);
}
