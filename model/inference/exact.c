#include "model/inference/exact.h"
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/stats/stats.h"
#include "kernels/random/random.h"
#include "model/inference/amplitude.h"
#include "model/inference/ensemble.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

enum { MEMBERS = 4, WALKERS = 64, STARTS = 256, MOST_RUNS = 4, PARTS = 24 };
enum { ADAPTATIONS = 2, ADAPT_SWEEPS = 8 };

/* What is sampled: ln(chirp mass / solar mass), m2/m1, spins, then a time for each detector. */
enum { LN_MASS, RATIO, CHI1, CHI2, TIME, MOST_PARAMETERS = TIME + CHIRP_EXACT_DETECTORS };

const char *const chirp_exact_name[CHIRP_EXACT_QUANTITIES] = {
    "m1", "m2", "a_f", "omega_R", "omega_I", "chirp_mass", "total_mass", "chi1", "chi2"};

/* One event. Read only while chains run. */
typedef struct event {
    const chirp_signal_config *config;
    int n_detectors;
    const chirp_match *match[CHIRP_EXACT_DETECTORS];
    double *spectrum[CHIRP_EXACT_DETECTORS];
    chirp_amplitude amplitude[CHIRP_EXACT_DETECTORS];
    double f_hz[CHIRP_EXACT_DETECTORS][PARTS],
        slope[CHIRP_EXACT_DETECTORS][PARTS]; /* of origin_of() */
    uint64_t seed, number;
    double low[MOST_PARAMETERS], high[MOST_PARAMETERS]; /* range of each parameter */
    int dims, is_free[MOST_PARAMETERS];                 /* parameters whose range isn't a point */
} event;

/* One ensemble of an event, for one thread. */
typedef struct member {
    const event *event;
    chirp_match_scratch *scratch[CHIRP_EXACT_DETECTORS];
    chirp_ensemble *ensemble;
} member;

chirp_exact_options chirp_exact_options_default(void)
{
    return (chirp_exact_options){.samples = 1000, .effective_least = 300, .sweeps = 40};
}

chirp_status chirp_exact_quantities(const chirp_binary *b, double *value)
{
    const double total = b->m1_msun + b->m2_msun;
    value[CHIRP_LABEL_M1] = b->m1_msun;
    value[CHIRP_LABEL_M2] = b->m2_msun;
    value[CHIRP_LABEL_FINAL_SPIN] = chirp_final_spin(b);
    value[CHIRP_EXACT_CHIRP_MASS] = pow(b->m1_msun * b->m2_msun, 0.6) / pow(total, 0.2);
    value[CHIRP_EXACT_TOTAL_MASS] = total;
    value[CHIRP_EXACT_CHI1] = b->chi1;
    value[CHIRP_EXACT_CHI2] = b->chi2;
    return chirp_qnm(value[CHIRP_LABEL_FINAL_SPIN], &value[CHIRP_LABEL_OMEGA_R],
                     &value[CHIRP_LABEL_OMEGA_I]);
}

/* All parameters from those that are free. */
static void unpack(const event *e, const double *x, double *p)
{
    memcpy(p, e->low, sizeof e->low);
    for (int j = 0; j < e->dims; ++j)
        p[e->is_free[j]] = x[j];
}

static chirp_binary binary_of(const double *p)
{
    const double q = p[RATIO], m1 = exp(p[LN_MASS]) * pow(1 + q, 0.2) * pow(q, -0.6);
    return (chirp_binary){m1, q * m1, p[CHI1], p[CHI2]};
}

/* ln of the prior, uniform in m1, m2 and spins: d m1 d m2 = m1^2 d ln(chirp mass) dq. */
static double mass_prior(const event *e, const double *p, const chirp_binary *b)
{
    static const double slack = 1e-9; /* for masses that the prior fixes */
    const chirp_signal_config *c = e->config;
    for (int j = 0; j < TIME; ++j)
        if (!(p[j] >= e->low[j] && p[j] <= e->high[j]))
            return -INFINITY;
    if (!(b->m2_msun >= c->mass_min_msun * (1 - slack)) ||
        !(b->m1_msun <= c->mass_max_msun * (1 + slack)))
        return -INFINITY;
    return 2 * log(b->m1_msun);
}

