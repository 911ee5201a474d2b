#include "suites/scaling/measured/merge.h"

#include "harness/base/memory.h"
#include "harness/base/text.h"
#include "harness/json/json.h"
#include "harness/results/document.h"
#include "suites/scaling/measured/measure.h"
#include "suites/scaling/projected/fields.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_JOBS = 64, MAX_RANKS = 1 << 20 };

typedef struct job {
    const char *path;
    chirp_document document;
} job;

/* A row that stands in the curve. */
typedef struct place {
    int job;
    const cJSON *row;
    int ranks;
} place;

typedef struct merging {
    int n_jobs;
    job job[MAX_JOBS];
    int n_rows;
    place row[CHIRP_SCALE_MAX_ROWS]; /* series by series, ranks ascending */
    cJSON *root;
} merging;

/* Without these alike, points are not of one curve. */
static const char *const alike[] = {"mode",       "network",     "weight_noise", "batch",
                                    "accumulate", "exchange",    "compress",     "bucket_bytes",
                                    "shares",     "repetitions", "steps",        "warmup_steps",
                                    "cpu",        "processors",  "mpi"};
static const char *const terms[] = {"input",   "compute",   "waiting", "exposed_communication",
                                    "control", "optimizer", "other"};

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = chirp_json_string(object, key);
    return text ? text : "";
}

static const cJSON *rows_of(const job *j) { return member(j->document.root, "rows"); }

static chirp_status check_alike(const job *first, const job *j, const char *key, const cJSON *a,
                                const cJSON *b)
{
    if (cJSON_Compare(a, b, true) || (!a && !b))
        return CHIRP_OK;
    char *was = a ? chirp_json_print_line(a) : NULL;
    char *is = b ? chirp_json_print_line(b) : NULL;
    const chirp_status st = chirp_fail(
        CHIRP_ERR_ARG,
        "%s: %s %.100s, but %.100s in %s; one curve takes jobs that differ in ranks only", j->path,
        key, is ? is : "unknown", was ? was : "unknown", first->path);
    cJSON_free(was);
    cJSON_free(is);
    return st;
}

static bool same_series(const cJSON *a, const cJSON *b)
{
    return chirp_json_number(a, "threads") == chirp_json_number(b, "threads") &&
           strcmp(text_of(a, "variational"), text_of(b, "variational")) == 0;
}

/* Every series of `a` is in `b`. */
static chirp_status check_series(const job *a, const job *b)
{
    const cJSON *series = NULL;
    cJSON_ArrayForEach(series, member(a->document.root, "series"))
    {
        const cJSON *other = NULL;
        bool there = false;
        cJSON_ArrayForEach(other, member(b->document.root, "series")) there |=
            same_series(series, other);
        if (!there)
            return chirp_fail(CHIRP_ERR_ARG,
                              "%s: no series of %g threads with %s variational, which %s has; one "
                              "curve takes jobs that differ in ranks only",
                              b->path, chirp_json_number(series, "threads"),
                              text_of(series, "variational"), a->path);
    }
    return CHIRP_OK;
}

static chirp_status check_rows(const job *j)
{
    const cJSON *row = NULL;
    chirp_status st = CHIRP_OK;
    double value = 0;
    int whole = 0;
    cJSON_ArrayForEach(row, rows_of(j))
    {
        if (!cJSON_IsString(member(row, "variational")))
            return chirp_field_wrong(j->path, "variational", "a word in every row");
        st = chirp_field_int(j->path, row, "ranks", MAX_RANKS, true, &whole);
        if (st == CHIRP_OK)
            st = chirp_field_int(j->path, row, "threads", MAX_RANKS, true, &whole);
        if (st == CHIRP_OK)
            st = chirp_field_number(j->path, row, "seconds_per_step", 1e-12, 1e12, &value);
        if (st == CHIRP_OK)
            st = chirp_field_number(j->path, row, "efficiency", 0, 1e12, &value);
        for (size_t i = 0; st == CHIRP_OK && i < sizeof terms / sizeof terms[0]; ++i)
            st = chirp_field_number(j->path, row, terms[i], -1e12, 1e12, &value);
        if (st != CHIRP_OK)
            return st;
    }
    return CHIRP_OK;
}

static chirp_status read_jobs(merging *m, char *const *paths, int n)
{
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < n && st == CHIRP_OK; ++i) {
        job *j = &m->job[m->n_jobs];
        *j = (job){.path = paths[i]};
        st = chirp_document_read_kind(paths[i], CHIRP_DOCUMENT_SCALING, &j->document);
        if (st != CHIRP_OK)
            return st;
        ++m->n_jobs;
        if (member(j->document.root, "jobs"))
            st = chirp_fail(CHIRP_ERR_ARG, "%s: is merged already; give the jobs' own results",
                            j->path);
        for (int k = 0; k < i && st == CHIRP_OK; ++k)
            if (cJSON_Compare(m->job[k].document.root, j->document.root, true))
                st = chirp_fail(CHIRP_ERR_ARG, "%s: the same job as %s", j->path, m->job[k].path);
        if (st == CHIRP_OK)
            st = check_rows(j);
    }
    return st;
}

