// The per-thread rings: spans and events that are new, and the zones that are still open.
#include <math.h>
#include <string.h>

#include "decode/ring_reader.h"

#define TICKS_BITS 56 // of a record's time
#define TICKS_MASK ((UINT64_C(1) << TICKS_BITS) - 1)

struct walk {
    struct tacho_ring_reader *reader;
    struct tacho_reader_thread *thread;
    struct tacho_sink *sink;
    struct tacho_fail *fail;
    bool first_after_gap;
};

// The full counter value whose lower 56 bits are `ticks`: the one nearest to the latest known
// point.
static int64_t full_ticks(const struct tacho_ring_reader *reader, uint64_t ticks)
{
    uint64_t near = reader->last.ticks, full = (near & ~TICKS_MASK) | ticks;
    if (full > near + (TICKS_MASK >> 1) && full > TICKS_MASK)
        full -= TICKS_MASK + 1;
    else if (near > full + (TICKS_MASK >> 1))
        full += TICKS_MASK + 1;
    return (int64_t)full;
}

static uint32_t zone_of(const struct tacho_ring_reader *reader, uint32_t series)
{
    if (series == 0 || series > reader->series.count)
        return 0;
    return reader->series.items[series - 1].zone;
}

// Own time: what is left after the spans inside, unless one of them was lost or left out.
static int64_t self_ticks(struct walk *walk, int64_t begin, int64_t duration, uint32_t depth)
{
    struct tacho_reader_thread *thread = walk->thread;
    int64_t inside = thread->child[depth + 1];
    thread->child[depth + 1] = 0;
    thread->child[depth] += duration;
    bool sampled = (walk->reader->header.mode & TACHO_MODE_SAMPLED) != 0;
    if (sampled || begin < (int64_t)thread->known_ticks || inside > duration)
        return -1;
    return duration - inside;
}

static int push_span(struct walk *walk, const struct tacho_ring_record *record, uint64_t duration)
{
    struct tacho_record out = {.kind = TACHO_RECORD_SPAN, .clock = walk->reader->clock};
    uint32_t depth = record->time & 0xff, zone = zone_of(walk->reader, record->detail & 0xffff);
    out.time = full_ticks(walk->reader, record->time >> 8);
    int64_t ticks = duration > (uint64_t)INT64_MAX / 2 ? INT64_MAX / 2 : (int64_t)duration;
    if (walk->first_after_gap) {
        walk->thread->known_ticks = (uint64_t)(out.time + ticks);
        walk->first_after_gap = false;
    }
    if (zone == 0) { // half-written, or a damaged file
        walk->reader->lost++;
        return 0;
    }
    out.span.zone = zone;
    out.span.thread = walk->thread->id;
    out.span.duration_ticks = ticks;
    out.span.self_ticks = self_ticks(walk, out.time, ticks, depth);
    out.span.depth = (uint16_t)depth;
    out.span.status = (record->detail >> 16 & 1) ? TACHO_SPAN_ERROR : TACHO_SPAN_OK;
    walk->reader->span_count++;
    return tacho_sink_put(walk->sink, &out, walk->fail);
}

static int push_event(struct walk *walk, const struct tacho_ring_record *record, uint64_t value)
{
    struct tacho_record out = {.kind = TACHO_RECORD_EVENT, .clock = walk->reader->clock};
    uint32_t series = record->detail & 0xffff;
    if (series == 0 || series > walk->reader->series.count)
        return 0;
    out.time = full_ticks(walk->reader, record->time >> 8);
    out.event.name = walk->reader->series.items[series - 1].name;
    out.event.thread = walk->thread->id;
    out.event.value = (double)(int64_t)value;
    return tacho_sink_put(walk->sink, &out, walk->fail);
}

static int push_records(struct walk *walk, const struct tacho_ring_record *records, size_t count)
{
    int code = 0;
    for (size_t i = 0; i < count && code == 0; i++) {
        uint32_t kind = records[i].detail >> 17 & 7;
        bool has_second = i + 1 < count && (records[i + 1].detail >> 17 & 7) == TACHO_RING_DATA;
        if (kind == TACHO_RING_SPAN)
            code = push_span(walk, &records[i], records[i].detail >> 20);
        else if (kind == TACHO_RING_SPAN_LONG && has_second)
            code = push_span(walk, &records[i], records[i + 1].time);
        else if (kind == TACHO_RING_EVENT && has_second)
            code = push_event(walk, &records[i], records[i + 1].time);
        else if (kind != TACHO_RING_DATA)
            walk->reader->lost++;
    }
    return code;
}