/* A time near the strain's peak that costs nothing to find: the peak lies 8 to 17 M before the time of F_peak as a rule. */
static double near_peak(const chirp_phenomd *m)
{
    return m->mass_s * ((m->t0 + m->c2_mrd) / (2 * M_PI) - 11);
}

/*
 * The origin of a detector's time parameter: the time of the straight line through the signal's phase, by least squares over
 * the frequencies where the event has its power. A window fixes that time whatever the masses are; it fixes the merger's only to
 * what is left of the other parameters, and a thin bent sheet in all parameters would be hard to sample.
 */
static double origin_of(const event *e, int d, const chirp_phenomd *m)
{
    double slope = 0;
    for (int j = 0; j < PARTS; ++j)
        slope += e->slope[d][j] * chirp_phenomd_raw_phase(m, e->f_hz[d][j]);
    return slope / (2 * M_PI);
}

/* Where near_peak() falls in the window of a detector. */
static double near_merger(const event *e, int d, const chirp_phenomd *m, double t)
{
    return t + near_peak(m) - origin_of(e, d, m);
}

/* Whether the strain's peak is in the trained range. The peak itself is looked for only near an edge. */
static bool in_range(const event *e, const chirp_phenomd *m, double near, double *peak_s)
{
    const chirp_signal_config *c = e->config;
    const double far = 30 * m->mass_s;
    if (near > c->merger_min_s + far && near < c->merger_max_s - far)
        return true;
    if (near < c->merger_min_s - far || near > c->merger_max_s + far)
        return false;
    if (isnan(*peak_s))
        *peak_s = chirp_phenomd_peak_time(m);
    const double merger = near + *peak_s - near_peak(m);
    return merger >= c->merger_min_s && merger <= c->merger_max_s;
}

static bool fixed_time(const event *e)
{
    return e->config->merger_max_s <= e->config->merger_min_s;
}

static void target(void *context, const double *x, double *prior, double *likelihood)
{
    const member *m = context;
    const event *e = m->event;
    double p[MOST_PARAMETERS], near[CHIRP_EXACT_DETECTORS], peak_s = (double)NAN;
    unpack(e, x, p);
    const chirp_binary b = binary_of(p);
    chirp_phenomd model;
    *likelihood = 0;
    *prior = mass_prior(e, p, &b);
    if (!isfinite(*prior))
        return;
    bool inside = chirp_phenomd_prepare(&b, &model) == CHIRP_OK;
    if (inside && fixed_time(e))
        peak_s = chirp_phenomd_peak_time(&model);
    for (int d = 0; inside && d < e->n_detectors; ++d) {
        near[d] = fixed_time(e) ? p[TIME + d] + near_peak(&model) - peak_s
                                : near_merger(e, d, &model, p[TIME + d]);
        inside = fixed_time(e) || in_range(e, &model, near[d], &peak_s);
    }
    if (!inside)
        *prior = -INFINITY;
    for (int d = 0; inside && d < e->n_detectors; ++d)
        *likelihood += chirp_amplitude_likelihood(
            &e->amplitude[d], chirp_match_at(e->match[d], m->scratch[d], e->spectrum[d], &model,
                                             near_peak(&model), near[d], NULL));
}

/* Ranges of the parameters; a time's says only whether it is free, as its origin isn't the merger. */
static chirp_status set_ranges(event *e)
{
    const chirp_signal_config *c = e->config;
    const double unit = pow(2, -0.2); /* chirp mass of equal masses 1 and 1 */
    for (int j = 0; j < TIME + e->n_detectors; ++j) {
        e->low[j] = j < TIME ? -c->spin_max : c->merger_min_s;
        e->high[j] = j < TIME ? c->spin_max : c->merger_max_s;
    }
    e->low[LN_MASS] = log(c->mass_min_msun * unit);
    e->high[LN_MASS] = log(c->mass_max_msun * unit);
    e->low[RATIO] = fmax(1 / c->mass_ratio_max, c->mass_min_msun / c->mass_max_msun);
    e->high[RATIO] = 1;
    for (int j = 0; j < TIME + e->n_detectors; ++j)
        if (e->high[j] > e->low[j])
            e->is_free[e->dims++] = j;
    return e->dims ? CHIRP_OK
                   : chirp_fail(CHIRP_ERR_RANGE, "the prior allows a single signal only: widen the "
                                                 "range of masses, spins or merger times");
}

