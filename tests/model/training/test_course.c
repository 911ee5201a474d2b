/* What changes in the course of a run, against closed forms. */
#include "model/training/course.h"
#include "model/training/parameters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

static chirp_train_config of_run(int64_t iterations)
{
    chirp_train_config config = chirp_train_config_default();
    config.iterations = iterations;
    config.rate_ranks = 1;
    return config;
}

/* Where a run is that follows its iterations. */
static chirp_train_place at(const chirp_train_config *config, int64_t step)
{
    return (chirp_train_place){step, (double)step / (double)config->iterations};
}

static void test_cosine(void **state)
{
    (void)state;
    chirp_train_config config = of_run(10000);
    config.learning_rate = 1e-3;
    config.rate_ranks = 2;
    assert_true(fabs(chirp_course_rate(&config, at(&config, 0)) - 2e-3 / 200) < 1e-12);
    assert_true(fabs(chirp_course_rate(&config, at(&config, 99)) - 1e-3) < 1e-12);
    assert_true(fabs(chirp_course_rate(&config, at(&config, 199)) - 2e-3) < 1e-12);
    assert_true(fabs(chirp_course_rate(&config, at(&config, 3000)) - 2e-3) < 1e-12);
    const double half = chirp_course_rate(&config, at(&config, 6500));
    assert_true(fabs(half - 0.5 * (2e-3 + 1e-5)) < 1e-12);
    assert_true(fabs(chirp_course_rate(&config, at(&config, 10000)) - 1e-5) < 1e-12);
    for (int64_t step = 3001; step < 10000; ++step)
        assert_true(chirp_course_rate(&config, at(&config, step)) <
                    chirp_course_rate(&config, at(&config, step - 1)));
    config = of_run(100); /* warm-up is at most a tenth of it */
    assert_true(fabs(chirp_course_rate(&config, at(&config, 9)) - config.learning_rate) < 1e-12);
    config.schedule = CHIRP_RATE_CONSTANT;
    config.rate_ranks = 4;
    assert_true(chirp_course_rate(&config, at(&config, 199)) == config.learning_rate);
    assert_true(chirp_course_rate(&config, at(&config, 200)) == 4 * config.learning_rate);
}

/* A run whose time ends it after a tenth of its iterations: everything follows the time. */
static void test_time(void **state)
{
    (void)state;
    const chirp_train_config config = of_run(10000);
    const chirp_train_place middle = {650, 0.65};
    assert_true(fabs(chirp_course_steps(&config, middle) - 1000) < 1e-9);
    assert_true(fabs(chirp_course_rate(&config, middle) -
                     chirp_course_rate(&config, at(&config, 6500))) < 1e-12);
    assert_true(chirp_course_steps(&config, at(&config, 650)) == 10000);
    assert_true(chirp_course_kl(&config, middle) == 1);
}

static void test_kl(void **state)
{
    (void)state;
    chirp_train_config config = of_run(1000);
    assert_true(fabs(chirp_course_kl(&config, at(&config, 124)) - 0.5) < 1e-12);
    assert_true(chirp_course_kl(&config, at(&config, 249)) == 1);
    config.kl_warmup = 10;
    assert_true(fabs(chirp_course_kl(&config, at(&config, 4)) - 0.5) < 1e-12);
    config.kl_warmup = 0;
    assert_true(chirp_course_kl(&config, at(&config, 0)) == 1);
}

/* Of parameters that don't move the average is themselves; of a step at t it is 1 - exp(-(steps since) / reach), to the few
   steps between updates. */
static void test_average(void **state)
{
    (void)state;
    const int64_t runs[3] = {200, 10000, 100000};
    for (int i = 0; i < 3; ++i) {
        const chirp_train_config config = of_run(runs[i]);
        const double reach = config.average * (double)runs[i];
        double average = 0;
        for (int64_t step = 0; step < runs[i] / 2; ++step)
            average += chirp_course_average(&config, at(&config, step)) * (1 - average);
        assert_true(fabs(average - 1) < 1e-12); /* the first update forgets where it began */
        for (int64_t step = runs[i] / 2; step < runs[i] / 2 + (int64_t)(2 * reach); ++step)
            average += chirp_course_average(&config, at(&config, step)) * (0 - average);
        assert_true(fabs(log(average) + 2) < 8 / reach + 1e-9 || reach < 8);
        assert_true(average > 0 && average < 0.2);
    }
}

/* Lengths around 80 in which every twentieth is ten times as long: these are cut to 5 times the median, others never. */
static void test_clipping(void **state)
{
    (void)state;
    const chirp_train_config config = of_run(10000);
    double typical = 0;
    assert_true(chirp_course_clip(&config, 0, 3000, &typical) == 1 && typical == 3000);
    for (int64_t step = 1; step < 2000; ++step) {
        const double usual = 80 * (1 + 0.2 * sin(1.7 * (double)step));
        const double norm = step % 20 == 0 ? 800 : usual;
        const double before = typical;
        const double factor = chirp_course_clip(&config, step, norm, &typical);
        assert_true(factor == fmin(1, 5 * before / norm));
        if (step > 500)
            assert_true(fabs(before - 80) < 20 && (factor < 1) == (norm == 800));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cosine),  cmocka_unit_test(test_time),     cmocka_unit_test(test_kl),
        cmocka_unit_test(test_average), cmocka_unit_test(test_clipping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
