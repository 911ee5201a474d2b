/*
 * Overlap: buckets are fixed once, so nothing is negotiated. A bucket's reduction starts when its last tensor is
 * announced, but never before the bucket ahead of it: MPI matches collectives by their order, and a rank that
 * announced in another order must not start others.
 *
 * All ranks end with bitwise the same mean: every allreduce algorithm of MPICH either adds a pair on both sides
 * (recursive doubling: a + b and b + a round alike) or adds each element on one rank and copies it.
 *
 * Delayed: the same, from staging buffers; finish() waits for the flights of the step before.
 */
#include "harness/base/clock.h"
#include "model/parallel/exchange_internal.h"

#include <math.h>
#include <string.h>

static chirp_status start(chirp_exchange *x, chirp_bucket *b)
{
    chirp_flight *f = &b->flight[x->slot];
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

static chirp_status progress_slot(chirp_exchange *x, int slot)
{
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i) {
        chirp_bucket *b = &x->buckets[i];
        chirp_flight *f = &b->flight[slot];
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

chirp_status chirp_overlap_progress(chirp_exchange *x)
{
    if (x->config.mode != CHIRP_EXCHANGE_DELAYED)
        return progress_slot(x, x->slot);
    if (!x->grad) /* between steps */
        return progress_slot(x, x->slot);
    const chirp_status st = progress_slot(x, 1 - x->slot);
    /* bf16: a second phase of this step must not overtake one of the step before on some ranks only */
    return st == CHIRP_OK && x->config.compress == CHIRP_COMPRESS_NONE ? progress_slot(x, x->slot)
                                                                       : st;
}

/* Waits for one phase of a bucket's flight. Every rank waits for what is done already too: waits are counted. */
static chirp_status wait_phase(chirp_exchange *x, chirp_bucket *b, int slot, bool gathering)
{
    const bool half = x->config.compress == CHIRP_COMPRESS_BF16;
    chirp_flight *f = &b->flight[slot];
    if (!f->started)
        return CHIRP_OK;
    const bool pending = !f->done && (!half || f->gathering == gathering);
    const char *what = gathering ? "allgather (bucket)" : "alltoall (bucket)";
    MPI_Request none = MPI_REQUEST_NULL;
    const chirp_status st =
        chirp_mpi_wait(pending ? &f->request : &none, half ? what : "allreduce (bucket)",
                       b->count * (half ? 2 : 4));
    return st == CHIRP_OK && pending ? completed(x, b, f) : st;
}

/* bf16: waits for the first phase of all flights, so that all second phases are under way. */
static chirp_status first_phase(chirp_exchange *x, int slot)
{
    chirp_status st = CHIRP_OK;
    if (x->config.compress == CHIRP_COMPRESS_BF16)
        for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i)
            st = wait_phase(x, &x->buckets[i], slot, false);
    return st;
}

static chirp_status last_phase(chirp_exchange *x, chirp_bucket *b, int slot)
{
    return wait_phase(x, b, slot, x->config.compress == CHIRP_COMPRESS_BF16);
}

chirp_status chirp_overlap_pending(chirp_exchange *x, float *mean)
{
    chirp_status st = first_phase(x, x->slot);
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i)
        st = last_phase(x, &x->buckets[i], x->slot);
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i)
        chirp_bucket_unpack(x, &x->buckets[i], x->buckets[i].flight[x->slot].values, mean);
    return st;
}

void chirp_overlap_restore(chirp_exchange *x, const float *mean)
{
    x->slot = 1 - (int)(x->step % 2); /* begin() takes the other one */
    for (int i = 0; i < x->n_buckets; ++i) {
        chirp_flight *f = &x->buckets[i].flight[x->slot];
        chirp_bucket_pack(x, &x->buckets[i], mean, f->values);
        f->started = f->done = true;
        f->start_s = f->end_s = 0;
    }
}

chirp_status chirp_overlap_finish(chirp_exchange *x)
{
    const int slot = x->config.mode == CHIRP_EXCHANGE_DELAYED ? 1 - x->slot : x->slot;
    chirp_status st = first_phase(x, slot);
    for (int i = 0; i < x->n_buckets && st == CHIRP_OK; ++i) {
        chirp_bucket *b = &x->buckets[i];
        chirp_flight *f = &b->flight[slot];
        st = last_phase(x, b, slot);
        if (st != CHIRP_OK)
            break;
        for (int t = b->first; !f->started && t < b->first + b->n_tensors; ++t)
            memset(x->grad + x->tensors[t].offset, 0, /* delayed, first step: no mean yet */
                   (size_t)x->tensors[t].count * sizeof *x->grad);
        if (f->started && b->packed)
            chirp_bucket_unpack(x, b, f->values, x->grad);
        f->started = false;
        chirp_bucket_reduced(x, b);
    }
    return st;
}
