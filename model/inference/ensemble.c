#include "model/inference/ensemble.h"
#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "model/inference/proposal.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Steps of the likelihood's power, and sweeps at each: a posterior e^60 times narrower than the prior is reached. */
enum { MOST_STEPS = 80, SWEEPS_A_STEP = 3 };
enum { KERNELS = 256 };
/* Share of proposals from the fitted density. */
#define INDEPENDENT 0.7

struct chirp_ensemble {
    chirp_ensemble_config config;
    double *x;                /* [walkers][dims] */
    double *value;            /* [walkers][2] logarithms of prior and likelihood */
    double *fitted;           /* [walkers] ln of the proposal's density; NaN: not known */
    chirp_proposal *proposal; /* NULL: none yet */
    double power;             /* of the likelihood */
    uint64_t sweep;
    int64_t calls, proposed, accepted;
};

chirp_status chirp_ensemble_create(const chirp_ensemble_config *c, chirp_ensemble **ensemble)
{
    if (c->dims < 1 || c->dims > CHIRP_ENSEMBLE_MOST_DIMS || c->walkers < c->dims + 3 ||
        c->walkers > 4096 || c->member > 3 || c->event >> 24)
        return chirp_fail(CHIRP_ERR_ARG,
                          "an ensemble of %d walkers in %d dimensions: expected 1 to %d "
                          "dimensions, and 3 walkers more",
                          c->walkers, c->dims, (int)CHIRP_ENSEMBLE_MOST_DIMS);
    chirp_ensemble *e = chirp_calloc(1, sizeof *e);
    if (!e)
        return CHIRP_ERR_NOMEM;
    e->config = *c;
    e->power = 1;
    e->x = chirp_calloc((size_t)(c->walkers * c->dims), sizeof *e->x);
    e->value = chirp_calloc((size_t)c->walkers, 2 * sizeof *e->value);
    e->fitted = chirp_calloc((size_t)c->walkers, sizeof *e->fitted);
    if (!e->x || !e->value || !e->fitted) {
        chirp_ensemble_destroy(e);
        return CHIRP_ERR_NOMEM;
    }
    *ensemble = e;
    return CHIRP_OK;
}

void chirp_ensemble_destroy(chirp_ensemble *e)
{
    if (!e)
        return;
    chirp_free(e->x);
    chirp_free(e->value);
    chirp_free(e->fitted);
    chirp_proposal_destroy(e->proposal);
    chirp_free(e);
}

double chirp_ensemble_acceptance(const chirp_ensemble *e)
{
    return e->proposed ? (double)e->accepted / (double)e->proposed : 0;
}

int64_t chirp_ensemble_calls(const chirp_ensemble *e) { return e->calls; }

/* Numbers of one sweep, or of the draw before it. */
static chirp_rng stream_of(const chirp_ensemble *e)
{
    const uint32_t which = e->config.member + 4 * (uint32_t)(e->config.event >> 16);
    return chirp_rng_stream_part(e->config.seed, CHIRP_RNG_CHAIN, which, e->sweep,
                                 (uint32_t)(e->config.event & 0xffff));
}

static void ask(chirp_ensemble *e, const double *x, double value[2])
{
    e->config.target(e->config.context, x, &value[0], &value[1]);
    e->calls += isfinite(value[0]);
    if (!isfinite(value[0]) || isnan(value[1]))
        value[0] = value[1] = -INFINITY;
}

static double density(const chirp_ensemble *e, const double value[2])
{
    return isfinite(value[1]) ? value[0] + e->power * value[1] : -(double)INFINITY;
}

/* Another walker than those in `not`, of which there are n. */
static int another(const chirp_ensemble *e, double uniform, const int * not, int n)
{
    int pick = (int)(uniform * (e->config.walkers - n));
    pick = pick < e->config.walkers - n ? pick : e->config.walkers - n - 1;
    for (int value = 0; value <= pick; ++value)
        for (int k = 0; k < n; ++k)
            if (not [k] == value) {
                ++pick;
                break;
            }
    return pick;
}

enum { KIND, A, B, STRETCH, FACTORS, FIT = FACTORS + CHIRP_ENSEMBLE_MOST_DIMS };
enum { CHOICE = FIT + 2 * CHIRP_ENSEMBLE_MOST_DIMS + 2, ACCEPT, NUMBERS };

