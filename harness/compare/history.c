#include "harness/compare/history.h"

#include "harness/base/file.h"
#include "harness/base/hash.h"
#include "harness/base/index.h"
#include "harness/base/memory.h"
#include "harness/base/sort.h"
#include "harness/base/text.h"
#include "harness/compare/results.h"
#include "harness/stats/stats.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEAST_RUNS = 3 };
static const double ALPHA = 0.01;

static const char *context_text(const chirp_results *r, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(r->context, key));
    return text ? text : "";
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
    const int64_t y =
        month <= 2 ? year - 1 : year; /* a year that begins in March ends with its leap day */
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t of_era = y - era * 400;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "", "Z", "+02:00", "+0200", "+02"; minutes east of Greenwich. */
static bool zone_of(const char *text, int *minutes)
{
    int hours = 0;
    int rest = 0;
    int used = 0;
    *minutes = 0;
    if (text[0] == '\0' || strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
        return true;
    if ((text[0] != '+' && text[0] != '-') || !isdigit((unsigned char)text[1]))
        return false;
    if (sscanf(text + 1, "%2d:%2d%n", &hours, &rest, &used) < 2 &&
        sscanf(text + 1, "%2d%2d%n", &hours, &rest, &used) < 2) {
        rest = 0;
        if (sscanf(text + 1, "%2d%n", &hours, &used) < 1)
            return false;
    }
    *minutes = (text[0] == '-' ? -1 : 1) * (60 * hours + rest);
    return text[1 + used] == '\0' && hours < 24 && rest >= 0 && rest < 60;
}

bool chirp_instant(const char *date, double *seconds)
{
    int year = 0;
    int month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int used = 0;
    int east = 0;
    char between = 0;
    if (!isdigit((unsigned char)date[0]) ||
        sscanf(date, "%4d-%2d-%2d%c%2d:%2d:%2d%n", &year, &month, &day, &between, &hour, &minute,
               &second, &used) < 7 ||
        (between != 'T' && between != 't' && between != ' '))
        return false;
    const char *rest = date + used;
    double fraction = 0;
    if (*rest == '.')
        for (double digit = 0.1; isdigit((unsigned char)*++rest); digit /= 10)
            fraction += digit * (*rest - '0');
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 24 || minute < 0 ||
        minute > 59 || second < 0 || second > 60 || !zone_of(rest, &east))
        return false;
    *seconds = (double)(days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second -
                        east * 60) +
               fraction;
    return true;
}

/*
 * What may stand in a file name: letters, digits, plus and minus. Names have 255 bytes: of a longer text the end becomes a
 * number made from all of it (FNV-1a), so that two that differ stay apart. chirp_free() it.
 */
static char *file_part(const char *from)
{
    enum { MOST = 100, KEPT = 80 };
    const size_t length = strlen(from);
    char *text = chirp_alloc((length > MOST ? KEPT + 18 : length) + 1);
    if (!text)
        return NULL;
    for (size_t i = 0; i < (length > MOST ? KEPT : length); ++i)
        text[i] = isalnum((unsigned char)from[i]) || strchr("+-", from[i]) ? from[i] : '_';
    text[length > MOST ? KEPT : length] = '\0';
    if (length > MOST)
        (void)snprintf(text + KEPT, 18, "-%016" PRIx64, chirp_fnv(CHIRP_FNV_START, from, length));
    return text;
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

/* Entries of a folder that end in `end` ("" for all), in the order of their names. */
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
        chirp_sort_names(found->item, found->count);
    return st;
}

/* A stored run and its place in time. */
typedef struct stored_run {
    chirp_results results;
    char *file; /* in its folder */
    double instant;
    int arrival; /* among those of one instant */
    struct timespec written;
} stored_run;

typedef struct stored_runs {
    stored_run *item;
    size_t count;
} stored_runs;

static void runs_clear(stored_runs *runs)
{
    for (size_t i = 0; i < runs->count; ++i) {
        chirp_results_clear(&runs->item[i].results);
        chirp_free(runs->item[i].file);
    }
    chirp_free(runs->item);
    *runs = (stored_runs){0};
}

