/* Time to solution: the formulas, what is taken for granted, and that rows add up. By the closed form: nothing is simulated. */
#include "suites/scaling/projected/solution.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static chirp_projection p;
static chirp_solution solution;

static void assert_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("got %.10g, want %.10g within %g", got, want, relative);
}

static chirp_projection_options options(void)
{
    return (chirp_projection_options){.machine = "theta",
                                      .n_rows = 4,
                                      .nodes = {1, 8, 64, 1024},
                                      .network = "spin",
                                      .variant = CHIRP_VARIANT_LAST2,
                                      .engine = "closed_form",
                                      .settings = {.exchange = "horovod",
                                                   .batch = 64,
                                                   .jitter = -1,
                                                   .fresh_jitter = -1,
                                                   .micro_steps = 1,
                                                   .speed_steps = 10,
                                                   .seed = 3}};
}

static void project(const chirp_projection_options *o, const char *assume)
{
    const chirp_solution_options solve = {.assume = assume};
    if (chirp_solution_check(o, &solve) != CHIRP_OK ||
        chirp_project(o, NULL, NULL, &p) != CHIRP_OK ||
        chirp_solution_make(&p, &solve, &solution) != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
}

static const chirp_solution_row *row(chirp_solution_scaling scaling, int nodes)
{
    for (int i = 0; i < solution.n; ++i)
        if (solution.row[i].scaling == scaling && solution.row[i].nodes == nodes)
            return &solution.row[i];
    return NULL;
}

/* S = S_min (1 + B_noise / B), with S_min from the steps that one rank takes: its limits, and halfway at B = B_noise. */
static void test_steps_follow_the_noise_scale(void **state)
{
    (void)state;
    assert_near(chirp_solution_steps(1000, 64, 64, 130), 1000, 1e-12);
    assert_near(chirp_solution_steps(1000, 64, 640, 0), 1000, 1e-12); /* no noise: nothing gained */
    assert_near(chirp_solution_steps(1000, 64, 640, 1e12), 100, 1e-6); /* all noise: as signals */
    assert_near(chirp_solution_steps(1000, 1, 1e15, 99), 10, 1e-9);    /* S_min = 1000 / 100 */
    assert_near(chirp_solution_steps(1000, 1, 99, 99), 20, 1e-9);      /* twice S_min at B_noise */
}

static void check_row(const chirp_solution_row *r)
{
    for (int k = 0; k < 3; ++k)
        assert_near(r->start_s[k] + r->input_s[k] + r->steps[k] * r->step_s[k], r->seconds[k],
                    1e-12);
    assert_true(r->seconds[1] <= r->seconds[0] && r->seconds[0] <= r->seconds[2]);
    assert_true(r->step_s[1] <= r->step_s[0] && r->step_s[0] <= r->step_s[2]);
}

static void test_rows_add_up(void **state)
{
    (void)state;
    const chirp_projection_options o = options();
    project(&o, NULL);
    for (int i = 0; i < solution.n; ++i)
        check_row(&solution.row[i]);
    for (int i = 0; i < 4; ++i) {
        const chirp_solution_row *divided = row(CHIRP_SOLUTION_DIVIDED, o.nodes[i]);
        const chirp_solution_row *weak = row(CHIRP_SOLUTION_WEAK, o.nodes[i]);
        assert_near(divided->steps[0], round(120000.0 / o.nodes[i]), 1e-12);
        assert_near(weak->steps[0], round(chirp_solution_steps(120000, 64, 64.0 * o.nodes[i], 130)),
                    1e-12);
        assert_near(weak->step_s[0], p.row[i].terms.seconds, 1e-12);
        assert_near(weak->batch, 64.0 * o.nodes[i], 1e-12);
    }
    /* one rank is the same whatever scaling; on 1024 no signal is left for most ranks of a divided batch */
    assert_near(row(CHIRP_SOLUTION_STRONG, 1)->seconds[0], row(CHIRP_SOLUTION_WEAK, 1)->seconds[0],
                1e-9);
    assert_non_null(row(CHIRP_SOLUTION_STRONG, 64));
    assert_null(row(CHIRP_SOLUTION_STRONG, 1024));
    assert_near(row(CHIRP_SOLUTION_STRONG, 64)->steps[0], 120000, 1e-12);
    chirp_projection_release(&p);
}

/* Small passes: a signal of 1 takes (1 + c) / (1 + c / 64) times as long as of 64; what is left of the step doesn't shrink. */
static void test_divided_batches_pay_for_small_passes(void **state)
{
    (void)state;
    chirp_projection_options o = options();
    o.settings.jitter = o.settings.fresh_jitter = 0;
    project(&o, "pass_overhead=3");
    const double pass = row(CHIRP_SOLUTION_STRONG, 1)->step_s[0];
    const double small = row(CHIRP_SOLUTION_STRONG, 64)->step_s[0];
    chirp_projection_release(&p);
    project(&o, "pass_overhead=0");
    assert_near(small - row(CHIRP_SOLUTION_STRONG, 64)->step_s[0], pass * (4.0 / 67 - 1.0 / 64),
                1e-9);
    chirp_projection_release(&p);
}

static void test_start_up_and_input_are_what_is_assumed(void **state)
{
    (void)state;
    chirp_projection_options o = options();
    project(&o, "start_up_8=10,start_up_512=80,files=6,file_open=2,signal_bytes=1e6,read_rank=1e8,"
                "read_all=1e9,read_whole=0,iterations=10240");
    /* doubled three times over 64-fold: by the square root of 8 over 8-fold, and on */
    assert_near(row(CHIRP_SOLUTION_DIVIDED, 8)->start_s[0], 10, 1e-12);
    assert_near(row(CHIRP_SOLUTION_DIVIDED, 64)->start_s[0], 10 * sqrt(8), 1e-12);
    assert_near(row(CHIRP_SOLUTION_DIVIDED, 1024)->start_s[0], 80 * sqrt(2), 1e-12);
    /* 64 ranks read 160 * 64 signals each at 1e9 / 64 B/s, one its 10240 * 64 at its own 1e8 */
    assert_near(row(CHIRP_SOLUTION_DIVIDED, 64)->input_s[0], 12 + 160 * 64 * 1e6 / (1e9 / 64),
                1e-12);
    assert_near(row(CHIRP_SOLUTION_DIVIDED, 1)->input_s[0], 12 + 10240 * 64 * 1e6 / 1e8, 1e-12);
    /* what is given has no range: only the step's band is left */
    const chirp_solution_row *r = row(CHIRP_SOLUTION_DIVIDED, 64);
    assert_near(r->seconds[2] - r->seconds[1], r->steps[0] * (r->step_s[2] - r->step_s[1]), 1e-9);
    chirp_projection_release(&p);
    project(&o, "read_whole=1,data_bytes=1e9,read_rank=1e8,read_all=1e18,file_open=0");
    assert_near(row(CHIRP_SOLUTION_WEAK, 64)->input_s[0], 10, 1e-12);
    chirp_projection_release(&p);
    o = options();
    o.settings.exchange = "halving"; /* train makes its signals */
    project(&o, NULL);
    assert_true(row(CHIRP_SOLUTION_WEAK, 64)->input_s[2] == 0);
    chirp_projection_release(&p);
}

/* The published time again, from the rate that it is said to mean. */
static void test_json_says_what_is_assumed(void **state)
{
    (void)state;
    const chirp_projection_options o = options();
    project(&o, "start_up_8=0,start_up_512=0,files=0");
    cJSON *root = chirp_projection_object(&p);
    chirp_solution_json(&p, &solution, root);
    const cJSON *own = cJSON_GetObjectItem(root, "time_to_solution");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(own, "rows")), 4 + 4 + 3);
    const cJSON *list = cJSON_GetObjectItem(own, "assumptions");
    assert_int_equal(cJSON_GetArraySize(list), CHIRP_ASSUMPTIONS);
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, list)
    {
        const char *name = cJSON_GetObjectItem(item, "name")->valuestring;
        const bool given = strncmp(name, "start_up", 8) == 0 || strcmp(name, "files") == 0;
        assert_true(strlen(cJSON_GetObjectItem(item, "source")->valuestring) > 0);
        assert_int_equal(strcmp(cJSON_GetObjectItem(item, "kind")->valuestring, "given") == 0,
                         given);
    }
    const cJSON *published = cJSON_GetObjectItem(own, "published");
    const double flops = cJSON_GetObjectItem(published, "flops_without_loss")->valuedouble;
    assert_near(117 * 64 * p.workload.flops / flops, 1800, 1e-9);
    assert_near(cJSON_GetObjectItem(published, "flops_at_published_efficiency")->valuedouble,
                flops / 0.75, 1e-9);
    cJSON_Delete(root);
    chirp_projection_release(&p);
}

