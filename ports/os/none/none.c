// The library without an operating system.
#include "none/none.h"

#include <stdint.h>
#include <string.h>

#include "core/core.h"

#define CONTROL_WORDS 32
#define RING_PART     4

uint32_t tacho_control[CONTROL_WORDS];

static bool lock(void)
{
    return true; // the region's tables change only here, and zones of interrupts find them complete
}

static void unlock(void)
{
}

static int grow(uint64_t from, uint64_t to, uint64_t size)
{
    (void)from;
    return to <= tacho_core.size_max && size <= tacho_core.size_max ? 0 : TACHO_ERR_FULL;
}

static int ready(void)
{
    return tacho_core.base ? 0 : TACHO_ERR_MEMORY;
}

static void thread_started(struct tacho_ring_slot *slot)
{
    slot->tid = 1;
}

static struct tacho_port port = {
    .lock = lock,
    .unlock = unlock,
    .grow = grow,
    .ready = ready,
    .thread_started = thread_started,
};

int tacho_memory_use(void *memory, size_t bytes)
{
    if (((uintptr_t)memory & (TACHO_RING_UNIT - 1)) != 0 ||
        bytes < TACHO_RING_HEADER_SIZE + sizeof(struct tacho_ring_slot))
        return TACHO_ERR_INVALID;
    memset(memory, 0, bytes);
    port.ring_bytes = bytes / RING_PART;
    tacho_core.port = &port;
    tacho_region_init(memory, bytes, bytes);
    memcpy(tacho_core.header->magic, TACHO_RING_MAGIC, sizeof tacho_core.header->magic);
    return 0;
}

int tacho_start(const struct tacho_config *config)
{
    if (!tacho_core.base)
        return TACHO_ERR_MEMORY;
    uint32_t mode = config && config->mode ? config->mode : (uint32_t)TACHO_MODE_STATISTICS;
    tacho_core.header->sample_one_in = config && config->sample_one_in ? config->sample_one_in : 1;
    tacho_core.header->mode = mode;
    __atomic_store_n(&tacho_control[TACHO_CONTROL_MODE], mode, __ATOMIC_RELEASE);
    return 0;
}

void tacho_stop(void)
{
    __atomic_store_n(&tacho_control[TACHO_CONTROL_MODE], 0, __ATOMIC_RELEASE);
}
