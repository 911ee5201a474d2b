/*
 * Halving: one reduction behind the backward pass, by messages of our own. Recursive halving leaves every rank with the
 * sum of its part, recursive doubling gives all parts to all (Rabenseifner 2004; Thakur et al. 2005). MPI_Allreduce
 * does the same with one thread, which on slow cores costs several times what the wire does; here all threads add and
 * copy while this one's messages arrive.
 *
 *     fold      ranks beyond the largest power of two give their numbers to rank - core, and wait for unfold
 *     halving   round k: the partner is rank ^ 2^bit (chirp_halving_bit()); each sends the half that the other one will own
 *     doubling  the same rounds backwards: what the partner owns arrives in its place
 *     unfold    the result goes to the ranks that folded
 *
 * Near partners come first, while messages are large. Which number is added where follows from its place alone, so the
 * order is that of a tree over ranks and never that of arrivals; the owner adds last, divides, and the others copy its
 * bits. Parts are whole cache lines: of few numbers some ranks own nothing, and messages of nothing are not sent.
 */
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "model/parallel/exchange_internal.h"
#include "model/parallel/parallel.h"

#include <omp.h>
#include <string.h>

enum {
    HALVING_TAG = 4714,
    LINE = 16, /* floats: what parts and pieces are multiples of */
    MAX_CORE_ROUNDS = 31,
    SLOTS = 4 /* pieces of scratch: those that arrive while one is added stay in the caches */
};

/* A parallel region costs 1 to 20 us, in which one thread adds this much. */
static const int64_t PARALLEL_FLOATS = 16384;
static const int64_t DEFAULT_PIECE_BYTES = (int64_t)1 << 20;
static const int64_t LEAST_PIECE_BYTES = 4096; /* of less, requests would outgrow the numbers */

/* A range of the values. */
typedef struct span {
    int64_t first, count;
} span;

typedef struct trip {
    const char *what;
    int partner;
    span out, in;
    int64_t
        nominal; /* [floats] the most that any rank sends in this round: sets the number of waits of all */
    bool adds;    /* what arrives is added; else it replaces */
    bool divides; /* and divided by the number of ranks */
    bool settles; /* wait for all that was sent: the next round writes over it, or there is none */
} trip;

struct chirp_halving {
    int64_t count, piece; /* [floats] */
    int threads, size;
    int n_trips;
    trip trip[2 * MAX_CORE_ROUNDS + 2];
    float *scratch;           /* [SLOTS * piece], or what one round needs */
    int n_received;           /* requests allocated */
    MPI_Request *received;    /* [n_received] of this round; MPI_REQUEST_NULL when idle */
    int n_sent, n_sent_limit; /* under way; allocated */
    MPI_Request *sent;
};

static int64_t pieces(const chirp_halving *h, int64_t floats)
{
    return (floats + h->piece - 1) / h->piece;
}

static int64_t piece_count(const chirp_halving *h, int64_t floats, int64_t k)
{
    const int64_t left = floats - k * h->piece;
    return left < h->piece ? left : h->piece;
}

/* Lines first .. end - 1 of the values; the last one may be short. */
static span lines(const chirp_halving *h, int64_t first, int64_t end)
{
    const int64_t stop = end * LINE < h->count ? end * LINE : h->count;
    return (span){first * LINE, first < end ? stop - first * LINE : 0};
}

int chirp_halving_bit(int ranks, int rank, int round)
{
    enum { NEAR = 2, NEIGHBOURS = 1 << NEAR };
    int rounds = 0;
    while ((2 << rounds) <= ranks)
        ++rounds;
    const int turning = rounds - NEAR < NEIGHBOURS ? rounds - NEAR : NEIGHBOURS;
    if (round < NEAR || round >= NEAR + turning)
        return round;
    return NEAR + (round - NEAR + rank % NEIGHBOURS) % turning;
}

