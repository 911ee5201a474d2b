/* Products of spectra as small matrix products. See transform.h for the formulas and layouts. */
#include "kernels/conv1d/transform/transform.h"

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
        if (st == CHIRP_OK && t->desc.perturbed)
            st = chirp_gemm_dispatch(&shape, &products->add_signed[i]);
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

/*
 * A direction of products: the weights of one output panel at one frequency become three matrices in scratch. Signs are those
 * of the block's first sample, NULL for weights that aren't perturbed.
 */
typedef struct direction {
    const transform_products *products;
    const transform_block *from;
    const transform_side *in, *out;
    const float *sign_in, *sign_out;
    void (*prepare)(const transform_state *t, const transform_block *weights, int64_t f,
                    int64_t panel, float *a);
} direction;

static int64_t most_panels(const transform_state *t)
{
    return conv1d_max(t->in.padded * t->out.panel, t->out.padded * t->in.panel);
}

int64_t transform_products_scratch(const transform_state *t)
{
    const int64_t matrices = 3 * most_panels(t),
                  rows = TRANSFORM_ROWS * conv1d_max(t->in.padded, t->out.padded);
    const int64_t spectra = t->block_rows * (t->in.panel + t->out.panel);
    const int64_t products = matrices + rows;
    const int64_t gradient = spectra + 3 * t->in.panel * t->out.panel;
    if (!t->desc.perturbed)
        return conv1d_max(products, gradient);
    const int64_t results = 2 * TRANSFORM_ROWS * conv1d_max(t->in.panel, t->out.panel);
    return conv1d_max(products + matrices + 3 * rows + results, gradient + 3 * spectra);
}

/* b = conj(W): br, br + bi = Wr - Wi, bi - br = -(Wr + Wi). The products want br, bi - br, -(br + bi). */
static void prepare_forward(const transform_state *t, const transform_block *weights, int64_t f,
                            int64_t panel, float *a)
{
    const int64_t n = t->in.padded * t->out.panel;
    const float *re = weights->at + f * weights->frequency + panel * n, *im = re + weights->plane;
    if (is_edge(t, f)) {
        memcpy(a, re, (size_t)n * sizeof *a);
        return;
    }
    for (int64_t e = 0; e < n; e += SIMD_LANES) {
        const simd_float r = simd_load(re + e), i = simd_load(im + e);
        simd_store(a + e, r);
        simd_store(a + n + e, -(r + i));
        simd_store(a + 2 * n + e, i - r);
    }
}

/* b = W, [c][k] turned into [k][c] a square of vectors at a time. */
static void prepare_back(const transform_state *t, const transform_block *weights, int64_t f,
                         int64_t panel, float *a)
{
    enum { L = SIMD_LANES };
    const int64_t n = t->out.padded * t->in.panel, tile = t->in.panel * t->out.panel;
    const bool edge = is_edge(t, f);
    for (int64_t q = 0; q < t->out.panels; ++q) {
        const float *re = weights->at + f * weights->frequency + (q * t->in.panels + panel) * tile;
        const float *im = re + weights->plane;
        for (int64_t c = 0; c < t->in.panel; c += L) {
            for (int64_t k = 0; k < t->out.panel; k += L) {
                simd_float r[L], i[L];
                float *to = a + q * tile + k * t->in.panel + c;
                for (int64_t e = 0; e < L; ++e)
                    r[e] = simd_load(re + (c + e) * t->out.panel + k);
                simd_transpose(r);
                for (int64_t e = 0; e < L; ++e)
                    simd_store(to + e * t->in.panel, r[e]);
                if (edge)
                    continue;
                for (int64_t e = 0; e < L; ++e)
                    i[e] = simd_load(im + (c + e) * t->out.panel + k);
                simd_transpose(i);
                for (int64_t e = 0; e < L; ++e) {
                    simd_store(to + n + e * t->in.panel, i[e] - r[e]);
                    simd_store(to + 2 * n + e * t->in.panel, -(r[e] + i[e]));
                }
            }
        }
    }
}

