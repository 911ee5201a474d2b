#include "model/inference/distance.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/stats/stats.h"
#include "model/inference/cholesky.h"

#include <math.h>

static const double SHRINKAGE = 0.1, RIDGE = 1e-4;
enum { LEAST_SIGNALS = 10, PARTS = 5 };

/* The root's last layer; its output is [width][channels]. */
static const chirp_layer_info *top_of(const chirp_network *net)
{
    int n = 0;
    return chirp_network_layers(net, &n) + chirp_network_configuration(net)->spec->n_root - 1;
}

static int64_t parts_of(const chirp_layer_info *top)
{
    return top->out_width < PARTS ? top->out_width : PARTS;
}

int64_t chirp_distance_width(const chirp_network *net)
{
    const chirp_layer_info *top = top_of(net);
    return parts_of(top) * top->out_channels;
}

void chirp_distance_features(chirp_network *net, const float *strain, float *features)
{
    const chirp_pass pass = {.sample = false};
    const chirp_layer_info *top = top_of(net);
    const int64_t channels = top->out_channels;
    const int64_t parts = parts_of(top);
    const float *out = chirp_network_forward_root(net, strain, &pass);
    double square = 0;
    for (int64_t part = 0; part < parts; ++part) {
        const int64_t from = part * top->out_width / parts;
        const int64_t to = (part + 1) * top->out_width / parts;
        for (int64_t c = 0; c < channels; ++c) {
            double sum = 0;
            for (int64_t t = from; t < to; ++t)
                sum += (double)out[t * channels + c] / (double)(to - from);
            features[part * channels + c] = (float)sum;
            square += sum * sum;
        }
    }
    for (int64_t i = 0; square > 0 && i < parts * channels; ++i)
        features[i] = (float)((double)features[i] / sqrt(square));
}

/* Row i of a triangle. */
static int64_t row(int64_t i) { return chirp_distance_triangle(i); }

/* C, its lower triangle. @param mean, c  [width], [width][width]; zeroed */
static void covariance(const float *x, int64_t n, int64_t width, double *mean, double *c)
{
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < width; ++j)
            mean[j] += (double)x[i * width + j] / (double)n;
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < width; ++j) {
            const double own = ((double)x[i * width + j] - mean[j]) / (double)(n - 1);
            for (int64_t k = 0; k <= j; ++k)
                c[j * width + k] += own * ((double)x[i * width + k] - mean[k]);
        }
    double trace = 0;
    for (int64_t j = 0; j < width; ++j)
        trace += c[j * width + j];
    for (int64_t j = 0; j < width; ++j) {
        for (int64_t k = 0; k < j; ++k)
            c[j * width + k] *= 1 - SHRINKAGE;
        c[j * width + j] += RIDGE * trace / (double)width;
    }
}

static chirp_status set_limit(const float *features, int64_t signals, chirp_distance *d)
{
    double *scratch = chirp_calloc((size_t)d->width, sizeof *scratch);
    double *all = chirp_calloc((size_t)signals, sizeof *all);
    const chirp_status st = scratch && all ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int64_t i = 0; st == CHIRP_OK && i < signals; ++i)
        all[i] = chirp_distance_of(d, features + i * d->width, scratch);
    if (st == CHIRP_OK) {
        chirp_sort(all, (size_t)signals);
        d->limit = chirp_stats_quantile_sorted(all, (size_t)signals, CHIRP_DISTANCE_QUANTILE);
    }
    chirp_free(scratch);
    chirp_free(all);
    return st;
}

chirp_status chirp_distance_fit(const float *features, int64_t signals, int64_t width,
                                chirp_distance *d)
{
    *d = (chirp_distance){0};
    if (signals < LEAST_SIGNALS || width < 1 || width > CHIRP_DISTANCE_MOST_WIDTH)
        return chirp_fail(
            CHIRP_ERR_ARG,
            "a distance of features takes 2 * %d signals and 1 to %d features, not 2 * "
            "%lld and %lld",
            LEAST_SIGNALS, CHIRP_DISTANCE_MOST_WIDTH, (long long)signals, (long long)width);
    const size_t triangle = (size_t)chirp_distance_triangle(width);
    double *mean = chirp_calloc((size_t)width, sizeof *mean);
    double *c = chirp_calloc((size_t)(width * width), sizeof *c);
    d->mean = chirp_calloc((size_t)width, sizeof *d->mean);
    d->factor = chirp_calloc(triangle, sizeof *d->factor);
    chirp_status st = mean && c && d->mean && d->factor ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK) {
        covariance(features, signals, width, mean, c);
        if (!chirp_cholesky(width, c))
            st = chirp_fail(CHIRP_ERR_NUMERIC, "features of training signals don't move, or are "
                                               "not finite: is the network trained?");
    }
    for (int64_t j = 0; st == CHIRP_OK && j < width; ++j)
        d->mean[j] = (float)mean[j];
    for (int64_t j = 0; st == CHIRP_OK && j < width; ++j)
        for (int64_t k = 0; k <= j; ++k)
            d->factor[row(j) + k] = (float)c[j * width + k];
    chirp_free(mean);
    chirp_free(c);
    d->width = width;
    d->signals = signals;
    return st == CHIRP_OK ? set_limit(features + signals * width, signals, d) : st;
}

void chirp_distance_release(chirp_distance *d)
{
    chirp_free(d->mean);
    chirp_free(d->factor);
    *d = (chirp_distance){0};
}

double chirp_distance_of(const chirp_distance *d, const float *features, double *y)
{
    double square = 0;
    for (int64_t i = 0; i < d->width; ++i) { /* y = factor^-1 (x - mean) */
        double sum = (double)features[i] - (double)d->mean[i];
        for (int64_t k = 0; k < i; ++k)
            sum -= (double)d->factor[row(i) + k] * y[k];
        y[i] = sum / (double)d->factor[row(i) + i];
        square += y[i] * y[i];
    }
    return sqrt(square / (double)d->width);
}