static void plan(chirp_halving *h, int rank, int size)
{
    static const span nothing = {0, 0};
    const span whole = {0, h->count};
    const int64_t n_lines = (h->count + LINE - 1) / LINE;
    int core = 1;
    while (core <= size / 2)
        core *= 2;
    const bool extra = rank >= core;
    const int folded = extra ? rank - core : rank + core < size ? rank + core : -1;
    const trip fold = {.what = "gradient fold",
                       .partner = folded,
                       .out = extra ? whole : nothing,
                       .in = !extra && folded >= 0 ? whole : nothing,
                       .nominal = h->count,
                       .adds = true};
    if (core < size)
        h->trip[h->n_trips++] = fold;
    int64_t low = 0;
    int64_t high = n_lines;
    int64_t most = n_lines; /* lines of the largest part: every rank has this or one less */
    const int halvings = h->n_trips;
    for (int round = 0; 1 << round < core; ++round) {
        const int distance = 1 << chirp_halving_bit(size, rank, round);
        const bool last = 2 << round == core;
        const int64_t middle = low + (high - low) / 2;
        const bool lower = (rank & distance) == 0;
        const span mine = lower ? lines(h, low, middle) : lines(h, middle, high);
        const span theirs = lower ? lines(h, middle, high) : lines(h, low, middle);
        most = (most + 1) / 2;
        h->trip[h->n_trips++] = (trip){.what = "gradient halving",
                                       .partner = extra ? -1 : rank ^ distance,
                                       .out = extra ? nothing : theirs,
                                       .in = extra ? nothing : mine,
                                       .nominal = most * LINE < h->count ? most * LINE : h->count,
                                       .adds = true,
                                       .divides = last,
                                       .settles = last};
        low = lower ? low : middle;
        high = lower ? middle : high;
    }
    for (int t = h->n_trips - 1; t >= halvings; --t) {
        trip back = h->trip[t];
        back.what = "gradient doubling";
        back.out = h->trip[t].in; /* the part that is complete by then */
        back.in = h->trip[t].out;
        back.adds = back.divides = back.settles = false;
        h->trip[h->n_trips++] = back;
    }
    if (core < size) {
        trip back = fold;
        back.what = "gradient unfold";
        back.out = fold.in;
        back.in = fold.out;
        back.adds = false;
        h->trip[h->n_trips++] = back;
    }
    h->trip[h->n_trips - 1].settles = true;
}

