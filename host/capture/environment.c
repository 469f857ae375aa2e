// Facts about this machine and about the version of what was run: see environment.h.
#include "capture/environment.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"

// The first line of a small file, without its end; false when there is none.
static bool first_line(const char *path, char *line, size_t size)
{
    struct tacho_fail ignored = {0};
    struct tacho_buffer buffer = {0};
    bool found = tacho_file_read(path, &buffer, 1 << 20, &ignored) == 0 && buffer.size > 0;
    if (found) {
        size_t length = strcspn(buffer.data, "\n");
        snprintf(line, size, "%.*s", (int)(length < size ? length : size - 1), buffer.data);
    }
    tacho_buffer_release(&buffer);
    return found && *line;
}

// The value behind `key` in a file of "key: value" or key=value lines; quotes are taken off.
static bool value_of(const char *path, const char *key, char *value, size_t size)
{
    struct tacho_fail ignored = {0};
    struct tacho_buffer buffer = {0};
    bool found = false;
    if (tacho_file_read(path, &buffer, 1 << 20, &ignored) < 0)
        buffer.size = 0;
    for (const char *at = buffer.size ? buffer.data : ""; *at && !found;) {
        size_t length = strcspn(at, "\n"), name = strlen(key);
        if (length > name && strncmp(at, key, name) == 0) {
            const char *from = at + name, *end = at + length;
            while (from < end && strchr("\t :=\"", *from))
                from++;
            while (end > from && (end[-1] == '"' || end[-1] == ' '))
                end--;
            snprintf(value, size, "%.*s", (int)(end - from), from);
            found = true;
        }
        at += length + (at[length] == '\n');
    }
    tacho_buffer_release(&buffer);
    return found;
}

static int push(struct tacho_sink *sink, const char *key, const char *value,
                struct tacho_fail *fail)
{
    return value && *value ? tacho_sink_environment(sink, key, value, fail) : 0;
}

static int push_system(struct tacho_sink *sink, struct tacho_fail *fail)
{
    char line[256];
    struct utsname name;
    int status = 0;
    if (uname(&name) == 0) {
        snprintf(line, sizeof line, "%s %s", name.sysname, name.release);
        status = push(sink, "host_name", name.nodename, fail);
        status = status < 0 ? status : push(sink, "kernel", line, fail);
        status = status < 0 ? status : push(sink, "architecture", name.machine, fail);
    }
    if (status == 0 && value_of("/etc/os-release", "PRETTY_NAME", line, sizeof line))
        status = push(sink, "system", line, fail);
    if (status == 0 && value_of("/proc/meminfo", "MemTotal", line, sizeof line)) {
        unsigned long long kibibytes = strtoull(line, NULL, 10);
        snprintf(line, sizeof line, "%llu", kibibytes * 1024);
        status = push(sink, "memory_total_bytes", line, fail);
    }
    return status;
}

static int push_cpu(struct tacho_sink *sink, struct tacho_fail *fail)
{
    static const char clock_path[] =
        "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    static const char governor_path[] = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    char line[256];
    int status = 0;
    if (value_of("/proc/cpuinfo", "model name", line, sizeof line))
        status = push(sink, "cpu_model", line, fail);
    snprintf(line, sizeof line, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
    status = status < 0 ? status : push(sink, "cpu_count", line, fail);
    if (status == 0 && first_line(governor_path, line, sizeof line))
        status = push(sink, "cpu_governor", line, fail);
    if (status == 0 && first_line(clock_path, line, sizeof line))
        status = push(sink, "clock_source", line, fail);
    char *flags = malloc(16384);
    if (flags && status == 0 && value_of("/proc/cpuinfo", "flags", flags, 16384))
        status = push(sink, "virtual_machine", strstr(flags, " hypervisor") ? "yes" : "no", fail);
    free(flags);
    if (status == 0 && first_line("/proc/sys/kernel/perf_event_paranoid", line, sizeof line))
        status = push(sink, "perf_event_paranoid", line, fail);
    return status;
}

// The commit of the git work tree that holds the present folder, read from its files.
static bool git_commit(char *commit, size_t size)
{
    char folder[PATH_MAX], path[PATH_MAX + 300], head[256];
    if (!getcwd(folder, sizeof folder))
        return false;
    for (;;) {
        snprintf(path, sizeof path, "%s/.git/HEAD", folder);
        if (first_line(path, head, sizeof head))
            break;
        char *slash = strrchr(folder, '/');
        if (!slash || slash == folder)
            return false;
        *slash = '\0';
    }
    if (strncmp(head, "ref: ", 5) != 0) {
        snprintf(commit, size, "%.40s", head);
        return true;
    }
    snprintf(path, sizeof path, "%s/.git/%s", folder, head + 5);
    if (first_line(path, commit, size))
        return true;
    snprintf(path, sizeof path, "%s/.git/packed-refs", folder);
    struct tacho_fail ignored = {0};
    struct tacho_buffer buffer = {0};
    const char *found = NULL;
    if (tacho_file_read(path, &buffer, 1 << 24, &ignored) == 0 && buffer.size)
        found = strstr(buffer.data, head + 5);
    if (found && found - buffer.data >= 41)
        snprintf(commit, size, "%.40s", found - 41);
    tacho_buffer_release(&buffer);
    return found && found[-1] == ' ';
}

int tacho_environment_push(struct tacho_sink *sink, const char *program, struct tacho_fail *fail)
{
    char text[PATH_MAX];
    if (push_system(sink, fail) < 0 || push_cpu(sink, fail) < 0)
        return fail->code;
    if (git_commit(text, sizeof text) && push(sink, "git_commit", text, fail) < 0)
        return fail->code;
    struct stat file;
    if (program && stat(program, &file) == 0) {
        if (push(sink, "program", program, fail) < 0)
            return fail->code;
        snprintf(text, sizeof text, "%lld", (long long)file.st_size);
        if (push(sink, "program_size_bytes", text, fail) < 0)
            return fail->code;
    }
    return 0;
}
