// The map files that JITs write, /tmp/perf-PID.map: lines of "START SIZE NAME", hexadecimal.
//
// The format has no guarantees: lines overlap (memory is used again: the later line counts), come
// in any order, are cut off, hold any bytes in the name. A file that somebody else put there is
// refused.
#ifndef TACHO_SYMBOL_PERF_MAP_H
#define TACHO_SYMBOL_PERF_MAP_H

#include <sys/types.h>

#include "base/buffer.h"
#include "base/fail.h"
#include "symbol/symbols.h"

struct tacho_perf_map {
    struct tacho_symbols symbols;
    struct tacho_buffer text; // the names live here
    size_t refused_lines;     // that made no sense
};

// Reads and sorts the map in the folder `folder_fd` (AT_FDCWD with an absolute name). It has to be
// a regular file, no link, of `owner` or root. Returns how many functions it names, or a failure.
int tacho_perf_map_read(struct tacho_perf_map *map, int folder_fd, const char *name, uid_t owner,
                        struct tacho_fail *fail);
void tacho_perf_map_release(struct tacho_perf_map *map);

#endif
