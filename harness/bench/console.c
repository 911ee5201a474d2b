/* Rows for people: a table on the console, and comma-separated values. */
#include "harness/bench/bench_internal.h"

#include "harness/base/terminal.h"
#include "harness/json/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static bool colored(const chirp_bench_flags *flags)
{
    if (strcmp(flags->color, "auto") == 0)
        return chirp_terminal_colors(STDOUT_FILENO);
    return strcmp(flags->color, "true") == 0;
}

static const char *text_of(const cJSON *context, const char *key)
{
    const char *text = chirp_json_string(context, key);
    return text ? text : "?";
}

void chirp_console_context(const cJSON *context)
{
    (void)fprintf(stderr, "%s  %s\nRunning %s on %s\n", text_of(context, "date"),
                  text_of(context, "host_name"), text_of(context, "executable"),
                  text_of(context, "cpu_model"));
    const cJSON *cpus = cJSON_GetObjectItemCaseSensitive(context, "num_cpus");
    const cJSON *mhz = cJSON_GetObjectItemCaseSensitive(context, "mhz_per_cpu");
    (void)fprintf(stderr, "Run on (%s X %s MHz CPU s)\n",
                  cpus && cpus->valuestring ? cpus->valuestring : "unknown",
                  mhz && mhz->valuestring ? mhz->valuestring : "unknown");
    const cJSON *caches = cJSON_GetObjectItemCaseSensitive(context, "caches");
    if (caches && caches->child)
        (void)fprintf(stderr, "CPU Caches:\n");
    for (const cJSON *c = caches ? caches->child : NULL; c; c = c->next) {
        const cJSON *size = cJSON_GetObjectItemCaseSensitive(c, "size");
        const cJSON *level = cJSON_GetObjectItemCaseSensitive(c, "level");
        (void)fprintf(stderr, "  L%.0f %s %.0f KiB\n", cJSON_GetNumberValue(level),
                      text_of(c, "type"), cJSON_GetNumberValue(size) / 1024);
    }
    const cJSON *warnings = cJSON_GetObjectItemCaseSensitive(context, "warnings");
    for (const cJSON *w = warnings ? warnings->child : NULL; w; w = w->next)
        (void)fprintf(stderr, "***WARNING*** %s\n", w->valuestring);
}

/* "1.234 us": four digits and a unit that fits, unless the user chose one. */
static void time_text(char *text, size_t room, const chirp_bench_flags *flags, double seconds)
{
    static const char *const units[] = {"s", "ms", "us", "ns"};
    const char *unit = flags->time_unit;
    if (!flags->time_unit_given) {
        size_t i = 0;
        while (i < 3 && seconds * chirp_time_scale(units[i]) < 1)
            ++i;
        unit = units[i];
    }
    const double shown = seconds * chirp_time_scale(unit);
    const int decimals = shown >= 1000 ? 0 : shown >= 100 ? 1 : shown >= 10 ? 2 : 3;
    (void)snprintf(text, room, "%.*f %s", decimals, shown, unit);
}

/* "12.3G": three digits and a decimal prefix for rates, plain numbers below 1000. */
static void value_text(char *text, size_t room, double value)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
    size_t i = 0;
    if (!isfinite(value)) {
        (void)snprintf(text, room, "absent");
        return;
    }
    while (fabs(value) >= 1000 && i < 5) {
        value /= 1000;
        ++i;
    }
    (void)snprintf(text, room, "%.4g%s", value, prefixes[i]);
}

static bool shown_on_console(const chirp_bench_flags *flags, const chirp_row *row)
{
    const bool only = flags->display_aggregates_only || flags->report_aggregates_only;
    return !(only && !row->aggregate_name && row->repetitions > 1 && !row->error);
}

static void line(FILE *out, size_t width)
{
    for (size_t i = 0; i < width; ++i)
        (void)fputc('-', out);
    (void)fputc('\n', out);
}

static int column_width(const char *name) { return strlen(name) > 10 ? (int)strlen(name) : 10; }

static void counter_text(char *text, size_t room, const chirp_row *row, double value)
{
    if (row->percentage && isfinite(value))
        (void)snprintf(text, room, "%.2f%%", 100 * value);
    else
        value_text(text, room, value);
}

