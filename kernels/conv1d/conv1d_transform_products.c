/* Products of spectra as small matrix products. See conv1d_transform_internal.h for the formulas and layouts. */
#include "kernels/conv1d/conv1d_transform_internal.h"

#include <string.h>

/* Which compiled row count serves rows [r, r + *rows) of a block that holds n samples. */
static int which_rows(const transform_state *t, int64_t r, int64_t n, int64_t *rows)
{
    const int64_t left = n * t->geo.rows_per_sample - r;
    *rows = conv1d_min(left, TRANSFORM_ROWS);
    if (left >= TRANSFORM_ROWS)
        return 0;
    return n == t->block ? 1 : 2;
}

/* Frequencies 0 and T/2 are real: one plane, one product. */
static bool is_edge(const transform_state *t, int64_t frequency)
{
    return frequency == 0 || frequency == t->geo.frequencies - 1;
}

static chirp_status dispatch_direction(const transform_state *t, const transform_side *from,
                                       const transform_side *to, transform_products *products)
{
    const int64_t last = t->desc.N % t->block * t->geo.rows_per_sample;
    const int64_t rows[3] = {TRANSFORM_ROWS, t->block_rows % TRANSFORM_ROWS, last % TRANSFORM_ROWS};
    for (int i = 0; i < 3; ++i) {
        chirp_gemm_shape shape = {.m = to->panel,
                                  .n = rows[i],
                                  .k = from->panel,
                                  .lda = to->panel,
                                  .ldb = from->panel,
                                  .ldc = to->panel,
                                  .reduce = true,
                                  .stride_a = to->panel * from->panel,
                                  .stride_b = TRANSFORM_ROWS * from->panel};
        if (rows[i] == 0)
            continue;
        chirp_status st = chirp_gemm_dispatch(&shape, &products->set[i]);
        shape.accumulate = true;
        shape.stride_b = t->block_rows * from->panel;
        if (st == CHIRP_OK)
            st = chirp_gemm_dispatch(&shape, &products->add[i]);
        if (st != CHIRP_OK)
            return st;
    }
    return CHIRP_OK;
}

static chirp_status dispatch_gradient(transform_state *t)
{
    const int64_t samples[2] = {t->block, t->desc.N % t->block};
    for (int i = 0; i < 2; ++i) {
        chirp_gemm_shape shape = {.m = t->in.panel,
                                  .n = t->out.panel,
                                  .k = samples[i] * t->geo.rows_per_sample,
                                  .lda = t->in.panel,
                                  .ldb = t->out.panel,
                                  .ldc = t->in.panel,
                                  .transpose_b = true};
        if (samples[i] == 0)
            continue;
        chirp_status st = chirp_gemm_dispatch(&shape, &t->gradient_set[i]);
        shape.accumulate = true;
        if (st == CHIRP_OK)
            st = chirp_gemm_dispatch(&shape, &t->gradient_add[i]);
        if (st != CHIRP_OK)
            return st;
    }
    return CHIRP_OK;
}

chirp_status transform_products_dispatch(transform_state *t)
{
    chirp_status st = CHIRP_OK;
    if (t->passes & CONV1D_PASS_BIT(CHIRP_CONV1D_FORWARD))
        st = dispatch_direction(t, &t->in, &t->out, &t->forward);
    if (st == CHIRP_OK && (t->passes & CONV1D_PASS_BIT(CHIRP_CONV1D_BACKWARD_DATA)))
        st = dispatch_direction(t, &t->out, &t->in, &t->back);
    if (st == CHIRP_OK && (t->passes & CONV1D_PASS_BIT(CHIRP_CONV1D_BACKWARD_WEIGHTS)))
        st = dispatch_gradient(t);
    return st;
}

/* A direction of products: the weights of one output panel at one frequency become three matrices in scratch. */
typedef struct direction {
    const transform_products *products;
    const transform_block *from;
    const transform_side *in, *out;
    void (*prepare)(const transform_state *t, int64_t f, int64_t panel, float *a);
} direction;

static int64_t most_panels(const transform_state *t)
{
    return conv1d_max(t->in.padded * t->out.panel, t->out.padded * t->in.panel);
}

int64_t transform_products_scratch(const transform_state *t)
{
    const int64_t products =
        3 * most_panels(t) + TRANSFORM_ROWS * conv1d_max(t->in.padded, t->out.padded);
    const int64_t gradient =
        t->block_rows * (t->in.panel + t->out.panel) + 3 * t->in.panel * t->out.panel;
    return conv1d_max(products, gradient);
}

