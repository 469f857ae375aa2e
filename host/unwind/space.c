// Keeps the executable mappings of processes and reads each file's unwind table once.
#include "unwind/space.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define MAPS_SIZE_MAX (64u << 20)

void tacho_modules_release(struct tacho_modules *modules)
{
    for (size_t i = 0; i < modules->items.count; i++) {
        tacho_frame_table_release(&modules->items.items[i]->table);
        free(modules->items.items[i]);
    }
    tacho_array_release(&modules->items);
    tacho_map_release(&modules->by_key);
    tacho_map_release(&modules->identities);
    tacho_array_release(&modules->build_ids);
    tacho_strings_release(&modules->strings);
}

// The index of the first mapping that ends behind `address`.
static size_t lower_bound(const struct tacho_space *space, uint64_t address)
{
    size_t low = 0, high = space->maps.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (space->maps.items[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void insert_at(struct tacho_space *space, size_t place, const struct tacho_space_map *map)
{
    struct tacho_space_map last = *map; // `map` may be in the array that is about to move
    tacho_array_push(&space->maps, last);
    memmove(&space->maps.items[place + 1], &space->maps.items[place],
            (space->maps.count - 1 - place) * sizeof last);
    space->maps.items[place] = last;
}

static void cut_front(struct tacho_space_map *map, uint64_t address)
{
    map->offset += address - map->start;
    map->start = address;
}

void tacho_space_add(struct tacho_space *space, const struct tacho_space_map *map)
{
    size_t place = lower_bound(space, map->start), last;
    if (map->start >= map->end)
        return;
    if (place < space->maps.count && space->maps.items[place].start < map->start) {
        struct tacho_space_map tail = space->maps.items[place];
        space->maps.items[place].end = map->start;
        place++;
        if (tail.end > map->end) { // the new one is a hole in an old one
            cut_front(&tail, map->end);
            insert_at(space, place, &tail);
        }
    }
    for (last = place; last < space->maps.count && space->maps.items[last].end <= map->end;)
        last++;
    if (last < space->maps.count && space->maps.items[last].start < map->end)
        cut_front(&space->maps.items[last], map->end);
    if (last == place) {
        insert_at(space, place, map);
        return;
    }
    space->maps.items[place] = *map;
    memmove(&space->maps.items[place + 1], &space->maps.items[last],
            (space->maps.count - last) * sizeof *map);
    space->maps.count -= last - place - 1;
}

void tacho_space_copy(struct tacho_space *to, const struct tacho_space *from)
{
    to->maps.count = 0;
    to->watch_start = from->watch_start;
    to->watch_size = from->watch_size;
    if (!from->maps.count)
        return;
    tacho_array_reserve(&to->maps, from->maps.count);
    memcpy(to->maps.items, from->maps.items, from->maps.count * sizeof *from->maps.items);
    to->maps.count = from->maps.count;
}

void tacho_space_release(struct tacho_space *space)
{
    tacho_array_release(&space->maps);
}

static void read_line(struct tacho_space *space, struct tacho_modules *modules, char *line)
{
    struct tacho_space_map map = {0};
    char rights[5];
    int path_at = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %" SCNu64 " %n", &map.start,
               &map.end, rights, &map.offset, &map.inode, &path_at) < 5 ||
        strlen(rights) < 4 || rights[2] != 'x' || map.start >= map.end)
        return;
    map.path = tacho_strings_keep(&modules->strings, path_at ? line + path_at : "");
    tacho_modules_identify(modules, &map);
    tacho_space_add(space, &map);
}

int tacho_space_read(struct tacho_space *space, struct tacho_modules *modules,
                     struct tacho_fail *fail)
{
    char path[64];
    struct tacho_buffer text = {0};
    snprintf(path, sizeof path, "/proc/%d/maps", space->pid);
    if (tacho_file_read(path, &text, MAPS_SIZE_MAX, fail) < 0) {
        tacho_buffer_release(&text);
        return fail->code;
    }
    for (char *line = text.data, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        read_line(space, modules, line);
    }
    tacho_buffer_release(&text);
    return 0;
}

static bool is_same_file(const struct tacho_image *image, const struct tacho_space_map *map,
                         const struct stat *status)
{
    if (map->build_id_size)
        return image->build_id_size == map->build_id_size &&
               memcmp(image->build_id, map->build_id, map->build_id_size) == 0;
    return map->inode == 0 || map->inode == (uint64_t)status->st_ino;
}

static bool read_path(struct tacho_image *image, const char *path,
                      const struct tacho_space_map *map)
{
    struct tacho_fail ignored;
    struct stat status;
    bool good = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return false;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        tacho_image_read_file(image, fd, &ignored) == 0) {
        good = is_same_file(image, map, &status);
        if (!good)
            tacho_image_release(image);
    }
    close(fd);
    return good;
}

