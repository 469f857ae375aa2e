// Bytes that grow: see buffer.h.
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

char *tacho_buffer_room(struct tacho_buffer *buffer, size_t size)
{
    buffer->data = tacho_array_grow(buffer->data, &buffer->capacity, buffer->size + size + 1, 1);
    return buffer->data + buffer->size;
}

void tacho_buffer_add(struct tacho_buffer *buffer, const void *data, size_t size)
{
    char *place = tacho_buffer_room(buffer, size);
    if (size)
        memcpy(place, data, size);
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
}

void tacho_buffer_text(struct tacho_buffer *buffer, const char *text)
{
    tacho_buffer_add(buffer, text, strlen(text));
}

void tacho_buffer_byte(struct tacho_buffer *buffer, uint8_t byte)
{
    tacho_buffer_add(buffer, &byte, 1);
}

void tacho_buffer_varint(struct tacho_buffer *buffer, uint64_t value)
{
    uint8_t bytes[10];
    size_t count = 0;
    while (value >= 0x80) {
        bytes[count++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[count++] = (uint8_t)value;
    tacho_buffer_add(buffer, bytes, count);
}

void tacho_buffer_printf(struct tacho_buffer *buffer, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size >= 0) {
        char *place = tacho_buffer_room(buffer, (size_t)size);
        vsnprintf(place, (size_t)size + 1, format, again);
        buffer->size += (size_t)size;
    }
    va_end(again);
}

void tacho_buffer_release(struct tacho_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct tacho_buffer){0};
}
