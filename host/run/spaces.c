// The symbol maps of each process, sorted by address: see spaces.h.
#include "run/spaces.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/map.h"

struct mapping {
    uint64_t start, end, offset;
    uint32_t module;
};

struct space {
    TACHO_ARRAY(struct mapping) mappings; // ascending, not overlapping
};

struct tacho_address_spaces {
    TACHO_ARRAY(struct space) spaces;
    struct tacho_map by_pid; // index + 1
};

struct tacho_address_spaces *tacho_spaces_new(void)
{
    size_t capacity = 0;
    struct tacho_address_spaces *spaces = tacho_array_grow(NULL, &capacity, 1, sizeof *spaces);
    *spaces = (struct tacho_address_spaces){0};
    return spaces;
}

void tacho_spaces_free(struct tacho_address_spaces *spaces)
{
    if (!spaces)
        return;
    for (size_t i = 0; i < spaces->spaces.count; i++)
        tacho_array_release(&spaces->spaces.items[i].mappings);
    tacho_array_release(&spaces->spaces);
    tacho_map_release(&spaces->by_pid);
    free(spaces);
}

static struct space *space_of(struct tacho_address_spaces *spaces, uint32_t pid)
{
    bool added;
    uint64_t *index = tacho_map_put(&spaces->by_pid, pid, &added);
    if (added) {
        *index = spaces->spaces.count;
        tacho_array_push(&spaces->spaces, (struct space){0});
    }
    return &spaces->spaces.items[*index];
}

// The first mapping that ends after `address`.
static size_t first_after(const struct space *space, uint64_t address)
{
    size_t low = 0, high = space->mappings.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (space->mappings.items[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void insert(struct space *space, size_t at, struct mapping mapping)
{
    tacho_array_push(&space->mappings, mapping);
    struct mapping *items = space->mappings.items;
    memmove(items + at + 1, items + at, (space->mappings.count - 1 - at) * sizeof *items);
    items[at] = mapping;
}

// Cuts [start, end) out of what is mapped; returns where a mapping of that range belongs.
static size_t cut(struct space *space, uint64_t start, uint64_t end)
{
    size_t at = first_after(space, start);
    if (at < space->mappings.count && space->mappings.items[at].start < start) {
        struct mapping *left = &space->mappings.items[at], right = *left;
        left->end = start;
        at++;
        if (right.end > end) { // the middle of one mapping: two remain
            right.offset += end - right.start;
            right.start = end;
            insert(space, at, right);
            return at;
        }
    }
    size_t last = at;
    while (last < space->mappings.count && space->mappings.items[last].end <= end)
        last++;
    struct mapping *items = space->mappings.items;
    if (last < space->mappings.count && items[last].start < end) {
        items[last].offset += end - items[last].start;
        items[last].start = end;
    }
    if (last > at) {
        memmove(items + at, items + last, (space->mappings.count - last) * sizeof *items);
        space->mappings.count -= last - at;
    }
    return at;
}

void tacho_spaces_map(struct tacho_address_spaces *spaces, uint32_t pid, uint64_t start,
                      uint64_t end, uint64_t offset, uint32_t module)
{
    if (start >= end)
        return;
    struct space *space = space_of(spaces, pid);
    insert(space, cut(space, start, end), (struct mapping){start, end, offset, module});
}

void tacho_spaces_fork(struct tacho_address_spaces *spaces, uint32_t parent, uint32_t child)
{
    space_of(spaces, child); // both first: making one may move the other
    struct space *to = space_of(spaces, child), *from = space_of(spaces, parent);
    if (to == from || to->mappings.count)
        return;
    for (size_t i = 0; i < from->mappings.count; i++)
        tacho_array_push(&to->mappings, from->mappings.items[i]);
}

void tacho_spaces_clear(struct tacho_address_spaces *spaces, uint32_t pid)
{
    uint64_t *index = tacho_map_get(&spaces->by_pid, pid);
    if (index)
        spaces->spaces.items[*index].mappings.count = 0;
}

bool tacho_spaces_find(const struct tacho_address_spaces *spaces, uint32_t pid, uint64_t address,
                       struct tacho_space_place *place)
{
    const uint64_t *index = tacho_map_get(&spaces->by_pid, pid);
    if (!index)
        return false;
    const struct space *space = &spaces->spaces.items[*index];
    size_t at = first_after(space, address);
    if (at == space->mappings.count || space->mappings.items[at].start > address)
        return false;
    const struct mapping *mapping = &space->mappings.items[at];
    place->module = mapping->module;
    place->address = address - mapping->start + mapping->offset;
    return true;
}