/* A binary anywhere in the prior. @return false when the draw falls outside */
static bool draw_binary(const event *e, uint64_t which, double *p, chirp_phenomd *model)
{
    const chirp_rng rng = chirp_rng_stream_part(e->seed, CHIRP_RNG_CHAIN, 1023, which,
                                                (uint32_t)(e->number & 0xffff));
    for (int j = 0; j < TIME; ++j)
        p[j] = e->low[j] + (e->high[j] - e->low[j]) * chirp_rng_uniform_double(rng, (uint64_t)j);
    const chirp_binary b = binary_of(p);
    return isfinite(mass_prior(e, p, &b)) && chirp_phenomd_prepare(&b, model) == CHIRP_OK;
}

/* One starting point: anything that the prior allows, at the times that fit best. */
static bool start_point(const member *m, uint64_t which, double *x)
{
    const event *e = m->event;
    double p[MOST_PARAMETERS];
    chirp_phenomd model;
    if (!draw_binary(e, which, p, &model))
        return false;
    const double peak_s = chirp_phenomd_peak_time(&model);
    for (int d = 0; d < e->n_detectors; ++d) {
        (void)chirp_match_scan(e->match[d], m->scratch[d], e->spectrum[d], &model, peak_s,
                               &p[TIME + d]);
        p[TIME + d] += origin_of(e, d, &model) - peak_s;
    }
    for (int j = 0; j < e->dims; ++j)
        x[j] = p[e->is_free[j]];
    return true;
}

/* Weights of origin_of() for the signal that fits best among some of the prior. */
static chirp_status set_origin(event *e, int d)
{
    chirp_match_scratch *scratch = NULL;
    chirp_status st = chirp_match_scratch_create(e->match[d], &scratch);
    chirp_phenomd best = {.eta = 0};
    double most = -1, power[PARTS], mean = 0, square = 0;
    for (uint64_t i = 0; st == CHIRP_OK && i < 2 * STARTS; ++i) {
        double p[MOST_PARAMETERS], at;
        chirp_phenomd model;
        if (!draw_binary(e, i, p, &model))
            continue;
        const double found =
            chirp_match_scan(e->match[d], scratch, e->spectrum[d], &model, near_peak(&model), &at);
        if (found > most) {
            most = found;
            best = model;
        }
    }
    if (st == CHIRP_OK && most < 0)
        st = chirp_fail(CHIRP_ERR_RANGE, "the prior's masses leave no room to start from: widen "
                                         "their range or the largest mass ratio");
    if (st == CHIRP_OK)
        chirp_match_power(e->match[d], scratch, &best, PARTS, e->f_hz[d], power);
    chirp_match_scratch_destroy(scratch);
    for (int j = 0; st == CHIRP_OK && j < PARTS; ++j)
        mean += power[j] * e->f_hz[d][j];
    for (int j = 0; st == CHIRP_OK && j < PARTS; ++j)
        square += power[j] * (e->f_hz[d][j] - mean) * (e->f_hz[d][j] - mean);
    for (int j = 0; st == CHIRP_OK && j < PARTS; ++j)
        e->slope[d][j] = power[j] * (e->f_hz[d][j] - mean) / square;
    return st;
}

static void member_destroy(member *m)
{
    for (int d = 0; d < CHIRP_EXACT_DETECTORS; ++d)
        chirp_match_scratch_destroy(m->scratch[d]);
    chirp_ensemble_destroy(m->ensemble);
}

