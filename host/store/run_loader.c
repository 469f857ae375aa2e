// Chunks back to a run: see run_loader.h. Nothing is trusted: order, counts, sizes and, at the end,
// every index from one table into another are checked.
#include "store/run_loader.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "store/run_check.h"

struct loader {
    struct tacho_chunk_source *source;
    const struct tacho_run_wanted *wanted;
    struct tacho_run *run;
    struct tacho_fail *fail;
    uint64_t bytes_left;                  // of memory that may still be filled
    uint32_t only;                        // the index of the wanted series, TACHO_NO_INDEX for all
    TACHO_ARRAY(uint64_t) rows_of_series; // seen so far, also those that were reduced
    struct tacho_map seen, totals;        // the same of each table, and what its chunks hold in all
    uint32_t fold_part;                   // the profile that is being reduced, its chunks and rows
    uint64_t fold_chunks;                 // since the last group was complete
    size_t fold_start;
    // The times of one chunk of samples, and whose they are.
    TACHO_ARRAY(int64_t) times;
    TACHO_ARRAY(double) values;
    uint32_t times_part;
    uint64_t times_first;
    // The times that the series of one increment have, for those that share them.
    TACHO_ARRAY(int64_t) increment_times;
    struct tacho_map increment_places; // part -> place in increment_times
};

bool tacho_chunk_is_before(const struct tacho_chunk *a, const struct tacho_chunk *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind;
    if (a->part != b->part)
        return a->part < b->part;
    return a->first < b->first;
}

static uint64_t rows_key(const struct tacho_chunk *chunk)
{
    return (uint64_t)chunk->kind << 32 | chunk->part;
}

static const char *kind_name(unsigned kind)
{
    const struct tacho_layout *table = tacho_layout_of(kind);
    if (table)
        return tacho_layout_name(table);
    return kind == TACHO_CHUNK_SAMPLES ? "samples" : "chunks";
}

static int damaged(struct loader *loader, const struct tacho_chunk *chunk, const char *what)
{
    return tacho_fail_set(loader->fail, TACHO_ERR_FORMAT, "%s (part %u) from row %llu: %s",
                          kind_name(chunk->kind), chunk->part, (unsigned long long)chunk->first,
                          what);
}

// Takes memory off the budget before it is filled.
static int spend(struct loader *loader, uint64_t count, uint64_t size)
{
    if (count > loader->bytes_left / size)
        return tacho_fail_set(loader->fail, TACHO_ERR_MEMORY,
                              "the run needs more than half of this machine's memory");
    loader->bytes_left -= count * size;
    return 0;
}

// Makes one of all samples with the same thread, stack and flags, from row `start` on.
static void stacks_fold(struct tacho_any_array *array, size_t start)
{
    struct tacho_run_profile_sample *rows = array->items;
    struct tacho_map known = {0};
    size_t kept = start;
    for (size_t i = start; i < array->count; i++) {
        uint64_t key =
            tacho_hash_u64((uint64_t)rows[i].node << 32 | rows[i].thread) + rows[i].flags;
        bool added;
        uint64_t *place = tacho_map_put(&known, key, &added);
        struct tacho_run_profile_sample *same = &rows[*place];
        if (!added && same->node == rows[i].node && same->thread == rows[i].thread &&
            same->flags == rows[i].flags) {
            same->weight = (int64_t)((uint64_t)same->weight + (uint64_t)rows[i].weight);
            continue;
        }
        *place = kept;
        rows[kept++] = rows[i];
    }
    array->count = kept;
    tacho_map_release(&known);
}

// Folds the samples of a long profile each time a group of chunks is complete.
static void stacks_reduce(struct loader *loader, const struct tacho_chunk *chunk, size_t before,
                          struct tacho_any_array *array)
{
    uint64_t max = loader->wanted->options.stacks_max;
    const uint64_t *total = tacho_map_get(&loader->totals, rows_key(chunk));
    if (chunk->kind != TACHO_CHUNK_STACKS || !max || !total || *total <= max)
        return;
    if (chunk->part != loader->fold_part || loader->fold_chunks == *total / max + 1) {
        loader->fold_part = chunk->part;
        loader->fold_chunks = 0;
        loader->fold_start = before;
    }
    loader->fold_chunks++;
    stacks_fold(array, loader->fold_start);
}

