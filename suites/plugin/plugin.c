#include "suites/plugin/plugin.h"

#include "harness/base/memory.h"
#include "harness/base/process.h"
#include "suites/families.h"
#include "suites/plugin/chirpbench_plugin.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char entry_name[] = "chirp_plugin_entry";

static const chirp_plugin *loaded; /* one library a process; it is never unloaded */

/* ---- prints ---- */

/* What a plugin prints must not end in a document on stdout. @return for end_prints(); -1: nothing was moved */
static int begin_prints(void)
{
    (void)fflush(stdout);
    const int own = dup(STDOUT_FILENO);
    if (own >= 0)
        (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    return own;
}

static void end_prints(int own)
{
    (void)fflush(stdout);
    if (own < 0)
        return;
    (void)dup2(own, STDOUT_FILENO);
    (void)close(own);
}

/* ---- rows ---- */

typedef struct plugin_case {
    const chirp_plugin_kernel *kernel;
    const char *shape;
} plugin_case;

static chirp_status failed(const plugin_case *c, const char *what, int number)
{
    const char *why = loaded->explain ? loaded->explain(number) : NULL;
    return chirp_fail(CHIRP_ERR_LIBRARY, "plugin %s: %s of %s %s gave %d%s%s", loaded->name, what,
                      c->kernel->name, c->shape, number, why ? ": " : "", why ? why : "");
}

static void teardown(const plugin_case *c, void *state)
{
    if (c->kernel->teardown)
        c->kernel->teardown(state);
}

static chirp_status run_case(chirp_bench *bench, const void *arg)
{
    const plugin_case *c = arg;
    const chirp_plugin_kernel *k = c->kernel;
    void *state = NULL;
    double flops = 0, bytes = 0;
    const int own = begin_prints();
    const int number = k->setup(c->shape, chirp_bench_threads(bench), &state);
    if (number == 0) {
        k->run(state); /* touches what it allocates */
        while (chirp_bench_next(bench))
            k->run(state);
        if (k->work)
            k->work(state, &flops, &bytes);
        teardown(c, state);
    }
    end_prints(own);
    if (number != 0)
        return failed(c, "setup", number);
    if (flops > 0)
        chirp_bench_flops(bench, flops, flops);
    if (bytes > 0)
        chirp_bench_bytes(bench, bytes);
    return CHIRP_OK;
}

static chirp_status check_case(const void *arg, double *relative_error)
{
    const plugin_case *c = arg;
    const chirp_plugin_kernel *k = c->kernel;
    void *state = NULL;
    int checked = 0;
    const int own = begin_prints();
    const int number = k->setup(c->shape, 1, &state);
    if (number == 0) {
        k->run(state);
        checked = k->check(state, relative_error);
        teardown(c, state);
    }
    end_prints(own);
    if (number != 0)
        return failed(c, "setup", number);
    return checked == 0 ? CHIRP_OK : failed(c, "check", checked);
}

/* ---- the library ---- */

static bool plain(const char *text)
{
    for (const char *c = text; c && *c; ++c)
        if (*c <= ' ' || *c > '~')
            return false;
    return text && *text;
}

static chirp_status check_kernels(const char *path, const chirp_plugin *p, size_t *rows)
{
    *rows = 0;
    for (const chirp_plugin_kernel *k = p->kernels; k && k->name; ++k) {
        bool shapes_plain = k->shapes && k->shapes[0];
        for (size_t i = 0; k->shapes && k->shapes[i]; ++i, ++*rows)
            shapes_plain &= plain(k->shapes[i]);
        if (!plain(k->name) || !shapes_plain)
            return chirp_fail(
                CHIRP_ERR_FORMAT,
                "%s: kernel %td needs a name and shapes of printable ASCII without spaces", path,
                k - p->kernels);
        if (!k->setup || !k->run)
            return chirp_fail(CHIRP_ERR_FORMAT, "%s: kernel %s has no setup or no run", path,
                              k->name);
    }
    return *rows > 0 ? CHIRP_OK : chirp_fail(CHIRP_ERR_FORMAT, "%s: has no kernels", path);
}

/* Opens it and asks for its description. */
static chirp_status open_library(const char *path, const chirp_plugin **plugin)
{
    char *here = NULL; /* a name without a slash would be looked for among the system's libraries */
    if (!strchr(path, '/')) {
        here = chirp_alloc(strlen(path) + 3);
        if (!here)
            return CHIRP_ERR_NOMEM;
        (void)snprintf(here, strlen(path) + 3, "./%s", path);
    }
    void *library = dlopen(here ? here : path, RTLD_NOW | RTLD_LOCAL);
    chirp_free(here);
    if (!library)
        return chirp_fail(CHIRP_ERR_LIBRARY, "bench: --plugin: %s", dlerror());
    const chirp_plugin *(*entry)(void) = NULL;
    void *symbol = dlsym(library, entry_name);
    if (!symbol)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: has no %s: no plugin (chirpbench_plugin.h)", path,
                          entry_name);
    memcpy(&entry, &symbol, sizeof entry); /* C has no cast from an object to a function */
    *plugin = entry();
    if (!*plugin)
        return chirp_fail(CHIRP_ERR_FORMAT, "%s: %s gives NULL", path, entry_name);
    if ((*plugin)->abi != CHIRP_PLUGIN_ABI)
        return chirp_fail(
            CHIRP_ERR_FORMAT,
            "%s: was built for version %d of chirpbench_plugin.h, this program has %d: "
            "build it again",
            path, (*plugin)->abi, CHIRP_PLUGIN_ABI);
    return plain((*plugin)->name)
               ? CHIRP_OK
               : chirp_fail(CHIRP_ERR_FORMAT, "%s: its name is no printable ASCII without spaces",
                            path);
}