static chirp_status member_create(const event *e, int which, member *m)
{
    const chirp_ensemble_config config = {.dims = e->dims,
                                          .walkers = WALKERS,
                                          .target = target,
                                          .context = m,
                                          .seed = e->seed,
                                          .event = e->number,
                                          .member = (uint32_t)which};
    double start[STARTS * MOST_PARAMETERS];
    chirp_status st = CHIRP_OK;
    *m = (member){.event = e};
    for (int d = 0; st == CHIRP_OK && d < e->n_detectors; ++d)
        st = chirp_match_scratch_create(e->match[d], &m->scratch[d]);
    if (st == CHIRP_OK)
        st = chirp_ensemble_create(&config, &m->ensemble);
    if (st != CHIRP_OK)
        return st;
    enum { TRIES = 100 * STARTS };
    int found = 0;
    for (int try = 0; try < TRIES && found < STARTS; ++try)
        found +=
            start_point(m, (uint64_t)(which * TRIES + try) + (e->number >> 16) * MEMBERS * TRIES,
                        start + found * e->dims);
    if (found < WALKERS)
        return chirp_fail(CHIRP_ERR_RANGE, "the prior's masses leave no room to start from: widen "
                                           "their range or the largest mass ratio");
    st = chirp_ensemble_settle(m->ensemble, start, found);
    for (int pass = 0; st == CHIRP_OK && pass < ADAPTATIONS; ++pass)
        st = chirp_ensemble_adapt(m->ensemble, ADAPT_SWEEPS);
    return st;
}

/* Calls `what` for every member, in parallel. */
static chirp_status create_members(const event *e, int threads, member *members)
{
    int failed = -1;
    memset(members, 0, MEMBERS * sizeof *members);
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
    for (int i = 0; i < MEMBERS; ++i) {
        if (member_create(e, i, &members[i]) != CHIRP_OK) {
#pragma omp critical(chirp_exact_failure)
            failed = i;
        }
    }
    if (failed < 0)
        return CHIRP_OK;
    member_destroy(&members[failed]); /* sentences are kept per thread: make this one's again */
    return member_create(e, failed, &members[failed]);
}

static void run_members(member *members, int threads, int64_t sweeps, double *x)
{
    const int64_t part = sweeps * WALKERS * members[0].event->dims;
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
    for (int i = 0; i < MEMBERS; ++i)
        chirp_ensemble_run(members[i].ensemble, sweeps, x ? x + i * part : NULL);
}

static chirp_status summarise(const double *draws, int64_t sweeps, double *sorted,
                              chirp_exact_summary *s)
{
    const int64_t n = MEMBERS * WALKERS * sweeps;
    const chirp_chains chains = {
        .x = draws, .ensembles = MEMBERS, .walkers = WALKERS, .sweeps = sweeps};
    chirp_convergence c;
    const chirp_status st = chirp_convergence_measure(&chains, &c);
    if (st != CHIRP_OK)
        return st;
    memcpy(sorted, draws, (size_t)n * sizeof *sorted);
    chirp_sort(sorted, (size_t)n);
    *s = (chirp_exact_summary){.mean = chirp_stats_mean(draws, (size_t)n),
                               .std = chirp_stats_stddev(draws, (size_t)n),
                               .median = chirp_stats_quantile_sorted(sorted, (size_t)n, 0.5),
                               .r_hat = c.r_hat,
                               .effective = c.effective};
    for (int side = 0; side < 2; ++side) {
        s->interval_50[side] = chirp_stats_quantile_sorted(sorted, (size_t)n, side ? 0.75 : 0.25);
        s->interval_90[side] = chirp_stats_quantile_sorted(sorted, (size_t)n, side ? 0.95 : 0.05);
    }
    return CHIRP_OK;
}

