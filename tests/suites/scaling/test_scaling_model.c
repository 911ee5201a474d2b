/* suites/scaling: the closed form, the workload, the calibration and the reading of machine files. */
#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/memory.h"
#include "harness/stats/stats.h"
#include "suites/scaling/projected/calibration.h"
#include "suites/scaling/measured/costs.h"
#include "suites/scaling/measured/measure_internal.h"
#include "suites/scaling/projected/plan.h"
#include "suites/scaling/projected/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void assert_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("got %.10g, want %.10g within %g", got, want, relative);
}

static void test_expected_maximum(void **state)
{
    (void)state;
    /* 1/sqrt(pi), 3/(2 sqrt(pi)), and the integral of n x f(x) F(x)^(n-1), another one than the function takes */
    assert_true(chirp_expected_maximum(1) == 0);
    assert_near(chirp_expected_maximum(2), 0.5641895835, 1e-6);
    assert_near(chirp_expected_maximum(3), 0.8462843753, 1e-6);
    assert_near(chirp_expected_maximum(8), 1.4236003060, 1e-6);
    assert_near(chirp_expected_maximum(128), 2.5945973686, 1e-9);
    assert_near(chirp_expected_maximum(1024), 3.2482396014, 1e-9);
    assert_near(chirp_expected_maximum(4096), 3.6260821778, 1e-9);
}

static void test_workload_is_the_study_s_network(void **state)
{
    (void)state;
    chirp_workload w;
    const int64_t trained[CHIRP_VARIANTS] = {3730563, 3780099, 4492803, 0};
    for (int v = 0; v < CHIRP_VARIANT_ALL; ++v) {
        assert_int_equal(chirp_workload_make("spin", (chirp_variant)v, false, &w), CHIRP_OK);
        assert_int_equal(w.trained, trained[v]);
        assert_int_equal(w.n, 16);
        /* shared noise: the Bayesian network costs what the deterministic one does */
        assert_int_equal(chirp_workload_make("spin", (chirp_variant)v, true, &w), CHIRP_OK);
        assert_int_equal(w.trained, trained[0]);
    }
    assert_near(w.flops, 4.63e9, 0.01);
    double forward = 0;
    for (int i = 0; i < w.n; ++i)
        forward += w.layer[i].forward_flops;
    assert_near(forward, 1.55e9, 0.01);
    assert_int_equal(chirp_workload_make("charm", CHIRP_VARIANT_NONE, false, &w), CHIRP_ERR_ARG);
}

static chirp_plan theta_plan(int ranks)
{
    return (chirp_plan){.exchange = *chirp_exchange_find("horovod"),
                        .ranks = ranks,
                        .ranks_per_node = 1,
                        .micro_steps = 1,
                        .micro_s = 0.595,
                        .n_buckets = 1,
                        .ready_s = {0.595},
                        .bytes = {15.12e6},
                        .bandwidth = 8e9,
                        .latency = 1.5e-6,
                        .local_bandwidth = 8e9,
                        .local_latency = 1.5e-6,
                        .software_fixed = 2e-5,
                        .software_per_byte = 0.57e-9,
                        .reduce_bandwidth = 25e9,
                        .copy_bandwidth = 4e9,
                        .cycle_s = 5.17e-3,
                        .cycles = 1.5};
}

static void test_costs_meet_the_public_measurements(void **state)
{
    (void)state;
    /* 508,160 bytes between two nodes: 444 us measured in run A, 678 in B2; the model should stay in their
       neighbourhood, and a plain 4 KiB reduction by doubling within a third of the ALCF's plot */
    chirp_plan plan = theta_plan(2);
    const double two = chirp_allreduce_s(&plan, 508160);
    assert_true(two > 300e-6 && two < 680e-6);
    plan.ranks = 1024;
    assert_near(chirp_allreduce_s(&plan, 14.92e6), 24.3e-3, 0.15);
    chirp_step_terms t;
    chirp_closed_form(&plan, &t);
    assert_near(t.seconds, t.compute + t.straggler + t.negotiation + t.exposed_allreduce, 1e-12);
    assert_true(t.straggler == 0);
    /* bytes and control: the communication thread's cycles and agreement; two copies and a reduction */
    assert_near(t.negotiation, 1.5 * 5.17e-3 + chirp_agreement_s(&plan), 1e-12);
    assert_near(t.exposed_allreduce, 2 * 15.12e6 / 4e9 + chirp_allreduce_s(&plan, 15.12e6), 1e-12);
    plan.jitter_relative = 0.2;
    chirp_closed_form(&plan, &t);
    assert_near(t.straggler, 0.2 * chirp_expected_maximum(1024) * 0.595, 1e-12);
}

