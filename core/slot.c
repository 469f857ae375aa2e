// Thread slots: each thread's place in the region, given back when it ends and reused later.
//
// A slot that ended keeps its ring and statistics until a new thread needs it; the first
// TACHO_SLOTS_NEW threads get fresh ones, so that what short-lived threads did stays readable for a
// while. When a slot is reused its statistics are added to the departed slot, so no total ever
// shrinks.
#include "core/core.h"

#include <string.h>

#define TACHO_SLOTS_NEW        64u
#define TACHO_RING_BYTES_MIN   4096u
#define TACHO_RING_BYTES_FIRST 65536u // a thread that records little takes little
#define TACHO_RING_SHARE       512u   // a ring takes at most this part of the region that is left

// Where threads write whose records nobody will read.
static struct tacho_ring_record spare_ring[1];

static bool series_has_buckets(uint32_t id)
{
    return tacho_series_at(id)->kind != TACHO_SERIES_COUNTER &&
           tacho_series_at(id)->kind != TACHO_SERIES_EVENT;
}

static uint32_t take_block(struct tacho_ring_slot *slot, uint32_t id)
{
    uint32_t *leaf = &slot->leaf[id / TACHO_RING_LEAF_SERIES];
    if (*leaf == 0)
        *leaf = tacho_region_take(TACHO_RING_LEAF_SERIES * sizeof(uint32_t));
    if (*leaf == 0)
        return 0;
    uint32_t *blocks = tacho_at(*leaf), *reference = &blocks[id % TACHO_RING_LEAF_SERIES];
    if (*reference != 0)
        return *reference;
    uint32_t taken =
        tacho_region_take(series_has_buckets(id) ? sizeof(struct tacho_ring_block)
                                                 : offsetof(struct tacho_ring_block, buckets));
    if (taken != 0)
        ((struct tacho_ring_block *)tacho_at(taken))->min = UINT64_MAX;
    __atomic_store_n(reference, taken, __ATOMIC_RELEASE);
    return taken;
}

uint32_t tacho_block_make(uint32_t series)
{
    if (!tacho_core.port->lock())
        return 0;
    uint32_t block = 0;
    struct tacho_ring_slot *slot = tacho_local.slot;
    if (slot && tacho_local.ready != 0)
        block = take_block(slot, series);
    tacho_core.port->unlock();
    return block;
}

static struct tacho_ring_slot *new_slot(void)
{
    struct tacho_ring_header *header = tacho_core.header;
    uint32_t reference = tacho_region_take(sizeof(struct tacho_ring_slot));
    if (reference == 0)
        return NULL;
    struct tacho_ring_slot *slot = tacho_at(reference);
    slot->index = header->slot_count;
    slot->random = 2463534242u + slot->index;
    if (header->slot_last)
        __atomic_store_n(&((struct tacho_ring_slot *)tacho_at(header->slot_last))->next, reference,
                         __ATOMIC_RELEASE);
    else
        __atomic_store_n(&header->slot_first, reference, __ATOMIC_RELEASE);
    header->slot_last = reference;
    __atomic_store_n(&header->slot_count, header->slot_count + 1, __ATOMIC_RELEASE);
    return slot;
}

static struct tacho_ring_slot *oldest_ended(void)
{
    struct tacho_ring_slot *oldest = NULL;
    for (uint32_t at = tacho_core.header->slot_first; at != 0;) {
        struct tacho_ring_slot *slot = tacho_at(at);
        if (slot->state == TACHO_RING_SLOT_ENDED &&
            (!oldest || slot->end_ticks < oldest->end_ticks))
            oldest = slot;
        at = slot->next;
    }
    return oldest;
}

static void merge_block(struct tacho_ring_slot *departed, uint32_t id,
                        struct tacho_ring_block *block)
{
    bool has_buckets = series_has_buckets(id);
    uint32_t to = take_block(departed, id);
    if (to != 0)
        tacho_block_merge(tacho_at(to), block, has_buckets);
    memset(block, 0, has_buckets ? sizeof *block : offsetof(struct tacho_ring_block, buckets));
    block->min = UINT64_MAX;
}

