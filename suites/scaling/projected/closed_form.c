/*
 * The cost model by formula. e(N): expected maximum of N standard normals; S: bytes; L = ceil(log2 N) rounds.
 *
 *     compute     = micro_steps * micro_s + tail_s
 *     straggler   = e(N) * sd of the time before the exchange
 *     agreement   = L (fixed + latency)
 *     allreduce   = 2 sum over rounds of fixed + latency + S / 2^k (per_byte + 1 / bandwidth)
 *     negotiates  : negotiation = cycles * cycle + agreement;   exposed = 2 S / copy + allreduce
 *     else        : negotiation = 2 agreements, the sum of the loss; buckets queue on the communication core behind their ready
 *                   times, and exposed is what is left over
 *     own messages: allreduce = 2 sum over rounds of fixed + latency + S / 2^k / bandwidth, + S / reduce
 *     shares      : straggler = that of the function shared_s(); node speeds may wander
 */
#include "suites/scaling/projected/engine.h"

#include "harness/stats/stats.h"

#include <math.h>

/*
 * Moments of the maximum M of n standard normal numbers, by midpoints: E[M] is the integral of P(M > x) - P(M < -x) over x > 0,
 * E[M^2] that of 2 x (P(M > x) + P(M < -x)); the normal distribution from erfc, accurate in both tails. The first integrand is
 * smooth and even, for which midpoints converge exponentially: they are far below 1e-9 here. The second one errs by 1e-5.
 */
static void maximum_moments(int n, double *first, double *second)
{
    const double step = 1e-2;
    *first = *second = 0;
    for (int i = 0; i < 900; ++i) {
        const double x = (i + 0.5) * step;
        const double upper = 0.5 * erfc(x / sqrt(2.0)); /* 1 - F(x) = F(-x) */
        const double above = -expm1(n * log1p(-upper));
        const double below = pow(upper, n);
        *first += step * (above - below);
        *second += step * 2 * x * (above + below);
    }
}

double chirp_expected_maximum(int n)
{
    double first = 0;
    double second = 0;
    if (n > 1)
        maximum_moments(n, &first, &second);
    return first;
}

double chirp_maximum_sd(int n)
{
    double first = 0;
    double second = 0;
    maximum_moments(n < 1 ? 1 : n, &first, &second);
    return sqrt(fmax(0, second - first * first));
}

/*
 * Expected maximum of n independent numbers X = sd * Z - whole * U, with Z standard normal and U uniform in (0, 1): signals can't
 * be split, so a rank may finish up to one signal early. Numerical integration of 1 - P(X <= y)^n, where
 *     P(X > y) = sd / whole (H(y / sd) - H((y + whole) / sd)),    H(t) = E[max(Z - t, 0)], here exceeded_by(t).
 */
static double exceeded_by(double t)
{
    return exp(-0.5 * t * t) / sqrt(2 * acos(-1.0)) - t * 0.5 * erfc(t / sqrt(2.0));
}

static double expected_last(int n, double sd, double whole)
{
    enum { STEPS = 4000 };
    sd = fmax(sd, 1e-6 * whole);
    const double low = -whole - 9 * sd;
    const double high = 9 * sd;
    const double step = (high - low) / STEPS;
    double below = 0; /* integral of the maximum's distribution function */
    for (int i = 0; i < STEPS; ++i) {
        const double y = low + (i + 0.5) * step;
        const double above = sd / whole * (exceeded_by(y / sd) - exceeded_by((y + whole) / sd));
        below += exp(n * log1p(-fmin(1, fmax(0, above)))) * step;
    }
    return high - below;
}

static double wire_s(const chirp_plan *p, int distance, double bytes)
{
    const bool local = distance < p->ranks_per_node;
    const double bandwidth = local ? p->local_bandwidth : p->bandwidth / p->ranks_per_node;
    return (local ? p->local_latency : p->latency) + bytes / bandwidth;
}

/* How many ranks take turns on a processor in exchanging. */
static double turns_of(const chirp_plan *p)
{
    return p->shared_processors > 0 ? fmax(1, p->ranks / p->shared_processors) : 1;
}

