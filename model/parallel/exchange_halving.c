/*
 * Halving: one reduction behind the backward pass, by messages of our own in the order of schedule.h. MPI_Allreduce does the
 * same with one thread, which on slow cores costs several times what the wire does; here all threads add and
 * copy while this one's messages arrive.
 *
 * The owner of a part adds last, divides, and the others copy its bits. Messages are cut into pieces: one is added while
 * the next arrives. Messages of nothing are not sent.
 */
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "model/parallel/exchange_internal.h"
#include "model/parallel/schedule.h"

#include <omp.h>
#include <string.h>

enum {
    HALVING_TAG = 4714,
    LINE = 16, /* floats: what pieces are multiples of */
    SLOTS = 4  /* pieces of scratch: those that arrive while one is added stay in the caches */
};

/* A parallel region costs 1 to 20 us, in which one thread adds this much. */
static const int64_t PARALLEL_FLOATS = 16384;
static const int64_t LEAST_PIECE_BYTES = 4096; /* of less, requests would outgrow the numbers */

static const char *const phase_name[] = {
    [CHIRP_SCHEDULE_FOLD] = "gradient fold",
    [CHIRP_SCHEDULE_HALVING] = "gradient halving",
    [CHIRP_SCHEDULE_DOUBLING] = "gradient doubling",
    [CHIRP_SCHEDULE_UNFOLD] = "gradient unfold",
};

/* What the reduction of one bucket needs. */
typedef struct halving {
    int64_t piece; /* [floats] */
    int threads, size;
    chirp_schedule schedule;
    float *scratch;           /* [SLOTS * piece], or what one round needs */
    int n_received;           /* requests allocated */
    MPI_Request *received;    /* [n_received] of this round; MPI_REQUEST_NULL when idle */
    int n_sent, n_sent_limit; /* under way; allocated */
    MPI_Request *sent;
} halving;

static int64_t pieces(const halving *h, int64_t floats)
{
    return (floats + h->piece - 1) / h->piece;
}

static int64_t piece_count(const halving *h, int64_t floats, int64_t k)
{
    const int64_t left = floats - k * h->piece;
    return left < h->piece ? left : h->piece;
}

static bool adds(const chirp_schedule_round *r) { return r->in.action == CHIRP_SCHEDULE_ADD; }

static chirp_status allocate(halving *h)
{
    int64_t received = SLOTS;
    int64_t added = 0;
    int64_t sent = 0;
    for (int k = 0; k < h->schedule.n; ++k) {
        const chirp_schedule_round *r = &h->schedule.round[k];
        const int64_t in = pieces(h, r->in.count);
        received = in > received ? in : received;
        added = adds(r) && in > added ? in : added;
        sent += pieces(h, r->out.count);
    }
    const int64_t slots = added < SLOTS ? added : SLOTS;
    h->received = chirp_alloc((size_t)received * sizeof *h->received);
    h->sent = chirp_alloc((size_t)(sent + 1) * sizeof *h->sent);
    h->scratch = chirp_alloc((size_t)(slots * h->piece) * sizeof *h->scratch);
    if (!h->received || !h->sent || !h->scratch)
        return CHIRP_ERR_NOMEM;
    for (int64_t slot = 0; slot < slots;
         ++slot) { /* pages belong to the threads that will add from them */
        float *piece = h->scratch + slot * h->piece;
#pragma omp parallel for simd schedule(static)                                                     \
    num_threads(h->threads) if (h->piece >= PARALLEL_FLOATS)
        for (int64_t i = 0; i < h->piece; ++i)
            piece[i] = 0;
    }
    h->n_received = (int)received;
    for (int i = 0; i < h->n_received; ++i)
        h->received[i] = MPI_REQUEST_NULL;
    return CHIRP_OK;
}

