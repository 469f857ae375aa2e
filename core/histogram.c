// The log-linear histogram of a block: wrapped buckets and merging. Its layout is explained, with
// its error bound, in tacho/histogram.h; counting itself is inline in core.h.
#include "core/core.h"

static void carry_add(struct tacho_ring_block *block, uint32_t bucket, uint32_t count)
{
    for (uint32_t i = 0; i < TACHO_RING_CARRIES; i++) {
        if (block->carry_count[i] != 0 && block->carry_bucket[i] != bucket)
            continue;
        block->carry_bucket[i] = bucket;
        block->carry_count[i] += count;
        return;
    }
}

void tacho_block_carry(struct tacho_ring_block *block, uint32_t bucket)
{
    carry_add(block, bucket, 1);
}

static void merge_buckets(struct tacho_ring_block *to, const struct tacho_ring_block *from)
{
    for (uint32_t i = 0; i < TACHO_RING_BUCKETS; i++) {
        uint32_t count = __atomic_load_n(&from->buckets[i], __ATOMIC_RELAXED);
        if (count == 0)
            continue;
        to->buckets[i] += count;
        if (to->buckets[i] < count)
            carry_add(to, i, 1);
    }
    for (uint32_t i = 0; i < TACHO_RING_CARRIES; i++)
        if (from->carry_count[i] != 0)
            carry_add(to, from->carry_bucket[i], from->carry_count[i]);
}

void tacho_block_merge(struct tacho_ring_block *to, const struct tacho_ring_block *from,
                       bool has_buckets)
{
    uint64_t min = __atomic_load_n(&from->min, __ATOMIC_RELAXED);
    uint64_t max = __atomic_load_n(&from->max, __ATOMIC_RELAXED);
    uint64_t count = __atomic_load_n(&from->count, __ATOMIC_RELAXED);
    to->count += count;
    to->total += __atomic_load_n(&from->total, __ATOMIC_RELAXED);
    to->nested += __atomic_load_n(&from->nested, __ATOMIC_RELAXED);
    to->inside += __atomic_load_n(&from->inside, __ATOMIC_RELAXED);
    to->errors += __atomic_load_n(&from->errors, __ATOMIC_RELAXED);
    to->untimed += __atomic_load_n(&from->untimed, __ATOMIC_RELAXED);
    if (min < to->min)
        to->min = min;
    if (max > to->max)
        to->max = max;
    if (count > 0)
        to->last = __atomic_load_n(&from->last, __ATOMIC_RELAXED);
    if (has_buckets)
        merge_buckets(to, from);
}
