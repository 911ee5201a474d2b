#include "model/training/course.h"

#include <math.h>

double chirp_course_steps(const chirp_train_config *config, chirp_train_place at)
{
    static const double EARLY = 0.01; /* too early to know the pace */
    const double configured = (double)config->iterations;
    if (at.progress <= (double)at.step / configured || at.progress < EARLY)
        return configured;
    return fmax(1, (double)at.step / at.progress);
}

/* Progress when the step is done. */
static double after(const chirp_train_config *config, chirp_train_place at)
{
    return fmin(1, at.progress + 1 / (double)config->iterations);
}

double chirp_course_rate(const chirp_train_config *config, chirp_train_place at)
{
    const double ranks = (double)config->rate_ranks;
    if (config->schedule == CHIRP_RATE_CONSTANT)
        return config->learning_rate * (at.step < config->warmup_steps ? 1 : ranks);
    const double full = config->learning_rate * ranks;
    const double least = fmin(config->final_rate, full);
    const double warm =
        fmax(config->warmup_steps > 0 ? (double)(at.step + 1) / (double)config->warmup_steps : 1,
             after(config, at) / 0.1);
    const double fallen =
        config->rate_hold < 1
            ? fmin(1, fmax(0, at.progress - config->rate_hold) / (1 - config->rate_hold))
            : 0;
    return fmin(1, warm) * (least + (full - least) * 0.5 * (1 + cos(M_PI * fallen)));
}

double chirp_course_kl(const chirp_train_config *config, chirp_train_place at)
{
    const double grown = config->kl_warmup < 1 ? after(config, at) / config->kl_warmup
                                               : (double)(at.step + 1) / config->kl_warmup;
    return config->kl_warmup > 0 ? fmin(1, grown) : 1;
}

double chirp_course_average(const chirp_train_config *config, chirp_train_place at)
{
    static const int64_t MOST_EVERY = 8; /* a pass over memory is small beside so many steps */
    const double reach = config->average * chirp_course_steps(config, at); /* [steps] */
    int64_t every = 1;
    while (2 * every <= MOST_EVERY && 16.0 * (double)every <= reach)
        every *= 2;
    if ((at.step + 1) % every != 0)
        return 0;
    const double taken = (double)((at.step + 1) / every);
    const double share = reach > 0 ? -expm1(-(double)every / reach) : 1;
    return fmax(share, 1 / taken);
}

double chirp_course_clip(const chirp_train_config *config, int64_t step, double norm,
                         double *typical)
{
    static const double PACE = 0.02;
    if (*typical == 0) {
        *typical = norm;
        return 1;
    }
    const double most = config->clip * *typical;
    const double pace = fmax(PACE, 1 / (double)(step + 1));
    *typical *= exp(norm > *typical ? pace : -pace);
    return norm > most ? most / norm : 1;
}