/* What people look at first; the rest follows by name. */
static const char *const first_counters[] = {
    "GFLOPS",           "effective_GFLOPS", "peak_fraction",    "roof_fraction",
    "bytes_per_second", "PAPI_TOT_INS",     "estimated_cycles", "items_per_second"};
enum { FIRST = sizeof first_counters / sizeof first_counters[0], ROW_WIDTH = 160 };

static bool is_first(const char *name)
{
    for (size_t i = 0; i < FIRST; ++i)
        if (strcmp(name, first_counters[i]) == 0)
            return true;
    return false;
}

/* Prints " NAME=value" where it fits into the row. */
static void print_counter(FILE *out, const chirp_row *row, const chirp_counter *c, size_t *used)
{
    char text[40];
    counter_text(text, sizeof text, row, c->value);
    const size_t length = 2 + strlen(c->name) + strlen(text);
    if (*used + length > ROW_WIDTH)
        return;
    (void)fprintf(out, " %s=%s", c->name, text);
    *used += length;
}

/* Behind the times: bound, counters, label, as far as a row has room; files have all. */
static void print_details(FILE *out, const chirp_row *row, size_t used)
{
    if (row->bound[0] && used + strlen(row->bound) + 7 <= ROW_WIDTH)
        used += (size_t)fprintf(out, " bound=%s", row->bound);
    for (size_t i = 0; i < FIRST; ++i) {
        const chirp_counter *c = chirp_counters_find(&row->counters, first_counters[i]);
        if (c)
            print_counter(out, row, c, &used);
    }
    for (size_t i = 0; i < row->counters.count; ++i)
        if (!is_first(row->counters.item[i].name))
            print_counter(out, row, &row->counters.item[i], &used);
    if (row->label && *row->label && used + strlen(row->label) + 1 <= ROW_WIDTH)
        (void)fprintf(out, " %s", row->label);
}

/* One field for each column: blank where the row lacks the counter. */
static void print_columns(FILE *out, const chirp_row *row, const chirp_counters *columns)
{
    char text[40];
    for (size_t i = 0; i < columns->count; ++i) {
        const char *name = columns->item[i].name;
        const chirp_counter *c = chirp_counters_find(&row->counters, name);
        text[0] = '\0';
        if (c)
            counter_text(text, sizeof text, row, c->value);
        (void)fprintf(out, " %*s", column_width(name), text);
    }
    if (row->bound[0])
        (void)fprintf(out, " bound=%s", row->bound);
    if (row->label && *row->label)
        (void)fprintf(out, " %s", row->label);
}

/* The times of a row; a simulation's own speed is none. */
static void print_times(FILE *out, const chirp_bench_flags *flags, const chirp_row *row)
{
    char real[40] = "-";
    char cpu[40] = "-";
    if (row->percentage) {
        (void)snprintf(real, sizeof real, "%.2f %%", 100 * row->real_s);
        (void)snprintf(cpu, sizeof cpu, "%.2f %%", 100 * row->cpu_s);
    } else if (!flags->simulate) {
        time_text(real, sizeof real, flags, row->real_s);
        time_text(cpu, sizeof cpu, flags, row->cpu_s);
    }
    (void)fprintf(out, "%15s %15s %12lld", real, cpu, (long long)row->iterations);
}

static void heading(FILE *out, const chirp_counters *columns, size_t name_width)
{
    size_t width = name_width + 2 * 16 + 13 + (columns ? 0 : strlen(" UserCounters..."));
    for (size_t i = 0; columns && i < columns->count; ++i)
        width += 1 + (size_t)column_width(columns->item[i].name);
    line(out, width);
    (void)fprintf(out, "%-*s %15s %15s %12s%s", (int)name_width, "Benchmark", "Time", "CPU",
                  "Iterations", columns ? "" : " UserCounters...");
    for (size_t i = 0; columns && i < columns->count; ++i)
        (void)fprintf(out, " %*s", column_width(columns->item[i].name), columns->item[i].name);
    (void)fputc('\n', out);
    line(out, width);
}