// Copies records [from, to) of the ring into the scratch buffer.
static int copy_records(struct tacho_ring_reader *reader, const struct tacho_ring_slot *slot,
                        uint64_t from, uint64_t to, struct tacho_ring_record **records)
{
    size_t count = (size_t)(to - from), size = count * sizeof **records;
    uint64_t at = tacho_reader_offset(slot->ring), mask = slot->ring_records - 1;
    size_t first = (size_t)(slot->ring_records - (from & mask));
    if (first > count)
        first = count;
    reader->records.size = 0;
    char *room = tacho_buffer_room(&reader->records, size);
    *records = (void *)room;
    size_t first_size = first * sizeof **records;
    if (tacho_reader_get(reader, at + (from & mask) * sizeof **records, room, first_size) < 0)
        return TACHO_ERR_FORMAT;
    if (first < count && tacho_reader_get(reader, at, room + first_size, size - first_size) < 0)
        return TACHO_ERR_FORMAT;
    return 0;
}

int tacho_reader_spans_push(struct tacho_ring_reader *reader, struct tacho_reader_thread *thread,
                            const struct tacho_ring_slot *slot, struct tacho_sink *sink,
                            struct tacho_fail *fail)
{
    struct walk walk = {reader, thread, sink, fail, false};
    struct tacho_ring_record *records;
    uint64_t head = slot->head, claim = 0, from = thread->tail, size = slot->ring_records;
    if (head <= from)
        return 0;
    if (size == 0) { // there was no memory for a ring
        reader->lost += head - from;
        thread->tail = head;
        return 0;
    }
    if (head - from > size)
        from = head - size;
    int code = copy_records(reader, slot, from, head, &records);
    if (code == 0)
        code = tacho_reader_get(reader,
                                tacho_reader_offset(thread->reference) +
                                    offsetof(struct tacho_ring_slot, claim),
                                &claim, sizeof claim);
    if (code < 0)
        return tacho_fail_set(fail, TACHO_ERR_FORMAT, "a ring of the ring file is damaged");
    // What the writer claimed while we copied may have overwritten the oldest of the copy.
    uint64_t valid = claim > size ? claim - size : 0;
    if (valid > head)
        valid = head;
    if (valid > from) {
        records += valid - from;
        from = valid;
    }
    if (from > thread->tail) {
        reader->lost += from - thread->tail;
        memset(thread->child, 0, sizeof thread->child);
        walk.first_after_gap = true;
    }
    thread->tail = head;
    return push_records(&walk, records, (size_t)(head - from));
}

int tacho_reader_open_push(struct tacho_ring_reader *reader, struct tacho_reader_thread *thread,
                           const struct tacho_ring_slot *slot, struct tacho_sink *sink,
                           struct tacho_fail *fail)
{
    int64_t now = (int64_t)reader->last.ticks, outer = 0;
    uint32_t depth = slot->depth < TACHO_RING_DEPTH_MAX ? slot->depth : TACHO_RING_DEPTH_MAX;
    if (slot->state != TACHO_RING_SLOT_LIVE)
        return 0;
    for (uint32_t i = 0; i < depth; i++) {
        const struct tacho_ring_open *open = &slot->open[i];
        struct tacho_record out = {.kind = TACHO_RECORD_SPAN, .clock = reader->clock};
        out.span.zone = zone_of(reader, tacho_ring_open_series(open->what));
        out.time = (int64_t)open->start;
        bool timed = (tacho_ring_open_flags(open->what) & TACHO_RING_OPEN_UNTIMED) == 0;
        if (out.span.zone == 0 || !timed || out.time < outer || out.time <= 0)
            continue; // left out by sampling, or killed while it was being written
        outer = out.time;
        out.span.thread = thread->id;
        out.span.duration_ticks = now > out.time ? now - out.time : 0;
        out.span.self_ticks = -1;
        out.span.depth = (uint16_t)i;
        out.span.status = TACHO_SPAN_OPEN;
        int code = tacho_sink_put(sink, &out, fail);
        if (code < 0)
            return code;
    }
    return 0;
}

int tacho_ring_reader_open_zones(struct tacho_ring_reader *reader,
                                 void (*take)(void *context,
                                              const struct tacho_ring_open_zones *open),
                                 void *context, struct tacho_fail *fail)
{
    for (size_t i = 0; i < reader->threads.count; i++) {
        const struct tacho_reader_thread *thread = &reader->threads.items[i];
        struct tacho_ring_slot slot;
        struct tacho_ring_open_zones open = {.thread = thread->id, .tid = thread->tid};
        int code = tacho_reader_slot(reader, thread->reference, &slot);
        if (code == TACHO_ERR_FORMAT)
            return tacho_fail_set(fail, code, "a thread slot of the ring file is damaged");
        if (code < 0 || slot.state != TACHO_RING_SLOT_LIVE || thread->id == 0 ||
            slot.generation != thread->generation)
            continue;
        open.count = slot.depth < TACHO_RING_DEPTH_MAX ? slot.depth : TACHO_RING_DEPTH_MAX;
        for (uint32_t depth = 0; depth < open.count; depth++)
            open.zones[depth] = zone_of(reader, tacho_ring_open_series(slot.open[depth].what));
        take(context, &open);
    }
    return 0;
}
