#include "model/inference/likelihood.h"

#include "kernels/variational/variational.h"
#include "model/signal/generator.h"

#include <math.h>

static const double SCALE_FLOOR = 1e-3;  /* keeps the likelihood finite */
static const double SCALE_FACTOR = 0.05; /* the public code's: a unit step of r changes s gently */
static const double HALF_LOG_2PI = 0.91893853320467274178;

void chirp_likelihood_moments(const chirp_likelihood *likelihood, const float *raw, double *mean,
                              double *scale)
{
    *mean = likelihood->spec->tanh_output ? tanh((double)raw[0]) : (double)raw[0];
    *scale = likelihood->outputs == 2 ? SCALE_FLOOR + chirp_softplus(SCALE_FACTOR * (double)raw[1])
                                      : likelihood->noise_scale;
}

double chirp_likelihood_scale_bias(double scale)
{
    return chirp_softplus_inverse(scale - SCALE_FLOOR) / SCALE_FACTOR;
}

static double target(const chirp_likelihood *likelihood, const float *label, int leaf)
{
    return (double)label[likelihood->spec->label[leaf]] / likelihood->spec->label_scale[leaf];
}

double chirp_likelihood_loss(const chirp_likelihood *likelihood, int64_t N, const float *output,
                             const float *label, float *doutput)
{
    const int leaves = likelihood->spec->n_leaves;
    const int outputs = likelihood->outputs;
    double sum = 0;
    for (int64_t n = 0; n < N; ++n) {
        for (int leaf = 0; leaf < leaves; ++leaf) {
            const int64_t at = (n * leaves + leaf) * outputs;
            double mean = 0;
            double scale = 1;
            chirp_likelihood_moments(likelihood, output + at, &mean, &scale);
            const double z = (target(likelihood, label + n * CHIRP_LABELS, leaf) - mean) / scale;
            sum += 0.5 * z * z + log(scale) + HALF_LOG_2PI;
            if (!doutput)
                continue;
            const double dmean = -z / scale / (double)N;
            doutput[at] =
                (float)(likelihood->spec->tanh_output ? dmean * (1 - mean * mean) : dmean);
            if (outputs == 2) {
                const double dscale = (1 - z * z) / scale / (double)N;
                doutput[at + 1] = (float)(dscale * SCALE_FACTOR *
                                          chirp_logistic(SCALE_FACTOR * (double)output[at + 1]));
            }
        }
    }
    return sum / (double)N;
}

void chirp_likelihood_errors(const chirp_likelihood *likelihood, int64_t N, const float *output,
                             const float *label, double *absolute_error, double *absolute_label)
{
    const int leaves = likelihood->spec->n_leaves;
    for (int64_t n = 0; n < N; ++n) {
        for (int leaf = 0; leaf < leaves; ++leaf) {
            double mean = 0;
            double scale = 0;
            const double y = target(likelihood, label + n * CHIRP_LABELS, leaf);
            chirp_likelihood_moments(likelihood, output + (n * leaves + leaf) * likelihood->outputs,
                                     &mean, &scale);
            absolute_error[leaf] += fabs(mean - y);
            absolute_label[leaf] += fabs(y);
        }
    }
}
