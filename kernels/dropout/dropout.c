/* Dropout: the mask of a chunk is drawn into the first cache and used at once. */
#include "kernels/dropout/dropout.h"

#include "kernels/parallel/chunks.h"

#include <string.h>

enum { DRAWS = 1024 };

void chirp_dropout(int64_t n, float rate, chirp_rng rng, uint64_t first, const float *src,
                   float *dst, int n_threads)
{
    const float scale = 1.0f / (1.0f - rate);
#pragma omp parallel for schedule(dynamic) num_threads(chirp_chunk_threads(n, n_threads))
    for (int64_t start = 0; start < n; start += DRAWS) {
        float uniform[DRAWS] __attribute__((aligned(64)));
        const int64_t length = chirp_chunk_length(n, start, DRAWS);
        chirp_rng_uniform(rng, first + (uint64_t)start, length, uniform);
        const float *s = src + start;
        float *d = dst + start;
#pragma omp simd
        for (int64_t i = 0; i < length; ++i) /* a selection, so that a dropped infinity becomes 0 */
            d[i] = uniform[i] >= rate ? s[i] * scale : 0.0f;
    }
}
