/* model/parallel/exchange.h: the mean is right, bitwise the same on all ranks and in every run, in all modes. */
#include "model/parallel/exchange.h"

#include "harness/base/memory.h"
#include "tests/model/parallel/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <string.h>

static int rank, size;

/* An arena in forward order, announced backwards, with alignment padding and one stray tensor at the far end. */
#define N_TENSORS 7
static const chirp_exchange_tensor tensors[N_TENSORS] = {
    {"leaf0/dense2/weight", 150016, 1000},  {"leaf0/dense1/bias", 150000, 5},
    {"leaf0/dense1/weight", 20000, 130000}, {"root/conv2/bias", 19008, 100},
    {"root/conv2/weight", 1008, 18000},     {"stray", 200000, 333},
    {"root/conv1/weight", 0, 1000},
};
#define ARENA 200400
#define OWNED(i)                                                                                   \
    (((i) < 1000) || ((i) >= 1008 && (i) < 19108) || ((i) >= 20000 && (i) < 150005) ||             \
     ((i) >= 150016 && (i) < 151016) || ((i) >= 200000 && (i) < 200333))

static void check_equal_on_all_ranks(const float *grad)
{
    float *root = chirp_alloc(ARENA * sizeof *root);
    CHECK(root != NULL);
    memcpy(root, grad, ARENA * sizeof *root);
    CHECK(chirp_parallel_broadcast(root, (int64_t)(ARENA * sizeof *root), 0) == CHIRP_OK);
    CHECK(memcmp(root, grad, ARENA * sizeof *root) == 0);
    chirp_free(root);
}

static void step(chirp_exchange *x, float *grad, int number, const int *order,
                 chirp_exchange_profile *profile)
{
    for (int64_t i = 0; i < ARENA; ++i)
        grad[i] = OWNED(i) ? NAN : (i >= 151016 ? 42.0F : 0.0F);
    CHECK(chirp_exchange_begin(x, grad) == CHIRP_OK);
    for (int k = 0; k < N_TENSORS; ++k) {
        const chirp_exchange_tensor *t = &tensors[order[k]];
        /* the gradient is written just before it is announced, as by a backward pass */
        for (int64_t i = t->offset; i < t->offset + t->count; ++i)
            grad[i] = value_of(rank, i, number);
        CHECK(chirp_exchange_ready(x, order[k]) == CHIRP_OK);
        chirp_exchange_progress(x);
    }
    CHECK(chirp_exchange_finish(x, profile) == CHIRP_OK);
}

static void check_mean(const float *grad, int number)
{
    for (int64_t i = 0; i < ARENA; ++i) {
        if (!OWNED(i)) {
            /* memory between tensors that is more than alignment is not ours */
            CHECK(grad[i] == (i >= 151016 ? 42.0F : 0.0F));
            continue;
        }
        double sum = 0;
        double magnitude = 0;
        for (int r = 0; r < size; ++r) {
            sum += (double)value_of(r, i, number);
            magnitude += fabs((double)value_of(r, i, number));
        }
        /* size - 1 float additions in any order and one division */
        const double bound = size * (double)FLT_EPSILON * magnitude / size;
        if (!(fabs((double)grad[i] - sum / size) <= bound)) {
            (void)fprintf(stderr, "grad[%lld] is %.9g, should be %.9g\n", (long long)i,
                          (double)grad[i], sum / size);
            CHECK(!"mean");
        }
    }
}

/* What chirp_exchange_on_reduced() has handed out in a step. */
typedef struct handed_out {
    const float *grad;
    float *mean; /* as it was then */
    int n_tensors, n_calls;
} handed_out;

static void take(void *context, int first, int n)
{
    handed_out *h = context;
    CHECK(first == h->n_tensors && n >= 1); /* in order, each once */
    for (int t = first; t < first + n; ++t)
        memcpy(h->mean + tensors[t].offset, h->grad + tensors[t].offset,
               (size_t)tensors[t].count * sizeof *h->mean);
    h->n_tensors += n;
    ++h->n_calls;
}

