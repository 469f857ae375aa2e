// An ELF file with all that knows its names: its own tables, its debug file, DWARF.
#ifndef TACHO_SYMBOL_MODULE_H
#define TACHO_SYMBOL_MODULE_H

#include "base/buffer.h"
#include "symbol/dwarf.h"
#include "symbol/elf_file.h"
#include "symbol/symbols.h"

struct tacho_module {
    struct tacho_elf_file file, debug, minidebug;
    struct tacho_symbols symbols;
    struct tacho_arena names; // of symbols that are in no table
    struct tacho_dwarf dwarf;
    bool has_debug, has_minidebug, has_dwarf;
    bool has_names; // a full symbol table, not only what the dynamic linker needs
};

enum tacho_module_lines {
    TACHO_MODULE_LINES_NONE, // no DWARF is read
    TACHO_MODULE_LINES_OWN,  // only that in the file itself
    TACHO_MODULE_LINES_ALL,  // that of a debug file, too: often compressed, 10 ms for 3 MB
};

struct tacho_module_request {
    const char *const *debug_roots;
    enum tacho_module_lines lines;
    const uint64_t *wanted; // ascending virtual addresses, the only ones that will be asked for
    size_t wanted_count;
};

// Takes over `file`, which is open, finds and reads its symbols. A debug file that was refused is
// described in `refused`. Never fails: what cannot be read is not there.
void tacho_module_open(struct tacho_module *module, struct tacho_elf_file *file,
                       const struct tacho_module_request *request, struct tacho_buffer *refused);
void tacho_module_close(struct tacho_module *module);

#endif
