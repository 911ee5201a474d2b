/*
 * Overlap: buckets are fixed once, so nothing is negotiated. A bucket's reduction starts when its last tensor is
 * announced, but never before the bucket ahead of it: MPI matches collectives by their order, and a rank that
 * announced in another order must not start others.
 *
 * All ranks end with bitwise the same mean: every allreduce algorithm of MPICH either adds a pair on both sides
 * (recursive doubling: a + b and b + a round alike) or adds each element on one rank and copies it.
 */
#include "harness/base/clock.h"
#include "model/parallel/exchange_internal.h"

chirp_status chirp_overlap_start(chirp_exchange *x)
{
    while (x->next < x->n_buckets && x->buckets[x->next].n_ready == x->buckets[x->next].n_tensors) {
        chirp_bucket *b = &x->buckets[x->next];
        const double start = chirp_now_s();
        const int64_t count = b->packed ? b->packed_count : b->count;
        float *values = b->packed ? b->staging : x->grad + b->offset;
        if (b->packed)
            chirp_bucket_pack(x, b);
        const chirp_status st =
            chirp_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, values, (int)count, MPI_FLOAT, MPI_SUM,
                                           chirp_mpi_comm(), &b->request),
                            "MPI_Iallreduce");
        if (st != CHIRP_OK)
            return st;
        b->started = true;
        ++x->next;
        ++x->profile.calls;
        x->profile.exchanged_bytes += (double)count * (double)sizeof(float);
        x->profile.exposed_s += chirp_now_s() - start;
    }
    return CHIRP_OK;
}

chirp_status chirp_overlap_finish(chirp_exchange *x)
{
    chirp_status st = CHIRP_OK;
    /* after a failure the others are still waited for: they write into grad */
    for (int i = 0; i < x->n_buckets; ++i) {
        chirp_bucket *b = &x->buckets[i];
        if (!b->started)
            continue;
        const int code = MPI_Wait(&b->request, MPI_STATUS_IGNORE);
        b->started = false;
        if (code != MPI_SUCCESS && st == CHIRP_OK)
            st = chirp_mpi_check(code, "MPI_Wait (gradient bucket)");
        if (code != MPI_SUCCESS)
            continue;
        if (b->packed) {
            chirp_exchange_mean(b->staging, b->packed_count, x->size);
            chirp_bucket_unpack(x, b);
        } else {
            chirp_exchange_mean(x->grad + b->offset, b->count, x->size);
        }
    }
    return st;
}
