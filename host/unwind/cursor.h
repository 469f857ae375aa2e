// A bounded reader of DWARF's encodings: reading past the end gives zeros and marks the cursor bad,
// so that a parser checks once, at the end of a step.
#ifndef TACHO_UNWIND_CURSOR_H
#define TACHO_UNWIND_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tacho_cursor {
    const uint8_t *at, *end;
    bool bad;
};

// Pointer encodings of .eh_frame (LSB Core, DWARF Extensions, 10.5).
#define TACHO_POINTER_ABSOLUTE 0x00
#define TACHO_POINTER_PCREL    0x10
#define TACHO_POINTER_DATAREL  0x30
#define TACHO_POINTER_INDIRECT 0x80
#define TACHO_POINTER_OMIT     0xff
#define TACHO_POINTER_FORMAT   0x0f
#define TACHO_POINTER_SDATA4   0x0b

uint8_t tacho_cursor_u8(struct tacho_cursor *cursor);
uint16_t tacho_cursor_u16(struct tacho_cursor *cursor);
uint32_t tacho_cursor_u32(struct tacho_cursor *cursor);
uint64_t tacho_cursor_u64(struct tacho_cursor *cursor);
uint64_t tacho_cursor_uleb(struct tacho_cursor *cursor);
int64_t tacho_cursor_sleb(struct tacho_cursor *cursor);
// The next `size` bytes, or NULL.
const uint8_t *tacho_cursor_bytes(struct tacho_cursor *cursor, uint64_t size);
// An encoded pointer; `address` is that of the byte at the cursor, `data_base` that of the table
// for data-relative ones. Indirect pointers cannot be followed here and mark the cursor bad.
uint64_t tacho_cursor_pointer(struct tacho_cursor *cursor, uint8_t encoding, uint64_t address,
                              uint64_t data_base);

#endif
