/* chirpbench help: what --help says, as text, as manual pages and as completions of shells. */
#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/base/options.h"
#include "harness/base/options_help.h"
#include "harness/base/text.h"
#include "suites/command.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char about[] =
    "Bayesian neural networks on gravitational waves, trained, timed and projected";

/* What a command prints for --help, in the form that was chosen. */
static chirp_status ask(const chirp_command *command)
{
    char name[32];
    char word[] = "--help";
    char *argv[] = {name, word, NULL};
    (void)snprintf(name, sizeof name, "%s", command->name);
    const int code = command->run(2, argv);
    return code == 0 ? CHIRP_OK
                     : chirp_fail(CHIRP_ERR_LIBRARY, "help: %s --help ended with exit code %d",
                                  name, code);
}

static void print_text(void)
{
    printf("chirpbench %s: %s\n\n"
           "Usage: chirpbench COMMAND [options]      chirpbench COMMAND --help\n"
           "       chirpbench help [COMMAND]         chirpbench version\n\nCommands:\n",
           CHIRP_VERSION, about);
    for (size_t i = 0; chirp_commands[i]; ++i)
        printf("  %-10s %s\n", chirp_commands[i]->name, chirp_commands[i]->summary);
}

/* ---- manual pages ---- */

static void man_head(FILE *to, const char *name, const char *summary)
{
    (void)fprintf(
        to,
        ".\\\" made by chirpbench help --man\n.TH chirpbench%s%s 1 \"\" \"chirpbench " CHIRP_VERSION
        "\" \"chirpbench\"\n.SH NAME\nchirpbench%s%s \\- ",
        *name ? "\\-" : "", name, *name ? "\\-" : "", name);
    chirp_help_man_text(to, summary);
    (void)fputs("\n", to);
}

static void man_codes(FILE *to)
{
    (void)fputs(
        ".SH EXIT STATUS\n.TP\n0\ndone\n.TP\n1\nthe answer is no, or a signal ended the work and "
        "what was done is kept\n.TP\n2\na usage or input error, with one line on stderr\n",
        to);
}

static void man_of_all(FILE *to)
{
    man_head(to, "", about);
    (void)fputs(
        ".SH SYNOPSIS\n.B chirpbench\n\\fICOMMAND\\fR [\\fIoptions\\fR]\n.br\n.B chirpbench help\n"
        "[\\fICOMMAND\\fR]\n.br\n.B chirpbench version\n.SH COMMANDS\n",
        to);
    for (size_t i = 0; chirp_commands[i]; ++i) {
        (void)fprintf(to, ".TP\n\\fB%s\\fR\n", chirp_commands[i]->name);
        chirp_help_man_text(to, chirp_commands[i]->summary);
        (void)fprintf(to, ": see\n.BR chirpbench\\-%s (1)\n", chirp_commands[i]->name);
    }
    man_codes(to);
}

static chirp_status man_of(const chirp_command *command, FILE *to)
{
    man_head(to, command->name, command->summary);
    chirp_help_as(CHIRP_HELP_MAN, to);
    const chirp_status st = ask(command);
    man_codes(to);
    (void)fputs(".SH SEE ALSO\n.BR chirpbench (1)\n", to);
    return st;
}

/* ---- completions: a frame, and a piece of every command ---- */

static void put_names(FILE *to)
{
    for (size_t i = 0; chirp_commands[i]; ++i)
        (void)fprintf(to, "%s ", chirp_commands[i]->name);
}

static void put_quoted(FILE *to, const char *text)
{
    for (; *text; ++text)
        (void)fprintf(to, *text == '\'' ? "'\\'%c" : *text == ':' ? "\\%c" : "%c", *text);
}

