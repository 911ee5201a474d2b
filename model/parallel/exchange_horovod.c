/*
 * As the study ran, in spirit Horovod 0.16 to 0.19 before its cache: every step each rank sends the list of its
 * ready tensors (index and size) to rank 0, which answers with those that all have; they are copied to a fusion
 * buffer, reduced once by a blocking allreduce, and copied back. Nothing overlaps with the backward pass.
 */
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "model/parallel/exchange_internal.h"
#include "model/parallel/parallel.h"

typedef struct request {
    int64_t tensor, count;
} request;

/* Rank 0's part: which tensors are announced by all, with equal counts? */
static chirp_status coordinate(const chirp_exchange *x, const request *all, request *answer)
{
    const int n = x->n_tensors;
    for (int i = 0; i < n; ++i)
        answer[i] = all[i];
    for (int r = 1; r < x->size; ++r)
        for (int i = 0; i < n; ++i) {
            const request *theirs = &all[(int64_t)r * n + i];
            if (theirs->tensor != answer[i].tensor || theirs->count != answer[i].count)
                return chirp_fail(CHIRP_ERR_LIBRARY,
                                  "exchange: rank %d announced tensor %lld with %lld values where "
                                  "rank 0 announced tensor %lld with %lld",
                                  r, (long long)theirs->tensor, (long long)theirs->count,
                                  (long long)answer[i].tensor, (long long)answer[i].count);
        }
    return CHIRP_OK;
}

static chirp_status negotiate(const chirp_exchange *x)
{
    const size_t n = (size_t)x->n_tensors;
    const int bytes = (int)(n * sizeof(request));
    request *mine = chirp_calloc(2 * n, sizeof *mine);
    request *all = NULL;
    if (chirp_parallel_rank() == 0)
        all = chirp_calloc(n * (size_t)x->size, sizeof *all);
    chirp_status st = mine && (all || chirp_parallel_rank() != 0) ? CHIRP_OK : CHIRP_ERR_NOMEM;
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK) {
        for (size_t i = 0; i < n; ++i)
            mine[i] = (request){x->ready[i] ? (int64_t)i : -1, x->tensors[i].count};
        st = chirp_parallel_gather(mine, bytes, all, 0);
    }
    if (st == CHIRP_OK && chirp_parallel_rank() == 0)
        st = coordinate(x, all, mine + n);
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK)
        st = chirp_parallel_broadcast(mine + n, bytes, 0);
    chirp_free(mine);
    chirp_free(all);
    return st;
}

static chirp_status reduce(chirp_exchange *x, chirp_bucket *b)
{
    b->start_s = chirp_now_s();
    chirp_bucket_pack(x, b);
    chirp_status st =
        chirp_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, b->values, (int)b->count, MPI_FLOAT, MPI_SUM,
                                       chirp_mpi_comm(), &b->request),
                        "MPI_Iallreduce (fusion buffer)");
    if (st == CHIRP_OK)
        st = chirp_mpi_wait(&b->request, "allreduce (fusion buffer)", 4 * b->count);
    if (st == CHIRP_OK) {
        chirp_exchange_mean(b->values, b->count, x->size);
        chirp_bucket_unpack(x, b);
        chirp_bucket_counted(x, b, sizeof(float));
    }
    b->end_s = chirp_now_s();
    if (st == CHIRP_OK)
        chirp_bucket_reduced(x, b);
    return st;
}

static chirp_status finish(chirp_exchange *x)
{
    const double start = chirp_now_s();
    chirp_status st = negotiate(x);
    x->profile.control_s += chirp_now_s() - start;
    for (int i = 0; st == CHIRP_OK && i < x->n_buckets; ++i)
        st = reduce(x, &x->buckets[i]);
    return st;
}

const chirp_exchange_engine chirp_exchange_horovod = {
    .kind = {.name = "horovod",
             .help = "tensors are agreed on each step and reduced through a fusion buffer, as the "
                     "study did",
             .rule = CHIRP_BUCKETS_FIT,
             .bucket_bytes = (int64_t)64 << 20,
             .negotiates = true},
    .finish = finish,
};
