/* A network asked about fresh signals whose truth is known. */
#include "suites/commands/calibration.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/stats/stats.h"
#include "model/inference/distance.h"
#include "model/inference/exact.h"
#include "model/signal/generator.h"

#include <math.h>

/* Keeps the signals apart from those of training and validation with the same seed. */
static const uint64_t CALIBRATION_SEED = UINT64_C(0xc2b2ae3d27d4eb4f);
enum { PRIOR_DRAWS = 4001, BIN_BITS = 24 };

static chirp_status find_guess(calibration_trial *t)
{
    const chirp_network_spec *spec = t->trained->spec;
    double *value = chirp_alloc((size_t)spec->n_leaves * PRIOR_DRAWS * sizeof *value);
    chirp_status st = value ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int i = 0; i < PRIOR_DRAWS && st == CHIRP_OK; ++i) {
        chirp_signal_draw draw;
        double label[CHIRP_LABELS];
        st = chirp_generator_draw(t->generator, (uint64_t)i, &draw);
        if (st != CHIRP_OK)
            break;
        chirp_draw_labels(&draw, label);
        for (int leaf = 0; leaf < spec->n_leaves; ++leaf)
            value[leaf * PRIOR_DRAWS + i] = label[spec->label[leaf]];
    }
    for (int leaf = 0; leaf < spec->n_leaves && st == CHIRP_OK; ++leaf)
        t->guess[leaf] = chirp_median(value + leaf * PRIOR_DRAWS, PRIOR_DRAWS);
    chirp_free(value);
    return st;
}

static chirp_status make_generator(const char *checkpoint, calibration_trial *t)
{
    chirp_signal_config signal = t->signal;
    signal.seed = t->seed ^ CALIBRATION_SEED;
    signal.n_threads = t->n_threads;
    const chirp_status st = chirp_generator_create(&signal, &t->generator);
    if (st == CHIRP_OK || !signal.psd_path)
        return st;
    return chirp_fail(st, "%s: the noise curve of its signals: %s; --psd FILE names another",
                      checkpoint, chirp_error_message());
}

chirp_status calibration_create(const char *checkpoint, calibration_trial *t)
{
    const size_t leaves = (size_t)t->trained->spec->n_leaves;
    chirp_status st = make_generator(checkpoint, t);
    if (st == CHIRP_OK)
        st = find_guess(t);
    if (st == CHIRP_OK)
        st = chirp_posterior_create(t->trained->net, &t->trained->likelihood, t->samples,
                                    &t->posterior);
    if (st != CHIRP_OK)
        return st;
    chirp_posterior_recalibrate(t->posterior, t->trained->recalibration);
    t->strain = chirp_calloc((size_t)(CALIBRATION_BATCH * t->signal.length), sizeof *t->strain);
    t->drawn = chirp_calloc(leaves * (size_t)t->samples, sizeof *t->drawn);
    t->scratch = chirp_calloc((size_t)t->samples, sizeof *t->scratch);
    t->answer = chirp_calloc(leaves * (size_t)t->signals, sizeof *t->answer);
    t->nll_before = chirp_calloc(leaves * (size_t)t->signals, sizeof *t->nll_before);
    return t->strain && t->drawn && t->scratch && t->answer && t->nll_before ? CHIRP_OK
                                                                             : CHIRP_ERR_NOMEM;
}

void calibration_destroy(calibration_trial *t)
{
    chirp_generator_destroy(t->generator);
    chirp_posterior_destroy(t->posterior);
    chirp_free(t->strain);
    chirp_free(t->drawn);
    chirp_free(t->scratch);
    chirp_free(t->answer);
    chirp_free(t->nll_before);
}

uint64_t calibration_first(int bin, calibration_purpose purpose)
{
    return (uint64_t)(2 * bin + (int)purpose) << BIN_BITS;
}

