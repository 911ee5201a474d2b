/**
 * State of the direct method: every pass is a libxsmm product whose inner dimension is channels (or time), and the
 * taps are entries of a strided batch-reduce. Private to kernels/conv1d/direct.
 *
 * forward        tile (K block x columns) = sum_s  W[s] (K block x C)  * src (C x columns, shifted s*dilation)
 * backward_data  tile (C block x columns) = sum_s' W'[s'] (C block x K) * dpre (K x columns, shifted s'*dilation),
 *                s' = S-1-s: the taps reversed, so that shifts grow
 * backward_weights  cell[s] (K block x C block) += sum_n dpre (K block x time) * src^T (time x C block, shifted)
 *
 * Shifts are strides, so dilation costs nothing. Tiles that reach into the padding read a small zero-padded copy.
 * With few channels the taps join the inner dimension instead ("gathered"): columns [s][c] of a tile are copied side
 * by side, which turns conv1 (one channel, 16 taps) from 16 products with an inner dimension of 1 into one of 16.
 */
#ifndef CHIRP_KERNELS_CONV1D_DIRECT_H
#define CHIRP_KERNELS_CONV1D_DIRECT_H

#include "kernels/conv1d/conv1d_internal.h"
#include "kernels/gemm/gemm.h"

#include <stddef.h>

/** A range cut into equal blocks and a rest: block i covers [i*size, min((i+1)*size, total)). */
typedef struct direct_blocks {
    int64_t total, size, count, last; /* last: width of the last block, 1..size */
} direct_blocks;

/** Products for full and last blocks of rows (m) and columns (n or k). */
typedef chirp_gemm direct_gemms[2][2];

/* One tap of a tile that is a whole sample: the columns whose input exists, so that padding costs no operations. */
typedef struct direct_columns_clip {
    int64_t column, width,
        row;             /* output columns [column, column + width) read input rows from `row` on */
    chirp_gemm gemms[2]; /* [last row block]; adding, but for the first tap */
} direct_columns_clip;

typedef struct
    direct_columns { /* forward and backward_data: rows = output channels, columns = time */
    direct_blocks rows, tiles;
    int64_t padded_last; /* width of the last row block rounded up to a vector */
    int64_t stored;      /* tiles whose input rows are made ready at once (backward_data) */
    int64_t inner_taps;  /* products per output element */
    float *weights;      /* [row block][tap][inner channel][row] */
    direct_gemms gemms;  /* [last row block][last tile] */
    direct_columns_clip
        *clips;     /* [taps], used instead of gemms; NULL: padding is copied as zeros */
    size_t scratch; /* floats per thread */
} direct_columns;

typedef struct
    direct_clip { /* one tap of backward_weights: positions whose input lies inside the signal */
    int64_t q0, width;
    chirp_gemm gemms[2][2][2]; /* [accumulate][last filters][last channels] */
} direct_clip;

/* Which product adds a tile to a cell. */
typedef struct direct_product {
    bool copied;     /* the input is a copy with zeros for the padding */
    bool accumulate; /* the cell has been written before */
    bool last_filters, last_channels, last_tile;
} direct_product;

enum { DIRECT_PRODUCTS = 32 };

static inline int direct_product_index(direct_product p)
{
    return p.copied << 4 | p.accumulate << 3 | p.last_filters << 2 | p.last_channels << 1 |
           p.last_tile;
}

typedef struct direct_cells {               /* backward_weights */
    direct_blocks filters, channels, tiles; /* tiles of time */
    int64_t taps;                           /* S, or 1 when gathered */
    int64_t groups;  /* samples are summed in this many groups, then the groups in order */
    int64_t n_cells; /* filters.count * channels.count * taps */
    int64_t cell_floats;
    int64_t padded_last; /* width of the last filter block rounded up to a vector */
    float *cells;        /* [group][filter block][channel block][tap][channel][filter] */
    float *bias;         /* [N][K] */
    int64_t stacked;     /* samples summed by one product, where a sample is shorter than a tile */
    direct_clip *clips;  /* [S] when a sample is one tile; NULL: gemms are used */
    chirp_gemm gemms[DIRECT_PRODUCTS]; /* at direct_product_index() */
    size_t scratch;                    /* floats per thread */
} direct_cells;

