// Names as people wrote them: C++ (Itanium), Rust (legacy and v0) and D symbols demangled.
#ifndef TACHO_SYMBOL_DEMANGLE_H
#define TACHO_SYMBOL_DEMANGLE_H

#include "base/arena.h"

// What to show for the symbol `name`: the demangled name, else the name without its version
// ("f@@V1" is "f"). Control characters, which a hostile file could send to the terminal, become
// '?'; a name beyond 4 KiB is cut. Kept in `strings`. Time: about 1 us for a mangled name.
const char *tacho_demangle(struct tacho_strings *strings, const char *name);
// The same without demangling, for names that are already meant for people.
const char *tacho_symbol_name_clean(struct tacho_strings *strings, const char *name);

#endif
