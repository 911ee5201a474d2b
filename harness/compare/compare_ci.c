/* A comparison for pull requests and for the services that show them: Markdown, JUnit's XML, GitHub's annotations. */
#include "harness/base/text.h"
#include "harness/compare/compare.h"
#include "harness/compare/compare_text.h"
#include "harness/json/json.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static bool is_bad(const chirp_comparison *c)
{
    return c->verdict == CHIRP_SLOWER || c->verdict == CHIRP_FAILED;
}

static bool changed(const chirp_comparison *c) { return is_bad(c) || c->verdict == CHIRP_FASTER; }

static const char *context_text(const chirp_results *r, const char *key)
{
    const char *text = chirp_json_string(r->context, key);
    return text ? text : "unknown";
}

/* The sentence that stands first: what is worst, and by how much. */
static void append_headline(chirp_text *t, const chirp_compare_result *r)
{
    const chirp_comparison *worst = NULL;
    const size_t bad = r->tally[CHIRP_SLOWER] + r->tally[CHIRP_FAILED];
    for (size_t i = 0; i < r->count; ++i)
        if (r->item[i].verdict == CHIRP_SLOWER &&
            (!worst || r->item[i].ratio.value > worst->ratio.value))
            worst = &r->item[i];
    if (bad == 0 && r->tally[CHIRP_INCONCLUSIVE] > 0)
        chirp_text_appendf(t, "### None of %zu benchmarks is known to be slower, %zu undecided\n\n",
                           r->count, r->tally[CHIRP_INCONCLUSIVE]);
    else if (bad == 0)
        chirp_text_appendf(t, "### None of %zu benchmarks is slower\n\n", r->count);
    else if (r->tally[CHIRP_SLOWER] == 0)
        chirp_text_appendf(t, "### %zu of %zu benchmarks failed\n\n", bad, r->count);
    else {
        char change[64];
        chirp_compare_change_text(change, sizeof change, &worst->ratio);
        chirp_text_appendf(t, "### %zu of %zu benchmarks slower: ", r->tally[CHIRP_SLOWER],
                           r->count);
        chirp_text_append_markdown(t, worst->name);
        chirp_text_appendf(t, " %s\n\n", change);
    }
}

static void append_side(chirp_text *t, const char *name, const chirp_results *r)
{
    chirp_text_appendf(t, "%s ", name);
    chirp_text_append_markdown(t, r->path);
    chirp_text_append(t, ", commit ");
    chirp_text_append_markdown(t, context_text(r, "git_commit"));
    chirp_text_append(t, ", ");
    chirp_text_append_markdown(t, context_text(r, "date"));
    chirp_text_append(t, "  \n");
}

static void append_row(chirp_text *t, const chirp_comparison *c)
{
    char a[32], b[32], change[64], seen[32];
    chirp_compare_amount_text(a, sizeof a, c, c->base_s);
    chirp_compare_amount_text(b, sizeof b, c, c->fresh_s);
    chirp_compare_change_text(change, sizeof change, &c->ratio);
    chirp_compare_percent_text(seen, sizeof seen, c->detectable);
    const char *strong = is_bad(c) ? "**" : "";
    chirp_text_append(t, "| ");
    chirp_text_append_markdown(t, c->name);
    chirp_text_appendf(t, " | %s | %s | %s | %.2g | %s | %s%s%s%s", a, b, change, c->p_corrected,
                       seen, strong, chirp_verdict_text(c->verdict), strong, c->why ? ": " : "");
    if (c->why)
        chirp_text_append_markdown(t, c->why);
    chirp_text_append(t, " |\n");
}

/* The rows that changed, or the others. */
static void append_table(chirp_text *t, const chirp_compare_result *r, bool of_changed)
{
    chirp_text_append(t, "| benchmark | base | new | change [interval] | U test | could see | "
                         "verdict |\n| --- | ---: | ---: | ---: | ---: | ---: | --- |\n");
    for (size_t i = 0; i < r->count; ++i)
        if (changed(&r->item[i]) == of_changed)
            append_row(t, &r->item[i]);
    chirp_text_append(t, "\n");
}

