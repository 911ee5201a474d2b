/* How much processor time the cgroups grant: of this process's own group and of every group above it. */
#include "harness/machine/machine_internal.h"

#include "harness/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_MOUNTS = 8, PATH_ROOM = 4096 };

/* A mounted hierarchy that can hold a limit. */
typedef struct mount {
    bool v1;
    char *root;  /* the group that is mounted: containers see a part of the host's tree */
    char *point; /* where */
} mount;

/* Whether a comma-separated list has the word. */
static bool has_word(const char *list, size_t length, const char *word)
{
    const size_t n = strlen(word);
    for (const char *p = list; p < list + length;) {
        const char *comma = memchr(p, ',', (size_t)(list + length - p));
        const size_t span = comma ? (size_t)(comma - p) : (size_t)(list + length - p);
        if (span == n && strncmp(p, word, n) == 0)
            return true;
        p += span + 1;
    }
    return false;
}

/* In place: mountinfo writes a space as \040. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *p = text; *p; ++to) {
        unsigned code = 0;
        int used = 0;
        if (*p == '\\' && sscanf(p, "\\%3o%n", &code, &used) == 1 && used == 4) {
            *to = (char)code;
            p += 4;
        } else {
            *to = *p++;
        }
    }
    *to = '\0';
}

/* "36 35 98:0 /root /point rw,noatime shared:1 - cgroup cgroup rw,cpu,cpuacct" */
static bool parse_mount(char *line, mount *m)
{
    char *field[5] = {NULL};
    char *rest = line;
    for (int i = 0; i < 5; ++i)
        field[i] = strsep(&rest, " ");
    char *options = rest ? strstr(rest, " - ") : NULL;
    if (!options)
        return false;
    options += 3;
    const char *type = strsep(&options, " ");
    (void)strsep(&options, " "); /* the device */
    const bool v1 = strcmp(type, "cgroup") == 0;
    if (!options || (!v1 && strcmp(type, "cgroup2") != 0) ||
        (v1 && !has_word(options, strcspn(options, "\n"), "cpu")))
        return false;
    unescape(field[3]);
    unescape(field[4]);
    *m = (mount){v1, chirp_strdup(field[3]), chirp_strdup(field[4])};
    return m->root && m->point;
}

static int read_mounts(const char *prefix, mount *m)
{
    char path[PATH_ROOM];
    char *line = NULL;
    size_t room = 0;
    int n = 0;
    (void)snprintf(path, sizeof path, "%s/proc/self/mountinfo", prefix);
    FILE *file = fopen(path, "re");
    while (file && n < MOST_MOUNTS && getline(&line, &room, file) > 0) {
        m[n] = (mount){0};
        if (parse_mount(line, &m[n]))
            ++n;
    }
    if (file)
        (void)fclose(file);
    free(line);
    return n;
}

/* Processors granted by one group; 0: no limit there. */
static double limit_of(const char *folder, bool v1)
{
    char path[PATH_ROOM + 32];
    char text[128];
    double quota = 0;
    double period = 0;
    if (v1) {
        (void)snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
        quota = chirp_read_number(path, -1);
        (void)snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
        period = chirp_read_number(path, 0);
    } else {
        (void)snprintf(path, sizeof path, "%s/cpu.max", folder);
        if (!chirp_read_line(path, text, sizeof text) ||
            sscanf(text, "%lf %lf", &quota, &period) != 2) /* "max" is no limit */
            return 0;
    }
    return quota > 0 && period > 0 ? quota / period : 0;
}

/* The tightest limit of the group and all above it, up to where the hierarchy is mounted. */
static double tightest(const char *prefix, const mount *m, const char *group)
{
    char path[PATH_ROOM];
    const size_t root = strcmp(m->root, "/") == 0 ? 0 : strlen(m->root);
    const bool inside =
        strncmp(group, m->root, root) == 0 && (group[root] == '/' || group[root] == '\0');
    /* a group outside of what is mounted: the mounted one is all there is to see */
    const int used = snprintf(path, sizeof path, "%s%s", prefix, m->point);
    const size_t top = (size_t)used < sizeof path ? (size_t)used : sizeof path - 1;
    if (inside)
        (void)snprintf(path + top, sizeof path - top, "%s", group + root);
    double least = 0;
    for (;;) {
        const double limit = limit_of(path, m->v1);
        least = limit > 0 && (least == 0 || limit < least) ? limit : least;
        char *slash = strrchr(path + top, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

double chirp_cpu_quota(const char *prefix)
{
    mount mounts[MOST_MOUNTS];
    char path[PATH_ROOM];
    char *line = NULL;
    size_t room = 0;
    double least = 0;
    const int n = read_mounts(prefix, mounts);
    (void)snprintf(path, sizeof path, "%s/proc/self/cgroup", prefix);
    FILE *file = fopen(path, "re");
    while (file && getline(&line, &room, file) > 0) { /* "4:cpu,cpuacct:/a/b", or "0::/a/b" */
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group)
            continue;
        const size_t length = (size_t)(group - controllers - 1);
        ++group;
        group[strcspn(group, "\n")] = '\0';
        for (int i = 0; i < n; ++i) {
            const bool mine = mounts[i].v1 ? has_word(controllers + 1, length, "cpu") : length == 0;
            const double limit = mine ? tightest(prefix, &mounts[i], group) : 0;
            least = limit > 0 && (least == 0 || limit < least) ? limit : least;
        }
    }
    if (file)
        (void)fclose(file);
    free(line);
    for (int i = 0; i < n; ++i) {
        chirp_free(mounts[i].root);
        chirp_free(mounts[i].point);
    }
    return least;
}
