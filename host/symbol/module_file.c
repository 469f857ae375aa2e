// Finds and opens the file that really ran: see module_file.h.
#include "symbol/module_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/file.h"

#define LIVING_MAX    64u // processes that are asked for a file
#define VDSO_SIZE_MAX (UINT64_C(1) << 20)

static const char deleted_mark[] = " (deleted)";

// Opens `path`, which people know as `known_as`, and compares it with what ran.
static bool try(struct tacho_elf_file *file, const char *path, const char *known_as,
                const struct tacho_run_module *module, struct tacho_buffer *why)
{
    struct tacho_fail fail = {0};
    if (tacho_elf_file_open(file, path, &fail) < 0) {
        if (why->size == 0)
            tacho_buffer_text(why, fail.text);
        return false;
    }
    if (!*module->build_id || strcmp(module->build_id, file->build_id) == 0) {
        tacho_elf_file_rename(file, known_as);
        return true;
    }
    tacho_elf_file_close(file);
    why->size = 0; // says more than "no such file" of an earlier one
    tacho_buffer_printf(why, "%s is not the file that ran: it is of another build", known_as);
    return false;
}

// The path without " (deleted)".
static void plain_path(const char *path, char *plain, size_t size)
{
    size_t length = strlen(path), mark = strlen(deleted_mark);
    if (length > mark && strcmp(path + length - mark, deleted_mark) == 0)
        length -= mark;
    snprintf(plain, size, "%.*s", (int)length, path);
}

// The processes of the run that had not ended, each once.
static size_t living(const struct tacho_run *run, uint32_t *pids)
{
    size_t count = 0;
    for (size_t i = 0; i < run->threads.count && count < LIVING_MAX; i++) {
        const struct tacho_run_thread *thread = &run->threads.items[i];
        if (thread->pid == thread->tid && thread->pid != 0 && thread->end_ns == INT64_MIN)
            pids[count++] = thread->pid;
    }
    return count;
}

// A process in a container has other files under the same names.
static bool try_roots(struct tacho_elf_file *file, const char *path,
                      const struct tacho_run_module *module, const struct tacho_run *run,
                      struct tacho_processes *processes, struct tacho_buffer *why)
{
    uint32_t pids[LIVING_MAX];
    size_t count = living(run, pids);
    for (size_t i = 0; i < count; i++)
        tacho_processes_look(processes, pids[i], false);
    for (size_t i = 0; i < processes->roots.count; i++) {
        char name[PATH_MAX];
        int root_fd = processes->roots.items[i].root_fd;
        int size = snprintf(name, sizeof name, "/proc/self/fd/%d%s", root_fd, path);
        if (root_fd >= 0 && size > 0 && (size_t)size < sizeof name && access(name, F_OK) == 0 &&
            try(file, name, name, module, why))
            return true;
    }
    return false;
}

// The files that were kept under the path while it was mapped; of two builds the build-id tells.
static bool try_kept(struct tacho_elf_file *file, const struct tacho_run_module *module,
                     const struct tacho_processes *processes, struct tacho_buffer *why)
{
    int fd;
    char plain[PATH_MAX];
    plain_path(module->path, plain, sizeof plain);
    for (size_t at = 0; (fd = tacho_processes_file(processes, module->path, &at)) >= 0;) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (try(file, path, plain, module, why))
            return true;
    }
    return false;
}

static bool open_deleted(struct tacho_elf_file *file, const struct tacho_run_module *module,
                         const struct tacho_run *run, struct tacho_processes *processes,
                         struct tacho_buffer *why)
{
    uint32_t pids[LIVING_MAX];
    size_t count = living(run, pids);
    for (size_t i = 0; i < count; i++)
        tacho_processes_keep_deleted(processes, pids[i], module->path, 0, 0);
    if (try_kept(file, module, processes, why))
        return true;
    // The same build may lie there again: only a build-id can tell.
    char plain[PATH_MAX];
    plain_path(module->path, plain, sizeof plain);
    if (*module->build_id && try(file, plain, plain, module, why))
        return true;
    why->size = 0;
    tacho_buffer_printf(why, "%s was deleted or replaced while it ran, and cannot be read any more",
                        plain);
    return false;
}

bool tacho_module_file_open(struct tacho_elf_file *file, const struct tacho_run_module *module,
                            const struct tacho_run *run, struct tacho_processes *processes,
                            struct tacho_buffer *why)
{
    size_t size = strlen(module->path), mark = strlen(deleted_mark);
    if (module->path[0] != '/' || size < 2 || module->path[1] == '/')
        return false; // memory without a file
    if (size > mark && strcmp(module->path + size - mark, deleted_mark) == 0)
        return open_deleted(file, module, run, processes, why);
    return try_kept(file, module, processes, why) ||
           try(file, module->path, module->path, module, why) ||
           try_roots(file, module->path, module, run, processes, why);
}

// How many bytes of this process are mapped from `start` on, by /proc/self/maps.
static uint64_t mapped_size(uint64_t start)
{
    struct tacho_buffer text = {0};
    struct tacho_fail fail = {0};
    uint64_t size = 0;
    if (tacho_file_read("/proc/self/maps", &text, 0, &fail) == 0 && text.size > 0) {
        for (char *line = text.data; line && *line;) {
            char *end;
            uint64_t first = strtoull(line, &end, 16);
            if (first == start && *end == '-')
                size = strtoull(end + 1, NULL, 16) - first;
            line = strchr(line, '\n');
            line = line ? line + 1 : NULL;
        }
    }
    tacho_buffer_release(&text);
    return size;
}

bool tacho_vdso_open(struct tacho_elf_file *file, const struct tacho_run_module *module,
                     struct tacho_buffer *why)
{
    uint64_t start = getauxval(AT_SYSINFO_EHDR);
    uint64_t size = start ? mapped_size(start) : 0;
    void *image = size > 0 && size <= VDSO_SIZE_MAX ? malloc(size) : NULL;
    if (!image)
        return false;
    memcpy(image, (const void *)(uintptr_t)start, size);
    struct tacho_fail fail = {0};
    if (tacho_elf_file_open_image(file, "[vdso]", image, size, &fail) < 0)
        return false;
    if (!*module->build_id || strcmp(module->build_id, file->build_id) == 0)
        return true;
    tacho_elf_file_close(file);
    tacho_buffer_text(why, "the [vdso] of the run is of another kernel");
    return false;
}
