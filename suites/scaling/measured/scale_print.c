/* What was measured, as tables: step and its parts, points lost, Bayesian against deterministic, predictions. */
#include "suites/scaling/measured/measure.h"

#include <math.h>
#include <stdio.h>

static void print_times(const chirp_scale *scale, int base)
{
    printf("%5s %9s %11s %16s %9s %9s %9s %9s %9s %9s %9s\n", "ranks", "step", "efficiency",
           "from to", "compute", "waiting", "exposed", "hidden", "control", "input", "optimizer");
    for (int i = base; i < base + scale->options.n_counts; ++i) {
        const chirp_scale_row *row = &scale->row[i];
        const chirp_scale_terms *t = &row->repetition[chirp_scale_median(scale, i)];
        chirp_interval e = {0};
        char range[32] = "";
        if (chirp_scale_efficiency(scale, i, &e) == CHIRP_OK && e.confidence > 0 && i != base)
            (void)snprintf(range, sizeof range, "%6.1f to %5.1f", 100 * e.low, 100 * e.high);
        chirp_scale_budget lost;
        chirp_scale_loss(scale, i, &lost);
        printf("%5d %9.2f %9.1f %%%s %15s %9.2f %9.2f %9.2f %9.2f %9.2f %9.2f %9.2f\n", row->ranks,
               1e3 * t->total, 100 - lost.sum, row->oversubscribed ? "*" : " ", range,
               1e3 * t->compute, 1e3 * t->waiting, 1e3 * t->exposed,
               1e3 * fmax(0, row->alone_s - t->exposed), 1e3 * t->control, 1e3 * t->input,
               1e3 * t->optimizer);
    }
}

static void print_losses(const chirp_scale *scale, int base)
{
    if (scale->options.n_counts < 2)
        return;
    printf("\n%5s %9s %9s %9s %9s %9s %9s %9s %9s %9s\n", "ranks", "lost", "compute", "imbalance",
           "slowest", "exposed", "control", "input", "optimizer", "other");
    for (int i = base + 1; i < base + scale->options.n_counts; ++i) {
        chirp_scale_budget b;
        chirp_scale_loss(scale, i, &b);
        printf("%5d %9.1f %9.1f %9.1f %9.1f %9.1f %9.1f %9.1f %9.1f %9.1f\n", scale->row[i].ranks,
               b.sum, b.compute, b.imbalance, b.slowest, b.exposed, b.control, b.input, b.optimizer,
               b.other);
    }
}

static void print_predictions(const chirp_scale *scale, int base)
{
    for (int i = base; i < base + scale->options.n_counts; ++i) {
        double predicted = 0;
        if (!chirp_scale_predict(scale, i, &predicted))
            continue;
        const chirp_scale_row *row = &scale->row[i];
        const double measured = row->repetition[chirp_scale_median(scale, i)].total;
        printf("held out: %d ranks predicted from fewer, %.2f ms, measured %.2f ms, error %+.1f "
               "%%\n",
               row->ranks, 1e3 * predicted, 1e3 * measured, 100 * (predicted / measured - 1));
    }
    for (int i = base; i < base + scale->options.n_counts; ++i) {
        char text[160];
        if (chirp_scale_slow(scale, i, text, sizeof text))
            printf("%d ranks: %s\n", scale->row[i].ranks, text);
    }
}

static void print_costs(const chirp_scale *scale)
{
    bool any = false;
    for (int i = 0; i < scale->n_rows; ++i) {
        const chirp_scale_row *row = &scale->row[i];
        chirp_interval ratio;
        if (!chirp_scale_cost(scale, i, &ratio))
            continue;
        if (!any)
            printf("\ntime of a step over the deterministic network's, same ranks and threads\n"
                   "%5s %7s %11s %9s %16s\n",
                   "ranks", "threads", "variational", "ratio", "from to");
        printf("%5d %7d %11s %9.3f", row->ranks, row->threads, chirp_variant_name[row->variant],
               ratio.value);
        if (ratio.confidence > 0)
            printf(" %7.3f to %.3f", ratio.low, ratio.high);
        printf("\n");
        any = true;
    }
}

/* The same computers without a word between them. */
static void print_apart(const chirp_scale *scale, int base)
{
    for (int i = base; i < base + scale->options.n_counts; ++i) {
        chirp_scale_apart apart;
        if (chirp_scale_against_apart(scale, i, &apart))
            printf("%5d ranks without exchanging: %.1f ms, the fastest %.1f, the slowest %.1f; "
                   "exchanging and waiting keep %.1f %% of that\n",
                   scale->row[i].ranks, 1e3 * apart.mean, 1e3 * apart.min, 1e3 * apart.max,
                   100 * apart.efficiency);
    }
}

void chirp_scale_print(const chirp_scale *scale)
{
    const chirp_scale_options *o = &scale->options;
    bool crowded = false;
    printf("%s scaling, %s, batch %lld", o->strong ? "strong" : "weak", o->train.network,
           (long long)o->train.batch);
    if (o->train.accumulate > 1)
        printf(", %lld passes per exchange, shares %s", (long long)o->train.accumulate,
               o->train.shares);
    printf("; milliseconds per step, median of %d repetitions of %d steps;\npoints of efficiency "
           "lost to each part\n",
           o->repetitions, o->steps);
    for (int base = 0; base < scale->n_rows; base += o->n_counts) {
        printf("\nthreads %d, variational %s\n", scale->row[base].threads,
               chirp_variant_name[scale->row[base].variant]);
        print_times(scale, base);
        print_losses(scale, base);
        print_predictions(scale, base);
        print_apart(scale, base);
        for (int i = base; i < base + o->n_counts; ++i)
            crowded = crowded || scale->row[i].oversubscribed;
    }
    print_costs(scale);
    char doubt[160];
    if (chirp_scale_interval_doubt(scale, doubt, sizeof doubt))
        printf("\n%s\n", doubt);
    if (crowded)
        printf("\n* more threads than processors: this is a test of the program, not of the "
               "machine\n");
}
