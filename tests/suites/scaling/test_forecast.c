/* suites/scaling: other networks by file, laws of waiting, and predictions from measured jobs. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "harness/stats/stats.h"
#include "suites/scaling/projected/calibration.h"
#include "suites/scaling/projected/projection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char published[] = CHIRP_TEST_PREDICTIONS "/cori_knl_cosmoflow_512.json";
static chirp_projection p;
static chirp_jobs jobs;

static void assert_near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("got %.10g, want %.10g within %g", got, want, relative);
}

static chirp_projection_options options(const char *workload, const char *calibrate)
{
    return (chirp_projection_options){
        .machine = "cori_knl",
        .n_rows = 3,
        .nodes = {512, 1024, 2048},
        .network = "spin",
        .workload = workload,
        .calibrate = calibrate,
        .settings = {
            .batch = 64, .jitter = -1, .fresh_jitter = -1, .micro_steps = 1, .speed_steps = 10}};
}

static void project(const chirp_projection_options *o)
{
    if (chirp_project(o, NULL, NULL, &p) != CHIRP_OK)
        fail_msg("%s", chirp_error_message());
}

/* A file for one call. */
static const char *file_of(const char *text)
{
    static char path[64];
    (void)snprintf(path, sizeof path, "./forecast-%d.json", (int)getpid());
    assert_int_equal(chirp_file_write(path, text, strlen(text)), CHIRP_OK);
    return path;
}

static void test_on_the_measured_count_jobs_are_all_there_is(void **state)
{
    (void)state;
    static const char *const workloads[] = {"cosmoflow", "cosmoflow_evaluation"};
    assert_int_equal(chirp_jobs_read(published, &jobs), CHIRP_OK);
    for (int phase = 0; phase < CHIRP_JOB_PHASES; ++phase) {
        const chirp_projection_options o = options(workloads[phase], published);
        const chirp_job_count *c = &jobs.count[0];
        double logs[CHIRP_MAX_JOBS];
        for (int i = 0; i < c->n; ++i)
            logs[i] = log(c->mean_s[phase][i]);
        /* the textbook's prediction interval for one more value */
        const double half = chirp_student_quantile(0.05, c->n - 1) *
                            chirp_stats_stddev(logs, (size_t)c->n) * sqrt(1 + 1.0 / c->n);
        const double mean = chirp_stats_mean(c->mean_s[phase], (size_t)c->n);
        project(&o);
        assert_near(p.row[0].forecast.seconds, mean, 1e-9);
        assert_near(p.row[0].forecast.interval[0], mean * exp(-half), 1e-6);
        assert_near(p.row[0].forecast.interval[1], mean * exp(half), 1e-6);
        for (int i = 1; i < p.n_rows; ++i) { /* and nothing further away is known better */
            const double *narrow = p.row[i - 1].forecast.interval;
            const double *wide = p.row[i].forecast.interval;
            assert_true(wide[1] / wide[0] > narrow[1] / narrow[0]);
            assert_true(wide[0] < p.row[i].forecast.seconds && p.row[i].forecast.seconds < wide[1]);
        }
        /* only who synchronises waits */
        const double *waiting = p.row[2].forecast.growth[CHIRP_FORECAST_WAITING];
        assert_true(phase == CHIRP_JOB_TRAINING ? waiting[2] > 0
                                                : waiting[0] == 0 && waiting[2] == 0);
        chirp_projection_release(&p);
    }
}

static void test_the_json_has_what_was_promised(void **state)
{
    (void)state;
    const chirp_projection_options o = options("cosmoflow", published);
    char *text = NULL;
    project(&o);
    cJSON *made = chirp_projection_object(&p);
    text = chirp_json_print(made);
    cJSON_Delete(made);
    assert_non_null(text);
    cJSON *root = cJSON_Parse(text);
    assert_string_equal(cJSON_GetObjectItem(root, "network")->valuestring, "cosmoflow");
    const cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "rows"), 1);
    assert_int_equal(cJSON_GetObjectItem(row, "nodes")->valueint, 1024);
    assert_near(cJSON_GetObjectItem(row, "seconds_per_step")->valuedouble,
                p.row[1].forecast.seconds, 1e-12);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(row, "interval_90")), 2);
    assert_null(cJSON_GetObjectItem(row, "efficiency")); /* no one-node step was measured */
    assert_non_null(strstr(text, "mean step of one further job"));
    cJSON_Delete(root);
    cJSON_free(text);
    chirp_projection_release(&p);
}