static void bash_head(FILE *to)
{
    (void)fputs("# made by chirpbench help --completion bash\n"
                "_chirpbench()\n{\n"
                "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
                "    local kind='' words='' options='' commands='",
                to);
    put_names(to);
    (void)fputs("help version'\n"
                "    if [ \"$current\" = = ]; then # --name=value is three words\n"
                "        current=''\n"
                "    elif [ \"$previous\" = = ]; then\n"
                "        previous=${COMP_WORDS[COMP_CWORD-2]}\n"
                "    fi\n"
                "    COMPREPLY=()\n"
                "    case ${COMP_WORDS[1]} in\n"
                "    help) [ \"$COMP_CWORD\" -gt 1 ] && kind=words words=$commands ;;\n",
                to);
}

static void bash_foot(FILE *to)
{
    (void)fputs("    esac\n"
                "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                "        kind=words words=\"$commands --help --version\"\n"
                "    fi\n"
                "    case $kind in\n"
                "    value) ;;\n"
                "    words) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\") ;;\n"
                "    *)\n"
                "        compopt -o filenames 2>/dev/null\n"
                "        if [ \"$kind\" != files ] && [ \"${current#-}\" != \"$current\" ]; then\n"
                "            mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
                "        else\n"
                "            mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
                "        fi ;;\n"
                "    esac\n"
                "}\n"
                "complete -F _chirpbench chirpbench\n",
                to);
}

static void zsh_head(FILE *to)
{
    (void)fputs("#compdef chirpbench\n# made by chirpbench help --completion zsh\n"
                "_chirpbench()\n{\n    local -a commands=(\n",
                to);
    for (size_t i = 0; chirp_commands[i]; ++i) {
        (void)fprintf(to, "        '%s:", chirp_commands[i]->name);
        put_quoted(to, chirp_commands[i]->summary);
        (void)fputs("'\n", to);
    }
    (void)fputs(
        "        'help:says what a command does'\n        'version:says the version'\n    )\n"
        "    if (( CURRENT == 2 )); then\n"
        "        _describe command commands\n"
        "        return\n"
        "    fi\n"
        "    shift words\n"
        "    (( CURRENT-- ))\n"
        "    case $words[1] in\n"
        "    help) _describe command commands ;;\n",
        to);
}

static void zsh_foot(FILE *to) { (void)fputs("    esac\n}\n_chirpbench \"$@\"\n", to); }

static void fish_head(FILE *to)
{
    (void)fputs("# made by chirpbench help --completion fish\n", to);
    for (size_t i = 0; chirp_commands[i]; ++i) {
        (void)fprintf(to, "complete -c chirpbench -f -n __fish_use_subcommand -a %s -d '",
                      chirp_commands[i]->name);
        for (const char *at = chirp_commands[i]->summary; *at; ++at)
            (void)fprintf(to, *at == '\'' ? "\\%c" : "%c", *at);
        (void)fputs("'\n", to);
    }
    (void)fputs(
        "complete -c chirpbench -f -n __fish_use_subcommand -a help -d 'says what a command does'\n"
        "complete -c chirpbench -f -n __fish_use_subcommand -a version -d 'says the version'\n"
        "complete -c chirpbench -f -n '__fish_seen_subcommand_from help' -a '",
        to);
    put_names(to);
    (void)fputs("'\n", to);
}

/* Of each shell: its name, its form, what is around the pieces, and the file that it looks for. */
static const struct shell {
    const char *name;
    chirp_help_form form;
    void (*head)(FILE *to);
    void (*foot)(FILE *to);
    const char *file;
} shells[] = {
    {"bash", CHIRP_HELP_BASH, bash_head, bash_foot, "chirpbench.bash"},
    {"zsh", CHIRP_HELP_ZSH, zsh_head, zsh_foot, "_chirpbench"},
    {"fish", CHIRP_HELP_FISH, fish_head, NULL, "chirpbench.fish"},
};
enum { SHELLS = sizeof shells / sizeof shells[0] };