static chirp_status create_bucket(const chirp_exchange *x, chirp_bucket *b)
{
    halving *h = chirp_calloc(1, sizeof *h);
    if (!h)
        return CHIRP_ERR_NOMEM;
    b->own = h;
    const int64_t bytes =
        x->config.bucket_bytes > LEAST_PIECE_BYTES ? x->config.bucket_bytes : LEAST_PIECE_BYTES;
    h->piece = bytes / (int64_t)sizeof(float) / LINE * LINE;
    if (h->piece > (b->count + LINE - 1) / LINE * LINE)
        h->piece = (b->count + LINE - 1) / LINE * LINE;
    h->threads = x->config.n_threads > 0 ? x->config.n_threads : omp_get_max_threads();
    h->size = x->size;
    chirp_schedule_reduce(CHIRP_SCHEDULE_TURNING, x->size, x->rank, b->count, &h->schedule);
    return allocate(h);
}

static chirp_status create(chirp_exchange *x)
{
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i)
        st = create_bucket(x, &x->buckets[i]);
    return st;
}

static void destroy_bucket(halving *h)
{
    /* only a step that failed half-way leaves any; a partner that is gone must not keep us */
    for (int i = 0; i < h->n_received; ++i)
        if (h->received[i] != MPI_REQUEST_NULL && MPI_Cancel(&h->received[i]) == MPI_SUCCESS)
            (void)MPI_Wait(&h->received[i], MPI_STATUS_IGNORE);
    for (int i = 0; i < h->n_sent; ++i)
        if (h->sent[i] != MPI_REQUEST_NULL)
            (void)MPI_Request_free(&h->sent[i]);
    chirp_free(h->received);
    chirp_free(h->sent);
    chirp_free(h->scratch);
    chirp_free(h);
}

static void destroy(chirp_exchange *x)
{
    for (int i = 0; i < x->n_buckets; ++i)
        if (x->buckets[i].own)
            destroy_bucket(x->buckets[i].own);
}

static void add(const halving *h, float *to, const float *from, int64_t n, bool divide)
{
    const float ranks = (float)h->size;
    if (divide) {
#pragma omp parallel for simd schedule(static) num_threads(h->threads) if (n >= PARALLEL_FLOATS)
        for (int64_t i = 0; i < n; ++i)
            to[i] = (to[i] + from[i]) / ranks; /* rounds as chirp_exchange_mean() does */
        return;
    }
#pragma omp parallel for simd schedule(static) num_threads(h->threads) if (n >= PARALLEL_FLOATS)
    for (int64_t i = 0; i < n; ++i)
        to[i] += from[i];
}

static chirp_status receive(halving *h, const chirp_schedule_round *r, int64_t k, float *values)
{
    const int64_t slot = adds(r) ? k % SLOTS : k;
    float *to = adds(r) ? h->scratch + slot * h->piece : values + r->in.first + k * h->piece;
    return chirp_mpi_check(MPI_Irecv(to, (int)piece_count(h, r->in.count, k), MPI_FLOAT,
                                     r->in.partner, HALVING_TAG, chirp_mpi_comm(),
                                     &h->received[slot]),
                           "MPI_Irecv (gradient)");
}

static chirp_status send(halving *h, const chirp_schedule_step *out, int64_t k, const float *values)
{
    const chirp_status st = chirp_mpi_check(
        MPI_Isend(values + out->first + k * h->piece, (int)piece_count(h, out->count, k), MPI_FLOAT,
                  out->partner, HALVING_TAG, chirp_mpi_comm(), &h->sent[h->n_sent]),
        "MPI_Isend (gradient)");
    h->n_sent += st == CHIRP_OK;
    return st;
}

/* Waits for all that was sent: what follows writes over it, or there is nothing left to do. */
static chirp_status settle(halving *h, const char *what, double *seconds)
{
    const chirp_status st = chirp_mpi_wait_all(h->sent, h->n_sent, what, seconds);
    h->n_sent = st == CHIRP_OK ? 0 : h->n_sent;
    return st;
}