/* Observations made from one law: it must be the likeliest of the forms that grow in different ways. */
static void test_the_law_behind_observations_is_the_likeliest(void **state)
{
    (void)state;
    static const int nodes[] = {2, 4, 8, 16, 64, 256};
    static const chirp_waiting truth[] = {
        {.form = CHIRP_WAITING_LOG, .size_s = 0.006},
        {.form = CHIRP_WAITING_RARE, .size_s = 0.04, .rate = 0.01}};
    chirp_machine m;
    for (int k = 0; k < 2; ++k) {
        chirp_waiting_laws laws;
        double sum = 0;
        double of_form = 0;
        assert_int_equal(chirp_machine_read("theta", &m), CHIRP_OK);
        m.n_observed = 1;
        m.observed[0].n = 6;
        for (int i = 0; i < 6; ++i) {
            m.observed[0].nodes[i] = nodes[i];
            m.observed[0].extra_s[i] = chirp_observed_known_s(&m, nodes[i]) +
                                       truth[k].size_s * chirp_waiting_growth(&truth[k], nodes[i]);
        }
        assert_int_equal(chirp_waiting_fit(&m, &laws), CHIRP_OK);
        for (int i = 0; i < laws.n; ++i) {
            sum += laws.law[i].weight;
            of_form += laws.law[i].form == truth[k].form ? laws.law[i].weight : 0;
        }
        assert_near(sum, 1, 1e-9);
        assert_near(of_form, laws.form_weight[0][truth[k].form], 1e-9);
        for (int f = 0; f < CHIRP_WAITING_FORMS; ++f)
            if (!(laws.form_weight[0][f] <= of_form + 1e-9))
                fail_msg("law %d: form %d has %g, the right one %g", k, f, laws.form_weight[0][f],
                         of_form);
        chirp_waiting_release(&laws);
        chirp_machine_release(&m);
    }
}

/* [E[M], sd of M] of two and of three standard normal numbers are in every book. */
static void test_moments_of_the_maximum(void **state)
{
    (void)state;
    const double pi = acos(-1.0);
    assert_near(chirp_maximum_sd(1), 1, 1e-4);
    assert_near(chirp_maximum_sd(2), sqrt(1 - 1 / pi), 1e-4);
    const double e3 = 1.5 / sqrt(pi);
    assert_near(chirp_expected_maximum(3), e3, 1e-9);
    assert_near(chirp_maximum_sd(3), sqrt(1 + sqrt(3.0) / (2 * pi) - e3 * e3), 1e-4);
}

static void test_weighted_quantiles(void **state)
{
    (void)state;
    chirp_weighted items[] = {{3, 0.2}, {1, 0.5}, {2, 0.3}};
    assert_true(chirp_weighted_quantile(items, 3, 0.05) == 1);
    assert_true(chirp_weighted_quantile(items, 3, 0.6) == 2);
    assert_true(chirp_weighted_quantile(items, 3, 0.95) == 3);
}

/* Two jobs on each count; evaluation wasn't measured, so that only waiting can be behind the growth. */
static const char *two_counts(double few_s, double many_s)
{
    static char text[1024];
    (void)snprintf(
        text, sizeof text,
        "[{\"nodes\": 64, \"ranks_per_node\": 1, \"samples_per_rank\": 1, \"gradient_bytes\": "
        "22390416, "
        "\"training_steps_per_epoch\": 9, \"jobs\": [{\"training_step_s\": [%.5f]}, "
        "{\"training_step_s\": "
        "[%.5f]}]}, {\"nodes\": 512, \"ranks_per_node\": 1, \"samples_per_rank\": 1, "
        "\"gradient_bytes\": "
        "22390416, \"training_steps_per_epoch\": 9, \"jobs\": [{\"training_step_s\": [%.5f]}, "
        "{\"training_step_s\": [%.5f]}]}]",
        few_s * 0.998, few_s * 1.002, many_s * 0.998, many_s * 1.002);
    return text;
}

static void test_a_second_count_tells_the_laws_apart(void **state)
{
    (void)state;
    double growth[2];
    for (int i = 0; i < 2; ++i) { /* no growth from 64 to 512 nodes, or 20 % */
        const char *path = file_of(two_counts(i ? 0.4 : 0.48, 0.48));
        const chirp_projection_options o = options("cosmoflow", path);
        project(&o);
        growth[i] = p.row[2].forecast.growth[CHIRP_FORECAST_WAITING][1];
        double sum = 0;
        for (int k = 0; k < p.laws.n; ++k)
            sum += p.laws.law[k].weight;
        assert_near(sum, 1, 1e-9);
        chirp_projection_release(&p);
        (void)remove(path);
    }
    assert_true(growth[1] > growth[0]);
}

static void expect_bad_jobs(const char *text, const char *part)
{
    const char *path = file_of(text);
    const chirp_status st = chirp_jobs_read(path, &jobs);
    (void)remove(path);
    if (st == CHIRP_OK || !strstr(chirp_error_message(), part))
        fail_msg("status %d, '%s' lacks '%s'", st, chirp_error_message(), part);
}

#define COUNT                                                                                      \
    "\"nodes\": 4, \"ranks_per_node\": 1, \"samples_per_rank\": 1, \"gradient_bytes\": 8, "        \
    "\"training_steps_per_epoch\": 9, "