// Whether a chunk holds only spans that are too old to be wanted.
static bool is_too_old(const struct loader *loader, const struct tacho_chunk *chunk)
{
    uint64_t max = loader->wanted->options.spans_max;
    const uint64_t *total = tacho_map_get(&loader->totals, rows_key(chunk));
    return chunk->kind == TACHO_CHUNK_SPANS && max && total && *total > max &&
           chunk->first + chunk->count <= *total - max;
}

// Rows of a table or of a profile's samples.
static int rows_take(struct loader *loader, const struct tacho_chunk *chunk,
                     struct tacho_bytes payload)
{
    const struct tacho_layout *table = tacho_layout_of(chunk->kind);
    struct tacho_any_array array;
    uint64_t *seen = tacho_map_put(&loader->seen, rows_key(chunk), NULL);
    if (!table || !tacho_layout_array(loader->run, chunk->kind, chunk->part, &array))
        return damaged(loader, chunk, "there is no place for rows");
    if (chunk->first + chunk->count <= *seen)
        return 0; // an increment whose rows are in a full chunk too
    if (chunk->first != *seen)
        return damaged(loader, chunk, "rows are missing before those");
    if (chunk->count == 0 || chunk->count > TACHO_CHUNK_ROWS_MAX)
        return damaged(loader, chunk, "the count is impossible");
    *seen += chunk->count;
    if (is_too_old(loader, chunk))
        return 0;
    size_t size = tacho_layout_item_size(table), before = array.count;
    if (spend(loader, chunk->count, size) < 0)
        return loader->fail->code;
    array.items = tacho_array_grow(array.items, &array.capacity, before + chunk->count, size);
    char *items = (char *)array.items + before * size;
    memset(items, 0, chunk->count * size);
    tacho_layout_array_set(loader->run, chunk->kind, chunk->part, &array);
    size_t texts = loader->run->strings.arena.bytes, nested = loader->run->arena.bytes;
    if (tacho_layout_take(table, payload, items, chunk->count, loader->run, loader->fail) < 0 ||
        spend(loader, loader->run->strings.arena.bytes - texts + loader->run->arena.bytes - nested,
              1) < 0)
        return loader->fail->code;
    array.count += chunk->count;
    stacks_reduce(loader, chunk, before, &array);
    loader->bytes_left += (before + chunk->count - array.count) * size;
    tacho_layout_array_set(loader->run, chunk->kind, chunk->part, &array);
    return 0;
}

static const struct tacho_chunk_entry *entry_find(const struct tacho_chunk_source *source,
                                                  const struct tacho_chunk *wanted)
{
    size_t low = 0, high = source->entries.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (tacho_chunk_is_before(&source->entries.items[middle].chunk, wanted))
            low = middle + 1;
        else
            high = middle;
    }
    if (low == source->entries.count ||
        tacho_chunk_is_before(wanted, &source->entries.items[low].chunk))
        return NULL;
    return &source->entries.items[low];
}

// Times that a payload begins with into loader->times; *owner: the series that has them instead.
static int times_begin(struct loader *loader, struct tacho_bytes *payload, size_t count,
                       uint64_t *owner)
{
    uint8_t is_shared;
    *owner = UINT64_MAX;
    tacho_array_reserve(&loader->times, count);
    loader->times.count = count;
    if (tacho_bytes_byte(payload, &is_shared) || is_shared > 1)
        return TACHO_ERR_FORMAT;
    if (is_shared)
        return tacho_bytes_varint(payload, owner);
    return tacho_column_i64_take(payload, loader->times.items, count);
}

