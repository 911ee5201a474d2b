/* calibrate --intruders: how often windows that are no training signals are doubted, and training signals. */
#include "suites/commands/calibration.h"

#include "harness/base/memory.h"
#include "model/signal/generator.h"
#include "model/signal/intruders.h"
#include "model/signal/likeness.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* What is tried, with SNR of glitches and lines. */
static const struct {
    chirp_intruder kind;
    double snr;
} tried[CALIBRATION_UNLIKE] = {
    {CHIRP_INTRUDER_NONE, 0},
    {CHIRP_INTRUDER_NOISE, 0},
    {CHIRP_INTRUDER_GLITCH, 8},
    {CHIRP_INTRUDER_GLITCH, 15},
    {CHIRP_INTRUDER_GLITCH, 30},
    {CHIRP_INTRUDER_GLITCH, 60},
    {CHIRP_INTRUDER_GLITCH_BESIDE, 8},
    {CHIRP_INTRUDER_GLITCH_BESIDE, 15},
    {CHIRP_INTRUDER_GLITCH_BESIDE, 30},
    {CHIRP_INTRUDER_GLITCH_BESIDE, 60},
    {CHIRP_INTRUDER_LINE, 8},
    {CHIRP_INTRUDER_LINE, 15},
    {CHIRP_INTRUDER_LINE, 30},
    {CHIRP_INTRUDER_LINE, 60},
    {CHIRP_INTRUDER_GAP, 0},
    {CHIRP_INTRUDER_EARLY, 0},
};

typedef struct trial {
    const calibration_trial *of;
    chirp_generator *generator; /* SNR as in training */
    chirp_likeness_bank *bank;
    float *window, *features;
    double *scratch;
} trial;

/* Its signals are whitened as those of the generator. */
static chirp_status make_bank(const calibration_trial *t, chirp_likeness_bank **bank)
{
    static const double STEP_HZ = 0.25;
    const chirp_psd *curve = chirp_generator_curves(t->generator)->psd[0];
    const int64_t n = (int64_t)((t->signal.f_high_hz - t->signal.f_low_hz) / STEP_HZ) + 1;
    double *f = chirp_calloc((size_t)n, sizeof *f);
    double *s = chirp_calloc((size_t)n, sizeof *s);
    chirp_status st = f && s ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int64_t k = 0; k < n && st == CHIRP_OK; ++k) {
        f[k] = t->signal.f_low_hz + STEP_HZ * (double)k;
        s[k] = chirp_psd_at(curve, f[k]);
    }
    chirp_signal_config signal = t->signal;
    signal.curves = NULL; /* the bank goes from the design curve to these numbers */
    if (st == CHIRP_OK)
        st = chirp_likeness_create(&signal, f, s, n, bank);
    chirp_free(f);
    chirp_free(s);
    return st;
}

/* One window. @param doubted  by features, by the bank, by either: counts */
static chirp_status judge(const trial *t, int which, uint64_t index, int64_t doubted[3])
{
    const chirp_distance *distance = &t->of->trained->distance;
    const char *doubt[CHIRP_LIKENESS_DOUBTS];
    chirp_likeness likeness = {0};
    double scale = 1;
    chirp_status st = chirp_intruder_make(t->generator, tried[which].kind, tried[which].snr, index,
                                          t->window, &scale);
    if (st == CHIRP_OK)
        st = chirp_likeness_measure(t->bank, t->window, scale, &likeness);
    if (st != CHIRP_OK)
        return st;
    bool far = false;
    if (distance->width) {
        chirp_distance_features(t->of->trained->net, t->window, t->features);
        far = !(chirp_distance_of(distance, t->features, t->scratch) <= distance->limit);
    }
    const bool found =
        chirp_likeness_doubts(&likeness, chirp_likeness_limits_of(t->bank), doubt) > 0;
    doubted[0] += far;
    doubted[1] += found;
    doubted[2] += far || found;
    return CHIRP_OK;
}

static void print_row(const chirp_unlike_row *row)
{
    char snr[16] = "";
    if (isfinite(row->snr))
        (void)snprintf(snr, sizeof snr, "%g", row->snr);
    printf("%-24s %5s", row->window, snr);
    for (int i = 0; i < 3; ++i)
        if (isfinite(row->doubted[i].value))
            printf("   %5.1f [%5.1f,%6.1f]", 100 * row->doubted[i].value, 100 * row->doubted[i].low,
                   100 * row->doubted[i].high);
        else
            printf("   %21s", "not measured");
    printf("\n");
    (void)fflush(stdout);
}

static chirp_status fill(const trial *t, int which, int64_t n, chirp_unlike_row *row)
{
    const uint64_t first = calibration_first(CALIBRATION_INTRUDERS, CALIBRATION_TEST);
    int64_t doubted[3] = {0};
    chirp_status st = CHIRP_OK;
    for (int64_t i = 0; i < n && st == CHIRP_OK; ++i)
        st = judge(t, which, first + (uint64_t)(which * n + i), doubted);
    *row = (chirp_unlike_row){.window = chirp_intruder_name[tried[which].kind],
                              .snr = tried[which].snr > 0 ? tried[which].snr : (double)NAN,
                              .windows = n};
    for (int i = 0; i < 3; ++i)
        row->doubted[i] = chirp_binomial_share(doubted[i], n);
    if (!t->of->trained->distance.width)
        row->doubted[0] = (chirp_proportion){(double)NAN, (double)NAN, (double)NAN};
    return st;
}

chirp_status calibration_intruders(const calibration_trial *of, int64_t n,
                                   chirp_unlike_row row[CALIBRATION_UNLIKE])
{
    trial t = {.of = of};
    const int64_t width = chirp_distance_width(of->trained->net);
    chirp_signal_config signal = of->signal;
    signal.snr_law = of->trained->record.config.signal.snr_law;
    signal.seed = chirp_generator_config(of->generator)->seed;
    signal.n_threads = of->n_threads;
    t.window = chirp_calloc((size_t)of->signal.length, sizeof *t.window);
    t.features = chirp_calloc((size_t)width, sizeof *t.features);
    t.scratch = chirp_calloc((size_t)width, sizeof *t.scratch);
    chirp_status st = t.window && t.features && t.scratch ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_generator_create(&signal, &t.generator);
    if (st == CHIRP_OK)
        st = make_bank(of, &t.bank);
    printf("\nwindows that are doubted [%%], %" PRId64 " of each kind, with 95 %% intervals\n"
           "%-24s %5s   %-21s   %-21s   %-21s\n",
           n, "", "SNR", "by distance", "by the match", "by either");
    for (int i = 0; i < CALIBRATION_UNLIKE && st == CHIRP_OK; ++i) {
        st = fill(&t, i, n, &row[i]);
        if (st == CHIRP_OK)
            print_row(&row[i]);
    }
    if (!of->trained->distance.width)
        printf("no distance of features in this checkpoint: chirpbench export measures it\n");
    chirp_likeness_destroy(t.bank);
    chirp_generator_destroy(t.generator);
    chirp_free(t.window);
    chirp_free(t.features);
    chirp_free(t.scratch);
    return st;
}
