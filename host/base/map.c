// A hash map with open addressing and linear probing; at most three quarters full. See map.h.
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

uint64_t tacho_hash_u64(uint64_t value)
{
    value ^= value >> 32;
    value *= UINT64_C(0xd6e8feb86659fd93);
    value ^= value >> 32;
    value *= UINT64_C(0xd6e8feb86659fd93);
    return value ^ (value >> 32);
}

uint64_t tacho_hash_bytes(const void *data, size_t size, uint64_t seed)
{
    const unsigned char *bytes = data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return tacho_hash_u64(hash);
}

static size_t find(const struct tacho_map *map, uint64_t key)
{
    size_t at = (size_t)tacho_hash_u64(key) & (map->capacity - 1);
    while (map->used[at] && map->slots[at].key != key)
        at = (at + 1) & (map->capacity - 1);
    return at;
}

static void grow(struct tacho_map *map)
{
    struct tacho_map old = *map;
    size_t ignored = 0;
    map->capacity = old.capacity ? old.capacity * 2 : 16;
    map->slots = tacho_array_grow(NULL, &ignored, map->capacity, sizeof *map->slots);
    ignored = 0;
    map->used = tacho_array_grow(NULL, &ignored, map->capacity, 1);
    memset(map->used, 0, map->capacity);
    for (size_t i = 0; i < old.capacity; i++) {
        if (!old.used[i])
            continue;
        size_t at = find(map, old.slots[i].key);
        map->slots[at] = old.slots[i];
        map->used[at] = 1;
    }
    free(old.slots);
    free(old.used);
}

uint64_t *tacho_map_put(struct tacho_map *map, uint64_t key, bool *added)
{
    if ((map->count + 1) * 4 > map->capacity * 3)
        grow(map);
    size_t at = find(map, key);
    bool is_new = !map->used[at];
    if (is_new) {
        map->used[at] = 1;
        map->slots[at] = (struct tacho_map_slot){.key = key};
        map->count++;
    }
    if (added)
        *added = is_new;
    return &map->slots[at].value;
}

uint64_t *tacho_map_get(const struct tacho_map *map, uint64_t key)
{
    if (!map->capacity)
        return NULL;
    size_t at = find(map, key);
    return map->used[at] ? &map->slots[at].value : NULL;
}

void tacho_map_remove(struct tacho_map *map, uint64_t key)
{
    if (!map->capacity)
        return;
    size_t mask = map->capacity - 1, hole = find(map, key);
    if (!map->used[hole])
        return;
    map->count--;
    // Close the hole: move back every later entry of the run that may stand there.
    for (size_t at = (hole + 1) & mask; map->used[at]; at = (at + 1) & mask) {
        size_t home = (size_t)tacho_hash_u64(map->slots[at].key) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->used[hole] = 0;
}

void tacho_map_clear(struct tacho_map *map)
{
    if (map->capacity)
        memset(map->used, 0, map->capacity);
    map->count = 0;
}

void tacho_map_release(struct tacho_map *map)
{
    free(map->slots);
    free(map->used);
    *map = (struct tacho_map){0};
}

bool tacho_map_next(const struct tacho_map *map, size_t *at, uint64_t *key, uint64_t *value)
{
    while (*at < map->capacity && !map->used[*at])
        ++*at;
    if (*at >= map->capacity)
        return false;
    *key = map->slots[*at].key;
    *value = map->slots[*at].value;
    ++*at;
    return true;
}
