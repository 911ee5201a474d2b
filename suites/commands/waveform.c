/* chirpbench waveform: one signal as numbers. */
#include "harness/base/file.h"
#include "harness/base/launch.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/json/json.h"
#include "harness/results/document.h"
#include "model/signal/generator.h"
#include "model/signal/phenomd.h"
#include "model/signal/series.h"
#include "suites/command.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct waveform {
    chirp_series series;
    double duration_s, f_ref_hz, f_high_hz, df_hz, snr;
    const char *domain, *frequencies, *format, *out, *psd;
    int64_t rows;
    int columns;
    const char *names[3];
    double *value; /* [rows][columns] */
} waveform;

static chirp_status make_room(waveform *w, int64_t rows, int columns)
{
    w->rows = rows;
    w->columns = columns;
    w->value = chirp_calloc((size_t)rows, (size_t)columns * sizeof *w->value);
    return w->value ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

/* One frequency a line; blank lines and comments are passed over. */
static chirp_status read_frequencies(const char *path, double **f, int64_t *n)
{
    char *text = NULL;
    chirp_status st = chirp_file_read(path, &text, NULL);
    if (st != CHIRP_OK)
        return st;
    int64_t lines = 1, line_number = 0, count = 0;
    for (const char *c = text; *c; ++c)
        lines += *c == '\n';
    double *list = chirp_calloc((size_t)lines, sizeof *list);
    st = list ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (char *line = text, *next; st == CHIRP_OK && line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        ++line_number;
        line += strspn(line, " \t\r");
        if (*line == '\0' || *line == '#')
            continue;
        char *end;
        const double value = strtod(line, &end);
        end += strspn(end, " \t\r");
        if (end == line || *end != '\0' || !(value > 0) || !isfinite(value))
            st = chirp_fail(CHIRP_ERR_FORMAT,
                            "%s:%lld: expected one frequency [Hz] above 0, got '%.40s'", path,
                            (long long)line_number, line);
        else
            list[count++] = value;
    }
    chirp_free(text);
    if (st == CHIRP_OK && count == 0)
        st = chirp_fail(CHIRP_ERR_FORMAT, "%s: no frequencies in it: one per line, in Hz", path);
    if (st != CHIRP_OK) {
        chirp_free(list);
        return st;
    }
    *f = list;
    *n = count;
    return CHIRP_OK;
}

static chirp_status regular_frequencies(const waveform *w, const chirp_phenomd *m, double **f,
                                        int64_t *n)
{
    const double high = w->f_high_hz > 0 ? w->f_high_hz : CHIRP_PHENOMD_CUT / m->mass_s;
    const double count = floor((high - w->series.f_low_hz) / w->df_hz) + 1;
    if (!(count >= 1) || !(count <= 1e8))
        return chirp_fail(CHIRP_ERR_RANGE,
                          "frequencies %g to %g Hz in steps of %g Hz: expected 1 to 1e8 of them",
                          w->series.f_low_hz, high, w->df_hz);
    *n = (int64_t)count;
    *f = chirp_calloc((size_t)*n, sizeof **f);
    if (!*f)
        return CHIRP_ERR_NOMEM;
    for (int64_t i = 0; i < *n; ++i)
        (*f)[i] = w->series.f_low_hz + w->df_hz * (double)i;
    return CHIRP_OK;
}

static chirp_status frequency_domain(waveform *w, const chirp_phenomd *m)
{
    double *f = NULL, *work = NULL;
    int64_t n = 0;
    chirp_status st = w->frequencies ? read_frequencies(w->frequencies, &f, &n)
                                     : regular_frequencies(w, m, &f, &n);
    if (st != CHIRP_OK)
        return st;
    work = chirp_calloc((size_t)n, 2 * sizeof *work);
    st = work ? make_room(w, n, 3) : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_phenomd_evaluate(m, f, n, w->f_ref_hz, w->series.distance_mpc, work, work + n);
    for (int64_t i = 0; st == CHIRP_OK && i < n; ++i) {
        const double phase = work[n + i] + w->series.phase;
        w->value[3 * i] = f[i];
        w->value[3 * i + 1] = work[i] * cos(phase);
        w->value[3 * i + 2] = work[i] == 0 ? 0 : -work[i] * sin(phase);
    }
    w->names[0] = "frequency";
    w->names[1] = "real";
    w->names[2] = "imaginary";
    chirp_free(f);
    chirp_free(work);
    return st;
}

static chirp_status time_domain(waveform *w)
{
    const int64_t n = w->series.length;
    double *h = chirp_calloc((size_t)n, 2 * sizeof *h);
    chirp_status st = h ? make_room(w, n, 3) : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_series_make(&w->series, h, h + n);
    for (int64_t i = 0; st == CHIRP_OK && i < n; ++i) {
        w->value[3 * i] = (double)i / w->series.sample_rate_hz - w->series.peak_at_s;
        w->value[3 * i + 1] = h[i];
        w->value[3 * i + 2] = h[n + i];
    }
    w->names[0] = "time";
    w->names[1] = "plus";
    w->names[2] = "cross";
    chirp_free(h);
    return st;
}

/* What a network sees: whitened, band-passed, normalised; with noise when an SNR is given. */
static chirp_status whitened(waveform *w, int64_t seed)
{
    const chirp_series *s = &w->series;
    chirp_signal_config config = chirp_signal_config_default();
    config.length = s->length;
    config.sample_rate_hz = s->sample_rate_hz;
    config.f_low_hz = s->f_low_hz;
    if (w->f_high_hz > 0)
        config.f_high_hz = w->f_high_hz;
    config.merger_min_s = config.merger_max_s = s->peak_at_s;
    config.psd_path = w->psd;
    config.noise = w->snr > 0;
    config.seed = (uint64_t)seed;
    config.n_threads = 1;
    const chirp_signal_draw draw = {.binary = s->binary,
                                    .phase = s->phase,
                                    .merger_s = s->peak_at_s,
                                    .snr = w->snr > 0 ? w->snr : 1,
                                    .weight = {1, 0}};
    chirp_generator *g = NULL;
    float *x = chirp_calloc((size_t)s->length, sizeof *x);
    chirp_status st = x ? make_room(w, s->length, 2) : CHIRP_ERR_NOMEM;
    if (st == CHIRP_OK)
        st = chirp_generator_create(&config, &g);
    if (st == CHIRP_OK)
        st = chirp_generator_make(g, &draw, 0, x);
    for (int64_t i = 0; st == CHIRP_OK && i < s->length; ++i) {
        w->value[2 * i] = (double)i / s->sample_rate_hz - s->peak_at_s;
        w->value[2 * i + 1] = (double)x[i];
    }
    w->names[0] = "time";
    w->names[1] = "whitened";
    chirp_generator_destroy(g);
    chirp_free(x);
    return st;
}

static void append_csv(const waveform *w, chirp_text *text)
{
    for (int c = 0; c < w->columns; ++c)
        chirp_text_appendf(text, "%s%s", c ? "," : "", w->names[c]);
    chirp_text_append(text, "\n");
    for (int64_t r = 0; r < w->rows; ++r)
        for (int c = 0; c < w->columns; ++c)
            chirp_text_appendf(text, "%s%.17g%s", c ? "," : "", w->value[r * w->columns + c],
                               c == w->columns - 1 ? "\n" : "");
}

static chirp_status append_json(const waveform *w, const chirp_phenomd *m, chirp_text *text)
{
    double omega_r = 0, omega_i = 0;
    const bool has_mode = chirp_qnm(m->final_spin, &omega_r, &omega_i) == CHIRP_OK;
    const chirp_binary *b = &m->binary;
    char *head = chirp_document_head_text(CHIRP_DOCUMENT_WAVEFORM);
    if (!head)
        return chirp_fail(CHIRP_ERR_NOMEM, "no memory for the waveform");
    chirp_text_appendf(text, "{\n  \"chirpbench\": %s,\n", head);
    cJSON_free(head);
    chirp_text_appendf(
        text,
        "  \"model\": \"IMRPhenomD\",\n  \"domain\": \"%s\",\n"
        "  \"parameters\": {\"m1\": %.17g, \"m2\": %.17g, \"chi1\": %.17g, \"chi2\": %.17g, "
        "\"distance_mpc\": %.17g},\n",
        w->domain, b->m1_msun, b->m2_msun, b->chi1, b->chi2, w->series.distance_mpc);
    chirp_text_appendf(
        text,
        "  \"remnant\": {\"a_f\": %.17g, \"radiated_fraction\": %.17g, \"f_ring_hz\": %.17g, "
        "\"f_damp_hz\": %.17g",
        m->final_spin, m->radiated_fraction, m->ring / m->mass_s, m->damp / m->mass_s);
    if (has_mode)
        chirp_text_appendf(text, ", \"omega_R\": %.17g, \"omega_I\": %.17g", omega_r, omega_i);
    chirp_text_appendf(text, "},\n  \"chirp_time_s\": %.17g,\n  \"columns\": [",
                       chirp_phenomd_time_to_merger(m, w->series.f_low_hz));
    for (int c = 0; c < w->columns; ++c)
        chirp_text_appendf(text, "%s\"%s\"", c ? ", " : "", w->names[c]);
    chirp_text_append(text, "],\n  \"rows\": [");
    for (int64_t r = 0; r < w->rows; ++r) {
        chirp_text_append(text, r ? ",\n    [" : "\n    [");
        for (int c = 0; c < w->columns; ++c)
            chirp_text_appendf(text, "%s%.17g", c ? ", " : "", w->value[r * w->columns + c]);
        chirp_text_append(text, "]");
    }
    chirp_text_append(text, "\n  ]\n}\n");
    return CHIRP_OK;
}

static chirp_status print_out(const waveform *w, const chirp_phenomd *m)
{
    chirp_text text = {0};
    chirp_status st = CHIRP_OK;
    if (strcmp(w->format, "json") == 0)
        st = append_json(w, m, &text);
    else
        append_csv(w, &text);
    if (st != CHIRP_OK || text.failed)
        st = CHIRP_ERR_NOMEM;
    else if (w->out)
        st = chirp_file_write(w->out, text.bytes, text.used);
    else if (fwrite(text.bytes, 1, text.used, stdout) != text.used || fflush(stdout) != 0)
        st = chirp_fail(CHIRP_ERR_IO, "standard output: can't write");
    chirp_free(text.bytes);
    return st;
}

static chirp_status make(waveform *w, int64_t seed)
{
    chirp_phenomd m;
    chirp_status st = chirp_phenomd_prepare(&w->series.binary, &m);
    if (st != CHIRP_OK)
        return st;
    if (chirp_phenomd_warning(&m))
        (void)fprintf(stderr, "chirpbench: warning: %s\n", chirp_phenomd_warning(&m));
    w->series.length = (int64_t)llround(w->duration_s * w->series.sample_rate_hz);
    if (w->frequencies && strcmp(w->domain, "frequency") != 0)
        return chirp_fail(CHIRP_ERR_ARG, "--frequencies belongs to --domain frequency");
    if (strcmp(w->domain, "frequency") == 0)
        st = frequency_domain(w, &m);
    else if (strcmp(w->domain, "time") == 0)
        st = time_domain(w);
    else
        st = whitened(w, seed);
    return st == CHIRP_OK ? print_out(w, &m) : st;
}

static int run(int argc, char **argv)
{
    waveform w = {.series = chirp_series_default(),
                  .duration_s = 1,
                  .f_ref_hz = 20,
                  .df_hz = 0.25,
                  .domain = "time",
                  .format = "csv"};
    chirp_binary *b = &w.series.binary;
    int64_t seed = 0;
    const chirp_option table[] = {
        {"mass1", CHIRP_OPTION_REAL, &b->m1_msun, .metavar = "M", .min = 0.1, .max = 1e5,
         .help = "detector frame [solar masses]"},
        {"mass2", CHIRP_OPTION_REAL, &b->m2_msun, .metavar = "M", .min = 0.1, .max = 1e5,
         .help = "detector frame [solar masses]"},
        {"spin1", CHIRP_OPTION_REAL, &b->chi1, .metavar = "CHI", .min = -1, .max = 1,
         .help = "along the orbital angular momentum"},
        {"spin2", CHIRP_OPTION_REAL, &b->chi2, .metavar = "CHI", .min = -1, .max = 1,
         .help = "along the orbital angular momentum"},
        {"distance", CHIRP_OPTION_REAL, &w.series.distance_mpc, .metavar = "D", .min = 1e-6,
         .max = 1e9, .help = "luminosity distance [Mpc]"},
        {"inclination", CHIRP_OPTION_REAL, &w.series.inclination, .metavar = "I",
         .help = "time domain [rad]; 0 is face-on"},
        {"phase", CHIRP_OPTION_REAL, &w.series.phase, .metavar = "P",
         .help = "added to the phase of the strain [rad]"},
        {"domain", CHIRP_OPTION_CHOICE, &w.domain, .choices = "time|frequency|whitened",
         .help = "strain h+, hx; or h~(f) face-on; or what a network sees"},
        {"frequencies", CHIRP_OPTION_STRING, &w.frequencies, .metavar = "FILE",
         .file = CHIRP_FILE_READ, .help = "frequency domain: one per line [Hz]"},
        {"f-low", CHIRP_OPTION_REAL, &w.series.f_low_hz, .metavar = "F", .min = 1, .max = 1e5,
         .help = "lowest frequency [Hz]"},
        {"f-high", CHIRP_OPTION_REAL, &w.f_high_hz, .metavar = "F", .min = 0, .max = 1e6,
         .help = "highest [Hz]; 0: the model's end M f = 0.2, or 1000 Hz whitened"},
        {"df", CHIRP_OPTION_REAL, &w.df_hz, .metavar = "DF", .min = 1e-6, .max = 1e5,
         .help = "frequency domain: spacing [Hz]"},
        {"f-ref", CHIRP_OPTION_REAL, &w.f_ref_hz, .metavar = "F", .min = 1e-3, .max = 1e5,
         .help = "frequency domain: the strain is real and positive there [Hz]"},
        {"sample-rate", CHIRP_OPTION_REAL, &w.series.sample_rate_hz, .metavar = "R", .min = 64,
         .max = 1e6, .help = "time domain [Hz]"},
        {"duration", CHIRP_OPTION_REAL, &w.duration_s, .metavar = "S", .min = 1e-3, .max = 4096,
         .help = "time domain [s]"},
        {"merger-at", CHIRP_OPTION_REAL, &w.series.peak_at_s, .metavar = "S", .min = 0, .max = 4096,
         .help = "time domain: where |h| is largest, from the first sample [s]"},
        {"snr", CHIRP_OPTION_REAL, &w.snr, .metavar = "RHO", .min = 0, .max = 1e6,
         .help = "whitened: with noise at this SNR; 0: none"},
        {"psd", CHIRP_OPTION_STRING, &w.psd, .metavar = "FILE", .file = CHIRP_FILE_READ,
         .help = "whitened: noise curve table or strain file; aLIGO design without"},
        {"seed", CHIRP_OPTION_INT, &seed, .metavar = "N", .min = 0, .max = 9e15,
         .help = "whitened: of the noise"},
        {"format", CHIRP_OPTION_CHOICE, &w.format, .choices = "csv|json",
         .help = "csv: a line of names, then numbers"},
        {"out", CHIRP_OPTION_STRING, &w.out, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "standard output without"},
    };
    const chirp_usage usage = {
        "waveform", NULL,
        "Prints one signal of an aligned-spin binary black hole (IMRPhenomD).\n"
        "Time domain: seconds from the merger, h+, hx. Frequency domain: Hz, real and imaginary "
        "part of h~(f) face-on [1/Hz].",
        table, sizeof table / sizeof table[0]};
    chirp_status st = chirp_options_parse(&usage, argc, argv, NULL);
    if (st == CHIRP_OK)
        st = chirp_refuse_ranks("waveform");
    if (st == CHIRP_OK)
        st = make(&w, seed);
    chirp_free(w.value);
    return chirp_command_exit(st);
}

const chirp_command chirp_command_waveform = {
    "waveform", "one signal: time or frequency domain, CSV or JSON", run};
