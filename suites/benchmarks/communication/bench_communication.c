/*
 * Communication between ranks: start with mpiexec -n 2 or more. Latency and bandwidth as the OSU micro-benchmarks define
 * them (half a round trip; 64 messages in flight), allreduce by size checked before it is timed, and how
 * much of a reduction hides behind computation.
 */
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "model/parallel/exchange.h"
#include "model/parallel/parallel.h"
#include "model/parallel/transfer.h"
#include "suites/suites.h"

#include <math.h>
#include <string.h>

enum { WINDOW = 64 };

typedef struct transfer_case {
    int64_t bytes;
    chirp_allreduce_call call;
    double poll_s; /* overlap: between two calls of MPI_Test */
} transfer_case;

/* All ranks go on, or none: a rank without memory must not leave the others waiting. */
static void *allocate(size_t bytes, chirp_status *st)
{
    void *block = chirp_calloc(bytes > 0 ? bytes : 1, 1);
    *st = chirp_parallel_agree(block ? CHIRP_OK : CHIRP_ERR_NOMEM);
    return block;
}

static chirp_status run_latency(chirp_bench *b, const void *arg)
{
    const transfer_case *c = arg;
    chirp_status st = CHIRP_OK;
    char *buffer = allocate((size_t)c->bytes, &st);
    while (st == CHIRP_OK && chirp_bench_next(b))
        st = chirp_transfer_ping_pong(buffer, c->bytes);
    chirp_bench_label(b, "a round trip; latency is half of it");
    chirp_bench_rate(b, "one_way_messages_per_second", 2);
    chirp_free(buffer);
    return st;
}

static chirp_status run_bandwidth(chirp_bench *b, const void *arg)
{
    const transfer_case *c = arg;
    chirp_status st = CHIRP_OK;
    char *buffer = allocate((size_t)c->bytes, &st);
    while (st == CHIRP_OK && chirp_bench_next(b))
        st = chirp_transfer_stream(buffer, c->bytes, WINDOW);
    chirp_bench_label(b, "64 messages one way, then an answer");
    chirp_bench_rate(b, "bandwidth_bytes_per_second", (double)c->bytes * WINDOW);
    chirp_free(buffer);
    return st;
}

static chirp_status run_both_ways(chirp_bench *b, const void *arg)
{
    const transfer_case *c = arg;
    chirp_status st = CHIRP_OK;
    char *buffer = allocate(2 * (size_t)c->bytes, &st);
    while (st == CHIRP_OK && chirp_bench_next(b))
        st = chirp_transfer_both_ways(buffer, c->bytes, WINDOW);
    chirp_bench_label(b, "64 messages each way");
    chirp_bench_rate(b, "bandwidth_bytes_per_second", 2 * (double)c->bytes * WINDOW);
    chirp_free(buffer);
    return st;
}

/* Small integers add exactly in any order, so one sum is right and all others are wrong. */
static chirp_status check_allreduce(const void *arg, double *relative_error)
{
    const transfer_case *c = arg;
    const int64_t n = c->bytes / 4;
    const int size = chirp_parallel_size();
    chirp_status st = CHIRP_OK;
    float *values = allocate((size_t)c->bytes, &st);
    double wrong = 0;
    for (int64_t i = 0; st == CHIRP_OK && i < n; ++i)
        values[i] = (float)((i % 97) * (chirp_parallel_rank() + 1));
    if (st == CHIRP_OK)
        st = chirp_transfer_allreduce(c->call, values, n);
    for (int64_t i = 0; st == CHIRP_OK && i < n; ++i) {
        const double want = (double)(i % 97) * size * (size + 1) / 2;
        if (!(fabs((double)values[i] - want) <= 0))
            wrong = 1;
    }
    chirp_free(values);
    *relative_error = wrong;
    if (st == CHIRP_OK && wrong > 0)
        st = chirp_fail(CHIRP_ERR_NUMERIC, "an allreduce of %lld floats gives a wrong sum",
                        (long long)n);
    return st;
}

static chirp_status run_allreduce(chirp_bench *b, const void *arg)
{
    const transfer_case *c = arg;
    const int64_t n = c->bytes / 4;
    chirp_status st = CHIRP_OK;
    float *values = allocate((size_t)c->bytes, &st);
    while (st == CHIRP_OK && chirp_bench_next(b))
        st = chirp_transfer_allreduce(c->call, values, n);
    chirp_bench_counter(b, "exchanged_bytes", (double)c->bytes);
    chirp_free(values);
    return st;
}