static void run_engine(const chirp_exchange_kind *kind, int64_t bucket_bytes)
{
    const int in_order[N_TENSORS] = {0, 1, 2, 3, 4, 5, 6};
    const int shuffled[N_TENSORS] = {3, 0, 6, 1, 5, 4, 2};
    const int reversed[N_TENSORS] = {6, 5, 4, 3, 2, 1, 0};
    const int *const orders[3] = {in_order, shuffled, reversed};
    const chirp_exchange_config config = {.engine = kind->name, .bucket_bytes = bucket_bytes};
    chirp_exchange *x = NULL;
    CHECK(chirp_exchange_create(&config, tensors, N_TENSORS, &x) == CHIRP_OK);
    float *grad = chirp_alloc(ARENA * sizeof *grad);
    float *again = chirp_alloc(ARENA * sizeof *again);
    handed_out handed = {.grad = grad, .mean = chirp_alloc(ARENA * sizeof *handed.mean)};
    CHECK(grad && again && handed.mean);
    for (int number = 0; number < 3; ++number) {
        /* ranks may finish their tensors in different orders: the sums must not mix */
        chirp_exchange_profile profile = {0};
        handed.n_tensors = handed.n_calls = 0;
        chirp_exchange_on_reduced(x, take, &handed);
        step(x, grad, number, orders[(number + rank) % 3], &profile);
        CHECK(handed.n_tensors == N_TENSORS);
        CHECK(handed.n_calls == (size == 1 ? 1 : profile.calls));
        CHECK(profile.applied_s > 0);
        for (int t = 0; t < N_TENSORS; ++t)
            CHECK(memcmp(handed.mean + tensors[t].offset, grad + tensors[t].offset,
                         (size_t)tensors[t].count * sizeof *grad) == 0);
        chirp_exchange_on_reduced(x, NULL, NULL);
        check_mean(grad, number);
        check_equal_on_all_ranks(grad);
        CHECK(isfinite(profile.exposed_s) && profile.exposed_s >= 0);
        CHECK(profile.control_s >= 0 && profile.control_s <= profile.exposed_s);
        if (size == 1) {
            CHECK(profile.calls == 0 && profile.exchanged_bytes == 0);
        } else {
            CHECK(profile.calls >= 1 && profile.calls <= N_TENSORS);
            CHECK(profile.exchanged_bytes >= 4.0 * 150438);
            CHECK((profile.control_s > 0) == kind->negotiates);
        }
        step(x, again, number, orders[(number + rank + 1) % 3], NULL);
        CHECK(memcmp(grad, again, ARENA * sizeof *grad) == 0);
    }
    chirp_free(grad);
    chirp_free(again);
    chirp_free(handed.mean);
    chirp_exchange_destroy(x);
}

/* Signals of a rank's share, and those that a tensor's sum has of them: the last rank is late from tensor `cut` on, and
   rank 1 of at least three has half of its passes there. */
enum { SHARE = 12 };
static int64_t share_of(int of)
{
    return size == 1 ? SHARE : SHARE + (of == 0 ? 3 : 0) - (of == size - 1 ? 3 : 0);
}

static int64_t there(int of, int tensor, int cut)
{
    if (size == 1 || tensor < cut)
        return share_of(of);
    return of == size - 1 ? 0 : of == 1 ? share_of(of) / 2 : share_of(of);
}

static void partial_step(chirp_exchange *x, float *grad, int cut)
{
    CHECK(chirp_exchange_begin(x, grad) == CHIRP_OK);
    for (int k = 0; k < N_TENSORS; ++k) {
        const int64_t n = there(rank, k, cut);
        for (int64_t i = tensors[k].offset; i < tensors[k].offset + tensors[k].count; ++i)
            grad[i] = value_of(rank, i, 0) * (float)n / SHARE;
        chirp_exchange_signals(x, n);
        CHECK(chirp_exchange_ready(x, k) == CHIRP_OK);
    }
    CHECK(chirp_exchange_finish(x, NULL) == CHIRP_OK);
}

