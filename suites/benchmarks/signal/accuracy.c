/* Accuracy as rows: IMRPhenomD against published values on this machine, and the short grid against a long one. */
#include "harness/base/memory.h"
#include "harness/bench/bench.h"
#include "model/signal/generator.h"
#include "model/signal/phenomd.h"
#include "suites/suites.h"

#include <math.h>

enum { POINTS = 6, LENGTH = 8192, SECONDS = 32 };

/* Evaluated in double precision with the open-source library ripple, f_ref = 20 Hz: frequency [Hz], Re and Im of h~ [1/Hz]. */
struct accuracy_case {
    chirp_binary binary;
    double distance_mpc;
    double point[POINTS][3];
};

// clang-format off
static const struct accuracy_case cases[] = {
    {{36.0, 29.0, 0.0, 0.0}, 400.0,
     {{20.0, 8.725319928712753e-23, 0.0},
      {39.180147749442185, -1.765131738226783e-23, -3.191430403067812e-23},
      {78.28732238825907, -1.334865161952879e-23, 6.13195379625332e-24},
      {156.42883446784535, 5.988063371032712e-25, 7.914589222408057e-24},
      {312.56631989036276, -1.0638624573171117e-24, 8.177225852649696e-25},
      {624.5504843283024, -1.9873656225848952e-28, 1.1302049337989594e-29}}},
    {{30.0, 30.0, 0.0, 0.0}, 400.0,
     {{20.0, 8.27060348189621e-23, 0.0},
      {39.962749956385096, -2.356305022437893e-23, -2.4434414162944938e-23},
      {81.44605101413913, -1.1329138489351607e-23, -6.914629424553798e-24},
      {162.7404085806514, -6.252787717501187e-24, 3.122171999372255e-24},
      {331.6729612898876, -1.050256461815043e-24, -1.1056265504670382e-24},
      {675.9658170348374, -3.3849681022931756e-29, -1.7275201885345503e-28}}},
    {{10.0, 5.0, 0.3, -0.2}, 400.0,
     {{20.0, 2.6008022314158383e-23, 0.0},
      {43.25263305860609, 9.761320831425757e-24, 3.4789045705216546e-24},
      {95.40791438457484, -2.4562103161391074e-24, 3.072924810197958e-24},
      {210.4535489176001, -1.2737801323981447e-24, 5.950808737206335e-25},
      {464.2245513667091, -1.1166683952030504e-26, 5.285326603191947e-25},
      {1024.0, -1.9972593064386128e-25, 2.2026219515198646e-25}}},
    {{80.0, 20.0, 0.8, 0.5}, 400.0,
     {{20.0, 1.0317584742697562e-22, 0.0},
      {36.20002614970607, -5.023998427799373e-23, 3.2941693261687266e-24},
      {65.52209466197017, 1.294981871230746e-23, -2.1029216880074518e-23},
      {120.96394936566101, -2.103945960514023e-24, 1.3129997411446836e-23},
      {218.94490651043242, 6.177165455879824e-24, 1.206937761795898e-24},
      {404.20625625037, -2.0479180291641547e-28, -4.1368002145551664e-30}}},
    {{60.0, 50.0, -0.8, -0.6}, 400.0,
     {{20.0, 1.0965504263775236e-22, 0.0},
      {35.4911104622954, 1.660210147764074e-23, 4.3546014269731734e-23},
      {62.980946092342705, 1.7670856098443293e-24, -2.6275504826324368e-23},
      {113.99559477380168, 1.7717886786593454e-23, 7.215137088282363e-24},
      {202.29151231660308, 4.317251302465621e-25, -6.062466450299468e-26},
      {366.1479017862309, 5.967099616045036e-28, 3.327269375671358e-29}}},
    {{25.0, 8.0, -0.5, 0.7}, 400.0,
     {{20.0, 4.374387661634947e-23, 0.0},
      {43.25263305860609, -1.6328850903649554e-23, -1.663227757981213e-24},
      {95.40791438457484, -4.5015628259222935e-24, 2.6238645540346975e-24},
      {210.4535489176001, 1.5573908328271774e-24, -1.1788636341358259e-24},
      {464.2245513667091, -2.5424343391569856e-25, -5.56946112331358e-25},
      {1024.0, -2.4825143340466205e-28, 2.4955857203954167e-29}}},
    {{50.0, 35.0, 0.6, -0.3}, 400.0,
     {{20.0, 1.079028404272638e-22, 0.0},
      {37.66062098637188, 4.7971801843583004e-23, -2.995128351657543e-24},
      {70.91611865395771, -1.7713141918562863e-23, -1.2940637629816173e-23},
      {133.53725332256388, -6.115815146497482e-24, -1.1217520645862587e-23},
      {251.45479424711039, -1.796598364390472e-24, 1.9832236996778464e-24},
      {473.4971850673274, -3.4463901832171517e-28, 2.0581001984928865e-28}}},
    {{14.2, 7.5, 0.45, 0.1}, 400.0,
     {{20.0, 3.5565331856989615e-23, 0.0},
      {43.25263305860609, 1.3449321793805e-23, 4.358833926563e-24},
      {95.40791438457484, 1.3201783408715403e-25, -5.343724834077264e-24},
      {210.4535489176001, -8.54629221983365e-25, 1.758587116001012e-24},
      {464.2245513667091, 3.2565719019584145e-26, -8.644568290478776e-25},
      {1024.0, -8.578277499345209e-26, 4.3976779251589633e-26}}},
};
// clang-format on

