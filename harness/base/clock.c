#include "harness/base/clock.h"

#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec t = {0};
    (void)clock_gettime(id, &t); /* both ids exist on every Linux; the only failure is a bad id */
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t chirp_now_ns(void) { return read_ns(CLOCK_MONOTONIC); }

double chirp_now_s(void) { return 1e-9 * (double)read_ns(CLOCK_MONOTONIC); }

int64_t chirp_process_cpu_ns(void) { return read_ns(CLOCK_PROCESS_CPUTIME_ID); }