/* One round. Everything is under way before anything is waited for: the wire must not wait for our threads. */
static chirp_status travel(halving *h, int round, float *values)
{
    const chirp_schedule_round *r = &h->schedule.round[round];
    const char *what = phase_name[r->phase];
    const bool end = round + 1 == h->schedule.n;
    const bool complete = adds(r) && !end && !adds(r + 1); /* this rank's part is, by this round */
    const int64_t n_in = pieces(h, r->in.count);
    const int64_t n_out = pieces(h, r->out.count);
    const int64_t waits = pieces(h, r->most); /* the same on all ranks */
    double seconds = 0;
    chirp_status st = CHIRP_OK;
    for (int64_t k = 0; k < n_in && (!adds(r) || k < SLOTS) && st == CHIRP_OK; ++k)
        st = receive(h, r, k, values);
    for (int64_t k = 0; k < n_out && st == CHIRP_OK; ++k)
        st = send(h, &r->out, k, values);
    for (int64_t k = 0; k < waits && st == CHIRP_OK; ++k) {
        const int64_t slot = adds(r) ? k % SLOTS : k;
        st = chirp_mpi_wait_all(&h->received[slot], k < n_in, what, &seconds);
        if (st != CHIRP_OK || k >= n_in || !adds(r))
            continue;
        add(h, values + r->in.first + k * h->piece, h->scratch + slot * h->piece,
            piece_count(h, r->in.count, k), complete);
        if (k + SLOTS < n_in)
            st = receive(h, r, k + SLOTS, values);
    }
    if (st == CHIRP_OK && (complete || end))
        st = settle(h, what, &seconds);
    if (st == CHIRP_OK)
        chirp_mpi_account(what, r->most * (int64_t)sizeof(float), seconds);
    return st;
}

/* What one thread of `n` copies between the tensors' places and the packed values: an equal share of the numbers. */
static void copy_share(const chirp_exchange *x, const chirp_bucket *b, bool unpack, int thread,
                       int n)
{
    float *packed = b->values;
    const int64_t first = b->count * thread / n;
    const int64_t end = b->count * (thread + 1) / n;
    int64_t at = 0; /* of the tensor in the packed values */
    for (int t = b->first; t < b->first + b->n_tensors && at < end; ++t) {
        const int64_t from = at > first ? at : first;
        const int64_t next = at + x->tensors[t].count;
        const int64_t to = next < end ? next : end;
        float *place = x->grad + x->tensors[t].offset + (from - at);
        if (from < to && unpack)
            memcpy(place, packed + from, (size_t)(to - from) * sizeof *packed);
        else if (from < to)
            memcpy(packed + from, place, (size_t)(to - from) * sizeof *packed);
        at = next;
    }
}

static void copy(const chirp_exchange *x, const chirp_bucket *b, bool unpack)
{
    const halving *h = b->own;
#pragma omp parallel num_threads(h->threads) if (b->count >= PARALLEL_FLOATS)
    copy_share(x, b, unpack, omp_get_thread_num(), omp_get_num_threads());
}

static chirp_status finish(chirp_exchange *x)
{
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i) {
        chirp_bucket *b = &x->buckets[i];
        halving *h = b->own;
        b->start_s = chirp_now_s();
        if (b->packed)
            copy(x, b, false);
        for (int k = 0; k < h->schedule.n && st == CHIRP_OK; ++k)
            st = travel(h, k, b->values);
        if (st == CHIRP_OK && b->packed)
            copy(x, b, true);
        chirp_bucket_counted(x, b, sizeof(float));
        b->end_s = chirp_now_s();
        if (st == CHIRP_OK)
            chirp_bucket_reduced(x, b);
    }
    return st;
}

const chirp_exchange_engine chirp_exchange_halving = {
    .kind = {.name = "halving",
             .help = "one reduction behind the backward pass, added and copied by all threads",
             .rule = CHIRP_BUCKETS_ALL,
             .bucket_bytes = (int64_t)1 << 20, /* a message */
             .own_messages = true},
    .in_place = true,
    .create = create,
    .finish = finish,
    .destroy = destroy,
};
