#include "suites/benchmarks/problems/problems.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/base/text.h"
#include "suites/benchmarks/kernels/conv1d_cases.h"
#ifdef CHIRP_WITH_ONEDNN
#include "suites/benchmarks/peers/peer_cases.h"
#endif
#include "suites/benchmarks/problems/dense_cases.h"
#include "suites/families.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const int64_t MOST = INT64_C(1) << 31;
static const char baseline[] = "onednn";

/* ---- one problem ---- */

static bool read_number(const char **at, int64_t *number)
{
    int64_t n = 0;
    const char *digit = *at;
    for (; isdigit((unsigned char)*digit); ++digit) {
        n = n * 10 + (*digit - '0');
        if (n > MOST)
            return false;
    }
    const bool any = digit > *at;
    *at = digit;
    *number = n;
    return any;
}

typedef struct problem_field {
    const char *name;
    int64_t *value;
    int64_t least, most;
    bool needed, given;
} problem_field;

static problem_field *find_field(problem_field *fields, size_t n, const char *name, size_t length)
{
    for (size_t i = 0; i < n; ++i)
        if (strlen(fields[i].name) == length && strncmp(fields[i].name, name, length) == 0)
            return &fields[i];
    return NULL;
}

static chirp_status unknown_field(const char *option, const char *text, const char *name,
                                  int length, const problem_field *fields, size_t n)
{
    chirp_text names = {0};
    for (size_t i = 0; i < n; ++i)
        chirp_text_appendf(&names, " %s", fields[i].name);
    const chirp_status st =
        chirp_fail(CHIRP_ERR_ARG, "%s %s: '%.*s' at character %d is none of the fields%s", option,
                   text, length ? length : (int)chirp_utf8_length(name), name,
                   (int)(name - text) + 1, names.bytes ? names.bytes : "");
    chirp_text_clear(&names);
    return st;
}

/* Values of the fields that a problem of `option` names. */
static chirp_status read_fields(const char *option, const char *text, problem_field *fields,
                                size_t n)
{
    if (strlen(text) >= CHIRP_PROBLEM_TEXT)
        return chirp_fail(CHIRP_ERR_ARG, "%s %.40s...: longer than %d characters", option, text,
                          CHIRP_PROBLEM_TEXT - 1);
    for (const char *at = text; *at;) {
        const char *name = at;
        while (isalpha((unsigned char)*at))
            ++at;
        const int length = (int)(at - name);
        problem_field *f = find_field(fields, n, name, (size_t)length);
        if (!f)
            return unknown_field(option, text, name, length, fields, n);
        if (f->given)
            return chirp_fail(CHIRP_ERR_ARG, "%s %s: %s is given twice", option, text, f->name);
        if (!read_number(&at, f->value) || *f->value < f->least || *f->value > f->most)
            return chirp_fail(CHIRP_ERR_ARG,
                              "%s %s: %s needs a whole number from %" PRId64 " to %" PRId64, option,
                              text, f->name, f->least, f->most);
        f->given = true;
    }
    for (size_t i = 0; i < n; ++i)
        if (fields[i].needed && !fields[i].given)
            return chirp_fail(CHIRP_ERR_ARG, "%s %s: %s is missing", option, text, fields[i].name);
    return CHIRP_OK;
}

chirp_status chirp_problem_read(const char *text, chirp_conv1d_desc *desc)
{
    int64_t relu = 0, ow = 0;
    chirp_conv1d_desc d = {.dilation = 1, .pool = 1};
    problem_field fields[] = {
        {"mb", &d.N, 1, MOST, true, false},
        {"ic", &d.C, 1, MOST, true, false},
        {"oc", &d.K, 1, MOST, true, false},
        {"iw", &d.W, 1, MOST, true, false},
        {"kw", &d.S, 1, MOST, true, false},
        {"dw", &d.dilation, 1, MOST, false, false},
        {"pl", &d.pad_left, 0, MOST, false, false},
        {"pr", &d.pad_right, 0, MOST, false, false},
        {"pool", &d.pool, 1, CHIRP_CONV1D_MAX_POOL, false, false},
        {"relu", &relu, 0, 1, false, false},
        {"ow", &ow, 1, MOST, false, false},
    };
    chirp_status st = read_fields("--conv1d", text, fields, sizeof fields / sizeof fields[0]);
    d.relu = relu == 1;
    if (st == CHIRP_OK && chirp_conv1d_check(&d) != CHIRP_OK) {
        char why[256];
        (void)snprintf(why, sizeof why, "%s", chirp_error_message());
        st = chirp_fail(CHIRP_ERR_ARG, "--conv1d %s: %s", text, why);
    }
    if (st == CHIRP_OK && ow && ow != chirp_conv1d_out_width(&d))
        st = chirp_fail(CHIRP_ERR_ARG,
                        "--conv1d %s: ow is %" PRId64 ", but iw, kw, dw, pl and pr give %" PRId64,
                        text, ow, chirp_conv1d_out_width(&d));
    if (st == CHIRP_OK)
        *desc = d;
    return st;
}

