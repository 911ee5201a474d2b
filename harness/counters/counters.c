#include "harness/counters/counters.h"

#include "harness/base/memory.h"
#include "harness/counters/software.h"

#include <omp.h>
#ifdef CHIRP_HAVE_PAPI
#include <papi.h>
#else
#include "harness/counters/papi_absent.h"
#endif
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_EVENTS = 64 };

typedef struct event {
    char *name;
    char *reason;    /* NULL: counts */
    int software;    /* index, or -1: PAPI */
    int code;        /* of PAPI */
    int slot;        /* its place in the event sets */
    double total;    /* of finished stretches */
    double at_start; /* of software events */
} event;

/* One thread's event set. Each thread owns its own: PAPI counts the thread that starts. */
typedef struct team_member {
    int set;
    long long values[MAX_EVENTS];
    int error;
} team_member;

struct chirp_events {
    event item[MAX_EVENTS];
    size_t count;
    int n_hardware;
    int threads;
    bool multiplex;
    team_member *member; /* [threads] */
};

static unsigned long thread_id(void) { return (unsigned long)pthread_self(); }

/* PAPI is initialised once per process; its complaint is kept as the reason for every event. */
static const char *library_reason(void)
{
    static bool tried;
    static char text[160];
    if (tried)
        return text[0] ? text : NULL;
    tried = true;
    const int version = PAPI_library_init(PAPI_VER_CURRENT);
    if (version != PAPI_VER_CURRENT)
        (void)snprintf(text, sizeof text, "PAPI doesn't start: %s",
                       version < 0 ? PAPI_strerror(version)
                                   : "header and library differ in version");
    else if (PAPI_thread_init(thread_id) != PAPI_OK)
        (void)snprintf(text, sizeof text, "PAPI has no thread support here");
    return text[0] ? text : NULL;
}

const char *chirp_events_hardware_reason(void)
{
    static char text[320];
    const char *library = library_reason();
    text[0] = '\0';
    if (library) {
        (void)snprintf(text, sizeof text, "%s", library);
        return text;
    }
    const int n = PAPI_num_components();
    for (int i = 0; i < n; ++i) {
        const PAPI_component_info_t *c = PAPI_get_component_info(i);
        if (c && strcmp(c->name, "perf_event") == 0 && c->disabled)
            (void)snprintf(text, sizeof text, "perf_event: %.250s", c->disabled_reason);
    }
    if (!text[0] && access("/sys/bus/event_source/devices/cpu", F_OK) != 0 &&
        access("/sys/bus/event_source/devices/armv8_pmuv3_0", F_OK) != 0 &&
        access("/sys/bus/event_source/devices/cpu_core", F_OK) != 0)
        (void)snprintf(text, sizeof text,
                       "the kernel offers no processor counters (virtual machine without a PMU?)");
    return text;
}

static char *reason_text(int code)
{
    char text[480];
    const char *hardware = chirp_events_hardware_reason();
    (void)snprintf(text, sizeof text, "%s%s%s", PAPI_strerror(code), hardware[0] ? "; " : "",
                   hardware);
    return chirp_strdup(text);
}

/* Tries the event alone in a set and running, for some are refused only when they start. */
static int try_event(int code)
{
    int set = PAPI_NULL;
    long long value = 0;
    int status = PAPI_create_eventset(&set);
    if (status == PAPI_OK)
        status = PAPI_add_event(set, code);
    if (status == PAPI_OK)
        status = PAPI_start(set);
    if (status == PAPI_OK)
        status = PAPI_stop(set, &value);
    if (set != PAPI_NULL) {
        (void)PAPI_cleanup_eventset(set);
        (void)PAPI_destroy_eventset(&set);
    }
    return status;
}

static chirp_status add_event(chirp_events *e, const char *name, size_t length)
{
    char text[PAPI_MAX_STR_LEN];
    if (length == 0 || length >= sizeof text)
        return chirp_fail(CHIRP_ERR_ARG,
                          "counters: an event name is empty or too long in the list of names");
    if (e->count == MAX_EVENTS)
        return chirp_fail(CHIRP_ERR_ARG, "counters: more than %d events", MAX_EVENTS);
    (void)snprintf(text, sizeof text, "%.*s", (int)length, name);
    for (size_t i = 0; i < e->count; ++i)
        if (strcmp(e->item[i].name, text) == 0)
            return CHIRP_OK;
    event *v = &e->item[e->count++];
    *v = (event){.name = chirp_strdup(text), .software = chirp_software_index(text), .slot = -1};
    if (!v->name)
        return CHIRP_ERR_NOMEM;
    if (v->software >= 0) {
        const char *reason = chirp_software_reason(v->software);
        v->reason = chirp_strdup(reason);
        return reason && !v->reason ? CHIRP_ERR_NOMEM : CHIRP_OK;
    }
    const char *library = library_reason();
    if (library) {
        v->reason = chirp_strdup(library);
        return v->reason ? CHIRP_OK : CHIRP_ERR_NOMEM;
    }
    int status = PAPI_event_name_to_code(text, &v->code);
    if (status != PAPI_OK) {
        char reason[128];
        (void)snprintf(reason, sizeof reason, "PAPI knows no event of this name (%s)",
                       PAPI_strerror(status));
        v->reason = chirp_strdup(reason);
        return v->reason ? CHIRP_OK : CHIRP_ERR_NOMEM;
    }
    status = try_event(v->code);
    if (status != PAPI_OK) {
        v->reason = reason_text(status);
        return v->reason ? CHIRP_OK : CHIRP_ERR_NOMEM;
    }
    v->slot = e->n_hardware++;
    return CHIRP_OK;
}

