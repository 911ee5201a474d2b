/*
 * Half the bytes: bfloat16 on the wire, floats in the sums. A reduction in bfloat16 would round at every hop; instead
 * every rank receives its part of the bucket from all (alltoall), adds it in floats in rank order, and sends the mean
 * back to all (allgather). Two roundings, and what each takes away is kept and added to the next step's number (error
 * feedback: Seide et al. 2014; Karimireddy et al. 2019, arXiv:1901.09847), so that nothing is lost for good. All ranks
 * receive the same bits.
 */
#include "model/parallel/exchange_internal.h"

#include <string.h>

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

chirp_status chirp_bf16_start(chirp_bucket *b, chirp_flight *f)
{
    for (int64_t i = 0; i < b->count; ++i)
        f->sent[i] = round_with_feedback(f->values[i], &b->lost[i]);
    f->gathering = false;
    return chirp_mpi_check(MPI_Ialltoall(f->sent, (int)b->chunk, MPI_UINT16_T, f->received,
                                         (int)b->chunk, MPI_UINT16_T, chirp_mpi_comm(),
                                         &f->request),
                           "MPI_Ialltoall");
}

chirp_status chirp_bf16_turn(chirp_exchange *x, chirp_bucket *b, chirp_flight *f)
{
    /* padding behind the bucket's end is zero on every rank and stays zero */
    uint16_t *mean = f->sent + (int64_t)x->rank * b->chunk;
    for (int64_t i = 0; i < b->chunk; ++i) {
        float sum = 0;
        for (int r = 0; r < x->size; ++r)
            sum += from_bf16(f->received[(int64_t)r * b->chunk + i]);
        mean[i] = round_with_feedback(sum / (float)x->size, &b->lost_of_sum[i]);
    }
    f->gathering = true;
    return chirp_mpi_check(MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, f->sent,
                                          (int)b->chunk, MPI_UINT16_T, x->gather_comm, &f->request),
                           "MPI_Iallgather");
}

void chirp_bf16_end(const chirp_exchange *x, const chirp_bucket *b, chirp_flight *f)
{
    (void)x;
    for (int64_t i = 0; i < b->count; ++i)
        f->values[i] = from_bf16(f->sent[i]);
    memset(f->sent + b->count, 0, (size_t)(b->chunk * x->size - b->count) * sizeof *f->sent);
}
