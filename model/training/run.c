#include "model/training/run.h"

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/base/signals.h"
#include "harness/base/sort.h"
#include "harness/json/json.h"
#include "harness/progress/progress.h"
#include "harness/results/document.h"
#include "model/parallel/parallel.h"
#include "model/parallel/places.h"
#include "model/training/run_lines.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const chirp_run_end_name[CHIRP_RUN_ENDS] = {"all iterations done", "target reached",
                                                        "time is over", "interrupted"};

/* Times of steps for their median: all of them, or, of more than there is room for, evenly spaced ones. */
enum { MOST_TIMES = 4096 };
typedef struct step_times {
    double seconds[MOST_TIMES];
    size_t kept;
    int64_t seen, every; /* `every` is a power of two */
} step_times;

static void add_time(step_times *t, double seconds)
{
    if (t->kept == MOST_TIMES) {
        for (size_t i = 0; 2 * i < MOST_TIMES; ++i)
            t->seconds[i] = t->seconds[2 * i];
        t->kept /= 2;
        t->every *= 2;
    }
    if (t->seen++ % t->every == 0)
        t->seconds[t->kept++] = seconds;
}

static chirp_status refuse_existing(const char *path)
{
    if (path && access(path, F_OK) == 0 && !chirp_file_is_sink(path))
        return chirp_fail(CHIRP_ERR_ARG, "%s: exists; continue it with --resume or remove it first",
                          path);
    return CHIRP_OK;
}

/* What a log line must be to be cut or kept: of this run, in its order. */
typedef struct log_owner {
    const char *network;
    uint64_t seed;
    double after; /* iteration of the line before */
} log_owner;

/* Reads a line's iteration. False: it is no line of this run's log. Logs of earlier versions name no network and seed. */
static bool parse_log_line(const char *line, size_t length, log_owner *owner, double *iteration)
{
    cJSON *object = cJSON_ParseWithLength(line, length);
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, "iteration");
    const cJSON *network = cJSON_GetObjectItemCaseSensitive(object, "network");
    const cJSON *seed = cJSON_GetObjectItemCaseSensitive(object, "seed");
    const bool ours = cJSON_IsNumber(number) && number->valuedouble > owner->after &&
                      cJSON_HasObjectItem(object, "loss") &&
                      (!network || (cJSON_IsString(network) &&
                                    strcmp(network->valuestring, owner->network) == 0)) &&
                      (!seed || (cJSON_IsNumber(seed) && seed->valuedouble == (double)owner->seed));
    if (ours)
        *iteration = owner->after = number->valuedouble;
    cJSON_Delete(object);
    return ours;
}

/*
 * Keeps the log's lines up to `iteration`: those behind the checkpoint will be trained, and written, again. A file with any
 * other line than this run's is refused before a byte of it changes; a half-written last line is what a killed run leaves.
 */
static chirp_status trim_log(const char *path, const chirp_train_config *config, int64_t iteration)
{
    char *bytes = NULL;
    if (access(path, F_OK) != 0)
        return CHIRP_OK;
    chirp_status st = chirp_file_read(path, &bytes, NULL);
    if (st != CHIRP_OK)
        return st;
    log_owner owner = {config->network, config->seed, 0};
    size_t keep = 0;
    int64_t number = 0;
    const char *line = bytes;
    for (const char *end; st == CHIRP_OK && (end = strchr(line, '\n')); line = end + 1) {
        double at = 0;
        ++number;
        if (!parse_log_line(line, (size_t)(end - line), &owner, &at))
            st = chirp_fail(CHIRP_ERR_FORMAT,
                            "%s: line %lld is not of this run's log (network %s, seed %llu); the "
                            "file is left as it is: give --log another name",
                            path, (long long)number, config->network,
                            (unsigned long long)config->seed);
        else if (at <= (double)iteration)
            keep = (size_t)(end + 1 - bytes);
    }
    if (st == CHIRP_OK && number == 0 && *bytes && *bytes != '{')
        st = chirp_fail(CHIRP_ERR_FORMAT,
                        "%s: holds no line of a training log; the file is left as it is: give "
                        "--log another name",
                        path);
    if (st == CHIRP_OK)
        st = chirp_file_write(path, bytes, keep);
    chirp_free(bytes);
    return st;
}

typedef struct run_log {
    chirp_run_lines lines;
    FILE *file;   /* rank 0, when a log is wanted */
    bool started; /* this run wrote a line, and with it the header */
    const char *path;
    /* [ranks] until the first line is written: mpiexec names a killed process by host and PID, and only the log can say which
       rank that was */
    chirp_place *places;
} run_log;

