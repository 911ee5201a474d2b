/* suites/scaling: SimGrid against the closed form, and what chirpbench project says. */
#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "suites/scaling/projected/projection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

static chirp_projection p, q;

/* Reading the whole of Theta's network takes SimGrid longer than a simulation. */
static const char crossbar[] = CHIRP_TEST_MACHINES "/crossbar.json";

static void assert_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("got %.10g, want %.10g within %g", got, want, relative);
}

static chirp_projection_options options(const char *machine, const char *exchange)
{
    return (chirp_projection_options){.machine = machine,
                                      .n_rows = 4,
                                      .nodes = {1, 2, 6, 32},
                                      .network = "spin",
                                      .variant = CHIRP_VARIANT_LAST2,
                                      .settings = {.exchange = exchange,
                                                   .batch = 64,
                                                   .jitter = -1,
                                                   .fresh_jitter = -1,
                                                   .micro_steps = 1,
                                                   .speed_steps = 10,
                                                   .seed = 3}};
}

static bool simgrid(void) { return chirp_engine_simgrid.available(NULL); }

/* The plan that a projection's rows are of, on so many ranks. */
static void plan_of(const chirp_projection *r, int ranks, chirp_plan *plan)
{
    if (chirp_plan_make(&r->machine, &r->workload, &r->options.settings, ranks, plan) != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
}

static double efficiency(const chirp_step_terms *t) { return t->compute / t->seconds; }

static void project(const chirp_projection_options *o, chirp_projection *to)
{
    if (chirp_project(o, NULL, NULL, to) != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
}

static void check_rows_add_up(const chirp_projection *r)
{
    for (int i = 0; i < r->n_rows; ++i) {
        const chirp_step_terms *t = &r->row[i].terms;
        assert_near(t->compute + t->straggler + t->negotiation + t->exposed_allreduce, t->seconds,
                    1e-9);
        assert_true(t->compute > 0 && t->straggler > -1e-6 * t->compute && t->negotiation >= 0 &&
                    t->exposed_allreduce >= 0);
        assert_true(r->row[i].efficiency > 0 && r->row[i].efficiency <= 1 + 1e-9);
    }
    if (r->row[0].ranks == 1)
        assert_near(r->row[0].efficiency, 1, 1e-12);
}

static void test_simulation_meets_the_closed_form_without_jitter(void **state)
{
    (void)state;
    if (!simgrid())
        skip();
    /* an ideal switch: nothing but the formula is left. One cycle is a mean of instants, so the study's cycle is off. */
    for (int e = 0; chirp_exchange_kind_at(e); ++e) {
        const chirp_exchange_kind *kind = chirp_exchange_kind_at(e);
        chirp_projection_options o = options(crossbar, kind->name);
        o.settings.jitter = 0;
        o.settings.steps = 4; /* but for the study's cycle all steps are the same */
        o.engine = "simgrid";
        project(&o, &p);
        check_rows_add_up(&p);
        for (int i = 0; i < p.n_rows; ++i) {
            const chirp_step_terms *a = &p.row[i].terms;
            const chirp_step_terms *b = &p.row[i].closed_form;
            /* a cycle's wait is at most one period; everything else agrees to 5 % */
            const double slack = kind->negotiates ? 0.00517 : 0;
            assert_true(fabs(a->seconds - b->seconds) <=
                        0.05 * (b->seconds - b->compute) + slack + 1e-3 * b->seconds);
            assert_near(a->exposed_allreduce + 1e-4, b->exposed_allreduce + 1e-4, 0.05);
        }
        chirp_projection_release(&p);
    }
}

static void test_simulation_meets_the_closed_form_with_jitter(void **state)
{
    (void)state;
    if (!simgrid())
        skip();
    for (int e = 0; chirp_exchange_kind_at(e); ++e) {
        const chirp_exchange_kind *kind = chirp_exchange_kind_at(e);
        chirp_projection_options o = options(kind->negotiates ? "theta" : crossbar, kind->name);
        o.engine = "simgrid";
        project(&o, &p);
        check_rows_add_up(&p);
        for (int i = 1; i < p.n_rows; ++i)
            assert_near(p.row[i].efficiency, efficiency(&p.row[i].closed_form), 0.06);
        chirp_projection_release(&p);
    }
}

static void test_a_seed_is_a_result(void **state)
{
    (void)state;
    chirp_projection_options o = options(crossbar, "horovod");
    o.settings.steps = 4;
    project(&o, &p);
    project(&o, &q);
    assert_memory_equal(p.row, q.row, sizeof p.row);
    chirp_projection_release(&q);
    o.settings.seed = 4;
    project(&o, &q);
    if (p.engine->simulates)
        assert_true(p.row[3].terms.seconds != q.row[3].terms.seconds);
    chirp_projection_release(&p);
    chirp_projection_release(&q);
}

static void test_hal_and_the_fat_tree_run(void **state)
{
    (void)state;
    static const char *const names[] = {"hal", "hdr_fat_tree"};
    for (int m = 0; m < 2; ++m) {
        chirp_projection_options o = options(names[m], "overlap");
        o.n_rows = 3;
        project(&o, &p);
        check_rows_add_up(&p);
        assert_int_equal(p.row[1].ranks, m == 0 ? 8 : 2);
        for (int i = 1; i < p.n_rows; ++i)
            assert_near(p.row[i].efficiency, efficiency(&p.row[i].closed_form), 0.06);
        chirp_projection_release(&p);
    }
}

static void test_the_band_holds_nine_tenths_of_the_laws(void **state)
{
    (void)state;
    chirp_projection_options o = options("theta", "horovod");
    o.engine = "closed_form";
    o.n_rows = 1;
    o.nodes[0] = 1024;
    project(&o, &p);
    assert_true(p.row[0].band[0] < p.row[0].efficiency && p.row[0].efficiency < p.row[0].band[1]);
    /* with the step and its exchange as they are, each law's waiting by hand; those of nodes that differ add noise in quadrature */
    double inside = 0;
    const double e1024 = chirp_expected_maximum(1024);
    for (int i = 0; i < p.laws.n; ++i) {
        const chirp_waiting *law = &p.laws.law[i];
        if (law->weight < 1e-8)
            continue;
        const bool differ = law->form <= CHIRP_WAITING_PERMANENT_SAME;
        const double growth = differ ? e1024 : chirp_waiting_growth(law, 1024);
        const chirp_step_terms *t = &p.row[0].closed_form;
        const double step = law->absolute ? p.laws.one_node_s : t->compute;
        const double waiting =
            fmax(law->size_s / p.laws.one_node_s * step * growth, 0.0085 * t->compute * e1024);
        const double seconds =
            t->seconds - t->straggler + waiting + law->cycles_s - p.plan.cycles * p.plan.cycle_s;
        const double e = t->compute / seconds;
        if (e >= p.row[0].band[0] - 1e-9 && e <= p.row[0].band[1] + 1e-9)
            inside += law->weight;
    }
    assert_true(inside >= 0.9 - 1e-9);
    /* the grid of laws is coarse: one value of it may weigh some percent */
    assert_true(inside < 0.95);
    chirp_projection_release(&p);
}

/* A machine that starts from Theta's file but knows its own spread has nothing of Theta's waiting. */
static void test_an_own_spread_has_an_own_band(void **state)
{
    (void)state;
    chirp_projection_options o = options(CHIRP_TEST_MACHINES "/own.json", "halving");
    double low[3];
    o.engine = "closed_form";
    o.n_rows = 2;
    o.nodes[1] = 200000; /* the platform has 128 hosts; formulas need none */
    o.settings.fresh_jitter = 0.01;
    project(&o, &p);
    assert_int_equal(p.calibration.n, 0);
    assert_near(p.row[0].band[0], 1, 1e-12);
    static const double factors[] = {0.5, 1, 2};
    for (int i = 0; i < 3; ++i) {
        o.settings.jitter = factors[i] * 0.03;
        project(&o, &q);
        low[i] = q.row[1].efficiency;
        chirp_projection_release(&q);
    }
    assert_near(p.row[1].efficiency, low[1], 1e-12);
    assert_near(p.row[1].band[0], low[2], 1e-9);
    assert_near(p.row[1].band[1], low[0], 1e-9);
    chirp_projection_release(&p);
    /* with the cycle, which nothing was fitted to; and exact, when the user gives the spread */
    o.settings.exchange = "horovod";
    o.settings.jitter = 0.03;
    project(&o, &p);
    assert_near(p.row[1].band[0], p.row[1].efficiency, 1e-9);
    assert_near(p.row[1].band[1], p.row[1].efficiency, 1e-9);
    chirp_projection_release(&p);
}

static void test_nothing_is_above_all_that_nodes_can_do(void **state)
{
    (void)state;
    chirp_projection_options o = options("theta", "halving");
    o.engine = "closed_form";
    o.settings.shares = true;
    o.settings.speed_steps = 100;
    o.settings.fresh_jitter = 0;
    o.nodes[3] = 1024;
    for (int i = 0; i < 5; ++i) {
        o.settings.jitter = 0.1 * i;
        project(&o, &p);
        for (int k = 0; k < p.n_rows; ++k) {
            const chirp_projection_row *row = &p.row[k];
            chirp_plan plan;
            plan_of(&p, row->ranks, &plan);
            assert_near(row->efficiency,
                        chirp_shared_compute(&plan) * row->terms.compute / row->terms.seconds,
                        1e-12);
            assert_true(row->band[0] <= row->efficiency && row->efficiency <= row->band[1] &&
                        row->band[1] <= 1);
        }
        chirp_projection_release(&p);
    }
}

static void test_other_exchanges_wait_as_long(void **state)
{
    (void)state;
    chirp_plan plan;
    chirp_projection_options o = options("theta", "horovod");
    o.engine = "closed_form";
    o.n_rows = 1;
    o.nodes[0] = 1024;
    project(&o, &p);
    o.settings.exchange = "overlap";
    o.shared_noise = true;
    project(&o, &q);
    const chirp_step_terms *t = &q.row[0].terms;
    assert_near(t->straggler, p.row[0].terms.straggler, 1e-12);
    plan_of(&q, 1024, &plan);
    assert_near(t->negotiation, chirp_loss_sum_s(&plan), 1e-12);
    double all = 0;
    for (int b = 0; b < plan.n_buckets; ++b)
        all += chirp_reduction_s(&plan, b);
    /* the last bucket is full when the pass ends; of the others at most all is left */
    assert_true(t->exposed_allreduce >= chirp_reduction_s(&plan, plan.n_buckets - 1) * (1 - 1e-9));
    assert_true(t->exposed_allreduce <= all);
    chirp_projection_release(&q);
    o.settings.half = true;
    project(&o, &q);
    assert_int_equal(q.workload.trained, 3730563);
    chirp_projection_release(&q);
    chirp_projection_release(&p);
}

/* Neighbours on a router, in turns where routing is minimal, and many ranks: what the small crossbar doesn't have. */
static void test_halving_with_shares_on_1024_nodes(void **state)
{
    (void)state;
    if (!simgrid())
        skip();
    chirp_projection_options o = options("theta", "halving");
    o.n_rows = 1;
    o.nodes[0] = 1024;
    o.settings.shares = true;
    o.settings.speed_steps = 100;
    o.settings.steps = 2;
    project(&o, &p);
    assert_true(fabs(efficiency(&p.row[0].terms) - efficiency(&p.row[0].closed_form)) < 0.01);
    chirp_projection_release(&p);
}

/* Noise of unit variance, and what 500 steps of one node couldn't show. */
static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return ((double)(*state >> 12) + 0.5) / 4503599627370496.0;
}

static double normal(uint64_t *state)
{
    const double radius = sqrt(-2 * log(uniform(state)));
    return radius * cos(2 * acos(-1.0) * uniform(state));
}

static double student_5(uint64_t *state)
{
    double squares = 0;
    for (int i = 0; i < 5; ++i)
        squares += pow(normal(state), 2);
    return normal(state) / sqrt(squares / 5) / sqrt(5.0 / 3);
}

/* One step in 500 of every node takes 10 % longer. */
static double interrupted(uint64_t *state)
{
    return normal(state) + (uniform(state) < 1 / 500.0 ? 0.1 / 0.0085 : 0);
}

static void test_what_the_tails_of_noise_would_do(void **state)
{
    (void)state;
    enum { RANKS = 1024, STEPS = 60 };
    static double (*const noise[])(uint64_t *) = {normal, student_5, interrupted};
    static const char *const names[] = {"normal", "Student's t, 5", "10 % in one of 500 steps"};
    static float factor[STEPS * RANKS];
    double mean[3] = {0};
    chirp_plan plan;
    chirp_step_terms t;
    chirp_projection_options o = options("theta", "halving");
    o.engine = "closed_form";
    o.settings.shares = true;
    o.settings.speed_steps = 100;
    project(&o, &p);
    plan_of(&p, RANKS, &plan);
    chirp_closed_form(&plan, &t);
    plan.jitter_fresh = 0;
    assert_int_equal(chirp_jitter_draw(&plan, 9, STEPS, factor), CHIRP_OK);
    for (int n = 0; n < 3; ++n) {
        uint64_t seed = 5;
        double seconds = t.negotiation + t.exposed_allreduce;
        for (int s = 0; s < STEPS; ++s) {
            double last = 0;
            for (int i = 0; i < RANKS; ++i)
                last = fmax(last, (double)factor[s * RANKS + i] + 0.0085 * noise[n](&seed));
            seconds += last * t.compute / STEPS;
        }
        mean[n] = t.compute / seconds;
        print_message("%s: %.1f %%\n", names[n], 100 * mean[n]);
    }
    assert_true(fabs(mean[0] - efficiency(&t)) < 0.005); /* the closed form takes it as normal */
    /* of 1024 such numbers the largest is about 3.3, 9 and, in all but 13 % of the steps, 12 */
    assert_true(mean[1] < mean[0] && mean[2] < mean[1]);
    chirp_projection_release(&p);
}

static void test_shares_follow_speed(void **state)
{
    (void)state;
    enum { RANKS = 64, PASSES = 2 };
    chirp_plan plan;
    float equal[PASSES * RANKS];
    float shared[PASSES * RANKS];
    chirp_projection_options o = options("theta", "halving");
    o.engine = "closed_form";
    o.settings.micro_steps = PASSES;
    project(&o, &p);
    plan_of(&p, RANKS, &plan);
    plan.jitter_fresh = 0; /* nothing else spreads the ranks */
    assert_int_equal(chirp_jitter_draw(&plan, 5, PASSES, equal), CHIRP_OK);
    chirp_step_terms t;
    chirp_closed_form(&plan, &t);
    const double without = t.straggler;
    const double h = chirp_shared_compute(&plan);
    double speed = 0;
    for (int i = 0; i < RANKS; ++i)
        speed += 1 / (double)equal[i] / RANKS;
    assert_near(h, 1 / speed,
                1e-6); /* all at work all the time: the harmonic mean of their times */
    for (int signals = 1; signals <= 256; signals *= 4) {
        plan.share_signals = signals;
        assert_int_equal(chirp_jitter_draw(&plan, 5, PASSES, shared), CHIRP_OK);
        double sum = 0;
        double last = 0;
        double last_equal = 0;
        for (int i = 0; i < RANKS; ++i) {
            const double share = (double)shared[i] / (double)equal[i] * signals;
            assert_near(share, round(share), 1e-5); /* whole signals */
            sum += share;
            last = fmax(last, (double)shared[i]);
            last_equal = fmax(last_equal, (double)equal[i]);
        }
        assert_near(sum, RANKS * signals, 1e-5); /* none lost */
        /* never worse than equal shares, and at most a signal beyond what all could do */
        assert_true(last <= last_equal + 1e-6);
        assert_true(signals == 1 || last <= h + 1.5 / signals);
        chirp_closed_form(&plan, &t);
        assert_true(t.straggler <= without + 1e-12);
        if (signals >= 64) /* what was drawn, to a third of a signal */
            assert_true(fabs(t.straggler / (PASSES * plan.micro_s) - (last - 1)) <= 0.3 / signals);
    }
    /* ranks that don't differ for good keep equal shares, whatever ten noisy steps say */
    plan.jitter_fresh = plan.jitter_relative;
    plan.share_signals = 64;
    chirp_closed_form(&plan, &t);
    const double noise = t.straggler;
    plan.share_signals = 0;
    chirp_closed_form(&plan, &t);
    assert_near(noise, t.straggler, 1e-12);
    chirp_projection_release(&p);
}

/* Efficiency of every row of several ranks, simulated, within `points` of the closed form's. */
static void check_engines_agree(const chirp_projection_options *o, double points)
{
    project(o, &p);
    for (int i = 1; i < p.n_rows; ++i) {
        chirp_plan plan;
        plan_of(&p, p.row[i].ranks, &plan);
        const double formula = chirp_plan_efficiency(&plan, p.row[i].closed_form.compute,
                                                     p.row[i].closed_form.seconds);
        if (!(fabs(p.row[i].efficiency - formula) <= 0.01 * points))
            fail_msg("%d ranks: %.4f simulated, %.4f by formula, %g points allowed", p.row[i].ranks,
                     p.row[i].efficiency, formula, points);
    }
    chirp_projection_release(&p);
}

static void test_simulation_meets_the_closed_form_of_shares(void **state)
{
    (void)state;
    if (!simgrid())
        skip();
    /* no noise, one node's, and twice what two nodes allow; spreads from hardly any to the widest fit */
    static const double noise[] = {0, 0.0085, 0.03};
    static const double spread[] = {0.02, 0.183};
    chirp_projection_options o = options(crossbar, "halving");
    o.nodes[1] = 8;
    o.nodes[2] = 23;
    o.nodes[3] = 128;
    o.settings.steps = 16;
    o.settings.shares = true;
    o.settings.speed_steps = 100;
    for (size_t s = 0; s < sizeof spread / sizeof spread[0]; ++s)
        for (size_t f = 0; f < sizeof noise / sizeof noise[0]; ++f) {
            o.settings.jitter = spread[s];
            o.settings.fresh_jitter = noise[f];
            check_engines_agree(&o, 1);
        }
    o.settings.micro_steps = 3;
    o.settings.batch =
        16; /* one signal is 6 % of a pass, and eight ranks are one draw of roundings */
    check_engines_agree(&o, 2);
}

static void test_json_is_complete(void **state)
{
    (void)state;
    chirp_projection_options o = options(crossbar, "horovod");
    char *text = NULL;
    o.settings.steps = 2;
    project(&o, &p);
    cJSON *made = chirp_projection_object(&p);
    text = chirp_json_print(made);
    cJSON_Delete(made);
    assert_non_null(text);
    cJSON *root = cJSON_Parse(text);
    assert_non_null(root);
    assert_string_equal(cJSON_GetObjectItem(root, "machine")->valuestring, "crossbar");
    assert_string_equal(cJSON_GetObjectItem(root, "exchange")->valuestring, "horovod");
    assert_int_equal(cJSON_GetObjectItem(root, "batch")->valueint, 64);
    const cJSON *row = NULL;
    int n = 0;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(root, "rows"))
    {
        static const char *const keys[] = {
            "nodes",     "seconds_per_step", "efficiency",       "compute",
            "straggler", "negotiation",      "exposed_allreduce"};
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; ++k)
            assert_true(cJSON_IsNumber(cJSON_GetObjectItem(row, keys[k])));
        ++n;
    }
    assert_int_equal(n, 4);
    const cJSON *published = cJSON_GetObjectItem(root, "published");
    assert_int_equal(cJSON_GetObjectItem(published, "nodes")->valueint, 1024);
    assert_true(cJSON_GetObjectItem(published, "efficiency")->valuedouble == 0.75);
    assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(root, "assumptions")) >= 4);
    assert_non_null(cJSON_GetObjectItem(root, "calibrated_on"));
    assert_null(strstr(text, "nan"));
    cJSON_Delete(root);
    cJSON_free(text);
    chirp_projection_release(&p);
}

