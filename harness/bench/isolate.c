/*
 * Groups of jobs in a child process: a crash costs one row. The parent never opens a parallel region, so it can fork at any
 * time; the child starts threads, PAPI and JIT libraries afresh. Rows come back over a socket, raw, for both ends are one
 * program: each as it is measured, for the journal, and all again when the group is done.
 */
#include "harness/bench/bench_internal.h"

#include "harness/base/memory.h"
#include "harness/base/process.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef enum message {
    MESSAGE_STARTED = 1,
    MESSAGE_ROW, /* answered by a byte: the child waits, so that writing the journal disturbs no timing */
    MESSAGE_JOB,
    MESSAGE_END
} message;

static volatile sig_atomic_t child_pid; /* for the signal handler */

void chirp_isolation_signal(int number)
{
    if (child_pid > 0)
        (void)kill((pid_t)child_pid, number);
}

/* ---- the socket ---- */

/* NULL travels as length -1. */
static bool put_text(int fd, const char *text)
{
    const int64_t length = text ? (int64_t)strlen(text) : -1;
    return chirp_send_all(fd, &length, sizeof length) &&
           (length <= 0 || chirp_send_all(fd, text, (size_t)length));
}

static bool get_text(int fd, char **text)
{
    int64_t length = 0;
    *text = NULL;
    if (!chirp_receive_all(fd, &length, sizeof length) || length > (1 << 20))
        return false;
    if (length < 0)
        return true;
    *text = chirp_alloc((size_t)length + 1);
    if (!*text || (length > 0 && !chirp_receive_all(fd, *text, (size_t)length)))
        return false;
    (*text)[length] = '\0';
    return true;
}

static bool put_row(int fd, const chirp_row *row)
{
    bool ok = chirp_send_all(fd, row, sizeof *row) && put_text(fd, row->name) &&
              put_text(fd, row->run_name) && put_text(fd, row->error) && put_text(fd, row->label);
    for (size_t i = 0; i < row->counters.count && ok; ++i)
        ok = put_text(fd, row->counters.item[i].name) &&
             chirp_send_all(fd, &row->counters.item[i].value, sizeof(double));
    for (size_t i = 0; i < row->n_absent && ok; ++i)
        ok = put_text(fd, row->absent[i].name) && put_text(fd, row->absent[i].reason);
    return ok;
}

static bool get_row(int fd, chirp_row *row)
{
    chirp_row raw;
    if (!chirp_receive_all(fd, &raw, sizeof raw))
        return false;
    const size_t counters = raw.counters.count;
    const size_t absent = raw.n_absent;
    *row =
        raw; /* numbers and the static aggregate_name hold in both processes; pointers into the heap don't */
    row->counters = (chirp_counters){0};
    row->absent = NULL;
    row->n_absent = 0;
    row->name = row->run_name = row->error = row->label = NULL;
    bool ok = get_text(fd, &row->name) && get_text(fd, &row->run_name) &&
              get_text(fd, &row->error) && get_text(fd, &row->label);
    for (size_t i = 0; i < counters && ok; ++i) {
        char *name = NULL;
        double value = 0;
        ok = get_text(fd, &name) && name && chirp_receive_all(fd, &value, sizeof value) &&
             chirp_counters_set(&row->counters, name, value, false) == CHIRP_OK;
        chirp_free(name);
    }
    for (size_t i = 0; i < absent && ok; ++i) {
        char *name = NULL;
        char *reason = NULL;
        ok = get_text(fd, &name) && get_text(fd, &reason) && name && reason &&
             chirp_row_absent(row, name, reason) == CHIRP_OK;
        chirp_free(name);
        chirp_free(reason);
    }
    return ok;
}

/* Adds a row that comes whole, or none. */
static bool receive_row(int fd, chirp_rows *rows)
{
    chirp_row *row = chirp_rows_add(rows);
    if (!row)
        return false;
    if (get_row(fd, row))
        return true;
    chirp_row_clear(row);
    --rows->count;
    return false;
}

/* ---- the child ---- */

typedef struct child {
    int fd;
    chirp_job **jobs;
    bool journal;
} child;