static void add_places(cJSON *line, const chirp_place *places)
{
    cJSON *array = cJSON_AddArrayToObject(line, "ranks");
    for (int rank = 0; rank < chirp_parallel_size(); ++rank) {
        cJSON *place = cJSON_CreateObject();
        cJSON_AddStringToObject(place, "host", places[rank].host);
        cJSON_AddNumberToObject(place, "pid", (double)places[rank].pid);
        cJSON_AddNumberToObject(place, "threads", places[rank].threads);
        cJSON_AddItemToArray(array, place);
    }
}

static void add_by_label(cJSON *object, const chirp_network_spec *spec, const double *value)
{
    for (int leaf = 0; leaf < spec->n_leaves; ++leaf)
        cJSON_AddNumberToObject(object, chirp_label_name[spec->label[leaf]], value[leaf]);
}

static void add_validation(cJSON *line, const chirp_network_spec *spec, const chirp_validation *v)
{
    cJSON *object = cJSON_AddObjectToObject(line, "validation_relative_error");
    add_by_label(object, spec, v->relative_error);
    cJSON_AddNumberToObject(object, "mean", v->mean_relative_error);
    object = cJSON_AddObjectToObject(line, "validation_guess_error");
    add_by_label(object, spec, v->guess_error);
    cJSON_AddNumberToObject(object, "mean", v->mean_guess_error);
    add_by_label(cJSON_AddObjectToObject(line, "validation_crps"), spec, v->crps);
    cJSON_AddNumberToObject(line, "validation_negative_log_likelihood", v->negative_log_likelihood);
}

/* @param held_out  NULL: no check was made after this step */
static chirp_status write_line(run_log *log, const chirp_step_report *r,
                               const chirp_trainer *trainer, const chirp_validation *held_out)
{
    const chirp_train_config *config = chirp_trainer_config(trainer);
    const double rows = (double)chirp_train_step_signals(config, chirp_parallel_size());
    const chirp_network_spec *spec = NULL;
    chirp_status st = chirp_network_spec_find(config->network, &spec);
    cJSON *line = cJSON_CreateObject();
    if (st != CHIRP_OK || !line)
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for a log line");
    if (!log->started)
        (void)chirp_document_head(line, CHIRP_DOCUMENT_TRAINING);
    log->started = true;
    cJSON_AddNumberToObject(line, "iteration", (double)r->iteration);
    cJSON_AddStringToObject(line, "network", config->network);
    cJSON_AddNumberToObject(line, "seed", (double)config->seed);
    cJSON_AddNumberToObject(line, "loss", r->loss);
    cJSON_AddNumberToObject(line, "negative_log_likelihood", r->negative_log_likelihood);
    cJSON_AddNumberToObject(line, "kl", r->kl);
    cJSON_AddNumberToObject(line, "relative_error", r->relative_error);
    cJSON_AddNumberToObject(line, "learning_rate", r->learning_rate);
    cJSON_AddNumberToObject(line, "gradient_norm", r->gradient_norm);
    if (config->clip > 0)
        cJSON_AddNumberToObject(line, "clipped", r->clipped);
    cJSON_AddNumberToObject(line, "active_neurons", r->active_neurons);
    cJSON_AddNumberToObject(line, "seconds", r->profile.total_s);
    cJSON_AddNumberToObject(line, "signals_per_second", rows / r->profile.total_s);
    if (log->places)
        add_places(line, log->places);
    chirp_free(log->places);
    log->places = NULL;
    if (config->deadline)
        cJSON_AddNumberToObject(line, "left_out", (double)r->left_out);
    if (isfinite(r->deadline_s))
        cJSON_AddNumberToObject(line, "deadline", r->deadline_s);
    if (r->shares) {
        cJSON *array = cJSON_AddArrayToObject(line, "shares");
        for (int rank = 0; rank < chirp_parallel_size(); ++rank)
            cJSON_AddItemToArray(array, cJSON_CreateNumber((double)r->shares[rank]));
    }
    if (held_out)
        add_validation(line, spec, held_out);
    char *text = chirp_json_print_line(line);
    cJSON_Delete(line);
    if (!text)
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for a log line");
    errno = 0;
    if (fprintf(log->file, "%s\n", text) < 0 || fflush(log->file) != 0)
        st = chirp_fail(CHIRP_ERR_IO, "%s: can't write: %s", log->path, strerror(errno));
    cJSON_free(text);
    return st;
}

