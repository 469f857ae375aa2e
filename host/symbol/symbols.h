// A table of symbols: filled in any order, then made into ranges that do not overlap.
//
// The idea: whatever the symbols claim (aliases, nested labels, lying JIT maps), each address gets
// at most one name, and an address that no symbol covers gets none. One sweep over the sorted
// starts with a heap of the symbols that cover the place: n log n, at most 2n ranges.
#ifndef TACHO_SYMBOL_SYMBOLS_H
#define TACHO_SYMBOL_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/array.h"

// How far a symbol is believed: where two cover an address, the higher class names it.
enum tacho_symbol_class {
    TACHO_SYMBOL_BOUNDS, // only the bounds of a function are known (unwind tables): no name
    TACHO_SYMBOL_OPEN,   // a label without a size: ends where the next begins, `end` is the latest
    TACHO_SYMBOL_SIZED,
};

struct tacho_symbol {
    uint64_t start, end; // [start, end)
    const char *name;    // borrowed; NULL: only the bounds are known
    uint32_t class;      // enum tacho_symbol_class
    uint32_t order;      // within a class and at equal bounds the higher order wins
};

enum tacho_symbols_rule {
    TACHO_SYMBOLS_NESTED,  // the innermost wins: files
    TACHO_SYMBOLS_REPLACED // the one with the higher order wins: JITs, which write maps as time
                           // goes
};

// Zero is an empty table. A large file has a hundred thousand symbols and a run a thousand
// addresses of it: with `wanted` set before the first symbol is added, those that cover none of
// these addresses are not kept, and only these addresses can be asked for.
struct tacho_symbols {
    const uint64_t *wanted; // ascending, borrowed; NULL: all addresses may be asked for
    size_t wanted_count;
    TACHO_ARRAY(struct tacho_symbol) found;
    TACHO_ARRAY(struct tacho_symbol) ranges; // ascending, not overlapping; by tacho_symbols_sort
    TACHO_ARRAY(uint64_t) dropped;           // where symbols begin that were not kept
};

// Ignores symbols that end before they begin. Returns the symbol where it is kept, until the next
// is added, or NULL.
struct tacho_symbol *tacho_symbols_add(struct tacho_symbols *symbols, struct tacho_symbol symbol);
// Makes the ranges; to be called once, after the last was added.
void tacho_symbols_sort(struct tacho_symbols *symbols, enum tacho_symbols_rule rule);
// The range that holds `address`, or NULL. `*at` is where to begin, for sweeps over ascending
// addresses; 0 at first.
const struct tacho_symbol *tacho_symbols_find(const struct tacho_symbols *symbols, uint64_t address,
                                              size_t *at);
void tacho_symbols_release(struct tacho_symbols *symbols);

// How good a name is among aliases of one place, for `order`: `malloc` before `__libc_malloc`,
// global before weak before local (binding as in ELF: 0 local, 1 global, 2 weak), short before
// long.
uint32_t tacho_symbol_name_order(const char *name, unsigned binding);

#endif