static int by_time(const void *a, const void *b)
{
    const stored_run *x = a;
    const stored_run *y = b;
    if (x->instant != y->instant)
        return x->instant < y->instant ? -1 : 1;
    if (x->arrival != y->arrival)
        return x->arrival < y->arrival ? -1 : 1;
    if (x->written.tv_sec != y->written.tv_sec) /* of stores that older versions filled */
        return x->written.tv_sec < y->written.tv_sec ? -1 : 1;
    if (x->written.tv_nsec != y->written.tv_nsec)
        return x->written.tv_nsec < y->written.tv_nsec ? -1 : 1;
    return strcmp(x->file, y->file);
}

/* The name without ".json" of the k-th run of an instant; chirp_free() it. */
static char *run_name(const chirp_results *r, int k)
{
    char *date = file_part(context_text(r, "date"));
    char *commit = file_part(context_text(r, "git_commit"));
    char *name = NULL;
    if (date && commit && k > 1)
        name = chirp_format("%s-%d-%s", date, k, commit[0] ? commit : "unknown");
    else if (date && commit)
        name = chirp_format("%s-%s", date, commit[0] ? commit : "unknown");
    chirp_free(date);
    chirp_free(commit);
    return name;
}

/* The k of run_name(), 1 for names that aren't ours. */
static chirp_status arrival_of(stored_run *run)
{
    int k = 0;
    int used = 0;
    char *date = file_part(context_text(&run->results, "date"));
    if (!date)
        return CHIRP_ERR_NOMEM;
    const size_t length = strlen(date);
    const bool numbered = strncmp(run->file, date, length) == 0 &&
                          sscanf(run->file + length, "-%9d-%n", &k, &used) == 1 && used > 0 &&
                          k > 1;
    chirp_free(date);
    run->arrival = 1;
    if (!numbered)
        return CHIRP_OK;
    char *name = run_name(&run->results, k);
    char *file = name ? chirp_format("%s.json", name) : NULL;
    const bool ours =
        file && strcmp(file, run->file) == 0; /* a commit may begin with a number, too */
    const chirp_status st = file ? CHIRP_OK : CHIRP_ERR_NOMEM;
    if (ours)
        run->arrival = k;
    chirp_free(name);
    chirp_free(file);
    return st;
}

static chirp_status read_run(const char *folder, const char *file, stored_run *run)
{
    char *path = chirp_format("%s/%s", folder, file);
    run->file = chirp_strdup(file);
    if (!path || !run->file) {
        chirp_free(path);
        return CHIRP_ERR_NOMEM;
    }
    struct stat about;
    chirp_status st = chirp_results_read(path, &run->results);
    if (st == CHIRP_OK && !chirp_instant(context_text(&run->results, "date"), &run->instant))
        st = chirp_fail(
            CHIRP_ERR_FORMAT,
            "%s: its date '%s' isn't like 2026-10-25T02:50:00+02:00, so its place in the "
            "history is unknown: mend it or remove the file",
            path, context_text(&run->results, "date"));
    if (st == CHIRP_OK && stat(path, &about) == 0)
        run->written = about.st_mtim;
    if (st == CHIRP_OK)
        st = arrival_of(run);
    chirp_free(path);
    return st;
}

/* Whether a file's name says that it can't be of this instant, so that nobody has to read it. Zones shift dates by a day at most. */
static bool of_another_day(const char *file, double instant)
{
    int year = 0;
    int month = 0;
    int day = 0;
    return sscanf(file, "%4d-%2d-%2d", &year, &month, &day) == 3 &&
           fabs((double)days_of(year, month, day) - floor(instant / 86400)) > 1;
}

/* Runs of one machine in order of time. around: NULL for all, else at least those of that instant */
static chirp_status read_runs(const char *folder, const double *around, stored_runs *runs)
{
    names files;
    *runs = (stored_runs){0};
    chirp_status st = list(folder, ".json", &files);
    if (st != CHIRP_OK)
        return st;
    runs->item = chirp_calloc(files.count + 1, sizeof *runs->item);
    st = runs->item ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (size_t i = 0; i < files.count && st == CHIRP_OK; ++i) {
        if (around && of_another_day(files.item[i], *around))
            continue;
        st = read_run(folder, files.item[i], &runs->item[runs->count]);
        ++runs->count; /* also one half read: it is freed with the rest */
    }
    names_clear(&files);
    if (st != CHIRP_OK)
        runs_clear(runs);
    else if (runs->count > 1)
        qsort(runs->item, runs->count, sizeof *runs->item, by_time);
    return st;
}

