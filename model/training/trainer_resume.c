/* Checkpoints of a trainer: what is saved, and what must be the same to go on. */
#include "harness/base/memory.h"
#include "model/parallel/parallel.h"
#include "model/training/checkpoint.h"
#include "model/training/config.h"
#include "model/training/trainer_internal.h"

#include <string.h>

chirp_status chirp_trainer_save(chirp_trainer *trainer, const char *path)
{
    chirp_status st = CHIRP_OK;
    if (trainer->rank == 0) {
        int n = 0;
        const chirp_tensor *tensors = chirp_network_tensors(trainer->net, &n);
        chirp_checkpoint state = {
            .iteration = trainer->iteration,
            .seed = trainer->config.seed,
            .first = trainer->first,
            .second = trainer->second,
            .curves = chirp_batches_curves(trainer->batches),
            .band = {trainer->config.signal.f_low_hz, trainer->config.signal.f_high_hz},
            .trained = trainer->average ? chirp_network_parameters(trainer->net) : NULL,
            .course = trainer->course};
        st = chirp_train_config_write(&trainer->config, trainer->ranks, &state.configuration);
        if (st == CHIRP_OK)
            st = chirp_checkpoint_write(path, &state, tensors, n,
                                        trainer->average ? trainer->average
                                                         : chirp_network_values(trainer->net));
        chirp_free(state.configuration);
    }
    return chirp_parallel_agree_patiently(st);
}

/* What ranks get beside the arrays. */
typedef struct resumed {
    int64_t iteration, rate_ranks;
    chirp_course_state course;
} resumed;

/* Rank 0's part: file to trainer. */
static chirp_status read_file(chirp_trainer *trainer, const char *path, resumed *result)
{
    int n = 0;
    const chirp_tensor *tensors = chirp_network_tensors(trainer->net, &n);
    chirp_train_record old = {0};
    chirp_checkpoint state = {0};
    chirp_status st = chirp_checkpoint_read_header(path, &state);
    if (st == CHIRP_OK)
        st = chirp_train_record_read(path, state.configuration, &old);
    old.config.seed = state.seed;
    chirp_free(state.configuration);
    state.configuration = NULL;
    if (st == CHIRP_OK)
        st = chirp_train_record_compare(path, &old, &trainer->config, trainer->ranks,
                                        &trainer->resume_note);
    result->rate_ranks = old.config.rate_ranks > 0 ? old.config.rate_ranks : old.ranks;
    chirp_train_record_release(&old);
    state.first = trainer->first;
    state.second = trainer->second;
    state.trained = chirp_network_parameters(trainer->net);
    float *used = trainer->average ? trainer->average : state.trained;
    if (st == CHIRP_OK)
        st = chirp_checkpoint_read(path, &state, tensors, n, used);
    if (st == CHIRP_OK && !state.has_trained && used != state.trained)
        memcpy(state.trained, used,
               (size_t)chirp_network_parameter_count(trainer->net) * sizeof *used);
    chirp_free(state.configuration);
    result->iteration = state.iteration;
    result->course = state.course;
    return st;
}

chirp_status chirp_trainer_resume(chirp_trainer *trainer, const char *path)
{
    const int64_t bytes =
        chirp_network_parameter_count(trainer->net) * (int64_t)sizeof *trainer->first;
    float *const arrays[] = {chirp_network_parameters(trainer->net), trainer->first,
                             trainer->second, trainer->average};
    resumed state = {0};
    chirp_text_clear(&trainer->resume_note);
    /* one rank reads: a thousand that open one file at once keep each other waiting */
    chirp_status st = trainer->rank == 0 ? read_file(trainer, path, &state) : CHIRP_OK;
    st = chirp_parallel_agree_patiently(st);
    if (st == CHIRP_OK)
        st = chirp_parallel_broadcast(&state, (int64_t)sizeof state, 0);
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; ++i)
        if (st == CHIRP_OK && arrays[i])
            st = chirp_parallel_broadcast(arrays[i], bytes, 0);
    chirp_network_parameters_changed(trainer->net);
    if (st != CHIRP_OK)
        return st;
    trainer->iteration = state.iteration;
    trainer->course = state.course;
    trainer->config.rate_ranks = state.rate_ranks;
    return CHIRP_OK;
}

chirp_status chirp_trainer_start_from(chirp_trainer *trainer, const char *path)
{
    int n = 0;
    const chirp_tensor *tensors = chirp_network_tensors(trainer->net, &n);
    float *parameters = chirp_network_parameters(trainer->net);
    chirp_checkpoint state = {0};
    const chirp_status st = chirp_checkpoint_read(path, &state, tensors, n, parameters);
    chirp_free(state.configuration);
    if (st == CHIRP_OK && trainer->average)
        memcpy(trainer->average, parameters,
               (size_t)chirp_network_parameter_count(trainer->net) * sizeof *parameters);
    chirp_network_parameters_changed(trainer->net);
    return st;
}

const char *chirp_trainer_resume_note(const chirp_trainer *trainer)
{
    return trainer->resume_note.used ? trainer->resume_note.bytes : "";
}