static void refused_by(const chirp_projection_options *o, const chirp_solution_options *solve,
                       const char *part)
{
    assert_true(chirp_solution_check(o, solve) != CHIRP_OK);
    if (!strstr(chirp_error_message(), part))
        fail_msg("%s", chirp_error_message());
}

static void refused(const chirp_projection_options *o, const char *assume, const char *part)
{
    const chirp_solution_options solve = {.assume = assume};
    refused_by(o, &solve, part);
}

static void test_wrong_assumptions_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"noise_scal=3", "noise_scale"},  {"noise_scale", "NAME=VALUE"},
        {"noise_scale=x", "noise_scale"}, {"noise_scale=-1", "from 0"},
        {"files=6,,", "NAME=VALUE"},      {"read_whole=2", "to 1"}};
    chirp_projection_options o = options();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i)
        refused(&o, wrong[i][0], wrong[i][1]);
    o.workload = "cosmoflow";
    refused(&o, "files=1", "--workload");
}

/* A log with checks at 100, 200 and 300 steps of 16 signals. */
static void write_log(char *path)
{
    static const double error[] = {0.5, 0.2, 0.1};
    const int fd = mkstemps(path, 6);
    FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
    assert_non_null(file);
    for (int i = 0; i < 3; ++i)
        (void)fprintf(
            file,
            "{%s\"iteration\": %d, \"network\": \"spin\", \"loss\": 1, \"seconds\": 0.3, "
            "\"signals_per_second\": %.17g, \"validation_relative_error\": {\"mean\": %g}}\n",
            i ? ""
              : "\"chirpbench\": {\"kind\": \"training-log\", \"format\": 1, "
                "\"version\": \"0.2.0\", \"commit\": \"0\", \"date\": \"\"}, ",
            100 * (i + 1), 16 / 0.3, error[i]);
    assert_int_equal(fclose(file), 0);
}