chirp_status chirp_compare_markdown(const chirp_results *base, const chirp_results *fresh,
                                    const chirp_compare_options *o, const chirp_compare_result *r,
                                    char **text)
{
    chirp_text t = {0};
    char tally[160];
    size_t n_changed = 0;
    for (size_t i = 0; i < r->count; ++i)
        n_changed += changed(&r->item[i]);
    append_headline(&t, r);
    chirp_compare_tally_text(tally, sizeof tally, r);
    chirp_text_appendf(&t, "%s. Threshold %g %%, confidence %g %%.  \n", tally, 100 * o->threshold,
                       100 * o->confidence);
    append_side(&t, "Base", base);
    append_side(&t, "New", fresh);
    chirp_text_append(&t, "Machine ");
    chirp_text_append_markdown(&t, context_text(fresh, "host_name"));
    chirp_text_append(&t, ", ");
    chirp_text_append_markdown(&t, context_text(fresh, "cpu_model"));
    chirp_text_append(&t, ", hypervisor ");
    chirp_text_append_markdown(&t, context_text(fresh, "hypervisor"));
    chirp_text_append(&t, fresh->counted ? ". Counts of a simulation.\n\n" : "\n\n");
    if (n_changed > 0)
        append_table(&t, r, true);
    if (n_changed < r->count) {
        chirp_text_appendf(&t, "<details><summary>%zu without a change</summary>\n\n",
                           r->count - n_changed);
        append_table(&t, r, false);
        chirp_text_append(&t, "</details>\n");
    }
    if (r->tally[CHIRP_INCONCLUSIVE] > 0)
        chirp_text_append(&t, "\nUndecided rows need more repetitions: compare --run adds them "
                              "until each has a verdict, and bench --simulate needs none.\n");
    const chirp_family_mean *all = &r->family[r->n_families - 1];
    if (all->count > 0)
        chirp_text_appendf(&t, "\nGeometric mean of all: %+.2f %%\n", 100 * (all->ratio - 1));
    if (t.failed)
        return chirp_fail(CHIRP_ERR_NOMEM, "compare: no memory for the report");
    *text = t.bytes;
    return CHIRP_OK;
}

/* A text from outside with `escaped` characters replaced: XML's or GitHub's own. */
static void append_escaped(chirp_text *t, const char *text, const char *const *pairs)
{
    chirp_text plain = {0};
    chirp_text_append_plain(&plain, text);
    t->failed |= plain.failed;
    for (const char *c = plain.bytes; c && *c; ++c) {
        const char *const *p = pairs;
        while (*p && **p != *c)
            p += 2;
        if (*p)
            chirp_text_append(t, p[1]);
        else
            chirp_text_append_bytes(t, c, 1);
    }
    chirp_text_clear(&plain);
}

static void append_xml(chirp_text *t, const char *text)
{
    static const char *const pairs[] = {"&",    "&amp;", "<",      "&lt;", ">",
                                        "&gt;", "\"",    "&quot;", NULL};
    append_escaped(t, text, pairs);
}

/* "+21.0 % [+17, +35]", and why. */
static void append_finding(chirp_text *t, const chirp_comparison *c,
                           void (*append)(chirp_text *, const char *))
{
    char change[64];
    chirp_compare_change_text(change, sizeof change, &c->ratio);
    append(t, chirp_verdict_text(c->verdict));
    if (c->ratio.value > 0) {
        append(t, " ");
        append(t, change);
    }
    if (c->why) {
        append(t, ": ");
        append(t, c->why);
    }
}

void chirp_compare_junit(const chirp_results *fresh, const chirp_compare_result *r, chirp_text *t)
{
    chirp_text_append(t, "<testsuite name=\"");
    append_xml(t, fresh->path);
    chirp_text_appendf(t, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\">\n",
                       r->count, r->tally[CHIRP_SLOWER] + r->tally[CHIRP_FAILED],
                       r->tally[CHIRP_SKIPPED]);
    for (size_t i = 0; i < r->count; ++i) {
        const chirp_comparison *c = &r->item[i];
        const char *element = is_bad(c)                     ? "failure"
                              : c->verdict == CHIRP_SKIPPED ? "skipped"
                                                            : NULL;
        chirp_text_append(t, "  <testcase classname=\"chirpbench\" name=\"");
        append_xml(t, c->name);
        if (element)
            chirp_text_appendf(t, "\"><%s message=\"", element);
        else
            chirp_text_append(t, "\"><system-out>");
        append_finding(t, c, append_xml);
        chirp_text_append(t, element ? "\"/></testcase>\n" : "</system-out></testcase>\n");
    }
    chirp_text_append(t, "</testsuite>\n");
}

static void append_command(chirp_text *t, const char *text)
{
    static const char *const pairs[] = {"%", "%25", ":", "%3A", ",", "%2C", NULL};
    append_escaped(t, text, pairs);
}

void chirp_compare_annotate(const chirp_compare_result *r)
{
    for (size_t i = 0; i < r->count; ++i) {
        chirp_text t = {0};
        if (!changed(&r->item[i]))
            continue;
        chirp_text_appendf(&t, "::%s title=", is_bad(&r->item[i]) ? "error" : "notice");
        append_command(&t, r->item[i].name);
        chirp_text_append(&t, "::");
        append_finding(&t, &r->item[i], append_command);
        if (!t.failed)
            printf("%s\n", t.bytes);
        chirp_text_clear(&t);
    }
}
