/*
 * Error rates of compare's rule on made-up times: false alarms of equal pairs, and which slowdowns of one row are found, by noise,
 * repetitions and rows. Times are log-normal; with --shift every run (file) of every row is shifted as a whole by a normal
 * amount of that share of the noise. A pair's random numbers follow from the seed and its place in the table alone.
 * --check asserts what judge.h promises and prints nothing else: the ctest.
 */
#include "harness/base/hash.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/compare/compare.h"
#include "harness/stats/stats.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct setting {
    int64_t pairs, seed, runs; /* runs a side, pooled */
    double threshold, confidence, shift;
} setting;

typedef struct cell {
    double factor, noise;
    int64_t repetitions, rows; /* repetitions of each run */
} cell;

static double uniform(uint64_t *state)
{
    return ((double)(chirp_splitmix64(state) >> 11) + 0.5) * 0x1p-53;
}

static double normal(uint64_t *state) { return chirp_normal_quantile(uniform(state)); }

/* The state for pair `pair` of a cell: equal cells give equal pairs, whatever else the table holds. */
static uint64_t state_of(const setting *s, const cell *c, int64_t pair)
{
    uint64_t state = (uint64_t)s->seed;
    const double part[] = {c->factor, c->noise, (double)c->repetitions, (double)c->rows,
                           (double)pair};
    for (size_t i = 0; i < sizeof part / sizeof part[0]; ++i) {
        uint64_t bits;
        memcpy(&bits, &part[i], sizeof bits);
        state ^= bits;
        state = chirp_splitmix64(&state);
    }
    return state;
}

static chirp_status fill(const setting *s, const cell *c, double factor, uint64_t *state,
                         chirp_samples *row)
{
    const size_t n = (size_t)(s->runs * c->repetitions);
    row->seconds = chirp_alloc(n * sizeof *row->seconds);
    row->run = chirp_alloc(n * sizeof *row->run);
    if (!row->seconds || !row->run)
        return CHIRP_ERR_NOMEM;
    for (int64_t run = 0; run < s->runs; ++run) {
        const double shift = s->shift > 0 ? s->shift * c->noise * normal(state) : 0;
        for (int64_t i = 0; i < c->repetitions; ++i) {
            row->run[row->count] = (int)run;
            row->seconds[row->count++] = factor * exp(shift + c->noise * normal(state));
        }
    }
    return CHIRP_OK;
}

static chirp_status make_side(const setting *s, const cell *c, bool fresh, uint64_t *state,
                              chirp_results *r)
{
    *r = (chirp_results){.path = chirp_strdup(fresh ? "new" : "base"),
                         .item = chirp_calloc((size_t)c->rows, sizeof *r->item)};
    chirp_status st = r->path && r->item ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int64_t k = 0; k < c->rows && st == CHIRP_OK; ++k) {
        char name[32];
        (void)snprintf(name, sizeof name, "row%d", (int)k);
        r->item[k].name = chirp_strdup(name);
        ++r->count;
        st = r->item[k].name ? fill(s, c, fresh && k == 0 ? c->factor : 1, state, &r->item[k])
                             : CHIRP_ERR_NOMEM;
    }
    return st;
}

/* *found: the first row is slower. *alarm: a row is called slower that didn't change. */
static chirp_status judge_pair(const setting *s, const cell *c, int64_t pair, double threshold,
                               bool *found, bool *alarm)
{
    const chirp_compare_options o = {.threshold = threshold, .confidence = s->confidence};
    uint64_t state = state_of(s, c, pair);
    chirp_results base = {0};
    chirp_results fresh = {0};
    chirp_compare_result r = {0};
    chirp_status st = make_side(s, c, false, &state, &base);
    if (st == CHIRP_OK)
        st = make_side(s, c, true, &state, &fresh);
    if (st == CHIRP_OK)
        st = chirp_compare(&base, &fresh, &o, &r);
    if (st == CHIRP_OK) {
        *found = r.item[0].verdict == CHIRP_SLOWER;
        *alarm = r.tally[CHIRP_SLOWER] > (size_t)(*found && c->factor > 1);
    }
    chirp_compare_clear(&r);
    chirp_results_clear(&base);
    chirp_results_clear(&fresh);
    return st;
}

typedef struct counts {
    int64_t pairs, found, alarms;
} counts;

static chirp_status judge_cell(const setting *s, const cell *c, int64_t pairs, counts *n)
{
    counts sum = {.pairs = pairs};
    chirp_status st = CHIRP_OK;
    for (int64_t pair = 0; pair < pairs && st == CHIRP_OK; ++pair) {
        bool found = false;
        bool alarm = false;
        st = judge_pair(s, c, pair, s->threshold, &found, &alarm);
        sum.found += found;
        sum.alarms += alarm;
    }
    *n = sum;
    return st;
}

static const double factors[] = {1, 1.1, 1.5, 2, 3, 10};
static const double noises[] = {0.01, 0.02, 0.05, 0.1, 0.15, 0.2};
static const int64_t repetitions[] = {3, 5, 10, 20};
static const int64_t rows[] = {1, 7, 67, 300};
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* Many rows cost as many times as much: fewer pairs, which hold more rows all the same. */
static int64_t pairs_for(const setting *s, int64_t n_rows)
{
    const int64_t pairs = s->pairs / (n_rows < 10 ? 1 : n_rows < 100 ? 4 : 10);
    return pairs > 1 ? pairs : 1;
}

