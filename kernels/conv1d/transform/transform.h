/**
 * The transform engine from inside: geometry of tiles, layout of spectra, the stages a pass consists of.
 * Private to kernels/conv1d/transform. Start at transform.c.
 *
 * Tiles. A dilation d splits a signal into d phases x_r[j] = src[j*d + r - pad_left], each convolved densely. Tile t of
 * phase r holds points j = t*V .. t*V + T - 1 and makes the outputs q = (t*V + i)*d + r, i < V = T - S + 1
 * (overlap-save).
 * Back, tile t of dpre holds V values and zeros; its product with the filter spreads over T points, which are added
 * up where tiles overlap (overlap-add, the exact adjoint), so both gradients use one transform of dpre.
 * When one tile covers the signal, T may be shorter than V + S - 1: what wraps around meets the zeros of the padding.
 *
 * Pairs. A complex transform takes two real signals: phases 2p and 2p+1 of one tile when d is even, else phase p of
 * tiles 2g and 2g+1. A group is one tile (d even) or two (d odd) with all phases: a contiguous range of time,
 * `pairs` transforms.
 *
 * Spectra of a block of samples are matrices for small products, channels innermost in panels of up to 64:
 *     [frequency 0..T/2][re, im][panel][row][channel in panel],  row = ((sample*groups + group)*pairs + pair)*2 + {u, v}
 * weights W/T  [frequency][re, im][panel of K][panel of C][c][k]
 * gradients    [frequency][plane][panel of K][panel of C][k][c]
 * (fft.h says what u and v are).
 *
 * Products take three real ones per complex one (Gauss, Karatsuba); the sums they need are made in cache, on the way:
 *     y = x * b :        k = (xr + xi)*br,   yr = k - xi*(br + bi),   yi = k + xr*(bi - br)
 *     conj(y) * x :      p0 = yr*xr, p1 = yi*xi, p2 = (yr - yi)*(xr + xi),   re = p0 + p1,   im = p2 - p0 + p1
 * b = conj(W) forward (a correlation), W, transposed, for backward_data.
 *
 * Perturbed weights W + (s r^T) o D of a sample: signs are constant in time, so they apply to spectra as they stand:
 *     y = W x + s o D (r o x),   x' = W^T y + r o D^T (s o y),   dD = sum (s o y) (r o x)^T
 * Signed rows are copies in cache.
 */
#ifndef CHIRP_KERNELS_CONV1D_TRANSFORM_H
#define CHIRP_KERNELS_CONV1D_TRANSFORM_H

#include "kernels/conv1d/fft/fft.h"
#include "kernels/conv1d/fft/fft_small.h"
#include "kernels/conv1d/conv1d_internal.h"
#include "kernels/gemm/gemm.h"

enum {
    TRANSFORM_LANES = 16, /* channels an item of work handles: a cache line, one or two vectors */
    TRANSFORM_PANEL = 64, /* channels of a panel, at most: the m of the products */
    TRANSFORM_ROWS = 48,  /* rows of a product: its C stays in L1 between the three real products */
    TRANSFORM_LEAST_CHANNELS = 8,
};

/* Where the tiles of a shape lie. */
typedef struct transform_geometry {
    const conv1d_fft *fft;
    int64_t points;          /* T */
    int64_t frequencies;     /* T/2 + 1 */
    int64_t valid;           /* V */
    int64_t tiles;           /* per phase */
    int64_t tiles_per_group; /* 1 or 2 */
    int64_t groups, pairs;   /* per sample; per group */
    int64_t rows_per_sample; /* groups * pairs * 2 */
} transform_geometry;

/* Channels of one side of the convolution, rounded up to whole vectors. */
typedef struct transform_side {
    int64_t channels, padded, panel, panels;
} transform_side;

/* A block of spectra. From one frequency to the next is an odd number of cache lines: they spread over cache sets. */
typedef struct transform_block {
    float *at;
    int64_t frequency, plane; /* strides [floats] */
} transform_block;

/* Products of one direction, compiled for the three row counts that occur. */
typedef struct transform_products {
    /* rows: TRANSFORM_ROWS, tail of a full block, tail of the last block */
    chirp_gemm set[3], add[3]; /* of rows in scratch; of rows in a block */
    chirp_gemm add_signed[3];  /* perturbed: of rows in scratch */
} transform_products;