/* Every signal counts alike, whoever computed it and whatever is missing. */
static void check_weighted(const float *grad, int cut, float relative)
{
    for (int k = 0; k < N_TENSORS; ++k) {
        int64_t n = 0;
        for (int r = 0; r < size; ++r)
            n += there(r, k, cut);
        for (int64_t i = tensors[k].offset; i < tensors[k].offset + tensors[k].count; ++i) {
            double sum = 0;
            double magnitude = 0;
            for (int r = 0; r < size; ++r) {
                sum += (double)there(r, k, cut) * (double)value_of(r, i, 0);
                magnitude += (double)there(r, k, cut) * fabs((double)value_of(r, i, 0));
            }
            /* a product and a division on each rank, size - 1 additions, a division, the factor and its product */
            CHECK(fabs((double)grad[i] - sum / (double)n) <=
                  (size + 5) * (double)relative * magnitude / (double)n);
        }
    }
}

static void test_the_mean_is_over_the_signals_that_are_there(void **state)
{
    (void)state;
    float *grad = chirp_calloc(ARENA, sizeof *grad);
    float *whole = chirp_calloc(ARENA, sizeof *whole);
    CHECK(grad && whole);
    for (int e = 0; chirp_exchange_kind_at(e); ++e) {
        chirp_exchange_config config = {.engine = chirp_exchange_kind_at(e)->name,
                                        .bucket_bytes = 80000};
        chirp_exchange *plain = NULL;
        chirp_exchange *x = NULL;
        CHECK(chirp_exchange_create(&config, tensors, N_TENSORS, &plain) == CHIRP_OK);
        config.step_signals = (int64_t)SHARE * size;
        CHECK(chirp_exchange_create(&config, tensors, N_TENSORS, &x) == CHIRP_OK);
        for (int cut = 0; cut <= N_TENSORS; ++cut) {
            partial_step(x, grad, cut);
            check_weighted(grad, cut, FLT_EPSILON);
            check_equal_on_all_ranks(grad);
        }
        partial_step(plain, whole, N_TENSORS); /* nobody is late: not a bit differs */
        CHECK(memcmp(whole, grad, ARENA * sizeof *grad) == 0);
        chirp_exchange_destroy(x);
        chirp_exchange_destroy(plain);
    }
    chirp_free(grad);
    chirp_free(whole);
}

/* No rank has a signal of any tensor: zeros, and the next step is as good as ever. */
static void test_a_step_without_signals_is_zero(void **state)
{
    (void)state;
    const chirp_exchange_config config = {.step_signals = (int64_t)SHARE * size};
    const chirp_exchange_tensor one[1] = {{"a", 0, 3}};
    float grad[3] = {0};
    chirp_exchange *x = NULL;
    if (size == 1)
        return;
    CHECK(chirp_exchange_create(&config, one, 1, &x) == CHIRP_OK);
    for (int step = 0; step < 2; ++step) {
        CHECK(chirp_exchange_begin(x, grad) == CHIRP_OK);
        for (int i = 0; i < 3; ++i)
            grad[i] = (float)step;
        if (step == 0)
            chirp_exchange_signals(x, 0);
        CHECK(chirp_exchange_ready(x, 0) == CHIRP_OK);
        CHECK(chirp_exchange_finish(x, NULL) == CHIRP_OK);
        CHECK(grad[0] == (float)step && grad[2] == (float)step);
    }
    chirp_exchange_destroy(x);
}

static void test_every_engine(void **state)
{
    (void)state;
    const int64_t buckets[] = {0, 1, 4096, 80000, (int64_t)64 << 20};
    for (int e = 0; chirp_exchange_kind_at(e); ++e)
        for (size_t i = 0; i < sizeof buckets / sizeof buckets[0]; ++i)
            run_engine(chirp_exchange_kind_at(e), buckets[i]);
}

