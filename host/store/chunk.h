// A chunk: some rows of one table of a run, compressed, with a checksum: the unit of the store and
// of exported files.
//
// It is two pieces of bytes. The head says what it holds (kind, part, the number of its first row,
// the count) and, where the rows have times and values, sums them up (first and last time, lowest,
// highest and mean value), so that a year can be drawn without reading the data. The data are the
// columns. Each piece ends in a CRC-32; that of the data also covers the head's, so the two belong
// together.
#ifndef TACHO_STORE_CHUNK_H
#define TACHO_STORE_CHUNK_H

#include <stdbool.h>

#include "base/fail.h"
#include "store/column.h"

struct tacho_chunk {
    uint8_t kind; // enum tacho_chunk_kind
    uint32_t part;
    uint64_t first;
    uint32_t count;
    bool has_times, has_values;
    int64_t time_min_ns, time_max_ns;
    uint32_t valid; // how many values are not NaN
    double low, high, mean;
};

// Appends head and data of `payload`; `deflate` tries general compression.
void tacho_chunk_put(const struct tacho_chunk *chunk, const struct tacho_buffer *payload,
                     bool deflate, struct tacho_buffer *head, struct tacho_buffer *data);
// Reads a head; all bytes must belong to it.
int tacho_chunk_head_take(struct tacho_bytes head, struct tacho_chunk *chunk,
                          struct tacho_fail *fail);
// Checks the data of a head that was taken; the payload points into `data` or into `room`.
int tacho_chunk_data_take(struct tacho_bytes head, struct tacho_bytes data,
                          struct tacho_buffer *room, struct tacho_bytes *payload,
                          struct tacho_fail *fail);

// Small chunks in one increment carry neither sums nor checksums of their own.
void tacho_chunk_small_put(const struct tacho_chunk *chunk, const struct tacho_buffer *payload,
                           struct tacho_buffer *to);
int tacho_chunk_small_take(struct tacho_bytes *from, struct tacho_chunk *chunk,
                           struct tacho_bytes *payload, struct tacho_fail *fail);

// Fills times and values of the head from the rows.
void tacho_chunk_sum_times(struct tacho_chunk *chunk, const int64_t *time_ns, size_t count);
void tacho_chunk_sum_values(struct tacho_chunk *chunk, const double *value, size_t count);

#endif
