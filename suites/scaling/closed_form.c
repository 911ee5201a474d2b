/*
 * The cost model by formula. e(N): expected maximum of N standard normals; S: bytes; L = ceil(log2 N) rounds.
 *
 *     compute     = micro_steps * micro_s + tail_s
 *     straggler   = e(N) * sd of the time before the exchange
 *     agreement   = L (fixed + latency)
 *     allreduce   = 2 sum over rounds of fixed + latency + S / 2^k (per_byte + 1 / bandwidth)
 *     study       : negotiation = cycles * cycle + agreement;   exposed = (2 S / copy + allreduce) (1 - hidden)
 *     overlap     : buckets queue on the communication core behind their ready times; exposed is what is left over
 */
#include "suites/scaling/plan.h"

#include <math.h>

double chirp_expected_maximum(int n)
{
    /* integral of 1 - F(x)^n over x > 0 less that of F(x)^n over x < 0; F from erfc, accurate in both tails */
    if (n < 2)
        return 0;
    const double step = 1e-3;
    double sum = 0;
    for (int i = 0; i < 9000; ++i) {
        const double x = (i + 0.5) * step;
        const double upper = 0.5 * erfc(x / sqrt(2.0)); /* 1 - F(x) = F(-x) */
        sum += -expm1(n * log1p(-upper)) - pow(upper, n);
    }
    return sum * step;
}

/* Largest power of two not above n. */
static int core_ranks(int n)
{
    int core = 1;
    while (core <= n / 2)
        core *= 2;
    return core;
}

static double exchange_s(const chirp_plan *p, int distance, double bytes)
{
    const bool local = distance < p->ranks_per_node;
    const double bandwidth = local ? p->local_bandwidth : p->bandwidth / p->ranks_per_node;
    return p->software_fixed + (local ? p->local_latency : p->latency) +
           bytes * (p->software_per_byte + 1 / bandwidth);
}

double chirp_allreduce_s(const chirp_plan *p, double bytes)
{
    const int core = core_ranks(p->ranks);
    double seconds = 0;
    double part = bytes;
    for (int distance = 1; distance < core; distance *= 2) {
        part /= 2;
        seconds += 2 * exchange_s(p, distance, part);
    }
    if (core <
        p->ranks) /* the ranks beyond fold their values into a neighbour's and get the sum back */
        seconds += 2 * exchange_s(p, core, bytes);
    return seconds;
}

double chirp_agreement_s(const chirp_plan *p)
{
    const int core = core_ranks(p->ranks);
    double seconds = 0;
    for (int distance = 1; distance < core; distance *= 2)
        seconds += exchange_s(p, distance, 8);
    if (core < p->ranks)
        seconds += 2 * exchange_s(p, core, 8);
    return seconds;
}

/* Time after the start of the last pass at which the last bucket is reduced, when passes take `pass` instead of
   micro_s: the communication core serves buckets in order. */
static double last_reduced_s(const chirp_plan *p, double pass)
{
    double free_at = 0;
    for (int b = 0; b < p->n_buckets; ++b) {
        const double ready = p->ready_s[b] * pass / p->micro_s;
        free_at = (ready > free_at ? ready : free_at) + chirp_allreduce_s(p, p->bytes[b]);
    }
    return free_at;
}

void chirp_closed_form(const chirp_plan *p, chirp_step_terms *t)
{
    const double k = p->micro_steps;
    *t = (chirp_step_terms){.compute = k * p->micro_s + p->tail_s};
    if (p->ranks > 1) {
        const double e = chirp_expected_maximum(p->ranks);
        const double share = p->jitter_permanent_share;
        /* over k passes the permanent part adds k times, the fresh part sqrt(k) times */
        const double growth = k * k * share + k * (1 - share);
        const double variance =
            growth * p->jitter_relative * p->jitter_relative * p->micro_s * p->micro_s +
            growth * p->jitter_absolute_s * p->jitter_absolute_s;
        double bytes = 0;
        for (int b = 0; b < p->n_buckets; ++b)
            bytes += p->bytes[b];
        switch (p->exchange) {
        case CHIRP_PLAN_STUDY:
            t->straggler = e * sqrt(variance);
            t->negotiation = p->cycles * p->cycle_s + chirp_agreement_s(p);
            t->exposed_allreduce =
                (2 * bytes / p->copy_bandwidth + chirp_allreduce_s(p, bytes)) * (1 - p->hidden);
            break;
        case CHIRP_PLAN_OVERLAP: {
            t->straggler = e * sqrt(variance);
            const double pass = p->micro_s + t->straggler / k;
            t->exposed_allreduce = fmax(0, last_reduced_s(p, pass) - pass);
            break;
        }
        case CHIRP_PLAN_DELAYED:
            /* A rank may run one step ahead of the slowest. What stays with a rank is waited for as ever. Fresh noise
               makes the ranks random walkers in a band one step wide, held from behind by the slowest: their density
               falls as exp(-2 v y / sd^2) towards the front, and N of them reach its edge for v = sd^2 ln N / 2 step. */
            t->straggler = e * sqrt(variance * k * k * share / growth);
            if (share < 1) {
                const double fresh = variance * k * (1 - share) / growth;
                t->straggler += fmin(e * sqrt(fresh), 0.5 * fresh * log(p->ranks) / t->compute);
            }
            for (int b = 0; b < p->n_buckets; ++b)
                t->exposed_allreduce += chirp_allreduce_s(p, p->bytes[b]);
            t->exposed_allreduce = fmax(0, t->exposed_allreduce - t->compute - t->straggler);
            break;
        }
    }
    t->seconds = t->compute + t->straggler + t->negotiation + t->exposed_allreduce;
}
