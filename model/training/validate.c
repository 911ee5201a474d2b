/* Held-out signals: errors beside those of a guess, and scores that see the predicted scale too. */
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/stats/stats.h"
#include "model/parallel/parallel.h"
#include "model/training/trainer_internal.h"

#include <math.h>

/* Sums over held-out signals, doubles alone: ranks add them as one array. */
typedef struct sums {
    double log_likelihood, error[CHIRP_MAX_LEAVES], label[CHIRP_MAX_LEAVES], crps[CHIRP_MAX_LEAVES];
} sums;

/* The averaged parameters take the place of the trained ones, and back. */
static void swap_parameters(chirp_trainer *trainer)
{
    float *parameters = chirp_network_parameters(trainer->net);
    const int64_t n = chirp_network_parameter_count(trainer->net);
    if (!trainer->average)
        return;
    for (int64_t i = 0; i < n; ++i) {
        const float trained = parameters[i];
        parameters[i] = trainer->average[i];
        trainer->average[i] = trained;
    }
    chirp_network_parameters_changed(trainer->net);
}

/* Of this rank's part. @param labels  [leaves][signals] by number, zero elsewhere */
static chirp_status score(chirp_trainer *trainer, sums *s, double *labels)
{
    const chirp_pass pass = {.training = false, .sample = false};
    const chirp_network_spec *spec = trainer->spec;
    const int64_t n = trainer->share.signals;
    const int64_t all = trainer->config.validation_signals;
    const int64_t end = all * (trainer->rank + 1) / trainer->ranks;
    for (int64_t i = all * trainer->rank / trainer->ranks; i < end; i += n) {
        const int64_t rows = end - i < n ? end - i : n;
        const float *strain = NULL;
        const float *label = NULL;
        const chirp_status st = chirp_batches_validation(trainer->batches, i, &strain, &label);
        if (st != CHIRP_OK)
            return st;
        chirp_network_forward(trainer->net, strain, &pass, trainer->output);
        s->log_likelihood -= (double)rows * chirp_likelihood_loss(&trainer->likelihood, rows,
                                                                  trainer->output, label, NULL);
        chirp_likelihood_errors(&trainer->likelihood, rows, trainer->output, label, s->error,
                                s->label);
        chirp_likelihood_crps(&trainer->likelihood, rows, trainer->output, label, s->crps);
        for (int leaf = 0; leaf < spec->n_leaves; ++leaf)
            for (int64_t row = 0; row < rows; ++row)
                labels[leaf * all + i + row] =
                    (double)label[row * CHIRP_LABELS + spec->label[leaf]];
    }
    return CHIRP_OK;
}

/* Mean distance of n labels from their median, over their mean size. Sorts them. */
static double guess_error(double *label, int64_t n)
{
    double distance = 0;
    double size = 0;
    chirp_sort(label, (size_t)n);
    const double median = chirp_stats_quantile_sorted(label, (size_t)n, 0.5);
    for (int64_t i = 0; i < n; ++i) {
        distance += fabs(label[i] - median);
        size += fabs(label[i]);
    }
    return distance / size;
}

static void count(chirp_trainer *trainer, chirp_validation *v)
{
    const bool first = trainer->course.crossings < 0;
    v->best = first || v->negative_log_likelihood < trainer->course.best_score;
    if (v->best)
        trainer->course.best_score = v->negative_log_likelihood;
    const bool crossed = v->mean_relative_error < chirp_trainer_target(trainer);
    trainer->course.crossings = !crossed ? 0 : first ? 1 : trainer->course.crossings + 1;
    v->target_reached = trainer->course.crossings >= CHIRP_TRAIN_CROSSINGS;
}

chirp_status chirp_trainer_validate(chirp_trainer *trainer, chirp_validation *v)
{
    const int leaves = trainer->spec->n_leaves;
    const int64_t n = trainer->config.validation_signals;
    sums s = {0};
    double *labels = chirp_calloc((size_t)(leaves * n), sizeof *labels);
    *v = (chirp_validation){0};
    chirp_status st = chirp_parallel_agree(labels ? CHIRP_OK : CHIRP_ERR_NOMEM);
    if (st != CHIRP_OK) {
        chirp_free(labels);
        return st;
    }
    swap_parameters(trainer);
    st = chirp_parallel_agree(score(trainer, &s, labels));
    swap_parameters(trainer);
    if (st == CHIRP_OK)
        st = chirp_parallel_sum((double *)&s, sizeof s / sizeof(double));
    if (st == CHIRP_OK)
        st = chirp_parallel_sum(labels, (int)(leaves * n));
    for (int leaf = 0; leaf < leaves && st == CHIRP_OK; ++leaf) {
        v->relative_error[leaf] = s.error[leaf] / s.label[leaf];
        v->guess_error[leaf] = guess_error(labels + leaf * n, n);
        v->crps[leaf] = s.crps[leaf] / (double)n;
        v->mean_relative_error += v->relative_error[leaf] / leaves;
        v->mean_guess_error += v->guess_error[leaf] / leaves;
    }
    chirp_free(labels);
    v->negative_log_likelihood = -s.log_likelihood / (double)n;
    if (st == CHIRP_OK)
        count(trainer, v);
    return st;
}