static chirp_status complete(const struct shell *shell, FILE *to)
{
    chirp_status st = CHIRP_OK;
    shell->head(to);
    chirp_help_as(shell->form, to);
    for (size_t i = 0; chirp_commands[i] && st == CHIRP_OK; ++i)
        st = ask(chirp_commands[i]);
    if (shell->foot)
        shell->foot(to);
    return st;
}

/* ---- files ---- */

/* Of a command's page, of the page of all (both NULL), or of a shell. */
static chirp_status write_one(const char *folder, const chirp_command *command,
                              const struct shell *shell)
{
    char *bytes = NULL;
    size_t length = 0;
    char *path = shell ? chirp_format("%s/%s", folder, shell->file)
                       : chirp_format("%s/chirpbench%s%s.1", folder, command ? "-" : "",
                                      command ? command->name : "");
    FILE *to = path ? open_memstream(&bytes, &length) : NULL;
    chirp_status st = to ? CHIRP_OK : chirp_fail(CHIRP_ERR_NOMEM, "help: no memory for a page");
    if (st == CHIRP_OK && shell)
        st = complete(shell, to);
    else if (st == CHIRP_OK && command)
        st = man_of(command, to);
    else if (st == CHIRP_OK)
        man_of_all(to);
    if (to && fclose(to) != 0 && st == CHIRP_OK)
        st = chirp_fail(CHIRP_ERR_NOMEM, "help: no memory for %s", path);
    if (st == CHIRP_OK)
        st = chirp_file_write(path, bytes, length);
    free(bytes);
    chirp_free(path);
    return st;
}

static chirp_status write_all(const char *folder)
{
    chirp_status st = write_one(folder, NULL, NULL);
    for (size_t i = 0; chirp_commands[i] && st == CHIRP_OK; ++i)
        st = write_one(folder, chirp_commands[i], NULL);
    for (size_t i = 0; i < SHELLS && st == CHIRP_OK; ++i)
        st = write_one(folder, NULL, &shells[i]);
    return st;
}

typedef struct help_flags {
    bool man;
    const char *completion, *folder;
} help_flags;

static chirp_status show(const help_flags *f, const chirp_command *command)
{
    if (f->folder)
        return write_all(f->folder);
    if (f->completion) {
        size_t i = 0;
        while (strcmp(shells[i].name, f->completion) != 0) /* the option takes no other name */
            ++i;
        return complete(&shells[i], stdout);
    }
    if (f->man && command)
        return man_of(command, stdout);
    if (f->man)
        man_of_all(stdout);
    else if (!command)
        print_text();
    return command && !f->man ? ask(command) : CHIRP_OK;
}

int chirp_command_help(int argc, char **argv)
{
    help_flags f = {0};
    const chirp_option table[] = {
        {"man", CHIRP_OPTION_FLAG, &f.man, .help = "as a manual page (roff)"},
        {"completion", CHIRP_OPTION_CHOICE, &f.completion, .choices = "bash|zsh|fish",
         .help =
             "instead: the completion of a shell, for source <(chirpbench help --completion bash)"},
        {"write", CHIRP_OPTION_STRING, &f.folder, .metavar = "DIR",
         .help = "instead: all manual pages and completions into a folder"},
    };
    const chirp_usage usage = {"help", "[COMMAND]", "Says what the commands do, or one of them.",
                               table, sizeof table / sizeof table[0]};
    int rest = 0;
    chirp_status st = chirp_options_parse(&usage, argc, argv, &rest);
    const char *name = rest > 0 ? argv[argc - rest] : NULL;
    const chirp_command *command = NULL;
    if (st == CHIRP_OK && rest > 1)
        st = chirp_fail(CHIRP_ERR_ARG, "help: one command, not %d", rest);
    for (size_t i = 0; st == CHIRP_OK && name && chirp_commands[i]; ++i)
        if (strcmp(chirp_commands[i]->name, name) == 0)
            command = chirp_commands[i];
    if (st == CHIRP_OK && name && !command)
        return chirp_command_unknown(name);
    return chirp_command_exit(st == CHIRP_OK ? show(&f, command) : st);
}
