#include "model/training/batches.h"

#include "harness/base/memory.h"
#include "model/signal/dataset.h"
#include "model/signal/prefetch.h"
#include "model/signal/parameters.h"
#include "model/training/config.h"

#include <inttypes.h>
#include <pthread.h>

/* Held-out signals come from another seed, so that no iteration count can ever reach them. */
static const uint64_t VALIDATION_SEED = UINT64_C(0x9e3779b97f4a7c15);
/* The prefetcher is at most one step ahead of the shares that are known: so many are needed at a time, and one more. */
enum { PREFETCH_DEPTH = 3, SHARES = 4 };

struct chirp_batches {
    int64_t length, rows;
    int64_t n_validation;
    int64_t passes, step_signals; /* of a rank and of all ranks in a step */
    int64_t batch, room; /* signals of this rank's passes in the coming step; what buffers hold */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under the lock, as the prefetcher's thread reads them */
    chirp_share share[SHARES]; /* of step k: share[k % SHARES] */
    int64_t known;             /* the last step with a share */
    bool stop;                 /* nobody waits for the prefetcher any more */
    chirp_generator *training, *validation;
    chirp_dataset *training_data, *validation_data;
    chirp_dataset_stream stream;
    chirp_batch_source *source;
    void *context;
    chirp_prefetch *prefetch;
    int64_t next;  /* the prefetcher's next batch: iteration * passes + pass */
    float *strain; /* [batch][length] of validation */
    float *label;
};

/* The generator works in the prefetcher's thread, so one thread: more would take cores from the network. */
static chirp_status make_generators(const chirp_train_config *config, int ranks, chirp_batches *b)
{
    chirp_curriculum curriculum;
    chirp_signal_config signal = config->signal;
    signal.seed = config->seed;
    signal.n_threads = 1;
    chirp_status st = chirp_train_curriculum(config, ranks, &curriculum);
    if (st == CHIRP_OK)
        st = chirp_generator_create(&signal, &b->training);
    if (st == CHIRP_OK)
        st = chirp_generator_set_curriculum(b->training, &curriculum);
    signal.seed ^= VALIDATION_SEED;
    signal.n_threads = config->n_threads;
    if (st == CHIRP_OK)
        st = chirp_generator_create(&signal, &b->validation);
    b->source = chirp_generator_source;
    b->context = b->training;
    return st;
}

/* What the data set says of its signals is what training, and later infer, takes them for. */
static chirp_status check_signals(const chirp_train_config *config, const chirp_dataset_info *info)
{
    for (int i = 0; i < CHIRP_SIGNAL_OPTIONS; ++i) {
        const chirp_option *row = &chirp_signal_option[i];
        const char *name = chirp_signal_attribute(row);
        const void *file = chirp_option_value(row, &info->signal);
        const void *set = chirp_option_value(row, &config->signal);
        char has[CHIRP_OPTION_TEXT];
        char wanted[CHIRP_OPTION_TEXT];
        if (name && !chirp_option_equal(row, file, set))
            return chirp_fail(CHIRP_ERR_ARG,
                              "%s: its signals have %s %s, but training is set to --%s %s; set the "
                              "same, or generate another data set",
                              config->data, name, chirp_option_text(row, file, has), row->name,
                              chirp_option_text(row, set, wanted));
    }
    return CHIRP_OK;
}

/* The network decides how many samples and detectors it reads. */
static bool is_free(const chirp_option *row)
{
    return chirp_signal_attribute(row) && row->offset != offsetof(chirp_signal_config, length) &&
           row->offset != offsetof(chirp_signal_config, n_detectors);
}

