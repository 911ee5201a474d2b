#include "suites/scaling/projection.h"

#include "harness/base/memory.h"
#include "harness/results/document.h"
#include "suites/scaling/simulate.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void chirp_projection_release(chirp_projection *projection)
{
    chirp_target_release(&projection->machine);
}

/* Fraction of a pass's time at which the forward part ends, and each layer's share of it behind. */
typedef struct pass_shares {
    double forward;
    double backward[CHIRP_WORKLOAD_MAX_LAYERS];
    double seconds_per_signal; /* measured; 0 without a profile */
} pass_shares;

static chirp_status bad_profile(const char *path, const char *what)
{
    return chirp_fail(CHIRP_ERR_FORMAT, "%s: %s; write one with chirpbench scale --profile", path,
                      what);
}

static chirp_status read_profile(const char *path, const chirp_workload *w, pass_shares *shares)
{
    chirp_document document = {0};
    chirp_status st = chirp_document_read_kind(path, CHIRP_DOCUMENT_PROFILE, &document);
    if (st != CHIRP_OK)
        return st;
    const cJSON *root = document.root;
    const cJSON *batch = cJSON_GetObjectItemCaseSensitive(root, "batch");
    const cJSON *forward = cJSON_GetObjectItemCaseSensitive(root, "forward_s");
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(root, "layers");
    if (!cJSON_IsNumber(batch) || !(batch->valuedouble >= 1) || !cJSON_IsNumber(forward) ||
        !(forward->valuedouble > 0) || !cJSON_IsArray(layers))
        st = bad_profile(path, "not a profile with batch, forward_s and layers");
    double total = st == CHIRP_OK ? forward->valuedouble : 0;
    for (int i = 0; st == CHIRP_OK && i < w->n; ++i) {
        const cJSON *item = NULL;
        const cJSON *found = NULL;
        cJSON_ArrayForEach(item, layers)
        {
            const cJSON *name = cJSON_GetObjectItemCaseSensitive(item, "name");
            if (cJSON_IsString(name) && strcmp(name->valuestring, w->layer[i].name) == 0)
                found = cJSON_GetObjectItemCaseSensitive(item, "backward_s");
        }
        if (!cJSON_IsNumber(found) || !(found->valuedouble >= 0)) {
            char what[96];
            (void)snprintf(what, sizeof what, "no backward_s of layer %s", w->layer[i].name);
            st = bad_profile(path, what);
        } else {
            shares->backward[i] = found->valuedouble;
            total += found->valuedouble;
        }
    }
    if (st == CHIRP_OK) {
        shares->forward = forward->valuedouble / total;
        shares->seconds_per_signal = total / batch->valuedouble;
        for (int i = 0; i < w->n; ++i)
            shares->backward[i] /= total;
    }
    chirp_document_release(&document);
    return st;
}

static chirp_status pass_times(const chirp_projection *p, pass_shares *shares)
{
    const chirp_workload *w = &p->workload;
    *shares = (pass_shares){0};
    if (p->options.profile)
        return read_profile(p->options.profile, w, shares);
    for (int i = 0; i < w->n; ++i) {
        shares->forward += w->layer[i].forward_flops / w->flops;
        shares->backward[i] = w->layer[i].backward_flops / w->flops;
    }
    return CHIRP_OK;
}

/* The order in which the backward pass frees layers: leaf by leaf from the last layer up, then the root from its end. */
static int backward_order(const chirp_workload *w, int *order)
{
    int n = 0;
    int root = 0;
    while (root < w->n && strncmp(w->layer[root].name, "root/", 5) == 0)
        ++root;
    for (int i = root; i < w->n;) {
        int end = i;
        while (end < w->n && strncmp(w->layer[end].name, w->layer[i].name, 5) == 0)
            ++end;
        for (int l = end - 1; l >= i; --l)
            order[n++] = l;
        i = end;
    }
    for (int l = root - 1; l >= 0; --l)
        order[n++] = l;
    return n;
}

static void make_buckets(const chirp_projection *p, const pass_shares *shares, chirp_plan *plan)
{
    int order[CHIRP_WORKLOAD_MAX_LAYERS];
    const bool several = plan->exchange == CHIRP_PLAN_OVERLAP;
    const double scale = p->options.half ? 2 : 4; /* bytes on the wire per number */
    const double limit = (double)p->options.bucket_bytes;
    double at = shares->forward;
    double held = 0; /* bytes in floats, as the exchange counts */
    plan->n_buckets = 0;
    const int n = backward_order(&p->workload, order);
    for (int i = 0; i < n; ++i) {
        const bool full = several && held >= limit;
        if (plan->n_buckets == 0 || (full && plan->n_buckets < CHIRP_PLAN_MAX_BUCKETS)) {
            plan->bytes[plan->n_buckets++] = 0;
            held = 0;
        }
        const double numbers = (double)p->workload.layer[order[i]].trained;
        at += shares->backward[order[i]];
        held += 4 * numbers;
        plan->bytes[plan->n_buckets - 1] += scale * numbers;
        plan->ready_s[plan->n_buckets - 1] = fmin(at, 1) * plan->micro_s;
    }
}

