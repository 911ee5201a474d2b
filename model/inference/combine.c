#include "model/inference/combine.h"
#include "harness/base/memory.h"
#include "harness/stats/stats.h"

#include <math.h>

enum { GRID = 1024 };
/* Of its largest density: a network's posterior doesn't fall as fast as the prior at the prior's ends. */
#define LEAST_PRIOR 0.05

/* ln of the density of samples at the points of a grid, up to a constant. */
static void fill_density(const double *x, int64_t n, const double *grid, double *density)
{
    const double mean = chirp_stats_mean(x, (size_t)n), spread = chirp_stats_stddev(x, (size_t)n);
    const double width = 1.06 * spread * pow((double)n, -0.2); /* Silverman's rule */
    const double shrink = 1 / sqrt(1 + pow(width / spread, 2));
    for (int g = 0; g < GRID; ++g) {
        double least = INFINITY, sum = 0;
        for (int64_t i = 0; i < n; ++i) {
            const double z = (grid[g] - mean) / (shrink * width) - (x[i] - mean) / width;
            least = fmin(least, z * z);
        }
        for (int64_t i = 0; i < n; ++i) {
            const double z = (grid[g] - mean) / (shrink * width) - (x[i] - mean) / width;
            sum += exp(0.5 * (least - z * z));
        }
        density[g] = log(sum) - 0.5 * least;
    }
}

/* Quantiles of a density on a grid, straight between its points. */
static void fill_quantiles(const double *grid, const double *density, double most, int64_t n,
                           double *x)
{
    double total = 0, reached = 0;
    int64_t i = 0;
    for (int g = 1; g < GRID; ++g)
        total += 0.5 * (exp(density[g] - most) + exp(density[g - 1] - most));
    for (int g = 1; g < GRID; ++g) {
        const double part = 0.5 * (exp(density[g] - most) + exp(density[g - 1] - most)) / total;
        for (; i < n && ((double)i + 0.5) / (double)n <= reached + part; ++i)
            x[i] =
                grid[g - 1] + (grid[g] - grid[g - 1]) *
                                  (part > 0 ? (((double)i + 0.5) / (double)n - reached) / part : 0);
        reached += part;
    }
    for (; i < n; ++i)
        x[i] = grid[GRID - 1];
}

chirp_status chirp_posterior_combine(const double *samples, int n_data, int64_t n,
                                     const double *prior, int64_t n_prior, double *combined)
{
    double grid[GRID], density[GRID], sum[GRID], low = INFINITY, high = -INFINITY;
    double most = -INFINITY;
    if (n < 16 || n_prior < 16 || n_data < 1)
        return chirp_fail(CHIRP_ERR_ARG, "combining %d posteriors of %lld samples: 16 are needed",
                          n_data, (long long)n);
    for (int64_t i = 0; i < n_prior; ++i) {
        low = fmin(low, prior[i]);
        high = fmax(high, prior[i]);
    }
    /* no finer than the narrowest posterior asks for, and no wider than where it is */
    for (int d = 0; d < n_data; ++d) {
        const double mean = chirp_stats_mean(samples + d * n, (size_t)n),
                     spread = chirp_stats_stddev(samples + d * n, (size_t)n);
        low = fmax(low, mean - 8 * spread);
        high = fmin(high, mean + 8 * spread);
        if (!(spread > 0) || !isfinite(spread))
            return chirp_fail(CHIRP_ERR_NUMERIC, "posterior %d has no spread", d + 1);
    }
    if (!(high > low))
        return chirp_fail(CHIRP_ERR_NUMERIC, "the posteriors have nothing in common");
    for (int g = 0; g < GRID; ++g)
        grid[g] = low + (high - low) * g / (GRID - 1);
    fill_density(prior, n_prior, grid, density);
    for (int g = 0; g < GRID; ++g)
        most = fmax(most, density[g]);
    for (int g = 0; g < GRID; ++g)
        sum[g] = -(n_data - 1) * fmax(density[g], most + log(LEAST_PRIOR));
    most = -INFINITY;
    for (int d = 0; d < n_data; ++d) {
        fill_density(samples + d * n, n, grid, density);
        for (int g = 0; g < GRID; ++g)
            sum[g] += density[g];
    }
    for (int g = 0; g < GRID; ++g)
        most = fmax(most, sum[g]);
    if (!isfinite(most))
        return chirp_fail(CHIRP_ERR_NUMERIC, "the posteriors have nothing in common");
    fill_quantiles(grid, sum, most, n, combined);
    return CHIRP_OK;
}