static void test_impossible_projections_are_refused(void **state)
{
    (void)state;
    chirp_projection_options o = options("hal", "overlap");
    o.nodes[3] = 17;
    o.engine = "simgrid";
    assert_int_equal(chirp_project(&o, NULL, NULL, &p),
                     simgrid() ? CHIRP_ERR_RANGE : CHIRP_ERR_UNSUPPORTED);
    assert_non_null(strstr(chirp_error_message(), simgrid() ? "16 nodes" : "SimGrid"));
    for (int e = 0; chirp_exchange_kind_at(e); ++e) {
        o = options("theta", chirp_exchange_kind_at(e)->name);
        o.settings.half = true;
        if (chirp_exchange_compresses(o.settings.exchange))
            continue;
        assert_int_equal(chirp_project(&o, NULL, NULL, &p), CHIRP_ERR_ARG);
        assert_non_null(strstr(chirp_error_message(), "--compress"));
    }
    o = options("theta", "study"); /* a word of old */
    assert_int_equal(chirp_project(&o, NULL, NULL, &p), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "horovod"));
    o = options("theta", "overlap");
    o.settings.flops = CHIRP_RATE_PROFILE;
    assert_int_equal(chirp_project(&o, NULL, NULL, &p), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "--profile"));
}

static void test_engines_are_found_by_name(void **state)
{
    const chirp_engine *engine = NULL;
    (void)state;
    assert_int_equal(chirp_engine_find("closed_form", &engine), CHIRP_OK);
    assert_true(engine == &chirp_engine_closed_form);
    assert_int_equal(chirp_engine_find("auto", &engine), CHIRP_OK);
    assert_true(engine == (simgrid() ? &chirp_engine_simgrid : &chirp_engine_closed_form));
    assert_int_equal(chirp_engine_find("simgrid", &engine),
                     simgrid() ? CHIRP_OK : CHIRP_ERR_UNSUPPORTED);
    assert_int_equal(chirp_engine_find("abacus", &engine), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), chirp_engine_choices()));
}