/* Makes this thread's event set. An event that doesn't fit beside the others is found out by the first thread. */
static int member_create(const chirp_events *e, team_member *m, size_t *culprit)
{
    int status = PAPI_register_thread();
    m->set = PAPI_NULL;
    if (status == PAPI_OK)
        status = PAPI_create_eventset(&m->set);
    if (status == PAPI_OK && e->multiplex) {
        status = PAPI_assign_eventset_component(m->set, 0);
        if (status == PAPI_OK)
            status = PAPI_set_multiplex(m->set);
    }
    for (size_t i = 0; i < e->count && status == PAPI_OK; ++i) {
        if (e->item[i].slot < 0)
            continue;
        status = PAPI_add_event(m->set, e->item[i].code);
        if (status != PAPI_OK)
            *culprit = i;
    }
    return status;
}

static void member_destroy(team_member *m)
{
    if (m->set != PAPI_NULL) {
        (void)PAPI_cleanup_eventset(m->set);
        (void)PAPI_destroy_eventset(&m->set);
    }
}

static void drop_event(chirp_events *e, size_t culprit, int status)
{
    event *v = &e->item[culprit];
    v->reason = reason_text(status);
    v->slot = -1;
    e->n_hardware = 0;
    for (size_t i = 0; i < e->count; ++i)
        if (e->item[i].slot >= 0)
            e->item[i].slot = e->n_hardware++;
}

static chirp_status create_team(chirp_events *e)
{
    e->member = chirp_calloc((size_t)e->threads, sizeof *e->member);
    if (!e->member)
        return CHIRP_ERR_NOMEM;
    for (int t = 0; t < e->threads; ++t)
        e->member[t].set = PAPI_NULL;
    while (e->n_hardware >
           0) { /* drop the event that doesn't fit, with its reason, until the rest does */
        size_t culprit = e->count;
        team_member probe = {0};
        int status = member_create(e, &probe, &culprit);
        member_destroy(&probe);
        if (status == PAPI_OK)
            break;
        if (culprit == e->count) /* the set itself is refused: no event of it can count */
            for (culprit = 0; e->item[culprit].slot < 0; ++culprit)
                continue;
        drop_event(e, culprit, status);
    }
    if (e->n_hardware == 0)
        return CHIRP_OK;
#pragma omp parallel num_threads(e->threads)
    {
        size_t ignored = 0;
        team_member *m = &e->member[omp_get_thread_num()];
        m->error = member_create(e, m, &ignored);
    }
    for (int t = 0; t < e->threads; ++t)
        if (e->member[t].error != PAPI_OK)
            return chirp_fail(CHIRP_ERR_LIBRARY, "counters: thread %d: %s", t,
                              PAPI_strerror(e->member[t].error));
    return CHIRP_OK;
}

/* "auto": what most people ask first. */
static const char auto_names[] =
    "PAPI_TOT_CYC,PAPI_TOT_INS,PAPI_SP_OPS,PAPI_L1_DCM,PAPI_L2_DCM,PAPI_L3_TCM,"
    "page-faults,major-faults,context-switches,involuntary-switches,task-clock-ns,package-joules";

