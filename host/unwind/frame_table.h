// The call frame table of one ELF file: for a program counter, how to find the caller's registers.
//
// Idea: the compiler's own table (.eh_frame, there for C++ exceptions and in every Debian binary)
// is searched by the linker's sorted index (.eh_frame_hdr) and one entry is interpreted up to the
// program counter. That takes about half a microsecond, so the caller keeps the rows it got
// (unwinder.c); nothing is prepared for code that is never sampled. Sources: DWARF 4, section 6.4;
// LSB Core 5.0, chapter 10 (.eh_frame).
#ifndef TACHO_UNWIND_FRAME_TABLE_H
#define TACHO_UNWIND_FRAME_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/image.h"
#include "unwind/registers.h"

enum tacho_frame_rule {
    TACHO_FRAME_SAME = 0,       // the caller's value is the value now
    TACHO_FRAME_UNDEFINED,      // lost; of the return address: there is no caller
    TACHO_FRAME_OFFSET,         // saved at CFA + value
    TACHO_FRAME_VAL_OFFSET,     // is CFA + value
    TACHO_FRAME_REGISTER,       // is in register `value`
    TACHO_FRAME_EXPRESSION,     // saved at the address an expression gives
    TACHO_FRAME_VAL_EXPRESSION, // is what an expression gives
};

// How to step out of one frame. Expressions are places in the image's .eh_frame bytes.
struct tacho_frame_row {
    bool cfa_is_expression;
    bool is_signal;       // the frame of a signal handler: the caller's pc is exact, not a return
    uint8_t cfa_register; // CFA = register + cfa_value
    uint8_t return_register;
    int64_t cfa_value;
    uint8_t rule[TACHO_REGISTER_COUNT]; // enum tacho_frame_rule
    int64_t value[TACHO_REGISTER_COUNT];
};

struct tacho_frame_index {
    uint64_t pc;
    size_t entry; // place of the FDE in .eh_frame
};

struct tacho_frame_table {
    struct tacho_image image;
    const uint8_t
        *search; // the linker's index: pairs of (pc, FDE) as 32 bits from the header's address
    struct tacho_frame_index *own; // made by reading everything, where the linker left no index
    size_t count;
};

// Takes the image over (it is released with the table). A table without entries is fine: it has no
// rows, and the unwinder takes other means.
void tacho_frame_table_init(struct tacho_frame_table *table, struct tacho_image *image);
void tacho_frame_table_release(struct tacho_frame_table *table);

// The row for virtual address `pc`: 1, or 0 where the table says nothing about it.
int tacho_frame_table_find(const struct tacho_frame_table *table, uint64_t pc,
                           struct tacho_frame_row *row);

// One entry of .eh_frame with what its common entry (CIE) says.
struct tacho_frame_entry {
    uint64_t pc, size;
    uint64_t code_align;
    int64_t data_align;
    uint8_t return_register;
    bool is_signal;
    const uint8_t *initial, *initial_end; // the common entry's instructions
    const uint8_t *program, *program_end; // this entry's
};

// Runs the instructions up to `pc`. False: they are malformed or beyond what is supported.
bool tacho_frame_program_run(const struct tacho_frame_entry *entry, const uint8_t *frame_bytes,
                             uint64_t pc, struct tacho_frame_row *row);

#endif
