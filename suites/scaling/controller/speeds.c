/* Speeds of ranks as they are drawn: the models of the table, and one run of a model. */
#include "harness/base/memory.h"
#include "kernels/random/random.h"
#include "suites/scaling/controller/controller.h"

#include <math.h>

static const double LEAST = 0.05;    /* of the nominal time: no signal takes less */
static const double OF_RANKS = 1024; /* that `episodes` counts among */

/* 0.124 and 0.0085 are the spreads that public runs of the study gave for nodes and for steps (suites/scaling/MODEL.md). 117
   steps are the study's training on 1024 ranks. */
static const chirp_speed_model models[] = {
    {.name = "permanent", .permanent = 0.124, .fresh = 0.0085, .steps = 1000},
    {.name = "permanent, 117 steps in all", .permanent = 0.124, .fresh = 0.0085, .steps = 117},
    {.name = "wandering over 3000 steps",
     .wandering = 0.124,
     .correlation_steps = 3000,
     .fresh = 0.0085,
     .steps = 1000},
    {.name = "wandering over 1000 steps",
     .wandering = 0.124,
     .correlation_steps = 1000,
     .fresh = 0.0085,
     .steps = 1000},
    {.name = "wandering over 300 steps",
     .wandering = 0.124,
     .correlation_steps = 300,
     .fresh = 0.0085,
     .steps = 1000},
    {.name = "wandering over 100 steps",
     .wandering = 0.124,
     .correlation_steps = 100,
     .fresh = 0.0085,
     .steps = 1000},
    {.name = "wandering over 30 steps",
     .wandering = 0.124,
     .correlation_steps = 30,
     .fresh = 0.0085,
     .steps = 1000},
    {.name = "fresh in every step", .fresh = 0.124, .steps = 1000},
    {.name = "one step in 500 is 1.1 times as long",
     .permanent = 0.03,
     .fresh = 0.0085,
     .rare_share = 1.0 / 500,
     .rare_factor = 1.1,
     .steps = 1000},
    {.name = "1.3 times as long for 50 steps",
     .permanent = 0.03,
     .fresh = 0.0085,
     .episodes = 2,
     .episode_factor = 1.3,
     .episode_steps = 50,
     .steps = 1000},
    {.name = "1.3 times as long for 300 steps",
     .permanent = 0.03,
     .fresh = 0.0085,
     .episodes = 2,
     .episode_factor = 1.3,
     .episode_steps = 300,
     .steps = 1000},
};

const chirp_speed_model *chirp_speed_model_at(int i)
{
    return i >= 0 && i < (int)(sizeof models / sizeof models[0]) ? &models[i] : NULL;
}

/* What is drawn for every rank and step, each from a stream of its own. */
enum { PERMANENT, WANDERING, FRESH, RARE, EPISODE, DRAWS };

struct chirp_speeds {
    chirp_speed_model model;
    int ranks;
    uint64_t seed;
    int64_t step;
    double *permanent, *wandering; /* [ranks] */
    int *episode;                  /* [ranks] steps left of it */
    float *draw;                   /* [DRAWS][ranks] of this step */
    double *seconds;               /* [ranks] */
};

/* This step's numbers of a kind. */
static float *draw(chirp_speeds *s, int kind)
{
    float *values = s->draw + (size_t)kind * (size_t)s->ranks;
    const chirp_rng rng =
        chirp_rng_stream(s->seed, CHIRP_RNG_TEST, (uint32_t)kind, (uint64_t)s->step);
    if (kind == RARE || kind == EPISODE)
        chirp_rng_uniform(rng, 0, s->ranks, values);
    else
        chirp_rng_normal(rng, 0, s->ranks, values);
    return values;
}

/* Of a rank and step that are not in an episode: so that the mean of `episodes` are in one. */
static double episode_begins(const chirp_speed_model *m)
{
    const double share = m->episodes / OF_RANKS;
    return m->episode_steps > 0 ? share / ((1 - share) * m->episode_steps) : 0;
}

static void start(chirp_speeds *s)
{
    const float *permanent = draw(s, PERMANENT);
    const float *wandering = draw(s, WANDERING);
    const float *episode = draw(s, EPISODE);
    const double share = s->model.episodes / OF_RANKS;
    for (int r = 0; r < s->ranks; ++r) {
        s->permanent[r] = s->model.permanent * (double)permanent[r];
        s->wandering[r] = s->model.wandering * (double)wandering[r];
        if ((double)episode[r] < share) /* somewhere in the middle of one */
            s->episode[r] = 1 + (int)((double)episode[r] / share * s->model.episode_steps);
    }
    s->step = 1;
}

chirp_status chirp_speeds_create(const chirp_speed_model *model, int ranks, uint64_t seed,
                                 chirp_speeds **speeds)
{
    const size_t n = (size_t)ranks;
    if (ranks < 1)
        return chirp_fail(CHIRP_ERR_ARG, "speeds of %d ranks", ranks);
    chirp_speeds *s = chirp_calloc(1, sizeof *s);
    if (!s)
        return CHIRP_ERR_NOMEM;
    s->model = *model;
    s->ranks = ranks;
    s->seed = seed;
    s->permanent = chirp_calloc(n, sizeof *s->permanent);
    s->wandering = chirp_calloc(n, sizeof *s->wandering);
    s->episode = chirp_calloc(n, sizeof *s->episode);
    s->draw = chirp_calloc(DRAWS * n, sizeof *s->draw);
    s->seconds = chirp_calloc(n, sizeof *s->seconds);
    if (!s->permanent || !s->wandering || !s->episode || !s->draw || !s->seconds) {
        chirp_speeds_destroy(s);
        return CHIRP_ERR_NOMEM;
    }
    start(s);
    *speeds = s;
    return CHIRP_OK;
}

void chirp_speeds_destroy(chirp_speeds *s)
{
    if (!s)
        return;
    chirp_free(s->permanent);
    chirp_free(s->wandering);
    chirp_free(s->episode);
    chirp_free(s->draw);
    chirp_free(s->seconds);
    chirp_free(s);
}

/* Longer in a rare step and in an episode, whose steps are counted here. */
static double events(chirp_speeds *s, int r, const float *rare, const float *episode)
{
    const chirp_speed_model *m = &s->model;
    double factor = rare && (double)rare[r] < m->rare_share ? m->rare_factor : 1;
    if (episode && s->episode[r] == 0 && (double)episode[r] < episode_begins(m))
        s->episode[r] = m->episode_steps;
    if (s->episode[r] > 0) {
        factor *= m->episode_factor;
        --s->episode[r];
    }
    return factor;
}

const double *chirp_speeds_next(chirp_speeds *s)
{
    const chirp_speed_model *m = &s->model;
    const float *wandering = m->wandering > 0 ? draw(s, WANDERING) : NULL;
    const float *rare = m->rare_share > 0 ? draw(s, RARE) : NULL;
    const float *episode = m->episodes > 0 ? draw(s, EPISODE) : NULL;
    const float *fresh = draw(s, FRESH);
    const double stays = wandering ? exp(-1 / m->correlation_steps) : 0;
    for (int r = 0; r < s->ranks; ++r) {
        if (wandering)
            s->wandering[r] = stays * s->wandering[r] +
                              sqrt(1 - stays * stays) * m->wandering * (double)wandering[r];
        const double time = 1 + s->permanent[r] + s->wandering[r] + m->fresh * (double)fresh[r];
        s->seconds[r] = fmax(LEAST, time) * events(s, r, rare, episode);
    }
    ++s->step;
    return s->seconds;
}
