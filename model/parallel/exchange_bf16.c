/*
 * Half the bytes: bfloat16 on the wire, floats in the sums. A reduction in bfloat16 would round at every hop; instead
 * every rank receives its part of the bucket from all (alltoall), adds it in floats in rank order, and sends the mean
 * back to all (allgather). Two roundings, and what each takes away is kept and added to the next step's number (error
 * feedback: Seide et al. 2014; Karimireddy et al. 2019, arXiv:1901.09847), so that nothing is lost for good. All ranks
 * receive the same bits.
 */
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "model/parallel/exchange_internal.h"
#include "model/parallel/parallel.h"

#include <string.h>

/* A bucket's numbers on the wire: ranks * chunk each. */
typedef struct wire {
    uint16_t *sent, *received; /* `sent` holds the result after the second phase */
    bool gathering;            /* second phase: the means travel back */
    int64_t chunk;             /* [numbers] that one rank sums: ceil(count / ranks) */
    float *lost;               /* [count] what rounding took on the way to the sum */
    float *lost_of_sum;        /* [chunk] what rounding took from this rank's part of the mean */
} wire;

typedef struct second_phase {
    MPI_Comm comm; /* its collectives have an order of their own */
} second_phase;

static uint16_t to_bf16(float value)
{
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffffU) > 0x7f800000U) /* NaN stays NaN: rounding could make it infinite */
        return (uint16_t)((bits >> 16) | 0x40U);
    return (uint16_t)((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16); /* to nearest, ties to even */
}

static float from_bf16(uint16_t half)
{
    const uint32_t bits = (uint32_t)half << 16;
    float value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Rounds value + lost, keeps what is lost now. An overflow to infinity leaves nothing to feed back. */
static uint16_t round_with_feedback(float value, float *lost)
{
    const float whole = value + *lost;
    const uint16_t half = to_bf16(whole);
    const float rest = whole - from_bf16(half);
    *lost = rest - rest == 0.0F ? rest : 0.0F; /* 0 for infinity and NaN */
    return half;
}

static chirp_status create_wire(const chirp_exchange *x, chirp_bucket *b)
{
    wire *w = chirp_calloc(1, sizeof *w);
    if (!w)
        return CHIRP_ERR_NOMEM;
    b->own = w;
    w->chunk = (b->count + x->size - 1) / x->size;
    const size_t numbers = (size_t)w->chunk * (size_t)x->size;
    w->sent = chirp_calloc(numbers, sizeof *w->sent);
    w->received = chirp_calloc(numbers, sizeof *w->received);
    w->lost = chirp_calloc((size_t)b->count, sizeof *w->lost);
    w->lost_of_sum = chirp_calloc((size_t)w->chunk, sizeof *w->lost_of_sum);
    return w->sent && w->received && w->lost && w->lost_of_sum ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

static chirp_status create(chirp_exchange *x)
{
    second_phase *second = chirp_calloc(1, sizeof *second);
    chirp_status st = second ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (second)
        second->comm = MPI_COMM_NULL;
    x->own = second;
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i)
        st = create_wire(x, &x->buckets[i]);
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK)
        st = chirp_mpi_check(MPI_Comm_dup(chirp_mpi_comm(), &second->comm), "MPI_Comm_dup");
    if (st == CHIRP_OK)
        (void)MPI_Comm_set_errhandler(second->comm, MPI_ERRORS_RETURN);
    return st;
}

static void destroy(chirp_exchange *x)
{
    second_phase *second = x->own;
    for (int i = 0; i < x->n_buckets; ++i) {
        wire *w = x->buckets[i].own;
        if (!w)
            continue;
        chirp_free(w->sent);
        chirp_free(w->received);
        chirp_free(w->lost);
        chirp_free(w->lost_of_sum);
        chirp_free(w);
    }
    if (second && second->comm != MPI_COMM_NULL)
        (void)MPI_Comm_free(&second->comm);
    chirp_free(second);
}

