// The directory of series: what zones, counters, gauges, histograms and events are called.
#include "core/core.h"

#include <string.h>

struct tacho_ring_series *tacho_series_at(uint32_t id)
{
    uint32_t chunk = tacho_core.header->directory[(id - 1) / TACHO_RING_DIRECTORY_CHUNK];
    struct tacho_ring_series *entries = tacho_at(chunk);
    return &entries[(id - 1) % TACHO_RING_DIRECTORY_CHUNK];
}

static bool same_text(uint32_t reference, const char *text)
{
    if (!text || !text[0])
        return reference == 0;
    return reference != 0 && strcmp(tacho_at(reference), text) == 0;
}

// A place that was registered before: a library that was unloaded and loaded again, or an inline
// function of several files.
static uint32_t find(const struct tacho_series *series)
{
    for (uint32_t id = 1; id <= tacho_core.header->series_count; id++) {
        const struct tacho_ring_series *entry = tacho_series_at(id);
        if (entry->line == series->line && entry->kind == series->kind &&
            same_text(entry->name, series->name) && same_text(entry->file, series->file))
            return id;
    }
    return 0;
}

uint32_t tacho_series_add(const struct tacho_series *series, uint64_t address)
{
    struct tacho_ring_header *header = tacho_core.header;
    uint32_t id = header->series_count + 1;
    if (id > TACHO_RING_SERIES_MAX) {
        header->lost_series++;
        return 0;
    }
    uint32_t *chunk = &header->directory[(id - 1) / TACHO_RING_DIRECTORY_CHUNK];
    if (*chunk == 0)
        *chunk = tacho_region_take(TACHO_RING_DIRECTORY_CHUNK * sizeof(struct tacho_ring_series));
    if (*chunk == 0)
        return 0;
    struct tacho_ring_series *entry = tacho_series_at(id);
    entry->name = tacho_region_text(series->name);
    entry->unit = tacho_region_text(series->unit);
    entry->file = tacho_region_text(series->file);
    entry->function = same_text(entry->name, series->function)
                          ? entry->name
                          : tacho_region_text(series->function);
    entry->line = series->line;
    entry->address = address;
    entry->kind = series->kind;
    __atomic_store_n(&header->series_count, id, __ATOMIC_RELEASE);
    return id;
}

void tacho_series_register(struct tacho_series *series)
{
    if (series->id != 0)
        return; // another thread was faster
    uint32_t id = find(series);
    if (id == 0) {
        id = tacho_series_add(series, 0);
        if (id != 0 && tacho_core.port->series_added)
            tacho_core.port->series_added(id);
    }
    __atomic_store_n(&series->id, id, __ATOMIC_RELEASE);
}
