// What the names in the map files of JITs mean: V8's and CPython's carry file and line.
#ifndef TACHO_SYMBOL_JIT_NAME_H
#define TACHO_SYMBOL_JIT_NAME_H

#include <stdint.h>

#include "base/arena.h"

struct tacho_jit_name {
    const char *function; // never ""
    const char *file;     // "" if not known
    uint32_t line;        // 0: not known
};

// "JS:*hot /srv/a.js:3:13" is hot in /srv/a.js, line 3, whichever of V8's compilers made it;
// "py::work:/srv/a.py" is work in /srv/a.py; any other name is taken as it is. Kept in `strings`.
struct tacho_jit_name tacho_jit_name_read(struct tacho_strings *strings, const char *name);

#endif
