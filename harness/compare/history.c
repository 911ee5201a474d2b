#include "harness/compare/history.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/compare/results.h"
#include "harness/stats/stats.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEAST_RUNS = 3 };
static const double ALPHA = 0.01;

static const char *context_text(const chirp_results *r, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(r->context, key));
    return text ? text : "";
}

/* What may stand in a file name: letters, digits, dot, plus and minus. */
static void file_part(char *text, size_t room, const char *from)
{
    size_t i = 0;
    for (; from[i] && i + 1 < room; ++i)
        text[i] = isalnum((unsigned char)from[i]) || strchr("+-", from[i]) ? from[i] : '_';
    text[i] = '\0';
}

chirp_status chirp_history_store(const char *store, const char *path, char **stored)
{
    chirp_results r;
    char machine[64];
    char date[48];
    char commit[48];
    char *bytes = NULL;
    size_t length = 0;
    chirp_status st = chirp_results_read(path, &r);
    if (st != CHIRP_OK)
        return st;
    const char *id = context_text(&r, "machine_id");
    file_part(machine, sizeof machine, id[0] ? id : context_text(&r, "host_name"));
    file_part(date, sizeof date, context_text(&r, "date"));
    file_part(commit, sizeof commit, context_text(&r, "git_commit"));
    if (r.partial)
        st = chirp_fail(CHIRP_ERR_FORMAT,
                        "%s: is partial (its run was cut short): not stored as a baseline", path);
    else if (!machine[0] || !date[0])
        st = chirp_fail(CHIRP_ERR_FORMAT,
                        "%s: its context names neither machine_id nor host_name, or no date", path);
    chirp_results_clear(&r);
    if (st == CHIRP_OK)
        st = chirp_file_read(path, &bytes, &length);
    const size_t room = strlen(store) + sizeof machine + sizeof date + sizeof commit + 32;
    char *name = st == CHIRP_OK ? chirp_alloc(room) : NULL;
    if (st == CHIRP_OK && !name)
        st = CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK) {
        (void)snprintf(name, room, "%s/%s", store, machine);
        st = chirp_make_directories(name);
    }
    for (int k = 1; st == CHIRP_OK && k < 1000; ++k) { /* two runs in one second both stay */
        char again[16] = "";
        if (k > 1)
            (void)snprintf(again, sizeof again, "-%d", k);
        (void)snprintf(name, room, "%s/%s/%s%s-%s.json", store, machine, date, again,
                       commit[0] ? commit : "unknown");
        if (access(name, F_OK) != 0)
            break;
    }
    if (st == CHIRP_OK)
        st = chirp_file_write(name, bytes, length);
    chirp_free(bytes);
    if (st == CHIRP_OK)
        *stored = name;
    else
        chirp_free(name);
    return st;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

typedef struct names {
    char **item;
    size_t count;
} names;

static void names_clear(names *n)
{
    for (size_t i = 0; i < n->count; ++i)
        chirp_free(n->item[i]);
    chirp_free(n->item);
    *n = (names){0};
}

/* Sorted entries of a folder that end in `end` ("" for all); dates sort as text. */
static chirp_status list(const char *folder, const char *end, names *found)
{
    *found = (names){0};
    DIR *d = opendir(folder);
    if (!d)
        return chirp_fail(CHIRP_ERR_IO, "%s: can't open the store: %s", folder, strerror(errno));
    chirp_status st = CHIRP_OK;
    for (struct dirent *e; st == CHIRP_OK && (e = readdir(d));) {
        const size_t length = strlen(e->d_name);
        if (e->d_name[0] == '.' || length < strlen(end) ||
            strcmp(e->d_name + length - strlen(end), end) != 0)
            continue;
        char **more = chirp_calloc(found->count + 1, sizeof *more);
        if (more && found->count)
            memcpy(more, found->item, found->count * sizeof *more);
        if (more) {
            chirp_free(found->item);
            found->item = more;
            found->item[found->count] = chirp_strdup(e->d_name);
        }
        if (!more || !found->item[found->count])
            st = CHIRP_ERR_NOMEM;
        else
            ++found->count;
    }
    (void)closedir(d);
    if (st != CHIRP_OK)
        names_clear(found);
    else if (found->count > 1)
        qsort(found->item, found->count, sizeof *found->item, by_name);
    return st;
}

/* The machine whose newest run is the newest of all. */
static chirp_status newest_machine(const char *store, char *machine, size_t room)
{
    names folders;
    char best[256] = "";
    chirp_status st = list(store, "", &folders);
    for (size_t i = 0; i < folders.count && st == CHIRP_OK; ++i) {
        char path[1024];
        names files;
        (void)snprintf(path, sizeof path, "%s/%s", store, folders.item[i]);
        if (list(path, ".json", &files) != CHIRP_OK)
            continue; /* a file beside the folders */
        if (files.count > 0 && strcmp(files.item[files.count - 1], best) > 0) {
            (void)snprintf(best, sizeof best, "%s", files.item[files.count - 1]);
            (void)snprintf(machine, room, "%s", folders.item[i]);
        }
        names_clear(&files);
    }
    names_clear(&folders);
    if (st == CHIRP_OK && !best[0])
        st =
            chirp_fail(CHIRP_ERR_FORMAT,
                       "%s: holds no results yet; add some with chirpbench compare --store %s FILE",
                       store, store);
    return st;
}

