/* chirpbench generate: data sets of training signals, and strain files with one injected signal. */
#include "harness/base/file.h"
#include "harness/base/launch.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/base/signals.h"
#include "harness/progress/progress.h"
#include "model/signal/dataset.h"
#include "model/signal/parameters.h"
#include "model/signal/phenomd.h"
#include "model/signal/prefetch.h"
#include "model/signal/strain.h"
#include "suites/command.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 128 };

typedef struct generation {
    chirp_signal_config signal;
    int64_t count, first, deflate, chunk, split;
    const char *out;
    bool append, resume, overwrite, quiet;
    chirp_strain_spec strain;
    const char *strain_path;
    double strain_snr;
} generation;

/* "set.h5" of part 2 of 4: "set-00002-of-00004.h5" */
static char *part_path(const char *path, int64_t part, int64_t parts)
{
    const size_t room = strlen(path) + 48;
    char *name = chirp_alloc(room);
    if (!name)
        return NULL;
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    const size_t stem = dot && (!slash || dot > slash + 1) ? (size_t)(dot - path) : strlen(path);
    if (parts == 1)
        (void)snprintf(name, room, "%s", path);
    else
        (void)snprintf(name, room, "%.*s-%05lld-of-%05lld%s", (int)stem, path, (long long)part,
                       (long long)parts, path + stem);
    return name;
}

static bool exists(const char *path) { return access(path, F_OK) == 0; }

/* A data set in the making. */
typedef struct output {
    const char *path;
    bool sink;     /* a device or a pipe, which can't be read again */
    bool has_old;  /* `path` has signals that stay */
    bool went_on;  /* with what an earlier process left in `partial` */
    char *partial; /* where rows are collected */
    chirp_dataset_writer *writer;
} output;

/* Adds rows until the file has `rows`; a thread makes the next batch while this one is written. */
static chirp_status fill(const generation *g, chirp_generator *generator, const output *o,
                         int64_t rows)
{
    chirp_dataset_writer *writer = o->writer;
    uint64_t next = 0;
    int64_t done = chirp_dataset_written(writer, &next);
    const int64_t todo = rows - done;
    if (todo <= 0)
        return CHIRP_OK;
    const chirp_prefetch_config config = {.source = chirp_generator_source,
                                          .context = generator,
                                          .batch = BATCH,
                                          .row = g->signal.length * g->signal.n_detectors,
                                          .first = next,
                                          .stride = BATCH,
                                          .n_batches = (todo + BATCH - 1) / BATCH,
                                          .depth = 3};
    chirp_prefetch *prefetch = NULL;
    chirp_status st = chirp_prefetch_create(&config, &prefetch);
    chirp_progress *progress = g->quiet ? NULL : chirp_progress_begin("generate", rows);
    chirp_progress_start_at(progress, done);
    while (st == CHIRP_OK && done < rows && !chirp_stop_signal()) {
        chirp_batch b;
        st = chirp_prefetch_next(prefetch, &b);
        const int64_t n = rows - done < b.n ? rows - done : b.n;
        if (st == CHIRP_OK)
            st = chirp_dataset_write(writer, n, b.strain, b.label, b.snr, b.parameters);
        done += n;
        if (st == CHIRP_OK)
            chirp_progress_update(progress, done, NULL);
    }
    chirp_progress_end(progress);
    chirp_prefetch_destroy(prefetch);
    if (st == CHIRP_OK && done < rows && g->append && o->has_old)
        st = chirp_fail(CHIRP_ERR_INTERRUPTED,
                        "interrupted after %lld of %lld signals of %s, which has what it had: the "
                        "same command with --resume --count %lld in place of --append goes on",
                        (long long)done, (long long)rows, o->path, (long long)rows);
    else if (st == CHIRP_OK && done < rows)
        st = chirp_fail(
            CHIRP_ERR_INTERRUPTED,
            "interrupted after %lld of %lld signals of %s: the same command with --resume goes on",
            (long long)done, (long long)rows, o->path);
    return st;
}

/* An empty data set where rows are collected. */
static chirp_status start_afresh(const generation *g, const chirp_generator *generator,
                                 uint64_t first, output *o)
{
    const chirp_dataset_options options = {.first_index = first,
                                           .compress = (int)g->deflate,
                                           .chunk_rows = g->chunk,
                                           .version = CHIRP_VERSION};
    chirp_status st = chirp_file_writable(o->path);
    if (st == CHIRP_OK && !o->sink)
        st = chirp_file_create(o->partial, o->path);
    return st == CHIRP_OK ? chirp_dataset_create(o->partial, generator, &options, &o->writer) : st;
}