static void test_one_rank_waits_for_nobody(void **state)
{
    (void)state;
    for (int e = 0; chirp_exchange_kind_at(e); ++e) {
        chirp_plan plan = theta_plan(1);
        plan.exchange = *chirp_exchange_kind_at(e);
        plan.jitter_relative = 0.2;
        chirp_step_terms t;
        chirp_closed_form(&plan, &t);
        assert_true(t.seconds == t.compute && t.compute == 0.595);
    }
}

static void test_overlap_hides_what_fits_behind_the_backward_pass(void **state)
{
    (void)state;
    chirp_plan plan = theta_plan(1024);
    chirp_step_terms t;
    plan.exchange = *chirp_exchange_find("overlap");
    chirp_closed_form(&plan, &t);
    assert_near(t.exposed_allreduce, chirp_allreduce_s(&plan, 15.12e6),
                1e-9); /* one bucket, ready at the end */
    plan.n_buckets = 2;
    plan.ready_s[0] = 0.3;
    plan.ready_s[1] = 0.595;
    plan.bytes[0] = 15e6;
    plan.bytes[1] = 0.12e6;
    chirp_closed_form(&plan, &t);
    assert_near(t.exposed_allreduce, chirp_allreduce_s(&plan, 0.12e6), 1e-9);
    assert_near(t.negotiation, 2 * chirp_agreement_s(&plan), 1e-12); /* the loss is summed */
    /* accumulation: K passes pay for one exchange, and step-to-step noise averages out */
    plan.jitter_relative = plan.jitter_fresh = 0.1;
    plan.micro_steps = 4;
    chirp_step_terms many;
    chirp_closed_form(&plan, &many);
    assert_near(many.straggler, 0.1 * 0.595 * 2 * chirp_expected_maximum(1024), 1e-6);
}

static void test_halving_pays_for_wire_and_sums(void **state)
{
    (void)state;
    chirp_plan plan = theta_plan(1024);
    chirp_step_terms t;
    plan.exchange = *chirp_exchange_find("halving");
    const double sent = 15.12e6 * 1023 / 1024;
    chirp_closed_form(&plan, &t);
    /* parts are whole cache lines, 231 of 230.7 on average: up to 0.2 % more is sent */
    assert_near(t.exposed_allreduce, 20 * (2e-5 + 1.5e-6) + 2 * sent / 8e9 + sent / 25e9, 2e-3);
    assert_near(t.negotiation, 20 * (2e-5 + 1.5e-6 + 8 / 8e9), 1e-9);
    plan.ranks = 1025; /* one rank folds its gradient into a neighbour's first */
    chirp_step_terms odd;
    chirp_closed_form(&plan, &odd);
    assert_near(odd.exposed_allreduce - t.exposed_allreduce,
                2 * (2e-5 + 1.5e-6 + 15.12e6 / 8e9) + 15.12e6 / 25e9, 1e-9);
    /* on one computer sums share its memory and messages are copied */
    plan.ranks = 2;
    plan.shared_processors = 2;
    assert_near(chirp_reduction_s(&plan, 0),
                2 * (2e-5 + 1.5e-6 + 7.56e6 * (0.57e-9 + 1 / 8e9)) + 2 * 7.56e6 / 25e9, 1e-9);
}

