// The symbol maps of each process: which file an address belonged to, at the time of the sample.
#ifndef TACHO_RUN_SPACES_H
#define TACHO_RUN_SPACES_H

#include <stdint.h>

#include "run/record.h"

struct tacho_address_spaces;

// What an address belongs to; `module` is whatever was given to the map.
struct tacho_space_place {
    uint32_t module;
    uint64_t address; // file offset of the address: address - start + offset
};

struct tacho_address_spaces *tacho_spaces_new(void);
void tacho_spaces_free(struct tacho_address_spaces *spaces);
// A mapping replaces what it overlaps, as mmap does.
void tacho_spaces_map(struct tacho_address_spaces *spaces, uint32_t pid, uint64_t start,
                      uint64_t end, uint64_t offset, uint32_t module);
// `child` begins with the maps of `parent`.
void tacho_spaces_fork(struct tacho_address_spaces *spaces, uint32_t parent, uint32_t child);
// An exec: the process has no maps any more.
void tacho_spaces_clear(struct tacho_address_spaces *spaces, uint32_t pid);
// False where nothing is mapped.
bool tacho_spaces_find(const struct tacho_address_spaces *spaces, uint32_t pid, uint64_t address,
                       struct tacho_space_place *place);

#endif
