#include "model/training/run_lines.h"

#include "model/parallel/parallel.h"
#include "model/training/parameters.h"

#include <cjson/cJSON.h>

void chirp_run_lines_begin(chirp_run_lines *lines, const chirp_trainer *trainer)
{
    const chirp_train_config *c = chirp_trainer_config(trainer);
    const int ranks = chirp_parallel_size();
    const double batch = (double)chirp_train_step_signals(c, ranks);
    const struct {
        const char *key;
        double value;
    } numbers[] = {
        {"seed", (double)c->seed},
        {"number_of_ranks", ranks},
        {"global_batch_size", batch},
        {"gradient_accumulation_steps", (double)c->accumulate},
        {"train_samples", (double)c->iterations * batch},
        {"eval_samples", (double)c->validation_signals},
        {"opt_base_learning_rate", c->learning_rate},
        {"opt_end_learning_rate", c->final_rate},
        {"opt_learning_rate_warmup_steps", (double)c->warmup_steps},
        {"opt_learning_rate_training_steps", (double)c->iterations},
        {"opt_gradient_clip_norm", c->clip},
        {"dropout", c->dropout},
        {"target_error", chirp_trainer_target(trainer)},
    };
    if (!lines->log)
        return;
    chirp_mllog_text(lines->log, "opt_name", chirp_optimizer_name[c->optimizer]);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i)
        chirp_mllog_number(lines->log, numbers[i].key, numbers[i].value, NULL);
    chirp_mllog_stop(lines->log, "init_stop", NULL);
    chirp_mllog_start(lines->log, "run_start", NULL);
}

/* Metadata of an epoch's lines. */
static cJSON *epoch(const chirp_run_lines *lines, int64_t iteration)
{
    cJSON *object = chirp_mllog_metadata("epoch_num", lines->epoch);
    (void)cJSON_AddNumberToObject(object, "step_num", (double)iteration);
    return object;
}

void chirp_run_lines_step(chirp_run_lines *lines, int64_t iteration)
{
    if (!lines->log || lines->open)
        return;
    lines->open = true;
    ++lines->epoch;
    chirp_mllog_start(lines->log, "epoch_start", epoch(lines, iteration));
}

static void stop_epoch(chirp_run_lines *lines, int64_t iteration)
{
    if (lines->open)
        chirp_mllog_stop(lines->log, "epoch_stop", epoch(lines, iteration));
    lines->open = false;
}

void chirp_run_lines_check(chirp_run_lines *lines, int64_t iteration)
{
    if (!lines->log)
        return;
    stop_epoch(lines, iteration);
    chirp_mllog_start(lines->log, "eval_start", epoch(lines, iteration));
}

void chirp_run_lines_checked(chirp_run_lines *lines, int64_t iteration,
                             const chirp_validation *held_out)
{
    if (!lines->log)
        return;
    if (held_out)
        chirp_mllog_number(lines->log, "eval_accuracy", -held_out->mean_relative_error,
                           epoch(lines, iteration));
    chirp_mllog_stop(lines->log, "eval_stop", epoch(lines, iteration));
}

void chirp_run_lines_end(chirp_run_lines *lines, int64_t iteration, const char *end, bool reached)
{
    if (!lines->log)
        return;
    stop_epoch(lines, iteration);
    cJSON *metadata = chirp_mllog_metadata("step_num", (double)iteration);
    (void)cJSON_AddStringToObject(metadata, "status", reached ? "success" : "aborted");
    (void)cJSON_AddStringToObject(metadata, "end", end);
    chirp_mllog_stop(lines->log, "run_stop", metadata);
}