static void test_theta_s_noise_is_what_one_node_showed(void **state)
{
    (void)state;
    chirp_machine m;
    assert_int_equal(chirp_machine_read("theta", &m), CHIRP_OK);
    const chirp_machine_value *fresh = &m.value[CHIRP_MACHINE_JITTER_FRESH];
    assert_string_equal(fresh->kind, "measured");
    assert_near(fresh->value, 0.64e-3 / 75.8e-3, 0.01);
    /* two nodes: the maximum of two has sd sqrt(1 - 1 / pi) of one's; they bound it from above */
    assert_true(fresh->value < 1.10 / 82.6 / sqrt(1 - 1 / acos(-1.0)));
    /* so nearly all of the spread's variance is permanent, whichever fit it is of */
    chirp_plan plan = theta_plan(8);
    double permanent = 0;
    double noise = 0;
    plan.jitter_fresh = fresh->value;
    plan.jitter_relative = 0.124;
    chirp_jitter_parts(&plan, &permanent, &noise);
    assert_near(permanent * permanent / (0.124 * 0.124), 0.995, 1e-3);
    assert_near(noise, fresh->value, 1e-12);
    plan.jitter_relative = 0.004; /* less than that: all of it is noise */
    chirp_jitter_parts(&plan, &permanent, &noise);
    assert_true(permanent == 0 && noise == 0.004);
    chirp_machine_release(&m);
}

static void test_jitter_has_the_spread_it_was_asked_for(void **state)
{
    (void)state;
    enum { RANKS = 512, PASSES = 40 };
    chirp_plan plan = theta_plan(RANKS);
    plan.jitter_relative = 0.1;
    plan.jitter_fresh = 0.08; /* 64 % of the variance */
    static float factor[PASSES * RANKS];
    static float again[PASSES * RANKS];
    assert_int_equal(chirp_jitter_draw(&plan, 7, PASSES, factor), CHIRP_OK);
    assert_int_equal(chirp_jitter_draw(&plan, 7, PASSES, again), CHIRP_OK);
    assert_memory_equal(factor, again, sizeof factor);
    assert_int_equal(chirp_jitter_draw(&plan, 8, PASSES, again), CHIRP_OK);
    assert_true(memcmp(factor, again, sizeof factor) != 0);
    double total = 0;
    double between = 0;
    for (int i = 0; i < RANKS; ++i) {
        double mean = 0;
        for (int s = 0; s < PASSES; ++s) {
            const double d = (double)factor[s * RANKS + i] - 1;
            total += d * d / (PASSES * RANKS);
            mean += d / PASSES;
        }
        between += mean * mean / RANKS;
    }
    /* 20480 draws: the spread is known to about 1 %, the permanent share to a few */
    assert_near(sqrt(total), 0.1, 0.03);
    assert_near(between, 0.01 * (0.36 + 0.64 / PASSES), 0.1);
}

static void test_builtin_machines_are_whole(void **state)
{
    (void)state;
    static const char *const names[] = {"theta", "theta_crossbar", "hal", "hdr_fat_tree"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        chirp_machine m;
        if (chirp_machine_read(names[i], &m) != CHIRP_OK)
            fail_msg("%s: %s", names[i], chirp_error_message());
        assert_string_equal(m.name, names[i]);
        assert_true(access(m.platform_path, R_OK) == 0);
        for (int v = 0; v < CHIRP_MACHINE_NUMBERS; ++v)
            assert_true(!m.value[v].given || (m.value[v].source && m.value[v].unit[0]));
        chirp_machine_release(&m);
    }
    chirp_machine m;
    assert_int_equal(chirp_machine_read("thetta", &m), CHIRP_ERR_ARG);
    assert_non_null(strstr(chirp_error_message(), "theta_crossbar"));
}

static void expect_bad(const char *text, const char *part)
{
    chirp_machine m;
    char path[64];
    (void)snprintf(path, sizeof path, "./machine-%d.json", (int)getpid());
    assert_int_equal(chirp_file_write(path, text, strlen(text)), CHIRP_OK);
    const chirp_status st = chirp_machine_read(path, &m);
    (void)remove(path);
    if (st == CHIRP_OK || !strstr(chirp_error_message(), part))
        fail_msg("status %d, '%s' lacks '%s'", st, chirp_error_message(), part);
}