/* Proposes a place for walker i. @return logarithm of the factor that its density is to be multiplied by */
static double propose(const chirp_ensemble *e, int i, chirp_rng rng, uint64_t first, double *to)
{
    const int d = e->config.dims;
    const double *x = e->x + i * d;
    const double kind = chirp_rng_uniform_double(rng, first + KIND);
    int taken[2] = {i, 0};
    taken[1] = another(e, chirp_rng_uniform_double(rng, first + A), taken, 1);
    const double *a = e->x + taken[1] * d;
    if (kind < 0.2) {
        const double root = (1 + chirp_rng_uniform_double(rng, first + STRETCH)) / sqrt(2),
                     z = root * root; /* density ~ z^(-1/2) from 1/2 to 2 */
        for (int j = 0; j < d; ++j)
            to[j] = a[j] + z * (x[j] - a[j]);
        return (d - 1) * log(z);
    }
    const double *b = e->x + another(e, chirp_rng_uniform_double(rng, first + B), taken, 2) * d;
    const double g = kind < 0.3 ? 1 : 2.38 / sqrt(2.0 * d);
    for (int j = 0; j < d; ++j) {
        const double u = chirp_rng_uniform_double(rng, first + FACTORS + (uint64_t)j);
        to[j] = x[j] + g * (1 + 0.2 * (u - 0.5)) * (a[j] - b[j]);
    }
    return 0;
}

void chirp_ensemble_run(chirp_ensemble *e, int64_t sweeps, double *x)
{
    const int d = e->config.dims, walkers = e->config.walkers;
    for (int64_t sweep = 0; sweep < sweeps; ++sweep) {
        const chirp_rng rng = stream_of(e);
        ++e->sweep;
        for (int i = 0; i < walkers; ++i) {
            double to[CHIRP_ENSEMBLE_MOST_DIMS], value[2];
            const uint64_t first = (uint64_t)i * NUMBERS;
            double factor = 0, fitted = (double)NAN;
            const bool independent =
                e->proposal && chirp_rng_uniform_double(rng, first + CHOICE) < INDEPENDENT;
            if (independent)
                chirp_proposal_draw(e->proposal, rng, first + FIT, to);
            else
                factor = propose(e, i, rng, first, to);
            ask(e, to, value);
            if (independent && isfinite(value[0])) {
                fitted = chirp_proposal_density(e->proposal, to);
                if (isnan(e->fitted[i]))
                    e->fitted[i] = chirp_proposal_density(e->proposal, e->x + i * d);
                factor = e->fitted[i] - fitted;
            }
            ++e->proposed;
            const double gain = factor + density(e, value) - density(e, e->value + 2 * i);
            if (log(chirp_rng_uniform_double(rng, first + ACCEPT)) < gain) {
                memcpy(e->x + i * d, to, (size_t)d * sizeof *to);
                memcpy(e->value + 2 * i, value, sizeof value);
                e->fitted[i] = fitted;
                ++e->accepted;
            }
        }
        if (x)
            memcpy(x + sweep * walkers * d, e->x, (size_t)(walkers * d) * sizeof *x);
    }
}

chirp_status chirp_ensemble_adapt(chirp_ensemble *e, int64_t sweeps)
{
    const int d = e->config.dims;
    const int64_t draws = sweeps * e->config.walkers, kernels = draws < KERNELS ? draws : KERNELS;
    double *x = chirp_calloc((size_t)(draws * d), sizeof *x);
    chirp_proposal *proposal = NULL;
    if (!x)
        return CHIRP_ERR_NOMEM;
    chirp_ensemble_run(e, sweeps, x);
    for (int64_t i = 0; i < kernels; ++i)
        memmove(x + i * d, x + i * draws / kernels * d, (size_t)d * sizeof *x);
    const chirp_status st = chirp_proposal_fit(d, x, kernels, &proposal);
    chirp_free(x);
    if (st == CHIRP_ERR_NUMERIC) /* few walkers have moved yet: on with what there is */
        return CHIRP_OK;
    if (st != CHIRP_OK)
        return st;
    chirp_proposal_destroy(e->proposal);
    e->proposal = proposal;
    for (int i = 0; i < e->config.walkers; ++i)
        e->fitted[i] = (double)NAN;
    return CHIRP_OK;
}

