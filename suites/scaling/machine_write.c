/* The machine at hand as the two files that machine.c reads. */
#include "suites/scaling/costs.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/json/json.h"
#include "harness/machine/machine.h"
#include "suites/scaling/plan.h"
#include "suites/scaling/machine.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SWITCH_HOSTS = 4096 };

static void put(cJSON *values, chirp_machine_number number, double value, const char *unit,
                const char *kind, const char *source)
{
    cJSON *item = cJSON_AddObjectToObject(values, chirp_machine_key(number));
    (void)cJSON_AddNumberToObject(item, "value", value);
    (void)cJSON_AddStringToObject(item, "unit", unit);
    (void)cJSON_AddStringToObject(item, "kind", kind);
    (void)cJSON_AddStringToObject(item, "source", source);
}

/* The row with the most ranks that have processors of their own, else the last. */
static const chirp_scale_row *representative(const chirp_scale *scale)
{
    for (int i = scale->n_rows - 1; i > 0; --i)
        if (!scale->row[i].oversubscribed)
            return &scale->row[i];
    return &scale->row[scale->n_rows - 1];
}

/* Operations a second of a rank in its row's median repetition. */
static double rate(const chirp_scale *scale, const chirp_workload *w, int row)
{
    const chirp_scale_row *r = &scale->row[row];
    const chirp_scale_terms *t = &r->repetition[chirp_scale_median(scale, row)];
    return w->flops * (double)(r->batch * scale->options.train.accumulate) /
           (t->compute + t->optimizer + t->input);
}

static void add_exchange(cJSON *values, const chirp_exchange_costs *c)
{
    /* on one computer the wire is a processor that copies: all of an exchange takes turns on the processors */
    const double wire_s = c->one_computer ? 0 : c->latency_s;
    const double wire_per_byte = c->one_computer ? 0 : 1 / c->bandwidth;
    put(values, CHIRP_MACHINE_LATENCY, wire_s, "s", "measured",
        c->one_computer ? "one computer: in software_fixed"
                        : "half a round trip of 8 bytes between ranks 0 and 1, median");
    put(values, CHIRP_MACHINE_BANDWIDTH, c->one_computer ? 1e13 : c->bandwidth, "B/s", "measured",
        c->one_computer ? "one computer: in software_per_byte"
                        : "64 messages of 1 MiB from rank 0 to 1, median");
    put(values, CHIRP_MACHINE_SOFTWARE_FIXED, fmax(0, c->fixed_s - wire_s), "s", "derived",
        "fit to allreduces on the fewest ranks, less the wire");
    put(values, CHIRP_MACHINE_SOFTWARE_PER_BYTE, fmax(0, c->per_byte_s - wire_per_byte), "s/B",
        "derived", "fit to allreduces on the fewest ranks, less the wire");
    put(values, CHIRP_MACHINE_REDUCE_BANDWIDTH, c->triad_bandwidth / 3, "B/s", "derived",
        c->one_computer
            ? "a third of the computer's triad over arrays of the study's gradient; ranks share it"
            : "a third of the triad of rank 0's threads over arrays of the study's gradient");
    put(values, CHIRP_MACHINE_COPY_BANDWIDTH, c->copy_bandwidth, "B/s", "measured",
        "memcpy of 15 MB by rank 0, median");
    put(values, CHIRP_MACHINE_CYCLE, 0, "s", "derived",
        "chirpbench's horovod exchange negotiates at once");
    if (c->one_computer)
        put(values, CHIRP_MACHINE_SHARED_PROCESSORS, c->processors, "1", "measured",
            "processors that all ranks share");
}

static void add_runs(cJSON *root, const chirp_scale *scale)
{
    const chirp_scale_options *o = &scale->options;
    cJSON *runs = cJSON_AddObjectToObject(root, "runs");
    (void)cJSON_AddStringToObject(
        runs, "what", "steps of real training with processors for every rank, by chirpbench scale");
    (void)cJSON_AddStringToObject(runs, "network", o->train.network);
    (void)cJSON_AddStringToObject(runs, "variational", chirp_variant_name[o->train.variant]);
    (void)cJSON_AddStringToObject(runs, "exchange", o->train.exchange.engine);
    (void)cJSON_AddNumberToObject(runs, "batch", (double)o->train.batch);
    cJSON *rows = cJSON_AddArrayToObject(runs, "rows");
    for (int i = 0; i < scale->n_rows && !o->strong; ++i) {
        if (scale->row[i].oversubscribed)
            continue;
        cJSON *item = cJSON_CreateObject();
        (void)cJSON_AddNumberToObject(item, "ranks", scale->row[i].ranks);
        (void)cJSON_AddNumberToObject(item, "seconds_per_step",
                                      scale->row[i].repetition[chirp_scale_median(scale, i)].total);
        cJSON_AddItemToArray(rows, item);
    }
}