void chirp_console_rows(FILE *out, const chirp_bench_flags *flags, const chirp_row *rows, size_t n,
                        size_t name_width, bool *headed)
{
    const bool color = colored(flags);
    const char *explained = ""; /* the benchmark whose absent counters were given */
    chirp_counters union_of_rows = {0};
    bool tabular = flags->counters_tabular;
    for (size_t i = 0; i < n && tabular; ++i)
        for (size_t k = 0; k < rows[i].counters.count && shown_on_console(flags, &rows[i]); ++k)
            tabular &= chirp_counters_set(&union_of_rows, rows[i].counters.item[k].name, 0,
                                          false) == CHIRP_OK;
    const chirp_counters *columns = tabular ? &union_of_rows : NULL;
    bool head = !*headed || tabular;
    for (size_t i = 0; i < n; ++i) {
        const chirp_row *row = &rows[i];
        if (!shown_on_console(flags, row))
            continue;
        if (head)
            heading(out, columns, name_width);
        head = false;
        *headed = true;
        (void)fprintf(out, "%s%-*s%s ", color ? "\033[0;32m" : "", (int)name_width, row->name,
                      color ? "\033[m" : "");
        if (row->error) {
            (void)fprintf(out, "%sERROR: %s%s\n", color ? "\033[0;31m" : "", row->error,
                          color ? "\033[m" : "");
            continue;
        }
        print_times(out, flags, row);
        if (columns)
            print_columns(out, row, columns);
        else
            print_details(out, row, name_width + 45 /* the times */);
        for (size_t k = 0; k < row->n_absent && strcmp(explained, row->run_name) != 0; ++k)
            (void)fprintf(out, "\n  %s absent: %s", row->absent[k].name, row->absent[k].reason);
        explained = row->run_name;
        (void)fprintf(out, "\n");
    }
    chirp_counters_clear(&union_of_rows);
    (void)fflush(out);
}

static void csv_text(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (; *text; ++text) {
        if (*text == '"')
            (void)fputc('"', out);
        (void)fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
    }
    (void)fputc('"', out);
}

void chirp_csv_rows(FILE *out, const chirp_bench_flags *flags, const chirp_row *rows, size_t n,
                    bool *headed)
{
    static const char *const columns[] = {"bytes_per_second", "items_per_second", "GFLOPS",
                                          "effective_GFLOPS", "peak_fraction",    "relative_error"};
    enum { N_COLUMNS = sizeof columns / sizeof columns[0] };
    if (!*headed) { /* Google Benchmark's columns; the counters that every reader of ours wants follow */
        (void)fprintf(
            out,
            "name,iterations,real_time,cpu_time,time_unit,bytes_per_second,items_per_second,label,"
            "error_occurred,error_message");
        for (size_t k = 2; k < N_COLUMNS; ++k)
            (void)fprintf(out, ",%s", columns[k]);
        (void)fprintf(out, "\n");
    }
    *headed = true;
    for (size_t i = 0; i < n; ++i) {
        const chirp_row *row = &rows[i];
        if (flags->report_aggregates_only && !row->aggregate_name && row->repetitions > 1 &&
            !row->error)
            continue;
        const double scale = row->percentage ? 1 : chirp_time_scale(flags->time_unit);
        csv_text(out, row->name);
        if (row->error)
            (void)fprintf(out, ",,,,");
        else
            (void)fprintf(out, ",%lld,%.9g,%.9g,%s", (long long)row->iterations,
                          scale * row->real_s, scale * row->cpu_s,
                          row->percentage ? "" : flags->time_unit);
        for (size_t k = 0; k < N_COLUMNS; ++k) {
            const chirp_counter *c =
                row->error ? NULL : chirp_counters_find(&row->counters, columns[k]);
            if (c && isfinite(c->value))
                (void)fprintf(out, ",%.9g", c->value);
            else
                (void)fputc(',', out);
            if (k == 1) {
                (void)fputc(',', out);
                csv_text(out, row->label ? row->label : "");
                (void)fprintf(out, ",%s,", row->error ? "true" : "");
                csv_text(out, row->error ? row->error : "");
            }
        }
        (void)fprintf(out, "\n");
    }
}
