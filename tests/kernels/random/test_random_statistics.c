/*
 * kernels/random: do the draws have the distribution that they claim? Fixed seeds, so each result is the same every
 * time; bounds are five standard deviations of the statistic under the claim (6e-7 two-sided), or stated.
 */
#include "kernels/random/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 16 };
static float x[BLOCK], y[BLOCK];

static chirp_rng stream(uint32_t which, uint64_t step)
{
    return chirp_rng_stream(20260101, CHIRP_RNG_TEST, which, step);
}

static double normal_cdf(double z) { return 0.5 * erfc(-z * 0.70710678118654752); }

static void expect_within(const char *what, double got, double want, double deviation)
{
    if (!(fabs(got - want) <= 5 * deviation))
        fail_msg("%s: %.9g, want %.9g, standard deviation %.3g", what, got, want, deviation);
}

/* Pearson's statistic with k - 1 degrees of freedom has mean k - 1 and variance 2 (k - 1). */
static void expect_chi_squared(const char *what, const int64_t *count, int bins,
                               const double *probability, double n)
{
    double sum = 0;
    for (int b = 0; b < bins; ++b) {
        const double want = n * (probability ? probability[b] : 1.0 / bins);
        sum += ((double)count[b] - want) * ((double)count[b] - want) / want;
    }
    expect_within(what, sum, bins - 1, sqrt(2.0 * (bins - 1)));
}

static void test_moments_and_tails(void **state)
{
    (void)state;
    const int64_t blocks = 2048;
    const double n = (double)blocks * BLOCK; /* 1.3e8 */
    double power[7] = {0};
    const double threshold[] = {2, 3, 4, 4.5, 5, 5.5};
    int64_t above[6] = {0}, below[6] = {0};
    for (int64_t b = 0; b < blocks; ++b) {
        chirp_rng_normal(stream(0, 0), (uint64_t)b * BLOCK, BLOCK, x);
        double s[7] = {0};
        for (int i = 0; i < BLOCK; ++i) {
            const double z = (double)x[i], z2 = z * z;
            s[1] += z;
            s[2] += z2;
            s[3] += z2 * z;
            s[4] += z2 * z2;
            s[5] += z2 * z2 * z;
            s[6] += z2 * z2 * z2;
            if (z2 > 4) { /* rare */
                for (int t = 0; t < 6; ++t) {
                    above[t] += z > threshold[t];
                    below[t] += z < -threshold[t];
                }
            }
        }
        for (int p = 1; p < 7; ++p)
            power[p] += s[p];
    }
    /* E z^p and the variance of z^p: E z^2p - (E z^p)^2, with E z^2k = 1 3 5 ... (2k-1) */
    const double mean[] = {1, 0, 1, 0, 3, 0, 15}, variance[] = {0, 1, 2, 15, 96, 945, 10170};
    static const char *const name[] = {"",
                                       "mean",
                                       "second moment",
                                       "third moment",
                                       "fourth moment",
                                       "fifth moment",
                                       "sixth moment"};
    for (int p = 1; p < 7; ++p)
        expect_within(name[p], power[p] / n, mean[p], sqrt(variance[p] / n));
    for (int t = 0; t < 6; ++t) {
        const double want = n * normal_cdf(-threshold[t]);
        /* + 1: the normal approximation of a Poisson count of two or three */
        expect_within("upper tail", (double)above[t], want, sqrt(want + 1));
        expect_within("lower tail", (double)below[t], want, sqrt(want + 1));
    }
    assert_true(above[5] + below[5] > 0); /* Box-Muller with 24 bits would stop at 5.77 */
}

static int ascending(const void *a, const void *b)
{
    const float p = *(const float *)a, q = *(const float *)b;
    return (p > q) - (p < q);
}

/* Kolmogorov and Smirnov: sqrt(n) D exceeds 2.3 with probability 2 exp(-2 * 2.3^2) = 5e-5. */
static void expect_kolmogorov(const char *what, float *sample, int64_t n, double (*cdf)(double))
{
    qsort(sample, (size_t)n, sizeof *sample, ascending);
    double worst = 0;
    for (int64_t i = 0; i < n; ++i) {
        const double f = cdf((double)sample[i]);
        worst = fmax(worst, fmax(f - (double)i / (double)n, (double)(i + 1) / (double)n - f));
    }
    if (!(worst * sqrt((double)n) <= 2.3))
        fail_msg("%s: sqrt(n) D = %g", what, worst * sqrt((double)n));
}

