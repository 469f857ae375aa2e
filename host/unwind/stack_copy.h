// The top of a thread's stack as it was at the instant of a sample.
#ifndef TACHO_UNWIND_STACK_COPY_H
#define TACHO_UNWIND_STACK_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct tacho_stack_copy {
    uint64_t address; // of the first byte: the stack pointer
    const uint8_t *bytes;
    size_t size;
};

// Reads the 8 bytes at `address`; false when they are not in the copy.
static inline bool tacho_stack_copy_read(const struct tacho_stack_copy *copy, uint64_t address,
                                         uint64_t *value)
{
    uint64_t offset = address - copy->address;
    if (copy->size < 8 || offset > copy->size - 8)
        return false;
    memcpy(value, copy->bytes + offset, 8);
    return true;
}

#endif