/* Centres of one benchmark over the runs, and which run each belongs to. */
static chirp_status trace(const chirp_results *runs, size_t n_runs, const char *name,
                          double min_effect, chirp_history_row *row)
{
    double *x = chirp_alloc((n_runs + 1) * sizeof *x);
    size_t *of = chirp_alloc((n_runs + 1) * sizeof *of);
    chirp_change *changes = chirp_alloc((n_runs + 1) * sizeof *changes);
    chirp_status st = x && of && changes ? CHIRP_OK : CHIRP_ERR_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < n_runs && st == CHIRP_OK; ++i) {
        const chirp_samples *s = chirp_results_find(&runs[i], name);
        double centre = 0;
        if (!s || s->error)
            continue;
        st = chirp_samples_centre(s, &centre);
        if (st == CHIRP_OK && centre > 0) {
            of[n] = i;
            x[n++] = centre;
        }
    }
    if (st == CHIRP_OK)
        st = chirp_change_points(x, n, LEAST_RUNS, ALPHA, min_effect, changes, &row->n_changes);
    if (st == CHIRP_OK) {
        row->name = chirp_strdup(name);
        row->runs = n;
        row->first_s = n ? x[0] : 0;
        row->last_s = n ? x[n - 1] : 0;
        st = row->name ? CHIRP_OK : CHIRP_ERR_NOMEM;
    }
    if (st == CHIRP_OK && row->n_changes > 0) {
        const chirp_change *last = &changes[row->n_changes - 1];
        const chirp_results *run = &runs[of[last->at]];
        row->changed = true;
        row->ratio = last->ratio;
        row->p = last->p;
        (void)snprintf(row->date, sizeof row->date, "%s", context_text(run, "date"));
        (void)snprintf(row->commit, sizeof row->commit, "%s", context_text(run, "git_commit"));
    }
    chirp_free(x);
    chirp_free(of);
    chirp_free(changes);
    return st;
}

static chirp_status trace_all(const chirp_results *runs, size_t n_runs, double min_effect,
                              chirp_history *h)
{
    size_t room = 0;
    for (size_t i = 0; i < n_runs; ++i)
        room += runs[i].count;
    h->item = chirp_calloc(room + 1, sizeof *h->item);
    if (!h->item)
        return CHIRP_ERR_NOMEM;
    for (size_t i = n_runs;
         i-- > 0;) { /* the newest run's order; benchmarks that are gone follow */
        for (size_t k = 0; k < runs[i].count; ++k) {
            const char *name = runs[i].item[k].name;
            bool known = false;
            for (size_t j = 0; j < h->count && !known; ++j)
                known = strcmp(h->item[j].name, name) == 0;
            if (known)
                continue;
            const chirp_status st = trace(runs, n_runs, name, min_effect, &h->item[h->count]);
            if (st != CHIRP_OK)
                return st;
            ++h->count;
        }
    }
    return CHIRP_OK;
}

chirp_status chirp_history_read(const char *store, const char *machine, double min_effect,
                                chirp_history *history)
{
    chirp_history h = {0};
    char folder[1024];
    names files = {0};
    chirp_results *runs = NULL;
    chirp_status st = CHIRP_OK;
    if (machine)
        (void)snprintf(h.machine, sizeof h.machine, "%s", machine);
    else
        st = newest_machine(store, h.machine, sizeof h.machine);
    (void)snprintf(folder, sizeof folder, "%s/%s", store, h.machine);
    if (st == CHIRP_OK)
        st = list(folder, ".json", &files);
    if (st == CHIRP_OK && files.count == 0)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: holds no results", folder);
    if (st == CHIRP_OK) {
        runs = chirp_calloc(files.count, sizeof *runs);
        st = runs ? CHIRP_OK : CHIRP_ERR_NOMEM;
    }
    for (size_t i = 0; i < files.count && st == CHIRP_OK; ++i) {
        char path[1400];
        (void)snprintf(path, sizeof path, "%s/%s", folder, files.item[i]);
        st = chirp_results_read(path, &runs[i]);
        h.runs += st == CHIRP_OK;
    }
    if (st == CHIRP_OK)
        st = trace_all(runs, h.runs, min_effect, &h);
    for (size_t i = 0; runs && i < h.runs; ++i)
        chirp_results_clear(&runs[i]);
    chirp_free(runs);
    names_clear(&files);
    if (st != CHIRP_OK) {
        chirp_history_clear(&h);
        return st;
    }
    *history = h;
    return CHIRP_OK;
}

void chirp_history_clear(chirp_history *h)
{
    for (size_t i = 0; h->item && i < h->count; ++i)
        chirp_free(h->item[i].name);
    chirp_free(h->item);
    *h = (chirp_history){0};
}
