/* chirpbench calibrate: how good and how honest a network's posteriors are, on fresh signals. */
#include "suites/commands/calibration.h"

#include "harness/base/file.h"
#include "harness/base/launch.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/base/text.h"
#include "harness/results/calibration.h"
#include "model/signal/generator.h"
#include "model/training/recalibration.h"
#include "suites/command.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct calibration {
    const char *checkpoint, *bins, *psd, *json, *recalibrate;
    int64_t signals, samples, seed, exact, intruders, threads, segments;
    bool segments_given;
    double edge[CALIBRATION_MOST_BINS + 1]; /* bin b: edge[b] to edge[b + 1] */
    int n_bins;
    chirp_trained trained;
    calibration_trial trial;
    chirp_calibration_row row[CALIBRATION_MOST_BINS * CHIRP_MAX_LEAVES];
    size_t n_rows;
    chirp_unlike_row unlike[CALIBRATION_UNLIKE];
} calibration;

static chirp_status read_bins(calibration *c)
{
    const char *at = c->bins;
    int n = 0;
    for (bool more = true; more && n <= CALIBRATION_MOST_BINS; ++n) {
        char *end = NULL;
        c->edge[n] = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !(c->edge[n] >= 1e-3 && c->edge[n] <= 1e6) ||
            (n > 0 && !(c->edge[n] > c->edge[n - 1])))
            break;
        more = *end == ',';
        at = end + 1;
        if (!more && n > 0) {
            c->n_bins = n;
            return CHIRP_OK;
        }
    }
    return chirp_fail(
        CHIRP_ERR_ARG,
        "calibrate: --snr-bins '%.100s': give 2 to %d rising SNR with commas between, "
        "such as 7,15,30",
        c->bins, CALIBRATION_MOST_BINS + 1);
}

static chirp_status prepare(calibration *c)
{
    chirp_status st = read_bins(c);
    if (st == CHIRP_OK && c->exact > c->signals)
        st = chirp_fail(CHIRP_ERR_ARG,
                        "calibrate: --exact %" PRId64 ": a bin has %" PRId64 " signals (--signals)",
                        c->exact, c->signals);
    if (st == CHIRP_OK && c->json)
        st = chirp_file_writable(c->json);
    if (st == CHIRP_OK && c->recalibrate)
        st = chirp_file_writable(c->recalibrate);
    if (st == CHIRP_OK)
        st = chirp_trained_load(c->checkpoint, 1, (int)c->threads, &c->trained);
    if (st != CHIRP_OK)
        return st;
    const chirp_train_config *config = &c->trained.record.config;
    c->trial = (calibration_trial){.trained = &c->trained,
                                   .signals = c->signals,
                                   .samples = c->samples,
                                   .seed = (uint64_t)c->seed,
                                   .n_threads = (int)c->threads,
                                   .signal = chirp_trained_signals(&c->trained)};
    c->trial.signal.snr_law = CHIRP_SNR_UNIFORM;
    if (c->segments_given)
        c->trial.signal.curve_segments = c->segments;
    if (c->psd) {
        c->trial.signal.psd_path = c->psd;
        c->trial.signal.curves = NULL;
    } else if (config->data)
        (void)fprintf(stderr,
                      "chirpbench: warning: %s: was trained on data set %s, whose noise curve it "
                      "doesn't hold: signals are whitened with the design curve unless --psd is "
                      "given\n",
                      c->checkpoint, config->data);
    return calibration_create(c->checkpoint, &c->trial);
}

