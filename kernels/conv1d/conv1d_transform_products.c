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

/* The edges' single plane and the three planes between: frequencies 0 and T/2 are real. */
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
                                  .stride_b = t->block_rows * from->panel};
        if (rows[i] == 0)
            continue;
        chirp_status st = chirp_gemm_dispatch(&shape, &products->set[i]);
        shape.accumulate = true;
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

void transform_products_team(const transform_state *t, const transform_products *products,
                             const transform_block *from, const transform_side *side_from,
                             const transform_block *weights, const transform_side *side_to,
                             int64_t n)
{
    const int64_t total = n * t->geo.rows_per_sample;
    const int64_t panel_weights = side_from->padded * side_to->panel;
#pragma omp for collapse(3) schedule(static) nowait
    for (int64_t f = 0; f < t->geo.frequencies; ++f) {
        for (int64_t panel = 0; panel < side_to->panels; ++panel) {
            for (int64_t r = 0; r < total; r += TRANSFORM_ROWS) {
                int64_t rows;
                const int i = which_rows(t, r, n, &rows);
                const float *a = weights->at + f * weights->frequency + panel * panel_weights;
                const float *b = from->at + f * from->frequency + r * side_from->panel;
                float *im =
                    t->o.at + f * t->o.frequency + (panel * t->block_rows + r) * side_to->panel;
                float *re = im + t->o.plane;
                chirp_gemm_reduce(&products->set[i], a, b, im, side_from->panels);
                if (is_edge(t, f))
                    continue;
                memcpy(re, im, (size_t)(rows * side_to->panel) * sizeof *re);
                chirp_gemm_reduce(&products->add[i], a + weights->plane, b + from->plane, im,
                                  side_from->panels);
                chirp_gemm_reduce(&products->add[i], a + 2 * weights->plane, b + 2 * from->plane,
                                  re, side_from->panels);
            }
        }
    }
}

void transform_gradient_team(const transform_state *t, int64_t n, bool first)
{
    static const int y_plane[3] = {0, 2, 1}; /* S, im, re meet X's re, im-re, re+im */
    const int i = n == t->block ? 0 : 1;
    const chirp_gemm *gemm = first ? &t->gradient_set[i] : &t->gradient_add[i];
    const int64_t tile = t->in.panel * t->out.panel;
#pragma omp for collapse(4) schedule(static) nowait
    for (int64_t f = 0; f < t->geo.frequencies; ++f) {
        for (int64_t plane = 0; plane < 3; ++plane) {
            for (int64_t c = 0; c < t->in.panels; ++c) {
                for (int64_t k = 0; k < t->out.panels; ++k) {
                    if (plane > 0 && is_edge(t, f))
                        continue;
                    const float *x = t->x.at + f * t->x.frequency + plane * t->x.plane +
                                     c * t->block_rows * t->in.panel;
                    const float *y = t->y.at + f * t->y.frequency + y_plane[plane] * t->y.plane +
                                     k * t->block_rows * t->out.panel;
                    float *to = t->gradient.at + f * t->gradient.frequency +
                                plane * t->gradient.plane + (k * t->in.panels + c) * tile;
                    chirp_gemm_run(gemm, x, y, to);
                }
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
