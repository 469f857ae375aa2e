// The tables of a run as columns: see layout.h.
#include "store/layout.h"

#include <string.h>

enum column_type {
    COLUMN_U8,
    COLUMN_U16,
    COLUMN_U32,
    COLUMN_I32,
    COLUMN_I64,
    COLUMN_U64,
    COLUMN_BOOL,
    COLUMN_INDEX, // of another table; TACHO_NO_INDEX is kept as -1
    COLUMN_LESS,  // i64, kept as what it is less than the column before it
    COLUMN_DOUBLE,
    COLUMN_TEXT,
};

struct column {
    const char *name;
    enum column_type type;
    size_t offset;
};

// Items that belong to one item: their count is a column of their own.
struct nested {
    size_t count_offset,
        items_offset;    // of a uint32_t and of the array or pointer in the outer item
    uint32_t inline_max; // an array of this size in the outer item; 0: a pointer
    size_t item_size;
    const struct column *columns;
    size_t column_count;
};

struct tacho_layout {
    const char *name;
    size_t item_size;
    size_t array_offset; // in struct tacho_run
    const struct column *columns;
    size_t column_count;
    const struct nested *nested;
    bool is_text;
};

#define COLUMNS(array) array, sizeof array / sizeof *array
#define ROW(type, field, kind)                                                                     \
    {                                                                                              \
#field, kind, offsetof(struct type, field)                                                 \
    }

static const struct column run_columns[] = {
    ROW(tacho_run_info, id, COLUMN_TEXT),           ROW(tacho_run_info, name, COLUMN_TEXT),
    ROW(tacho_run_info, target, COLUMN_TEXT),       ROW(tacho_run_info, command, COLUMN_TEXT),
    ROW(tacho_run_info, version, COLUMN_TEXT),      ROW(tacho_run_info, start_unix_ns, COLUMN_I64),
    ROW(tacho_run_info, start_host_ns, COLUMN_I64), ROW(tacho_run_info, duration_ns, COLUMN_I64),
    ROW(tacho_run_info, finished, COLUMN_BOOL),     ROW(tacho_run_info, has_exit, COLUMN_BOOL),
    ROW(tacho_run_info, exit_status, COLUMN_I32),
};
static const struct column environment_columns[] = {
    ROW(tacho_run_environment, key, COLUMN_TEXT),
    ROW(tacho_run_environment, value, COLUMN_TEXT),
};
static const struct column clock_columns[] = {
    ROW(tacho_run_clock, name, COLUMN_TEXT),
    ROW(tacho_run_clock, hz, COLUMN_DOUBLE),
    ROW(tacho_run_clock, resolution_ns, COLUMN_DOUBLE),
    ROW(tacho_run_clock, wrap_bits, COLUMN_U32),
    {"clock_hz", COLUMN_DOUBLE, offsetof(struct tacho_run_clock, clock.hz)},
    {"point_count", COLUMN_U32, offsetof(struct tacho_run_clock, clock.count)},
};
static const struct column clock_point_columns[] = {
    ROW(tacho_clock_point, ticks, COLUMN_I64),
    ROW(tacho_clock_point, host_ns, COLUMN_I64),
};
static const struct nested clock_points = {
    offsetof(struct tacho_run_clock, clock.count), offsetof(struct tacho_run_clock, clock.points),
    TACHO_CLOCK_POINTS_MAX, sizeof(struct tacho_clock_point), COLUMNS(clock_point_columns)};