/* Values of all quantities at all draws, and their summaries. @param value  [quantities][draws] */
static chirp_status describe(const event *e, const double *x, int64_t sweeps, double *value,
                             chirp_exact_result *r)
{
    const int64_t n = MEMBERS * WALKERS * sweeps;
    chirp_status st = CHIRP_OK;
    double *sorted = chirp_alloc((size_t)n * sizeof *sorted);
    if (!sorted)
        return CHIRP_ERR_NOMEM;
    for (int64_t i = 0; st == CHIRP_OK && i < n; ++i) {
        double p[MOST_PARAMETERS], of_draw[CHIRP_EXACT_QUANTITIES];
        unpack(e, x + i * e->dims, p);
        const chirp_binary b = binary_of(p);
        st = chirp_exact_quantities(&b, of_draw);
        for (int q = 0; q < CHIRP_EXACT_QUANTITIES; ++q)
            value[q * n + i] = of_draw[q];
    }
    r->r_hat = 0;
    r->effective = INFINITY;
    for (int q = 0; st == CHIRP_OK && q < CHIRP_EXACT_QUANTITIES; ++q) {
        st = summarise(value + q * n, sweeps, sorted, &r->summary[q]);
        r->r_hat = fmax(r->r_hat, r->summary[q].r_hat);
        r->effective = fmin(r->effective, r->summary[q].effective);
    }
    r->doubtful = !(r->r_hat <= CHIRP_CONVERGENCE_R_HAT_MOST &&
                    r->effective >= CHIRP_CONVERGENCE_EFFECTIVE_LEAST);
    chirp_free(sorted);
    return st;
}

/* SNR and merger time of the samples: both follow from b and the binary. */
static chirp_status fill_nuisance(const event *e, const member *m, const double *x, int64_t i,
                                  chirp_exact_result *r)
{
    double p[MOST_PARAMETERS];
    unpack(e, x, p);
    const chirp_binary b = binary_of(p);
    chirp_phenomd model;
    const chirp_status st = chirp_phenomd_prepare(&b, &model);
    if (st != CHIRP_OK)
        return st;
    const double peak_s = chirp_phenomd_peak_time(&model);
    const chirp_rng rng = chirp_rng_stream_part(e->seed, CHIRP_RNG_CHAIN, 1022, e->number >> 16,
                                                (uint32_t)(e->number & 0xffff));
    for (int d = 0; d < e->n_detectors; ++d) {
        const double merger = fixed_time(e) ? p[TIME + d]
                                            : p[TIME + d] + peak_s - origin_of(e, d, &model),
                     match = chirp_match_at(e->match[d], m->scratch[d], e->spectrum[d], &model,
                                            peak_s, merger, NULL);
        const double u = chirp_rng_uniform_double(rng, (uint64_t)(i * CHIRP_EXACT_DETECTORS + d));
        r->snr[d * r->n + i] = chirp_amplitude_snr(&e->amplitude[d], match, u);
        r->merger_s[d * r->n + i] = merger;
    }
    return CHIRP_OK;
}

/* Keeps `samples` of the draws, evenly. */
static chirp_status keep(const event *e, const member *m, const double *x, const double *value,
                         int64_t draws, chirp_exact_result *r)
{
    r->sample = chirp_calloc((size_t)(CHIRP_EXACT_QUANTITIES * r->n), sizeof *r->sample);
    r->snr = chirp_calloc((size_t)(e->n_detectors * r->n), sizeof *r->snr);
    r->merger_s = chirp_calloc((size_t)(e->n_detectors * r->n), sizeof *r->merger_s);
    chirp_status st = r->sample && r->snr && r->merger_s ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int64_t i = 0; st == CHIRP_OK && i < r->n; ++i) {
        const int64_t at = (int64_t)(((double)i + 0.5) * (double)draws / (double)r->n);
        for (int q = 0; q < CHIRP_EXACT_QUANTITIES; ++q)
            r->sample[q * r->n + i] = value[q * draws + at];
        st = fill_nuisance(e, m, x + at * e->dims, i, r);
    }
    return st;
}