enum { CAME_BACK = 42 }; /* a library may end the process itself, also with 0 */

/* A library's constructors may crash: a child finds out. */
static chirp_status try_library(const char *path)
{
    chirp_process child;
    const chirp_status st = chirp_process_fork("bench: --plugin", -1, &child);
    if (st != CHIRP_OK)
        return st;
    if (child.pid == 0) {
        const chirp_plugin *ignored = NULL;
        (void)begin_prints();
        (void)open_library(path, &ignored);
        (void)fflush(NULL);
        _exit(CAME_BACK);
    }
    const int state = chirp_process_wait(&child);
    if (WIFSIGNALED(state))
        return chirp_fail(CHIRP_ERR_LIBRARY, "%s: crashes when it is loaded: %s", path,
                          strsignal(WTERMSIG(state)));
    return WEXITSTATUS(state) == CAME_BACK
               ? CHIRP_OK
               : chirp_fail(CHIRP_ERR_LIBRARY, "%s: ends the process when it is loaded", path);
}

/* The row owns its case and its name in one block, as chirp_families_free() wants it. */
static chirp_status add_row(const chirp_plugin_kernel *k, const char *shape, chirp_bench_entry *row)
{
    const size_t length = strlen(k->name) + strlen(shape) + 2;
    plugin_case *c = chirp_calloc(1, sizeof *c + length);
    if (!c)
        return CHIRP_ERR_NOMEM;
    *c = (plugin_case){k, shape};
    char *name = (char *)(c + 1);
    (void)snprintf(name, length, "%s/%s", k->name, shape);
    *row = (chirp_bench_entry){
        .name = name, .run = run_case, .check = k->check ? check_case : NULL, .arg = c};
    return CHIRP_OK;
}

static chirp_status add_context(const char *path)
{
    const struct {
        const char *key, *value;
    } lines[] = {{"plugin", loaded->name},
                 {"plugin_file", path},
                 {"plugin_version", loaded->version},
                 {"plugin_flags", loaded->flags}};
    chirp_status st = CHIRP_OK;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0] && st == CHIRP_OK; ++i)
        if (lines[i].value)
            st = chirp_bench_add_context(lines[i].key, lines[i].value);
    return st;
}

chirp_status chirp_plugin_load(const char *path, chirp_bench_suite *suite)
{
    size_t rows = 0, n = 0;
    chirp_status st = try_library(path);
    if (st != CHIRP_OK)
        return st;
    const int own = begin_prints();
    st = open_library(path, &loaded);
    end_prints(own);
    if (st == CHIRP_OK)
        st = check_kernels(path, loaded, &rows);
    if (st == CHIRP_OK)
        st = add_context(path);
    if (st != CHIRP_OK)
        return st;
    chirp_bench_entry *entries = chirp_calloc(rows + 1, sizeof *entries);
    st = entries ? CHIRP_OK : CHIRP_ERR_NOMEM;
    for (const chirp_plugin_kernel *k = loaded->kernels; k->name && st == CHIRP_OK; ++k)
        for (size_t i = 0; k->shapes[i] && st == CHIRP_OK; ++i)
            st = add_row(k, k->shapes[i], &entries[n++]);
    if (st != CHIRP_OK) {
        chirp_families_free(entries);
        return st;
    }
    *suite = (chirp_bench_suite){
        .name = "--plugin", .summary = "kernels of a plugin", .entries = entries};
    return CHIRP_OK;
}
