/* What the machine is and what it can do: from doctor and from the context of the benchmark files. */
#include "reports/sections/machine.h"

#include "reports/sections/bench_rows.h"
#include "reports/sections/fields.h"
#include "reports/sections/sections.h"

#include <math.h>
#include <string.h>

static const cJSON *bench_context(const chirp_result_files *results)
{
    const chirp_result_file *file = chirp_result_files_find(results, CHIRP_DOCUMENT_BENCH, 0);
    return file ? cJSON_GetObjectItemCaseSensitive(file->root, "context") : NULL;
}

const char *chirp_report_machine_name(const chirp_result_files *results)
{
    static const char *const key[] = {"cpu_model", "cpu", "model"};
    const chirp_result_file *doctor = chirp_result_files_find(results, CHIRP_DOCUMENT_DOCTOR, 0);
    const cJSON *places[] = {bench_context(results), doctor ? doctor->root : NULL,
                             doctor ? cJSON_GetObjectItemCaseSensitive(doctor->root, "machine")
                                    : NULL,
                             doctor ? cJSON_GetObjectItemCaseSensitive(doctor->root, "cpu") : NULL};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; ++i)
        for (size_t k = 0; k < sizeof key / sizeof key[0]; ++k) {
            const char *name = places[i] ? chirp_json_string(places[i], key[k]) : NULL;
            if (name && *name)
                return name;
        }
    return NULL;
}

/* One measured level of memory a row. */
static void levels_table(chirp_report *r, const cJSON *levels)
{
    static const char *const headers[] = {
        "level", "threads", "working set of each", "read", "triad", "latency [ns]", NULL};
    const cJSON *item = NULL;
    chirp_table t;
    chirp_table_begin(&t, "Memory, measured", headers);
    cJSON_ArrayForEach(item, levels)
    {
        chirp_table_text(&t, chirp_json_string(item, "level"));
        chirp_table_member(&t, item, "threads", CHIRP_UNIT_INTEGER);
        chirp_table_member(&t, item, "bytes_per_thread", CHIRP_UNIT_BYTES);
        chirp_table_member(&t, item, "read_bytes_per_second", CHIRP_UNIT_BYTES_PER_SECOND);
        chirp_table_member(&t, item, "triad_bytes_per_second", CHIRP_UNIT_BYTES_PER_SECOND);
        chirp_table_member(&t, item, "latency_ns", CHIRP_UNIT_FIXED1);
    }
    chirp_report_table(r, &t, 20);
}

static void peaks_table(chirp_report *r, const cJSON *peaks)
{
    static const char *const headers[] = {"threads", "GFLOP/s", "by", NULL};
    const cJSON *item = NULL;
    chirp_table t;
    chirp_table_begin(&t, "Fused multiply-adds, measured", headers);
    cJSON_ArrayForEach(item, peaks)
    {
        chirp_table_member(&t, item, "threads", CHIRP_UNIT_INTEGER);
        chirp_table_member(&t, item, "GFLOPS", CHIRP_UNIT_FIXED1);
        chirp_table_text(&t, chirp_json_string(item, "kernel"));
    }
    chirp_report_table(r, &t, 20);
}

/* Events that count, and for the others the reason. */
static void counters_table(chirp_report *r, const char *title, const cJSON *counters)
{
    static const char *const headers[] = {"event", "counts", "why not", NULL};
    const cJSON *item = NULL;
    chirp_table t;
    chirp_table_begin(&t, title, headers);
    cJSON_ArrayForEach(item, counters)
    {
        chirp_table_text(&t, item->string);
        chirp_table_text(&t, cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "counts")) ? "yes"
                                                                                            : "no");
        chirp_table_text(&t, chirp_json_string(item, "reason"));
    }
    chirp_report_table(r, &t, 0);
}

static void write_doctor(chirp_report *r, const chirp_result_file *doctor)
{
    static const char *const headers[] = {"field", "value", "unit", NULL};
    static const char *const own[] = {"fma_peak", "levels", "counters"};
    const cJSON *counters = cJSON_GetObjectItemCaseSensitive(doctor->root, "counters");
    const cJSON *presets = cJSON_GetObjectItemCaseSensitive(counters, "presets");
    const char *hardware = counters ? chirp_json_string(counters, "hardware") : NULL;
    chirp_table t;
    chirp_report_source(r, doctor);
    levels_table(r, cJSON_GetObjectItemCaseSensitive(doctor->root, "levels"));
    peaks_table(r, cJSON_GetObjectItemCaseSensitive(doctor->root, "fma_peak"));
    chirp_table_begin(&t, "Facts about the machine", headers);
    chirp_fields_but(&t, doctor->root, own,
                     cJSON_IsObject(presets) ? sizeof own / sizeof own[0] : 0, 200);
    chirp_report_table(r, &t, 0);
    if (hardware) {
        chirp_markup_raw(&r->body, "<p>Hardware counters: ");
        chirp_markup_text(&r->body, hardware);
        chirp_markup_raw(&r->body, ".</p>\n");
    }
    if (cJSON_IsObject(presets)) {
        counters_table(r, "PAPI presets", presets);
        counters_table(r, "Software events",
                       cJSON_GetObjectItemCaseSensitive(counters, "software"));
    }
}

static void draw_machine(chirp_report *r)
{
    static const char *const headers[] = {"field", "value", "unit", NULL};
    const chirp_result_file *doctor = NULL;
    const chirp_result_file *bench = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_BENCH, 0);
    chirp_table t;
    for (size_t i = 0; (doctor = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_DOCTOR, i));
         ++i)
        write_doctor(r, doctor);
    for (size_t i = 0; (bench = chirp_result_files_find(&r->results, CHIRP_DOCUMENT_BENCH, i));
         ++i) {
        const cJSON *context = cJSON_GetObjectItemCaseSensitive(bench->root, "context");
        chirp_report_source(r, bench);
        chirp_table_begin(&t, "Where and how the benchmarks ran", headers);
        chirp_fields(&t, context, 100);
        chirp_report_table(r, &t, 0);
    }
}

const chirp_section chirp_section_machine = {
    .id = "machine",
    .title = "Machine",
    .needs = CHIRP_NEEDS(CHIRP_DOCUMENT_DOCTOR) | CHIRP_NEEDS(CHIRP_DOCUMENT_BENCH),
    .draw = draw_machine,
};