/* The note that goes with the factors wherever they go. */
static chirp_status write_recalibration(calibration *c, const double *factor, const double *se)
{
    chirp_text note = {0};
    chirp_text_append(&note, "recalibrated: widths of posteriors times");
    for (int leaf = 0; leaf < c->trained.spec->n_leaves; ++leaf)
        chirp_text_appendf(&note, "%s %s %.4f +- %.4f", leaf ? "," : "",
                           chirp_label_name[c->trained.spec->label[leaf]], factor[leaf], se[leaf]);
    chirp_text_appendf(&note,
                       " (maximum likelihood, %" PRId64 " signals, SNR %g to %g, seed %" PRId64 ")",
                       c->signals * c->n_bins, c->edge[0], c->edge[c->n_bins], c->seed);
    const chirp_status st =
        note.failed ? CHIRP_ERR_NOMEM
                    : chirp_recalibration_write(c->checkpoint, c->recalibrate,
                                                c->trained.spec->n_leaves, factor, note.bytes);
    chirp_free(c->trained.recalibration_note);
    c->trained.recalibration_note = note.bytes;
    return st;
}

/* Factors from signals of their own: those of the table test them. */
static chirp_status fit(calibration *c)
{
    const int leaves = c->trained.spec->n_leaves;
    const int64_t all = c->signals * c->n_bins;
    const double none[CHIRP_MAX_LEAVES] = {0};
    double se[CHIRP_MAX_LEAVES] = {0};
    chirp_answer *answer = chirp_calloc((size_t)(leaves * all), sizeof *answer);
    chirp_status st = answer ? CHIRP_OK : CHIRP_ERR_NOMEM;
    memcpy(c->trained.recalibration, none, sizeof none); /* replaces earlier factors */
    chirp_posterior_recalibrate(c->trial.posterior, none);
    for (int bin = 0; bin < c->n_bins && st == CHIRP_OK; ++bin) {
        st = calibration_ask(&c->trial, bin, &c->edge[bin], CALIBRATION_FIT);
        for (int leaf = 0; leaf < leaves && st == CHIRP_OK; ++leaf)
            memcpy(answer + leaf * all + bin * c->signals, c->trial.answer + leaf * c->signals,
                   (size_t)c->signals * sizeof *answer);
    }
    for (int leaf = 0; leaf < leaves && st == CHIRP_OK; ++leaf)
        c->trained.recalibration[leaf] =
            chirp_recalibration_fit(answer + leaf * all, all, &se[leaf]);
    chirp_free(answer);
    if (st == CHIRP_OK)
        st = write_recalibration(c, c->trained.recalibration, se);
    if (st == CHIRP_OK)
        chirp_posterior_recalibrate(c->trial.posterior, c->trained.recalibration);
    return st;
}

static void print_heading(const calibration *c)
{
    const chirp_train_config *config = &c->trained.record.config;
    printf("%s  network %s, variational %s, %" PRId64 " iterations\n", c->checkpoint,
           config->network, chirp_variant_name[config->variant], c->trained.iteration);
    printf("%" PRId64 " fresh signals a bin, %" PRId64 " weight samples each, whitened with %s\n",
           c->signals, c->samples, chirp_generator_noise_name(c->trial.generator));
    if (c->trained.recalibration_note)
        printf("%s\n", c->trained.recalibration_note);
    printf("\n%-9s %-8s %18s %7s %16s %5s %18s %18s %8s %18s %8s %9s %5s\n", "SNR", "", "error",
           "guess", "exact error", "ratio", "50 % covers", "90 % covers", "rank p", "CRPS", "NLL",
           "width 90", "ratio");
}

static void print_share(const chirp_proportion *p)
{
    printf(" %5.1f [%4.1f,%5.1f]", 100 * p->value, 100 * p->low, 100 * p->high);
}

static void print_ratio(double value)
{
    if (isfinite(value))
        printf(" %5.3g", value);
    else
        printf(" %5s", "");
}

