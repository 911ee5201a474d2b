/* Where tiles lie, and what a pass costs: pure functions of the shape. See transform.h. */
#include "kernels/conv1d/transform/transform.h"

#include <math.h>

static int64_t greatest_common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* True if one tile of T points holds every phase whole: what wraps around meets padding only. */
static bool one_tile_suffices(const chirp_conv1d_desc *d, int64_t points)
{
    const int64_t Q = chirp_conv1d_out_width(d);
    for (int64_t r = 0; r < conv1d_min(d->dilation, Q); ++r) {
        const int64_t outputs = conv1d_ceil_div(Q - r, d->dilation);
        /* x_r[j] = src[j*dilation + r - pad_left] is not padding for lo <= j < hi */
        const int64_t lo = d->pad_left > r ? conv1d_ceil_div(d->pad_left - r, d->dilation) : 0;
        const int64_t end = d->pad_left + d->W - r;
        const int64_t hi = end > 0 ? conv1d_ceil_div(end, d->dilation) : 0;
        if (outputs > points || hi > points || outputs + d->S - 1 - points > lo)
            return false;
    }
    return true;
}

bool transform_tile(const chirp_conv1d_desc *d, const conv1d_fft *fft, transform_geometry *geo)
{
    const int64_t T = fft->length;
    const int64_t outputs =
        conv1d_ceil_div(chirp_conv1d_out_width(d), d->dilation); /* of phase 0, the longest */
    if (d->S > T)
        return false;
    int64_t valid = outputs, tiles = 1;
    if (!one_tile_suffices(d, T)) {
        const int64_t step = d->pool / greatest_common_divisor(d->dilation, d->pool);
        valid =
            (T - d->S + 1) / step * step; /* no pool window may cross from one tile to the next */
        if (valid < 1)
            return false;
        tiles = conv1d_ceil_div(outputs, valid);
    }
    const bool even = d->dilation % 2 == 0;
    *geo = (transform_geometry){
        .fft = fft,
        .points = T,
        .frequencies = T / 2 + 1,
        .valid = valid,
        .tiles = tiles,
        .tiles_per_group = even ? 1 : 2,
        .groups = even ? tiles : conv1d_ceil_div(tiles, 2),
        .pairs = even ? d->dilation / 2 : d->dilation,
    };
    geo->rows_per_sample = geo->groups * geo->pairs * 2;
    /* a dilation far beyond the width has phases without data, and spectra for each */
    const double most_bytes = 64.0 * 1024.0 * 1024.0 * 1024.0;
    return 8.0 * (double)geo->frequencies * (double)geo->rows_per_sample *
               ((double)d->C + (double)d->K) <
           most_bytes;
}

transform_side transform_make_side(int64_t channels)
{
    transform_side side = {.channels = channels,
                           .padded = conv1d_round_up(channels, TRANSFORM_LANES)};
    side.panel = TRANSFORM_PANEL;
    while (side.padded % side.panel != 0)
        side.panel -= TRANSFORM_LANES;
    side.panels = side.padded / side.panel;
    return side;
}

/* One, or two when the weights are perturbed. */
static double weight_sets(const chirp_conv1d_desc *d) { return d->perturbed ? 2.0 : 1.0; }

/* Multiply-adds of all products of a pass. */
static double products(const chirp_conv1d_desc *d, const transform_geometry *geo)
{
    const double planes = 3.0 * (double)(geo->frequencies - 2) + 2.0;
    return weight_sets(d) * (double)d->N * (double)geo->rows_per_sample * planes *
           (double)conv1d_round_up(d->C, TRANSFORM_LANES) *
           (double)conv1d_round_up(d->K, TRANSFORM_LANES);
}

static double weight_floats(const chirp_conv1d_desc *d, const transform_geometry *geo)
{
    return weight_sets(d) * 2.0 * (double)geo->frequencies *
           (double)conv1d_round_up(d->C, TRANSFORM_LANES) *
           (double)conv1d_round_up(d->K, TRANSFORM_LANES);
}

