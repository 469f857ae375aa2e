// What can be learned of a process while it lives: see process.h.
#include "symbol/process.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"

#define FILES_MAX     64u // descriptors that may be held at once
#define PROCESSES_MAX 4096u
#define ROOTS_MAX     256u

// The last number of the line "NSpid:" of /proc/PID/status: its pid in the innermost namespace.
static uint32_t inner_pid_of(uint32_t pid)
{
    char path[64];
    struct tacho_buffer text = {0};
    struct tacho_fail fail = {0};
    snprintf(path, sizeof path, "/proc/%u/status", pid);
    uint32_t inner = pid;
    if (tacho_file_read(path, &text, 64 << 10, &fail) == 0 && text.size > 0) {
        const char *line = strstr(text.data, "\nNSpid:");
        for (line = line ? line + 7 : ""; *line && *line != '\n';) {
            char *end;
            unsigned long value = strtoul(line, &end, 10);
            if (end == line)
                break;
            inner = value <= UINT32_MAX ? (uint32_t)value : pid;
            line = end + strspn(end, "\t ");
        }
    }
    tacho_buffer_release(&text);
    return inner;
}

const struct tacho_process *tacho_processes_look(struct tacho_processes *processes, uint32_t pid)
{
    for (size_t i = 0; i < processes->items.count; i++)
        if (processes->items.items[i].pid == pid)
            return &processes->items.items[i];
    struct tacho_process process = {.pid = pid, .inner_pid = pid, .root_fd = -1};
    char path[64];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%u", pid);
    if (stat(path, &status) == 0) {
        process.owner = status.st_uid;
        process.has_owner = true;
        process.inner_pid = inner_pid_of(pid);
        snprintf(path, sizeof path, "/proc/%u/root", pid);
        if (processes->items.count < ROOTS_MAX)
            process.root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    if (processes->items.count == PROCESSES_MAX)
        processes->items.count--;
    tacho_array_push(&processes->items, process);
    return &processes->items.items[processes->items.count - 1];
}

int tacho_processes_file(const struct tacho_processes *processes, const char *path)
{
    for (size_t i = 0; i < processes->files.count; i++)
        if (strcmp(processes->files.items[i].path, path) == 0)
            return processes->files.items[i].fd;
    return -1;
}

// Opens what the link points to if it is called `path`.
static int open_link(const char *link, const char *path)
{
    char target[PATH_MAX];
    ssize_t size = readlink(link, target, sizeof target - 1);
    if (size < 0)
        return -1;
    target[size] = '\0';
    return strcmp(target, path) == 0 ? open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
}

// Opens the first mapping called `path` in /proc/PID/maps.
static int open_by_maps(uint32_t pid, const char *path)
{
    char name[96];
    struct tacho_buffer text = {0};
    struct tacho_fail fail = {0};
    int fd = -1;
    snprintf(name, sizeof name, "/proc/%u/maps", pid);
    if (tacho_file_read(name, &text, 0, &fail) == 0 && text.size > 0) {
        size_t size = strlen(path);
        for (char *found = text.data; fd < 0 && (found = strstr(found, path)); found += size) {
            if (found[size] != '\n' || found == text.data || found[-1] != ' ')
                continue;
            char *line = memrchr(text.data, '\n', (size_t)(found - text.data));
            line = line ? line + 1 : text.data;
            int range = (int)strcspn(line, " ");
            if (range < 40) {
                snprintf(name, sizeof name, "/proc/%u/map_files/%.*s", pid, range, line);
                fd = open_link(name, path);
            }
            break;
        }
    }
    tacho_buffer_release(&text);
    return fd;
}

int tacho_processes_keep_file(struct tacho_processes *processes, uint32_t pid, const char *path,
                              uint64_t start, uint64_t end)
{
    int fd = tacho_processes_file(processes, path);
    if (fd >= 0 || processes->files.count >= FILES_MAX)
        return fd;
    char link[96];
    snprintf(link, sizeof link, "/proc/%u/exe", pid);
    fd = open_link(link, path);
    if (fd < 0 && start < end) {
        snprintf(link, sizeof link, "/proc/%u/map_files/%jx-%jx", pid, (uintmax_t)start,
                 (uintmax_t)end);
        fd = open_link(link, path);
    } else if (fd < 0) {
        fd = open_by_maps(pid, path);
    }
    if (fd < 0)
        return -1;
    char *copy = strdup(path);
    if (!copy) {
        close(fd);
        return -1;
    }
    tacho_array_push(&processes->files, (struct tacho_process_file){pid, copy, fd});
    return fd;
}

void tacho_processes_release(struct tacho_processes *processes)
{
    for (size_t i = 0; i < processes->items.count; i++)
        if (processes->items.items[i].root_fd >= 0)
            close(processes->items.items[i].root_fd);
    for (size_t i = 0; i < processes->files.count; i++) {
        close(processes->files.items[i].fd);
        free(processes->files.items[i].path);
    }
    tacho_array_release(&processes->items);
    tacho_array_release(&processes->files);
}
