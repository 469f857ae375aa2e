// Rows as payloads: see rows.h.
#include "store/rows.h"

#include <string.h>

static void times_sum(struct tacho_chunk *chunk, const struct tacho_rows *rows)
{
    for (size_t i = rows->first; i < rows->first + rows->count; i++) {
        int64_t low, high;
        if (rows->kind == TACHO_CHUNK_SPANS) {
            const struct tacho_run_span *span = &rows->run->spans.items[i];
            low = span->begin_ns;
            high = span->duration_ns > 0 ? span->begin_ns + span->duration_ns : span->begin_ns;
        } else if (rows->kind == TACHO_CHUNK_EVENTS) {
            low = high = rows->run->events.items[i].time_ns;
        } else {
            low = high = rows->run->profiles.items[rows->part].samples.items[i].time_ns;
        }
        if (i == rows->first || low < chunk->time_min_ns)
            chunk->time_min_ns = low;
        if (i == rows->first || high > chunk->time_max_ns)
            chunk->time_max_ns = high;
    }
    chunk->has_times = rows->count > 0;
}

// Series of one source have the same times: the first of them that is written keeps the times, the
// others name it. `owners` maps what the times look like to that series.
static uint32_t times_owner(const struct tacho_rows *rows, struct tacho_map *owners)
{
    const struct tacho_run_series *series = &rows->run->series.items[rows->part];
    const int64_t *time_ns = series->time_ns + rows->first;
    uint64_t key = tacho_hash_u64((uint64_t)time_ns[0] ^ tacho_hash_u64(rows->first)) ^
                   tacho_hash_u64((uint64_t)time_ns[rows->count - 1] + rows->count);
    bool added;
    uint64_t *owner = tacho_map_put(owners, key, &added);
    if (added)
        *owner = rows->part;
    const struct tacho_run_series *other = &rows->run->series.items[*owner];
    if (*owner < rows->part && other->count >= rows->first + rows->count &&
        memcmp(other->time_ns + rows->first, time_ns, rows->count * sizeof *time_ns) == 0)
        return (uint32_t)*owner;
    return rows->part;
}

static void samples_put(const struct tacho_rows *rows, struct tacho_map *owners, bool sums,
                        struct tacho_chunk *chunk, struct tacho_buffer *payload)
{
    const struct tacho_run_series *series = &rows->run->series.items[rows->part];
    uint32_t owner = times_owner(rows, owners);
    if (owner == rows->part) {
        tacho_buffer_byte(payload, 0);
        tacho_column_i64_put(payload, series->time_ns + rows->first, rows->count);
    } else {
        tacho_buffer_byte(payload, 1);
        tacho_buffer_varint(payload, owner);
    }
    tacho_column_double_put(payload, series->value + rows->first, rows->count);
    if (!sums)
        return;
    tacho_chunk_sum_times(chunk, series->time_ns + rows->first, rows->count);
    tacho_chunk_sum_values(chunk, series->value + rows->first, rows->count);
}

void tacho_rows_put(const struct tacho_rows *rows, struct tacho_map *owners, bool sums,
                    struct tacho_chunk *chunk, struct tacho_buffer *payload)
{
    *chunk = (struct tacho_chunk){.kind = (uint8_t)rows->kind,
                                  .part = rows->part,
                                  .first = rows->first,
                                  .count = (uint32_t)rows->count};
    payload->size = 0;
    if (rows->kind == TACHO_CHUNK_SAMPLES) {
        samples_put(rows, owners, sums, chunk, payload);
        return;
    }
    const struct tacho_layout *table = tacho_layout_of(rows->kind);
    struct tacho_any_array array;
    tacho_layout_array(rows->run, rows->kind, rows->part, &array);
    tacho_layout_put(table, (char *)array.items + rows->first * tacho_layout_item_size(table),
                     rows->count, payload);
    if (sums && (rows->kind == TACHO_CHUNK_SPANS || rows->kind == TACHO_CHUNK_EVENTS ||
                 rows->kind == TACHO_CHUNK_STACKS))
        times_sum(chunk, rows);
}