/* Sum and sum of squares of the weights exp(rise * likelihood), over the largest. */
static double effective(const double *value, int64_t n, double rise)
{
    double most = -INFINITY, sum = 0, square = 0;
    for (int64_t i = 0; i < n; ++i)
        most = fmax(most, value[2 * i + 1]);
    for (int64_t i = 0; i < n; ++i) {
        const double w = exp(rise * (value[2 * i + 1] - most));
        sum += w;
        square += w * w;
    }
    return sum * sum / square;
}

/* How far the likelihood's power may rise so that `least` of n points stay effective. */
static double find_rise(const double *value, int64_t n, double room, double least)
{
    if (effective(value, n, room) >= least)
        return room;
    double low = 0, high = room;
    for (int pass = 0; pass < 60; ++pass) {
        const double middle = low > 0 ? sqrt(low * high) : high * 1e-3;
        if (effective(value, n, middle) >= least)
            low = middle;
        else
            high = middle;
        if (low > 0 && high < 1.05 * low)
            break;
    }
    return low > 0 ? low : high;
}

/* Draws the walkers from n points by their weights: one uniform number, equal steps (Carpenter et al. 1999). */
static void draw(chirp_ensemble *e, const double *x, const double *value, int64_t n, double rise)
{
    const int d = e->config.dims, walkers = e->config.walkers;
    double most = -INFINITY, total = 0, reached = 0;
    for (int64_t i = 0; i < n; ++i)
        most = fmax(most, value[2 * i + 1]);
    for (int64_t i = 0; i < n; ++i)
        total += exp(rise * (value[2 * i + 1] - most));
    const double offset = chirp_rng_uniform_double(stream_of(e), 0);
    ++e->sweep;
    int64_t from = 0;
    for (int64_t i = 0, last = n - 1; from < walkers && i < n; ++i) {
        reached += exp(rise * (value[2 * i + 1] - most)) / total * walkers;
        for (; from < walkers && (reached > (double)from + offset || i == last); ++from) {
            memcpy(e->x + from * d, x + i * d, (size_t)d * sizeof *x);
            memcpy(e->value + 2 * from, value + 2 * i, 2 * sizeof *value);
            e->fitted[from] = (double)NAN;
        }
    }
}

chirp_status chirp_ensemble_settle(chirp_ensemble *e, const double *start, int64_t n)
{
    const int d = e->config.dims, walkers = e->config.walkers;
    double most = -INFINITY;
    if (n < walkers)
        return chirp_fail(CHIRP_ERR_ARG, "%lld starting points for %d walkers", (long long)n,
                          walkers);
    const int64_t room = n > walkers ? n : walkers;
    double *value = chirp_calloc((size_t)room, 2 * sizeof *value),
           *x = chirp_calloc((size_t)(room * d), sizeof *x);
    if (!value || !x) {
        chirp_free(value);
        chirp_free(x);
        return CHIRP_ERR_NOMEM;
    }
    memcpy(x, start, (size_t)(n * d) * sizeof *x);
    for (int64_t i = 0; i < n; ++i) {
        ask(e, x + i * d, value + 2 * i);
        most = fmax(most, value[2 * i + 1]);
    }
    e->power = 0;
    chirp_status st = CHIRP_OK;
    for (int step = 0; st == CHIRP_OK && isfinite(most) && e->power < 1; ++step) {
        const double least = step == 0 ? fmin(walkers, 0.5 * (double)n) : 0.5 * walkers;
        const double rise =
            step < MOST_STEPS ? find_rise(value, n, 1 - e->power, least) : 1 - e->power;
        draw(e, x, value, n, rise);
        e->power = fmin(1, e->power + rise);
        st = chirp_ensemble_adapt(e, SWEEPS_A_STEP);
        n = walkers;
        memcpy(x, e->x, (size_t)(n * d) * sizeof *x);
        memcpy(value, e->value, (size_t)n * 2 * sizeof *value);
    }
    e->power = 1;
    chirp_free(value);
    chirp_free(x);
    return isfinite(most)
               ? CHIRP_OK
               : chirp_fail(CHIRP_ERR_NUMERIC, "the likelihood is finite at no starting point");
}
