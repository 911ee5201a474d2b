/*
 * slow_rank FACTOR OPTIONS...: `chirpbench scale OPTIONS...` on a rank that takes FACTOR times as long for what it computes.
 *
 *     mpiexec -n 1 chirpbench scale OPTIONS... : -n 1 slow_rank 4 OPTIONS...
 *
 * measures two ranks of which the second is slow: is it named, and do ranks that share by speed wait less for it? After
 * every few milliseconds of processor time of its first thread it sleeps, so that whoever waits for this thread is slow too.
 */
#include "harness/base/waiting.h"
#include "suites/command.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PERIOD_NS = 4000000 };

static struct {
    double rest; /* [s] of sleep for a second of work */
    double worked_s;
    clockid_t clock; /* of the first thread */
} self;

static double worked_s(void)
{
    struct timespec t = {0};
    (void)clock_gettime(self.clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Timers of a processor's time fire at the kernel's ticks: what was worked since the last time counts, not the period. */
static void on_tick(int number)
{
    (void)number;
    const double now = worked_s();
    const double seconds = self.rest * (now - self.worked_s);
    const struct timespec nap = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};
    self.worked_s = now;
    (void)nanosleep(&nap, NULL);
}

static int begin(double factor)
{
    struct sigaction action = {0};
    struct sigevent event = {0};
    timer_t timer;
    const struct itimerspec every = {{0, PERIOD_NS}, {0, PERIOD_NS}};
    if (pthread_getcpuclockid(pthread_self(), &self.clock) != 0)
        return -1;
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGALRM;
    action.sa_handler = on_tick;
    action.sa_flags = SA_RESTART;
    self.rest = factor - 1;
    self.worked_s = worked_s();
    if (sigaction(SIGALRM, &action, NULL) != 0 || timer_create(self.clock, &event, &timer) != 0)
        return -1;
    return timer_settime(timer, 0, &every, NULL);
}

/* chirpbench's, which has a main() of its own. */
int chirp_command_exit(chirp_status status)
{
    if (status == CHIRP_OK)
        return 0;
    (void)fprintf(stderr, "slow_rank: %s\n", chirp_error_message());
    return 2;
}

int main(int argc, char **argv)
{
    const double factor = argc > 1 ? strtod(argv[1], NULL) : 0;
    if (!(factor > 1)) {
        (void)fprintf(stderr, "usage: slow_rank FACTOR [options of chirpbench scale]\n");
        return 2;
    }
    chirp_wait_briefly(argv);
    if (begin(factor) != 0) {
        (void)fprintf(stderr, "slow_rank: no timer of processor time to be had\n");
        return 2;
    }
    return chirp_command_scale.run(argc - 1, argv + 1);
}