// By path; by the path as the process sees it; at last from its memory.
static bool read_image(struct tacho_image *image, pid_t pid, const struct tacho_space_map *map)
{
    char path[PATH_MAX + 32];
    struct tacho_fail ignored;
    if (strcmp(map->path, "[vdso]") ==
        0) // every process has the kernel's one vdso, so has this one
        return tacho_image_read_process(image, getpid(), getauxval(AT_SYSINFO_EHDR), 0, &ignored) ==
               0;
    if (map->path[0] != '/')
        return false;
    if (strncmp(map->path, "//", 2) == 0) // "//anon": code made while the program runs
        return false;
    if (read_path(image, map->path, map))
        return true;
    snprintf(path, sizeof path, "/proc/%d/root%s", pid, map->path);
    if (read_path(image, path, map))
        return true;
    return tacho_image_read_process(image, pid, map->start, map->offset, &ignored) == 0;
}

static uint64_t hash_of(const struct tacho_space_map *map)
{
    uint64_t seed = tacho_hash_u64(map->inode);
    if (map->build_id_size)
        return tacho_hash_bytes(map->build_id, map->build_id_size, 0);
    return tacho_hash_bytes(map->path, strlen(map->path), seed);
}

static struct tacho_module_identity identity_read(const struct tacho_space_map *map)
{
    struct tacho_module_identity identity = {.build_id_size = 0};
    struct stat status;
    int fd = open(map->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return identity;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
        (map->inode == 0 || map->inode == (uint64_t)status.st_ino))
        identity.build_id_size = (uint8_t)tacho_image_read_build_id(fd, identity.build_id);
    close(fd);
    return identity;
}

void tacho_modules_identify(struct tacho_modules *modules, struct tacho_space_map *map)
{
    bool added;
    if (map->path[0] != '/' || map->path[1] == '/' || map->build_id_size)
        return;
    uint64_t *index = tacho_map_put(&modules->identities, hash_of(map), &added);
    if (added) {
        *index = modules->build_ids.count;
        tacho_array_push(&modules->build_ids, identity_read(map));
    }
    const struct tacho_module_identity *identity = &modules->build_ids.items[*index];
    memcpy(map->build_id, identity->build_id, sizeof map->build_id);
    map->build_id_size = identity->build_id_size;
}

static struct tacho_module *module_of(struct tacho_modules *modules, pid_t pid,
                                      const struct tacho_space_map *map)
{
    bool added;
    uint64_t *slot = tacho_map_put(&modules->by_key, hash_of(map), &added);
    struct tacho_image image;
    struct tacho_module *module;
    if (!added)
        return *slot ? modules->items.items[*slot - 1] : NULL;
    if (!read_image(&image, pid, map))
        return NULL;
    module = calloc(1, sizeof *module);
    if (!module) {
        tacho_image_release(&image);
        return NULL;
    }
    *slot = modules->items.count + 1;
    module->number = (uint32_t)*slot;
    modules->table_bytes += image.frame_size + image.header_size;
    tacho_frame_table_init(&module->table, &image);
    module->has_table = module->table.count > 0;
    tacho_array_push(&modules->items, module);
    return module;
}

static void try_table(struct tacho_space *space, struct tacho_modules *modules,
                      struct tacho_space_map *map)
{
    uint64_t address;
    map->was_tried = true;
    map->module = module_of(modules, space->pid, map);
    if (!map->module)
        return;
    address = tacho_image_address(&map->module->table.image, map->offset);
    if (address == UINT64_MAX)
        map->module = NULL;
    else
        map->bias = map->start - address;
}

const struct tacho_space_map *tacho_space_find(struct tacho_space *space,
                                               struct tacho_modules *modules, uint64_t address)
{
    size_t place = lower_bound(space, address);
    struct tacho_space_map *map;
    if (place == space->maps.count || space->maps.items[place].start > address)
        return NULL;
    map = &space->maps.items[place];
    if (!map->was_tried)
        try_table(space, modules, map);
    return map;
}