/* Runs of doubling length, each with the last one as its burn-in, until the draws suffice. */
static chirp_status sample(const event *e, const chirp_exact_options *o, int threads,
                           chirp_exact_result *r)
{
    member members[MEMBERS];
    double *x = NULL, *value = NULL;
    int64_t sweeps = o->sweeps, draws = 0;
    chirp_status st = create_members(e, threads, members);
    if (st == CHIRP_OK)
        run_members(members, threads, sweeps / 8, NULL);
    for (int run = 0; st == CHIRP_OK && run < MOST_RUNS; ++run, sweeps *= 2) {
        draws = MEMBERS * WALKERS * sweeps;
        chirp_free(x);
        chirp_free(value);
        x = chirp_alloc((size_t)(draws * e->dims) * sizeof *x);
        value = chirp_alloc((size_t)(draws * CHIRP_EXACT_QUANTITIES) * sizeof *value);
        st = x && value ? CHIRP_OK : CHIRP_ERR_NOMEM;
        if (st == CHIRP_OK)
            run_members(members, threads, sweeps, x);
        if (st == CHIRP_OK)
            st = describe(e, x, sweeps, value, r);
        if (r->r_hat <= CHIRP_CONVERGENCE_R_HAT_MOST && r->effective >= o->effective_least)
            break;
    }
    r->n_detectors = e->n_detectors;
    r->n = o->samples;
    if (st == CHIRP_OK)
        st = keep(e, &members[0], x, value, draws, r);
    for (int i = 0; i < MEMBERS; ++i) {
        if (members[i].ensemble) {
            r->calls += chirp_ensemble_calls(members[i].ensemble);
            r->acceptance += chirp_ensemble_acceptance(members[i].ensemble) / MEMBERS;
        }
        member_destroy(&members[i]);
    }
    chirp_free(x);
    chirp_free(value);
    return st;
}

void chirp_exact_result_destroy(chirp_exact_result *r)
{
    chirp_free(r->sample);
    chirp_free(r->snr);
    chirp_free(r->merger_s);
    *r = (chirp_exact_result){0};
}

const char *chirp_exact_doubt(const chirp_exact_result *r, char text[160])
{
    if (!r->doubtful)
        return NULL;
    (void)snprintf(text, 160,
                   "the chains have not converged: R-hat %.3f (at most %g), %.0f effective draws "
                   "(at least %g)",
                   r->r_hat, CHIRP_CONVERGENCE_R_HAT_MOST, r->effective,
                   CHIRP_CONVERGENCE_EFFECTIVE_LEAST);
    return text;
}

static chirp_status check(const chirp_signal_config *c, const chirp_exact_options *o)
{
    if (!c->noise)
        return chirp_fail(CHIRP_ERR_ARG, "noiseless signals have no posterior: the exact posterior "
                                         "needs windows with noise");
    if (o->samples < 2 || o->samples > 1000000 || o->sweeps < 10 || o->sweeps > 100000 ||
        !(o->effective_least >= 0))
        return chirp_fail(CHIRP_ERR_ARG,
                          "%lld samples of runs of %lld sweeps: expected 2 to 1e6, "
                          "and 10 to 1e5",
                          (long long)o->samples, (long long)o->sweeps);
    return CHIRP_OK;
}

/* One event on `threads` threads; the matches are made. */
static chirp_status run_event(const chirp_signal_config *config, chirp_match *const *match,
                              int n_detectors, const float *window, const uint64_t seed[2],
                              const chirp_exact_options *o, int threads, chirp_exact_result *r)
{
    const double from = chirp_now_s();
    event e = {.config = config, .n_detectors = n_detectors, .seed = seed[0], .number = seed[1]};
    chirp_status st = set_ranges(&e);
    *r = (chirp_exact_result){0};
    for (int d = 0; st == CHIRP_OK && d < n_detectors; ++d) {
        const float *y = window + d * config->length;
        double square = 0;
        for (int64_t i = 0; i < config->length; ++i)
            square += (double)y[i] * (double)y[i];
        e.match[d] = match[d];
        e.amplitude[d] = (chirp_amplitude){
            .square = square, .freedom = chirp_match_noise_power(match[d]), .prior = config};
        e.spectrum[d] = chirp_calloc((size_t)chirp_match_bins(match[d]), 2 * sizeof(double));
        st = e.spectrum[d] ? chirp_match_window(match[d], y, e.spectrum[d]) : CHIRP_ERR_NOMEM;
        if (st == CHIRP_OK && !(square > 0))
            st = chirp_fail(CHIRP_ERR_NUMERIC, "the window holds only zeros");
        if (st == CHIRP_OK)
            st = set_origin(&e, d);
    }
    if (st == CHIRP_OK)
        st = sample(&e, o, threads, r);
    for (int d = 0; d < n_detectors; ++d)
        chirp_free(e.spectrum[d]);
    r->seconds = chirp_now_s() - from;
    if (st != CHIRP_OK)
        chirp_exact_result_destroy(r);
    return st;
}

