/* chirpbench report: one page from a folder of result files. */
#include "harness/base/options.h"
#include "reports/report.h"
#include "suites/command.h"

#include <stdio.h>
#include <string.h>

static int run(int argc, char **argv)
{
    chirp_report_options report = {.problems = stderr, .version = CHIRP_VERSION};
    bool quiet = false;
    int n_rest = 0;
    int n_problems = 0;
    const chirp_option table[] = {
        {"out", CHIRP_OPTION_STRING, &report.page, .metavar = "FILE", .file = CHIRP_FILE_WRITTEN,
         .help = "the page; DIR/report.html without"},
        {"quiet", CHIRP_OPTION_FLAG, &quiet, .help = "no tables on the terminal"},
    };
    const chirp_usage usage = {"report", "DIR",
                               "Writes one self-contained HTML page from the result files of a "
                               "folder (*.json, *.jsonl) and prints its\n"
                               "tables. Recognises files by their content: doctor, bench, train "
                               "--log, infer, scale, project and study\n"
                               "each get their section. DIR also receives report.json (numbers "
                               "that the page computed) and\n"
                               "published.json (numbers of others that plots show, with sources).\n"
                               "Exit code 2 when a file or a plot could not be used: the page has "
                               "the rest and says what is missing.",
                               table, sizeof table / sizeof table[0]};
    chirp_status st = chirp_options_parse(&usage, argc, argv, &n_rest);
    if (st == CHIRP_OK && n_rest != 1)
        st = chirp_fail(CHIRP_ERR_ARG,
                        "report: name one folder with result files, as in chirpbench report study");
    const char *suffix = report.page ? strrchr(report.page, '.') : NULL;
    if (st == CHIRP_OK && suffix && (strcmp(suffix, ".json") == 0 || strcmp(suffix, ".jsonl") == 0))
        st = chirp_fail(CHIRP_ERR_ARG,
                        "report: --out %s names a result file; the page is HTML: name it FILE.html",
                        report.page);
    if (st == CHIRP_OK) {
        report.folder = argv[argc - 1];
        report.tables = quiet ? NULL : stdout;
        st = chirp_report_write(&report, &n_problems);
    }
    if (st != CHIRP_OK)
        return chirp_command_exit(st);
    if (report.page)
        printf("%s%s\n", quiet ? "" : "\n", report.page);
    else
        printf("%s%s/report.html\n", quiet ? "" : "\n", report.folder);
    return n_problems ? 2 : 0;
}

const chirp_command chirp_command_report = {
    "report", "one HTML page with every figure, from a folder of results", run};
