/* The balancer inside a simulation: it is told what the simulated clock says of each rank's passes, as train tells it. */
#include "harness/base/memory.h"
#include "model/training/balancer.h"
#include "suites/scaling/controller/controller.h"

typedef struct driven {
    const chirp_controller_options *options;
    chirp_speeds *speeds;
    chirp_balancer *balancer;
    double *signal; /* [ranks] seconds that a signal took */
} driven;

static void next(void *context, const double *seconds, double *factor)
{
    driven *d = context;
    const int64_t *share = chirp_balancer_shares(d->balancer, 0);
    if (seconds) {
        for (int r = 0; r < d->options->ranks; ++r)
            d->signal[r] = seconds[r] / (double)share[r];
        chirp_balancer_step(d->balancer, d->signal);
        share = chirp_balancer_shares(d->balancer, 0);
    }
    const double *time = chirp_speeds_next(d->speeds);
    for (int r = 0; r < d->options->ranks; ++r)
        factor[r] = time[r] * (double)share[r] / (double)d->options->batch;
}

static chirp_status simulate_run(const chirp_speed_model *model, const chirp_controller_options *o,
                                 const chirp_plan *plan, int run, double *followed)
{
    driven d = {.options = o};
    chirp_step_terms terms = {0};
    const chirp_pass_driver driver = {&d, next};
    chirp_status st =
        chirp_speeds_create(model, o->ranks, chirp_controller_seed(o, run), &d.speeds);
    if (st == CHIRP_OK)
        st = chirp_balancer_create(o->ranks, o->batch, &d.balancer);
    if (st == CHIRP_OK && !(d.signal = chirp_calloc((size_t)o->ranks, sizeof *d.signal)))
        st = CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_simulate_driven(plan, &driver, &terms);
    if (st == CHIRP_OK)
        *followed = terms.compute / terms.seconds;
    chirp_free(d.signal);
    chirp_balancer_destroy(d.balancer);
    chirp_speeds_destroy(d.speeds);
    return st;
}

chirp_status chirp_controller_simulate(const chirp_speed_model *model,
                                       const chirp_controller_options *o, const chirp_plan *plan,
                                       chirp_controller_number *followed)
{
    chirp_plan own = *plan;
    own.steps = model->steps;
    if (o->runs < 2 || plan->ranks != o->ranks || plan->micro_steps != 1)
        return chirp_fail(CHIRP_ERR_ARG,
                          "simulating the load balancer: %d runs, a plan of %d ranks for %d, %d "
                          "passes a step",
                          o->runs, plan->ranks, o->ranks, plan->micro_steps);
    double *value = chirp_calloc((size_t)o->runs, sizeof *value);
    chirp_status st = value ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int i = 0; st == CHIRP_OK && i < o->runs; ++i)
        st = simulate_run(model, o, &own, i, &value[i]);
    if (st == CHIRP_OK)
        *followed = chirp_controller_mean(value, o->runs);
    chirp_free(value);
    return st;
}