static chirp_status reduce(chirp_exchange *x, chirp_bucket *b)
{
    wire *w = b->own;
    (void)x;
    for (int64_t i = 0; i < b->count; ++i)
        w->sent[i] = round_with_feedback(b->values[i], &w->lost[i]);
    w->gathering = false;
    return chirp_mpi_check(MPI_Ialltoall(w->sent, (int)w->chunk, MPI_UINT16_T, w->received,
                                         (int)w->chunk, MPI_UINT16_T, chirp_mpi_comm(),
                                         &b->request),
                           "MPI_Ialltoall");
}

/* The first phase is done: sums this rank's part and sends the mean back. */
static chirp_status turn(const chirp_exchange *x, chirp_bucket *b)
{
    wire *w = b->own;
    const second_phase *second = x->own;
    /* padding behind the bucket's end is zero on every rank and stays zero */
    uint16_t *mean = w->sent + (int64_t)x->rank * w->chunk;
    for (int64_t i = 0; i < w->chunk; ++i) {
        float sum = 0;
        for (int r = 0; r < x->size; ++r)
            sum += from_bf16(w->received[(int64_t)r * w->chunk + i]);
        mean[i] = round_with_feedback(sum / (float)x->size, &w->lost_of_sum[i]);
    }
    w->gathering = true;
    return chirp_mpi_check(MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, w->sent,
                                          (int)w->chunk, MPI_UINT16_T, second->comm, &b->request),
                           "MPI_Iallgather");
}

/* A phase is done: the second begins, or the values receive the mean. */
static chirp_status completed(const chirp_exchange *x, chirp_bucket *b)
{
    wire *w = b->own;
    if (!w->gathering)
        return turn(x, b);
    for (int64_t i = 0; i < b->count; ++i)
        b->values[i] = from_bf16(w->sent[i]);
    memset(w->sent + b->count, 0, (size_t)(w->chunk * x->size - b->count) * sizeof *w->sent);
    b->done = true;
    b->end_s = chirp_now_s();
    return CHIRP_OK;
}

static chirp_status progress(chirp_exchange *x)
{
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i) {
        chirp_bucket *b = &x->buckets[i];
        int done = 0;
        if (!b->started || b->done)
            continue;
        st = chirp_mpi_check(MPI_Test(&b->request, &done, MPI_STATUS_IGNORE), "MPI_Test (bucket)");
        if (st != CHIRP_OK || !done)
            break; /* second phases must begin in the order of buckets, on all ranks alike */
        st = completed(x, b);
    }
    return st;
}

static chirp_status ready(chirp_exchange *x)
{
    const chirp_status st = chirp_buckets_start(x, sizeof(uint16_t), reduce);
    return st == CHIRP_OK ? progress(x) : st;
}

/* Waits for one phase of a bucket. Every rank waits for what is done already too: waits are counted. */
static chirp_status wait_phase(chirp_exchange *x, chirp_bucket *b, bool gathering)
{
    const wire *w = b->own;
    const bool pending = !b->done && w->gathering == gathering;
    MPI_Request none = MPI_REQUEST_NULL;
    const chirp_status st = chirp_mpi_wait(pending ? &b->request : &none,
                                           gathering ? "allgather (bucket)" : "alltoall (bucket)",
                                           b->count * (int64_t)sizeof(uint16_t));
    return st == CHIRP_OK && pending ? completed(x, b) : st;
}

static chirp_status finish(chirp_exchange *x)
{
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i)
        st = wait_phase(x, &x->buckets[i], false); /* then all second phases are under way */
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i) {
        st = wait_phase(x, &x->buckets[i], true);
        if (st == CHIRP_OK)
            chirp_bucket_arrived(x, &x->buckets[i]);
    }
    return st;
}

/* No row of the table: it is what overlap does with --compress bf16. */
const chirp_exchange_engine chirp_exchange_bf16 = {
    .create = create,
    .ready = ready,
    .progress = progress,
    .finish = finish,
    .destroy = destroy,
};
