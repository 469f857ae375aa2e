// Columns of numbers in few bytes: what samples, spans and every other table of a run are stored
// as.
//
// Integers: differences of order 0 to 3 (order 2 of a time is its delta of delta), a common divisor
// taken out, the residuals centred on their median and packed bit by bit in groups of 128, with a
// list of exceptions per group so that one outlier does not widen the others. A constant or a
// straight line costs a few bytes whatever its length.
// Numbers with a point: as integers over a power of ten where that gives back the same bits (bytes,
// counts, rounded ratios); else differences of the bit patterns (smooth curves) or exclusive-or
// with the previous value (Gorilla), whichever is smaller. Nothing is ever rounded, NaN keeps its
// bits. Bound: an encoder works in one pass per candidate, a decoder in one pass; both take memory
// in proportion to `count`. Sources: Pelkonen et al., "Gorilla", VLDB 2015 (exclusive-or); Zukowski
// et al., "Super-scalar RAM-CPU cache compression", ICDE 2006 (patched frame of reference).
#ifndef TACHO_STORE_COLUMN_H
#define TACHO_STORE_COLUMN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"

// Bytes that are read front to back; every take checks that they are there.
struct tacho_bytes {
    const uint8_t *at, *end;
};

// 0, or TACHO_ERR_FORMAT when the bytes are not what an encoder writes.
int tacho_bytes_varint(struct tacho_bytes *from, uint64_t *value);
int tacho_bytes_byte(struct tacho_bytes *from, uint8_t *value);
// The next `size` bytes as a range of their own.
int tacho_bytes_range(struct tacho_bytes *from, uint64_t size, struct tacho_bytes *range);

// Appends `count` values to `to`.
void tacho_column_i64_put(struct tacho_buffer *to, const int64_t *values, size_t count);
void tacho_column_double_put(struct tacho_buffer *to, const double *values, size_t count);
// Reads `count` values: 0 or TACHO_ERR_FORMAT. Whatever the bytes are, nothing outside them is read
// and nothing but `values[0 .. count)` is written.
int tacho_column_i64_take(struct tacho_bytes *from, int64_t *values, size_t count);
int tacho_column_double_take(struct tacho_bytes *from, double *values, size_t count);

static inline uint64_t tacho_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t tacho_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

#endif
