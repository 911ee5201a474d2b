/* Suite "signal": training signals per second, by stage, and the limits of the stages. */
#include "harness/base/memory.h"
#include "harness/base/scratch.h"
#include "harness/bench/bench.h"
#include "kernels/random/random.h"
#include "model/signal/dataset.h"
#include "model/signal/generator.h"
#include "model/signal/phenomd_grid.h"
#include "model/signal/prefetch.h"
#include "model/signal/transform.h"
#include "suites/suites.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The default window's grid: 2 s at 8192 Hz, bins of 0.5 Hz from 20.5 to 999.5 Hz. */
enum { SIGNALS = 64, LENGTH = 8192, GRID = 2 * LENGTH, FIRST_BIN = 41, BINS = 1959 };

typedef struct whole_case {
    int detectors;
    bool noise;
} whole_case;

static const whole_case one_detector = {1, true}, two_detectors = {2, true}, noiseless = {1, false};

static chirp_status make_generator(const whole_case *c, int threads, chirp_generator **g)
{
    chirp_signal_config config = chirp_signal_config_default();
    config.n_detectors = c->detectors;
    config.noise = c->noise;
    config.n_threads = threads;
    config.seed = 1;
    return chirp_generator_create(&config, g);
}

static chirp_status run_whole(chirp_bench *b, const void *arg)
{
    const whole_case *c = arg;
    chirp_generator *g = NULL;
    double seconds[CHIRP_STAGES] = {0}, total = 0;
    float *strain = chirp_alloc((size_t)(SIGNALS * LENGTH * c->detectors) * sizeof *strain);
    chirp_status st = strain ? make_generator(c, chirp_bench_threads(b), &g) : CHIRP_ERR_NOMEM;
    uint64_t first = 0;
    if (st == CHIRP_OK) /* warms the tables */
        st = chirp_generator_batch(g, first, SIGNALS, strain, NULL, NULL, NULL);
    while (st == CHIRP_OK && chirp_bench_next(b)) {
        st = chirp_generator_batch(g, first += SIGNALS, SIGNALS, strain, NULL, NULL, NULL);
        chirp_bench_consume(strain);
    }
    for (int pass = 0; st == CHIRP_OK && pass < 16;
         ++pass) { /* the least of many: others use the machine too */
        double once[CHIRP_STAGES];
        st = chirp_generator_profile(g, 0, 16, strain, once);
        for (int s = 0; s < CHIRP_STAGES; ++s)
            seconds[s] = pass == 0 || once[s] < seconds[s] ? once[s] : seconds[s];
    }
    for (int s = 0; s < CHIRP_STAGES; ++s)
        total += seconds[s];
    for (int s = 0; st == CHIRP_OK && s < CHIRP_STAGES; ++s) {
        char name[32];
        (void)snprintf(name, sizeof name, "share_%s", chirp_generator_stage_name[s]);
        chirp_bench_counter(b, name, seconds[s] / total);
    }
    chirp_bench_items(b, SIGNALS);
    chirp_bench_label(b, "finished signals: waveform, merger time, noise, whitening, normalised");
    chirp_generator_destroy(g);
    chirp_free(strain);
    return st;
}

/* One thread's batch against many threads': bitwise the same, so the error is 0. */
static chirp_status check_whole(const void *arg, double *relative_error)
{
    const whole_case *c = arg;
    const size_t n = (size_t)(16 * LENGTH * c->detectors);
    float *strain[2] = {chirp_alloc(n * sizeof(float)), chirp_alloc(n * sizeof(float))};
    chirp_status st = strain[0] && strain[1] ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (int i = 0; st == CHIRP_OK && i < 2; ++i) {
        chirp_generator *g = NULL;
        st = make_generator(c, i ? 5 : 1, &g);
        if (st == CHIRP_OK)
            st = chirp_generator_batch(g, 7, 16, strain[i], NULL, NULL, NULL);
        chirp_generator_destroy(g);
    }
    if (st == CHIRP_OK) {
        *relative_error = memcmp(strain[0], strain[1], n * sizeof(float)) == 0 ? 0 : 1;
        if (*relative_error > 0)
            st = chirp_fail(
                CHIRP_ERR_NUMERIC,
                "signals of 1 and 5 threads differ: they must be the same to the last bit");
    }
    chirp_free(strain[0]);
    chirp_free(strain[1]);
    return st;
}