// The times of `chunk`, which names `owner` as the series that has them.
static int times_of_owner(struct loader *loader, const struct tacho_chunk *chunk, uint64_t owner)
{
    const struct tacho_chunk wanted = {
        .kind = TACHO_CHUNK_SAMPLES, .part = (uint32_t)owner, .first = chunk->first};
    uint64_t other;
    struct tacho_bytes payload;
    if (owner >= chunk->part)
        return damaged(loader, chunk, "the times are named wrongly");
    const struct tacho_run_series *series = &loader->run->series.items[owner];
    if (!series->reduced && series->count == loader->rows_of_series.items[owner] &&
        series->count >= chunk->first + chunk->count) {
        tacho_array_reserve(&loader->times, chunk->count);
        memcpy(loader->times.items, series->time_ns + chunk->first,
               chunk->count * sizeof *series->time_ns);
        loader->times.count = chunk->count;
        loader->times_part = (uint32_t)owner;
        loader->times_first = chunk->first;
        return 0;
    }
    if (loader->times_part == owner && loader->times_first == chunk->first &&
        loader->times.count >= chunk->count)
        return 0; // still there from the chunk before
    const struct tacho_chunk_entry *entry = entry_find(loader->source, &wanted);
    if (!entry || entry->chunk.count < chunk->count || entry->chunk.count > TACHO_CHUNK_SAMPLES_MAX)
        return damaged(loader, chunk, "the times are missing");
    if (loader->source->fetch(loader->source, entry, &payload, loader->fail) < 0)
        return loader->fail->code;
    if (times_begin(loader, &payload, entry->chunk.count, &other) || other != UINT64_MAX)
        return damaged(loader, &entry->chunk, "the times are malformed");
    loader->times_part = (uint32_t)owner;
    loader->times_first = chunk->first;
    return 0;
}

// Decodes a chunk of samples into loader->times and ->values. The payload may be gone afterwards.
static int samples_decode(struct loader *loader, const struct tacho_chunk *chunk,
                          struct tacho_bytes payload)
{
    uint64_t owner;
    tacho_array_reserve(&loader->values, chunk->count);
    if (payload.at < payload.end && *payload.at == 0) { // its own times
        loader->times_part = chunk->part;
        loader->times_first = chunk->first;
        if (times_begin(loader, &payload, chunk->count, &owner) ||
            tacho_column_double_take(&payload, loader->values.items, chunk->count))
            return damaged(loader, chunk, "the columns are malformed");
        return 0;
    }
    uint8_t is_shared;
    if (tacho_bytes_byte(&payload, &is_shared) || is_shared != 1 ||
        tacho_bytes_varint(&payload, &owner) ||
        tacho_column_double_take(&payload, loader->values.items, chunk->count))
        return damaged(loader, chunk, "the columns are malformed");
    return times_of_owner(loader, chunk, owner);
}

static int samples_append(struct loader *loader, const struct tacho_chunk *chunk)
{
    struct tacho_run_series *series = &loader->run->series.items[chunk->part];
    if (spend(loader, chunk->count, series->reduced ? 4 * sizeof(double) : 2 * sizeof(double)) < 0)
        return loader->fail->code;
    for (uint32_t i = 0; i < chunk->count; i++) {
        int64_t time_ns = loader->times.items[i];
        if (loader->only != TACHO_NO_INDEX &&
            (time_ns < loader->wanted->from_ns || time_ns >= loader->wanted->to_ns))
            continue;
        tacho_run_series_push(series, time_ns, loader->values.items[i]);
    }
    return 0;
}

static int point_push(struct tacho_run_series *series, const struct tacho_chunk *sums)
{
    size_t at = series->count;
    int64_t middle = sums->time_min_ns +
                     (int64_t)(((uint64_t)sums->time_max_ns - (uint64_t)sums->time_min_ns) / 2);
    tacho_run_series_push(series, middle, sums->mean);
    size_t room = at;
    if ((at & (at - 1)) == 0) { // low and high grow by doubling: at 0, 1, 2, 4 ...
        size_t low_room = room, high_room = room;
        series->low = tacho_array_grow(series->low, &low_room, at ? at * 2 : 1, sizeof(double));
        series->high = tacho_array_grow(series->high, &high_room, at ? at * 2 : 1, sizeof(double));
    }
    series->low[at] = sums->low;
    series->high[at] = sums->high;
    return 0;
}

