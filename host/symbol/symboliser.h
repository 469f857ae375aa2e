// Addresses to functions, source lines and inlined functions, for all frames of a run at once.
//
// Each module is opened once, its symbols are sorted once, and all its addresses are resolved in
// one ascending sweep; DWARF is read only for the units that hold a wanted address, the kernel's
// symbols only if there are kernel frames. Nothing is done before tacho_symboliser_run.
#ifndef TACHO_SYMBOL_SYMBOLISER_H
#define TACHO_SYMBOL_SYMBOLISER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fail.h"
#include "run/model.h"

// Zero means the default.
struct tacho_symboliser_config {
    const char *const *debug_roots; // ends with NULL; default: /usr/lib/debug
    const char *kernel_symbols;     // default: /proc/kallsyms
    const char *jit_folder; // where perf-PID.map files are; default: /tmp as the process sees it
    bool names_only;        // neither lines nor inlined functions: no DWARF is read
};

struct tacho_symboliser;

// The strings of `config` have to live as long as the symboliser.
struct tacho_symboliser *tacho_symboliser_new(const struct tacho_symboliser_config *config);
void tacho_symboliser_free(struct tacho_symboliser *symboliser);

// For sources, while process `pid` lives and when the map record is pushed: holds open what will be
// needed when it is gone, that is the file, which may be deleted or replaced, and the root of a
// process in a container. `path` is that of an executable mapping. Costs about seven system calls.
// Context: the thread that runs the symboliser.
void tacho_symboliser_hold(struct tacho_symboliser *symboliser, uint32_t pid, const char *path,
                           uint64_t start, uint64_t end);

// Names all frames of `run` that have TACHO_FRAME_SYMBOLISED not set, and sets it. A frame keeps
// being the innermost function at its address; the functions that one was inlined into become new
// frames, linked by `caller` (it has TACHO_FRAME_INLINED then). What could not be done is said in
// notes of the run: symbol files of another build, hidden kernel symbols, JITs without a map.
//
// Names: demangled. An address inside a module that no symbol covers is "MODULE+0x1234" (the start
// of its function where the unwind tables tell it, else the address itself; virtual addresses as in
// the ELF file); where not even the file could be read it is "[unknown]", in the kernel "[kernel]".
//
// Of a run with fewer than five samples the kernel's names and the DWARF of separate debug files
// are not read: it takes longer than such a run, and says nothing.
//
// Returns 0; fails only when a note cannot be kept.
int tacho_symboliser_run(struct tacho_symboliser *symboliser, struct tacho_run *run,
                         struct tacho_fail *fail);

#endif
