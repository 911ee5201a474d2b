/* Numbers that follow from counters: ratios and rates, each only when what it needs was counted. */
#include "harness/bench/bench_internal.h"

#include "harness/base/memory.h"

#include <string.h>

static const double CACHE_LINE_BYTES = 64;

static bool have(const chirp_row *row, const char *name, double *value)
{
    const chirp_counter *c = chirp_counters_find(&row->counters, name);
    if (c)
        *value = c->value;
    return c != NULL;
}

/* name = a / b when both were counted and b isn't zero. */
static chirp_status ratio(chirp_row *row, const char *name, const char *a, const char *b,
                          double scale)
{
    double x = 0;
    double y = 0;
    if (!have(row, a, &x) || !have(row, b, &y) || !(y > 0))
        return CHIRP_OK;
    return chirp_counters_set(&row->counters, name, scale * x / y, false);
}

chirp_status chirp_row_derive(chirp_row *row)
{
    static const struct {
        const char *name, *a, *b;
        double scale;
    } ratios[] = {
        {"IPC", "PAPI_TOT_INS", "PAPI_TOT_CYC", 1},
        {"L1_miss_rate", "PAPI_L1_DCM", "PAPI_L1_DCA", 1},
        {"L2_miss_rate", "PAPI_L2_DCM", "PAPI_L2_DCA", 1},
        {"L3_miss_rate", "PAPI_L3_TCM", "PAPI_L3_TCA", 1},
        {"L1_misses_per_1000_instructions", "PAPI_L1_DCM", "PAPI_TOT_INS", 1000},
        {"L2_misses_per_1000_instructions", "PAPI_L2_DCM", "PAPI_TOT_INS", 1000},
        {"L3_misses_per_1000_instructions", "PAPI_L3_TCM", "PAPI_TOT_INS", 1000},
        {"branch_miss_rate", "PAPI_BR_MSP", "PAPI_BR_INS", 1},
    };
    chirp_status st = CHIRP_OK;
    double value = 0;
    for (size_t i = 0; i < sizeof ratios / sizeof ratios[0] && st == CHIRP_OK; ++i)
        st = ratio(row, ratios[i].name, ratios[i].a, ratios[i].b, ratios[i].scale);
    if (!(row->real_s > 0))
        return st;
    if (st == CHIRP_OK && (have(row, "PAPI_SP_OPS", &value) || have(row, "PAPI_FP_OPS", &value)))
        st =
            chirp_counters_set(&row->counters, "counted_GFLOPS", 1e-9 * value / row->real_s, false);
    if (st == CHIRP_OK &&
        have(row, "PAPI_L3_TCM", &value)) /* lines that came from memory; write-backs aren't seen */
        st = chirp_counters_set(&row->counters, "counted_bytes_per_second",
                                CACHE_LINE_BYTES * value / row->real_s, false);
    if (st == CHIRP_OK && have(row, "package-joules", &value))
        st = chirp_counters_set(&row->counters, "package_watts", value / row->real_s, false);
    if (st == CHIRP_OK && have(row, "task-clock-ns", &value))
        st = chirp_counters_set(&row->counters, "cpus_used", 1e-9 * value / row->real_s, false);
    return st;
}

chirp_status chirp_row_absent(chirp_row *row, const char *name, const char *reason)
{
    chirp_absence *more = chirp_calloc(row->n_absent + 1, sizeof *more);
    if (!more)
        return CHIRP_ERR_NOMEM;
    if (row->n_absent)
        memcpy(more, row->absent, row->n_absent * sizeof *more);
    chirp_free(row->absent);
    row->absent = more;
    chirp_absence *a = &row->absent[row->n_absent];
    a->name = chirp_strdup(name);
    a->reason = chirp_strdup(reason);
    if (!a->name || !a->reason) {
        chirp_free(a->name);
        chirp_free(a->reason);
        return CHIRP_ERR_NOMEM;
    }
    ++row->n_absent;
    return CHIRP_OK;
}