static chirp_status check_jobs(const merging *m)
{
    static const char *const program[] = {"version", "commit"};
    const job *first = &m->job[0];
    const cJSON *head = member(first->document.root, "chirpbench");
    chirp_status st = CHIRP_OK;
    for (int i = 1; i < m->n_jobs && st == CHIRP_OK; ++i) {
        const job *j = &m->job[i];
        for (size_t k = 0; k < sizeof program / sizeof program[0] && st == CHIRP_OK; ++k)
            st = check_alike(first, j, program[k], member(head, program[k]),
                             member(member(j->document.root, "chirpbench"), program[k]));
        for (size_t k = 0; k < sizeof alike / sizeof alike[0] && st == CHIRP_OK; ++k)
            st = check_alike(first, j, alike[k], member(first->document.root, alike[k]),
                             member(j->document.root, alike[k]));
        if (st == CHIRP_OK)
            st = check_series(first, j);
        if (st == CHIRP_OK)
            st = check_series(j, first);
    }
    return st;
}

/* What rows of one rank count are ordered by; the one-rank rows all have efficiency 1. */
static double score(const cJSON *row)
{
    return chirp_json_number(row, "ranks") > 1 ? chirp_json_number(row, "efficiency")
                                               : chirp_json_number(row, "seconds_per_step");
}

/* The row of median score, the lower one of two, among those of a series and a rank count. */
static place median_row(const merging *m, const cJSON *series, int ranks)
{
    place found[MAX_JOBS];
    int n = 0;
    for (int i = 0; i < m->n_jobs; ++i) {
        const cJSON *row = NULL;
        cJSON_ArrayForEach(row, rows_of(&m->job[i]))
        {
            if (chirp_json_number(row, "ranks") != ranks || !same_series(row, series) ||
                n == MAX_JOBS)
                continue;
            int at = n++; /* insertion sort */
            for (; at > 0 && score(found[at - 1].row) > score(row); --at)
                found[at] = found[at - 1];
            found[at] = (place){.job = i, .row = row, .ranks = ranks};
            break;
        }
    }
    return n > 0 ? found[(n - 1) / 2] : (place){0};
}

/* The fewest ranks above `ranks` that a row of the series has; 0: none. */
static int next_count(const merging *m, const cJSON *series, int ranks)
{
    int next = 0;
    for (int i = 0; i < m->n_jobs; ++i) {
        const cJSON *row = NULL;
        cJSON_ArrayForEach(row, rows_of(&m->job[i]))
        {
            const int n = (int)chirp_json_number(row, "ranks");
            if (same_series(row, series) && n > ranks && (next == 0 || n < next))
                next = n;
        }
    }
    return next;
}

static chirp_status choose_rows(merging *m)
{
    const cJSON *series = NULL;
    cJSON_ArrayForEach(series, member(m->job[0].document.root, "series"))
    {
        for (int n = next_count(m, series, 0); n > 0; n = next_count(m, series, n)) {
            if (m->n_rows == CHIRP_SCALE_MAX_ROWS)
                return chirp_fail(CHIRP_ERR_ARG, "merge: more than %d rows", CHIRP_SCALE_MAX_ROWS);
            m->row[m->n_rows++] = median_row(m, series, n);
        }
    }
    return m->n_rows > 0 ? CHIRP_OK
                         : chirp_fail(CHIRP_ERR_FORMAT, "%s: has no series", m->job[0].path);
}

/* One line for each job: what it measured where. */
static void add_jobs(const merging *m)
{
    static const char *const keys[] = {"job", "host", "computers", "places", "environment"};
    cJSON *list = cJSON_AddArrayToObject(m->root, "jobs");
    for (int i = 0; i < m->n_jobs; ++i) {
        const job *j = &m->job[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        (void)chirp_json_add_text(item, "file", j->path);
        (void)chirp_json_add_text(item, "date", j->document.date);
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; ++k)
            if (member(j->document.root, keys[k]))
                cJSON_AddItemToObject(item, keys[k],
                                      cJSON_Duplicate(member(j->document.root, keys[k]), true));
    }
}