/* to = sign o from for rows [row, row + rows) of a block, one panel; signs: the panel's of the block's first sample. */
static void sign_rows(const transform_state *t, const transform_side *side, const float *signs,
                      int64_t row, int64_t rows, const float *from, float *to)
{
    const int64_t per_sample = t->geo.rows_per_sample;
    for (int64_t end = row + rows; row < end; ++row, from += side->panel, to += side->panel) {
        const float *sign = signs + row / per_sample * side->padded;
        for (int64_t e = 0; e < side->panel; e += SIMD_LANES)
            simd_store(to + e, simd_load(sign + e) * simd_load(from + e));
    }
}

/* to += sign o from, likewise. */
static void add_signed_rows(const transform_state *t, const transform_side *side,
                            const float *signs, int64_t row, int64_t rows, const float *from,
                            float *to)
{
    const int64_t per_sample = t->geo.rows_per_sample;
    for (int64_t end = row + rows; row < end; ++row, from += side->panel, to += side->panel) {
        const float *sign = signs + row / per_sample * side->padded;
        for (int64_t e = 0; e < side->panel; e += SIMD_LANES)
            simd_store(to + e, simd_load(to + e) + simd_load(sign + e) * simd_load(from + e));
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
        for (int64_t e = 0; !edge && e < n; e += SIMD_LANES)
            simd_store(s + e, simd_load(r + e) + simd_load(i + e));
    }
}

/* What multiply_panel keeps in scratch. */
typedef struct panel_scratch {
    float *a, *delta; /* weights, perturbation: three matrices each */
    float *sum;       /* rows xr + xi */
    float *rows[3];   /* perturbed: signed sum, xr, xi */
    float *re, *im;   /* perturbed: results */
} panel_scratch;

static panel_scratch lay_out(const transform_state *t, const direction *way, float *at)
{
    const int64_t matrices = 3 * way->in->padded * way->out->panel,
                  rows = TRANSFORM_ROWS * way->in->padded;
    panel_scratch s = {.a = at, .sum = at + matrices};
    if (!t->desc.perturbed)
        return s;
    s.delta = s.sum + rows;
    for (int i = 0; i < 3; ++i)
        s.rows[i] = s.delta + matrices + i * rows;
    s.re = s.rows[2] + rows;
    s.im = s.re + TRANSFORM_ROWS * way->out->panel;
    return s;
}

/* Rows of a block at one frequency that one product takes, and one panel of their results. */
typedef struct product_rows {
    int64_t row, rows;
    int which; /* of the products' row counts */
    bool edge;
    const float *x;
    float *re, *im;
} product_rows;

/* re, im += s o D (r o x) */
static void perturb_rows(const transform_state *t, const direction *way, const panel_scratch *s,
                         int64_t panel, const product_rows *these)
{
    const int64_t row = these->row, rows = these->rows;
    const bool edge = these->edge;
    const int which = these->which;
    const transform_products *products = way->products;
    const int64_t size = way->in->padded * way->out->panel, panels = way->in->panels;
    for (int64_t p = 0; p < panels; ++p) {
        const float *signs = way->sign_in + p * way->in->panel;
        const float *xr = these->x + p * t->block_rows * way->in->panel;
        const int64_t at = p * TRANSFORM_ROWS * way->in->panel;
        sign_rows(t, way->in, signs, row, rows, s->sum + at, s->rows[0] + at);
        if (edge)
            continue;
        sign_rows(t, way->in, signs, row, rows, xr, s->rows[1] + at);
        sign_rows(t, way->in, signs, row, rows, xr + way->from->plane, s->rows[2] + at);
    }
    const float *signs = way->sign_out + panel * way->out->panel;
    chirp_gemm_reduce(&products->set[which], s->delta, s->rows[0], s->re, panels);
    if (!edge) {
        memcpy(s->im, s->re, (size_t)(rows * way->out->panel) * sizeof *s->im);
        chirp_gemm_reduce(&products->add_signed[which], s->delta + size, s->rows[1], s->im, panels);
        chirp_gemm_reduce(&products->add_signed[which], s->delta + 2 * size, s->rows[2], s->re,
                          panels);
        add_signed_rows(t, way->out, signs, row, rows, s->im, these->im);
    }
    add_signed_rows(t, way->out, signs, row, rows, s->re, these->re);
}

