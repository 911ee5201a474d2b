/* Vectorised IMRPhenomD. Loops are branch-free over bins of one region; the compiler vectorises them. */
#include "model/signal/phenomd_grid.h"

#include <math.h>

enum { BLOCK = 256 };

void chirp_phenomd_grid_prepare(chirp_phenomd_grid *grid, double df_hz, int64_t first, int64_t n,
                                double *tables)
{
    *grid = (chirp_phenomd_grid){.df_hz = df_hz, .first = first, .n = n};
    double **const member[CHIRP_PHENOMD_GRID_TABLES] = {
        &grid->f, &grid->root, &grid->root_inv5, &grid->log_root, &grid->inverse, &grid->power34};
    for (int t = 0; t < CHIRP_PHENOMD_GRID_TABLES; ++t)
        *member[t] = tables + t * n;
    for (int64_t k = 0; k < n; ++k) {
        const double f = (double)(first + k) * df_hz, root = cbrt(f);
        grid->f[k] = f;
        grid->root[k] = root;
        grid->root_inv5[k] = 1 / (root * root * root * root * root);
        grid->log_root[k] = log(root);
        grid->inverse[k] = 1 / f;
        grid->power34[k] = sqrt(f * sqrt(f));
    }
}

/* Cephes' single-precision arctangent without branches; error 2e-7. */
static inline float arctangent(float x)
{
    const float a = fabsf(x);
    const float big = a > 2.414213562373095f ? 1.0f : 0.0f;
    const float middle = (a > 0.4142135623730950f ? 1.0f : 0.0f) - big;
    const float base = big * 1.5707963267948966f + middle * 0.7853981633974483f;
    const float top = big * -1.0f + middle * (a - 1.0f) + (1.0f - big - middle) * a;
    const float bottom = big * a + middle * (a + 1.0f) + (1.0f - big - middle);
    const float t = top / bottom, z = t * t;
    const float y = base +
                    (((8.05374449538e-2f * z - 1.38776856032e-1f) * z + 1.99777106478e-1f) * z -
                     3.33329491539e-1f) *
                        z * t +
                    t;
    return copysignf(y, x);
}

/* exp(x) for -80 < x < 80: 2^n times a polynomial; relative error 2e-7. */
static inline float exponential(float x)
{
    x = fmaxf(-80.0f, fminf(80.0f, x));
    const float n = rintf(x * 1.44269504088896341f);
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    const float p = (((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r +
                       4.1665795894e-2f) *
                          r +
                      1.6666665459e-1f) *
                         r +
                     5.0000001201e-1f) *
                        r * r +
                    r + 1.0f;
    union {
        int32_t i;
        float f;
    } scale = {.i = ((int32_t)n + 127) * (1 << 23)};
    return p * scale.f;
}

/* Phase in turns: coefficients of the tables of the grid, region by region. */
static void inspiral_turns(const chirp_phenomd_grid *g, const chirp_phenomd *m, int64_t begin,
                           int64_t end, double *turns)
{
    const double scale = cbrt(m->mass_s), log_scale = log(scale), unit = 1 / (2 * M_PI);
    double c[12], power = unit / (scale * scale * scale * scale * scale);
    for (int n = 0; n < 12; ++n, power *= scale)
        c[n] = m->inspiral_phase[n] * power;
    const double l0 = m->inspiral_log[0] * unit, l1 = m->inspiral_log[1] * scale * unit;
    c[5] += l0 * log_scale;
    c[6] += l1 * log_scale;
    for (int64_t k = begin; k < end; ++k) {
        const double u = g->root[k];
        double sum = c[11];
        for (int n = 10; n >= 0; --n)
            sum = sum * u + c[n];
        turns[k - begin] = sum * g->root_inv5[k] + g->log_root[k] * (l0 + l1 * u);
    }
}