/* A copy of the old signals: the file itself stays whole whatever happens until the copy is complete. */
static chirp_status start_from_old(const chirp_generator *generator, output *o)
{
    chirp_status st = chirp_file_create(o->partial, o->path);
    if (st != CHIRP_OK)
        return st;
    st = chirp_file_copy(o->path, o->partial);
    if (st == CHIRP_OK)
        st = chirp_dataset_append(o->partial, generator, &o->writer);
    if (st != CHIRP_OK)
        (void)unlink(o->partial);
    return st;
}

static void note_damage(void)
{
    (void)fprintf(stderr, "chirpbench: note: %s; its signals are made again\n",
                  chirp_error_message());
}

/*
 * Goes on with FILE.partial when it has at least `least` rows. A process that is killed in the middle of a write can leave it
 * in a state that HDF5 doesn't read; it is then made again.
 */
static chirp_status go_on(const chirp_generator *generator, int64_t least, output *o)
{
    int64_t rows = 0;
    if (!exists(o->partial))
        return CHIRP_OK;
    chirp_status st = chirp_dataset_count(o->partial, generator, &rows);
    if (st == CHIRP_OK && rows >= least)
        st = chirp_dataset_append(o->partial, generator, &o->writer);
    o->went_on = o->writer != NULL;
    if (st != CHIRP_ERR_FORMAT)
        return st;
    note_damage();
    return CHIRP_OK;
}

/* Where rows are collected: FILE.partial, which a killed run leaves to --resume; for a device or a pipe a file in TMPDIR. */
static chirp_status partial_path(const generation *g, output *o)
{
    if (!o->sink)
        return chirp_file_beside(o->path, ".partial", &o->partial);
    if (g->append || g->resume)
        return chirp_fail(CHIRP_ERR_ARG,
                          "%s: is a device or a pipe, which keeps no signals; leave out --append "
                          "and --resume",
                          o->path);
    return chirp_file_temporary(o->path, &o->partial);
}

/* Opens the file that gets rows until it has *rows of them; without a writer there is nothing to do. */
static chirp_status start(const generation *g, const chirp_generator *generator, uint64_t first,
                          output *o, int64_t *rows)
{
    int64_t have = 0;
    chirp_status st = partial_path(g, o);
    if (st == CHIRP_OK && o->has_old && !g->append && !g->resume)
        st = chirp_fail(
            CHIRP_ERR_ARG,
            "%s exists: --append adds signals, --resume completes it, --overwrite replaces it",
            o->path);
    if (st == CHIRP_OK && o->has_old)
        st = chirp_dataset_count(o->path, generator, &have);
    if (st != CHIRP_OK)
        return st;
    if (g->append)
        *rows += have;
    if (o->has_old && have >= *rows) {
        *rows = have;
        return CHIRP_OK;
    }
    if (g->resume)
        st = go_on(generator, have, o);
    if (st != CHIRP_OK || o->writer)
        return st;
    return o->has_old ? start_from_old(generator, o) : start_afresh(g, generator, first, o);
}

/* Rows are collected beside FILE, which only ever is replaced by a complete one. */
static chirp_status collect(const generation *g, chirp_generator *generator, int64_t *rows,
                            uint64_t first, output *o)
{
    chirp_status st = start(g, generator, first, o, rows);
    if (!o->writer) /* nothing to do, or not possible */
        return st;
    st = fill(g, generator, o, *rows);
    *rows = chirp_dataset_written(o->writer, NULL);
    const chirp_status closed = chirp_dataset_finish(o->writer);
    o->writer = NULL;
    if (st == CHIRP_OK)
        st = closed;
    if (st == CHIRP_OK && o->went_on) { /* reads all rows: damage may also harm those added later */
        st = chirp_dataset_append(o->partial, generator, &o->writer);
        (void)chirp_dataset_finish(o->writer); /* nothing was written */
        o->writer = NULL;
    }
    if (st != CHIRP_OK)
        return st;
    st = chirp_file_commit(o->partial, o->path); /* frees the name */
    o->partial = NULL;
    return st;
}