/* b = conj(W): br, br + bi = Wr - Wi, bi - br = -(Wr + Wi). The products want br, bi - br, -(br + bi). */
static void prepare_forward(const transform_state *t, int64_t f, int64_t panel, float *a)
{
    const int64_t n = t->in.padded * t->out.panel;
    const float *re = t->weights.at + f * t->weights.frequency + panel * n,
                *im = re + t->weights.plane;
    if (is_edge(t, f)) {
        memcpy(a, re, (size_t)n * sizeof *a);
        return;
    }
    for (int64_t e = 0; e < n; e += CHIRP_FFT_LANES) {
        const fft_vec r = fft_load(re + e), i = fft_load(im + e);
        fft_store(a + e, r);
        fft_store(a + n + e, -(r + i));
        fft_store(a + 2 * n + e, i - r);
    }
}

/* b = W, [c][k] turned into [k][c] a square of vectors at a time. */
static void prepare_back(const transform_state *t, int64_t f, int64_t panel, float *a)
{
    enum { L = CHIRP_FFT_LANES };
    const int64_t n = t->out.padded * t->in.panel, tile = t->in.panel * t->out.panel;
    const bool edge = is_edge(t, f);
    for (int64_t q = 0; q < t->out.panels; ++q) {
        const float *re =
            t->weights.at + f * t->weights.frequency + (q * t->in.panels + panel) * tile;
        const float *im = re + t->weights.plane;
        for (int64_t c = 0; c < t->in.panel; c += L) {
            for (int64_t k = 0; k < t->out.panel; k += L) {
                fft_vec r[L], i[L];
                float *to = a + q * tile + k * t->in.panel + c;
                for (int64_t e = 0; e < L; ++e)
                    r[e] = fft_load(re + (c + e) * t->out.panel + k);
                fft_transpose(r);
                for (int64_t e = 0; e < L; ++e)
                    fft_store(to + e * t->in.panel, r[e]);
                if (edge)
                    continue;
                for (int64_t e = 0; e < L; ++e)
                    i[e] = fft_load(im + (c + e) * t->out.panel + k);
                fft_transpose(i);
                for (int64_t e = 0; e < L; ++e) {
                    fft_store(to + n + e * t->in.panel, i[e] - r[e]);
                    fft_store(to + 2 * n + e * t->in.panel, -(r[e] + i[e]));
                }
            }
        }
    }
}

/* xr + xi (or the single plane of an edge) of some rows, all panels: [panel][TRANSFORM_ROWS][channel]. */
static void sum_rows(const transform_state *t, const direction *way, const float *re, bool edge,
                     int64_t rows, float *sum)
{
    const int64_t n = rows * way->in->panel;
    for (int64_t p = 0; p < way->in->panels; ++p) {
        const float *r = re + p * t->block_rows * way->in->panel, *i = r + way->from->plane;
        float *s = sum + p * TRANSFORM_ROWS * way->in->panel;
        if (edge)
            memcpy(s, r, (size_t)n * sizeof *s);
        for (int64_t e = 0; !edge && e < n; e += CHIRP_FFT_LANES)
            fft_store(s + e, fft_load(r + e) + fft_load(i + e));
    }
}

/* All rows of a block at one frequency, one panel of results. */
static void multiply_panel(const transform_state *t, const direction *way, int64_t f, int64_t panel,
                           int64_t n, float *scratch)
{
    const int64_t total = n * t->geo.rows_per_sample, size = way->in->padded * way->out->panel;
    const bool edge = is_edge(t, f);
    float *a = scratch, *sum = scratch + 3 * size;
    way->prepare(t, f, panel, a);
    for (int64_t r = 0; r < total; r += TRANSFORM_ROWS) {
        int64_t rows;
        const int i = which_rows(t, r, n, &rows);
        const float *x = way->from->at + f * way->from->frequency + r * way->in->panel;
        float *re = t->o.at + f * t->o.frequency + (panel * t->block_rows + r) * way->out->panel;
        float *im = re + t->o.plane;
        sum_rows(t, way, x, edge, rows, sum);
        chirp_gemm_reduce(&way->products->set[i], a, sum, re, way->in->panels);
        if (edge)
            continue;
        memcpy(im, re, (size_t)(rows * way->out->panel) * sizeof *re);
        chirp_gemm_reduce(&way->products->add[i], a + size, x, im, way->in->panels);
        chirp_gemm_reduce(&way->products->add[i], a + 2 * size, x + way->from->plane, re,
                          way->in->panels);
    }
}