static void test_bad_machine_files_are_named(void **state)
{
    (void)state;
    expect_bad("{", "not JSON");
    expect_bad("[1]", "no JSON object");
    expect_bad("{\"name\": \"x\"}", "title");
    expect_bad("{\"name\": \"x\", \"title\": \"t\", \"platform\": \"absent.xml\"}", "absent.xml");
    expect_bad("{\"name\": \"x\", \"like\": \"absent.json\"}", "absent.json");
    char text[8192];
    /* a machine like a built-in one, with one number spoilt */
    chirp_machine m;
    assert_int_equal(chirp_machine_read("theta", &m), CHIRP_OK);
    char *slash = strrchr(m.platform_path, '/');
    *slash = '\0';
    static const char *const spoilt[][2] = {
        {"\"bandwith\": {\"value\": 1e9}", "bandwith is not a known"},
        {"\"bandwidth\": {\"value\": 8, \"unit\": \"B/s\", \"kind\": \"measured\", \"source\": "
         "\"s\"}",
         "bandwidth"},
        {"\"bandwidth\": {\"value\": 8e9, \"unit\": \"B/s\", \"kind\": \"guessed\", \"source\": "
         "\"s\"}",
         "guessed"},
        {"\"bandwidth\": {\"value\": 8e9, \"unit\": \"B/s\", \"kind\": \"assumed\"}", "source"},
        {"\"latency\": 1", "latency"},
    };
    for (size_t i = 0; i < sizeof spoilt / sizeof spoilt[0]; ++i) {
        (void)snprintf(text, sizeof text,
                       "{\"like\": \"%s/theta.json\", \"name\": \"x\", \"values\": {%s}}",
                       m.platform_path, spoilt[i][0]);
        expect_bad(text, spoilt[i][1]);
    }
    (void)snprintf(
        text, sizeof text,
        "{\"like\": \"%s/theta.json\", \"name\": \"x\", \"runs\": {\"network\": \"spin\", "
        "\"variational\": \"last2\", \"exchange\": \"study\", \"batch\": 1}}",
        m.platform_path);
    expect_bad(text, chirp_exchange_choices());
    chirp_machine_release(&m);
}

static void test_calibration_recovers_known_numbers(void **state)
{
    (void)state;
    chirp_machine m;
    assert_int_equal(chirp_machine_read("theta", &m), CHIRP_OK);
    /* observations made from the model itself: the fit must find what they were made with */
    m.n_observed = 1;
    m.observed_bytes = 0;
    m.observed[0].n = 4;
    chirp_calibration none;
    for (int i = 0; i < 4; ++i) {
        chirp_plan plan = theta_plan(m.observed[0].nodes[i]);
        m.observed[0].extra_s[i] = chirp_agreement_s(&plan) + chirp_allreduce_s(&plan, 0) +
                                   0.7 * 5.17e-3 +
                                   0.011 * chirp_expected_maximum(m.observed[0].nodes[i]);
    }
    assert_int_equal(chirp_calibrate(&m, &none), CHIRP_OK);
    assert_near(none.fit[0].cycles, 0.7, 1e-6);
    assert_near(none.fit[0].sd_s, 0.011, 1e-6);
    assert_near(none.pooled.sd_s, 0.011, 1e-6);
    assert_true(none.fit[0].rms_s < 1e-9);
    assert_int_equal(none.n_held_out, 2);
    assert_near(none.held_out[1].predicted_efficiency, none.held_out[1].measured_efficiency, 1e-9);
    chirp_machine_release(&m);
}