static void test_engines_are_found_by_name(void **state)
{
    (void)state;
    char text[256] = "";
    for (int e = 0; chirp_exchange_kind_at(e); ++e) {
        const chirp_exchange_kind *kind = chirp_exchange_kind_at(e);
        CHECK(chirp_exchange_find(kind->name) == kind && kind->help && kind->bucket_bytes > 0);
        CHECK(strstr(chirp_exchange_help(), kind->help));
        (void)strncat(strncat(text, e ? "|" : "", 2), kind->name, 40);
    }
    CHECK(strcmp(text, chirp_exchange_choices()) == 0);
    CHECK(chirp_exchange_find(NULL) == chirp_exchange_kind_at(0));
    CHECK(!chirp_exchange_find("") && !chirp_exchange_find("study") && !chirp_exchange_kind_at(-1));
}

static void test_engines_give_the_same_mean(void **state)
{
    enum { MOST = 16 };
    int n = 0;
    (void)state;
    const int order[N_TENSORS] = {0, 1, 2, 3, 4, 5, 6};
    float *grads[MOST];
    for (; n < MOST && chirp_exchange_kind_at(n); ++n) {
        const chirp_exchange_config config = {.engine = chirp_exchange_kind_at(n)->name};
        chirp_exchange *x = NULL;
        CHECK(chirp_exchange_create(&config, tensors, N_TENSORS, &x) == CHIRP_OK);
        grads[n] = chirp_alloc(ARENA * sizeof *grads[n]);
        CHECK(grads[n] != NULL);
        step(x, grads[n], 9, order, NULL);
        chirp_exchange_destroy(x);
    }
    for (int m = 1; m < n; ++m)
        for (int64_t i = 0; i < ARENA; ++i)
            CHECK(fabsf(grads[0][i] - grads[m][i]) <= 4 * FLT_EPSILON);
    for (int m = 0; m < n; ++m)
        chirp_free(grads[m]);
}

/* Mean of rank gradients at index i in step `number`, in double. */
static double true_mean(int64_t i, int number)
{
    double sum = 0;
    for (int r = 0; r < size; ++r)
        sum += (double)value_of(r, i, number);
    return sum / size;
}

static void run_bf16(int64_t bucket_bytes)
{
    const int in_order[N_TENSORS] = {0, 1, 2, 3, 4, 5, 6};
    const int reversed[N_TENSORS] = {6, 5, 4, 3, 2, 1, 0};
    enum { STEPS = 12 };
    const chirp_exchange_config config = {.bucket_bytes = bucket_bytes,
                                          .compress = CHIRP_COMPRESS_BF16};
    chirp_exchange *x = NULL;
    CHECK(chirp_exchange_create(&config, tensors, N_TENSORS, &x) == CHIRP_OK);
    float *grad = chirp_alloc(ARENA * sizeof *grad);
    double *received = chirp_calloc(ARENA, sizeof *received);
    double *wanted = chirp_calloc(ARENA, sizeof *wanted);
    CHECK(grad && received && wanted);
    for (int number = 0; number < STEPS; ++number) {
        chirp_exchange_profile profile;
        step(x, grad, number, (number + rank) % 2 ? in_order : reversed, &profile);
        check_equal_on_all_ranks(grad);
        CHECK(size == 1 ||
              (profile.exchanged_bytes >= 2.0 * 150438 && profile.exchanged_bytes < 2.1 * 150438));
        for (int64_t i = 0; i < ARENA; ++i) {
            if (!OWNED(i)) {
                CHECK(grad[i] == (i >= 151016 ? 42.0F : 0.0F));
                continue;
            }
            /* one step: two roundings to 8 bits and what is carried over; |value| < 1 */
            CHECK(fabs((double)grad[i] - true_mean(i, number)) <= 4.0 / 256);
            received[i] += (double)grad[i];
            wanted[i] += true_mean(i, number);
        }
    }
    /* error feedback: over many steps only the last step's rounding is missing, not twelve of them */
    double worst = 0;
    for (int64_t i = 0; i < ARENA; ++i)
        if (OWNED(i))
            worst = fmax(worst, fabs(received[i] - wanted[i]));
    CHECK(worst <= (size == 1 ? 1e-5 : 1.01 * 2.0 / 256));
    CHECK(size == 1 || worst > 1e-5); /* it did travel in bf16 */
    chirp_free(grad);
    chirp_free(received);
    chirp_free(wanted);
    chirp_exchange_destroy(x);
}

