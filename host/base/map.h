// A hash map from 64-bit keys to 64-bit values. Zero is an empty map; keys may be any number.
#ifndef TACHO_BASE_MAP_H
#define TACHO_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tacho_map_slot {
    uint64_t key, value;
};

struct tacho_map {
    struct tacho_map_slot *slots;
    uint8_t *used;
    size_t count, capacity;
};

// The place of the value for `key`, made (value 0) when it was not there; `*added` says which
// (may be NULL). The pointer is valid until the next call that adds.
uint64_t *tacho_map_put(struct tacho_map *map, uint64_t key, bool *added);
// The place of the value for `key`, or NULL.
uint64_t *tacho_map_get(const struct tacho_map *map, uint64_t key);
void tacho_map_remove(struct tacho_map *map, uint64_t key);
void tacho_map_clear(struct tacho_map *map);
void tacho_map_release(struct tacho_map *map);
// Iterates: start with *at = 0; false when done.
bool tacho_map_next(const struct tacho_map *map, size_t *at, uint64_t *key, uint64_t *value);

// A well-mixed 64-bit hash of a number, and of bytes (FNV-1a, mixed).
uint64_t tacho_hash_u64(uint64_t value);
uint64_t tacho_hash_bytes(const void *data, size_t size, uint64_t seed);

#endif