/* All rows of a block at one frequency, one panel of results. */
static void multiply_panel(const transform_state *t, const direction *way, int64_t f, int64_t panel,
                           int64_t n, float *scratch)
{
    const int64_t total = n * t->geo.rows_per_sample, size = way->in->padded * way->out->panel;
    const bool edge = is_edge(t, f);
    const panel_scratch s = lay_out(t, way, scratch);
    way->prepare(t, &t->weights, f, panel, s.a);
    if (way->sign_in)
        way->prepare(t, &t->delta, f, panel, s.delta);
    for (int64_t r = 0; r < total; r += TRANSFORM_ROWS) {
        int64_t rows;
        const int i = which_rows(t, r, n, &rows);
        const float *x = way->from->at + f * way->from->frequency + r * way->in->panel;
        float *re = t->o.at + f * t->o.frequency + (panel * t->block_rows + r) * way->out->panel;
        float *im = re + t->o.plane;
        sum_rows(t, way, x, edge, rows, s.sum);
        chirp_gemm_reduce(&way->products->set[i], s.a, s.sum, re, way->in->panels);
        if (!edge) {
            memcpy(im, re, (size_t)(rows * way->out->panel) * sizeof *re);
            chirp_gemm_reduce(&way->products->add[i], s.a + size, x, im, way->in->panels);
            chirp_gemm_reduce(&way->products->add[i], s.a + 2 * size, x + way->from->plane, re,
                              way->in->panels);
        }
        if (way->sign_in)
            perturb_rows(t, way, &s, panel, &(product_rows){r, rows, i, edge, x, re, im});
    }
}

static void multiply_team(const transform_state *t, const direction *way, int64_t n)
{
    float *scratch = transform_thread_floats(t);
    const int64_t chunk = conv1d_chunk(t->geo.frequencies * way->out->panels);
#pragma omp for collapse(2) schedule(dynamic, chunk) nowait
    for (int64_t f = 0; f < t->geo.frequencies; ++f)
        for (int64_t panel = 0; panel < way->out->panels; ++panel)
            multiply_panel(t, way, f, panel, n, scratch);
}

void transform_forward_team(const transform_state *t, int64_t n0, int64_t n, bool perturbed)
{
    const direction way = {
        .products = &t->forward,
        .from = &t->x,
        .in = &t->in,
        .out = &t->out,
        .sign_in = perturbed ? t->sign_in + n0 * t->in.padded : NULL,
        .sign_out = perturbed ? t->sign_out + n0 * t->out.padded : NULL,
        .prepare = prepare_forward,
    };
    multiply_team(t, &way, n);
}

void transform_back_team(const transform_state *t, int64_t n0, int64_t n, bool perturbed)
{
    const direction way = {
        .products = &t->back,
        .from = &t->y,
        .in = &t->out,
        .out = &t->in,
        .sign_in = perturbed ? t->sign_out + n0 * t->out.padded : NULL,
        .sign_out = perturbed ? t->sign_in + n0 * t->in.padded : NULL,
        .prepare = prepare_back,
    };
    multiply_team(t, &way, n);
}

/* One panel of a block at one frequency: re, im, and mixed = xr + xi or yr - yi (none at an edge). */
typedef struct panel_spectra {
    const float *re, *im, *mixed;
} panel_spectra;

static panel_spectra mix(const transform_state *t, const transform_block *block,
                         const transform_side *side, int64_t f, int64_t panel, int64_t rows,
                         float factor, float *mixed)
{
    const float *re = block->at + f * block->frequency + panel * t->block_rows * side->panel;
    const float *im = re + block->plane;
    for (int64_t e = 0; !is_edge(t, f) && e < rows * side->panel; e += SIMD_LANES)
        simd_store(mixed + e, simd_load(re + e) + factor * simd_load(im + e));
    return (panel_spectra){re, im, mixed};
}

