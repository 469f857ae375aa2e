// A bounded reader of DWARF's encodings, little endian.
#include "unwind/cursor.h"

static uint64_t number(struct tacho_cursor *cursor, size_t size)
{
    uint64_t value = 0;
    if ((size_t)(cursor->end - cursor->at) < size) {
        cursor->bad = true;
        cursor->at = cursor->end;
        return 0;
    }
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)cursor->at[i] << (8 * i);
    cursor->at += size;
    return value;
}

uint8_t tacho_cursor_u8(struct tacho_cursor *cursor)
{
    if (cursor->at == cursor->end) {
        cursor->bad = true;
        return 0;
    }
    return *cursor->at++;
}

uint16_t tacho_cursor_u16(struct tacho_cursor *cursor)
{
    return (uint16_t)number(cursor, 2);
}

uint32_t tacho_cursor_u32(struct tacho_cursor *cursor)
{
    return (uint32_t)number(cursor, 4);
}

uint64_t tacho_cursor_u64(struct tacho_cursor *cursor)
{
    return number(cursor, 8);
}

uint64_t tacho_cursor_uleb(struct tacho_cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = tacho_cursor_u8(cursor);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
}

int64_t tacho_cursor_sleb(struct tacho_cursor *cursor)
{
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = tacho_cursor_u8(cursor);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if ((byte & 0x40) && shift < 64)
        value |= ~UINT64_C(0) << shift;
    return (int64_t)value;
}

const uint8_t *tacho_cursor_bytes(struct tacho_cursor *cursor, uint64_t size)
{
    const uint8_t *bytes = cursor->at;
    if ((uint64_t)(cursor->end - cursor->at) < size) {
        cursor->bad = true;
        cursor->at = cursor->end;
        return NULL;
    }
    cursor->at += size;
    return bytes;
}

static uint64_t pointer_value(struct tacho_cursor *cursor, uint8_t format)
{
    switch (format) {
    case 0x00: // an address of the machine
    case 0x04:
    case 0x0c:
        return tacho_cursor_u64(cursor);
    case 0x01:
        return tacho_cursor_uleb(cursor);
    case 0x02:
        return tacho_cursor_u16(cursor);
    case 0x03:
        return tacho_cursor_u32(cursor);
    case 0x09:
        return (uint64_t)tacho_cursor_sleb(cursor);
    case 0x0a:
        return (uint64_t)(int64_t)(int16_t)tacho_cursor_u16(cursor);
    case TACHO_POINTER_SDATA4:
        return (uint64_t)(int64_t)(int32_t)tacho_cursor_u32(cursor);
    default:
        cursor->bad = true;
        return 0;
    }
}

uint64_t tacho_cursor_pointer(struct tacho_cursor *cursor, uint8_t encoding, uint64_t address,
                              uint64_t data_base)
{
    uint64_t value;
    if (encoding == TACHO_POINTER_OMIT)
        return 0;
    if (encoding & TACHO_POINTER_INDIRECT)
        cursor->bad = true;
    value = pointer_value(cursor, encoding & TACHO_POINTER_FORMAT);
    switch (encoding & 0x70) {
    case TACHO_POINTER_ABSOLUTE:
        return value;
    case TACHO_POINTER_PCREL:
        return address + value;
    case TACHO_POINTER_DATAREL:
        return data_base + value;
    default:
        cursor->bad = true;
        return 0;
    }
}