void transform_forward_team(const transform_state *t, int64_t n)
{
    const direction way = {&t->forward, &t->x, &t->in, &t->out, prepare_forward};
    float *scratch = transform_thread_floats(t);
#pragma omp for collapse(2) schedule(static) nowait
    for (int64_t f = 0; f < t->geo.frequencies; ++f)
        for (int64_t panel = 0; panel < t->out.panels; ++panel)
            multiply_panel(t, &way, f, panel, n, scratch);
}

void transform_back_team(const transform_state *t, int64_t n)
{
    const direction way = {&t->back, &t->y, &t->out, &t->in, prepare_back};
    float *scratch = transform_thread_floats(t);
#pragma omp for collapse(2) schedule(static) nowait
    for (int64_t f = 0; f < t->geo.frequencies; ++f)
        for (int64_t panel = 0; panel < t->in.panels; ++panel)
            multiply_panel(t, &way, f, panel, n, scratch);
}

/* p0, p1, p2 of one tile, where they are summed up: in memory, or in scratch when the block is the whole batch. */
static void gradient_tile(const transform_state *t, int64_t f, int64_t c, int64_t k, int64_t n,
                          bool first, bool last, const float *x_sum, float *scratch)
{
    const int i = n == t->block ? 0 : 1;
    const chirp_gemm *gemm = first ? &t->gradient_set[i] : &t->gradient_add[i];
    const int64_t tile = t->in.panel * t->out.panel, rows = n * t->geo.rows_per_sample;
    const float *x = t->x.at + f * t->x.frequency + c * t->block_rows * t->in.panel;
    const float *y = t->y.at + f * t->y.frequency + k * t->block_rows * t->out.panel;
    float *to = t->gradient.at + f * t->gradient.frequency + (k * t->in.panels + c) * tile;
    if (is_edge(t, f)) {
        chirp_gemm_run(gemm, x, y, to);
        return;
    }
    float *p[3], *y_difference = scratch;
    for (int j = 0; j < 3; ++j)
        p[j] = t->one_block ? scratch + t->block_rows * t->out.panel + j * tile
                            : to + j * t->gradient.plane;
    for (int64_t e = 0; e < rows * t->out.panel; e += CHIRP_FFT_LANES)
        fft_store(y_difference + e, fft_load(y + e) - fft_load(y + t->y.plane + e));
    chirp_gemm_run(gemm, x, y, p[0]);
    chirp_gemm_run(gemm, x + t->x.plane, y + t->y.plane, p[1]);
    chirp_gemm_run(gemm, x_sum, y_difference, p[2]);
    for (int64_t e = 0; last && e < tile; e += CHIRP_FFT_LANES) {
        const fft_vec p0 = fft_load(p[0] + e), p1 = fft_load(p[1] + e), p2 = fft_load(p[2] + e);
        fft_store(to + e, p0 + p1);
        fft_store(to + t->gradient.plane + e, p2 - p0 + p1);
    }
}

void transform_gradient_team(const transform_state *t, int64_t n, bool first, bool last)
{
    const int64_t size = n * t->geo.rows_per_sample * t->in.panel;
    float *x_sum = transform_thread_floats(t), *scratch = x_sum + t->block_rows * t->in.panel;
#pragma omp for collapse(2) schedule(static) nowait
    for (int64_t f = 0; f < t->geo.frequencies; ++f) {
        for (int64_t c = 0; c < t->in.panels; ++c) {
            const float *x = t->x.at + f * t->x.frequency + c * t->block_rows * t->in.panel;
            for (int64_t e = 0; !is_edge(t, f) && e < size; e += CHIRP_FFT_LANES)
                fft_store(x_sum + e, fft_load(x + e) + fft_load(x + t->x.plane + e));
            for (int64_t k = 0; k < t->out.panels; ++k)
                gradient_tile(t, f, c, k, n, first, last, x_sum, scratch);
        }
    }
}

void transform_bias_team(const transform_state *t, int64_t n, bool first)
{
    /* the sum of a signal is its spectrum at frequency 0, which is real and lies in plane 0 */
    const int64_t rows = n * t->geo.rows_per_sample;
#pragma omp for schedule(static) nowait
    for (int64_t k = 0; k < t->out.padded; ++k) {
        const float *y =
            t->y.at + k / t->out.panel * t->block_rows * t->out.panel + k % t->out.panel;
        double sum = first ? 0.0 : t->bias[k];
        for (int64_t r = 0; r < rows; ++r)
            sum += (double)y[r * t->out.panel];
        t->bias[k] = sum;
    }
}
