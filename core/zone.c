// Entering and leaving zones: the hot path.
//
// The idea: two raw counter reads are the floor (18 ns under the hypervisor this was tuned on), and
// everything else fits between them in the processor's shadow, if it is a few plain stores to lines
// that only this thread writes. So entering pushes {zone, start} on the thread's open-zone stack in
// the region (an observer sees it, also after the program died), and leaving pops it, appends one
// record of 16 bytes (trace) or adds to the thread's own block of the zone (statistics).
//
// Signal handlers may interrupt any instruction here: the depth goes up before the entry is
// written, so a handler's zones use the entries above; handlers leave the depth as they found it;
// ring records are claimed by one instruction. A handler that interrupts an addition to a block can
// at worst make that one addition see its own, never tear it.
#include "core/core.h"

struct tacho_core tacho_core;
TACHO_CPU_THREAD struct tacho_local tacho_local TACHO_CPU_THREAD_MODEL;

// Whether sampling leaves this execution out.
static bool sampled_out(struct tacho_local *local, struct tacho_ring_block *block)
{
    if (block->countdown > 1) {
        block->countdown--;
        return true;
    }
    block->countdown = tacho_countdown_new(local->slot);
    return false;
}

// The statistics half of entering: returns the block's reference, 0 where it cannot be had.
static inline uint32_t enter_statistics(struct tacho_local *local, uint32_t id, uint32_t mode,
                                        uint32_t *flags)
{
    uint32_t reference = tacho_block_find(local, id);
    if (TACHO_UNLIKELY(reference == 0))
        reference = tacho_block_make(id);
    if (TACHO_UNLIKELY(reference == 0))
        return 0;
    struct tacho_ring_block *block = tacho_block_at(local, reference);
    if (TACHO_UNLIKELY(block->active) && tacho_open_is_inside(local->slot, id))
        *flags |= TACHO_RING_OPEN_NESTED;
    block->active = 1;
    if ((mode & TACHO_MODE_SAMPLED) && sampled_out(local, block))
        *flags |= TACHO_RING_OPEN_UNTIMED;
    return reference;
}

