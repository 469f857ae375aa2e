// Reads /proc/kallsyms: see kernel.h.
#include "symbol/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define TEXT_SIZE_MAX ((size_t)256 << 20)
#define FUNCTION_SIZE_MAX                                                                          \
    (UINT64_C(256) << 10) // so that the last symbol does not name what follows it

struct line {
    uint64_t address;
    char kind;
    char *name; // not terminated
};

static bool read_line(char *text, const char *end, struct line *line)
{
    uint64_t address = 0;
    int digits = 0;
    for (; text < end; text++, digits++) {
        char c = *text;
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else
            break;
        address = address << 4 | digit;
    }
    if (digits == 0 || digits > 16 || end - text < 4 || text[0] != ' ' || text[2] != ' ')
        return false;
    *line = (struct line){address, text[1], text + 3};
    return true;
}

static bool is_code(const struct line *line)
{
    return line->address != 0 && (line->kind == 't' || line->kind == 'T' || line->kind == 'w' ||
                                  line->kind == 'W' || line->kind == 'i');
}

// The kernel proper comes first, by ascending address, and its code before its data. So nothing
// more is needed once the list has passed the last wanted address, if the first is not below all
// code.
static bool passed(const struct tacho_buffer *text, uint64_t address_min, uint64_t address_max)
{
    const char *last = memrchr(text->data, '\n', text->size);
    if (!last || last == text->data)
        return false;
    char *begin = memrchr(text->data, '\n', (size_t)(last - text->data));
    struct line line;
    if (!begin || !read_line(begin + 1, last, &line) || line.address <= address_max)
        return false;
    for (char *at = text->data; at < begin;) {
        char *end = memchr(at, '\n', text->size - (size_t)(at - text->data));
        if (end && read_line(at, end, &line) && is_code(&line))
            return line.address <= address_min;
        at = end ? end + 1 : begin;
    }
    return false;
}

static void add_lines(struct tacho_symbols *symbols, struct tacho_buffer *text)
{
    char *all_end = text->data + text->size;
    for (char *at = text->data, *end; at < all_end; at = end + 1) {
        end = memchr(at, '\n', (size_t)(all_end - at));
        if (!end)
            return;
        struct line line;
        if (!read_line(at, end, &line) || !is_code(&line))
            continue;
        char *tab = memchr(line.name, '\t', (size_t)(end - line.name)); // "\t[module]"
        *(tab ? tab : end) = '\0';
        unsigned binding = line.kind == 'T' ? 1 : line.kind == 't' ? 0 : 2;
        uint64_t room = UINT64_MAX - line.address;
        tacho_symbols_add(symbols, (struct tacho_symbol){
                                       .start = line.address,
                                       .end = line.address +
                                              (room < FUNCTION_SIZE_MAX ? room : FUNCTION_SIZE_MAX),
                                       .name = line.name,
                                       .class = TACHO_SYMBOL_OPEN,
                                       .order = tacho_symbol_name_order(line.name, binding)});
    }
}

int tacho_kernel_symbols(struct tacho_symbols *symbols, struct tacho_buffer *text, const char *path,
                         uint64_t address_min, uint64_t address_max, struct tacho_fail *fail)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return tacho_fail_errno(fail, "cannot open %s", path);
    size_t looked_at = 0;
    while (text->size < TEXT_SIZE_MAX) {
        size_t room = (size_t)64 << 10;
        ssize_t size = read(fd, tacho_buffer_room(text, room), room);
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0)
            break;
        text->size += (size_t)size;
        if (text->size - looked_at < room)
            continue;
        looked_at = text->size;
        if (passed(text, address_min, address_max))
            break;
    }
    close(fd);
    if (text->size > 0)
        add_lines(symbols, text);
    int count = (int)symbols->found.count;
    tacho_symbols_sort(symbols, TACHO_SYMBOLS_NESTED);
    return count;
}