/* ---- lists of names ---- */

/* Marks the names of a list such as "forward,backward_data"; for "all" every one. `table` ends in NULL. */
static chirp_status read_names(const char *option, const char *text, const char *const *table,
                               bool *wanted)
{
    for (int i = 0; table[i]; ++i)
        wanted[i] = strcmp(text, "all") == 0;
    for (const char *at = text; strcmp(text, "all") != 0 && at;) {
        const size_t length = strcspn(at, ",");
        int found = -1;
        for (int i = 0; table[i] && found < 0; ++i)
            if (strlen(table[i]) == length && strncmp(table[i], at, length) == 0)
                found = i;
        if (found < 0) {
            chirp_text names = {0};
            for (int i = 0; table[i]; ++i)
                chirp_text_appendf(&names, " %s", table[i]);
            const chirp_status st =
                chirp_fail(CHIRP_ERR_ARG, "%s: '%.*s' is none of%s, all", option, (int)length, at,
                           names.bytes ? names.bytes : "");
            chirp_text_clear(&names);
            return st;
        }
        wanted[found] = true;
        at = at[length] ? at + length + 1 : NULL;
    }
    return CHIRP_OK;
}

/* ---- rows ---- */

enum { WORKS = 5, ALGORITHMS = CHIRP_CONV1D_ALGORITHMS + 1 }; /* the last one is the baseline */

typedef struct problem_rows {
    const char *option; /* "--conv1d" or "--dense" */
    bool dense;
    bool work[WORKS + 1], algorithm[ALGORITHMS + 1];
    bool named;                 /* algorithms were named: one that doesn't do a shape is an error */
    chirp_bench_entry *entries; /* room for one more than n, which is {0} */
    size_t n, room;
} problem_rows;

/* The row owns its case and its name in one block, as chirp_families_free() wants it. */
static chirp_status add_row(problem_rows *r, const chirp_bench_entry *like, size_t case_size,
                            const char *name)
{
    char *block = chirp_calloc(1, case_size + strlen(name) + 1);
    if (!block)
        return CHIRP_ERR_NOMEM;
    memcpy(block, like->arg, case_size);
    memcpy(block + case_size, name, strlen(name) + 1);
    chirp_bench_entry *last = &r->entries[r->n];
    *last = *like;
    last->arg = block;
    last->name = block + case_size;
    chirp_bench_entry *more = chirp_grow(r->entries, &r->room, r->n + 1, sizeof *more);
    if (!more) {
        *last = (chirp_bench_entry){0};
        chirp_free(block);
        return CHIRP_ERR_NOMEM;
    }
    r->entries = more;
    ++r->n;
    return CHIRP_OK;
}

static chirp_status add_baseline(problem_rows *r, const chirp_conv1d_desc *d, int work,
                                 const char *name)
{
#ifdef CHIRP_WITH_ONEDNN
    peer_case c;
    if (work < CHIRP_CONV1D_PASSES && peer_case_make(d, work, &c)) {
        const chirp_bench_entry like = {
            .run = peer_case_run, .check = peer_case_check, .arg = &c, .baseline = true};
        return add_row(r, &like, sizeof c, name);
    }
    return CHIRP_OK;
#else
    (void)d, (void)work;
    return r->named ? chirp_fail(CHIRP_ERR_UNSUPPORTED,
                                 "%s: this build has no oneDNN (libdnnl-dev)", name)
                    : CHIRP_OK;
#endif
}