static chirp_status one_file(const generation *g, chirp_generator *generator, const char *path,
                             int64_t rows, uint64_t first)
{
    output o = {.path = path, .sink = chirp_file_is_sink(path)};
    o.has_old = exists(path) && !o.sink && !g->overwrite;
    int64_t have = rows;
    chirp_status st = collect(g, generator, &have, first, &o);
    if (st == CHIRP_ERR_FORMAT && o.went_on) { /* damage that shows only when rows are added */
        note_damage();
        (void)unlink(o.partial);
        chirp_free(o.partial);
        o.partial = NULL;
        have = rows;
        st = collect(g, generator, &have, first, &o);
    }
    if (st == CHIRP_OK && !g->quiet)
        printf("%s: %lld signals\n", path, (long long)have);
    if (o.sink)
        chirp_file_discard(o.partial);
    else
        chirp_free(o.partial);
    return st;
}

static chirp_status make_set(const generation *g)
{
    if (g->append && g->overwrite)
        return chirp_fail(CHIRP_ERR_ARG, "--append and --overwrite exclude each other");
    if (g->append && g->resume)
        return chirp_fail(
            CHIRP_ERR_ARG,
            "--append and --resume exclude each other: --resume completes --count signals");
    if (chirp_signal_config_warning(&g->signal))
        (void)fprintf(stderr, "chirpbench: warning: %s\n", chirp_signal_config_warning(&g->signal));
    chirp_generator *generator = NULL;
    chirp_status st = chirp_generator_create(&g->signal, &generator);
    if (st != CHIRP_OK)
        return st;
    chirp_signals before;
    chirp_stop_begin(&before, NULL);
    for (int64_t part = 0; st == CHIRP_OK && part < g->split; ++part) {
        const int64_t from = g->count * part / g->split, to = g->count * (part + 1) / g->split;
        char *path = part_path(g->out, part, g->split);
        st = path ? one_file(g, generator, path, to - from, (uint64_t)(g->first + from))
                  : CHIRP_ERR_NOMEM;
        chirp_free(path);
    }
    chirp_stop_end(&before);
    chirp_generator_destroy(generator);
    return st;
}

static chirp_status make_strain(generation *g)
{
    chirp_strain_spec *s = &g->strain;
    chirp_phenomd model;
    chirp_status st = chirp_phenomd_prepare(&s->binary, &model);
    if (st != CHIRP_OK)
        return st;
    if (chirp_phenomd_warning(&model))
        (void)fprintf(stderr, "chirpbench: warning: %s\n", chirp_phenomd_warning(&model));
    s->snr = g->strain_snr;
    s->seed = g->signal.seed;
    s->psd_path = g->signal.psd_path;
    /* the files of the public catalogue begin on a whole second about half their length before the event */
    s->gps_start = floor(s->gps_merger) - (double)(s->duration_s / 2);
    if (exists(g->strain_path) && !chirp_file_is_sink(g->strain_path) && !g->overwrite)
        return chirp_fail(CHIRP_ERR_ARG, "%s exists: --overwrite replaces it", g->strain_path);
    st = chirp_strain_write(g->strain_path, s);
    if (st == CHIRP_OK && !g->quiet)
        printf("%s: %lld s of %s from GPS %.0f, merger at GPS %.4f, SNR %g\n", g->strain_path,
               (long long)s->duration_s, s->detector, s->gps_start, s->gps_merger, s->snr);
    return st;
}

#define STRAIN .group = "Strain file with one signal (--strain)"

