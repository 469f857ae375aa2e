// Which code is mapped where in a process, and the unwind tables of the files it comes from.
//
// Tables are read when code of a file is first walked through, and kept once per file, however many
// processes map it.
#ifndef TACHO_UNWIND_SPACE_H
#define TACHO_UNWIND_SPACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/map.h"
#include "unwind/frame_table.h"

struct tacho_module {
    struct tacho_frame_table table;
    uint32_t number; // unique among the modules, from 1
    bool has_table;
};

struct tacho_module_identity {
    uint8_t build_id[TACHO_IMAGE_BUILD_ID_MAX];
    uint8_t build_id_size; // 0: it has none, or could not be read
};

struct tacho_modules {
    TACHO_ARRAY(struct tacho_module *) items;
    struct tacho_map by_key;      // hash of the identity: index + 1, or 0 when it could not be read
    struct tacho_strings strings; // the paths
    struct tacho_map identities;  // hash of path and inode: index of the build id below
    TACHO_ARRAY(struct tacho_module_identity) build_ids;
    uint64_t table_bytes; // memory that the tables take
};

// An executable mapping.
struct tacho_space_map {
    uint64_t start, end, offset;
    uint64_t inode;   // 0: not known
    const char *path; // kept in tacho_modules.strings
    uint8_t build_id[TACHO_IMAGE_BUILD_ID_MAX];
    uint8_t build_id_size; // 0: not known
    bool was_tried;        // the table was looked for
    struct tacho_module *module;
    uint64_t bias; // what an address has to lose to be one of the ELF file
};

// Zero with a pid is an empty space.
struct tacho_space {
    pid_t pid;
    TACHO_ARRAY(struct tacho_space_map) maps; // by address, without overlaps
    uint64_t watch_start, watch_size; // frames of this code are kept by the unwinder; 0: none
};

void tacho_modules_release(struct tacho_modules *modules);
// Looks for the build id of the file that `map` shows, once per file.
void tacho_modules_identify(struct tacho_modules *modules, struct tacho_space_map *map);

// Adds a mapping in place of what was there.
void tacho_space_add(struct tacho_space *space, const struct tacho_space_map *map);
void tacho_space_copy(struct tacho_space *to, const struct tacho_space *from);
void tacho_space_release(struct tacho_space *space);
// Reads /proc/PID/maps into an empty space.
int tacho_space_read(struct tacho_space *space, struct tacho_modules *modules,
                     struct tacho_fail *fail);

// The mapping that holds `address`, its table read; NULL: none is known.
const struct tacho_space_map *tacho_space_find(struct tacho_space *space,
                                               struct tacho_modules *modules, uint64_t address);

#endif