static void print_row(const chirp_calibration_row *row)
{
    char bin[32];
    (void)snprintf(bin, sizeof bin, "%g-%g%s", row->snr_min, row->snr_max, row->trained ? "" : "*");
    printf("%-9s %-8s %8.4f +- %6.4f %7.4f", bin, row->parameter, row->error, row->error_se,
           row->guess_error);
    if (row->exact_signals)
        printf(" %6.4f +- %6.4f", row->exact_error, row->exact_error_se);
    else
        printf(" %16s", "");
    print_ratio(row->error_over_exact);
    print_share(&row->coverage_50);
    print_share(&row->coverage_90);
    printf(" %8.2g %8.3g +- %6.1g %8.3f %9.4g", row->rank_p, row->crps, row->crps_se, row->nll,
           row->width_90);
    print_ratio(row->width_over_exact);
    printf("\n");
}

static chirp_status test_bin(calibration *c, int bin)
{
    const int leaves = c->trained.spec->n_leaves;
    chirp_status st = calibration_ask(&c->trial, bin, &c->edge[bin], CALIBRATION_TEST);
    for (int leaf = 0; leaf < leaves && st == CHIRP_OK; ++leaf)
        st = calibration_row(&c->trial, leaf, &c->edge[bin], &c->row[c->n_rows + (size_t)leaf]);
    if (st == CHIRP_OK && c->exact)
        st = calibration_exact(&c->trial, bin, &c->edge[bin], c->exact, c->row + c->n_rows);
    if (st != CHIRP_OK)
        return st;
    for (int leaf = 0; leaf < leaves; ++leaf)
        print_row(&c->row[c->n_rows++]);
    (void)fflush(stdout);
    return CHIRP_OK;
}

static void print_notes(const calibration *c)
{
    const chirp_signal_config *trained = &c->trained.record.config.signal;
    bool beyond = false;
    double doubtful = 0;
    for (size_t i = 0; i < c->n_rows; ++i) {
        beyond = beyond || !c->row[i].trained;
        doubtful = fmax(doubtful, c->row[i].exact_doubtful);
    }
    printf(
        "\nerror: mean |median - truth| / mean |truth|; guess: of the prior's median; exact: of "
        "the "
        "exact posterior\nrank p: Kolmogorov and Smirnov's test of uniform ranks; brackets: 95 %% "
        "interval; NLL in nats, CRPS and width in the parameter's unit\n");
    if (c->exact)
        printf("exact posterior: first %" PRId64
               " signals of each bin, which is the prior of their "
               "SNR; ratios are ours over exact on these\n",
               c->exact);
    if (c->exact && (c->trial.signal.curve_segments > 0 || c->trial.signal.curve_tilt > 0))
        printf(
            "the exact posterior takes the noise curve as exact, which it isn't in this training: "
            "it is no limit here\n");
    if (doubtful > 0)
        printf("doubt: chains of up to %g of them in a bin had not converged\n", doubtful);
    if (beyond)
        printf("* beyond the SNR of training, %g to %g\n", trained->snr_min, trained->snr_max);
    for (size_t i = 0; i < c->n_rows; ++i)
        if (isfinite(c->row[i].nll_before))
            printf("SNR %g-%g %s: NLL %.3f without recalibration\n", c->row[i].snr_min,
                   c->row[i].snr_max, c->row[i].parameter, c->row[i].nll_before);
    if (c->recalibrate)
        printf("recalibrated checkpoint %s\n", c->recalibrate);
}

static chirp_status write_json(calibration *c)
{
    chirp_calibration_file file = calibration_file(&c->trial, c->checkpoint);
    file.row = c->row;
    file.count = c->n_rows;
    file.unlike = c->unlike;
    file.n_unlike = c->intruders ? CALIBRATION_UNLIKE : 0;
    return chirp_calibration_file_write(c->json, &file);
}

static chirp_status calibrate(calibration *c)
{
    chirp_status st = prepare(c);
    if (st == CHIRP_OK && c->recalibrate)
        st = fit(c);
    if (st == CHIRP_OK)
        print_heading(c);
    for (int bin = 0; bin < c->n_bins && st == CHIRP_OK; ++bin)
        st = test_bin(c, bin);
    if (st == CHIRP_OK)
        print_notes(c);
    if (st == CHIRP_OK && c->intruders)
        st = calibration_intruders(&c->trial, c->intruders, c->unlike);
    if (st == CHIRP_OK && c->json)
        st = write_json(c);
    return st;
}