static void intermediate_turns(const chirp_phenomd_grid *g, const chirp_phenomd *m, int64_t begin,
                               int64_t end, double *turns)
{
    const double unit = 1 / (2 * M_PI), ms = m->mass_s;
    const double *beta = &m->fit[CHIRP_PHENOMD_BETA1];
    const double c0 = unit * (m->c1_int + beta[1] / m->eta * log(ms)),
                 c1 = unit * ms * (beta[0] / m->eta + m->c2_int);
    const double c2 = unit * 3 * beta[1] / m->eta,
                 c3 = -unit * beta[2] / (3 * m->eta * ms * ms * ms);
    for (int64_t k = begin; k < end; ++k) {
        const double i = g->inverse[k];
        turns[k - begin] = c0 + c1 * g->f[k] + c2 * g->log_root[k] + c3 * i * i * i;
    }
}

static void merger_turns(const chirp_phenomd_grid *g, const chirp_phenomd *m, int64_t begin,
                         int64_t end, double *turns)
{
    const double unit = 1 / (2 * M_PI), ms = m->mass_s;
    const double *alpha = &m->fit[CHIRP_PHENOMD_ALPHA1];
    const double c0 = unit * m->c1_mrd, c1 = unit * ms * (alpha[0] / m->eta + m->c2_mrd);
    const double c2 = -unit * alpha[1] / (m->eta * ms),
                 c3 = unit * 4 / 3 * alpha[2] / m->eta * sqrt(ms * sqrt(ms));
    const float c4 = (float)(unit * alpha[3] / m->eta);
    const double slope = ms / m->damp, offset = -alpha[4] * m->ring / m->damp;
    for (int64_t k = begin; k < end; ++k)
        turns[k - begin] = c0 + c1 * g->f[k] + c2 * g->inverse[k] + c3 * g->power34[k] +
                           (double)(c4 * arctangent((float)(slope * g->f[k] + offset)));
}

static void inspiral_shape(const chirp_phenomd_grid *g, const chirp_phenomd *m, int64_t begin,
                           int64_t end, float *shape)
{
    const double scale = cbrt(m->mass_s);
    double c[10], power = 1;
    for (int n = 0; n < 10; ++n, power *= scale)
        c[n] = m->inspiral_amplitude[n] * power;
    for (int64_t k = begin; k < end; ++k) {
        const double u = g->root[k];
        double sum = c[9];
        for (int n = 8; n >= 0; --n)
            sum = sum * u + c[n];
        shape[k - begin] = (float)sum;
    }
}

static void intermediate_shape(const chirp_phenomd_grid *g, const chirp_phenomd *m, int64_t begin,
                               int64_t end, float *shape)
{
    const double width = m->peak - CHIRP_PHENOMD_AMPLITUDE_JOIN;
    const double slope = m->mass_s / width, offset = -CHIRP_PHENOMD_AMPLITUDE_JOIN / width;
    const double *a = m->intermediate_amplitude;
    for (int64_t k = begin; k < end; ++k) {
        const double s = slope * g->f[k] + offset;
        shape[k - begin] = (float)(a[0] + s * (a[1] + s * (a[2] + s * (a[3] + s * a[4]))));
    }
}

static void merger_shape(const chirp_phenomd_grid *g, const chirp_phenomd *m, int64_t begin,
                         int64_t end, float *shape)
{
    const double w = m->fit[CHIRP_PHENOMD_GAMMA3] * m->damp;
    const float gamma2 = (float)m->fit[CHIRP_PHENOMD_GAMMA2],
                size = (float)(m->fit[CHIRP_PHENOMD_GAMMA1] / w);
    const double slope = m->mass_s / w, offset = -m->ring / w;
    for (int64_t k = begin; k < end; ++k) {
        const float x = (float)(slope * g->f[k] + offset);
        shape[k - begin] = size / (x * x + 1.0f) * exponential(-gamma2 * x);
    }
}

