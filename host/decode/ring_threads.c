// The thread slots of a ring file: walking them, describing new threads, reading their blocks.
#include <stdlib.h>
#include <string.h>

#include "decode/ring_reader.h"

#define SLOTS_MAX 65536u

int tacho_reader_slot(struct tacho_ring_reader *reader, uint32_t reference,
                      struct tacho_ring_slot *slot)
{
    uint32_t generation;
    uint64_t at = tacho_reader_offset(reference);
    if (tacho_reader_get(reader, at, slot, sizeof *slot) < 0 ||
        tacho_reader_get(reader, at + offsetof(struct tacho_ring_slot, generation), &generation,
                         sizeof generation) < 0)
        return TACHO_ERR_FORMAT;
    if ((slot->generation & 1) || generation != slot->generation)
        return TACHO_ERR_BUSY;
    if (slot->ring_records != 0 &&
        ((slot->ring_records & (slot->ring_records - 1)) != 0 || slot->ring == 0 ||
         (uint64_t)slot->ring_records * sizeof(struct tacho_ring_record) >
             reader->header.size_bytes))
        return TACHO_ERR_FORMAT;
    slot->name[sizeof slot->name - 1] = 0;
    return 0;
}

static struct tacho_reader_thread *find_thread(struct tacho_ring_reader *reader, uint32_t reference)
{
    for (size_t i = 0; i < reader->threads.count; i++)
        if (reader->threads.items[i].reference == reference)
            return &reader->threads.items[i];
    const struct tacho_reader_thread made = {.reference = reference};
    tacho_array_push(&reader->threads, made);
    return &reader->threads.items[reader->threads.count - 1];
}

static int64_t host_ns(const struct tacho_ring_reader *reader, uint64_t ticks)
{
    if (ticks == 0 || reader->hz <= 0)
        return 0;
    double away = (double)(int64_t)(ticks - reader->first.ticks);
    return reader->first.host_ns + (int64_t)(away * 1e9 / reader->hz);
}

static int push_thread(struct tacho_ring_reader *reader, struct tacho_reader_thread *thread,
                       const struct tacho_ring_slot *slot, struct tacho_sink *sink,
                       struct tacho_fail *fail)
{
    struct tacho_record record = {.kind = TACHO_RECORD_THREAD};
    struct tacho_thread_info *info = &record.thread;
    info->id = thread->id;
    info->pid = reader->identity.pid;
    info->tid = thread->tid;
    if (info->tid == info->pid)
        info->parent_pid = reader->identity.parent_pid;
    info->name = thread->is_departed ? "(ended threads)" : slot->name[0] ? slot->name : NULL;
    // A process began before its first zone; only a thread that did not lead the process is dated.
    if (info->tid != info->pid) {
        info->start_ns = host_ns(reader, slot->start_ticks);
        info->end_ns = thread->ended ? host_ns(reader, slot->end_ticks) : 0;
    }
    return tacho_sink_put(sink, &record, fail);
}

// Brings `thread` up to date with its slot; describes who has it now.
static int meet(struct tacho_ring_reader *reader, struct tacho_reader_thread *thread,
                const struct tacho_ring_slot *slot, struct tacho_sink *sink,
                struct tacho_fail *fail)
{
    bool ended = slot->state == TACHO_RING_SLOT_ENDED;
    if (thread->id != 0 && thread->generation == slot->generation && thread->ended == ended)
        return 0;
    if (thread->id == 0 || thread->generation != slot->generation) {
        thread->id = tacho_record_id_new();
        thread->generation = slot->generation;
        thread->tid = slot->tid;
        thread->is_departed = slot->state == TACHO_RING_SLOT_DEPARTED;
        memset(thread->child, 0, sizeof thread->child);
        if (thread->tail < slot->ring_first && slot->ring_first <= slot->head)
            thread->known_ticks = slot->start_ticks;
    }
    thread->ended = ended;
    return push_thread(reader, thread, slot, sink, fail);
}

int tacho_reader_threads_each(struct tacho_ring_reader *reader, struct tacho_sink *sink,
                              int (*each)(struct tacho_ring_reader *reader,
                                          struct tacho_reader_thread *thread,
                                          const struct tacho_ring_slot *slot,
                                          struct tacho_sink *sink, struct tacho_fail *fail),
                              struct tacho_fail *fail)
{
    uint32_t at = reader->header.slot_first;
    for (uint32_t walked = 0; at != 0; walked++) {
        struct tacho_ring_slot slot;
        int code = tacho_reader_slot(reader, at, &slot);
        if (code == TACHO_ERR_FORMAT || walked >= SLOTS_MAX || walked > reader->header.slot_count)
            return tacho_fail_set(fail, TACHO_ERR_FORMAT,
                                  "thread slot %u of the ring file is damaged", walked);
        struct tacho_reader_thread *thread = find_thread(reader, at);
        if (code == 0 && slot.state != TACHO_RING_SLOT_FREE) {
            code = meet(reader, thread, &slot, sink, fail);
            if (code == 0)
                code = each(reader, thread, &slot, sink, fail);
            if (code < 0)
                return code;
        }
        at = slot.next;
    }
    return 0;
}

int tacho_reader_block(struct tacho_ring_reader *reader, const struct tacho_ring_slot *slot,
                       uint32_t series, struct tacho_ring_block *block, uint64_t *buckets)
{
    uint32_t leaf = slot->leaf[series / TACHO_RING_LEAF_SERIES], reference = 0;
    memset(block, 0, offsetof(struct tacho_ring_block, buckets));
    if (series >= TACHO_RING_SERIES_MAX || leaf == 0)
        return 0;
    uint64_t at = tacho_reader_offset(leaf) + series % TACHO_RING_LEAF_SERIES * sizeof(uint32_t);
    if (tacho_reader_get(reader, at, &reference, sizeof reference) < 0)
        return TACHO_ERR_FORMAT;
    if (reference == 0)
        return 0;
    at = tacho_reader_offset(reference);
    if (tacho_reader_get(reader, at, block, offsetof(struct tacho_ring_block, buckets)) < 0)
        return TACHO_ERR_FORMAT;
    if (!buckets)
        return 0;
    uint32_t count = reader->header.bucket_count;
    uint32_t *narrow = malloc(count * sizeof *narrow);
    int code = narrow ? tacho_reader_get(reader, at + offsetof(struct tacho_ring_block, buckets),
                                         narrow, count * sizeof *narrow)
                      : TACHO_ERR_MEMORY;
    for (uint32_t i = 0; code == 0 && i < count; i++)
        buckets[i] = narrow[i];
    for (uint32_t i = 0; code == 0 && i < TACHO_RING_CARRIES; i++)
        if (block->carry_bucket[i] < count)
            buckets[block->carry_bucket[i]] += (uint64_t)block->carry_count[i] << 32;
    free(narrow);
    return code;
}