static void add_values(cJSON *root, const chirp_scale *scale, const chirp_workload *w,
                       const chirp_exchange_costs *c)
{
    const chirp_scale_row *row = representative(scale);
    const int busy = (int)(row - scale->row);
    char source[160];
    cJSON *values = cJSON_AddObjectToObject(root, "values");
    add_exchange(values, c);
    (void)snprintf(source, sizeof source, "one rank of %d threads alone, batch %lld",
                   scale->row[0].threads, (long long)scale->row[0].batch);
    put(values, CHIRP_MACHINE_FLOPS_FAST, rate(scale, w, 0), "flop/s", "measured", source);
    (void)snprintf(source, sizeof source, "a rank of %d that compute at once, batch %lld",
                   row->ranks, (long long)row->batch);
    put(values, CHIRP_MACHINE_FLOPS_SLOW, fmin(rate(scale, w, 0), rate(scale, w, busy)), "flop/s",
        "measured", source);
    (void)snprintf(source, sizeof source,
                   "compute times of %d steps on %d ranks%s, what all ranks share left out; "
                   "autocorrelation %.2f",
                   scale->options.steps * scale->options.repetitions, row->ranks,
                   row->oversubscribed ? " that share processors" : "",
                   row->jitter_autocorrelation);
    put(values, CHIRP_MACHINE_JITTER_RELATIVE, fmin(0.5, row->jitter_relative), "1", "measured",
        source);
    const double fresh = row->jitter_relative * sqrt(1 - row->jitter_permanent);
    put(values, CHIRP_MACHINE_JITTER_FRESH, fmin(0.5, fresh), "1", "measured", source);
}

static chirp_status write_json(const char *path, const char *name, const chirp_scale *scale,
                               const chirp_exchange_costs *c, int hosts)
{
    chirp_host host;
    chirp_workload w;
    char line[256];
    const chirp_train_config *t = &scale->options.train;
    chirp_status st = chirp_workload_make(t->network, t->variant, !t->independent_noise, &w);
    if (st != CHIRP_OK)
        return st;
    cJSON *root = cJSON_CreateObject();
    chirp_host_read(&host);
    (void)chirp_json_add_text(root, "name", name);
    (void)snprintf(line, sizeof line, "%.100s: %s, as chirpbench scale measured it", host.cpu_model,
                   c->one_computer ? "ranks of one computer" : "a rank a node");
    (void)chirp_json_add_text(root, "title", line);
    (void)snprintf(line, sizeof line, "%s.xml", name);
    (void)chirp_json_add_text(root, "platform", line);
    (void)cJSON_AddStringToObject(root, "host_prefix", "n");
    (void)cJSON_AddNumberToObject(root, "hosts", hosts);
    (void)cJSON_AddNumberToObject(root, "ranks_per_node", 1);
    add_values(root, scale, &w, c);
    add_runs(root, scale);
    char *text = chirp_json_print(root);
    cJSON_Delete(root);
    st = text ? chirp_file_write(path, text, strlen(text))
              : chirp_fail(CHIRP_ERR_NOMEM, "%s: no memory for the machine", path);
    cJSON_free(text);
    return st;
}

static chirp_status write_platform(const char *path, const chirp_exchange_costs *c, int hosts)
{
    char text[1024];
    const double bandwidth = c->one_computer ? 1e13 : c->bandwidth;
    const double latency = c->one_computer ? 0 : 0.5 * c->latency_s;
    const int length = snprintf(
        text, sizeof text,
        "<?xml version='1.0'?>\n"
        "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
        "<!-- %s -->\n"
        "<platform version=\"4.1\">\n"
        "  <zone id=\"machine\" routing=\"Full\">\n"
        "    <cluster id=\"measured\" prefix=\"n\" radical=\"0-%d\" suffix=\"\" speed=\"1Gf\" "
        "core=\"2\" bw=\"%.6gBps\" lat=\"%.6gs\"\n"
        "             sharing_policy=\"SPLITDUPLEX\" loopback_bw=\"%.6gBps\" "
        "loopback_lat=\"%.6gs\"/>\n"
        "  </zone>\n"
        "</platform>\n",
        c->one_computer ? "Ranks of one computer: copying is in the JSON file, links are free."
                        : "Nodes behind one ideal switch, links as between ranks 0 and 1; replace "
                          "it by the machine's topology.",
        hosts - 1, bandwidth, latency, bandwidth, latency);
    return chirp_file_write(path, text, (size_t)length);
}

/* Where the file's own name begins. */
static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

chirp_status chirp_machine_name(const char *path, char name[48])
{
    const char *base = base_of(path);
    const size_t length = strlen(base);
    if (length < 6 || length - 5 >= 48 || strcmp(base + length - 5, ".json") != 0)
        return chirp_fail(CHIRP_ERR_ARG,
                          "--machine-out %s: should be a short name that ends in .json", path);
    (void)snprintf(name, 48, "%.*s", (int)(length - 5), base);
    return CHIRP_OK;
}

chirp_status chirp_machine_write(const char *path, const chirp_scale *scale,
                                 const chirp_exchange_costs *costs)
{
    char platform[PATH_MAX];
    char name[48];
    chirp_status st = chirp_machine_name(path, name);
    if (st == CHIRP_OK &&
        (size_t)snprintf(platform, sizeof platform, "%.*s%s.xml", (int)(base_of(path) - path), path,
                         name) >= sizeof platform)
        st = chirp_fail(CHIRP_ERR_ARG, "--machine-out: path too long");
    const int most = scale->options.count[scale->options.n_counts - 1];
    const int hosts = costs->one_computer ? most : SWITCH_HOSTS;
    if (st == CHIRP_OK)
        st = write_platform(platform, costs, hosts);
    return st == CHIRP_OK ? write_json(path, name, scale, costs, hosts) : st;
}
