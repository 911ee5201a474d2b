/*
 * What it costs in signals when ranks are left out of steps (reports/measurements/2026-11-27-partial-participation.md); not a test.
 *
 *     mpiexec -n 4 partial_cost SEED STEPS SHARE
 *
 * Trains with SHARE of all signals left out: in steps drawn from SEED a rank other than 0 gives up behind a layer drawn likewise,
 * whatever the clock says, so that a run can be repeated. Prints the held-out error at the end, and means of the training loss.
 */
#include "harness/base/status.h"
#include "kernels/random/random.h"
#include "model/parallel/parallel.h"
#include "model/training/config.h"
#include "model/training/trainer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct lottery {
    uint64_t seed;
    double share;
    int places, at, asked; /* at: where this rank gives up in this step; negative: it doesn't */
} lottery;

static bool go_on(void *context)
{
    lottery *l = context;
    return l->asked++ != l->at;
}

/* Each rank but the first gives up as often as makes the share of all. */
static void draw(lottery *l, int64_t step)
{
    float u[2];
    const int ranks = chirp_parallel_size();
    const uint32_t rank = (uint32_t)chirp_parallel_rank();
    chirp_rng_uniform(chirp_rng_stream(l->seed, CHIRP_RNG_TEST, rank, (uint64_t)step), 0, 2, u);
    const bool late = rank > 0 && (double)u[0] < l->share * ranks / (ranks - 1);
    l->asked = 0;
    l->at = late ? (int)((double)u[1] * l->places) : -1;
}

static chirp_status measure(uint64_t seed, int64_t steps, double share)
{
    chirp_train_config config = chirp_train_config_default();
    config.network = "spin-2048";
    config.batch = 4;
    config.iterations = steps;
    config.seed = seed;
    config.n_threads = 1;
    config.deadline = true;
    config.curriculum = "none";
    chirp_trainer *trainer = NULL;
    chirp_validation held_out = {0};
    double left_out = 0;
    double sum[2] = {0}; /* of both halves */
    chirp_status st = chirp_train_fit_signals(&config, NULL);
    if (st == CHIRP_OK)
        st = chirp_trainer_create(&config, &trainer);
    if (st != CHIRP_OK)
        return st;
    lottery l = {.seed = seed, .share = share};
    (void)chirp_network_layers(chirp_trainer_network(trainer), &l.places);
    l.places *= 2;
    chirp_network_ask(chirp_trainer_network(trainer), go_on, &l);
    for (int64_t i = 0; i < steps && st == CHIRP_OK; ++i) {
        chirp_step_report report = {0};
        draw(&l, i);
        st = chirp_trainer_step(trainer, &report);
        left_out += (double)report.left_out;
        sum[2 * i >= steps] += report.negative_log_likelihood * 2 / (double)steps;
    }
    l.at = -1;
    if (st == CHIRP_OK)
        st = chirp_trainer_validate(trainer, &held_out);
    if (st == CHIRP_OK && chirp_parallel_rank() == 0)
        printf("seed %" PRIu64 " steps %" PRId64 " left out %.4f: error %.5f nll %.5f training nll "
               "%.5f %.5f\n",
               seed, steps,
               left_out /
                   (double)(steps * chirp_train_step_signals(&config, chirp_parallel_size())),
               held_out.mean_relative_error, held_out.negative_log_likelihood, sum[0], sum[1]);
    chirp_trainer_destroy(trainer);
    return st;
}

int main(int argc, char **argv)
{
    chirp_status st = chirp_parallel_init();
    if (st == CHIRP_OK && argc == 4)
        st =
            measure(strtoull(argv[1], NULL, 10), strtoll(argv[2], NULL, 10), strtod(argv[3], NULL));
    else if (st == CHIRP_OK)
        st = chirp_fail(CHIRP_ERR_ARG, "usage: partial_cost SEED STEPS SHARE");
    if (st != CHIRP_OK)
        (void)fprintf(stderr, "partial_cost: %s\n", chirp_error_message());
    chirp_parallel_finalize();
    return st == CHIRP_OK ? 0 : 1;
}
