/* A comparison for people and for programs. */
#include "harness/compare/compare.h"
#include "harness/compare/compare_text.h"

#include "harness/json/json.h"
#include "harness/results/document.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void time_text(char *text, size_t room, double s)
{
    static const struct {
        double least, scale;
        const char *unit;
    } units[] = {{1, 1, "s"}, {1e-3, 1e3, "ms"}, {1e-6, 1e6, "us"}, {0, 1e9, "ns"}};
    size_t i = 0;
    if (!(s > 0)) {
        (void)snprintf(text, room, "-");
        return;
    }
    while (s < units[i].least)
        ++i;
    (void)snprintf(text, room, "%.4g %s", s * units[i].scale, units[i].unit);
}

void chirp_compare_amount_text(char *text, size_t room, const chirp_comparison *c, double amount)
{
    if (c->exact && amount > 0)
        (void)snprintf(text, room, "%.0f", amount);
    else
        time_text(text, room, amount);
}

void chirp_compare_change_text(char *text, size_t room, const chirp_interval *r)
{
    if (!(r->value > 0))
        (void)snprintf(text, room, "-");
    else if (r->low == r->high)
        (void)snprintf(text, room, "%+.2f %%", 100 * (r->value - 1));
    else if (r->low > 0 && isfinite(r->high))
        (void)snprintf(text, room, "%+.1f %% [%+.1f, %+.1f]", 100 * (r->value - 1),
                       100 * (r->low - 1), 100 * (r->high - 1));
    else
        (void)snprintf(text, room, "%+.1f %% [too few]", 100 * (r->value - 1));
}

void chirp_compare_percent_text(char *text, size_t room, double share)
{
    if (isfinite(share))
        (void)snprintf(text, room, "%.1f %%", 100 * share);
    else
        (void)snprintf(text, room, "-");
}

void chirp_compare_tally_text(char *text, size_t room, const chirp_compare_result *r)
{
    (void)snprintf(text, room,
                   "%zu compared: %zu faster, %zu slower, %zu same, %zu inconclusive, %zu failed, "
                   "%zu skipped",
                   r->count, r->tally[CHIRP_FASTER], r->tally[CHIRP_SLOWER], r->tally[CHIRP_SAME],
                   r->tally[CHIRP_INCONCLUSIVE], r->tally[CHIRP_FAILED], r->tally[CHIRP_SKIPPED]);
}

void chirp_compare_print(const chirp_results *base, const chirp_results *fresh,
                         const chirp_compare_options *o, const chirp_compare_result *r, bool color)
{
    static const char *const colors[CHIRP_VERDICTS] = {"",           "\033[0;32m", "\033[0;31m",
                                                       "\033[0;33m", "\033[0;31m", ""};
    char tally[160];
    int width = 9;
    for (size_t i = 0; i < r->count; ++i)
        width = (int)strlen(r->item[i].name) > width ? (int)strlen(r->item[i].name) : width;
    chirp_print_plain(stdout, 0, base->path);
    printf(" -> ");
    chirp_print_plain(stdout, 0, fresh->path);
    printf(", threshold %g %%, confidence %g %%\n", 100 * o->threshold, 100 * o->confidence);
    printf("%-*s %11s %11s %26s %8s %7s %9s  %s\n", width, "benchmark", "base", "new",
           "change [interval]", "U test", "noise", "could see", "verdict");
    for (size_t i = 0; i < r->count; ++i) {
        const chirp_comparison *c = &r->item[i];
        char a[32];
        char b[32];
        char change[64];
        char noise[32];
        char seen[32];
        chirp_compare_amount_text(a, sizeof a, c, c->base_s);
        chirp_compare_amount_text(b, sizeof b, c, c->fresh_s);
        chirp_compare_change_text(change, sizeof change, &c->ratio);
        chirp_compare_percent_text(noise, sizeof noise, c->noise);
        chirp_compare_percent_text(seen, sizeof seen, c->detectable);
        chirp_print_plain(stdout, width, c->name);
        printf(" %11s %11s %26s %8.2g %7s %9s  %s%s%s%s", a, b, change, c->p_corrected, noise, seen,
               color ? colors[c->verdict] : "", chirp_verdict_text(c->verdict),
               color ? "\033[m" : "", c->why ? ": " : "");
        chirp_print_plain(stdout, 0, c->why ? c->why : "");
        printf("\n");
    }
    for (size_t k = 0; k < r->n_families; ++k)
        if (r->family[k].count > 0 && (r->n_families > 2 || r->family[k].name[0] == '\0')) {
            chirp_print_plain(stdout, width, r->family[k].name[0] ? r->family[k].name : "all");
            printf(" geometric mean of %zu: %+.2f %%\n", r->family[k].count,
                   100 * (r->family[k].ratio - 1));
        }
    chirp_compare_tally_text(tally, sizeof tally, r);
    printf("%s", tally);
    if (r->only_base || r->only_fresh) {
        printf("; %zu only in ", r->only_base);
        chirp_print_plain(stdout, 0, base->path);
        printf(", %zu only in ", r->only_fresh);
        chirp_print_plain(stdout, 0, fresh->path);
    }
    printf("\n");
}