static void test_held_out_node_counts_are_those_beyond_the_fit(void **state)
{
    (void)state;
    chirp_machine m;
    chirp_calibration c;
    assert_int_equal(chirp_machine_read("theta", &m), CHIRP_OK);
    assert_int_equal(chirp_calibrate(&m, &c), CHIRP_OK);
    assert_int_equal(c.n_held_out, 4);
    for (int i = 0; i < c.n_held_out; ++i) {
        const chirp_observed_network *o = &m.observed[i / 2];
        assert_true(c.held_out[i].nodes > m.fit_nodes_max);
        assert_near(c.held_out[i].measured_efficiency,
                    m.observed_one_node_s / (m.observed_one_node_s + o->extra_s[2 + i % 2]), 1e-12);
    }
    for (int i = 0; i < c.n; ++i)
        assert_near(c.fit[i].relative, c.fit[i].sd_s / m.observed_one_node_s, 1e-12);
    chirp_machine_release(&m);
}

static double draw_normal(uint64_t *seed)
{
    return chirp_normal_quantile(((double)(chirp_mix64(++*seed) >> 12) + 0.5) / 4503599627370496.0);
}

/* Ranks whose speeds wander, and shares by what the last m steps showed, held for m steps: drawn, against the formula. */
static double wander_drawn(int m, double correlation, int ranks, int windows, double *sd)
{
    uint64_t seed = 77;
    double kept = exp(-1 / correlation);
    double *x = chirp_calloc(3 * (size_t)ranks, sizeof *x);
    double *shown = x + ranks;
    double *sum = shown + ranks;
    double mean = 0;
    double squares = 0;
    assert_non_null(x);
    for (int i = 0; i < ranks; ++i)
        x[i] = draw_normal(&seed);
    for (int w = 0; w < windows; ++w) {
        double waiting =
            0; /* of a window: mean over its steps of how far the last rank is behind */
        for (int s = 0; s < m; ++s) {
            double last = -HUGE_VAL;
            for (int i = 0; i < ranks; ++i) {
                x[i] = kept * x[i] + sqrt(1 - kept * kept) * draw_normal(&seed);
                last = fmax(last, x[i] - shown[i]);
                sum[i] += x[i] / m;
            }
            waiting += last / m;
        }
        for (int i = 0; i < ranks; ++i) {
            shown[i] = sum[i];
            sum[i] = 0;
        }
        if (w > 0) { /* the first one has nothing shown yet */
            mean += waiting / (windows - 1);
            squares += waiting * waiting / (windows - 1);
        }
    }
    *sd = sqrt(fmax(0, squares - mean * mean) / (windows - 1));
    chirp_free(x);
    return mean;
}

static void test_wandering_speeds_make_shares_late(void **state)
{
    (void)state;
    enum { M = 20, RANKS = 200, WINDOWS = 60 };
    static const double correlation[] = {1, 20, 60, 200};
    for (int k = 0; k < 4; ++k) {
        double sd = 0;
        const chirp_plan plan = {
            .ranks = RANKS, .speed_steps = M, .correlation_steps = correlation[k]};
        const double drawn = wander_drawn(M, correlation[k], RANKS, WINDOWS, &sd);
        const double formula = chirp_speed_wander(&plan) * chirp_expected_maximum(RANKS);
        /* windows that share their ranks' slow drifts are worth fewer: correlation / M + 1 each */
        if (!(fabs(drawn - formula) <= 5 * sd * sqrt(1 + correlation[k] / M)))
            fail_msg("correlation %g: %g drawn (sd %g), %g by formula", correlation[k], drawn, sd,
                     formula);
    }
    const chirp_plan put = {.ranks = RANKS, .speed_steps = M};
    assert_true(chirp_speed_wander(&put) == 0);
}

