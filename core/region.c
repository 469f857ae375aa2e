// The region: a header and whatever was taken behind it, in units of 64 bytes, never given back.
#include "core/core.h"

#include <string.h>

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
    tacho_core.generation++;
}

uint32_t tacho_region_take(uint64_t bytes)
{
    struct tacho_ring_header *header = tacho_core.header;
    uint64_t at = header->used_bytes;
    uint64_t end = at + ((bytes + TACHO_RING_UNIT - 1) & ~(uint64_t)(TACHO_RING_UNIT - 1));
    if (end > tacho_core.size_max || (end > header->size_bytes && tacho_core.port->grow(end) < 0)) {
        header->lost_memory++;
        return 0;
    }
    __atomic_store_n(&header->used_bytes, end, __ATOMIC_RELEASE);
    return (uint32_t)(at / TACHO_RING_UNIT);
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