static int run(int argc, char **argv)
{
    calibration *c = chirp_calloc(1, sizeof *c);
    if (!c)
        return chirp_command_exit(chirp_fail(CHIRP_ERR_NOMEM, "calibrate: out of memory"));
    c->bins = "7,15,30,50,100,200";
    c->signals = c->samples = 1000;
    const chirp_option table[] = {
        {"checkpoint", CHIRP_OPTION_STRING, &c->checkpoint, .metavar = "FILE",
         .file = CHIRP_FILE_READ, .required = true,
         .help = "network to test, a file of chirpbench train"},
        {"signals", CHIRP_OPTION_INT, &c->signals, .metavar = "N", .min = 10, .max = 1e6,
         .help = "fresh signals in each SNR bin"},
        {"snr-bins", CHIRP_OPTION_STRING, &c->bins, .metavar = "A,B,...",
         .help = "edges of the SNR bins; SNR are uniform in each"},
        {"psd", CHIRP_OPTION_STRING, &c->psd, .metavar = "FILE", .file = CHIRP_FILE_READ,
         .help = "noise curve of the signals in place of that of training"},
        {"curve-segments", CHIRP_OPTION_INT, &c->segments, .metavar = "N", .min = 0, .max = 4096,
         .given = &c->segments_given,
         .help = "each signal's noise differs from the curve as from a Welch median of N segments; "
                 "0: the curve is exact; without this option as in training"},
        {"samples", CHIRP_OPTION_INT, &c->samples, .metavar = "N", .min = 20, .max = 1e5,
         .help = "Monte Carlo weight samples of each signal"},
        {"seed", CHIRP_OPTION_INT, &c->seed, .metavar = "N", .min = 0, .max = 9e15,
         .help = "seed of signals and samples"},
        {"exact", CHIRP_OPTION_INT, &c->exact, .metavar = "N", .max = CALIBRATION_MOST_EXACT,
         .help =
             "signals of each bin whose exact posterior is computed, about a second each on one "
             "core"},
        {"intruders", CHIRP_OPTION_INT, &c->intruders, .metavar = "N", .max = 100000,
         .help = "windows of each of several kinds that are no training signals (noise alone, "
                 "glitches, "
                 "lines, ...), and how many infer would doubt"},
        {"recalibrate", CHIRP_OPTION_STRING, &c->recalibrate, .metavar = "OUT",
         .file = CHIRP_FILE_WRITTEN,
         .help = "fits a factor for each parameter's posterior width on other fresh signals and "
                 "writes the checkpoint with it"},
        {"json", CHIRP_OPTION_STRING, &c->json, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "the table with curves of ranks, for the page"},
        {"threads", CHIRP_OPTION_INT, &c->threads, .metavar = "N", .min = 0, .max = 1024,
         .help = "0: OMP_NUM_THREADS or all cores"},
    };
    const chirp_usage usage = {"calibrate", NULL,
                               "Asks a network about fresh signals whose truth is known, and "
                               "prints for every parameter and "
                               "SNR bin how large its\nerrors are beside guessing, whether its "
                               "intervals cover the truth as "
                               "often as they say, and proper scores.",
                               table, sizeof table / sizeof table[0]};
    chirp_status st = chirp_options_parse(&usage, argc, argv, NULL);
    if (st == CHIRP_OK)
        st = chirp_refuse_ranks("calibrate");
    if (st == CHIRP_OK)
        st = calibrate(c);
    calibration_destroy(&c->trial);
    chirp_trained_release(&c->trained);
    chirp_free(c);
    return chirp_command_exit(st);
}

const chirp_command chirp_command_calibrate = {"calibrate",
                                               "errors and honesty of a network's posteriors", run};