chirp_status chirp_train_config_take_data(chirp_train_config *config,
                                          const bool given[CHIRP_SIGNAL_OPTIONS])
{
    chirp_dataset *data = NULL;
    const chirp_status st = chirp_dataset_open(config->data, &data);
    if (st != CHIRP_OK)
        return st;
    const chirp_signal_config *signal = &chirp_dataset_describe(data)->signal;
    for (int i = 0; i < CHIRP_SIGNAL_OPTIONS; ++i) {
        const chirp_option *row = &chirp_signal_option[i];
        if (!given[i] && is_free(row)) /* numbers that were read are of the row's kind */
            (void)chirp_option_set_number(
                row, chirp_option_value(row, &config->signal),
                chirp_option_number(row, chirp_option_value(row, signal)));
    }
    chirp_dataset_close(data);
    return CHIRP_OK;
}

static chirp_status open_data(const chirp_train_config *config, chirp_batches *b)
{
    chirp_status st = chirp_dataset_open(config->data, &b->training_data);
    if (st == CHIRP_OK)
        st = chirp_dataset_open(config->data, &b->validation_data);
    if (st != CHIRP_OK)
        return st;
    const chirp_dataset_info *info = chirp_dataset_describe(b->training_data);
    st = check_signals(config, info);
    if (st != CHIRP_OK)
        return st;
    if (info->rows <= b->n_validation)
        return chirp_fail(CHIRP_ERR_RANGE,
                          "%s: has %" PRId64 " rows; %" PRId64
                          " are held out (--validation-signals), none is left to train on",
                          config->data, info->rows, b->n_validation);
    st = chirp_dataset_check_labels(b->training_data);
    b->rows = info->rows - b->n_validation;
    if (st == CHIRP_OK)
        st = chirp_dataset_restrict(b->training_data, 0, b->rows);
    if (st == CHIRP_OK)
        st = chirp_dataset_restrict(b->validation_data, b->rows, b->n_validation);
    b->stream = (chirp_dataset_stream){b->training_data, config->seed};
    b->source = chirp_dataset_source;
    b->context = &b->stream;
    return st;
}

chirp_status chirp_batches_create(const chirp_train_config *config, int ranks,
                                  chirp_batches **result)
{
    chirp_batches *b = chirp_calloc(1, sizeof *b);
    if (!b)
        return CHIRP_ERR_NOMEM;
    b->length = config->signal.length;
    b->n_validation = config->validation_signals;
    b->passes = config->accumulate;
    b->step_signals = chirp_train_step_signals(config, ranks);
    (void)pthread_mutex_init(&b->lock, NULL);
    (void)pthread_cond_init(&b->changed, NULL);
    const chirp_status st = config->data ? open_data(config, b) : make_generators(config, ranks, b);
    if (st != CHIRP_OK) {
        chirp_batches_destroy(b);
        return st;
    }
    *result = b;
    return CHIRP_OK;
}

/* Ends the prefetcher, which may be waiting for a share. */
static void end_prefetch(chirp_batches *b)
{
    (void)pthread_mutex_lock(&b->lock);
    b->stop = true;
    (void)pthread_cond_broadcast(&b->changed);
    (void)pthread_mutex_unlock(&b->lock);
    chirp_prefetch_destroy(b->prefetch);
    b->prefetch = NULL;
    b->stop = false;
}

void chirp_batches_destroy(chirp_batches *b)
{
    if (!b)
        return;
    end_prefetch(b);
    (void)pthread_cond_destroy(&b->changed);
    (void)pthread_mutex_destroy(&b->lock);
    chirp_generator_destroy(b->training);
    chirp_generator_destroy(b->validation);
    chirp_dataset_close(b->training_data);
    chirp_dataset_close(b->validation_data);
    chirp_free(b->strain);
    chirp_free(b->label);
    chirp_free(b);
}

static chirp_status make_room(chirp_batches *b, int64_t n)
{
    float *strain = chirp_calloc((size_t)(n * b->length), sizeof *strain);
    float *label = chirp_calloc((size_t)n * CHIRP_LABELS, sizeof *label);
    if (!strain || !label) {
        chirp_free(strain);
        chirp_free(label);
        return CHIRP_ERR_NOMEM;
    }
    end_prefetch(b); /* its buffers are too small */
    chirp_free(b->strain);
    chirp_free(b->label);
    b->strain = strain;
    b->label = label;
    b->room = n;
    return CHIRP_OK;
}