static void test_bad_jobs_are_named(void **state)
{
    (void)state;
    expect_bad_jobs("{", "line 1");
    expect_bad_jobs("3", "an object");
    expect_bad_jobs("[]", "list of 1 to 8");
    expect_bad_jobs("{\"node\": 4}", "node is no member");
    expect_bad_jobs("{\"nodes\": 4.5}", "nodes should be a whole number");
    expect_bad_jobs("{" COUNT "\"jobs\": []}", "2 to 64 jobs");
    expect_bad_jobs("{" COUNT "\"jobs\": [{\"training_step_s\": [1]}]}", "2 to 64 jobs");
    expect_bad_jobs("{" COUNT "\"jobs\": [{\"training_step_s\": [1]}, {}]}",
                    "jobs[1].training_step_s");
    expect_bad_jobs("{" COUNT "\"jobs\": [{\"training_step_s\": [1, \"2\"]}, {}]}",
                    "jobs[0].training_step_s");
    expect_bad_jobs("{" COUNT "\"jobs\": [{\"training_step_s\": [-1]}, {}]}",
                    "jobs[0].training_step_s");
    expect_bad_jobs("{" COUNT "\"jobs\": [{\"step\": [1]}, {}]}", "step is no member");
    expect_bad_jobs(
        "[{" COUNT "\"jobs\": [{\"training_step_s\": [1]}, {\"training_step_s\": [1]}]}, "
        "{" COUNT "\"jobs\": [{\"training_step_s\": [1]}, {\"training_step_s\": [1]}]}]",
        "different");
}

static void expect_refused(const chirp_projection_options *o, const char *part)
{
    if (chirp_project(o, NULL, NULL, &p) == CHIRP_OK || !strstr(chirp_error_message(), part))
        fail_msg("'%s' lacks '%s'", chirp_error_message(), part);
}

static void test_what_does_not_go_together_is_refused(void **state)
{
    (void)state;
    chirp_projection_options o = options("cosmoflow", NULL);
    expect_refused(&o, "--calibrate"); /* its file knows no time */
    o = options("cosmo", published);
    expect_refused(&o, "no such workload");
    o = options(NULL, published);
    expect_refused(&o, "samples_per_rank is 1, the workload has 64");
    o.settings.batch = 1;
    expect_refused(&o, "gradient_bytes");
    const char *path = file_of(two_counts(0.4, 0.5));
    o = options("cosmoflow_evaluation", path);
    expect_refused(&o, "evaluation_step_s");
    (void)remove(path);
    static const char *const bad[][2] = {
        {"{\"name\": \"x\", \"pass\": \"backward\", \"samples_per_rank\": 1}",
         "training or forward"},
        {"{\"name\": \"x\", \"pass\": \"training\", \"samples_per_rank\": 1}", "bytes"},
        {"{\"name\": \"x\", \"pass\": \"training\", \"bytes\": 8, \"samples_per_rank\": 0}",
         "samples_per_rank"},
        {"{\"name\": \"x\", \"bites\": 8}", "bites is no member"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        o = options(file_of(bad[i][0]), NULL);
        expect_refused(&o, bad[i][1]);
        (void)remove(o.workload);
    }
}

/* Without jobs a workload is projected as the built-in networks are. */
static void test_a_workload_by_tensors_and_seconds(void **state)
{
    (void)state;
    chirp_plan plan;
    const char *path = file_of(
        "{\"name\": \"x\", \"pass\": \"training\", \"samples_per_rank\": 4, "
        "\"seconds_per_sample\": 0.25, "
        "\"forward_share\": 0.5, \"tensors\": [{\"bytes\": 4000000}, {\"bytes\": 4000000}]}");
    chirp_projection_options o = options(path, NULL);
    o.settings.exchange = "overlap";
    o.settings.bucket_bytes = 4000000;
    o.engine = "closed_form";
    project(&o);
    (void)remove(path);
    assert_near(p.row[0].terms.compute, 1, 1e-12);
    assert_int_equal(chirp_plan_make(&p.machine, &p.workload, &p.options.settings, 512, &plan),
                     CHIRP_OK);
    assert_int_equal(plan.n_buckets, 2);
    assert_near(plan.ready_s[0], 0.75, 1e-12);
    assert_near(plan.ready_s[1], 1, 1e-12);
    assert_true(p.row[0].terms.exposed_allreduce > 0);
    chirp_projection_release(&p);
    path = file_of("{\"name\": \"x\", \"pass\": \"forward\", \"samples_per_rank\": 4, "
                   "\"operations_per_sample\": 1e9}");
    o = options(path, NULL);
    project(&o);
    (void)remove(path);
    for (int i = 0; i < p.n_rows; ++i) {
        assert_near(p.row[i].terms.seconds, 4e9 / 535e9, 1e-12);
        assert_true(p.row[i].efficiency == 1 && p.row[i].band[0] == 1);
    }
    chirp_projection_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_on_the_measured_count_jobs_are_all_there_is),
        cmocka_unit_test(test_the_json_has_what_was_promised),
        cmocka_unit_test(test_the_law_behind_observations_is_the_likeliest),
        cmocka_unit_test(test_moments_of_the_maximum),
        cmocka_unit_test(test_weighted_quantiles),
        cmocka_unit_test(test_a_second_count_tells_the_laws_apart),
        cmocka_unit_test(test_bad_jobs_are_named),
        cmocka_unit_test(test_what_does_not_go_together_is_refused),
        cmocka_unit_test(test_a_workload_by_tensors_and_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