static chirp_status compare(const struct accuracy_case *c, double *amplitude_error,
                            double *phase_error)
{
    chirp_phenomd m;
    chirp_status st = chirp_phenomd_prepare(&c->binary, &m);
    *amplitude_error = *phase_error = 0;
    for (int i = 0; st == CHIRP_OK && i < POINTS; ++i) {
        const double *p = c->point[i];
        double amplitude, phase;
        st = chirp_phenomd_evaluate(&m, &p[0], 1, 20, c->distance_mpc, &amplitude, &phase);
        *amplitude_error = fmax(*amplitude_error, fabs(amplitude / hypot(p[1], p[2]) - 1));
        *phase_error = fmax(*phase_error, fabs(remainder(phase + atan2(p[2], p[1]), 2 * M_PI)));
    }
    return st;
}

static chirp_status check_published(const void *arg, double *relative_error)
{
    double phase_error;
    const chirp_status st = compare(arg, relative_error, &phase_error);
    if (st == CHIRP_OK && !(*relative_error <= 1e-8 && phase_error <= 1e-6))
        return chirp_fail(CHIRP_ERR_NUMERIC,
                          "amplitude is off by %.3g, phase by %.3g rad: 1e-8 and 1e-6 are promised",
                          *relative_error, phase_error);
    return st;
}

static chirp_status run_published(chirp_bench *b, const void *arg)
{
    double amplitude_error = 0, phase_error = 0;
    chirp_status st = CHIRP_OK;
    while (st == CHIRP_OK && chirp_bench_next(b)) {
        st = compare(arg, &amplitude_error, &phase_error);
        chirp_bench_consume(&phase_error);
    }
    chirp_bench_counter(b, "amplitude_error", amplitude_error);
    chirp_bench_counter(b, "phase_error_rad", phase_error);
    chirp_bench_label(b, "double-precision model against published values");
    return st;
}

/* The second that the generator's 2 s grid gives of a chirp of 20 s, against a grid of 64 s. */
static chirp_status run_short_grid(chirp_bench *b, const void *arg)
{
    (void)arg;
    chirp_signal_config config = chirp_signal_config_default();
    config.noise = false;
    config.n_threads = 1;
    chirp_generator *brief = NULL, *lengthy = NULL;
    float *one = chirp_alloc(LENGTH * sizeof *one),
          *all = chirp_alloc(SECONDS * LENGTH * sizeof *all);
    chirp_status st = one && all ? chirp_generator_create(&config, &brief) : CHIRP_ERR_NOMEM;
    config.length = SECONDS * LENGTH;
    config.merger_min_s = config.merger_max_s = SECONDS - 0.125;
    if (st == CHIRP_OK)
        st = chirp_generator_create(&config, &lengthy);
    chirp_signal_draw draw = {.binary = {5, 5, 0, 0}, .snr = 10, .weight = {1, 0}};
    while (st == CHIRP_OK && chirp_bench_next(b)) {
        draw.merger_s = 0.875;
        st = chirp_generator_make(brief, &draw, 0, one);
        chirp_bench_consume(one);
    }
    draw.merger_s = SECONDS - 0.125;
    if (st == CHIRP_OK)
        st = chirp_generator_make(lengthy, &draw, 0, all);
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; st == CHIRP_OK && i < LENGTH; ++i) {
        const double x = (double)one[i], y = (double)all[(SECONDS - 1) * LENGTH + i];
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    if (st == CHIRP_OK) {
        chirp_bench_counter(b, "match", ab / sqrt(aa * bb));
        chirp_bench_counter(b, "relative_difference", sqrt(fmax(0, 2 - 2 * ab / sqrt(aa * bb))));
    }
    chirp_bench_items(b, 1);
    chirp_bench_label(b, "5 + 5 solar masses: the window from a grid of 2 s against one of 64 s");
    chirp_generator_destroy(brief);
    chirp_generator_destroy(lengthy);
    chirp_free(one);
    chirp_free(all);
    return st;
}

const chirp_bench_entry chirp_suite_accuracy[] = {
    {.name = "signal/accuracy/published/m1:36/m2:29/chi1:0/chi2:0",
     .run = run_published,
     .check = check_published,
     .arg = &cases[0]},
    {.name = "signal/accuracy/published/m1:30/m2:30/chi1:0/chi2:0",
     .run = run_published,
     .check = check_published,
     .arg = &cases[1]},
    {.name = "signal/accuracy/published/m1:10/m2:5/chi1:0.3/chi2:-0.2",
     .run = run_published,
     .check = check_published,
     .arg = &cases[2]},
    {.name = "signal/accuracy/published/m1:80/m2:20/chi1:0.8/chi2:0.5",
     .run = run_published,
     .check = check_published,
     .arg = &cases[3]},
    {.name = "signal/accuracy/published/m1:60/m2:50/chi1:-0.8/chi2:-0.6",
     .run = run_published,
     .check = check_published,
     .arg = &cases[4]},
    {.name = "signal/accuracy/published/m1:25/m2:8/chi1:-0.5/chi2:0.7",
     .run = run_published,
     .check = check_published,
     .arg = &cases[5]},
    {.name = "signal/accuracy/published/m1:50/m2:35/chi1:0.6/chi2:-0.3",
     .run = run_published,
     .check = check_published,
     .arg = &cases[6]},
    {.name = "signal/accuracy/published/m1:14.2/m2:7.5/chi1:0.45/chi2:0.1",
     .run = run_published,
     .check = check_published,
     .arg = &cases[7]},
    {.name = "signal/accuracy/short_grid/m1:5/m2:5", .run = run_short_grid},
    {0},
};
