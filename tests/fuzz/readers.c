#include "tests/fuzz/readers.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/base/pattern.h"
#include "harness/compare/compare.h"
#include "harness/compare/history.h"
#include "harness/compare/limits.h"
#include "harness/json/json.h"
#include "model/signal/curriculum.h"
#include "model/signal/noise.h"
#include "model/training/config.h"
#include "reports/report.h"
#include "suites/benchmarks/problems/problems.h"
#include "suites/scaling/projected/jobs.h"
#include "suites/scaling/projected/machine.h"
#include "suites/scaling/projected/workload.h"
#include "tests/reports/page_check.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[256];

static void must(int holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "what was read can't be: %s\n", what);
    abort();
}

static void read_results(const char *path)
{
    chirp_results base = {0}, fresh = {0};
    chirp_compare_result result = {0};
    const chirp_compare_options options = {.confidence = 0.95, .threshold = 0.05};
    if (chirp_results_read(path, &base) == CHIRP_OK &&
        chirp_results_read(path, &fresh) == CHIRP_OK) {
        (void)chirp_same_machine(&base, &fresh, NULL);
        if (chirp_compare(&base, &fresh, &options, &result) == CHIRP_OK) {
            char *table = NULL;
            cJSON *json = chirp_compare_json(&base, &fresh, &options, &result);
            char *text = chirp_json_print(json);
            chirp_compare_print(&base, &fresh, &options, &result, true);
            must(chirp_compare_markdown(&base, &fresh, &options, &result, &table) == CHIRP_OK,
                 "a comparison without a table");
            must(result.tally[CHIRP_SLOWER] + result.tally[CHIRP_FASTER] == 0,
                 "a file is faster or slower than itself");
            chirp_free(table);
            cJSON_free(text);
            cJSON_Delete(json);
            chirp_compare_clear(&result);
        }
    }
    chirp_results_clear(&fresh);
    chirp_results_clear(&base);
}

/* The bytes as limits on a good file, and as the file that good limits are about. */
static void read_limits(const char *path)
{
    static const char results[] =
        "{\"benchmarks\": [{\"name\": \"a/threads:1\", \"real_time\": 5, \"rate\": 0.5}, "
        "{\"name\": \"b/threads:1\", \"real_time\": 7}]}";
    char other[sizeof folder + 16];
    chirp_limits limits = {0};
    (void)snprintf(other, sizeof other, "%s/results", folder);
    must(chirp_file_write(other, results, strlen(results)) == CHIRP_OK, "a full disk");
    if (chirp_limits_check(path, other, 0.95, &limits) == CHIRP_OK)
        must(limits.broken + limits.missing <= limits.count, "more limits than the file has");
    chirp_limits_clear(&limits);
    if (chirp_limits_check(other, path, 0.95, &limits) == CHIRP_OK)
        chirp_limits_clear(&limits);
}

/* A page of whatever file. What stands in it is shown, and never taken for markup. */
static void read_page(const char *path)
{
    char page[sizeof folder + 16];
    char *text = NULL;
    int problems = 0;
    (void)path;
    (void)snprintf(page, sizeof page, "%s/published.json", folder); /* of an earlier page */
    (void)unlink(page);
    (void)snprintf(page, sizeof page, "%s/page.html", folder);
    const chirp_report_options options = {.folder = folder, .page = page, .tables = stdout};
    if (chirp_report_write(&options, &problems) == CHIRP_OK &&
        chirp_file_read(page, &text, NULL) == CHIRP_OK) {
        must(page_is_well_formed(text), "a page that is not well-formed");
        must(page_is_self_contained(text), "a page that leads elsewhere");
    }
    chirp_free(text);
}

/* Machines name a platform file in their folder, which another program reads. */
static void read_machine(const char *path)
{
    char platform[sizeof folder + 16];
    chirp_machine machine = {0};
    (void)snprintf(platform, sizeof platform, "%s/platform.xml", folder);
    must(access(platform, R_OK) == 0 || chirp_file_write(platform, "", 0) == CHIRP_OK,
         "a full disk");
    if (chirp_machine_read(path, &machine) != CHIRP_OK)
        return;
    for (int i = 0; i < CHIRP_MACHINE_NUMBERS; ++i)
        must(!machine.value[i].given || isfinite(machine.value[i].value), "a number of a machine");
    must(machine.hosts > 0 && machine.ranks_per_node > 0, "a machine without hosts");
    chirp_machine_release(&machine);
}

static void read_workload(const char *path)
{
    chirp_workload workload = {0};
    if (chirp_workload_read(path, &workload) == CHIRP_OK)
        must(workload.n > 0 && workload.n <= CHIRP_WORKLOAD_MAX_LAYERS, "a workload's layers");
    chirp_workload layers = {0};
    must(chirp_workload_make("spin", CHIRP_VARIANT_LAST2, false, &layers) == CHIRP_OK, "spin");
    (void)chirp_workload_profile(path, &layers);
}