/* Draws of the default prior, for the rows of single stages. */
static chirp_status make_models(chirp_phenomd model[SIGNALS], chirp_signal_draw draw[SIGNALS])
{
    chirp_generator *g = NULL;
    chirp_status st = make_generator(&one_detector, 1, &g);
    for (uint64_t i = 0; st == CHIRP_OK && i < SIGNALS; ++i) {
        st = chirp_generator_draw(g, i, &draw[i]);
        if (st == CHIRP_OK)
            st = chirp_phenomd_prepare(&draw[i].binary, &model[i]);
    }
    chirp_generator_destroy(g);
    return st;
}

static chirp_status run_parameters(chirp_bench *b, const void *arg)
{
    (void)arg;
    static chirp_phenomd model[SIGNALS];
    chirp_generator *g = NULL;
    chirp_status st = make_generator(&one_detector, 1, &g);
    const int threads = chirp_bench_threads(b);
    int failed = 0;
    while (st == CHIRP_OK && chirp_bench_next(b)) {
#pragma omp parallel for num_threads(threads) schedule(static) reduction(| : failed)
        for (uint64_t i = 0; i < SIGNALS; ++i) {
            chirp_signal_draw draw;
            failed |= chirp_generator_draw(g, i, &draw) != CHIRP_OK ||
                      chirp_phenomd_prepare(&draw.binary, &model[i]) != CHIRP_OK;
        }
        chirp_bench_consume(model);
    }
    if (st == CHIRP_OK && failed)
        st = chirp_fail(CHIRP_ERR_NUMERIC, "a draw of the default prior failed");
    chirp_bench_items(b, SIGNALS);
    chirp_generator_destroy(g);
    return st;
}

static chirp_status run_peak(chirp_bench *b, const void *arg)
{
    (void)arg;
    static chirp_phenomd model[SIGNALS];
    static chirp_signal_draw draw[SIGNALS];
    double peak[SIGNALS];
    const chirp_status st = make_models(model, draw);
    const int threads = chirp_bench_threads(b);
    while (st == CHIRP_OK && chirp_bench_next(b)) {
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int i = 0; i < SIGNALS; ++i)
            peak[i] = chirp_phenomd_peak_time(&model[i]);
        chirp_bench_consume(peak);
    }
    chirp_bench_items(b, SIGNALS);
    return st;
}

typedef struct grid_buffers {
    chirp_phenomd_grid grid;
    double *tables;
    float *weight, *spectrum; /* [BINS], [SIGNALS][2 * BINS] */
} grid_buffers;

static chirp_status grid_create(grid_buffers *g)
{
    *g = (grid_buffers){.tables = chirp_alloc(CHIRP_PHENOMD_GRID_TABLES * BINS * sizeof(double)),
                        .weight = chirp_alloc(BINS * sizeof(float)),
                        .spectrum = chirp_alloc((size_t)SIGNALS * 2 * BINS * sizeof(float))};
    if (!g->tables || !g->weight || !g->spectrum)
        return CHIRP_ERR_NOMEM;
    chirp_phenomd_grid_prepare(&g->grid, 0.5, FIRST_BIN, BINS, g->tables);
    for (int k = 0; k < BINS; ++k)
        g->weight[k] = (float)pow(g->grid.f[k] / 100, -7.0 / 6);
    return CHIRP_OK;
}

static void grid_destroy(grid_buffers *g)
{
    chirp_free(g->tables);
    chirp_free(g->weight);
    chirp_free(g->spectrum);
}

