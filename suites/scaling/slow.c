#include "suites/scaling/slow.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>

enum { PERIOD_NS = 4000000 };

static struct {
    bool on;
    double rest; /* [s] of sleep for a second of work */
    double worked_s;
    clockid_t clock; /* of the thread that began */
    timer_t timer;
    struct sigaction before;
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

void chirp_slow_begin(double factor)
{
    struct sigaction action = {0};
    struct sigevent event = {0};
    const struct itimerspec every = {{0, PERIOD_NS}, {0, PERIOD_NS}};
    if (self.on || !(factor > 1) || pthread_getcpuclockid(pthread_self(), &self.clock) != 0)
        return;
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGALRM;
    action.sa_handler = on_tick;
    action.sa_flags = SA_RESTART;
    self.rest = factor - 1;
    self.worked_s = worked_s();
    if (sigaction(SIGALRM, &action, &self.before) != 0)
        return;
    self.on = timer_create(self.clock, &event, &self.timer) == 0;
    if (!self.on)
        (void)sigaction(SIGALRM, &self.before, NULL);
    else
        (void)timer_settime(self.timer, 0, &every, NULL);
}

void chirp_slow_end(void)
{
    if (!self.on)
        return;
    (void)timer_delete(self.timer);
    (void)sigaction(SIGALRM, &self.before, NULL);
    self.on = false;
}