/* How many runs of an instant the folder holds. */
static chirp_status count_of_instant(const char *folder, double instant, int *count)
{
    stored_runs runs;
    *count = 0;
    if (access(folder, F_OK) != 0)
        return CHIRP_OK;
    const chirp_status st = read_runs(folder, &instant, &runs);
    for (size_t i = 0; i < runs.count; ++i)
        *count += runs.item[i].instant == instant;
    runs_clear(&runs);
    return st;
}

/* Where a result goes: a name that no file has, and that says when it came. */
static chirp_status place(const char *store, const char *path, const chirp_results *r,
                          char **folder, char **name)
{
    double instant = 0;
    int earlier = 0;
    const char *id = context_text(r, "machine_id");
    char *machine = file_part(id[0] ? id : context_text(r, "host_name"));
    if (!machine)
        return CHIRP_ERR_NOMEM;
    chirp_status st = CHIRP_OK;
    if (r->partial)
        st = chirp_fail(CHIRP_ERR_FORMAT,
                        "%s: is partial (its run was cut short): not stored as a baseline", path);
    else if (!machine[0] || !context_text(r, "date")[0])
        st = chirp_fail(CHIRP_ERR_FORMAT,
                        "%s: its context names neither machine_id nor host_name, or no date", path);
    else if (!chirp_instant(context_text(r, "date"), &instant))
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: its date '%s' isn't like 2026-10-25T02:50:00+02:00",
                        path, context_text(r, "date"));
    *folder = st == CHIRP_OK ? chirp_format("%s/%s", store, machine) : NULL;
    chirp_free(machine);
    if (st == CHIRP_OK && !*folder)
        st = CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = count_of_instant(*folder, instant, &earlier);
    for (int k = earlier + 1; st == CHIRP_OK && !*name; ++k) {
        char *part = run_name(r, k);
        *name = part ? chirp_format("%s/%s.json", *folder, part) : NULL;
        chirp_free(part);
        if (!*name)
            st = CHIRP_ERR_NOMEM;
        else if (access(*name, F_OK) == 0) {
            chirp_free(*name);
            *name = NULL;
        }
    }
    return st;
}

chirp_status chirp_history_store(const char *store, const char *path, char **stored)
{
    chirp_results r;
    char *folder = NULL;
    char *name = NULL;
    char *bytes = NULL;
    size_t length = 0;
    chirp_status st = chirp_results_read(path, &r);
    if (st != CHIRP_OK)
        return st;
    if (r.counted) {
        chirp_results_clear(&r);
        return chirp_fail(CHIRP_ERR_ARG, "%s: holds counts of a simulation: a store keeps times",
                          path);
    }
    st = place(store, path, &r, &folder, &name);
    chirp_results_clear(&r);
    if (st == CHIRP_OK)
        st = chirp_file_read(path, &bytes, &length);
    if (st == CHIRP_OK)
        st = chirp_make_directories(folder);
    if (st == CHIRP_OK)
        st = chirp_file_write(name, bytes, length);
    chirp_free(bytes);
    chirp_free(folder);
    if (st == CHIRP_OK)
        *stored = name;
    else
        chirp_free(name);
    return st;
}

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* The machine whose newest run is the newest of all; its runs, too. */
static chirp_status newest_machine(const char *store, char **machine, stored_runs *runs)
{
    names folders;
    chirp_status st = list(store, "", &folders);
    if (st != CHIRP_OK)
        return st;
    for (size_t i = 0; i < folders.count && st == CHIRP_OK; ++i) {
        stored_runs these = {0};
        char *path = chirp_format("%s/%s", store, folders.item[i]);
        st = path ? CHIRP_OK : CHIRP_ERR_NOMEM;
        if (path && is_folder(path)) /* else a file beside the folders */
            st = read_runs(path, NULL, &these);
        chirp_free(path);
        if (these.count > 0 && (runs->count == 0 || by_time(&these.item[these.count - 1],
                                                            &runs->item[runs->count - 1]) > 0)) {
            const stored_runs older = *runs;
            *runs = these;
            these = older;
            chirp_free(*machine);
            *machine = chirp_strdup(folders.item[i]);
            st = *machine ? CHIRP_OK : CHIRP_ERR_NOMEM;
        }
        runs_clear(&these);
    }
    names_clear(&folders);
    if (st == CHIRP_OK && runs->count == 0)
        st =
            chirp_fail(CHIRP_ERR_FORMAT,
                       "%s: holds no results yet; add some with chirpbench compare --store %s FILE",
                       store, store);
    return st;
}

