/* Checkpoints of a trainer: what is saved, and what must be the same to go on. */
#include "harness/base/memory.h"
#include "model/parallel/parallel.h"
#include "model/training/checkpoint.h"
#include "model/training/config.h"
#include "model/training/trainer_internal.h"

#include <inttypes.h>
#include <stdio.h>

chirp_status chirp_trainer_save(chirp_trainer *trainer, const char *path)
{
    chirp_status st = CHIRP_OK;
    if (trainer->rank == 0) {
        int n = 0;
        const chirp_tensor *tensors = chirp_network_tensors(trainer->net, &n);
        chirp_checkpoint state = {.iteration = trainer->iteration,
                                  .seed = trainer->config.seed,
                                  .first = trainer->first,
                                  .second = trainer->second};
        st = chirp_train_config_write(&trainer->config, trainer->ranks, &state.configuration);
        if (st == CHIRP_OK)
            st = chirp_checkpoint_write(path, &state, tensors, n,
                                        chirp_network_values(trainer->net));
        chirp_free(state.configuration);
    }
    return chirp_parallel_agree(st);
}

/* The seed and the signals of a step are the same, or draws would not be those of the training so far. */
static chirp_status check_draws(const chirp_trainer *trainer, const char *path,
                                const chirp_train_config *old, int old_ranks)
{
    const chirp_train_config *now = &trainer->config;
    if (old->seed != now->seed)
        return chirp_fail(CHIRP_ERR_ARG, "%s: was trained with --seed %" PRIu64 ", not %" PRIu64,
                          path, old->seed, now->seed);
    if (chirp_train_step_signals(old, old_ranks) != chirp_train_step_signals(now, trainer->ranks))
        return chirp_fail(CHIRP_ERR_ARG,
                          "%s: was trained with %" PRId64
                          " signals a step over all ranks, not %" PRId64
                          ": choose --batch and --accumulate to match",
                          path, chirp_train_step_signals(old, old_ranks),
                          chirp_train_step_signals(now, trainer->ranks));
    return CHIRP_OK;
}

static chirp_status check_same(const chirp_trainer *trainer, const char *path,
                               const chirp_train_config *old, int old_ranks)
{
    char *changes = NULL;
    chirp_status st = chirp_train_config_compare(path, old, &trainer->config, &changes);
    if (st == CHIRP_OK)
        st = check_draws(trainer, path, old, old_ranks);
    if (st == CHIRP_OK && changes && trainer->rank == 0)
        (void)fprintf(stderr, "chirpbench: resumed with %s\n", changes);
    chirp_free(changes);
    return st;
}

chirp_status chirp_trainer_resume(chirp_trainer *trainer, const char *path)
{
    int n = 0;
    int old_ranks = 0;
    const chirp_tensor *tensors = chirp_network_tensors(trainer->net, &n);
    chirp_train_config old = {0};
    chirp_checkpoint state = {0};
    /* every rank reads: file systems serve that well, and no broadcast of three arrays is needed */
    chirp_status st = chirp_checkpoint_read_header(path, &state);
    if (st == CHIRP_OK)
        st = chirp_train_config_read(path, state.configuration, &old, &old_ranks);
    old.seed = state.seed;
    chirp_free(state.configuration);
    state.configuration = NULL;
    if (st == CHIRP_OK)
        st = check_same(trainer, path, &old, old_ranks);
    state.first = trainer->first;
    state.second = trainer->second;
    if (st == CHIRP_OK)
        st =
            chirp_checkpoint_read(path, &state, tensors, n, chirp_network_parameters(trainer->net));
    chirp_network_parameters_changed(trainer->net);
    chirp_free(state.configuration);
    const int64_t rate_ranks = old.rate_ranks > 0 ? old.rate_ranks : old_ranks;
    chirp_train_config_release(&old);
    st = chirp_parallel_agree(st);
    if (st != CHIRP_OK)
        return st;
    trainer->iteration = state.iteration;
    trainer->config.rate_ranks = rate_ranks;
    return CHIRP_OK;
}