static bool add_comparison(cJSON *list, const chirp_comparison *c)
{
    cJSON *o = cJSON_CreateObject();
    if (!o || !cJSON_AddItemToArray(list, o))
        return false;
    bool ok = chirp_json_add_text(o, "name", c->name) &&
              chirp_json_add_text(o, "verdict", chirp_verdict_text(c->verdict)) &&
              chirp_json_add_integer(o, "repetitions_base", (int64_t)c->n_base) &&
              chirp_json_add_integer(o, "repetitions_new", (int64_t)c->n_fresh);
    if (ok && c->ratio.value > 0 && !c->exact) {
        ok = chirp_json_add_real(o, "base_seconds", c->base_s) &&
             chirp_json_add_real(o, "new_seconds", c->fresh_s) &&
             chirp_json_add_real(o, "ratio", c->ratio.value) &&
             chirp_json_add_real(o, "p_mann_whitney", c->p) &&
             chirp_json_add_real(o, "p_corrected", c->p_corrected) &&
             chirp_json_add_real(o, "p_slower", c->p_slower) &&
             chirp_json_add_real(o, "p_faster", c->p_faster) &&
             chirp_json_add_real(o, "noise", c->noise) &&
             chirp_json_add_real(o, "detectable", c->detectable);
        if (ok && c->ratio.confidence > 0)
            ok = chirp_json_add_real(o, "ratio_low", c->ratio.low) &&
                 chirp_json_add_real(o, "ratio_high", c->ratio.high) &&
                 chirp_json_add_real(o, "confidence", c->ratio.confidence);
        if (ok && c->mean_ratio > 0)
            ok = chirp_json_add_real(o, "whole_repetitions_ratio", c->mean_ratio) &&
                 chirp_json_add_text(o, "decided_by",
                                     c->by_blocks ? "fastest blocks" : "whole repetitions");
        if (ok && c->floor_ratio > 0)
            ok = chirp_json_add_real(o, "fastest_ratio", c->floor_ratio);
    }
    if (ok && c->exact) {
        ok = chirp_json_add_real(o, "base_count", c->base_s) &&
             chirp_json_add_real(o, "new_count", c->fresh_s) &&
             chirp_json_add_real(o, "ratio", c->ratio.value) &&
             chirp_json_add_real(o, "ratio_low", c->ratio.low) &&
             chirp_json_add_real(o, "ratio_high", c->ratio.high);
    }
    return ok && (!c->why || chirp_json_add_text(o, "why", c->why));
}

cJSON *chirp_compare_json(const chirp_results *base, const chirp_results *fresh,
                          const chirp_compare_options *o, const chirp_compare_result *r)
{
    cJSON *root = chirp_document_create(CHIRP_DOCUMENT_COMPARISON);
    bool ok = root && chirp_json_add_text(root, "base", base->path) &&
              chirp_json_add_text(root, "new", fresh->path) &&
              chirp_json_add_real(root, "threshold", o->threshold) &&
              chirp_json_add_real(root, "confidence", o->confidence);
    cJSON *list = ok ? cJSON_AddArrayToObject(root, "benchmarks") : NULL;
    ok = list != NULL;
    for (size_t i = 0; i < r->count && ok; ++i)
        ok = add_comparison(list, &r->item[i]);
    cJSON *families = ok ? cJSON_AddObjectToObject(root, "geometric_mean") : NULL;
    ok = families != NULL;
    for (size_t k = 0; k < r->n_families && ok; ++k)
        if (r->family[k].count > 0)
            ok = chirp_json_add_real(families, r->family[k].name[0] ? r->family[k].name : "all",
                                     r->family[k].ratio);
    cJSON *tally = ok ? cJSON_AddObjectToObject(root, "tally") : NULL;
    ok = tally != NULL;
    for (int v = 0; v < CHIRP_VERDICTS && ok; ++v)
        ok = chirp_json_add_integer(tally, chirp_verdict_text((chirp_verdict)v),
                                    (int64_t)r->tally[v]);
    ok = ok && chirp_json_add_integer(root, "only_in_base", (int64_t)r->only_base) &&
         chirp_json_add_integer(root, "only_in_new", (int64_t)r->only_fresh);
    if (!ok) {
        cJSON_Delete(root);
        return NULL;
    }
    return root;
}