static void test_exchange_costs_are_recovered(void **state)
{
    (void)state;
    static chirp_exchange_costs c;
    static const int ranks[] = {2, 3, 8};
    static const double bytes[] = {8, 65536, 1 << 20, 1 << 24};
    c = (chirp_exchange_costs){.one_computer = true, .processors = 2};
    for (int r = 0; r < 3; ++r)
        for (int b = 0; b < 4; ++b) {
            chirp_cost_point *point = &c.point[c.n++];
            /* rounds in full, and ranks over processors take turns */
            const double turns = ranks[r] / 2.0;
            const double rounds = ranks[r] == 8 ? 6 : ranks[r] == 3 ? 4 : 2;
            const double sent = ranks[r] == 8 ? 1.75 : ranks[r] == 3 ? 3 : 1;
            *point =
                (chirp_cost_point){.ranks = ranks[r],
                                   .bytes = bytes[b],
                                   .seconds = turns * (rounds * 7e-6 + sent * bytes[b] * 0.3e-9)};
            if (bytes[b] == 8)
                point->seconds *= 0.5; /* another algorithm: must not move the fit */
        }
    chirp_costs_fit(&c);
    assert_near(c.fixed_s, 7e-6, 1e-6);
    assert_near(c.per_byte_s, 0.3e-9, 1e-6);
    assert_int_equal(c.fitted_ranks, 3); /* the two fewest of three */
    for (int i = 0; i < c.n; ++i) {
        assert_int_equal(c.point[i].held_out, c.point[i].ranks > 3 || c.point[i].bytes < 100);
        if (c.point[i].bytes > 100)
            assert_near(c.point[i].fitted_s, c.point[i].seconds, 1e-6);
    }
    c.n = 8; /* two counts: the larger one is held out */
    chirp_costs_fit(&c);
    assert_int_equal(c.fitted_ranks, 2);
    assert_near(c.fixed_s, 7e-6, 1e-6);
}

static void test_bf16_is_charged_for_its_messages(void **state)
{
    (void)state;
    chirp_plan plan = theta_plan(2);
    plan.n_buckets = 1;
    plan.bytes[0] = 4e6;
    const double two = chirp_reduction_s(&plan, 0);
    assert_near(two, chirp_allreduce_s(&plan, 4e6), 1e-12);
    plan.half = true; /* two ranks: half of it each way, one partner */
    assert_near(chirp_reduction_s(&plan, 0), two, 1e-9);
    plan.ranks = 1024; /* 1023 partners, twice */
    assert_true(chirp_reduction_s(&plan, 0) > 2 * 1023 * plan.software_fixed);
    plan.half = false;
    assert_true(chirp_reduction_s(&plan, 0) < 0.03);
}

static void test_prediction_recovers_its_own_law(void **state)
{
    (void)state;
    static chirp_scale scale;
    static chirp_scale_terms terms[4];
    for (int strong = 0; strong < 2; ++strong) {
        scale.options.strong = strong == 1;
        scale.options.repetitions = 1;
        scale.n_rows = 4;
        for (int i = 0; i < 4; ++i) {
            const int n = 1 << i;
            const double crowd = n > 4 ? n / 4.0 : 1;
            const double part = crowd / (strong ? n : 1);
            const double e = chirp_expected_maximum(n);
            scale.row[i] = (chirp_scale_row){
                .ranks = n, .threads = 1, .crowd = n / 4.0, .repetition = &terms[i]};
            terms[i] = (chirp_scale_terms){.input = 0.01 * part * (n > 1 ? 1.1 : 1),
                                           .compute = 0.5 * part * (n > 1 ? 1.1 : 1),
                                           .waiting = 0.05 * 0.5 * part * e,
                                           .exposed = 0.003 * crowd * i};
            terms[i].total =
                terms[i].input + terms[i].compute + terms[i].waiting + terms[i].exposed;
        }
        double predicted = 0;
        assert_true(chirp_scale_predict(&scale, 3, &predicted));
        assert_near(predicted, terms[3].total, 1e-9);
        assert_false(
            chirp_scale_predict(&scale, 1, &predicted)); /* nothing but one rank below it */
        assert_false(chirp_scale_predict(&scale, 0, &predicted));
    }
}