/* The row with its job, and the same row of every job that has it. */
static void add_row(const merging *m, cJSON *rows, const place *p)
{
    cJSON *item = cJSON_Duplicate(p->row, true);
    cJSON_AddItemToArray(rows, item);
    (void)cJSON_AddNumberToObject(item, "job", p->job);
    cJSON *list = cJSON_AddArrayToObject(item, "jobs");
    for (int i = 0; i < m->n_jobs; ++i) {
        const cJSON *row = NULL;
        cJSON_ArrayForEach(row, rows_of(&m->job[i]))
        {
            if (chirp_json_number(row, "ranks") != p->ranks || !same_series(row, p->row))
                continue;
            cJSON *one = cJSON_CreateObject();
            cJSON_AddItemToArray(list, one);
            (void)cJSON_AddNumberToObject(one, "job", i);
            (void)cJSON_AddNumberToObject(one, "seconds_per_step",
                                          chirp_json_number(row, "seconds_per_step"));
            (void)cJSON_AddNumberToObject(one, "efficiency", chirp_json_number(row, "efficiency"));
        }
    }
}

/* Bayesian against deterministic, as the row's job has it. */
static void add_cost(const merging *m, cJSON *costs, const place *p)
{
    const cJSON *cost = NULL;
    cJSON_ArrayForEach(cost, member(m->job[p->job].document.root, "cost_against_deterministic"))
    {
        if (chirp_json_number(cost, "ranks") == p->ranks && same_series(cost, p->row))
            cJSON_AddItemToArray(costs, cJSON_Duplicate(cost, true));
    }
}

static chirp_scale_terms terms_of(const cJSON *row)
{
    return (chirp_scale_terms){
        .total = chirp_json_number(row, "seconds_per_step"),
        .input = chirp_json_number(row, "input"),
        .compute = chirp_json_number(row, "compute"),
        .waiting = chirp_json_number(row, "waiting"),
        .exposed = chirp_json_number(row, "exposed_communication"),
        .control = chirp_json_number(row, "control"),
        .optimizer = chirp_json_number(row, "optimizer"),
        .other = chirp_json_number(row, "other"),
    };
}

/* Each row predicted from the curve's rows with fewer ranks, its job's own or not. */
static chirp_status add_series(const merging *m)
{
    chirp_scale *curve = chirp_calloc(1, sizeof *curve);
    chirp_scale_terms *times = chirp_calloc((size_t)m->n_rows, sizeof *times);
    cJSON *list = cJSON_AddArrayToObject(m->root, "series");
    cJSON *held_out = NULL;
    int base = 0;
    for (int i = 0; curve && times && i < m->n_rows; ++i) {
        const cJSON *row = m->row[i].row;
        const double crowd = chirp_json_number(row, "threads_per_processor");
        if (i == 0 || !same_series(row, m->row[base].row)) {
            cJSON *series = cJSON_CreateObject();
            base = i;
            cJSON_AddItemToArray(list, series);
            (void)cJSON_AddNumberToObject(series, "threads", chirp_json_number(row, "threads"));
            (void)chirp_json_add_text(series, "variational", text_of(row, "variational"));
            held_out = cJSON_AddArrayToObject(series, "held_out");
        }
        times[i] = terms_of(row);
        curve->options.repetitions = 1;
        curve->options.strong = strcmp(text_of(m->root, "mode"), "strong") == 0;
        curve->n_rows = i + 1;
        curve->row[i] = (chirp_scale_row){.base = base,
                                          .ranks = m->row[i].ranks,
                                          .crowd = isfinite(crowd) ? crowd : 0,
                                          .repetition = &times[i]};
        double predicted = 0;
        if (!chirp_scale_predict(curve, i, &predicted))
            continue;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(held_out, item);
        (void)cJSON_AddNumberToObject(item, "ranks", m->row[i].ranks);
        (void)cJSON_AddNumberToObject(item, "predicted_seconds_per_step", predicted);
        (void)cJSON_AddNumberToObject(item, "measured_seconds_per_step", times[i].total);
        (void)cJSON_AddNumberToObject(item, "error", predicted / times[i].total - 1);
    }
    const bool done = curve && times;
    chirp_free(curve);
    chirp_free(times);
    return done ? CHIRP_OK : chirp_fail(CHIRP_ERR_NOMEM, "merge: no memory for %d rows", m->n_rows);
}

static void add_notes(const merging *m)
{
    cJSON *notes = cJSON_AddArrayToObject(m->root, "notes");
    double least = INFINITY;
    double most = 0;
    char text[512];
    for (int i = 0; i < m->n_jobs; ++i) {
        const cJSON *note = NULL;
        const cJSON *row = NULL;
        cJSON_ArrayForEach(note, member(m->job[i].document.root, "notes"))
        {
            (void)snprintf(text, sizeof text, "%.200s: %.300s", m->job[i].path,
                           cJSON_IsString(note) ? note->valuestring : "");
            cJSON_AddItemToArray(notes, cJSON_CreateString(text));
        }
        cJSON_ArrayForEach(row, rows_of(&m->job[i]))
        {
            if (chirp_json_number(row, "ranks") != 1 || !same_series(row, m->row[0].row))
                continue;
            least = fmin(least, chirp_json_number(row, "seconds_per_step"));
            most = fmax(most, chirp_json_number(row, "seconds_per_step"));
        }
    }
    (void)snprintf(
        text, sizeof text,
        "One rank alone (threads %g, variational %s) took %.2f to %.2f ms a step in the %d jobs; "
        "the efficiency of each row compares with its own job's.",
        chirp_json_number(m->row[0].row, "threads"), text_of(m->row[0].row, "variational"),
        1e3 * least, 1e3 * most, m->n_jobs);
    cJSON_AddItemToArray(notes, cJSON_CreateString(text));
}

