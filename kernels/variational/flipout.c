/* Signs are drawn once into the first cache and used at all positions of a row. */
#include "kernels/variational/flipout.h"

#include "kernels/parallel/chunks.h"

#include <stddef.h>

enum {
    WIDTH = 512,     /* channels that one pass handles: 2 KiB of signs */
    FLAT = 2048,     /* elements of a piece when rows have one position */
    POSITIONS = 128, /* positions of a piece of work */
    INACTIVE = 255   /* CHIRP_CONV1D_INACTIVE; this folder does not depend on convolutions */
};

/* A piece: some positions of one row, WIDTH channels at most. */
typedef struct piece {
    int64_t row, position, positions, channel, channels;
} piece;

typedef struct cut {
    int64_t position_step, by_position, by_channel, count;
} cut;

/* position_step is a multiple of `pool`, so that windows stay whole */
static cut make_cut(const chirp_flipout *f, int64_t pool)
{
    cut c;
    c.position_step = (POSITIONS + pool - 1) / pool * pool;
    const int64_t used = f->positions / pool * pool;
    c.by_position = (used + c.position_step - 1) / c.position_step;
    c.by_channel = (f->channels + WIDTH - 1) / WIDTH;
    c.count = f->rows * c.by_position * c.by_channel;
    return c;
}

static piece make_piece(const chirp_flipout *f, const cut *c, int64_t pool, int64_t number)
{
    const int64_t used = f->positions / pool * pool;
    piece p;
    p.channel = number % c->by_channel * WIDTH;
    p.channels = f->channels - p.channel < WIDTH ? f->channels - p.channel : WIDTH;
    number /= c->by_channel;
    p.position = number % c->by_position * c->position_step;
    p.positions = used - p.position < c->position_step ? used - p.position : c->position_step;
    p.row = number / c->by_position;
    return p;
}

static void draw(const chirp_flipout *f, const piece *p, float *sign)
{
    const uint64_t first =
        (f->first_row + (uint64_t)p->row) * (uint64_t)f->channels + (uint64_t)p->channel;
    chirp_rng_sign(f->rng, first, p->channels, sign);
}

static int threads(const chirp_flipout *f)
{
    return chirp_chunk_threads(f->rows * f->positions * f->channels, f->n_threads);
}

/* One position: rows follow each other in the stream as they do in memory, so that signs are drawn in long pieces. */
static void sign_flat(const chirp_flipout *f, bool add, const float *src, float *dst)
{
    const int64_t n = f->rows * f->channels;
    const uint64_t first = f->first_row * (uint64_t)f->channels;
#pragma omp parallel for schedule(dynamic) num_threads(threads(f))
    for (int64_t start = 0; start < n; start += FLAT) {
        float sign[FLAT] __attribute__((aligned(64)));
        const int64_t length = chirp_chunk_length(n, start, FLAT);
        chirp_rng_sign(f->rng, first + (uint64_t)start, length, sign);
        const float *s = src + start;
        float *d = dst + start;
#pragma omp simd
        for (int64_t i = 0; i < length; ++i)
            d[i] = sign[i] * s[i] + (add ? d[i] : 0.0f);
    }
}

static void sign_positions(const chirp_flipout *f, bool add, const float *src, float *dst)
{
    const cut c = make_cut(f, 1);
#pragma omp parallel for schedule(dynamic) num_threads(threads(f))
    for (int64_t number = 0; number < c.count; ++number) {
        float sign[WIDTH] __attribute__((aligned(64)));
        const piece p = make_piece(f, &c, 1, number);
        draw(f, &p, sign);
        for (int64_t w = p.position; w < p.position + p.positions; ++w) {
            const int64_t at = (p.row * f->positions + w) * f->channels + p.channel;
#pragma omp simd
            for (int64_t k = 0; k < p.channels; ++k)
                dst[at + k] = sign[k] * src[at + k] + (add ? dst[at + k] : 0.0f);
        }
    }
}