typedef struct transform_state {
    chirp_conv1d_desc desc;
    unsigned passes;
    int64_t Q, P;
    transform_geometry geo;
    transform_side in, out; /* C and K */
    int64_t block;          /* samples per block */
    int64_t block_rows;     /* block * rows_per_sample */
    float *twiddle;
    transform_block x, y, o; /* src, dpre, results */
    transform_block weights, gradient;
    transform_block delta, gradient_delta; /* the same of perturbed weights */
    float *sign_in, *sign_out;             /* perturbed: [N][in.padded], [N][out.padded] */
    transform_products forward, back;
    chirp_gemm gradient_set[2], gradient_add[2]; /* full block, last block */
    bool one_block; /* the whole batch: sums of the gradient need no third plane in memory */
    float *scratch;
    int64_t scratch_floats; /* per thread */
    double *bias;           /* [K padded] sums of dpre */
} transform_state;

/* A slice of one thread's scratch for transforms; rows are TRANSFORM_LANES wide. */
typedef struct transform_scratch {
    float *work;          /* of one transform */
    float *stage, *other; /* [tiles_per_group][T*d] rows each, at least 2*T rows */
} transform_scratch;

transform_scratch transform_thread_scratch(const transform_state *t);

/* Floats of scratch that a thread needs in transform_products.c. */
int64_t transform_products_scratch(const transform_state *t);

/* This thread's scratch, whole. */
float *transform_thread_floats(const transform_state *t);

/* Spectrum of one pair of rows, channel c (a multiple of TRANSFORM_LANES, or of a vector). */
static inline conv1d_spectrum transform_spectrum(const transform_state *t,
                                                 const transform_block *block,
                                                 const transform_side *side, int64_t row, int64_t c)
{
    const int64_t in_panel = c % side->panel;
    return (conv1d_spectrum){
        .at = block->at + (c / side->panel * t->block_rows + row) * side->panel + in_panel,
        .frequency = block->frequency,
        .plane = block->plane,
        .row = side->panel,
    };
}

static inline int64_t transform_row(const transform_geometry *geo, int64_t sample, int64_t group,
                                    int64_t pair)
{
    return ((sample * geo->groups + group) * geo->pairs + pair) * 2;
}

/* Stages, transform_tiles.c. Called by every thread of a team; share work by omp for, without a barrier at the
   end. Samples [n0, n0 + n) become rows of the block. */
void transform_tiles_src_team(const transform_state *t, const float *src, int64_t n0, int64_t n);
void transform_tiles_ddst_team(const transform_state *t, const float *ddst, const uint8_t *code,
                               int64_t n0, int64_t n);
void transform_tiles_dst_team(const transform_state *t, const float *bia, float *dst, uint8_t *code,
                              int64_t n0, int64_t n);
void transform_tiles_dsrc_team(const transform_state *t, float *dsrc, int64_t n0, int64_t n);

/* Stages, transform_products.c, likewise without a barrier. */
chirp_status transform_products_dispatch(transform_state *t);
/* `perturbed`: with t->delta and the signs of samples from n0 on. */
void transform_forward_team(const transform_state *t, int64_t n0, int64_t n, bool perturbed);
void transform_back_team(const transform_state *t, int64_t n0, int64_t n, bool perturbed);
void transform_gradient_team(const transform_state *t, int64_t n0, int64_t n, bool perturbed);
/* Adds the block's sums of dpre to t->bias. */
void transform_bias_team(const transform_state *t, int64_t n, bool first);

/* Stages, transform_weights.c, likewise without a barrier. */
void transform_load_weights_team(const transform_state *t, const transform_block *to,
                                 const float *wei);
void transform_store_gradient_team(const transform_state *t, const transform_block *from,
                                   float *dwei);

/* Geometry and prediction, transform_model.c. */
bool transform_choose(const chirp_conv1d_desc *desc, transform_geometry *geo);
bool transform_tile(const chirp_conv1d_desc *desc, const conv1d_fft *fft, transform_geometry *geo);
transform_side transform_make_side(int64_t channels);
/* Samples per block. */
int64_t transform_block_samples(const chirp_conv1d_desc *desc, const transform_geometry *geo);
/* Multiply-adds at the peak of one thread. */
double transform_cost(const chirp_conv1d_desc *desc, chirp_conv1d_pass pass,
                      const transform_geometry *geo);
double transform_flops(const chirp_conv1d_desc *desc, chirp_conv1d_pass pass,
                       const transform_geometry *geo);

#endif