chirp_status chirp_plan_make(const chirp_projection *p, int ranks, chirp_plan *plan)
{
    const chirp_target_value *v = p->machine.value;
    pass_shares shares;
    const chirp_status st = pass_times(p, &shares);
    if (st != CHIRP_OK)
        return st;
    *plan = (chirp_plan){
        .exchange = p->options.exchange,
        .ranks = ranks,
        .ranks_per_node = p->machine.ranks_per_node,
        .micro_steps = p->options.micro_steps,
        .micro_s = (double)p->options.batch *
                   (p->flops > 0 ? p->workload.flops / p->flops : shares.seconds_per_signal),
        .jitter_relative = p->jitter_relative,
        .jitter_fresh = v[CHIRP_TARGET_JITTER_FRESH].value,
        .bandwidth = v[CHIRP_TARGET_BANDWIDTH].value,
        .latency = v[CHIRP_TARGET_LATENCY].value,
        .local_bandwidth = v[CHIRP_TARGET_LOCAL_BANDWIDTH].value,
        .local_latency = v[CHIRP_TARGET_LOCAL_LATENCY].value,
        .software_fixed = v[CHIRP_TARGET_SOFTWARE_FIXED].value,
        .software_per_byte = v[CHIRP_TARGET_SOFTWARE_PER_BYTE].value,
        .shared_processors = v[CHIRP_TARGET_SHARED_PROCESSORS].value,
        .reduce_bandwidth = v[CHIRP_TARGET_REDUCE_BANDWIDTH].value,
        .copy_bandwidth = v[CHIRP_TARGET_COPY_BANDWIDTH].value,
        .cycle_s = v[CHIRP_TARGET_CYCLE].value,
        .cycles = fmax(0.5, p->cycles),
    };
    if (p->options.fresh_jitter >= 0)
        plan->jitter_fresh = p->options.fresh_jitter;
    plan->half = p->options.half;
    plan->speed_steps = p->options.speed_steps;
    plan->share_signals = p->options.shares ? (int)p->options.batch : 0;
    if (!(plan->micro_s > 0))
        return chirp_fail(CHIRP_ERR_ARG, "--compute measured needs --profile FILE");
    make_buckets(p, &shares, plan);
    return CHIRP_OK;
}

static double efficiency(const chirp_step_terms *t) { return t->compute / t->seconds; }

/* Simulated steps when nobody asks for a number. */
static int default_steps(const chirp_plan *plan)
{
    const int ranks = plan->ranks;
    if (ranks <= 256)
        return 32;
    return ranks <= 1024 ? 8 : 2;
}

chirp_status chirp_projection_draw(const chirp_projection *p, const chirp_plan *plan, int steps,
                                   float **factor)
{
    const int passes = steps * plan->micro_steps;
    *factor = chirp_calloc((size_t)passes * (size_t)plan->ranks, sizeof **factor);
    return *factor ? chirp_jitter_draw(plan, p->options.seed, passes, *factor) : CHIRP_ERR_NOMEM;
}

static chirp_status simulate(const chirp_projection *p, const chirp_plan *plan, int steps,
                             chirp_step_terms *terms)
{
    float *factor = NULL;
    chirp_closed_form(plan, terms);
    if (plan->ranks == 1) /* one rank has nobody to wait for: the closed form is exact */
        return CHIRP_OK;
    chirp_status st = chirp_projection_draw(p, plan, steps, &factor);
    if (st == CHIRP_OK)
        st = chirp_simulate(plan, p->machine.platform_path, p->machine.host_prefix, steps, factor,
                            terms);
    chirp_free(factor);
    return st;
}

static void band(const chirp_projection *p, const chirp_plan *plan, chirp_projection_row *row)
{
    row->band[0] = row->band[1] = row->efficiency;
    for (int i = 0; p->calibrated && p->options.jitter < 0 && i < p->calibration.n; ++i) {
        chirp_plan other = *plan;
        chirp_step_terms t;
        other.jitter_relative = p->calibration.fit[i].relative;
        other.cycles = p->calibration.fit[i].cycles;
        chirp_closed_form(&other, &t);
        row->band[0] = fmin(row->band[0], efficiency(&t));
        row->band[1] = fmax(row->band[1], efficiency(&t));
    }
}

/* The machine's own runs of just this, or 0. */
static double measured_s(const chirp_projection *p, int ranks)
{
    const struct chirp_target_runs *runs = &p->machine.runs;
    const chirp_projection_options *o = &p->options;
    const bool same = runs->n > 0 && strcmp(runs->network, o->network) == 0 &&
                      strcmp(runs->variant, chirp_variant_name[o->variant]) == 0 &&
                      strcmp(runs->exchange, chirp_plan_exchange_name[o->exchange]) == 0 &&
                      runs->batch == (double)o->batch && o->micro_steps == 1 && !o->half &&
                      !o->shares;
    for (int i = 0; same && i < runs->n; ++i)
        if (runs->ranks[i] == ranks)
            return runs->seconds[i];
    return 0;
}