chirp_status chirp_batches_assign(chirp_batches *b, int64_t step, const chirp_share share[2],
                                  bool constant)
{
    const int64_t most = share[0].signals > share[1].signals ? share[0].signals : share[1].signals;
    if (most > b->room) { /* a share that grows by one should not come here each time */
        const int64_t ahead = constant ? 0 : b->room + b->room / 4;
        const chirp_status st = make_room(b, most > ahead ? most : ahead);
        if (st != CHIRP_OK)
            return st;
    }
    b->batch = share[0].signals;
    (void)pthread_mutex_lock(&b->lock);
    for (int k = 0; k < (constant ? SHARES : 2); ++k)
        b->share[(step + k) % SHARES] = share[constant ? 0 : k];
    b->known = constant ? INT64_MAX : step + 1;
    (void)pthread_cond_broadcast(&b->changed);
    (void)pthread_mutex_unlock(&b->lock);
    return CHIRP_OK;
}

/* A chirp_batch_source that counts batches of b->room signals: the k-th is pass k % passes of step k / passes, and has as
   many signals as this rank's share of that step, for which it waits. */
static chirp_status own_signals(void *context, uint64_t first, int64_t n, float *strain,
                                float *label, float *snr, float *parameters)
{
    chirp_batches *b = context;
    const int64_t k = (int64_t)first / n;
    const int64_t step = k / b->passes;
    (void)pthread_mutex_lock(&b->lock);
    while (step > b->known && !b->stop)
        (void)pthread_cond_wait(&b->changed, &b->lock);
    const bool stop = b->stop;
    const chirp_share share = b->share[step % SHARES];
    (void)pthread_mutex_unlock(&b->lock);
    if (stop)
        return CHIRP_ERR_INTERRUPTED; /* nobody will ask for it */
    const int64_t at = step * b->step_signals + share.first + k % b->passes * share.signals;
    return b->source(b->context, (uint64_t)at, share.signals, strain, label, snr, parameters);
}

chirp_status chirp_batches_training(chirp_batches *b, int64_t iteration, int64_t pass,
                                    const float **strain, const float **label)
{
    chirp_batch batch = {0};
    const int64_t k = iteration * b->passes + pass;
    if (!b->prefetch || b->next != k) { /* the first step of a run, also of a resumed one */
        const chirp_prefetch_config config = {
            .source = own_signals,
            .context = b,
            .batch = b->room,
            .row = b->length,
            .first = (uint64_t)(k * b->room),
            .stride = (uint64_t)b->room,
            .depth = PREFETCH_DEPTH,
        };
        end_prefetch(b);
        const chirp_status st = chirp_prefetch_create(&config, &b->prefetch);
        if (st != CHIRP_OK)
            return st;
        b->next = k;
    }
    const chirp_status st = chirp_prefetch_next(b->prefetch, &batch);
    if (st != CHIRP_OK)
        return st;
    b->next += 1;
    *strain = batch.strain;
    *label = batch.label;
    return CHIRP_OK;
}

chirp_status chirp_batches_validation(chirp_batches *b, int64_t first, const float **strain,
                                      const float **label)
{
    chirp_status st;
    if (b->validation_data) { /* the last batch may be short: its missing rows are never counted */
        const int64_t left = b->n_validation - first;
        st = chirp_dataset_rows(b->validation_data, first, left < b->batch ? left : b->batch,
                                b->strain, b->label, NULL, NULL);
    } else {
        st = chirp_generator_batch(b->validation, (uint64_t)first, b->batch, b->strain, b->label,
                                   NULL, NULL);
    }
    *strain = b->strain;
    *label = b->label;
    return st;
}

int64_t chirp_batches_rows(const chirp_batches *b) { return b->rows; }