/* Signed copies of a panel into to [3][rows of a block][channel]. */
static panel_spectra sign_panel(const transform_state *t, const transform_side *side,
                                const float *signs, int64_t f, int64_t panel, int64_t rows,
                                panel_spectra from, float *to)
{
    const int64_t plane = t->block_rows * side->panel;
    const float *at = signs + panel * side->panel;
    sign_rows(t, side, at, 0, rows, from.re, to);
    if (!is_edge(t, f)) {
        sign_rows(t, side, at, 0, rows, from.im, to + plane);
        sign_rows(t, side, at, 0, rows, from.mixed, to + 2 * plane);
    }
    return (panel_spectra){to, to + plane, to + 2 * plane};
}

/* What the blocks of samples [n0, n0 + n) are to a sum over all of them. */
typedef struct gradient_sum {
    int64_t n;
    bool first, last;
} gradient_sum;

/* A tile of the gradient: frequency, panel of channels, panel of filters. */
typedef struct gradient_place {
    int64_t f, c, k;
} gradient_place;

/* p0, p1, p2 of one tile, where they are summed up: in memory, or in scratch when the block is the whole batch. */
static void gradient_tile(const transform_state *t, const transform_block *gradient,
                          const gradient_sum *sum, gradient_place at, panel_spectra x,
                          panel_spectra y, float *scratch)
{
    const int64_t f = at.f, c = at.c, k = at.k;
    const int i = sum->n == t->block ? 0 : 1;
    const chirp_gemm *gemm = sum->first ? &t->gradient_set[i] : &t->gradient_add[i];
    const int64_t tile = t->in.panel * t->out.panel;
    float *to = gradient->at + f * gradient->frequency + (k * t->in.panels + c) * tile;
    if (is_edge(t, f)) {
        chirp_gemm_run(gemm, x.re, y.re, to);
        return;
    }
    float *p[3];
    for (int j = 0; j < 3; ++j)
        p[j] = t->one_block ? scratch + j * tile : to + j * gradient->plane;
    chirp_gemm_run(gemm, x.re, y.re, p[0]);
    chirp_gemm_run(gemm, x.im, y.im, p[1]);
    chirp_gemm_run(gemm, x.mixed, y.mixed, p[2]);
    for (int64_t e = 0; sum->last && e < tile; e += SIMD_LANES) {
        const simd_float p0 = simd_load(p[0] + e), p1 = simd_load(p[1] + e),
                         p2 = simd_load(p[2] + e);
        simd_store(to + e, p0 + p1);
        simd_store(to + gradient->plane + e, p2 - p0 + p1);
    }
}

void transform_gradient_team(const transform_state *t, int64_t n0, int64_t n, bool perturbed)
{
    const int64_t rows = n * t->geo.rows_per_sample;
    const gradient_sum sum = {n, n0 == 0, n0 + n == t->desc.N};
    float *x_mixed = transform_thread_floats(t), *y_mixed = x_mixed + t->block_rows * t->in.panel;
    float *tiles = y_mixed + t->block_rows * t->out.panel;
    float *x_signed = tiles + 3 * t->in.panel * t->out.panel,
          *y_signed = x_signed + 3 * t->block_rows * t->in.panel;
    const int64_t chunk = conv1d_chunk(t->geo.frequencies * t->in.panels);
#pragma omp for collapse(2) schedule(dynamic, chunk) nowait
    for (int64_t f = 0; f < t->geo.frequencies; ++f) {
        for (int64_t c = 0; c < t->in.panels; ++c) {
            const panel_spectra x = mix(t, &t->x, &t->in, f, c, rows, 1.0F, x_mixed);
            panel_spectra xs = x;
            if (perturbed)
                xs = sign_panel(t, &t->in, t->sign_in + n0 * t->in.padded, f, c, rows, x, x_signed);
            for (int64_t k = 0; k < t->out.panels; ++k) {
                const gradient_place place = {f, c, k};
                const panel_spectra y = mix(t, &t->y, &t->out, f, k, rows, -1.0F, y_mixed);
                gradient_tile(t, &t->gradient, &sum, place, x, y, tiles);
                if (perturbed)
                    gradient_tile(t, &t->gradient_delta, &sum, place, xs,
                                  sign_panel(t, &t->out, t->sign_out + n0 * t->out.padded, f, k,
                                             rows, y, y_signed),
                                  tiles);
            }
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