static void test_bf16_loses_nothing_over_many_steps(void **state)
{
    (void)state;
    run_bf16(1 << 20);
    run_bf16(80000);
    run_bf16(1);
}

static void test_bf16_keeps_nan_and_infinity(void **state)
{
    (void)state;
    const chirp_exchange_config config = {.compress = CHIRP_COMPRESS_BF16};
    const chirp_exchange_tensor one[1] = {{"a", 0, 5}};
    chirp_exchange *x = NULL;
    CHECK(chirp_exchange_create(&config, one, 1, &x) == CHIRP_OK);
    float grad[5] = {rank == size - 1 ? NAN : 1, rank == 0 ? INFINITY : 1, 3e38F, -0.0F, 1};
    CHECK(chirp_exchange_begin(x, grad) == CHIRP_OK);
    CHECK(chirp_exchange_ready(x, 0) == CHIRP_OK);
    CHECK(chirp_exchange_finish(x, NULL) == CHIRP_OK);
    /* a diverged rank must be seen by all; what it lost must not poison the next step */
    CHECK(isnan(grad[0]) && isinf(grad[1]) && grad[3] == 0 && grad[4] == 1);
    for (int i = 0; i < 5; ++i)
        grad[i] = 0.5F;
    CHECK(chirp_exchange_begin(x, grad) == CHIRP_OK);
    CHECK(chirp_exchange_ready(x, 0) == CHIRP_OK);
    CHECK(chirp_exchange_finish(x, NULL) == CHIRP_OK);
    CHECK(grad[0] == 0.5F && grad[1] == 0.5F && grad[4] == 0.5F);
    chirp_exchange_destroy(x);
}

static void run_events(const chirp_exchange_kind *kind)
{
    const int order[N_TENSORS] = {0, 1, 2, 3, 4, 5, 6};
    const chirp_exchange_config config = {.engine = kind->name, .bucket_bytes = 80000};
    chirp_exchange_event events[64];
    chirp_exchange_profile profile;
    chirp_exchange *x = NULL;
    CHECK(chirp_exchange_create(&config, tensors, N_TENSORS, &x) == CHIRP_OK);
    float *grad = chirp_alloc(ARENA * sizeof *grad);
    CHECK(grad != NULL);
    step(x, grad, 0, order, &profile);
    const int n = chirp_exchange_events(x, events, 64);
    CHECK(size > 1 ? n > N_TENSORS + 1 && n <= 64 : n == 0);
    if (size > 1 && kind->rule == CHIRP_BUCKETS_ALL) { /* one reduction, behind the last tensor */
        CHECK(n == N_TENSORS + 2 && events[N_TENSORS].kind == 'b');
        CHECK(events[N_TENSORS].start_s >= profile.finish_s);
    }
    for (int i = 0; i < n; ++i) {
        CHECK(events[i].end_s >= events[i].start_s);
        CHECK(events[i].start_s >= profile.begin_s && events[i].end_s <= profile.done_s);
    }
    CHECK(chirp_exchange_events(x, events, 1) == n);
    chirp_free(grad);
    chirp_exchange_destroy(x);
}