void chirp_flipout_sign(const chirp_flipout *f, const float *src, float *dst)
{
    if (f->positions == 1)
        sign_flat(f, false, src, dst);
    else
        sign_positions(f, false, src, dst);
}

void chirp_flipout_add(const chirp_flipout *f, const float *src, float *dst)
{
    if (f->positions == 1)
        sign_flat(f, true, src, dst);
    else
        sign_positions(f, true, src, dst);
}

void chirp_flipout_finish(const chirp_flipout *f, bool relu, int64_t pool, const float *mean,
                          const float *perturbation, float *dst, uint8_t *code)
{
    const int64_t pooled = f->positions / pool, K = f->channels;
    const cut c = make_cut(f, pool);
#pragma omp parallel for schedule(dynamic) num_threads(threads(f))
    for (int64_t number = 0; number < c.count; ++number) {
        float sign[WIDTH] __attribute__((aligned(64)));
        const piece p = make_piece(f, &c, pool, number);
        draw(f, &p, sign);
        for (int64_t w = p.position; w < p.position + p.positions; w += pool) {
            const int64_t at = (p.row * f->positions + w) * K + p.channel;
            const int64_t to = (p.row * pooled + w / pool) * K + p.channel;
            float best[WIDTH] __attribute__((aligned(64)));
            int32_t winner[WIDTH] __attribute__((aligned(64)));
#pragma omp simd
            for (int64_t k = 0; k < p.channels; ++k) {
                best[k] = mean[at + k] + sign[k] * perturbation[at + k];
                winner[k] = 0;
            }
            for (int64_t j = 1; j < pool; ++j) {
                const float *m = mean + at + j * K, *d = perturbation + at + j * K;
#pragma omp simd
                for (int64_t k = 0; k < p.channels; ++k) {
                    const float pre = m[k] + sign[k] * d[k];
                    const bool wins = pre > best[k] || pre != pre; /* NaN wins and stays */
                    best[k] = wins ? pre : best[k];
                    winner[k] = wins ? (int32_t)j : winner[k];
                }
            }
#pragma omp simd
            for (int64_t k = 0; k < p.channels; ++k) {
                winner[k] = relu && best[k] <= 0.0f ? INACTIVE : winner[k];
                dst[to + k] = relu && best[k] < 0.0f ? 0.0f : best[k];
            }
            if (!code)
                continue;
#pragma omp simd
            for (int64_t k = 0; k < p.channels; ++k)
                code[to + k] = (uint8_t)winner[k];
        }
    }
}

void chirp_flipout_finish_backward(const chirp_flipout *f, int64_t pool, const float *ddst,
                                   const uint8_t *code, float *dmean, float *dperturbation)
{
    const int64_t pooled = f->positions / pool, K = f->channels, used = pooled * pool;
    const cut c = make_cut(f, pool);
#pragma omp parallel num_threads(threads(f))
    {
#pragma omp for schedule(static) nowait
        for (int64_t number = 0; number < c.count; ++number) {
            float sign[WIDTH] __attribute__((aligned(64)));
            const piece p = make_piece(f, &c, pool, number);
            draw(f, &p, sign);
            for (int64_t w = p.position; w < p.position + p.positions; ++w) {
                const int64_t at = (p.row * f->positions + w) * K + p.channel;
                const int64_t from = (p.row * pooled + w / pool) * K + p.channel;
                const uint8_t j = (uint8_t)(w % pool);
#pragma omp simd
                for (int64_t k = 0; k < p.channels; ++k) {
                    const float g = !code || code[from + k] == j ? ddst[from + k] : 0.0f;
                    dmean[at + k] = g;
                    dperturbation[at + k] = sign[k] * g;
                }
            }
        }
        /* positions that no window covers */
#pragma omp for schedule(static)
        for (int64_t row = 0; row < f->rows; ++row) {
            for (int64_t i = (row * f->positions + used) * K; i < (row + 1) * f->positions * K; ++i)
                dmean[i] = dperturbation[i] = 0.0f;
        }
    }
}
