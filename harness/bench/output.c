/*
 * Crash-safe output. After every benchmark FILE.partial is replaced by a whole document that says "partial": true, so a
 * killed run leaves valid JSON with all that was measured; FILE itself is only ever replaced by a finished result.
 */
#include "harness/bench/bench_internal.h"

#include "harness/base/file.h"
#include "harness/base/memory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

chirp_status chirp_output_open(chirp_output *out, const chirp_bench_flags *flags,
                               struct cJSON *context, size_t name_width)
{
    *out = (chirp_output){
        .flags = flags, .context = context, .path = flags->out, .name_width = name_width};
    if (!out->path)
        return CHIRP_OK;
    chirp_status st = chirp_file_writable(out->path); /* now and not after an hour of work */
    if (st != CHIRP_OK)
        return st;
    /* a device or a pipe takes the finished document; there is no name beside it */
    out->stream = chirp_file_is_sink(out->path);
    if (out->stream)
        out->partial_path = chirp_strdup(out->path);
    else
        st = chirp_file_beside(out->path, ".partial", &out->partial_path);
    if (st != CHIRP_OK)
        return st;
    if (!out->partial_path)
        return CHIRP_ERR_NOMEM;
    if (strcmp(flags->out_format, "json") != 0) {
        st = out->stream ? CHIRP_OK : chirp_file_create(out->partial_path, out->path);
        if (st != CHIRP_OK) { /* whose file it is, it stays */
            chirp_free(out->partial_path);
            out->partial_path = NULL;
            return st;
        }
        out->text_file =
            out->stream ? chirp_file_open_sink(out->path) : fopen(out->partial_path, "we");
        if (!out->text_file)
            return chirp_fail(CHIRP_ERR_IO, "%s: can't create: %s", out->partial_path,
                              strerror(errno));
    }
    return CHIRP_OK;
}

/* Replaces the partial file by the document so far: rename is atomic, so it is whole at any moment. */
static chirp_status write_partial(chirp_output *out, const chirp_rows *all, bool partial)
{
    char *text = NULL;
    chirp_status st = chirp_json_document(out->context, out->flags, all, partial, &text);
    if (st == CHIRP_OK)
        st = chirp_file_write(out->partial_path, text, strlen(text));
    chirp_free(text);
    return st;
}

chirp_status chirp_output_journal(chirp_output *out, const chirp_rows *all)
{
    return out->path && !out->text_file && !out->stream ? write_partial(out, all, true) : CHIRP_OK;
}

/* The console table as a file: the same printer, on another stream. */
static void console_to_file(chirp_output *out, const chirp_row *rows, size_t n)
{
    chirp_bench_flags plain = *out->flags;
    plain.color = "false";
    plain.display_aggregates_only = false;
    chirp_console_rows(out->text_file, &plain, rows, n, out->name_width, &out->headed_file);
}

chirp_status chirp_output_rows(chirp_output *out, const chirp_rows *all, size_t first)
{
    const chirp_row *rows = all->item + first;
    const size_t n = all->count - first;
    if (strcmp(out->flags->format, "console") == 0)
        chirp_console_rows(stdout, out->flags, rows, n, out->name_width, &out->headed_stdout);
    else if (strcmp(out->flags->format, "csv") == 0)
        chirp_csv_rows(stdout, out->flags, rows, n, &out->headed_stdout);
    if (fflush(stdout) != 0 || ferror(stdout))
        return chirp_fail(CHIRP_ERR_IO, "stdout: can't write: %s", strerror(errno));
    if (!out->path || (out->stream && !out->text_file))
        return CHIRP_OK;
    if (!out->text_file)
        return write_partial(out, all, true);
    if (strcmp(out->flags->out_format, "csv") == 0)
        chirp_csv_rows(out->text_file, out->flags, rows, n, &out->headed_file);
    else
        console_to_file(out, rows, n);
    if (fflush(out->text_file) != 0 || ferror(out->text_file))
        return chirp_fail(CHIRP_ERR_IO, "%s: can't write: %s", out->partial_path, strerror(errno));
    return CHIRP_OK;
}

static chirp_status close_file(chirp_output *out, const chirp_rows *all, bool complete)
{
    if (out->text_file) {
        const bool failed = ferror(out->text_file) != 0;
        if (fclose(out->text_file) != 0 || failed)
            return chirp_fail(CHIRP_ERR_IO, "%s: can't write: %s", out->partial_path,
                              strerror(errno));
    } else {
        const chirp_status st = write_partial(out, all, !complete);
        if (st != CHIRP_OK)
            return st;
    }
    if (!complete || out->stream)
        return CHIRP_OK;
    char *partial = out->partial_path;
    out->partial_path = NULL;
    return chirp_file_commit(partial, out->path);
}

chirp_status chirp_output_close(chirp_output *out, const chirp_rows *all, bool complete)
{
    chirp_status st = CHIRP_OK;
    if (strcmp(out->flags->format, "json") == 0) {
        char *text = NULL;
        st = chirp_json_document(out->context, out->flags, all, !complete, &text);
        if (st == CHIRP_OK && (fputs(text, stdout) == EOF || fflush(stdout) != 0))
            st = chirp_fail(CHIRP_ERR_IO, "stdout: can't write: %s", strerror(errno));
        chirp_free(text);
    }
    if (out->partial_path) {
        const chirp_status file = close_file(out, all, complete);
        st = st == CHIRP_OK ? file : st;
    }
    chirp_free(out->partial_path);
    out->partial_path = NULL;
    return st;
}