static void test_events_describe_the_step(void **state)
{
    (void)state;
    for (int e = 0; chirp_exchange_kind_at(e); ++e)
        run_events(chirp_exchange_kind_at(e));
}

static void test_misuse_is_refused_with_a_name(void **state)
{
    (void)state;
    chirp_exchange *x = NULL;
    const chirp_exchange_config config = {0};
    const chirp_exchange_tensor twice[2] = {{"a", 0, 10}, {"b", 9, 10}};
    CHECK(chirp_exchange_create(&config, twice, 2, &x) == CHIRP_ERR_ARG && !x);
    CHECK(strstr(chirp_error_message(), "a and b overlap"));
    const chirp_exchange_tensor empty[1] = {{"a", 0, 0}};
    CHECK(chirp_exchange_create(&config, empty, 1, &x) == CHIRP_ERR_ARG && !x);
    const chirp_exchange_config mixed = {.engine = "horovod", .compress = CHIRP_COMPRESS_BF16};
    CHECK(chirp_exchange_create(&mixed, tensors, N_TENSORS, &x) == CHIRP_ERR_ARG && !x);
    const chirp_exchange_config foreign = {.engine = "study"};
    CHECK(chirp_exchange_create(&foreign, tensors, N_TENSORS, &x) == CHIRP_ERR_ARG && !x);
    CHECK(strstr(chirp_error_message(), chirp_exchange_choices()));

    const chirp_exchange_tensor pair[2] = {{"a", 0, 10}, {"b", 10, 10}};
    float grad[20] = {0};
    CHECK(chirp_exchange_create(&config, pair, 2, &x) == CHIRP_OK);
    CHECK(chirp_exchange_ready(x, 0) == CHIRP_ERR_ARG);
    CHECK(chirp_exchange_finish(x, NULL) == CHIRP_ERR_ARG);
    CHECK(chirp_exchange_begin(x, grad) == CHIRP_OK);
    CHECK(chirp_exchange_begin(x, grad) == CHIRP_ERR_ARG);
    CHECK(chirp_exchange_ready(x, 2) == CHIRP_ERR_ARG);
    CHECK(chirp_exchange_ready(x, 0) == CHIRP_OK);
    CHECK(chirp_exchange_ready(x, 0) == CHIRP_ERR_ARG);
    CHECK(strstr(chirp_error_message(), "twice"));
    CHECK(chirp_exchange_finish(x, NULL) == CHIRP_ERR_ARG);
    CHECK(strstr(chirp_error_message(), "b was never announced"));
    chirp_exchange_destroy(x);
    chirp_exchange_destroy(NULL);
}

static void test_ranks_with_other_options_are_refused_by_all(void **state)
{
    (void)state;
    chirp_exchange *x = NULL;
    const chirp_exchange_config config = {.bucket_bytes = 4096 + rank};
    const chirp_status st = chirp_exchange_create(&config, tensors, N_TENSORS, &x);
    CHECK(st == (size > 1 ? CHIRP_ERR_ARG : CHIRP_OK));
    chirp_exchange_destroy(x);
}

int main(void)
{
    CHECK(chirp_parallel_init() == CHIRP_OK);
    rank = chirp_parallel_rank();
    size = chirp_parallel_size();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_engine),
        cmocka_unit_test(test_the_mean_is_over_the_signals_that_are_there),
        cmocka_unit_test(test_a_step_without_signals_is_zero),
        cmocka_unit_test(test_engines_are_found_by_name),
        cmocka_unit_test(test_engines_give_the_same_mean),
        cmocka_unit_test(test_bf16_loses_nothing_over_many_steps),
        cmocka_unit_test(test_bf16_keeps_nan_and_infinity),
        cmocka_unit_test(test_events_describe_the_step),
        cmocka_unit_test(test_misuse_is_refused_with_a_name),
        cmocka_unit_test(test_ranks_with_other_options_are_refused_by_all),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    chirp_parallel_finalize();
    return failed;
}
