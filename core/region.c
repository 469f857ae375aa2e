// The region: a header and whatever was taken behind it, in units of 64 bytes, never given back.
#include "core/core.h"

#include <string.h>

#define TACHO_REGION_STEP UINT64_C(65536)

void tacho_region_init(char *base, uint64_t size_bytes, uint64_t size_max)
{
    struct tacho_ring_header *header = (void *)base;
    header->version = TACHO_RING_VERSION;
    header->byte_order = TACHO_RING_BYTE_ORDER;
    header->header_size = TACHO_RING_HEADER_SIZE;
    header->sample_one_in = 1;
    header->slot_size = sizeof(struct tacho_ring_slot);
    header->series_size = sizeof(struct tacho_ring_series);
    header->record_size = sizeof(struct tacho_ring_record);
    header->block_size = sizeof(struct tacho_ring_block);
    header->histogram_bits = TACHO_RING_HISTOGRAM_BITS;
    header->bucket_count = TACHO_RING_BUCKETS;
    header->depth_max = TACHO_RING_DEPTH_MAX;
    header->leaf_series = TACHO_RING_LEAF_SERIES;
    header->size_bytes = size_bytes;
    header->used_bytes = TACHO_RING_HEADER_SIZE;
    tacho_core.base = base;
    tacho_core.header = header;
    tacho_core.size_max = size_max;
    tacho_core.usable = size_bytes;
    tacho_core.generation++;
}

// Makes [at, at + first) usable where it is not, and what follows up to the next step while at it.
static int back_end(uint64_t at, uint64_t first, uint64_t end)
{
    uint64_t usable = tacho_core.usable, from = at > usable ? at : usable, to = at + first;
    if (to <= usable)
        return end <= tacho_core.header->size_bytes ? 0 : tacho_core.port->grow(at, at, end);
    if (to == end) {
        to = (end + TACHO_REGION_STEP - 1) & ~(TACHO_REGION_STEP - 1);
        to = to > tacho_core.size_max ? tacho_core.size_max : to;
    }
    int code = tacho_core.port->grow(from, to, to > end ? to : end);
    if (code == 0 && to >= end)
        tacho_core.usable = to;
    return code;
}

uint32_t tacho_region_reserve(uint64_t bytes, uint64_t first)
{
    struct tacho_ring_header *header = tacho_core.header;
    uint64_t at = header->used_bytes;
    uint64_t end = at + ((bytes + TACHO_RING_UNIT - 1) & ~(uint64_t)(TACHO_RING_UNIT - 1));
    if (first >= bytes)
        first = end - at;
    if (end > tacho_core.size_max || back_end(at, first, end) < 0) {
        header->lost_memory++;
        return 0;
    }
    __atomic_store_n(&header->used_bytes, end, __ATOMIC_RELEASE);
    return (uint32_t)(at / TACHO_RING_UNIT);
}

uint32_t tacho_region_take(uint64_t bytes)
{
    return tacho_region_reserve(bytes, bytes);
}

bool tacho_region_back(uint32_t reference, uint64_t from, uint64_t to)
{
    uint64_t at = (uint64_t)reference * TACHO_RING_UNIT;
    if (tacho_core.port->grow(at + from, at + to, 0) == 0)
        return true;
    tacho_core.header->lost_memory++;
    return false;
}

uint32_t tacho_region_text(const char *text)
{
    if (!text || !text[0])
        return 0;
    size_t size = strlen(text) + 1;
    uint32_t reference = tacho_region_take(size);
    if (reference)
        memcpy(tacho_at(reference), text, size);
    return reference;
}
