// Walks a copied stack from its innermost frame to the outermost.
//
// Each step takes the row of the unwind table for the program counter, or, where the code has no
// table (a JIT's, some assembly), the frame pointer. Rows are kept by program counter in a cache of
// fixed size; a step that hits it costs some 10 ns.
#ifndef TACHO_UNWIND_UNWINDER_H
#define TACHO_UNWIND_UNWINDER_H

#include "unwind/space.h"
#include "unwind/stack_copy.h"

#define TACHO_UNWIND_DEPTH_MAX 1024

enum tacho_unwind_mode { TACHO_UNWIND_AUTO = 0, TACHO_UNWIND_FP, TACHO_UNWIND_TABLE };

enum tacho_unwind_end {
    TACHO_UNWIND_COMPLETE = 0, // at the outermost frame
    TACHO_UNWIND_STACK_END,    // the next frame lies behind the end of the copy
    TACHO_UNWIND_NO_TABLE,     // code without a table, and no usable frame pointer
    TACHO_UNWIND_BAD_FRAME, // a row that makes no sense here, or a return address outside of code
    TACHO_UNWIND_DEPTH,     // more than TACHO_UNWIND_DEPTH_MAX frames
};

struct tacho_unwind_row; // a row in the cache

#define TACHO_WATCHED_MAX 128

// A frame of the code that the space watches: an interpreter's main loop.
struct tacho_watched_frame {
    size_t at;                        // its place in the addresses
    struct tacho_registers registers; // as they were in it
    uint64_t end;                     // its CFA: where the caller's frame begins; 0: not reached
};

struct tacho_unwinder {
    enum tacho_unwind_mode mode;
    struct tacho_modules modules;
    struct tacho_unwind_row *rows;
    uint64_t steps, misses;
    uint64_t stack_used;                 // by the last walk, from the stack pointer up
    struct tacho_watched_frame *watched; // of the last walk, innermost first
    size_t watched_count;
};

// 0 or TACHO_ERR_MEMORY.
int tacho_unwinder_init(struct tacho_unwinder *unwinder, enum tacho_unwind_mode mode,
                        struct tacho_fail *fail);
void tacho_unwinder_release(struct tacho_unwinder *unwinder);

// Writes the program counter and the return addresses, innermost first, at most
// TACHO_UNWIND_DEPTH_MAX; returns how many, and in *end why it stopped. For every caller the byte
// before the address belongs to what it was doing: one that a signal interrupted, which has no
// return address, is given as its program counter plus one.
size_t tacho_unwinder_walk(struct tacho_unwinder *unwinder, struct tacho_space *space,
                           const struct tacho_registers *registers,
                           const struct tacho_stack_copy *stack, uint64_t *addresses,
                           enum tacho_unwind_end *end);

#endif
