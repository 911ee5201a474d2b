/* chirpbench study: the whole chain, step by step. */
#include "harness/base/options.h"
#include "suites/command.h"
#include "suites/commands/study/study.h"

static int run(int argc, char **argv)
{
    chirp_study_options o = {.preset = "quick", .folder = "study"};
    bool gps_given = false;
    int code = 0;
    const chirp_option table[] = {
        {"preset", CHIRP_OPTION_CHOICE, &o.preset, .choices = "quick|paper|smoke",
         .help = "quick: about ten minutes on two cores; paper: the study's 120,000 iterations, "
                 "days; smoke: only checks that every step runs, its numbers mean nothing"},
        {"out", CHIRP_OPTION_STRING, &o.folder, .metavar = "DIR",
         .help = "folder for results, logs and the page; created if it does not exist"},
        {"strain", CHIRP_OPTION_STRING, &o.strain, .metavar = "FILE", .file = CHIRP_FILE_READ,
         .help = "strain file to infer from; without it a signal injected into design noise"},
        {"gps", CHIRP_OPTION_REAL, &o.gps, .metavar = "T", .min = 1, .max = 1e11,
         .given = &gps_given, .help = "GPS time of the merger in --strain [s]"},
        {"seed", CHIRP_OPTION_INT, &o.seed, .metavar = "N", .min = 0, .max = 9e15,
         .help = "seed of training, inference and injected noise"},
        {"threads", CHIRP_OPTION_INT, &o.threads, .metavar = "N", .min = 0, .max = 1024,
         .help = "threads of all ranks together; 0: all processors that this process may use"},
        {"train-seconds", CHIRP_OPTION_REAL, &o.train_s, .metavar = "S", .min = 0, .max = 1e9,
         .help = "limit of each training run; 0: 240 (quick), none (paper)"},
        {"resume", CHIRP_OPTION_FLAG, &o.resume,
         .help = "skip the steps that study.json in DIR lists as done, and continue training"},
    };
    const chirp_usage usage = {
        "study", NULL,
        "Runs the study from end to end: machine, benchmarks, training, inference, scaling on\n"
        "this machine and projected to Theta, and one HTML page. Every step is a command that is "
        "printed, so\n"
        "that it can be repeated; its output is in DIR/logs, its result in DIR, all of it listed "
        "in DIR/study.json.\n"
        "Exit code 1 when a step failed; the page is then made from the others.",
        table, sizeof table / sizeof table[0]};
    chirp_status st = chirp_options_parse(&usage, argc, argv, NULL);
    if (st == CHIRP_OK && (o.strain != NULL) != gps_given)
        st = chirp_fail(CHIRP_ERR_ARG, "%s",
                        o.strain ? "--strain: needs --gps T, the time of the merger in the file"
                                 : "--gps: needs --strain FILE, the file that holds the merger");
    if (st == CHIRP_OK)
        st = chirp_study_run(&o, &code);
    return st == CHIRP_OK ? code : chirp_command_exit(st);
}

const chirp_command chirp_command_study = {
    "study", "the whole chain: doctor, bench, train, infer, scale, project, report", run};