static const struct column thread_columns[] = {
    ROW(tacho_run_thread, pid, COLUMN_U32),         ROW(tacho_run_thread, tid, COLUMN_U32),
    ROW(tacho_run_thread, parent_pid, COLUMN_U32),  ROW(tacho_run_thread, name, COLUMN_TEXT),
    ROW(tacho_run_thread, command, COLUMN_TEXT),    ROW(tacho_run_thread, start_ns, COLUMN_I64),
    ROW(tacho_run_thread, end_ns, COLUMN_I64),      ROW(tacho_run_thread, has_exit, COLUMN_BOOL),
    ROW(tacho_run_thread, exit_status, COLUMN_I32),
};
static const struct column note_columns[] = {
    ROW(tacho_run_note, kind, COLUMN_U8),
    ROW(tacho_run_note, subject, COLUMN_TEXT),
    ROW(tacho_run_note, text, COLUMN_TEXT),
    ROW(tacho_run_note, value, COLUMN_DOUBLE),
};
static const struct column module_columns[] = {
    ROW(tacho_run_module, path, COLUMN_TEXT),
    ROW(tacho_run_module, build_id, COLUMN_TEXT),
};
static const struct column frame_columns[] = {
    ROW(tacho_run_frame, module, COLUMN_INDEX),  ROW(tacho_run_frame, address, COLUMN_U64),
    ROW(tacho_run_frame, function, COLUMN_TEXT), ROW(tacho_run_frame, file, COLUMN_TEXT),
    ROW(tacho_run_frame, line, COLUMN_U32),      ROW(tacho_run_frame, flags, COLUMN_U32),
    ROW(tacho_run_frame, caller, COLUMN_INDEX),
};
static const struct column node_columns[] = {
    ROW(tacho_run_node, parent, COLUMN_INDEX),
    ROW(tacho_run_node, frame, COLUMN_INDEX),
};
static const struct column zone_columns[] = {
    ROW(tacho_run_zone, name, COLUMN_TEXT),     ROW(tacho_run_zone, file, COLUMN_TEXT),
    ROW(tacho_run_zone, function, COLUMN_TEXT), ROW(tacho_run_zone, line, COLUMN_U32),
    ROW(tacho_run_zone, frame, COLUMN_INDEX),
};
static const struct column zone_stats_columns[] = {
    ROW(tacho_run_zone_stats, zone, COLUMN_INDEX),
    ROW(tacho_run_zone_stats, thread, COLUMN_INDEX),
    ROW(tacho_run_zone_stats, count, COLUMN_U64),
    ROW(tacho_run_zone_stats, errors, COLUMN_U64),
    ROW(tacho_run_zone_stats, total_ns, COLUMN_U64),
    ROW(tacho_run_zone_stats, self_ns, COLUMN_U64),
    ROW(tacho_run_zone_stats, min_ns, COLUMN_U64),
    ROW(tacho_run_zone_stats, max_ns, COLUMN_U64),
    ROW(tacho_run_zone_stats, last_ns, COLUMN_U64),
    ROW(tacho_run_zone_stats, sub_bucket_bits, COLUMN_U32),
    ROW(tacho_run_zone_stats, bucket_count, COLUMN_U32),
    ROW(tacho_run_zone_stats, sampled_one_in, COLUMN_U32),
};
static const struct column bucket_columns[] = {
    ROW(tacho_histogram_bucket, bucket, COLUMN_U32),
    ROW(tacho_histogram_bucket, count, COLUMN_U64),
};
static const struct nested zone_buckets = {offsetof(struct tacho_run_zone_stats, bucket_count),
                                           offsetof(struct tacho_run_zone_stats, buckets), 0,
                                           sizeof(struct tacho_histogram_bucket),
                                           COLUMNS(bucket_columns)};
static const struct column series_columns[] = {
    ROW(tacho_run_series, name, COLUMN_TEXT), ROW(tacho_run_series, subject, COLUMN_TEXT),
    ROW(tacho_run_series, unit, COLUMN_TEXT), ROW(tacho_run_series, help, COLUMN_TEXT),
    ROW(tacho_run_series, kind, COLUMN_U8),   ROW(tacho_run_series, direction, COLUMN_U8),
    ROW(tacho_run_series, flags, COLUMN_U8),
};
static const struct column profile_columns[] = {
    ROW(tacho_run_profile, name, COLUMN_TEXT),      ROW(tacho_run_profile, unit, COLUMN_TEXT),
    ROW(tacho_run_profile, sampler, COLUMN_TEXT),   ROW(tacho_run_profile, period, COLUMN_DOUBLE),
    ROW(tacho_run_profile, rate_hz, COLUMN_DOUBLE),
};
static const struct column event_columns[] = {
    ROW(tacho_run_event, time_ns, COLUMN_I64),  ROW(tacho_run_event, name, COLUMN_TEXT),
    ROW(tacho_run_event, text, COLUMN_TEXT),    ROW(tacho_run_event, thread, COLUMN_INDEX),
    ROW(tacho_run_event, value, COLUMN_DOUBLE),
};
static const struct column span_columns[] = {
    ROW(tacho_run_span, begin_ns, COLUMN_I64), ROW(tacho_run_span, duration_ns, COLUMN_I64),
    ROW(tacho_run_span, self_ns, COLUMN_LESS), ROW(tacho_run_span, zone, COLUMN_INDEX),
    ROW(tacho_run_span, thread, COLUMN_INDEX), ROW(tacho_run_span, depth, COLUMN_U16),
    ROW(tacho_run_span, status, COLUMN_U8),
};
static const struct column stack_columns[] = {
    ROW(tacho_run_profile_sample, time_ns, COLUMN_I64),
    ROW(tacho_run_profile_sample, thread, COLUMN_INDEX),
    ROW(tacho_run_profile_sample, node, COLUMN_INDEX),
    ROW(tacho_run_profile_sample, weight, COLUMN_I64),
    ROW(tacho_run_profile_sample, flags, COLUMN_U16),
};