static void test_rows_compare_within_their_series(void **state)
{
    (void)state;
    /* deterministic and Bayesian, one and two ranks, three repetitions */
    static const double seconds[4][3] = {{1, 5, 2}, {2, 6, 5}, {3, 6, 2}, {4, 15, 20}};
    static chirp_scale scale;
    static chirp_scale_terms terms[4][3];
    scale.options.repetitions = 3;
    scale.options.n_counts = 2;
    scale.n_rows = 4;
    for (int i = 0; i < 4; ++i) {
        scale.row[i] = (chirp_scale_row){.base = i / 2 * 2,
                                         .ranks = 1 + i % 2,
                                         .threads = 1,
                                         .variant = i < 2 ? CHIRP_VARIANT_NONE : CHIRP_VARIANT_ALL,
                                         .imbalance_share = 0.75,
                                         .slowest = -1,
                                         .repetition = terms[i]};
        for (int r = 0; r < 3; ++r)
            terms[i][r] = (chirp_scale_terms){.total = seconds[i][r],
                                              .compute = (i % 2 ? 0.6 : 1) * seconds[i][r],
                                              .waiting = (i % 2 ? 0.4 : 0) * seconds[i][r]};
    }
    chirp_interval interval;
    chirp_scale_budget lost;
    assert_int_equal(chirp_scale_median(&scale, 0), 2); /* of times: its efficiencies are all 1 */
    assert_int_equal(chirp_scale_median(&scale, 1), 0); /* of 1/2, 5/6, 2/5 */
    assert_int_equal(chirp_scale_efficiency(&scale, 3, &interval), CHIRP_OK);
    assert_near(interval.value, 0.4, 1e-12); /* of 3/4, 6/15, 2/20 */
    assert_near(interval.low, 0.1, 1e-12);
    assert_near(interval.high, 0.75, 1e-12);
    assert_false(chirp_scale_cost(&scale, 1, &interval));
    assert_true(chirp_scale_cost(&scale, 3, &interval));
    assert_near(interval.value, 2.5, 1e-12); /* of 4/2, 15/6, 20/5 */
    chirp_scale_loss(&scale, 3, &lost);
    assert_near(lost.sum, 60, 1e-12);
    assert_near(lost.compute, 20, 1e-12); /* 9 s of 15, where one rank took 6 */
    assert_near(lost.imbalance, 30, 1e-12);
    assert_near(lost.slowest, 10, 1e-12);
}

/* Two steps of two ranks, of which rank 1 takes 0.4 s longer to get its signals: whoever is slow is found, and named. */
static void test_a_slow_rank_is_found(void **state)
{
    (void)state;
    static chirp_scale scale;
    chirp_scale_terms terms[1];
    double compute[4];
    int last[2] = {0};
    double late[2] = {0};
    double common[2];
    double by_rank[2];
    chirp_lateness l = {.compute = compute, .last = last, .late = late, .common = common};
    chirp_step_record all[4]; /* [ranks][steps] */
    char text[160];
    for (int r = 0; r < 2; ++r)
        for (int s = 0; s < 2; ++s) {
            const double finish = s + (r == 1 ? 0.5 : 0.1);
            all[r * 2 + s] = (chirp_step_record){.input = r == 1 ? 0.4 : 0,
                                                 .forward = 0.04,
                                                 .backward = 0.06,
                                                 .exchange = s + 0.53 - finish,
                                                 .exposed = s + 0.53 - finish,
                                                 .finish = finish,
                                                 .done = s + 0.53,
                                                 .total = 0.53};
        }
    scale.options = (chirp_scale_options){.repetitions = 1, .steps = 2, .n_counts = 2};
    scale.n_rows = 1;
    scale.row[0] =
        (chirp_scale_row){.ranks = 2, .slowest = -1, .repetition = terms, .rank_compute = by_rank};
    chirp_scale_block(&scale.options, &scale.row[0], 0, all, 2 * 0.53, &l);
    chirp_scale_analyse(&scale.options, &scale.row[0], &l);
    assert_near(terms[0].input, 0.2, 1e-12); /* means over ranks */
    assert_near(terms[0].waiting, 0.2, 1e-12);
    assert_near(terms[0].exposed, 0.03, 1e-9);
    assert_near(terms[0].compute, 0.1, 1e-12);
    assert_true(by_rank[0] == scale.row[0].compute_min && by_rank[1] == by_rank[0]);
    assert_int_equal(scale.row[0].slowest, 1);
    assert_near(scale.row[0].slowest_share, 1, 1e-12);
    assert_near(scale.row[0].slowest_late_s, 0.4, 1e-12);
    assert_near(scale.row[0].imbalance_share, 1,
                1e-12); /* in every step the same: no chance in it */
    assert_true(chirp_scale_slow(&scale, 0, text, sizeof text));
    assert_non_null(strstr(text, "rank 1 is slow"));
}