static chirp_status allocate(chirp_halving *h)
{
    int64_t received = SLOTS;
    int64_t added = 0;
    int64_t sent = 0;
    for (int t = 0; t < h->n_trips; ++t) {
        const int64_t in = pieces(h, h->trip[t].in.count);
        received = in > received ? in : received;
        added = h->trip[t].adds && in > added ? in : added;
        sent += pieces(h, h->trip[t].out.count);
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

chirp_status chirp_halving_create(const chirp_exchange_config *config, int64_t count,
                                  chirp_halving **halving)
{
    int64_t bytes = config->bucket_bytes > 0 ? config->bucket_bytes : DEFAULT_PIECE_BYTES;
    if (bytes < LEAST_PIECE_BYTES)
        bytes = LEAST_PIECE_BYTES;
    chirp_halving *h = chirp_calloc(1, sizeof *h);
    if (!h)
        return CHIRP_ERR_NOMEM;
    h->count = count;
    h->piece = bytes / (int64_t)sizeof(float) / LINE * LINE;
    if (h->piece > (count + LINE - 1) / LINE * LINE)
        h->piece = (count + LINE - 1) / LINE * LINE;
    h->threads = config->n_threads > 0 ? config->n_threads : omp_get_max_threads();
    h->size = chirp_parallel_size();
    plan(h, chirp_parallel_rank(), h->size);
    const chirp_status st = allocate(h);
    if (st == CHIRP_OK)
        *halving = h;
    else
        chirp_halving_destroy(h);
    return st;
}

void chirp_halving_destroy(chirp_halving *h)
{
    if (!h)
        return;
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

static void add(const chirp_halving *h, float *to, const float *from, int64_t n, bool divide)
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

static chirp_status receive(chirp_halving *h, const trip *t, int64_t k, float *values)
{
    const int64_t slot = t->adds ? k % SLOTS : k;
    float *to = t->adds ? h->scratch + slot * h->piece : values + t->in.first + k * h->piece;
    return chirp_mpi_check(MPI_Irecv(to, (int)piece_count(h, t->in.count, k), MPI_FLOAT, t->partner,
                                     HALVING_TAG, chirp_mpi_comm(), &h->received[slot]),
                           "MPI_Irecv (gradient)");
}

static chirp_status send(chirp_halving *h, const trip *t, int64_t k, const float *values)
{
    const chirp_status st = chirp_mpi_check(
        MPI_Isend(values + t->out.first + k * h->piece, (int)piece_count(h, t->out.count, k),
                  MPI_FLOAT, t->partner, HALVING_TAG, chirp_mpi_comm(), &h->sent[h->n_sent]),
        "MPI_Isend (gradient)");
    h->n_sent += st == CHIRP_OK;
    return st;
}

/* One round. Everything is under way before anything is waited for: the wire must not wait for our threads. */
static chirp_status travel(chirp_halving *h, const trip *t, float *values)
{
    const int64_t n_in = pieces(h, t->in.count);
    const int64_t n_out = pieces(h, t->out.count);
    const int64_t waits = pieces(h, t->nominal);
    double seconds = 0;
    chirp_status st = CHIRP_OK;
    for (int64_t k = 0; k < n_in && (!t->adds || k < SLOTS) && st == CHIRP_OK; ++k)
        st = receive(h, t, k, values);
    for (int64_t k = 0; k < n_out && st == CHIRP_OK; ++k)
        st = send(h, t, k, values);
    for (int64_t k = 0; k < waits && st == CHIRP_OK; ++k) {
        const int64_t slot = t->adds ? k % SLOTS : k;
        st = chirp_mpi_wait_all(&h->received[slot], k < n_in, t->what, &seconds);
        if (st != CHIRP_OK || k >= n_in || !t->adds)
            continue;
        add(h, values + t->in.first + k * h->piece, h->scratch + slot * h->piece,
            piece_count(h, t->in.count, k), t->divides);
        if (k + SLOTS < n_in)
            st = receive(h, t, k + SLOTS, values);
    }
    if (st == CHIRP_OK && t->settles) {
        st = chirp_mpi_wait_all(h->sent, h->n_sent, t->what, &seconds);
        h->n_sent = st == CHIRP_OK ? 0 : h->n_sent;
    }
    if (st == CHIRP_OK)
        chirp_mpi_account(t->what, t->nominal * (int64_t)sizeof(float), seconds);
    return st;
}

/* What one thread of `n` copies between the tensors' places and the packed values: an equal share of the numbers. */
static void copy_share(const chirp_exchange *x, const chirp_bucket *b, float *grad, float *packed,
                       bool unpack, int thread, int n)
{
    const int64_t first = b->count * thread / n;
    const int64_t end = b->count * (thread + 1) / n;
    int64_t at = 0; /* of the tensor in the packed values */
    for (int t = b->first; t < b->first + b->n_tensors && at < end; ++t) {
        const int64_t from = at > first ? at : first;
        const int64_t next = at + x->tensors[t].count;
        const int64_t to = next < end ? next : end;
        float *place = grad + x->tensors[t].offset + (from - at);
        if (from < to && unpack)
            memcpy(place, packed + from, (size_t)(to - from) * sizeof *packed);
        else if (from < to)
            memcpy(packed + from, place, (size_t)(to - from) * sizeof *packed);
        at = next;
    }
}

static void copy(const chirp_exchange *x, const chirp_bucket *b, float *grad, float *packed,
                 bool unpack)
{
#pragma omp parallel num_threads(b->halving->threads) if (b->count >= PARALLEL_FLOATS)
    copy_share(x, b, grad, packed, unpack, omp_get_thread_num(), omp_get_num_threads());
}

chirp_status chirp_halving_finish(chirp_exchange *x)
{
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i) {
        chirp_bucket *b = &x->buckets[i];
        chirp_halving *h = b->halving;
        chirp_flight *f = &b->flight;
        f->start_s = chirp_now_s();
        if (b->packed)
            copy(x, b, x->grad, f->values, false);
        float *values = b->packed ? f->values : x->grad + b->offset;
        for (int t = 0; t < h->n_trips && st == CHIRP_OK; ++t)
            st = travel(h, &h->trip[t], values);
        if (st == CHIRP_OK && b->packed)
            copy(x, b, x->grad, f->values, true);
        chirp_bucket_counted(x, b, sizeof(float));
        f->end_s = chirp_now_s();
        if (st == CHIRP_OK)
            chirp_bucket_reduced(x, b);
    }
    return st;
}
