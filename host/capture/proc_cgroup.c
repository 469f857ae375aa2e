// Finding and reading the control group of a process: see proc_cgroup.h, cgroups(7).
#include "proc_cgroup.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proc_read.h"

#define PATH_SIZE      1024
#define MOUNTINFO_MAX  65536u
#define NO_LIMIT_BYTES 9e18 // version 1 says "no limit" by the largest multiple of a page

// True when the list "a,b,c" of `size` bytes has `word`.
static bool list_has(const char *list, size_t size, const char *word)
{
    size_t word_size = strlen(word);
    for (const char *at = list, *end = list + size; at < end;) {
        size_t length = 0;
        while (at + length < end && at[length] != ',')
            length++;
        if (length == word_size && memcmp(at, word, length) == 0)
            return true;
        at += length + 1;
    }
    return false;
}

// Lines are "number:controllers:path"; version 2 has number 0 and no controllers.
bool tacho_cgroup_path(const char *text, const char *controller, char *path, size_t size)
{
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        const char *first = memchr(line, ':', length);
        const char *second =
            first ? memchr(first + 1, ':', length - (size_t)(first + 1 - line)) : NULL;
        if (second) {
            size_t list_size = (size_t)(second - first - 1);
            bool is_version2 = list_size == 0;
            if (*controller ? list_has(first + 1, list_size, controller) : is_version2) {
                size_t path_size = length - (size_t)(second + 1 - line);
                if (path_size >= size)
                    return false;
                memcpy(path, second + 1, path_size);
                path[path_size] = 0;
                return true;
            }
        }
        line += length + (line[length] == '\n');
    }
    return false;
}

struct mount_line {
    char root[PATH_SIZE], folder[PATH_SIZE], type[32], options[512];
};

// A line of mountinfo, proc(5): id parent device root folder options [fields] - type source
// options.
static bool mount_parse(const char *line, size_t length, struct mount_line *mount)
{
    char text[4096];
    if (length >= sizeof text)
        return false;
    memcpy(text, line, length);
    text[length] = 0;
    const char *dash = strstr(text, " - ");
    return dash && sscanf(text, "%*s %*s %*s %1023s %1023s", mount->root, mount->folder) == 2 &&
           sscanf(dash, " - %31s %*s %511s", mount->type, mount->options) == 2;
}

// The path of a group is as seen from the root of the hierarchy, or of our cgroup namespace; of the
// mount only the part below its root is visible.
static bool join(const struct mount_line *mount, const char *group, char *folder, size_t size)
{
    size_t root_size = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
    const char *rest = group;
    if (root_size && strncmp(group, mount->root, root_size) == 0 &&
        (group[root_size] == '/' || group[root_size] == 0))
        rest = group + root_size;
    if (strcmp(rest, "/") == 0)
        rest = "";
    return snprintf(folder, size, "%s%s", mount->folder, rest) < (int)size;
}

bool tacho_cgroup_mount(const char *text, const char *controller, const char *group, char *folder,
                        size_t size)
{
    struct mount_line mount;
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        if (mount_parse(line, length, &mount)) {
            bool fits = *controller ? strcmp(mount.type, "cgroup") == 0 &&
                                          list_has(mount.options, strlen(mount.options), controller)
                                    : strcmp(mount.type, "cgroup2") == 0;
            if (fits)
                return join(&mount, group, folder, size);
        }
        line += length + (line[length] == '\n');
    }
    return false;
}

// The folder of the group of `pid` for a controller; *root_size is the length of the mount's part.
static bool group_folder(pid_t pid, const char *controller, char *folder, size_t *root_size)
{
    static char mounts[MOUNTINFO_MAX];
    char path[64], text[4096], group[PATH_SIZE];
    snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
    if (tacho_proc_read(path, text, sizeof text) <= 0 ||
        tacho_proc_read("/proc/self/mountinfo", mounts, sizeof mounts) <= 0 ||
        !tacho_cgroup_path(text, controller, group, sizeof group) ||
        !tacho_cgroup_mount(mounts, controller, "/", folder, PATH_SIZE))
        return false;
    *root_size = strlen(folder);
    if (!tacho_cgroup_mount(mounts, controller, group, folder, PATH_SIZE))
        return false;
    return access(folder, F_OK) == 0;
}

// A number alone in a file of a group; NaN when there is none or it says "max".
static double read_value(const char *folder, const char *name)
{
    char path[PATH_SIZE + 64], text[64];
    uint64_t value;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ssize_t size = tacho_proc_read(path, text, sizeof text);
    const char *at = text;
    if (size <= 0 || !tacho_proc_number(&at, text + size, &value) || (double)value > NO_LIMIT_BYTES)
        return NAN;
    return (double)value;
}

static double read_quota(const char *folder, bool version2)
{
    if (!version2)
        return read_value(folder, "cpu.cfs_quota_us") / read_value(folder, "cpu.cfs_period_us");
    char path[PATH_SIZE + 64], text[64];
    uint64_t quota, period;
    snprintf(path, sizeof path, "%s/cpu.max", folder); // "max 100000" or "50000 100000"
    ssize_t size = tacho_proc_read(path, text, sizeof text);
    const char *at = text;
    if (size <= 0 || !tacho_proc_number(&at, text + size, &quota) ||
        !tacho_proc_number(&at, text + size, &period) || period == 0)
        return NAN;
    return (double)quota / (double)period;
}

