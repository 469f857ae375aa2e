// Spans in few bytes, for streams and files: what changed since the span before, as varints.
//
// A span of the ring takes 16 bytes because the writer may not think. Packed it takes 4 to 10:
// spans of a thread come in the order of their ends, so the end is a small step, durations are
// short, and the depth mostly stays or goes one up. Both sides keep one struct tacho_packed per
// thread, zero at first.
//
//   key      varint: series << 4 | error << 3 | depth step (0..6 stand for -3..+3, 7: depth
//   follows) [depth]  varint, only with step 7 end      varint of zigzag(end - previous end)
//   duration varint
#ifndef TACHO_WIRE_PACKED_H
#define TACHO_WIRE_PACKED_H

#include <stddef.h>
#include <stdint.h>

#define TACHO_PACKED_SPAN_MAX 31 // bytes, of the worst case

struct tacho_packed {
    uint64_t end;
    uint32_t depth;
};

struct tacho_packed_span {
    uint64_t start, duration; // ticks
    uint32_t series, depth;
    uint32_t error; // 0 or 1
};

// Writes `span` to `bytes` (room for TACHO_PACKED_SPAN_MAX); returns how many it took.
size_t tacho_packed_write(struct tacho_packed *state, const struct tacho_packed_span *span,
                          uint8_t *bytes);
// Reads one span; returns how many bytes it took, 0 when they are cut off, TACHO_ERR_FORMAT when
// they cannot be a span.
int tacho_packed_read(struct tacho_packed *state, const uint8_t *bytes, size_t size,
                      struct tacho_packed_span *span);

#endif