/* exp(-2 pi i turns): whole turns off in double, then quadrants and polynomials in single precision. */
static void rotate(int64_t n, const double *turns, const float *size, float *out)
{
    for (int64_t k = 0; k < n; ++k) {
        const float turn = (float)(turns[k] - rint(turns[k]));
        const float quadrant = rintf(4.0f * turn);
        const float x = (turn - 0.25f * quadrant) * 6.283185307179586f, z = x * x;
        const float s =
            ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * x + x;
        const float c =
            ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z *
                z -
            0.5f * z + 1.0f;
        const int32_t q = (int32_t)quadrant;
        const float cosine = (q & 1) ? s : c, sine = (q & 1) ? c : s;
        const float cosine_sign = ((q + 1) & 2) ? -1.0f : 1.0f, sine_sign = (q & 2) ? -1.0f : 1.0f;
        out[2 * k] = size[k] * cosine * cosine_sign;
        out[2 * k + 1] = -size[k] * sine * sine_sign;
    }
}

/* First bin of the grid at or above F = M f, between begin and end. */
static int64_t bin_at(const chirp_phenomd_grid *g, const chirp_phenomd *m, double F, int64_t begin,
                      int64_t end)
{
    int64_t k = (int64_t)ceil(F / (m->mass_s * g->df_hz)) - g->first;
    k = k < begin ? begin : k > end ? end : k;
    while (k > begin &&
           m->mass_s * g->f[k - 1] >= F) /* as the reference compares, to the last bit */
        --k;
    while (k < end && m->mass_s * g->f[k] < F)
        ++k;
    return k;
}

void chirp_phenomd_grid_evaluate(const chirp_phenomd_grid *grid, const chirp_phenomd *model,
                                 int64_t begin, int64_t end, double delay_s, double phase,
                                 const float *weight, float *out)
{
    typedef void turns_function(const chirp_phenomd_grid *, const chirp_phenomd *, int64_t, int64_t,
                                double *);
    typedef void shape_function(const chirp_phenomd_grid *, const chirp_phenomd *, int64_t, int64_t,
                                float *);
    turns_function *const turns_of[3] = {inspiral_turns, intermediate_turns, merger_turns};
    shape_function *const shape_of[3] = {inspiral_shape, intermediate_shape, merger_shape};
    double turns[BLOCK];
    float shape[BLOCK];

    const int64_t cut = bin_at(grid, model, CHIRP_PHENOMD_CUT, begin, end);
    const int64_t turns_edge[4] = {begin, bin_at(grid, model, CHIRP_PHENOMD_PHASE_JOIN, begin, cut),
                                   bin_at(grid, model, model->ring / 2, begin, cut), cut};
    const int64_t shape_edge[4] = {begin,
                                   bin_at(grid, model, CHIRP_PHENOMD_AMPLITUDE_JOIN, begin, cut),
                                   bin_at(grid, model, model->peak, begin, cut), cut};
    const double unit = 1 / (2 * M_PI), constant = phase * unit;
    for (int64_t first = begin; first < cut; first += BLOCK) {
        const int64_t last = cut - first < BLOCK ? cut : first + BLOCK, n = last - first;
        for (int r = 0; r < 3; ++r) {
            int64_t a = turns_edge[r] > first ? turns_edge[r] : first,
                    b = turns_edge[r + 1] < last ? turns_edge[r + 1] : last;
            if (a < b)
                turns_of[r](grid, model, a, b, turns + (a - first));
            a = shape_edge[r] > first ? shape_edge[r] : first;
            b = shape_edge[r + 1] < last ? shape_edge[r + 1] : last;
            if (a < b)
                shape_of[r](grid, model, a, b, shape + (a - first));
        }
        for (int64_t k = 0; k < n; ++k) {
            turns[k] += constant + delay_s * grid->f[first + k];
            shape[k] *= weight[first + k];
        }
        rotate(n, turns, shape, out + 2 * first);
    }
    for (int64_t k = cut; k < end; ++k)
        out[2 * k] = out[2 * k + 1] = 0;
}
