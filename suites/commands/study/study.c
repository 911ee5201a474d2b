/* The loop over the steps, and what surrounds it. */
#include "suites/commands/study/study.h"

#include "harness/base/clock.h"
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/base/process.h"
#include "harness/base/terminal.h"
#include "harness/machine/machine.h"
#include "harness/progress/progress.h"
#include "reports/report.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double GW150914_GPS = 1126259462.4;

static void date_text(char *text, size_t room)
{
    struct tm local = {0};
    const time_t now = time(NULL);
    if (!localtime_r(&now, &local) || strftime(text, room, "%Y-%m-%d %H:%M:%S %z", &local) == 0)
        text[0] = '\0';
}

/* Paths of this program: for exec, and as the user typed it. */
static chirp_status find_self(chirp_study *s)
{
    char path[4096];
    char typed[4096] = "";
    if (!chirp_program_path(path, sizeof path))
        return chirp_fail(CHIRP_ERR_IO, "/proc/self/exe: can't find this program: %s",
                          strerror(errno));
    FILE *file = fopen("/proc/self/cmdline", "re");
    if (file) {
        const size_t got =
            fread(typed, 1, sizeof typed - 1, file); /* ends at the first NUL: argv[0] */
        typed[got] = '\0';
        (void)fclose(file);
    }
    s->program = chirp_strdup(path);
    s->shown = chirp_strdup(typed[0] ? typed : path);
    return s->program && s->shown ? CHIRP_OK : CHIRP_ERR_NOMEM;
}

/* The file that --strain names; without it a file that the step `generate` makes. */
static chirp_status choose_strain(chirp_study *s)
{
    s->gps = s->options.gps;
    s->strain = s->options.strain;
    if (s->strain)
        return access(s->strain, R_OK) == 0
                   ? CHIRP_OK
                   : chirp_fail(CHIRP_ERR_IO, "--strain %s: can't read it: %s", s->strain,
                                strerror(errno));
    const size_t room = strlen(s->options.folder) + sizeof "/injected.hdf5";
    if (!(s->strain_made = chirp_alloc(room)))
        return CHIRP_ERR_NOMEM;
    (void)snprintf(s->strain_made, room, "%s/injected.hdf5", s->options.folder);
    s->strain = s->strain_made;
    s->gps = GW150914_GPS;
    s->simulated = true;
    return CHIRP_OK;
}

static chirp_status prepare(chirp_study *s)
{
    cpu_set_t set;
    s->processors = sched_getaffinity(0, sizeof set, &set) == 0
                        ? CPU_COUNT(&set)
                        : (int)sysconf(_SC_NPROCESSORS_ONLN);
    date_text(s->started, sizeof s->started);
    chirp_host host;
    chirp_host_read(&host);
    (void)snprintf(s->build, sizeof s->build, "%s %.40s", CHIRP_VERSION, host.git_commit);
    chirp_status st = find_self(s);
    if (st == CHIRP_OK)
        st = choose_strain(s);
    if (st == CHIRP_OK)
        st = chirp_study_plan(s);
    if (st == CHIRP_OK)
        st = chirp_study_recall(s);
    const size_t room = strlen(s->options.folder) + sizeof "/logs";
    char *logs = st == CHIRP_OK ? chirp_alloc(room) : NULL;
    if (logs) {
        (void)snprintf(logs, room, "%s/logs", s->options.folder);
        st = chirp_make_directories(logs);
        chirp_free(logs);
    } else if (st == CHIRP_OK) {
        st = CHIRP_ERR_NOMEM;
    }
    return st == CHIRP_OK ? chirp_study_record(s) : st;
}

static const chirp_step *find_step(const chirp_study *s, const char *name)
{
    for (int i = 0; i < s->n_steps; ++i)
        if (strcmp(s->step[i].name, name) == 0)
            return &s->step[i];
    return NULL;
}

static bool succeeded(const chirp_step *step)
{
    return step->outcome == CHIRP_STEP_DONE || step->outcome == CHIRP_STEP_KEPT;
}

/* The step that this one waits for in vain, or NULL. */
static const char *missing(const chirp_study *s, const chirp_step *step)
{
    for (size_t i = 0; i < sizeof step->needs / sizeof step->needs[0]; ++i) {
        const chirp_step *other = step->needs[i] ? find_step(s, step->needs[i]) : NULL;
        if (other && !succeeded(other))
            return other->name;
    }
    return NULL;
}

/* The last line of a log, where commands write their one line of error. */
static void last_line(const char *log, char *text, size_t room)
{
    char *bytes = NULL;
    size_t n = 0;
    text[0] = '\0';
    if (chirp_file_read(log, &bytes, &n) != CHIRP_OK)
        return;
    while (n > 0 && (bytes[n - 1] == '\n' || bytes[n - 1] == ' '))
        bytes[--n] = '\0';
    const char *line = strrchr(bytes, '\n');
    (void)snprintf(text, room, "%s", line ? line + 1 : bytes);
    chirp_free(bytes);
}