double chirp_exchange_software_s(const chirp_plan *p, int distance, double bytes)
{
    /* software_per_byte is the one thread in MPI that copies and adds. Messages of our own lie where they are sent from and
       are added by all threads; on one computer they are still copied, and no better number is known */
    const bool wire_only = p->exchange.own_messages && p->shared_processors == 0;
    const double software = p->software_fixed + (wire_only ? 0 : bytes * p->software_per_byte);
    /* on one computer the wire is copying as well, and all of it takes turns */
    const double turns = turns_of(p);
    return turns * software + (turns - 1) * wire_s(p, distance, bytes);
}

double chirp_sum_s(const chirp_plan *p, double bytes)
{
    if (!p->exchange.own_messages)
        return 0;
    return (p->shared_processors > 0 ? p->ranks : 1) * bytes / p->reduce_bandwidth;
}

static double exchange_s(const chirp_plan *p, int distance, double bytes)
{
    return chirp_exchange_software_s(p, distance, bytes) + wire_s(p, distance, bytes);
}

chirp_schedule_order chirp_plan_order(const chirp_plan *p)
{
    return p->exchange.own_messages ? CHIRP_SCHEDULE_TURNING : CHIRP_SCHEDULE_LIBRARY;
}

int64_t chirp_plan_floats(double bytes) { return llround(bytes / sizeof(float)); }

/* Of a schedule's messages: in every round the longest one, to rank 0's partner. */
static double messages_s(const chirp_plan *p, const chirp_schedule *s)
{
    double seconds = 0;
    for (int k = 0; k < s->n; ++k)
        seconds += exchange_s(p, s->round[k].out.partner, sizeof(float) * (double)s->round[k].most);
    return seconds;
}

double chirp_allreduce_s(const chirp_plan *p, double bytes)
{
    chirp_schedule s;
    chirp_schedule_reduce(chirp_plan_order(p), p->ranks, 0, chirp_plan_floats(bytes), &s);
    double seconds = messages_s(p, &s);
    for (int k = 0; k < s.n; ++k)
        if (s.round[k].in.action == CHIRP_SCHEDULE_ADD)
            seconds += chirp_sum_s(p, sizeof(float) * (double)s.round[k].most);
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
    const bool power_of_two = (p->ranks & (p->ranks - 1)) == 0;
    double seconds = 0;
    if (part <= FEW_BYTES && p->ranks >= FEW_RANKS)
        for (int distance = 1; distance < p->ranks; distance *= 2)
            seconds += exchange_s(p, far, bytes / 2);
    else
        seconds += (p->ranks - 1) * exchange_s(p, far, part);
    if (!power_of_two || bytes >= LONG_BYTES)
        return seconds + (p->ranks - 1) * exchange_s(p, far, part);
    for (int distance = 1; distance < p->ranks; distance *= 2)
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
    return p->half ? 2 * p->bytes[b] / p->copy_bandwidth : 0;
}

/* The median of m steps' times; a step's noise is that of its passes, independent of each other. */
double chirp_speed_error(const chirp_plan *p)
{
    double permanent = 0;
    double fresh = 0;
    chirp_jitter_parts(p, &permanent, &fresh);
    return sqrt(1.5707963267948966 / (p->micro_steps * p->speed_steps)) * fresh;
}

/* With a the mean of the m deviations shown and x the one j steps later: var(x - a) = 1 + var(a) - 2 cov(x, a). */
double chirp_speed_wander(const chirp_plan *p)
{
    const int m = p->speed_steps;
    if (!(p->correlation_steps > 0))
        return 0;
    const double kept = exp(-1 / p->correlation_steps);
    double sum = 0; /* of kept^0 ... kept^(m - 1) */
    double of_mean = 0;
    double power = 1;
    for (int k = 0; k < m; ++k, power *= kept) {
        sum += power;
        of_mean += (k ? 2 : 1) * (m - k) * power / ((double)m * m);
    }
    double mean = 0;
    for (int j = 1; j <= m; ++j)
        mean += sqrt(fmax(0, 1 + of_mean - 2 * pow(kept, j) * sum / m)) / m;
    return mean;
}

double chirp_agreement_s(const chirp_plan *p)
{
    chirp_schedule s;
    chirp_schedule_agree(p->ranks, 0, chirp_plan_floats(8), &s);
    return messages_s(p, &s);
}

double chirp_loss_sum_s(const chirp_plan *p) { return 2 * chirp_agreement_s(p); }