static chirp_status prepare(chirp_trainer *trainer, const chirp_run_options *options, run_log *log)
{
    chirp_status st = CHIRP_OK;
    const bool first = chirp_parallel_rank() == 0;
    if (options->resume && !options->checkpoint)
        st = chirp_fail(CHIRP_ERR_ARG, "--resume needs --checkpoint FILE");
    else if (options->resume && chirp_file_is_sink(options->checkpoint))
        st = chirp_fail(CHIRP_ERR_ARG,
                        "%s: is a device or a pipe, which keeps no checkpoint; name a file or "
                        "leave out --resume",
                        options->checkpoint);
    if (st == CHIRP_OK && first && !options->resume) {
        st = refuse_existing(options->checkpoint);
        if (st == CHIRP_OK)
            st = refuse_existing(options->log);
    }
    if (st == CHIRP_OK && first &&
        options->checkpoint) /* learn now, not after hours, that it can't be written */
        st = chirp_file_writable(options->checkpoint);
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK && options->resume)
        st = chirp_trainer_resume(trainer, options->checkpoint);
    if (st != CHIRP_OK)
        return st;
    if (first && options->resume && *chirp_trainer_resume_note(trainer))
        (void)fprintf(stderr, "chirpbench: %s\n", chirp_trainer_resume_note(trainer));
    if (first && options->log) {
        const bool sink = chirp_file_is_sink(options->log);
        if (options->resume && !sink)
            st = trim_log(options->log, chirp_trainer_config(trainer),
                          chirp_trainer_iteration(trainer));
        if (st == CHIRP_OK)
            log->file = sink ? chirp_file_open_sink(options->log) : fopen(options->log, "ae");
        if (st == CHIRP_OK && !log->file)
            st = chirp_fail(CHIRP_ERR_IO, "%s: can't open the log: %s", options->log,
                            strerror(errno));
    }
    st = chirp_parallel_agree(st);
    if (st == CHIRP_OK && options->log && chirp_parallel_size() > 1)
        st = chirp_places_gather(chirp_trainer_config(trainer)->n_threads, &log->places);
    return st;
}

/* When a run began, and what share of the whole run was over then. */
typedef struct run_clock {
    double started, progress;
} run_clock;

static bool follows_time(const chirp_trainer *trainer, const chirp_run_options *options)
{
    return options->max_seconds > 0 && chirp_trainer_config(trainer)->schedule == CHIRP_RATE_COSINE;
}

static void look_at_clock(chirp_trainer *trainer, const chirp_run_options *options, run_clock clock)
{
    const double share =
        options->max_seconds > 0 ? (chirp_now_s() - clock.started) / options->max_seconds : 0;
    if (follows_time(trainer, options))
        chirp_trainer_set_progress(trainer, clock.progress + (1 - clock.progress) * share);
    else if (share > 1)
        chirp_trainer_request_stop(trainer);
    if (chirp_stop_signal())
        chirp_trainer_request_stop(trainer);
}

/* A held-out check, and the best checkpoint so far. */
static chirp_status check(chirp_trainer *trainer, const chirp_run_options *options,
                          chirp_run_lines *lines, chirp_run_result *result)
{
    chirp_run_lines_check(lines, result->iteration);
    chirp_status st = chirp_trainer_validate(trainer, &result->held_out);
    chirp_run_lines_checked(lines, result->iteration, st == CHIRP_OK ? &result->held_out : NULL);
    if (st == CHIRP_OK && options->keep_best && result->held_out.best)
        st = chirp_trainer_save(trainer, options->keep_best);
    return st;
}

/* Saves, also when the log could not be written: the training goes on from here once there is room again. */
static chirp_status save_after(chirp_trainer *trainer, const char *path, int64_t iteration,
                               chirp_status logged)
{
    char *reason = logged == CHIRP_OK ? NULL : chirp_strdup(chirp_error_message());
    const chirp_status saved = chirp_trainer_save(trainer, path);
    if (reason && saved == CHIRP_OK)
        (void)chirp_fail(logged, "%s; %s holds iteration %" PRId64 ", from which --resume goes on",
                         reason, path, iteration);
    else if (reason)
        (void)chirp_fail(logged, "%s", reason);
    chirp_free(reason);
    return logged == CHIRP_OK ? saved : logged;
}