/*
 * Spectra of a block are written and read once, weight spectra are read once per block. 24 MiB of the former was the
 * best of 2 to 64 MiB for conv2, conv3 and conv4 on a core with 32 MiB of shared last-level cache (a shallow optimum).
 */
int64_t transform_block_samples(const chirp_conv1d_desc *d, const transform_geometry *geo)
{
    const int64_t block_bytes = 24 << 20;
    const int64_t channels =
        conv1d_round_up(d->C, TRANSFORM_LANES) + conv1d_round_up(d->K, TRANSFORM_LANES);
    const int64_t sample_bytes =
        geo->frequencies * geo->rows_per_sample * 2 * channels * (int64_t)sizeof(float);
    const int64_t most = conv1d_max(1, conv1d_min(d->N, block_bytes / sample_bytes));
    return conv1d_ceil_div(d->N, conv1d_ceil_div(d->N, most)); /* blocks of nearly the same size */
}

/* Points of all complex transforms of a pass, all channels. */
static double transformed_points(const chirp_conv1d_desc *d, const transform_geometry *geo)
{
    return (double)d->N * (double)(geo->rows_per_sample / 2) * (double)geo->points *
           (double)(conv1d_round_up(d->C, TRANSFORM_LANES) +
                    conv1d_round_up(d->K, TRANSFORM_LANES));
}

/* Multiply-adds at peak to make a float of weight spectra from taps, or taps from it. */
static const double taps_per_weight = 40.0;

double transform_cost(const chirp_conv1d_desc *d, chirp_conv1d_pass pass,
                      const transform_geometry *geo)
{
    /* In multiply-adds at peak, fitted to one core with AVX-512 (57.6 per ns): the network's layers, batch 1 to 64 */
    const double per_product = 1.2; /* of the small GEMMs, with the sums before them */
    /* a channel of a complex point: transform, and two planes written and read; longer tiles leave the L1 cache */
    const double per_point = geo->points > 128 ? 130.0 : 105.0;
    /* a float of weight spectra, for each block of samples */
    const double per_weight[CHIRP_CONV1D_PASSES] = {10.0, 16.0, 12.0};
    const double once = pass == CHIRP_CONV1D_BACKWARD_WEIGHTS ? taps_per_weight : 0.0;
    const double blocks = (double)conv1d_ceil_div(d->N, transform_block_samples(d, geo));
    return per_product * products(d, geo) + per_point * transformed_points(d, geo) +
           (per_weight[pass] * blocks + once) * weight_floats(d, geo);
}

double transform_flops(const chirp_conv1d_desc *d, chirp_conv1d_pass pass,
                       const transform_geometry *geo)
{
    const double lanes = transformed_points(d, geo) / (double)geo->points;
    const double taps = pass == CHIRP_CONV1D_BACKWARD_WEIGHTS
                            ? 0.5 * weight_sets(d) * (double)d->C * (double)d->K
                            : 0.0;
    return 2.0 * products(d, geo) + (lanes + taps) * conv1d_fft_flops((int)geo->points);
}

bool transform_choose(const chirp_conv1d_desc *d, transform_geometry *geo)
{
    if (d->C < TRANSFORM_LEAST_CHANNELS || d->K < TRANSFORM_LEAST_CHANNELS)
        return false;
    size_t n = 0;
    const conv1d_fft *fft = conv1d_ffts(&n);
    double least = INFINITY;
    for (size_t i = 0; i < n; ++i) {
        transform_geometry candidate;
        if (!transform_tile(d, &fft[i], &candidate))
            continue;
        /* one geometry for all passes: they share weight spectra, made once for each step */
        double cost = taps_per_weight * weight_floats(d, &candidate);
        for (int pass = 0; pass < CHIRP_CONV1D_PASSES; ++pass)
            cost += transform_cost(d, (chirp_conv1d_pass)pass, &candidate);
        if (cost < least) {
            least = cost;
            *geo = candidate;
        }
    }
    return isfinite(least);
}
