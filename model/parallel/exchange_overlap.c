/*
 * Overlap: buckets are fixed once, so nothing is negotiated. A bucket's reduction starts when its last tensor is
 * announced, but never before the bucket ahead of it.
 *
 * All ranks end with bitwise the same mean: every allreduce algorithm of MPICH either adds a pair on both sides
 * (recursive doubling: a + b and b + a round alike) or adds each element on one rank and copies it.
 */
#include "harness/base/clock.h"
#include "model/parallel/exchange_internal.h"

static chirp_status reduce(chirp_exchange *x, chirp_bucket *b)
{
    (void)x;
    return chirp_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, b->values, (int)b->count, MPI_FLOAT,
                                          MPI_SUM, chirp_mpi_comm(), &b->request),
                           "MPI_Iallreduce");
}

static void completed(const chirp_exchange *x, chirp_bucket *b)
{
    chirp_exchange_mean(b->values, b->count, x->size);
    b->done = true;
    b->end_s = chirp_now_s();
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
        if (st == CHIRP_OK && done)
            completed(x, b);
    }
    return st;
}

static chirp_status ready(chirp_exchange *x)
{
    const chirp_status st = chirp_buckets_start(x, sizeof(float), reduce);
    return st == CHIRP_OK ? progress(x) : st;
}

static chirp_status finish(chirp_exchange *x)
{
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i) {
        chirp_bucket *b = &x->buckets[i];
        MPI_Request none = MPI_REQUEST_NULL; /* what is done is waited for too: waits are counted */
        st = chirp_mpi_wait(b->done ? &none : &b->request, "allreduce (bucket)",
                            b->count * (int64_t)sizeof(float));
        if (st == CHIRP_OK && !b->done)
            completed(x, b);
        if (st == CHIRP_OK)
            chirp_bucket_arrived(x, b);
    }
    return st;
}

const chirp_exchange_engine chirp_exchange_overlap = {
    .kind = {.name = "overlap",
             .help = "buckets are reduced while the backward pass goes on",
             .rule = CHIRP_BUCKETS_REACH,
             .bucket_bytes = (int64_t)1 << 20,
             .overlaps = true},
    .in_place = true,
    .bf16 = &chirp_exchange_bf16,
    .ready = ready,
    .progress = progress,
    .finish = finish,
};
