/*
 * Suite `kernels`: every convolution of the study's root, pass by pass and algorithm by algorithm. What is timed is the
 * body of the loop in conv1d_case_run() and nothing else.
 */
#include "harness/base/memory.h"
#include "suites/benchmarks/kernels/conv1d_cases.h"
#include "suites/suites.h"

#include <math.h>
#include <string.h>

static const double MOST_ERROR = 5e-6; /* what every algorithm promises, relative l2 */

const char *const conv1d_work_names[] = {"forward",      "backward_data", "backward_weights",
                                         "load_weights", "backward",      NULL};

static void call(conv1d_work work, chirp_conv1d_plan *plan, const conv1d_buffers *b)
{
    switch (work) {
    case WORK_FORWARD:
        chirp_conv1d_forward(plan, b->src, b->bia, b->dst, b->code);
        chirp_bench_consume(b->dst);
        break;
    case WORK_BACKWARD_DATA:
        chirp_conv1d_backward_data(plan, b->ddst, b->code, b->dsrc);
        chirp_bench_consume(b->dsrc);
        break;
    case WORK_BACKWARD_WEIGHTS:
        chirp_conv1d_backward_weights(plan, b->src, b->ddst, b->code, b->dwei, b->dbia);
        chirp_bench_consume(b->dwei);
        break;
    case WORK_LOAD_WEIGHTS:
        chirp_conv1d_load_weights(plan, b->wei);
        break;
    case WORK_BACKWARD:
        chirp_conv1d_backward(plan, b->src, b->ddst, b->code, b->dsrc, b->dwei, b->dbia);
        chirp_bench_consume(b->dwei);
        break;
    }
}

/* Operations and bytes of one iteration, and how the plan does it. */
static void report(chirp_bench *bench, const conv1d_case *c, const chirp_conv1d_plan *plan,
                   const conv1d_buffers *b)
{
    const chirp_conv1d_desc *d = &b->desc;
    if (c->work == WORK_LOAD_WEIGHTS) {
        chirp_bench_bytes(bench, 4.0 * (double)b->n_wei);
        chirp_bench_items(bench, (double)b->n_wei);
    } else if (c->work == WORK_BACKWARD) {
        chirp_bench_flops(bench,
                          chirp_conv1d_plan_flops(plan, CHIRP_CONV1D_BACKWARD_DATA) +
                              chirp_conv1d_plan_flops(plan, CHIRP_CONV1D_BACKWARD_WEIGHTS),
                          2.0 * chirp_conv1d_flops(d));
        chirp_bench_bytes(bench, chirp_conv1d_bytes(d, CHIRP_CONV1D_BACKWARD_DATA) +
                                     chirp_conv1d_bytes(d, CHIRP_CONV1D_BACKWARD_WEIGHTS));
    } else {
        const chirp_conv1d_pass pass = (chirp_conv1d_pass)c->work;
        chirp_bench_flops(bench, chirp_conv1d_plan_flops(plan, pass), chirp_conv1d_flops(d));
        chirp_bench_bytes(bench, chirp_conv1d_bytes(d, pass));
        chirp_bench_counter(bench, "least_bytes", chirp_conv1d_bytes(d, pass));
        const double moved = chirp_conv1d_plan_bytes(plan, pass);
        if (isfinite(moved))
            chirp_bench_counter(bench, "moved_bytes", moved);
    }
    chirp_bench_label(bench, chirp_conv1d_plan_describe(plan, c->work == WORK_BACKWARD ||
                                                                      c->work == WORK_LOAD_WEIGHTS
                                                                  ? CHIRP_CONV1D_BACKWARD_WEIGHTS
                                                                  : (chirp_conv1d_pass)c->work));
}

chirp_status conv1d_case_run(chirp_bench *bench, const void *arg)
{
    const conv1d_case *c = arg;
    const int threads = chirp_bench_threads(bench);
    chirp_conv1d_desc desc = c->desc;
    chirp_conv1d_plan *plan = NULL;
    conv1d_buffers b = {0};
    desc.n_threads = threads;
    chirp_status st = chirp_conv1d_plan_create(&desc, &plan);
    if (st == CHIRP_OK)
        st = conv1d_buffers_create(&desc, threads, &b);
    if (st == CHIRP_OK) {
        chirp_conv1d_load_weights(plan, b.wei);
        call(c->work, plan, &b); /* touches scratch: page faults are not what is timed here */
        while (chirp_bench_next(bench)) {
            chirp_bench_flush(bench);
            call(c->work, plan, &b);
        }
        report(bench, c, plan, &b);
    }
    conv1d_buffers_destroy(&b);
    chirp_conv1d_plan_destroy(plan);
    return st;
}