/* Whoever wants another setting asks again with it: nothing of a result goes in. */
static void test_a_plan_is_made_of_machine_workload_and_settings(void **state)
{
    chirp_plan one;
    chirp_plan two;
    chirp_projection_options o = options("theta", "overlap");
    (void)state;
    o.engine = "closed_form";
    project(&o, &p);
    plan_of(&p, 64, &one);
    plan_of(&p, 64, &two);
    assert_memory_equal(&one, &two, sizeof one);
    chirp_plan_settings other = o.settings;
    other.exchange = "halving";
    other.flops = CHIRP_RATE_SLOW;
    assert_int_equal(chirp_plan_make(&p.machine, &p.workload, &other, 64, &two), CHIRP_OK);
    assert_true(one.n_buckets > 1 && two.n_buckets == 1 && two.micro_s > one.micro_s);
    assert_near(two.bytes[0], 4.0 * (double)p.workload.trained, 1e-12);
    assert_near(two.ready_s[0], two.micro_s, 1e-12);
    other.batch = 0;
    assert_int_equal(chirp_plan_make(&p.machine, &p.workload, &other, 64, &two), CHIRP_ERR_ARG);
    chirp_projection_release(&p);
}

static void test_simgrid_s_own_errors_come_back(void **state)
{
    (void)state;
    if (!simgrid())
        skip();
    chirp_projection_options o = options("theta", "overlap");
    o.engine = "closed_form";
    project(&o, &p);
    chirp_plan plan;
    chirp_step_terms t;
    plan_of(&p, 4, &plan);
    plan.platform = "/nonexistent.xml";
    assert_int_equal(chirp_engine_simgrid.run(&plan, &t), CHIRP_ERR_LIBRARY);
    plan_of(&p, 4, &plan);
    plan.host_prefix = "wrong";
    assert_int_equal(chirp_engine_simgrid.run(&plan, &t), CHIRP_ERR_FORMAT);
    assert_non_null(strstr(chirp_error_message(), "wrong0"));
    chirp_projection_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simulation_meets_the_closed_form_without_jitter),
        cmocka_unit_test(test_simulation_meets_the_closed_form_with_jitter),
        cmocka_unit_test(test_a_seed_is_a_result),
        cmocka_unit_test(test_hal_and_the_fat_tree_run),
        cmocka_unit_test(test_the_band_holds_nine_tenths_of_the_laws),
        cmocka_unit_test(test_an_own_spread_has_an_own_band),
        cmocka_unit_test(test_nothing_is_above_all_that_nodes_can_do),
        cmocka_unit_test(test_other_exchanges_wait_as_long),
        cmocka_unit_test(test_halving_with_shares_on_1024_nodes),
        cmocka_unit_test(test_what_the_tails_of_noise_would_do),
        cmocka_unit_test(test_shares_follow_speed),
        cmocka_unit_test(test_simulation_meets_the_closed_form_of_shares),
        cmocka_unit_test(test_json_is_complete),
        cmocka_unit_test(test_impossible_projections_are_refused),
        cmocka_unit_test(test_engines_are_found_by_name),
        cmocka_unit_test(test_a_plan_is_made_of_machine_workload_and_settings),
        cmocka_unit_test(test_simgrid_s_own_errors_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
