// Counters, gauges, histograms and events: what a switched-on program adds to.
#include "core/core.h"

// The calling thread's block of `series`, NULL where it cannot be had (counted).
static struct tacho_ring_block *block_of(struct tacho_series *series, uint32_t mode)
{
    struct tacho_local *local = &tacho_local;
    if (TACHO_UNLIKELY((mode & ~local->ready) != 0 || tacho_series_id(series) == 0) &&
        !tacho_make_ready(series, mode))
        return NULL;
    uint32_t reference = tacho_block_find(local, tacho_series_id(series));
    if (TACHO_UNLIKELY(reference == 0))
        reference = tacho_block_make(tacho_series_id(series));
    return TACHO_LIKELY(reference != 0) ? tacho_block_at(local, reference) : NULL;
}

void tacho_counter_add_on(struct tacho_counter *counter, int64_t amount)
{
    struct tacho_ring_block *block = block_of(&counter->series, tacho_mode());
    if (!block)
        return;
    tacho_cpu_add(&block->count, 1);
    tacho_cpu_add(&block->total, (uint64_t)amount);
}

void tacho_gauge_set_on(struct tacho_gauge *gauge, int64_t value)
{
    uint32_t mode = tacho_mode();
    struct tacho_series *series = &gauge->series;
    if (TACHO_UNLIKELY((mode & ~tacho_local.ready) != 0 || tacho_series_id(series) == 0) &&
        !tacho_make_ready(series, mode))
        return;
    struct tacho_ring_series *entry = tacho_series_at(tacho_series_id(series));
    __atomic_store_n(&entry->value, value, __ATOMIC_RELAXED);
    __atomic_store_n(&entry->value_ticks, tacho_cpu_ticks(), __ATOMIC_RELEASE);
}

static void count_value(struct tacho_ring_block *block, uint64_t value)
{
    tacho_cpu_add(&block->count, 1);
    tacho_cpu_add(&block->total, value);
    if (value < block->min)
        block->min = value;
    if (value > block->max)
        block->max = value;
    block->last = value;
}

void tacho_histogram_add_on(struct tacho_histogram *histogram, uint64_t value)
{
    struct tacho_ring_block *block = block_of(&histogram->series, tacho_mode());
    if (!block)
        return;
    count_value(block, value);
    tacho_block_count(block, value);
}

void tacho_event_put_on(struct tacho_event *event, int64_t value)
{
    uint32_t mode = tacho_mode();
    struct tacho_ring_block *block = block_of(&event->series, mode);
    if (!block)
        return;
    tacho_cpu_add(&block->count, 1);
    tacho_cpu_add(&block->total, (uint64_t)value);
    block->last = (uint64_t)value;
    struct tacho_local *local = &tacho_local;
    if (mode & TACHO_MODE_TRACE)
        tacho_ring_put_two(
            local, tacho_cpu_ticks() << 8 | (local->slot->depth & 0xff),
            tacho_ring_detail(tacho_series_id(&event->series), 0, TACHO_RING_EVENT, 0),
            (uint64_t)value);
}
