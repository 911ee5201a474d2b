/* Which commands a preset runs. */
#include "suites/commands/study/study.h"

#include "harness/base/memory.h"
#include "harness/base/text.h"
#include "kernels/conv1d/conv1d.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

/* What a preset asks of each step. */
typedef struct preset {
    const char *name;
    const char *bench[8]; /* flags of bench, NULL-terminated */
    int64_t batch, iterations, checkpoint_every;
    double train_s; /* limit of a training run; 0: none */
    bool mass;      /* trains the second network too */
    bool all_ranks; /* as many ranks as processors, else two */
    int64_t samples;
    int64_t adapt_steps;    /* of the project's networks on the strain's noise curve */
    const char *train[8];   /* more options of train, NULL-terminated */
    const char *scale[8];   /* options of scale, the batch first, NULL-terminated */
    const char *project[8]; /* options of project, NULL-terminated */
} preset;

#define OR(constant, name) #name "|" /* of a regular expression */

static const preset presets[] = {
    /* Every layer, algorithm and peer that the page compares, Bayesian beside deterministic; small batches in training:
       in four minutes many small steps learn more than few large ones. */
    {.name = "quick",
     .bench = {"--benchmark_filter=^reference/(fma|triad)"
               "|^conv1d/(forward|backward_data|backward_weights)/(" CHIRP_CONV1D_FAST_ENGINES(
                   OR) "onednn)/"
                       "conv[1-7]/batch:64/threads"
                       "|^dense/step/[a-z]+/leaf.dense[123]/batch:64/threads|^network/"
                       "(train_step|forward)/"
                       "|^network/posterior/"
                       ".*samples:1000/"
                       "|^signal/(whole/one|stage)",
               "--benchmark_min_time=0.05s", "--benchmark_repetitions=3", NULL},
     .batch = 16,
     .iterations = 1500,
     .checkpoint_every = 100,
     .train_s = 240,
     .samples = 1000,
     .adapt_steps = 400,
     /* the default settings leave the guess of the prior's median later than four minutes allow */
     .train = {"--preset", "study", NULL},
     .scale = {"--batch", "16", NULL},
     .project = {"--nodes", "1,2,4,8,16,32,64,128,256,512,1024", NULL}},
    {.name = "paper",
     .bench = {"--benchmark_repetitions=9", NULL},
     .batch = 64,
     .iterations = 120000,
     .checkpoint_every = 500,
     .mass = true,
     .all_ranks = true,
     .samples = 10000,
     .adapt_steps = 2000,
     .train = {"--preset", "study", NULL},
     .scale = {"--batch", "64", NULL},
     .project = {"--nodes", "1,2,4,8,16,32,64,128,256,512,1024,2048,4096", NULL}},
    /* does every step run? its numbers mean nothing */
    {.name = "smoke",
     .bench = {"--benchmark_filter=^conv1d/forward/direct/conv[57]/batch:64/threads|^dense/forward/"
               ".*/leaf.dense2/",
               "--benchmark_dry_run", NULL},
     .batch = 2,
     .iterations = 3,
     .checkpoint_every = 1,
     .samples = 20,
     .adapt_steps = 1,
     .train = {"--validation-signals", "4", NULL},
     .scale = {"--batch", "2", "--repetitions", "1", "--steps", "1", NULL},
     .project = {"--nodes", "1,8", "--steps", "2", NULL}},
};

static const preset *find_preset(const char *name)
{
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; ++i)
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    return &presets[0];
}

/* Takes over an allocated word; NULL or one too many shows as n_words = -1. */
static void take(chirp_step *step, char *text)
{
    if (text && step->n_words >= 0 && step->n_words < CHIRP_STUDY_WORDS - 1) {
        step->word[step->n_words++] = text;
        return;
    }
    chirp_free(text);
    for (int i = 0; i < step->n_words; ++i)
        chirp_free(step->word[i]);
    step->n_words = -1;
}