/* Rows to the error that a training came to: its own steps of its own signals stand for the assumed iterations. */
static void test_a_log_says_when_an_error_was_reached(void **state)
{
    (void)state;
    char path[] = "/tmp/levelXXXXXX.jsonl";
    chirp_projection_options o = options();
    chirp_solution_options solve = {.curve = path, .level = 0.2, .assume = "noise_scale=48"};
    write_log(path);
    assert_int_equal(chirp_solution_check(&o, &solve), CHIRP_OK);
    assert_int_equal(chirp_project(&o, NULL, NULL, &p), CHIRP_OK);
    assert_int_equal(chirp_solution_make(&p, &solve, &solution), CHIRP_OK);
    /* 200 steps of 16 at a noise scale of 48 are 50 S_min: (1 + 48 / 64) 50 on one rank of 64 */
    assert_near(row(CHIRP_SOLUTION_WEAK, 1)->steps[0], round(50 * 1.75), 1e-12);
    assert_near(row(CHIRP_SOLUTION_DIVIDED, 1)->steps[0], 50, 1e-12);
    chirp_projection_release(&p);
    solve.level = 0.09;
    refused_by(&o, &solve, "the least is 0.1");
    solve.level = 0;
    refused_by(&o, &solve, "--level");
    solve.level = 0.2;
    o.network = "mass";
    refused_by(&o, &solve, "network spin");
    o.network = "spin";
    solve.assume = "iterations=5";
    refused_by(&o, &solve, "iterations");
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_follow_the_noise_scale),
        cmocka_unit_test(test_rows_add_up),
        cmocka_unit_test(test_divided_batches_pay_for_small_passes),
        cmocka_unit_test(test_start_up_and_input_are_what_is_assumed),
        cmocka_unit_test(test_json_says_what_is_assumed),
        cmocka_unit_test(test_wrong_assumptions_are_refused),
        cmocka_unit_test(test_a_log_says_when_an_error_was_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