chirp_status chirp_events_open(const char *names, int threads, bool multiplex,
                               chirp_events **events)
{
    if (!names || !*names || threads < 1)
        return chirp_fail(CHIRP_ERR_ARG, "counters: no event names, or %d threads", threads);
    chirp_events *e = chirp_calloc(1, sizeof *e);
    if (!e)
        return CHIRP_ERR_NOMEM;
    e->threads = threads;
    chirp_status st = CHIRP_OK;
    if (multiplex && !library_reason()) {
        e->multiplex = PAPI_multiplex_init() == PAPI_OK;
    }
    for (const char *p = names; st == CHIRP_OK;) {
        const size_t length = strcspn(p, ",");
        if (length == 4 && strncmp(p, "auto", 4) == 0) {
            for (const char *q = auto_names; *q && st == CHIRP_OK;) {
                const size_t span = strcspn(q, ",");
                st = add_event(e, q, span);
                q += span + (q[span] == ',');
            }
        } else {
            st = add_event(e, p, length);
        }
        p += length;
        if (*p++ == '\0')
            break;
    }
    bool any_hardware = false;
    bool any_software = false;
    for (size_t i = 0; i < e->count; ++i) {
        any_hardware |= e->item[i].slot >= 0;
        any_software |= e->item[i].software >= 0;
    }
    if (!any_hardware && !any_software) { /* asked for hardware that isn't there: these stand in */
        static const char *const stand_in[] = {"page-faults", "context-switches", "task-clock-ns"};
        for (size_t i = 0; i < 3 && st == CHIRP_OK; ++i)
            st = add_event(e, stand_in[i], strlen(stand_in[i]));
    }
    if (st == CHIRP_OK)
        st = create_team(e);
    if (st != CHIRP_OK) {
        chirp_events_close(e);
        return st;
    }
    *events = e;
    return CHIRP_OK;
}

size_t chirp_events_count(const chirp_events *e) { return e->count; }

const char *chirp_events_name(const chirp_events *e, size_t i) { return e->item[i].name; }

const char *chirp_events_reason(const chirp_events *e, size_t i) { return e->item[i].reason; }

double chirp_events_value(const chirp_events *e, size_t i) { return e->item[i].total; }

bool chirp_events_multiplexed(const chirp_events *e) { return e->multiplex && e->n_hardware > 0; }

void chirp_events_reset(chirp_events *e)
{
    for (size_t i = 0; i < e->count; ++i)
        e->item[i].total = 0;
}

void chirp_events_start(chirp_events *e)
{
    if (e->n_hardware > 0) {
#pragma omp parallel num_threads(e->threads)
        {
            team_member *m = &e->member[omp_get_thread_num()];
            m->error = PAPI_start(m->set);
        }
    }
    for (size_t i = 0; i < e->count; ++i)
        if (e->item[i].software >= 0 && !e->item[i].reason)
            e->item[i].at_start = chirp_software_read(e->item[i].software);
}

void chirp_events_stop(chirp_events *e)
{
    for (size_t i = 0; i < e->count; ++i)
        if (e->item[i].software >= 0 && !e->item[i].reason)
            e->item[i].total += chirp_software_read(e->item[i].software) - e->item[i].at_start;
    if (e->n_hardware == 0)
        return;
#pragma omp parallel num_threads(e->threads)
    {
        team_member *m = &e->member[omp_get_thread_num()];
        if (m->error == PAPI_OK)
            m->error = PAPI_stop(m->set, m->values);
    }
    int error = PAPI_OK;
    for (int t = 0; t < e->threads; ++t)
        error = error == PAPI_OK ? e->member[t].error : error;
    for (size_t i = 0; i < e->count; ++i) {
        event *v = &e->item[i];
        if (v->slot < 0 || v->reason)
            continue;
        if (error != PAPI_OK) { /* one thread's loss makes the sum a lie: say so instead */
            v->reason = reason_text(error);
            continue;
        }
        for (int t = 0; t < e->threads; ++t)
            v->total += (double)e->member[t].values[v->slot];
    }
}

void chirp_events_close(chirp_events *e)
{
    if (!e)
        return;
    if (e->member && e->n_hardware > 0) {
#pragma omp parallel num_threads(e->threads)
        member_destroy(&e->member[omp_get_thread_num()]);
    }
    chirp_free(e->member);
    for (size_t i = 0; i < e->count; ++i) {
        chirp_free(e->item[i].name);
        chirp_free(e->item[i].reason);
    }
    chirp_free(e);
}

chirp_status chirp_events_presets(void (*visit)(void *state, const char *name,
                                                const char *description, const char *reason),
                                  void *state)
{
    const char *library = library_reason();
    if (library)
        return chirp_fail(CHIRP_ERR_LIBRARY, "%s", library);
    int code = 0 | PAPI_PRESET_MASK;
    if (PAPI_enum_event(&code, PAPI_ENUM_FIRST) != PAPI_OK)
        return chirp_fail(CHIRP_ERR_LIBRARY, "PAPI lists no presets");
    do {
        PAPI_event_info_t info;
        memset(&info, 0, sizeof info);
        if (PAPI_get_event_info(code, &info) != PAPI_OK)
            continue;
        const int status = info.count == 0 ? PAPI_ENOEVNT : try_event(code);
        char *reason = status == PAPI_OK ? NULL : reason_text(status);
        visit(state, info.symbol, info.long_descr,
              status == PAPI_OK ? NULL
              : reason          ? reason
                                : "out of memory");
        chirp_free(reason);
    } while (PAPI_enum_event(&code, PAPI_ENUM_EVENTS) == PAPI_OK);
    return CHIRP_OK;
}