static int open_value(const char *folder, const char *name)
{
    char path[PATH_SIZE + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

// Walks from a group up to the root of its hierarchy; the tightest limit is the one that counts.
static void find_limits(struct tacho_cgroup *cgroup, char *folder, size_t root_size, bool memory,
                        bool version2)
{
    for (;;) {
        if (memory) {
            const char *name = version2 ? "memory.max" : "memory.limit_in_bytes";
            cgroup->memory_limit_bytes = fmin(cgroup->memory_limit_bytes, read_value(folder, name));
        } else {
            cgroup->cpu_limit_cores = fmin(cgroup->cpu_limit_cores, read_quota(folder, version2));
        }
        char *slash = strrchr(folder, '/');
        if (strlen(folder) <= root_size || !slash)
            return;
        *slash = 0;
    }
}

void tacho_cgroup_open(struct tacho_cgroup *cgroup, pid_t pid)
{
    char folder[PATH_SIZE];
    size_t root_size;
    memset(cgroup, 0, sizeof *cgroup);
    cgroup->memory_fd = cgroup->cpu_stat_fd = -1;
    cgroup->memory_limit_bytes = cgroup->cpu_limit_cores = NAN;
    for (int i = 0; i < TACHO_PRESSURE_COUNT; i++)
        cgroup->pressure.fd[i] = -1;
    if (group_folder(pid, "memory", folder, &root_size)) {
        cgroup->memory_fd = open_value(folder, "memory.usage_in_bytes");
        find_limits(cgroup, folder, root_size, true, false);
    } else if (group_folder(pid, "", folder, &root_size)) {
        cgroup->memory_fd = open_value(folder, "memory.current");
        find_limits(cgroup, folder, root_size, true, true);
    }
    if (group_folder(pid, "cpu", folder, &root_size)) {
        cgroup->cpu_stat_fd = open_value(folder, "cpu.stat");
        find_limits(cgroup, folder, root_size, false, false);
    } else if (group_folder(pid, "", folder, &root_size)) {
        cgroup->version2_cpu = true;
        cgroup->cpu_stat_fd = open_value(folder, "cpu.stat");
        find_limits(cgroup, folder, root_size, false, true);
    }
    if (group_folder(pid, "", folder, &root_size))
        tacho_pressure_open(&cgroup->pressure, folder, ".pressure");
}

static int read_throttled(struct tacho_cgroup *cgroup, struct tacho_series_set *series,
                          int64_t now_ns, struct tacho_fail *fail)
{
    char text[1024];
    uint64_t value;
    ssize_t size =
        cgroup->cpu_stat_fd < 0 ? -1 : tacho_proc_reread(cgroup->cpu_stat_fd, text, sizeof text);
    const char *key = cgroup->version2_cpu ? "throttled_usec " : "throttled_time ";
    if (size <= 0 || !tacho_proc_field(text, (size_t)size, key, &value, NULL))
        return 0;
    double seconds = (double)value * (cgroup->version2_cpu ? 1e-6 : 1e-9);
    if (!cgroup->has_base)
        cgroup->throttled_base = seconds;
    cgroup->has_base = true;
    return tacho_series_push(series, TACHO_AT_cgroup_throttled_seconds, now_ns,
                             seconds - cgroup->throttled_base, fail);
}

int tacho_cgroup_read(struct tacho_cgroup *cgroup, struct tacho_series_set *series, int64_t now_ns,
                      struct tacho_fail *fail)
{
    char text[64];
    uint64_t value;
    const char *at = text;
    ssize_t size =
        cgroup->memory_fd < 0 ? -1 : tacho_proc_reread(cgroup->memory_fd, text, sizeof text);
    if (size > 0 && tacho_proc_number(&at, text + size, &value) &&
        tacho_series_push(series, TACHO_AT_cgroup_memory_bytes, now_ns, (double)value, fail) < 0)
        return fail->code;
    if (!isnan(cgroup->memory_limit_bytes) &&
        tacho_series_push(series, TACHO_AT_cgroup_memory_limit_bytes, now_ns,
                          cgroup->memory_limit_bytes, fail) < 0)
        return fail->code;
    if (!isnan(cgroup->cpu_limit_cores) &&
        tacho_series_push(series, TACHO_AT_cgroup_cpu_limit_cores, now_ns, cgroup->cpu_limit_cores,
                          fail) < 0)
        return fail->code;
    if (read_throttled(cgroup, series, now_ns, fail) < 0)
        return fail->code;
    return tacho_pressure_read(&cgroup->pressure, series, now_ns, fail);
}

void tacho_cgroup_close(struct tacho_cgroup *cgroup)
{
    if (cgroup->memory_fd >= 0)
        close(cgroup->memory_fd);
    if (cgroup->cpu_stat_fd >= 0)
        close(cgroup->cpu_stat_fd);
    cgroup->memory_fd = cgroup->cpu_stat_fd = -1;
    tacho_pressure_close(&cgroup->pressure);
}
