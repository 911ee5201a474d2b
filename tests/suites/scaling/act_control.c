/*
 * The load balancer emulated by real ranks: each sleeps through its signals with the speeds that `project --controller` draws, is
 * measured by its own clock, and shares are decided over MPI as in train. A sleeping rank takes no processor, so that more ranks than
 * processors can stand for as many nodes.
 *
 *     mpiexec -n 16 act_control [STEPS [SEED [SECONDS]]]
 *
 * with SECONDS of a nominal pass (0.04) prints, for some of the table's rows, percent of nominal signals a time: emulated, and
 * replayed with the very same draws. It fails
 * when sleeping was faster than the drawn speeds allow.
 */
#include "harness/base/clock.h"
#include "harness/base/memory.h"
#include "model/parallel/parallel.h"
#include "model/training/balancer.h"
#include "model/training/share_control.h"
#include "suites/scaling/controller/controller.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

enum { BATCH = 64, EQUAL = 0, FOLLOWED, REPLAYED, IDEAL, SUMS };

static double pass_s = 0.04; /* nominal */

typedef struct stage {
    chirp_share_control *control[2]; /* equal, followed */
    chirp_balancer *replayed;        /* told the drawn speeds instead of measured ones */
    chirp_speeds *speeds;
} stage;

static void sleep_for(double seconds)
{
    const struct timespec nap = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
    (void)nanosleep(&nap, NULL);
}

/* [s] until the last rank has slept through its share. */
static chirp_status act(chirp_share_control *control, double signal_s, double *last)
{
    const double start = chirp_now_s();
    const int64_t n = chirp_share_control_share(control, 0).signals;
    sleep_for((double)n * signal_s);
    const double took = chirp_now_s() - start;
    *last = took;
    const chirp_status st = chirp_parallel_max(last, 1);
    return st == CHIRP_OK ? chirp_share_control_step(control, took / (double)n) : st;
}

static chirp_status step(stage *g, double *sum)
{
    const int ranks = chirp_parallel_size();
    const double *drawn = chirp_speeds_next(g->speeds);
    const int64_t *share = chirp_balancer_shares(g->replayed, 0);
    const double mine = drawn[chirp_parallel_rank()] * pass_s / BATCH;
    double speed = 0;
    double replayed = 0;
    for (int r = 0; r < ranks; ++r) {
        speed += 1 / drawn[r];
        replayed = fmax(replayed, (double)share[r] * drawn[r] * pass_s / BATCH);
    }
    sum[IDEAL] += pass_s * ranks / speed;
    sum[REPLAYED] += replayed;
    chirp_balancer_step(g->replayed, drawn);
    for (int k = EQUAL; k <= FOLLOWED; ++k) { /* by turns: a busy machine is busy in both */
        double last = 0;
        const chirp_status st = act(g->control[k], mine, &last);
        if (st != CHIRP_OK)
            return st;
        sum[k] += last;
    }
    return CHIRP_OK;
}

static chirp_status act_out(const chirp_speed_model *model, int steps, uint64_t seed)
{
    stage g = {0};
    double sum[SUMS] = {0};
    const int ranks = chirp_parallel_size();
    chirp_status st = chirp_speeds_create(model, ranks, seed, &g.speeds);
    if (st == CHIRP_OK)
        st = chirp_balancer_create(ranks, BATCH, &g.replayed);
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK)
        st = chirp_share_control_create("equal", BATCH, 1, &g.control[EQUAL]);
    if (st == CHIRP_OK)
        st = chirp_share_control_create("measured", BATCH, 1, &g.control[FOLLOWED]);
    for (int t = 0; st == CHIRP_OK && t < steps; ++t)
        st = step(&g, sum);
    if (st == CHIRP_OK && chirp_parallel_rank() == 0) {
        const double whole = 100 * pass_s * steps;
        printf("%-40s %9.1f %9.1f %9.1f %9.1f\n", model->name, whole / sum[EQUAL],
               whole / sum[FOLLOWED], whole / sum[REPLAYED], whole / sum[IDEAL]);
        if (sum[FOLLOWED] < sum[IDEAL] || sum[EQUAL] < sum[IDEAL])
            st = chirp_fail(CHIRP_ERR_NUMERIC, "%s: slept %g s, where %g are the least",
                            model->name, sum[FOLLOWED], sum[IDEAL]);
    }
    for (int k = EQUAL; k <= FOLLOWED; ++k)
        chirp_share_control_destroy(g.control[k]);
    chirp_balancer_destroy(g.replayed);
    chirp_speeds_destroy(g.speeds);
    return chirp_parallel_agree(st);
}

int main(int argc, char **argv)
{
    static const int models[] = {0, 4, 5, 7, 9}; /* permanent, wandering, fresh, episodes */
    const int steps = argc > 1 ? atoi(argv[1]) : 100;
    const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    pass_s = argc > 3 ? atof(argv[3]) : pass_s;
    chirp_status st = chirp_parallel_init();
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* naps end when they should */
    if (st == CHIRP_OK && (steps < 1 || !(pass_s > 0 && pass_s < 1e3)))
        st = chirp_fail(CHIRP_ERR_ARG, "act_control [STEPS [SEED [SECONDS]]]: numbers above 0");
    if (st == CHIRP_OK && chirp_parallel_rank() == 0)
        printf("%d ranks, %d steps, seed %llu; percent of nominal signals\n%-40s %9s %9s %9s %9s\n",
               chirp_parallel_size(), steps, (unsigned long long)seed, "speeds", "equal",
               "followed", "replayed", "possible");
    for (size_t i = 0; st == CHIRP_OK && i < sizeof models / sizeof models[0]; ++i)
        st = act_out(chirp_speed_model_at(models[i]), steps, seed);
    if (st != CHIRP_OK && chirp_parallel_rank() == 0)
        (void)fprintf(stderr, "act_control: %s\n", chirp_error_message());
    chirp_parallel_finalize();
    return st == CHIRP_OK ? 0 : 1;
}