/* The gradient exchange itself, as --exchange halving runs it in training: one tensor, reduced where it lies. */
static chirp_status open_halving(int64_t bytes, int threads, float **values,
                                 chirp_exchange **exchange)
{
    const chirp_exchange_config config = {.engine = "halving", .n_threads = threads};
    const chirp_exchange_tensor whole = {"whole", 0, bytes / 4};
    chirp_status st = chirp_parallel_size() > 1
                          ? CHIRP_OK
                          : chirp_fail(CHIRP_ERR_UNSUPPORTED, "communication needs two ranks: "
                                                              "start it with mpiexec -n 2");
    *exchange = NULL;
    *values = NULL;
    if (st == CHIRP_OK)
        *values = allocate((size_t)bytes, &st);
    return st == CHIRP_OK ? chirp_exchange_create(&config, &whole, 1, exchange) : st;
}

static chirp_status mean(chirp_exchange *exchange, float *values)
{
    chirp_status st = chirp_exchange_begin(exchange, values);
    if (st == CHIRP_OK)
        st = chirp_exchange_ready(exchange, 0);
    return st == CHIRP_OK ? chirp_exchange_finish(exchange, NULL) : st;
}

static chirp_status check_halving(const void *arg, double *relative_error)
{
    const transfer_case *c = arg;
    const int64_t n = c->bytes / 4;
    const int size = chirp_parallel_size();
    chirp_exchange *exchange = NULL;
    float *values = NULL;
    double wrong = 0;
    chirp_status st = open_halving(c->bytes, 0, &values, &exchange);
    for (int64_t i = 0; st == CHIRP_OK && i < n; ++i)
        values[i] = (float)((i % 97) * (chirp_parallel_rank() + 1));
    if (st == CHIRP_OK)
        st = mean(exchange, values);
    for (int64_t i = 0; st == CHIRP_OK && i < n; ++i) {
        const float sum = (float)((i % 97) * size * (size + 1) / 2);
        if (!(fabsf(values[i] - sum / (float)size) <= 0))
            wrong = 1;
    }
    chirp_exchange_destroy(exchange);
    chirp_free(values);
    *relative_error = wrong;
    if (st == CHIRP_OK && wrong > 0)
        st = chirp_fail(CHIRP_ERR_NUMERIC, "exchange halving of %lld floats gives a wrong mean",
                        (long long)n);
    return st;
}

static chirp_status run_halving(chirp_bench *b, const void *arg)
{
    const transfer_case *c = arg;
    chirp_exchange *exchange = NULL;
    float *values = NULL;
    chirp_status st = open_halving(c->bytes, chirp_bench_threads(b), &values, &exchange);
    while (st == CHIRP_OK && chirp_bench_next(b))
        st = mean(exchange, values);
    chirp_bench_label(b, "--exchange halving: a mean, by all threads");
    chirp_bench_counter(b, "exchanged_bytes", (double)c->bytes);
    chirp_exchange_destroy(exchange);
    chirp_free(values);
    return st;
}

/* Median of a few, the same on all ranks. */
static chirp_status pure_time(float *values, int64_t n, double *seconds)
{
    enum { TRIES = 9 };
    double best = INFINITY;
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < TRIES && st == CHIRP_OK; ++i) {
        st = chirp_parallel_barrier();
        const double start = chirp_now_s();
        if (st == CHIRP_OK)
            st = chirp_transfer_allreduce(CHIRP_ALLREDUCE_NONBLOCKING, values, n);
        best = fmin(best, chirp_now_s() - start);
    }
    if (st == CHIRP_OK)
        st = chirp_parallel_max(&best, 1);
    *seconds = best;
    return st;
}

/* osu_iallreduce: compute for twice the pure time of the reduction; overlap = 1 - (total - compute) / pure, from 0 to 1. */
static chirp_status run_overlap(chirp_bench *b, const void *arg)
{
    const transfer_case *c = arg;
    const int64_t n = c->bytes / 4;
    double pure = 0;
    double total = 0;
    int64_t calls = 0;
    chirp_status st = CHIRP_OK;
    float *values = allocate((size_t)c->bytes, &st);
    if (st == CHIRP_OK)
        st = pure_time(values, n, &pure);
    const double compute = 2 * pure;
    while (st == CHIRP_OK && chirp_bench_next(b)) {
        const double start = chirp_now_s();
        st = chirp_transfer_overlap(values, n, compute, c->poll_s);
        total += chirp_now_s() - start;
        ++calls;
    }
    if (st == CHIRP_OK && calls > 0) {
        const double beyond = total / (double)calls - compute;
        chirp_bench_counter(b, "overlap_fraction", fmax(0, fmin(1, 1 - beyond / pure)));
        chirp_bench_counter(b, "pure_seconds", pure);
        chirp_bench_counter(b, "compute_seconds", compute);
    }
    chirp_free(values);
    return st;
}