// The sums of two neighbours as one.
static void sums_merge(struct tacho_chunk *into, const struct tacho_chunk *next)
{
    if (into->count == 0) {
        *into = *next;
        return;
    }
    into->count += next->count;
    if (next->time_min_ns < into->time_min_ns)
        into->time_min_ns = next->time_min_ns;
    if (next->time_max_ns > into->time_max_ns)
        into->time_max_ns = next->time_max_ns;
    if (next->valid == 0)
        return;
    if (into->valid == 0) {
        into->low = next->low;
        into->high = next->high;
        into->mean = next->mean;
    } else {
        into->low = next->low < into->low ? next->low : into->low;
        into->high = next->high > into->high ? next->high : into->high;
        double share = (double)next->valid / ((double)into->valid + next->valid);
        into->mean += (next->mean - into->mean) * share;
    }
    into->valid += next->valid;
}

// A long series from the sums of its chunks, `together` of them per point.
static int reduce_heads(struct loader *loader, struct tacho_run_series *series, size_t start,
                        size_t end, size_t together)
{
    for (size_t at = start; at < end; at += together) {
        struct tacho_chunk sums = {0};
        for (size_t i = at; i < end && i < at + together; i++)
            sums_merge(&sums, &loader->source->entries.items[i].chunk);
        point_push(series, &sums);
    }
    return 0;
}

// A longish series: decoded chunk by chunk, each giving `points` points.
static int reduce_rows(struct loader *loader, struct tacho_run_series *series, size_t start,
                       size_t end, size_t points)
{
    for (size_t at = start; at < end; at++) {
        const struct tacho_chunk_entry *entry = &loader->source->entries.items[at];
        struct tacho_bytes payload;
        if (loader->source->fetch(loader->source, entry, &payload, loader->fail) < 0 ||
            samples_decode(loader, &entry->chunk, payload) < 0)
            return loader->fail->code;
        size_t count = entry->chunk.count, step = (count + points - 1) / points;
        for (size_t i = 0; i < count; i += step) {
            size_t size = count - i < step ? count - i : step;
            struct tacho_chunk sums = {.count = (uint32_t)size};
            tacho_chunk_sum_times(&sums, loader->times.items + i, size);
            tacho_chunk_sum_values(&sums, loader->values.items + i, size);
            point_push(series, &sums);
        }
    }
    return 0;
}

static int samples_check(struct loader *loader, const struct tacho_chunk *chunk)
{
    if (chunk->part >= loader->run->series.count)
        return damaged(loader, chunk, "there is no series for rows");
    if (chunk->first != loader->rows_of_series.items[chunk->part])
        return damaged(loader, chunk, "rows are missing before those");
    if (chunk->count == 0 || chunk->count > TACHO_CHUNK_SAMPLES_MAX)
        return damaged(loader, chunk, "the count is impossible");
    return 0;
}

static bool is_in_range(const struct loader *loader, const struct tacho_chunk *chunk)
{
    return loader->only == TACHO_NO_INDEX ||
           (chunk->part == loader->only && chunk->time_max_ns >= loader->wanted->from_ns &&
            chunk->time_min_ns < loader->wanted->to_ns);
}

// All chunks of one series: entries [start, end).
static int series_take(struct loader *loader, size_t start, size_t end)
{
    const struct tacho_chunk_entry *entries = loader->source->entries.items;
    uint64_t total = 0, points_max = loader->wanted->options.points_max;
    for (size_t i = start; i < end; i++) {
        if (samples_check(loader, &entries[i].chunk) < 0)
            return loader->fail->code;
        if (!entries[i].chunk.has_times || !entries[i].chunk.has_values)
            return damaged(loader, &entries[i].chunk, "the sums are missing");
        total += entries[i].chunk.count;
        loader->rows_of_series.items[entries[i].chunk.part] = total;
    }
    struct tacho_run_series *series = &loader->run->series.items[entries[start].chunk.part];
    if (points_max && total > points_max && total > loader->wanted->options.reduce_above) {
        size_t chunks = end - start;
        series->reduced = true;
        if (chunks > points_max / 2)
            return reduce_heads(loader, series, start, end, (chunks + points_max - 1) / points_max);
        return reduce_rows(loader, series, start, end, points_max / chunks);
    }
    for (size_t i = start; i < end; i++) {
        struct tacho_bytes payload;
        if (!is_in_range(loader, &entries[i].chunk))
            continue;
        if (loader->source->fetch(loader->source, &entries[i], &payload, loader->fail) < 0 ||
            samples_decode(loader, &entries[i].chunk, payload) < 0 ||
            samples_append(loader, &entries[i].chunk) < 0)
            return loader->fail->code;
    }
    return 0;
}