static int run(int argc, char **argv)
{
    generation g = {.signal = chirp_signal_config_default(),
                    .count = 10000,
                    .chunk = 16,
                    .split = 1,
                    .strain = chirp_strain_spec_default(),
                    .strain_snr = 24};
    chirp_signal_config *c = &g.signal;
    chirp_strain_spec *s = &g.strain;
    const chirp_option table[] = {
        {"out", CHIRP_OPTION_STRING, &g.out, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "data set (HDF5) to write"},
        {"count", CHIRP_OPTION_INT, &g.count, .metavar = "N", .min = 1, .max = 1e9,
         .help = "signals in all, or to add with --append"},
        {"first", CHIRP_OPTION_INT, &g.first, .metavar = "N", .min = 0, .max = 1e12,
         .help = "index of the first signal of the seed"},
        {"seed", CHIRP_OPTION_UINT64, &c->seed, .metavar = "N", .min = 0, .max = 9e15,
         .help = "of signals and noise"},
        {"append", CHIRP_OPTION_FLAG, &g.append,
         .help = "add --count signals to an existing FILE, by way of a copy"},
        {"resume", CHIRP_OPTION_FLAG, &g.resume,
         .help = "go on with an interrupted FILE until it has --count signals"},
        {"overwrite", CHIRP_OPTION_FLAG, &g.overwrite, .help = "replace an existing FILE"},
        {"split", CHIRP_OPTION_INT, &g.split, .metavar = "N", .min = 1, .max = 65536,
         .help = "files, one for each rank: FILE-00000-of-0000N"},
        {"deflate", CHIRP_OPTION_INT, &g.deflate, .metavar = "LEVEL", .min = 0, .max = 9,
         .help = "compression level of the file; noise shrinks by a tenth only"},
        {"chunk", CHIRP_OPTION_INT, &g.chunk, .metavar = "N", .min = 1, .max = 2048,
         .help = "signals in an HDF5 chunk"},
        {"threads", CHIRP_OPTION_INT32, &c->n_threads, .metavar = "N", .min = 0, .max = 4096,
         .help = "0: OMP_NUM_THREADS or all cores"},
        {"quiet", CHIRP_OPTION_FLAG, &g.quiet, .help = "no progress"},
        {"strain", CHIRP_OPTION_STRING, &g.strain_path, .metavar = "FILE",
         .file = CHIRP_FILE_WRITTEN,
         .help = "instead: a strain file (GWOSC layout) with one signal in design noise", STRAIN},
        {"mass1", CHIRP_OPTION_REAL, &s->binary.m1_msun, .metavar = "M", .min = 1, .max = 1e4,
         .help = "detector frame [solar masses]", STRAIN},
        {"mass2", CHIRP_OPTION_REAL, &s->binary.m2_msun, .metavar = "M", .min = 1, .max = 1e4,
         .help = "detector frame [solar masses]", STRAIN},
        {"spin1", CHIRP_OPTION_REAL, &s->binary.chi1, .metavar = "CHI", .min = -1, .max = 1,
         .help = "along the orbital angular momentum", STRAIN},
        {"spin2", CHIRP_OPTION_REAL, &s->binary.chi2, .metavar = "CHI", .min = -1, .max = 1,
         .help = "along the orbital angular momentum", STRAIN},
        {"snr", CHIRP_OPTION_REAL, &g.strain_snr, .metavar = "RHO", .min = 0, .max = 1e6,
         .help = "optimal, 20 to 1000 Hz; 0 for noise alone", STRAIN},
        {"gps", CHIRP_OPTION_REAL, &s->gps_merger, .metavar = "T", .min = 3000, .max = 1e10,
         .help = "of the merger [s]", STRAIN},
        {"duration", CHIRP_OPTION_INT, &s->duration_s, .metavar = "S", .min = 4, .max = 4096,
         .help = "length of the file [s]", STRAIN},
        {"strain-rate", CHIRP_OPTION_REAL, &s->sample_rate_hz, .metavar = "R", .min = 2048,
         .max = 65536, .help = "samples per second [Hz]", STRAIN},
        {"detector", CHIRP_OPTION_STRING, &s->detector, .metavar = "NAME",
         .help = "name of the detector in the file", STRAIN},
    };
    const chirp_usage usage = {"generate", NULL,
                               "Writes a data set of whitened noisy signals with labels (HDF5, "
                               "h5py reads it), or with --strain a strain file.\n"
                               "Signal i of a seed is always the same one, so --append and "
                               "--resume go on where a file ends.",
                               table, sizeof table / sizeof table[0]};
    const chirp_option_table signals = {chirp_signal_option, CHIRP_SIGNAL_OPTIONS, c, NULL, NULL};
    chirp_status st = chirp_options_parse_tables(&usage, &signals, 1, argc, argv);
    if (st == CHIRP_OK)
        st = chirp_refuse_ranks("generate");
    if (st == CHIRP_OK) {
        if (!g.out == !g.strain_path)
            st = chirp_fail(
                CHIRP_ERR_ARG,
                "generate: --out FILE for a data set, or --strain FILE for a strain file");
        else
            st = g.out ? make_set(&g) : make_strain(&g);
    }
    return chirp_command_exit(st);
}

const chirp_command chirp_command_generate = {
    "generate", "writes a data set of signals, or a strain file with one signal", run};
