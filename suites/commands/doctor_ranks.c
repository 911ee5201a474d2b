/* The table of all ranks: who runs where, on what, bound to which processors, how fast, and what differs. */
#include "suites/commands/doctor_ranks.h"

#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/json/json.h"
#include "harness/machine/machine.h"
#include "harness/results/document.h"
#include "harness/roofline/roofline.h"
#include "model/parallel/parallel.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST, CPU, KERNELS, BINDING, PLACE, TEXTS };
enum { THREADS, PROCESSORS, CLOCK, PEAK, MEMORY, NUMBERS };
enum { COLUMNS = TEXTS + NUMBERS, CELL = 128 };

typedef struct facts {
    char text[TEXTS][CELL];
    double number[NUMBERS]; /* NAN: not known */
} facts;

typedef struct column {
    const char *head, *key;
    bool may_differ;
    double tolerance; /* of numbers, as a share of the median */
    double unit;      /* the file's number over the table's */
} column;

static const column columns[COLUMNS] = {
    [HOST] = {"host", "host_name", true, 0, 0},
    [CPU] = {"processor", "cpu_model", false, 0, 0},
    [KERNELS] = {"kernels", "built_simd", false, 0, 0},
    [BINDING] = {"binding", "omp_proc_bind", false, 0, 0},
    [PLACE] = {"allowed", "affinity", true, 0, 0},
    [TEXTS + THREADS] = {"threads", "omp_threads", false, 0, 1},
    [TEXTS + PROCESSORS] = {"processors", "num_cpus", false, 0, 1},
    [TEXTS + CLOCK] = {"MHz", "mhz_per_cpu", false, 0.1, 1},
    [TEXTS + PEAK] = {"FMA GFLOP/s", "GFLOPS", false, 0.1, 1},
    [TEXTS + MEMORY] = {"memory GB/s", "memory_bytes_per_second", false, 0.1, 1e9},
};

static void put(char *cell, const char *text)
{
    (void)snprintf(cell, CELL, "%s", text[0] ? text : "unknown");
}

/* Four times the last cache, divided among the threads that share it, so that the memory is what is measured. */
static size_t bytes_beyond_caches(const chirp_host *m)
{
    const int64_t bytes = 4 * chirp_host_last_level_cache(m) / m->omp_threads;
    return (size_t)(bytes > 1 << 22 ? bytes : 1 << 22);
}

static chirp_status examine_here(const chirp_doctor_options *o, const chirp_host *m, facts *f)
{
    chirp_fma_peak peak;
    double bandwidth = NAN;
    put(f->text[HOST], m->host);
    put(f->text[CPU], m->cpu_model);
    put(f->text[KERNELS], m->built_simd);
    put(f->text[BINDING], m->omp_proc_bind);
    put(f->text[PLACE], m->affinity);
    for (int k = 0; k < NUMBERS; ++k)
        f->number[k] = NAN;
    f->number[THREADS] = m->omp_threads;
    if (m->affinity_count > 0)
        f->number[PROCESSORS] = m->affinity_count;
    if (m->mhz > 0)
        f->number[CLOCK] = m->mhz;
    chirp_status st = chirp_parallel_barrier(); /* measured while all others measure */
    if (st != CHIRP_OK || o->describe_only)
        return st;
    st = chirp_roofline_fma_again(m->omp_threads, 2 * o->budget_s, &peak);
    if (st == CHIRP_OK)
        st = chirp_roofline_bandwidth(m->omp_threads, bytes_beyond_caches(m), o->budget_s,
                                      &bandwidth);
    if (st == CHIRP_OK) {
        f->number[PEAK] = peak.gflops;
        f->number[MEMORY] = 1e-9 * bandwidth;
    }
    return st;
}

/* What most ranks have; of equally frequent ones that of the lowest rank. */
static const char *usual_text(const facts *all, int n, int k)
{
    int best = 0;
    const char *usual = all[0].text[k];
    for (int r = 0; r < n; ++r) {
        int same = 0;
        for (int s = 0; s < n; ++s)
            same += strcmp(all[r].text[k], all[s].text[k]) == 0;
        if (same > best) {
            best = same;
            usual = all[r].text[k];
        }
    }
    return usual;
}

/* The lower median of what is known, so that it is some rank's value; NAN: nothing is. @param scratch  [n] */
static double usual_number(const facts *all, int n, int k, double *scratch)
{
    int known = 0;
    for (int r = 0; r < n; ++r)
        if (!isnan(all[r].number[k]))
            scratch[known++] = all[r].number[k];
    chirp_sort(scratch, (size_t)known);
    return known > 0 ? scratch[(known - 1) / 2] : (double)NAN;
}