/* Appends a word (printf). */
static void word(chirp_step *step, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void word(chirp_step *step, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = chirp_formatv(format, args);
    va_end(args);
    take(step, text);
}

static void words(chirp_step *step, const char *const *list)
{
    for (; *list; ++list)
        word(step, "%s", *list);
}

/* A step that runs this program's `command`. @param product  file in the study's folder, or NULL */
static chirp_step *add(chirp_study *s, const char *name, const char *command, int ranks,
                       const char *product)
{
    chirp_step *step =
        &s->step[s->n_steps < CHIRP_STUDY_STEPS ? s->n_steps++ : CHIRP_STUDY_STEPS - 1];
    step->name = chirp_strdup(name);
    step->product = product ? chirp_format("%s/%s", s->options.folder, product) : NULL;
    if (!step->name || (product && !step->product))
        take(step, NULL);
    if (ranks > 0) {
        word(step, "%s", CHIRP_MPIEXEC);
        word(step, "-n");
        word(step, "%d", ranks);
    }
    word(step, "%s", s->program);
    word(step, "%s", command);
    return step;
}

static void number(chirp_step *step, const char *name, int64_t value)
{
    word(step, "--%s", name);
    word(step, "%lld", (long long)value);
}

static void in_folder(const chirp_study *s, chirp_step *step, const char *name, const char *file)
{
    word(step, "--%s", name);
    word(step, "%s/%s", s->options.folder, file);
}

static void plan_bench(chirp_study *s, const preset *p)
{
    chirp_step *step = add(s, "bench", "bench", 0, "bench.json");
    words(step, p->bench);
    word(step, "--benchmark_out=%s/bench.json", s->options.folder);
    word(step, "--benchmark_out_format=json");
    if (s->options.threads)
        number(step, "threads", s->options.threads);
}

static void plan_train(chirp_study *s, const preset *p, const char *network)
{
    char file[64];
    chirp_step *step = NULL;
    (void)snprintf(file, sizeof file, "train_%s.h5", network);
    char name[64];
    (void)snprintf(name, sizeof name, "train_%s", network);
    step = add(s, name, "train", 0, file);
    step->may_stop_early = true;
    step->resumable = chirp_format("%s/%s", s->options.folder, file);
    word(step, "--network");
    word(step, "%s", network);
    number(step, "batch", p->batch);
    number(step, "iterations", p->iterations);
    number(step, "seed", s->options.seed);
    if (!s->simulated) { /* the noise curve of the data that infer reads */
        word(step, "--psd");
        word(step, "%s", s->strain);
    }
    const double limit = s->options.train_s > 0 ? s->options.train_s : p->train_s;
    if (limit > 0) {
        word(step, "--max-seconds");
        word(step, "%g", limit);
    }
    if (s->options.threads)
        number(step, "threads", s->options.threads);
    (void)snprintf(file, sizeof file, "train_%s.jsonl", network);
    step->log_of_run = chirp_format("%s/%s", s->options.folder, file);
    in_folder(s, step, "log", file);
    (void)snprintf(file, sizeof file, "train_%s.h5", network);
    in_folder(s, step, "checkpoint", file);
    number(step, "checkpoint-every", p->checkpoint_every);
    words(step, p->train);
    if (!step->resumable || !step->log_of_run)
        take(step, NULL);
}

/* The event that infer reads, and where its answer goes. */
static void add_event(const chirp_study *s, const preset *p, chirp_step *step, const char *file)
{
    word(step, "--strain");
    word(step, "%s", s->strain);
    word(step, "--gps");
    word(step, "%.15g", s->gps);
    number(step, "samples", p->samples);
    number(step, "seed", s->options.seed);
    in_folder(s, step, "json", file);
}

static void plan_infer(chirp_study *s, const preset *p, const char *network)
{
    char name[64];
    char file[64];
    (void)snprintf(name, sizeof name, "infer_%s", network);
    (void)snprintf(file, sizeof file, "infer_%s.json", network);
    chirp_step *step = add(s, name, "infer", 0, file);
    step->needs[0] = strcmp(network, "mass") == 0 ? "train_mass" : "train_spin";
    step->needs[1] = s->simulated ? "generate" : NULL;
    (void)snprintf(name, sizeof name, "train_%s.h5", network);
    in_folder(s, step, "checkpoint", name);
    add_event(s, p, step, file);
}

/* What a network of the project's reads in the same strain, and the exact posterior beside it. */
static void plan_read(chirp_study *s, const preset *p, const char *network, const char *adapt,
                      const char *read)
{
    char file[64];
    if (!s->simulated) { /* that was trained on the design curve, the data have another */
        (void)snprintf(file, sizeof file, "%s.h5", adapt);
        chirp_step *step = add(s, adapt, "adapt", 0, file);
        word(step, "--network");
        word(step, "%s", network);
        word(step, "--psd");
        word(step, "%s", s->strain);
        number(step, "iterations", p->adapt_steps);
        if (s->options.threads)
            number(step, "threads", s->options.threads);
        in_folder(s, step, "checkpoint", file);
    }
    (void)snprintf(file, sizeof file, "%s.json", read);
    chirp_step *step = add(s, read, "infer", 0, file);
    step->needs[0] = s->simulated ? "generate" : adapt;
    if (s->simulated) {
        word(step, "--network");
        word(step, "%s", network);
    } else {
        word(step, "--checkpoint");
        word(step, "%s/%s.h5", s->options.folder, adapt);
    }
    word(step, "--exact");
    add_event(s, p, step, file);
}

static void plan_generate(chirp_study *s)
{
    chirp_step *step = add(s, "generate", "generate", 0, "injected.hdf5");
    in_folder(s, step, "strain", "injected.hdf5");
    static const char *const rest[] = {"--mass1", "36", "--mass2",     "29",
                                       "--snr",   "24", "--overwrite", NULL};
    words(step, rest);
    word(step, "--gps");
    word(step, "%.15g", s->gps);
    number(step, "seed", s->options.seed + 1); /* not noise that training saw */
}

static void plan_scale(chirp_study *s, const preset *p, int processors)
{
    /* one job measures every power of two of its ranks */
    const int ranks = p->all_ranks && processors > 2 ? processors : 2;
    chirp_step *step = add(s, "scale", "scale", ranks, "scale.json");
    word(step, "--mode");
    word(step, "weak");
    words(step, p->scale);
    number(step, "threads", processors > ranks ? processors / ranks : 1);
    in_folder(s, step, "json", "scale.json");
    in_folder(s, step, "machine-out", "here.json");
    /* what the projections are worth: this machine's own, beside the training that was measured */
    step = add(s, "project_here", "project", 0, "project_here.json");
    step->needs[0] = "scale";
    in_folder(s, step, "machine", "here.json");
    word(step, "--nodes");
    word(step, ranks > 2 ? "1,2,%d" : "1,%d", ranks);
    words(step, (const char *const[]){"--batch", p->scale[1], NULL});
    number(step, "steps", 8);
    in_folder(s, step, "json", "project_here.json");
}

static void plan_project(chirp_study *s, const preset *p, const char *name,
                         const char *const *options)
{
    char file[64];
    (void)snprintf(file, sizeof file, "%s.json", name);
    chirp_step *step = add(s, name, "project", 0, file);
    word(step, "--machine");
    word(step, "theta");
    words(step, p->project);
    words(step, options);
    in_folder(s, step, "json", file);
}

chirp_status chirp_study_plan(chirp_study *s)
{
    static const char *const study_mode[] = {"--exchange", "horovod", NULL};
    static const char *const overlap[] = {"--exchange", "overlap", NULL};
    static const char *const ours[] = {"--exchange", "halving", "--shares", "measured", NULL};
    const preset *p = find_preset(s->options.preset);
    in_folder(s, add(s, "doctor", "doctor", 0, "doctor.json"), "json", "doctor.json");
    plan_bench(s, p);
    if (s->simulated)
        plan_generate(s);
    plan_train(s, p, "spin");
    plan_infer(s, p, "spin");
    if (p->mass) {
        plan_train(s, p, "mass");
        plan_infer(s, p, "mass");
    }
    plan_read(s, p, "spin", "adapt_spin", "read_spin");
    plan_read(s, p, "mass", "adapt_mass", "read_mass");
    plan_scale(s, p, s->options.threads > 0 ? (int)s->options.threads : s->processors);
    plan_project(s, p, "project_study", study_mode);
    plan_project(s, p, "project_overlap", overlap);
    plan_project(s, p, "project_halving", ours);
    chirp_step *report = add(s, "report", "report", 0, "report.html");
    word(report, "%s", s->options.folder);
    for (int i = 0; i < s->n_steps; ++i)
        if (s->step[i].n_words < 0)
            return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the steps of the study");
    return CHIRP_OK;
}

static bool plain_word(const char *text)
{
    static const char safe[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+%@";
    return *text && text[strspn(text, safe)] == '\0';
}

char *chirp_step_command(const chirp_step *step, const char *program, const char *shown)
{
    chirp_text t = {0};
    for (int i = 0; i < step->n_words; ++i) {
        const char *w = strcmp(step->word[i], program) == 0 ? shown : step->word[i];
        chirp_text_append(&t, i ? " " : "");
        if (plain_word(w))
            chirp_text_append(&t, w);
        else
            chirp_text_append_quoted(&t, w);
    }
    if (t.failed)
        chirp_text_clear(&t);
    return t.bytes;
}