static void tell_started(void *state, size_t index)
{
    const child *c = state;
    const message kind = MESSAGE_STARTED;
    (void)(chirp_send_all(c->fd, &kind, sizeof kind) &&
           chirp_send_all(c->fd, &index, sizeof index)); /* a lost parent ends us anyway */
}

static void tell_measured(void *state, size_t index)
{
    const child *c = state;
    const message kind = MESSAGE_ROW;
    const chirp_rows *rows = &c->jobs[index]->rows;
    char answer = 0;
    if (c->journal && rows->count > 0)
        (void)(chirp_send_all(c->fd, &kind, sizeof kind) &&
               chirp_send_all(c->fd, &index, sizeof index) &&
               put_row(c->fd, &rows->item[rows->count - 1]) &&
               chirp_receive_all(c->fd, &answer, 1));
}

static void child_main(int fd, const chirp_run *run, chirp_job **jobs, size_t n, bool shuffle)
{
    child me = {fd, jobs, run->journal != NULL};
    const chirp_group_observer observer = {tell_started, tell_measured, &me};
    chirp_status st = chirp_group_run(run, jobs, n, shuffle, &observer);
    bool ok = true;
    for (size_t i = 0; i < n && ok; ++i) {
        const message kind = MESSAGE_JOB;
        ok = chirp_send_all(fd, &kind, sizeof kind) && chirp_send_all(fd, &i, sizeof i) &&
             chirp_send_all(fd, jobs[i], sizeof *jobs[i]);
        for (size_t k = 0; k < jobs[i]->rows.count && ok; ++k)
            ok = put_row(fd, &jobs[i]->rows.item[k]);
    }
    const message end = MESSAGE_END;
    const int stopped = *run->interrupted;
    if (ok)
        ok = chirp_send_all(fd, &end, sizeof end) && chirp_send_all(fd, &st, sizeof st) &&
             chirp_send_all(fd, &stopped, sizeof stopped) && put_text(fd, chirp_error_message());
    (void)fflush(NULL);
    _exit(ok ? 0 : 1);
}

/* ---- the parent ---- */

static bool get_measured(int fd, const chirp_run *run, chirp_job **jobs, size_t n)
{
    size_t at = 0;
    if (!chirp_receive_all(fd, &at, sizeof at) || at >= n)
        return false;
    if (!receive_row(fd, &jobs[at]->rows))
        return false;
    run->journal(run->journal_state, jobs, n);
    return chirp_send_all(fd, "", 1);
}

static bool get_job(int fd, chirp_job **jobs, size_t n)
{
    size_t at = 0;
    chirp_job raw;
    if (!chirp_receive_all(fd, &at, sizeof at) || at >= n ||
        !chirp_receive_all(fd, &raw, sizeof raw))
        return false;
    chirp_job *j = jobs[at];
    const size_t rows = raw.rows.count;
    chirp_rows_clear(&j->rows); /* of the journal */
    j->prepared = raw.prepared;
    j->failed = raw.failed;
    j->done = raw.done;
    j->iterations = raw.iterations;
    j->relative_error = raw.relative_error;
    j->spent_s = raw.spent_s;
    for (size_t i = 0; i < rows; ++i)
        if (!receive_row(fd, &j->rows))
            return false;
    return true;
}

/* Reads until the end of the child's story. *current: the job that ran last. */
static bool follow(int fd, const chirp_run *run, chirp_job **jobs, size_t n, size_t *current,
                   chirp_status *status)
{
    message kind;
    while (chirp_receive_all(fd, &kind, sizeof kind)) {
        if (kind == MESSAGE_STARTED) {
            if (!chirp_receive_all(fd, current, sizeof *current))
                return false;
        } else if (kind == MESSAGE_ROW) {
            if (!get_measured(fd, run, jobs, n))
                return false;
        } else if (kind == MESSAGE_JOB) {
            if (!get_job(fd, jobs, n))
                return false;
        } else {
            int stopped = 0;
            char *sentence = NULL;
            if (!chirp_receive_all(fd, status, sizeof *status) ||
                !chirp_receive_all(fd, &stopped, sizeof stopped) || !get_text(fd, &sentence))
                return false;
            if (*status != CHIRP_OK)
                (void)chirp_fail(*status, "%s", sentence ? sentence : "");
            if (stopped)
                *run->interrupted = stopped;
            chirp_free(sentence);
            return true;
        }
    }
    return false;
}