/* Centres of one benchmark over the runs, and which run each belongs to. */
static chirp_status trace(const stored_runs *runs, const char *name, double min_effect,
                          chirp_history_row *row)
{
    const size_t n_runs = runs->count;
    double *x = chirp_alloc((n_runs + 1) * sizeof *x);
    size_t *of = chirp_alloc((n_runs + 1) * sizeof *of);
    chirp_change *changes = chirp_alloc((n_runs + 1) * sizeof *changes);
    chirp_status st = x && of && changes ? CHIRP_OK : CHIRP_ERR_NOMEM;
    size_t n = 0;
    for (size_t i = 0; i < n_runs && st == CHIRP_OK; ++i) {
        const chirp_samples *s = chirp_results_find(&runs->item[i].results, name);
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
        const size_t from = row->n_changes ? changes[row->n_changes - 1].at : 0;
        st = chirp_last_suspects(x + from, n - from, min_effect, &row->suspect_runs,
                                 &row->suspect_ratio);
        row->runs = n;
        row->first_s = n ? x[0] : 0;
        row->last_s = n ? x[n - 1] : 0;
        st = st == CHIRP_OK && !row->name ? CHIRP_ERR_NOMEM : st;
    }
    if (st == CHIRP_OK && row->n_changes > 0) {
        const chirp_change *last = &changes[row->n_changes - 1];
        const chirp_results *run = &runs->item[of[last->at]].results;
        row->changed = true;
        row->ratio = last->ratio;
        row->p = last->p;
        row->date = chirp_strdup(context_text(run, "date"));
        row->commit = chirp_strdup(context_text(run, "git_commit"));
        st = row->date && row->commit ? CHIRP_OK : CHIRP_ERR_NOMEM;
    }
    chirp_free(x);
    chirp_free(of);
    chirp_free(changes);
    return st;
}

/* @param known  receives the names of h's rows, also when this fails */
static chirp_status trace_all(const stored_runs *runs, double min_effect, chirp_history *h,
                              chirp_index *known)
{
    size_t room = 0;
    for (size_t i = 0; i < runs->count; ++i)
        room += runs->item[i].results.count;
    h->item = chirp_calloc(room + 1, sizeof *h->item);
    if (!h->item)
        return CHIRP_ERR_NOMEM;
    for (size_t i = runs->count;
         i-- > 0;) { /* the newest run's order; benchmarks that are gone follow */
        const chirp_results *run = &runs->item[i].results;
        for (size_t k = 0; k < run->count; ++k) {
            const char *name = run->item[k].name;
            size_t at = 0;
            if (chirp_index_find(known, name, strlen(name), &at))
                continue;
            const chirp_status st = trace(runs, name, min_effect, &h->item[h->count]);
            ++h->count; /* also one half made: it is freed with the rest */
            if (st != CHIRP_OK)
                return st;
            if (!chirp_index_add(known, name, strlen(name), h->count - 1))
                return CHIRP_ERR_NOMEM;
        }
    }
    return CHIRP_OK;
}

chirp_status chirp_history_read(const char *store, const char *machine, double min_effect,
                                chirp_history *history)
{
    chirp_history h = {0};
    stored_runs runs = {0};
    chirp_status st = CHIRP_OK;
    if (machine) {
        char *folder = chirp_format("%s/%s", store, machine);
        h.machine = chirp_strdup(machine);
        st = folder && h.machine ? read_runs(folder, NULL, &runs) : CHIRP_ERR_NOMEM;
        if (st == CHIRP_OK && runs.count == 0)
            st = chirp_fail(CHIRP_ERR_FORMAT, "%s: holds no results", folder);
        chirp_free(folder);
    } else {
        st = newest_machine(store, &h.machine, &runs);
    }
    chirp_index known = {0};
    if (st == CHIRP_OK)
        st = trace_all(&runs, min_effect, &h, &known);
    chirp_index_clear(&known); /* before the runs, whose names it points to */
    h.runs = runs.count;
    runs_clear(&runs);
    if (st != CHIRP_OK) {
        chirp_history_clear(&h);
        return st;
    }
    *history = h;
    return CHIRP_OK;
}

void chirp_history_clear(chirp_history *h)
{
    for (size_t i = 0; h->item && i < h->count; ++i) {
        chirp_free(h->item[i].name);
        chirp_free(h->item[i].date);
        chirp_free(h->item[i].commit);
    }
    chirp_free(h->item);
    chirp_free(h->machine);
    *h = (chirp_history){0};
}
