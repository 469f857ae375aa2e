// What DWARF says about addresses: function, source line, and the functions that were inlined
// there.
//
// One sweep: the units that hold a wanted address are found by their ranges, and only in those the
// line table and the tree of functions are read; a function without a wanted address is stepped
// over.
#ifndef TACHO_SYMBOL_DWARF_H
#define TACHO_SYMBOL_DWARF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/array.h"
#include "symbol/elf_file.h"

#define TACHO_DWARF_NONE UINT32_MAX

struct tacho_dwarf_scope { // a function, or a place where a function was inlined
    const char *function;  // mangled where it has a mangled name; NULL: not known
    const char *call_file; // inlined: where it was called; NULL: not known
    uint32_t call_line;
    uint32_t parent; // the scope it was inlined into; TACHO_DWARF_NONE: it is a function of its own
};

struct tacho_dwarf_place {
    uint64_t address;
    uint32_t scope;   // the innermost, or TACHO_DWARF_NONE
    uint32_t line;    // 0: not known
    const char *file; // NULL: not known
};

struct tacho_dwarf {
    struct Dwarf *handle;
    struct tacho_elf_file alt; // the shared part that dwz split off, where it was found by us
    TACHO_ARRAY(struct tacho_dwarf_scope) scopes;
    struct tacho_arena texts; // of names that are put together
    size_t die_budget;        // how many more entries are read of a file that may be damaged
};

// Opens the DWARF of `file`, which has to stay open. False: there is none that can be read.
bool tacho_dwarf_open(struct tacho_dwarf *dwarf, const struct tacho_elf_file *file,
                      const char *const *debug_roots);
// Fills in the places, which ascend by address. Strings live until tacho_dwarf_close.
void tacho_dwarf_resolve(struct tacho_dwarf *dwarf, struct tacho_dwarf_place *places, size_t count);
void tacho_dwarf_close(struct tacho_dwarf *dwarf);

#endif