static chirp_status start_child(chirp_process *process)
{
    const chirp_status st =
        chirp_process_fork("bench: an isolated benchmark (see --no-isolation)", -1, process);
    if (st == CHIRP_OK && process->pid > 0)
        child_pid = process->pid;
    return st;
}

static int wait_child(chirp_process *process)
{
    const int state = chirp_process_wait(process);
    child_pid = 0;
    return state;
}

chirp_status chirp_group_run_isolated(const chirp_run *run, chirp_job **jobs, size_t n,
                                      bool shuffle)
{
    chirp_job **left = chirp_alloc((n + 1) * sizeof(chirp_job *));
    if (!left)
        return CHIRP_ERR_NOMEM;
    size_t n_left = n;
    chirp_status st = CHIRP_OK;
    memcpy(left, jobs, n * sizeof(chirp_job *));
    while (n_left > 0 && st == CHIRP_OK && !*run->interrupted) {
        chirp_process process;
        size_t current = 0;
        st = start_child(&process);
        if (st != CHIRP_OK)
            break;
        if (process.pid == 0)
            child_main(process.channel, run, left, n_left, shuffle);
        const bool whole = follow(process.channel, run, left, n_left, &current, &st);
        const int status = wait_child(&process);
        if (whole)
            break;
        if (*run->interrupted) { /* what was measured before stays, for the partial file */
            for (size_t i = 0; i < n_left && st == CHIRP_OK; ++i)
                st = left[i]->rows.count > 0 && !left[i]->done ? chirp_job_finish(run, left[i])
                                                               : CHIRP_OK;
            break;
        }
        for (size_t i = 0; i < n_left; ++i)
            chirp_job_clear(left[i]); /* what came before the break is not the whole */
        if (WIFSIGNALED(status))
            (void)chirp_fail(CHIRP_ERR_LIBRARY, "crashed: %s (signal %d)%s",
                             strsignal(WTERMSIG(status)), WTERMSIG(status),
                             run->flags->simulate && WTERMSIG(status) == SIGILL
                                 ? ": valgrind knows no AVX-512; build with CHIRP_MARCH=haswell"
                                 : "");
        else
            (void)chirp_fail(CHIRP_ERR_LIBRARY, "ended the process with exit code %d",
                             WEXITSTATUS(status));
        st = chirp_job_fail(left[current], "");
        if (st == CHIRP_OK)
            st = chirp_job_finish(run, left[current]);
        memmove(left + current, left + current + 1, (n_left - current - 1) * sizeof(chirp_job *));
        --n_left;
    }
    chirp_free(left);
    return st;
}

chirp_status chirp_in_child(chirp_status (*work)(void *result, const void *arg), void *result,
                            size_t bytes, const void *arg)
{
    chirp_process process;
    chirp_status st = start_child(&process);
    if (st != CHIRP_OK)
        return st;
    if (process.pid == 0) {
        st = work(result, arg);
        const bool ok = chirp_send_all(process.channel, &st, sizeof st) &&
                        put_text(process.channel, chirp_error_message()) &&
                        chirp_send_all(process.channel, result, bytes);
        (void)fflush(NULL);
        _exit(ok ? 0 : 1);
    }
    chirp_status theirs = CHIRP_OK;
    char *sentence = NULL;
    const bool ok = chirp_receive_all(process.channel, &theirs, sizeof theirs) &&
                    get_text(process.channel, &sentence) &&
                    chirp_receive_all(process.channel, result, bytes);
    (void)wait_child(&process);
    if (!ok)
        st = chirp_fail(CHIRP_ERR_LIBRARY,
                        "bench: a measurement of the machine crashed; try --no-isolation");
    else if (theirs != CHIRP_OK)
        st = chirp_fail(theirs, "%s", sentence ? sentence : "");
    chirp_free(sentence);
    return st;
}
