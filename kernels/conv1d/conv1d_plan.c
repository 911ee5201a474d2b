/* Checks the descriptor, chooses an engine per pass, forwards calls. The arithmetic is in the engines. */
#include "kernels/conv1d/conv1d.h"

#include "harness/base/memory.h"
#include "kernels/conv1d/conv1d_internal.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>

enum { MAX_ENGINES = 4, TEXT = 256 };

struct chirp_conv1d_plan {
    chirp_conv1d_desc desc; /* n_threads resolved; algorithm as asked for */
    struct {
        const conv1d_engine *engine;
        void *state;
    } used[MAX_ENGINES]; /* each engine once */
    int n_used;
    int of_pass[CHIRP_CONV1D_PASSES]; /* index into used */
    char text[CHIRP_CONV1D_PASSES][TEXT];
};

static const char *const pass_names[CHIRP_CONV1D_PASSES] = {
    [CHIRP_CONV1D_FORWARD] = "forward",
    [CHIRP_CONV1D_BACKWARD_DATA] = "backward_data",
    [CHIRP_CONV1D_BACKWARD_WEIGHTS] = "backward_weights",
};

void chirp_conv1d_pad_same(chirp_conv1d_desc *desc)
{
    const int64_t total = (desc->S - 1) * desc->dilation;
    desc->pad_left = total / 2;
    desc->pad_right = total - total / 2;
}

int64_t chirp_conv1d_out_width(const chirp_conv1d_desc *desc)
{
    return desc->W + desc->pad_left + desc->pad_right - (desc->S - 1) * desc->dilation;
}

int64_t chirp_conv1d_pooled_width(const chirp_conv1d_desc *desc)
{
    return chirp_conv1d_out_width(desc) / desc->pool;
}

double chirp_conv1d_flops(const chirp_conv1d_desc *desc)
{
    return 2.0 * (double)desc->N * (double)desc->K * (double)desc->C * (double)desc->S *
           (double)chirp_conv1d_out_width(desc);
}

double chirp_conv1d_bytes(const chirp_conv1d_desc *desc, chirp_conv1d_pass pass)
{
    const double src = 4.0 * (double)desc->N * (double)desc->W * (double)desc->C;
    const double wei = 4.0 * (double)desc->K * (double)desc->C * (double)desc->S;
    const double bia = 4.0 * (double)desc->K;
    const double pooled =
        (double)desc->N * (double)chirp_conv1d_pooled_width(desc) * (double)desc->K;
    const double dst = (conv1d_needs_code(desc) ? 5.0 : 4.0) * pooled; /* values and their codes */
    return src + wei + dst + (pass == CHIRP_CONV1D_BACKWARD_DATA ? 0.0 : bia);
}

/* ---- checks --------------------------------------------------------------------------------------------------- */

static chirp_status check_fields(const chirp_conv1d_desc *d)
{
    const struct {
        const char *name;
        int64_t value, least, most;
    } fields[] = {
        {"N (batch)", d->N, 1, INT_MAX},
        {"C (in channels)", d->C, 1, INT_MAX},
        {"K (filters)", d->K, 1, INT_MAX},
        {"W (width)", d->W, 1, INT_MAX},
        {"S (taps)", d->S, 1, INT_MAX},
        {"dilation", d->dilation, 1, INT_MAX},
        {"pad_left", d->pad_left, 0, INT_MAX},
        {"pad_right", d->pad_right, 0, INT_MAX},
        {"pool", d->pool, 1, CHIRP_CONV1D_MAX_POOL},
        {"n_threads", d->n_threads, 0, 65536},
        {"algorithm", (int64_t)d->algorithm, CHIRP_CONV1D_AUTO, CHIRP_CONV1D_ALGORITHMS - 1},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; ++i)
        if (fields[i].value < fields[i].least || fields[i].value > fields[i].most)
            return chirp_fail(CHIRP_ERR_ARG,
                              "conv1d: %s is %" PRId64 ", must be from %" PRId64 " to %" PRId64,
                              fields[i].name, fields[i].value, fields[i].least, fields[i].most);
    return CHIRP_OK;
}

