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

#include <math.h>

static chirp_status start(chirp_exchange *x, chirp_bucket *b)
{
    chirp_flight *f = &b->flight;
    const bool half = x->config.compress == CHIRP_COMPRESS_BF16;
    const double now = chirp_now_s();
    if (b->packed)
        chirp_bucket_pack(x, b, x->grad, f->values);
    else
        f->values = x->grad + b->offset;
    f->start_s = now;
    f->end_s = -INFINITY;
    f->done = false;
    const chirp_status st =
        half ? chirp_bf16_start(b, f)
             : chirp_mpi_check(MPI_Iallreduce(MPI_IN_PLACE, f->values, (int)b->count, MPI_FLOAT,
                                              MPI_SUM, chirp_mpi_comm(), &f->request),
                               "MPI_Iallreduce");
    f->started = st == CHIRP_OK;
    chirp_bucket_counted(x, b, half ? sizeof(uint16_t) : sizeof(float));
    x->profile.exposed_s += chirp_now_s() - now;
    return st;
}

chirp_status chirp_overlap_start(chirp_exchange *x)
{
    chirp_status st = CHIRP_OK;
    while (st == CHIRP_OK && x->next < x->n_buckets &&
           x->buckets[x->next].n_ready == x->buckets[x->next].n_tensors)
        st = start(x, &x->buckets[x->next++]);
    return st;
}

/* A request of the flight has completed: the next phase begins, or the mean is there. */
static chirp_status completed(chirp_exchange *x, chirp_bucket *b, chirp_flight *f)
{
    if (x->config.compress == CHIRP_COMPRESS_BF16) {
        if (!f->gathering)
            return chirp_bf16_turn(x, b, f);
        chirp_bf16_end(x, b, f);
    } else {
        chirp_exchange_mean(f->values, b->count, x->size);
    }
    f->done = true;
    f->end_s = chirp_now_s();
    return CHIRP_OK;
}

chirp_status chirp_overlap_progress(chirp_exchange *x)
{
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i) {
        chirp_bucket *b = &x->buckets[i];
        chirp_flight *f = &b->flight;
        if (!f->started || f->done)
            continue;
        int done = 0;
        st = chirp_mpi_check(MPI_Test(&f->request, &done, MPI_STATUS_IGNORE), "MPI_Test (bucket)");
        if (st == CHIRP_OK && done)
            st = completed(x, b, f);
        else if (x->config.compress == CHIRP_COMPRESS_BF16)
            break; /* second phases must begin in the order of buckets, on all ranks alike */
    }
    return st;
}

/* Waits for one phase of a bucket's flight. Every rank waits for what is done already too: waits are counted. */
static chirp_status wait_phase(chirp_exchange *x, chirp_bucket *b, bool gathering)
{
    const bool half = x->config.compress == CHIRP_COMPRESS_BF16;
    chirp_flight *f = &b->flight;
    const bool pending = !f->done && (!half || f->gathering == gathering);
    const char *what = gathering ? "allgather (bucket)" : "alltoall (bucket)";
    MPI_Request none = MPI_REQUEST_NULL;
    const chirp_status st =
        chirp_mpi_wait(pending ? &f->request : &none, half ? what : "allreduce (bucket)",
                       b->count * (half ? 2 : 4));
    return st == CHIRP_OK && pending ? completed(x, b, f) : st;
}

chirp_status chirp_overlap_finish(chirp_exchange *x)
{
    const bool half = x->config.compress == CHIRP_COMPRESS_BF16;
    chirp_status st = CHIRP_OK;
    for (int i = 0; half && i < x->n_buckets && st == CHIRP_OK; ++i)
        st = wait_phase(x, &x->buckets[i], false); /* then all second phases are under way */
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i) {
        chirp_bucket *b = &x->buckets[i];
        st = wait_phase(x, b, half);
        if (st != CHIRP_OK)
            break;
        if (b->packed)
            chirp_bucket_unpack(x, b, b->flight.values, x->grad);
        b->flight.started = false;
        chirp_bucket_reduced(x, b);
    }
    return st;
}
