// Rows of a run in memory as the payload of a chunk, for the store and for exported files alike.
#ifndef TACHO_STORE_ROWS_H
#define TACHO_STORE_ROWS_H

#include "base/map.h"
#include "store/chunk.h"
#include "store/layout.h"

// Rows [first, first + count) of one table, of the samples of a series, or of a profile's.
struct tacho_rows {
    const struct tacho_run *run;
    unsigned kind; // enum tacho_chunk_kind
    uint32_t part;
    size_t first, count;
    // Rows before `base` are no longer in memory; so are, of series i, those before series_bases[i]
    // (NULL: all are there).
    size_t base;
    const size_t *series_bases;
};

// Fills the head and the payload (cleared first). `sums`: times and values too. `owners` (zero at
// first, released by the caller) belongs to chunks that are written together, ascending in part: of
// series that have the same times, the first keeps them and the others name it.
void tacho_rows_put(const struct tacho_rows *rows, struct tacho_map *owners, bool sums,
                    struct tacho_chunk *chunk, struct tacho_buffer *payload);

#endif
