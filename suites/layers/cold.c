/* Dense layers with cold weights, cold caches, or called for the first time. */
#include "kernels/gemm/gemm.h"
#include "suites/kernels/temperature.h"
#include "suites/layers/bench_layer.h"

#include <stdbool.h>

static chirp_status iteration(chirp_bench *b, bench_layer *l, chirp_cooler *cooler)
{
    const layer_case *c = l->c;
    const bool first = c->temperature == CHIRP_TEMPERATURE_FIRST_CALL;
    chirp_status st = CHIRP_OK;
    chirp_bench_pause(b);
    if (first) {
        close_layer_plans(l);
        chirp_gemm_forget();
    }
    chirp_cooler_empty(cooler);
    if (c->temperature == CHIRP_TEMPERATURE_WEIGHTS_COLD) {
        chirp_cooler_warm(cooler, l->src, (size_t)(c->N * c->I) * sizeof(float));
        chirp_cooler_warm(cooler, l->dst, (size_t)(c->N * c->O) * sizeof(float));
        chirp_cooler_warm(cooler, l->loss, (size_t)(c->N * c->O) * sizeof(float));
    }
    chirp_bench_resume(b);
    if (first)
        st = open_layer_plans(l);
    if (st != CHIRP_OK)
        return st;
    if (c->backward)
        layer_backward(l, layer_kl_weight);
    else
        layer_forward(l);
    chirp_bench_consume(l->dst);
    return CHIRP_OK;
}

chirp_status layers_run_cold(chirp_bench *b, const void *arg)
{
    const layer_case *c = arg;
    bench_layer l;
    chirp_cooler cooler = {0};
    chirp_status st = open_layer(c, chirp_bench_threads(b), &l);
    if (st == CHIRP_OK)
        st = chirp_cooler_create(chirp_bench_threads(b), &cooler);
    if (st == CHIRP_OK) {
        layer_forward(&l);
        while (st == CHIRP_OK && chirp_bench_next(b))
            st = iteration(b, &l, &cooler);
    }
    if (st == CHIRP_OK) {
        const double flops = chirp_dense_flops(&l.desc) * (c->backward ? 2 : 1);
        chirp_bench_flops(b, flops, flops);
        st = chirp_cooler_report(&cooler, b);
    }
    if (cooler.flood)
        chirp_cooler_destroy(&cooler);
    close_layer(&l);
    return st;
}
