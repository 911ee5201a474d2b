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
#include <float.h>
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
   convolutions of another batch may round another way, and a maximum of a pooling window then sits elsewhere. `roundings` of
   a parameter itself are allowed besides. */
static void check_steps(const float *got, const float *wanted, int roundings)
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
                fmax(error[tensors[t].kind],
                     fabs((double)got[i] - (double)wanted[i]) -
                         roundings * 0.5 * (double)FLT_EPSILON * fabs((double)wanted[i]));
        }
    for (int kind = 0; kind < 4; ++kind)
        if (!(step[kind] > 0 && error[kind] <= 1e-2 * step[kind])) {
            (void)fprintf(stderr, "tensors of kind %d: steps of %g differ by %g\n", kind,
                          step[kind], error[kind]);
            CHECK(!"same steps");
        }
}

static void check_same_steps(const float *got, const float *wanted) { check_steps(got, wanted, 0); }

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

/* Says "too late" at one place of a step in the network's stead; places are layers of passes in turn. */
typedef struct quitter {
    int at, asked;
} quitter;

static bool not_there(void *context)
{
    quitter *q = context;
    return q->asked++ != q->at;
}

/* One step in which this rank gives up at a place, or at none; the parameters afterwards. */
static float *train_until(int place, int64_t *left_out)
{
    chirp_train_config config = small_run(size);
    config.deadline = true;
    quitter quit = {place, 0};
    chirp_step_report report;
    chirp_trainer *trainer = make(&config);
    if (place >= 0)
        chirp_network_ask(chirp_trainer_network(trainer), not_there, &quit);
    CHECK(chirp_trainer_step(trainer, &report) == CHIRP_OK);
    CHECK(place < 0 || quit.asked == place + 1); /* not a layer more */
    CHECK(isfinite(report.loss));
    *left_out = report.left_out;
    float *parameters = train(trainer, 0);
    chirp_trainer_destroy(trainer);
    return parameters;
}

static bool same_tensor(const float *a, const float *b, int t)
{
    int n = 0;
    const chirp_tensor *tensor = &chirp_network_tensors(chirp_trainer_network(fresh), &n)[t];
    return memcmp(a + tensor->offset, b + tensor->offset, (size_t)tensor->count * sizeof *a) == 0;
}

/* What is missing is missing in the mean as well: 8 means over all signals are those without and those of the rest. */
static void test_a_late_rank_is_left_out_of_the_mean(void **state)
{
    (void)state;
    const int64_t passes = PARTS / size; /* of one signal each */
    const bool last = rank == size - 1;
    chirp_train_config config = small_run(size);
    int64_t left_out = 0;
    const size_t bytes = sizeof(float) * (size_t)n_parameters;
    float *plain = train_new(&config, 1);
    float *all = train_until(-1, &left_out);
    CHECK(left_out == 0 && memcmp(plain, all, bytes) == 0);
    float *without = train_until(last ? 0 : -1, &left_out);
    CHECK(left_out == passes);
    float *rest = train_until(last ? -1 : 0, &left_out);
    CHECK(left_out == PARTS - passes);
    const float share = (float)passes / PARTS;
    for (int64_t i = 0; i < n_parameters; ++i)
        without[i] += share * (rest[i] - without[i]);
    /* each parameter was rounded when its step was taken, three times over, and here twice */
    check_steps(without, all, 5);
    chirp_free(plain);
    chirp_free(all);
    chirp_free(without);
    chirp_free(rest);
}

/* A rank that gives up half-way: what it has counts, pass by pass and tensor by tensor. */
static void test_finished_passes_count(void **state)
{
    (void)state;
    int layers = 0;
    int tensors = 0;
    (void)chirp_network_layers(chirp_trainer_network(fresh), &layers);
    (void)chirp_network_tensors(chirp_trainer_network(fresh), &tensors);
    const int passes = PARTS / size;
    const bool last = rank == size - 1;
    const int forward = 2 * layers * (passes - 1); /* where the last pass begins */
    int64_t left_out[2];
    float *all = train_until(-1, left_out);
    float *fewer = train_until(last ? forward : -1, left_out);
    float *half = train_until(last ? forward + layers + layers / 2 : -1, left_out + 1);
    CHECK(left_out[0] == 1 && left_out[1] == 1);
    int whole = 0;
    for (int t = 0; t < tensors; ++t) {
        whole += same_tensor(half, all, t);
        CHECK(same_tensor(half, all, t) || same_tensor(half, fewer, t));
    }
    CHECK(whole > 0 && whole < tensors);
    CHECK(memcmp(all, fewer, sizeof(float) * (size_t)n_parameters) != 0);
    chirp_free(half);
    /* in the middle of the first pass of several: the same, of one pass or none */
    half = train_until(last ? layers + layers / 2 : -1, left_out);
    CHECK(left_out[0] == passes);
    float *none = train_until(last ? 0 : -1, left_out);
    float *one = train_until(last ? 2 * layers : -1, left_out);
    CHECK(left_out[0] == passes - 1);
    for (int t = 0; t < tensors; ++t)
        CHECK(same_tensor(half, one, t) || same_tensor(half, none, t));
    chirp_free(all);
    chirp_free(fewer);
    chirp_free(half);
    chirp_free(none);
    chirp_free(one);
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
        cmocka_unit_test(test_a_late_rank_is_left_out_of_the_mean),
        cmocka_unit_test(test_finished_passes_count),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    chirp_trainer_destroy(fresh);
    if (rank == 0)
        (void)unlink(path);
    chirp_parallel_finalize();
    return failed;
}
