#include "suites/scaling/projected/jobs.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/json/json.h"
#include "harness/stats/stats.h"
#include "suites/scaling/projected/fields.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const step_keys[CHIRP_JOB_PHASES] = {"training_step_s", "evaluation_step_s"};
static const char *const count_keys[CHIRP_JOB_PHASES] = {"training_steps_per_epoch",
                                                         "evaluation_steps_per_epoch"};

const char *chirp_job_key(chirp_job_phase phase) { return step_keys[phase]; }

/* Means and medians of a job's epochs, which all have as many steps. */
static chirp_status take_steps(const char *path, const cJSON *job, chirp_job_phase phase,
                               chirp_job_count *c)
{
    char what[96];
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(job, step_keys[phase]);
    const int n = cJSON_GetArraySize(list);
    (void)snprintf(what, sizeof what, "jobs[%d].%s", c->n, step_keys[phase]);
    if (!cJSON_IsArray(list) || n < 1 || n > CHIRP_MAX_JOB_EPOCHS)
        return chirp_field_wrong(path, what, "a list of 1 to 10000 step times, one an epoch");
    double *seconds = chirp_calloc((size_t)n, sizeof *seconds);
    if (!seconds)
        return CHIRP_ERR_NOMEM;
    const cJSON *item = NULL;
    int i = 0;
    chirp_status st = CHIRP_OK;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsNumber(item) || !(item->valuedouble > 0 && item->valuedouble < 1e6))
            st = chirp_field_wrong(path, what, "seconds above 0, below a million");
        seconds[i++] = cJSON_IsNumber(item) ? item->valuedouble : 0;
    }
    c->mean_s[phase][c->n] = chirp_stats_mean(seconds, (size_t)n);
    c->early_s[phase][c->n] = n >= 20 ? chirp_median(seconds + 1, (size_t)n / 10) : 0;
    c->median_s[phase][c->n] = chirp_median(seconds, (size_t)n);
    if (n < 20)
        c->early_s[phase][c->n] = c->median_s[phase][c->n];
    chirp_free(seconds);
    return st;
}

static chirp_status take_jobs(const char *path, const cJSON *root, chirp_job_count *c)
{
    static const char *const known[] = {"start_up_s",        "run_s",        "training_step_s",
                                        "evaluation_step_s", "epoch_tail_s", NULL};
    const cJSON *jobs = cJSON_GetObjectItemCaseSensitive(root, "jobs");
    const cJSON *job = NULL;
    chirp_status st = CHIRP_OK;
    if (!cJSON_IsArray(jobs) || cJSON_GetArraySize(jobs) < 2 ||
        cJSON_GetArraySize(jobs) > CHIRP_MAX_JOBS)
        return chirp_field_wrong(path, "jobs",
                                 "a list of 2 to 64 jobs: one alone does not tell how jobs differ");
    cJSON_ArrayForEach(job, jobs)
    {
        if (st == CHIRP_OK && !cJSON_IsObject(job))
            st = chirp_field_wrong(path, "jobs", "a list of objects");
        if (st == CHIRP_OK)
            st = chirp_field_all_known(path, job, known);
        for (int p = 0; st == CHIRP_OK && p < CHIRP_JOB_PHASES; ++p)
            if (c->steps[p] > 0)
                st = take_steps(path, job, (chirp_job_phase)p, c);
        ++c->n;
    }
    return st;
}

static chirp_status take_count(const char *path, const cJSON *root, chirp_job_count *c)
{
    static const char *const known[] = {"what",
                                        "source",
                                        "software",
                                        "nodes",
                                        "ranks_per_node",
                                        "samples_per_rank",
                                        "trained_numbers",
                                        "gradient_bytes",
                                        "training_steps_per_epoch",
                                        "evaluation_steps_per_epoch",
                                        "notes",
                                        "jobs",
                                        NULL};
    if (!cJSON_IsObject(root))
        return chirp_field_wrong(path, "it", "an object or a list of objects, one a node count");
    chirp_status st = chirp_field_all_known(path, root, known);
    if (st == CHIRP_OK)
        st = chirp_field_int(path, root, "nodes", 1 << 24, true, &c->nodes);
    if (st == CHIRP_OK)
        st = chirp_field_int(path, root, "ranks_per_node", 1024, true, &c->ranks_per_node);
    if (st == CHIRP_OK)
        st = chirp_field_int(path, root, "samples_per_rank", 1 << 20, true, &c->samples_per_rank);
    if (st == CHIRP_OK)
        st = chirp_field_number(path, root, "gradient_bytes", 0, 1e13, &c->gradient_bytes);
    for (int p = 0; st == CHIRP_OK && p < CHIRP_JOB_PHASES; ++p)
        st = chirp_field_int(path, root, count_keys[p], 1 << 30, false, &c->steps[p]);
    if (st == CHIRP_OK && c->steps[CHIRP_JOB_TRAINING] == 0 && c->steps[CHIRP_JOB_EVALUATION] == 0)
        return chirp_field_wrong(path, count_keys[CHIRP_JOB_TRAINING],
                                 "there, or evaluation_steps_per_epoch");
    return st == CHIRP_OK ? take_jobs(path, root, c) : st;
}

static int by_nodes(const void *a, const void *b)
{
    return ((const chirp_job_count *)a)->nodes - ((const chirp_job_count *)b)->nodes;
}

static chirp_status take_counts(const char *path, const cJSON *root, chirp_jobs *jobs)
{
    const cJSON *item = NULL;
    chirp_status st = CHIRP_OK;
    if (!cJSON_IsArray(root)) {
        jobs->n = 1;
        return take_count(path, root, &jobs->count[0]);
    }
    if (cJSON_GetArraySize(root) < 1 || cJSON_GetArraySize(root) > CHIRP_MAX_JOB_COUNTS)
        return chirp_field_wrong(path, "it", "one object or a list of 1 to 8, one a node count");
    cJSON_ArrayForEach(item, root) if (st == CHIRP_OK) st =
        take_count(path, item, &jobs->count[jobs->n++]);
    qsort(jobs->count, (size_t)jobs->n, sizeof jobs->count[0], by_nodes);
    for (int i = 1; st == CHIRP_OK && i < jobs->n; ++i)
        if (jobs->count[i].nodes == jobs->count[i - 1].nodes)
            st = chirp_field_wrong(path, "nodes", "different in each object: join their jobs");
    return st;
}

chirp_status chirp_jobs_read(const char *path, chirp_jobs *jobs)
{
    cJSON *root = NULL;
    *jobs = (chirp_jobs){0};
    chirp_status st = chirp_json_read(path, "file of measured jobs", &root);
    if (st == CHIRP_OK)
        st = take_counts(path, root, jobs);
    cJSON_Delete(root);
    return st;
}
