/* A plugin in C: a matrix product, plain and blocked, that prints, and kernels that fail in every way. */
#include <chirpbench_plugin.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef ABI
#define ABI CHIRP_PLUGIN_ABI
#endif

typedef struct gemm {
    int n;
    float *a, *b, *c;
} gemm;

static int setup(const char *shape, int threads, void **state)
{
    gemm *g = calloc(1, sizeof *g);
    (void)threads;
    if (!g || sscanf(shape, "n%d", &g->n) != 1)
        return 7;
    const size_t count = (size_t)g->n * (size_t)g->n;
    g->a = malloc(3 * count * sizeof(float));
    if (!g->a)
        return 8;
    g->b = g->a + count;
    g->c = g->b + count;
    for (size_t i = 0; i < 2 * count; ++i)
        g->a[i] = (float)(i % 13) - 6;
    printf("{\"printed\": \"by the plugin\"}\n");
    *state = g;
    return 0;
}

static void plain(void *state)
{
    gemm *g = state;
    for (int i = 0; i < g->n; ++i)
        for (int j = 0; j < g->n; ++j) {
            float sum = 0;
            for (int k = 0; k < g->n; ++k)
                sum += g->a[i * g->n + k] * g->b[k * g->n + j];
            g->c[i * g->n + j] = sum;
        }
}

static void by_rows(void *state)
{
    gemm *g = state;
    memset(g->c, 0, (size_t)g->n * (size_t)g->n * sizeof(float));
    for (int i = 0; i < g->n; ++i)
        for (int k = 0; k < g->n; ++k)
            for (int j = 0; j < g->n; ++j)
                g->c[i * g->n + j] += g->a[i * g->n + k] * g->b[k * g->n + j];
}

static void wrong(void *state) { memset(((gemm *)state)->c, 0, sizeof(float)); }

static void crash(void *state)
{
    (void)state;
    (void)raise(SIGSEGV);
}

static int check(void *state, double *relative_error)
{
    const gemm *g = state;
    double difference = 0, norm = 0;
    for (int i = 0; i < g->n; ++i)
        for (int j = 0; j < g->n; ++j) {
            double sum = 0;
            for (int k = 0; k < g->n; ++k)
                sum += (double)g->a[i * g->n + k] * (double)g->b[k * g->n + j];
            difference += pow((double)g->c[i * g->n + j] - sum, 2);
            norm += sum * sum;
        }
    *relative_error = sqrt(difference / norm);
    return 0;
}

static void work(const void *state, double *flops, double *bytes)
{
    const double n = ((const gemm *)state)->n;
    *flops = 2 * n * n * n;
    *bytes = 12 * n * n;
}

static void teardown(void *state)
{
    free(((gemm *)state)->a);
    free(state);
}

static const char *explain(int number) { return number == 7 ? "a shape is n and a number" : NULL; }

#ifdef CRASH_WHEN_LOADED
__attribute__((constructor)) static void crash_when_loaded(void) { (void)raise(SIGSEGV); }
#endif

static const char *const sizes[] = {"n16", "n64", NULL};
static const char *const small[] = {"n16", NULL};
static const char *const bad[] = {"m16", NULL};

static const chirp_plugin_kernel kernels[] = {
    {"gemm/forward/plain", sizes, setup, plain, check, work, teardown},
    {"gemm/forward/rows", sizes, setup, by_rows, check, work, teardown},
#ifdef FAILURES
    {"gemm/forward/wrong", small, setup, wrong, check, work, teardown},
    {"gemm/forward/crash", small, setup, crash, NULL, NULL, teardown},
    {"gemm/forward/bad", bad, setup, plain, NULL, NULL, teardown},
#endif
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

static const chirp_plugin plugin = {ABI, "gemm_of_mine", "1.0 (commit 1234abc)", "cc -O1", kernels, explain};

#ifndef NO_ENTRY
const chirp_plugin *chirp_plugin_entry(void)
{
    (void)small, (void)bad, (void)wrong, (void)crash;
    return &plugin;
}
#endif