#define TABLE(kind, type, array, list, below, text)                                                \
    [kind] =                                                                                       \
        {                                                                                          \
            #array, sizeof(struct type), offsetof(struct tacho_run, array), COLUMNS(list), below,  \
            text}

static const struct tacho_layout tables[] = {
    TABLE(TACHO_CHUNK_RUN, tacho_run_info, info, run_columns, NULL, true),
    TABLE(TACHO_CHUNK_ENVIRONMENT, tacho_run_environment, environment, environment_columns, NULL,
          true),
    TABLE(TACHO_CHUNK_CLOCKS, tacho_run_clock, clocks, clock_columns, &clock_points, false),
    TABLE(TACHO_CHUNK_THREADS, tacho_run_thread, threads, thread_columns, NULL, true),
    TABLE(TACHO_CHUNK_NOTES, tacho_run_note, notes, note_columns, NULL, true),
    TABLE(TACHO_CHUNK_MODULES, tacho_run_module, modules, module_columns, NULL, true),
    TABLE(TACHO_CHUNK_FRAMES, tacho_run_frame, frames, frame_columns, NULL, true),
    TABLE(TACHO_CHUNK_NODES, tacho_run_node, nodes, node_columns, NULL, false),
    TABLE(TACHO_CHUNK_ZONES, tacho_run_zone, zones, zone_columns, NULL, true),
    TABLE(TACHO_CHUNK_ZONE_STATS, tacho_run_zone_stats, zone_stats, zone_stats_columns,
          &zone_buckets, false),
    TABLE(TACHO_CHUNK_SERIES, tacho_run_series, series, series_columns, NULL, true),
    TABLE(TACHO_CHUNK_PROFILES, tacho_run_profile, profiles, profile_columns, NULL, true),
    TABLE(TACHO_CHUNK_EVENTS, tacho_run_event, events, event_columns, NULL, true),
    TABLE(TACHO_CHUNK_SPANS, tacho_run_span, spans, span_columns, NULL, false),
    // The samples of a profile: an array of the profile, not of the run.
    [TACHO_CHUNK_STACKS] = {"stacks", sizeof(struct tacho_run_profile_sample), 0,
                            COLUMNS(stack_columns), NULL, false},
};

const struct tacho_layout *tacho_layout_of(unsigned kind)
{
    if (kind >= sizeof tables / sizeof *tables || !tables[kind].name)
        return NULL;
    return &tables[kind];
}

const char *tacho_layout_name(const struct tacho_layout *table)
{
    return table->name;
}

size_t tacho_layout_item_size(const struct tacho_layout *table)
{
    return table->item_size;
}

bool tacho_layout_is_text(const struct tacho_layout *table)
{
    return table->is_text;
}

static void *array_place(const struct tacho_run *run, unsigned kind, uint32_t part)
{
    if (kind == TACHO_CHUNK_STACKS)
        return part < run->profiles.count ? (void *)&run->profiles.items[part].samples : NULL;
    const struct tacho_layout *table = tacho_layout_of(kind);
    if (!table || kind == TACHO_CHUNK_RUN || part != 0)
        return NULL;
    return (char *)run + table->array_offset;
}

bool tacho_layout_array(const struct tacho_run *run, unsigned kind, uint32_t part,
                        struct tacho_any_array *array)
{
    const void *place = array_place(run, kind, part);
    if (place)
        memcpy(array, place, sizeof *array);
    return place != NULL;
}

void tacho_layout_array_set(struct tacho_run *run, unsigned kind, uint32_t part,
                            const struct tacho_any_array *array)
{
    void *place = array_place(run, kind, part);
    if (place)
        memcpy(place, array, sizeof *array);
}