/* @param number  of the signal; its weight samples are its own */
static chirp_status ask_one(calibration_trial *t, uint64_t number, int64_t at, const float *strain,
                            const float *label)
{
    chirp_posterior_summary summary[CHIRP_MAX_LEAVES];
    const chirp_network_spec *spec = t->trained->spec;
    const chirp_status st =
        chirp_posterior_predict(t->posterior, strain, t->seed ^ number << 20, t->drawn, summary);
    for (int leaf = 0; leaf < spec->n_leaves && st == CHIRP_OK; ++leaf) {
        const double truth = (double)label[spec->label[leaf]];
        const double factor = t->trained->recalibration[leaf];
        const int64_t to = leaf * t->signals + at;
        chirp_mixture mixture = {.draw = t->drawn + leaf * t->samples, .n = t->samples};
        chirp_posterior_components(t->posterior, 0, leaf, &mixture.mean, &mixture.scale);
        chirp_answer_score(&mixture, truth, t->scratch, &t->answer[to]);
        t->nll_before[to] =
            factor > 0 ? chirp_mixture_nll_before(&mixture, factor, truth) : (double)NAN;
    }
    return st;
}

chirp_status calibration_ask(calibration_trial *t, int bin, const double snr[2],
                             calibration_purpose purpose)
{
    float label[CALIBRATION_BATCH * CHIRP_LABELS];
    const uint64_t first = calibration_first(bin, purpose);
    chirp_status st = chirp_generator_set_snr(t->generator, snr[0], snr[1]);
    for (int64_t at = 0; at < t->signals && st == CHIRP_OK; at += CALIBRATION_BATCH) {
        const int64_t left = t->signals - at;
        const int64_t n = left < CALIBRATION_BATCH ? left : CALIBRATION_BATCH;
        st = chirp_generator_batch(t->generator, first + (uint64_t)at, n, t->strain, label, NULL,
                                   NULL);
        for (int64_t i = 0; i < n && st == CHIRP_OK; ++i)
            st = ask_one(t, first + (uint64_t)(at + i), at + i, t->strain + i * t->signal.length,
                         label + i * CHIRP_LABELS);
    }
    return st;
}

chirp_status calibration_row(const calibration_trial *t, int leaf, const double snr[2],
                             chirp_calibration_row *row)
{
    const chirp_signal_config *trained = &t->trained->record.config.signal;
    *row = (chirp_calibration_row){
        .parameter = chirp_label_name[t->trained->spec->label[leaf]],
        .snr_min = snr[0],
        .snr_max = snr[1],
        .trained = snr[0] >= trained->snr_min && snr[1] <= trained->snr_max,
        .nll_before = chirp_stats_mean(t->nll_before + leaf * t->signals, (size_t)t->signals),
        .exact_error = (double)NAN,
        .exact_error_se = (double)NAN,
        .exact_coverage_90 = (double)NAN,
        .exact_width_90 = (double)NAN,
        .exact_doubtful = (double)NAN,
        .error_over_exact = (double)NAN,
        .width_over_exact = (double)NAN,
    };
    return chirp_calibration_fill(t->answer + leaf * t->signals, t->signals, t->guess[leaf], row);
}

/* @param label  [n][CHIRP_LABELS] */
static chirp_status fill_exact(const calibration_trial *t, int leaf, int64_t n,
                               const chirp_exact_result *result, const float *label,
                               chirp_calibration_row *row)
{
    const int which = t->trained->spec->label[leaf];
    const chirp_answer *ours = t->answer + leaf * t->signals;
    chirp_answer *answer = chirp_calloc((size_t)n, sizeof *answer);
    double covered = 0;
    double width = 0;
    double our_width = 0;
    double our_error = 0;
    double unused = 0;
    if (!answer)
        return CHIRP_ERR_NOMEM;
    row->exact_doubtful = 0;
    for (int64_t i = 0; i < n; ++i) {
        const chirp_exact_summary *s = &result[i].summary[which];
        answer[i] =
            (chirp_answer){.truth = (double)label[i * CHIRP_LABELS + which], .median = s->median};
        covered += answer[i].truth >= s->interval_90[0] && answer[i].truth <= s->interval_90[1];
        width += s->interval_90[1] - s->interval_90[0];
        our_width += ours[i].width_90;
        row->exact_doubtful += result[i].doubtful;
    }
    row->exact_signals = n;
    row->exact_coverage_90 = covered / (double)n;
    row->exact_width_90 = width / (double)n;
    row->width_over_exact = our_width / width;
    chirp_relative_error(answer, n, &row->exact_error, &row->exact_error_se);
    chirp_relative_error(ours, n, &our_error, &unused);
    row->error_over_exact = our_error / row->exact_error;
    chirp_free(answer);
    return CHIRP_OK;
}

