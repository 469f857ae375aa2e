// Bytes that grow: text and binary messages in the making. Zero is an empty buffer.
#ifndef TACHO_BASE_BUFFER_H
#define TACHO_BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct tacho_buffer {
    char *data; // terminated by a zero byte that is not counted, once anything was added
    size_t size, capacity;
};

void tacho_buffer_add(struct tacho_buffer *buffer, const void *data, size_t size);
void tacho_buffer_text(struct tacho_buffer *buffer, const char *text);
void tacho_buffer_byte(struct tacho_buffer *buffer, uint8_t byte);
// LEB128, as protobuf writes it; signed numbers zigzag first.
void tacho_buffer_varint(struct tacho_buffer *buffer, uint64_t value);
void tacho_buffer_printf(struct tacho_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Room for `size` more bytes; returns where to write them (then add to size by hand).
char *tacho_buffer_room(struct tacho_buffer *buffer, size_t size);
void tacho_buffer_release(struct tacho_buffer *buffer);

#endif
