// Protocol buffer messages written by hand: fields in order, nested messages from a buffer of their
// own.
#ifndef TACHO_RENDER_PROTOBUF_H
#define TACHO_RENDER_PROTOBUF_H

#include <string.h>

#include "base/buffer.h"

static inline void tacho_pb_u64(struct tacho_buffer *message, unsigned field, uint64_t value)
{
    tacho_buffer_varint(message, (uint64_t)field << 3);
    tacho_buffer_varint(message, value);
}

static inline void tacho_pb_double(struct tacho_buffer *message, unsigned field, double value)
{
    uint64_t bits;
    char bytes[8];

    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)(bits >> (8 * i));
    tacho_buffer_varint(message, (uint64_t)field << 3 | 1);
    tacho_buffer_add(message, bytes, sizeof bytes);
}

static inline void tacho_pb_bytes(struct tacho_buffer *message, unsigned field, const void *data,
                                  size_t size)
{
    tacho_buffer_varint(message, (uint64_t)field << 3 | 2);
    tacho_buffer_varint(message, size);
    tacho_buffer_add(message, data, size);
}

static inline void tacho_pb_text(struct tacho_buffer *message, unsigned field, const char *text)
{
    tacho_pb_bytes(message, field, text, strlen(text));
}

// Adds `nested` as a field and empties it for the next use.
static inline void tacho_pb_message(struct tacho_buffer *message, unsigned field,
                                    struct tacho_buffer *nested)
{
    tacho_pb_bytes(message, field, nested->data != NULL ? nested->data : "", nested->size);
    nested->size = 0;
}

#endif