/* Every tensor, and padded copies of it, must be addressable with room to spare. */
static chirp_status check_sizes(const chirp_conv1d_desc *d)
{
    const int64_t padded_width = d->W + d->pad_left + d->pad_right; /* at most 3 * 2^31 */
    const int64_t span = (d->S - 1) * d->dilation + 1;              /* at most 2^62 */
    if (span > padded_width)
        return chirp_fail(CHIRP_ERR_ARG,
                          "conv1d: kernel of S = %" PRId64 " taps at dilation %" PRId64
                          " spans %" PRId64 " samples, but W = %" PRId64 " with padding %" PRId64
                          " + %" PRId64 " has only %" PRId64,
                          d->S, d->dilation, span, d->W, d->pad_left, d->pad_right, padded_width);
    if (chirp_conv1d_pooled_width(d) < 1)
        return chirp_fail(CHIRP_ERR_ARG,
                          "conv1d: pool %" PRId64 " is wider than the %" PRId64 " outputs", d->pool,
                          chirp_conv1d_out_width(d));
    const double most = (double)((int64_t)1 << 46); /* bytes: 64 TiB */
    const struct {
        const char *name;
        double bytes;
    } tensors[] = {
        {"src (N*W*C)", 4.0 * (double)d->N * (double)padded_width * (double)d->C},
        {"wei (K*C*S)", 4.0 * (double)d->K * (double)d->C * (double)d->S},
        {"output (N*Q*K)", 4.0 * (double)d->N * (double)chirp_conv1d_out_width(d) * (double)d->K},
    };
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; ++i)
        if (tensors[i].bytes > most)
            return chirp_fail(CHIRP_ERR_ARG, "conv1d: %s takes %.3g bytes, more than %.3g",
                              tensors[i].name, tensors[i].bytes, most);
    return CHIRP_OK;
}

chirp_status chirp_conv1d_check(const chirp_conv1d_desc *desc)
{
    const chirp_status st = check_fields(desc);
    return st == CHIRP_OK ? check_sizes(desc) : st;
}

/* ---- choice ---------------------------------------------------------------------------------------------------- */

static const char *name_of(const conv1d_engine *engine)
{
    return chirp_conv1d_algorithm_name(engine->algorithm);
}

/* The engine for a pass; why [TEXT] says what AUTO weighed, "" when the caller chose. */
static const conv1d_engine *choose(const chirp_conv1d_desc *d, chirp_conv1d_pass pass, char *why)
{
    why[0] = '\0';
    if (d->algorithm != CHIRP_CONV1D_AUTO) {
        const conv1d_engine *engine = conv1d_engine_of(d->algorithm);
        return d->perturbed && !engine->forward_perturbed ? NULL : engine;
    }
    size_t length = 0;
    const conv1d_engine *best = NULL;
    double least = INFINITY;
    const double unit = chirp_conv1d_flops(d) / 2.0; /* multiply-adds of the direct method */
#define CONSTANT(constant, name) CHIRP_CONV1D_##constant,
    static const chirp_conv1d_algorithm candidates[] = {CHIRP_CONV1D_FAST_ENGINES(CONSTANT)};
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; ++i) {
        const conv1d_engine *engine = conv1d_engine_of(candidates[i]);
        const double cost = engine->cost(d, pass);
        if (!isfinite(cost) || (d->perturbed && !engine->forward_perturbed))
            continue;
        if (cost < least) {
            least = cost;
            best = engine;
        }
        const int written = snprintf(why + length, TEXT - length, "%s%s %.2f", length ? ", " : "",
                                     name_of(engine), cost / unit);
        length += written > 0 && (size_t)written < TEXT - length ? (size_t)written : 0;
    }
    return best;
}

bool chirp_conv1d_supports(const chirp_conv1d_desc *desc, chirp_conv1d_pass pass)
{
    char why[TEXT];
    const conv1d_engine *engine = choose(desc, pass, why);
    return engine && isfinite(engine->cost(desc, pass));
}