#define GATHER(type, convert)                                                                      \
    for (size_t i = 0; i < count; i++, at += step) {                                               \
        type field;                                                                                \
        memcpy(&field, at, sizeof field);                                                          \
        values[i] = (int64_t)(convert);                                                            \
    }                                                                                              \
    break

static void gather(const struct column *column, const char *items, size_t step, size_t count,
                   int64_t *values)
{
    const char *at = items + column->offset;
    switch (column->type) {
    case COLUMN_U8:
        GATHER(uint8_t, field);
    case COLUMN_U16:
        GATHER(uint16_t, field);
    case COLUMN_U32:
        GATHER(uint32_t, field);
    case COLUMN_I32:
        GATHER(int32_t, field);
    case COLUMN_I64:
        GATHER(int64_t, field);
    case COLUMN_U64:
        GATHER(uint64_t, field);
    case COLUMN_BOOL:
        GATHER(bool, field);
    case COLUMN_INDEX:
        GATHER(uint32_t, field == TACHO_NO_INDEX ? -1 : (int64_t)field);
    case COLUMN_LESS: // `values` still hold the column before
        for (size_t i = 0; i < count; i++, at += step) {
            uint64_t field;
            memcpy(&field, at, sizeof field);
            values[i] = (int64_t)((uint64_t)values[i] - field);
        }
        break;
    case COLUMN_DOUBLE:
    case COLUMN_TEXT:
        break;
    }
}

#define SCATTER(type, low, high)                                                                   \
    for (size_t i = 0; i < count; i++, at += step) {                                               \
        if (values[i] < (low) || values[i] > (high))                                               \
            return TACHO_ERR_FORMAT;                                                               \
        type field = (type)values[i];                                                              \
        memcpy(at, &field, sizeof field);                                                          \
    }                                                                                              \
    break

static int scatter(const struct column *column, char *items, size_t step, size_t count,
                   const int64_t *values)
{
    char *at = items + column->offset;
    switch (column->type) {
    case COLUMN_U8:
        SCATTER(uint8_t, 0, UINT8_MAX);
    case COLUMN_U16:
        SCATTER(uint16_t, 0, UINT16_MAX);
    case COLUMN_U32:
        SCATTER(uint32_t, 0, UINT32_MAX);
    case COLUMN_I32:
        SCATTER(int32_t, INT32_MIN, INT32_MAX);
    case COLUMN_BOOL:
        SCATTER(bool, 0, 1);
    case COLUMN_INDEX:
        SCATTER(uint32_t, -1, (int64_t)UINT32_MAX - 1); // -1 becomes TACHO_NO_INDEX
    case COLUMN_I64:
    case COLUMN_U64:
    case COLUMN_LESS:
        for (size_t i = 0; i < count; i++, at += step)
            memcpy(at, &values[i], sizeof *values);
        break;
    case COLUMN_DOUBLE:
    case COLUMN_TEXT:
        break;
    }
    return 0;
}

// A column of texts: the distinct ones in order of appearance, then their numbers.
static void texts_put(const struct column *column, const char *items, size_t step, size_t count,
                      int64_t *values, struct tacho_buffer *to)
{
    struct tacho_map known = {0};
    struct tacho_buffer distinct = {0};
    const char *at = items + column->offset;
    for (size_t i = 0; i < count; i++, at += step) {
        const char *text;
        memcpy(&text, at, sizeof text);
        bool added;
        size_t number = known.count;
        // The strings of a run are kept once, so the same text is the same pointer.
        uint64_t *place = tacho_map_put(&known, (uint64_t)(uintptr_t)text, &added);
        if (added) {
            *place = number;
            size_t size = text ? strlen(text) : 0;
            tacho_buffer_varint(&distinct, size);
            tacho_buffer_add(&distinct, text, size);
        }
        values[i] = (int64_t)*place;
    }
    tacho_buffer_varint(to, known.count);
    tacho_buffer_add(to, distinct.data, distinct.size);
    tacho_column_i64_put(to, values, count);
    tacho_buffer_release(&distinct);
    tacho_map_release(&known);
}