static chirp_status compose(merging *m)
{
    static const char *const copied[] = {"variational", "host", "method"};
    const cJSON *first = m->job[0].document.root;
    double computers = 0;
    m->root = chirp_document_create(CHIRP_DOCUMENT_SCALING);
    for (size_t k = 0; k < sizeof alike / sizeof alike[0]; ++k)
        if (member(first, alike[k]))
            cJSON_AddItemToObject(m->root, alike[k],
                                  cJSON_Duplicate(member(first, alike[k]), true));
    for (size_t k = 0; k < sizeof copied / sizeof copied[0]; ++k)
        if (member(first, copied[k]))
            cJSON_AddItemToObject(m->root, copied[k],
                                  cJSON_Duplicate(member(first, copied[k]), true));
    for (int i = 0; i < m->n_jobs; ++i)
        computers = fmax(computers, chirp_json_number(m->job[i].document.root, "computers"));
    (void)cJSON_AddNumberToObject(m->root, "computers", computers);
    add_jobs(m);
    cJSON *rows = cJSON_AddArrayToObject(m->root, "rows");
    cJSON *costs = cJSON_AddArrayToObject(m->root, "cost_against_deterministic");
    for (int i = 0; i < m->n_rows; ++i) {
        add_row(m, rows, &m->row[i]);
        add_cost(m, costs, &m->row[i]);
    }
    add_notes(m);
    return add_series(m);
}

chirp_status chirp_scale_merge(char *const *paths, int n, cJSON **merged)
{
    *merged = NULL;
    if (n < 2 || n > MAX_JOBS)
        return chirp_fail(CHIRP_ERR_ARG, "merge: %d result%s; 2 to %d can be merged", n,
                          n == 1 ? "" : "s", MAX_JOBS);
    merging *m = chirp_calloc(1, sizeof *m);
    if (!m)
        return chirp_fail(CHIRP_ERR_NOMEM, "merge: no memory for %d jobs", n);
    chirp_status st = read_jobs(m, paths, n);
    if (st == CHIRP_OK)
        st = check_jobs(m);
    if (st == CHIRP_OK)
        st = choose_rows(m);
    if (st == CHIRP_OK)
        st = compose(m);
    for (int i = 0; i < m->n_jobs; ++i)
        chirp_document_release(&m->job[i].document);
    if (st == CHIRP_OK)
        *merged = m->root;
    else
        cJSON_Delete(m->root);
    chirp_free(m);
    return st;
}

void chirp_scale_merge_print(const cJSON *merged)
{
    const cJSON *row = NULL;
    const cJSON *before = NULL;
    cJSON_ArrayForEach(row, member(merged, "rows"))
    {
        const cJSON *interval = member(row, "interval_95");
        if (!before || !same_series(row, before))
            printf("%sthreads %g, variational %s\n%6s %9s %11s %16s %5s  %s\n", before ? "\n" : "",
                   chirp_json_number(row, "threads"), text_of(row, "variational"), "ranks",
                   "step ms", "efficiency", "from to", "jobs", "row of");
        before = row;
        char range[40] = "";
        if (cJSON_GetArraySize(interval) == 2 && chirp_json_number(row, "ranks") > 1)
            (void)snprintf(range, sizeof range, "%6.1f to %5.1f",
                           100 * cJSON_GetArrayItem(interval, 0)->valuedouble,
                           100 * cJSON_GetArrayItem(interval, 1)->valuedouble);
        const cJSON *of =
            cJSON_GetArrayItem(member(merged, "jobs"), (int)chirp_json_number(row, "job"));
        printf("%6g %9.2f %9.1f %% %16s %5d  ", chirp_json_number(row, "ranks"),
               1e3 * chirp_json_number(row, "seconds_per_step"),
               100 * chirp_json_number(row, "efficiency"), range,
               cJSON_GetArraySize(member(row, "jobs")));
        chirp_print_plain(stdout, 0, text_of(of, "file"));
        printf("\n");
    }
    const cJSON *notes = member(merged, "notes");
    const cJSON *last = cJSON_GetArrayItem(notes, cJSON_GetArraySize(notes) - 1);
    printf("\n%s\n", cJSON_IsString(last) ? last->valuestring : "");
}