static chirp_status choose_all(const chirp_conv1d_desc *d,
                               const conv1d_engine *chosen[CHIRP_CONV1D_PASSES],
                               char why[CHIRP_CONV1D_PASSES][TEXT])
{
    for (int pass = 0; pass < CHIRP_CONV1D_PASSES; ++pass) {
        chosen[pass] = choose(d, (chirp_conv1d_pass)pass, why[pass]);
        if (!chosen[pass] || !isfinite(chosen[pass]->cost(d, (chirp_conv1d_pass)pass)))
            return chirp_fail(CHIRP_ERR_UNSUPPORTED, "conv1d: %s can't do %s for this shape%s",
                              chosen[pass] ? name_of(chosen[pass]) : "the algorithm asked for",
                              pass_names[pass], d->perturbed ? " with perturbed weights" : "");
    }
    return CHIRP_OK;
}

static void describe(chirp_conv1d_plan *plan, char why[CHIRP_CONV1D_PASSES][TEXT])
{
    for (int pass = 0; pass < CHIRP_CONV1D_PASSES; ++pass) {
        const int u = plan->of_pass[pass];
        char blocking[TEXT / 2] = "";
        plan->used[u].engine->describe(plan->used[u].state, (chirp_conv1d_pass)pass, blocking,
                                       sizeof blocking);
        if (why[pass][0])
            (void)snprintf(plan->text[pass], TEXT,
                           "%s: %s; auto, predicted time over direct at peak: %.100s",
                           name_of(plan->used[u].engine), blocking, why[pass]);
        else
            (void)snprintf(plan->text[pass], TEXT, "%s: %s; asked for",
                           name_of(plan->used[u].engine), blocking);
    }
}

chirp_status chirp_conv1d_plan_create(const chirp_conv1d_desc *desc, chirp_conv1d_plan **plan)
{
    chirp_status st = chirp_conv1d_check(desc);
    if (st != CHIRP_OK)
        return st;
    chirp_conv1d_desc d = *desc;
    if (d.n_threads == 0)
        d.n_threads = omp_get_max_threads();
    const conv1d_engine *chosen[CHIRP_CONV1D_PASSES] = {0};
    char why[CHIRP_CONV1D_PASSES][TEXT];
    st = choose_all(&d, chosen, why);
    if (st != CHIRP_OK)
        return st;
    chirp_conv1d_plan *p = chirp_calloc(1, sizeof *p);
    if (!p)
        return CHIRP_ERR_NOMEM;
    p->desc = d;
    for (int pass = 0; pass < CHIRP_CONV1D_PASSES; ++pass) {
        int u = 0;
        while (u < p->n_used && p->used[u].engine != chosen[pass])
            ++u;
        p->of_pass[pass] = u;
        if (u < p->n_used)
            continue;
        unsigned passes = 0;
        for (int other = pass; other < CHIRP_CONV1D_PASSES; ++other)
            if (chosen[other] == chosen[pass])
                passes |= CONV1D_PASS_BIT(other);
        st = chosen[pass]->create(&p->desc, passes, &p->used[u].state);
        if (st != CHIRP_OK) {
            chirp_conv1d_plan_destroy(p);
            return st;
        }
        p->used[u].engine = chosen[pass];
        p->n_used = u + 1;
    }
    describe(p, why);
    *plan = p;
    return CHIRP_OK;
}