static chirp_status run_step(chirp_study *s, chirp_step *step, int index, bool *interrupted)
{
    char log[4096];
    char line[256];
    char time_text[32];
    char resume[] = "--resume";
    char *argv[CHIRP_STUDY_WORDS + 1] = {NULL};
    for (int i = 0; i < step->n_words; ++i)
        argv[i] = step->word[i];
    if (step->resumable && access(step->resumable, F_OK) == 0)
        argv[step->n_words] = resume;
    else if (step->log_of_run)
        (void)unlink(step->log_of_run); /* of a run that was killed before its first checkpoint */
    (void)snprintf(log, sizeof log, "%.3900s/logs/%.60s.log", s->options.folder, step->name);
    char *command = chirp_step_command(step, s->program, s->shown);
    if (!command)
        return CHIRP_ERR_NOMEM;
    printf("[%d/%d] %-15s %s%s\n", index + 1, s->n_steps, step->name, command,
           argv[step->n_words] ? " --resume" : "");
    chirp_free(command);
    (void)fflush(stdout);
    const double start = chirp_now_s();
    const chirp_status st =
        chirp_child_run(argv, log, chirp_terminal_redraws(STDOUT_FILENO) ? stdout : NULL,
                        &step->exit_code, interrupted);
    step->seconds = chirp_now_s() - start;
    if (st != CHIRP_OK)
        return st;
    const bool product = !step->product || access(step->product, R_OK) == 0;
    const bool early = step->may_stop_early && step->exit_code == 1 && product;
    chirp_format_duration(time_text, sizeof time_text, step->seconds);
    if (*interrupted) {
        step->outcome = CHIRP_STEP_INTERRUPTED;
    } else if ((step->exit_code == 0 && product) || early) {
        step->outcome = CHIRP_STEP_DONE;
        printf("      done in %s%s\n", time_text, early ? ", at its time limit" : "");
    } else {
        step->outcome = CHIRP_STEP_FAILED;
        last_line(log, line, sizeof line);
        (void)fprintf(stderr,
                      "chirpbench: study: step %s failed (exit code %d) after %s: %s; see %s\n",
                      step->name, step->exit_code, time_text,
                      step->exit_code == 127 ? "the program can't be started" : line, log);
    }
    return CHIRP_OK;
}

/* Wall time of the steps, kept ones included: what the study costs from nothing. */
static double total_seconds(const chirp_study *s)
{
    double sum = 0;
    for (int i = 0; i < s->n_steps; ++i)
        sum += s->step[i].seconds;
    return sum;
}

static chirp_status run_steps(chirp_study *s, int *code)
{
    bool interrupted = false;
    chirp_status st = CHIRP_OK;
    for (int i = 0; i < s->n_steps && !interrupted && st == CHIRP_OK; ++i) {
        chirp_step *step = &s->step[i];
        const char *lacking = missing(s, step);
        if (step->outcome == CHIRP_STEP_KEPT) {
            printf("[%d/%d] %-15s kept from an earlier run\n", i + 1, s->n_steps, step->name);
        } else if (lacking) {
            step->outcome = CHIRP_STEP_SKIPPED;
            (void)fprintf(stderr, "chirpbench: study: step %s is left out: it needs %s\n",
                          step->name, lacking);
        } else {
            st = run_step(s, step, i, &interrupted);
        }
        if (!succeeded(step))
            *code = 1;
        s->seconds = total_seconds(s);
        if (st == CHIRP_OK)
            st = chirp_study_record(s);
    }
    if (interrupted)
        (void)fprintf(stderr, "chirpbench: study: interrupted; --resume goes on from here\n");
    return st;
}

static void release(chirp_study *s)
{
    for (int i = 0; i < s->n_steps; ++i) {
        chirp_step *step = &s->step[i];
        for (int k = 0; k < step->n_words; ++k)
            chirp_free(step->word[k]);
        chirp_free(step->name);
        chirp_free(step->product);
        chirp_free(step->resumable);
        chirp_free(step->log_of_run);
    }
    chirp_free(s->program);
    chirp_free(s->shown);
    chirp_free(s->strain_made);
    chirp_free(s->kept_build);
}

static void print_head(const chirp_study *s)
{
    printf("Study, preset %s, in %s on %d processors.\n", s->options.preset, s->options.folder,
           s->processors);
    if (s->simulated)
        printf("Strain: a signal injected into design noise, %s (--strain FILE --gps T reads your "
               "own).\n",
               s->strain);
    else
        printf("Strain: %s, merger at GPS %.13g.\n", s->strain, s->gps);
    if (s->kept_build)
        printf(
            "Steps that are kept were made by build %s, this is %s: remove %s to measure again.\n",
            s->kept_build, s->build, s->options.folder);
}

chirp_status chirp_study_run(const chirp_study_options *options, int *code)
{
    static chirp_study study; /* large, and main has one */
    study = (chirp_study){.options = *options};
    *code = 0;
    chirp_status st = prepare(&study);
    if (st == CHIRP_OK) {
        print_head(&study);
        st = run_steps(&study, code);
    }
    if (st == CHIRP_OK) {
        const chirp_step *report = find_step(&study, "report");
        if (report && succeeded(report)) {
            st = chirp_report_answers(options->folder, stdout);
            printf("%s\n", report->product);
        }
    }
    release(&study);
    return st;
}