static chirp_status run_barrier(chirp_bench *b, const void *arg)
{
    (void)arg;
    char byte = 0;
    chirp_status st = chirp_parallel_size() > 1 ? CHIRP_OK : chirp_transfer_ping_pong(&byte, 1);
    while (st == CHIRP_OK && chirp_bench_next(b))
        st = chirp_parallel_barrier();
    return st;
}

#define KIB(n) ((int64_t)(n)*1024)
#define SIZE(b) (&(const transfer_case){.bytes = (b)})
#define REDUCE(b, c) (&(const transfer_case){.bytes = (b), .call = CHIRP_ALLREDUCE_##c})
#define OVERLAP(b, p) (&(const transfer_case){.bytes = (b), .poll_s = (p)})
#define NONBLOCKING(b)                                                                             \
    {                                                                                              \
        .name = "communication/allreduce/nonblocking/bytes:" #b, .run = run_allreduce,             \
        .check = check_allreduce, .arg = REDUCE(b, NONBLOCKING)                                    \
    }
#define LIBRARY(b)                                                                                 \
    {                                                                                              \
        .name = "communication/allreduce/library/bytes:" #b, .run = run_allreduce,                 \
        .check = check_allreduce, .baseline = true, .arg = REDUCE(b, BLOCKING)                     \
    }
#define EXCHANGE(b)                                                                                \
    {                                                                                              \
        .name = "communication/allreduce/exchange_halving/bytes:" #b, .run = run_halving,          \
        .check = check_halving, .arg = SIZE(b)                                                     \
    }
/* 514856 bytes: the public profile's network; 15120396: the study's, last2 */
#define ALLREDUCE_ALL(b) LIBRARY(b), EXCHANGE(b), NONBLOCKING(b)

const chirp_bench_entry chirp_suite_communication[] = {
    {.name = "communication/barrier/nonblocking", .run = run_barrier},
    {.name = "communication/ping_pong/library/bytes:8", .run = run_latency, .arg = SIZE(8)},
    {.name = "communication/ping_pong/library/bytes:4096", .run = run_latency, .arg = SIZE(KIB(4))},
    {.name = "communication/ping_pong/library/bytes:1048576",
     .run = run_latency,
     .arg = SIZE(KIB(1024))},
    {.name = "communication/bandwidth/library/bytes:4096",
     .run = run_bandwidth,
     .arg = SIZE(KIB(4))},
    {.name = "communication/bandwidth/library/bytes:65536",
     .run = run_bandwidth,
     .arg = SIZE(KIB(64))},
    {.name = "communication/bandwidth/library/bytes:1048576",
     .run = run_bandwidth,
     .arg = SIZE(KIB(1024))},
    {.name = "communication/both_ways/library/bytes:1048576",
     .run = run_both_ways,
     .arg = SIZE(KIB(1024))},
    ALLREDUCE_ALL(8),
    ALLREDUCE_ALL(4096),
    ALLREDUCE_ALL(65536),
    ALLREDUCE_ALL(514856),
    ALLREDUCE_ALL(1048576),
    ALLREDUCE_ALL(4194304),
    ALLREDUCE_ALL(15120396),
    {.name = "communication/overlap/nonblocking/bytes:1048576/poll_us:0",
     .run = run_overlap,
     .arg = OVERLAP(KIB(1024), 0)},
    {.name = "communication/overlap/nonblocking/bytes:1048576/poll_us:100",
     .run = run_overlap,
     .arg = OVERLAP(KIB(1024), 1e-4)},
    {.name = "communication/overlap/nonblocking/bytes:4194304/poll_us:0",
     .run = run_overlap,
     .arg = OVERLAP(KIB(4096), 0)},
    {.name = "communication/overlap/nonblocking/bytes:4194304/poll_us:100",
     .run = run_overlap,
     .arg = OVERLAP(KIB(4096), 1e-4)},
    {.name = "communication/overlap/nonblocking/bytes:4194304/poll_us:5000",
     .run = run_overlap,
     .arg = OVERLAP(KIB(4096), 5e-3)},
    {0},
};
