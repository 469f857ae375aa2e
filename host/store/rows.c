// Rows as payloads: see rows.h.
#include "store/rows.h"

#include <string.h>

static void times_sum(struct tacho_chunk *chunk, const struct tacho_rows *rows)
{
    size_t start = rows->first - rows->base;
    for (size_t i = start; i < start + rows->count; i++) {
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
        if (i == start || low < chunk->time_min_ns)
            chunk->time_min_ns = low;
        if (i == start || high > chunk->time_max_ns)
            chunk->time_max_ns = high;
    }
    chunk->has_times = rows->count > 0;
}

// Series of one source have the same times: the first of them that is written keeps the times, the
// others name it. `owners` maps what the times look like to that series.
static uint32_t times_owner(const struct tacho_rows *rows, const int64_t *time_ns,
                            struct tacho_map *owners)
{
    uint64_t key = tacho_hash_u64((uint64_t)time_ns[0] ^ tacho_hash_u64(rows->first)) ^
                   tacho_hash_u64((uint64_t)time_ns[rows->count - 1] + rows->count);
    bool added;
    uint64_t *owner = tacho_map_put(owners, key, &added);
    if (added)
        *owner = rows->part;
    const struct tacho_run_series *other = &rows->run->series.items[*owner];
    size_t base = rows->series_bases ? rows->series_bases[*owner] : 0;
    if (*owner < rows->part && rows->first >= base &&
        other->count >= rows->first - base + rows->count &&
        memcmp(other->time_ns + (rows->first - base), time_ns, rows->count * sizeof *time_ns) == 0)
        return (uint32_t)*owner;
    return rows->part;
}

static void samples_put(const struct tacho_rows *rows, struct tacho_map *owners, bool sums,
                        struct tacho_chunk *chunk, struct tacho_buffer *payload)
{
    const struct tacho_run_series *series = &rows->run->series.items[rows->part];
    size_t start = rows->first - (rows->series_bases ? rows->series_bases[rows->part] : 0);
    const int64_t *time_ns = series->time_ns + start;
    const double *value = series->value + start;
    uint32_t owner = times_owner(rows, time_ns, owners);
    if (owner == rows->part) {
        tacho_buffer_byte(payload, 0);
        tacho_column_i64_put(payload, time_ns, rows->count);
    } else {
        tacho_buffer_byte(payload, 1);
        tacho_buffer_varint(payload, owner);
    }
    tacho_column_double_put(payload, value, rows->count);
    if (!sums)
        return;
    tacho_chunk_sum_times(chunk, time_ns, rows->count);
    tacho_chunk_sum_values(chunk, value, rows->count);
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
    tacho_layout_put(
        table, (char *)array.items + (rows->first - rows->base) * tacho_layout_item_size(table),
        rows->count, payload);
    if (sums && (rows->kind == TACHO_CHUNK_SPANS || rows->kind == TACHO_CHUNK_EVENTS ||
                 rows->kind == TACHO_CHUNK_STACKS))
        times_sum(chunk, rows);
}