static double uniform_cdf(double u) { return u; }

static void test_kolmogorov_smirnov(void **state)
{
    (void)state;
    for (uint64_t s = 0; s < 8; ++s) {
        chirp_rng_normal(stream(1, s), s * 1000003, BLOCK, x);
        expect_kolmogorov("normal", x, BLOCK, normal_cdf);
        chirp_rng_uniform(stream(2, s), s * 1000003, BLOCK, x);
        expect_kolmogorov("uniform", x, BLOCK, uniform_cdf);
    }
    /* every 64th draw: one lane and one word alone */
    static float one[BLOCK];
    for (int word = 0; word < 4; ++word) {
        for (int b = 0; b < 64; ++b) {
            chirp_rng_normal(stream(3, 0), (uint64_t)b * BLOCK, BLOCK, x);
            for (int i = 0; i < BLOCK / 64; ++i)
                one[b * (BLOCK / 64) + i] = x[64 * i + 16 * word + 5];
        }
        expect_kolmogorov("one lane", one, BLOCK, normal_cdf);
    }
    /* the test can fail: it sees a mean that is off by 0.03 */
    chirp_rng_normal(stream(1, 0), 0, BLOCK, x);
    qsort(x, BLOCK, sizeof *x, ascending);
    double worst = 0;
    for (int i = 0; i < BLOCK; ++i)
        worst = fmax(worst, fabs(normal_cdf((double)x[i] + 0.03) - (double)i / BLOCK));
    assert_true(worst * sqrt(BLOCK) > 2.3);
}

static void test_bins(void **state)
{
    (void)state;
    enum { BINS = 1000 };
    static int64_t count[BINS], uniform[1024];
    static double probability[BINS];
    memset(count, 0, sizeof count);
    memset(uniform, 0, sizeof uniform);
    for (int b = 0; b < BINS; ++b) { /* from -4 to 4, the outer ones open */
        const double low = b ? normal_cdf(-4 + 8.0 * b / BINS) : 0,
                     high = b < BINS - 1 ? normal_cdf(-4 + 8.0 * (b + 1) / BINS) : 1;
        probability[b] = high - low;
    }
    const int64_t blocks = 256;
    for (int64_t k = 0; k < blocks; ++k) {
        chirp_rng_normal(stream(4, 0), (uint64_t)k * BLOCK, BLOCK, x);
        chirp_rng_uniform(stream(5, 0), (uint64_t)k * BLOCK, BLOCK, y);
        for (int i = 0; i < BLOCK; ++i) {
            const int b = (int)floor(((double)x[i] + 4) * BINS / 8);
            ++count[b < 0 ? 0 : b >= BINS ? BINS - 1 : b];
            ++uniform[(int)(y[i] * 1024)];
        }
    }
    expect_chi_squared("normal bins", count, BINS, probability, (double)blocks * BLOCK);
    expect_chi_squared("uniform bins", uniform, 1024, NULL, (double)blocks * BLOCK);
}

/* Correlations of values and of squares: two draws of a Box-Muller pair share their radius. */
static void expect_uncorrelated(const char *what, const float *a, const float *b, int64_t n)
{
    double product = 0, squares = 0, mixed = 0;
    for (int64_t i = 0; i < n; ++i) {
        const double p = (double)a[i], q = (double)b[i];
        product += p * q;
        squares += (p * p - 1) * (q * q - 1);
        mixed += (p * p - 1) * q;
    }
    expect_within(what, product, 0, sqrt((double)n));
    expect_within(what, squares, 0, sqrt(4.0 * (double)n));
    expect_within(what, mixed, 0, sqrt(2.0 * (double)n));
}

static void test_draws_of_a_stream_are_independent(void **state)
{
    (void)state;
    static const int lags[] = {1, 2, 15, 16, 17, 32, 48, 64, 128, 1024, 2048, 4096};
    for (int start = 0; start < 8; ++start) {
        chirp_rng_normal(stream(6, 0), (uint64_t)start * BLOCK, BLOCK, x);
        for (size_t l = 0; l < sizeof lags / sizeof lags[0]; ++l)
            expect_uncorrelated("lag", x, x + lags[l], BLOCK - lags[l]);
    }
    /* the pair (z, its Box-Muller partner) in 16 x 16 boxes of equal probability */
    static int64_t box[256];
    memset(box, 0, sizeof box);
    int64_t pairs = 0;
    for (int b = 0; b < 64; ++b) {
        chirp_rng_normal(stream(7, 0), (uint64_t)b * BLOCK, BLOCK, x);
        for (int i = 0; i < BLOCK; ++i) {
            if (i % 32 >= 16)
                continue;
            const int p = (int)(16 * normal_cdf((double)x[i])),
                      q = (int)(16 * normal_cdf((double)x[i + 16]));
            ++box[16 * p + q];
            ++pairs;
        }
    }
    expect_chi_squared("boxes", box, 256, NULL, (double)pairs);
}