void chirp_jitter_parts(const chirp_plan *p, double *permanent, double *fresh)
{
    const double total = p->jitter_relative;
    *fresh = fmin(p->jitter_fresh, total);
    *permanent = sqrt(total * total - *fresh * *fresh);
}

double chirp_jitter_permanent(const chirp_plan *p, int i)
{
    double permanent = 0;
    double fresh = 0;
    if (p->ranks < 2)
        return 0;
    chirp_jitter_parts(p, &permanent, &fresh);
    /* no rank is more than twenty times as fast as the mean */
    return fmax(-0.95, permanent * chirp_normal_quantile((i + 1 - 0.375) / (p->ranks + 0.25)));
}

double chirp_shared_compute(const chirp_plan *p)
{
    double speed = 0;
    for (int i = 0; i < p->ranks; ++i)
        speed += 1 / (1 + chirp_jitter_permanent(p, i)) / p->ranks;
    return 1 / speed;
}

double chirp_plan_efficiency(const chirp_plan *p, double compute, double seconds)
{
    return fmin(1, compute / seconds * (p->share_signals > 0 ? chirp_shared_compute(p) : 1));
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

/*
 * What a step takes beyond the nominal one when work is split by speed in whole signals. Base: all ranks work all the time, from
 * the harmonic mean of their times. Whole signals add half a signal. Step-to-step noise and errors of the measured speeds decide which
 * rank is last. They add less than e(N) times their standard deviation, because only ranks that finish late matter; this and the
 * half signal are not independent, so one expected maximum covers both.
 */
static double shared_s(const chirp_plan *p, double step, double permanent, double fresh)
{
    const double h = chirp_shared_compute(p);
    const double signal = step / p->share_signals;
    const double wrong = hypot(chirp_speed_error(p) * step, chirp_speed_wander(p) * permanent);
    const double full = (h - 1) * step + 0.5 * h * signal;
    return full + expected_last(p->ranks, hypot(wrong, fresh), signal);
}

static double straggler_s(const chirp_plan *p)
{
    /* of a step: over k passes the permanent part adds k times, the fresh part sqrt(k) times */
    const double step = p->micro_steps * p->micro_s;
    const double e = chirp_expected_maximum(p->ranks);
    double permanent = 0;
    double fresh = 0;
    chirp_jitter_parts(p, &permanent, &fresh);
    permanent *= step;
    fresh *= sqrt(p->micro_steps) * p->micro_s;
    const double equal = e * hypot(permanent, fresh);
    if (p->share_signals == 0)
        return equal;
    const double shared = shared_s(p, step, permanent, fresh);
    /* shares that help nobody are not taken; but ranks don't see that their speeds will have changed */
    return p->correlation_steps > 0 ? shared : fmin(equal, shared);
}

/* Copies, and reductions that a pass of `pass` seconds doesn't hide. */
static double exposed_s(const chirp_plan *p, double pass)
{
    double copies = 0;
    double reductions = 0;
    for (int b = 0; b < p->n_buckets; ++b) {
        copies +=
            2 * (p->exchange.negotiates ? p->bytes[b] / p->copy_bandwidth : chirp_staging_s(p, b));
        reductions += chirp_reduction_s(p, b);
    }
    return copies + (p->exchange.negotiates ? reductions : fmax(0, last_reduced_s(p, pass) - pass));
}

void chirp_closed_form(const chirp_plan *p, chirp_step_terms *t)
{
    const double k = p->micro_steps;
    *t = (chirp_step_terms){.compute = k * p->micro_s + p->tail_s};
    if (p->ranks > 1 && !p->alone) {
        t->straggler = straggler_s(p);
        t->negotiation = p->exchange.negotiates ? p->cycles * p->cycle_s + chirp_agreement_s(p)
                                                : chirp_loss_sum_s(p);
        t->exposed_allreduce = exposed_s(p, p->micro_s + t->straggler / k);
    }
    t->seconds = t->compute + t->straggler + t->negotiation + t->exposed_allreduce;
}

static bool available(const char **version)
{
    if (version)
        *version = "";
    return true;
}

static chirp_status run(const chirp_plan *plan, chirp_step_terms *terms)
{
    chirp_closed_form(plan, terms);
    return CHIRP_OK;
}

const chirp_engine chirp_engine_closed_form = {
    .name = "closed_form", .title = "closed form", .available = available, .run = run};
