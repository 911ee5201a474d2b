/* What the machine is and what it can do: from doctor and from the context of the benchmark files. */
#include "reports/report_internal.h"
#include "reports/sections/bench_rows.h"
#include "reports/sections/fields.h"

#include <math.h>
#include <string.h>

static const cJSON *bench_context(const chirp_report *r)
{
    const chirp_result_file *file = chirp_result_files_find(&r->results, CHIRP_RESULT_BENCH, 0);
    return file ? cJSON_GetObjectItemCaseSensitive(file->root, "context") : NULL;
}

const char *chirp_report_machine_name(const chirp_report *r)
{
    static const char *const key[] = {"cpu_model", "cpu", "model"};
    const chirp_result_file *doctor = chirp_result_files_find(&r->results, CHIRP_RESULT_MACHINE, 0);
    const cJSON *places[] = {bench_context(r), doctor ? doctor->root : NULL,
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

static void write_warnings(chirp_report *r, const cJSON *warnings)
{
    const cJSON *warning = NULL;
    if (cJSON_GetArraySize(warnings) == 0)
        return;
    chirp_report_say(r, "What makes timings on this machine doubtful:");
    chirp_markup_raw(&r->body, "<ul>\n");
    cJSON_ArrayForEach(warning, warnings)
    {
        chirp_markup_raw(&r->body, "<li>");
        chirp_markup_text(&r->body, cJSON_GetStringValue(warning));
        chirp_markup_raw(&r->body, "</li>\n");
    }
    chirp_markup_raw(&r->body, "</ul>\n");
}

void chirp_section_machine(chirp_report *r)
{
    static const char *const headers[] = {"field", "value", "unit", NULL};
    const chirp_result_file *doctor = chirp_result_files_find(&r->results, CHIRP_RESULT_MACHINE, 0);
    const cJSON *context = bench_context(r);
    const char *name = chirp_report_machine_name(r);
    chirp_table t;
    if (!doctor && !context)
        return;
    chirp_section_begin(r, "machine", "Machine");
    for (size_t i = 0; (doctor = chirp_result_files_find(&r->results, CHIRP_RESULT_MACHINE, i));
         ++i) {
        chirp_report_source(r, doctor);
        chirp_table_begin(&t, "What doctor found", headers);
        chirp_fields(&t, doctor->root, 200);
        chirp_report_table(r, &t, 60);
        write_warnings(r, cJSON_GetObjectItemCaseSensitive(doctor->root, "warnings"));
    }
    const chirp_result_file *bench = NULL;
    for (size_t i = 0; (bench = chirp_result_files_find(&r->results, CHIRP_RESULT_BENCH, i)); ++i) {
        int threads = 0;
        const double peak = chirp_bench_fma_peak(bench, &threads);
        context = cJSON_GetObjectItemCaseSensitive(bench->root, "context");
        chirp_report_source(r, bench);
        chirp_table_begin(&t, "Where and how the benchmarks ran", headers);
        chirp_fields(&t, context, 100);
        chirp_report_table(r, &t, 0);
        write_warnings(r, cJSON_GetObjectItemCaseSensitive(context, "warnings"));
        if (i == 0)
            chirp_report_card(r, "FMA peak, measured", peak, 1, CHIRP_UNIT_FIXED1, " GFLOP/s",
                              name ? name : "");
    }
    chirp_section_end(r);
}