/* differs[r * COLUMNS + c]: rank r's value is another than that of most ranks. */
static void find_differences(const facts *all, int n, bool *differs, double *scratch)
{
    for (int c = 0; c < COLUMNS; ++c) {
        const char *text = c < TEXTS ? usual_text(all, n, c) : "";
        const double number = c < TEXTS ? 0 : usual_number(all, n, c - TEXTS, scratch);
        for (int r = 0; r < n; ++r)
            differs[r * COLUMNS + c] =
                !columns[c].may_differ && (c < TEXTS ? strcmp(all[r].text[c], text) != 0
                                                     : fabs(all[r].number[c - TEXTS] - number) >
                                                           columns[c].tolerance * number);
    }
}

static void write_cell(const facts *f, int c, bool differs, char *cell, size_t size)
{
    const char *mark = differs ? "*" : "";
    if (c < TEXTS)
        (void)snprintf(cell, size, "%s%s", f->text[c], mark);
    else if (isnan(f->number[c - TEXTS]))
        (void)snprintf(cell, size, "-");
    else
        (void)snprintf(cell, size, "%.*f%s", c >= TEXTS + PEAK, f->number[c - TEXTS], mark);
}

static void print_table(const facts *all, int n, const bool *differs)
{
    char cell[CELL + 2];
    int width[COLUMNS];
    bool any = false;
    for (int c = 0; c < COLUMNS; ++c) {
        width[c] = (int)strlen(columns[c].head);
        for (int r = 0; r < n; ++r) {
            write_cell(&all[r], c, differs[r * COLUMNS + c], cell, sizeof cell);
            width[c] = (int)strlen(cell) > width[c] ? (int)strlen(cell) : width[c];
            any |= differs[r * COLUMNS + c];
        }
    }
    printf("rank");
    for (int c = 0; c < COLUMNS; ++c)
        printf("  %*s", c < TEXTS ? -width[c] : width[c], columns[c].head);
    for (int r = 0; r < n; ++r) {
        printf("\n%4d", r);
        for (int c = 0; c < COLUMNS; ++c) {
            write_cell(&all[r], c, differs[r * COLUMNS + c], cell, sizeof cell);
            printf("  %*s", c < TEXTS ? -width[c] : width[c], cell);
        }
    }
    printf(
        "\n\n%s\n",
        any ? "* differs from most ranks; clock, FMA and memory: by more than a tenth of the median"
            : "No rank differs from the others");
    if (!isnan(all[0].number[PEAK]))
        printf("All ranks measured at the same time, each with its threads\n");
}

/* The processors of a list such as "0-3,8". */
static void mark_processors(const char *list, bool *marked, int most)
{
    for (const char *at = list; *at >= '0' && *at <= '9';) {
        char *end = NULL;
        const long low = strtol(at, &end, 10);
        const long high = *end == '-' ? strtol(end + 1, &end, 10) : low;
        for (long p = low; p <= high && p < most; ++p)
            marked[p] = true;
        at = *end == ',' ? end + 1 : end;
    }
}

/* A processor that both may use, or -1. */
static int shared_processor(const facts *a, const facts *b)
{
    enum { MOST = 4096 };
    bool marked[2][MOST] = {{false}};
    mark_processors(a->text[PLACE], marked[0], MOST);
    mark_processors(b->text[PLACE], marked[1], MOST);
    for (int p = 0; p < MOST; ++p)
        if (marked[0][p] && marked[1][p])
            return p;
    return -1;
}

static bool doubt(cJSON *doubts, const char *text)
{
    cJSON *item = cJSON_CreateString(text);
    printf("  - %s\n", text);
    return item && cJSON_AddItemToArray(doubts, item);
}