// Adds the statistics of an ended thread to the departed slot and clears them.
static void merge_departed(struct tacho_ring_slot *slot)
{
    if (tacho_core.header->departed == 0) {
        struct tacho_ring_slot *made = new_slot();
        if (!made)
            return;
        made->state = TACHO_RING_SLOT_DEPARTED;
        tacho_core.header->departed = tacho_core.header->slot_last;
    }
    struct tacho_ring_slot *departed = tacho_at(tacho_core.header->departed);
    for (uint32_t id = 1; id <= tacho_core.header->series_count; id++) {
        uint32_t leaf = slot->leaf[id / TACHO_RING_LEAF_SERIES];
        uint32_t block = leaf ? ((uint32_t *)tacho_at(leaf))[id % TACHO_RING_LEAF_SERIES] : 0;
        if (block != 0)
            merge_block(departed, id, tacho_at(block));
    }
}

static struct tacho_ring_slot *take_slot(void)
{
    struct tacho_ring_slot *slot = NULL;
    if (tacho_core.header->slot_count >= TACHO_SLOTS_NEW)
        slot = oldest_ended();
    if (!slot)
        slot = new_slot();
    if (!slot)
        slot = oldest_ended();
    if (!slot)
        return NULL;
    __atomic_store_n(&slot->generation, slot->generation | 1, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    if (slot->state == TACHO_RING_SLOT_ENDED)
        merge_departed(slot);
    slot->previous_tid = slot->tid;
    slot->ring_first = slot->claim;
    slot->depth = 0;
    slot->end_ticks = 0;
    slot->start_ticks = tacho_cpu_ticks();
    tacho_core.port->thread_started(slot);
    slot->state = TACHO_RING_SLOT_LIVE;
    __atomic_store_n(&slot->generation, slot->generation + 1, __ATOMIC_RELEASE);
    return slot;
}

static void take_ring(struct tacho_ring_slot *slot)
{
    uint64_t left = tacho_core.size_max - tacho_core.header->used_bytes;
    uint64_t bytes = TACHO_RING_BYTES_MIN, first = TACHO_RING_BYTES_FIRST;
    while (bytes * 2 <= tacho_core.port->ring_bytes && bytes * 2 <= left / TACHO_RING_SHARE)
        bytes *= 2;
    if (first > bytes)
        first = bytes;
    slot->ring = tacho_region_reserve(bytes, first);
    if (slot->ring == 0)
        return;
    slot->ring_reserved = (uint32_t)(bytes / sizeof(struct tacho_ring_record));
    slot->ring_records = (uint32_t)(first / sizeof(struct tacho_ring_record));
}

static void use_ring(struct tacho_local *local)
{
    const struct tacho_ring_slot *slot = local->slot;
    local->ring = tacho_at(slot->ring);
    local->ring_mask = slot->ring_records - 1;
    // A ring that went round once keeps its size: its records would be looked for in other places.
    bool can_grow = slot->ring_records < slot->ring_reserved && slot->claim <= slot->ring_records;
    local->ring_grows_at = can_grow ? slot->ring_records : UINT64_MAX;
}

void tacho_ring_grow(void)
{
    struct tacho_local *local = &tacho_local;
    struct tacho_ring_slot *slot = local->slot;
    if (!tacho_core.port->lock())
        return; // this once it goes round; the next record tries again
    uint32_t records = slot->ring_records;
    uint64_t bytes = (uint64_t)records * sizeof(struct tacho_ring_record);
    if (local->ready == ~0u && local->ring_grows_at == records) {
        local->ring_grows_at = UINT64_MAX;
        if (tacho_region_back(slot->ring, bytes, 2 * bytes)) {
            __atomic_store_n(&slot->ring_records, 2 * records, __ATOMIC_RELEASE);
            local->ring_mask = 2 * records - 1;
            if (2 * records < slot->ring_reserved)
                local->ring_grows_at = 2 * records;
        }
    }
    tacho_core.port->unlock();
}

// A child process goes on with the zones that were open when it was made.
static void take_over(struct tacho_ring_slot *slot, const struct tacho_ring_slot *from)
{
    memcpy(slot->open, from->open, sizeof slot->open);
    memcpy(slot->stack, from->stack, sizeof slot->stack);
    slot->depth = from->depth;
    for (uint32_t i = 0; i < slot->depth; i++)
        slot->open[i].what &= UINT32_MAX; // the blocks were the parent's
}

bool tacho_slot_ready(uint32_t mode)
{
    struct tacho_local *local = &tacho_local;
    if (local->ready == 0) {
        struct tacho_ring_slot *parked = local->slot, *slot = take_slot();
        if (!slot) {
            tacho_core.header->lost_threads++;
            local->refused = tacho_core.generation;
            return false;
        }
        if (parked)
            take_over(slot, parked);
        local->base = tacho_core.base;
        local->slot = slot;
        local->ring = spare_ring;
        local->ring_mask = 0;
        local->ring_grows_at = UINT64_MAX;
        local->ready = ~(uint32_t)TACHO_MODE_TRACE;
    }
    if ((mode & ~local->ready) != 0) {
        if (local->slot->ring_records == 0)
            take_ring(local->slot);
        if (local->slot->ring_records != 0)
            use_ring(local);
        local->ready = ~0u;
    }
    return true;
}

// Uniform in 1..2N-1, so N on average: a fixed stride could run in step with the program.
uint32_t tacho_countdown_new(struct tacho_ring_slot *slot)
{
    uint32_t one_in = __atomic_load_n(&tacho_core.header->sample_one_in, __ATOMIC_RELAXED);
    uint32_t random = slot->random;
    random ^= random << 13;
    random ^= random >> 17;
    random ^= random << 5;
    slot->random = random;
    return one_in <= 1 ? 1 : 1 + random % (2 * one_in - 1);
}

static bool was_left(const struct tacho_ring_slot *slot, uint32_t depth, uint32_t series,
                     uint32_t stack)
{
    // The stack grows downwards; the difference is right across the wrap of the lower 32 bits, too.
    int32_t above = (int32_t)(slot->stack[depth] - stack);
    if (tacho_ring_open_block(slot->open[depth].what) == 0)
        return false; // only with statistics it was noted where the stack was
    return above < 0 || (above == 0 && tacho_ring_open_series(slot->open[depth].what) == series);
}

bool tacho_open_is_inside(struct tacho_ring_slot *slot, uint32_t series)
{
    // The depth counts the one that begins already; its own entry is the last.
    uint32_t stack = slot->stack[slot->depth - 1];
    for (uint32_t depth = slot->depth - 1; depth-- > 0;)
        if (tacho_ring_open_series(slot->open[depth].what) == series &&
            !was_left(slot, depth, series, stack))
            return true;
    return false;
}

uint32_t tacho_open_drop_left(struct tacho_ring_slot *slot, uint32_t series, uint32_t stack)
{
    uint32_t depth = slot->depth;
    while (depth > 0 && was_left(slot, depth - 1, series, stack)) {
        depth--;
        uint64_t what = slot->open[depth].what;
        uint32_t block = tacho_ring_open_block(what);
        if (block != 0 && (tacho_ring_open_flags(what) & TACHO_RING_OPEN_NESTED) == 0)
            tacho_block_at(&tacho_local, block)->active = 0;
    }
    return depth;
}

void tacho_slot_release(struct tacho_ring_slot *slot)
{
    slot->end_ticks = tacho_cpu_ticks();
    __atomic_store_n(&slot->state, TACHO_RING_SLOT_ENDED, __ATOMIC_RELEASE);
}

void tacho_slot_park(struct tacho_ring_slot *spare)
{
    struct tacho_local *local = &tacho_local;
    if (local->ready == 0)
        return;
    take_over(spare, local->slot);
    local->slot = spare;
    local->ring = spare_ring;
    local->ring_mask = 0;
    local->ring_grows_at = UINT64_MAX;
    local->ready = 0;
}

bool tacho_make_ready(struct tacho_series *series, uint32_t mode)
{
    const struct tacho_port *port = tacho_core.port;
    struct tacho_ring_header *header = tacho_core.header;
    bool full =
        header && __atomic_load_n(&header->series_count, __ATOMIC_RELAXED) >= TACHO_RING_SERIES_MAX;
    if (!port || (tacho_local.refused != 0 && tacho_local.refused == tacho_core.generation) ||
        (full && tacho_series_id(series) == 0)) {
        if (full)
            __atomic_fetch_add(&header->lost_series, 1, __ATOMIC_RELAXED);
        return false;
    }
    if (!port->lock()) {
        if (header)
            __atomic_fetch_add(&header->lost_busy, 1, __ATOMIC_RELAXED);
        return false;
    }
    bool ready = port->ready() == 0 && tacho_slot_ready(mode);
    if (ready)
        tacho_series_register(series);
    port->unlock();
    return ready && tacho_series_id(series) != 0;
}
