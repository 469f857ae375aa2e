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

#define FILES_MAX 256u // descriptors that may be held at once
#define ROOTS_MAX 32u  // two descriptors each

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

// Which file system the process sees; false if that cannot be told.
static bool root_of(const char *process, struct tacho_root *root)
{
    char path[64];
    struct stat space, top;
    snprintf(path, sizeof path, "/proc/%s/ns/mnt", process);
    if (stat(path, &space) < 0)
        return false;
    snprintf(path, sizeof path, "/proc/%s/root", process);
    if (stat(path, &top) < 0)
        return false;
    *root = (struct tacho_root){.device = top.st_dev,
                                .inode = top.st_ino,
                                .mount_namespace = space.st_ino,
                                .root_fd = -1,
                                .tmp_fd = -1};
    return true;
}

static bool is_same_root(const struct tacho_root *a, const struct tacho_root *b)
{
    return a->device == b->device && a->inode == b->inode &&
           a->mount_namespace == b->mount_namespace;
}

// The index of the root of the process, which is held from now on; SIZE_MAX: it is ours.
static size_t hold_root(struct tacho_processes *processes, uint32_t pid)
{
    char name[32], path[64];
    struct tacho_root root;
    snprintf(name, sizeof name, "%u", pid);
    if (!processes->has_own)
        processes->has_own = root_of("self", &processes->own);
    if (!processes->has_own || !root_of(name, &root) || is_same_root(&root, &processes->own))
        return SIZE_MAX;
    for (size_t i = 0; i < processes->roots.count; i++)
        if (is_same_root(&processes->roots.items[i], &root))
            return i;
    if (processes->roots.count == ROOTS_MAX)
        return SIZE_MAX;
    snprintf(path, sizeof path, "/proc/%u/root", pid);
    root.root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root.root_fd >= 0) // held by itself: what is mounted there goes with the last process
        root.tmp_fd = openat(root.root_fd, "tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
    tacho_array_push(&processes->roots, root);
    return processes->roots.count - 1;
}

const struct tacho_process *tacho_processes_look(struct tacho_processes *processes, uint32_t pid,
                                                 bool again)
{
    bool added;
    uint64_t *index = tacho_map_put(&processes->by_pid, pid, &added);
    if (added) {
        *index = processes->items.count;
        tacho_array_push(&processes->items,
                         (struct tacho_process){.pid = pid, .inner_pid = pid, .root = SIZE_MAX});
    }
    struct tacho_process *process = &processes->items.items[*index];
    char path[64];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%u", pid);
    if ((!added && !again) || stat(path, &status) < 0)
        return process;
    process->owner = status.st_uid;
    if (!process->has_owner)
        process->inner_pid = inner_pid_of(pid);
    process->has_owner = true;
    size_t root = hold_root(processes, pid);
    if (root != SIZE_MAX)
        process->root = root;
    return process;
}

int tacho_processes_file(const struct tacho_processes *processes, const char *path, size_t *at)
{
    for (; *at < processes->files.count; ++*at)
        if (strcmp(processes->files.items[*at].path, path) == 0)
            return processes->files.items[(*at)++].fd;
    return -1;
}

static bool is_kept(const struct tacho_processes *processes, const char *path,
                    const struct stat *status)
{
    for (size_t i = 0; i < processes->files.count; i++) {
        const struct tacho_process_file *file = &processes->files.items[i];
        if (file->inode == status->st_ino && file->device == status->st_dev &&
            strcmp(file->path, path) == 0)
            return true;
    }
    return false;
}

// Takes over the descriptor, unless the same file is kept under the same path.
static void keep(struct tacho_processes *processes, const char *path, int fd)
{
    struct stat status;
    if (fd < 0)
        return;
    if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || is_kept(processes, path, &status)) {
        close(fd);
        return;
    }
    char *copy = strdup(path);
    if (copy)
        tacho_array_push(&processes->files,
                         (struct tacho_process_file){copy, status.st_dev, status.st_ino, fd});
    else
        close(fd);
}

void tacho_processes_keep_file(struct tacho_processes *processes,
                               const struct tacho_process *process, const char *path)
{
    char name[PATH_MAX];
    struct stat status;
    int size = snprintf(name, sizeof name, "%s", path);
    if (process->root != SIZE_MAX)
        size = snprintf(name, sizeof name, "/proc/self/fd/%d%s",
                        processes->roots.items[process->root].root_fd, path);
    if (size <= 0 || (size_t)size >= sizeof name || processes->files.count >= FILES_MAX ||
        stat(name, &status) < 0 || !S_ISREG(status.st_mode) || is_kept(processes, path, &status))
        return;
    keep(processes, path, open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
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

void tacho_processes_keep_deleted(struct tacho_processes *processes, uint32_t pid, const char *path,
                                  uint64_t start, uint64_t end)
{
    if (processes->files.count >= FILES_MAX)
        return;
    char link[96];
    snprintf(link, sizeof link, "/proc/%u/exe", pid);
    int fd = open_link(link, path);
    if (fd < 0 && start < end) {
        snprintf(link, sizeof link, "/proc/%u/map_files/%jx-%jx", pid, (uintmax_t)start,
                 (uintmax_t)end);
        fd = open_link(link, path);
    }
    if (fd < 0)
        fd = open_by_maps(pid, path);
    keep(processes, path, fd);
}

void tacho_processes_release(struct tacho_processes *processes)
{
    for (size_t i = 0; i < processes->roots.count; i++) {
        const struct tacho_root *root = &processes->roots.items[i];
        if (root->root_fd >= 0)
            close(root->root_fd);
        if (root->tmp_fd >= 0)
            close(root->tmp_fd);
    }
    for (size_t i = 0; i < processes->files.count; i++) {
        close(processes->files.items[i].fd);
        free(processes->files.items[i].path);
    }
    tacho_array_release(&processes->items);
    tacho_array_release(&processes->roots);
    tacho_array_release(&processes->files);
    tacho_map_release(&processes->by_pid);
}