chirp_status conv1d_case_check(const void *arg, double *relative_error)
{
    const conv1d_case *c = arg;
    chirp_conv1d_plan *plan = NULL;
    conv1d_buffers b = {0};
    chirp_status st = chirp_conv1d_plan_create(&c->desc, &plan);
    if (st == CHIRP_OK)
        st = conv1d_buffers_create(&c->desc, 1, &b);
    if (st == CHIRP_OK) {
        chirp_conv1d_load_weights(plan, b.wei);
        const chirp_conv1d_pass pass = c->work == WORK_LOAD_WEIGHTS ? CHIRP_CONV1D_FORWARD
                                       : c->work == WORK_BACKWARD   ? CHIRP_CONV1D_BACKWARD_WEIGHTS
                                                                    : (chirp_conv1d_pass)c->work;
        call(c->work == WORK_LOAD_WEIGHTS ? WORK_FORWARD : c->work, plan, &b);
        st = conv1d_buffers_error(&b, pass, relative_error);
        double data_error = 0.0;
        if (st == CHIRP_OK && c->work == WORK_BACKWARD)
            st = conv1d_buffers_error(&b, CHIRP_CONV1D_BACKWARD_DATA, &data_error);
        if (data_error > *relative_error)
            *relative_error = data_error;
        if (st == CHIRP_OK && !(*relative_error <= MOST_ERROR))
            st = chirp_fail(CHIRP_ERR_NUMERIC,
                            "relative l2 error %.3g against the definition, at most %.3g",
                            *relative_error, MOST_ERROR);
    }
    conv1d_buffers_destroy(&b);
    chirp_conv1d_plan_destroy(plan);
    return st;
}

static const char *const layers[] = {"conv1", "conv2", "conv3", "conv4",
                                     "conv5", "conv6", "conv7", NULL};
static const char *const batches[] = {"64", "1", NULL};

const char *conv1d_case_algorithm(int i)
{
    return i < CHIRP_CONV1D_ALGORITHMS ? chirp_conv1d_algorithm_name((chirp_conv1d_algorithm)i)
                                       : NULL;
}

bool conv1d_case_supported(const conv1d_case *c)
{
    if (c->work == WORK_BACKWARD)
        return chirp_conv1d_supports(&c->desc, CHIRP_CONV1D_BACKWARD_DATA) &&
               chirp_conv1d_supports(&c->desc, CHIRP_CONV1D_BACKWARD_WEIGHTS);
    return chirp_conv1d_supports(
        &c->desc, c->work == WORK_LOAD_WEIGHTS ? CHIRP_CONV1D_FORWARD : (chirp_conv1d_pass)c->work);
}

/* Which rows there are of layer 1 to 7. */
static bool wanted(const conv1d_case *c, int layer)
{
    const bool whole_batch = c->desc.N > 1;
    /* both gradients at once, and single events: by the choice that training and inference make */
    if (c->desc.algorithm == CHIRP_CONV1D_AUTO)
        return whole_batch ? c->work == WORK_BACKWARD && layer > 1 : c->work == WORK_FORWARD;
    /* plain loops, beside the smallest layer: what the project's own regression gate compares with */
    if (c->desc.algorithm == CHIRP_CONV1D_REFERENCE &&
        (layer < 7 || c->work > WORK_BACKWARD_WEIGHTS))
        return false;
    /* nothing is before conv1: nobody needs its backward_data */
    return whole_batch && c->work != WORK_BACKWARD &&
           !(layer == 1 && c->work == WORK_BACKWARD_DATA);
}

static bool make(const int *at, void *into)
{
    conv1d_case *c = into;
    c->work = (conv1d_work)at[0];
    if (conv1d_layer_desc(at[2], at[3] == 0 ? 64 : 1, &c->desc) != CHIRP_OK)
        return false;
    c->desc.algorithm = (chirp_conv1d_algorithm)at[1];
    return wanted(c, at[2] + 1) && conv1d_case_supported(c);
}

const chirp_bench_family chirp_families_conv1d[] = {
    {.name = "conv1d",
     .axes = {{.values = conv1d_work_names},
              {.value = conv1d_case_algorithm},
              {.values = layers},
              {.key = "batch", .values = batches}},
     .case_size = sizeof(conv1d_case),
     .make = make,
     .run = conv1d_case_run,
     .check = conv1d_case_check},
    {0},
};