typedef struct
    direct_narrow {  /* backward_weights of one channel behind a pool: see direct_narrow.c */
    int64_t vectors; /* per filter, 1, 2 or 4: its taps side by side; 0: not used */
    int64_t row;     /* vectors * lanes: floats per filter */
    float *partial;  /* [N][K][row] */
    size_t scratch;  /* floats per thread */
} direct_narrow;

typedef struct direct_state {
    chirp_conv1d_desc desc;
    unsigned passes;
    int64_t P, Q;   /* pooled and full width of the output */
    int64_t routed; /* P * pool: positions that reach an output */
    int64_t span;   /* (S - 1) * dilation: further rows that a tile reads */
    bool gathered;  /* taps join the inner dimension in forward and backward_weights */
    direct_columns forward, backward_data;
    direct_cells cells;
    direct_narrow narrow;
    float *narrow_weights; /* [S][K], NULL unless forward is direct_narrow_forward.c's */
    float *scratch;        /* [n_threads][scratch_floats] */
    size_t scratch_floats;
} direct_state;

void direct_forward(void *state, const float *src, const float *bia, float *dst, uint8_t *code);
void direct_backward_data(void *state, const float *ddst, const uint8_t *code, float *dsrc);
void direct_backward_weights(void *state, const float *src, const float *ddst, const uint8_t *code,
                             float *dwei, float *dbia);
/** One channel, one window in registers: direct_narrow_forward.c. */
bool direct_narrow_forward_fits(const chirp_conv1d_desc *desc);
chirp_status direct_narrow_forward_create(direct_state *d);
void direct_narrow_pack(const direct_state *d, const float *wei);
void direct_narrow_forward(const direct_state *d, const float *src, const float *bia, float *dst,
                           uint8_t *code);
/** Leaves narrow.vectors 0 when the shape is not one for it. */
chirp_status direct_narrow_create(direct_state *d);
void direct_narrow_backward_weights(const direct_state *d, const float *src, const float *ddst,
                                    const uint8_t *code, float *dwei, float *dbia);
/** Packs for forward (reverse false: rows are filters) or backward_data (reverse true: rows are channels). */
void direct_pack(const direct_state *d, const direct_columns *to, bool reverse, const float *wei);

/** Rows [w0, w0 + n) x channels [c0, c0 + n_c) of a sample [W][C] with zeros outside, into to [n][n_c]. */
void direct_copy_rows(const chirp_conv1d_desc *desc, const float *sample, int64_t w0, int64_t n,
                      int64_t c0, int64_t n_c, float *to);
/** to[i][s*C + c] = sample[w0 + i + s*dilation][c], 0 <= i < n; zeros outside the sample. */
void direct_gather(const chirp_conv1d_desc *desc, const float *sample, int64_t w0, int64_t n,
                   float *to);

/** Cells of backward_weights worked on together: they stay in L2 between tiles of time. */
static inline int64_t direct_run_cells(const direct_cells *c)
{
    const int64_t run_bytes = 192 * 1024;
    return conv1d_max(run_bytes / 4 / c->cell_floats, 1);
}

/** Whether threads of forward or backward_data keep items (sample, tile) of their own: enough to be worth it. */
static inline bool direct_own_items(const direct_state *d, const direct_columns *c)
{
    const int64_t wanted = 8; /* per thread */
    return d->desc.N * c->tiles.count >= wanted * d->desc.n_threads;
}

/** Floats of packed weights. */
static inline int64_t direct_packed(const direct_columns *c)
{
    return ((c->rows.count - 1) * c->rows.size + c->padded_last) * c->inner_taps;
}

/** Whether all of these weights stay in a thread's L2 while its items stream past, so that an item is read once. */
static inline bool direct_resident(const direct_state *d, const direct_columns *c)
{
    const int64_t most_bytes = 512 * 1024;
    return direct_own_items(d, c) && 4 * direct_packed(c) <= most_bytes;
}

static inline int64_t direct_width(const direct_blocks *b, int64_t i)
{
    return i + 1 == b->count ? b->last : b->size;
}

#endif