void chirp_conv1d_plan_destroy(chirp_conv1d_plan *plan)
{
    if (!plan)
        return;
    for (int u = 0; u < plan->n_used; ++u)
        plan->used[u].engine->destroy(plan->used[u].state);
    chirp_free(plan);
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

static const conv1d_engine *engine_of(const chirp_conv1d_plan *plan, chirp_conv1d_pass pass)
{
    return plan->used[plan->of_pass[pass]].engine;
}

static void *state_of(const chirp_conv1d_plan *plan, chirp_conv1d_pass pass)
{
    return plan->used[plan->of_pass[pass]].state;
}

chirp_conv1d_algorithm chirp_conv1d_plan_algorithm(const chirp_conv1d_plan *plan,
                                                   chirp_conv1d_pass pass)
{
    return engine_of(plan, pass)->algorithm;
}

const char *chirp_conv1d_plan_describe(const chirp_conv1d_plan *plan, chirp_conv1d_pass pass)
{
    return plan->text[pass];
}

double chirp_conv1d_plan_flops(const chirp_conv1d_plan *plan, chirp_conv1d_pass pass)
{
    return engine_of(plan, pass)->flops(state_of(plan, pass), pass);
}

double chirp_conv1d_plan_bytes(const chirp_conv1d_plan *plan, chirp_conv1d_pass pass)
{
    const conv1d_engine *engine = engine_of(plan, pass);
    return engine->bytes ? engine->bytes(state_of(plan, pass), pass) : (double)NAN;
}

void chirp_conv1d_load_weights(chirp_conv1d_plan *plan, const float *wei)
{
    for (int u = 0; u < plan->n_used; ++u)
        plan->used[u].engine->load_weights(plan->used[u].state, wei);
}

void chirp_conv1d_forward(chirp_conv1d_plan *plan, const float *src, const float *bia, float *dst,
                          uint8_t *code)
{
    engine_of(plan, CHIRP_CONV1D_FORWARD)
        ->forward(state_of(plan, CHIRP_CONV1D_FORWARD), src, bia, dst,
                  conv1d_needs_code(&plan->desc) ? code : NULL);
}

void chirp_conv1d_backward_data(chirp_conv1d_plan *plan, const float *ddst, const uint8_t *code,
                                float *dsrc)
{
    engine_of(plan, CHIRP_CONV1D_BACKWARD_DATA)
        ->backward_data(state_of(plan, CHIRP_CONV1D_BACKWARD_DATA), ddst, code, dsrc);
}

void chirp_conv1d_backward_weights(chirp_conv1d_plan *plan, const float *src, const float *ddst,
                                   const uint8_t *code, float *dwei, float *dbia)
{
    engine_of(plan, CHIRP_CONV1D_BACKWARD_WEIGHTS)
        ->backward_weights(state_of(plan, CHIRP_CONV1D_BACKWARD_WEIGHTS), src, ddst, code, dwei,
                           dbia);
}

void chirp_conv1d_backward(chirp_conv1d_plan *plan, const float *src, const float *ddst,
                           const uint8_t *code, float *dsrc, float *dwei, float *dbia)
{
    const conv1d_engine *engine = engine_of(plan, CHIRP_CONV1D_BACKWARD_WEIGHTS);
    if (dsrc && engine->backward && engine == engine_of(plan, CHIRP_CONV1D_BACKWARD_DATA)) {
        engine->backward(state_of(plan, CHIRP_CONV1D_BACKWARD_WEIGHTS), src, ddst, code, dsrc, dwei,
                         dbia);
        return;
    }
    chirp_conv1d_backward_weights(plan, src, ddst, code, dwei, dbia);
    if (dsrc)
        chirp_conv1d_backward_data(plan, ddst, code, dsrc);
}

void chirp_conv1d_load_perturbation(chirp_conv1d_plan *plan, const float *delta)
{
    for (int u = 0; u < plan->n_used; ++u)
        plan->used[u].engine->load_perturbation(plan->used[u].state, delta);
}

void chirp_conv1d_forward_perturbed(chirp_conv1d_plan *plan, const chirp_conv1d_signs *signs,
                                    const float *src, const float *bia, float *dst, uint8_t *code)
{
    engine_of(plan, CHIRP_CONV1D_FORWARD)
        ->forward_perturbed(state_of(plan, CHIRP_CONV1D_FORWARD), signs, src, bia, dst,
                            conv1d_needs_code(&plan->desc) ? code : NULL);
}

/* one engine has perturbed passes, so it was chosen for both gradients */
void chirp_conv1d_backward_perturbed(chirp_conv1d_plan *plan, const chirp_conv1d_signs *signs,
                                     const float *src, const float *ddst, const uint8_t *code,
                                     const chirp_conv1d_perturbed_gradients *gradients)
{
    engine_of(plan, CHIRP_CONV1D_BACKWARD_WEIGHTS)
        ->backward_perturbed(state_of(plan, CHIRP_CONV1D_BACKWARD_WEIGHTS), signs, src, ddst, code,
                             gradients);
}