static void test_streams_are_independent(void **state)
{
    (void)state;
    const chirp_rng base = chirp_rng_stream(1, CHIRP_RNG_WEIGHT_NOISE, 3, 1000);
    const chirp_rng near[] = {
        chirp_rng_stream(2, CHIRP_RNG_WEIGHT_NOISE, 3, 1000),
        chirp_rng_stream(1, CHIRP_RNG_DROPOUT, 3, 1000),
        chirp_rng_stream(1, CHIRP_RNG_WEIGHT_NOISE, 4, 1000),
        chirp_rng_stream(1, CHIRP_RNG_WEIGHT_NOISE, 3, 1001),
        chirp_rng_stream((uint64_t)1 << 32, CHIRP_RNG_WEIGHT_NOISE, 3, 1000),
    };
    chirp_rng_normal(base, 0, BLOCK, x);
    for (size_t s = 0; s < sizeof near / sizeof near[0]; ++s) {
        chirp_rng_normal(near[s], 0, BLOCK, y);
        expect_uncorrelated("streams", x, y, BLOCK);
    }
    /* the first draw of 65536 consecutive streams is normal too: a training step uses few draws of each */
    for (int i = 0; i < BLOCK; ++i)
        chirp_rng_normal(chirp_rng_stream(9, CHIRP_RNG_SIGNAL, 0, (uint64_t)i), 0, 1, &x[i]);
    expect_uncorrelated("first draws", x, x + 1, BLOCK - 1);
    expect_kolmogorov("first draws", x, BLOCK, normal_cdf);
    for (int i = 0; i < BLOCK; ++i)
        x[i] = (float)chirp_rng_uniform_double(
            chirp_rng_stream(9, CHIRP_RNG_SIGNAL, 0, (uint64_t)i), 0);
    expect_kolmogorov("first doubles", x, BLOCK, uniform_cdf);
}

static void test_signs(void **state)
{
    (void)state;
    chirp_rng_sign(stream(8, 0), 0, BLOCK, x);
    chirp_rng_sign(stream(8, 1), 0, BLOCK, y);
    double sum = 0, across = 0;
    for (int i = 0; i < BLOCK; ++i) {
        assert_true(x[i] == 1 || x[i] == -1);
        sum += (double)x[i];
        across += (double)(x[i] * y[i]);
    }
    expect_within("sum of signs", sum, 0, sqrt(BLOCK));
    expect_within("two streams", across, 0, sqrt(BLOCK));
    static const int lags[] = {1, 16, 32, 64, 128, 1024, 2048};
    for (size_t l = 0; l < sizeof lags / sizeof lags[0]; ++l) {
        double product = 0;
        for (int i = 0; i + lags[l] < BLOCK; ++i)
            product += (double)(x[i] * x[i + lags[l]]);
        expect_within("lag of signs", product, 0, sqrt(BLOCK - lags[l]));
    }
    /* bytes of eight neighbours are uniform */
    static int64_t count[256];
    memset(count, 0, sizeof count);
    for (int b = 0; b < 64; ++b) {
        chirp_rng_sign(stream(8, 2), (uint64_t)b * BLOCK, BLOCK, x);
        for (int i = 0; i < BLOCK; i += 8) {
            int byte = 0;
            for (int k = 0; k < 8; ++k)
                byte |= (x[i + k] > 0) << k;
            ++count[byte];
        }
    }
    expect_chi_squared("bytes of signs", count, 256, NULL, 64.0 * BLOCK / 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments_and_tails),
        cmocka_unit_test(test_kolmogorov_smirnov),
        cmocka_unit_test(test_bins),
        cmocka_unit_test(test_draws_of_a_stream_are_independent),
        cmocka_unit_test(test_streams_are_independent),
        cmocka_unit_test(test_signs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