static chirp_status run_waveform(chirp_bench *b, const void *arg)
{
    (void)arg;
    static chirp_phenomd model[SIGNALS];
    static chirp_signal_draw draw[SIGNALS];
    grid_buffers g;
    chirp_status st = make_models(model, draw);
    if (st == CHIRP_OK)
        st = grid_create(&g);
    if (st != CHIRP_OK)
        return st;
    const int threads = chirp_bench_threads(b);
    while (chirp_bench_next(b)) {
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int64_t i = 0; i < SIGNALS; ++i)
            chirp_phenomd_grid_evaluate(&g.grid, &model[i], 0, BINS, 1.8, draw[i].phase, g.weight,
                                        g.spectrum + i * 2 * BINS);
        chirp_bench_consume(g.spectrum);
    }
    chirp_bench_items(b, SIGNALS);
    chirp_bench_rate(b, "bins_per_second", (double)SIGNALS * BINS);
    grid_destroy(&g);
    return CHIRP_OK;
}

static chirp_status check_waveform(const void *arg, double *relative_error)
{
    (void)arg;
    static chirp_phenomd model[SIGNALS];
    static chirp_signal_draw draw[SIGNALS];
    grid_buffers g;
    chirp_status st = make_models(model, draw);
    if (st == CHIRP_OK)
        st = grid_create(&g);
    if (st != CHIRP_OK)
        return st;
    double difference = 0, square = 0;
    for (int64_t i = 0; i < SIGNALS; ++i) {
        const chirp_phenomd *m = &model[i];
        chirp_phenomd_grid_evaluate(&g.grid, m, 0, BINS, 1.8, draw[i].phase, g.weight, g.spectrum);
        for (int k = 0; k < BINS; ++k) {
            const double f = g.grid.f[k];
            const double a =
                chirp_phenomd_amplitude(m, f) / m->amplitude0 * pow(100 * m->mass_s, 7.0 / 6);
            const double p = chirp_phenomd_raw_phase(m, f) + draw[i].phase + 2 * M_PI * f * 1.8;
            const double re = (double)g.spectrum[2 * k] - a * cos(p),
                         im = (double)g.spectrum[2 * k + 1] + a * sin(p);
            difference += re * re + im * im;
            square += a * a;
        }
    }
    grid_destroy(&g);
    *relative_error = sqrt(difference / square);
    if (!(*relative_error < 2e-6))
        return chirp_fail(CHIRP_ERR_NUMERIC,
                          "the vectorised waveform is %.3g from the double-precision one",
                          *relative_error);
    return CHIRP_OK;
}

static chirp_status run_transform(chirp_bench *b, const void *arg)
{
    (void)arg;
    const int threads = chirp_bench_threads(b);
    chirp_band_transform *t = NULL;
    chirp_status st = chirp_band_transform_create(GRID, FIRST_BIN, BINS, &t);
    if (st != CHIRP_OK)
        return st;
    const size_t room = (chirp_band_transform_work(t) + 63) / 64 * 64;
    float *spectrum = chirp_calloc(2 * BINS, sizeof *spectrum),
          *work = chirp_calloc((size_t)threads * room, sizeof *work);
    float *x = chirp_alloc((size_t)SIGNALS * LENGTH * sizeof *x);
    st = spectrum && work && x ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0), 0, 2 * BINS, spectrum);
    while (st == CHIRP_OK && chirp_bench_next(b)) {
#pragma omp parallel num_threads(threads)
        {
            float *own = work; /* one piece a thread, in the order of arrival */
            static size_t next;
#pragma omp single
            next = 0;
            size_t mine;
#pragma omp atomic capture
            mine = next++;
            own += mine * room;
#pragma omp for schedule(static)
            for (int64_t i = 0; i < 2 * SIGNALS; ++i) /* signal and noise */
                chirp_band_transform_execute(t, spectrum, own, x + (i / 2) * LENGTH);
        }
        chirp_bench_consume(x);
    }
    chirp_bench_items(b, SIGNALS);
    chirp_bench_label(b, "limit: the two transforms of a signal and nothing else");
    chirp_free(spectrum);
    chirp_free(work);
    chirp_free(x);
    chirp_band_transform_destroy(t);
    return st;
}

