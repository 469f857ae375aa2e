// The OS port to start a new one from: what the recording asks of an operating system.
//
// Copy this folder, fill in each function, and build with -DTACHO_OS=your-folder. docs/PORTING.md
// says more. This one is complete for a program with one thread that records into a fixed array.
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/core.h"

#define MEMORY_BYTES 32768

// The switch that every zone tests. At least 32 words; word TACHO_CONTROL_MODE is the mode.
uint32_t tacho_control[32];

static _Alignas(TACHO_RING_UNIT) char memory[MEMORY_BYTES];

// Called on slow paths only (first zone of a thread, first pass of a zone). Block what could
// interrupt and record: an interrupt handler must never find the lock held. False: do without, and
// count.
static bool lock(void)
{
    return true;
}

static void unlock(void)
{
}

// Makes bytes [from, to) usable and the region `size` long; the whole array is there already.
static int grow(uint64_t from, uint64_t to, uint64_t size)
{
    (void)from;
    return to <= MEMORY_BYTES && size <= MEMORY_BYTES ? 0 : TACHO_ERR_FULL;
}

// A region of this process: made at first use.
static int ready(void)
{
    if (!tacho_core.base) {
        tacho_region_init(memory, sizeof memory, sizeof memory);
        memcpy(tacho_core.header->magic, TACHO_RING_MAGIC, sizeof tacho_core.header->magic);
    }
    return 0;
}

// Say who the thread is, and arrange that tacho_slot_release(slot) is called when it ends.
static void thread_started(struct tacho_ring_slot *slot)
{
    slot->tid = 1;
    memcpy(slot->name, "main", 5);
}

static const struct tacho_port port = {
    .lock = lock,
    .unlock = unlock,
    .grow = grow,
    .ready = ready,
    .thread_started = thread_started,
    .ring_bytes = 4096,
};

int tacho_start(const struct tacho_config *config)
{
    uint32_t mode = config && config->mode ? config->mode : (uint32_t)TACHO_MODE_STATISTICS;
    tacho_core.port = &port;
    int code = ready();
    if (code == 0)
        tacho_control[TACHO_CONTROL_MODE] = mode;
    return code;
}

void tacho_stop(void)
{
    tacho_control[TACHO_CONTROL_MODE] = 0;
}