// The times of a small chunk, found in this increment when they are another series'.
static int small_times_take(struct loader *loader, const struct tacho_chunk *chunk,
                            struct tacho_bytes *payload)
{
    uint64_t owner;
    if (times_begin(loader, payload, chunk->count, &owner))
        return damaged(loader, chunk, "the times are malformed");
    loader->times_part = TACHO_NO_INDEX;
    if (owner != UINT64_MAX) {
        const uint64_t *place = tacho_map_get(&loader->increment_places, owner);
        if (!place || *place + chunk->count > loader->increment_times.count)
            return damaged(loader, chunk, "the times are missing");
        memcpy(loader->times.items, loader->increment_times.items + *place,
               chunk->count * sizeof *loader->times.items);
        return 0;
    }
    *tacho_map_put(&loader->increment_places, chunk->part, NULL) = loader->increment_times.count;
    for (uint32_t i = 0; i < chunk->count; i++)
        tacho_array_push(&loader->increment_times, loader->times.items[i]);
    return 0;
}

static int small_samples_take(struct loader *loader, const struct tacho_chunk *chunk,
                              struct tacho_bytes payload)
{
    if (chunk->part >= loader->run->series.count)
        return damaged(loader, chunk, "there is no series for rows");
    if (chunk->count == 0 || chunk->count > TACHO_CHUNK_SAMPLES_MAX)
        return damaged(loader, chunk, "the count is impossible");
    if (small_times_take(loader, chunk, &payload) < 0)
        return loader->fail->code;
    uint64_t *rows = &loader->rows_of_series.items[chunk->part];
    if (chunk->first + chunk->count <= *rows)
        return 0;
    if (samples_check(loader, chunk) < 0)
        return loader->fail->code;
    *rows += chunk->count;
    if (loader->only != TACHO_NO_INDEX && chunk->part != loader->only)
        return 0;
    tacho_array_reserve(&loader->values, chunk->count);
    if (tacho_column_double_take(&payload, loader->values.items, chunk->count))
        return damaged(loader, chunk, "the values are malformed");
    struct tacho_run_series *series = &loader->run->series.items[chunk->part];
    if (!series->reduced)
        return samples_append(loader, chunk);
    struct tacho_chunk sums = {.count = chunk->count};
    tacho_chunk_sum_times(&sums, loader->times.items, chunk->count);
    tacho_chunk_sum_values(&sums, loader->values.items, chunk->count);
    return point_push(series, &sums);
}

static bool is_wanted(const struct loader *loader, unsigned kind)
{
    if (loader->wanted->series)
        return kind == TACHO_CHUNK_SERIES || kind == TACHO_CHUNK_SAMPLES ||
               kind == TACHO_CHUNK_INCREMENT;
    if (kind == TACHO_CHUNK_STACKS)
        return !loader->wanted->options.no_profiles;
    if (kind == TACHO_CHUNK_SPANS)
        return !loader->wanted->options.no_spans;
    return true;
}