static void read_jobs(const char *path)
{
    static chirp_jobs jobs;
    if (chirp_jobs_read(path, &jobs) == CHIRP_OK)
        must(jobs.n > 0 && jobs.n <= CHIRP_MAX_JOB_COUNTS, "jobs on no nodes");
}

static void read_psd(const char *path)
{
    chirp_psd *psd = NULL;
    double low = 0, high = 0;
    if (chirp_psd_read(path, CHIRP_PSD_DETECT, &psd) != CHIRP_OK)
        return;
    chirp_psd_range(psd, &low, &high);
    must(low > 0 && high >= low && isfinite(high), "the range of a noise curve");
    for (int i = 0; i <= 32; ++i) {
        const double f_hz = fmin(fmax(low * pow(high / low, i / 32.0), low), high);
        must(chirp_psd_at(psd, f_hz) > 0, "noise that is not positive");
    }
    (void)chirp_psd_require(psd, 20, 1000);
    chirp_psd_destroy(psd);
}

static void read_curriculum(const char *text)
{
    chirp_curriculum curriculum;
    if (chirp_curriculum_parse(text, &curriculum) != CHIRP_OK)
        return;
    must(curriculum.n > 0 && curriculum.stage[0].first == 0, "a curriculum that doesn't begin");
    chirp_curriculum_signals(&curriculum, 1 << 20);
    for (int i = 1; i < curriculum.n; ++i)
        must(curriculum.stage[i].first > curriculum.stage[i - 1].first, "stages that don't rise");
}

/* Stored configurations: what a checkpoint says of labels, signals and training. */
static void read_configuration(const char *text)
{
    chirp_train_record record = {0};
    chirp_text note = {0};
    if (chirp_train_record_read("file.h5", text, &record) == CHIRP_OK) {
        char *again = NULL;
        (void)chirp_train_record_compare("file.h5", &record, &record.config, record.ranks, &note);
        must(chirp_train_config_check(&record.config) == CHIRP_OK, "a configuration out of range");
        if (chirp_train_config_write(&record.config, record.ranks, &again) == CHIRP_OK)
            chirp_free(again);
    }
    chirp_text_clear(&note);
    chirp_train_record_release(&record);
}

enum { ARGUMENTS = 40 };

/* The lines of a text as arguments of a command. */
static int split(char *text, char *argument[ARGUMENTS + 1])
{
    int n = 1;
    argument[0] = (char *)"fuzz";
    for (char *at = text; at && n < ARGUMENTS; ++n) {
        char *end = strchr(at, '\n');
        argument[n] = at;
        if (end)
            *end++ = '\0';
        at = end;
    }
    argument[n] = NULL;
    return n;
}

static void read_options(const char *text)
{
    bool flag = false, given = false;
    int64_t count = 3, any = 0, bytes = 0;
    double real = 0;
    const char *string = NULL, *choice = "a", *file = NULL;
    const chirp_option table[] = {
        {"flag", CHIRP_OPTION_FLAG, &flag, .help = "h"},
        {"unflag", CHIRP_OPTION_UNFLAG, &flag, .help = "h"},
        {"any", CHIRP_OPTION_INT, &any, .metavar = "N", .help = "h"},
        {"count", CHIRP_OPTION_INT, &count, .metavar = "N", .min = 1, .max = 1e9, .help = "h"},
        {"mib", CHIRP_OPTION_MIB, &bytes, .metavar = "N", .min = 0, .max = 64, .help = "h"},
        {"real", CHIRP_OPTION_REAL, &real, .metavar = "R", .help = "h", .given = &given},
        {"text", CHIRP_OPTION_STRING, &string, .metavar = "S", .help = "h"},
        {"file", CHIRP_OPTION_STRING, &file, .metavar = "F", .help = "h", .file = CHIRP_FILE_READ},
        {"choice", CHIRP_OPTION_CHOICE, &choice, .choices = "a|bb|ccc", .help = "h"},
    };
    const chirp_usage usage = {"fuzz", strlen(text) % 2 ? "X" : NULL, "s", table,
                               sizeof table / sizeof table[0]};
    char *copy = chirp_strdup(text);
    char *argument[ARGUMENTS + 1];
    int rest = 0;
    const int n = split(copy, argument);
    if (chirp_options_parse(&usage, n, argument, &rest) == CHIRP_OK) {
        must(count >= 1 && count <= 1000000000, "an integer beyond its limits");
        must(bytes >= 0 && bytes <= 64 << 20, "bytes beyond their limits");
        must(isfinite(real) && rest >= 0 && rest < n, "a real number, or the rest");
        must(!string || *string, "an empty text");
    }
    chirp_free(copy);
}

