// Full names of C++ functions that have no mangled name: those of types that are local to a
// function, lambdas above all, of which DWARF says no more than "operator()" and where its entry
// stands.
#ifndef TACHO_SYMBOL_ENCLOSING_H
#define TACHO_SYMBOL_ENCLOSING_H

#include <elfutils/libdw.h>

#include "base/arena.h"
#include "base/array.h"
#include "base/map.h"

struct tacho_enclosing_scope { // a namespace, type or function that functions are declared in
    const char *name;          // NULL: it has none
    uint32_t parent;           // index, or UINT32_MAX
};

// The declarations of one unit; zero is "not read yet", and it is read when it is first needed.
struct tacho_enclosing {
    TACHO_ARRAY(struct tacho_enclosing_scope) scopes;
    struct tacho_map scope_of; // offset of a function's entry -> index of its scope
    bool is_read;
};

// `name` of the function `die` with what encloses its declaration:
// "main::<lambda(int)>::operator()". Only units in C++ are looked at, only the unit `cu`. Kept in
// `texts`, or `name` itself. `budget` is how many entries may be read; it is counted down.
const char *tacho_enclosing_name(struct tacho_enclosing *enclosing, Dwarf_Die *cu, Dwarf_Die *die,
                                 const char *name, struct tacho_arena *texts, size_t *budget);
void tacho_enclosing_release(struct tacho_enclosing *enclosing);

#endif