// Pushes zone `id` on the open-zone stack; the thread is ready for `mode`.
static inline struct tacho_scope enter(uint32_t id, uint32_t mode, uint32_t flags)
{
    struct tacho_scope scope = {0, 0};
    struct tacho_local *local = &tacho_local;
    struct tacho_ring_slot *slot = local->slot;
    uint32_t depth = slot->depth, reference = 0;
    if (TACHO_UNLIKELY(depth >= TACHO_RING_DEPTH_MAX)) {
        if (mode & TACHO_MODE_STATISTICS)
            depth = tacho_open_drop_left(slot, id, tacho_cpu_stack());
        if (depth >= TACHO_RING_DEPTH_MAX) {
            slot->lost_depth++;
            return scope;
        }
    }
    __atomic_store_n(&slot->depth, depth + 1, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    struct tacho_ring_open *open = &slot->open[depth];
    if (mode & (TACHO_MODE_STATISTICS | TACHO_MODE_SAMPLED)) {
        slot->stack[depth] = tacho_cpu_stack();
        reference = enter_statistics(local, id, mode, &flags);
        open->child = 0;
    }
    __atomic_store_n(&open->what, tacho_ring_open_what(id, flags, reference), __ATOMIC_RELAXED);
    scope.place = (uint64_t)(mode | TACHO_PLACE_OPEN) << 32 | (depth + 1);
    if (TACHO_UNLIKELY(flags & TACHO_RING_OPEN_UNTIMED)) {
        scope.place |= (uint64_t)TACHO_PLACE_UNTIMED << 32;
        return scope;
    }
    scope.start = tacho_cpu_ticks();
    __atomic_store_n(&open->start, scope.start, __ATOMIC_RELAXED);
    return scope;
}

struct tacho_scope tacho_zone_enter(struct tacho_zone *zone)
{
    const struct tacho_scope refused = {0, 0};
    uint32_t mode = tacho_mode(), id = tacho_series_id(&zone->series);
    if (TACHO_UNLIKELY((mode & ~tacho_local.ready) != 0 || id == 0)) {
        if (!tacho_make_ready(&zone->series, mode))
            return refused;
        id = tacho_series_id(&zone->series);
    }
    return enter(id, mode, 0);
}

// Executions above `depth` that were left without an end (longjmp, cancelled): they are no longer
// open.
static void abandon(struct tacho_local *local, uint32_t depth)
{
    struct tacho_ring_slot *slot = local->slot;
    for (uint32_t above = slot->depth; above > depth && above <= TACHO_RING_DEPTH_MAX; above--) {
        uint64_t what = slot->open[above - 1].what;
        uint32_t block = tacho_ring_open_block(what);
        if (block != 0 && (tacho_ring_open_flags(what) & TACHO_RING_OPEN_NESTED) == 0)
            tacho_block_at(local, block)->active = 0;
    }
}

static inline void count_execution(struct tacho_ring_block *block, struct tacho_ring_open *open,
                                   uint32_t depth, uint64_t duration, uint32_t place,
                                   uint32_t flags)
{
    if (depth) {
        uint64_t weighted = duration;
        if (TACHO_UNLIKELY(place & TACHO_MODE_SAMPLED)) // stands for all that were left out
            weighted *= tacho_core.header->sample_one_in;
        open[-1].child += weighted;
    }
    tacho_cpu_add(&block->count, 1);
    tacho_cpu_add((flags & TACHO_RING_OPEN_NESTED) ? &block->nested : &block->total, duration);
    if (open->child)
        block->inside += (int64_t)open->child;
    if (duration < block->min)
        block->min = duration;
    if (duration > block->max)
        block->max = duration;
    block->last = duration;
    tacho_block_count(block, duration);
}

static inline void leave_statistics(struct tacho_local *local, struct tacho_ring_open *open,
                                    uint64_t what, uint32_t depth, uint64_t duration,
                                    uint32_t place)
{
    struct tacho_ring_block *block = tacho_block_at(local, tacho_ring_open_block(what));
    uint32_t flags = tacho_ring_open_flags(what);
    if (TACHO_UNLIKELY(place & TACHO_PLACE_UNTIMED))
        block->untimed++;
    else
        count_execution(block, open, depth, duration, place, flags);
    if (TACHO_UNLIKELY(flags & TACHO_RING_OPEN_FAILED))
        block->errors++;
    if (TACHO_LIKELY((flags & TACHO_RING_OPEN_NESTED) == 0))
        block->active = 0;
}

static void hold_limit(uint32_t id, uint64_t duration)
{
    struct tacho_ring_series *series = tacho_series_at(id);
    if (series->limit_ticks == 0 || duration <= series->limit_ticks)
        return;
    __atomic_fetch_add(&series->over_limit, 1, __ATOMIC_RELAXED);
    if (tacho_core.port->over_limit)
        tacho_core.port->over_limit(id);
}

// Appends the span to the ring.
static inline void leave_trace(struct tacho_local *local, uint64_t what, uint64_t start,
                               uint32_t depth, uint64_t duration)
{
    uint32_t id = tacho_ring_open_series(what), flags = tacho_ring_open_flags(what);
    uint32_t error = flags & TACHO_RING_OPEN_FAILED;
    uint64_t time = start << 8 | depth;
    if (TACHO_LIKELY(duration >> TACHO_RING_DURATION_BITS == 0))
        tacho_ring_put(local, time, tacho_ring_detail(id, error, TACHO_RING_SPAN, duration));
    else
        tacho_ring_put_two(local, time, tacho_ring_detail(id, error, TACHO_RING_SPAN_LONG, 0),
                           duration);
}

static inline void leave(uint64_t now, struct tacho_scope scope)
{
    struct tacho_local *local = &tacho_local;
    struct tacho_ring_slot *slot = local->slot;
    uint32_t depth = (uint32_t)scope.place - 1, place = (uint32_t)(scope.place >> 32);
    uint64_t duration = now - scope.start;
    struct tacho_ring_open *open = &slot->open[depth];
    uint64_t what = open->what;
    if (TACHO_UNLIKELY(slot->depth != depth + 1))
        abandon(local, depth + 1);
    if ((place & (TACHO_MODE_TRACE | TACHO_PLACE_UNTIMED)) == TACHO_MODE_TRACE)
        leave_trace(local, what, scope.start, depth, duration);
    if (tacho_ring_open_block(what) != 0)
        leave_statistics(local, open, what, depth, duration, place);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&slot->depth, depth, __ATOMIC_RELAXED);
    if (TACHO_UNLIKELY((place & (TACHO_MODE_LIMITS | TACHO_PLACE_UNTIMED)) == TACHO_MODE_LIMITS))
        hold_limit(tacho_ring_open_series(what), duration);
}

void tacho_zone_leave(struct tacho_zone *zone, struct tacho_scope scope)
{
    uint64_t now = tacho_cpu_ticks();
    (void)zone;
    leave(now, scope);
}

void tacho_function_enter(uint32_t id, uint32_t mode)
{
    enter(id, mode, mode << TACHO_RING_OPEN_MODE_SHIFT);
}

void tacho_function_leave(uint32_t id)
{
    uint64_t now = tacho_cpu_ticks();
    const struct tacho_ring_slot *slot = tacho_local.slot;
    uint32_t depth = slot ? slot->depth : 0;
    // The innermost execution of this function; those above were left by longjmp.
    while (depth > 0 && tacho_ring_open_series(slot->open[depth - 1].what) != id)
        depth--;
    if (depth == 0)
        return; // entered while the recording was off, or too deep
    const struct tacho_ring_open *open = &slot->open[depth - 1];
    uint32_t flags = tacho_ring_open_flags(open->what);
    uint32_t place = flags >> TACHO_RING_OPEN_MODE_SHIFT | TACHO_PLACE_OPEN;
    if (flags & TACHO_RING_OPEN_UNTIMED)
        place |= TACHO_PLACE_UNTIMED;
    const struct tacho_scope scope = {open->start, (uint64_t)place << 32 | depth};
    leave(now, scope);
}

void tacho_zone_fail_on(void)
{
    struct tacho_ring_slot *slot = tacho_local.slot;
    if (!slot || tacho_local.ready == 0)
        return;
    uint32_t depth = slot->depth;
    if (depth > 0 && depth <= TACHO_RING_DEPTH_MAX)
        slot->open[depth - 1].what |= (uint64_t)TACHO_RING_OPEN_FAILED << 16;
}
