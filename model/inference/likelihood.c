#include "model/inference/likelihood.h"

#include "kernels/variational/variational.h"
#include "model/signal/generator.h"

#include <math.h>

static const double HALF_LOG_2PI = 0.91893853320467274178;

/* How a raw output becomes a scale: a unit step of r changes the study's gently; a floor keeps the likelihood finite. */
typedef struct scale_rule {
    double floor, factor;
} scale_rule;

static scale_rule rule_of(const chirp_likelihood *likelihood)
{
    return likelihood->labels.standardised ? (scale_rule){1e-4, 1} : (scale_rule){1e-3, 0.05};
}

static bool has_tanh(const chirp_likelihood *likelihood)
{
    return likelihood->spec->tanh_output && !likelihood->labels.standardised;
}

static double centre_of(const chirp_likelihood *likelihood, int leaf)
{
    return likelihood->labels.standardised ? likelihood->labels.centre[leaf] : 0;
}

static double unit_of(const chirp_likelihood *likelihood, int leaf)
{
    return likelihood->labels.standardised ? likelihood->labels.unit[leaf]
                                           : likelihood->spec->label_scale[leaf];
}

void chirp_likelihood_moments(const chirp_likelihood *likelihood, const float *raw, double *mean,
                              double *scale)
{
    const scale_rule rule = rule_of(likelihood);
    *mean = has_tanh(likelihood) ? tanh((double)raw[0]) : (double)raw[0];
    *scale = likelihood->outputs == 2 ? rule.floor + chirp_softplus(rule.factor * (double)raw[1])
                                      : likelihood->noise_scale;
}

void chirp_likelihood_to_physical(const chirp_likelihood *likelihood, int leaf, double *mean,
                                  double *scale)
{
    const double unit = unit_of(likelihood, leaf);
    *mean = centre_of(likelihood, leaf) + unit * *mean;
    *scale *= unit;
}

double chirp_likelihood_scale_bias(const chirp_likelihood *likelihood, double scale)
{
    const scale_rule rule = rule_of(likelihood);
    return chirp_softplus_inverse(scale - rule.floor) / rule.factor;
}

static double label_of(const chirp_likelihood *likelihood, const float *label, int leaf)
{
    return (double)label[likelihood->spec->label[leaf]];
}

double chirp_likelihood_loss(const chirp_likelihood *likelihood, int64_t N, const float *output,
                             const float *label, float *doutput)
{
    const int leaves = likelihood->spec->n_leaves;
    const int outputs = likelihood->outputs;
    const scale_rule rule = rule_of(likelihood);
    double sum = 0;
    for (int64_t n = 0; n < N; ++n) {
        for (int leaf = 0; leaf < leaves; ++leaf) {
            const int64_t at = (n * leaves + leaf) * outputs;
            const double y = (label_of(likelihood, label + n * CHIRP_LABELS, leaf) -
                              centre_of(likelihood, leaf)) /
                             unit_of(likelihood, leaf);
            double mean = 0;
            double scale = 1;
            chirp_likelihood_moments(likelihood, output + at, &mean, &scale);
            const double z = (y - mean) / scale;
            sum += 0.5 * z * z + log(scale) + HALF_LOG_2PI;
            if (!doutput)
                continue;
            const double dmean = -z / scale / (double)N;
            doutput[at] = (float)(has_tanh(likelihood) ? dmean * (1 - mean * mean) : dmean);
            if (outputs == 2) {
                const double dscale = (1 - z * z) / scale / (double)N;
                doutput[at + 1] = (float)(dscale * rule.factor *
                                          chirp_logistic(rule.factor * (double)output[at + 1]));
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
            const double y = label_of(likelihood, label + n * CHIRP_LABELS, leaf);
            chirp_likelihood_moments(likelihood, output + (n * leaves + leaf) * likelihood->outputs,
                                     &mean, &scale);
            chirp_likelihood_to_physical(likelihood, leaf, &mean, &scale);
            absolute_error[leaf] += fabs(mean - y);
            absolute_label[leaf] += fabs(y);
        }
    }
}

double chirp_crps_normal(double mean, double scale, double y)
{
    if (scale == 0)
        return fabs(y - mean);
    const double z = (y - mean) / scale;
    const double density = exp(-0.5 * z * z - HALF_LOG_2PI);
    return scale * (z * erf(z * M_SQRT1_2) + 2 * density - 0.5 * M_2_SQRTPI);
}

void chirp_likelihood_crps(const chirp_likelihood *likelihood, int64_t N, const float *output,
                           const float *label, double *crps)
{
    const int leaves = likelihood->spec->n_leaves;
    for (int64_t n = 0; n < N; ++n)
        for (int leaf = 0; leaf < leaves; ++leaf) {
            double mean = 0;
            double scale = 0;
            chirp_likelihood_moments(likelihood, output + (n * leaves + leaf) * likelihood->outputs,
                                     &mean, &scale);
            chirp_likelihood_to_physical(likelihood, leaf, &mean, &scale);
            crps[leaf] += chirp_crps_normal(mean, scale,
                                            label_of(likelihood, label + n * CHIRP_LABELS, leaf));
        }
}
