// Finds separate debug files: see debug_file.h.
#include "symbol/debug_file.h"

#include <elfutils/libdwelf.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

struct search {
    const struct tacho_elf_file *file;
    struct tacho_elf_file *debug;
    struct tacho_buffer *refused;
    bool has_crc;
    uint32_t crc;
};

static void refuse(struct search *search, const char *path)
{
    if (search->refused->size == 0)
        tacho_buffer_printf(search->refused, "%s was not used: it belongs to another build of %s",
                            path, search->file->path);
}

// The checksum that .gnu_debuglink carries: CRC-32 of the whole file.
static bool crc_matches(int fd, uint32_t expected)
{
    uint8_t block[64 * 1024];
    uLong crc = crc32(0, NULL, 0);
    off_t offset = 0;
    for (;;) {
        ssize_t size = pread(fd, block, sizeof block, offset);
        if (size < 0)
            return false;
        if (size == 0)
            return (uint32_t)crc == expected;
        crc = crc32(crc, block, (uInt)size);
        offset += size;
    }
}

static bool try(struct search *search, const char *path)
{
    struct tacho_fail fail = {0};
    if (access(path, F_OK) != 0 || tacho_elf_file_open(search->debug, path, &fail) < 0)
        return false;
    const struct tacho_elf_file *file = search->file;
    bool same;
    if (*file->build_id && *search->debug->build_id)
        same = strcmp(file->build_id, search->debug->build_id) == 0;
    else
        same = search->has_crc && crc_matches(search->debug->fd, search->crc);
    if (same && search->debug->machine == file->machine)
        return true;
    refuse(search, path);
    tacho_elf_file_close(search->debug);
    return false;
}

static bool by_build_id(struct search *search, const char *const *roots)
{
    const char *id = search->file->build_id;
    if (strlen(id) < 3)
        return false;
    for (; *roots; roots++) {
        char path[PATH_MAX];
        int size = snprintf(path, sizeof path, "%s/.build-id/%.2s/%s.debug", *roots, id, id + 2);
        if (size > 0 && (size_t)size < sizeof path && try(search, path))
            return true;
    }
    return false;
}

static bool try_in(struct search *search, const char *root, const char *folder, int folder_size,
                   const char *below, const char *name)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s%.*s%s%s", root, folder_size, folder, below, name);
    if (size <= 0 || (size_t)size >= sizeof path || strcmp(path, search->file->path) == 0)
        return false;
    return try(search, path);
}

static bool by_link(struct search *search, const char *const *roots)
{
    GElf_Word crc;
    const char *name = dwelf_elf_gnu_debuglink(search->file->elf, &crc);
    if (!name || !*name || strchr(name, '/'))
        return false;
    search->has_crc = true;
    search->crc = crc;
    const char *path = search->file->path;
    const char *slash = strrchr(path, '/');
    int folder_size = slash ? (int)(slash - path) + 1 : 0;
    if (try_in(search, "", path, folder_size, "", name) ||
        try_in(search, "", path, folder_size, ".debug/", name))
        return true;
    for (; *roots && path[0] == '/'; roots++)
        if (try_in(search, *roots, path, folder_size, "", name))
            return true;
    return false;
}

bool tacho_debug_file_find(const struct tacho_elf_file *file, const char *const *roots,
                           struct tacho_elf_file *debug, struct tacho_buffer *refused)
{
    struct search search = {.file = file, .debug = debug, .refused = refused};
    return by_build_id(&search, roots) || by_link(&search, roots);
}