static int increment_take(struct loader *loader, struct tacho_bytes payload)
{
    loader->increment_times.count = 0;
    tacho_map_clear(&loader->increment_places);
    while (payload.at < payload.end) {
        struct tacho_chunk chunk;
        struct tacho_bytes rows;
        if (tacho_chunk_small_take(&payload, &chunk, &rows, loader->fail) < 0)
            return loader->fail->code;
        if (chunk.kind == TACHO_CHUNK_INCREMENT)
            return damaged(loader, &chunk, "an increment is inside another");
        if (!is_wanted(loader, chunk.kind))
            continue;
        int code = chunk.kind == TACHO_CHUNK_SAMPLES ? small_samples_take(loader, &chunk, rows)
                                                     : rows_take(loader, &chunk, rows);
        if (code < 0)
            return code;
    }
    return 0;
}

// Called once all descriptions of series are there.
static int series_prepare(struct loader *loader)
{
    const struct tacho_run *run = loader->run;
    while (loader->rows_of_series.count < run->series.count)
        tacho_array_push(&loader->rows_of_series, 0);
    if (!loader->wanted->series)
        return 0;
    for (size_t i = 0; i < run->series.count; i++)
        if (strcmp(run->series.items[i].name, loader->wanted->series) == 0 &&
            strcmp(run->series.items[i].subject, loader->wanted->subject) == 0)
            loader->only = (uint32_t)i;
    if (loader->only == TACHO_NO_INDEX)
        return tacho_fail_set(loader->fail, TACHO_ERR_NOT_FOUND,
                              "the run has no metric %s of \"%s\"", loader->wanted->series,
                              loader->wanted->subject);
    return 0;
}

static int entries_take(struct loader *loader)
{
    const struct tacho_chunk_entry *entries = loader->source->entries.items;
    size_t count = loader->source->entries.count, end;
    bool prepared = false;
    for (size_t i = 0; i < count; i++)
        *tacho_map_put(&loader->totals, rows_key(&entries[i].chunk), NULL) +=
            entries[i].chunk.count;
    for (size_t at = 0; at < count; at = end) {
        const struct tacho_chunk *chunk = &entries[at].chunk;
        struct tacho_bytes payload;
        end = at + 1;
        if (chunk->kind > TACHO_CHUNK_SERIES && !prepared) {
            prepared = true;
            if (series_prepare(loader) < 0)
                return loader->fail->code;
        }
        if (chunk->kind == TACHO_CHUNK_RUN || chunk->kind == TACHO_CHUNK_END ||
            !is_wanted(loader, chunk->kind))
            continue;
        if (chunk->kind == TACHO_CHUNK_SAMPLES) {
            while (end < count && entries[end].chunk.kind == TACHO_CHUNK_SAMPLES &&
                   entries[end].chunk.part == chunk->part)
                end++;
            if (series_take(loader, at, end) < 0)
                return loader->fail->code;
            continue;
        }
        if (loader->source->fetch(loader->source, &entries[at], &payload, loader->fail) < 0)
            return tacho_fail_add(loader->fail, "%s from row %llu", kind_name(chunk->kind),
                                  (unsigned long long)chunk->first);
        int code = chunk->kind == TACHO_CHUNK_INCREMENT ? increment_take(loader, payload)
                                                        : rows_take(loader, chunk, payload);
        if (code < 0)
            return code;
    }
    return prepared ? 0 : series_prepare(loader);
}

static uint64_t memory_half(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size / 2 : UINT64_C(1) << 31;
}

int tacho_run_load(struct tacho_chunk_source *source, const struct tacho_run_wanted *wanted,
                   struct tacho_run *run, struct tacho_fail *fail)
{
    struct loader loader = {.source = source,
                            .wanted = wanted,
                            .run = run,
                            .fail = fail,
                            .bytes_left = memory_half(),
                            .only = TACHO_NO_INDEX,
                            .times_part = TACHO_NO_INDEX,
                            .fold_part = TACHO_NO_INDEX};
    int code = entries_take(&loader);
    if (code == 0)
        code = tacho_run_check(run, fail);
    tacho_array_release(&loader.rows_of_series);
    tacho_array_release(&loader.times);
    tacho_array_release(&loader.values);
    tacho_array_release(&loader.increment_times);
    tacho_map_release(&loader.increment_places);
    tacho_map_release(&loader.seen);
    tacho_map_release(&loader.totals);
    return code;
}