/* "dense/forward/direct/mb64ic1280oc128" */
static void dense_name(char *name, size_t room, int pass, bool library, const char *text)
{
    (void)snprintf(name, room, "dense/%s/%s/%s", dense_pass_names[pass],
                   library ? baseline : "direct", text);
}

static chirp_status add_dense(problem_rows *r, const char *text)
{
    dense_case c = {{0}, DENSE_FORWARD, false};
    problem_field fields[] = {{"mb", &c.desc.N, 1, MOST, true, false},
                              {"ic", &c.desc.I, 1, MOST, true, false},
                              {"oc", &c.desc.O, 1, MOST, true, false}};
    chirp_status st = read_fields(r->option, text, fields, sizeof fields / sizeof fields[0]);
    if (st == CHIRP_OK)
        st = chirp_dense_check(&c.desc);
    for (int w = 0; w < DENSE_PASSES && st == CHIRP_OK; ++w)
        for (int library = 0; r->work[w] && library < 2 && st == CHIRP_OK; ++library) {
            char name[CHIRP_PROBLEM_TEXT + 64];
            dense_name(name, sizeof name, w, library, text);
            if (!r->algorithm[library])
                continue;
            c.pass = (dense_pass)w;
            c.library = library;
            const chirp_bench_entry like = {
                .run = dense_case_run, .check = dense_case_check, .arg = &c, .baseline = library};
            if (!library || dense_case_has_library())
                st = add_row(r, &like, sizeof c, name);
            else if (r->named)
                st = chirp_fail(CHIRP_ERR_UNSUPPORTED, "%s: this build has no oneDNN (libdnnl-dev)",
                                name);
        }
    return st;
}

static chirp_status add_conv1d(problem_rows *r, const char *text)
{
    conv1d_case c = {0};
    chirp_status st = chirp_problem_read(text, &c.desc);
    for (int w = 0; w < WORKS && st == CHIRP_OK; ++w)
        for (int a = 0; r->work[w] && a < ALGORITHMS && st == CHIRP_OK; ++a) {
            const bool library = a == CHIRP_CONV1D_ALGORITHMS;
            char name[CHIRP_PROBLEM_TEXT + 64];
            (void)snprintf(name, sizeof name, "conv1d/%s/%s/%s", conv1d_work_names[w],
                           library ? baseline : conv1d_case_algorithm(a), text);
            if (!r->algorithm[a])
                continue;
            if (library) {
                st = add_baseline(r, &c.desc, w, name);
                continue;
            }
            c.work = (conv1d_work)w;
            c.desc.algorithm = (chirp_conv1d_algorithm)a;
            const chirp_bench_entry like = {
                .run = conv1d_case_run, .check = conv1d_case_check, .arg = &c};
            if (conv1d_case_supported(&c))
                st = add_row(r, &like, sizeof c, name);
            else if (r->named)
                st = chirp_fail(CHIRP_ERR_UNSUPPORTED, "%s: the algorithm doesn't do this shape",
                                name);
        }
    return st;
}

/* Problems in `text`, with commas, spaces or line ends between them; # starts a comment. */
static chirp_status add_problems(problem_rows *r, const char *source, const char *text)
{
    const size_t before = r->n;
    for (const char *at = text; *at;) {
        if (*at == '#') {
            at += strcspn(at, "\n");
            continue;
        }
        const size_t length = strcspn(at, ", \t\r\n#");
        if (length == 0) {
            ++at;
            continue;
        }
        char problem[CHIRP_PROBLEM_TEXT + 1];
        (void)snprintf(problem, sizeof problem, "%.*s", (int)length, at);
        const chirp_status st = r->dense ? add_dense(r, problem) : add_conv1d(r, problem);
        if (st != CHIRP_OK)
            return st;
        at += length;
    }
    return r->n > before
               ? CHIRP_OK
               : chirp_fail(CHIRP_ERR_ARG, "%s: %s has no problem that any algorithm does",
                            r->option, source);
}

