#include "model/training/trained.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "model/training/checkpoint.h"
#include "model/training/cut.h"
#include "model/training/feature_distance.h"
#include "model/training/recalibration.h"
#include "model/training/trainer.h"

static chirp_status make_network(const chirp_train_config *trained, int64_t batch, int n_threads,
                                 chirp_trained *t)
{
    chirp_network_config config = chirp_train_network(trained, t->spec, batch);
    config.training = false;
    /* a weight sample is one network for all events; its draws are those of whoever asks */
    config.estimator = CHIRP_VARIATIONAL_REPARAMETERIZATION;
    config.seed = 0;
    config.n_threads = n_threads;
    return chirp_network_create(&config, &t->net);
}

/* The tables of a network that was cut out of the named one, and its likelihood. */
static chirp_status take_part(const char *path, chirp_trained *t)
{
    chirp_cut cut = {0};
    bool found = false;
    chirp_status st = chirp_cut_read(path, &found, &cut);
    if (st != CHIRP_OK || !found)
        return st;
    t->own_spec = chirp_calloc(1, sizeof *t->own_spec);
    if (!t->own_spec)
        return CHIRP_ERR_NOMEM;
    st = chirp_cut_spec(t->spec, &cut, t->own_spec);
    if (st != CHIRP_OK)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: cut: %s", path, chirp_error_message());
    t->spec = t->own_spec;
    chirp_cut_likelihood(&t->likelihood, &cut, t->spec, &t->likelihood);
    return CHIRP_OK;
}

chirp_status chirp_trained_load(const char *path, int64_t batch, int n_threads,
                                chirp_trained *trained)
{
    chirp_checkpoint state = {0};
    *trained = (chirp_trained){0};
    if (chirp_file_is_stream(path)) /* opening a pipe would wait for ever */
        return chirp_fail(CHIRP_ERR_IO, "%s: is a device or a pipe: name a checkpoint file", path);
    chirp_status st = chirp_checkpoint_read_header(path, &state);
    if (st == CHIRP_OK)
        st = chirp_train_record_read(path, state.configuration, &trained->record);
    chirp_free(state.configuration);
    state.configuration = NULL;
    const chirp_train_config *config = &trained->record.config;
    if (st == CHIRP_OK)
        st = chirp_network_spec_find(config->network, &trained->spec);
    if (st == CHIRP_OK)
        st = chirp_train_likelihood(config, &trained->likelihood);
    if (st == CHIRP_OK)
        st = take_part(path, trained);
    if (st == CHIRP_OK)
        st = make_network(config, batch, n_threads, trained);
    if (st != CHIRP_OK)
        return st;
    int n = 0;
    const chirp_tensor *tensors = chirp_network_tensors(trained->net, &n);
    st = chirp_checkpoint_read(path, &state, tensors, n, chirp_network_parameters(trained->net));
    chirp_network_parameters_changed(trained->net);
    trained->iteration = state.iteration;
    chirp_free(state.configuration);
    if (st == CHIRP_OK)
        st = chirp_checkpoint_read_curves(path, &trained->curves);
    if (st == CHIRP_OK)
        st = chirp_recalibration_read(path, trained->spec->n_leaves, trained->recalibration,
                                      &trained->recalibration_note);
    if (st == CHIRP_OK)
        st = chirp_feature_distance_read(path, chirp_distance_width(trained->net),
                                         &trained->distance);
    return st;
}

chirp_signal_config chirp_trained_signals(const chirp_trained *trained)
{
    chirp_signal_config signal = trained->record.config.signal;
    signal.curves = trained->curves.n > 0 ? &trained->curves : NULL;
    return signal;
}

void chirp_trained_release(chirp_trained *trained)
{
    chirp_curves_release(&trained->curves);
    chirp_network_destroy(trained->net);
    chirp_free(trained->recalibration_note);
    chirp_distance_release(&trained->distance);
    chirp_free(trained->own_spec);
    chirp_train_record_release(&trained->record);
    *trained = (chirp_trained){0};
}