chirp_status chirp_exact_event(const chirp_signal_config *config, const chirp_match_curve *curve,
                               int n_detectors, const float *window, uint64_t seed,
                               const chirp_exact_options *options, chirp_exact_result *result)
{
    const chirp_exact_options o = options ? *options : chirp_exact_options_default();
    const uint64_t numbers[2] = {seed, 0};
    chirp_match *match[CHIRP_EXACT_DETECTORS] = {0};
    chirp_status st = check(config, &o);
    if (st == CHIRP_OK && (n_detectors < 1 || n_detectors > CHIRP_EXACT_DETECTORS))
        st = chirp_fail(CHIRP_ERR_ARG, "%d detectors: expected 1 to %d", n_detectors,
                        (int)CHIRP_EXACT_DETECTORS);
    for (int d = 0; st == CHIRP_OK && d < n_detectors; ++d)
        st = chirp_match_create(config, curve ? &curve[d] : NULL, &match[d]);
    if (st == CHIRP_OK)
        st = run_event(config, match, n_detectors, window, numbers, &o,
                       o.n_threads ? o.n_threads : omp_get_max_threads(), result);
    for (int d = 0; d < CHIRP_EXACT_DETECTORS; ++d)
        chirp_match_destroy(match[d]);
    return st;
}

chirp_status chirp_exact_window(const chirp_signal_config *config, const chirp_match_curve *curve,
                                const float *window, uint64_t seed,
                                const chirp_exact_options *options, chirp_exact_result *result)
{
    return chirp_exact_event(config, curve, 1, window, seed, options, result);
}

chirp_status chirp_exact_table(const chirp_signal_config *config, const chirp_match_curve *curve,
                               const float *window, uint64_t first, int64_t n, uint64_t seed,
                               const chirp_exact_options *options, chirp_exact_result *result)
{
    const chirp_exact_options o = options ? *options : chirp_exact_options_default();
    const int threads = o.n_threads ? o.n_threads : omp_get_max_threads();
    chirp_match *match = NULL;
    int64_t failed = -1;
    chirp_status st = check(config, &o);
    if (st == CHIRP_OK && (n < 0 || first + (uint64_t)n > (1u << 24)))
        st = chirp_fail(CHIRP_ERR_ARG, "windows %llu and %lld more: expected at most 2^24",
                        (unsigned long long)first, (long long)n);
    if (st == CHIRP_OK)
        st = chirp_match_create(config, curve, &match);
    if (st != CHIRP_OK)
        return st;
    for (int64_t i = 0; i < n; ++i)
        result[i] = (chirp_exact_result){0};
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int64_t i = 0; i < n; ++i) {
        const uint64_t numbers[2] = {seed, first + (uint64_t)i};
        if (run_event(config, &match, 1, window + i * config->length, numbers, &o, 1, &result[i]) !=
            CHIRP_OK) {
#pragma omp critical(chirp_exact_failure)
            failed = i;
        }
    }
    if (failed >= 0) { /* sentences are kept per thread: make this one's again */
        const uint64_t numbers[2] = {seed, first + (uint64_t)failed};
        st = run_event(config, &match, 1, window + failed * config->length, numbers, &o, 1,
                       &result[failed]);
        for (int64_t i = 0; i < n; ++i)
            chirp_exact_result_destroy(&result[i]);
    }
    chirp_match_destroy(match);
    return st;
}