/* A clock that runs fast by a thousandth, and was 2 s ahead. */
static void test_clocks_that_drift(void **state)
{
    (void)state;
    const chirp_scale_clock clock = {.at = {102, 112.01}, .offset = {-2, -2.01}};
    assert_near(107.005 + chirp_scale_offset_at(&clock, 107.005), 105, 1e-9);
    assert_near(112.01 + chirp_scale_offset_at(&clock, 112.01), 110, 1e-9);
    const chirp_scale_clock at_once = {.at = {5, 5}, .offset = {1, 1}};
    assert_near(chirp_scale_offset_at(&at_once, 5), 1, 1e-12);
}

/* With one rank the optimiser runs inside finish(), whose instants are zero: it is no control, and nobody is waited for. */
static void test_one_rank_has_nobody_to_agree_with(void **state)
{
    (void)state;
    chirp_scale_terms t;
    chirp_scale_row row = {.ranks = 1, .slowest = -1, .repetition = &t};
    const chirp_scale_options o = {.repetitions = 1, .steps = 1};
    double compute[1];
    int last[1] = {0};
    double late[1] = {0};
    chirp_lateness l = {.compute = compute, .last = last, .late = late};
    const chirp_step_profile profile = {.forward_s = 2,
                                        .backward_s = 3,
                                        .exchange_s = 0.25,
                                        .optimizer_s = 0.5,
                                        .total_s = 5.75,
                                        .exchange = {.applied_s = 0.5}};
    const chirp_step_record record = chirp_scale_record(&profile, 0);
    chirp_scale_block(&o, &row, 0, &record, 5.75, &l);
    assert_near(t.compute, 5, 1e-12);
    assert_near(t.control, 0.25, 1e-12);
    assert_near(t.optimizer, 0.5, 1e-12);
    assert_true(t.waiting == 0 && t.exposed == 0);
    assert_true(fabs(t.other) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expected_maximum),
        cmocka_unit_test(test_clocks_that_drift),
        cmocka_unit_test(test_workload_is_the_study_s_network),
        cmocka_unit_test(test_costs_meet_the_public_measurements),
        cmocka_unit_test(test_one_rank_waits_for_nobody),
        cmocka_unit_test(test_overlap_hides_what_fits_behind_the_backward_pass),
        cmocka_unit_test(test_halving_pays_for_wire_and_sums),
        cmocka_unit_test(test_theta_s_noise_is_what_one_node_showed),
        cmocka_unit_test(test_jitter_has_the_spread_it_was_asked_for),
        cmocka_unit_test(test_builtin_machines_are_whole),
        cmocka_unit_test(test_bad_machine_files_are_named),
        cmocka_unit_test(test_calibration_recovers_known_numbers),
        cmocka_unit_test(test_prediction_recovers_its_own_law),
        cmocka_unit_test(test_rows_compare_within_their_series),
        cmocka_unit_test(test_a_slow_rank_is_found),
        cmocka_unit_test(test_one_rank_has_nobody_to_agree_with),
        cmocka_unit_test(test_exchange_costs_are_recovered),
        cmocka_unit_test(test_bf16_is_charged_for_its_messages),
        cmocka_unit_test(test_held_out_node_counts_are_those_beyond_the_fit),
        cmocka_unit_test(test_wandering_speeds_make_shares_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
