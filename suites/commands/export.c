/* chirpbench export: a checkpoint as a compact network file, and what the rounding costs. */
#include "suites/commands/calibration.h"

#include "harness/base/file.h"
#include "harness/base/launch.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/base/text.h"
#include "harness/stats/stats.h"
#include "model/training/export.h"
#include "suites/command.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Of an answer's 90 % interval, if it is normal. */
static const double WIDTH_IN_STD = 3.2897072539029435;
/* A shift of a median beyond this share of its standard deviation is worth a warning. */
static const double SHIFT_MOST = 0.1;

typedef struct export
{
    const char *checkpoint, *out, *note;
    int64_t signals, seed, threads;
    int64_t distance; /* signals behind that of features; 0: it stays as it is */
    chirp_trained trained;
    calibration_trial trial;
    double snr[2];
    chirp_answer *before;                           /* [leaves][signals] */
    chirp_calibration_row row[2][CHIRP_MAX_LEAVES]; /* before and after rounding */
    double shift[CHIRP_MAX_LEAVES]; /* largest of a median, in standard deviations */
    chirp_text command, rounding;
}
export;

/* Row `after` of the table, of the network as it is now. */
static chirp_status validate(export *e, int after)
{
    const chirp_train_config *config = &e->trained.record.config;
    calibration_destroy(&e->trial);
    e->trial = (calibration_trial){.trained = &e->trained,
                                   .signals = e->signals,
                                   .samples = 1000,
                                   .seed = (uint64_t)e->seed,
                                   .n_threads = (int)e->threads,
                                   .signal = chirp_trained_signals(&e->trained)};
    e->snr[0] = config->signal.snr_min;
    e->snr[1] = config->signal.snr_max;
    chirp_status st = calibration_create(e->checkpoint, &e->trial);
    if (st == CHIRP_OK)
        st = calibration_ask(&e->trial, 0, e->snr, CALIBRATION_TEST);
    for (int leaf = 0; leaf < e->trained.spec->n_leaves && st == CHIRP_OK; ++leaf)
        st = calibration_row(&e->trial, leaf, e->snr, &e->row[after][leaf]);
    return st;
}

/* The same signals and draws before and after: what differs is rounding. */
static chirp_status round_and_compare(export *e)
{
    const int leaves = e->trained.spec->n_leaves;
    chirp_network *net = e->trained.net;
    chirp_status st = validate(e, 0);
    if (st != CHIRP_OK)
        return st;
    e->before = e->trial.answer;
    e->trial.answer = NULL;
    st = chirp_half_round(e->checkpoint, chirp_network_parameters(net),
                          chirp_network_parameter_count(net));
    chirp_network_parameters_changed(net);
    if (st == CHIRP_OK)
        st = validate(e, 1);
    for (int64_t i = 0; i < leaves * e->signals && st == CHIRP_OK; ++i) {
        const double std = e->before[i].width_90 / WIDTH_IN_STD;
        double *shift = &e->shift[i / e->signals];
        *shift = fmax(*shift, fabs(e->trial.answer[i].median - e->before[i].median) / std);
    }
    return st;
}

static long long size_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (long long)info.st_size : 0;
}

static void print_table(export *e)
{
    printf("%s  %lld bytes, half precision, from %s with %lld\n", e->out, size_of(e->out),
           e->checkpoint, size_of(e->checkpoint));
    printf("%" PRId64 " fresh signals, SNR %g to %g\n\n%-8s %8s %8s %8s %8s %8s %8s %12s\n",
           e->signals, e->snr[0], e->snr[1], "", "error", "rounded", "guess", "NLL", "rounded",
           "CRPS", "median moves");
    for (int leaf = 0; leaf < e->trained.spec->n_leaves; ++leaf) {
        const chirp_calibration_row *a = &e->row[0][leaf];
        const chirp_calibration_row *b = &e->row[1][leaf];
        printf("%-8s %8.4f %8.4f %8.4f %8.3f %8.3f %8.3g %8.4f std\n", a->parameter, a->error,
               b->error, a->guess_error, a->nll, b->nll, b->crps, e->shift[leaf]);
        if (e->shift[leaf] > SHIFT_MOST)
            (void)fprintf(stderr,
                          "chirpbench: warning: %s: rounding moves a median of %s by %.2f standard "
                          "deviations\n",
                          e->out, a->parameter, e->shift[leaf]);
    }
}