/* All of them before the first is simulated, which may take minutes. */
static chirp_status check_nodes(const chirp_projection *p)
{
    const int most = p->machine.hosts / p->machine.ranks_per_node;
    for (int i = 0; i < p->options.n_rows; ++i) {
        const int nodes = p->options.nodes[i];
        if (nodes < 1 || nodes > most)
            return chirp_fail(
                CHIRP_ERR_RANGE,
                "--nodes %d: machine %s has room for 1 to %d nodes; enlarge its platform file",
                nodes, p->machine.name, most);
    }
    return CHIRP_OK;
}

static chirp_status project_row(chirp_projection *p, int nodes, chirp_projection_row *row)
{
    const int64_t ranks = (int64_t)nodes * p->machine.ranks_per_node;
    chirp_plan plan;
    *row = (chirp_projection_row){.nodes = nodes, .ranks = (int)ranks};
    chirp_status st = chirp_plan_make(p, (int)ranks, &plan);
    if (st != CHIRP_OK)
        return st;
    row->steps = p->options.steps > 0 ? p->options.steps : default_steps(&plan);
    chirp_closed_form(&plan, &row->closed_form);
    row->terms = row->closed_form;
    if (p->simulated)
        st = simulate(p, &plan, row->steps, &row->terms);
    row->efficiency = efficiency(&row->terms);
    row->measured_s = measured_s(p, row->ranks);
    band(p, &plan, row);
    return st;
}

static chirp_status prepare(chirp_projection *p)
{
    const chirp_projection_options *o = &p->options;
    if (o->n_rows < 1 || o->n_rows > CHIRP_MAX_ROWS || o->batch < 1 || o->micro_steps < 1 ||
        (o->shares && o->speed_steps < 1))
        return chirp_fail(CHIRP_ERR_ARG, "projection: %d rows, batch %lld, %d passes", o->n_rows,
                          (long long)o->batch, o->micro_steps);
    if (o->exchange == CHIRP_PLAN_STUDY && (o->shared_noise || o->half || o->micro_steps > 1))
        return chirp_fail(CHIRP_ERR_ARG, "--exchange study sends two floats per variational weight "
                                         "after every pass; drop --weight-noise shared, --compress "
                                         "and --accumulate or use --exchange overlap");
    if (o->exchange == CHIRP_PLAN_HALVING && o->half)
        return chirp_fail(CHIRP_ERR_ARG, "--exchange halving adds floats; drop --compress");
    chirp_status st = chirp_target_read(o->machine, &p->machine);
    if (st == CHIRP_OK)
        st = chirp_workload_make(o->network, o->variant, o->shared_noise, &p->workload);
    if (st != CHIRP_OK)
        return st;
    const chirp_target_value *v = p->machine.value;
    p->flops = o->flops;
    if (o->flops == 0)
        p->flops = v[CHIRP_TARGET_FLOPS_FAST].value;
    if (o->flops == -1)
        p->flops = v[CHIRP_TARGET_FLOPS_SLOW].value;
    p->calibrated = p->machine.n_observed > 0;
    if (p->calibrated)
        st = chirp_calibrate(&p->machine, &p->calibration);
    p->jitter_relative = v[CHIRP_TARGET_JITTER_RELATIVE].given
                             ? v[CHIRP_TARGET_JITTER_RELATIVE].value
                             : p->calibration.pooled.relative;
    p->cycles = p->calibrated ? p->calibration.pooled.cycles : 1;
    if (o->jitter >= 0)
        p->jitter_relative = o->jitter;
    const bool available = chirp_simulate_available(&p->engine_version);
    p->simulated =
        o->engine == CHIRP_ENGINE_SIMGRID || (o->engine == CHIRP_ENGINE_AUTO && available);
    if (st == CHIRP_OK && o->engine == CHIRP_ENGINE_SIMGRID && !available)
        st =
            chirp_fail(CHIRP_ERR_UNSUPPORTED, "--engine simgrid: this build has no SimGrid (Debian "
                                              "package libsimgrid-dev)");
    return st;
}

chirp_status chirp_project(const chirp_projection_options *options,
                           chirp_projection_progress progress, void *context, chirp_projection *p)
{
    *p = (chirp_projection){.options = *options};
    chirp_status st = prepare(p);
    if (st == CHIRP_OK)
        st = check_nodes(p);
    for (int i = 0; st == CHIRP_OK && i < options->n_rows; ++i) {
        st = project_row(p, options->nodes[i], &p->row[i]);
        p->n_rows = i + 1;
        if (st == CHIRP_OK && progress)
            progress(context, i + 1, options->n_rows, &p->row[i]);
    }
    if (st != CHIRP_OK)
        chirp_projection_release(p);
    return st;
}
