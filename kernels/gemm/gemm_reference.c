#include "kernels/gemm/gemm.h"

void chirp_gemm_reference(const chirp_gemm_shape *shape, const float *a, const float *b, float *c,
                          int64_t count)
{
    const int64_t entries = shape->reduce ? count : 1;
    for (int64_t j = 0; j < shape->n; ++j) {
        for (int64_t i = 0; i < shape->m; ++i) {
            double sum = shape->accumulate ? (double)c[i + j * shape->ldc] : 0.0;
            for (int64_t e = 0; e < entries; ++e) {
                const float *ae = a + e * shape->stride_a, *be = b + e * shape->stride_b;
                for (int64_t l = 0; l < shape->k; ++l)
                    sum += (double)ae[i + l * shape->lda] * (double)(shape->transpose_b
                                                                         ? be[j + l * shape->ldb]
                                                                         : be[l + j * shape->ldb]);
            }
            c[i + j * shape->ldc] = (float)sum;
        }
    }
}
