/*
 * PAPI's names for a build without PAPI. The library "doesn't start", so counters.c gives that as the reason of every event
 * and calls nothing else; the rest is here for the compiler only.
 */
#ifndef CHIRP_HARNESS_COUNTERS_PAPI_ABSENT_H
#define CHIRP_HARNESS_COUNTERS_PAPI_ABSENT_H

enum { PAPI_OK = 0, PAPI_ENOEVNT = -7, PAPI_NULL = -1, PAPI_MAX_STR_LEN = 128 };
enum { PAPI_VER_CURRENT = 1, PAPI_PRESET_MASK = 0, PAPI_ENUM_FIRST = 0, PAPI_ENUM_EVENTS = 1 };

typedef struct {
    char symbol[PAPI_MAX_STR_LEN];
    char long_descr[PAPI_MAX_STR_LEN];
    unsigned count;
} PAPI_event_info_t;

typedef struct {
    char name[PAPI_MAX_STR_LEN];
    char short_name[PAPI_MAX_STR_LEN];
    char disabled_reason[PAPI_MAX_STR_LEN];
    int disabled;
} PAPI_component_info_t;

static inline const char *PAPI_strerror(int code)
{
    (void)code;
    return "this program was built without PAPI (install Debian package libpapi-dev and build "
           "again)";
}

static inline int PAPI_library_init(int version) { return -version; }
static inline int PAPI_thread_init(unsigned long (*id)(void)) { return (void)id, PAPI_ENOEVNT; }
static inline int PAPI_num_components(void) { return 0; }
static inline const PAPI_component_info_t *PAPI_get_component_info(int i)
{
    return (void)i, (const PAPI_component_info_t *)0;
}
static inline int PAPI_create_eventset(int *set) { return (void)set, PAPI_ENOEVNT; }
static inline int PAPI_add_event(int set, int code) { return (void)set, (void)code, PAPI_ENOEVNT; }
static inline int PAPI_start(int set) { return (void)set, PAPI_ENOEVNT; }
static inline int PAPI_stop(int set, long long *values)
{
    return (void)set, (void)values, PAPI_ENOEVNT;
}
static inline int PAPI_cleanup_eventset(int set) { return (void)set, PAPI_OK; }
static inline int PAPI_destroy_eventset(int *set) { return (void)set, PAPI_OK; }
static inline int PAPI_event_name_to_code(const char *name, int *code)
{
    return (void)name, (void)code, PAPI_ENOEVNT;
}
static inline int PAPI_register_thread(void) { return PAPI_ENOEVNT; }
static inline int PAPI_unregister_thread(void) { return PAPI_OK; }
static inline int PAPI_assign_eventset_component(int set, int c)
{
    return (void)set, (void)c, PAPI_ENOEVNT;
}
static inline int PAPI_set_multiplex(int set) { return (void)set, PAPI_ENOEVNT; }
static inline int PAPI_multiplex_init(void) { return PAPI_ENOEVNT; }
static inline int PAPI_enum_event(int *code, int which)
{
    return (void)code, (void)which, PAPI_ENOEVNT;
}
static inline int PAPI_get_event_info(int code, PAPI_event_info_t *info)
{
    return (void)code, (void)info, PAPI_ENOEVNT;
}

#endif
