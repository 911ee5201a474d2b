#include "model/signal/transform.h"
#include "harness/base/memory.h"

#include <limits.h>
#include <pthread.h>

static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

void chirp_transform_lock(void) { (void)pthread_mutex_lock(&planner); }

void chirp_transform_unlock(void) { (void)pthread_mutex_unlock(&planner); }

static chirp_status check_length(int64_t n)
{
    if (n < 2 || n > INT_MAX)
        return chirp_fail(CHIRP_ERR_RANGE, "a transform of %lld samples: FFTW takes 2 to %d",
                          (long long)n, INT_MAX);
    return CHIRP_OK;
}

static chirp_status execute_once(fftw_plan plan, int64_t n)
{
    if (!plan)
        return chirp_fail(CHIRP_ERR_LIBRARY, "FFTW has no plan for %lld samples", (long long)n);
    fftw_execute(plan);
    (void)pthread_mutex_lock(&planner);
    fftw_destroy_plan(plan);
    (void)pthread_mutex_unlock(&planner);
    return CHIRP_OK;
}

chirp_status chirp_transform_forward(int64_t n, double *real, fftw_complex *spectrum)
{
    const chirp_status st = check_length(n);
    if (st != CHIRP_OK)
        return st;
    (void)pthread_mutex_lock(&planner);
    fftw_plan plan = fftw_plan_dft_r2c_1d((int)n, real, spectrum, FFTW_ESTIMATE);
    (void)pthread_mutex_unlock(&planner);
    return execute_once(plan, n);
}

chirp_status chirp_transform_inverse(int64_t n, fftw_complex *spectrum, double *real)
{
    const chirp_status st = check_length(n);
    if (st != CHIRP_OK)
        return st;
    (void)pthread_mutex_lock(&planner);
    fftw_plan plan = fftw_plan_dft_c2r_1d((int)n, spectrum, real, FFTW_ESTIMATE);
    (void)pthread_mutex_unlock(&planner);
    return execute_once(plan, n);
}
