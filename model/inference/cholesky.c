#include "model/inference/cholesky.h"

#include <math.h>

bool chirp_cholesky(int64_t n, double *m)
{
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j <= i; ++j) {
            double sum = m[i * n + j];
            for (int64_t k = 0; k < j; ++k)
                sum -= m[i * n + k] * m[j * n + k];
            if (i == j && !(sum > 0 && isfinite(sum)))
                return false;
            m[i * n + j] = i == j ? sqrt(sum) : sum / m[j * n + j];
        }
    return true;
}