chirp_status calibration_exact(calibration_trial *t, int bin, const double snr[2], int64_t n,
                               chirp_calibration_row *row)
{
    const uint64_t first = calibration_first(bin, CALIBRATION_TEST);
    chirp_exact_options options = chirp_exact_options_default();
    chirp_signal_config signal = t->signal;
    float *strain = chirp_calloc((size_t)(n * signal.length), sizeof *strain);
    float *label = chirp_calloc((size_t)n * CHIRP_LABELS, sizeof *label);
    chirp_exact_result *result = chirp_calloc((size_t)n, sizeof *result);
    chirp_status st = strain && label && result ? CHIRP_OK : CHIRP_ERR_NOMEM;
    options.n_threads = t->n_threads;
    signal.snr_min = snr[0]; /* the bin is the prior of its signals */
    signal.snr_max = snr[1];
    if (st == CHIRP_OK)
        st = chirp_generator_batch(t->generator, first, n, strain, label, NULL, NULL);
    if (st == CHIRP_OK)
        st = chirp_exact_table(&signal, NULL, strain, (uint64_t)bin * CALIBRATION_MOST_EXACT, n,
                               t->seed, &options, result);
    for (int leaf = 0; leaf < t->trained->spec->n_leaves && st == CHIRP_OK; ++leaf)
        st = fill_exact(t, leaf, n, result, label, &row[leaf]);
    for (int64_t i = 0; result && i < n; ++i)
        chirp_exact_result_destroy(&result[i]);
    chirp_free(result);
    chirp_free(strain);
    chirp_free(label);
    return st;
}

chirp_calibration_file calibration_file(const calibration_trial *trial, const char *network)
{
    const chirp_train_config *config = &trial->trained->record.config;
    return (chirp_calibration_file){
        .checkpoint = network,
        .network = config->network,
        .variational = chirp_variant_name[config->variant],
        .noise = chirp_generator_noise_name(trial->generator),
        .iterations = trial->trained->iteration,
        .samples = trial->samples,
        .seed = (int64_t)trial->seed,
        .recalibration = trial->trained->recalibration_note,
    };
}

chirp_status calibration_distance(calibration_trial *t, int64_t n)
{
    chirp_trained *trained = t->trained;
    const uint64_t first = calibration_first(CALIBRATION_FEATURES, CALIBRATION_FIT);
    const int64_t width = chirp_distance_width(trained->net);
    float *features = chirp_calloc((size_t)(2 * n * width), sizeof *features);
    chirp_status st = features ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int64_t at = 0; at < 2 * n && st == CHIRP_OK; at += CALIBRATION_BATCH) {
        const int64_t rows = 2 * n - at < CALIBRATION_BATCH ? 2 * n - at : CALIBRATION_BATCH;
        st = chirp_generator_batch(t->generator, first + (uint64_t)at, rows, t->strain, NULL, NULL,
                                   NULL);
        for (int64_t i = 0; i < rows && st == CHIRP_OK; ++i)
            chirp_distance_features(trained->net, t->strain + i * t->signal.length,
                                    features + (at + i) * width);
    }
    chirp_distance_release(&trained->distance);
    if (st == CHIRP_OK)
        st = chirp_distance_fit(features, n, width, &trained->distance);
    chirp_free(features);
    return st;
}