static int texts_take(const struct column *column, char *items, size_t step, size_t count,
                      int64_t *values, struct tacho_bytes *from, struct tacho_run *run)
{
    uint64_t distinct, size;
    if (tacho_bytes_varint(from, &distinct) || distinct > count)
        return TACHO_ERR_FORMAT;
    TACHO_ARRAY(const char *) texts = {0};
    int code = 0;
    for (uint64_t i = 0; i < distinct; i++) {
        struct tacho_bytes text;
        if (tacho_bytes_varint(from, &size) || tacho_bytes_range(from, size, &text) ||
            memchr(text.at, '\0', (size_t)size)) {
            code = TACHO_ERR_FORMAT;
            break;
        }
        unsigned number =
            tacho_strings_number_n(&run->strings, (const char *)text.at, (size_t)size);
        tacho_array_push(&texts, run->strings.items[number]);
    }
    if (code == 0)
        code = tacho_column_i64_take(from, values, count);
    char *at = items + column->offset;
    for (size_t i = 0; i < count && code == 0; i++, at += step) {
        if (values[i] < 0 || (uint64_t)values[i] >= texts.count)
            code = TACHO_ERR_FORMAT;
        else
            memcpy(at, &texts.items[values[i]], sizeof *texts.items);
    }
    tacho_array_release(&texts);
    return code;
}

static void column_put(const struct column *column, const char *items, size_t step, size_t count,
                       int64_t *values, struct tacho_buffer *to)
{
    struct tacho_buffer one = {0};
    if (column->type == COLUMN_TEXT) {
        texts_put(column, items, step, count, values, &one);
    } else if (column->type == COLUMN_DOUBLE) {
        TACHO_ARRAY(double) numbers = {0};
        tacho_array_reserve(&numbers, count);
        for (size_t i = 0; i < count; i++)
            memcpy(&numbers.items[i], items + column->offset + i * step, sizeof(double));
        tacho_column_double_put(&one, numbers.items, count);
        tacho_array_release(&numbers);
    } else {
        gather(column, items, step, count, values);
        tacho_column_i64_put(&one, values, count);
    }
    tacho_buffer_varint(to, one.size);
    tacho_buffer_add(to, one.data, one.size);
    tacho_buffer_release(&one);
}

static int column_take(const struct column *column, char *items, size_t step, size_t count,
                       int64_t *values, struct tacho_bytes *from, struct tacho_run *run)
{
    if (column->type == COLUMN_TEXT)
        return texts_take(column, items, step, count, values, from, run);
    if (column->type == COLUMN_DOUBLE) {
        TACHO_ARRAY(double) numbers = {0};
        tacho_array_reserve(&numbers, count);
        int code = tacho_column_double_take(from, numbers.items, count);
        for (size_t i = 0; i < count && code == 0; i++)
            memcpy(items + column->offset + i * step, &numbers.items[i], sizeof(double));
        tacho_array_release(&numbers);
        return code;
    }
    if (column->type != COLUMN_LESS) {
        if (tacho_column_i64_take(from, values, count))
            return TACHO_ERR_FORMAT;
        return scatter(column, items, step, count, values);
    }
    TACHO_ARRAY(int64_t) less = {0};
    tacho_array_reserve(&less, count);
    int code = tacho_column_i64_take(from, less.items, count);
    for (size_t i = 0; i < count && code == 0; i++)
        values[i] = (int64_t)((uint64_t)values[i] - (uint64_t)less.items[i]);
    tacho_array_release(&less);
    return code ? code : scatter(column, items, step, count, values);
}

static void *nested_items(const struct nested *nested, const void *item)
{
    const char *place = (const char *)item + nested->items_offset;
    if (nested->inline_max)
        return (void *)place;
    void *items;
    memcpy(&items, place, sizeof items);
    return items;
}

static uint32_t nested_count(const struct nested *nested, const void *item)
{
    uint32_t count;
    memcpy(&count, (const char *)item + nested->count_offset, sizeof count);
    return count;
}

static uint64_t nested_total(const struct nested *nested, const char *items, size_t step,
                             size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += nested_count(nested, items + i * step);
    return total;
}

static void nested_put(const struct tacho_layout *table, const char *items, size_t count,
                       struct tacho_buffer *to)
{
    const struct nested *nested = table->nested;
    size_t total = (size_t)nested_total(nested, items, table->item_size, count);
    struct tacho_buffer flat = {0};
    for (size_t i = 0; i < count; i++) {
        const char *item = items + i * table->item_size;
        tacho_buffer_add(&flat, nested_items(nested, item),
                         nested_count(nested, item) * nested->item_size);
    }
    TACHO_ARRAY(int64_t) values = {0};
    tacho_array_reserve(&values, total);
    for (size_t i = 0; i < nested->column_count; i++)
        column_put(&nested->columns[i], flat.data, nested->item_size, total, values.items, to);
    tacho_array_release(&values);
    tacho_buffer_release(&flat);
}

