/*
 * However a step's signals are dealt out to ranks and passes, the parameters move alike (to rounding, under SGD), also
 * across a checkpoint and a change of ranks.
 */
#include "harness/base/memory.h"
#include "model/training/parameters.h"
#include "tests/model/parallel/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { PARTS = 8 }; /* divides by 1, 2 and 4 ranks */

static int rank, size;
static char path[64];
static chirp_trainer *fresh; /* never takes a step: start parameters and tensors */
static int64_t n_parameters;

/* One signal a part; the rate is multiplied by the job's ranks from the first step on, however many train. */
static chirp_train_config small_run(int ranks)
{
    chirp_train_config config =
        chirp_train_config_study(); /* KL from the first step on: rhos move */
    config.batch = 1;
    config.accumulate = PARTS / ranks;
    config.iterations = 100;
    config.validation_signals = 1;
    config.seed = 3;
    config.n_threads = 1;
    config.optimizer = CHIRP_OPTIMIZER_SGD;
    config.learning_rate = 1e-3;
    config.warmup_steps = 0;
    config.rate_ranks = size;
    config.independent_noise = false; /* what a step's draws are must not depend on its passes */
    return config;
}

static chirp_trainer *make(const chirp_train_config *config)
{
    chirp_trainer *trainer = NULL;
    CHECK(chirp_trainer_create(config, &trainer) == CHIRP_OK);
    return trainer;
}

/* Takes steps; the parameters afterwards, which the caller frees. */
static float *train(chirp_trainer *trainer, int steps)
{
    float *copy = chirp_alloc((size_t)n_parameters * sizeof *copy);
    CHECK(copy != NULL);
    for (int i = 0; i < steps; ++i) {
        chirp_step_report report;
        CHECK(chirp_trainer_step(trainer, &report) == CHIRP_OK);
    }
    memcpy(copy, chirp_network_parameters(chirp_trainer_network(trainer)),
           (size_t)n_parameters * sizeof *copy);
    return copy;
}

static float *train_new(const chirp_train_config *config, int steps)
{
    chirp_trainer *trainer = make(config);
    float *parameters = train(trainer, steps);
    chirp_trainer_destroy(trainer);
    return parameters;
}

/* The same by rank 0 alone, given to all. */
static float *train_alone(const chirp_train_config *config, int steps)
{
    float *parameters = NULL;
    CHECK(chirp_parallel_group(1) == CHIRP_OK);
    if (rank == 0)
        parameters = train_new(config, steps);
    CHECK(chirp_parallel_everyone() == CHIRP_OK);
    if (rank != 0)
        parameters = chirp_alloc((size_t)n_parameters * sizeof *parameters);
    CHECK(parameters != NULL);
    CHECK(chirp_parallel_broadcast(parameters, n_parameters * (int64_t)sizeof *parameters, 0) ==
          CHIRP_OK);
    return parameters;
}

/* Each kind of tensor on its own: rho's steps are small beside those of the weights. To a hundredth of the largest step:
   convolutions of another batch may round another way, and a maximum of a pooling window then sits elsewhere. */
static void check_same_steps(const float *got, const float *wanted)
{
    int n = 0;
    const float *start = chirp_network_parameters(chirp_trainer_network(fresh));
    const chirp_tensor *tensors = chirp_network_tensors(chirp_trainer_network(fresh), &n);
    double step[4] = {0};
    double error[4] = {0};
    for (int t = 0; t < n; ++t)
        for (int64_t i = tensors[t].offset; i < tensors[t].offset + tensors[t].count; ++i) {
            step[tensors[t].kind] =
                fmax(step[tensors[t].kind], fabs((double)wanted[i] - (double)start[i]));
            error[tensors[t].kind] =
                fmax(error[tensors[t].kind], fabs((double)got[i] - (double)wanted[i]));
        }
    for (int kind = 0; kind < 4; ++kind)
        if (!(step[kind] > 0 && error[kind] <= 1e-2 * step[kind])) {
            (void)fprintf(stderr, "tensors of kind %d: steps of %g differ by %g\n", kind,
                          step[kind], error[kind]);
            CHECK(!"same steps");
        }
}

static void check_like(const chirp_train_config *config, const float *wanted, int steps)
{
    float *got = train_new(config, steps);
    check_same_steps(got, wanted);
    chirp_free(got);
}