/* One line: a number of rows and of repetitions, at every noise. */
static chirp_status print_line(const setting *s, int64_t n_rows, int64_t n, double factor,
                               counts *all)
{
    const int64_t pairs = pairs_for(s, n_rows) * (factor > 1 ? 1 : 4);
    printf("| %d | %d | %d |", (int)n_rows, (int)n, (int)pairs);
    for (size_t i = 0; i < COUNT(noises); ++i) {
        const cell c = {factor, noises[i], n, n_rows};
        counts k;
        const chirp_status st = judge_cell(s, &c, pairs, &k);
        if (st != CHIRP_OK)
            return st;
        printf(" %d |", (int)(factor > 1 ? k.found : k.alarms));
        all->pairs += k.pairs;
        all->found += k.found;
        all->alarms += k.alarms;
    }
    printf("\n");
    (void)fflush(stdout);
    return CHIRP_OK;
}

static chirp_status print_table(const setting *s, double factor, int64_t most_rows)
{
    counts all = {0};
    if (factor > 1)
        printf("\n### Slowdown of %g times: pairs in which it is found\n\n", factor);
    else
        printf("\n### Equal pairs: those with a false alarm\n\n");
    printf("| rows | repetitions | pairs |");
    for (size_t i = 0; i < COUNT(noises); ++i)
        printf(" noise %g %% |", 100 * noises[i]);
    printf("\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    for (size_t r = 0; r < COUNT(rows); ++r)
        for (size_t k = 0; k < COUNT(repetitions) && rows[r] <= most_rows; ++k) {
            const chirp_status st = print_line(s, rows[r], repetitions[k], factor, &all);
            if (st != CHIRP_OK)
                return st;
        }
    printf("\nIn all: %d of %d pairs have a row that is called slower and isn't.\n",
           (int)all.alarms, (int)all.pairs);
    return CHIRP_OK;
}

/* P(Binomial(n, rate) >= k). */
static double binomial_tail(int64_t n, double rate, int64_t k)
{
    double sum = 0;
    for (int64_t i = n; i >= k; --i)
        sum += exp(lgamma((double)n + 1) - lgamma((double)i + 1) - lgamma((double)(n - i) + 1) +
                   (double)i * log(rate) + (double)(n - i) * log1p(-rate));
    return sum;
}

/* How rarely a rate that is kept may still look broken: seeds and libraries of mathematics may differ. */
static const double UNLIKELY = 1e-4;
static const double ALARM_RATE = 0.005;
static const double FOUND_RATE = 0.95;

static bool too_many_alarms(const counts *n)
{
    return binomial_tail(n->pairs, ALARM_RATE, n->alarms) < UNLIKELY;
}

static bool too_few_found(const counts *n)
{
    return binomial_tail(n->pairs, 1 - FOUND_RATE, n->pairs - n->found) < UNLIKELY;
}

/* Equal pairs, undisturbed and with runs that are shifted by half the noise. */
static chirp_status check_alarms(setting s, int *failures)
{
    static const struct {
        int64_t runs, repetitions, rows;
        double shift;
    } kinds[] = {{1, 3, 1, 0},   {1, 10, 7, 0},   {1, 5, 67, 0},   {1, 3, 1, 0.5}, {1, 10, 1, 0.5},
                 {1, 5, 7, 0.5}, {1, 10, 7, 0.5}, {1, 20, 7, 0.5}, {3, 8, 5, 0.5}, {3, 3, 5, 1}};
    for (size_t i = 0; i < COUNT(kinds); ++i) {
        counts all = {0};
        s.runs = kinds[i].runs;
        s.shift = kinds[i].shift;
        for (size_t j = 0; j < COUNT(noises); ++j) {
            const cell c = {1, noises[j], kinds[i].repetitions, kinds[i].rows};
            counts n;
            const chirp_status st = judge_cell(&s, &c, pairs_for(&s, c.rows), &n);
            if (st != CHIRP_OK)
                return st;
            all.pairs += n.pairs;
            all.alarms += n.alarms;
        }
        if (too_many_alarms(&all)) {
            (void)fprintf(
                stderr,
                "%d runs of %d repetitions, %d rows, shift %g: %d false alarms in %d equal pairs\n",
                (int)s.runs, (int)kinds[i].repetitions, (int)kinds[i].rows, s.shift,
                (int)all.alarms, (int)all.pairs);
            ++*failures;
        }
    }
    return CHIRP_OK;
}

static chirp_status check_found(setting s, int *failures)
{
    static const struct {
        int64_t runs;
        double shift;
        cell c;
    } kinds[] = {
        {3, 0.5, {1.1, 0.01, 8, 5}}, {3, 0.5, {1.1, 0.02, 8, 5}}, {1, 0, {3, 0.1, 5, 1}},
        {1, 0, {3, 0.15, 10, 7}},    {1, 0, {3, 0.2, 10, 1}},     {1, 0, {10, 0.1, 3, 1}},
        {1, 0, {10, 0.1, 5, 67}},    {1, 0, {10, 0.2, 5, 7}},     {1, 0, {10, 0.2, 10, 67}},
        {1, 0, {2, 0.015, 3, 7}},    {1, 0, {3, 0.15, 10, 67}}};
    for (size_t i = 0; i < COUNT(kinds); ++i) {
        counts n;
        s.runs = kinds[i].runs;
        s.shift = kinds[i].shift;
        const chirp_status st = judge_cell(&s, &kinds[i].c, pairs_for(&s, kinds[i].c.rows), &n);
        if (st != CHIRP_OK)
            return st;
        if (too_few_found(&n)) {
            (void)fprintf(
                stderr,
                "%g times at noise %g, %d runs of %d repetitions, %d rows: found %d of %d\n",
                kinds[i].c.factor, kinds[i].c.noise, (int)s.runs, (int)kinds[i].c.repetitions,
                (int)kinds[i].c.rows, (int)n.found, (int)n.pairs);
            ++*failures;
        }
    }
    return CHIRP_OK;
}

/* Whatever is slower at one threshold is so at every stricter one. */
static chirp_status check_monotone(const setting *s, int *failures)
{
    static const double thresholds[] = {0, 0.01, 0.02, 0.03, 0.05, 0.1, 0.3, 0.8};
    for (int64_t pair = 0; pair < s->pairs; ++pair) {
        const cell c = {factors[pair % (int64_t)COUNT(factors)], noises[pair / 6 % 6],
                        repetitions[pair % 4], pair % 2 ? 1 : 7};
        bool stricter = true;
        for (size_t t = 0; t < COUNT(thresholds); ++t) {
            bool found = false;
            bool alarm = false;
            const chirp_status st = judge_pair(s, &c, pair, thresholds[t], &found, &alarm);
            if (st != CHIRP_OK)
                return st;
            if (found && !stricter) {
                (void)fprintf(stderr,
                              "%g times at noise %g, %d repetitions, %d rows, pair %d: slower at "
                              "%g %% but not at %g %%\n",
                              c.factor, c.noise, (int)c.repetitions, (int)c.rows, (int)pair,
                              100 * thresholds[t], 100 * thresholds[t - 1]);
                ++*failures;
            }
            stricter = found;
        }
    }
    return CHIRP_OK;
}

static chirp_status check_all(const setting *s, int *failures)
{
    chirp_status st = check_alarms(*s, failures);
    if (st == CHIRP_OK)
        st = check_found(*s, failures);
    return st == CHIRP_OK ? check_monotone(s, failures) : st;
}

int main(int argc, char **argv)
{
    int failures = 0;
    setting s = {.pairs = 200, .seed = 1, .runs = 1, .threshold = 0.05, .confidence = 0.95};
    int64_t most_rows = 300;
    double only = 0;
    bool check = false;
    const chirp_option table[] = {
        {"pairs", CHIRP_OPTION_INT, &s.pairs, .metavar = "N", .min = 1, .max = 1e6,
         .help = "of files for each number; a quarter for 67 rows, a tenth for 300, four times for "
                 "equal pairs"},
        {"seed", CHIRP_OPTION_INT, &s.seed, .metavar = "N", .min = 0, .max = 1e9,
         .help = "of the made-up times"},
        {"runs", CHIRP_OPTION_INT, &s.runs, .metavar = "N", .min = 1, .max = 100,
         .help = "pooled on each side, each of so many repetitions"},
        {"shift", CHIRP_OPTION_REAL, &s.shift, .metavar = "SHARE", .min = 0, .max = 10,
         .help = "scatter of whole runs, as a share of the noise inside one"},
        {"threshold", CHIRP_OPTION_REAL, &s.threshold, .metavar = "SHARE", .min = 0, .max = 1,
         .help = "as compare --fail-above"},
        {"most-rows", CHIRP_OPTION_INT, &most_rows, .metavar = "N", .min = 1, .max = 300,
         .help = "leave out tables of more"},
        {"only", CHIRP_OPTION_REAL, &only, .metavar = "FACTOR", .min = 0, .max = 10,
         .help = "this slowdown only; 1: equal pairs"},
        {"check", CHIRP_OPTION_FLAG, &check, .help = "assert the promises"},
    };
    const chirp_usage usage = {"power", NULL, "Error rates of compare on made-up times.", table,
                               COUNT(table)};
    int rest = 0;
    chirp_status st = chirp_options_parse(&usage, argc, argv, &rest);
    if (check && st == CHIRP_OK)
        st = check_all(&s, &failures);
    for (size_t i = 0; i < COUNT(factors) && st == CHIRP_OK && !check; ++i)
        if (only == 0 || only == factors[i])
            st = print_table(&s, factors[i], most_rows);
    if (st != CHIRP_OK && st != CHIRP_ERR_INTERRUPTED)
        (void)fprintf(stderr, "power: %s\n", chirp_error_message());
    return st != CHIRP_OK && st != CHIRP_ERR_INTERRUPTED ? 2 : failures > 0;
}
