// Reads the map files of JITs: see perf_map.h.
#include "symbol/perf_map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_SIZE_MAX ((size_t)512 << 20)
#define NAME_SIZE_MAX ((size_t)1024)

// A hexadecimal number with or without 0x, and one blank behind it; NULL: there is none.
static const char *read_hex(const char *text, const char *end, uint64_t *value)
{
    if (end - text > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    *value = 0;
    for (int digits = 0; text < end; text++, digits++) {
        char c = *text;
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (unsigned)((c | 0x20) - 'a') + 10;
        else
            return digits > 0 && c == ' ' ? text + 1 : NULL;
        if (*value >> 60)
            return NULL;
        *value = *value << 4 | digit;
    }
    return NULL;
}

static bool add_line(struct tacho_perf_map *map, char *start, char *end, uint32_t order)
{
    uint64_t address, size;
    const char *at = read_hex(start, end, &address);
    at = at ? read_hex(at, end, &size) : NULL;
    if (!at || size == 0 || size > UINT64_MAX - address || at == end)
        return false;
    char *name = start + (at - start);
    if ((size_t)(end - name) > NAME_SIZE_MAX)
        end = name + NAME_SIZE_MAX;
    if (end[-1] == '\r' && end - name > 1)
        end--;
    *end = '\0';
    tacho_symbols_add(&map->symbols, (struct tacho_symbol){.start = address,
                                                           .end = address + size,
                                                           .name = name,
                                                           .class = TACHO_SYMBOL_SIZED,
                                                           .order = order});
    return true;
}

static void add_lines(struct tacho_perf_map *map)
{
    uint32_t order = 0;
    char *end = map->text.data + map->text.size;
    for (char *line = map->text.data; line < end;) {
        char *next = memchr(line, '\n', (size_t)(end - line));
        if (!next)
            next =
                end; // the process was stopped in the middle of a line; the buffer ends with a zero
        if (next > line && !add_line(map, line, next, order++))
            map->refused_lines++;
        line = next + 1;
    }
}

static int read_text(struct tacho_perf_map *map, int fd, const char *name, struct tacho_fail *fail)
{
    for (;;) {
        size_t room = (size_t)256 << 10;
        if (map->text.size >= TEXT_SIZE_MAX)
            return tacho_fail_set(fail, TACHO_ERR_FULL, "%s is larger than 512 MiB", name);
        ssize_t size = read(fd, tacho_buffer_room(&map->text, room), room);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return tacho_fail_errno(fail, "cannot read %s", name);
        if (size == 0)
            break;
        map->text.size += (size_t)size;
    }
    tacho_buffer_room(&map->text, 1)[0] = '\0';
    return 0;
}

int tacho_perf_map_read(struct tacho_perf_map *map, int folder_fd, const char *name, uid_t owner,
                        struct tacho_fail *fail)
{
    int fd = openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return tacho_fail_errno(fail, "cannot open %s", name);
    struct stat status;
    int result = 0;
    if (fstat(fd, &status) < 0)
        result = tacho_fail_errno(fail, "cannot open %s", name);
    else if (!S_ISREG(status.st_mode))
        result = tacho_fail_set(fail, TACHO_ERR_FORMAT, "%s is not a regular file", name);
    else if (status.st_uid != 0 && status.st_uid != owner)
        result =
            tacho_fail_set(fail, TACHO_ERR_PERMISSION,
                           "%s was not used: it belongs to another user than the process", name);
    else
        result = read_text(map, fd, name, fail);
    close(fd);
    if (result < 0)
        return result;
    add_lines(map);
    int count = (int)map->symbols.found.count;
    tacho_symbols_sort(&map->symbols, TACHO_SYMBOLS_REPLACED);
    return count;
}

void tacho_perf_map_release(struct tacho_perf_map *map)
{
    tacho_symbols_release(&map->symbols);
    tacho_buffer_release(&map->text);
    map->refused_lines = 0;
}