/* The parameters of training and of signals, with their limits. */
static void read_parameters(const char *text)
{
    chirp_train_config config = chirp_train_config_study();
    chirp_option_table tables[CHIRP_TRAIN_TABLES];
    const chirp_usage usage = {"fuzz", NULL, "s", NULL, 0};
    char *copy = chirp_strdup(text);
    char *argument[ARGUMENTS + 1];
    const int n = split(copy, argument);
    chirp_train_tables(&config, NULL, tables);
    if (chirp_options_parse_tables(&usage, tables, CHIRP_TRAIN_TABLES, n, argument) == CHIRP_OK) {
        char shown[CHIRP_OPTION_TEXT];
        for (int t = 0; t < CHIRP_TRAIN_TABLES; ++t)
            for (size_t i = 0; i < tables[t].n_options; ++i) {
                const chirp_option *row = &tables[t].options[i];
                const void *value = chirp_option_value(row, tables[t].base);
                must(chirp_option_check(row, value) == CHIRP_OK, row->name ? row->name : row->key);
                (void)chirp_option_text(row, value, shown);
            }
        (void)chirp_train_config_check(&config);
    }
    chirp_free(copy);
}

static void read_filter(const char *text)
{
    chirp_pattern pattern = {0};
    if (chirp_pattern_compile(&pattern, "filter ", text) == CHIRP_OK)
        (void)chirp_pattern_keeps(&pattern, "conv1d/forward/direct/conv2/batch:64/threads:2");
    chirp_pattern_clear(&pattern);
}

static void read_problem(const char *text)
{
    chirp_problem_options both[] = {{.conv1d = text, .pass = "all", .algorithm = "all"},
                                    {.dense = text, .pass = "all", .algorithm = "all"}};
    if (text[0] == '@' || !*text) /* a file's name, and no problem */
        return;
    for (int i = 0; i < 2; ++i) {
        chirp_bench_suite suite = {0};
        if (chirp_problems_make(&both[i], &suite) == CHIRP_OK)
            must(suite.entries && suite.entries[0].name, "problems without a row");
        chirp_problems_clear(&both[i]);
    }
}

static void read_date(const char *text)
{
    double seconds = 0;
    if (chirp_instant(text, &seconds))
        must(isfinite(seconds), "an instant");
}

const fuzz_reader fuzz_readers[] = {
    {"results", "results.json", read_results},
    {"limits", "limits.json", read_limits},
    {"page", "any.json", read_page},
    {"log", "log.jsonl", read_page},
    {"machine", "machine.json", read_machine},
    {"workload", "workload.json", read_workload},
    {"jobs", "jobs.json", read_jobs},
    {"psd", "psd.txt", read_psd},
    {"curriculum", NULL, read_curriculum},
    {"configuration", NULL, read_configuration},
    {"options", NULL, read_options},
    {"parameters", NULL, read_parameters},
    {"filter", NULL, read_filter},
    {"problem", NULL, read_problem},
    {"date", NULL, read_date},
    {NULL, NULL, NULL},
};

const fuzz_reader *fuzz_reader_named(const char *name)
{
    for (const fuzz_reader *r = fuzz_readers; r->name; ++r)
        if (name && strcmp(r->name, name) == 0)
            return r;
    (void)fprintf(stderr, "no reader '%s':", name ? name : "");
    for (const fuzz_reader *r = fuzz_readers; r->name; ++r)
        (void)fprintf(stderr, " %s", r->name);
    (void)fprintf(stderr, "\n");
    exit(2);
}

/* Files of the folder that are named here; a crash leaves them. */
static void remove_folder(void)
{
    static const char *const names[] = {"page.html", "report.json", "published.json", "results",
                                        "platform.xml"};
    char path[sizeof folder + 32];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    for (const fuzz_reader *r = fuzz_readers; r->name; ++r) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, r->file ? r->file : "results");
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

static void make_folder(void)
{
    static const char memory[] = "/dev/shm"; /* many times faster than a disk */
    const char *parent = getenv("TMPDIR");
    if (!parent || !*parent)
        parent = access(memory, W_OK) == 0 ? memory : "/tmp";
    (void)snprintf(folder, sizeof folder, "%s/chirp-fuzz-XXXXXX", parent);
    must(mkdtemp(folder) != NULL, "no folder for files");
    must(setenv("PATH", "/nonexistent", 1) == 0, "no memory"); /* pages without gnuplot's plots */
    must(atexit(remove_folder) == 0, "no memory");
}

void fuzz_read(const fuzz_reader *reader, const uint8_t *bytes, size_t length)
{
    if (!*folder)
        make_folder();
    if (reader->file) {
        char path[sizeof folder + 32];
        (void)snprintf(path, sizeof path, "%s/%s", folder, reader->file);
        FILE *file = fopen(path, "wb");
        must(file && fwrite(bytes, 1, length, file) == length && fclose(file) == 0, "a full disk");
        reader->read(path);
        return;
    }
    char *text = malloc(length + 1); /* of exactly this size, so that reading on is noticed */
    must(text != NULL, "no memory");
    memcpy(text, bytes, length);
    text[length] = '\0';
    reader->read(text);
    free(text);
}