static chirp_status read_source(problem_rows *r, const char *source)
{
    if (source[0] != '@')
        return add_problems(r, source, source);
    char *text = NULL;
    size_t length = 0;
    chirp_status st = chirp_file_read(source + 1, &text, &length);
    if (st == CHIRP_OK && strlen(text) != length)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: not a text file: it holds a NUL byte", source + 1);
    if (st == CHIRP_OK)
        st = add_problems(r, source + 1, text);
    chirp_free(text);
    return st;
}

/* ---- the suite ---- */

void chirp_problem_options_list(chirp_problem_options *o, chirp_option list[CHIRP_PROBLEM_OPTIONS])
{
    static const char group[] = "Problems of any shape";
    const chirp_option all[CHIRP_PROBLEM_OPTIONS] = {
        {"conv1d", CHIRP_OPTION_STRING, &o->conv1d, .metavar = "P,...|@FILE", .group = group,
         .help = "problems like mb16ic32oc64iw4096kw8dw3pl2pr2 in place of the suites: batch, "
                 "channels in and out, width, taps, dilation (1: dense), padding, pool, relu"},
        {"dense", CHIRP_OPTION_STRING, &o->dense, .metavar = "P,...|@FILE", .group = group,
         .help =
             "dense layers like mb64ic1280oc128 in place of the suites: batch, inputs, outputs"},
        {"pass", CHIRP_OPTION_STRING, &o->pass, .metavar = "NAME,...", .group = group,
         .help = "of forward, backward_data, backward_weights (the default) and, of convolutions, "
                 "load_weights, backward; or all"},
        {"algorithm", CHIRP_OPTION_STRING, &o->algorithm, .metavar = "NAME,...", .group = group,
         .help = "of auto, direct, transform, the baseline onednn (all: these four, the "
                 "default) and reference, plain loops; of dense layers direct and onednn"},
    };
    memcpy(list, all, sizeof all);
}

static chirp_status read_choices(const chirp_problem_options *o, problem_rows *r)
{
    static const char *const of_dense[] = {"direct", baseline, NULL};
    const char *of_conv1d[ALGORITHMS + 1] = {0};
    for (int a = 0; a < CHIRP_CONV1D_ALGORITHMS; ++a)
        of_conv1d[a] = conv1d_case_algorithm(a);
    of_conv1d[CHIRP_CONV1D_ALGORITHMS] = baseline;
    r->named = o->algorithm && strcmp(o->algorithm, "all") != 0;
    chirp_status st =
        read_names("--pass", o->pass ? o->pass : "forward,backward_data,backward_weights",
                   r->dense ? dense_pass_names : conv1d_work_names, r->work);
    if (st == CHIRP_OK)
        st = read_names("--algorithm", o->algorithm ? o->algorithm : "all",
                        r->dense ? of_dense : of_conv1d, r->algorithm);
    if (!r->named && !r->dense) /* plain loops can take minutes */
        r->algorithm[CHIRP_CONV1D_REFERENCE] = false;
    return st;
}

chirp_status chirp_problems_make(void *state, chirp_bench_suite *suite)
{
    chirp_problem_options *o = state;
    problem_rows r = {.dense = o->dense, .option = o->dense ? "--dense" : "--conv1d"};
    if (o->conv1d && o->dense)
        return chirp_fail(CHIRP_ERR_ARG, "bench: give --conv1d or --dense, one after the other");
    if (!o->conv1d && !o->dense)
        return o->pass || o->algorithm
                   ? chirp_fail(CHIRP_ERR_ARG,
                                "bench: --pass and --algorithm need --conv1d or --dense")
                   : CHIRP_OK;
    chirp_status st = read_choices(o, &r);
    r.entries = chirp_grow(NULL, &r.room, 0, sizeof *r.entries);
    if (!r.entries)
        return CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = read_source(&r, o->dense ? o->dense : o->conv1d);
    if (st != CHIRP_OK) {
        chirp_families_free(r.entries);
        return st;
    }
    o->entries = r.entries;
    *suite = (chirp_bench_suite){
        .name = r.option, .summary = "problems of given shapes", .entries = o->entries};
    return CHIRP_OK;
}

void chirp_problems_clear(chirp_problem_options *o)
{
    chirp_families_free(o->entries);
    o->entries = NULL;
}
