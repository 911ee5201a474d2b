/*
 * Google Benchmark's JSON: key order, types and number forms of its reporter, with what it lacks mended. Numbers are
 * finite or absent, control characters are escaped, and the text is a whole document whenever it is asked for.
 */
#include "harness/bench/bench_internal.h"

#include "harness/base/memory.h"
#include "harness/json/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* {"counter": "reason"} for each counter that has no number. */
static bool add_absent(cJSON *object, const chirp_row *row)
{
    bool any = row->n_absent > 0;
    for (size_t i = 0; i < row->counters.count; ++i)
        any |= !isfinite(row->counters.item[i].value);
    if (!any || row->error)
        return true;
    cJSON *absent = cJSON_AddObjectToObject(object, "absent_counters");
    bool ok = absent != NULL;
    for (size_t i = 0; i < row->counters.count && ok; ++i)
        if (!isfinite(row->counters.item[i].value))
            ok = chirp_json_add_text(absent, row->counters.item[i].name, "not a finite number");
    for (size_t i = 0; i < row->n_absent && ok; ++i)
        ok = chirp_json_add_text(absent, row->absent[i].name, row->absent[i].reason);
    return ok;
}

static cJSON *row_object(const chirp_row *row, const char *unit)
{
    cJSON *o = cJSON_CreateObject();
    if (!o)
        return NULL;
    bool ok = chirp_json_add_text(o, "name", row->name) &&
              chirp_json_add_integer(o, "family_index", row->family_index) &&
              chirp_json_add_integer(o, "per_family_instance_index", row->instance_index) &&
              chirp_json_add_text(o, "run_name", row->run_name) &&
              chirp_json_add_text(o, "run_type", row->aggregate_name ? "aggregate" : "iteration") &&
              chirp_json_add_integer(o, "repetitions", row->repetitions);
    if (ok && !row->aggregate_name)
        ok = chirp_json_add_integer(o, "repetition_index", row->repetition_index);
    ok = ok && chirp_json_add_integer(o, "threads", row->threads);
    if (ok && row->aggregate_name)
        ok = chirp_json_add_text(o, "aggregate_name", row->aggregate_name) &&
             chirp_json_add_text(o, "aggregate_unit", row->percentage ? "percentage" : "time");
    if (ok && row->error)
        ok = cJSON_AddTrueToObject(o, "error_occurred") != NULL &&
             chirp_json_add_text(o, "error_message", row->error);
    const double scale = row->percentage ? 1 : chirp_time_scale(unit);
    ok = ok && chirp_json_add_integer(o, "iterations", row->iterations) &&
         chirp_json_add_real(o, "real_time", row->error ? 0 : scale * row->real_s) &&
         chirp_json_add_real(o, "cpu_time", row->error ? 0 : scale * row->cpu_s) &&
         chirp_json_add_text(o, "time_unit", unit);
    for (size_t i = 0; i < row->counters.count && ok && !row->error; ++i)
        ok = chirp_json_add_real(o, row->counters.item[i].name, row->counters.item[i].value);
    if (ok && row->baseline)
        ok = cJSON_AddTrueToObject(o, "baseline") != NULL;
    if (ok && row->bound[0])
        ok = chirp_json_add_text(o, "bound", row->bound);
    ok = ok && add_absent(o, row);
    if (ok && row->label && *row->label)
        ok = chirp_json_add_text(o, "label", row->label);
    if (!ok) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}

chirp_status chirp_json_document(const cJSON *context, const chirp_bench_flags *flags,
                                 const chirp_rows *rows, bool partial, char **document)
{
    chirp_text t = {0};
    cJSON *head = cJSON_Duplicate(context, 1);
    if (!head || (partial && !cJSON_AddTrueToObject(head, "partial")))
        t.failed = true;
    chirp_text_append(&t, "{\n  \"context\": ");
    if (!t.failed)
        chirp_text_append_json(&t, head, "  ");
    cJSON_Delete(head);
    chirp_text_append(&t, ",\n  \"benchmarks\": [");
    bool first = true;
    for (size_t i = 0; i < rows->count && !t.failed; ++i) {
        const chirp_row *row = &rows->item[i];
        if (flags->report_aggregates_only && !partial && !row->aggregate_name &&
            row->repetitions > 1 && !row->error)
            continue; /* a partial file may lack the aggregates: there the repetitions stay */
        cJSON *o = row_object(row, flags->time_unit);
        if (!o) {
            t.failed = true;
            break;
        }
        chirp_text_append(&t, first ? "\n    " : ",\n    ");
        chirp_text_append_json(&t, o, "    ");
        cJSON_Delete(o);
        first = false;
    }
    chirp_text_append(&t, first ? "]\n}\n" : "\n  ]\n}\n");
    if (t.failed) {
        chirp_free(t.bytes);
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the result document");
    }
    *document = t.bytes;
    return CHIRP_OK;
}