static chirp_status check_transform(const void *arg, double *relative_error)
{
    (void)arg;
    chirp_band_transform *t = NULL;
    chirp_status st = chirp_band_transform_create(GRID, FIRST_BIN, BINS, &t);
    if (st != CHIRP_OK)
        return st;
    float *spectrum = chirp_calloc(2 * BINS, sizeof *spectrum),
          *work = chirp_calloc(chirp_band_transform_work(t), sizeof *work);
    float *x = chirp_alloc(LENGTH * sizeof *x);
    fftw_complex *full = chirp_calloc(GRID / 2 + 1, sizeof *full);
    double *want = chirp_alloc(GRID * sizeof *want);
    st = spectrum && work && x && full && want ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK) {
        chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_TEST, 0, 0), 0, 2 * BINS, spectrum);
        for (int k = 0; k < BINS; ++k) {
            full[FIRST_BIN + k][0] = (double)spectrum[2 * k];
            full[FIRST_BIN + k][1] = (double)spectrum[2 * k + 1];
        }
        chirp_band_transform_execute(t, spectrum, work, x);
        st = chirp_transform_inverse(GRID, full, want);
    }
    double difference = 0, square = 0;
    for (int j = 0; st == CHIRP_OK && j < LENGTH; ++j) {
        const double error = (double)x[j] - want[LENGTH + j];
        difference += error * error;
        square += want[LENGTH + j] * want[LENGTH + j];
    }
    if (st == CHIRP_OK) {
        *relative_error = sqrt(difference / square);
        if (!(*relative_error < 2e-6))
            st = chirp_fail(CHIRP_ERR_NUMERIC,
                            "the band transform is %.3g from FFTW's in double precision",
                            *relative_error);
    }
    chirp_free(spectrum);
    chirp_free(work);
    chirp_free(x);
    chirp_free(full);
    chirp_free(want);
    chirp_band_transform_destroy(t);
    return st;
}

static chirp_status run_random(chirp_bench *b, const void *arg)
{
    (void)arg;
    float *x = chirp_alloc((size_t)SIGNALS * 2 * BINS * sizeof *x);
    if (!x)
        return CHIRP_ERR_NOMEM;
    const int threads = chirp_bench_threads(b);
    while (chirp_bench_next(b)) {
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int64_t i = 0; i < SIGNALS; ++i)
            chirp_rng_normal(chirp_rng_stream(1, CHIRP_RNG_NOISE, 0, (uint64_t)i), 0, 2 * BINS,
                             x + i * 2 * BINS);
        chirp_bench_consume(x);
    }
    chirp_bench_items(b, SIGNALS);
    chirp_bench_label(b, "limit: the normal numbers of a signal and nothing else");
    chirp_free(x);
    return CHIRP_OK;
}

/* The consumer does nothing but take batches: what a training step would wait for at worst. */
static chirp_status run_prefetch(chirp_bench *b, const void *arg)
{
    (void)arg;
    chirp_generator *g = NULL;
    chirp_prefetch *p = NULL;
    chirp_status st = make_generator(&one_detector, chirp_bench_threads(b), &g);
    const chirp_prefetch_config config = {.source = chirp_generator_source,
                                          .context = g,
                                          .batch = SIGNALS,
                                          .row = LENGTH,
                                          .stride = SIGNALS,
                                          .depth = 4};
    if (st == CHIRP_OK)
        st = chirp_prefetch_create(&config, &p);
    while (st == CHIRP_OK && chirp_bench_next(b)) {
        chirp_batch batch;
        st = chirp_prefetch_next(p, &batch);
        chirp_bench_consume(batch.strain);
    }
    chirp_bench_items(b, SIGNALS);
    chirp_prefetch_destroy(p);
    chirp_generator_destroy(g);
    return st;
}