static chirp_status write_file(export *e)
{
    chirp_calibration_file file = calibration_file(&e->trial, e->out);
    file.row = e->row[1];
    file.count = (size_t)e->trained.spec->n_leaves;
    char *validation = chirp_calibration_file_text(&file);
    for (int leaf = 0; leaf < e->trained.spec->n_leaves; ++leaf)
        chirp_text_appendf(
            &e->rounding, "%s%s: error %.6f before, largest move of a median %.4f std",
            leaf ? "; " : "", e->row[0][leaf].parameter, e->row[0][leaf].error, e->shift[leaf]);
    chirp_status st = validation && !e->command.failed && !e->rounding.failed
                          ? CHIRP_OK
                          : chirp_fail(CHIRP_ERR_NOMEM, "%s: no memory for what it says", e->out);
    if (st == CHIRP_OK) {
        const char *const text[] = {
            "command",         e->command.bytes,        "validation", validation, "rounding",
            e->rounding.bytes, e->note ? "note" : NULL, e->note,      NULL};
        st = chirp_trained_export(e->checkpoint, e->out, &e->trained,
                                  chirp_network_parameters(e->trained.net), text);
    }
    cJSON_free(validation);
    return st;
}

static chirp_status export_network(export *e)
{
    chirp_status st = chirp_file_writable(e->out);
    if (st == CHIRP_OK)
        st = chirp_trained_load(e->checkpoint, 1, (int)e->threads, &e->trained);
    if (st == CHIRP_OK)
        st = round_and_compare(e);
    if (st == CHIRP_OK && e->distance)
        st = calibration_distance(&e->trial, e->distance);
    if (st == CHIRP_OK)
        st = write_file(e);
    if (st == CHIRP_OK)
        print_table(e);
    return st;
}

static int run(int argc, char **argv)
{
    int n_rest = 0;
    export e = {.signals = 256, .distance = 2000};
    const chirp_option table[] = {
        {"out", CHIRP_OPTION_STRING, &e.out, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .required = true, .help = "compact network file to write"},
        {"note", CHIRP_OPTION_STRING, &e.note, .metavar = "TEXT",
         .help = "text to keep in the file, such as the command that trained the network"},
        {"signals", CHIRP_OPTION_INT, &e.signals, .metavar = "N", .min = 10, .max = 1e6,
         .help = "fresh signals to measure the network on, before and after rounding"},
        {"distance", CHIRP_OPTION_INT, &e.distance, .metavar = "N", .min = 0, .max = 1e6,
         .help = "fresh signals to measure the distance of features with, by which infer tells "
                 "windows unlike training, and as many for its limit; 0: it isn't measured"},
        {"seed", CHIRP_OPTION_INT, &e.seed, .metavar = "N", .min = 0, .max = 9e15,
         .help = "seed of these signals"},
        {"threads", CHIRP_OPTION_INT, &e.threads, .metavar = "N", .min = 0, .max = 1024,
         .help = "0: OMP_NUM_THREADS or all cores"},
    };
    const chirp_usage usage = {
        "export", "CHECKPOINT",
        "Writes a checkpoint without optimiser state, in half precision and compressed, with its "
        "errors on fresh signals inside.\ninfer and calibrate read it as any checkpoint. infer "
        "--network "
        "finds spin.h5 and mass.h5 in $CHIRPBENCH_NETWORKS,\nbeside the installed program, or in "
        "the "
        "source tree's folder networks.",
        table, sizeof table / sizeof table[0]};
    chirp_text_append(&e.command, "chirpbench");
    for (int i = 0; i < argc; ++i) /* before the parser moves them */
        chirp_text_appendf(&e.command, " %s", argv[i]);
    chirp_status st = chirp_options_parse(&usage, argc, argv, &n_rest);
    if (st == CHIRP_OK && n_rest != 1)
        st = chirp_fail(CHIRP_ERR_ARG,
                        "export: name one checkpoint, as in chirpbench export a.h5 --out spin.h5");
    if (st == CHIRP_OK)
        st = chirp_refuse_ranks("export");
    if (st == CHIRP_OK) {
        e.checkpoint = argv[argc - 1];
        st = export_network(&e);
    }
    calibration_destroy(&e.trial);
    chirp_trained_release(&e.trained);
    chirp_free(e.before);
    chirp_text_clear(&e.command);
    chirp_text_clear(&e.rounding);
    return chirp_command_exit(st);
}

const chirp_command chirp_command_export = {"export", "a compact network file from a checkpoint",
                                            run};
