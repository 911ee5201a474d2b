/* Copies of weights and of rows of input, as the products of the direct method want them. */
#include "kernels/conv1d/direct/direct.h"

#include <string.h>

void direct_pack(const direct_state *d, const direct_columns *to, bool reverse, const float *wei)
{
    const int64_t C = d->desc.C, K = d->desc.K, S = d->desc.S;
    const int64_t inner = reverse ? K : C;
    const int64_t row_stride = reverse ? S : C * S, inner_stride = reverse ? C * S : S;
    /* one (row block, inner channel) at a time: reads lines of S taps, writes lines of a row block */
#pragma omp parallel for collapse(2) schedule(static) num_threads(d->desc.n_threads)
    for (int64_t b = 0; b < to->rows.count; ++b) {
        for (int64_t i = 0; i < inner; ++i) {
            const int64_t row0 = b * to->rows.size, n_rows = direct_width(&to->rows, b);
            const int64_t m = b + 1 == to->rows.count ? to->padded_last : to->rows.size;
            float *block = to->weights + row0 * inner * S;
            for (int64_t s = 0; s < S; ++s) {
                float *line = block + ((reverse ? S - 1 - s : s) * inner + i) * m;
                const float *from = wei + row0 * row_stride + i * inner_stride + s;
                for (int64_t r = 0; r < n_rows; ++r)
                    line[r] = from[r * row_stride];
            }
        }
    }
}

void direct_copy_rows(const chirp_conv1d_desc *desc, const float *sample, int64_t w0, int64_t n,
                      int64_t c0, int64_t n_c, float *to)
{
    const int64_t begin = conv1d_min(conv1d_max(-w0, 0), n),
                  end = conv1d_max(conv1d_min(desc->W - w0, n), begin);
    memset(to, 0, (size_t)(begin * n_c) * sizeof *to);
    if (n_c == desc->C && end > begin)
        memcpy(to + begin * n_c, sample + (w0 + begin) * n_c,
               (size_t)((end - begin) * n_c) * sizeof *to);
    else
        for (int64_t i = begin; i < end; ++i)
            memcpy(to + i * n_c, sample + (w0 + i) * desc->C + c0, (size_t)n_c * sizeof *to);
    memset(to + end * n_c, 0, (size_t)((n - end) * n_c) * sizeof *to);
}

void direct_gather(const chirp_conv1d_desc *desc, const float *sample, int64_t w0, int64_t n,
                   float *to)
{
    const int64_t C = desc->C, S = desc->S, column = C * S;
    const bool inside = w0 >= 0 && w0 + n - 1 + (S - 1) * desc->dilation < desc->W;
    if (inside && desc->dilation == 1) {
        for (int64_t i = 0; i < n; ++i)
            memcpy(to + i * column, sample + (w0 + i) * C, (size_t)column * sizeof *to);
        return;
    }
    for (int64_t i = 0; i < n; ++i)
        for (int64_t s = 0; s < S; ++s) {
            const int64_t w = w0 + i + s * desc->dilation;
            for (int64_t c = 0; c < C; ++c)
                to[i * column + s * C + c] = w >= 0 && w < desc->W ? sample[w * C + c] : 0.0f;
        }
}