/* Ranks of one computer should have processors of their own, and no more threads than those. */
static bool describe_doubts(const facts *all, int n, cJSON *doubts)
{
    char text[3 * CELL];
    bool ok = doubts != NULL;
    printf("\ndoubts about timings here\n");
    for (const cJSON *d = doubts ? doubts->child : NULL; d; d = d->next)
        printf("  - rank 0: %s\n", d->valuestring);
    for (int r = 0; ok && r < n; ++r) {
        const double *number = all[r].number;
        if (number[THREADS] > number[PROCESSORS]) {
            (void)snprintf(text, sizeof text,
                           "rank %d on %.64s has %.0f threads and %.0f processors: set "
                           "OMP_NUM_THREADS, or let the "
                           "launcher grant more",
                           r, all[r].text[HOST], number[THREADS], number[PROCESSORS]);
            ok = doubt(doubts, text);
        }
        int before = r - 1; /* the nearest rank below on the same computer */
        while (before >= 0 && strcmp(all[before].text[HOST], all[r].text[HOST]) != 0)
            --before;
        const int p = before < 0 ? -1 : shared_processor(&all[before], &all[r]);
        if (ok && p >= 0) {
            (void)snprintf(text, sizeof text,
                           "ranks %d and %d on %.64s may both use processor %d: they aren't bound "
                           "to processors of "
                           "their own",
                           before, r, all[r].text[HOST], p);
            ok = doubt(doubts, text);
        }
    }
    return ok;
}

static bool add_rank(cJSON *list, int rank, const facts *f, const bool *differs)
{
    cJSON *o = cJSON_CreateObject();
    bool ok = o && cJSON_AddItemToArray(list, o) && chirp_json_add_integer(o, "rank", rank);
    for (int c = 0; ok && c < COLUMNS; ++c) {
        if (c < TEXTS)
            ok = chirp_json_add_text(o, columns[c].key, f->text[c]);
        else if (isnan(f->number[c - TEXTS]))
            ok = cJSON_AddNullToObject(o, columns[c].key) != NULL;
        else
            ok = chirp_json_add_real(o, columns[c].key, f->number[c - TEXTS] * columns[c].unit);
    }
    cJSON *names = ok ? cJSON_AddArrayToObject(o, "differs") : NULL;
    for (int c = 0; names && c < COLUMNS; ++c) {
        cJSON *name = differs[c] ? cJSON_CreateString(columns[c].key) : NULL;
        if (differs[c] && (!name || !cJSON_AddItemToArray(names, name)))
            names = NULL;
    }
    return names != NULL;
}

/* On rank 0: the table and the file. */
static chirp_status report(const chirp_doctor_options *o, const chirp_host *m, const facts *all,
                           int n)
{
    bool *differs = chirp_calloc((size_t)n * COLUMNS, sizeof *differs);
    double *scratch = chirp_calloc((size_t)n, sizeof *scratch);
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_DOCTOR);
    cJSON *machine = root ? cJSON_AddObjectToObject(root, "machine") : NULL;
    bool ok = differs && scratch && machine && chirp_json_add_text(machine, "host_name", m->host) &&
              chirp_host_add_count(machine, "num_cpus", m->logical_cpus) &&
              chirp_host_add_facts(machine, m) && chirp_host_add_warnings(root, m, m->omp_threads);
    cJSON *list = ok ? cJSON_AddArrayToObject(root, "ranks") : NULL;
    if (list) {
        find_differences(all, n, differs, scratch);
        print_table(all, n, differs);
        ok = describe_doubts(all, n, cJSON_GetObjectItemCaseSensitive(root, "warnings"));
        for (int r = 0; ok && r < n; ++r)
            ok = add_rank(list, r, &all[r], &differs[r * COLUMNS]);
    }
    chirp_free(scratch);
    chirp_free(differs);
    if (!list || !ok) {
        cJSON_Delete(root);
        return chirp_fail(CHIRP_ERR_NOMEM, "doctor: no memory for the table of %d ranks", n);
    }
    if (o->json_path)
        return chirp_document_write(root, o->json_path);
    cJSON_Delete(root);
    return CHIRP_OK;
}

chirp_status chirp_doctor_ranks(const chirp_doctor_options *o)
{
    const int n = chirp_parallel_size();
    const bool writes = chirp_parallel_rank() == 0;
    facts mine;
    chirp_host m;
    memset(&mine, 0, sizeof mine); /* sent whole */
    chirp_host_read(&m);
    facts *all = writes ? chirp_calloc((size_t)n, sizeof *all) : NULL;
    chirp_status st = chirp_parallel_agree(
        writes && !all ? chirp_fail(CHIRP_ERR_NOMEM, "doctor: no memory for %d ranks", n)
                       : CHIRP_OK);
    if (st == CHIRP_OK)
        st = chirp_parallel_agree(examine_here(o, &m, &mine));
    if (st == CHIRP_OK)
        st = chirp_parallel_gather(&mine, (int64_t)sizeof mine, all, 0);
    if (st == CHIRP_OK)
        st = chirp_parallel_agree_patiently(writes ? report(o, &m, all, n) : CHIRP_OK);
    chirp_free(all);
    return st;
}