/* One step and what follows from it. Sets result->end and *done when the run is over. */
static chirp_status advance(chirp_trainer *trainer, const chirp_run_options *options, run_log *log,
                            run_clock clock, chirp_run_result *result, bool *done)
{
    const chirp_train_config *config = chirp_trainer_config(trainer);
    look_at_clock(trainer, options, clock);
    chirp_run_lines_step(&log->lines, result->iteration);
    chirp_status st = chirp_trainer_step(trainer, &result->last);
    if (st != CHIRP_OK && st != CHIRP_ERR_NUMERIC && chirp_parallel_size() > 1)
        chirp_parallel_abort(
            2); /* the other ranks may be waiting in a reduction; divergence alone is seen by all */
    if (st != CHIRP_OK)
        return st;
    const int64_t iteration = result->last.iteration;
    result->iteration = iteration;
    *done = true;
    if (result->last.stop)
        result->end = CHIRP_RUN_INTERRUPTED;
    else if (iteration >= config->iterations)
        result->end = CHIRP_RUN_ITERATIONS;
    else if (follows_time(trainer, options) && chirp_trainer_progress(trainer) >= 1)
        result->end = CHIRP_RUN_TIME;
    else
        *done = false;
    const bool validate = (*done && !result->last.stop) ||
                          (options->validate_every > 0 && iteration % options->validate_every == 0);
    if (validate) {
        st = check(trainer, options, &log->lines, result);
        if (st == CHIRP_OK && result->held_out.target_reached && !*done) {
            result->end = CHIRP_RUN_TARGET;
            *done = true;
        }
    }
    if (st == CHIRP_OK && log->file)
        st = write_line(log, &result->last, trainer, validate ? &result->held_out : NULL);
    st = options->log ? chirp_parallel_agree_patiently(st) : chirp_parallel_agree(st);
    const bool due =
        *done || (options->checkpoint_every > 0 && iteration % options->checkpoint_every == 0);
    if (options->checkpoint && (st == CHIRP_OK ? due : st == CHIRP_ERR_IO))
        st = save_after(trainer, options->checkpoint, iteration, st);
    return st;
}

chirp_status chirp_training_run(chirp_trainer *trainer, const chirp_run_options *options,
                                chirp_run_result *result)
{
    const chirp_train_config *config = chirp_trainer_config(trainer);
    run_log log = {.path = options->log, .lines = {.log = options->mllog}};
    chirp_status st = prepare(trainer, options, &log);
    if (st == CHIRP_OK)
        chirp_run_lines_begin(&log.lines, trainer);
    const int64_t start = chirp_trainer_iteration(trainer);
    const int64_t steps = config->iterations - start;
    step_times times = {.every = 1};
    *result = (chirp_run_result){.end = CHIRP_RUN_ITERATIONS, .iteration = start};
    chirp_progress *progress = NULL;
    if (st == CHIRP_OK && !options->quiet && chirp_parallel_rank() == 0) {
        progress = chirp_progress_begin("train", config->iterations);
        chirp_progress_start_at(progress, start);
    }
    const run_clock clock = {chirp_now_s(), chirp_trainer_progress(trainer)};
    const bool over = follows_time(trainer, options) && clock.progress >= 1;
    bool done = steps <= 0 || over;
    if (over)
        result->end = CHIRP_RUN_TIME;
    if (st == CHIRP_OK && done) /* already trained: only say how good it is */
        st = check(trainer, options, &log.lines, result);
    while (st == CHIRP_OK && !done) {
        st = advance(trainer, options, &log, clock, result, &done);
        if (st != CHIRP_OK)
            break;
        add_time(&times, result->last.profile.total_s);
        result->signals += chirp_train_step_signals(config, chirp_parallel_size());
        result->left_out += result->last.left_out;
        char note[96];
        (void)snprintf(note, sizeof note, "loss %.4f  relative error %.4f", result->last.loss,
                       result->last.relative_error);
        chirp_progress_update(progress, result->iteration, note);
    }
    chirp_progress_end(progress);
    chirp_run_lines_end(&log.lines, result->iteration,
                        st == CHIRP_OK ? chirp_run_end_name[result->end] : "failed",
                        result->held_out.target_reached);
    result->seconds = chirp_now_s() - clock.started;
    if (times.kept > 0) {
        chirp_sort(times.seconds, times.kept);
        result->signals_per_second =
            (double)chirp_train_step_signals(config, chirp_parallel_size()) /
            times.seconds[times.kept / 2];
    }
    chirp_free(log.places);
    if (log.file && fclose(log.file) != 0 && st == CHIRP_OK)
        st = chirp_fail(CHIRP_ERR_IO, "%s: can't write: %s", options->log, strerror(errno));
    return st;
}
