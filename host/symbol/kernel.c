// Reads /proc/kallsyms: see kernel.h.
#include "symbol/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "symbol/symbols.h"

#define CHUNK_SIZE        ((size_t)64 << 10)
#define FUNCTION_SIZE_MAX (UINT64_C(256) << 10) // so that a name does not reach far beyond its code

struct line {
    uint64_t address;
    char kind;
    const char *name; // not terminated
    size_t name_size;
};

static bool read_line(const char *text, const char *end, struct line *line)
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
    const char *name = text + 3;
    const char *tab = memchr(name, '\t', (size_t)(end - name)); // "\t[module]"
    *line = (struct line){address, text[1], name, (size_t)((tab ? tab : end) - name)};
    return true;
}

static bool is_code(const struct line *line)
{
    return line->address != 0 && (line->kind == 't' || line->kind == 'T' || line->kind == 'w' ||
                                  line->kind == 'W' || line->kind == 'i');
}

struct reading {
    struct tacho_kernel_place *places;
    size_t count;
    struct tacho_strings *strings;
    int symbol_count;
    uint64_t first; // address of the first code symbol
    size_t slot;    // the first place at or above the pending symbol; SIZE_MAX: nothing is pending
    struct line pending;
    bool is_passed; // the list went beyond the last place, nothing more can come
};

static uint32_t order_of(const struct line *line)
{
    char name[128];
    size_t size = line->name_size < sizeof name - 1 ? line->name_size : sizeof name - 1;
    memcpy(name, line->name, size);
    name[size] = '\0';
    return tacho_symbol_name_order(name, line->kind == 'T' ? 1 : line->kind == 't' ? 0 : 2);
}

// Gives the pending symbol to its place, if none nearer is there.
static void settle(struct reading *reading)
{
    if (reading->slot >= reading->count)
        return;
    struct tacho_kernel_place *place = &reading->places[reading->slot];
    const struct line *line = &reading->pending;
    uint32_t order = order_of(line);
    if (place->name &&
        (line->address < place->start || (line->address == place->start && order <= place->order)))
        return;
    unsigned number = tacho_strings_number_n(reading->strings, line->name, line->name_size);
    place->name = reading->strings->items[number];
    place->start = line->address;
    place->order = order;
}

static size_t slot_of(const struct reading *reading, uint64_t address)
{
    size_t low = 0, high = reading->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (reading->places[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_in_slot(const struct reading *reading, uint64_t address)
{
    size_t slot = reading->slot;
    return slot != SIZE_MAX && address > reading->pending.address &&
           (slot == reading->count || address <= reading->places[slot].address);
}

static void take_line(struct reading *reading, const struct line *line)
{
    if (reading->symbol_count++ == 0)
        reading->first = line->address;
    if (!is_in_slot(reading, line->address)) {
        settle(reading);
        reading->slot = slot_of(reading, line->address);
    }
    reading->pending = *line;
    // The kernel proper comes first and ascends, its code before its data. Modules may lie below
    // it.
    if (line->address > reading->places[reading->count - 1].address &&
        reading->first <= reading->places[0].address)
        reading->is_passed = true;
}

// Takes the complete lines; returns how many bytes they were.
static size_t take_lines(struct reading *reading, const char *text, size_t size)
{
    const char *at = text, *end;
    while (!reading->is_passed && (end = memchr(at, '\n', size - (size_t)(at - text))) != NULL) {
        struct line line;
        if (read_line(at, end, &line) && is_code(&line))
            take_line(reading, &line);
        at = end + 1;
    }
    settle(reading); // its name lies in text that is about to go
    reading->slot = SIZE_MAX;
    return (size_t)(at - text);
}

static void read_list(struct reading *reading, int fd)
{
    char text[CHUNK_SIZE];
    size_t size = 0;
    while (!reading->is_passed) {
        ssize_t added = read(fd, text + size, sizeof text - size);
        if (added < 0 && errno == EINTR)
            continue;
        if (added <= 0)
            return;
        size += (size_t)added;
        size_t taken = take_lines(reading, text, size);
        if (taken == 0 && size == sizeof text)
            taken = size; // no line is that long
        memmove(text, text + taken, size - taken);
        size -= taken;
    }
}

int tacho_kernel_names(const char *path, struct tacho_kernel_place *places, size_t count,
                       struct tacho_strings *strings, struct tacho_fail *fail)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return tacho_fail_errno(fail, "cannot open %s", path);
    for (size_t i = 0; i < count; i++)
        places[i] = (struct tacho_kernel_place){.address = places[i].address};
    struct reading reading = {
        .places = places, .count = count, .strings = strings, .slot = SIZE_MAX};
    if (count > 0)
        read_list(&reading, fd);
    close(fd);
    for (size_t i = 0; i < count; i++) {
        // The nearest symbol may have settled at a place further down.
        if (i > 0 && places[i - 1].name &&
            (!places[i].name || places[i - 1].start > places[i].start)) {
            places[i].name = places[i - 1].name;
            places[i].start = places[i - 1].start;
        }
    }
    for (size_t i = 0; i < count; i++)
        if (places[i].name && places[i].address - places[i].start >= FUNCTION_SIZE_MAX)
            places[i].name = NULL;
    return reading.symbol_count;
}