// How many nested items a chunk may hold: far above what is real, far below what hurts.
#define NESTED_MAX (UINT64_C(1) << 24)

static int nested_take(const struct tacho_layout *table, char *items, size_t count,
                       struct tacho_bytes *payload, struct tacho_run *run)
{
    const struct nested *nested = table->nested;
    uint64_t total = nested_total(nested, items, table->item_size, count), size;
    if (total > NESTED_MAX)
        return TACHO_ERR_FORMAT;
    for (size_t i = 0; i < count && nested->inline_max; i++)
        if (nested_count(nested, items + i * table->item_size) > nested->inline_max)
            return TACHO_ERR_FORMAT;
    char *flat = total ? tacho_arena_take(&run->arena, total * nested->item_size) : NULL;
    TACHO_ARRAY(int64_t) values = {0};
    tacho_array_reserve(&values, (size_t)total);
    int code = 0;
    for (size_t i = 0; i < nested->column_count && code == 0; i++) {
        struct tacho_bytes one;
        if (tacho_bytes_varint(payload, &size) || tacho_bytes_range(payload, size, &one))
            code = TACHO_ERR_FORMAT;
        else
            code = column_take(&nested->columns[i], flat, nested->item_size, (size_t)total,
                               values.items, &one, run);
    }
    for (size_t i = 0; i < count && code == 0; i++) {
        char *item = items + i * table->item_size;
        size_t part = nested_count(nested, item) * nested->item_size;
        if (nested->inline_max && part)
            memcpy(item + nested->items_offset, flat, part);
        else if (!nested->inline_max && part)
            memcpy(item + nested->items_offset, &flat, sizeof flat);
        if (part)
            flat += part;
    }
    tacho_array_release(&values);
    return code;
}

void tacho_layout_put(const struct tacho_layout *table, const void *items, size_t count,
                      struct tacho_buffer *to)
{
    TACHO_ARRAY(int64_t) values = {0};
    tacho_array_reserve(&values, count);
    tacho_buffer_varint(to, table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        column_put(&table->columns[i], items, table->item_size, count, values.items, to);
    if (table->nested)
        nested_put(table, items, count, to);
    tacho_array_release(&values);
}

// Columns that an older version did not write: no text, no index.
static void column_default(const struct column *column, char *items, size_t step, size_t count,
                           struct tacho_run *run)
{
    const char *none = tacho_strings_keep(&run->strings, "");
    const uint32_t no_index = TACHO_NO_INDEX;
    for (size_t i = 0; i < count; i++) {
        if (column->type == COLUMN_TEXT)
            memcpy(items + i * step + column->offset, &none, sizeof none);
        else if (column->type == COLUMN_INDEX)
            memcpy(items + i * step + column->offset, &no_index, sizeof no_index);
    }
}

int tacho_layout_take(const struct tacho_layout *table, struct tacho_bytes payload, void *items,
                      size_t count, struct tacho_run *run, struct tacho_fail *fail)
{
    TACHO_ARRAY(int64_t) values = {0};
    uint64_t written, size;
    const char *at_column = "columns";
    tacho_array_reserve(&values, count);
    int code = tacho_bytes_varint(&payload, &written);
    for (uint64_t i = 0; code == 0 && i < written; i++) {
        struct tacho_bytes one;
        if (tacho_bytes_varint(&payload, &size) || tacho_bytes_range(&payload, size, &one)) {
            code = TACHO_ERR_FORMAT;
        } else if (i < table->column_count) { // a newer version may have written more
            at_column = table->columns[i].name;
            code = column_take(&table->columns[i], items, table->item_size, count, values.items,
                               &one, run);
        }
    }
    for (uint64_t i = code ? table->column_count : written; i < table->column_count; i++)
        column_default(&table->columns[i], items, table->item_size, count, run);
    if (code == 0 && table->nested) {
        at_column = "nested columns";
        code = nested_take(table, items, count, &payload, run);
    }
    tacho_array_release(&values);
    if (code)
        tacho_fail_set(fail, code, "the %s of the %s are malformed", at_column, table->name);
    return code;
}