/* Against one rank, which needs no exchange and computes rho's gradients itself: shared noise sends one number a weight. */
static void test_signals_may_be_dealt_out_in_any_way(void **state)
{
    (void)state;
    chirp_train_config config = small_run(1);
    config.batch = PARTS;
    config.accumulate = 1;
    float *whole = train_alone(&config, 2);
    config = small_run(size);
    check_like(&config, whole, 2);
    for (int i = 1; chirp_exchange_kind_at(i); ++i) {
        config.exchange.engine = chirp_exchange_kind_at(i)->name;
        check_like(&config, whole, 2);
    }
    config.exchange.engine = "halving";
    /* unequal passes, alone and several a step */
    static const char *const uneven[][5] = {{"", "8", "7,1", "", "1,4,1,2"},
                                            {"", "4", "3,1", "", "1,1,1,1"}};
    for (int passes = 1; passes <= 2; ++passes) {
        config.accumulate = passes;
        config.batch = PARTS / size / passes;
        config.shares = uneven[passes - 1][size];
        check_like(&config, whole, 2);
    }
    chirp_free(whole);
}

static void test_independent_noise_belongs_to_passes(void **state)
{
    (void)state;
    chirp_train_config config = small_run(1);
    config.independent_noise = true;
    float *alone = train_alone(&config, 2);
    config = small_run(size);
    config.independent_noise = true;
    check_like(&config, alone, 2);
    config.independent_noise = false;
    float *shared = train_new(&config, 2);
    CHECK(memcmp(shared, alone, (size_t)n_parameters * sizeof *shared) != 0); /* another draw */
    chirp_free(shared);
    chirp_free(alone);
}

/* Four steps, and two steps, a checkpoint, two more: by as many ranks, then by half of them. */
static void test_another_number_of_ranks_resumes(void **state)
{
    (void)state;
    chirp_train_config config = small_run(size);
    config.clip = 0.5; /* the norm is that of all ranks' gradient */
    config.average = 0.5;
    const size_t bytes = sizeof(float) * (size_t)n_parameters;
    float *whole = train_new(&config, 4);
    chirp_trainer *trainer = make(&config);
    chirp_free(train(trainer, 2));
    CHECK(chirp_trainer_save(trainer, path) == CHIRP_OK);
    float *saved = train(trainer, 2); /* saving changes nothing */
    CHECK(memcmp(saved, whole, bytes) == 0);
    chirp_free(saved);
    chirp_trainer_destroy(trainer);

    trainer = make(&config);
    /* only rank 0 opens the file */
    CHECK(chirp_trainer_resume(trainer, rank == 0 ? path : "/no/such.h5") == CHIRP_OK);
    float *resumed = train(trainer, 2);
    CHECK(memcmp(resumed, whole, bytes) == 0);
    chirp_free(resumed);
    chirp_trainer_destroy(trainer);

    if (size == 4) {
        config.accumulate = PARTS / 2;
        config.rate_ranks = 0; /* the checkpoint knows */
        CHECK(chirp_parallel_group(2) == CHIRP_OK);
        if (chirp_parallel_member()) {
            trainer = make(&config);
            CHECK(chirp_trainer_resume(trainer, path) == CHIRP_OK);
            resumed = train(trainer, 2);
            check_same_steps(resumed, whole);
            chirp_free(resumed);
            chirp_trainer_destroy(trainer);
        }
        CHECK(chirp_parallel_everyone() == CHIRP_OK);
    }
    chirp_free(whole);
}

int main(void)
{
    CHECK(chirp_parallel_init() == CHIRP_OK);
    rank = chirp_parallel_rank();
    size = chirp_parallel_size();
    (void)snprintf(path, sizeof path, "test_ranks.%d.h5", size);
    const chirp_train_config config = small_run(size);
    fresh = make(&config);
    n_parameters = chirp_network_parameter_count(chirp_trainer_network(fresh));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signals_may_be_dealt_out_in_any_way),
        cmocka_unit_test(test_independent_noise_belongs_to_passes),
        cmocka_unit_test(test_another_number_of_ranks_resumes),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    chirp_trainer_destroy(fresh);
    if (rank == 0)
        (void)unlink(path);
    chirp_parallel_finalize();
    return failed;
}
