// Spans in few bytes.
#include "wire/packed.h"

#include "tacho/errors.h"

#define STEP_ZERO     3
#define STEP_EXPLICIT 7
#define VARINT_MAX    10

static size_t put(uint8_t *bytes, uint64_t value)
{
    size_t size = 0;
    while (value >= 0x80) {
        bytes[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (uint8_t)value;
    return size;
}

// Bytes taken; 0: cut off; negative: longer than 64 bits.
static int get(const uint8_t *bytes, size_t size, uint64_t *value)
{
    *value = 0;
    for (int at = 0; at < VARINT_MAX; at++) {
        if ((size_t)at == size)
            return 0;
        if (at == VARINT_MAX - 1 && bytes[at] > 1)
            return TACHO_ERR_FORMAT;
        *value |= (uint64_t)(bytes[at] & 0x7f) << (7 * at);
        if (bytes[at] < 0x80)
            return at + 1;
    }
    return TACHO_ERR_FORMAT;
}

size_t tacho_packed_write(struct tacho_packed *state, const struct tacho_packed_span *span,
                          uint8_t *bytes)
{
    uint64_t end = span->start + span->duration, forward = end - state->end;
    uint32_t step = span->depth + STEP_ZERO - state->depth; // wraps when below
    if (step >= STEP_EXPLICIT)
        step = STEP_EXPLICIT;
    size_t size = put(bytes, (uint64_t)span->series << 4 | (span->error & 1) << 3 | step);
    if (step == STEP_EXPLICIT)
        size += put(bytes + size, span->depth);
    size += put(bytes + size, forward << 1 ^ (uint64_t)((int64_t)forward >> 63));
    size += put(bytes + size, span->duration);
    state->end = end;
    state->depth = span->depth;
    return size;
}

int tacho_packed_read(struct tacho_packed *state, const uint8_t *bytes, size_t size,
                      struct tacho_packed_span *span)
{
    uint64_t values[4] = {0, 0, 0, 0}; // key, depth, end, duration
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        if (i == 1 && (values[0] & 7) != STEP_EXPLICIT)
            continue;
        int took = get(bytes + at, size - at, &values[i]);
        if (took <= 0)
            return took;
        at += (size_t)took;
    }
    uint32_t step = values[0] & 7;
    uint64_t depth = step == STEP_EXPLICIT ? values[1] : (uint64_t)state->depth + step - STEP_ZERO;
    if (values[0] >> 36 != 0 || depth > UINT32_MAX)
        return TACHO_ERR_FORMAT;
    uint64_t forward = values[2] >> 1 ^ (~(values[2] & 1) + 1);
    span->series = (uint32_t)(values[0] >> 4);
    span->error = values[0] >> 3 & 1;
    span->depth = (uint32_t)depth;
    span->duration = values[3];
    span->start = state->end + forward - values[3];
    state->end += forward;
    state->depth = span->depth;
    return (int)at;
}