typedef struct read_case {
    int compress;
} read_case;
static const read_case plain = {0}, compressed = {1};

/* Shuffled batches from a file of 4096 signals, twice the rows that stay in memory. */
static chirp_status run_read(chirp_bench *b, const void *arg)
{
    enum { ROWS = 4096, READ_BATCHES = 32 };
    const read_case *c = arg;
    char *path = NULL;
    chirp_generator *g = NULL;
    chirp_dataset_writer *w = NULL;
    chirp_dataset *d = NULL;
    float *strain = chirp_alloc((size_t)SIGNALS * LENGTH * sizeof *strain);
    float label[SIGNALS * CHIRP_LABELS], snr[SIGNALS], parameters[SIGNALS * CHIRP_PARAMETERS];
    const chirp_dataset_options options = {
        .compress = c->compress, .chunk_rows = 16, .version = CHIRP_VERSION};
    chirp_status st =
        strain ? make_generator(&one_detector, chirp_bench_threads(b), &g) : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_scratch_path(".h5", &path);
    if (st == CHIRP_OK)
        st = chirp_dataset_create(path, g, &options, &w);
    for (uint64_t i = 0; st == CHIRP_OK && i < ROWS; i += SIGNALS) {
        st = chirp_generator_batch(g, i, SIGNALS, strain, label, snr, parameters);
        if (st == CHIRP_OK)
            st = chirp_dataset_write(w, SIGNALS, strain, label, snr, parameters);
    }
    const chirp_status closed = chirp_dataset_finish(w);
    st = st == CHIRP_OK ? closed : st;
    if (st == CHIRP_OK)
        st = chirp_dataset_open(path, &d);
    uint64_t at = 0;
    while (st == CHIRP_OK &&
           chirp_bench_next(
               b)) { /* an iteration reads what stays in memory: the file is read evenly */
        for (int batch = 0; st == CHIRP_OK && batch < READ_BATCHES; ++batch, at += SIGNALS)
            st = chirp_dataset_batch(d, 1, at, SIGNALS, strain, label, snr, parameters);
        chirp_bench_consume(strain);
    }
    chirp_bench_items(b, (double)SIGNALS * READ_BATCHES);
    chirp_bench_bytes(b, (double)SIGNALS * READ_BATCHES * LENGTH * sizeof(float));
    chirp_dataset_close(d);
    chirp_generator_destroy(g);
    chirp_free(strain);
    if (path)
        (void)unlink(path);
    chirp_free(path);
    return st;
}

const chirp_bench_entry chirp_suite_signal[] = {
    {.name = "signal/whole/one_detector/batch:64",
     .run = run_whole,
     .check = check_whole,
     .arg = &one_detector},
    {.name = "signal/whole/two_detectors/batch:64",
     .run = run_whole,
     .check = check_whole,
     .arg = &two_detectors},
    {.name = "signal/whole/noiseless/batch:64",
     .run = run_whole,
     .check = check_whole,
     .arg = &noiseless},
    {.name = "signal/stage/parameters/batch:64", .run = run_parameters},
    {.name = "signal/stage/peak/batch:64", .run = run_peak},
    {.name = "signal/stage/waveform/batch:64", .run = run_waveform, .check = check_waveform},
    {.name = "signal/limit/transform/batch:64", .run = run_transform, .check = check_transform},
    {.name = "signal/limit/random/batch:64", .run = run_random},
    {.name = "signal/prefetch/generator/batch:64", .run = run_prefetch},
    {.name = "signal/read/plain/signals:2048", .run = run_read, .arg = &plain},
    {.name = "signal/read/compress1/signals:2048", .run = run_read, .arg = &compressed},
    {0},
};
