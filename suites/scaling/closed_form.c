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

static double wire_s(const chirp_plan *p, int distance, double bytes)
{
    const bool local = distance < p->ranks_per_node;
    const double bandwidth = local ? p->local_bandwidth : p->bandwidth / p->ranks_per_node;
    return (local ? p->local_latency : p->latency) + bytes / bandwidth;
}

double chirp_exchange_software_s(const chirp_plan *p, int distance, double bytes)
{
    const double software = p->software_fixed + bytes * p->software_per_byte;
    if (!(p->shared_processors > 0 && p->ranks > p->shared_processors))
        return software;
    /* on one computer the wire is copying as well, and all of it takes turns */
    const double turns = p->ranks / p->shared_processors;
    return turns * software + (turns - 1) * wire_s(p, distance, bytes);
}

static double exchange_s(const chirp_plan *p, int distance, double bytes)
{
    return chirp_exchange_software_s(p, distance, bytes) + wire_s(p, distance, bytes);
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

/*
 * MPICH's ways: an alltoall of few bytes goes through log2 N partners with half of everything each, of more to each partner in
 * turn; an allgather doubles up to 512 KiB on a power of two, and is a ring beyond.
 */
static double alltoall_and_allgather_s(const chirp_plan *p, double bytes)
{
    enum { FEW_BYTES = 256, FEW_RANKS = 8, LONG_BYTES = 512 << 10 };
    const double part = bytes / p->ranks;
    const int far = p->ranks > p->ranks_per_node ? p->ranks_per_node : 1;
    const int core = core_ranks(p->ranks);
    double seconds = 0;
    if (part <= FEW_BYTES && p->ranks >= FEW_RANKS)
        for (int distance = 1; distance < p->ranks; distance *= 2)
            seconds += exchange_s(p, far, bytes / 2);
    else
        seconds += (p->ranks - 1) * exchange_s(p, far, part);
    if (core < p->ranks || bytes >= LONG_BYTES)
        return seconds + (p->ranks - 1) * exchange_s(p, far, part);
    for (int distance = 1; distance < core; distance *= 2)
        seconds += exchange_s(p, distance, part * distance);
    return seconds;
}

double chirp_reduction_s(const chirp_plan *p, int b)
{
    if (p->half && p->ranks > 1)
        return alltoall_and_allgather_s(p, p->bytes[b]);
    return chirp_allreduce_s(p, p->bytes[b]);
}

double chirp_staging_s(const chirp_plan *p, int b)
{
    if (p->exchange == CHIRP_PLAN_STUDY || (p->exchange == CHIRP_PLAN_OVERLAP && !p->half))
        return 0;
    return p->bytes[b] * (p->half ? 2 : 1) / p->copy_bandwidth;
}

/* The median of m steps' times; a step's noise is that of its passes, independent of each other. */
double chirp_speed_error(const chirp_plan *p)
{
    const double fresh = p->jitter_relative * sqrt(1 - p->jitter_permanent_share);
    return sqrt(1.5707963267948966 / (p->micro_steps * p->share_steps)) * fresh;
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
        free_at = (ready > free_at ? ready : free_at) + chirp_reduction_s(p, b);
    }
    return free_at;
}

/* Variance of the permanent and the fresh part of a step's compute time [s^2]: over k passes the permanent part adds k
   times, the fresh part sqrt(k) times. */
static void variances(const chirp_plan *p, double *permanent, double *fresh)
{
    const double k = p->micro_steps;
    const double pass = p->jitter_relative * p->jitter_relative * p->micro_s * p->micro_s +
                        p->jitter_absolute_s * p->jitter_absolute_s;
    *permanent = k * k * p->jitter_permanent_share * pass;
    *fresh = k * (1 - p->jitter_permanent_share) * pass;
}

/* What ranks wait for one another, when the permanent part has this variance. */
static double waiting_s(const chirp_plan *p, double permanent, double fresh)
{
    const double e = chirp_expected_maximum(p->ranks);
    if (p->exchange != CHIRP_PLAN_DELAYED)
        return e * sqrt(permanent + fresh);
    /* A rank may run one step ahead of the slowest. What stays with a rank is waited for as ever. Fresh noise makes the ranks
       random walkers in a band one step wide, held from behind by the slowest: their density falls as exp(-2 v y / sd^2)
       towards the front, and N of them reach its edge for v = sd^2 ln N / 2 step. */
    const double compute = p->micro_steps * p->micro_s + p->tail_s;
    return e * sqrt(permanent) + fmin(e * sqrt(fresh), 0.5 * fresh * log(p->ranks) / compute);
}

static double straggler_s(const chirp_plan *p)
{
    double permanent = 0;
    double fresh = 0;
    variances(p, &permanent, &fresh);
    const double equal = waiting_s(p, permanent, fresh);
    if (p->share_parts == 0)
        return equal;
    /* the rank that is done last has on average half a part more than its speed would have; what is wrong in the measured
       speeds stays with the ranks */
    const double step = p->micro_steps * p->micro_s;
    const double wrong = chirp_speed_error(p) * step;
    return fmin(equal, 0.5 * step / p->share_parts + waiting_s(p, wrong * wrong, fresh));
}

void chirp_closed_form(const chirp_plan *p, chirp_step_terms *t)
{
    const double k = p->micro_steps;
    *t = (chirp_step_terms){.compute = k * p->micro_s + p->tail_s};
    if (p->ranks > 1) {
        double bytes = 0;
        double reductions = 0;
        double staging = 0;
        t->straggler = straggler_s(p);
        for (int b = 0; b < p->n_buckets; ++b) {
            bytes += p->bytes[b];
            reductions += chirp_reduction_s(p, b);
            staging += 2 * chirp_staging_s(p, b);
        }
        const double pass = p->micro_s + t->straggler / k;
        switch (p->exchange) {
        case CHIRP_PLAN_STUDY:
            t->negotiation = p->cycles * p->cycle_s + chirp_agreement_s(p);
            t->exposed_allreduce =
                (2 * bytes / p->copy_bandwidth + chirp_allreduce_s(p, bytes)) * (1 - p->hidden);
            break;
        case CHIRP_PLAN_OVERLAP:
            t->exposed_allreduce = staging + fmax(0, last_reduced_s(p, pass) - pass);
            break;
        case CHIRP_PLAN_DELAYED:
            t->exposed_allreduce = staging + fmax(0, reductions - t->compute - t->straggler);
            break;
        }
    }
    t->seconds = t->compute + t->straggler + t->negotiation + t->exposed_allreduce;
}
